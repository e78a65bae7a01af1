"""The limit of one block of a Frobenius flow, from a balanced start or by the critical values."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.arithmetic.context import Matrix, Scalar, scaled
from lora_proofs.errors import BadInput, ToleranceNotMet, Unavailable
from lora_proofs.mathematics.critical_values import CriticalValues, frobenius_critical_values
from lora_proofs.mathematics.frobenius_riccati import balance, frobenius_riccati_closed_form
from lora_proofs.mathematics.literature import CRITICAL_POINTS, ECKART_YOUNG_MIRSKY, LASALLE
from lora_proofs.mathematics.matrices import (
    best_rank_approximation,
    leading_projector,
    rank_gap,
    squared_singular_values,
)
from lora_proofs.solving.flow_field import FlowField, lora_field
from lora_proofs.solving.invariant_block import InvariantBlock, invariant_block
from lora_proofs.solving.limit import AT_REST, Limit, least_loss
from lora_proofs.solving.plain import has_exact_start, plain_start
from lora_proofs.solving.problem import Problem, rows

DOUBLINGS = 12
CLOSED_DOUBLINGS = 24
ZERO = flint.fmpq(0)


def block_end(problem: Problem, ctx: BallArithmetic) -> Limit:
    """Where one block ends: the best approximation that its invariances allow, where it is shown.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "frobenius", "W0": [[0, 0], [0, 0]], "Y": [[3, 1], [0, 2]],
    ...                   "A0": [[1, 1]], "t": "inf"})
    >>> end = block_end(p, BallArithmetic(20))
    >>> print(end.loss.str(10, radius=False), end.rigorous)
    1.697224362 True
    """
    if (resting := at_rest(problem)) is not None:
        return resting
    block = invariant_block(problem.Y - problem.W0, problem.A0, problem.B0)
    balanced = _balanced(problem, block, ctx)
    if balanced is not None:
        return balanced
    with ctx.working():
        values = frobenius_critical_values(block.E, block.rank, ctx)
    if values.second is None:
        why = "the flow sees no error: every critical point has BA = 0"
        return _settled(block, None, why, (LASALLE.name,), ctx)
    return _by_the_gap(problem, block, values, ctx)


def _settled(
    block: InvariantBlock,
    rate: Scalar | None,
    argument: str,
    cites: tuple[str, ...],
    ctx: BallArithmetic,
) -> Limit:
    with ctx.working():
        loss = block.rest + least_loss(block.E, block.rank, ctx)
    sees = ((block.E, block.rank),)
    return Limit(
        loss, _product(block, ctx), rate, True, argument, cites, sees=sees, rest=block.rest
    )


def _product(block: InvariantBlock, ctx: BallArithmetic) -> Matrix | None:
    """The one product of least loss, where there is only one."""
    try:
        return best_rank_approximation(block.E, block.rank, ctx)
    except BadInput:
        return None


def _balanced(problem: Problem, block: InvariantBlock, ctx: BallArithmetic) -> Limit | None:
    """B0 = 0 with A0 A0' = kappa^2 I: the matrix Riccati solution, where det(A0 V_r) != 0."""
    E, r = problem.Y - problem.W0, len(problem.A0)  # type: ignore[arg-type]
    try:
        square = -balance(problem.A0, problem.B0)
    except BadInput:
        return None
    if any(problem.B0.flat) or square == 0 or r >= E.shape[1] or not rank_gap(E, r):  # type: ignore[union-attr]
        return None
    with ctx.working():
        A0 = ctx.matrix(problem.A0)

        def meets(P: Matrix) -> bool:
            return bool(flint.arb_mat((A0 @ P @ A0.mT).tolist()).det() > 0)

        if not meets(leading_projector(E, r, ctx)):
            return None
        start = plain_start(problem, ctx)
        plain = ctx.number(square) * ctx.number(start.alpha) ** 2
        rate, reasons = balanced_rate(E, r, plain, block.width == r, meets, ctx)
        rate = None if rate is None else rate * ctx.number(start.clock)
    argument = (
        "matrix Riccati equation: B0 = 0, A0 A0' is a multiple of I, sigma_r > sigma_{r+1} and "
        "det(A0 V_r) != 0"
    )
    BA = best_rank_approximation(E, r, ctx)
    sees = ((E, r),)
    return Limit(
        least_loss(E, r, ctx),
        BA,
        rate,
        True,
        argument,
        (ECKART_YOUNG_MIRSKY.name,),
        reasons,
        sees=sees,
        rest=ZERO,
    )


def balanced_rate(
    E: Matrix,
    r: int,
    square: Scalar,
    alone: bool,
    meets: Callable[[Matrix], bool],
    ctx: BallArithmetic,
) -> tuple[Scalar | None, tuple[str, ...]]:
    """The rate of BA from B0 = 0 with A0 A0' = ``square`` I, and why it is not known.

    With mu_i^2 = sigma_i^2 + square^2/4 it is 2 mu_r where the flow is ``alone`` with its r
    directions, and mu_r - mu_{r+1} where the r-th and the next eigenspace are coupled: where
    ``meets`` finds a nonzero determinant for the projector with the next one in place of the r-th.
    """
    squares = [x for x, k in squared_singular_values(E, ctx) for _ in range(k)]
    squares += [ctx.number(0)] * (r + 1 - len(squares))
    mu = [ctx.sqrt(x + square**2 / 4) for x in squares[r - 1 : r + 1]]
    if alone:
        return 2 * mu[0], ()
    if (r == 1 or rank_gap(E, r - 1)) and meets(_next_in_place(E, r, ctx)):
        return mu[0] - mu[1], ()
    known = (mu[0] - mu[1]).str(6, radius=False)
    return None, (f"the rate is at least {known}; more, if two eigenspaces are not coupled",)


