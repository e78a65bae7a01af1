"""Singular values with exact multiplicities, and best low-rank approximation, of exact matrices.

The squared singular values are the roots of the characteristic polynomial of a Gram matrix over
the rationals. Its factors decide every tie and every zero; the roots themselves are enclosed.
"""

from __future__ import annotations

from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.mathematics.singular_values import (
    Level,
    checked_rank,
    is_gap,
    squared_levels,
)


def squared_singular_values(E: Any, ctx: Arithmetic) -> list[tuple[Scalar, int]]:
    """The distinct squared singular values of E, largest first, with exact multiplicities.

    E is n x m and exact; the multiplicities, the one of 0 included, add up to min(n, m). Exact
    arithmetic gives them where all are rational and raises ``Unavailable`` elsewhere; so does a
    matrix of balls, of which no tie is decided.

    >>> squared_singular_values([[3, 0, 0], [0, 1, 0], [0, 0, 1]], EXACT)
    [(9, 1), (1, 2)]
    """
    if any(isinstance(x, flint.arb) for row in E for x in row):
        raise Unavailable("an exact singular value", "ball", "hand over the exact matrix itself")
    levels = squared_levels(E, _bits(ctx))
    return [(in_arithmetic(value, ctx), k) for value, k in levels]


def rank_gap(E: Any, r: int) -> bool:
    """Whether sigma_r > sigma_{r+1}, decided exactly; sigma_i is 0 for i > min(n, m).

    Raises ``BadInput`` for r < 1.

    >>> rank_gap([[2, 0], [0, 1]], 1), rank_gap([[1, 0], [0, 1]], 1)
    (True, False)
    """
    return is_gap(E, r)


def best_rank_squared_error(E: Any, r: int, ctx: Arithmetic) -> Scalar:
    """The squared distance of E to the matrices of rank at most r: sum_{i>r} sigma_i^2.

    Eckart and Young; Mirsky. E is exact: raises ``Unavailable`` for a matrix of balls.

    >>> best_rank_squared_error([[3, 0, 0], [0, 1, 0], [0, 0, 1]], 1, EXACT)
    2
    """
    lean_on(ECKART_YOUNG_MIRSKY)
    left, total = checked_rank(r), ctx.number(0)
    for value, k in squared_singular_values(E, ctx):
        taken = min(k, left)
        left, total = left - taken, total + (k - taken) * value
    return total


def best_rank_error(E: Any, r: int, ctx: Arithmetic) -> Scalar:
    """The Frobenius distance of E to the matrices of rank at most r.

    >>> best_rank_error([[3, 0], [0, 2]], 1, EXACT)
    2
    """
    with ctx.working():
        return ctx.sqrt(best_rank_squared_error(E, r, ctx))


def leading_projector(E: Any, r: int, ctx: Arithmetic) -> Matrix:
    """The orthogonal projector V_r V_r' onto the r leading right singular vectors; m x m.

    It is a polynomial in E'E, by Lagrange's formula over the distinct eigenvalues. Raises
    ``BadInput`` unless sigma_r > sigma_{r+1}.

    >>> leading_projector([[0, 2], [1, 0]], 1, EXACT)
    array([[0, 0],
           [0, 1]], dtype=object)
    """
    E = EXACT.matrix(E)
    if not rank_gap(E, r):
        raise BadInput(
            f"leading projector: expected sigma_{r} > sigma_{r + 1}, got a tie or a zero; the "
            "leading right singular vectors are not determined"
        )
    # Close eigenvalues cost digits: twice the precision of the answer is spent on it.
    bits = 2 * _bits(ctx) + 64
    with flint.ctx.workprec(bits):
        levels = squared_levels(E, bits)
        if sum(k for value, k in levels if value != 0) < E.shape[1] and levels[-1][0] != 0:
            levels.append((flint.fmpq(0), 1))
        found = _lagrange(E.mT @ E, [value for value, _ in levels], _groups(levels, r))
    return _matrix_in(found, ctx)


def best_rank_approximation(E: Any, r: int, ctx: Arithmetic) -> Matrix:
    """E_r, the nearest matrix of rank at most r, where it is unique.

    That is where sigma_r > sigma_{r+1} or r >= rank E; raises ``BadInput`` elsewhere.

    >>> best_rank_approximation([[3, 0], [0, 2]], 1, EXACT)
    array([[3, 0],
           [0, 0]], dtype=object)
    """
    exact = EXACT.matrix(E)
    if EXACT.rank(exact) <= checked_rank(r):
        with ctx.working():
            return ctx.matrix(exact)
    if not rank_gap(exact, r):
        raise BadInput(f"best rank-{r} approximation: sigma_{r} = sigma_{r + 1}, it is not unique")
    with ctx.working():
        return ctx.matrix(exact) @ leading_projector(exact, r, ctx)


def in_arithmetic(value: Any, ctx: Arithmetic) -> Scalar:
    """An exact number or a ball in an arithmetic: floats take the middle of a ball.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> in_arithmetic(flint.arb(2), ArrayArithmetic())
    2.0
    """
    if not isinstance(value, flint.arb) or isinstance(ctx, BallArithmetic):
        return ctx.number(value)
    if isinstance(ctx, ExactArithmetic):
        raise Unavailable("an irrational singular value", ctx.name)
    if isinstance(ctx, ArrayArithmetic):
        return float(value.mid())
    mantissa, exponent = value.mid().man_exp()
    two = flint.fmpq(2)
    return ctx.number(flint.fmpq(mantissa) * two ** int(exponent))


def _matrix_in(X: Matrix, ctx: Arithmetic) -> Matrix:
    rows = [[in_arithmetic(x, ctx) for x in row] for row in X]
    return np.array(rows) if isinstance(ctx, ArrayArithmetic) else ctx.matrix(rows)


def _bits(ctx: Arithmetic) -> int:
    digits = getattr(ctx, "digits", 17)
    return int(digits * 3.3219281) + 32


def _groups(levels: list[Level], r: int) -> int:
    """How many distinct values make up the r leading ones."""
    count = total = 0
    while total < r:
        total += levels[count][1]
        count += 1
    return count


def _lagrange(X: Matrix, eigenvalues: list[Any], leading: int) -> Matrix:
    """sum_j prod_{i != j} (X - x_i)/(x_j - x_i) over the leading j."""
    one, total = EXACT.identity(len(X)), EXACT.zeros(*X.shape)
    for j in range(leading):
        part = one
        for i, x in enumerate(eigenvalues):
            if i != j:
                part = part @ (X - x * one) * (1 / (eigenvalues[j] - x))
        total = total + part
    return total
