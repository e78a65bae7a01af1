"""How far one gradient step moves B'B - AA', which the flow conserves.

The terms of first order cancel as they do along the flow; a simultaneous step leaves the squares of
the two increments, exactly. A sequential step changes the second-order term too.
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
from lora_proofs.mathematics.flows import METHODS
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import GENERIC, W0, A, B, G, f, h, problem_values
from lora_proofs.mathematics.words import Named, Relation, Word
from lora_proofs.symbolic.steps import Step, identity

LABELS = {mode: f"{mode}: change of B'B - AA'" for mode in METHODS}


def balance(A: Word, B: Word) -> Word:
    """B'B - A A'."""
    return B.T @ B - A @ A.T


def conclusion() -> Iterator[Relation]:
    """The change of D in each mode, with the gradient where that mode takes it."""
    A1, B1 = GENERIC.simultaneous
    after_A = Named("G(A+, B)", f.gradient(W0 + B @ A1), "G(A_+, B)")
    after_B = Named("G(A, B+)", f.gradient(W0 + B1 @ A), "G(A, B_+)")
    first = B.T @ (G @ A.T - after_A @ A1.T)
    later = (B.T @ G - B1.T @ after_B) @ A.T
    right = {
        "simultaneous": h**2 * (A @ G.T @ G @ A.T - B.T @ G @ G.T @ B),
        "A-first": h * (first + first.T)
        + h**2 * (A1 @ after_A.T @ after_A @ A1.T - B.T @ G @ G.T @ B),
        "B-first": h**2 * (A @ G.T @ G @ A.T - B1.T @ after_B @ after_B.T @ B1)
        - h * (later + later.T),
    }
    modes = (GENERIC.simultaneous, GENERIC.a_first, GENERIC.b_first)
    for mode, factors in zip(METHODS, modes, strict=True):
        yield Relation(balance(*factors) - balance(A, B), "=", right[mode], LABELS[mode])


CONCLUSION = tuple(conclusion())


def derive() -> Iterator[Step]:
    """Expand both products; the terms of first order cancel."""
    for relation in CONCLUSION:
        why = "expand both products; what is linear in the increments cancels or is named"
        yield identity(relation.left, relation.right, why, label=relation.label)


def change(instance: Instance, ctx: Arithmetic, mode: str) -> Any:
    """D after one step of a mode minus D before."""
    x = instance.lift(ctx)
    A1, B1 = stepped(instance, ctx, mode)
    return B1.mT @ B1 - A1 @ A1.mT - x.B0.mT @ x.B0 + x.A0 @ x.A0.mT


def formulas(instance: Instance, ctx: Arithmetic) -> dict[str, Any]:
    """The right sides in numbers."""
    x, loss, G0 = instance.lift(ctx), loss_from_instance(instance), gradient(instance, ctx)
    A1, B1 = stepped(instance, ctx, "simultaneous")
    GA, GB = (loss.gradient(x.W0 + b @ a, ctx) for a, b in ((A1, x.B0), (x.A0, B1)))
    push, pull = G0 @ x.A0.mT, x.B0.mT @ G0
    first = x.B0.mT @ (push - GA @ A1.mT)
    later = (pull - B1.mT @ GB) @ x.A0.mT
    both = x.h**2
    return {
        "simultaneous": both * (push.mT @ push - pull @ pull.mT),
        "A-first": x.h * (first + first.mT) + both * (A1 @ GA.mT @ GA @ A1.mT - pull @ pull.mT),
        "B-first": both * (push.mT @ push - B1.mT @ GB @ GB.mT @ B1) - x.h * (later + later.mT),
    }


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The steps as the algorithm runs them against the formulas."""
    wanted = formulas(instance, ctx)
    for mode, label in LABELS.items():
        yield equal(label, change(instance, ctx, mode), wanted[mode])


def conserved(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The invariant of the flow claimed of a simultaneous step."""
    moved = change(instance, ctx, "simultaneous")
    yield equal("simultaneous: D conserved", moved, ctx.zeros(*moved.shape))


def same_as_simultaneous(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula of the simultaneous step claimed of a sequential one."""
    right = formulas(instance, ctx)["simultaneous"]
    yield equal("A-first: the change of simultaneous", change(instance, ctx, "A-first"), right)


def other_sign(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The squares of the increments exchanged."""
    right = -formulas(instance, ctx)["simultaneous"]
    yield equal("simultaneous: the other sign", change(instance, ctx, "simultaneous"), right)


claim = Claim(
    name="rushka-klabjan/discrete-drift",
    title="What a gradient step does to B'B - AA'",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $D = B^\top B - AA^\top$. A simultaneous step of size $h$ changes it by exactly "
        r"$h^2(AG^\top GA^\top - B^\top GG^\top B)$. An $A$-first step changes it by "
        r"$h(S + S^\top) + h^2(A_+G_1^\top G_1A_+^\top - B^\top GG^\top B)$ with "
        r"$G_1 = G(A_+, B)$ and $S = B^\top(GA^\top - G_1A_+^\top)$, and a $B$-first step by "
        r"$h^2(AG^\top GA^\top - B_+^\top G_2G_2^\top B_+) - h(S + S^\top)$ with "
        r"$G_2 = G(A, B_+)$ and $S = (B^\top G - B_+^\top G_2)A^\top$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=problem_values,
    controls=(
        Control(None, (SCALAR,), "D claimed conserved by a step, as by the flow", conserved),
        Control(None, (SCALAR,), "the A-first step claimed to drift alike", same_as_simultaneous),
        Control(None, (SCALAR,), "the sign of the drift is flipped", other_sign),
    ),
    note=(
        "S is 0 at h = 0, so every change is of second order in h, and the drift up to kh = T of "
        "first order; drift-bound bounds it. Along the flow D is constant (classical/balancedness)."
    ),
)
