"""How many digits to compute with, so that as many as asked for are right: runs are compared.

Two runs differ in tolerance, order and precision; their gap is the error of the coarser one, and
the finer one is reported. A first pair with few digits is cheap and tells how many digits the flow
and its small entries cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import object_matrix
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.integrate.trajectory import Trajectory
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.words import Word

MAX_ATTEMPTS = 6
PILOT = 8
APART = 4
"""Digits between the two runs of a pair."""


@dataclass(frozen=True, eq=False)
class Reached:
    """A state at a time, and how it was come by."""

    time: Fraction
    state: dict[Any, Any]
    method: str
    steps: int


Run = Callable[[int], list[Reached]]


def refined(
    run: Run, values: Mapping[Any, Any], observables: Mapping[str, Word], digits: int
) -> list[Trajectory]:
    """The states of a run with as many digits as make ``digits`` of every entry right.

    Raises ``ToleranceNotMet`` where several attempts are not enough.
    """
    working = digits + APART
    if digits > 2 * PILOT:
        pair = run(PILOT), run(PILOT + APART)
        missing = max(_judge(*pair, values, observables, digits, pilot=True)[1], default=0.0)
        working = max(digits + 1, PILOT + ceil(missing) + 1)
    for _ in range(MAX_ATTEMPTS):
        rough, sharp = run(working), run(working + APART)
        found, lacking = _judge(rough, sharp, values, observables, digits, pilot=False)
        missing = max(lacking, default=0.0)
        if missing <= 0:
            return found
        working += ceil(missing) + 1
    raise ToleranceNotMet(
        f"{sharp[-1].method}: {digits} digits at t = {sharp[-1].time} were not reached; the flow "
        "is too sensitive to its start: ask for fewer digits or an earlier time"
    )


def _judge(
    rough: list[Reached],
    sharp: list[Reached],
    values: Mapping[Any, Any],
    observables: Mapping[str, Word],
    digits: int,
    *,
    pilot: bool,
) -> tuple[list[Trajectory], list[float]]:
    """The trajectories, and the decimal digits that entries and observables lack."""
    found, lacking = [], [0.0]
    ctx = MultiprecisionArithmetic(digits)
    for before, after in zip(rough, sharp, strict=True):
        work = MultiprecisionArithmetic(_decimals(after.state) + digits)
        old = _named(before.state, values, observables, work)
        new = _named(after.state, values, observables, work)
        gap = work.mp.zero
        moving = {symbol.name for symbol in after.state}
        for name, X in new.items():
            for x, y in zip(_flat(old[name]), _flat(X), strict=True):
                error = abs(x - y)
                gap = max(gap, error) if name in moving else gap
                lacking.append(_lack(error, abs(y), digits, work.mp, pilot=pilot))
        named = {name: _rounded(X, ctx) for name, X in new.items()}
        found.append(
            Trajectory(after.time, named, ctx.number(gap), False, after.method, after.steps)
        )
    return found, lacking


def _decimals(state: Mapping[Any, Any]) -> int:
    """Decimals that hold the exact midpoints of a state."""
    return 20 + max(
        int(x.man_exp()[0]).bit_length() * 3 // 10 for X in state.values() for x in _balls(X)
    )


def _lack(error: Any, size: Any, digits: int, mp: Any, *, pilot: bool) -> float:
    """Digits by which an error exceeds one unit of digit number ``digits`` of its entry."""
    small = mp.mpf(10) ** -digits
    if error == 0 or (pilot and size <= error):  # a pilot knows nothing of so small an entry
        return -np.inf
    allowed = small if size < small else size * small
    return float(mp.log10(error / allowed))


def _named(
    state: Mapping[Any, Any],
    values: Mapping[Any, Any],
    observables: Mapping[str, Word],
    ctx: MultiprecisionArithmetic,
) -> dict[str, Any]:
    here = {symbol: _lifted(value, ctx) for symbol, value in values.items()}
    moved = {symbol: _lifted(X, ctx) for symbol, X in state.items()}
    here.update(moved)
    named = {symbol.name: X for symbol, X in moved.items()}
    named.update({name: evaluate(word, here, ctx) for name, word in observables.items()})
    return named


def _lifted(value: Any, ctx: MultiprecisionArithmetic) -> Any:
    if isinstance(value, flint.arb_mat):
        return object_matrix(value.tolist(), ctx.number)
    if isinstance(value, np.ndarray | list | tuple):
        return ctx.matrix(value)
    return value if hasattr(value, "gradient") else ctx.number(value)


def _rounded(X: Any, ctx: MultiprecisionArithmetic) -> Any:
    return object_matrix(X.tolist(), ctx.number) if isinstance(X, np.ndarray) else ctx.number(X)


def _flat(X: Any) -> list[Any]:
    return list(X.flat) if isinstance(X, np.ndarray) else [X]


def _balls(X: Any) -> list[Any]:
    return X.entries() if isinstance(X, flint.arb_mat) else [X]
