"""Steps of one length for z' = F z - 1/2 z z'z with F = [[c/2, E], [E', -c/2]], without an SVD.

Up to a rotation z becomes y L'^{-1} with y = e^{Fh} z and L L' = I + w'y, w = F^{-1} sinh(Fh) z.
Both are made of C = cosh(h sqrt H) and S = sinh(h sqrt H)/sqrt H, H = E'E + c^2/4
(``hyperbolic_matrices.py``), for z = [E beta; a]: where B starts at 0 it is E beta for all time.
What is kept is [beta; a] (N, 2, m, q).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.kernels.hyperbolic_matrices import cosh_and_sinh, product

Array = Any
CHUNK = 1 << 16  # bytes of the matrices that NumPy multiplies at once, so that they stay near
FEW = 4  # columns up to which NumPy's vector operations are faster than LAPACK's calls


@dataclass(frozen=True, eq=False)
class Propagator:
    """The steps of N problems in units with ||F|| <= 1.

    ``own`` is C + c/2 S and C - c/2 S (N, 2, m, m), ``S`` (N, 1, m, m), ``G`` E'E (N, m, m).
    """

    own: Array
    S: Array
    G: Array

    @classmethod
    def of(cls, G: Array, c: Array, h: Array, xp: Any) -> Propagator:
        """For G = E'E and steps of length h (N,)."""
        if xp is not np:
            return cls(*_matrices(G, c, h, xp), G)
        N, m = G.shape[:2]
        own, S = np.empty((N, 2, m, m), G.dtype), np.empty((N, 1, m, m), G.dtype)
        some = max(16, CHUNK // (8 * m * m))
        for chosen in (slice(k, k + some) for k in range(0, N, some)):
            own[chosen], S[chosen] = _matrices(G[chosen], c[chosen], h[chosen], np)
        return cls(own, S, G)

    def step(self, z: Array, space: tuple[Array, Array], xp: Any) -> tuple[Array, Array]:
        """y (N, 2, m, q) and w'y (N, q, q); NumPy uses ``space``, two arrays such as z."""
        N, _, m, q = z.shape
        y, w = product(self.own, z, space[0], xp), product(self.S, z, space[1], xp)
        to_a = self.G @ w[:, 0, ...]
        if xp is np:
            y[:, 0] += w[:, 1]
            y[:, 1] += to_a
            w[:, 0] = to_a
        else:
            y = y + xp.stack([w[:, 1, ...], to_a], axis=1)
            w = xp.stack([to_a, w[:, 1, ...]], axis=1)
        w, flat = (xp.reshape(x, (N, 2 * m, q)) for x in (w, y))
        return y, w.mT @ flat


def _matrices(G: Array, c: Array, h: Array, xp: Any) -> tuple[Array, Array]:
    both = cosh_and_sinh(G, c, h, xp)
    C, S = both[0, ...] + xp.eye(G.shape[-1], dtype=G.dtype, device=G.device), both[1, ...]
    cross = (c / 2)[:, None, None] * S
    return xp.stack([C + cross, C - cross], axis=1), S[:, None, :, :]


def root_with_columns(M: Array, r: int, xp: Any) -> Array:
    """T with [y, p] T = [y L'^{-1}, p - y (LL')^{-1} u] for M = [[LL', u], [u', .]], LL' of r rows.

    M and T are (N, r + s, r + s), p has s columns.

    >>> root_with_columns(np.array([[[4.0, 2.0], [2.0, 9.0]]]), 1, np)[0]
    array([[ 0.5, -0.5],
           [ 0. ,  1. ]])
    """
    if xp is np and r <= FEW:
        return _eliminated(np.moveaxis(M, 0, -1).copy(), r)
    back = xp.linalg.inv(xp.linalg.cholesky(M[:, :r, :r])).mT
    along = back @ (back.mT @ M[:, :r, r:])
    rest = xp.eye(M.shape[-1], dtype=M.dtype, device=M.device)[r:, :] + 0.0 * M[:, r:, :]
    return xp.concat([xp.concat([back, -along], axis=2), rest], axis=1)


def _eliminated(M: Array, r: int) -> Array:
    """The same from M (r + s, r + s, N), whose lower triangle becomes that of L."""
    T = np.zeros_like(M)
    for j in range(len(M)):
        T[j, j] = 1.0
        for i in range(min(j, r)):
            M[j:, j] -= M[j:, i] * M[j, i]
            T[: i + 1, j] -= T[: i + 1, i] * M[j, i]
        if j < r:
            scale = 1.0 / np.sqrt(M[j, j])
            M[j:, j] *= scale
            T[: j + 1, j] *= scale
    return np.ascontiguousarray(np.moveaxis(T, -1, 0))
