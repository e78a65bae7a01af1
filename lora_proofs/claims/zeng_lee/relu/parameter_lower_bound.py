"""A family that is exact around a target of which all shows has Lbar D^2 + D parameters at least.

Let F(theta) be the values of the target network with parameters theta = (Wbar_i, bbar_i) at N
inputs. Where no preactivation is 0, F is a polynomial near theta; if DF has rank k at one such
theta, it has near it, and the image of any neighbourhood holds a k-dimensional manifold. A family
of networks that is locally Lipschitz in its p parameters, as ReLU networks are in their adapters
and biases, has values in a set of Hausdorff dimension p at most. So a family that contains all
targets near theta has p >= k.

How large is k? Scaling a hidden unit by c > 0 and what it feeds by 1/c changes nothing, which makes
(Lbar - 1) D directions that DF does not see: k <= Lbar (D^2 + D) - (Lbar - 1) D = Lbar D^2 + D. The
networks in which one weight into each hidden unit is kept have that many parameters, and up to
these scales they are all networks near theta: where DF has full rank they attain the bound. Not
every target is like that. With a dead output no parameter of it shows on an open set; and for D = 1
a network of any depth is a clamp min(max(alpha x + beta, low), high), so k <= 4, which is below
Lbar + 1 from Lbar = 4 on.

Adapters at the threshold, M <= D, have 2DRL < 4 Lbar D^2 parameters and DL biases.
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
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import LIPSCHITZ, lean_on
from lora_proofs.mathematics.relu_network import preactivations, relu
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.relu_networks import target

REGIMES = ("one layer", "two layers", "three layers", "one input", "one input, three layers")

GRID = [Fraction(k, 2) + Fraction(1, 97) for k in range(-7, 8, 2)]
THREE = (
    ([["1/2", -1], [1, -1]], ["-1/3", "1/3"]),
    ([[-1, "1/2"], [1, "-1/2"]], ["1/3", "1/3"]),
    ([[1, 1], [-1, 1]], ["-1/3", "2/3"]),
)
"""A target of three layers of which every parameter shows; an open set of them is like it."""


BOTH_KINKS = (([[1]], [1]), ([[-1]], [2]), ([[1]], [1]))
"""min(max(2 - x, 1), 3), near which all four numbers of a clamp show."""


def draw(source: Draw, regime: str) -> Instance:
    """A target near one of which every parameter shows, at inputs on a grid."""
    D = 1 if regime.startswith("one input") else 2
    sizes = {"one layer": 1, "one input": source.integer(1, 2)}
    chosen: Any = {"three layers": THREE, "one input, three layers": BOTH_KINKS}.get(regime)
    fields: dict[str, Any] = {}
    for i in range(1, (len(chosen) if chosen else sizes.get(regime, 2)) + 1):
        W, b = chosen[i - 1] if chosen else near_identity(source, D)
        fields[f"Wbar{i}"] = EXACT.matrix(W) + EXACT.matrix([[little(source) for _ in range(D)]
                                                              for _ in range(D)])  # fmt: skip
        fields[f"bbar{i}"] = [[rational(x) + little(source) for x in b]]
    grid = GRID if D == 1 or regime == "three layers" else GRID[::2]
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
    return ratio(source, -8, 8, 1024)


INSTANCES = Instances(draw, REGIMES)


@remembered(4)
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


def least(instance: Instance) -> int:
    """Lbar D^2 + D."""
    D, Lbar = len(instance.Wbar1), len(target(instance))
    return Lbar * D * D + D


def scalings(instance: Instance) -> Any:
    """The directions (row of W_i and b_i) - (column of W_{i+1}) of each hidden unit, as columns.

    The order of the parameters is that of ``derivative``: the last layer first, the bias of each
    output after its weights.
    """
    net, columns = target(instance), []
    for i in range(len(net) - 1):
        for unit in range(len(net[i][0])):
            parts = [EXACT.zeros(len(W), W.shape[1] + 1) for W, _ in net]
            parts[i][unit] = np.array([*net[i][0][unit], net[i][1][unit]])
            parts[i + 1][:, unit] = -net[i + 1][0][:, unit]
            columns.append(np.concatenate([part.reshape(-1) for part in reversed(parts)]))
    size = sum(W.shape[0] * (W.shape[1] + 1) for W, _ in net)
    return EXACT.matrix(columns).mT if columns else EXACT.zeros(size, 0)


def kept(instance: Instance) -> list[int]:
    """The parameters that are free when one weight, not 0, into each hidden unit is kept."""
    net, free, at = target(instance), [], 0
    for i, (W, _) in reversed(list(enumerate(net))):
        for row in W:
            fixed = int(np.argmax(row != 0)) if i + 1 < len(net) else -1
            free += [at + k for k in range(len(row) + 1) if k != fixed]
            at += len(row) + 1
    return free


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The directions DF does not see, the family that attains the bound, adapters beside it."""
    lean_on(LIPSCHITZ)
    DF, unseen, free = derivative(instance), scalings(instance), kept(instance)
    if unseen.size:
        moved = DF @ unseen
        yield equal("DF along the scalings", moved, 0 * moved)
    yield equal("independent scalings", EXACT.rank(unseen), unseen.shape[1])
    yield equal("parameters but for the scalings", DF.shape[1] - unseen.shape[1], least(instance))
    yield equal("parameters with a weight of each unit kept", len(free), least(instance))
    yield at_least("rank of DF in these parameters", EXACT.rank(DF[:, free]), least(instance))
    yield from adapters_beside(len(instance.Wbar1), len(target(instance)))


