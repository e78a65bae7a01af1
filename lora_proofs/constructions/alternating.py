"""Adapters of a linear net improved layer by layer: alternating least squares, never worse.

With all layers but one fixed, the loss ||P W_hat Q - Y||_F is least at a reduced-rank regression,
which has a closed form. Each layer is replaced only where the loss falls. For a linear net the
target of several layers is one product: rank enough in all, wherever it is, does for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, squared_norm
from lora_proofs.arithmetic.dense import (
    fast_arithmetic,
    handed_on,
    lifted,
    product,
    singular_value_decomposition,
)
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.adapters import Adapter, adapted, checked_ranks

CUT = 1e-10
"""Singular values below this part of the largest are not divided by."""


@dataclass(frozen=True)
class Improved:
    """Adapters, layer 1 first, and the squared Frobenius losses before and after each sweep."""

    adapters: tuple[Adapter, ...]
    losses: tuple[Scalar, ...]


def alternating_least_squares(
    frozen: Sequence[Any],
    target: Any,
    adapters: Sequence[Adapter],
    ctx: Arithmetic,
    *,
    sweeps: int,
    ranks: Sequence[int],
    factor: Any = None,
) -> Improved:
    """Adapters of rank at most ``ranks`` with ||(What_L ... What_1 - target) F||_F no larger.

    W_l: (n_l, n_{l-1}), exact, adapters in ``ctx``, a floating point; F is ``factor``, exact, with
    F F' the second moment of the inputs, or the identity. A layer changes only where the loss
    falls, and it stops where a sweep gains nothing. Our own extension of the construction.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> from lora_proofs.constructions.adapters import zero_adapter
    >>> array, W = ArrayArithmetic(), [[[0, 0], [0, 0]], [[1, 0], [0, 1]]]
    >>> start = [zero_adapter(2, 2, array)] * 2
    >>> found = alternating_least_squares(W, [[2, 0], [0, 1]], start, array, sweeps=3, ranks=[1, 0])
    >>> [round(float(x), 9) for x in found.losses[:2]]
    [5.0, 1.0]
    """
    exact = [EXACT.matrix(W) for W in frozen]
    fast, ranks = fast_arithmetic(ctx), checked_ranks(ranks, exact)
    with fast.working():
        net = _Net([fast.matrix(W) for W in exact], fast.matrix(target), fast, factor)
        current = [Adapter(lifted(x.B, fast), lifted(x.A, fast)) for x in adapters]
        losses = [net.loss(current)]
        for _ in range(sweeps):
            for layer, r in enumerate(ranks):
                net.improve(current, layer, r)
            losses.append(net.loss(current))
            if not losses[-1] < losses[-2] * (1 - 1e-12):
                break
        found = tuple(Adapter(handed_on(x.B, ctx), handed_on(x.A, ctx)) for x in current)
        return Improved(found, tuple(ctx.number(x) for x in losses))


class _Net:
    """The frozen weights, the target and the factor of the inputs, in one arithmetic."""

    def __init__(self, frozen: list[Matrix], target: Matrix, ctx: Arithmetic, factor: Any) -> None:
        self.frozen, self.ctx = frozen, ctx
        size = frozen[0].shape[1]
        self.inputs = ctx.identity(size) if factor is None else ctx.matrix(EXACT.matrix(factor))
        self.wanted = product(target, self.inputs, ctx=ctx)

    def loss(self, adapters: Sequence[Adapter]) -> Scalar:
        """||(What_L ... What_1 - target) F||_F^2."""
        weights = [adapted(W, x, self.ctx) for W, x in zip(self.frozen, adapters, strict=True)]
        off = product(*reversed(weights), self.inputs, ctx=self.ctx) - self.wanted
        return self.ctx.number(squared_norm(off))

    def improve(self, adapters: list[Adapter], layer: int, r: int) -> None:
        """Put the reduced-rank regression in the place of one adapter, where the loss falls."""
        if r == 0:
            return
        weights = [adapted(W, x, self.ctx) for W, x in zip(self.frozen, adapters, strict=True)]
        right = product(*reversed(weights[:layer]), self.inputs, ctx=self.ctx)
        left = [*reversed(weights[layer + 1 :]), self.ctx.identity(self.frozen[layer].shape[0])]
        P = product(*left, ctx=self.ctx)
        rest = self.wanted - product(P, self.frozen[layer], right, ctx=self.ctx)
        before, old = self.loss(adapters), adapters[layer]
        adapters[layer] = reduced_rank_regression(P, rest, right, r, self.ctx)
        if not self.loss(adapters) < before:
            adapters[layer] = old


def reduced_rank_regression(P: Matrix, Y: Matrix, Q: Matrix, r: int, ctx: Arithmetic) -> Adapter:
    """The X of rank at most r with the least ||P X Q - Y||_F, as factors, in floating point.

    P: (p, n), Q: (m, q), Y: (p, q), X: (n, m). With P = U_P s_P V_P' and Q = U_Q s_Q V_Q' it is
    V_P s_P^{-1} LR_r(U_P' Y V_Q) s_Q^{-1} U_Q'. Izenman 1975; Friedland and Torokhti 2007.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> array = ArrayArithmetic()
    >>> I, Y = array.identity(2), array.matrix([[2, 0], [0, 1]])
    >>> abs(reduced_rank_regression(2 * I, Y, I, 1, array).update.round(9)).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    UP, sP, VP = _kept(P, ctx)
    UQ, sQ, VQ = _kept(Q, ctx)
    U, s, V = singular_value_decomposition(product(UP.T, Y, VQ, ctx=ctx), ctx)
    k = min(r, len(s))
    roots = _row([ctx.sqrt(x) for x in s[:k]], U)
    B = product(VP / _row(sP, VP), U[:, :k] * roots, ctx=ctx)
    A = product((V[:, :k] * roots).T, (UQ / _row(sQ, UQ)).T, ctx=ctx)
    return Adapter(B, A)


def _kept(X: Matrix, ctx: Arithmetic) -> tuple[Matrix, list[Scalar], Matrix]:
    """The singular value decomposition without what is next to 0."""
    U, s, V = singular_value_decomposition(X, ctx)
    k = sum(bool(x > s[0] * CUT) for x in s)
    return U[:, :k], s[:k], V[:, :k]


def _row(values: list[Scalar], like: Matrix) -> Matrix:
    return np.array(values, dtype=like.dtype)
