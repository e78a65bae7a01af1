"""Two target layers and any number of frozen ones: a total rank of 2 D suffices, generically.

Block by block a target layer with M = floor(L/2) layers needs R = ceil(D/M). But a frozen layer may
serve both target layers: some units of the first get their kinks in it, the others are passed on,
and what is left of its rank helps with the second (``constructions.straddling`` has the proof). So
R = ceil(2 D/L) is enough also where 2 does not divide L: for D = L = 3 rank 2 in place of 3. Where
the first ranks add up to D exactly, whole blocks serve and nothing straddles.

A total of 2 D - 1 does not suffice, for an open set of weights. Let D = 1, L = 2, R_1 = 0 and W_1 <
0: f(x) = ReLU(w ReLU(W_1 x + b_1) + b_2) is convex for w >= 0, and does not fall for w < 0. Let the
target have the values s, t, u at the left end, the middle and the right end of the box. If |f -
fbar| <= e there, then t - e <= (s + u)/2 + e in the first case and s - e <= u + e in the second, so
e >= min((2 t - s - u)/4, (s - u)/2). For W_1 > 0 the ends change places. For the target ReLU(2 -
ReLU(x)) on [-1, 1] it is 1/4.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, equal
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.claims.zeng_lee.linear.problem import nonsingular
from lora_proofs.claims.zeng_lee.relu.problem import (
    adapted_to,
    box,
    ranks,
    same_on_the_box,
    squared_errors,
)
from lora_proofs.constructions.regions import larger, smaller
from lora_proofs.constructions.relu_error import sup_error
from lora_proofs.constructions.relu_fnn import ReluAdaptation
from lora_proofs.constructions.straddling import Straddling, straddling_network
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import TOO_FEW_RANKS, lean_on
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.networks import frozen_weights, layers
from lora_proofs.strategies.relu_networks import bias, inputs, target

SPLITS = {
    "D = L = 3": (3, (2, 2, 2)),
    "D = 4, L = 3": (4, (3, 3, 3)),
    "different ranks": (3, (1, 1, 3, 1)),
    "five layers": (3, (2, 2, 0, 1, 1)),
    "D = 2": (2, (1, 2, 1)),
    "whole blocks": (2, (2, 2)),
    "whole blocks, one layer left alone": (3, (0, 3, 3)),
    "whole blocks, different ranks": (3, (1, 2, 0, 3)),
}
REGIMES = tuple(SPLITS)


def draw(source: Draw, regime: str) -> Instance:
    """Nonsingular weights, a target of two layers, ranks that add up to 2 D."""
    D, chosen = SPLITS[regime]
    L = len(chosen)
    weights = [*frozen_weights(source, [D] * (L + 1)), *frozen_weights(source, [D] * 3)]
    names = [*(f"W{k}" for k in range(1, L + 1)), "Wbar1", "Wbar2"]
    biases = {f"bbar{i}": bias(source, D) for i in (1, 2)}
    found = Instance(
        **dict(zip(names, weights, strict=True)), **biases, **inputs(source, D, 4),
        partition=[[1, L - 1]], ranks=[list(chosen)], regimes=(regime,),
    )  # fmt: skip
    try:
        built(found)
    except Unavailable:
        raise Rejected from None
    return found


def in_blocks(instance: Instance) -> Instance | None:
    """The problem with the first layers that have the rank D in all as a block, if there are any
    and one is left for the second.
    """
    D, L = len(instance.W1), len(ranks(instance))
    for k, total in enumerate(accumulate(ranks(instance)), start=1):
        if total == D and k < L:
            return instance.replace(partition=[[k, L - k]])
    return None


@remembered(4)
def built(instance: Instance) -> Straddling | ReluAdaptation:
    """The network of the construction; block by block where whole blocks have the ranks."""
    there = in_blocks(instance)
    if there is not None:
        return adapted_to(there, target(there))
    return straddling_network(layers(instance), target(instance), ranks(instance), box(instance))


INSTANCES = Instances(draw, REGIMES)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The network that is built has its ranks and is the target on the box, and at the points."""
    net, there = built(instance), in_blocks(instance)
    if isinstance(net, ReluAdaptation):
        assert there is not None
        yield from same_on_the_box(there, net, target(there))
    else:
        yield from straddles(instance, net)
    for error in squared_errors(instance, net.layers):
        yield equal("||f - fbar||^2 at a point", error, 0 * error)


