"""cosh(t sqrt H) v and sinh(t sqrt H)/sqrt H v for H = G + c^2/4 with G >= 0, without the roots.

Both are entire in H. With rho^2 >= ||H|| and x^2 an eigenvalue of H/rho^2 they are cosh(tau x) and
t sinh(tau x)/(tau x), tau = rho t, even in x: series in T_2k(x) = T_k(2 x^2 - 1), and the vectors
T_k(2 H/rho^2 - 1) v follow the recurrence of Chebyshev's polynomials. Their coefficients come from
values at Chebyshev's points, and some 4.4 sqrt(tau) of them give all digits. Everything is divided
by e^tau.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lora_proofs.kernels.coordinates import size

Array = Any
FEWEST = 6
SMALL = 1e-30
NARROW = 16  # below it, NumPy is faster with instances along the last axis
PER_ROOT = 4.4  # exp(-(2k)^2/(2 tau)), the size of a coefficient, is 2^-56 at k = 4.4 sqrt(tau)


def spectral_bound(G: Array, xp: Any) -> Array:
    """A bound of ||G||_2 for G = E'E (N, m, m), at most m^(1/8) times as large: (N,).

    >>> spectral_bound(np.diag([4.0, 1.0])[None], np).round(3)
    array([4.])
    """
    largest = xp.max(xp.linalg.diagonal(G), axis=-1)
    largest = xp.where(largest > 0, largest, xp.ones_like(largest))
    if bool(xp.any(largest < SMALL)):  # the squares of its fourth power could underflow
        return spectral_bound(G / largest[:, None, None], xp) * largest
    square = G @ G
    return size(square @ square, xp) ** 0.25


@dataclass(frozen=True, eq=False)
class Hyperbolic:
    """The series of N problems: c, rho and tau (N,), coefficients of cosh and sinh (N, K).

    ``odd`` (N,) bounds the norm of sinh(t sqrt H)/sqrt H, over e^tau.
    """

    c: Array
    rho: Array
    tau: Array
    odd: Array
    cosh: Array
    sinh: Array

    @classmethod
    def series(cls, bound: Array, c: Array, t: Array, most: float, xp: Any) -> Hyperbolic:
        """The series where ``bound`` is at least ||G||; where tau is above ``most``, that of 0."""
        square = bound + c**2 / 4
        rho = xp.sqrt(xp.where(square > 0, square, xp.ones_like(square)))
        tau = xp.where(square > 0, rho * t, 0.0 * square)
        near = tau <= most
        used = xp.where(near, tau, 0.0 * c)
        longest = float(xp.max(used)) if used.shape[0] else 0.0
        K = FEWEST + math.ceil(PER_ROOT * math.sqrt(longest))
        odd = xp.where(square > 0, -xp.expm1(-2 * tau) / (2 * rho), t)
        return cls(c, rho, tau, odd, *_coefficients(used, xp.where(near, t, 0.0 * c), K, xp))

    def act(self, G: Array, v: Array, xp: Any) -> tuple[Array, Array]:
        """cosh(t sqrt H) v and sinh(t sqrt H)/sqrt H v, over e^tau, for v (N, m): each (N, m)."""
        P = (4 / self.rho**2)[:, None, None] * G
        shift = ((self.c / self.rho) ** 2 - 2)[:, None, None]
        P = P + shift * xp.eye(v.shape[-1], dtype=v.dtype, device=v.device)
        if xp is np and v.shape[-1] <= NARROW:
            return _act_last(P, v, (self.cosh, self.sinh))
        before, now = v[..., None], (P @ v[..., None]) / 2
        basis = [before, now]
        for _ in range(self.cosh.shape[-1] - 2):
            before, now = now, P @ now - before
            basis.append(now)
        terms = xp.concat(basis, axis=-1)
        even, odd = (terms @ X[..., None] for X in (self.cosh, self.sinh))
        return even[..., 0], odd[..., 0]


def _act_last(P: Array, v: Array, weights: tuple[Array, Array]) -> tuple[Array, Array]:
    """The same with instances along the last axis: no call for each small product."""
    P = np.ascontiguousarray(np.moveaxis(P, 0, -1))
    basis = np.empty((weights[0].shape[1], *v.T.shape))
    basis[0] = v.T
    np.einsum("ijN,jN->iN", P, basis[0] / 2, out=basis[1])
    for k in range(2, len(basis)):
        np.einsum("ijN,jN->iN", P, basis[k - 1], out=basis[k])
        basis[k] -= basis[k - 2]
    even, odd = (np.einsum("kN,kiN->iN", np.ascontiguousarray(X.T), basis) for X in weights)
    return even.T, odd.T


def _coefficients(tau: Array, t: Array, K: int, xp: Any) -> tuple[Array, Array]:
    """The coefficients of cosh(tau x) and t sinh(tau x)/(tau x), over e^tau: each (N, K)."""
    x, short, cosines = (xp.asarray(X, dtype=tau.dtype, device=tau.device) for X in _points(K))
    wide = tau[:, None]
    decay, z = xp.exp(-wide * short), -2 * wide * x
    less = xp.expm1(z)
    ratio = xp.where(z < 0, less / xp.where(z < 0, z, xp.ones_like(z)), xp.ones_like(z))
    return (decay * (1 + less / 2)) @ cosines, (decay * ratio * t[:, None]) @ cosines


@lru_cache(maxsize=256)
def _points(K: int) -> tuple[list[float], list[float], list[list[float]]]:
    """x and 1 - x at the K points, and the cosines that make coefficients of values."""
    angles = [(2 * j + 1) * math.pi / (2 * K) for j in range(K)]
    x, short = [math.cos(u / 2) for u in angles], [2 * math.sin(u / 4) ** 2 for u in angles]
    table = [
        [_cosine(k * (2 * j + 1), K) * (2 if k else 1) / K for k in range(K)] for j in range(K)
    ]
    return x, short, table


def _cosine(turns: int, K: int) -> float:
    """cos(turns pi/(2 K)) as the sine of an angle of at most pi/2: a large one would be rounded."""
    turns %= 4 * K
    return math.sin((K - min(turns, 4 * K - turns)) * math.pi / (2 * K))