def adapters_beside(D: int, Lbar: int) -> Iterator[Comparison]:
    """Adapters at the threshold and biases against the bound, for each depth with M <= D."""
    bound = Lbar * D * D + D
    for L in range(Lbar, Lbar * (D + 1)):
        adapters = 2 * D * -(-D // (L // Lbar)) * L
        yield at_least("adapters at the threshold and biases, against it", adapters + D * L, bound)
        yield below("adapters against 4 Lbar D^2", adapters, 4 * Lbar * D * D)
        yield below("adapters and biases against 5 times the bound", adapters + D * L, 5 * bound)
        if L % Lbar == 0 and D % (L // Lbar) == 0:
            yield equal("adapters where all divides against 2 Lbar D^2", adapters, 2 * Lbar * D * D)
            yield below("with biases against 3 times the bound", adapters + D * L, 3 * bound)


def shows(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """rank DF = Lbar D^2 + D."""
    yield equal(
        "rank of DF against Lbar D^2 + D", EXACT.rank(derivative(instance)), least(instance)
    )


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
FOUR: dict[str, Any] = {f"bbar{i}": [["91/178"]] for i in range(1, 5)}
FOUR |= {f"Wbar{i}": [[(-1) ** i * Fraction(1, 2)]] for i in range(1, 5)}
CLAMP = Instance(**FOUR, X=[[Fraction(k, 4) + Fraction(1, 97) for k in range(-30, 31)]])
full = Assumption(
    "full", r"$DF$ has the rank $\bar L D^2 + D$ at the target: every parameter shows", shows
)

claim = Claim(
    name="zeng-lee/parameter-lower-bound",
    title="Exact families around a target of full rank have Lbar D^2 + D parameters at least",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"Let $F$ be the values of a ReLU network of $\bar L$ layers of width $D$ at finitely many "
        r"inputs, as a function of its $\bar L (D^2 + D)$ parameters. Networks that depend on $p$ "
        r"parameters in a locally Lipschitz way and contain every such network near a target at "
        r"which $DF$ has rank $\bar L D^2 + D$ have $p \ge \bar L D^2 + D$. No larger rank is "
        r"possible, and one weight of each hidden unit kept fixed leaves a family that attains the "
        r"bound. Such targets exist for $D \le 2$, $\bar L \le 3$; there are none for $D = 1$, "
        r"$\bar L \ge 4$. For $M = \lfloor L/\bar L \rfloor \le D$ "
        r"adapters at the threshold have less than $4 \bar L D^2$ parameters beside their $DL$ "
        r"biases: for the $D$, $\bar L$ checked less than 5 times the bound in all, and less than "
        r"3 times where $\bar L$ divides $L$ and $M$ divides $D$."
    ),
    assumptions=(smooth, full),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(full, (DEAD,), "a dead output: nothing of it shows, and nothing need be adapted"),
        Control(full, (CLAMP,), "four layers of one unit: a clamp has 4 parameters, not 5"),
        Control(None, (BENT,), "the scaling of hidden units forgotten", free_biases),
        Control(None, (BENT,), "2 Lbar D^2 claimed necessary", twice),
    ),
    arithmetics=("exact",),
    note=(
        "Certified: the ranks, the scalings and the counts. From ranks to parameters: Lipschitz "
        "maps do not raise Hausdorff dimension. That no target of width 1 and depth 4 has full "
        "rank is by hand, with the control as an example."
    ),
)
