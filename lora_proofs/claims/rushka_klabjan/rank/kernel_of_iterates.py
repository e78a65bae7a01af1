"""Gradient descent keeps the kernel too: where B0 V = 0 and A0'V = 0, every iterate has it.

A step adds -h G A' to B and -h B'G to A, so B V moves by -h G (A'V) and A'V by -h G'(B V), with
the gradient and the factors of whichever half step it is: all of it stays 0, in every mode and for
every step size. So the rank of the stacked factor [B; A'] never grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, equal
from lora_proofs.claims.rushka_klabjan.rank import orbits
from lora_proofs.language.claim import Assumption, Check, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import INDUCTION
from lora_proofs.mathematics.flows import METHODS
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import A, B, h
from lora_proofs.mathematics.words import Relation, Symbol, Zero, word
from lora_proofs.strategies.any_loss import any_loss_problem
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.symbolic.steps import Step, assumed, cited, identity

REGIMES = ("common kernel", "zero B0", "zero A0", "r > n + m", "zero W0", "zero start")
V = Symbol("V", "r", "k")
NO_B, NO_A = Relation(B @ V, "=", Zero("n", "k")), Relation(A.T @ V, "=", Zero("m", "k"))
# The gradients that the half steps see; nothing is used of them but their shape.
HERE, A_MOVED, B_MOVED = (
    Symbol("G", "n", "m"),
    Symbol("G(A+, B)", "n", "m", latex="G(A_+, B)"),
    Symbol("G(A, B+)", "n", "m", latex="G(A, B_+)"),
)
A_NEXT, B_NEXT = A - h * (B.T @ HERE), B - h * (HERE @ A.T)
NEXT = {
    "simultaneous": (A_NEXT, B_NEXT),
    "A-first": (A_NEXT, B - h * (A_MOVED @ A_NEXT.T)),
    "B-first": (A - h * (B_NEXT.T @ B_MOVED), B_NEXT),
}
CONCLUSION = tuple(
    relation
    for mode, (A_next, B_next) in NEXT.items()
    for relation in (
        Relation(B_next @ V, "=", Zero("n", "k"), f"{mode}: BV after a step"),
        Relation(A_next.T @ V, "=", Zero("m", "k"), f"{mode}: A'V after a step"),
    )
)


def derive() -> Iterator[Step]:
    """Multiply each step by V; what a step keeps, all iterates have."""
    yield (first := assumed("kernel", NO_B, "V is in the kernel of B"))
    yield (second := assumed("kernel", NO_A, "and in that of A'"))
    steps = [
        identity(
            relation.left, relation.right, "every term has a factor BV or A'V",
            given=(first, second), label=relation.label,
        )
        for relation in CONCLUSION
    ]  # fmt: skip
    yield from steps
    for start, step in zip((first, second) * len(NEXT), steps, strict=True):
        why = "a step of the mode keeps BV = 0 and A'V = 0 together"
        yield cited(INDUCTION, why, discharged_by={"start": start, "step": step})


def kernel_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 V = 0 and A0'V = 0, exactly."""
    x = instance.lift(EXACT)
    for name, X in (("B0 V", x.B0 @ x.V), ("A0'V", x.A0.mT @ x.V)):
        yield equal(name, X, EXACT.zeros(*X.shape))


def step_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """h >= 0."""
    yield at_least("h", EXACT.number(instance.h), 0)


kernel = Assumption("kernel", r"$BV = 0$ and $A^\top V = 0$", kernel_holds, relations=(NO_B, NO_A))
step_size = Assumption(
    "step_size", r"$h \ge 0$", step_holds,
    technical="the sign of h plays no part", relations=(Relation(word(0), "<=", h),),
)  # fmt: skip


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One step of each mode times V, and the rank of the stack after two."""
    x, loss = instance.lift(ctx), loss_from_instance(instance, ctx)
    for mode, step in METHODS.items():
        A_next, B_next = step(loss, x.W0, x.A0, x.B0, x.h, ctx)
        for name, X in (("BV", B_next @ x.V), ("A'V", A_next.mT @ x.V)):
            yield equal(f"{mode}: {name} after a step", X, ctx.zeros(*X.shape))
        again = step(loss, x.W0, A_next, B_next, x.h, ctx)
        rank, first = (ctx.rank(orbits.stack(*pair)) for pair in (again, (x.A0, x.B0)))
        yield at_most(f"measured: {mode}: rank of [B; A'] after two steps", rank, first)


def left_kernel(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The kernel of B' claimed to be kept: B would stay in its column space."""
    x, loss = instance.lift(ctx), loss_from_instance(instance, ctx)
    _, B_next = METHODS["simultaneous"](loss, x.W0, x.A0, x.B0, x.h, ctx)
    yield equal("U'B after a step", x.U.mT @ B_next, ctx.zeros(1, len(x.A0)))


