"""Exact adapters cost 2 D rank E numbers, however the ranks are split over the layers.

R_1 + ... + R_L = rank E is enough for nonsingular weights, and an adapter of rank R_l has 2 D R_l
numbers. Fewer than rank E ranks in all are not enough, by the unconditional lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal
from lora_proofs.claims.zeng_lee.linear.problem import (
    WEIGHTS,
    adapters_towards,
    gap,
    least_squared_error,
    ranks,
    too_few,
    within_ranks,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.strategies.networks import frozen_weights, small, whole_product

REGIMES = ("generic", "all in one layer", "one in each layer", "full rank", "rank 1")


def draw(source: Draw, regime: str) -> Instance:
    """Nonsingular layers, a gap of a chosen rank, and a split of that rank over the layers."""
    L, D = source.integer(2, 3), source.integer(2, 4)
    if regime == "one in each layer":
        D = max(D, L)
    rank = {"rank 1": 1, "full rank": D, "one in each layer": L}.get(regime, source.integer(1, D))
    weights = frozen_weights(source, [D] * (L + 1))
    target = whole_product(weights) + rank_matrix(source, D, D, rank, entry=small)
    split = [0] * L
    if regime == "all in one layer":
        split[source.integer(0, L - 1)] = rank
    elif regime == "one in each layer":
        split = [1] * L
    else:
        for _ in range(rank):
            split[source.integer(0, L - 1)] += 1
    named = {f"W{k}": W for k, W in enumerate(weights, start=1)}
    return Instance(regimes=(regime,), **named, target=target, ranks=[split])


INSTANCES = Instances(draw, REGIMES)


def is_split(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R_1 + ... + R_L = rank E."""
    yield equal("R_1 + ... + R_L", sum(ranks(instance)), EXACT.rank(gap(instance)))


split = Assumption("split", r"$R_1 + \dots + R_L = \mathrm{rank}\,E$", is_split)


def promised(instance: Instance) -> int:
    """2 D rank E."""
    return 2 * len(instance.target) * int(EXACT.rank(gap(instance)))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Exact adapters of that many numbers; with fewer ranks an error that none avoid."""
    target, allowed = EXACT.matrix(instance.target), ranks(instance)
    found = adapters_towards(instance, target, allowed)
    yield from within_ranks(found, allowed)
    yield equal("prod What against the target", found.product, target)
    yield at_most("numbers in all adapters", found.parameters, promised(instance))
    for k in (k for k, R in enumerate(allowed) if R):
        fewer = [R - (j == k) for j, R in enumerate(allowed)]
        yield from too_few(instance, found, fewer, ctx)


def exact_there(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters of these ranks beat, against 0."""
    least = least_squared_error(instance, ctx)
    yield at_most("what no adapters beat", least, EXACT.number(0))


def half(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """D rank E numbers claimed to be enough: half of the ranks."""
    found = [R // 2 for R in ranks(instance)]
    yield from exact_there(instance.replace(ranks=[found]), ctx)


def one_for_all(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The ranks of the first layer alone claimed to be enough."""
    first, *others = ranks(instance)
    yield from exact_there(instance.replace(ranks=[[first, *(0 for _ in others)]]), ctx)


ONE = [[1, 0], [0, 1]]
DEAD = Instance(W1=[[0, 0], [0, 0]], W2=ONE, target=ONE, ranks=[[1, 1]])
PLAIN = Instance(W1=ONE, W2=ONE, target=[[4, 0], [0, 3]], ranks=[[1, 1]])
SHORT = PLAIN.replace(ranks=[[1, 0]])

claim = Claim(
    name="zeng-lee/linear-parameter-count",
    title="Exact adapters cost 2 D rank E numbers, however the ranks are split",
    source=Source("zeng-lee", "Lemma 1, parameters", "extension", "summary"),
    statement=(
        r"If every $W_l$ is nonsingular and $R_1 + \dots + R_L = \mathrm{rank}\,E$, then updates "
        r"of rank at most $R_l$ reach $\bar W$ exactly, whatever the split: $2 D\, "
        r"\mathrm{rank}\,E$ numbers in all. With fewer ranks in all no updates are exact."
    ),
    assumptions=(WEIGHTS, split),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=exact_there,
    controls=(
        Control(WEIGHTS, (DEAD,), "W_1 = 0: every product has rank 1 at most, the identity has 2"),
        Control(split, (SHORT,), "one rank in all for a gap of rank 2"),
        Control(None, (PLAIN,), "half of the numbers", half),
        Control(None, (PLAIN,), "the numbers of one layer alone", one_for_all),
    ),
    arithmetics=("exact", "ball"),
    note=(
        "It counts the numbers of the factors B_l and A_l. The updates themselves have fewer "
        "degrees of freedom: R_l (2 D - R_l)."
    ),
)
