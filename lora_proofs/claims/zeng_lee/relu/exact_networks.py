"""A multi-layer ReLU target is met exactly on a bounded set, block by block.

Each target layer has a block of consecutive frozen layers; the ranks in block i add up to the rank
of its gap E_i = Wbar_i - prod W at least. Within a block biases keep the hidden units active on the
region that holds the outputs of the block before, so the block is ReLU(Wbar_i z + bbar_i) there.
One rank for all layers and M = floor(L/Lbar) layers in each block but the last, which takes the
rest, is the form that is commonly quoted; any partition and any ranks serve as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_least, at_most, equal
from lora_proofs.claims.zeng_lee.linear.problem import nonsingular
from lora_proofs.claims.zeng_lee.relu import straddling
from lora_proofs.claims.zeng_lee.relu.problem import (
    adapted_to,
    bounded,
    gaps,
    least_jacobian_gap,
    partition,
    ranks,
    same_on_the_box,
    squared_errors,
    sums,
)
from lora_proofs.constructions.partition import uniform_partition
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.relu_networks import relu_problem, target
from lora_proofs.strategies.spectra import spectrum

SHAPES = {"one layer each": (2, 2), "one target layer": (1, 3), "L not a multiple": (2, 3)}
REGIMES = (*SHAPES, "two layers each", "gaps of low rank", "no gap", "dead outputs", "one input")
SPLITS = ((1, 2), (2, 1), (1, 1, 1), (3,), (1, 1))


def uniform(source: Draw, regime: str) -> Instance:
    """One rank for all layers: the least that suffices."""
    Lbar, L = SHAPES.get(regime, (2, 4) if regime == "two layers each" else (2, 2))
    lengths = uniform_partition(L, Lbar)
    problem = drawn(source, regime, lengths, (0,) * L)
    R = max(-(-gap // M) for gap, M in zip(gaps(problem), lengths, strict=True))
    return problem.replace(ranks=[[R] * L])


def general(source: Draw, regime: str) -> Instance:
    """Any partition, and ranks for each layer that just suffice, split by chance."""
    lengths = SPLITS[0] if regime == "a longer block" else source.choice(SPLITS)
    problem = drawn(source, regime, lengths, (0,) * sum(lengths))
    chosen: list[int] = []
    for gap, length in zip(gaps(problem), lengths, strict=True):
        split = [0] * length
        for _ in range(gap):
            split[source.integer(0, length - 1)] += 1
        chosen += split
    return problem.replace(ranks=[chosen])


def drawn(source: Draw, regime: str, lengths: Any, chosen: Any) -> Instance:
    """Nonsingular frozen weights, a gap of a chosen rank for each block, a target with kinks."""
    D = 1 if regime == "one input" else source.integer(2, 3)
    kind = {"gaps of low rank": "with zeros", "no gap": "zero"}.get(regime, "distinct")
    above = -30 if regime == "dead outputs" else 0
    values = [spectrum(source, D, kind) for _ in lengths]
    return relu_problem(source, D, lengths, values, chosen, above=above, regimes=(regime,))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The network that is built is the target on the whole box, and on the points."""
    wanted = target(instance)
    net = adapted_to(instance, wanted)
    yield from same_on_the_box(instance, net, wanted)
    for error in squared_errors(instance, net.layers):
        yield equal("||f - fbar||^2 at a point", error, 0 * error)