def product_rank(mode: str) -> Check:
    """The rank of BA claimed not to grow."""

    def falsified(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
        x, loss = instance.lift(ctx), loss_from_instance(instance, ctx)
        A_next, B_next = METHODS[mode](loss, x.W0, x.A0, x.B0, x.h, ctx)
        yield at_most("rank of BA", ctx.rank(B_next @ A_next), ctx.rank(x.B0 @ x.A0))

    return falsified


def draw(source: Draw, regime: str) -> Instance:
    """A problem whose stack [B0; A0'] has a kernel, and a basis of it."""
    kind = regime if regime in ("zero B0", "zero A0", "zero W0") else "generic"
    problem = any_loss_problem(source, kind, h=source.choice(("1/8", "1/3", "2")))
    n, m = len(problem.W0), len(problem.W0[0])
    r = n + m + 1 if regime == "r > n + m" else source.integer(2, 4)
    zero = EXACT.zeros(n + m, r)
    rank = source.integer(1, min(n + m, r - 1))
    Z = zero if regime == "zero start" else rank_matrix(source, n + m, r, rank)
    if kind == "zero B0":
        Z = _with_rows(Z, rank_matrix(source, m, r, min(m, r - 1)), n, zero)
    if kind == "zero A0":
        Z = _with_rows(Z, rank_matrix(source, n, r, min(n, r - 1)), 0, zero)
    problem = problem.replace(B0=Z[:n], A0=Z[n:].mT, regimes=(regime,))
    return problem.replace(V=orbits.kernel(Z))


def _with_rows(Z: Any, rows: Any, at: int, zero: Any) -> Any:
    """The stack with one block alone."""
    found = zero + 0 * Z
    found[at : at + len(rows)] = rows
    return found


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The factors, V, and the gradients at the start and after each half step."""
    x, loss = instance.lift(ctx), loss_from_instance(instance, ctx)
    A_next, B_next = METHODS["simultaneous"](loss, x.W0, x.A0, x.B0, x.h, ctx)
    return {
        A: x.A0,
        B: x.B0,
        V: x.V,
        h: x.h,
        HERE: loss.gradient(x.W0 + x.B0 @ x.A0, ctx),
        A_MOVED: loss.gradient(x.W0 + x.B0 @ A_next, ctx),
        B_MOVED: loss.gradient(x.W0 + B_next @ x.A0, ctx),
    }


OUTSIDE = Instance(loss="frobenius", W0=[[0]], Y=[[1]], A0=[[1]], B0=[[0]], V=[[1]], h="1/2")
INSIDE = Instance(
    loss="frobenius", W0=[[0, 0], [0, 0]], Y=[[1, 0], [1, 1]], A0=[[1, 0], [0, 0]],
    B0=[[1, 0], [0, 0]], V=[[0], [1]], U=[[0], [1]], h="1/2",
)  # fmt: skip
FRESH = INSIDE.replace(B0=[[0, 0], [0, 0]])

claim = Claim(
    name="rushka-klabjan/kernel-of-iterates",
    title="Gradient descent keeps the kernel of the stacked factor",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"If $BV = 0$ and $A^\top V = 0$, then a step of gradient descent on any differentiable "
        r"loss, simultaneous, $A$-first or $B$-first, with any step size, keeps both; hence all "
        r"iterates of one mode do."
    ),
    assumptions=(kernel, step_size),
    instances=Instances(draw, REGIMES),
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(kernel, (OUTSIDE,), "V is in the kernel of B0 alone"),
        Control(None, (INSIDE,), "the kernel of B' in place of that of B", left_kernel),
        Control(
            None, (FRESH,), "the rank of BA in place of that of the stack",
            product_rank("simultaneous"),
        ),
    ),
    arithmetics=("exact",),
    note=(
        "With a basis of the kernel of [B0; A0'] for V: the rank of [B; A'] never grows. It can "
        "fall: a step may make columns of the stack dependent."
    ),
)  # fmt: skip
