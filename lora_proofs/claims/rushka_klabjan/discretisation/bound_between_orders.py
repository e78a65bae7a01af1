"""Iterates of two orders of the updates are within the sum of their distances from the flow.

Each of the two is within C h (e^{LT} - 1) / L of the flow (gradient-flow-limit); the triangle
inequality does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most, below, squared_norm
from lora_proofs.claims.rushka_klabjan.discretisation import gradient_flow_limit as limit
from lora_proofs.claims.rushka_klabjan.discretisation import limit_proof as proof
from lora_proofs.claims.rushka_klabjan.discretisation import limit_runs as runs
from lora_proofs.language.claim import Claim, Control, Source
from lora_proofs.mathematics import limit_constants as c
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.notation import h
from lora_proofs.mathematics.words import Relation, Word
from lora_proofs.symbolic.steps import Step, inequality

PAIRS = tuple(combinations(c.MODES, 2))


def apart(one: c.Mode, other: c.Mode) -> Word:
    """The distance of two iterates."""
    return c.frobenius(one.A - other.A, one.B - other.B)


def label(one: str, other: str) -> str:
    """The name of a line of the conclusion."""
    return f"{one} against {other}: step k"


CONCLUSION = tuple(
    Relation(
        c.L * apart(one, other),
        "<=",
        (one.constant + other.constant) * h * (c.GROWTH - 1),
        label(one.name, other.name),
    )
    for one, other in PAIRS
)


def derive() -> Iterator[Step]:
    """The bounds of gradient-flow-limit, and the triangle inequality for each pair."""
    wanted = {relation.label for relation in proof.conclusion()}
    ends: list[Step] = []
    for step in proof.derive():
        yield step
        if step.relation is not None and step.relation.label in wanted:
            ends.append(step)
        if len(ends) == len(wanted):
            break
    bounds = dict(zip((mode.name for mode in c.MODES), ends, strict=True))
    splits = [by_way_of_the_flow(one, other) for one, other in PAIRS]
    yield from splits
    for (one, other), relation, split in zip(PAIRS, CONCLUSION, splits, strict=True):
        uses = (split, bounds[one.name], bounds[other.name])
        why = "both are near the flow"
        yield proof.combined(relation.left, relation.right, why, *uses, label=relation.label)


def by_way_of_the_flow(one: c.Mode, other: c.Mode) -> Step:
    """The distance is at most the sum of both errors."""
    back = c.frobenius(c.A_FLOW - other.A, c.B_FLOW - other.B)
    sides = c.error(one) + back
    return inequality(apart(one, other), sides, "by way of the flow", rule="triangle")


def gaps(instance: Instance, ctx: Arithmetic) -> Iterator[tuple[str, Any, Any]]:
    """For each pair at step k: L times the distance, and the bound."""
    found, x, k = runs.run(instance, ctx), instance.lift(ctx), int(instance.steps) - 1
    constants = runs.constants(instance, ctx)
    growth = ctx.exp(constants["L"] * x.T) - 1
    for one, other in combinations(runs.MODES, 2):
        (A, B), (u, v) = found.iterates[one][k], found.iterates[other][k]
        distance = ctx.sqrt(squared_norm(A - u) + squared_norm(B - v))
        allowed = (constants[one] + constants[other]) * x.h * growth
        yield label(one, other), constants["L"] * distance, allowed


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The iterates of each pair of orders, as the algorithm runs them."""
    for name, left, right in gaps(instance, ctx):
        yield at_most(name, left, right)


def an_eighth(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """An eighth of the bound."""
    for name, left, right in gaps(instance, ctx):
        yield at_most(name, left, right * ctx.number(Fraction(1, 8)))


def second_order(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound of one step, which is of second order, claimed of all."""
    for name, left, right in gaps(instance, ctx):
        yield at_most(name, left, right * ctx.number(instance.h))


def strictly(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound claimed never to be attained."""
    for name, left, right in gaps(instance, ctx):
        yield below(name, left, right)


INSTANT = Fraction(1, 10**12)
TIGHT = Instance(
    loss="frobenius", W0=[[0]], Y=[[10**6]], A0=[[100]], B0=[[100]], T=2 * INSTANT, h=INSTANT,
    steps=2, RA=143, RB=143, M2=990001, MF=990001, Lf=1, K=200220000,
)  # fmt: skip
COARSE = TIGHT.replace(T=2000 * INSTANT, h=1000 * INSTANT)
AT_REST = Instance(
    loss="trace-squared", W0=[[0]], A0=[[0]], B0=[[0]], T=1, h="1/2", steps=2, RA=0, RB=0, M2=1,
    MF=0, Lf=1, K=0,
)  # fmt: skip

claim = Claim(
    name="rushka-klabjan/bound-between-orders",
    title="Iterates of two orders are within a first-order bound",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"Let $\theta_k$ and $\theta'_k$ be the iterates of two of the three modes from one start, "
        r"with constants $C$ and $C'$ among $C_{\mathrm{sim}}$, $C_{AB}$, $C_{BA}$. With the "
        r"hypotheses and "
        r"constants of gradient-flow-limit, $L\,\|\theta_k - \theta'_k\| \le (C + C') h\,(e^{LT} - "
        r"1)$ for all $kh \le T$."
    ),
    assumptions=limit.ASSUMPTIONS,
    instances=limit.INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=limit.interpret,
    controls=(
        *limit.CONTROLS,
        Control(None, (TIGHT, COARSE), "an eighth of the bound", an_eighth),
        Control(None, (TIGHT,), "the order of one step claimed of all", second_order),
        Control(None, (AT_REST,), "a bound that is never attained: at rest", strictly),
    ),
    arithmetics=("ball",),
    note="How far two orders part to first order, and that it is no less, is order-of-the-gap.",
)
