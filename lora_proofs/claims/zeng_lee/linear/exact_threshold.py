"""A linear net becomes its target exactly where R L >= rank E, and nowhere else.

With S = R L >= rank E the best approximation of E is E itself; with S < rank E the unconditional
lower bound leaves sigma_(S+1)(E) > 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal
from lora_proofs.claims.zeng_lee.linear.problem import (
    WEIGHTS,
    adapters_towards,
    gap,
    least_squared_error,
    too_few,
    within_ranks,
)
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.strategies.networks import frozen_weights, layers, small, whole_product

REGIMES = (
    "generic", "rank 1", "full rank", "exact already", "one layer", "depth above the rank",
    "depth divides the rank", "depth does not divide the rank",
)  # fmt: skip


def draw(source: Draw, regime: str) -> Instance:
    """Nonsingular layers and a target whose gap has a chosen rank; no spectrum is needed."""
    L = 1 if regime == "one layer" else source.integer(2, 3)
    D = 4 if regime.startswith("depth d") else source.integer(2, 3)
    if regime == "depth divides the rank":
        L, rank = 2, source.choice((2, 4))
    elif regime == "depth does not divide the rank":
        L, rank = source.choice(((2, 3), (3, 4), (3, 2)))
    else:
        known = {"rank 1": 1, "full rank": D, "exact already": 0, "depth above the rank": 1}
        rank = known.get(regime, source.integer(1, D))
    weights = frozen_weights(source, [D] * (L + 1))
    target = whole_product(weights) + rank_matrix(source, D, D, rank, entry=small)
    named = {f"W{k}": W for k, W in enumerate(weights, start=1)}
    return Instance(regimes=(regime,), **named, target=target)


INSTANCES = Instances(draw, REGIMES)


def threshold(instance: Instance) -> int:
    """ceil(rank E / L)."""
    return -(-int(EXACT.rank(gap(instance))) // len(layers(instance)))


def with_rank(instance: Instance, R: int) -> Instance:
    """The problem with the same rank for every layer."""
    return instance.replace(ranks=[[R] * len(layers(instance))])


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Exact adapters at the threshold; one rank below, an error that no adapters avoid."""
    R, target = threshold(instance), EXACT.matrix(instance.target)
    allowed = [R] * len(layers(instance))
    found = adapters_towards(instance, target, allowed)
    yield from within_ranks(found, allowed)
    yield equal("prod What against the target", found.product, target)
    if R:
        yield from too_few(instance, found, [R - 1] * len(allowed), ctx)


def at_threshold(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters beat at the threshold, against 0."""
    yield from exact_with(instance, ctx, threshold(instance))


def exact_with(instance: Instance, ctx: Arithmetic, R: int) -> Iterator[Comparison]:
    """What no adapters of rank R beat, against 0."""
    least = least_squared_error(with_rank(instance, R), ctx)
    yield at_most("what no adapters beat", least, EXACT.number(0))


def one_rank_below(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One rank less claimed to be enough."""
    yield from exact_with(instance, ctx, threshold(instance) - 1)


def rounded_down(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """floor(rank E / L) claimed to be enough."""
    yield from exact_with(instance, ctx, EXACT.rank(gap(instance)) // len(layers(instance)))


def of_the_target(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rank of the target in place of that of the gap."""
    rank = EXACT.rank(EXACT.matrix(instance.target))
    yield from exact_with(instance, ctx, -(-rank // len(layers(instance))))


ONE = [[1, 0], [0, 1]]
DEAD = Instance(W1=[[0, 0], [0, 0]], W2=ONE, target=ONE)
PLAIN = Instance(W1=ONE, W2=ONE, target=[[4, 0], [0, 3]])
ODD = Instance(W1=ONE, W2=ONE, target=[[2, 0], [0, 1]])
EMPTY = Instance(W1=ONE, W2=ONE, target=[[0, 0], [0, 0]])

claim = Claim(
    name="zeng-lee/linear-exact-threshold",
    title="A linear net becomes its target exactly from rank ceil(rank E / L) on",
    source=Source("zeng-lee", "Lemma 1, exactness", "as commonly quoted", "summary"),
    statement=(
        r"If every $W_l$ is nonsingular, then updates of rank at most $R$ with $\hat W_L \cdots "
        r"\hat W_1 = \bar W$ exist exactly if $R \ge \lceil \mathrm{rank}\,E / L \rceil$, where "
        r"$E = \bar W - W_L \cdots W_1$."
    ),
    assumptions=(WEIGHTS,),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=at_threshold,
    controls=(
        Control(WEIGHTS, (DEAD,), "W_1 = 0: every product has rank 1 at most, the identity has 2"),
        Control(None, (PLAIN,), "one rank below the threshold", one_rank_below),
        Control(None, (ODD,), "rank E / L rounded down", rounded_down),
        Control(None, (EMPTY,), "the rank of the target in place of that of E", of_the_target),
    ),
    arithmetics=("exact", "ball"),
    note=(
        "As commonly quoted the intermediate P_0 + LR_r(E) are asked to be nonsingular, too; they "
        "need not be. Below the threshold: zeng-lee/linear-lower-bound."
    ),
)