def lower_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What the Jacobian of every adapted network is off by, where that is known."""
    gap = least_jacobian_gap(instance, ctx)
    yield at_most("least gap of the Jacobians over all adapters", gap, 0)


def one_rank_suffices(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Are the ranks uniform, the partition too, and the rank at least the threshold?"""
    lengths, (R, *others) = partition(instance), ranks(instance)
    expected = uniform_partition(sum(lengths), len(lengths))
    for M, N in zip(lengths, expected, strict=True):
        yield equal("layers of a block", M, N)
    for other in others:
        yield equal("rank of another layer", other, R)
    for gap, M in zip(gaps(instance), lengths, strict=True):
        yield at_least("R against ceil(gap/M)", R, -(-gap // M))


def ranks_suffice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Do the ranks of each block add up to its gap?"""
    for S, gap in zip(sums(instance), gaps(instance), strict=True):
        yield at_least("sum of the ranks of a block against the rank of its gap", S, gap)


weights = Assumption("weights", r"every frozen weight $W_l$ is square and nonsingular", nonsingular)
threshold = Assumption(
    "threshold",
    r"$M = \lfloor L/\bar L \rfloor$ frozen layers for each target layer, the last one takes the "
    r"rest, and $R \ge \max_i \lceil \mathrm{rank}(\bar W_i - \prod_{l \in P_i} W_l)/M_i \rceil$",
    one_rank_suffices,
)
enough = Assumption(
    "enough",
    r"$\sum_{l \in P_i} R_l \ge \mathrm{rank}(\bar W_i - \prod_{l \in P_i} W_l)$ for every block",
    ranks_suffice,
)

EYE = [[1, 0], [0, 1]]
NARROW = Instance(
    W1=[[0, 0], [0, 0]], W2=EYE, Wbar1=EYE, bbar1=[[2, 2]], partition=[[2]], ranks=[[1, 1]],
    X=[[0, 1], [0, 1]], lower=[[-1, -1]], upper=[[1, 1]],
)  # fmt: skip
SHORT = NARROW.replace(W1=EYE, Wbar1=[[3, 0], [0, 3]], bbar1=[[9, 9]], ranks=[[1, 0]])
SPLIT_OTHERWISE = straddling.SHORT.replace(ranks=[[0, 2]])
TOO_LOW = SHORT.replace(ranks=[[0, 0]])
ONE_AT_MOST = "W_1 = 0 and R_1 = 1: f sees one direction of the input, fbar sees two"


def misplaced(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The network for a box a tenth as large, on the box itself."""
    few = {name: [[x / 10 for x in getattr(instance, name)[0]]] for name in ("lower", "upper")}
    wanted = target(instance)
    net = adapted_to(instance.replace(**few), wanted)
    yield from same_on_the_box(instance, net, wanted)


AWAY = NARROW.replace(W1=[[2, 0], [0, 1]])
FORGOTTEN = Control(None, (AWAY,), "biases made for a box a tenth as large", misplaced)

uniform_claim = Claim(
    name="zeng-lee/multi-layer-exact",
    title="A multi-layer ReLU target met exactly, with one rank for all layers",
    source=Source("zeng-lee", "Theorem 3", "as commonly quoted", "summary"),
    statement=(
        r"Let a ReLU network of $L$ layers with nonsingular weights be frozen, and let $\bar f$ "
        r"have $\bar L \le L$ layers of the same width. With blocks $P_i$ of $M = \lfloor L/\bar L "
        r"\rfloor$ layers (the last one takes the rest) and $R \ge \max_i \lceil \mathrm{rank}("
        r"\bar W_i - \prod_{l \in P_i} W_l)/M_i \rceil$ there are adapters of rank $R$ and biases "
        r"with $f = \bar f$ on any given bounded set."
    ),
    assumptions=(weights, bounded, threshold),
    instances=Instances(uniform, REGIMES),
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(weights, (NARROW,), ONE_AT_MOST),
        Control(threshold, (TOO_LOW,), "R = 0 for a gap of rank 2"),
        FORGOTTEN,
    ),
    arithmetics=("exact",),
)
general_claim = Claim(
    name="zeng-lee/general-partition-exact",
    title="A multi-layer ReLU target met exactly, any partition and any ranks",
    source=Source("zeng-lee", "Theorem 6", "extension", "recalled"),
    statement=(
        r"For any partition of the frozen layers into consecutive blocks, one for each layer of "
        r"the target, and any ranks with $\sum_{l \in P_i} R_l \ge \mathrm{rank}(\bar W_i - "
        r"\prod_{l \in P_i} W_l)$ for every $i$, there are adapters of ranks $R_l$ and biases with "
        r"$f = \bar f$ on any given bounded set, all frozen weights being nonsingular."
    ),
    assumptions=(weights, bounded, enough),
    instances=Instances(general, (*REGIMES[3:], "a longer block")),
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(weights, (NARROW,), ONE_AT_MOST),
        Control(enough, (SHORT,), "a total rank of 1 for a gap of rank 2"),
        Control(
            enough,
            (SPLIT_OTHERWISE,),
            "a total rank of Lbar D, all of it in the second block",
            straddling.lower_bound,
        ),
        FORGOTTEN,
    ),
    arithmetics=("exact",),
    note=(
        "A total rank of Lbar D suffices for every L >= Lbar if every block gets the rank of its "
        "gap, which is D at most; how it is split among the blocks matters."
    ),
)
