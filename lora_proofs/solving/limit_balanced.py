"""The limit of a Frobenius flow from a balanced start: the matrix Riccati equation shows it.

With B0'B0 - A0 A0' = c I, Z = [B; A'] and F = [[c/2 I, E], [E', -c/2 I]] the flow is Z = e^{Ft}Z0 M
with M M' = (I + Z0' (int_0^t e^{2Fs} ds) Z0)^{-1}, so it never leaves K, the smallest space that F
keeps and that holds Z0. Let Z0 have rank k and let Pi project on the q leading eigenvectors of F in
K, where q is the least of k and the number of its positive eigenvalues there. Where Pi is
determined and Pi Z0 has rank q, ZZ' tends to 2 F Pi: modes whose eigenvalue is not positive decay.
The eigenvalues of F are +-mu_i with mu_i^2 = sigma_i^2 + c^2/4, and +-c/2 on null vectors; where
Pi belongs to mu_1, ..., mu_k of what an invariant block leaves of E, the upper right block of
2 F Pi is the best approximation of that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.arithmetic.context import Matrix, Scalar, scaled
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.frobenius_riccati import balance, riccati_matrix
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.mathematics.matrices import (
    best_rank_approximation,
    leading_projector,
    rank_gap,
    squared_singular_values,
)
from lora_proofs.mathematics.singular_values import squared_levels
from lora_proofs.solving.invariant_block import InvariantBlock, closure, projector
from lora_proofs.solving.limit import Limit, least_loss
from lora_proofs.solving.plain import PlainStart, has_exact_start
from lora_proofs.solving.problem import Problem

FROM_ZERO = (
    "matrix Riccati equation: B0 = 0, A0 A0' is a multiple of I, sigma_r > sigma_{r+1} and "
    "det(A0 V_r) != 0"
)
IN_KRYLOV_SPACE = (
    "matrix Riccati equation: B0'B0 - A0 A0' is a multiple of I, and the start sees the leading "
    "eigenvectors of F in the smallest space that F keeps and that holds the start"
)
TO_ZERO = (
    "exact invariance: B0'B0 - A0 A0' is a multiple of I, and F has no positive eigenvalue in the "
    "smallest space that it keeps and that holds the start, so A and B tend to 0"
)


def balanced_end(
    problem: Problem, start: PlainStart, block: InvariantBlock, ctx: BallArithmetic
) -> Limit | None:
    """The limit of a balanced start, where balls see the rank of Pi Z0; ``None`` elsewhere.

    ``start`` is that of the plain flow.
    """
    if not any(problem.B0.flat):  # type: ignore[union-attr]
        found = _from_zero(problem, start, block, ctx)
        if found is not None:
            return found
    if not has_exact_start(problem):
        return None
    A, B = start.A, start.B
    try:
        c = balance(A, B)
    except BadInput:
        return None
    return _in_krylov_space(problem, start, block, c, ctx)


def _in_krylov_space(
    problem: Problem, start: PlainStart, block: InvariantBlock, c: Any, ctx: BallArithmetic
) -> Limit | None:
    """The limit of a start that may see a part of the eigenvectors of F only."""
    E: Matrix = problem.Y - problem.W0
    n, k, F = len(E), block.rank, riccati_matrix(E, c)
    Z0 = np.vstack([start.B, start.A.mT])
    onto = projector(closure(F, Z0))
    size = max(sum(abs(x) for x in row) for row in F) + 1
    shifted = onto @ (F + size * EXACT.identity(len(F))) @ onto
    dimension = EXACT.rank(onto)
    values = _eigenvalues(shifted, dimension, size, ctx)
    q = min(k, sum(1 for x in values if x > 0))
    if not all(x > 0 or x <= 0 for x in values):
        return None
    if q == 0:
        return _to_zero(problem)
    if not rank_gap(shifted, q):
        return None
    with ctx.working():
        Pi = leading_projector(shifted, q, ctx)
        if not _has_rank(ctx.matrix(Z0.mT) @ Pi @ ctx.matrix(Z0), q):
            return None
        BA = (2 * ctx.matrix(F) @ Pi)[:n, n:]
        after = (-values[q - 1]).max(values[q]) if dimension > q else -values[q - 1]
        bound = (values[q - 1] - after) * ctx.number(start.clock) if q == k else None
        # In the block F has k eigenvalues above mu_{k+1}: K has the leading ones if it has as many.
        mu = _exponents(block.E, k, ctx.number(c), ctx)[1]
        leading = q == k and rank_gap(block.E, k) and bool(values[q - 1] > mu)

    def keeps(finer: BallArithmetic) -> list[Scalar]:
        seen = _eigenvalues(shifted, dimension, size, finer)[:q]
        with finer.working():
            return [x * x - finer.number(c * c / 4) for x in seen]

    return _known(E, block, BA, bound, None if leading else keeps, ctx)


def _known(
    E: Matrix,
    block: InvariantBlock,
    BA: Matrix,
    bound: Scalar | None,
    keeps: Callable[[BallArithmetic], list[Scalar]] | None,
    ctx: BallArithmetic,
) -> Limit:
    """The limit 2 F Pi: the best that the block allows, or what ``keeps`` its singular values."""
    leading = keeps is None
    cites = (ECKART_YOUNG_MIRSKY,) if leading else ()
    lean_on(*cites)
    with ctx.working():
        if leading:
            BA = best_rank_approximation(block.E, block.rank, ctx)
            loss = block.rest + least_loss(block.E, block.rank, ctx)
        else:
            loss = squared_norm(ctx.matrix(E) - BA) / 2
    return Limit(
        loss,
        BA,
        None,
        True,
        IN_KRYLOV_SPACE,
        tuple(cited.name for cited in cites),
        sees=((block.E, block.rank),) if leading else (),
        keeps=() if keeps is None else (keeps,),
        rate_bound=bound,
    )


def _eigenvalues(shifted: Matrix, dimension: int, size: Any, ctx: BallArithmetic) -> list[Scalar]:
    """The eigenvalues of F in K, largest first; those of ``shifted`` there are larger by ``size``.

    One that is 0 is known to be, as its square is rational.
    """
    levels = squared_levels(shifted, 4 * ctx.bits)
    squares = [value for value, k in levels for _ in range(k)][:dimension]
    with ctx.working():
        return [
            ctx.number(0) if _is(x, size * size) else ctx.sqrt(ctx.number(x)) - size
            for x in squares
        ]


def _is(x: Any, exact: flint.fmpq) -> bool:
    return isinstance(x, flint.fmpq) and x == exact


def _has_rank(S: Matrix, q: int) -> bool:
    """Whether a positive semidefinite matrix of balls, of rank q at most, surely has rank q."""
    coefficients = flint.arb_mat(S.tolist()).charpoly()
    return bool((-1) ** q * coefficients[len(S) - q] > 0)


def _to_zero(problem: Problem) -> Limit:
    """F has no positive eigenvalue in K: A and B decay."""
    E: Matrix = problem.Y - problem.W0
    loss, none = squared_norm(E) / 2, flint.fmpq(0)
    return Limit(
        loss,
        scaled(none, E),
        None,
        True,
        TO_ZERO,
        A=scaled(none, problem.A0),
        B=scaled(none, problem.B0),
    )


def _from_zero(
    problem: Problem, start: PlainStart, block: InvariantBlock, ctx: BallArithmetic
) -> Limit | None:
    """B0 = 0: the eigenvectors of F are seen where those of E'E are, and the rate is known."""
    E: Matrix = problem.Y - problem.W0
    A0: Matrix = problem.A0
    r = len(A0)
    try:
        c = balance(A0, problem.B0)
    except BadInput:
        return None
    if c == 0 or r >= E.shape[1] or not rank_gap(E, r):
        return None
    with ctx.working():
        A, square = ctx.matrix(A0), -ctx.number(c) * ctx.number(start.alpha) ** 2

        def meets(P: Matrix) -> bool:
            return bool(flint.arb_mat((A @ P @ A.mT).tolist()).det() > 0)

        if not meets(leading_projector(E, r, ctx)):
            return None
        rate, reasons = balanced_rate(E, r, square, block.width == r, meets, ctx)
        clock = ctx.number(start.clock)
        mu = [x * clock for x in _exponents(E, r, square, ctx)]
        rate = None if rate is None else rate * clock
    lean_on(ECKART_YOUNG_MIRSKY)
    return Limit(
        least_loss(E, r, ctx),
        best_rank_approximation(E, r, ctx),
        rate,
        True,
        FROM_ZERO,
        (ECKART_YOUNG_MIRSKY.name,),
        reasons,
        sees=((E, r),),
        rate_bound=mu[0] - mu[1] if rate is None else rate,
    )


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
