"""The Frobenius LoRA flow with r = 1: a matrix exponential that acts on one vector.

b' = E a - b |a|^2 and a' = E'b - a |b|^2 keep c = |b|^2 - |a|^2, and z = [b; a] moves by
z' = F z - 1/2 z z'z with F = [[c/2, E], [E', -c/2]]. So z(t) = y / sqrt(1 + w'y) with
y = e^{Ft} z(0) and w = F^{-1} sinh(Ft) z(0): w'y is the integral of |e^{Fs} z(0)|^2. F^2 falls into
EE' + c^2/4 and E'E + c^2/4, and functions of these act on a vector without an SVD
(``hyperbolic.py``).

Rounding moves y by some roundings of e^tau |z(0)|, tau >= ||F|| t. What a start has in the leading
singular direction makes |y| nearly as large; where it has nothing there, at a saddle, or where tau
is large, the digits are lost, and nothing is returned.
"""

from __future__ import annotations

from typing import Any

from lora_proofs.kernels.coordinates import EPS, largest_entry, scaled, size
from lora_proofs.kernels.frobenius import errors_of_product
from lora_proofs.kernels.hyperbolic import Hyperbolic, spectral_bound
from lora_proofs.kernels.result import BatchResult

Array = Any
LONGEST = 256.0  # the largest tau
CANCELLED = 0.5
SEEN = 1e-140  # entries of E whose squares are numbers
SHARPEST = 4e-10  # the largest error relative to the result


def rank_one_flow(
    W0: Array, Y: Array, A0: Array, B0: Array, t: Array, xp: Any, *, singular_values: bool
) -> tuple[BatchResult, Array]:
    """The flow of 1/2 ||W0 + BA - Y||^2 with r = 1 for N instances, and which keep their digits."""
    E, a, b, t, unit, reason = scaled(Y - W0, A0, B0, t, xp)
    a, b = a[:, :, 0], b[:, :, 0]
    c = _square(b, xp) - _square(a, xp)
    G = E.mT @ E
    series = Hyperbolic.series(spectral_bound(G, xp), c, t, LONGEST, xp)
    y_b, y_a, w_b, w_a = _exponential(E, G, b, a, c, series, xp)
    whole = xp.exp(-2 * series.tau) + xp.sum(w_b * y_b, axis=-1) + xp.sum(w_a * y_a, axis=-1)
    positive = whole > 0
    root = 1 / xp.sqrt(xp.where(positive, whole, xp.ones_like(whole)))
    lost = _lost(E, b, a, t, (y_b, y_a), (w_b, w_a), series, root, xp)
    b, a = y_b * root[:, None], y_a * root[:, None]
    norm_b, norm_a = xp.sqrt(_square(b, xp)), xp.sqrt(_square(a, xp))
    error, scale = errors_of_product(unit, norm_b, norm_a, lost, lost, xp)
    seen = (largest_entry(E, xp) > SEEN) | (largest_entry(E, xp) == 0)
    sure = positive & seen & (series.tau <= LONGEST) & (error <= SHARPEST * scale)
    B, A = (b * unit[:, None])[:, :, None], (a * unit[:, None])[:, None, :]
    error = error + 16 * EPS * (scale + xp.max(xp.abs(W0), axis=(-2, -1)))
    values = (norm_b * norm_a * unit**2)[:, None] if singular_values else None
    steps = xp.ones_like(reason)
    return BatchResult(W0 + B * A, A, B, error, steps, reason, values, "riccati"), sure


def _exponential(
    E: Array, G: Array, b: Array, a: Array, c: Array, series: Hyperbolic, xp: Any
) -> tuple[Array, Array, Array, Array]:
    """y = e^{Ft} z and w = F^{-1} sinh(Ft) z as their parts y_b, y_a, w_b and w_a, over e^tau."""
    half = c[:, None] / 2
    even_a, odd_a = series.act(G, a, xp)
    y_a, y_b = even_a - half * odd_a, _times(E, odd_a)
    if not bool(xp.any(b != 0)):
        return y_b, y_a, xp.zeros_like(b), odd_a
    even_b, odd_b = series.act(E @ E.mT, b, xp)
    return y_b + even_b + half * odd_b, y_a + _times(E.mT, odd_b), odd_b, odd_a


def _lost(
    E: Array,
    b: Array,
    a: Array,
    t: Array,
    y: tuple[Array, Array],
    w: tuple[Array, Array],
    series: Hyperbolic,
    root: Array,
    xp: Any,
) -> Array:
    """How far rounding moves b and a: (N,).

    Rounded are the terms of the series; E'E, to which cosh(t sqrt H) has a derivative of at most
    t/(2 rho) e^tau; and c, which may be a small difference of large squares. ``CANCELLED`` of the
    sum is what signs leave of it, on many instances, with a factor of 5 to spare.
    """
    start, y, w = (xp.sqrt(_square(u, xp) + _square(v, xp)) for u, v in ((b, a), y, w))
    share = size(E, xp) / series.rho
    terms = 16 + series.cosh.shape[-1] + (1 + series.tau) * (2 + share) + t * start**2
    rounded = CANCELLED * EPS * terms
    off_y = rounded * start
    off_w = off_y * series.odd
    off_whole = off_w * y + w * off_y
    return off_y * root + y * off_whole * root**3 / 2


def _square(x: Array, xp: Any) -> Array:
    return xp.sum(x * x, axis=-1)


def _times(M: Array, x: Array) -> Array:
    return (M @ x[..., None])[..., 0]
