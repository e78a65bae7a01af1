"""The order in which the pieces of an update reach the layers, for nonsingular frozen weights.

With P_l = W_L ... W_{l+1}, Q_l = W_l ... W_1 and an update M = G H of rank rho, a split of the
columns of G and the rows of H among the layers asks for P_l DW_l What_{l-1} ... What_1 = G_l H_l.
With C = I + H P_0^{-1} G, eliminating C below its diagonal blocks, and H along with it, gives

    B_l = P_l^{-1} G_l,    A_l = H_l Q_{l-1}^{-1}.

The leading blocks of C are nonsingular exactly where the intermediates P_0 + G_{<=l} H_{<=l} are.
A change of basis G -> G T, H -> T^{-1} H turns C into T^{-1} C T, so the task is to find one in
which elimination runs through. One always exists, in which C is nearly block triangular: that is
the factorisation of I + M P_0^{-1} into factors I + (rank one). Only the frozen weights have to
be nonsingular.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import (
    finite,
    inverse,
    product,
    row_reduced,
    singular_value_decomposition,
    to_floats,
)
from lora_proofs.arithmetic.exact import ExactArithmetic
from lora_proofs.errors import BadInput


def eliminated(
    C: Matrix, H: Matrix, ends: Sequence[int], ctx: Arithmetic, *, apart: int, largest: float
) -> Matrix:
    """H after C: (k, k) is eliminated below its diagonal blocks, which end at ``ends``.

    The first ``apart`` columns of C have nothing below the diagonal and stay out of it. Raises
    ``BadInput`` where what is left of a block is singular, or its inverse exceeds ``largest``.

    >>> from lora_proofs.arithmetic import EXACT
    >>> C, H = EXACT.matrix([[2, 1], [4, 1]]), EXACT.identity(2)
    >>> eliminated(C, H, [1, 2], EXACT, apart=0, largest=1e9).tolist()
    [[1, 0], [-2, 1]]
    """
    C, H, start, noise = C.copy(), H.copy(), apart, negligible(C, ctx)
    for end in ends:
        below = C[end:, start:end]
        if below.size and abs(below).max() > noise:
            pivot = inverse(C[start:end, start:end], ctx)
            if not isinstance(ctx, ExactArithmetic) and not abs(pivot).max() <= largest:
                raise BadInput(f"expected a block whose inverse stays below {largest:.0e}")
            times = product(below, pivot, ctx=ctx)
            C[end:] = C[end:] - product(times, C[start:end], ctx=ctx)
            H[end:] = H[end:] - product(times, H[start:end], ctx=ctx)
        start = max(start, end)
    return H


def good_basis(C: Matrix, ends: Sequence[int], ctx: Arithmetic) -> tuple[Matrix, int]:
    """T: (k, k) such that elimination runs through T^{-1} C T, and how many columns stay apart.

    First what C takes to 0, again and again: these columns stay apart. Then the rest: exactly, by
    pivots; in floats, a basis in which it is nearly triangular, the largest eigenvalues first.

    >>> from lora_proofs.arithmetic import EXACT
    >>> T, apart = good_basis(EXACT.matrix([[0, -1], [1, 0]]), [1, 2], EXACT)
    >>> T.tolist(), apart
    ([[1, 0], [1, 1]], 0)
    """
    T, done = ctx.identity(len(C)), 0
    while done < len(C):
        Z = _kernel(_rest(C, T, done, ctx), ctx)
        if not Z.shape[1]:
            break
        T = _turned(T, _completed(Z, ctx), done, ctx)
        done += Z.shape[1]
    if done < len(C):
        rest = _rest(C, T, done, ctx)
        exactly = isinstance(ctx, ExactArithmetic)
        later = [end - done for end in ends]
        step = _pivoted(rest, ctx) if exactly else _triangular(rest, later, ctx)
        T = _turned(T, step, done, ctx)
    return T, done


def _rest(C: Matrix, T: Matrix, done: int, ctx: Arithmetic) -> Matrix:
    """T^{-1} C T without the rows and columns that are done."""
    return product(inverse(T, ctx), C, T, ctx=ctx)[done:, done:]


def _turned(T: Matrix, step: Matrix, done: int, ctx: Arithmetic) -> Matrix:
    out = T.copy()
    out[:, done:] = product(T[:, done:], step, ctx=ctx)
    return out


def _kernel(C: Matrix, ctx: Arithmetic) -> Matrix:
    """A basis of what C takes to 0, exactly or to the working precision."""
    if isinstance(ctx, ExactArithmetic):
        return null_space(C)
    sizes = np.linalg.svd(finite(to_floats(C)), compute_uv=False)
    if sizes[-1] > 1e-9 * max(sizes[0], 1.0):
        return C[:, :0]
    _, s, V = singular_value_decomposition(C, ctx)
    return V[:, [k for k, x in enumerate(s) if x <= negligible(C, ctx)]]


def negligible(C: Matrix, ctx: Arithmetic) -> Any:
    """What counts as 0 in C = I + ...: the rounding, and exactly nothing over the rationals."""
    if isinstance(ctx, ExactArithmetic) or not C.size:
        return 0
    size = max(abs(C).max(), 1)
    digits = getattr(ctx, "digits", 14)
    return size * ctx.number(10) ** -digits


def null_space(X: Matrix) -> Matrix:
    """A basis, as columns, of the vectors that a rational X takes to 0.

    >>> from lora_proofs.arithmetic import EXACT
    >>> null_space(EXACT.matrix([[1, 2], [2, 4]])).tolist()
    [[-2], [1]]
    """
    from lora_proofs.arithmetic.exact import EXACT

    rows = row_reduced(X)
    pivots = [next(j for j, x in enumerate(row) if x != 0) for row in rows]
    free = [j for j in range(X.shape[1]) if j not in pivots]
    out = EXACT.zeros(X.shape[1], len(free))
    for column, j in enumerate(free):
        out[j, column] = flint.fmpq(1)
        for row, pivot in zip(rows, pivots, strict=True):
            out[pivot, column] = -row[j]
    return out


def _completed(Z: Matrix, ctx: Arithmetic) -> Matrix:
    """A nonsingular matrix that begins with the independent columns of Z."""
    k, width = Z.shape
    if isinstance(ctx, ExactArithmetic):
        _, pivots = _row_pivots(Z)
        others = [j for j in range(k) if j not in pivots]
        return np.concatenate([Z, ctx.identity(k)[:, others]], axis=1)
    rest = np.linalg.svd(to_floats(Z), full_matrices=True)[0][:, width:]
    return np.concatenate([Z, ctx.matrix(rest)], axis=1)


def _row_pivots(Z: Matrix) -> tuple[int, list[int]]:
    """Rows of Z that are independent."""
    rows = row_reduced(Z.T)
    return len(rows), [next(j for j, x in enumerate(row) if x != 0) for row in rows]


def _pivoted(C: Matrix, ctx: Arithmetic) -> Matrix:
    """A basis in which all leading minors of a nonsingular rational C are nonzero."""
    C, T = C.copy(), ctx.identity(len(C))
    for k in range(len(C)):
        j = next((j for j in range(k, len(C)) if C[j, j] != 0), None)
        if j is None:
            j, i = _entry(C, k)
            # With e_j + e_i in the place of e_j the diagonal has the entry C_ji. Row i would lose
            # row j; as that is the pivot row, elimination takes it off all the same.
            T[:, j] += T[:, i]
            C[:, j] += C[:, i]
        for X in (C.T, T.T, C):  # columns, columns, rows: the same exchange in every one
            X[[k, j]] = X[[j, k]]
        _eliminate_one(C, k)
    return T


def _entry(C: Matrix, k: int) -> tuple[int, int]:
    """Where a nonzero entry stands beyond row and column k; C is nonsingular, so there is one."""
    size = range(k, len(C))
    return next((j, i) for j in size for i in size if C[j, i] != 0)


def _eliminate_one(C: Matrix, k: int) -> None:
    for i in range(k + 1, len(C)):
        if C[i, k] != 0:
            C[i, k + 1 :] -= C[k, k + 1 :] * (C[i, k] / C[k, k])


def _triangular(C: Matrix, ends: Sequence[int], ctx: Arithmetic) -> Matrix:
    """A basis, near an orthonormal one, in which C is nearly block triangular (Schur).

    It is found in float64. What is left below the blocks is small, and elimination takes it off.
    """
    C = finite(to_floats(C))
    T, done = np.eye(len(C)), 0
    while done < len(C):
        room = min((end - done for end in ends if end > done), default=len(C))
        step, width = _leading_step(_float_rest(C, T, done), room)
        T[:, done:] = T[:, done:] @ step
        done += width
    return ctx.matrix(T)


def _float_rest(C: np.ndarray, T: np.ndarray, done: int) -> np.ndarray:
    return np.linalg.solve(T, C @ T)[done:, done:]


def _leading_step(C: np.ndarray, room: int) -> tuple[np.ndarray, int]:
    """A basis that begins with one eigenvector, or two vectors for a pair of complex ones."""
    values, vectors = np.linalg.eig(C)
    real = np.abs(values.imag) <= 1e-14 * np.abs(values).max(initial=0.0)
    # A pair that would be split between two layers waits, where a real one is nearly as large.
    sizes = np.abs(values) * np.where(real | (room > 1), 1.0, 1e-3)
    best = int(np.argmax(sizes))
    vector = vectors[:, best]
    if real[best]:
        return np.linalg.qr(vector.real[:, None], mode="complete")[0], 1
    plane = np.stack([vector.real, vector.imag], axis=1)
    step = np.linalg.qr(plane, mode="complete")[0]
    if room == 1:
        step[:, :2] = step[:, :2] @ _split((step.T @ C @ step)[:2, :2])
    return step, 2


def _split(K: np.ndarray) -> np.ndarray:
    """A basis of the plane in which the first entry of K, with complex eigenvalues, is large."""
    _, turn = np.linalg.eigh(K + K.T)
    first = int(np.argmax(np.abs(np.diag(turn.T @ K @ turn))))
    turn = turn[:, [first, 1 - first]]
    K = turn.T @ K @ turn
    if abs(K[0, 0]) >= 0.3 * np.sqrt(abs(np.linalg.det(K))):
        return turn
    # K is nearly skew: with e_1 + t e_2 in the place of e_1 the first entry is K_11 + t K_12.
    t = 1.0 if K[0, 0] * K[0, 1] >= 0 else -1.0
    skewed: np.ndarray = turn @ np.array([[1.0, 0.0], [t, 1.0]])
    return skewed
