"""A simultaneous step moves B'B - AA' by at most h^2 times the squared norm of the gradient of g.

Summed over the steps up to T the drift is at most T h times the largest ||grad g||^2, of first
order in h.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, squared_norm
from lora_proofs.claims.rushka_klabjan.discretisation.discrete_drift import balance, change
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import REGIMES, SCALAR, gradient
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import draw as draw_step
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import frobenius
from lora_proofs.mathematics.notation import GENERIC, A, B, G, h, problem_values
from lora_proofs.mathematics.words import Relation, word
from lora_proofs.mathematics.words import squared_norm as squared
from lora_proofs.symbolic.steps import Step, identity, inequality

LABEL = "change of B'B - AA' in one step"
PUSH, PULL = G @ A.T, B.T @ G
LEFT = frobenius(balance(*GENERIC.simultaneous) - balance(A, B))
RIGHT = h**2 * (squared(PUSH) + squared(PULL))
CONCLUSION = (Relation(LEFT, "<=", RIGHT, LABEL),)
INSTANCES = Instances(draw_step, REGIMES)


def derive() -> Iterator[Step]:
    """The exact change, the triangle inequality, and ||X'X|| <= ||X||^2."""
    grown, shrunk = frobenius(PUSH.T @ PUSH), frobenius(-PULL @ PULL.T)
    top, small = h**2 * grown + h**2 * shrunk, "a product is bounded by its factors"
    yield (split := inequality(LEFT, top, "what is linear in h cancels", rule="triangle"))
    right = frobenius(PUSH.T) * frobenius(PUSH)
    yield (one := inequality(grown, right, small, rule="submultiplicative"))
    right = frobenius(-PULL) * frobenius(PULL.T)
    yield (two := inequality(shrunk, right, small, rule="submultiplicative"))
    squares = [
        identity(frobenius(X) ** 2, squared(X), "the square of the norm") for X in (PUSH, PULL)
    ]
    yield from squares
    uses = (split, one, two, *squares)
    yield inequality(LEFT, RIGHT, "collect", rule="combine", uses=uses, label=LABEL)


def sizes(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any]:
    """||D+ - D||, ||G A'||^2 and ||B'G||^2."""
    x, G0 = instance.lift(ctx), gradient(instance, ctx)
    moved = ctx.sqrt(squared_norm(change(instance, ctx, "simultaneous")))
    return moved, squared_norm(G0 @ x.A0.mT), squared_norm(x.B0.mT @ G0)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The change of a step against the bound."""
    moved, push, pull = sizes(instance, ctx)
    yield at_most(LABEL, moved, ctx.number(instance.h) ** 2 * (push + pull))


def one_part(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound with one of the two squares left out."""
    moved, _, pull = sizes(instance, ctx)
    yield at_most("change without ||G A'||^2", moved, ctx.number(instance.h) ** 2 * pull)


def third_order(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A bound of third order in h."""
    moved, push, pull = sizes(instance, ctx)
    yield at_most("change against h^3", moved, ctx.number(instance.h) ** 3 * (push + pull))


def sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The step size is not negative."""
    yield at_least("h", EXACT.number(instance.h), 0)


step_size = Assumption(
    "step_size",
    r"$h \ge 0$",
    sign,
    technical="only h^2 occurs; a negative step size is no descent",
    relations=(Relation(word(0), "<=", h),),
)

claim = Claim(
    name="rushka-klabjan/drift-bound",
    title="A bound on the drift of B'B - AA' in one step",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"A simultaneous step of size $h \ge 0$ changes $D = B^\top B - AA^\top$ by at most "
        r"$\|D_+ - D\|_F \le h^2(\|GA^\top\|_F^2 + \|B^\top G\|_F^2) = h^2\|\nabla g\|^2$."
    ),
    assumptions=(step_size,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=problem_values,
    controls=(
        Control(None, (SCALAR,), "the part of B is left out", one_part),
        Control(None, (SCALAR,), "a bound of order h^3", third_order),
    ),
    note="Over T/h steps the drift is at most T h max ||grad g||^2: of first order in h.",
)
