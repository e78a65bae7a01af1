"""With a skip connection around attention, adapters on W1 bring the threshold back.

What1 = Wbar1 takes the rank of their gap; with it O V and K'Q and Wo W2 have to be those of the
target, each a linear net of two layers. That W1 needs it at all is skip-connection-first-layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, equal
from lora_proofs.claims.zeng_lee.transformer.problem import changed, models, pair, regular
from lora_proofs.claims.zeng_lee.transformer.skip_connection import (
    SHEARED,
    TARGET,
    alive,
    alive_model,
    reading,
    untouched,
)
from lora_proofs.constructions.linear import linear_adapters
from lora_proofs.constructions.transformer_gaps import exact_product
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import TransformerModel
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.strategies.transformers import small, transformer_model


def with_first_layer(
    frozen: TransformerModel, target: TransformerModel, R: int
) -> TransformerModel:
    """Adapters of rank R on all weights, W1 included: What1 = Wbar1, the products in pairs."""
    block, head = frozen.blocks[0], frozen.blocks[0].heads[0]
    theirs, other = target.blocks[0], target.blocks[0].heads[0]

    def both(first: Any, second: Any, wanted: Any) -> tuple[Any, ...]:
        return linear_adapters((first, second), wanted, (R, R), EXACT).weights

    Q, K = both(head.Q, head.K.mT, exact_product(other.K.mT, other.Q))
    V, O = both(head.V, head.O, exact_product(other.O, other.V))
    W2, Wo = both(block.W2, frozen.Wo, exact_product(target.Wo, theirs.W2))
    (W1,) = linear_adapters((block.W1,), theirs.W1, (R,), EXACT).weights
    last = exact_product(EXACT.inverse(Wo), target.Wo, theirs.b2)
    made = replace(block, heads=(replace(head, Q=Q, K=K.mT, V=V, O=O),), W1=W1, b1=theirs.b1,
                   W2=W2, b2=last)  # fmt: skip
    return TransformerModel((made,), Wo)


def draw_any(source: Draw, regime: str) -> Instance:
    """Two models, and the rank that suffices with an adapter on W1."""
    D = source.integer(2, 3)
    frozen, target = transformer_model(source, D, 1, 1), alive_model(source, D)
    if regime == "first layer of rank 1 away":
        moved = target.blocks[0].W1 + rank_matrix(source, D, D, 1, entry=small)
        if EXACT.rank(moved) == D:
            frozen = changed(frozen, (1, None, "W1"), moved)
    return pair(frozen, target, needed(frozen, target), regimes=(regime,))


def needed(frozen: TransformerModel, target: TransformerModel) -> int:
    """The rank of the gap of W1, or half of that of K'Q, O V or Wo W2."""
    ours, theirs = dict(products(frozen)), dict(products(target))
    ranks = {name: int(EXACT.rank(theirs[name] - ours[name])) for name in ours}
    return max(ranks.pop("W1"), *(-(-rank // 2) for rank in ranks.values()))


def products(model: TransformerModel) -> Iterator[tuple[str, Any]]:
    """W1 and the three products of two weights."""
    block, head = model.blocks[0], model.blocks[0].heads[0]
    yield "W1", block.W1
    yield "K'Q", exact_product(head.K.mT, head.Q)
    yield "O V", exact_product(head.O, head.V)
    yield "Wo W2", exact_product(model.Wo, block.W2)


def exact_with_adapters(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every product of the adapted model is that of the target."""
    frozen, target = models(instance)
    model = with_first_layer(frozen, target, int(instance.rank))
    for (name, ours), (_, theirs) in zip(reading(model), reading(target), strict=True):
        yield equal(name, ours, theirs)
    ranks = zip(frozen.weights(), model.weights(), strict=True)
    most = max(EXACT.rank(what - W) for (_, W), (_, what) in ranks)
    yield at_least("R against the largest rank of an update", EXACT.number(instance.rank), most)


def without_adapters(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """At rank 0 W1 is not moved, so it has to be that of the target up to units."""
    if instance.rank == 0:
        yield from untouched(instance, ctx)


def rank_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R reaches what is needed."""
    yield at_least("R", EXACT.number(instance.rank), needed(*models(instance)))


def frozen_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """All frozen weights and the target's Wo W2 are nonsingular."""
    yield from regular(models(instance)[0], ("Q", "K", "V", "O", "W2", "Wo"), ctx)


rank_enough = Assumption(
    "rank",
    r"$R \ge \mathrm{rank}(\bar W_1 - W_1)$, and $2R$ at least the ranks of $\bar K^\top \bar Q - "
    r"K^\top Q$, $\bar O \bar V - O V$ and $\bar W_o \bar W_2 - W_o W_2$",
    rank_holds,
)
frozen_regular = Assumption(
    "frozen",
    r"the frozen $W_Q, W_K, W_V, W_O, W_2, W_o$ are nonsingular",
    frozen_holds,
    technical="the products of two layers need it, as in zeng-lee/transformer-threshold",
)

claim = Claim(
    name="zeng-lee/skip-connection-adapters",
    title="With a skip connection, adapters on W1 too make the transformer exact",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"One block, one head, $H = X + W_O W_V X S$, nonsingular frozen weights: adapters of rank "
        r"$R$ on all weights, $W_1$ included, with all biases, make the frozen transformer equal "
        r"to the target for every $X$ of any $N$ if $R \ge \mathrm{rank}(\bar W_1 - W_1)$ and $2R "
        r"\ge \mathrm{rank}(\bar K^\top \bar Q - K^\top Q)$, $\mathrm{rank}(\bar O \bar V - O V)$, "
        r"$\mathrm{rank}(\bar W_o \bar W_2 - W_o W_2)$."
    ),
    assumptions=(alive, frozen_regular, rank_enough),
    instances=Instances(draw_any, ("generic", "first layer of rank 1 away")),
    check=exact_with_adapters,
    kind="lower-bound",
    lower_bound=without_adapters,
    controls=(
        Control(rank_enough, (pair(SHEARED, TARGET, 0),), "rank 0 for a sheared first layer"),
    ),
    arithmetics=("exact",),
)
