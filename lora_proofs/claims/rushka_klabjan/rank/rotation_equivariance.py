"""Rotating the adapter changes nothing: (A, B) -> (QA, BQ') commutes with training.

For orthogonal Q the weight W0 + BA, and with it the gradient G, is the same at (QA, BQ') as at
(A, B). The field (-B'G, -GA') turns into (-QB'G, -GA'Q'), and so does every step of gradient
descent in each of its three modes: half steps see the same weight too. A field that commutes with
the rotation carries solutions into solutions, so by uniqueness the flow commutes with it.
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
    equal,
    rational,
    squared_norm,
)
from lora_proofs.claims.rushka_klabjan.rank.kernel_growth import A_START, B_START, FIELD
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import LIPSCHITZ_UNIQUENESS
from lora_proofs.mathematics.flows import METHODS, lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import GENERIC, W0, A, B, G, W, h, problem_values
from lora_proofs.mathematics.words import Identity, Relation, Symbol, along, substitute, word
from lora_proofs.strategies.any_loss import any_loss_problem
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import orthogonal_matrix
from lora_proofs.symbolic.steps import Step, assumed, cited, identity

Q = Symbol("Q", "r", "r")
ORTHOGONAL = Relation(Q.T @ Q, "=", Identity("r"))
REGIMES = (
    "generic", "zero B0", "rank deficient", "r = 1", "r = min(n, m)", "r > min(n, m)", "zero W0",
)  # fmt: skip
SAME_WEIGHT = "weight after the rotation"
FIELD_A, FIELD_B = "A' after the rotation", "B' after the rotation"
TURNED_A, TURNED_B = Q @ A, B @ Q.T


def orthogonal_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Q'Q = I, exactly."""
    turn = instance.lift(EXACT).turn
    yield equal("Q'Q", turn.mT @ turn, EXACT.identity(len(turn)))


def step_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """h >= 0."""
    yield at_least("h", EXACT.number(instance.h), 0)


