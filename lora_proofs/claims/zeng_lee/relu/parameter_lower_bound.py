"""A family that is exact for generic targets has Lbar D^2 + D parameters at least.

Let F(theta) be the values of the target network with parameters theta = (Wbar_i, bbar_i) at N
inputs. Where no preactivation is 0, F is a polynomial near theta; if DF has rank k at one such
theta, it has near it, and the image of any neighbourhood holds a k-dimensional manifold. A family
of networks that is locally Lipschitz in its p parameters, as ReLU networks are in their adapters
and biases, has values in a set of Hausdorff dimension p at most. So a family that contains all
targets near theta has p >= k. Scaling a hidden unit by c > 0 and what it feeds by 1/c changes
nothing, so k <= Lbar (D^2 + D) - (Lbar - 1) D = Lbar D^2 + D, and the ranks found attain it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    equal,
    rational,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.relu_network import preactivations, relu
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.relu_networks import target

REGIMES = ("one layer", "two layers", "three layers", "one input")


GRID = [Fraction(k, 2) + Fraction(1, 97) for k in range(-7, 8, 2)]
THREE = (
    ([["1/2", -1], [1, -1]], ["-1/3", "1/3"]),
    ([[-1, "1/2"], [1, "-1/2"]], ["1/3", "1/3"]),
    ([[1, 1], [-1, 1]], ["-1/3", "2/3"]),
)
"""A target of three layers of which every parameter shows; an open set of them is like it."""


def draw(source: Draw, regime: str) -> Instance:
    """A target near one of which every parameter shows, at inputs on a grid."""
    D = 1 if regime == "one input" else 2
    sizes = {"one layer": 1, "three layers": 3}
    fields: dict[str, Any] = {}
    for i in range(1, sizes.get(regime, 2) + 1):
        W, b = THREE[i - 1] if regime == "three layers" else near_identity(source, D)
        fields[f"Wbar{i}"] = EXACT.matrix(W) + EXACT.matrix([[little(source) for _ in range(D)]
                                                              for _ in range(D)])  # fmt: skip
        fields[f"bbar{i}"] = [[rational(x) + little(source) for x in b]]
    grid = GRID if regime in ("one input", "three layers") else GRID[::2]
    columns = [(x,) for x in grid] if D == 1 else [(x, y) for x in grid for y in grid]
    X = [list(row) for row in zip(*columns, strict=True)]
    return Instance(**fields, X=X, regimes=(regime,))


def near_identity(source: Draw, D: int) -> tuple[Any, Any]:
    """1 on the diagonal, +-1/2 elsewhere, and a positive bias."""
    half = [[Fraction(source.choice((1, -1)), 2) for _ in range(D)] for _ in range(D)]
    for k in range(D):
        half[k][k] = Fraction(1)
    return half, [Fraction(1, 5)] * D


def little(source: Draw) -> Fraction:
    """At most 1/128, in steps of 1/1024."""
    return Fraction(source.integer(-8, 8), 1024)


INSTANCES = Instances(draw, REGIMES)


def derivative(instance: Instance) -> Any:
    """DF: one row for each value, one column for each parameter."""
    net, X = target(instance), EXACT.matrix(instance.X)
    before = preactivations(net, X, EXACT)
    masks = [np.vectorize(lambda u: EXACT.number(int(u > 0)), otypes=[object])(U) for U in before]
    inputs = [X, *(relu(U) for U in before[:-1])]
    return EXACT.matrix([
        row for n in range(X.shape[1]) for row in _at(net, [m[:, n] for m in masks],
                                                       [z[:, n] for z in inputs])
    ])  # fmt: skip


def _at(net: Any, masks: list[Any], inputs: list[Any]) -> Any:
    """The derivative of the outputs at one input: (back) times (z, 1) for each layer."""
    back, parts = EXACT.identity(len(masks[-1])), []
    for (W, _), mask, z in zip(reversed(net), reversed(masks), reversed(inputs), strict=True):
        back = back * mask
        ahead = np.array([*z, EXACT.number(1)])
        parts.append((back[:, :, None] * ahead).reshape(len(back), -1))
        back = back @ W
    return np.hstack(parts)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rank of DF, and what adapters at the threshold have beside it."""
    D, Lbar = len(instance.Wbar1), len(target(instance))
    least = Lbar * D * D + D
    yield equal("rank of DF against Lbar D^2 + D", EXACT.rank(derivative(instance)), least)
    L = Lbar * D
    label = "parameters of adapters of rank 1 and biases, L = Lbar D, against it"
    yield at_least(label, 2 * D * L + L * D, least)


def generic_point(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """No preactivation is 0 at any of the inputs."""
    for U in preactivations(target(instance), EXACT.matrix(instance.X), EXACT):
        yield below("0 against the least square of a preactivation", 0, min((U * U).flat))


def free_biases(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """All Lbar (D^2 + D) parameters counted: the scaling of hidden units forgotten."""
    D, Lbar = len(instance.Wbar1), len(target(instance))
    rank = EXACT.rank(derivative(instance))
    yield at_least("rank of DF", rank, Lbar * (D * D + D))


def twice(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """2 Lbar D^2 parameters claimed necessary, as many as adapters have."""
    D, Lbar = len(instance.Wbar1), len(target(instance))
    yield at_most(
        "2 Lbar D^2 against rank of DF", 2 * Lbar * D * D, EXACT.rank(derivative(instance))
    )


smooth = Assumption(
    "smooth", "no preactivation of the target is 0 at the inputs", generic_point,
    technical="almost every target is of this kind",
)  # fmt: skip
BENT = Instance(
    Wbar1=[[1, "1/2"], ["-1/2", 1]], bbar1=[["1/5", "1/5"]], Wbar2=[[1, "1/2"], ["1/2", 1]],
    bbar2=[["1/5", "1/5"]], X=[[x for x in GRID for _ in GRID], [y for _ in GRID for y in GRID]],
)  # fmt: skip
DEAD = BENT.replace(bbar2=[[-99, "1/5"]])

claim = Claim(
    name="zeng-lee/parameter-lower-bound",
    title="Exact families have Lbar D^2 + D parameters at least",
    source=Source("zeng-lee", "", "our reading", "recalled"),
    statement=(
        r"Networks that depend on $p$ parameters in a locally Lipschitz way and contain every "
        r"ReLU network of $\bar L$ layers of width $D$ in an open set of parameters have $p \ge "
        r"\bar L D^2 + D$: at finitely many inputs the derivative of the target's values in its "
        r"parameters has this rank. Adapters at the threshold have less than $4 \bar L D^2$ "
        r"parameters and $DL$ biases."
    ),
    assumptions=(smooth,),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, (BENT,), "the scaling of hidden units forgotten", free_biases),
        Control(None, (BENT,), "2 Lbar D^2 claimed necessary", twice),
        Control(None, (DEAD,), "a dead output counted in full", check),
    ),
    arithmetics=("exact",),
    note=(
        "Certified: the ranks. From ranks to parameters: Lipschitz maps do not raise Hausdorff "
        "dimension, by hand. So adapters are optimal up to a factor of 4, and of 2 where Lbar "
        "divides L and M divides D."
    ),
)
