"""The h^2 coefficient of a sequential step minus the simultaneous one, for every smooth loss.

The difference is h times a gap: for B after A-first it is G A' - G(A+, B) A+'. The gap is 0 at
h = 0, because A+ = A there; its derivative at 0 has one term from the moved factor, G G'B, and one
from the moved gradient, H[B B'G] A', where H is the Hessian of the loss at W0 + BA.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import (
    INSTANCES,
    SCALAR,
    gradient,
    stepped,
)
from lora_proofs.language.claim import Claim, Control, Source
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import GENERIC, W0, A, B, G, W, f, h, problem_values
from lora_proofs.mathematics.words import Named, Relation, Word, Zero, along, substitute, word
from lora_proofs.symbolic.steps import Step, identity

LATE_B, LATE_A = "B after A-first minus simultaneous", "A after B-first minus simultaneous"
A_MOVED, B_MOVED = GENERIC.simultaneous
GAP_B = Named("Delta_B", G @ A.T - f.gradient(W0 + B @ A_MOVED) @ A_MOVED.T, r"\Delta_B")
GAP_A = Named("Delta_A", B.T @ G - B_MOVED.T @ f.gradient(W0 + B_MOVED @ A), r"\Delta_A")
SQUARE_B = G @ G.T @ B + f.gradient(W, B @ B.T @ G) @ A.T
SQUARE_A = A @ G.T @ G + B.T @ f.gradient(W, G @ A.T @ A)


def at_zero(expression: Word) -> Word:
    """The expression at h = 0."""
    return substitute(expression, {h: 0})


def slope(expression: Word) -> Word:
    """The derivative in h at h = 0."""
    return at_zero(along(expression, {h: word(1)}))


def relations() -> Iterator[Relation]:
    """The difference is h times a gap; value and derivative of the gap at h = 0."""
    late_B = GENERIC.a_first[1] - GENERIC.simultaneous[1]
    late_A = GENERIC.b_first[0] - GENERIC.simultaneous[0]
    yield Relation(late_B, "=", h * GAP_B, f"{LATE_B}: h times a gap")
    yield Relation(late_A, "=", h * GAP_A, f"{LATE_A}: h times a gap")
    yield Relation(at_zero(GAP_B), "=", Zero("n", "r"), f"{LATE_B}: no first-order term")
    yield Relation(at_zero(GAP_A), "=", Zero("r", "m"), f"{LATE_A}: no first-order term")
    yield Relation(slope(GAP_B), "=", SQUARE_B, f"{LATE_B}: h^2 coefficient")
    yield Relation(slope(GAP_A), "=", SQUARE_A, f"{LATE_A}: h^2 coefficient")


CONCLUSION = tuple(relations())


def derive() -> Iterator[Step]:
    """Expand the steps, then differentiate the gap once."""
    for relation in CONCLUSION:
        why = "expand both steps; the moved factor and the moved gradient each give one term"
        yield identity(relation.left, relation.right, why, label=relation.label)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The problem at its own step size."""
    return problem_values(instance, ctx)


def differences(instance: Instance, ctx: Arithmetic, h: Any = None) -> tuple[Any, Any]:
    """B after A-first and A after B-first, each minus the simultaneous step of the same size."""
    A_sim, B_sim = stepped(instance, ctx, "simultaneous", h=h)
    late_B = stepped(instance, ctx, "A-first", h=h)[1] - B_sim
    return late_B, stepped(instance, ctx, "B-first", h=h)[0] - A_sim


def coefficient(values: list[Any], order: int, ctx: Arithmetic) -> Any:
    """A coefficient (0, 1 or 2) of a polynomial of degree at most 4, from its values at 0 to 4.

    A step of a loss that is at most cubic is such a polynomial in h.
    """
    weights = {0: (24, 0, 0, 0, 0), 1: (-50, 96, -72, 32, -6), 2: (35, -104, 114, -56, 11)}[order]
    total = values[0] * ctx.number(0)
    for weight, value in zip(weights, values, strict=True):
        total = total + value * ctx.number(weight)
    return total * ctx.number("1/24")


