"""Singular value decompositions of multiprecision matrices by one-sided rotations, on FLINT.

Float64 nominates the right singular vectors, Newton's iteration makes them orthogonal to all
digits, and Jacobi's rotations (Hestenes) finish: all pairs at once while the angles are small.
Midpoints of balls are floating-point numbers here: nothing is proved.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import diagonal

MOST_SWEEPS = 40
SMALL_ANGLE = 2.0**-12


def decomposed(
    X: flint.arb_mat, start: np.ndarray, bits: int
) -> tuple[flint.arb_mat, list[flint.arb], flint.arb_mat]:
    """U', s, V' with X = U diag(s) V' for X: (n, m), n >= m, at the precision that is in force.

    ``start``: (m, m), the right singular vectors in float64; ``bits`` of the answer are wanted.
    Ties and zeros need no care: columns that are orthogonal stay.

    >>> _, s, _ = decomposed(flint.arb_mat([[0, 2], [3, 0]]), np.eye(2), 40)
    >>> [float(x) for x in s]
    [3.0, 2.0]
    """
    basis = _orthonormal(start)
    columns = (X * basis).mid().transpose().tolist()
    turned = basis.transpose().tolist()
    _sweep_until_orthogonal(columns, turned, bits)
    return _sorted(columns, turned)


def _orthonormal(V: np.ndarray) -> flint.arb_mat:
    """The nearest orthogonal matrix to one that nearly is, from float64."""
    return _polished(flint.arb_mat(V.tolist()), 40)


def _polished(Q: flint.arb_mat, bits: int) -> flint.arb_mat:
    """Newton's iteration for the nearest orthogonal matrix, from ``bits`` bits to all of them."""
    eye = _identity(Q.ncols())
    while bits < flint.ctx.prec:
        Q = (Q * (3 * eye - (Q.transpose() * Q).mid()).mid() / 2).mid()
        bits *= 2
    return Q


def _identity(k: int) -> flint.arb_mat:
    return flint.arb_mat(diagonal([1] * k, 0).tolist())


def _dot(x: list[Any], y: list[Any]) -> Any:
    total = flint.arb(0)
    for a, b in zip(x, y, strict=True):
        total += a * b
    return total.mid()


def _sweep_until_orthogonal(columns: list[Any], turned: list[Any], bits: int) -> None:
    for _ in range(MOST_SWEEPS):
        rows = flint.arb_mat(columns)
        G = (rows * rows.transpose()).mid().tolist()
        if _all_at_once(columns, turned, G, bits):
            continue
        if not _sweep(columns, turned, G, bits):
            return


def _all_at_once(columns: list[Any], turned: list[Any], G: list[Any], bits: int) -> bool:
    """One small turn of all columns at once, where all angles are small; whether it was made."""
    K, size = [[flint.arb(0)] * len(G) for _ in G], flint.arb(0)
    for i, j in _pairs_to_turn(G, bits):
        gap = G[j][j] - G[i][i]
        if gap == 0 or not abs(G[i][j]) < abs(gap) * SMALL_ANGLE:
            return False
        K[i][j] = (G[i][j] / gap).mid()
        K[j][i], size = -K[i][j], max(size, abs(K[i][j]))
    if size == 0:
        return False
    turn = _polished((_identity(len(G)) + flint.arb_mat(K)).mid(), 8).transpose()
    columns[:] = (turn * flint.arb_mat(columns)).mid().tolist()
    turned[:] = (turn * flint.arb_mat(turned)).mid().tolist()
    return True


def _pairs_to_turn(G: list[Any], bits: int) -> list[tuple[int, int]]:
    """Pairs that are not orthogonal to the working precision."""
    tiny = flint.arb(2) ** (12 - 2 * bits)
    # What is 2^-bits of the largest is rounding: its direction means nothing.
    floor = max((row[i] for i, row in enumerate(G)), default=flint.arb(0)) * tiny
    sizes = [row[i] for i, row in enumerate(G)]
    return [
        (i, j)
        for i, j in combinations(range(len(G)), 2)
        if G[i][j] * G[i][j] > tiny * sizes[i] * sizes[j] + floor * floor
    ]


def _sweep(columns: list[Any], turned: list[Any], G: list[Any], bits: int) -> bool:
    """Turn pair after pair; whether there was one to turn."""
    pairs = _pairs_to_turn(G, bits)
    for i, j in pairs:
        alpha, beta = _dot(columns[i], columns[i]), _dot(columns[j], columns[j])
        gamma = _dot(columns[i], columns[j])
        if gamma == 0:
            continue
        zeta = (beta - alpha) / (2 * gamma)
        t = 1 / (abs(zeta) + (1 + zeta * zeta).sqrt())
        t = (t if zeta >= 0 else -t).mid()
        c = (1 / (1 + t * t).sqrt()).mid()
        for rows in (columns, turned):
            rows[i], rows[j] = _rotated(rows[i], rows[j], c, (c * t).mid())
    return bool(pairs)


def _rotated(x: list[Any], y: list[Any], c: Any, s: Any) -> tuple[list[Any], list[Any]]:
    pairs = list(zip(x, y, strict=True))
    return [(c * a - s * b).mid() for a, b in pairs], [(s * a + c * b).mid() for a, b in pairs]


def _sorted(
    columns: list[Any], turned: list[Any]
) -> tuple[flint.arb_mat, list[flint.arb], flint.arb_mat]:
    sizes = [_dot(x, x).sqrt().mid() for x in columns]
    order = sorted(range(len(sizes)), key=lambda k: sizes[k], reverse=True)
    s = [sizes[k] for k in order]
    # The direction of what is rounding next to the largest means nothing: any other will do.
    rank = sum(bool(x > s[0] * flint.arb(2) ** (40 - flint.ctx.prec)) for x in s)
    U = [[x / s[i] for x in columns[k]] for i, k in enumerate(order[:rank])]
    whole = _completed(U, len(columns[0]), len(s))
    return whole, s, flint.arb_mat([turned[k] for k in order])


def _completed(rows: list[Any], length: int, wanted: int) -> flint.arb_mat:
    """Orthonormal rows of a length with as many more as are wanted."""
    if len(rows) == wanted:
        return flint.arb_mat(rows).mid()
    known = flint.arb_mat(rows).mid() if rows else flint.arb_mat(1, length)
    floats = np.array([[float(x) for x in row] for row in known.tolist()])
    rest = np.linalg.svd(floats, full_matrices=True)[2][len(rows) : wanted]
    more = flint.arb_mat(rest.tolist())
    for _ in range(2):
        more = (more - more * known.transpose() * known).mid()
        more = _polished(more.transpose(), 8).transpose()
    return flint.arb_mat(rows + more.tolist()).mid()
