"""Certified upper bounds: Frobenius norm, spectral norm, largest eigenvalue of a ball matrix."""

from __future__ import annotations

from typing import Any

import flint
import numpy as np


def frobenius(X: Any) -> flint.arb:
    """An upper bound of ||X||_F for every matrix in a ball matrix (|x| for a number).

    >>> frobenius(flint.arb_mat([[3, 4]]))
    5.00000000000000
    """
    if not isinstance(X, flint.arb_mat):
        return flint.arb(X).abs_upper()
    # The upper end comes first: a ball around 0 may dip below it, and has no root.
    return _gram(X).trace().abs_upper().sqrt().upper()


def _gram(X: flint.arb_mat) -> flint.arb_mat:
    """XX' or X'X, whichever is smaller."""
    return X * X.transpose() if X.nrows() <= X.ncols() else X.transpose() * X


def largest_eigenvalue(S: flint.arb_mat) -> flint.arb:
    """An upper bound of the largest eigenvalue of every symmetric matrix in a ball matrix.

    For any number c and matrix L let R = cI - S - LL'. Then x'Sx = c|x|^2 - |L'x|^2 - x'Rx, so no
    eigenvalue is above c + ||R||_F. A floating-point Cholesky factor of cI - S serves as L, with c
    just above the largest eigenvalue in floats: they decide how good the bound is, not whether it
    holds.

    >>> bound = largest_eigenvalue(flint.arb_mat([[2, 1], [1, 2]]))
    >>> bool(bound >= 3), bool(bound < 3.0000001)
    (True, True)
    """
    n = S.nrows()
    if n == 1:
        return S[0, 0].upper()
    c, L = _factor(S)
    diagonal = flint.arb_mat(n, n, [c if i == j else 0 for i in range(n) for j in range(n)])
    rest = S + L * L.transpose() - diagonal
    return (c + frobenius(rest)).upper()


def operator_norm(X: flint.arb_mat) -> flint.arb:
    """An upper bound of ||X||_2 for every matrix in a ball matrix.

    >>> bool(operator_norm(flint.arb_mat([[3, 0], [0, 4]])) < 4.0000001)
    True
    """
    return largest_eigenvalue(_gram(X)).max(flint.arb(0)).sqrt().upper().min(frobenius(X))


def _factor(S: flint.arb_mat) -> tuple[flint.arb, flint.arb_mat]:
    """c and L with cI - S near LL', by floats; zeros where floats cannot tell."""
    n = S.nrows()
    near = np.array([float(x) for x in S.entries()]).reshape(n, n)
    near = (near + near.T) / 2
    if np.isfinite(near).all():
        for margin in (2e-14 * n, 1e-10 * n):
            try:
                top = float(np.linalg.eigvalsh(near)[-1]) + margin * float(abs(near).max())
                L = np.linalg.cholesky(top * np.eye(n) - near)
            except np.linalg.LinAlgError:
                continue
            return flint.arb(top), flint.arb_mat(n, n, L.ravel().tolist())
    return flint.arb(0), flint.arb_mat(n, n)
