"""Adapters for a linear net: the best that any adapters of these ranks can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import inverse, product
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.adapters import Adapter, Broken, adapted, checked_ranks
from lora_proofs.constructions.leading import leading_factors


@dataclass(frozen=True)
class LinearAdaptation:
    """Adapters of a linear net, layer 1 first, with What_l = W_l + B_l A_l and their product."""

    adapters: tuple[Adapter, ...]
    weights: tuple[Matrix, ...]
    product: Matrix
    method: str
    broken: tuple[Broken, ...] = ()


def linear_adapters(
    frozen: Sequence[Any], target: Any, ranks: Sequence[int], ctx: Arithmetic
) -> LinearAdaptation:
    """Adapters with ||What_L ... What_1 - target||_2 = sigma_{S+1}(E), S the sum of the ranks.

    W_l: (D, D) and exact, E = target - W_L ... W_1. Zeng and Lee, Lemma 1, as commonly quoted,
    with a rank per layer.

    >>> from lora_proofs.arithmetic import EXACT
    >>> I = [[1, 0], [0, 1]]
    >>> linear_adapters([I, I], [[2, 0], [0, 3]], [1, 1], EXACT).product.tolist()
    [[2, 0], [0, 3]]
    """
    exact = [EXACT.matrix(W) for W in frozen]
    ranks = checked_ranks(ranks, exact)
    E = EXACT.matrix(target) - product(*reversed(exact), ctx=EXACT)
    G, H = leading_factors(E, sum(ranks), ctx)
    with ctx.working():
        lifted = [ctx.matrix(W) for W in exact]
        adapters = _in_order(lifted, G, H, ranks, ctx)
        weights = tuple(adapted(W, x, ctx) for W, x in zip(lifted, adapters, strict=True))
        total = product(*reversed(weights), ctx=ctx)
    return LinearAdaptation(adapters, weights, total, "singular vectors in order")


def _in_order(
    frozen: list[Matrix], G: Matrix, H: Matrix, ranks: Sequence[int], ctx: Arithmetic
) -> tuple[Adapter, ...]:
    """P_l DW_l Z_{l-1} = G_l H_l, with P_l = W_L ... W_{l+1} and Z_l = What_l ... What_1."""
    ends = [0, *accumulate(ranks)]
    prefix, found = None, []
    for layer, W in enumerate(frozen):
        first, last = (min(end, G.shape[1]) for end in ends[layer : layer + 2])
        B, A = G[:, first:last], H[first:last]
        if layer + 1 < len(frozen):
            B = product(inverse(product(*reversed(frozen[layer + 1 :]), ctx=ctx), ctx), B, ctx=ctx)
        if prefix is not None and last > first:
            A = product(A, inverse(prefix, ctx), ctx=ctx)
        adapter = Adapter(B, A)
        what = adapted(W, adapter, ctx)
        prefix = what if prefix is None else product(what, prefix, ctx=ctx)
        found.append(adapter)
    return tuple(found)