def smooth_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The gradient moves at most ``Lf`` times as far as the weight, from W0 to W0 + B0 A0."""
    change, way = gradient_change(instance)
    yield at_most("squared change of the gradient", change, EXACT.number(instance.Lf) ** 2 * way)


def gradient_change(instance: Instance) -> tuple[Any, Any]:
    """The squared change of the gradient and of the weight, from W0 to W0 + B0 A0."""
    x, loss = instance.lift(EXACT), loss_from_instance(instance, EXACT)
    update = x.B0 @ x.A0
    change = loss.gradient(x.W0 + update, EXACT) - loss.gradient(x.W0, EXACT)
    return squared_norm(change), squared_norm(update)


orthogonal = Assumption("orthogonal", r"$Q^\top Q = I$", orthogonal_holds, relations=(ORTHOGONAL,))
step_size = Assumption(
    "step_size",
    r"$h \ge 0$",
    step_holds,
    technical="the sign of h plays no part",
    relations=(Relation(word(0), "<=", h),),
)
smooth = Assumption(
    "smooth",
    r"$\nabla f$ is locally Lipschitz",
    smooth_holds,
    technical="for the flow alone; the field and the steps need no more than a gradient",
)


def step_conclusions() -> Iterator[Relation]:
    """One step of each mode from (QA, BQ') is the rotated step from (A, B)."""
    modes = {
        "simultaneous": GENERIC.simultaneous,
        "A-first": GENERIC.a_first,
        "B-first": GENERIC.b_first,
    }
    for mode, (A_next, B_next) in modes.items():
        # Which factors each half step sees: by SAME_WEIGHT their rotated weight is theirs.
        A_sees = (A, B_next) if mode == "B-first" else (A, B)
        B_sees = (A_next, B) if mode == "A-first" else (A, B)
        turned_A = TURNED_A - h * ((A_sees[1] @ Q.T).T @ GENERIC.at(*A_sees))
        turned_B = TURNED_B - h * (GENERIC.at(*B_sees) @ (Q @ B_sees[0]).T)
        yield Relation(turned_A, "=", Q @ A_next, f"{mode}: A after a step")
        yield Relation(turned_B, "=", B_next @ Q.T, f"{mode}: B after a step")


CONCLUSION = (
    Relation(W0 + TURNED_B @ TURNED_A, "=", W, SAME_WEIGHT),
    *step_conclusions(),
    Relation(-(TURNED_B.T @ G), "=", Q @ -(B.T @ G), FIELD_A),
    Relation(-(G @ TURNED_A.T), "=", -(G @ A.T) @ Q.T, FIELD_B),
)


def derive() -> Iterator[Step]:
    """The flow by uniqueness; then the weight, the steps and the field."""
    yield (turn := assumed("orthogonal", ORTHOGONAL, "Q is orthogonal"))
    at_start = {A: A_START, B: B_START}
    starts = (
        identity(substitute(TURNED_A, at_start), Q @ A_START, "QA starts at QA0"),
        identity(substitute(TURNED_B, at_start), B_START @ Q.T, "BQ' starts at B0Q'"),
    )
    yield from starts
    fields = (-(TURNED_B.T @ G), -(G @ TURNED_A.T))
    for turned, field, start in zip((TURNED_A, TURNED_B), fields, starts, strict=True):
        why = "Q is constant; G is the gradient at the rotated weight too, which is the same"
        yield (solves := identity(along(turned, FIELD), field, why))
        yield cited(
            LIPSCHITZ_UNIQUENESS,
            "(QA, BQ') solves the flow from (QA0, B0Q'), and no other curve does",
            discharged_by={"solves": solves, "starts": start, "field": "smooth"},
        )
    weight, *rest = CONCLUSION
    cancel = "the rotations cancel, so gradients are taken at the same weight"
    yield identity(weight.left, weight.right, cancel, given=(turn,), label=weight.label)
    for relation in rest:
        why = "the gradient is the same, and the rotation goes to the outside"
        yield identity(relation.left, relation.right, why, label=relation.label)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Weight, steps and field at the rotated factors against those at the factors."""
    x, loss = instance.lift(ctx), loss_from_instance(instance, ctx)
    yield from compared(instance, ctx, x.turn @ x.A0, x.B0 @ x.turn.mT, x.turn, x.turn.mT)
    here = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    there = lora_vector_field(loss, x.W0, x.turn @ x.A0, x.B0 @ x.turn.mT, ctx)
    yield equal(FIELD_A, there[0], x.turn @ here[0])
    yield equal(FIELD_B, there[1], here[1] @ x.turn.mT)


def compared(
    instance: Instance, ctx: Arithmetic, A0: Any, B0: Any, left: Any, right: Any
) -> Iterator[Comparison]:
    """Weight and steps from (A0, B0) against those from the instance's start, turned."""
    x, loss = instance.lift(ctx), loss_from_instance(instance, ctx)
    yield equal(SAME_WEIGHT, x.W0 + B0 @ A0, x.W0 + x.B0 @ x.A0)
    for mode, step in METHODS.items():
        A_plus, B_plus = step(loss, x.W0, x.A0, x.B0, x.h, ctx)
        A_turned, B_turned = step(loss, x.W0, A0, B0, x.h, ctx)
        yield equal(f"{mode}: A after a step", A_turned, left @ A_plus)
        yield equal(f"{mode}: B after a step", B_turned, B_plus @ right)


def any_change_of_basis(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """An invertible change of basis, which keeps the weight: (A, B) -> (PA, B P^-1)."""
    x = instance.lift(ctx)
    P = 2 * ctx.identity(len(x.A0))
    P_inverse = ctx.inverse(P)
    yield from compared(instance, ctx, P @ x.A0, x.B0 @ P_inverse, P, P_inverse)


def transposed(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Q in place of Q' on the right."""
    x = instance.lift(ctx)
    yield from compared(instance, ctx, x.turn @ x.A0, x.B0 @ x.turn, x.turn, x.turn)


def draw(source: Draw, regime: str) -> Instance:
    """A problem with an orthogonal matrix of the adapter's rank and a step size."""
    problem = any_loss_problem(source, regime, h=source.choice(("1/8", "1/3", "1")))
    change, way = gradient_change(problem)
    problem = problem.replace(Lf=1 + rational(change / way if way else way))
    return problem.replace(turn=orthogonal_matrix(source, len(problem.A0)))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The shared symbols, the start, and the rotation."""
    x = instance.lift(ctx)
    return {**problem_values(instance, ctx), Q: x.turn, A_START: x.A0, B_START: x.B0}


def skewed(source: Draw, regime: str) -> Instance:
    """The same with a shear, which is invertible and not orthogonal."""
    problem = draw(source, regime)
    r = len(problem.A0)
    shear = EXACT.identity(r) + EXACT.matrix([[1] * r] * r)
    return problem.replace(turn=shear)


INSTANCES = Instances(draw, REGIMES)

claim = Claim(
    name="rushka-klabjan/rotation-equivariance",
    title="Rotating the adapter commutes with training",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"For orthogonal $Q$, $(A, B) \mapsto (QA, BQ^\top)$ keeps $W_0 + BA$ and commutes with "
        r"the field of the LoRA gradient flow of any differentiable loss and with one step of "
        r"gradient descent in each of the three modes; where $\nabla f$ is locally Lipschitz it "
        r"hence commutes with the flow."
    ),
    assumptions=(orthogonal, step_size, smooth),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(orthogonal, Instances(skewed, ("generic",)), "a shear in place of a rotation"),
        Control(
            None,
            Instances(draw, ("generic",)),
            "an invertible change of basis that is not orthogonal",
            any_change_of_basis,
        ),
        Control(
            None,
            Instances(draw, ("r = min(n, m)",)),
            "the rotation is not transposed on the right",
            transposed,
        ),
    ),
    note="Only orthogonal matrices: a change of basis by GL(r) keeps the weight, not the flow.",
)
