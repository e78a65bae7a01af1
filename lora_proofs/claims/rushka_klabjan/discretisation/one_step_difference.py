"""The exact difference of the sequential steps from the simultaneous one, for both losses.

With R = W0 + B A - Y (Frobenius) and s = tr(W0 + B A) (trace-squared), one step of size h:
A-first changes only B, B-first only A, by terms in h^2 and h^3 that are given exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal, squared_norm, trace
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics import flows, words
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import (
    A_SQUARE,
    FROBENIUS,
    W0,
    W0_SQUARE,
    A,
    B,
    Steps,
    W,
    Y,
    h,
    problem_values,
)
from lora_proofs.mathematics.words import Relation, Trace
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, identity

TRACE_SQUARED = Steps(A_SQUARE, B, W0_SQUARE, lambda X: Trace(X) * words.Identity("n"))
REGIMES = tuple(
    f"{loss}, {regime}"
    for loss in ("frobenius", "trace-squared")
    for regime in ("generic", "zero B0", "r > min(n, m)")
)


def draw(source: Draw, regime: str) -> Instance:
    """A problem of one of the two losses with a rational step size."""
    loss, kind = regime.split(", ", 1)
    step = source.choice(("1/10", "1/2", "1", "3/7"))
    return lora_problem(source, kind, loss=loss, h=step).replace(regimes=(regime,))


INSTANCES = Instances(draw, REGIMES)


def frobenius_relations() -> tuple[Relation, ...]:
    """The differences for 1/2 ||W - Y||_F^2."""
    R = words.Named("R", W - Y)
    late_B = FROBENIUS.a_first[1] - FROBENIUS.simultaneous[1]
    late_A = FROBENIUS.b_first[0] - FROBENIUS.simultaneous[0]
    in_B = h**2 * (R @ R.T @ B + B @ B.T @ R @ A.T) - h**3 * (B @ B.T @ R @ R.T @ B)
    in_A = h**2 * (A @ R.T @ R + B.T @ R @ A.T @ A) - h**3 * (A @ R.T @ R @ A.T @ A)
    return (
        Relation(late_B, "=", in_B, "frobenius: B after A-first minus simultaneous"),
        Relation(late_A, "=", in_A, "frobenius: A after B-first minus simultaneous"),
    )


def trace_squared_relations() -> tuple[Relation, ...]:
    """The differences for 1/2 (tr W)^2."""
    A = A_SQUARE
    s = words.Named("s", Trace(W0_SQUARE + B @ A))
    late_B = TRACE_SQUARED.a_first[1] - TRACE_SQUARED.simultaneous[1]
    late_A = TRACE_SQUARED.b_first[0] - TRACE_SQUARED.simultaneous[0]
    b, a = words.squared_norm(B), words.squared_norm(A)
    in_B = h**2 * (s**2 * B + (s * b) * A.T) - (h**3 * s**2 * b) * B
    in_A = h**2 * (s**2 * A + (s * a) * B.T) - (h**3 * s**2 * a) * A
    return (
        Relation(late_B, "=", in_B, "trace-squared: B after A-first minus simultaneous"),
        Relation(late_A, "=", in_A, "trace-squared: A after B-first minus simultaneous"),
    )


CONCLUSION = (*frobenius_relations(), *trace_squared_relations())


def derive() -> Iterator[Step]:
    """Expand both modes; the gradients of both losses are affine in W."""
    for relation in CONCLUSION:
        why = "expand one step of each mode; the gradient is affine in W"
        yield identity(relation.left, relation.right, why, label=relation.label)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Symbols of the loss that the instance is about; the other loss's lines stay open."""
    values = problem_values(instance, ctx)
    if instance.loss == "trace-squared":
        return {A_SQUARE: values[A], B: values[B], W0_SQUARE: values[W0], h: values[h]}
    return values


def differences(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """B after A-first and A after B-first, each minus the simultaneous step."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    start = (loss, x.W0, x.A0, x.B0, x.h, ctx)
    A_sim, B_sim = flows.simultaneous_step(*start)
    return flows.a_first_step(*start)[1] - B_sim, flows.b_first_step(*start)[0] - A_sim


def formulas(instance: Instance, ctx: Arithmetic) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """The h^2 and h^3 coefficients, each for B (A-first) and for A (B-first)."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    if instance.loss == "frobenius":
        square = G @ G.mT @ x.B0 + x.B0 @ x.B0.mT @ G @ x.A0.mT
        other = x.A0 @ G.mT @ G + x.B0.mT @ G @ x.A0.mT @ x.A0
        return (square, other), (
            -x.B0 @ x.B0.mT @ G @ G.mT @ x.B0,
            -x.A0 @ G.mT @ G @ x.A0.mT @ x.A0,
        )
    s, a, b = trace(x.W0 + x.B0 @ x.A0), squared_norm(x.A0), squared_norm(x.B0)
    square, other = s * s * x.B0 + s * b * x.A0.mT, s * s * x.A0 + s * a * x.B0.mT
    return (square, other), (-s * s * b * x.B0, -s * s * a * x.A0)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The steps themselves, run as the algorithm runs them, against the formulas."""
    late_B, late_A = differences(instance, ctx)
    (two_B, two_A), (three_B, three_A) = formulas(instance, ctx)
    size = instance.lift(ctx).h
    of_B, of_A = (f"{instance.loss}: {name}" for name in ENDINGS)
    yield equal(of_B, late_B, size**2 * two_B + size**3 * three_B)
    yield equal(of_A, late_A, size**2 * two_A + size**3 * three_A)


def second_order_only(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The h^3 term forgotten."""
    late_B, late_A = differences(instance, ctx)
    (two_B, two_A), _ = formulas(instance, ctx)
    size = instance.lift(ctx).h
    yield equal("B without the h^3 term", late_B, size**2 * two_B)
    yield equal("A without the h^3 term", late_A, size**2 * two_A)


def hessian_term_lost(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Only the moved factor is seen, not the moved gradient."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    late_B, _ = differences(instance, ctx)
    yield equal("B without the Hessian term", late_B, x.h**2 * (G @ G.mT @ x.B0))


ENDINGS = ("B after A-first minus simultaneous", "A after B-first minus simultaneous")

claim = Claim(
    name="rushka-klabjan/one-step-difference",
    title="One step: sequential against simultaneous",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"One step of size $h$ from $(A, B)$. For $f = \tfrac12\|W - Y\|_F^2$ with $R = W_0 + BA "
        r"- Y$: "
        r"$B_+^{AB} - B_+^{\mathrm{sim}} = h^2 (R R^\top B + B B^\top R A^\top) - h^3 B B^\top "
        r"R R^\top "
        r"B$ and "
        r"$A_+^{BA} - A_+^{\mathrm{sim}} = h^2 (A R^\top R + B^\top R A^\top A) - h^3 A R^\top "
        r"R A^\top A$. "
        r"For $f = \tfrac12(\mathrm{tr} W)^2$ with $s = \mathrm{tr}(W_0 + BA)$: "
        r"$B_+^{AB} - B_+^{\mathrm{sim}} = h^2 (s^2 B + s\|B\|_F^2 A^\top) - h^3 s^2 \|B\|_F^2 "
        r"B$ and "
        r"$A_+^{BA} - A_+^{\mathrm{sim}} = h^2 (s^2 A + s\|A\|_F^2 B^\top) - h^3 s^2 \|A\|_F^2 A$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, INSTANCES, "the h^3 term is left out", second_order_only),
        Control(None, INSTANCES, "the Hessian term is left out", hessian_term_lost),
    ),
    note="Exact for every h: the gradients of both losses are affine in W.",
)
