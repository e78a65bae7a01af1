"""All three updates agree to first order in the step size, with the flow's vector field.

At h = 0 each update is (A, B), and its derivative in h is (-B'G, -G A'), for every twice
differentiable loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import METHODS
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import GENERIC, A, B, G, h, problem_values
from lora_proofs.mathematics.words import Relation, Word, along, substitute, word
from lora_proofs.strategies.any_loss import REGIMES, any_loss_problem
from lora_proofs.symbolic.steps import Step, identity

INSTANCES = Instances(any_loss_problem, REGIMES)
MODES = {
    "simultaneous": GENERIC.simultaneous,
    "A-first": GENERIC.a_first,
    "B-first": GENERIC.b_first,
}


def at_zero(update: Word) -> Word:
    """The update for h = 0."""
    return substitute(update, {h: 0})


def slope(update: Word) -> Word:
    """The derivative of the update in h at h = 0."""
    return substitute(along(update, {h: word(1)}), {h: 0})


def relations() -> Iterator[Relation]:
    """Value and derivative at h = 0 of both factors in every mode."""
    for mode, (new_A, new_B) in MODES.items():
        yield Relation(at_zero(new_A), "=", A, f"{mode}: A at h = 0")
        yield Relation(at_zero(new_B), "=", B, f"{mode}: B at h = 0")
        yield Relation(slope(new_A), "=", -(B.T @ G), f"{mode}: A to first order")
        yield Relation(slope(new_B), "=", -(G @ A.T), f"{mode}: B to first order")


CONCLUSION = tuple(relations())


def derive() -> Iterator[Step]:
    """Differentiate each update once; the moved gradient contributes only with a factor h."""
    for relation in CONCLUSION:
        why = "terms with a factor h left vanish at h = 0"
        yield identity(relation.left, relation.right, why, label=relation.label)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The linear coefficient in h of the steps as the algorithm runs them, against the field."""
    yield from _compared(instance, ctx, lambda name, found, field: (name, found, field))


def _compared(
    instance: Instance, ctx: Arithmetic, change: Callable[..., Any]
) -> Iterator[Comparison]:
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    G0 = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    for mode, step in METHODS.items():
        at = [step(loss, x.W0, x.A0, x.B0, size, ctx) for size in range(5)]
        for k, (name, start, field) in enumerate(
            (("A", x.A0, -(x.B0.mT @ G0)), ("B", x.B0, -(G0 @ x.A0.mT)))
        ):
            yield equal(f"{mode}: {name} at h = 0", at[0][k], start)
            slope = linear_coefficient([factors[k] for factors in at], ctx)
            yield equal(*change(f"{mode}: {name} to first order", slope, field))


def linear_coefficient(values: list[Any], ctx: Arithmetic) -> Any:
    """The linear coefficient of a polynomial of degree at most 4, from its values at 0, 1, 2, 3, 4.

    A step of a loss that is at most cubic is such a polynomial in h.
    """
    weights = (-25, 48, -36, 16, -3)
    total = values[0] * ctx.number(0)
    for weight, value in zip(weights, values, strict=True):
        total = total + value * ctx.number(weight)
    return total * ctx.number("1/12")


def uphill(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The sign of the field flipped."""
    yield from _compared(instance, ctx, lambda name, found, field: (name, found, -field))


def doubled(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A factor 1.001 in the field."""
    factor = ctx.number("1.001")
    yield from _compared(instance, ctx, lambda name, found, field: (name, found, factor * field))


def second_order(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The three updates claimed equal to second order too: the h^2 coefficients differ."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    G0 = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    moved = G0 @ G0.mT @ x.B0 + loss.hessian(x.W0 + x.B0 @ x.A0, x.B0 @ x.B0.mT @ G0, ctx) @ x.A0.mT
    yield equal("h^2 coefficient of A-first minus simultaneous", moved, ctx.zeros(*moved.shape))


claim = Claim(
    name="rushka-klabjan/first-order-equality",
    title="Simultaneous and sequential updates agree to first order",
    source=Source("rushka-klabjan", "Theorem 2.4", "reconstructed", "summary"),
    statement=(
        r"For every twice differentiable loss, one step of size $h$ from $(A, B)$, simultaneous, "
        r"$A$-first or $B$-first, is $(A, B) + h\,(-B^\top G, -G A^\top)$ to first order in $h$: "
        r"the "
        "same first-order term, which is the vector field of the gradient flow."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=lambda instance, ctx: {**problem_values(instance, ctx), h: ctx.number(0)},
    controls=(
        Control(None, INSTANCES, "the field points uphill", uphill),
        Control(None, INSTANCES, "the field is multiplied by 1.001", doubled),
        Control(None, INSTANCES, "equality is claimed to second order", second_order),
    ),
    note="One ingredient of the limit statement; the limit itself is gradient-flow-limit.",
)
