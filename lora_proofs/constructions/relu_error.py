"""How far an adapted ReLU network can be from its target: in the mean, and on a whole region.

Every bound is proved for exact data; evaluated in balls it is certified, in floats it is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, power, trace
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.partition import block_slices
from lora_proofs.constructions.regions import (
    Box,
    Meet,
    Region,
    Vector,
    highest,
    larger,
    norm_above,
    row_norms,
    smaller,
    vector,
    widened,
)
from lora_proofs.mathematics.literature import KY_FAN, lean_on
from lora_proofs.mathematics.relu_network import Layer, relu


@dataclass(frozen=True)
class ErrorBound:
    """Upper bounds of the root mean square sqrt(E |f(x) - fbar(x)|^2), so of E |f - fbar| too.

    ``tails`` are the E_i = sigma_{S_i + 1}(Wbar_i - product of block i), ``closed`` is the closed
    form of the theorem, and ``recursive``, never larger, the recursion that proves it.
    """

    tails: tuple[Scalar, ...]
    closed: Scalar
    recursive: Scalar


def error_bound(
    frozen: Sequence[Layer],
    target: Sequence[Layer],
    ranks: Sequence[int],
    partition: Sequence[int],
    second_moment: Matrix,
    ctx: Arithmetic,
) -> ErrorBound:
    """The mean error that the construction never exceeds on inputs in its region.

    ``ranks`` has one rank per frozen layer, ``second_moment`` is Sigma = E x x' (m, m). With
    E_i = sigma_{S_i + 1}, operator norms, r_0 = sqrt(tr Sigma), r_i = ||Wbar_i|| r_{i-1} + |bbar_i|
    >= rms of the target's layer i: e_i <= (||Wbar_i|| + E_i) e_{i-1} + E_i r_{i-1}, from
    Minkowski's inequality in L2 and |ReLU(u) - ReLU(v)| <= |u - v|. The recursion begins with
    e_1 <= E_1 sqrt(sum of the D - S_1 largest eigenvalues of Sigma), as only D - S_1 directions
    are left over (Ky Fan). Zeng & Lee, one-layer and multi-layer bounds, corrected: the trace in
    place of the Frobenius norm of Sigma, with which the one-layer bound is false.

    >>> from lora_proofs.arithmetic import EXACT, ArrayArithmetic
    >>> eye = EXACT.identity(3)
    >>> one = error_bound([(eye, [0] * 3)], [(2 * eye, [0] * 3)], [1], (1,), eye, ArrayArithmetic())
    >>> print(float(one.closed) ** 2, float(one.recursive) ** 2)
    2.9999999999999996 2.0000000000000004
    """
    with ctx.working():
        tails = _tails(frozen, target, ranks, partition, ctx)
        norms = [_norm(W, ctx) for W, _ in target]
        sizes = [ctx.sqrt(trace(ctx.matrix(second_moment)))]
        for norm, (_, b) in zip(norms[:-1], target, strict=False):
            sizes.append(norm * sizes[-1] + _norm([list(b)], ctx))
        error = tails[0] * ctx.sqrt(_left_over(second_moment, target[0][0], ranks, partition, ctx))
        for tail, norm, size in zip(tails[1:], norms[1:], sizes[1:], strict=True):
            error = (norm + tail) * error + tail * size
        return ErrorBound(tails, _closed(tails, norms, sizes), error)


def _tails(
    frozen: Sequence[Layer],
    target: Sequence[Layer],
    ranks: Sequence[int],
    partition: Sequence[int],
    ctx: Arithmetic,
) -> tuple[Scalar, ...]:
    """sigma_{S_i + 1}(Wbar_i - product of block i), 0 beyond the last one."""
    found = []
    for layers, (W, _) in zip(block_slices(partition), target, strict=True):
        product = reduce(lambda P, V: V @ P, [EXACT.matrix(V) for V, _ in frozen[layers]])
        values = ctx.singular_values(ctx.matrix(EXACT.matrix(W) - product))
        kept = sum(ranks[layers])
        found.append(values[kept] if kept < len(values) else ctx.number(0))
    return tuple(found)


def _left_over(
    second_moment: Matrix,
    W: Matrix,
    ranks: Sequence[int],
    partition: Sequence[int],
    ctx: Arithmetic,
) -> Scalar:
    """The sum of as many leading eigenvalues of Sigma as the first block leaves directions."""
    lean_on(KY_FAN)
    left = max(0, min(EXACT.matrix(W).shape) - sum(ranks[: partition[0]]))
    values = ctx.singular_values(ctx.matrix(second_moment))
    return sum(values[:left], ctx.number(0))


def _closed(tails: Sequence[Scalar], norms: Sequence[Scalar], sizes: Sequence[Scalar]) -> Scalar:
    """beta sum_i max_k (||Wbar_k|| + E_k)^(Lb - i) E_i with beta = max r_{i-1}."""
    base = reduce(larger, [norm + tail for norm, tail in zip(norms, tails, strict=True)])
    terms = [power(base, len(tails) - 1 - i) * tail for i, tail in enumerate(tails)]
    return reduce(larger, sizes) * sum(terms[1:], terms[0])


def _norm(W: Any, ctx: Arithmetic) -> Scalar:
    return ctx.operator_norm(ctx.matrix(W))


def sup_error(
    adapted: Sequence[Layer],
    target: Sequence[Layer],
    partition: Sequence[int],
    region: Region,
    ctx: Arithmetic,
) -> Vector:
    """For each output a bound of |f_i(x) - fbar_i(x)| over all x of the region.

    ``adapted`` are the layers (W_l + B_l A_l, bhat_l) as they are, rounded or not. A hidden unit
    that dips to -delta counts delta, carried on by |W|; the affine rest is bounded on the region.
    Errors of earlier blocks are carried on in two ways, entry by entry and by their length.
    Balls and exact numbers certify it; 0 in exact arithmetic is equality there. Source: own.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.constructions.regions import Box
    >>> adapted, target = [([[1]], [2]), ([[2]], [-4])], [([[2]], [1])]
    >>> sup_error(adapted, target, (2,), Box([-1], [1]), EXACT).tolist()
    [1]
    """
    with ctx.working():
        ours: Region = region
        theirs: Region = region
        error, size = ctx.zeros(1, region.dimension)[0], ctx.number(0)
        for layers, (W, b) in zip(block_slices(partition), target, strict=True):
            A, a, eta = affine_part(adapted[layers], ours, ctx)
            W, b = ctx.matrix(W), vector(b, ctx)
            drift = _greatest(A - W, a - b, theirs, ctx) + eta
            carried = _each(smaller, abs(A) @ error, row_norms(A, ctx) * size)
            size = norm_above(A, ctx) * size + _length(drift, ctx)
            reached = widened(ours.image(A, a, ctx), eta, ctx), theirs.image(W, b, ctx)
            error = _each(smaller, carried + drift, _apart(*reached))
            size = smaller(size, _length(error, ctx))
            ours, theirs = reached
        return error


def _each(choose: Callable[[Scalar, Scalar], Scalar], x: Vector, y: Vector) -> Vector:
    return np.array([choose(a, b) for a, b in zip(x, y, strict=True)])


def _length(x: Vector, ctx: Arithmetic) -> Scalar:
    return row_norms(x[None, :], ctx)[0]


def affine_part(
    layers: Sequence[Layer], region: Region, ctx: Arithmetic
) -> tuple[Matrix, Vector, Vector]:
    """A, a and eta: the last preactivation of the layers is within eta of A x + a on the region.

    eta is 0 where no hidden unit can be negative.

    >>> from lora_proofs.arithmetic import EXACT
    >>> from lora_proofs.constructions.regions import Box
    >>> A, a, eta = affine_part([([[1]], [0]), ([[2]], [1])], Box([-1], [1]), EXACT)
    >>> A.tolist(), a.tolist(), eta.tolist()
    ([[2]], [1], [2])
    """
    A, a = ctx.identity(region.dimension), ctx.zeros(1, region.dimension)[0]
    eta = a
    for depth, (W, b) in enumerate(layers):
        if depth:
            eta = eta + relu(-(region.lowest(A, ctx) + a))
        W = ctx.matrix(W)
        A, a, eta = W @ A, W @ a + vector(b, ctx), abs(W) @ eta
    return A, a, eta


def _greatest(A: Matrix, a: Vector, region: Region, ctx: Arithmetic) -> Vector:
    """A bound of |A_i x + a_i| over the region for each row."""
    low, high = region.lowest(A, ctx) + a, highest(A, region, ctx) + a
    return _each(larger, -low, high)


def _apart(first: Meet | Box, second: Meet | Box) -> Vector:
    """How far entries of points of two regions can be apart, by their boxes."""
    one, other = _box(first), _box(second)
    return _each(larger, one.upper - other.lower, other.upper - one.lower)


def _box(region: Meet | Box) -> Box:
    return region.box if isinstance(region, Meet) else region
