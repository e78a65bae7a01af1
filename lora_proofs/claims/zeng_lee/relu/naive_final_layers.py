"""False reading: tuning the last layers never reaches a one-layer target, on bounded sets either.

Where the frozen first layer is active on the whole set, as it is for an open set of (W_1, b_1),
W_2 = Wbar W_1^{-1} and b_2 = bbar - W_2 b_1 give f = fbar there. That final-layer tuning fails is a
statement about all of R^D, and that adapters are exact is one about bounded sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, below, squared_norm
from lora_proofs.claims.zeng_lee.relu.final_layers import of_target
from lora_proofs.claims.zeng_lee.relu.problem import box
from lora_proofs.constructions.regions import larger
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.strategies.draw import Draw, quarter, ratio
from lora_proofs.strategies.matrices import full_rank_matrix
from lora_proofs.strategies.networks import small

REGIMES = ("active first layer", "a kink in the box")


def draw(source: Draw, regime: str) -> Instance:
    """An invertible first layer and a target, on the box |x_i| <= 1."""
    D = source.integer(1, 2)
    W1, W = (full_rank_matrix(source, D, D, entry=small) for _ in range(2))
    reach = abs(W1).sum(axis=1)
    share = ratio(source, 4, 8, 4) if regime == REGIMES[0] else Fraction(0)
    b1 = [share * x for x in map(_fraction, reach)]
    bbar = [9 + quarter(source) for _ in range(D)]
    rows = {"lower": [[-1] * D], "upper": [[1] * D]}
    return Instance(W1=W1, b1=[b1], Wbar1=W, bbar1=[bbar], **rows, regimes=(regime,))


def _fraction(x: Any) -> Fraction:
    return Fraction(int(x.p), int(x.q))


INSTANCES = Instances(draw, REGIMES)


def tuned_distance(instance: Instance) -> Any:
    """0 if and only if W_2 = Wbar W_1^{-1}, b_2 = bbar - W_2 b_1 give Wbar x + bbar."""
    x = instance.lift(EXACT)
    W2 = x.Wbar1 @ EXACT.inverse(x.W1)
    b2 = x.bbar1[0] - W2 @ x.b1[0]
    return squared_norm(W2 @ x.W1 - x.Wbar1) + squared_norm((W2 @ x.b1[0] + b2 - x.bbar1[0])[None])


def least_unit(instance: Instance) -> Any:
    """The least preactivation of the first layer on the box."""
    return min(
        box(instance).lowest(EXACT.matrix(instance.W1), EXACT) + EXACT.matrix(instance.b1)[0]
    )


def unseen(instance: Instance) -> tuple[Any, Any]:
    """x, y in the box for which only one unit of the first layer differs, and is off at both.

    From the middle c some way towards the corner where that unit is least, on to where it is
    negative; then along the direction in which only this unit changes, within the box.
    """
    (low, high), W1 = _ends(instance), EXACT.matrix(instance.W1)
    b1, c, half = EXACT.matrix(instance.b1)[0], (low + high) / 2, (high - low) / 2
    j = int(np.argmin(box(instance).lowest(W1, EXACT) + b1))
    signs = EXACT.matrix([[(w > 0) - (w < 0) for w in W1[j]]])[0]
    middle, corner = (W1 @ c + b1)[j], c - half * signs
    least = (W1 @ corner + b1)[j]
    share = larger(middle, EXACT.number(0))
    share = share / (share - least)
    share += (1 - share) / 8
    x = c + share * (corner - c)
    along, off = EXACT.inverse(W1)[:, j], -(W1 @ x + b1)[j] / 2
    room = [(1 - share) * h / abs(d) for h, d in zip(half, along, strict=True) if d != 0]
    return x, x + min(off, *room) * along


def _ends(instance: Instance) -> tuple[Any, Any]:
    return EXACT.matrix(instance.lower)[0], EXACT.matrix(instance.upper)[0]


def hidden_pair(instance: Instance) -> Any:
    """||fbar(x) - fbar(y)||^2 for x, y in the box that the tuned layers cannot tell apart."""
    (low, high), (x, y) = _ends(instance), unseen(instance)
    W1, b1 = EXACT.matrix(instance.W1), EXACT.matrix(instance.b1)[0]
    seen, seen_too = (relu_network([(W1, b1)], z[:, None], EXACT) for z in (x, y))
    assert (seen == seen_too).all()
    assert all(((low <= z) & (z <= high)).all() for z in (x, y))
    return squared_norm(of_target(instance, x[:, None]) - of_target(instance, y[:, None]))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """No tuned layers are exact: not these, or two inputs of the box tell."""
    if least_unit(instance) >= 0:
        label = "0 against the distance of tuned layers to the target on the box"
        yield below(label, 0, tuned_distance(instance))
    else:
        yield below("0 against what no tuned layers can tell apart", 0, hidden_pair(instance))


def always(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same layers claimed to be exact although the first layer has a kink in the box."""
    yield at_most("what no tuned layers can tell apart", hidden_pair(instance), 0)


def transposed(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W_2 = W_1^{-1} Wbar: the factors in the wrong order."""
    x = instance.lift(EXACT)
    W2 = EXACT.inverse(x.W1) @ x.Wbar1
    yield at_most("distance of W_2 W_1 to Wbar", squared_norm(W2 @ x.W1 - x.Wbar1), 0)


SHEAR = Instance(W1=[[1, 1], [0, 1]], b1=[[2, 1]], Wbar1=[[1, 0], [0, 2]], bbar1=[[9, 9]],
                 lower=[[-1, -1]], upper=[[1, 1]])  # fmt: skip
claim = Claim(
    name="zeng-lee/naive/final-layers-fail-on-bounded-sets",
    title="Tuning the last layers fails on bounded sets too (false)",
    source=Source(
        "zeng-lee", "", "our reading", "summary", corrected_by="zeng-lee/final-layer-tuning"
    ),
    statement=(
        r"Our reading, not a claim of the authors: for $\bar f(x) = \mathrm{ReLU}(\bar W x + \bar "
        r"b)$ no tuning of the last $L - 1$ layers gives $f = \bar f$ on a bounded set, outside a "
        r"null set of frozen weights. It is false: where $W_1 x + b_1 \ge 0$ on the set, $W_2 = "
        r"\bar W W_1^{-1}$ and $b_2 = \bar b - W_2 b_1$ are exact."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            None,
            Instances(draw, REGIMES[1:]),
            "exact although the first layer has a kink in the box",
            always,
        ),
        Control(None, (SHEAR,), "W_2 = W_1^{-1} Wbar", transposed),
    ),
    arithmetics=("exact",),
    note="The published contrast to adapters compares R^D with bounded sets, as commonly quoted.",
)
