"""One instance, one question, as much arithmetic as it takes and no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    ArrayArithmetic,
    BallArithmetic,
    Comparison,
    MultiprecisionArithmetic,
)
from lora_proofs.arithmetic.comparison import confirm_outcome, encloses
from lora_proofs.arithmetic.floats import floats_refused
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.judging.blame import Trial, remember
from lora_proofs.judging.raising import shown
from lora_proofs.language.claim import Check, Claim
from lora_proofs.language.settling import LOWERED
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import leanings

RIGOROUS = ("exact", "ball")
EVERY = ("exact", "ball", "multiprecision")
MEASURED = "measured:"
"""How the label of a comparison begins that is evidence beside the theorem."""


@dataclass(frozen=True)
class Judged:
    """What a check said of an instance.

    ``outcome`` is ``holds``, ``fails``, ``undecided``, ``unavailable`` (the arithmetic lacks
    something) or ``empty`` (no comparison came); ``rigorous`` says whether it is proved for this
    instance.
    """

    outcome: str
    comparisons: tuple[Comparison, ...] = ()
    arithmetic: str = ""
    rigorous: bool = False
    why: str = ""
    cites: tuple[str, ...] = ()
    """The theorems from the literature that the numbers lean on."""

    @property
    def refutes(self) -> bool:
        """Fails, beyond doubt."""
        return self.outcome == "fails" and self.rigorous

    @property
    def certifies(self) -> bool:
        """Holds, beyond doubt."""
        return self.outcome == "holds" and self.rigorous

    @property
    def decided_by(self) -> str:
        """The arithmetic of the numbers: an enclosure that exact code compares is a ball."""
        balls = self.arithmetic == "exact" and any(map(encloses, self.comparisons))
        return "ball" if balls else self.arithmetic

    def failing(self) -> Comparison:
        """The first comparison that fails, rigorous ones first."""
        failing = [c for c in self.comparisons if c.outcome == "fails"]
        return next((c for c in failing if c.rigorous), failing[0])


def ladder(names: Sequence[str], digits: int) -> tuple[Arithmetic, ...]:
    """The arithmetics of the names, in order; balls get twice and four times the digits.

    Raises ``BadInput`` for a name that is not an arithmetic.

    >>> [ctx.name for ctx in ladder(("exact", "ball"), 50)]
    ['exact', 'ball', 'ball', 'ball']
    """
    rungs: dict[str, tuple[Arithmetic, ...]] = {
        "exact": (EXACT,),
        "ball": tuple(BallArithmetic(digits * k) for k in (1, 2, 4)),
        "multiprecision": (MultiprecisionArithmetic(digits),),
        "array": (ArrayArithmetic(),),
    }
    for name in names:
        if name not in rungs:
            raise BadInput(f"expected arithmetics among {', '.join(rungs)}; got {name!r}")
    return tuple(ctx for name in names for ctx in rungs[name])


def evaluate(check: Check, instance: Instance, ctx: Arithmetic) -> Judged:
    """Run a check on an instance in one arithmetic."""
    try:
        with ctx.working(), leanings() as heard:
            bits = flint.ctx.prec
            found = comparisons(check, instance, ctx)
            lowered = ctx.name == "ball" and flint.ctx.prec < bits
            left = f"{LOWERED} {flint.ctx.prec} bits" if lowered else ""
    except Unavailable as lack:
        return Judged("unavailable", arithmetic=ctx.name, why=str(lack))
    outcome, rigorous = _overall(found)
    why = f"undecided in {ctx.name} arithmetic{left}" if outcome == "undecided" else ""
    return Judged(outcome, found, ctx.name, rigorous, why, tuple(heard))


def comparisons(check: Check, instance: Instance, ctx: Arithmetic) -> tuple[Comparison, ...]:
    """What a check yields on an instance; ``BadInput`` for anything but honest comparisons."""
    try:
        with floats_refused(ctx.rigorous):
            return _yielded(check, check(instance, ctx))
    except Exception as error:
        remember(error, Trial(check, instance, ctx.name))
        raise


def _yielded(check: Check, found: Any) -> tuple[Comparison, ...]:
    if not isinstance(found, Iterable) or isinstance(found, str | Mapping):
        raise BadInput(
            f"{_named(check)}: expected it to yield comparisons (at_most, at_least, below or "
            f"equal), got {_got(found)}; write `yield at_most(label, left, right)`"
        )
    told = tuple(found)
    for item in told:
        if not isinstance(item, Comparison):
            raise BadInput(
                f"{_named(check)}: expected it to yield comparisons, got {_got(item)}; write "
                "`yield at_most(label, left, right)`, or `equal` for ==, `below` for <"
            )
        confirm_outcome(item)
    return told


def _named(check: Check) -> str:
    return str(getattr(check, "__name__", type(check).__name__))


def _got(value: Any) -> str:
    """What came in place of comparisons, in short."""
    if value is None:
        return "None, as from a function without `yield`"
    if isinstance(value, Comparison):
        return f"the single comparison {value.label!r}, as from `return`"
    shown = " ".join(repr(value).split())
    return f"{type(value).__name__}={shown if len(shown) < 80 else shown[:77] + '...'}"


def _overall(found: tuple[Comparison, ...]) -> tuple[str, bool]:
    failing = [c for c in found if c.outcome == "fails"]
    if failing:
        return "fails", any(c.rigorous for c in failing)
    if not found:
        return "empty", False
    if any(c.outcome == "undecided" for c in found):
        return "undecided", False
    return "holds", all(c.rigorous for c in found)


def settle(check: Check, instance: Instance, rungs: Sequence[Arithmetic]) -> Judged:
    """Climb the rungs until one decides.

    Floats stand in where exact numbers and balls are unavailable. Where those are available and
    cannot tell, floats cannot either.
    """
    last = Judged("unavailable", why="no arithmetic was tried")
    for ctx in rungs:
        if last.outcome == "undecided" and not ctx.rigorous:
            break
        found = evaluate(check, instance, ctx)
        if found.outcome in ("holds", "fails", "empty"):
            return found
        if found.outcome == "undecided" or last.outcome != "undecided":
            last = found
    return last


def confirm(check: Check, instance: Instance, digits: int, declared: Sequence[str]) -> Judged:
    """Settle it in exact and ball arithmetic alone, also where the claim did not declare them.

    An arithmetic that the claim did not declare may meet code that it cannot run: then it is
    unavailable, and whatever it raised is not the claim's fault.
    """
    last = Judged("unavailable", why="no rigorous arithmetic was tried")
    for ctx in ladder(RIGOROUS, digits):
        try:
            found = evaluate(check, instance, ctx)
        except Exception as error:
            if ctx.name in declared:
                raise
            found = Judged("unavailable", arithmetic=ctx.name, why=shown(error))
        if found.refutes or found.certifies or found.outcome == "empty":
            return found
        last = found
    return last


def assumptions_on(
    claim: Claim, instance: Instance, digits: int, *, rigorously: bool = False
) -> dict[str, Judged]:
    """Each assumption's outcome on an instance; ``rigorously`` leaves out the float tiers."""
    rungs = ladder(RIGOROUS if rigorously else EVERY, digits)
    return {a.name: settle(a.holds, instance, rungs) for a in claim.assumptions}


def is_trivial(found: Iterable[Comparison]) -> bool:
    """Whether every comparison is 0 against 0."""
    return all(_is_zero(c.left) and _is_zero(c.right) for c in found)


def _is_zero(value: Any) -> bool:
    return all(x == 0 for x in value.flat) if isinstance(value, np.ndarray) else bool(value == 0)
