"""Two target layers in L frozen layers of which one does a part of each.

With a = R_1 + ... + R_p < D <= R_1 + ... + R_{p+1}, b = D - a and e = R_{p+1} - b, split the hidden
units of the target ReLU(V2 ReLU(V1 x + c1) + c2) into the first a and the other b.

1. Layers 1..p: first = diag(C, G) V1, C diagonal and positive. For K = P1 V1^{-1} the matrix
   K - diag(C, G) has rank a where G = K22 - K21 (K11 - C)^{-1} K12, its Schur complement being 0.
   Units of the first kind are kinks already, biases keep the others linear.
2. Layer p+1: middle = diag(F, X), X = C' G^{-1}: the other units get their kinks, the first ones
   are passed on, lifted by biases. For N = W_{p+1} and T = N11 - N12 (N22 - X)^{-1} N21 the rank of
   N - middle is b + rank(T - F).
3. Layers p+2..L: last = V2 diag(C^{-1} F^{-1}, C'^{-1}). For Q = V2^{-1} P3, P3 their product, and
   S = Q11 - Q12 (Q22 - C'^{-1})^{-1} Q21 the rank of Q - V2^{-1} last is b + rank(C S - F^{-1}).

So F has to be near T and F^{-1} near C S, by ranks e and s - b, s = R_{p+2} + ... + R_L: adapters
of these ranks that turn T (C S) into the identity of size a. They exist where e + s - b >= a, that
is R_1 + ... + R_L >= 2 D. All matrices that are inverted are nonsingular for generic weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.linear import linear_adapters
from lora_proofs.constructions.regions import Box, Vector, vector
from lora_proofs.constructions.relu_biases import affine_biases
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.relu_network import Layer

SCALES = (1, 2, 3, 5)
"""Multiples of the identity to try for C and C'; almost every one serves."""


@dataclass(frozen=True)
class Straddling:
    """The adapted layers, and the network of three layers that they are on the box.

    ``steps`` are (first, b1), (middle, b2), (last, b3); ``lengths`` how many layers each stands
    for; ``units`` is a, ``scales`` the positive factors c and c' of C = c I and C' = c' I.
    """

    layers: list[Layer]
    steps: list[Layer]
    lengths: tuple[int, int, int]
    units: int
    scales: tuple[Any, Any]
    lifts: tuple[Vector, Vector]


def straddling_network(
    frozen: Sequence[Matrix], target: Sequence[Layer], ranks: Sequence[int], box: Box
) -> Straddling:
    """Adapters of these ranks and biases that make a target of two layers on a box, exactly.

    ``frozen`` are W_l: (D, D), ``target`` is (V1, c1), (V2, c2), the ranks add up to 2 D at least.
    Raises ``BadInput`` where a partition of the layers is called for instead or the ranks do not
    reach, ``Unavailable`` where a matrix that is inverted is singular. Source: own.

    >>> from lora_proofs.mathematics.relu_network import relu_network
    >>> W = [[[1, 1, 0], [0, 2, 0], [1, 0, 3]], [[2, 0, 1], [1, 1, 0], [0, 0, 1]],
    ...      [[1, 0, 2], [0, 3, 1], [0, 1, 1]]]
    >>> V = [[-1, 0, 1], [0, 2, 1], [1, 0, 1]]
    >>> target = [(V, [0, 1, 0]), (V, [0, 0, 1])]
    >>> found = straddling_network(W, target, (2, 2, 2), Box([-1] * 3, [1] * 3))
    >>> X = EXACT.matrix([[1, "1/2", 0], [-1, 0, "1/3"], [0, 1, -1]])
    >>> bool((relu_network(found.layers, X, EXACT) == relu_network(target, X, EXACT)).all())
    True
    """
    weights = [EXACT.matrix(W) for W in frozen]
    p = _first_block(ranks, len(weights[0]))
    for c in SCALES:
        for other in SCALES:
            try:
                return _with_scales(weights, target, ranks, box, p, (c, other))
            except _Singular:
                continue
    raise Unavailable("a construction for weights that are not generic", EXACT.name)


class _Singular(Exception):
    """A matrix that the construction inverts is singular for these scales."""


