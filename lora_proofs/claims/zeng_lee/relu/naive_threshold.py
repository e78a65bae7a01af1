"""False reading: the threshold is always necessary, so fewer ranks are never exact.

Three ways out: an output that is 0 on the whole set costs a bias and no rank; where Wbar is
singular a hidden unit may be off; and a target with hidden layers is the same function with its
hidden units in another order, so frozen weights in that order need no adapter although each layer
has a gap. In each case the network is seen to equal the target: on a box, where no unit changes
its sign, by its affine map; everywhere, by the permutation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    equal,
    squared_norm,
)
from lora_proofs.claims.zeng_lee.relu.problem import box, gaps, partition
from lora_proofs.constructions.regions import Box, highest
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, permutation, quarter, ratio
from lora_proofs.strategies.matrices import full_rank_matrix
from lora_proofs.strategies.networks import frozen_weights, layers, small
from lora_proofs.strategies.relu_networks import target

REGIMES = ("a dead hidden unit", "hidden units in another order", "dead target", "active target")
Net = list[tuple[Any, Any]]


def draw(source: Draw, regime: str) -> Instance:
    """Frozen weights, biases and no adapter, beside a target."""
    D = source.integer(2, 3)
    if regime == "hidden units in another order":
        return reordered(source, D).replace(regimes=(regime,))
    rows = {"lower": [[-1] * D], "upper": [[1] * D], "partition": [[2]], "ranks": [[0, 0]]}
    if regime == "a dead hidden unit":
        return Instance(**switched_off(source, D), **rows, regimes=(regime,))
    W1, W2 = frozen_weights(source, [D] * 3)
    Wbar = full_rank_matrix(source, D, D, entry=small)
    b2 = -1000 if regime == "dead target" else 1000
    bbar = [[quarter(source) + (100 if b2 > 0 else -100) for _ in range(D)]]
    biases = {"b1": [[50] * D], "b2": [[b2] * D]}
    return Instance(W1=W1, W2=W2, Wbar1=Wbar, bbar1=bbar, **biases, **rows, regimes=(regime,))


def switched_off(source: Draw, D: int) -> dict[str, Any]:
    """W = (I, I), Wbar = diag(1, ..., 1, 0), and the last hidden unit off."""
    eye, cut = EXACT.identity(D), EXACT.identity(D)
    cut[D - 1, D - 1] = EXACT.number(0)
    first = [ratio(source, 8, 16, 8) for _ in range(D - 1)]
    second = [quarter(source) + 4 for _ in range(D)]
    sums = [a + b for a, b in zip(first, second, strict=False)]
    biases = {"b1": [[*first, -50]], "b2": [second], "bbar1": [[*sums, second[-1]]]}
    return {"W1": eye, "W2": eye, "Wbar1": cut, **biases}


def reordered(source: Draw, D: int) -> Instance:
    """Frozen layers that are those of the target with the hidden units in another order."""
    order = permutation(source, D)
    if order == sorted(order):
        order = [*order[1:], order[0]]
    P = EXACT.identity(D)[order]
    V1, V2 = frozen_weights(source, [D] * 3)
    c1, c2 = ([[quarter(source) for _ in range(D)]] for _ in range(2))
    return Instance(
        W1=P @ V1, W2=V2 @ P.mT, b1=[[c1[0][i] for i in order]], b2=c2, P=P,
        Wbar1=V1, bbar1=c1, Wbar2=V2, bbar2=c2, partition=[[1, 1]], ranks=[[0, 0]],
        lower=[[-1] * D], upper=[[1] * D],
    )  # fmt: skip


INSTANCES = Instances(draw, REGIMES)


def network(instance: Instance) -> Net:
    """The frozen weights with the biases of the instance, without any adapter."""
    pairs = enumerate(layers(instance), start=1)
    return [(W, EXACT.matrix(getattr(instance, f"b{k}"))[0]) for k, W in pairs]


def affine_map(net: Net, region: Box) -> tuple[Any, Any]:
    """A and a with f(x) = A x + a on the box; ``Unavailable`` where a unit may change its sign."""
    A, a = EXACT.identity(region.dimension), EXACT.zeros(1, region.dimension)[0]
    for W, b in net:
        A, a = W @ A, W @ a + b
        low, high = region.lowest(A, EXACT) + a, highest(A, region, EXACT) + a
        for i, (least, most) in enumerate(zip(low, high, strict=True)):
            if least < 0 < most:
                raise Unavailable("one affine map for a unit that changes its sign", EXACT.name)
            if most <= 0:
                A[i], a[i] = 0 * A[i], 0 * a[i]
    return A, a


def distance(instance: Instance) -> Any:
    """0 if and only if the network is the target on the box."""
    net, wanted = network(instance), target(instance)
    if "P" not in instance:
        (A, a), (B, b) = (affine_map(layers, box(instance)) for layers in (net, wanted))
        return squared_norm(A - B) + squared_norm((a - b)[None])
    ((W1, b1), (W2, b2)), ((V1, c1), (V2, c2)) = net, wanted
    P = EXACT.matrix(instance.P)
    return sum(map(squared_norm, (
        W1 - P @ V1, W2 @ P - V2, (b1 - P @ c1)[None], (b2 - c2)[None],
        P @ P.mT - EXACT.identity(len(P)), P * P - P,
    )), EXACT.number(0))  # fmt: skip


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A network without adapters that is the target would need every gap to be 0."""
    apart = distance(instance)
    if apart != 0:
        yield below("0 against the distance of the network to the target", 0, apart)
        return
    for gap, length in zip(gaps(instance), partition(instance), strict=True):
        label = "R of an exact network against the threshold ceil(gap/M)"
        yield at_least(label, 0, -(-gap // length))


def always_exact(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Every such network claimed to be the target."""
    yield at_most("distance of the network to the target", distance(instance), 0)


def another_order(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same order claimed for the second layer."""
    yield equal("W_2 against Wbar_2", layers(instance)[1], target(instance)[1][0])


ONE_ORDER = Instance(
    W1=[[0, 1], [1, 0]], W2=[[0, 1], [1, 0]], b1=[[0, 0]], b2=[[0, 0]], P=[[0, 1], [1, 0]],
    Wbar1=[[1, 0], [0, 1]], bbar1=[[0, 0]], Wbar2=[[1, 0], [0, 1]], bbar2=[[0, 0]],
    partition=[[1, 1]], ranks=[[0, 0]], lower=[[-1, -1]], upper=[[1, 1]],
)  # fmt: skip

claim = Claim(
    name="zeng-lee/naive/threshold-always-necessary",
    title="Ranks below the threshold are never exact (false)",
    source=Source(
        "zeng-lee", "", "our reading", "summary", corrected_by="zeng-lee/threshold-necessary"
    ),
    statement=(
        r"Our reading, not a claim of the authors: if a network with adapters of rank $R$ equals "
        r"$\bar f$ on a box, then $R \ge \max_i \lceil \mathrm{rank}(\bar W_i - \prod_{l \in P_i} "
        r"W_l)/M_i \rceil$. It is false: for a target that is 0 on the box; for $\bar W = "
        r"\mathrm{diag}(1, 0)$ and $W_1 = W_2 = I$, whose gap has rank 1, with $\bar b = (3, 3)$, "
        r"$b_1 = (2, -50)$, $b_2 = (1, 3)$; and for frozen layers that are those of the target "
        r"with the hidden units in another order, biases alone are exact."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            None, Instances(draw, ("active target",)), "every network claimed exact", always_exact
        ),
        Control(None, (ONE_ORDER,), "the second layer claimed to be the target's", another_order),
    ),
    arithmetics=("exact",),
    note=(
        "For a one-layer target with Wbar nonsingular and all outputs positive it is "
        "zeng-lee/threshold-necessary."
    ),
)
