"""Adapters for a linear net: the best that any adapters of these ranks can do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import fast_arithmetic, lifted, product
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.adapters import checked_ranks
from lora_proofs.constructions.leading import leading_factors
from lora_proofs.constructions.linear_adaptation import LinearAdaptation, assembled
from lora_proofs.constructions.nonsingular import nonsingular_adapters
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.constructions.singular_weights import best_known
from lora_proofs.errors import BadInput, ShapeMismatch

__all__ = ["LinearAdaptation", "linear_adapters", "update_adapters"]


def linear_adapters(
    frozen: Sequence[Any], target: Any, ranks: Sequence[int], ctx: Arithmetic
) -> LinearAdaptation:
    """Adapters with ||What_L ... What_1 - target||_2 = sigma_{S+1}(E), S the sum of the ranks.

    W_l: (n_l, n_{l-1}) and exact, E = target - W_L ... W_1. That is the least error in every
    unitarily invariant norm where the frozen weights are square and nonsingular; elsewhere the
    best that is known, and ``broken`` says what was assumed. Zeng and Lee, Lemma 1, as commonly
    quoted, with a rank per layer.

    >>> I = [[1, 0], [0, 1]]
    >>> linear_adapters([I, I], [[2, 0], [0, 3]], [1, 1], EXACT).product.tolist()
    [[2, 0], [0, 3]]
    """
    exact, target = checked_net(frozen), EXACT.matrix(target)
    ranks = checked_ranks(ranks, exact)
    whole = product(*reversed(exact), ctx=EXACT)
    if target.shape != whole.shape:
        raise ShapeMismatch(f"target: expected shape {whole.shape}, got {target.shape}")
    if not _all_nonsingular(exact):
        return best_known(exact, target, ranks, ctx)
    fast = fast_arithmetic(ctx)
    G, H = leading_factors(target - whole, sum(ranks), fast)
    return _updated(exact, G, H, ranks, fast, target - whole).in_arithmetic(ctx)


def update_adapters(
    frozen: Sequence[Any], G: Matrix, H: Matrix, ranks: Sequence[int], ctx: Arithmetic
) -> LinearAdaptation:
    """Adapters with What_L ... What_1 = W_L ... W_1 + G H, for any update G H of that rank.

    W_l: (n_l, n_{l-1}), exact; G: (n_L, k) and H: (k, n_0) in ``ctx``, k at most the sum of the
    ranks; ``BadInput`` elsewhere. Where a weight is singular or not square it may be missed.

    >>> I, G, H = [[1, 0], [0, 1]], EXACT.matrix([[1], [0]]), EXACT.matrix([[0, 5]])
    >>> update_adapters([I, I], G, H, [0, 1], EXACT).product.tolist()
    [[1, 5], [0, 1]]
    """
    exact = checked_net(frozen)
    ranks = checked_ranks(ranks, exact)
    if G.shape[1] > sum(ranks):
        raise BadInput(f"G: expected at most {sum(ranks)} columns, got {G.shape[1]}")
    if not _all_nonsingular(exact):
        update = product(exact_values(G), exact_values(H), ctx=EXACT)
        return best_known(exact, product(*reversed(exact), ctx=EXACT) + update, ranks, ctx)
    fast = fast_arithmetic(ctx)
    with fast.working():
        # The factors as they are: another number system does not read those of this one.
        G, H = (lifted(exact_values(X), fast) for X in (G, H))
        return _updated(exact, G, H, ranks, fast).in_arithmetic(ctx)


def checked_net(frozen: Sequence[Any]) -> list[Matrix]:
    """The weights of a linear net as exact matrices that fit; ``BadInput`` elsewhere.

    >>> checked_net([[[1, 2]], [["1/2"]]])[1].tolist()
    [[1/2]]
    """
    found = [EXACT.matrix(W) for W in frozen]
    if not found:
        raise BadInput("frozen: expected at least one weight, got none")
    for layer, (before, W) in enumerate(pairwise(found), 2):
        if W.shape[1] != before.shape[0]:
            raise ShapeMismatch(
                f"frozen: expected a weight of {before.shape[0]} columns in layer {layer}, got "
                f"shape {W.shape}"
            )
    return found


def _all_nonsingular(frozen: Sequence[Matrix]) -> bool:
    return all(W.shape[0] == W.shape[1] == EXACT.rank(W) for W in frozen)


def _updated(
    exact: Sequence[Matrix],
    G: Matrix,
    H: Matrix,
    ranks: tuple[int, ...],
    ctx: Arithmetic,
    E: Matrix | None = None,
) -> LinearAdaptation:
    known = None if E is None else (exact, E)
    with ctx.working():
        weights = [ctx.matrix(W) for W in exact]
        found = nonsingular_adapters(weights, G, H, ranks, ctx, known)
        return assembled(weights, *found, ctx)