def squares(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """The two h^2 coefficients of the statement in numbers."""
    x, loss, G0 = instance.lift(ctx), loss_from_instance(instance), gradient(instance, ctx)
    at = x.W0 + x.B0 @ x.A0
    of_B = G0 @ G0.mT @ x.B0 + loss.hessian(at, x.B0 @ x.B0.mT @ G0, ctx) @ x.A0.mT
    return of_B, x.A0 @ G0.mT @ G0 + x.B0.mT @ loss.hessian(at, G0 @ x.A0.mT @ x.A0, ctx)


def gaps(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """The gaps in numbers, from the gradient where the algorithm takes it."""
    x, loss, G0 = instance.lift(ctx), loss_from_instance(instance), gradient(instance, ctx)
    A1, B1 = stepped(instance, ctx, "simultaneous")
    of_B = G0 @ x.A0.mT - loss.gradient(x.W0 + x.B0 @ A1, ctx) @ A1.mT
    return of_B, x.B0.mT @ G0 - B1.mT @ loss.gradient(x.W0 + B1 @ x.A0, ctx)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The steps as the algorithm runs them; coefficients by interpolation in h."""
    sampled = [differences(instance, ctx, size) for size in range(5)]
    here = differences(instance, ctx)
    for k, label in enumerate((LATE_B, LATE_A)):
        values = [pair[k] for pair in sampled]
        size = instance.lift(ctx).h
        yield equal(f"{label}: h times a gap", here[k], size * gaps(instance, ctx)[k])
        flat = coefficient(values, 1, ctx)
        yield equal(f"{label}: no first-order term", flat, ctx.zeros(*flat.shape))
        found = coefficient(values, 2, ctx)
        yield equal(f"{label}: h^2 coefficient", found, squares(instance, ctx)[k])


def second(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """The h^2 coefficients by interpolation."""
    of_B, of_A = zip(*(differences(instance, ctx, size) for size in range(5)), strict=True)
    return coefficient(list(of_B), 2, ctx), coefficient(list(of_A), 2, ctx)


def hessian_lost(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Only the moved factor is seen, not the moved gradient."""
    G0, B0 = gradient(instance, ctx), instance.lift(ctx).B0
    label = f"{LATE_B}: h^2 coefficient without the Hessian"
    yield equal(label, second(instance, ctx)[0], G0 @ G0.mT @ B0)


def factor_lost(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Only the moved gradient is seen, not the moved factor."""
    G0, B0 = gradient(instance, ctx), instance.lift(ctx).B0
    moved = squares(instance, ctx)[0] - G0 @ G0.mT @ B0
    label = f"{LATE_B}: h^2 coefficient without G G'B"
    yield equal(label, second(instance, ctx)[0], moved)


def both_moves(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The Hessian along the whole step, G A'A + B B'G, in place of the factor that moved."""
    x, loss, G0 = instance.lift(ctx), loss_from_instance(instance), gradient(instance, ctx)
    at, along_step = x.W0 + x.B0 @ x.A0, G0 @ x.A0.mT @ x.A0 + x.B0 @ x.B0.mT @ G0
    wrong = G0 @ G0.mT @ x.B0 + loss.hessian(at, along_step, ctx) @ x.A0.mT
    yield equal(f"{LATE_B}: Hessian along both moves", second(instance, ctx)[0], wrong)


claim = Claim(
    name="rushka-klabjan/one-step-difference-general",
    title="Sequential against simultaneous: the second-order term",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"For a twice continuously differentiable loss with gradient $G$ and Hessian action "
        r"$H[X]$ at $W_0 + BA$: $B_+^{AB} - B_+^{\mathrm{sim}} = h\,\Delta_B(h)$ and "
        r"$A_+^{BA} - A_+^{\mathrm{sim}} = h\,\Delta_A(h)$ with $\Delta_B(0) = 0$, "
        r"$\Delta_A(0) = 0$, "
        r"$\Delta_B'(0) = GG^\top B + H[BB^\top G]A^\top$ and "
        r"$\Delta_A'(0) = AG^\top G + B^\top H[GA^\top A]$: to second order the steps differ by "
        r"$h^2$ times these."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, (SCALAR,), "the Hessian term is left out", hessian_lost),
        Control(None, (SCALAR,), "the term of the moved factor is left out", factor_lost),
        Control(None, (SCALAR,), "the Hessian is taken along both moves", both_moves),
    ),
    note=(
        "The losses of the check are at most cubic, so that steps are polynomials in h of degree "
        "4 and coefficients are interpolated exactly. The remainder is O(h^3) where the loss has "
        "bounded third derivatives; one-step-difference gives it exactly for two losses, and "
        "one-step-bound bounds the whole difference with a Lipschitz gradient alone."
    ),
)
