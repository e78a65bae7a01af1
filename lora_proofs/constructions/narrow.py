"""A target on fewer coordinates than the frozen net has: the free entries stay free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import fast_arithmetic, handed_on, product
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.linear import LinearAdaptation, checked_net, update_adapters
from lora_proofs.errors import BadInput


def narrow_target_adapters(
    frozen: Sequence[Any], target: Any, ranks: Sequence[int], ctx: Arithmetic
) -> LinearAdaptation:
    """Adapters for a target (nbar_L, nbar_0) on the first coordinates, nbar at most n.

    With J the embedding of the first coordinates, ||J' (What_L ... What_1) J - target||_2 =
    sigma_{S+1}(target - J' P_0 J), which no adapters go below: all W_l square and nonsingular.

    >>> I = [[1, 0], [0, 1]]
    >>> narrow_target_adapters([I, I], [[3]], [0, 1], EXACT).product.tolist()
    [[3, 0], [0, 1]]
    """
    G, H = narrow_target_factors(frozen, target, sum(ranks), ctx)
    return update_adapters(frozen, G, H, ranks, ctx)


def narrow_target_factors(
    frozen: Sequence[Any], target: Any, r: int, ctx: Arithmetic
) -> tuple[Matrix, Matrix]:
    """G and H with G H = J LR_r(target - J' P_0 J) J', the free blocks of E left at zero.

    Padding the target with zeros instead can only raise the rank.

    >>> G, H = narrow_target_factors([EXACT.identity(2)], [[3]], 1, EXACT)
    >>> (G @ H).tolist()
    [[2, 0], [0, 0]]
    """
    whole, target = product(*reversed(checked_net(frozen)), ctx=EXACT), EXACT.matrix(target)
    rows, columns = target.shape
    if rows > whole.shape[0] or columns > whole.shape[1]:
        raise BadInput(f"target: expected at most {whole.shape}, got shape {target.shape}")
    fast = fast_arithmetic(ctx)
    with fast.working():
        G, H = leading_factors(target - whole[:rows, :columns], r, fast)
        below = fast.zeros(whole.shape[0] - rows, G.shape[1])
        beside = fast.zeros(H.shape[0], whole.shape[1] - columns)
        G, H = np.concatenate([G, below]), np.concatenate([H, beside], axis=1)
    return handed_on(G, ctx), handed_on(H, ctx)
