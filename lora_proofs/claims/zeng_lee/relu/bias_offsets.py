"""Biases that keep every hidden unit of a ReLU network active on a ball or a box, and no larger.

With A_l = What_l ... What_1 and a_l = r |row| - A_l c on |x - c| <= r (on a box the half widths
weigh the entries instead), bhat_l = a_l - What_l a_{l-1} gives z_l = A_l x + a_l >= 0 for all
hidden layers, by induction, and f = ReLU(prod What x + bbar). At x = c - r row/|row| the unit is 0,
so any smaller offset makes it negative there: the offsets do not compound with depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, equal
from lora_proofs.claims.zeng_lee.relu.problem import product_of
from lora_proofs.constructions.regions import Ball, Box
from lora_proofs.constructions.relu_biases import affine_biases, offsets
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.relu_network import preactivations, relu_network
from lora_proofs.strategies.draw import Draw, quarter, ratio
from lora_proofs.strategies.matrices import full_rank_matrix, orthonormal_rows
from lora_proofs.strategies.networks import layers, small

REGIMES = ("ball", "box", "one layer", "a point", "away from 0", "singular weights", "rectangular")


def draw(source: Draw, regime: str) -> Instance:
    """Weights, and a ball on which the lengths of all rows of A_l are rational, or a box."""
    L = 1 if regime == "one layer" else source.integer(2, 3)
    D, ball = source.integer(1, 3), regime not in ("box", "rectangular", "singular weights")
    fields: dict[str, Any] = {}
    if ball:
        weights = with_rational_rows(source, D, L)
        radius = 0 if regime == "a point" else ratio(source, 1, 12, 4)
        fields |= {"radius": radius}
    else:
        widths = [D] * (L + 1)
        if regime == "rectangular":
            widths = [source.integer(1, 3) for _ in widths]
        weights = [full_rank_matrix(source, n, m, entry=small)
                   for n, m in zip(widths[1:], widths, strict=False)]  # fmt: skip
        if regime == "singular weights":
            weights[0] = 0 * weights[0]
        fields |= {"half": [[ratio(source, 0, 8, 4) for _ in range(widths[0])]]}
    away = 8 if regime == "away from 0" else 0
    center = [quarter(source) + away for _ in range(weights[0].shape[1])]
    fields |= {f"W{k}": W for k, W in enumerate(weights, start=1)}
    bias = [quarter(source) for _ in range(len(weights[-1]))]
    return Instance(regimes=(regime,), center=[center], bbar=[bias], **fields)


def with_rational_rows(source: Draw, D: int, L: int) -> list[Any]:
    """What_l = A_l A_{l-1}^{-1} with A_l = (nonsingular diagonal) times orthogonal."""
    weights, before = [], EXACT.identity(D)
    for _ in range(L):
        scale = [[source.choice((1, 2, -1, Fraction(1, 2)))] for _ in range(D)]
        A = EXACT.matrix(scale) * orthonormal_rows(source, D, D)
        weights.append(A @ EXACT.inverse(before))
        before = A
    return weights


INSTANCES = Instances(draw, REGIMES)


def region(instance: Instance) -> Ball | Box:
    """The ball, or the box."""
    c = EXACT.matrix(instance.center)[0]
    if "radius" in instance:
        return Ball(c, instance.radius)
    half = EXACT.matrix(instance.half)[0]
    return Box(c - half, c + half)


def network(instance: Instance, made_for: Ball | Box) -> list[tuple[Any, Any]]:
    """The weights with the biases that are made for a region."""
    weights = layers(instance)
    biases = affine_biases(weights, instance.bbar[0], made_for, EXACT)
    return list(zip(weights, biases, strict=True))


def lowest_point(instance: Instance, row: Any) -> Any:
    """Where row . x is least on the region, as a column."""
    x = EXACT.matrix(instance.center)[0]
    if "radius" not in instance:
        signs = [EXACT.number((entry > 0) - (entry < 0)) for entry in row]
        return (x - EXACT.matrix(instance.half)[0] * signs)[:, None]
    length = EXACT.frobenius_norm(row[None])
    return (x - EXACT.number(instance.radius) * row / length if length else x)[:, None]


def checked(instance: Instance, made_for: Ball | Box) -> Iterator[Comparison]:
    """At the lowest point of every hidden unit: all units at least 0, and f the affine target."""
    net, weights = network(instance, made_for), layers(instance)
    products = [product_of(weights[:k]) for k in range(1, len(weights) + 1)]
    bbar = EXACT.matrix(instance.bbar)[0]
    rows = [row for A in products for row in A]
    for row in rows:
        x = lowest_point(instance, row)
        for u in preactivations(net[:-1], x, EXACT) if net[1:] else ():
            for value in u.flat:
                yield at_least("a hidden unit against 0", value, 0)
        wanted = relu_network([(products[-1], bbar)], x, EXACT)
        yield equal("f against ReLU(prod What x + bbar)", relu_network(net, x, EXACT), wanted)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The offsets as the formula says, all units at least 0 where each is least, and one is 0."""
    yield from checked(instance, region(instance))
    weights = layers(instance)
    for k, a in enumerate(offsets(weights[:-1], region(instance), EXACT), start=1):
        A = product_of(weights[:k])
        for i, row in enumerate(A):
            least = (row @ lowest_point(instance, row))[0] + a[i]
            yield equal("a unit where it is least", least, EXACT.number(0))
            norm = a[i] + row @ EXACT.matrix(instance.center)[0]
            yield equal("offset and A c against the norm of the row", norm, spread(instance, row))


