"""One step of the algorithm in its three modes, and what the modes share.

Simultaneous: both factors move with the gradient at (A, B). A-first: B moves with the gradient at
(A+, B) and the new A; B-first: the other way round. So A+ of A-first and B+ of B-first are those of
the simultaneous step. At B = 0 nothing moves A, so A-first is the simultaneous step; B-first then
has B+ = -h G A', which moves A at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import INSTANCES, SCALAR, stepped
from lora_proofs.language.claim import Claim, Control, Source
from lora_proofs.mathematics.flows import METHODS
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import GENERIC, W0, A, B, f, h, problem_values
from lora_proofs.mathematics.words import Named, Relation, Word, Zero, substitute
from lora_proofs.symbolic.steps import Step, identity

MODES = {
    "simultaneous": GENERIC.simultaneous,
    "A-first": GENERIC.a_first,
    "B-first": GENERIC.b_first,
}
ZERO_B = {B: Zero("n", "r")}
G0 = Named("G0", f.gradient(W0), latex="G_0")


def written_out() -> Iterator[Relation]:
    """The formulas of the statement, one for each factor and mode."""
    G = f.gradient(W0 + B @ A)
    A_moved, B_moved = A - h * (B.T @ G), B - h * (G @ A.T)
    after_A, after_B = f.gradient(W0 + B @ A_moved), f.gradient(W0 + B_moved @ A)
    right: dict[str, tuple[Word, Word]] = {
        "simultaneous": (A_moved, B_moved),
        "A-first": (A_moved, B - h * (after_A @ A_moved.T)),
        "B-first": (A - h * (B_moved.T @ after_B), B_moved),
    }
    for mode, factors in MODES.items():
        for name, left, formula in zip("AB", factors, right[mode], strict=True):
            yield Relation(left, "=", formula, f"{mode}: {name}+")


def shared() -> Iterator[Relation]:
    """What two modes share, always and at B = 0."""
    (A_sim, B_sim), (A_ab, B_ab), (A_ba, B_ba) = MODES.values()
    yield Relation(A_ab - A_sim, "=", Zero("r", "m"), "A+ of A-first minus simultaneous")
    yield Relation(B_ba - B_sim, "=", Zero("n", "r"), "B+ of B-first minus simultaneous")
    late_B, late_A = substitute(B_ab - B_sim, ZERO_B), substitute(A_ba - A_sim, ZERO_B)
    moved = f.gradient(W0 - h * (G0 @ A.T @ A))
    label = "B = 0: B+ of A-first minus simultaneous"
    yield Relation(late_B, "=", Zero("n", "r"), label)
    label = "B = 0: A+ of B-first minus simultaneous"
    yield Relation(late_A, "=", h**2 * (A @ G0.T @ moved), label)


CONCLUSION = (*written_out(), *shared())


def derive() -> Iterator[Step]:
    """Expand one step of each mode."""
    for relation in CONCLUSION:
        why = "expand one step of each mode"
        yield identity(relation.left, relation.right, why, label=relation.label)


def formulas(instance: Instance, ctx: Arithmetic) -> dict[str, tuple[Any, Any]]:
    """The explicit formulas in numbers."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    A1, B1 = x.A0 - x.h * (x.B0.mT @ G), x.B0 - x.h * (G @ x.A0.mT)
    after_A = loss.gradient(x.W0 + x.B0 @ A1, ctx)
    after_B = loss.gradient(x.W0 + B1 @ x.A0, ctx)
    return {
        "simultaneous": (A1, B1),
        "A-first": (A1, x.B0 - x.h * (after_A @ A1.mT)),
        "B-first": (x.A0 - x.h * (B1.mT @ after_B), B1),
    }


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The steps as the algorithm runs them, against the formulas and against each other."""
    x, wanted = instance.lift(ctx), formulas(instance, ctx)
    found = {mode: stepped(instance, ctx, mode) for mode in METHODS}
    for mode, factors in found.items():
        for name, step, formula in zip("AB", factors, wanted[mode], strict=True):
            yield equal(f"{mode}: {name}+", step, formula)
    simultaneous, a_first, b_first = found.values()
    gap_A, gap_B = a_first[0] - simultaneous[0], b_first[1] - simultaneous[1]
    yield equal("A+ of A-first minus simultaneous", gap_A, ctx.zeros(*x.A0.shape))
    yield equal("B+ of B-first minus simultaneous", gap_B, ctx.zeros(*x.B0.shape))
    yield from from_zero(instance, ctx)


def from_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The first step of LoRA, from B = 0."""
    x, (gap_A, gap_B) = instance.lift(ctx), gaps_from_zero(instance, ctx)
    loss = loss_from_instance(instance)
    G = loss.gradient(x.W0, ctx)
    moved = loss.gradient(x.W0 - x.h * (G @ x.A0.mT @ x.A0), ctx)
    yield equal("B = 0: B+ of A-first minus simultaneous", gap_B, ctx.zeros(*x.B0.shape))
    right = x.h**2 * (x.A0 @ G.mT @ moved)
    yield equal("B = 0: A+ of B-first minus simultaneous", gap_A, right)


