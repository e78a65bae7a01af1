"""Batched rank and singular values of a product B A through QR of its factors.

With B = P R and A' = Q T, P and Q of orthonormal columns, B A has the singular values of the small
R T'. Column j of B and row j of A come with errors of a few n u |b_j| and m u |a_j| (Higham 2002,
Theorem 19.4: Householder's and the modified Gram-Schmidt factors are exact for such a matrix), so
by Weyl's inequality every singular value moves by at most a multiple of u sum_j |b_j| |a_j|, which
does not change with the scales of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.kernels.arguments import sizes
from lora_proofs.kernels.namespace import batch_arrays
from lora_proofs.kernels.result import NOT_FINITE, OK, OVERFLOW, REASONS

UNIT = 2.0**-53
FEW = 4
"""Up to so many columns are orthogonalised for all instances at once."""
CONSTANT = 10
"""Of the number of terms in an orthogonal transformation, as it is bounded in theory."""
TINY = 1e-290
Array = Any


@dataclass(frozen=True, eq=False)
class Spectra:
    """N spectra: ``values`` (N, k), largest first, each within ``error`` (N,) of the exact one.

    ``rank_lower`` and ``rank_upper`` (N,) enclose the rank; where they differ it is undecided.
    ``reason`` (N,) is 0, or a number into ``REASONS``; then the numbers are NaN, the ranks 0 and k.
    """

    values: Array
    error: Array
    rank_lower: Array
    rank_upper: Array
    reason: Array

    @property
    def failed(self) -> Array:
        """Which instances failed: (N,) of bool."""
        return self.reason != OK

    @property
    def decided(self) -> Array:
        """Where the rank is known: (N,) of bool."""
        return self.rank_lower == self.rank_upper

    def why(self, index: int) -> str:
        """Why an instance failed, or nothing."""
        return REASONS[int(self.reason[index])]


def product_spectra(B: Any, A: Any) -> Spectra:
    """The singular values and the rank of B A, for B (N, n, r) and A (N, r, m), k = min(n, r, m).

    ``error`` is (10 (n + m) + 50 r) u sum_j |b_j| |a_j|, with b_j the columns of B and a_j the rows
    of A; the bound of the small decomposition in it is LAPACK's as it is, not as it is proved. A
    value above its error is not 0, which gives the lower rank; the upper one counts what shapes and
    columns that are 0 leave. Raises ``ShapeMismatch``. Higham 2002, Chapter 19.

    >>> found = product_spectra([[[3.0], [4.0]]], [[[0.0, 2.0]]])
    >>> found.values[0].tolist(), int(found.rank_lower[0]), int(found.rank_upper[0])
    ([10.0], 1, 1)
    """
    xp, (B, A) = batch_arrays(B, A, names=("B", "A"))
    sizes(("B", "N n r", B), ("A", "N r m", A))
    with np.errstate(all="ignore"):
        return _spectra(xp, B, A)


def _spectra(xp: Any, B: Array, A: Array) -> Spectra:
    n, r, m = B.shape[1], B.shape[2], A.shape[2]
    k, At = min(n, r, m), xp.matrix_transpose(A)
    b, a = _column_norms(xp, B), _column_norms(xp, At)
    finite = xp.isfinite(xp.sum(B, axis=(1, 2)) * 0 + xp.sum(A, axis=(1, 2)) * 0)
    size = xp.sum(b * a, axis=1)
    fits = finite & xp.isfinite(xp.sum(b * b, axis=1) + xp.sum(a * a, axis=1) + size * size)
    if not xp.all(fits):
        B, At = (xp.where(fits[:, None, None], X, 0.0) for X in (B, At))
    core = xp.matmul(_triangle(xp, B), xp.matrix_transpose(_triangle(xp, At)))
    values = _values(xp, core)[:, :k]
    error = (CONSTANT * (n + m) + 50 * r) * UNIT * size
    error = xp.where(size > 0, error + TINY, 0.0)
    lower = xp.sum(xp.astype(values > error[:, None], xp.int64), axis=1)
    seen = xp.sum(xp.astype((b > 0) & (a > 0), xp.int64), axis=1)
    upper = xp.where(fits, xp.where(seen < k, seen, k), k)
    reason = xp.where(finite, xp.zeros_like(error) + OVERFLOW, float(NOT_FINITE))
    reason = xp.where(fits, float(OK), reason)
    bad = xp.where(fits, xp.zeros_like(error), xp.nan)
    lower = xp.where(fits, lower, 0)
    return Spectra(values + bad[:, None], error + bad, lower, upper, xp.astype(reason, xp.int8))


def _column_norms(xp: Any, X: Array) -> Array:
    """The norms of columns; above 0 where a column is not 0, even where squares underflow."""
    top = xp.max(xp.abs(X), axis=1)
    scale = xp.where(top > 0, top, 1.0)
    scaled = X / scale[:, None, :]
    return top * xp.sqrt(xp.sum(scaled * scaled, axis=1))


def _triangle(xp: Any, X: Array) -> Array:
    """R (N, min(n, r), r) of a QR decomposition of X (N, n, r)."""
    n, r = X.shape[1:]
    if xp is np:
        return _by_columns(X) if r <= FEW and r <= n else np.linalg.qr(X, mode="r")
    return xp.linalg.qr(X, mode="reduced")[1]


def _by_columns(X: Array) -> Array:
    """The modified Gram-Schmidt factor, one column of all instances after the other."""
    N, _, r = X.shape
    rest = np.array(np.moveaxis(X, 2, 0), order="C")
    R = np.zeros((N, r, r))
    for j in range(r):
        top = np.abs(rest[j]).max(axis=1)
        scale = np.where(top > 0, top, 1.0)
        rest[j] /= scale[:, None]
        length = np.sqrt(np.einsum("ni,ni->n", rest[j], rest[j]))
        rest[j] /= np.where(length > 0, length, 1.0)[:, None]
        R[:, j, j] = length * scale
        for k in range(j + 1, r):
            R[:, j, k] = np.einsum("ni,ni->n", rest[j], rest[k])
            rest[k] -= R[:, j, k, None] * rest[j]
    return R


def _values(xp: Any, core: Array) -> Array:
    """Singular values of the small matrices; in closed form up to 2 x 2."""
    if core.shape[1:] == (1, 1):
        return xp.abs(core[:, 0, :])
    if core.shape[1:] == (2, 2):
        return _of_pairs(xp, core)
    return xp.linalg.svdvals(core) if xp is not np else np.linalg.svd(core, compute_uv=False)


def _of_pairs(xp: Any, X: Array) -> Array:
    """Of 2 x 2 matrices: half of |z| + |w| and of |z| - |w|.

    On the plane the matrix acts as x -> z x + w conj(x).
    """
    a, b, c, d = X[:, 0, 0], X[:, 0, 1], X[:, 1, 0], X[:, 1, 1]
    z, w = xp.hypot(a + d, c - b), xp.hypot(a - d, c + b)
    return xp.stack([(z + w) / 2, xp.abs(z - w) / 2], axis=1)
