"""The singular values of a product of factors, from the triangles of the factors."""

from __future__ import annotations

from typing import Any

Array = Any


def product_singular_values(b: Array, a: Array, xp: Any) -> Array:
    """The singular values of b a', b (N, n, r) and a (N, m, r): (N, min(n, m, r)), largest first.

    Exact up to roundings of size eps ||b|| ||a||: the product itself is never formed.

    >>> import numpy as np
    >>> product_singular_values(np.ones((1, 3, 1)), np.ones((1, 2, 1)), np).round(12)
    array([[2.44948974]])
    """
    R = xp.linalg.qr(b)[1] @ xp.linalg.qr(a)[1].mT
    values = xp.linalg.svdvals(R)
    return values[:, : min(b.shape[-2], a.shape[-2], b.shape[-1])]
