"""The singular values of a product of factors, from the triangles of the factors."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def product_singular_values(b: Array, a: Array, xp: Any) -> Array:
    """The singular values of b a', b (N, n, r) and a (N, m, r): (N, min(n, m, r)), largest first.

    Exact up to roundings of size eps ||b|| ||a||: the product itself is never formed.

    >>> product_singular_values(np.ones((1, 3, 1)), np.ones((1, 2, 1)), np).round(12)
    array([[2.44948974]])
    """
    if xp is np and b.shape[-1] == 2:
        values = _of_two(_triangle_of_two(b), _triangle_of_two(a))
    else:
        values = xp.linalg.svdvals(_triangle(b, xp) @ _triangle(a, xp).mT)
    return values[:, : min(b.shape[-2], a.shape[-2], b.shape[-1])]


def _triangle(X: Array, xp: Any) -> Array:
    return np.linalg.qr(X, mode="r") if xp is np else xp.linalg.qr(X)[1]


def _triangle_of_two(X: Array) -> tuple[Array, Array, Array]:
    """The entries of [[p, q], [0, s]], the triangle of two columns, by Gram and Schmidt."""
    first, second = X[..., 0].copy(), X[..., 1].copy()
    p = np.sqrt(np.vecdot(first, first))
    first /= np.where(p > 0, p, 1.0)[:, None]
    q = np.vecdot(first, second)
    second -= q[:, None] * first
    return p, q, np.sqrt(np.vecdot(second, second))


def _of_two(left: tuple[Array, Array, Array], right: tuple[Array, Array, Array]) -> Array:
    """The singular values of [[p, q], [0, s]] [[p', q'], [0, s']]', largest first: (N, 2)."""
    (p, q, s), (u, v, w) = left, right
    turned, mirrored = (
        np.hypot(p * u + q * v + s * w, q * w - s * v),
        np.hypot(p * u + q * v - s * w, q * w + s * v),
    )
    return np.stack([(turned + mirrored) / 2, np.abs(turned - mirrored) / 2], axis=1)
