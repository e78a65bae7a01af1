"""What the claims about transformers share: reading an instance, and what no adapters get around.

If adapters of rank R make the frozen model the target for every X, then

* at a point x where every hidden unit of the target is positive (all columns of X equal to x, so
  that the softmax does not matter) the Jacobian of both is the same, and that of the adapted model
  is a product in which every weight occurs with 0/1 masks in between: its rank is at most rank W1,
  at most rank W2 + R' (R' the rank of its adapter: R in the last block, 0 in the others), at most
  rank Wo + R and, with one head, at most rank V + R and rank O + R;
* with one block and one head whose values and output are nonsingular the scores are those of the
  target, Khat'Qhat = Kbar'Qbar (the claim zeng-lee/attention-scores-necessary): so the rank of
  Kbar'Qbar - K'Q is at most 2R, and that of Kbar'Qbar at most rank Q + R and rank K + R.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, equal
from lora_proofs.constructions.transformer_gaps import (
    block_gaps,
    exact_product,
    gap_ranks,
    score_rank_needed,
)
from lora_proofs.language.claim import Assumption
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import JACOBIAN_RANKS, SCORES_BY_HAND, lean_on
from lora_proofs.mathematics.transformer import TransformerModel, identity_model
from lora_proofs.mathematics.transformer_instances import instance_of, model_of

ATTENTION = ("Q", "K", "V", "O")


@lru_cache(maxsize=64)
def models(instance: Instance) -> tuple[TransformerModel, TransformerModel]:
    """The frozen model and the target, exact."""
    return model_of(instance.frozen), model_of(instance.target)


def regular(
    model: TransformerModel, names: tuple[str, ...], ctx: Arithmetic
) -> Iterator[Comparison]:
    """Every weight with one of these names has full rank."""
    for (block, head, name), W in model.weights():
        if name in names:
            place = f"rank of {name} (block {block}, head {head})"
            yield at_least(place, EXACT.rank(W), model.width)


def attention_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Q, K, V and O of every head are nonsingular."""
    yield from regular(models(instance)[0], ATTENTION, ctx)


def inner_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W1 of every block and W2 of all but the last are nonsingular."""
    frozen = models(instance)[0]
    for i, block in enumerate(frozen.blocks, start=1):
        yield at_least(f"rank of W1 (block {i})", EXACT.rank(block.W1), frozen.width)
        if i < len(frozen.blocks):
            yield at_least(f"rank of W2 (block {i})", EXACT.rank(block.W2), frozen.width)


def output_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W2 of the last block and Wo are nonsingular."""
    frozen = models(instance)[0]
    yield at_least("rank of the last W2", EXACT.rank(frozen.blocks[-1].W2), frozen.width)
    yield at_least("rank of Wo", EXACT.rank(frozen.Wo), frozen.width)


def target_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W2 of the target's blocks and Wo are nonsingular."""
    yield from regular(models(instance)[1], ("W2", "Wo"), ctx)


def rank_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """2R >= G_i for every i, and R <= D."""
    frozen, target = models(instance)
    for i, G in enumerate(gap_ranks(frozen, target), start=1):
        yield at_most(f"G_{i} against 2R", G, 2 * instance.rank)
    yield at_most("R against D", EXACT.number(instance.rank), frozen.width)


attention = Assumption(
    "frozen_attention",
    r"the frozen $W_Q, W_K, W_V, W_O$ of every head are nonsingular",
    attention_holds,
)
inner = Assumption(
    "frozen_inner",
    r"the frozen $W_{1l}$ of every block and $W_{2l}$ of all blocks but the last are nonsingular",
    inner_holds,
)
output = Assumption("frozen_output", r"the frozen $W_{2L}$ and $W_o$ are nonsingular", output_holds)
rank_enough = Assumption(
    "rank",
    r"$2R \ge G_i$ for $i = 1, \dots, L + 1$",
    rank_holds,
)


