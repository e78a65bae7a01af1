"""The Frobenius LoRA flow from B0 = 0 and A0 A0' = -c I, r > 1, in a few steps without an SVD.

As in ``balanced.py``, z = [b; a] with b = B and a = A' moves by a linear flow and a root
(``propagator.py``); a step multiplies by at most e^``GROWTH``, so that what grows slower keeps
digits.

The error is that of directions p q' in which rounding moves z, carried along: a step makes p
into e^{Fh}p - y (LL')^{-1} w'e^{Fh}p and q into L^{-1}q, and every step rounds again. ``SAMPLES``
vectors stand for all p, and all q are bounded. Where the error grows, at a saddle for instance,
digits are lost, and nothing is returned.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lora_proofs.kernels.coordinates import EPS, largest_entry, pattern, scaled, size
from lora_proofs.kernels.hyperbolic import spectral_bound
from lora_proofs.kernels.hyperbolic_matrices import product
from lora_proofs.kernels.propagator import Propagator, root_with_columns
from lora_proofs.kernels.result import BatchResult
from lora_proofs.kernels.spectrum import product_singular_values

Array = Any
GROWTH = 11.0  # three doublings of `SHORT`
LONGEST = 128.0  # the largest ||F|| t
SHARPEST = 1e-11  # the largest error relative to the result
SAMPLES = 2
DEFECT = 48.0 * EPS  # times sqrt r: how far a start may be from one that is balanced, and more
ROUNDINGS = 3.0


def propagated_flow(
    W0: Array, Y: Array, A0: Array, B0: Array, t: Array, xp: Any, *, singular_values: bool
) -> tuple[BatchResult, Array]:
    """The flow of 1/2 ||W0 + BA - Y||^2 for N starts, and which of them keep their digits.

    These have B0 = 0 and A0 A0' = -c I. A and B are ``None``: they are known up to a rotation.
    """
    E, a, _, t, unit, reason = scaled(Y - W0, A0, B0, t, xp)
    G, r = E.mT @ E, a.shape[-1]
    c = -(size(a, xp) ** 2) / r
    rho = xp.sqrt(spectral_bound(G, xp) + c**2 / 4)
    rho = xp.where(rho > 0, rho, xp.ones_like(rho))
    wide, t, unit = rho[:, None, None], t * rho, unit * xp.sqrt(rho)
    G, c, a = G / wide**2, c / rho, a / xp.sqrt(wide)
    near = (t <= LONGEST) & (largest_entry(B0, xp) == 0)
    t = xp.where(near, t, xp.zeros_like(t))
    count = max(1, math.ceil(float(xp.max(t)) / GROWTH)) if t.shape[0] else 1
    h = t / count
    noise = ROUNDINGS * EPS * (4 + h * (2 + size(E, xp) / rho)) * xp.exp(h)
    z, R = _ride(a, Propagator.of(G, c, h, xp), noise, count, xp)
    b, a = E @ (z[:, 0, ...] / wide), z[:, 1, ...]
    b, a, p_b, p_a = b[..., :r], a[..., :r], b[..., r:], a[..., r:]
    scale = unit**2 * size(b, xp) * size(a, xp)
    error = unit**2 * (size(p_b, xp) * size(a @ R, xp) + size(b @ R, xp) * size(p_a, xp))
    sure = near & (error <= SHARPEST * scale)
    error = error + 16 * EPS * (scale + xp.max(xp.abs(W0), axis=(-2, -1)))
    values = product_singular_values(b, a, xp) * unit[:, None] ** 2 if singular_values else None
    wide, steps = unit[:, None, None], xp.zeros_like(reason) + count
    W = W0 + (b * wide) @ (a * wide).mT
    return BatchResult(W, None, None, error, steps, reason, values, "riccati"), sure


def _ride(
    a: Array, propagator: Propagator, noise: Array, count: int, xp: Any
) -> tuple[Array, Array]:
    """[z, p] after all steps, p as the last columns (N, 2, m, r + s), and R with q = R q(0)."""
    N, m, r = a.shape
    q = r + SAMPLES
    kinds = xp.asarray([0.0] * r + [1.0] * SAMPLES, dtype=a.dtype, device=a.device)
    along = pattern(xp.zeros((1, 2 * m, q), dtype=a.dtype, device=a.device), xp) * kinds
    along = xp.reshape(along, (2, m, q)) / (m * SAMPLES) ** 0.5
    eye = xp.eye(q, dtype=a.dtype, device=a.device)
    R = 0.0 * (a.mT @ a) + eye[:r, :r]
    z = xp.concat([a, xp.zeros((N, m, SAMPLES), dtype=a.dtype, device=a.device)], axis=2)
    z = xp.stack([0.0 * z, z], axis=1)
    counted = xp.reshape(0.0 * along + (1.0 - kinds), (2 * m * q,))
    space, flat = (xp.empty_like(z), xp.empty_like(z)), (N, 2 * m, q)
    z += _kick(z, counted, DEFECT * r**0.5, R, space[0], xp) * along
    for _ in range(count):
        kick = _kick(z, counted, noise, R, space[0], xp)
        y, M = propagator.step(z, space, xp)
        M += eye
        T = root_with_columns(M, r, xp)
        z = xp.reshape(product(xp.reshape(y, flat), T, xp.reshape(z, flat), xp), z.shape)
        z += np.multiply(kick, along, out=y) if xp is np else kick * along
        R = T[:, :r, :r].mT @ R
    return z, R


def _kick(z: Array, counted: Array, noise: Array | float, R: Array, room: Array, xp: Any) -> Array:
    """How far p has to move for p q' to move by ``noise`` times the length of z: (N, 1, 1, 1)."""
    N, r = z.shape[0], R.shape[1]
    squares = np.multiply(z, z, out=room) if xp is np else z * z
    length = xp.sqrt(xp.reshape(squares, (N, counted.shape[0])) @ counted)
    return (noise * length * r**0.5 / size(R, xp))[:, None, None, None]
