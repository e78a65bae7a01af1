"""The flow is Hoelder-1/2 in time: ||theta(t) - theta(s)||^2 <= (t - s)(g(s) - g(t)).

The loss falls at the square of the speed, so by Cauchy-Schwarz in time the squared length of the
way is at most the time taken times the fall of the loss. No bound on iterates is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most, below
from lora_proofs.claims.rushka_klabjan.preliminaries import solutions
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import flows as lemmas
from lora_proofs.language.lemmas.calculus import ELAPSED, LATER, POINT, VELOCITY
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import frobenius
from lora_proofs.mathematics.notation import W0, A, B, G, W, f
from lora_proofs.mathematics.words import Relation, Word, along, squared_norm, word
from lora_proofs.symbolic.steps import Step, cited, identity

LABEL = "squared way against time times fall of the loss"
FIELD: dict[Any, Word] = {A: -(B.T @ G), B: -(G @ A.T)}
FALL = -(squared_norm(B.T @ G) + squared_norm(G @ A.T))


def value_at(factors: tuple[Any, Any]) -> Word:
    """f(W0 + BA) at a pair of factors."""
    return f(W0 + factors[1] @ factors[0])


WAY = frobenius(*(z - y for z, y in zip(LATER, POINT, strict=True)))
CONCLUSION = Relation(WAY**2, "<=", ELAPSED * (value_at(POINT) - value_at(LATER)), LABEL)


def way(by: str, *, label: str = "") -> Iterator[Step]:
    """The dissipation of the loss, and the length of the way by it."""
    speed = frobenius(*FIELD.values())
    why = "chain rule and cyclic trace: the loss falls at the square of the speed"
    yield (falls := identity(along(f(W), FIELD), -(speed**2), why))
    substitution: dict[Any, Any] = {
        lemmas.ENERGY_RATE: along(f(W), FIELD),
        lemmas.ENERGY: value_at(POINT),
        lemmas.LATER_ENERGY: value_at(LATER),
        **dict(zip(VELOCITY, FIELD.values(), strict=True)),
    }
    yield cited(
        lemmas.ENERGY_LENGTH,
        "Cauchy-Schwarz in time",
        substitution=substitution,
        discharged_by={"dissipation": falls, "solution": by},
        label=label,
    )


def derive() -> Iterator[Step]:
    """Energy identity, then the lemma."""
    yield from way("flow", label=LABEL)


flow = Assumption(
    "flow",
    r"$\theta = (A, B)$ solves $\dot A = -B^\top G$, $\dot B = -G A^\top$ on $[s, t]$, $0 \le s < "
    r"t$, with $f$ continuously differentiable",
    solutions.ordered,
    relations=(Relation(word(0), "<=", ELAPSED),),
)


def sides(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any]:
    """The squared way, the time taken, and the fall of the loss."""
    first, last = solutions.between(instance, ctx)
    fall = solutions.loss_at(instance, first, ctx) - solutions.loss_at(instance, last, ctx)
    return solutions.squared_distance(last, first), ctx.number(instance.t - instance.s), fall


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound between the two times."""
    left, elapsed, fall = sides(instance, ctx)
    yield at_most(LABEL, left, elapsed * fall)


def halved(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Half of the bound, as if the loss were the square of the speed without its two blocks."""
    left, elapsed, fall = sides(instance, ctx)
    yield at_most(LABEL, left, elapsed * fall / 2)


def linear(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The square of the time in place of the time, with the fall for the squared speed."""
    left, elapsed, fall = sides(instance, ctx)
    yield at_most(LABEL, left, elapsed**2 * fall)


def strictly_shorter(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The way always below the bound: at rest both are 0."""
    left, elapsed, fall = sides(instance, ctx)
    yield below(LABEL, left, elapsed * fall)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Both times, and the field at time s."""
    return {**solutions.symbols(instance, ctx), ELAPSED: ctx.number(instance.t - instance.s)}


SHORT = Instance(
    loss="frobenius", W0=[[0]], Y=[[2]], A0=[[1]], B0=[["1/2"]], s=0, t=Fraction(1, 16), floor=0
)
AT_REST = SHORT.replace(A0=[[0]], B0=[[0]])
UNEQUAL = Instance(
    loss="frobenius", W0=[[0, 0]], Y=[[1, 2]], A0=[[1, 1]], B0=[["1/2"]],
    s=0, t="1/16", floor=0, eta_B=16,
)  # fmt: skip

claim = Claim(
    name="rushka-klabjan/hoelder-in-time",
    title="The flow is Hoelder-1/2 in time",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Along the LoRA gradient flow of a continuously differentiable $f$, with $\theta = (A, "
        r"B)$ and $g = f(W_0 + BA)$: $\|\theta(t) - \theta(s)\|^2 \le (t - s)\,(g(s) - g(t))$ for "
        r"$0 \le s < t$."
    ),
    assumptions=(flow,),
    instances=Instances(solutions.draw, solutions.REGIMES),
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(
        Control(flow, (UNEQUAL,), "B learns 16 times as fast as A: the loss falls too slowly"),
        Control(None, (SHORT,), "half of the bound", halved),
        Control(None, (AT_REST,), "a way strictly below the bound, at rest", strictly_shorter),
        Control(None, (SHORT,), "a Lipschitz bound with the fall in place of a speed", linear),
    ),
    arithmetics=("ball", "multiprecision"),
)
