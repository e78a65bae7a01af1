"""The flow of one problem at finite times in balls that surely hold, whatever the method.

Where no closed form applies the plain flow of ``plain`` is enclosed: its Jacobian is symmetric,
which keeps the growth of errors small, and scale and rates only change the clock. An irrational
clock gives a time between two rationals; what the flow does between them is bounded by
||y(t) - y(s)|| <= sqrt((t - s) f(s)), as the loss falls by the integral of ||y'||^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.arithmetic.context import Matrix, Scalar
from lora_proofs.errors import ToleranceNotMet, Unavailable
from lora_proofs.mathematics.flows import adapted
from lora_proofs.solving.closed import closed_form
from lora_proofs.solving.decimals import exact
from lora_proofs.solving.finite_time import (
    BEYOND_FLOATS,
    Progress,
    Solved,
    at_start,
    closed_state,
    descended,
    finite,
    narrowed,
    observed,
    worst,
)
from lora_proofs.solving.flow_field import FlowField, lora_field
from lora_proofs.solving.plain import FINE, is_transformable, plain_field, plain_start
from lora_proofs.solving.problem import Problem, rows

DIGITS = 13
"""Right digits aimed at: radii below 1e-12 of a number, or absolutely where it is smaller."""
METHOD = "enclosure of the flow"
FINER = 3


def enclosed(problem: Problem, progress: Progress = None) -> list[Solved]:
    """The states of a problem at its times, or after its steps, as enclosures that surely hold.

    The radii are below 1e-12, relative to numbers above 1e-12, where that is in reach; each ball
    says what was reached. ``progress`` hears the times as they are taken up. Raises
    ``ToleranceNotMet`` where nothing can be enclosed.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "trace-squared", "W0": [[2]], "A0": [[1]], "t": "1/2"})
    >>> state = enclosed(p)[0]
    >>> state.rigorous, bool(state.W[0, 0].rad() < 1e-12)
    (True, True)
    """
    try:
        return _enclosed(problem, progress)
    except OverflowError:
        raise ToleranceNotMet(BEYOND_FLOATS) from None


def _enclosed(problem: Problem, progress: Progress) -> list[Solved]:
    if problem.method != "flow":
        return [narrowed(lambda ctx: descended(problem, ctx), DIGITS)]
    form = closed_form(problem)
    if form is not None:
        try:
            return [narrowed(closed_state(problem, form, t), DIGITS) for t in finite(problem)]
        except (ToleranceNotMet, Unavailable):  # an enclosure copes with what costs many digits
            if problem.adapter == "full":
                raise
    return _refined(problem, _Clock.of(problem), progress)


def _refined(problem: Problem, clock: _Clock, progress: Progress) -> list[Solved]:
    """Enclosures that are made finer where numbers cancel; the best that precision reaches."""
    wanted, found = DIGITS + 2, None
    for _ in range(FINER):
        try:
            found = _states(problem, clock, wanted, progress)
        except ToleranceNotMet:
            if found is None:
                raise
            break
        lacking = [worst(state, DIGITS) for state in found]
        if all(missing == 0 for missing in lacking):
            break
        wanted += 2 + max(wanted if missing is None else missing for missing in lacking)
    assert found is not None
    return found


@dataclass(frozen=True, eq=False)
class _Clock:
    """The field that is enclosed, and what leads from the problem to it and back."""

    field: FlowField
    time: Callable[[Fraction], tuple[Fraction, Scalar]]
    back: Callable[[Matrix, Matrix, BallArithmetic], tuple[Matrix, Matrix]]

    @classmethod
    def of(cls, problem: Problem) -> _Clock:
        if not is_transformable(problem):
            start = (rows(X) for X in (problem.W0, problem.A0, problem.B0))
            return cls(
                lora_field(problem.f, *start, **problem.rates),
                lambda t: (t, flint.arb(0)),
                lambda A, B, ctx: (A, B),
            )
        plain = plain_start(problem, FINE)
        return cls(plain_field(problem, plain), lambda t: _plain_time(t, plain.clock), plain.back)


def _plain_time(t: Fraction, clock: Any) -> tuple[Fraction, Scalar]:
    """A rational time of the plain flow at or before the one that is meant, and how far before."""
    if not isinstance(clock, flint.arb):
        return t * exact(clock), flint.arb(0)
    with FINE.working():
        meant = clock * flint.fmpq(t.numerator, t.denominator)
        before = meant.lower()
        return exact(before), (meant - before).upper()


def _states(problem: Problem, clock: _Clock, digits: int, progress: Progress) -> list[Solved]:
    ctx = BallArithmetic(digits + 10)
    times = sorted({t for t in finite(problem) if t > 0})
    states = {Fraction(0): at_start(problem, ctx)}
    for t, end in zip(times, _ends(clock, times, digits, progress), strict=True):
        with ctx.working():
            slack = clock.time(t)[1]
            spread = flint.arb(0, (slack * end.loss.max(flint.arb(0))).sqrt().upper())
            A, B = clock.back(end.A + spread, end.B + spread, ctx)
            W = adapted(ctx.matrix(problem.W0), A, B, ctx, scale=problem.scale)
            states[t] = observed(problem, t, A, B, W, ctx, METHOD, rigorous=True)
    return [states[t] for t in finite(problem)]


def _ends(clock: _Clock, times: list[Fraction], digits: int, progress: Progress) -> list[Any]:
    if not times:
        return []
    if progress is not None:
        progress(Fraction(0))
    return clock.field.enclosure([clock.time(t)[0] for t in times], digits=digits)  # type: ignore[no-any-return]