def _first_block(ranks: Sequence[int], D: int) -> int:
    """p, the number of layers whose ranks stay below D."""
    sums = list(accumulate(ranks))
    p = sum(total < D for total in sums)
    if p == 0 or sums[p - 1] == 0 or p + 1 >= len(ranks):
        raise BadInput(f"ranks: expected some below {D}, then one across it, got {list(ranks)}")
    if sums[-1] < 2 * D or sums[-1] - sums[p] < D - sums[p - 1]:
        raise BadInput(f"ranks: expected {2 * D} in all, enough after layer {p + 1}; got {ranks}")
    return p


def _with_scales(
    weights: list[Matrix],
    target: Sequence[Layer],
    ranks: Sequence[int],
    box: Box,
    p: int,
    scales: tuple[int, int],
) -> Straddling:
    (V1, c1), (V2, c2) = ((EXACT.matrix(V), vector(c, EXACT)) for V, c in target)
    a, D = sum(ranks[:p]), len(V1)
    b, (c, other) = D - a, (EXACT.number(x) for x in scales)
    Ca, Cb, lengths = c * EXACT.identity(a), other * EXACT.identity(b), (p, 1, len(ranks) - p - 1)
    G = _schur(_product(weights[:p]) @ _inverse(V1), Ca, first=True)
    first, X = joined(Ca, G) @ V1, other * _inverse(G)
    T = _schur(weights[p], X, first=False)
    S = _schur(_inverse(V2) @ _product(weights[p + 1 :]), Cb / (other * other), first=False)
    after, here = sum(ranks[p + 1 :]) - b, ranks[p] - b
    one = EXACT.identity(a)
    F = linear_adapters([c * S, T], one, (min(after, a), min(here, a)), EXACT).weights[1]
    middle = joined(F, X)
    last = V2 @ joined(_inverse(F) / c, Cb / (other * other))

    lift_b = -np.minimum(box.lowest(G @ V1[a:], EXACT) + G @ c1[a:], EXACT.number(0))
    b1 = joined(Ca, G) @ c1 + _raised(EXACT.zeros(1, a)[0], lift_b)
    seen = box.image(first, b1, EXACT)
    lift_a = -np.minimum(seen.lowest(middle, EXACT)[:a], EXACT.number(0))
    b2 = _raised(lift_a, -X @ lift_b)
    b3 = c2 - last @ _raised(lift_a, EXACT.zeros(1, b)[0])
    steps = [(first, b1), (middle, b2), (last, b3)]
    layers = _layers(weights, steps, ranks, lengths, (box, seen, seen.image(middle, b2, EXACT)))
    return Straddling(layers, steps, lengths, a, (c, other), (lift_a, lift_b))


def _layers(
    weights: list[Matrix],
    steps: list[Layer],
    ranks: Sequence[int],
    lengths: tuple[int, int, int],
    regions: Sequence[Box],
) -> list[Layer]:
    """The adapted layers: each step by the frozen layers that stand for it."""
    found, at = [], 0
    for (W, b), length, region in zip(steps, lengths, regions, strict=True):
        here = slice(at, at + length)
        adapted = linear_adapters(weights[here], W, ranks[here], EXACT).weights
        found += list(zip(adapted, affine_biases(adapted, b, region, EXACT), strict=True))
        at += length
    return found


def joined(A: Matrix, B: Matrix) -> Matrix:
    """diag(A, B).

    >>> joined(EXACT.identity(1), EXACT.matrix([[2]])).tolist()
    [[1, 0], [0, 2]]
    """
    whole = EXACT.zeros(len(A) + len(B), len(A) + len(B))
    whole[: len(A), : len(A)], whole[len(A) :, len(A) :] = A, B
    return whole


def _schur(K: Matrix, part: Matrix, *, first: bool) -> Matrix:
    """K22 - K21 (K11 - part)^{-1} K12 for the first block, and with 1 and 2 exchanged."""
    a = len(part) if first else len(K) - len(part)
    one, two = slice(0, a), slice(a, len(K))
    inner, outer = (one, two) if first else (two, one)
    return K[outer, outer] - K[outer, inner] @ _inverse(K[inner, inner] - part) @ K[inner, outer]


def _inverse(X: Matrix) -> Matrix:
    try:
        return EXACT.inverse(X)
    except BadInput:
        raise _Singular from None


def _product(weights: Sequence[Matrix]) -> Matrix:
    return reduce(lambda P, W: W @ P, weights)


def _raised(first: Vector, second: Vector) -> Vector:
    return np.concatenate([first, second])