def spread(instance: Instance, row: Any) -> Any:
    """r |row| on a ball, sum_j h_j |row_j| on a box."""
    if "radius" in instance:
        return EXACT.number(instance.radius) * EXACT.frobenius_norm(row[None])
    return abs(row) @ EXACT.matrix(instance.half)[0]


def smaller(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Offsets made for a region that is a little smaller."""
    shrunk = instance.replace(
        **{name: _times(getattr(instance, name)) for name in ("radius", "half") if name in instance}
    )
    yield from checked(instance, region(shrunk))


def _times(value: Any) -> Any:
    few = Fraction(99, 100)
    return few * value if isinstance(value, Fraction) else [[few * x for x in value[0]]]


def biased_by_offsets(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The offset itself taken for the bias: what the layer before adds is forgotten."""
    weights = layers(instance)
    raised = [*offsets(weights[:-1], region(instance), EXACT), EXACT.matrix(instance.bbar)[0]]
    net = list(zip(weights, raised, strict=True))
    x = EXACT.matrix(instance.center).mT
    wanted = relu_network([(product_of(weights), instance.bbar[0])], x, EXACT)
    yield equal("f against ReLU(prod What x + bbar)", relu_network(net, x, EXACT), wanted)


def is_region(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The radius, or each half width, is at least 0."""
    for value in (instance.radius,) if "radius" in instance else instance.half[0]:
        yield at_least("size of the region", value, 0)


bounded = Assumption(
    "bounded", "the inputs are in a ball or in a box", is_region,
    technical="zeng-lee/naive/exact-on-all-inputs is what goes wrong without it",
)  # fmt: skip
TURN = Instance(
    W1=[["3/5", "4/5"], ["-4/5", "3/5"]], W2=[[1, 0], [0, 1]], W3=[[2, 0], [0, -1]],
    center=[[0, 0]], radius=1, bbar=[[5, 5]],
)  # fmt: skip
SQUARE = Instance(W1=[[1, 1], [0, 1]], W2=[[2, 0], [1, 1]], center=[[0, 0]], half=[[1, 1]],
                  bbar=[[9, 9]])  # fmt: skip

claim = Claim(
    name="zeng-lee/relu-bias-offsets",
    title="Biases that keep a ReLU network affine on a ball or a box",
    source=Source("zeng-lee", "", "extension", "recalled"),
    statement=(
        r"Let $A_l = \hat W_l \cdots \hat W_1$ and, on $\|x - c\| \le r$, $a_{l,i} = r\,\|(A_l)_i"
        r"\|_2 - (A_l c)_i$ (on a box $|x - c| \le h$ the first term is $\sum_j h_j |(A_l)_{ij}|$)"
        r", $a_0 = 0$. With $\hat b_l = a_l - \hat W_l a_{l-1}$ for $l < L$ and $\hat b_L = \bar b "
        r"- \hat W_L a_{L-1}$ all hidden units are $A_l x + a_l \ge 0$ and $f(x) = \mathrm{ReLU}("
        r"\hat W_L \cdots \hat W_1 x + \bar b)$ there. No smaller offset will do: each unit is 0 "
        r"at some point."
    ),
    assumptions=(bounded,),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, (TURN,), "offsets for 99/100 of the radius: a unit goes negative", smaller),
        Control(None, (SQUARE,), "offsets for 99/100 of the half widths", smaller),
        Control(None, (SQUARE,), "the offset itself as the bias", biased_by_offsets),
    ),
    arithmetics=("exact",),
    note=(
        "The offsets are set on the affine map from the input, so they grow with the norms of A_l "
        "and not with the biases before. On a box the points where the units are least are checked."
    ),
)
