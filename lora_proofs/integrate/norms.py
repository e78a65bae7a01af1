"""Certified upper bounds: Frobenius norm, spectral norm, largest eigenvalue of a ball matrix."""

from __future__ import annotations

from typing import Any

import flint
import numpy as np

from lora_proofs.integrate.series import entries, log2_size


def frobenius(X: Any) -> flint.arb:
    """An upper bound of ||X||_F for every matrix in a ball matrix (|x| for a number).

    >>> frobenius(flint.arb_mat([[3, 4]]))
    5.00000000000000
    """
    row = entries(X)
    flat = flint.arb_mat(1, len(row), row)
    # The upper end comes first: a ball around 0 may dip below it, and has no root.
    return (flat * flat.transpose())[0, 0].abs_upper().sqrt().upper()


def largest_eigenvalue(S: flint.arb_mat) -> flint.arb:
    """An upper bound of the largest eigenvalue of every symmetric matrix in a ball matrix.

    Let U be any invertible matrix, D = U'SU and E = U'U - I with ||E||_2 <= e < 1. A vector is
    x = Uz, so x'Sx = z'Dz <= d |z|^2 with d = max_i D_ii + ||D - diag D||_F, and |z|^2 lies
    between |x|^2/(1 + e) and |x|^2/(1 - e). Hence x'Sx <= max(d/(1 - e), d/(1 + e)) |x|^2. U is
    taken from floating-point eigenvectors: they decide how good the bound is, not whether it holds.

    >>> bound = largest_eigenvalue(flint.arb_mat([[2, 1], [1, 2]]))
    >>> bool(bound >= 3), bool(bound < 3.0000001)
    (True, True)
    """
    U = _eigenvectors(S)
    D = U.transpose() * S * U
    E = U.transpose() * U - _identity(S.nrows())
    e = frobenius(E)
    if not e < flint.arb(flint.fmpq(1, 2)):
        D, e = S, flint.arb(0)
    d = _largest_diagonal(D) + frobenius(_off_diagonal(D))
    return (d / (1 - e)).max(d / (1 + e)).upper()


def operator_norm(X: flint.arb_mat) -> flint.arb:
    """An upper bound of ||X||_2 for every matrix in a ball matrix.

    >>> bool(operator_norm(flint.arb_mat([[3, 0], [0, 4]])) < 4.0000001)
    True
    """
    small = X.nrows() <= X.ncols()
    gram = X * X.transpose() if small else X.transpose() * X
    return largest_eigenvalue(gram).max(flint.arb(0)).sqrt().upper().min(frobenius(X))


def _eigenvectors(S: flint.arb_mat) -> flint.arb_mat:
    """Floating-point eigenvectors, or the identity where floats cannot tell."""
    n, size = S.nrows(), log2_size(S.entries())
    if n == 1 or not np.isfinite(size):
        return _identity(n)
    unit = flint.arb(2) ** -int(size)
    near = np.array([float(x) for x in (S.mid() * unit).entries()]).reshape(n, n)
    try:
        vectors = np.linalg.eigh(near)[1]
    except np.linalg.LinAlgError:
        return _identity(n)
    return flint.arb_mat(n, n, vectors.ravel().tolist())


def _identity(n: int) -> flint.arb_mat:
    return flint.arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])


def _largest_diagonal(D: flint.arb_mat) -> flint.arb:
    largest = D[0, 0].upper()
    for i in range(1, D.nrows()):
        largest = largest.max(D[i, i].upper())
    return largest


def _off_diagonal(D: flint.arb_mat) -> flint.arb_mat:
    n, off = D.nrows(), D.entries()
    off[:: n + 1] = [flint.arb(0)] * n
    return flint.arb_mat(n, n, off)
