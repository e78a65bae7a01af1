"""What claims compare: norms, ranks, singular values, and equality up to a rotation.

Each takes matrices of one arithmetic and, where it needs more than operators, that arithmetic.
An arithmetic that cannot do it raises ``Unavailable``, and the verifier goes on to the next one.
"""

from __future__ import annotations

import numpy as np

from lora_proofs.arithmetic import Comparison, at_most, equal, inner, squared_norm, trace
from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.errors import ShapeMismatch
from lora_proofs.mathematics.matrices import best_rank_error, best_rank_squared_error

__all__ = [
    "best_rank_error",
    "best_rank_squared_error",
    "frobenius_norm",
    "inner",
    "nuclear_norm",
    "rank",
    "rank_at_most",
    "same_up_to_rotation",
    "singular_values",
    "spectral_norm",
    "squared_norm",
    "trace",
]


def frobenius_norm(X: Matrix, ctx: Arithmetic) -> Scalar:
    """||X||_F; compare ``squared_norm(X)`` where that will do, because it stays rational.

    >>> from lora_proofs.arithmetic import EXACT
    >>> frobenius_norm(EXACT.matrix([[3, 0], [0, 4]]), EXACT)
    5
    """
    return ctx.frobenius_norm(X)


def singular_values(X: Matrix, ctx: Arithmetic) -> list[Scalar]:
    """The min(n, m) singular values of X (n x m), largest first.

    >>> from lora_proofs.arithmetic import BallArithmetic
    >>> ball = BallArithmetic(20)
    >>> with ball.working():
    ...     bool(singular_values(ball.matrix([[0, 2], [1, 0]]), ball)[0] > 1)
    True
    """
    return ctx.singular_values(X)


def spectral_norm(X: Matrix, ctx: Arithmetic) -> Scalar:
    """||X||_2, the largest singular value.

    >>> from lora_proofs.arithmetic import EXACT
    >>> spectral_norm(EXACT.matrix([[3, 4]]), EXACT)
    5
    """
    return ctx.operator_norm(X)


def nuclear_norm(X: Matrix, ctx: Arithmetic) -> Scalar:
    """||X||_*, the sum of the singular values.

    >>> from lora_proofs.arithmetic import EXACT
    >>> nuclear_norm(EXACT.matrix([[3], [4]]), EXACT)
    5
    """
    return sum(ctx.singular_values(X), ctx.number(0))


def rank(X: Matrix, ctx: Arithmetic) -> int:
    """The rank of X, decided in exact arithmetic alone.

    >>> from lora_proofs.arithmetic import EXACT
    >>> rank(EXACT.matrix([[1, 2], [2, 4]]), EXACT)
    1
    """
    return ctx.rank(X)


def rank_at_most(label: str, X: Matrix, r: int, ctx: Arithmetic) -> Comparison:
    """The comparison rank X <= r.

    >>> from lora_proofs.arithmetic import EXACT
    >>> rank_at_most("rank", EXACT.matrix([[1, 2], [2, 4]]), 1, EXACT).outcome
    'holds'
    """
    return at_most(label, ctx.number(ctx.rank(X)), ctx.number(r))


def same_up_to_rotation(
    label: str, first: tuple[Matrix, Matrix], second: tuple[Matrix, Matrix]
) -> Comparison:
    """The comparison that (B1, A1) and (B2, A2) differ by a rotation: B2 = B1 R, A2 = R'A1.

    Pairs are (B, A) with B (n x r) and A (r x m), and R is orthogonal. Such an R exists where
    Z1 Z1' = Z2 Z2' for Z = [B; A'], which is what is compared. Raises ``ShapeMismatch`` for
    factors of different shapes.

    >>> from lora_proofs.arithmetic import EXACT
    >>> M = EXACT.matrix
    >>> same_up_to_rotation("turned", (M([[1]]), M([[2]])), (M([[-1]]), M([[-2]]))).outcome
    'holds'
    """
    shapes = [(B.shape, A.shape) for B, A in (first, second)]
    if shapes[0] != shapes[1]:
        raise ShapeMismatch(f"{label}: expected factors of equal shapes, got B, A of {shapes}")
    Z1, Z2 = (np.concatenate([B, A.mT]) for B, A in (first, second))
    return equal(label, Z1 @ Z1.mT, Z2 @ Z2.mT)
