"""The leading part of a matrix as two factors: a best approximation of rank r, G H."""

from __future__ import annotations

from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, object_matrix
from lora_proofs.arithmetic.dense import (
    fast_arithmetic,
    handed_on,
    row_reduced,
    singular_value_decomposition,
)
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic, fmpq
from lora_proofs.mathematics.matrices import best_rank_approximation


def leading_factors(E: Any, r: int, ctx: Arithmetic) -> tuple[Matrix, Matrix]:
    """G and H with G H a best approximation of E of rank at most r, in every invariant norm.

    E: (n, m) exact, G: (n, k), H: (k, m), k = min(r, n, m) or, exactly, the rank. In floats G and
    H share the singular values; exactly, a rank factorisation, and ``Unavailable`` where the
    truncation is irrational. Eckart and Young; Mirsky.

    >>> G, H = leading_factors([[2, 0], [0, 1]], 1, EXACT)
    >>> (G @ H).tolist()
    [[2, 0], [0, 0]]
    """
    if isinstance(ctx, ExactArithmetic):
        E = EXACT.matrix(E)
        if r == 0:
            return EXACT.zeros(E.shape[0], 0), EXACT.zeros(0, E.shape[1])
        return rank_factors(E if EXACT.rank(E) <= r else best_rank_approximation(E, r, EXACT))
    fast = fast_arithmetic(ctx)
    with fast.working():
        U, s, V = singular_value_decomposition(fast.matrix(E), fast)
        k = min(r, len(s))
        roots = np.array([fast.sqrt(x) for x in s[:k]], dtype=U.dtype)
        return handed_on(U[:, :k] * roots, ctx), handed_on((V[:, :k] * roots).T, ctx)


def rank_factors(E: Matrix) -> tuple[Matrix, Matrix]:
    """G and H with E = G H over the rationals and as many columns of G as the rank of E.

    >>> G, H = rank_factors(EXACT.matrix([[1, 2], [2, 4]]))
    >>> G.shape, (G @ H).tolist()
    ((2, 1), [[1, 2], [2, 4]])
    """
    if 0 in E.shape:
        return EXACT.zeros(E.shape[0], 0), EXACT.zeros(0, E.shape[1])
    rows = row_reduced(E)
    pivots = [next(j for j, x in enumerate(row) if x != 0) for row in rows]
    H = object_matrix(rows, fmpq) if rows else EXACT.zeros(0, E.shape[1])
    return E[:, pivots], H
