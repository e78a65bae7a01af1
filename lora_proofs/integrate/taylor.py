"""Flows to any number of digits: explicit Taylor steps, or implicit ones where the flow is stiff.

Time and data are taken exactly, and so are linear relations between entries that hold for all
time. Polynomial flows run in limbs, which BLAS multiplies, and bound their error themselves; others
and those too large or too stiff for that run in balls, and two runs are compared. Where the
explicit steps still to come are too many, collocation takes over from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import flint

from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.integrate.hull import Hull, affine_hull
from lora_proofs.integrate.limb_flow import LimbRun
from lora_proofs.integrate.limb_linear import is_polynomial
from lora_proofs.integrate.limbs import Unfit
from lora_proofs.integrate.refine import Reached, refined
from lora_proofs.integrate.series import Series, ball_value, midpoint
from lora_proofs.integrate.steps import (
    MAX_STEPS,
    check_step,
    order_for,
    step_size,
    taylor_state,
)
from lora_proofs.integrate.stiff import Collocation, stages_for
from lora_proofs.integrate.tape import Tape, compile_words
from lora_proofs.integrate.trajectory import checked_times
from lora_proofs.mathematics.words import Loss, Word

MANY = 100
"""Explicit steps ahead from which implicit ones are cheaper."""
MAX_UNKNOWNS = 6000
"""Of one implicit step: its matrix has the square of it in entries."""
Progress = Callable[[Fraction], None]


def high_precision_flow(
    field: Mapping[Any, Word],
    values: Mapping[Any, Any],
    t: Any,
    *,
    digits: int = 50,
    observables: Mapping[str, Word] | None = None,
    progress: Progress | None = None,
) -> Any:
    """The flow y' = field at time t (a ``Trajectory``; a list of them for a list of times).

    ``field`` maps each moving symbol to its rate; ``values`` gives every symbol exact rows (the
    start, for those that move) and each loss its meaning. Each entry, and each of the
    observables, has an error below one unit of its digit number ``digits`` (below 10^-digits where
    it is smaller). That is estimated from the defect of every step and how fast errors grow, or by
    a second run at a finer tolerance, higher order and precision; it is not an enclosure.
    ``progress`` is called with the time after each step, in every run. Raises
    ``ToleranceNotMet`` where the flow blows up, ``NotUnderstood`` for other words.

    >>> from lora_proofs.mathematics.words import Symbol
    >>> x = Symbol("x", 1, 1)
    >>> e = high_precision_flow({x: x}, {x: [[1]]}, 1, digits=20)["x"][0, 0]
    >>> e.context.nstr(e, 20)
    '2.7182818284590452354'
    >>> high_precision_flow({x: -(10**6 * x)}, {x: [[1]]}, 1, digits=20).method
    'radau collocation'
    """
    return _flow(field, values, t, digits, observables or {}, progress, stiff=True)


def taylor_flow(
    field: Mapping[Any, Word],
    values: Mapping[Any, Any],
    t: Any,
    *,
    digits: int = 50,
    observables: Mapping[str, Word] | None = None,
    progress: Progress | None = None,
) -> Any:
    """The same as ``high_precision_flow`` by explicit steps alone: slow where a flow is stiff.

    >>> from lora_proofs.mathematics.words import Symbol
    >>> x = Symbol("x", 1, 1)
    >>> taylor_flow({x: x}, {x: [[1]]}, 1, digits=20).method
    'taylor'
    """
    return _flow(field, values, t, digits, observables or {}, progress, stiff=False)


def _flow(
    field: Mapping[Any, Word],
    values: Mapping[Any, Any],
    t: Any,
    digits: int,
    observables: Mapping[str, Word],
    progress: Progress | None,
    *,
    stiff: bool,
) -> Any:
    if not isinstance(digits, int) or digits < 1:
        raise BadInput(f"digits: expected a positive whole number, got {digits!r}")
    times, single = checked_times(t)
    tape = compile_words(field, values, field)
    hull = affine_hull(tape, values)

    def balls(working: int) -> list[Reached]:
        bits = int(3.33 * working) + 72
        with flint.ctx.workprec(bits):
            return _Run(tape, hull.in_balls(), values, working, bits, progress, stiff).reach(times)

    def limbs(working: int) -> list[Reached]:
        most = MANY * ceil(hull.layout.size / 4) if stiff else MAX_STEPS
        with flint.ctx.workprec(int(3.33 * working) + 256):
            return LimbRun(tape, hull.in_balls(), in_balls(values), working, most, progress).reach(
                times
            )

    found = None
    if is_polynomial(tape):
        with suppress(Unfit):
            found = refined(limbs, values, observables, digits)
    if found is None:
        found = refined(balls, values, observables, digits)
    return found[0] if single else found


def in_balls(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """Values of symbols as balls at the precision in force, losses as they are."""
    return {k: v if isinstance(k, Loss) else ball_value(v) for k, v in values.items()}


@dataclass
class _Run:
    """One run with local errors near 10^-digits; states are exact midpoints."""

    tape: Tape
    hull: Hull
    values: Mapping[Any, Any]
    digits: int
    bits: int
    progress: Progress | None
    stiff: bool
    steps: int = 0
    implicit: Collocation | None = None

    def reach(self, times: list[Fraction]) -> list[Reached]:
        """The states at the times."""
        self.balls = balls = in_balls(self.values)
        self.series = Series(self.tape, balls)
        state = {symbol: midpoint(balls[symbol]) for symbol in self.tape.outputs}
        now, found = Fraction(0), []
        for time in times:
            while now < time:
                state, now = self._step(state, now, time, times[-1])
                if self.progress is not None:
                    self.progress(now)
            method = "taylor" if self.implicit is None else "radau collocation"
            found.append(Reached(time, state, method, self.steps))
        return found

    def _step(
        self, state: dict[Any, Any], now: Fraction, time: Fraction, end: Fraction
    ) -> tuple[dict[Any, Any], Fraction]:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise ToleranceNotMet(
                f"no end after {MAX_STEPS} steps, at t = {float(now):.6g} of {end}; the flow may "
                "blow up: ask for an earlier time"
            )
        if self.implicit is None:
            coefficients = self.series.flow(state, order_for(self.digits))
            h = step_size(coefficients, self.digits)
            if not self._changes((end - now) / h):
                h = min(h, time - now)
                check_step(h, now, end)
                return self.hull.put_back(taylor_state(coefficients, h)), now + h
            self.implicit = Collocation(self.tape, self.hull, self.balls, self.digits, self.bits)
            self.implicit.begin(coefficients, h)
        return self.implicit.advance(state, now, time)

    def _changes(self, ahead: Fraction) -> bool:
        """Whether implicit steps take over, for so many explicit ones ahead."""
        unknowns = len(self.hull.free) * stages_for(self.digits)
        return self.stiff and ahead > MANY and unknowns <= MAX_UNKNOWNS
