"""How far the trace-squared update from B0 = 0 is from that of full fine-tuning.

With M = A0'A0 and S = tr M the update is -(w0/S) M, the full one -(w0/n) I. Their distance,
relative to the size of the full one, is R with R^2 = n tr(M^2)/S^2 - 1 = n/r_eff - 1, where
r_eff = S^2/tr(M^2) lies between 1 and r.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    BallArithmetic,
    Comparison,
    at_most,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import REGIMES, from_zero_b
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import trace_squared_limit
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.trace_squared_error import full_update, relative_error_squared
from lora_proofs.mathematics.words import (
    Identity,
    Named,
    Norm,
    Relation,
    Scalar,
    Size,
    Symbol,
    Trace,
)
from lora_proofs.strategies.draw import Draw
from lora_proofs.symbolic.steps import Step, assumed, identity, inequality

A0 = Symbol("A0", "r", "n", latex="A_0")
k, phi, w0 = Scalar("k"), Scalar("phi", latex=r"\varphi"), Scalar("w0", latex="w_0")
n, r = Size("n"), Size("r")
M = Named("M", A0.T @ A0)
S = Named("S", Trace(M))
FULL = Named("F", -(phi * Identity("n")))
UPDATE = Named("dW", -(k * M))
ERROR = words.squared_norm(UPDATE - FULL)
FULL_SIZE = words.squared_norm(FULL)
GRANTED = (Relation(k * S, "=", n * phi), Relation(w0, "=", n * phi))

EXACT_ERROR = "S^2 ||dW - F||^2"
UPPER, LOWER, FULL_LENGTH = "tr(M^2) against S^2", "S^2 against r tr(M^2)", "n ||F||^2"
CONCLUSION = (
    Relation(n * FULL_SIZE, "=", w0**2, FULL_LENGTH),
    Relation(S**2 * ERROR, "=", (n * Trace(M @ M) - S**2) * FULL_SIZE, EXACT_ERROR),
    Relation(Trace(M @ M), "<=", S**2, UPPER),
    Relation(S**2, "<=", r * Trace(M @ M), LOWER),
)


def granted(*relations: Relation) -> tuple[Step, ...]:
    """What the assumption says of the updates."""
    return tuple(assumed("updates", relation, "the two updates") for relation in relations)


def derive() -> Iterator[Step]:
    """Expand the square; the effective rank lies between 1 and r."""
    by_k, by_phi = granted(*GRANTED)
    yield from (by_k, by_phi)
    length = Norm("F", (A0,))
    yield (
        product := inequality(
            Norm("F", (M,)), length * length, "||A0'A0|| <= ||A0||^2", rule="submultiplicative"
        )
    )
    yield (root := identity(Trace(M @ M), Norm("F", (M,)) ** 2, "M is symmetric"))
    yield (side := identity(Norm("F", (A0,)) ** 2, S, "||A0||^2 = tr M"))
    one, two, three, four = CONCLUSION
    yield identity(one.left, one.right, "||I||^2 = n", given=(by_phi,), label=one.label)
    why = "expand the square; k S = w0 = n phi"
    yield identity(two.left, two.right, why, given=(by_k,), label=two.label)
    uses = (root, product, side)
    yield inequality(three.left, three.right, "square it", rule="combine", uses=uses, label=UPPER)
    yield inequality(
        four.left,
        four.right,
        "A0 A0' against the identity of order r",
        rule="squared Cauchy-Schwarz",
        squares=((A0 @ A0.T, Identity("r")),),
        label=LOWER,
    )


def draw(source: Draw, regime: str) -> Instance:
    """A start with B0 = 0 and the numbers k = w0/S, phi = w0/n of the two updates."""
    problem = from_zero_b(source, regime, largest=4)
    return with_updates(problem.replace(regimes=(regime,)))


def with_updates(problem: Instance) -> Instance:
    """The problem with k and phi."""
    w, S_ = trace(EXACT.matrix(problem.W0)), squared_norm(EXACT.matrix(problem.A0))
    return problem.replace(k=w / S_, phi=w / len(problem.W0))


INSTANCES = Instances(draw, REGIMES)


def zero_trace_updates(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both updates bring the trace to 0."""
    v = instance.lift(ctx)
    yield equal("k S against tr W0", v.k * squared_norm(v.A0), trace(v.W0))
    yield equal("n phi against tr W0", ctx.number(len(instance.W0)) * v.phi, trace(v.W0))


