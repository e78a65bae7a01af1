"""The LoRA flow of 1/2 (tr W)^2 in closed form, for every start, cones included.

U = A + B' shrinks like e^{-tau}, V = A - B' grows like e^{tau}, and x = e^{2 tau} is a quotient of
sums of nonnegative terms (``mathematics.closed_forms``): a few numbers per instance.
"""

from __future__ import annotations

from typing import Any

from lora_proofs.kernels.coordinates import EPS
from lora_proofs.kernels.result import INACCURATE, NOT_FINITE, OK, OVERFLOW, BatchResult
from lora_proofs.kernels.spectrum import product_singular_values
from lora_proofs.kernels.underflow import LAST, UNSEEN, norm

Array = Any
LATEST = 400.0  # beyond mu t = 400, e^{-2 mu t} is 0 in float64
LONG = 590.0  # e^{-590} is above LEAST
LEAST = 1e-260  # what is left of a factor on the cone after the longest time


def trace_squared_flow(
    W0: Array,
    A0: Array,
    B0: Array,
    t: Array,
    xp: Any,
    *,
    singular_values: bool,
    scale: float = 1.0,
) -> BatchResult:
    """The flow of 1/2 (tr(W0 + scale BA))^2 for a block of N instances, all of full batch shape.

    The error is how far the result moves with what roundings do to the trace and to the norms. The
    factors themselves are never scaled: near the cone B0 = -A0' the roundings of that would decide.
    """
    sign, times = (1.0 if scale > 0 else -1.0), abs(scale)
    B0, t = sign * B0, times * t
    U, V = A0 + B0.mT, A0 - B0.mT
    diagonal = xp.sum(W0 * xp.eye(W0.shape[-1], dtype=W0.dtype, device=W0.device), axis=-1)
    w0, blur = xp.sum(diagonal, axis=-1), xp.sum(xp.abs(diagonal), axis=-1)
    norm_U, norm_V = norm(U, xp), norm(V, xp)
    plus, minus = ((times / 2) ** 0.5 * x for x in (norm_U, norm_V))
    root = _root(w0, plus, minus, t, xp)
    slack = (6 + W0.shape[-1] + U.shape[-1] * U.shape[-2]) * EPS
    half = slack / 2  # of a root
    far = [
        _root(w0 + s * slack * blur, plus * (1 + s * half), minus * (1 - s * half), t, xp)
        for s in (1.0, -1.0)
    ]
    apart = xp.maximum(xp.abs(far[0] - root), xp.abs(far[1] - root)) / root
    wide = root[:, None, None]
    A, B = (U / wide + V * wide) / 2, ((U / wide - V * wide) / 2).mT
    W = W0 + times * (B @ A)
    whole = norm_U / root + norm_V * root
    largest = xp.max(xp.abs(W0), axis=(-2, -1))
    error = (apart + 8 * EPS) * xp.maximum(whole, times * whole**2) + 8 * EPS * largest
    error = error + (1 + times) * (1 + A0.shape[-2]) * LAST
    given = xp.isfinite(blur + plus + minus + t + largest)
    reason = xp.astype(~given, xp.int64) * NOT_FINITE
    reason = xp.where(given & ~xp.isfinite(error), OVERFLOW, reason)
    reason = xp.where((reason == OK) & _hidden(w0, plus, minus, t, xp), INACCURATE, reason)
    values = None
    if singular_values:
        keep, zero = (reason == OK)[:, None, None], xp.zeros_like(U)
        left, right = (xp.where(keep, X, zero).mT for X in (B.mT, A))
        values = times * product_singular_values(left, right, xp)
    return BatchResult(W, A, sign * B, error, 0 * reason, reason, values, "trace-squared")


def _hidden(w0: Array, p: Array, m: Array, t: Array, xp: Any) -> Array:
    """Where a square that underflows, and not time, ends how a factor shrinks."""
    mu = xp.hypot(w0, p * m)
    seen = UNSEEN * xp.sqrt(mu)
    small = ((p > 0) & (p < seen)) | ((m > 0) & (m < seen))
    return small & (2 * mu * t > LONG)


def _root(w0: Array, p: Array, m: Array, t: Array, xp: Any) -> Array:
    """The number e^{tau}; p and m are the roots of plus and minus, in any unit of length."""
    longest = xp.maximum(xp.sqrt(xp.abs(w0)), xp.maximum(p, m))
    one = xp.ones_like(longest)
    unit = xp.pow(2 * one, xp.round(xp.log2(xp.where(longest > 0, longest, one))))
    w0, p, m, t = w0 / unit / unit, p / unit, m / unit, t * unit * unit
    plus, minus = p * p, m * m
    first, mu = w0 + (plus - minus) / 2, xp.hypot(w0, p * m)
    tiny = xp.full_like(mu, 1e-323)
    t = xp.minimum(t, LATEST / xp.maximum(mu, tiny))
    z = 2 * mu * t
    safe = xp.where(z > 0, z, xp.ones_like(z))
    ratio = 2 * t * xp.where(z > 0, -xp.expm1(-safe) / safe, xp.ones_like(z))
    E = xp.exp(-z)
    above = _side(w0 + plus, plus, -first, mu, E, ratio, xp)
    below = _side(minus - w0, minus, first, mu, E, ratio, xp)
    return xp.sqrt(above / below)


def _side(
    slope: Array, square: Array, other: Array, mu: Array, E: Array, ratio: Array, xp: Any
) -> Array:
    """2 e^{-mu t} (cosh + slope sinh/mu) as a nonnegative sum; 2 square other = mu^2 - slope^2."""
    one = xp.ones_like(mu)
    # On the cone the sum is E alone, which may not vanish; beside it a vanished E is right.
    E = xp.where(((square == 0) | (other == 0)) & (E < LEAST), LEAST * one, E)
    safe, gap = xp.where(mu > 0, mu, one), xp.where(slope < 0, mu - slope, one)
    falling = (2 * (square / gap) * other + gap * E) / safe
    return xp.where(slope < 0, falling, 1 + E + slope * ratio)