def adapters_of_rank(
    frozen: TransformerModel, adapted: TransformerModel, R: Any
) -> Iterator[Comparison]:
    """Every What - W has rank R at most; W1, and W2 of all but the last block, are as they were."""
    yield equal("width of the adapted model", adapted.width, frozen.width)
    if adapted.width != frozen.width:
        return
    kept, moved = [], [0]
    pairs = zip(frozen.weights(), adapted.weights(), strict=True)
    for ((block, _, name), W), (_, What) in pairs:
        if name == "W1" or (name == "W2" and block != len(frozen.blocks)):
            kept.append(bool((What == W).all()))
        else:
            moved.append(EXACT.rank(What - W))
    yield equal("weights moved without an adapter", kept.count(False), 0)
    yield at_most("largest rank of What - W against R", max(moved), R)


def jacobian(target: TransformerModel, x: Any) -> Any:
    """The Jacobian at equal columns x where every hidden unit is positive; None elsewhere."""
    z, J = x, EXACT.identity(target.width)
    for block in target.blocks:
        U = sum(exact_product(block.W1, h.O, h.V) for h in block.heads)
        units = U @ z + block.b1
        if not all(u > 0 for u in units.flat):
            return None
        z, J = block.W2 @ units + block.b2, exact_product(block.W2, U, J)
    return exact_product(target.Wo, J)


def necessary(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What holds if any adapters of rank R are exact: see the docstring of the module."""
    yield from jacobian_bounds(instance, ctx)
    frozen, target = models(instance)
    R = EXACT.number(instance.rank)
    if score_rank_needed(frozen, target) is not None:
        gap, theirs = block_gaps(frozen, target)[0].scores[0], target.blocks[0].heads[0]
        lean_on(SCORES_BY_HAND)
        yield at_most("rank of the scores' gap against 2R", EXACT.rank(gap), 2 * R)
        scores = EXACT.rank(exact_product(theirs.K.mT, theirs.Q))
        ours = frozen.blocks[0].heads[0]
        for name, W in (("Q", ours.Q), ("K", ours.K)):
            yield at_most(f"rank of the target's scores, {name}", scores, EXACT.rank(W) + R)


def jacobian_bounds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The first of these: at the point x of the instance, where every unit is positive."""
    frozen, target = models(instance)
    if "x" in instance and (J := jacobian(target, instance.lift(EXACT).x)) is not None:
        lean_on(JACOBIAN_RANKS)
        rank = EXACT.number(EXACT.rank(J))
        for name, most in _bottlenecks(frozen, EXACT.number(instance.rank)):
            yield at_most(f"rank of the target's Jacobian against {name}", rank, most)


def _bottlenecks(frozen: TransformerModel, R: Any) -> Iterator[tuple[str, Any]]:
    last = len(frozen.blocks)
    for i, block in enumerate(frozen.blocks, start=1):
        yield f"rank W1 (block {i})", EXACT.number(EXACT.rank(block.W1))
        yield f"rank W2 (block {i})", EXACT.rank(block.W2) + (R if i == last else 0 * R)
        if len(block.heads) == 1:
            yield f"rank V + R (block {i})", EXACT.rank(block.heads[0].V) + R
            yield f"rank O + R (block {i})", EXACT.rank(block.heads[0].O) + R
    yield "rank Wo + R", EXACT.rank(frozen.Wo) + R


def pair(frozen: TransformerModel, target: TransformerModel, rank: int, **fields: Any) -> Instance:
    """An instance: both models and the rank of all adapters."""
    return Instance(frozen=instance_of(frozen), target=instance_of(target), rank=rank, **fields)


ONE = identity_model(2, blocks=1)
"""All weights the identity: with D = 2 every unit is positive at x = (1, 1)."""
HERE = [[1], [1]]


def changed(model: TransformerModel, place: tuple[Any, Any, str], W: Any) -> TransformerModel:
    """The model with one weight replaced: place = (block, head, matrix), as in ``weights``."""
    i, h, name = place
    if i is None:
        return replace(model, Wo=EXACT.matrix(W))
    block = model.blocks[i - 1]
    if h is None:
        block = replace(block, **{name: EXACT.matrix(W)})
    else:
        heads = list(block.heads)
        heads[h - 1] = replace(heads[h - 1], **{name: EXACT.matrix(W)})
        block = replace(block, heads=tuple(heads))
    blocks = (*model.blocks[: i - 1], block, *model.blocks[i:])
    return replace(model, blocks=blocks)


ZERO = [[0, 0], [0, 0]]
