"""From B0 = 0 descent of any step size and any order stays on A = a A0, B = -b A0'.

One step of each mode maps the pair (a A0, -b A0') to such a pair again, whatever h is. There
S BA = -(w0 - tr W) A0'A0 with S = ||A0||^2: the update is tied to the trace, so descent that
reaches the trace 0 has the update -(w0/S) A0'A0 of the flow, for every step size and order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import (
    Arithmetic,
    Comparison,
    at_most,
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import REGIMES, from_zero_b
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import INDUCTION
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import METHODS, iterate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.words import (
    Identity,
    Named,
    Relation,
    Scalar,
    Symbol,
    Trace,
    Word,
    Zero,
    substitute,
)
from lora_proofs.strategies.draw import Draw, fraction
from lora_proofs.symbolic.steps import Step, cited, identity

W0, A0 = Symbol("W0", "n", "n", latex="W_0"), Symbol("A0", "r", "n", latex="A_0")
a, b, h = Scalar("a"), Scalar("b"), Scalar("h")
S = Named("S", words.squared_norm(A0))
A, B = a * A0, -(b * A0.T)


def trace_at(one: Word, two: Word) -> Word:
    """tr W at A = one A0, B = -two A0'."""
    return Trace(W0) - one * two * S


def gradient(left: Word, right: Word) -> Word:
    """The gradient (tr W) I at W = W0 + left right."""
    return Trace(W0 + left @ right) * Identity("n")


def a_step(left: Word, right: Word) -> Word:
    """A - h B'G at A = right, B = left."""
    return right - h * (left.T @ gradient(left, right))


def b_step(left: Word, right: Word) -> Word:
    """B - h G A'."""
    return left - h * (gradient(left, right) @ right.T)


def moved() -> dict[str, tuple[Word, Word, Word, Word]]:
    """For each mode: the new A and B by the algorithm, then the new a and b."""
    T = trace_at(a, b)
    a_new, b_new = a + h * T * b, b + h * T * a
    A_new, B_new = a_step(B, A), b_step(B, A)
    return {
        "simultaneous": (A_new, B_new, a_new, b_new),
        "A-first": (A_new, b_step(B, A_new), a_new, b + h * trace_at(a_new, b) * a_new),
        "B-first": (a_step(B_new, A), B_new, a + h * trace_at(a, b_new) * b_new, b_new),
    }


UPDATE = "S BA against tr W"
CONCLUSION = (
    *(
        relation
        for mode, (A_new, B_new, a_new, b_new) in moved().items()
        for relation in (
            Relation(A_new, "=", a_new * A0, f"{mode}: A after a step"),
            Relation(B_new, "=", -(b_new * A0.T), f"{mode}: B after a step"),
        )
    ),
    Relation(S * (B @ A), "=", -((Trace(W0) - Trace(W0 + B @ A)) * (A0.T @ A0)), UPDATE),
)


def derive() -> Iterator[Step]:
    """One step from a pair of the form; the start has the form with a = 1, b = 0."""
    yield (first := identity(substitute(A, {a: 1}), A0, "a = 1 at the start"))
    yield (second := identity(substitute(B, {b: 0}), Zero("n", "r"), "b = 0 at the start"))
    why = "the gradient is a multiple of I"
    steps = [identity(r.left, r.right, why, label=r.label) for r in CONCLUSION]
    yield from steps
    for i, start in enumerate([first, second] * len(METHODS)):
        why = "a step keeps the form of both factors"
        yield cited(INDUCTION, why, discharged_by={"start": start, "step": steps[i]})


def draw(source: Draw, regime: str) -> Instance:
    """A start, a point of the form a A0, -b A0', and a step size of any sign and length."""
    problem = from_zero_b(source, regime)
    h_ = source.choice(("1/1000", "1/10", "1", "-1/2", "7"))
    return problem.replace(a=fraction(source, size=2), b=fraction(source, size=2), h=h_)


INSTANCES = Instances(draw, REGIMES)


