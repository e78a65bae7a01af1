"""False reading: from B0 = 0 the flow keeps the greedy set of directions, whatever A0 is.

It does so if the rows of A0 are orthogonal and of one length. If they are not, a direction that the
greedy rule leaves out may come in: the loss then falls below the loss of the greedy limit, and a
loss that never grows cannot come back to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below, equal
from lora_proofs.claims.rushka_klabjan.frobenius import riccati_bound as toward
from lora_proofs.claims.rushka_klabjan.frobenius.greedy_limit import greedy
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies.draw import Draw, ratio

TIME = 4
ORTHOGONAL, SKEWED = "orthogonal rows", "skewed rows"


def draw(source: Draw, regime: str) -> Instance:
    """E = diag(s, 1) beside a zero column; A0 V_2 is singular, so the greedy set lacks 2."""
    s, a = ratio(source, 4, 8, 2), ratio(source, 2, 6, 4)
    if regime == ORTHOGONAL:
        first, second, third = Fraction(3, 5) * a, Fraction(4, 5) * a, a
        rows = [[first, second, 0], [0, 0, third]]
    else:
        rows = [[a, 2 * a, 0], [a, 2 * a, ratio(source, 3, 6, 4)]]
    zero = {"W0": EXACT.zeros(2, 3), "B0": EXACT.zeros(2, 2)}
    return Instance(regimes=(regime,), **zero, Y=[[s, 0, 0], [0, 1, 0]], A0=rows)


INSTANCES = Instances(draw, (SKEWED, ORTHOGONAL))


def start(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0 and A0 of full row rank."""
    A0, B0 = EXACT.matrix(instance.A0), EXACT.matrix(instance.B0)
    yield equal("||B0||^2", (B0 * B0).sum(), EXACT.number(0))
    yield at_least("rank of A0 against r", EXACT.rank(A0), len(A0))


lora_start = Assumption(
    "lora_start",
    r"$B_0 = 0$ and $A_0$ has full row rank",
    start,
    technical="another start is not what the reading is about",
)


def of_set(instance: Instance, S: list[int]) -> Any:
    """1/2 sum of sigma_i^2 over i not in S, exactly."""
    return sum(v for i, v in enumerate(toward.squares(instance)) if i not in S) / 2


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A limit on the greedy set needs that the loss is never below the loss of that limit."""
    flow = enclosed(instance)
    floor = of_set(instance, greedy(instance))
    yield at_least(f"loss at t = {TIME} against the loss of the greedy limit", flow.loss, floor)


def enclosed(instance: Instance) -> Any:
    """The flow in balls that surely hold."""
    x = instance
    return lora_field(frobenius(x.Y), x.W0, x.A0, x.B0).enclosure(TIME, digits=8)


def leading_for_every_start(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both leading directions claimed of orthogonal rows too; blocked ones keep out the second."""
    yield at_most(f"loss at t = {TIME}", enclosed(instance).loss, Fraction(1, 4))


def set_is_everything(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The greedy set taken for {1, 2}."""
    yield below("second member of the greedy set, from 0", greedy(instance)[1], 2)


claim = Claim(
    name="rushka-klabjan/naive/greedy-for-every-start",
    title="The greedy set is kept from every A0 (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/frobenius-greedy-limit",
    ),
    statement=(
        r"Our reading, not a claim of the authors: from $B_0 = 0$ and any $A_0$ of full row rank "
        r"the Frobenius LoRA flow ends at $\sum_{i \in S} \sigma_i u_i v_i^\top$ with the greedy "
        r"set $S$ of the indices for which $v_i$ adds to the rank of $A_0 V_{1:i}$. It is false: "
        r"that holds for rows of $A_0$ that are orthogonal and of one length; for others the loss "
        r"can fall below the loss of that limit, and it never grows."
    ),
    assumptions=(lora_start,),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(
            None,
            Instances(draw, (ORTHOGONAL,)),
            "the optimum claimed of orthogonal rows that are blocked",
            leading_for_every_start,
        ),
        Control(
            None,
            INSTANCES,
            "the greedy set taken for the leading directions",
            set_is_everything,
        ),
    ),
    note="Enclosed flows: the loss at t = 4 is below the loss of the greedy limit, for certain.",
)
