"""The limit of a Frobenius flow from a balanced start, where the matrix Riccati equation shows it.

With B0'B0 - A0 A0' = c I and Z = [B; A'] the matrix ZZ' is known in closed form. It tends to the
matrix that doubles F = [[c/2 I, E], [E', -c/2 I]] on its r leading eigenvectors where these are
determined and no combination of the columns of Z0 is orthogonal to all of them; then BA tends to
E_r. The eigenvalues of F are +-mu_i with mu_i^2 = sigma_i^2 + c^2/4, and +-c/2 on null vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.context import Matrix, Scalar
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.frobenius_riccati import balance, riccati_matrix
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.mathematics.matrices import (
    best_rank_approximation,
    leading_projector,
    rank_gap,
    squared_singular_values,
)
from lora_proofs.solving.invariant_block import InvariantBlock
from lora_proofs.solving.limit import Limit, least_loss
from lora_proofs.solving.plain import PlainStart, has_exact_start
from lora_proofs.solving.problem import Problem

ZERO = flint.fmpq(0)


@dataclass(frozen=True, eq=False)
class _Approach:
    """The rate of the plain flow where it is known, and what is said where it is not."""

    rate: Scalar | None
    reasons: tuple[str, ...]
    bound: Scalar | None


def balanced_end(
    problem: Problem, start: PlainStart, block: InvariantBlock, ctx: BallArithmetic
) -> Limit | None:
    """The limit of a balanced start that sees the r leading directions; ``None`` elsewhere.

    ``start`` is that of the plain flow.
    """
    E: Matrix = problem.Y - problem.W0
    A0: Matrix = problem.A0
    r, zero = len(A0), not any(problem.B0.flat)  # type: ignore[union-attr]
    if r > min(E.shape) or not rank_gap(E, r) or not (zero or has_exact_start(problem)):
        return None
    A, B = (A0, problem.B0) if zero else (start.A, start.B)
    try:
        c = balance(A, EXACT.matrix(B))
    except BadInput:
        return None
    if zero:
        with ctx.working():
            square = -ctx.number(c) * ctx.number(start.alpha) ** 2
        found = _from_zero(E, A, square, block, ctx)
    else:
        found = _from_anywhere(E, A, EXACT.matrix(B), c, ctx)
    return None if found is None else _settled(E, r, start, found, zero, ctx)


def _settled(
    E: Matrix, r: int, start: PlainStart, found: _Approach, zero: bool, ctx: BallArithmetic
) -> Limit:
    lean_on(ECKART_YOUNG_MIRSKY)
    said = (
        "B0 = 0, A0 A0' is a multiple of I, sigma_r > sigma_{r+1} and det(A0 V_r) != 0"
        if zero
        else "B0'B0 - A0 A0' is a multiple of I, sigma_r > sigma_{r+1}, and the start sees the r "
        "leading eigenvectors of F"
    )
    with ctx.working():
        clock = ctx.number(start.clock)
        rate = None if found.rate is None else found.rate * clock
        bound = None if found.bound is None else found.bound * clock
    return Limit(
        least_loss(E, r, ctx),
        best_rank_approximation(E, r, ctx),
        rate,
        True,
        f"matrix Riccati equation: {said}",
        (ECKART_YOUNG_MIRSKY.name,),
        found.reasons,
        sees=((E, r),),
        rest=ZERO,
        rate_bound=bound,
    )


def _from_zero(
    E: Matrix, A0: Matrix, square: Scalar, block: InvariantBlock, ctx: BallArithmetic
) -> _Approach | None:
    """B0 = 0: the eigenvectors of F are seen where those of E'E are."""
    r = len(A0)
    with ctx.working():
        A = ctx.matrix(A0)

        def meets(P: Matrix) -> bool:
            return bool(flint.arb_mat((A @ P @ A.mT).tolist()).det() > 0)

        if not meets(leading_projector(E, r, ctx)):
            return None
        rate, reasons = balanced_rate(E, r, square, block.width == r, meets, ctx)
        bound = None if rate is not None else _exponents(E, r, square, ctx)
        return _Approach(rate, reasons, None if bound is None else bound[0] - bound[1])


def _from_anywhere(
    E: Matrix, A0: Matrix, B0: Matrix, c: Any, ctx: BallArithmetic
) -> _Approach | None:
    """Any other balanced start: the leading eigenvectors of F, shifted to be positive definite."""
    r, F = len(A0), riccati_matrix(E, c)
    size = max(sum(abs(x) for x in row) for row in F) + 1
    P = leading_projector(F + size * EXACT.identity(len(F)), r, ctx)
    with ctx.working():
        Z = ctx.matrix(np.vstack([B0, A0.mT]))
        if not flint.arb_mat((Z.mT @ P @ Z).tolist()).det() > 0:
            return None
        first, after = _exponents(E, r, ctx.number(c), ctx)
        known = (first - after).str(6, radius=False)
        return _Approach(None, (f"the rate is at least {known}",), first - after)


def _exponents(E: Matrix, r: int, c: Scalar, ctx: BallArithmetic) -> list[Scalar]:
    """mu_r and mu_{r+1}."""
    squares = [x for x, k in squared_singular_values(E, ctx) for _ in range(k)]
    squares += [ctx.number(0)] * (r + 1 - len(squares))
    return [ctx.sqrt(x + c * c / 4) for x in squares[r - 1 : r + 1]]


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
    mu = _exponents(E, r, square, ctx)
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
