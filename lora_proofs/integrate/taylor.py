"""High-precision flows by Taylor series: any number of digits, time and data taken exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf, log
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import object_matrix
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.integrate.series import (
    Series,
    ball_value,
    entries,
    evaluate_series,
    log2_size,
    midpoint,
)
from lora_proofs.integrate.tape import Tape, compile_words
from lora_proofs.integrate.trajectory import Trajectory, checked_times
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.words import Loss, Word

MAX_STEPS = 20_000
MAX_ATTEMPTS = 6
Field = Mapping[Any, Word]
State = dict[Any, Any]


def taylor_flow(
    field: Field,
    values: Mapping[Any, Any],
    t: Any,
    *,
    digits: int = 50,
    observables: Mapping[str, Word] | None = None,
) -> Any:
    """The flow y' = field at time t (a ``Trajectory``; a list of them for a list of times).

    ``field`` maps each moving symbol to its rate; ``values`` gives every symbol exact rows (the
    start, for those that move) and each loss its meaning. Each entry has an error below one unit
    of its digit number ``digits`` (below 10^-digits where it is smaller), estimated by a second
    run at a finer tolerance, higher order and precision; it is not an enclosure. Raises
    ``ToleranceNotMet`` where the flow blows up, ``NotUnderstood`` for other words.

    >>> from lora_proofs.mathematics.words import Symbol
    >>> x = Symbol("x", 1, 1)
    >>> print(taylor_flow({x: x}, {x: [[1]]}, 1, digits=20)["x"][0, 0])
    2.71828182845904523536028747135
    """
    if not isinstance(digits, int) or digits < 1:
        raise BadInput(f"digits: expected a positive whole number, got {digits!r}")
    times, single = checked_times(t)
    tape = compile_words(field, values, field)
    fine = digits + 4
    for _ in range(MAX_ATTEMPTS):
        coarse, fine = fine, fine + 4
        # Both runs see the same exact problem; the finer one is reported, the gap is its error.
        rough, _ = _run(tape, values, times, coarse)
        sharp, steps = _run(tape, values, times, fine)
        gap, missing = _judge(rough, sharp, digits)
        if missing <= 0:
            states = [
                _trajectory(*x, values, observables or {}, digits)
                for x in zip(times, sharp, gap, steps, strict=True)
            ]
            return states[0] if single else states
        fine += ceil(missing)
    raise ToleranceNotMet(
        f"Taylor series: {digits} digits at t = {times[-1]} were not reached; the flow is too "
        "sensitive to its start: ask for fewer digits or an earlier time"
    )


def order_for(digits: int) -> int:
    """The order that costs least for a tolerance: the cost of a step grows like its square."""
    return ceil(0.55 * log(10) * digits) + 4


def _run(
    tape: Tape, values: Mapping[Any, Any], times: list[Fraction], digits: int
) -> tuple[list[State], list[int]]:
    """The states at the times, with local errors near 10^-digits, as exact midpoints."""
    with flint.ctx.workprec(int(3.33 * digits) + 40):
        balls = {k: v if isinstance(k, Loss) else ball_value(v) for k, v in values.items()}
        state = {symbol: midpoint(balls[symbol]) for symbol in tape.outputs}
        stepper = _Stepper(Series(tape, balls), digits, order_for(digits))
        states, now = [], Fraction(0)
        steps = []
        for time in times:
            state = stepper.advance(state, now, time)
            states.append(state)
            steps.append(stepper.steps)
            now = time
    return states, steps


@dataclass
class _Stepper:
    series: Series
    digits: int
    order: int
    steps: int = 0

    def advance(self, state: State, now: Fraction, end: Fraction) -> State:
        """The state at ``end``: steps of exact dyadic length, the last one exact too."""
        while now < end:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise ToleranceNotMet(
                    f"Taylor series: no end after {MAX_STEPS} steps, at t = {float(now):.6g} of "
                    f"{end}; the flow may blow up: ask for an earlier time"
                )
            coefficients = self.series.flow(state, self.order)
            h = min(end - now, step_size(coefficients, self.digits))
            check_step(h, now, end)
            ball = flint.arb(flint.fmpq(h.numerator, h.denominator))
            # Only midpoints go on: interval radii would grow like e^{|J| t}, the flow does not.
            state = {k: midpoint(evaluate_series(c, ball)) for k, c in coefficients.items()}
            now += h
        return state


def check_step(h: Fraction, now: Fraction, end: Fraction) -> None:
    """Raise ``ToleranceNotMet`` for a step that has vanished against the time to go."""
    if now + h < end and h * 2**50 < end:
        raise ToleranceNotMet(
            f"the step vanished at t = {float(now):.6g} of {end}: the flow blows up about there; "
            "ask for an earlier time"
        )


def step_size(coefficients: Mapping[Any, list[Any]], digits: int) -> Fraction:
    """A dyadic step at which the last two terms fall below 10^-digits, relative to the state."""
    order = len(next(iter(coefficients.values()))) - 1
    scale = max(0.0, max(log2_size(entries(c[0])) for c in coefficients.values()))
    target = scale - digits * log(10, 2)
    exponent = inf
    for k in (order - 1, order):
        size = max(log2_size(entries(c[k])) for c in coefficients.values())
        exponent = min(exponent, (target - size) / k)
    if exponent == inf:
        return Fraction(2**20)  # the series ends: any step is exact
    exponent = min(max(exponent, -4000.0), 20.0)
    whole = int(np.floor(exponent))
    return Fraction(int(2 ** (exponent - whole) * 256), 256) * Fraction(2) ** whole


def _judge(rough: list[State], sharp: list[State], digits: int) -> tuple[list[flint.arb], float]:
    """The largest gap at each time, and how many decimal digits are missing somewhere."""
    gaps, missing = [], -inf
    ten = flint.arb(10)
    with flint.ctx.workprec(80):
        for before, after in zip(rough, sharp, strict=True):
            gap = flint.arb(0)
            for symbol, X in after.items():
                for x, y in zip(entries(before[symbol]), entries(X), strict=True):
                    error = abs(x - y).upper()
                    gap = gap.max(error)
                    allowed = (abs(y) * ten ** (1 - digits) / 10).max(
                        ten**-digits * _tiny(y, digits)
                    )
                    if error > 0:
                        missing = max(missing, (log2_size([error]) - log2_size([allowed])) / 3.32)
            gaps.append(gap)
    return gaps, missing


def _tiny(y: Any, digits: int) -> int:
    """1 where an entry is smaller than 10^-digits, so that an absolute error is asked for."""
    return int(abs(y) < flint.arb(10) ** -digits)


def _trajectory(
    time: Fraction,
    state: State,
    gap: flint.arb,
    steps: int,
    values: Mapping[Any, Any],
    observables: Mapping[str, Word],
    digits: int,
) -> Trajectory:
    ctx = MultiprecisionArithmetic(digits)
    here = {symbol: _lifted(value, ctx) for symbol, value in values.items()}
    moved = {symbol: _lifted(X, ctx) for symbol, X in state.items()}
    here.update(moved)
    named = {symbol.name: X for symbol, X in moved.items()}
    named.update({name: evaluate(word, here, ctx) for name, word in observables.items()})
    return Trajectory(time, named, ctx.number(gap), False, "taylor", steps)


def _lifted(value: Any, ctx: MultiprecisionArithmetic) -> Any:
    if isinstance(value, flint.arb_mat):
        return object_matrix(value.tolist(), ctx.number)
    if isinstance(value, np.ndarray | list | tuple):
        return ctx.matrix(value)
    return value if hasattr(value, "gradient") else ctx.number(value)