def gaps_from_zero(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """From B = 0: A after B-first and B after A-first, each minus simultaneous."""
    start = instance.replace(B0=[[0] * len(row) for row in instance.B0])
    simultaneous, a_first, b_first = (stepped(start, ctx, mode) for mode in METHODS)
    return b_first[0] - simultaneous[0], a_first[1] - simultaneous[1]


def old_factor(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A-first with the old A beside the new gradient."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    A1, B1 = stepped(instance, ctx, "A-first")
    G = loss.gradient(x.W0 + x.B0 @ A1, ctx)
    yield equal("B+ of A-first with the old A", B1, x.B0 - x.h * (G @ x.A0.mT))


def old_gradient(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A-first with the new A beside the old gradient."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    A1, B1 = stepped(instance, ctx, "A-first")
    G = loss.gradient(x.W0 + x.B0 @ x.A0, ctx)
    yield equal("B+ of A-first with the old gradient", B1, x.B0 - x.h * (G @ A1.mT))


def also_b_first(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """At B = 0 all three modes claimed equal."""
    gap_A, _ = gaps_from_zero(instance, ctx)
    yield equal("A+ of B-first minus simultaneous", gap_A, ctx.zeros(*gap_A.shape))


def unmoved(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """At B = 0 the difference of B-first claimed to be h^2 A G'G at the old gradient, exactly."""
    x = instance.lift(ctx)
    G = loss_from_instance(instance).gradient(x.W0, ctx)
    gap_A, _ = gaps_from_zero(instance, ctx)
    yield equal("A+ of B-first minus simultaneous", gap_A, x.h**2 * (x.A0 @ G.mT @ G))


claim = Claim(
    name="rushka-klabjan/algorithm",
    title="One step in its three modes",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"One step of size $h$ from $(A, B)$, with $G(A, B) = \nabla f(W_0 + BA)$. Simultaneous: "
        r"$A_+ = A - hB^\top G(A, B)$ and $B_+ = B - hG(A, B)A^\top$. $A$-first: the same $A_+$, "
        r"and $B_+ = B - hG(A_+, B)A_+^\top$. $B$-first: the same $B_+$ as simultaneous, and "
        r"$A_+ = A - hB_+^\top G(A, B_+)$. From $B = 0$ the $A$-first step is the simultaneous "
        r"one, and $B$-first differs from it by $h^2 A G_0^\top \nabla f(W_0 - hG_0A^\top A)$ in "
        r"$A_+$, with $G_0 = \nabla f(W_0)$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=problem_values,
    controls=(
        Control(None, (SCALAR,), "the old A beside the new gradient", old_factor),
        Control(None, (SCALAR,), "the old gradient beside the new A", old_gradient),
        Control(None, (SCALAR,), "from B = 0 all three modes claimed equal", also_b_first),
        Control(None, (SCALAR,), "from B = 0 the second gradient claimed unmoved", unmoved),
    ),
    note="The gradient itself is the subject of lora-flow-equations.",
)
