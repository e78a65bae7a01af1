"""The singular coordinates of a Frobenius flow, in units where nothing is large, and back.

With Y - W0 = U S V' the flow of b = U'B, a = V'A' sees only S. Lengths are divided by a power of 2
near the square root of the largest rate, and time multiplied by its square, which rounds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lora_proofs.kernels.result import NOT_FINITE

Array = Any
EPS = 2.0**-52
STEEPEST = 1e-8  # an angle so small that its square is nothing
SIZES = (1e-290, 1e140)  # squares of what lies outside would leave the range of float64


@dataclass(frozen=True, eq=False)
class Coordinates:
    """N problems as b (N, n, r), a (N, m, r), sigma (N, k) and t (N,), with the way back."""

    U: Array
    Vt: Array
    sigma: Array
    b: Array
    a: Array
    t: Array
    unit: Array
    reason: Array


def enter(E: Array, A0: Array, B0: Array, t: Array, xp: Any) -> Coordinates:
    """The singular coordinates of E = Y - W0 (N, n, m); what is not finite becomes 0."""
    E, A0, B0, t, reason = finite_only(E, A0, B0, t, xp)
    rows, columns = E.shape[-2:]
    U, sigma, Vt = xp.linalg.svd(E, full_matrices=rows != columns)
    b, a = U.mT @ B0, Vt @ A0.mT
    unit = unit_of(xp.max(sigma, axis=-1), a, b, xp)
    wide = unit[:, None, None]
    t = t * unit**2
    return Coordinates(U, Vt, sigma / unit[:, None] ** 2, b / wide, a / wide, t, unit, reason)


def finite_only(
    E: Array, A0: Array, B0: Array, t: Array, xp: Any
) -> tuple[Array, Array, Array, Array, Array]:
    """The problem with zeros where an instance is not finite or too large, and its reason: (N,)."""
    finite = xp.isfinite(t)
    for X in (E, A0, B0):
        finite = finite & xp.all(xp.abs(X) < SIZES[1], axis=(-2, -1))
    if bool(xp.all(finite)):
        return E, A0, B0, t, xp.astype(~finite, xp.int64)
    keep = xp.astype(finite, xp.float64)[:, None, None]
    E, A0, B0 = (xp.where(keep > 0, X, 0.0 * keep) for X in (E, A0, B0))
    t = xp.where(finite, t, 0.0 * keep[:, 0, 0])
    return E, A0, B0, t, xp.astype(~finite, xp.int64) * NOT_FINITE


def scaled(
    E: Array, A0: Array, B0: Array, t: Array, xp: Any
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """E (N, n, m), a = A' (N, m, r), b = B (N, n, r) and t in the unit of length, it, the reason.

    The unit is that of the largest entries; what is not finite becomes 0.
    """
    E, A0, B0, t, reason = finite_only(E, A0, B0, t, xp)
    unit = unit_of(largest_entry(E, xp), A0, B0, xp)
    wide = unit[:, None, None]
    return E / wide**2, A0.mT / wide, B0 / wide, t * unit**2, unit, reason


def unit_of(rate: Array, a: Array, b: Array, xp: Any) -> Array:
    """A power of 2 near the square root of the largest rate, of E or of its factors: (N,)."""
    largest = xp.maximum(largest_entry(a, xp), largest_entry(b, xp))
    rate = xp.maximum(rate, largest**2)
    rate = xp.where(rate > SIZES[0], rate, xp.ones_like(rate))
    return xp.pow(
        xp.asarray(2.0, dtype=rate.dtype, device=rate.device), xp.round(xp.log2(rate) / 2)
    )


def largest_entry(X: Array, xp: Any) -> Array:
    """The largest |entry| of every matrix: (N,)."""
    return xp.max(xp.abs(X), axis=(-2, -1))


def moved(c: Coordinates, size: float, xp: Any) -> tuple[Array, Array, Array]:
    """(b, a, sigma), each entry moved by up to ``size`` times what rounding may have mixed into it.

    Where U and V are signed permutations nothing is mixed: zeros stay zeros, as they do exactly.
    Elsewhere an entry of U or V that is tiny, but not 0, is as wrong as the others; and pairs of
    singular vectors are turned into each other, U and V alike, the more the closer their values.
    """
    k, u, v = c.sigma.shape[-1], _shares(c.U.mT, xp), _shares(c.Vt, xp)
    b = c.b + size * pattern(c.b, xp) * (u @ (u.mT @ xp.abs(c.b)))
    a = c.a + size * pattern(c.a, xp) * (v @ (v.mT @ xp.abs(c.a)))
    turn = _turn(c.sigma, u[:, :k, :], v[:, :k, :], size, xp)
    b, a = (X + padded(turn @ X[:, :k, :], X, xp) for X in (b, a))
    mixing = xp.sum(v, axis=-1)[:, :k] - 1.0
    within = c.sigma + mixing * xp.max(c.sigma, axis=-1)[:, None]
    return b, a, c.sigma + size * pattern(c.sigma, xp) * within


def _shares(Q: Array, xp: Any) -> Array:
    """|Q|, where what is not 0 counts as an even share of its row at least."""
    there = xp.astype(Q != 0, Q.dtype)
    return xp.maximum(xp.abs(Q), there / xp.sqrt(xp.sum(there, axis=-1))[..., None])


def _turn(sigma: Array, u: Array, v: Array, size: float, xp: Any) -> Array:
    """Angles by which rounding may turn pairs of singular vectors: (N, k, k), antisymmetric."""
    touching = (u @ u.mT + v @ v.mT) > 0
    gap = sigma[:, :, None] - sigma[:, None, :]
    angle = size * xp.max(sigma, axis=-1)[:, None, None] / xp.where(gap == 0, 1.0 + 0.0 * gap, gap)
    angle = xp.clip(angle, -STEEPEST, STEEPEST) * pattern(gap, xp)
    return xp.where(touching & (gap != 0), (angle - angle.mT) / 2, 0.0 * gap)


def padded(X: Array, like: Array, xp: Any) -> Array:
    """X (N, k, r) with rows of zeros behind, as many rows as ``like``."""
    k = X.shape[1]
    return X if k == like.shape[1] else xp.concat([X, xp.zeros_like(like[:, k:, ...])], axis=1)


def pattern(X: Array, xp: Any) -> Array:
    """Numbers between -1 and 1 without a pattern that a problem could share, the same for all."""
    shape = X.shape[1:]
    length = shape[0] if len(shape) == 1 else shape[0] * shape[1]
    angles = xp.arange(1, length + 1, dtype=X.dtype, device=X.device) ** 2
    return xp.reshape(xp.cos(angles * 1.6180339887498949), shape)


def leave(c: Coordinates, b: Array, a: Array) -> tuple[Array, Array]:
    """The factors A (N, r, m) and B (N, n, r)."""
    unit = c.unit[:, None, None]
    return (a.mT @ c.Vt) * unit, (c.U @ b) * unit


def size(X: Array, xp: Any) -> Array:
    """The Frobenius norm of every matrix: (N,)."""
    flat = xp.reshape(X, (X.shape[0], X.shape[1] * X.shape[2]))
    return xp.sqrt(xp.vecdot(flat, flat))
