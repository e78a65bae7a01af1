"""How many digits to compute with, so that as many as asked for are right.

A run that bounds its own error is judged by that. Otherwise two runs that differ in tolerance,
order and precision are compared: their gap is the error of the coarser one, and the finer one is
reported. A first attempt with few digits is cheap and tells how many digits the flow and its small
entries cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import BallArithmetic
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
    error: float = inf
    """log2 of a bound of the error of each entry, where the run itself knows one."""


Run = Callable[[int], list[Reached]]


def refined(
    run: Run, values: Mapping[Any, Any], observables: Mapping[str, Word], digits: int
) -> list[Trajectory]:
    """The states of a run with as many digits as make ``digits`` of every entry right.

    Raises ``ToleranceNotMet`` where several attempts are not enough.
    """
    working = digits + APART
    if digits > 2 * PILOT:
        first = _attempt(run, PILOT, values, observables, digits, pilot=True)
        working = max(digits + 1, PILOT + ceil(max(first.lacking, default=0.0)) + 1)
    for _ in range(MAX_ATTEMPTS):
        attempt = _attempt(run, working, values, observables, digits, pilot=False)
        missing = max(attempt.lacking, default=0.0)
        if missing <= 0:
            return attempt.found
        working += ceil(missing) + 1
    last = attempt.found[-1]
    raise ToleranceNotMet(
        f"{last.method}: {digits} digits at t = {last.t} were not reached; the flow "
        "is too sensitive to its start: ask for fewer digits or an earlier time"
    )


@dataclass
class _Attempt:
    """The trajectories, and the decimal digits that entries and observables lack."""

    found: list[Trajectory]
    lacking: list[float]


def _attempt(
    run: Run,
    working: int,
    values: Mapping[Any, Any],
    observables: Mapping[str, Word],
    digits: int,
    *,
    pilot: bool,
) -> _Attempt:
    """One run that knows its errors, or a pair."""
    first = run(working)
    alone = all(state.error < inf for state in first)
    sharp = first if alone else run(working + APART)
    ctx, out = MultiprecisionArithmetic(digits), _Attempt([], [0.0])
    for before, after in zip(first, sharp, strict=True):
        work = MultiprecisionArithmetic(_decimals(after.state) + digits)
        new = _named(after.state, values, observables, work)
        if alone:
            errors = _bounds(after, values, observables, work)
        else:
            old = _named(before.state, values, observables, work)
            errors = {name: abs(X - old[name]) for name, X in new.items()}
        gap = work.mp.zero
        for name, X in new.items():
            for error, x in zip(_flat(errors[name]), _flat(X), strict=True):
                out.lacking.append(_lack(error, abs(x), digits, work.mp, pilot=pilot))
        gap = max((e for s in after.state for e in _flat(errors[s.name])), default=gap)
        named = {name: _rounded(X, ctx) for name, X in new.items()}
        out.found.append(
            Trajectory(after.time, named, ctx.number(gap), False, after.method, after.steps)
        )
    return out


def _bounds(
    reached: Reached,
    values: Mapping[Any, Any],
    observables: Mapping[str, Word],
    work: MultiprecisionArithmetic,
) -> dict[str, Any]:
    """Bounds of the errors of entries and observables, these from balls around the entries."""
    ctx = BallArithmetic(work.digits)
    mantissa, exponent = 2 ** (reached.error % 1), int(reached.error // 1)
    with ctx.working():
        radius = flint.arb(mantissa) * flint.arb(2) ** exponent
        around = flint.arb(0, radius.upper())
        balls = {s: _spread(X, around) for s, X in reached.state.items()}
        here = {k: v if hasattr(v, "gradient") else _in_balls(v, ctx) for k, v in values.items()}
        found = {s.name: X for s, X in balls.items()}
        found |= {name: evaluate(word, here | balls, ctx) for name, word in observables.items()}
    return {name: _radii(X, work) for name, X in found.items()}


def _spread(X: Any, around: flint.arb) -> Any:
    if not isinstance(X, flint.arb_mat):
        return X + around
    return object_matrix(X.tolist(), lambda x: x + around)


def _in_balls(value: Any, ctx: BallArithmetic) -> Any:
    matrix = isinstance(value, np.ndarray | list | tuple)
    return ctx.matrix(value) if matrix else ctx.number(value)


def _radii(X: Any, work: MultiprecisionArithmetic) -> Any:
    def radius(ball: Any) -> Any:
        mantissa, exponent = ball.rad().man_exp()
        return work.mp.ldexp(work.mp.mpf(int(mantissa)), int(exponent))

    return object_matrix(X.tolist(), radius) if isinstance(X, np.ndarray) else radius(X)


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
