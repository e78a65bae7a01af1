"""The flow of one problem at finite times, to a number of digits, by the method that fits.

A closed form is evaluated in balls, whose precision rises until every printed digit is right; a
Taylor series comes with an estimated error, which is carried into W and the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint

from lora_proofs.arithmetic import BallArithmetic, entries
from lora_proofs.arithmetic.context import Matrix, Scalar, object_matrix
from lora_proofs.errors import ToleranceNotMet, Unavailable
from lora_proofs.mathematics.flows import adapted, full_step, iterate
from lora_proofs.solving.closed import Closed, closed_form
from lora_proofs.solving.decimals import exact, missing_digits, unit
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.solving.problem import Problem, rows

GUARD = 10
MAX_DIGITS = 200_000
MAX_ATTEMPTS = 12
LARGEST = 30_000
BEYOND_FLOATS = (
    "expected entries within the range of floats for a flow without a closed form: the integrators "
    "choose their steps in floats"
)
Progress = Callable[[Fraction], None] | None


@dataclass(frozen=True, eq=False)
class Solved:
    """The flow, or the iterate, at one time: balls for A, B, W, the loss and the invariants.

    The radii are bounds where ``rigorous``, estimates otherwise. A and B are ``None`` for
    full-parameter training.
    """

    t: Fraction | None
    A: Matrix | None
    B: Matrix | None
    W: Matrix
    loss: Scalar
    drift: Scalar | None
    decrease: Scalar
    method: str
    rigorous: bool

    def balls(self) -> Iterator[Any]:
        """Every number that has to have its digits."""
        for X in (self.A, self.B, self.W):
            if X is not None:
                yield from entries(X)
        yield self.loss
        yield self.decrease


def solve(problem: Problem, digits: int, progress: Progress = None) -> list[Solved]:
    """The states of a problem at its times (or after its steps), with ``digits`` right digits.

    ``progress`` hears the time that an integrator has reached, from 0 on in each of its runs.
    Raises ``ToleranceNotMet`` where the precision that this takes is out of reach.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "trace-squared", "W0": [[2]], "A0": [[1]], "t": "1/2"})
    >>> print(solve(p, 12)[0].W[0, 0].str(12, radius=False))
    0.946274402225
    """
    return by_method(problem, digits, lambda: _integrated(problem, digits, progress))


def by_method(
    problem: Problem, digits: int, integrated: Callable[[], list[Solved]]
) -> list[Solved]:
    """Descent and closed forms in balls with ``digits`` right digits; all else ``integrated``."""
    try:
        return _by_method(problem, digits, integrated)
    except OverflowError:
        raise ToleranceNotMet(BEYOND_FLOATS) from None


def _by_method(
    problem: Problem, digits: int, integrated: Callable[[], list[Solved]]
) -> list[Solved]:
    if problem.method != "flow":
        return [_narrowed(lambda ctx: _descended(problem, ctx), digits)]
    form = closed_form(problem)
    if form is not None:
        try:
            return [_narrowed(_closed_state(problem, form, t), digits) for t in finite(problem)]
        except (ToleranceNotMet, Unavailable):  # integration copes with what costs many digits
            if problem.adapter == "full":
                raise
    return integrated()


def finite(problem: Problem) -> list[Fraction]:
    """The times of a problem that asks for no limit."""
    return [t for t in problem.times if isinstance(t, Fraction)]


def _closed_state(
    problem: Problem, form: Closed, t: Fraction
) -> Callable[[BallArithmetic], Solved]:
    """The state that a closed form gives at a time, in any precision."""

    def at(ctx: BallArithmetic) -> Solved:
        return observed(problem, t, *form.at(t, ctx), ctx, form.name, rigorous=True)

    return at


def _narrowed(compute: Callable[[BallArithmetic], Solved], digits: int) -> Solved:
    """Raise the working precision until every number has its digits."""
    working = digits + GUARD
    for _ in range(MAX_ATTEMPTS):
        try:
            found = compute(BallArithmetic(working))
            missing = worst(found, digits)
        except _TooWide:
            missing = None
        if missing == 0:
            return found
        # A ball that is not finite tells nothing about what is missing.
        working = 2 * working if missing is None else working + missing + GUARD
        if working > MAX_DIGITS:
            break
    raise ToleranceNotMet(
        f"{digits} digits were not reached with {MAX_DIGITS} digits of working precision; ask for "
        "fewer digits, an earlier time or fewer steps"
    )


def worst(found: Solved, digits: int) -> int | None:
    """The largest number of digits missing; ``None`` where some number is not finite."""
    balls = list(found.balls())
    if not all(ball.is_finite() for ball in balls):
        return None
    return max(missing_digits(ball, digits) for ball in balls)


def observed(
    problem: Problem,
    t: Fraction | None,
    A: Matrix | None,
    B: Matrix | None,
    W: Matrix,
    ctx: BallArithmetic,
    method: str,
    *,
    rigorous: bool,
    loss: Scalar | None = None,
) -> Solved:
    """The loss and the invariants beside the factors and W, in balls."""
    with ctx.working():
        f = problem.f
        loss = f.value(W, ctx) if loss is None else loss
        start = f.value(_start(problem, ctx), ctx)
        drift = None if A is None else _drift(problem, A, B, ctx)
        return Solved(t, A, B, W, loss, drift, start - loss, method, rigorous)


def _start(problem: Problem, ctx: BallArithmetic) -> Matrix:
    if problem.A0 is None:
        return ctx.matrix(problem.W0)
    W0, A0, B0 = (ctx.matrix(X) for X in (problem.W0, problem.A0, problem.B0))
    return adapted(W0, A0, B0, ctx, scale=problem.scale)


def _drift(problem: Problem, A: Matrix, B: Matrix | None, ctx: BallArithmetic) -> Scalar:
    """The largest entry by which eta_A B'B - eta_B A A', conserved by the flow, has moved."""
    moved = _balance(problem, A, B, ctx)
    before = _balance(problem, ctx.matrix(problem.A0), ctx.matrix(problem.B0), ctx)
    gaps = [abs(x) for x in entries(moved - before)]
    largest = gaps[0]
    for gap in gaps[1:]:
        largest = largest.max(gap)
    return largest


def _balance(problem: Problem, A: Matrix, B: Any, ctx: BallArithmetic) -> Matrix:
    return B.mT @ B * ctx.number(problem.eta_A) - A @ A.mT * ctx.number(problem.eta_B)


def _descended(problem: Problem, ctx: BallArithmetic) -> Solved:
    """The last iterate of gradient descent."""
    f, last = problem.f, problem.steps
    name = f"{problem.method} gradient descent"
    with ctx.working():
        W = W0 = ctx.matrix(problem.W0)
        if problem.A0 is None:
            for k in range(last):
                W = full_step(f, W, problem.h, ctx)
                _check_size(k + 1, W)
            return observed(problem, None, None, None, W, ctx, name, rigorous=True)
        A0, B0 = ctx.matrix(problem.A0), ctx.matrix(problem.B0)
        run = iterate(problem.method, last, f, W0, A0, B0, problem.h, ctx, **problem.rates)
        A, B = A0, B0
        for k, (A, B) in enumerate(run):
            _check_size(k, A, B)
        W = adapted(W0, A, B, ctx, scale=problem.scale)
        return observed(problem, None, A, B, W, ctx, name, rigorous=True)


class _TooWide(Exception):
    """Balls that have lost all their digits: the run needs more of them from the start."""


def _check_size(k: int, *matrices: Matrix) -> None:
    """Raise ``ToleranceNotMet`` for iterates beyond all measure, ``_TooWide`` for lost digits."""
    for X in matrices:
        for x in entries(X):
            if not x.rad() < 1 + abs(x.mid()):
                raise _TooWide
            if abs(x) > flint.arb(2) ** LARGEST:
                raise ToleranceNotMet(
                    f"gradient descent diverges: after {k} steps an entry is beyond 2^{LARGEST}; "
                    "take a smaller step size h, or fewer steps"
                )


def _integrated(problem: Problem, digits: int, progress: Progress) -> list[Solved]:
    """Taylor series or collocation, with two digits to spare, or more where numbers cancel."""
    field = lora_field(
        problem.f, rows(problem.W0), rows(problem.A0), rows(problem.B0), **problem.rates
    )
    times = sorted({t for t in finite(problem) if t > 0})
    wanted = digits + 2
    for _ in range(MAX_ATTEMPTS):
        ctx = BallArithmetic(wanted + GUARD)
        ends = field.taylor(times, digits=wanted, progress=progress) if times else []
        states = {
            t: _widened(problem, t, end, wanted, ctx) for t, end in zip(times, ends, strict=True)
        }
        states[Fraction(0)] = at_start(problem, ctx)
        found = [worst(state, digits) for state in states.values()]
        if all(missing == 0 for missing in found):
            return [states[t] for t in finite(problem)]
        wanted += max(wanted if missing is None else missing for missing in found)
    raise ToleranceNotMet(
        f"{digits} digits were not reached: the fall of the loss cancels too much"
    )


def at_start(problem: Problem, ctx: BallArithmetic) -> Solved:
    """The state at t = 0, which is what the instance says."""
    with ctx.working():
        A, B = ctx.matrix(problem.A0), ctx.matrix(problem.B0)
        W = _start(problem, ctx)
        return observed(problem, Fraction(0), A, B, W, ctx, "the start", rigorous=True)


def _widened(problem: Problem, t: Any, end: Any, digits: int, ctx: BallArithmetic) -> Solved:
    """An integrated state in balls, each with the error that it was asked for as radius."""

    def ball(x: Any) -> Scalar:
        return _with_radius(x, digits, ctx)

    with ctx.working():
        A, B, W = (object_matrix(X, ball) for X in (end.A, end.B, end.W))
        loss = ball(end.loss)
    method = "Taylor series" if end.method == "taylor" else end.method
    return observed(problem, t, A, B, W, ctx, method, rigorous=False, loss=loss)


def _with_radius(x: Any, digits: int, ctx: BallArithmetic) -> Scalar:
    sign, mantissa, exponent, _ = x._mpf_
    middle = flint.arb((-1) ** sign * int(mantissa)) * flint.arb(2) ** exponent
    allowed = unit(exact(middle), digits)
    return middle + flint.arb(0, ctx.number(allowed).upper())