def _next_in_place(E: Matrix, r: int, ctx: BallArithmetic) -> Matrix:
    """The projector on the leading r - 1 right singular vectors and the eigenspace after r."""
    m = E.shape[1]
    first = leading_projector(E, r - 1, ctx) if r > 1 else ctx.zeros(m, m)
    count, total = 0, 0
    for value, k in squared_singular_values(E, ctx):
        total += k if not value == 0 else 0
        if total > r:
            count = total
            break
    after = leading_projector(E, count, ctx) if count else ctx.identity(m)
    return first + after - leading_projector(E, r, ctx)


def at_rest(problem: Problem) -> Limit | None:
    """The limit of a start where both gradients vanish: the start itself."""
    s = EXACT.number(problem.scale)
    A0: Any = problem.A0
    B0: Any = problem.B0
    BA = scaled(s, B0 @ A0)
    rest = problem.Y - problem.W0 - BA
    if any((B0.mT @ rest).flat) or any((rest @ A0.mT).flat):
        return None
    loss = squared_norm(rest) / 2
    return Limit(loss, BA, None, True, AT_REST, rest=loss)


def _by_the_gap(
    problem: Problem, block: InvariantBlock, values: CriticalValues, ctx: BallArithmetic
) -> Limit:
    """Find a time when the loss is surely below the second smallest critical value."""
    with ctx.working():
        least, second = values.least + block.rest, values.second + block.rest
    if len(problem.A0) == 1 and has_exact_start(problem):  # type: ignore[arg-type]
        time, loss = _seen_in_closed_form(problem, second, ctx)
        seen, why = _float(loss), ""
    else:
        time, loss, seen, why = _seen_by_enclosure(problem, least, second, ctx)
    if time is None:
        return _open(block, values, ctx, seen, _float(second), why)
    argument = (
        f"critical-value gap: at t = {time} the enclosed loss {loss.str(6)} is below "
        f"{_float(second):.6g}, the second smallest critical value, so its limit is the smallest "
        "one"
    )
    return _settled(
        block,
        None,
        argument,
        tuple(x.name for x in (LASALLE, CRITICAL_POINTS, ECKART_YOUNG_MIRSKY)),
        ctx,
    )


def _seen_in_closed_form(
    problem: Problem, second: Any, ctx: BallArithmetic
) -> tuple[Fraction | None, Any]:
    """One rank index: the matrix Riccati solution in balls, at doubling times."""
    start, time, loss = plain_start(problem, ctx), _first_time(problem), flint.arb(0)
    for _ in range(CLOSED_DOUBLINGS):
        clock = start.clock * flint.fmpq(time.numerator, time.denominator)
        try:
            end = frobenius_riccati_closed_form(
                problem.W0, problem.Y, start.A, start.B, clock, BallArithmetic(30)
            )
        except Unavailable:  # the exponentials would cost too many digits
            return None, loss
        with ctx.working():
            loss = problem.f.value(end.W, ctx)
            if loss < second:
                return time, loss
        time *= 2
    return None, loss


def _seen_by_enclosure(
    problem: Problem, least: Any, second: Any, ctx: BallArithmetic
) -> tuple[Fraction | None, Any, float, str]:
    """Floats nominate the time, an enclosure of the flow confirms it."""
    field = lora_field(
        problem.f, rows(problem.W0), rows(problem.A0), rows(problem.B0), **problem.rates
    )
    time, seen = _nominated(field, problem, _float(least), _float(second))
    if time is None:
        return None, None, seen, ""
    try:
        loss = field.enclosure(time, digits=15).loss
    except ToleranceNotMet as error:
        return None, None, seen, str(error)
    with ctx.working():
        return (time if loss < second else None), loss, seen, ""


def _float(x: Any) -> float:
    return float(flint.arb(x).mid())


def _nominated(
    field: FlowField, problem: Problem, least: float, second: float
) -> tuple[Fraction | None, float]:
    """The first of doubling times at which floats see a loss clearly below ``second``."""
    first = _first_time(problem)
    seen = float("nan")
    for k in range(DOUBLINGS):
        try:
            end = field.float64(first * 2**k, tolerance=1e-9)
        except ToleranceNotMet:
            break
        seen = float(end.loss)
        if seen < least + 0.9 * (second - least):
            return first * 2**k, seen
    return None, seen


def _first_time(problem: Problem) -> Fraction:
    """A time in which little happens: an eighth of the fastest mode's, as a power of 2."""
    E = (problem.Y - problem.W0).astype(float)
    clock = float(problem.scale) * float(max(problem.eta_A, problem.eta_B))
    unit = max(1e-9, float(np.linalg.norm(E, 2)) * clock)
    return Fraction(2) ** (-3 - int(np.ceil(np.log2(unit))))


def _open(
    block: InvariantBlock,
    values: CriticalValues,
    ctx: BallArithmetic,
    seen: float,
    second: float,
    why: str = "",
) -> Limit:
    reasons = (
        f"the limit is open: the loss came down to {seen:.6g} in the time tried in float64, where "
        "rounding may have left a saddle; once it is surely below "
        f"{second:.6g}, the second smallest critical value, the limit is the smallest one, "
        f"{_float(values.least + block.rest):.6g}",
        *((why,) if why else ()),
    )
    return Limit(None, None, None, False, "none", reasons=reasons, estimate=seen)
