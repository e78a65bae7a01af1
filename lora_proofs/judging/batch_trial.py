"""A batch against one of its instances alone: fields, comparisons and slacks have to agree."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lora_proofs.arithmetic import ArrayArithmetic, Comparison
from lora_proofs.arithmetic.comparison import plainly, size
from lora_proofs.judging.batch_checks import FLOAT, Run, Runs, run_batch
from lora_proofs.judging.batch_draws import Batch
from lora_proofs.judging.batch_numbers import Many, plain
from lora_proofs.judging.evaluation import Judged, evaluate, ladder, settle
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.instance import Instance

FIELD = 1e-9
"""How far a field of a batch may be from the exact one, beside its size."""


def disagreement(
    claim: Claim, batch: Batch, runs: Runs, k: int, exact: Instance | None, digits: int
) -> str:
    """Where instance k alone comes out differently than in its batch; empty where it agrees."""
    row = int(batch.kept[k])
    if exact is None:
        return "the answers of an instance draw none"
    if (where := _field_apart(exact, batch.together, row)) is not None:
        return f"the field {where} of an instance is not the one that is drawn alone"
    run = next((run for run in runs.runs if row in run.rows), None)
    if run is None:
        return ""
    # How far apart two float computations may be, the bound on their errors says.
    bounded = run_batch(claim.check, batch.together, np.array([row]), errors=True)
    radii = [float(sides.radius[0]) for one in bounded.runs for sides in one.sides]
    alone = _alone(claim, exact, digits)
    return _comparison_apart(run, int(np.flatnonzero(run.rows == row)[0]), alone, radii)


def _alone(claim: Claim, exact: Instance, digits: int) -> Judged:
    """What the check says of a single instance, in floats where they can say it."""
    try:
        found = evaluate(claim.check, exact, ArrayArithmetic())
    except Exception:
        found = Judged("unavailable")
    if found.outcome == "unavailable":
        found = settle(claim.check, exact, ladder(claim.arithmetics, digits))
    return found


def _field_apart(exact: Any, together: Any, row: int) -> str | None:
    for name, value in exact.fields:
        other = getattr(together, name, None)
        if isinstance(value, Instance) and isinstance(other, Instance):
            inside = _field_apart(value, other, row)
            if inside is not None:
                return f"{name}.{inside}"
        elif not _same(value, other, row):
            return str(name)
    return None


def _same(value: Any, other: Any, row: int) -> bool:
    if isinstance(value, tuple):
        fits = isinstance(other, tuple) and len(value) == len(other)
        return fits and all(_same(a, b, row) for a, b in zip(value, other, strict=True))
    if isinstance(value, str):
        return bool(value == other)
    x, y = plain(value), float(other.values[row]) if type(other) is Many else plain(other)
    if x is None or y is None:
        return False
    return abs(x - y) <= FIELD * (1 + abs(x) + abs(y))


def _comparison_apart(run: Run, place: int, alone: Judged, radii: list[float]) -> str:
    waiting = list(alone.comparisons)
    if len(radii) != len(run.sides):
        return "it compares otherwise when errors are followed"
    for sides, reach in zip(run.sides, radii, strict=True):
        while waiting and waiting[0].label != sides.label:
            waiting.pop(0)
        if not waiting:
            return f"the comparison {sides.label!r} does not come up for an instance alone"
        told = waiting.pop(0)
        if not _near(told, float(sides.slack[place]), reach):
            return (
                f"the slack of {sides.label!r} is {sides.slack[place]:.3g} in the batch and "
                f"{size(plainly(told, 'slack')):.3g} alone"
            )
    return ""


def _near(told: Comparison, slack: float, radius: float) -> bool:
    alone = size(plainly(told, "slack"))
    if not (math.isfinite(alone) and math.isfinite(slack)):
        return not math.isfinite(slack)  # it is a suspect whatever it is alone
    reach = 4 * radius + 10 * FLOAT * (abs(alone) + abs(slack))
    # Of a matrix, any entry that is off may be the one that is told.
    both = told.relation == "=" and (abs(alone) <= reach) == (abs(slack) <= reach)
    return both or abs(alone - slack) <= reach
