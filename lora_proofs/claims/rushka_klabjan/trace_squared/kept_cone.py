"""A balanced start on the cone B = A' with a frozen weight that is positive semidefinite.

The flow keeps B = A', so tr W = tr F + ||A||^2 with the frozen part F = C'C: the trace never falls
below tr F, and ||A||^2 falls with the rate 2 (tr F + ||A||^2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    BallArithmetic,
    Comparison,
    at_least,
    at_most,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.language.claim import Assumption
from lora_proofs.language.lemmas import comparison as lemma
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import trace_squared_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.notation import HALF, trace_squared_value
from lora_proofs.mathematics.words import (
    Gradient,
    Named,
    Norm,
    Relation,
    Symbol,
    Trace,
    Word,
    along,
    word,
)
from lora_proofs.symbolic.steps import Step, assumed, cited, identity, inequality

A, B, F = Symbol("A", "r", "n"), Symbol("B", "n", "r"), Symbol("F", "n", "n")
A0, B0 = Symbol("A0", "r", "n", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")
C, V, D = Symbol("C", "n", "n"), Symbol("V", "n", "r", latex="V_r"), Symbol("D", "r", "r")

T = Named("T", Trace(F + B @ A))
FIELD: dict[object, Word] = {A: -(T * B.T), B: -(T * A.T)}
SIZE, FLOOR = Norm("F", (A,)) ** 2, Norm("F", (C,)) ** 2
SIZE_RATE = along(words.squared_norm(A), FIELD)
START_SIZE = words.squared_norm(A0)

LOWER = "1/2 (tr F)^2 against the loss"
KEPT = Relation(HALF * Trace(F) ** 2, "<=", trace_squared_value(F + B @ A), LOWER)
POSITIVE = Relation(F, "=", C.T @ C)
DIGITS, TINY = BallArithmetic(60), EXACT.number("1/10000000000000000000000000000000000000000")
BALANCED = (Relation(A0, "=", D @ V.T), Relation(B0, "=", V @ D.T))


@dataclass(frozen=True)
class Proof:
    """Steps that what follows can use: tr F, tr BA, ||A||^2 in norms, and the rate of ||A||^2."""

    steps: tuple[Step, ...]
    floor: Step
    product: Step
    size: Step
    rate: Step


def proof() -> Proof:
    """The cone is kept; what tr F, tr BA and ||A||^2 are there."""
    first, second = (assumed("balanced", x, "the balanced start") for x in BALANCED)
    positive = assumed("positive", POSITIVE, "the frozen weight is positive semidefinite")
    start = identity(B0, A0.T, "B0 is A0 transposed", given=(first, second))
    loss = trace_squared_value(F + B @ A)
    fields = (
        identity(Gradient(loss, A), T * B.T, "the gradient in A: A' is its negative"),
        identity(Gradient(loss, B), T * A.T, "the gradient in B: B' is its negative"),
    )
    gap = identity(along(B - A.T, FIELD), T * (B - A.T), "product rule")
    kept = cited(
        lemma.AGREEMENT,
        "the flow keeps B = A'",
        substitution={
            lemma.FIRST: B,
            lemma.SECOND: A.T,
            lemma.RATE_OF_GAP: gap.relation.left,  # type: ignore[union-attr]
            lemma.FACTOR: T,
            lemma.FIRST_START: B0,
            lemma.SECOND_START: A0.T,
        },
        discharged_by={"rate": gap, "start": start, "solution": "flow"},
    )
    floor = identity(Trace(F), FLOOR, "tr C'C", given=(positive,))
    product = identity(Trace(B @ A), SIZE, "B = A'", given=(kept,))
    size = identity(words.squared_norm(A), SIZE, "by definition")
    rate = identity(SIZE_RATE, -(2 * (Trace(F) + Trace(B @ A)) * Trace(B @ A)), "chain rule")
    steps = (
        first, second, positive, start, *fields, gap, kept, floor, product, size, rate
    )  # fmt: skip
    return Proof(steps, floor, product, size, rate)


def lower_bound(found: Proof) -> Step:
    """The loss never falls below 1/2 (tr F)^2."""
    return inequality(
        KEPT.left,
        KEPT.right,
        "tr W = tr F + ||A||^2 with both terms nonnegative",
        rule="combine",
        uses=(found.floor, found.product),
        label=LOWER,
    )


def nonnegative_size() -> Step:
    """0 <= ||A||^2."""
    squares = ((1, Norm("F", (A,))),)
    return inequality(
        word(0), words.squared_norm(A), "a square", rule="sum of squares", squares=squares
    )


def factors(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """A and B at the point y = e^tau of the orbit, from any start."""
    x = instance.lift(ctx)
    c, s = (x.y + 1 / x.y) / 2, (x.y - 1 / x.y) / 2
    return c * x.A0 - s * x.B0.mT, c * x.B0 - s * x.A0.mT


def values(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols at a point of the orbit."""
    x = instance.lift(ctx)
    now = dict(zip((A, B), factors(instance, ctx), strict=True))
    return {**now, A0: x.A0, B0: x.B0, F: x.F, C: x.C, V: x.V, D: x.D}


