"""The limit of one block of a Frobenius flow, from a balanced start or by the critical values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.arithmetic.context import Matrix, Scalar
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.mathematics.critical_values import CriticalValues, frobenius_critical_values
from lora_proofs.mathematics.frobenius_riccati import balance
from lora_proofs.mathematics.matrices import (
    best_rank_approximation,
    leading_projector,
    rank_gap,
    squared_singular_values,
)
from lora_proofs.solving.flow_field import FlowField, lora_field
from lora_proofs.solving.invariant_block import InvariantBlock, invariant_block
from lora_proofs.solving.limit import Limit, least_loss
from lora_proofs.solving.plain import plain_start
from lora_proofs.solving.problem import Problem, rows

DOUBLINGS = 12
CRITICAL = "critical points of the factored Frobenius loss (Baldi and Hornik 1989)"
LASALLE = "LaSalle's invariance principle"
EYM = "Eckart-Young-Mirsky theorem"


def block_end(problem: Problem, ctx: BallArithmetic) -> Limit:
    """Where one block ends: the best approximation that its invariances allow, where it is shown.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "frobenius", "W0": [[0, 0], [0, 0]], "Y": [[3, 1], [0, 2]],
    ...                   "A0": [[1, 1]], "t": "inf"})
    >>> end = block_end(p, BallArithmetic(20))
    >>> print(end.loss.str(10, radius=False), end.rigorous)
    1.697224362 True
    """
    block = invariant_block(problem.Y - problem.W0, problem.A0, problem.B0)
    balanced = _balanced(problem, block, ctx)
    if balanced is not None:
        return balanced
    with ctx.working():
        values = frobenius_critical_values(block.E, block.rank, ctx)
    if values.second is None:
        why = "the flow sees no error: every critical point has BA = 0"
        return _settled(block, None, why, (LASALLE,), ctx)
    return _by_the_gap(problem, block, values, ctx)


def _settled(
    block: InvariantBlock,
    rate: Scalar | None,
    argument: str,
    cites: tuple[str, ...],
    ctx: BallArithmetic,
) -> Limit:
    with ctx.working():
        loss = block.rest + (least_loss(block.E, block.rank, ctx) if block.rank else 0)
    return Limit(loss, _product(block, ctx), rate, True, argument, cites)


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
        overlap = A0 @ leading_projector(E, r, ctx) @ A0.mT
        if not abs(flint.arb_mat(overlap.tolist()).det()) > 0:
            return None
        rate = _balanced_rate(problem, E, square, ctx)
    argument = (
        "matrix Riccati equation: B0 = 0, A0 A0' is a multiple of I, sigma_r > sigma_{r+1} and "
        "det(A0 V_r) != 0"
    )
    BA = best_rank_approximation(E, r, ctx)
    return Limit(least_loss(E, r, ctx), BA, rate, True, argument, (EYM,))


def _balanced_rate(problem: Problem, E: Matrix, square: Any, ctx: BallArithmetic) -> Scalar:
    """mu_r - mu_{r+1} with mu_i^2 = sigma_i^2 + kappa^4/4, in the time of the problem."""
    start = plain_start(problem, ctx)
    plain = ctx.number(square) * ctx.number(start.alpha) ** 2
    r, squares = len(start.A), []
    for value, multiplicity in squared_singular_values(E, ctx):
        squares += [value] * multiplicity
    squares += [ctx.number(0)] * (r + 1 - len(squares))
    mu = [ctx.sqrt(x + plain**2 / 4) for x in squares[r - 1 : r + 1]]
    return (mu[0] - mu[1]) * ctx.number(start.clock)


def _by_the_gap(
    problem: Problem, block: InvariantBlock, values: CriticalValues, ctx: BallArithmetic
) -> Limit:
    """Enclose the flow at a time when floats see the loss below the second critical value."""
    field = lora_field(
        problem.f, rows(problem.W0), rows(problem.A0), rows(problem.B0), **problem.rates
    )
    least, second = (_float(x + block.rest) for x in (values.least, values.second))
    time, seen = _nominated(field, problem, least, second)
    if time is None:
        return _open(block, values, ctx, seen, second)
    try:
        loss = field.enclosure(time, digits=15).loss
    except ToleranceNotMet as error:
        return _open(block, values, ctx, seen, second, str(error))
    with ctx.working():
        if not loss < values.second + block.rest:
            return _open(block, values, ctx, seen, second)
    argument = (
        f"critical-value gap: at t = {time} the enclosed loss {loss.str(6)} is below "
        f"{second:.6g}, the second smallest critical value, so its limit is the smallest one"
    )
    return _settled(block, None, argument, (LASALLE, CRITICAL, EYM), ctx)


def _float(x: Any) -> float:
    return float(flint.arb(x).mid())


def _nominated(
    field: FlowField, problem: Problem, least: float, second: float
) -> tuple[Fraction | None, float]:
    """The first of doubling times at which floats see a loss clearly below ``second``."""
    E = (problem.Y - problem.W0).astype(float)
    clock = float(problem.scale) * float(problem.eta_A * problem.eta_B) ** 0.5
    unit = max(1e-9, float(np.linalg.norm(E, 2)) * clock)
    first = Fraction(1, 2 ** max(0, 3 + int(np.ceil(np.log2(unit)))))
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


def _open(
    block: InvariantBlock,
    values: CriticalValues,
    ctx: BallArithmetic,
    seen: float,
    second: float,
    why: str = "",
) -> Limit:
    reasons = (
        f"the limit is open: the loss came down to {seen:.6g} in float64, where rounding may have "
        "left a saddle; once it is surely below "
        f"{second:.6g}, the second smallest critical value, the limit is the smallest one, "
        f"{_float(values.least + block.rest):.6g}",
        *((why,) if why else ()),
    )
    return Limit(None, None, None, False, "none", reasons=reasons, estimate=seen)
