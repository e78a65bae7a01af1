"""cosh(h sqrt H) and sinh(h sqrt H)/sqrt H as matrices, for H = G + c^2/4 with G >= 0."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

Array = Any
SHORT = 1.375  # where Taylor's series up to the power 18 has all digits


def cosh_and_sinh(G: Array, c: Array, h: Array, xp: Any) -> Array:
    """cosh(h sqrt H) - 1 and sinh(h sqrt H)/sqrt H for ||H|| <= 1: (2, N, m, m).

    Taylor's series for u = h/2^k <= ``SHORT``, then k times cosh 2x - 1 = 2 (D^2 + 2 D) with
    D = cosh x - 1, and sinh 2x = 2 (D sinh x + sinh x): where h is short nothing is lost.

    >>> both = cosh_and_sinh(np.ones((1, 1, 1)), np.zeros(1), np.ones(1), np)
    >>> both.ravel().round(12).tolist()
    [0.543080634815, 1.175201193644]
    """
    N, m = G.shape[:2]
    longest = float(xp.max(h)) if N else 0.0
    doublings = max(0, math.ceil(math.log2(longest / SHORT))) if longest > 0 else 0
    eye, u = xp.eye(m, dtype=G.dtype, device=G.device), (h / 2.0**doublings)[:, None, None]
    powers = _powers(u**2 * (G + (c**2 / 4)[:, None, None] * eye), xp)
    cube = powers[3, ...]
    table = xp.asarray(_taylor(), dtype=G.dtype, device=G.device)
    parts = table @ xp.reshape(powers, (4, N * m * m))
    first, second, third = (xp.reshape(parts[k : k + 2, ...], (2, N, m, m)) for k in (0, 2, 4))
    both = product(cube, third, None, xp)
    both += second
    both, spare = product(cube, both, third, xp), both
    both += first
    for _ in range(doublings):
        both, spare = _doubled(both, spare, xp), both
    if xp is np:
        both[1] *= u
        return both
    return xp.stack([both[0, ...], u * both[1, ...]])


def _doubled(both: Array, spare: Array, xp: Any) -> Array:
    """2 (D^2 + 2 D) and 2 (D S + S) of [D, S]."""
    new = product(both[0, ...], both, spare, xp)
    new += both
    if xp is np:
        new[0] += both[0]
    else:
        new = xp.stack([new[0, ...] + both[0, ...], new[1, ...]])
    new *= 2.0
    return new


def _powers(x: Array, xp: Any) -> Array:
    """1, x, x^2 and x^3: (4, N, m, m)."""
    eye = xp.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    if xp is not np:
        square = x @ x
        return xp.stack([xp.broadcast_to(eye, x.shape), x, square, square @ x])
    powers = np.empty((4, *x.shape), dtype=x.dtype)
    powers[0], powers[1] = eye, x
    np.matmul(x, x, out=powers[2])
    np.matmul(powers[2], x, out=powers[3])
    return powers


def product(X: Array, Y: Array, out: Array | None, xp: Any) -> Array:
    """X @ Y; NumPy writes it into ``out``, since new memory costs more than small products."""
    return np.matmul(X, Y, out=out) if xp is np else X @ Y


@lru_cache(maxsize=1)
def _taylor() -> list[list[float]]:
    """Coefficients of 1, x, x^2 and x^3 in three parts of both series, up to x^9."""
    series = [[1 / math.factorial(2 * k + odd) for k in range(10)] for odd in (0, 1)]
    series[0][0] = 0.0  # cosh - 1
    return [[*c[3 * i : 3 * i + 3], c[9] if i == 2 else 0.0] for i in range(3) for c in series]