def straddles(instance: Instance, net: Straddling) -> Iterator[Comparison]:
    """Ranks; the layers are the three steps on the box; the three steps are the target there."""
    for (What, _), W, R in zip(net.layers, layers(instance), ranks(instance), strict=True):
        yield at_most("rank of an adapter", EXACT.rank(What - W), R)
    apart = sup_error(net.layers, net.steps, net.lengths, box(instance), EXACT)
    yield equal("the layers against the three steps, on the box", apart, 0 * apart)
    yield from steps_are_target(instance, net)


def steps_are_target(instance: Instance, net: Straddling) -> Iterator[Comparison]:
    """Step 1 is (c ReLU(u), linear), step 2 (linear in it, c' ReLU(u)), step 3 puts it together."""
    (first, b1), (middle, b2), (last, b3) = net.steps
    ((V1, c1), (V2, c2)), a, (c, other) = target(instance), net.units, net.scales
    F, X = middle[:a, :a], middle[a:, a:]
    there = box(instance)
    yield equal("first units", first[:a], c * V1[:a])
    yield equal("their biases", b1[:a], c * c1[:a])
    low = there.lowest(first, EXACT)[a:] + b1[a:]
    yield at_least("the other units in step 1 against 0", min(low), 0)
    yield equal("their way through", X @ first[a:], other * V1[a:])
    yield equal("their biases in step 2", X @ b1[a:] + b2[a:], other * c1[a:])
    yield equal("nothing is mixed", middle[:a, a:], 0 * middle[:a, a:])
    yield equal("nor the other way", middle[a:, :a], 0 * middle[a:, :a])
    passed = there.image(first, b1, EXACT).lowest(middle, EXACT)[:a] + b2[:a]
    yield at_least("the first units in step 2 against 0", min(passed), 0)
    yield equal("step 3 on the first units", last[:, :a] @ F * c, V2[:, :a])
    yield equal("step 3 on the other units", last[:, a:] * other, V2[:, a:])
    yield equal("its bias", last[:, :a] @ b2[:a] + b3, c2)


def least_distance(instance: Instance) -> Any:
    """What max |f - fbar| on the box is at least, for all adapters and biases, if D = 1, L = 2 and
    R_1 = 0; else 0.
    """
    if len(instance.W1) != 1 or len(layers(instance)) != 2 or ranks(instance)[0] != 0:
        return EXACT.number(0)
    lean_on(TOO_FEW_RANKS)
    low, high = (EXACT.matrix(row)[0, 0] for row in (instance.lower, instance.upper))
    ends = [low, high] if EXACT.matrix(instance.W1)[0, 0] < 0 else [high, low]
    X = EXACT.matrix([[ends[0], (low + high) / 2, ends[1]]])
    s, t, u = relu_network(target(instance), X, EXACT)[0]
    return larger(smaller((s - u) / 2, (2 * t - s - u) / 4), EXACT.number(0))


