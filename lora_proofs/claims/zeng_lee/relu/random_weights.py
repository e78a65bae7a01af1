"""Generic weights: every block has a gap of rank D, so R = ceil(D/M) suffices almost surely.

For any W the polynomial det(W + t I) is monic of degree D, so it is 0 for at most D values of t;
the same for det(Wbar_i - P_i + s I), whatever P_i. So for each single weight almost all W_l are
nonsingular, and for each block, P_i given, almost all Wbar_i make a gap of rank D, by Fubini's
theorem; finitely many null sets are one. With a density on the frozen and the target's weights it
holds with probability 1. (The gaps need not be so on a line W_l + t I: there they may have a rank
below D for every t.) What is measured on instances: how many t and s of a grid are exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, equal
from lora_proofs.claims.zeng_lee.relu.problem import (
    adapted_to,
    bounded,
    gaps,
    least_jacobian_gap,
    products,
    same_on_the_box,
)
from lora_proofs.constructions.partition import uniform_partition
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import FUBINI, lean_on
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.networks import layers, small
from lora_proofs.strategies.relu_networks import bias, inputs, target

SHAPES = {"one target layer": (1, 2), "two target layers": (2, 2), "L not a multiple": (2, 3)}
REGIMES = (*SHAPES, "target = frozen", "all weights 0")
FINE = 64
"""Steps of 1/64 in s and t: weights that are moved by little."""
GRID = range(-3 * FINE, 3 * FINE + 1, FINE // 4)
"""Quarters from -3 to 3, where the exceptions of small weights with entries in quarters are."""


def draw(source: Draw, regime: str) -> Instance:
    """Any weights, singular ones too, and targets that may have no gap at all."""
    Lbar, L = SHAPES.get(regime, (1, 2))
    D = source.integer(1, 3)

    def make() -> Any:
        return EXACT.zeros(D, D) if regime == "all weights 0" else matrix(source, D, D, entry=small)

    lengths = uniform_partition(L, Lbar)
    fields: dict[str, Any] = {f"W{k}": make() for k in range(1, L + 1)}
    shape: dict[str, Any] = {"partition": [list(lengths)], "ranks": [[0] * L], "regimes": (regime,)}
    whole = Instance(**fields, **shape, **inputs(source, D, 3))
    for i, P in enumerate(products(whole), start=1):
        W = P if regime == "target = frozen" else make()
        high = 1000 if regime in ("one target layer", "all weights 0") else 0
        fields |= {f"Wbar{i}": W, f"bbar{i}": bias(source, D, above=high)}
    rows = {name: getattr(whole, name) for name in ("X", "lower", "upper")}
    return Instance(**fields, **rows, **shape)


INSTANCES = Instances(draw, REGIMES)


def moved(X: Any, t: int) -> Any:
    """X + t/64 I."""
    return X + EXACT.number(t) / FINE * EXACT.identity(len(X))


def singular_at(X: Any, values: range) -> list[int]:
    """The t of the values for which X + t/64 I is singular."""
    return [t for t in values if EXACT.rank(moved(X, t)) < len(X)]


def generic_point(instance: Instance) -> Instance:
    """The problem with all frozen weights moved by one t and all targets by one s, the first good
    ones: no frozen weight is singular and every gap has rank D.
    """
    D, L = len(instance.W1), len(layers(instance))
    bad = {t for W in layers(instance) for t in singular_at(W, range(D * L + 1))}
    t = min(set(range(D * L + 1)) - bad)
    fields = {f"W{k}": moved(W, t) for k, W in enumerate(layers(instance), start=1)}
    there = instance.replace(**fields)
    differences = [W - P for (W, _), P in zip(target(there), products(there), strict=True)]
    many = range(1, D * len(differences) + 2)
    s = min(set(many) - {s for X in differences for s in singular_at(X, many)})
    fields = {f"Wbar{i}": moved(W, s) for i, (W, _) in enumerate(target(there), start=1)}
    return there.replace(**fields)


def exceptions(instance: Instance, most: int) -> Iterator[Comparison]:
    """How many t of a grid make W_l + t I singular, for each l; how many s the gap of a block."""
    for W in layers(instance):
        few = len(singular_at(W, GRID))
        yield at_most("how many of the t make W_l + t I singular", few, most)
    for (W, _), P in zip(target(instance), products(instance), strict=True):
        few = len(singular_at(W - P, GRID))
        yield at_most("how many of the s make Wbar_i + s I - P_i singular", few, most)


def with_rank(instance: Instance, R: int) -> Instance:
    """The problem with one rank for all layers."""
    return instance.replace(ranks=[[R] * len(layers(instance))])


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Few exceptions on each line; off them gaps of rank D, and R = ceil(D/M) is exact."""
    lean_on(FUBINI)
    D = len(instance.W1)
    yield from exceptions(instance, D)
    there = generic_point(instance)
    for gap in gaps(there):
        yield equal("rank of a gap", gap, D)
    M = len(layers(there)) // len(target(there))
    R = -(-D // M)
    exact = with_rank(there, R)
    net = adapted_to(exact, target(exact))
    yield from same_on_the_box(exact, net, target(exact))


def few_exceptions(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """At most D on each line, whatever the adapters."""
    yield from exceptions(instance, len(instance.W1))


def fewer_exceptions(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """At most D - 1 exceptions claimed on each line."""
    yield from exceptions(instance, len(instance.W1) - 1)


def for_all_weights(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Gaps of rank D claimed without any exception."""
    for gap in gaps(instance):
        yield at_least("rank of a gap", gap, len(instance.W1))


def one_rank_less(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R = ceil(D/L) - 1 claimed exact, against what every adapter's Jacobian is off by."""
    there = generic_point(instance)
    R = -(-len(there.W1) // len(layers(there))) - 1
    gap = least_jacobian_gap(with_rank(there, R), ctx)
    yield at_most("least gap of the Jacobians over all adapters", gap, 0)


SAME = Instance(
    W1=[[1, 0], [0, 1]], W2=[[2, 0], [0, 1]], Wbar1=[[2, 0], [0, 1]], bbar1=[[9, 9]],
    partition=[[2]], ranks=[[0, 0]], X=[[0, 1], [0, 1]], lower=[[-1, -1]], upper=[[1, 1]],
)  # fmt: skip

claim = Claim(
    name="zeng-lee/random-weights",
    title="Generic weights: rank ceil(D/M) suffices almost surely",
    source=Source("zeng-lee", "Corollary 4", "as commonly quoted", "recalled"),
    statement=(
        r"If the weights of the frozen network and of the target have a density, then almost "
        r"surely all $W_l$ are nonsingular, every gap $\bar W_i - \prod_{l \in P_i} W_l$ has rank "
        r"$D$, and adapters of rank $R = \lceil D/M \rceil$, $M = \lfloor L/\bar L \rfloor$, with "
        r"biases give $f = \bar f$ on any bounded set. For each single weight all but at most $D$ "
        r"values of $t$ make $W_l + tI$ nonsingular, and for each block, the frozen weights given, "
        r"all but at most $D$ values of $s$ make $\bar W_i + sI - \prod_{l \in P_i} W_l$ so."
    ),
    assumptions=(bounded,),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=few_exceptions,
    controls=(
        Control(None, (SAME,), "a gap of rank D claimed for all weights", for_all_weights),
        Control(None, (SAME,), "D - 1 exceptions claimed on each line", fewer_exceptions),
        Control(None, (SAME,), "R = ceil(D/L) - 1 for a one-layer target", one_rank_less),
    ),
    arithmetics=("exact",),
    note=(
        "Certified: the exceptions on a grid of each line, and networks at a point without any. "
        "That there are no more on the whole line is the degree of a determinant, by hand; from "
        "lines to almost all: Fubini's theorem."
    ),
)
