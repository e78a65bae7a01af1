"""A target of fewer inputs and outputs than the net: leave the free blocks of E at zero.

Only J' prod What J has to be the target, where J embeds the first coordinates. Its gap
G = target - J'P_0 J is a block of prod What - P_0, so rank G ranks are needed; prod What = P_0 +
J G J' uses no more. Padding the target with literal zeros has the block G, too, and may cost more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, equal
from lora_proofs.claims.zeng_lee.linear.problem import (
    WEIGHTS,
    adapters_towards,
    bottleneck,
    nth,
    ranks,
    squares,
    within_ranks,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import matrix, rank_matrix
from lora_proofs.strategies.networks import frozen_weights, layers, small, whole_product

REGIMES = ("generic", "block fits already", "one output", "full block")


def draw(source: Draw, regime: str) -> Instance:
    """Nonsingular layers, a smaller target whose block of the gap has a chosen rank, a split."""
    D, L = source.integer(2, 4), source.integer(1, 3)
    rows = 1 if regime == "one output" else source.integer(1, D)
    columns = rows if regime == "full block" else source.integer(1, D)
    most = min(rows, columns)
    rank = {"block fits already": 0, "full block": most}.get(regime, source.integer(1, most))
    frozen = frozen_weights(source, [D] * (L + 1))
    target = whole_product(frozen)[:rows, :columns] + rank_matrix(
        source, rows, columns, rank, entry=small
    )
    split = [0] * L
    for _ in range(rank):
        split[source.integer(0, L - 1)] += 1
    named = {f"W{k}": W for k, W in enumerate(frozen, start=1)}
    other = matrix(source, D, D, entry=small)
    return Instance(regimes=(regime,), **named, target=target, ranks=[split], other=other)


INSTANCES = Instances(draw, REGIMES)


def block(instance: Instance) -> Any:
    """G = target - J'P_0 J."""
    target = EXACT.matrix(instance.target)
    rows, columns = target.shape
    return target - whole_product(layers(instance))[:rows, :columns]


def with_block(X: Any, G: Any) -> Any:
    """X with G in place of its first rows and columns."""
    found = X.copy()
    found[: G.shape[0], : G.shape[1]] = G
    return found


def padded(instance: Instance) -> Any:
    """The gap of the target padded with literal zeros: J target J' - P_0."""
    P_0 = whole_product(layers(instance))
    return with_block(0 * P_0, EXACT.matrix(instance.target)) - P_0


def is_split(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R_1 + ... + R_L = rank G."""
    yield equal("R_1 + ... + R_L", sum(ranks(instance)), EXACT.rank(block(instance)))


split = Assumption("split", r"$R_1 + \dots + R_L = \mathrm{rank}\,G$", is_split)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Adapters that fit the block; no gap with that block has a smaller rank."""
    P_0, G, allowed = whole_product(layers(instance)), block(instance), ranks(instance)
    found = adapters_towards(instance, P_0 + with_block(0 * P_0, G), allowed)
    yield from within_ranks(found, allowed)
    rows, columns = G.shape
    fitted = found.product[:rows, :columns]
    yield equal("J' prod What J against the target", fitted, EXACT.matrix(instance.target))
    other = with_block(EXACT.matrix(instance.other), G)
    yield at_least("rank of a gap with the block G", EXACT.rank(other), EXACT.rank(G))
    yield at_least("rank of the padded gap", EXACT.rank(padded(instance)), EXACT.rank(G))


def fits(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters beat on the block, against 0."""
    lean_on(ECKART_YOUNG_MIRSKY)
    by_ranks = nth(squares(block(instance), ctx), sum(ranks(instance)) + 1)
    whole = squares(EXACT.matrix(instance.target), ctx)
    yield at_most("what no adapters beat", by_ranks, EXACT.number(0))
    yield at_most("what no such product beats", nth(whole, bottleneck(instance) + 1),
                  EXACT.number(0))  # fmt: skip


def one_rank_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One rank less claimed to be enough."""
    first, *others = ranks(instance)
    yield from fits(instance.replace(ranks=[[first - 1, *others]]), ctx)


def padding_is_free(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Padding with zeros claimed to cost no rank."""
    found = EXACT.rank(padded(instance))
    yield at_most("rank of the padded gap", found, EXACT.rank(block(instance)))


ONE, NONE = [[1, 0], [0, 1]], [[0, 0], [0, 0]]
DEAD = Instance(W1=NONE, W2=ONE, target=ONE, ranks=[[1, 1]], other=NONE)
FITS = Instance(W1=ONE, target=[[1]], ranks=[[0]], other=NONE)
PLAIN = Instance(W1=ONE, target=[[3]], ranks=[[1]], other=NONE)

claim = Claim(
    name="zeng-lee/linear-narrower-target",
    title="A narrower target needs the rank of its own block of the gap",
    source=Source("zeng-lee", "", "extension", "summary"),
    statement=(
        r"Let every $W_l$ be nonsingular and $\bar W$ have as many or fewer rows and columns than "
        r"$P_0$. With $G = \bar W - J^\top P_0 J$, where $J$ embeds the first coordinates, "
        r"$J^\top \hat W_L \cdots \hat W_1 J = \bar W$ is possible exactly if $R_1 + \dots + R_L "
        r"\ge \mathrm{rank}\,G$. Padding $\bar W$ with zeros never needs less: $\mathrm{rank}(J "
        r"\bar W J^\top - P_0) \ge \mathrm{rank}\,G$."
    ),
    assumptions=(WEIGHTS, split),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=fits,
    controls=(
        Control(WEIGHTS, (DEAD,), "W_1 = 0: every product has rank 1 at most, the identity has 2"),
        Control(split, (PLAIN.replace(ranks=[[0]]),), "no rank for a block that does not fit"),
        Control(None, (PLAIN,), "one rank less", one_rank_less),
        Control(None, (FITS,), "padding with zeros costs no rank", padding_is_free),
    ),
    arithmetics=("exact", "ball"),
)