def time(instance: Instance, ctx: Arithmetic) -> Any:
    """The time at which the orbit on the cone is at y, from s' = 2 (w s + a) for s = y^2.

    a = ||A0||^2 and w = tr F: t = log((w s + a)/(w + a))/(2 w), which is (s - 1)/(2 a) for w = 0.
    """
    x = instance.lift(EXACT)
    w, a, s = trace(x.F), squared_norm(x.A0), x.y * x.y
    if w == 0:
        return ctx.number((s - 1) / (2 * a))
    return ctx.log(ctx.number((w * s + a) / (w + a))) / ctx.number(2 * w)


def on_time(instance: Instance) -> Comparison:
    """The trace of the flow at that time, by its closed form, against the point of the orbit."""
    A_, B_ = factors(instance, EXACT)
    wanted = trace(instance.lift(EXACT).F + B_ @ A_)
    with DIGITS.working():
        start = instance.F, instance.A0, instance.B0
        end = trace_squared_closed_form(*start, time(instance, DIGITS), DIGITS)
        gap = abs(end.trace_W - DIGITS.number(wanted))
        return at_most("measured: tr W by the closed form", gap, DIGITS.number(TINY * abs(wanted)))


def never_below(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss on the orbit against the level that is kept."""
    x = instance.lift(ctx)
    A_, B_ = factors(instance, ctx)
    loss = trace(x.F + B_ @ A_) ** 2 / 2
    yield at_least(LOWER, loss, trace(x.F) ** 2 / 2)


def is_positive(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """F = C'C; without C, F = F' and no pivot of F is negative."""
    x = instance.lift(EXACT)
    if "C" in instance:
        yield equal("F", x.F, x.C.mT @ x.C)
        return
    yield equal("F'", x.F.mT, x.F)
    yield from pivots_hold(x.F)


def pivots_hold(F: Any) -> Iterator[Comparison]:
    """Symmetric elimination: each pivot is not negative, and the row of a pivot 0 is 0."""
    while len(F):
        pivot, row = F[0, 0], F[:1, 1:]
        yield at_least("a pivot of F", pivot, 0)
        if pivot == 0:
            yield equal("the row of F beside a pivot 0", squared_norm(row), EXACT.number(0))
            pivot = EXACT.number(1)
        F = F[1:, 1:] - row.mT @ row / pivot


def is_balanced(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A0 = D V' and B0 = V D'."""
    x = instance.lift(ctx)
    yield equal("A0", x.A0, x.D @ x.V.mT)
    yield equal("B0", x.B0, x.V @ x.D.mT)


def is_on_the_orbit(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The point lies ahead of the start, and what moves keeps ||A + B'|| y = ||A0 + B0'||."""
    x = instance.lift(ctx)
    A_, B_ = factors(instance, ctx)
    yield at_least("y", x.y, ctx.number(1))
    yield equal("(A + B') y", (A_ + B_.mT) * x.y, x.A0 + x.B0.mT)


flow = Assumption(
    "flow",
    r"$A$, $B$ is the LoRA gradient flow of $\tfrac12(\mathrm{tr}(F + BA))^2$ from $(A_0, B_0)$ at "
    r"a time $t \ge 0$, with the frozen weight $F$",
    is_on_the_orbit,
    technical="it says what A and B are",
)