updates = Assumption(
    "updates",
    r"$A_0 \ne 0$; the LoRA update is $-k A_0^\top A_0$ with $k S = w_0$ (the limit from "
    r"$B_0 = 0$), the full-parameter update is $-\varphi I$ with $n\varphi = w_0$",
    zero_trace_updates,
    relations=GRANTED,
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols at the start; w0 is the trace of W0."""
    v = instance.lift(ctx)
    return {A0: v.A0, k: v.k, phi: v.phi, w0: trace(v.W0)}


def distance(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any, Any, Any]:
    """||dW - F||^2, ||F||^2, S, tr(M^2) and M, from the matrices."""
    v = instance.lift(ctx)
    gram, full = v.A0.mT @ v.A0, full_update(v.W0, ctx)
    error = squared_norm(-v.k * gram - full)
    return error, squared_norm(full), trace(gram), trace(gram @ gram), gram


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The squares themselves; the error at the library's limit beside them."""
    error, size, S_, square, _ = distance(instance, ctx)
    n_, r_ = ctx.number(len(instance.W0)), ctx.number(len(instance.A0))
    yield equal(FULL_LENGTH, n_ * size, trace(instance.lift(ctx).W0) ** 2)
    yield equal(EXACT_ERROR, S_**2 * error, (n_ * square - S_**2) * size)
    yield at_most(UPPER, square, S_**2)
    yield at_most(LOWER, S_**2, r_ * square)
    yield from library(instance)


DIGITS = BallArithmetic(60)


def library(instance: Instance) -> Iterator[Comparison]:
    """R^2 at the limit that the closed form gives, against n/r_eff - 1."""
    _, size, S_, square, _ = distance(instance, EXACT)
    if size == 0:
        return
    with DIGITS.working():
        limit = trace_squared_limit(instance.W0, instance.A0, instance.B0, DIGITS)
        found = relative_error_squared(DIGITS.matrix(instance.W0), limit.dW, DIGITS)
        gap = abs(found - (len(instance.W0) * square / S_**2 - 1))
        yield at_most("measured: R^2 of the library's limit", gap, Fraction(1, 10**20))


def without_one(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R^2 = n/r_eff."""
    error, size, S_, square, _ = distance(instance, ctx)
    yield equal("R^2 = n/r_eff", S_**2 * error, ctx.number(len(instance.W0)) * square * size)


def rank_itself(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R^2 = n/r - 1 for every A0."""
    error, size, *_ = distance(instance, ctx)
    n_, r_ = len(instance.W0), len(instance.A0)
    yield equal("R^2 = n/r - 1", r_ * error, (n_ - r_) * size)


def start(W0: Any, A0: Any, **changed: Any) -> Instance:
    """A start with B0 = 0."""
    B0 = [[0] * len(A0)] * len(W0)
    return with_updates(Instance(W0=W0, A0=A0, B0=B0)).replace(**changed)


TALL = (start([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[2, 0, 0], [0, 1, 0]]),)
EARLY = (start([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[2, 0, 0], [0, 1, 0]], k="3/10"),)

claim = Claim(
    name="rushka-klabjan/trace-squared-relative-error",
    title="The relative error of the trace-squared update",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"With $M = A_0^\top A_0$, $S = \mathrm{tr} M$, the LoRA update $\Delta W = "
        r"-\frac{w_0}{S} M$ from $B_0 = 0$ and the full-parameter update $F = -\frac{w_0}{n} I$ "
        r"of $\tfrac12(\mathrm{tr} W)^2$: $n \|F\|_F^2 = w_0^2$ and "
        r"$\|\Delta W - F\|_F^2 = (n/r_{\mathrm{eff}} - 1) \|F\|_F^2$ with "
        r"$r_{\mathrm{eff}} = S^2/\mathrm{tr}(M^2)$, and $1 \le r_{\mathrm{eff}} \le r$."
    ),
    assumptions=(updates,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(updates, EARLY, "the update at a finite time, before the trace is 0"),
        Control(None, TALL, "R^2 = n/r_eff, the 1 forgotten", without_one),
        Control(None, TALL, "the rank in place of the effective rank", rank_itself),
    ),
    note="Derived with the denominators S^2, S and n cleared.",
)
