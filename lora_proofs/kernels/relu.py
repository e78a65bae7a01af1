"""Batched ReLU networks: their values with a bound of the rounding, and the construction for them.

Rounding runs beside the values entry by entry: with k terms, fl(W z + b) is within
(k + 2) u (|W| |z| + |b|) of W z + b, an error of z passes through |W|, and ReLU enlarges none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.errors import ShapeMismatch
from lora_proofs.kernels.arguments import at_least_0, listed, named, sizes
from lora_proofs.kernels.linear import LinearBatch, linear_batch
from lora_proofs.kernels.namespace import batch_arrays

UNIT = 2.0**-53
ABOVE = 1 + 2.0**-30
TINY = 1e-290
Array = Any


@dataclass(frozen=True, eq=False)
class ReluBatch:
    """N adapted ReLU nets: the linear part, biases (N, D) of each layer, and how near they are.

    ``sup_error`` (N,) bounds |f(x) - ReLU(Wbar x + bbar)| for every x of the ball, rounding of the
    biases included; NaN where the linear part failed.
    """

    linear: LinearBatch
    biases: tuple[Array, ...]
    sup_error: Array


def relu_values(weights: Sequence[Any], biases: Sequence[Any], X: Any) -> tuple[Array, Array]:
    """The outputs of N ReLU nets at p inputs each, and a bound of their rounding per instance.

    W_l: (N, n_l, n_{l-1}), layer 1 first, b_l: (N, n_l), X: (N, n_0, p). Gives (N, n_L, p) and
    (N,), which bounds every entry's distance from the exact value; NaN where something overflows.
    Raises ``ShapeMismatch``.

    >>> values, error = relu_values([[[[2.0]]]], [[[-1.0]]], [[[3.0, 0.0]]])
    >>> values.tolist(), bool(error[0] < 1e-14)
    ([[[5.0, 0.0]]], True)
    """
    weights, biases = listed("weights", weights), listed("biases", biases)
    names = (*named("weights", weights), *named("biases", biases))
    xp, (z, *both) = batch_arrays(X, *weights, *biases, names=("X", *names))
    W, b = both[: len(weights)], both[len(weights) :]
    _check(W, b, z, names)
    with np.errstate(all="ignore"):
        off = xp.zeros_like(z)
        for V, c in zip(W, b, strict=True):
            c = c[:, :, None]
            k = (V.shape[2] + 3) * UNIT
            off = xp.matmul(xp.abs(V), off + k * (xp.abs(z) + off)) * ABOVE
            off = off + k * xp.abs(c) + TINY
            z = xp.matmul(V, z) + c
            z = xp.where(z < 0, 0.0, z)  # NaN stays
        error = xp.max(off, axis=(1, 2))
        finite = xp.isfinite(error + xp.sum(xp.abs(z), axis=(1, 2)))
        bad = xp.where(finite, xp.zeros_like(error), xp.nan)
        return z + bad[:, None, None], error + bad


def _check(W: list[Array], b: list[Array], z: Array, names: Sequence[str]) -> None:
    if len(W) != len(b):
        raise ShapeMismatch(f"expected as many biases as weights, got {len(b)} and {len(W)}")
    layers = range(len(W))
    weights = [(names[i], f"N n_{i + 1} n_{i}", W[i]) for i in layers]
    biases = [(names[len(W) + i], f"N n_{i + 1}", b[i]) for i in layers]
    sizes(("X", "N n_0 p", z), *weights, *biases)


def relu_batch(
    frozen: Sequence[Any],
    target: Any,
    bias: Any,
    ranks: Sequence[int],
    center: Any,
    radius: Any,
) -> ReluBatch:
    """Adapters and biases that bring N ReLU nets to ReLU(Wbar x + bbar) on |x - c| <= radius.

    W_l and the target: (N, D, D), ``bias`` and ``center`` (N, D), ``radius`` (N,). Every hidden
    unit stays active on the ball, by a margin above all rounding, so the net is affine there before
    its last ReLU. Raises ``ShapeMismatch``. Zeng and Lee, as commonly quoted; the biases are
    our own, as in ``constructions.affine_biases``.

    >>> eye, T, zero = [[[1.0, 0.0], [0.0, 1.0]]], [[[3.0, 0.0], [0.0, -1.0]]], [[0.0, 0.0]]
    >>> found = relu_batch([eye, eye], T, [[0.0, 0.5]], [1, 1], zero, [1.0])
    >>> bool(found.sup_error[0] < 1e-12)
    True
    """
    linear = linear_batch(frozen, target, ranks)
    names = ("target", "bias", "center", "radius")
    xp, (T, b, c, r, *_) = batch_arrays(target, bias, center, radius, linear.product, names=names)
    vectors = (("bias", "N D", b), ("center", "N D", c), ("radius", "N", r))
    sizes(("target", "N D D", T), *vectors)
    at_least_0("radius", r, xp)
    with np.errstate(all="ignore"):
        return _biased(xp, linear, T, b, c, r)


def _biased(xp: Any, linear: LinearBatch, T: Array, bias: Array, c: Array, r: Array) -> ReluBatch:
    """The smallest offsets plus a margin; ``off`` bounds how far the true offset is from a."""
    D, k = T.shape[1], (T.shape[1] + 4) * UNIT
    reach = (_length(xp, c) + r)[:, None]
    a, off = xp.zeros_like(c), xp.zeros_like(c)
    through, size, biases = None, xp.ones_like(r), []
    for layer, V in enumerate(linear.weights):
        through = V if through is None else xp.matmul(V, through)
        size = size * xp.sqrt(xp.sum(V * V, axis=(1, 2)))
        last = layer == len(linear.weights) - 1
        passed = _applied(xp, xp.abs(V), off + k * (xp.abs(a) + off)) * ABOVE
        if last:
            wanted = bias
        else:
            lowest = r[:, None] * _length(xp, through) - _applied(xp, through, c)
            margin = passed + ((layer + 1) * k * size)[:, None] * reach * 2
            wanted = lowest + 2 * margin + 4 * k * xp.abs(lowest)
        found = wanted - _applied(xp, V, a)
        off = passed + k * (xp.abs(found) + xp.abs(wanted)) + TINY
        if not last:
            wanted, off = wanted + 2 * off, 2 * off
            found = wanted - _applied(xp, V, a)
        a = wanted
        biases.append(found)
    residual = linear.product - T
    shift = _length(xp, _applied(xp, residual, c)) + _length(xp, off)
    sup = shift + r * linear.achieved + (_length(xp, c) * D + r) * linear.error
    return ReluBatch(linear, tuple(biases), sup * ABOVE)


def _applied(xp: Any, V: Array, x: Array) -> Array:
    return xp.matmul(V, x[:, :, None])[:, :, 0]


def _length(xp: Any, X: Array) -> Array:
    """The norms of rows."""
    return xp.sqrt(xp.sum(X * X, axis=-1))