def lower_bound(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What no adapters and biases are below."""
    yield at_most("least max |f - fbar| over all adapters", least_distance(instance), 0)


def block_by_block(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The ranks shared out block by block: they do not reach the gap of the first block."""
    first = EXACT.matrix(instance.Wbar1) - EXACT.matrix(instance.W1)
    yield at_most("rank of the first gap against R_1", EXACT.rank(first), ranks(instance)[0])


def not_lifted(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The units that are passed on left without an offset."""
    net = straddling_network(layers(instance), target(instance), ranks(instance), box(instance))
    plain = [(W, b * 0 if k == 1 else b) for k, (W, b) in enumerate(net.layers)]
    for error in squared_errors(instance, plain):
        yield equal("||f - fbar||^2 at a point", error, 0 * error)


def other_ranks(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rank of the middle layer claimed to be b alone, nothing of it left for the second."""
    net = straddling_network(layers(instance), target(instance), ranks(instance), box(instance))
    p = net.lengths[0]
    moved = EXACT.rank(net.layers[p][0] - layers(instance)[p])
    yield at_most("rank of the middle adapter against b", moved, len(instance.W1) - net.units)


def enough_ranks(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R_1 + ... + R_L >= 2 D, each at most D, and one target layer on either side."""
    D = len(instance.W1)
    yield equal("target layers", len(target(instance)), 2)
    yield at_least("sum of the ranks against 2 D", sum(ranks(instance)), 2 * D)
    for R in ranks(instance):
        yield at_most("a rank against D", R, D)


weights = Assumption(
    "weights", r"every $W_l$ is square and nonsingular", nonsingular,
    technical="the construction inverts them and a few matrices made of them: generic weights",
)  # fmt: skip
enough = Assumption(
    "enough",
    r"$\bar L = 2$, $R_l \le D$ and $\sum_l R_l \ge 2D$",
    enough_ranks,
)
THREE = Instance(
    W1=[[1, 1, 0], [0, 2, 0], [1, 0, 3]], W2=[[2, 0, 1], [1, 1, 0], [0, 0, 1]],
    W3=[[1, 0, 2], [0, 3, 1], [0, 1, 1]], Wbar1=[[-1, 0, 1], [0, 3, 1], [1, 0, 1]],
    Wbar2=[[-1, 0, 1], [0, 2, 1], [1, 0, 1]], bbar1=[[0, 1, 0]], bbar2=[[0, 0, 1]],
    X=[[1, -1, 0], [0, 1, 0], [0, 0, 1]], lower=[[-1, -1, -1]], upper=[[1, 1, 1]],
    partition=[[1, 2]], ranks=[[2, 2, 2]],
)  # fmt: skip
SHORT = Instance(
    W1=[[-1]], W2=[[1]], Wbar1=[[1]], bbar1=[[0]], Wbar2=[[-1]], bbar2=[[2]], X=[[-1, 0, 1]],
    lower=[[-1]], upper=[[1]], partition=[[1, 1]], ranks=[[0, 1]],
)  # fmt: skip

claim = Claim(
    name="zeng-lee/two-layer-target-straddling",
    title="A target of two layers: a total rank of 2 D suffices for any depth",
    source=Source("zeng-lee", "", "extension", "summary"),
    statement=(
        r"For generic weights, a target of $\bar L = 2$ layers and frozen layers $L \ge 2$, "
        r"adapters of any ranks $R_l \le D$ with $\sum_l R_l \ge 2D$, and biases, give $f = "
        r"\bar f$ on any box. In particular $R = \lceil 2D/L \rceil$ suffices, also where 2 does "
        r"not divide $L$ and blocks of whole layers need $\lceil D/\lfloor L/2 \rfloor \rceil$."
    ),
    assumptions=(weights, enough),
    instances=INSTANCES,
    check=check,
    kind="lower-bound",
    lower_bound=lower_bound,
    controls=(
        Control(enough, (SHORT,), "a total rank of 1 for D = 1: the first layer keeps its sign"),
        Control(
            None, (THREE,), "the first block by itself: R_1 = 2 for a gap of 3", block_by_block
        ),
        Control(None, (THREE,), "the middle layer without its offsets", not_lifted),
        Control(
            None, (THREE,), "nothing of the middle rank left for the second layer", other_ranks
        ),
    ),
    arithmetics=("exact",),
    note=(
        "Own. It settles the threshold of the abstract, width times depth over depth, for targets "
        "of two layers; for three and more it stays open. Generic: the matrices that are inverted "
        "are nonsingular, a polynomial condition that the instances meet."
    ),
)