def no_b(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0 and A0 is not."""
    v = instance.lift(ctx)
    yield equal("||B0||^2", squared_norm(v.B0), ctx.number(0))
    yield below("0 < ||A0||^2", 0, squared_norm(v.A0))


zero_b = Assumption("zero_b", r"$B_0 = 0$ and $A_0 \ne 0$, so $S = \|A_0\|_F^2 > 0$", no_b)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The point that the step starts from."""
    v = instance.lift(ctx)
    return {W0: v.W0, A0: v.A0, a: v.a, b: v.b, h: v.h}


def scalars(mode: str, instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """The new a and b of a mode."""
    v = instance.lift(ctx)
    size = squared_norm(v.A0)

    def at(one: Any, two: Any) -> Any:
        return trace(v.W0) - one * two * size

    if mode == "B-first":
        b_ = v.b + v.h * at(v.a, v.b) * v.a
        return v.a + v.h * at(v.a, b_) * b_, b_
    a_ = v.a + v.h * at(v.a, v.b) * v.b
    if mode == "simultaneous":
        return a_, v.b + v.h * at(v.a, v.b) * v.a
    return a_, v.b + v.h * at(a_, v.b) * a_


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One step of each mode as the algorithm runs it; two iterates from the start beside it."""
    v, loss = instance.lift(ctx), trace_squared()
    A_, B_ = v.a * v.A0, v.B0 - v.b * v.A0.mT
    for mode, step in METHODS.items():
        A_new, B_new = step(loss, v.W0, A_, B_, v.h, ctx)
        a_new, b_new = scalars(mode, instance, ctx)
        yield equal(f"{mode}: A after a step", A_new, a_new * v.A0)
        yield equal(f"{mode}: B after a step", B_new, -b_new * v.A0.mT)
    yield tied(UPDATE, instance, A_, B_, ctx)
    for mode in METHODS:
        points = iterate(mode, 2, loss, v.W0, v.A0, v.B0, v.h, ctx)
        for k, (A_k, B_k) in enumerate(points):
            yield tied(f"measured: {mode}, step {k}: S BA against tr W", instance, A_k, B_k, ctx)


def tied(label: str, instance: Instance, A_: Any, B_: Any, ctx: Arithmetic) -> Comparison:
    """S BA = -(w0 - tr W) A0'A0."""
    v = instance.lift(ctx)
    w0, gram = trace(v.W0), v.A0.mT @ v.A0
    return equal(label, trace(gram) * (B_ @ A_), -(w0 - trace(v.W0 + B_ @ A_)) * gram)


def same_trace(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same trace after two steps in two modes."""
    v, ends = instance.lift(ctx), []
    for mode in ("simultaneous", "A-first"):
        *_, (A_, B_) = iterate(mode, 2, trace_squared(), v.W0, v.A0, v.B0, v.h, ctx)
        ends.append(trace(v.W0 + B_ @ A_))
    yield equal("tr W after two steps", ends[0], ends[1])


def always_falls(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """|tr W| falls for every step size."""
    v = instance.lift(ctx)
    *_, (A_, B_) = iterate("simultaneous", 1, trace_squared(), v.W0, v.A0, v.B0, v.h, ctx)
    yield at_most("|tr W| after a step", abs(trace(v.W0 + B_ @ A_)), abs(trace(v.W0)))


def rest_means_zero_loss(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Descent that has come to rest is claimed to have the trace 0."""
    v = instance.lift(ctx)
    before, after = list(iterate("simultaneous", 3, trace_squared(), v.W0, v.A0, v.B0, v.h, ctx))[
        2:
    ]
    yield equal("A at rest", after[0], before[0])
    yield equal("B at rest", after[1], before[1])
    yield equal("tr W at rest", trace(v.W0 + after[1] @ after[0]), ctx.number(0))


def start(**changed: Any) -> Instance:
    """A start on two rows."""
    fields = {"W0": [[1, 0], [0, 1]], "A0": [[1, 0]], "B0": [[0], [0]], "a": 1, "b": 0, "h": "1/2"}
    return Instance(**{**fields, **changed})


SADDLE = start(W0=[[1, 0], [0, 0]], A0=[[1, 1]], h=1)

claim = Claim(
    name="rushka-klabjan/trace-squared-step-invariance",
    title="From B0 = 0 the step size does not change where descent can end",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Descent on $\tfrac12(\mathrm{tr} W)^2$ from $B_0 = 0$, $A_0 \ne 0$, of any step size "
        r"$h$, simultaneous, $A$-first or $B$-first, has iterates $A_k = a_k A_0$, $B_k = -b_k "
        r"A_0^\top$, and $S\,B_k A_k = -(w_0 - \mathrm{tr} W_k) A_0^\top A_0$ with $S = "
        r"\|A_0\|_F^2 > 0$. So wherever the trace is 0 the update is "
        r"$-\frac{w_0}{S} A_0^\top A_0$, that of the gradient flow, and before that it is off by "
        r"$\frac{\mathrm{tr} W_k}{S} A_0^\top A_0$."
    ),
    assumptions=(zero_b,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    kind="invariance",
    controls=(
        Control(zero_b, (start(B0=[[0], [1]]),), "B0 != 0: the update is no multiple of A0'A0"),
        Control(None, (start(),), "the trace itself depends on the order", same_trace),
        Control(None, (start(h=10),), "a long step does not bring the trace down", always_falls),
        Control(
            None,
            (SADDLE,),
            "h = 1/w0, S = 2 w0: two steps lead to A = B = 0, where descent rests with loss w0^2/2",
            rest_means_zero_loss,
        ),
    ),
    note=(
        "Whether the trace reaches 0 depends on h; where it does, the update does not. Descent may "
        "also come to rest at A = B = 0, as a control shows."
    ),
)
