"""Adapters for a linear net: the best that any adapters of these ranks can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import fast_arithmetic, handed_on, inverse, product
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic
from lora_proofs.constructions.adapters import (
    Adapter,
    Broken,
    adapted,
    checked_ranks,
    largest_norm,
)
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.rank_one import eliminated, good_basis
from lora_proofs.errors import BadInput

IN_ORDER = "singular vectors in order"
EXACTLY_IN_ORDER = "rank factorisation in order"
RANK_ONE = "factors I + (rank one)"
LARGE = 100.0
"""Adapters this many times larger than the weights are compared with those of the other order."""


@dataclass(frozen=True)
class LinearAdaptation:
    """Adapters of a linear net, layer 1 first, with What_l = W_l + B_l A_l and their product."""

    adapters: tuple[Adapter, ...]
    weights: tuple[Matrix, ...]
    product: Matrix
    method: str
    broken: tuple[Broken, ...] = ()

    def in_arithmetic(self, ctx: Arithmetic) -> LinearAdaptation:
        """The same numbers as ``ctx`` has them."""

        def lifted(X: Matrix) -> Matrix:
            return handed_on(X, ctx)

        adapters = tuple(Adapter(lifted(x.B), lifted(x.A)) for x in self.adapters)
        weights = tuple(lifted(W) for W in self.weights)
        return LinearAdaptation(adapters, weights, lifted(self.product), self.method, self.broken)


@dataclass(frozen=True)
class Pieces:
    """An update G H of the product of nonsingular W: (D, D), and the ranks that it may take."""

    frozen: tuple[Matrix, ...]
    G: Matrix
    H: Matrix
    ranks: tuple[int, ...]
    ctx: Arithmetic

    @cached_property
    def ends(self) -> list[int]:
        """The columns of G that are used up after each layer."""
        return [min(end, self.G.shape[1]) for end in accumulate(self.ranks)]

    @cached_property
    def inverses(self) -> list[Matrix]:
        """W_l^{-1}."""
        return [inverse(W, self.ctx) for W in self.frozen]

    @cached_property
    def C(self) -> Matrix:
        """I + H P_0^{-1} G, with P_0 = W_L ... W_1."""
        k = self.G.shape[1]
        return self.ctx.identity(k) + product(self.H, *self.inverses, self.G, ctx=self.ctx)

    def turned(self, T: Matrix) -> Pieces:
        """The same update in another basis: G T and T^{-1} H."""
        G, H = (
            product(self.G, T, ctx=self.ctx),
            product(inverse(T, self.ctx), self.H, ctx=self.ctx),
        )
        return Pieces(self.frozen, G, H, self.ranks, self.ctx)

    def adapters(self) -> tuple[Adapter, ...]:
        """B_l = W_{l+1}^{-1} ... W_L^{-1} G_l and A_l = H_l W_1^{-1} ... W_{l-1}^{-1}, H eliminated.

        Raises ``BadInput`` where an intermediate that is used is singular.
        """
        H = eliminated(self.C, self.H, self.ends, self.ctx)
        found = []
        for layer, (first, last) in enumerate(zip([0, *self.ends], self.ends, strict=False)):
            B = product(*self.inverses[layer + 1 :], self.G[:, first:last], ctx=self.ctx)
            A = product(H[first:last], *self.inverses[:layer], ctx=self.ctx)
            found.append(Adapter(B, A))
        return tuple(found)


def linear_adapters(
    frozen: Sequence[Any], target: Any, ranks: Sequence[int], ctx: Arithmetic
) -> LinearAdaptation:
    """Adapters with ||What_L ... What_1 - target||_2 = sigma_{S+1}(E), S the sum of the ranks.

    W_l: (D, D) and exact, E = target - W_L ... W_1. Zeng and Lee, Lemma 1, as commonly quoted,
    with a rank per layer.

    >>> I = [[1, 0], [0, 1]]
    >>> linear_adapters([I, I], [[2, 0], [0, 3]], [1, 1], EXACT).product.tolist()
    [[2, 0], [0, 3]]
    """
    exact = [EXACT.matrix(W) for W in frozen]
    ranks = checked_ranks(ranks, exact)
    E = EXACT.matrix(target) - product(*reversed(exact), ctx=EXACT)
    fast = fast_arithmetic(ctx)
    with fast.working():
        G, H = leading_factors(E, sum(ranks), fast)
        pieces = Pieces(tuple(fast.matrix(W) for W in exact), G, H, ranks, fast)
        adapters, method, broken = _chosen(pieces)
        return assembled(pieces.frozen, adapters, method, broken, fast).in_arithmetic(ctx)


def assembled(
    frozen: Sequence[Matrix],
    adapters: tuple[Adapter, ...],
    method: str,
    broken: tuple[Broken, ...],
    ctx: Arithmetic,
) -> LinearAdaptation:
    """The adaptation with its weights and their product, of weights and factors in ``ctx``."""
    weights = tuple(adapted(W, x, ctx) for W, x in zip(frozen, adapters, strict=True))
    total = product(*reversed(weights), ctx=ctx)
    return LinearAdaptation(adapters, weights, total, method, broken)


def _chosen(pieces: Pieces) -> tuple[tuple[Adapter, ...], str, tuple[Broken, ...]]:
    """In the order of the singular vectors, or where that is bad, in a better basis."""
    ctx, broken = pieces.ctx, _singular_intermediates(pieces)
    in_order = EXACTLY_IN_ORDER if isinstance(ctx, ExactArithmetic) else IN_ORDER
    try:
        first = pieces.adapters()
        if not _too_large(first, pieces):
            return first, in_order, broken
    except BadInput:
        first = None
    second = pieces.turned(good_basis(pieces.C, pieces.ends, ctx)).adapters()
    if first is not None and not largest_norm(second, ctx) < largest_norm(first, ctx):
        return first, in_order, broken
    return second, RANK_ONE, broken


def _too_large(adapters: tuple[Adapter, ...], pieces: Pieces) -> bool:
    if isinstance(pieces.ctx, ExactArithmetic):
        return False
    size = max(np.abs(W.astype(float)).max() for W in pieces.frozen)
    return not largest_norm(adapters, pieces.ctx) < LARGE * max(size, 1.0)


def _singular_intermediates(pieces: Pieces) -> tuple[Broken, ...]:
    """The second assumption of Lemma 1, at the r that are used."""
    ctx, C = pieces.ctx, pieces.C
    used = sorted({end for end in pieces.ends if 0 < end < len(C)})
    return tuple(
        Broken(
            f"P_0 + LR_{r}(E) is nonsingular",
            "the adapters of Lemma 1 in the order of the singular vectors do not exist; the "
            "minimum is attained by factors I + (rank one)",
        )
        for r in used
        if _singular(C[:r, :r], ctx)
    )


def _singular(C: Matrix, ctx: Arithmetic) -> bool:
    if isinstance(ctx, ExactArithmetic):
        return bool(EXACT.rank(C) < len(C))
    sizes = np.linalg.svd(C.astype(float), compute_uv=False)
    return bool(sizes[-1] <= 1e-12 * max(sizes[0], 1.0))
