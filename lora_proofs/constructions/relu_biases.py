"""Biases that keep every hidden ReLU of a network inactive as a kink, hence the network affine.

With A_l = W_l ... W_1 and offsets a_l (a_0 = 0) put b_l = a_l - W_l a_{l-1}. If A_l x + a_l >= 0
on the region for all hidden layers l, then z_l = A_l x + a_l there, by induction:
z_l = ReLU(W_l (A_{l-1} x + a_{l-1}) + a_l - W_l a_{l-1}) = ReLU(A_l x + a_l) = A_l x + a_l.
So offsets need not be sharp, any that are >= the smallest valid ones do. Those are
a_l = -min A_l x, unit by unit: below them some input of the region switches the unit off. They do
not compound, because a_l is read off the affine map and not off earlier biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import product
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.regions import Region, Vector, vector
from lora_proofs.constructions.rounding import exact_values, rounded_down, rounded_up


def offsets(weights: Sequence[Matrix], region: Region, ctx: Arithmetic) -> list[Vector]:
    """The smallest a_l with A_l x + a_l >= 0 on a region, A_l = W_l ... W_1, for l = 1, ..., L.

    On the ball |x - c| <= r that is a_l = r ||row||_2 - A_l c, on a box the same with half widths.
    Exact on a box; on a ball exact arithmetic rounds an irrational norm upward, which is still
    valid, and floats round. Source: own; sharper than the paper's, as commonly quoted.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.constructions.regions import Ball
    >>> [a.tolist() for a in offsets([[[3, 4]], [[-2]]], Ball([0, 0], 1), EXACT)]
    [[5], [10]]
    """
    found, A = [], None
    for W in weights:
        W = ctx.matrix(W)
        A = W if A is None else product(W, A, ctx=ctx)
        found.append(-region.lowest(A, ctx))
    return found


def affine_biases(
    weights: Sequence[Matrix], bias: Any, region: Region, ctx: Arithmetic
) -> tuple[Vector, ...]:
    """Biases with which the ReLU network equals ReLU(W_L ... W_1 x + bias) on a region.

    ``weights`` are W_l: (n_l, n_{l-1}) of the arithmetic, ``bias`` n_L exact numbers and the region
    exact; gives b_l of n_l numbers. In floats and in multiprecision they are computed exactly from
    the weights as they are and rounded, the hidden ones upward and the last one downward: the
    hidden units of the rounded network are proved to stay active, and only ``bias`` is met up to
    one rounding. Source: own (Zeng & Lee use larger ones, as commonly quoted).

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.constructions.regions import Box
    >>> [b.tolist() for b in affine_biases([[[2]], [[-1]]], [5], Box([-1], [3]), EXACT)]
    [[2], [7]]
    """
    if ctx.rigorous:
        hidden = offsets(weights[:-1], region, ctx)
        wanted = [*hidden, vector(bias, ctx)]
        return tuple(
            a if k == 0 else a - ctx.matrix(weights[k]) @ hidden[k - 1]
            for k, a in enumerate(wanted)
        )
    exact = [exact_values(ctx.matrix(W)) for W in weights]
    return _rounded(exact, vector(bias, EXACT), region, ctx)


def _rounded(
    weights: Sequence[Matrix], bias: Vector, region: Region, ctx: Arithmetic
) -> tuple[Vector, ...]:
    """Each bias makes up for the roundings before it, so that they do not compound."""
    biases: list[Vector] = []
    before = EXACT.zeros(1, weights[0].shape[1])[0]
    for W, a in zip(weights, [*offsets(weights[:-1], region, EXACT), bias], strict=True):
        rounding = rounded_down if len(biases) == len(weights) - 1 else rounded_up
        biases.append(np.array([rounding(x, ctx) for x in a - W @ before]))
        before = W @ before + exact_values(biases[-1])
    return tuple(biases)


def offset_of(weights: Sequence[Matrix], biases: Sequence[Vector]) -> Vector:
    """a_L = W_L a_{L-1} + b_L: what exact biases add up to where all hidden units are active.

    >>> from lora_proofs.arithmetic import EXACT
    >>> W, b = EXACT.matrix([[2]]), EXACT.matrix([[3]])[0]
    >>> offset_of([W, W], [b, b]).tolist()
    [9]
    """
    total = biases[0]
    for W, b in zip(weights[1:], biases[1:], strict=True):
        total = W @ total + b
    return total
