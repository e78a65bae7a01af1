"""Where full-parameter training of 1/2 (tr W)^2 ends: W0 - (w0/n) I, at the rate n.

With w0 = tr W0 the flow W' = -(tr W) I is W = W0 - (w0/n)(1 - e^{-nt}) I. Its distance to
W_inf = W0 - (w0/n) I is e^{-nt} times the one at the start, so the limit is about finite times.
Without the factor 1/2 the clock runs twice as fast, for W and for the factors A, B alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.arithmetic import (
    Arithmetic,
    Comparison,
    at_most,
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.closed_form import W0, W_FULL, decay, w0
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import with_trace
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import UNIQUENESS
from lora_proofs.mathematics import notation, words
from lora_proofs.mathematics.flows import full_vector_field, lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.trace_squared_error import full_update
from lora_proofs.mathematics.words import (
    Gradient,
    Identity,
    Named,
    Relation,
    Size,
    Trace,
    along,
    substitute,
    word,
)
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, cited, identity

n = Size("n")
UPDATE = Named("F", -((w0 / n) * Identity("n")))
W_INF = Named("W_inf", W0 + UPDATE, latex=r"W_\infty")
LOSS = Fraction(1, 2)

START = "W(0)"
FLOW, TRACE, DISTANCE = "W' = -(tr W) I", "tr W(t)", "W(t) - W_inf"
AT_LIMIT, FALL, LENGTH = "tr W_inf", "loss at time t", "n ||W_inf - W0||^2"
CONCLUSION = (
    Relation(substitute(W_FULL, {decay: 1}), "=", W0, START),
    Relation(along(W_FULL, {decay: -(n * decay)}), "=", -(Trace(W_FULL) * Identity("n")), FLOW),
    Relation(Trace(W_FULL), "=", decay * w0, TRACE),
    Relation(W_FULL - W_INF, "=", decay * (W0 - W_INF), DISTANCE),
    Relation(Trace(W_INF), "=", word(0), AT_LIMIT),
    Relation(LOSS * Trace(W_FULL) ** 2, "=", decay**2 * (LOSS * w0**2), FALL),
    Relation(n * words.squared_norm(W_INF - W0), "=", w0**2, LENGTH),
)
WHY = {
    START: "e^(-nt) is 1 at 0",
    FLOW: "the decaying factor has rate -n",
    TRACE: "tr I = n",
    DISTANCE: "what is left of the shift has the factor e^(-nt)",
    AT_LIMIT: "tr I = n",
    FALL: "the square of the trace",
    LENGTH: "||I||^2 = n",
}


def derive() -> Iterator[Step]:
    """Put the candidate into the flow; solutions through one start are unique."""
    steps = [identity(r.left, r.right, WHY[r.label], label=r.label) for r in CONCLUSION]
    yield from steps
    yield cited(
        UNIQUENESS,
        "the field is linear, hence locally Lipschitz",
        discharged_by={"solves": steps[1], "field": steps[1], "starts": steps[0]},
    )


def draw(source: Draw, regime: str) -> Instance:
    """A square W0, and a rational number that stands for e^{-nt}."""
    kind = "zero W0" if regime == "zero W0" else "generic"
    problem = lora_problem(source, kind, loss="trace-squared", largest=4)
    W0 = problem.W0
    if regime == "zero trace":
        W0 = with_trace(W0, 0)
    elif regime in ("tiny", "huge"):
        factor = Fraction(2) ** (-40 if regime == "tiny" else 40)
        W0 = [[factor * x for x in row] for row in W0]
    elif regime == "multiple of I":
        level = ratio(source, 1, 9, 4)
        W0 = [[level * (i == j) for j in range(len(W0))] for i in range(len(W0))]
    elif regime == "order 1":
        W0 = [[ratio(source, -9, 9, 4)]]
    part = Fraction(source.integer(1, 12), source.integer(12, 30))
    return Instance(regimes=(regime,), W0=W0, decay=part)


INSTANCES = Instances(
    draw, ("generic", "zero W0", "zero trace", "multiple of I", "order 1", "tiny", "huge")
)


def decays_from_one(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The number is one that e^{-nt} takes at some t >= 0."""
    e = instance.lift(ctx).decay
    yield below("0 < e^(-nt)", 0, e)
    yield at_most("e^(-nt) against 1", e, 1)


exponential = Assumption(
    "exponential",
    r"$e^{-nt}$ is 1 at 0 and has derivative $-n e^{-nt}$",
    decays_from_one,
    technical="it names a function",
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """A rational number stands for e^{-nt}: every time is reached by some number in (0, 1]."""
    x = instance.lift(ctx)
    return {W0: x.W0, decay: x.decay}


def at_time(instance: Instance, ctx: Arithmetic) -> tuple[Any, Any, Any]:
    """W(t), W_inf and w0."""
    x = instance.lift(ctx)
    update = full_update(x.W0, ctx)
    return x.W0 + (1 - x.decay) * update, x.W0 + update, trace(x.W0)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The candidate put into the hand-written field, and its distance to the limit."""
    W, end, start = at_time(instance, ctx)
    x, n, loss = instance.lift(ctx), ctx.number(len(instance.W0)), trace_squared()
    rate = -(n * x.decay) * (x.W0 - end)
    yield equal(START, at_time(instance.replace(decay=1), ctx)[0], x.W0)
    yield equal(FLOW, rate, full_vector_field(loss, W, ctx))
    yield equal(TRACE, trace(W), x.decay * start)
    yield equal(DISTANCE, W - end, x.decay * (x.W0 - end))
    yield equal(AT_LIMIT, trace(end), ctx.number(0))
    yield equal(FALL, loss.value(W, ctx), x.decay**2 * loss.value(x.W0, ctx))
    yield equal(LENGTH, n * squared_norm(end - x.W0), start**2)


def rate_one(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate 1 of the Frobenius loss in place of n."""
    W, end, _ = at_time(instance, ctx)
    x = instance.lift(ctx)
    rate = -x.decay * (x.W0 - end)
    yield equal("the flow at rate 1", rate, full_vector_field(trace_squared(), W, ctx))


def not_divided(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The limit W0 - w0 I."""
    x = instance.lift(ctx)
    end = x.W0 - trace(x.W0) * ctx.identity(len(instance.W0))
    yield equal("tr(W0 - w0 I)", trace(end), ctx.number(0))


def length_not_squared(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The size |w0|/n in place of |w0|/sqrt(n)."""
    _, end, start = at_time(instance, ctx)
    n = ctx.number(len(instance.W0))
    yield equal("n^2 ||dW||^2", n**2 * squared_norm(end - instance.lift(ctx).W0), start**2)


def linear_decay(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss at the rate of the trace."""
    W, _, _ = at_time(instance, ctx)
    x, loss = instance.lift(ctx), trace_squared()
    yield equal("loss at rate n", loss.value(W, ctx), x.decay * loss.value(x.W0, ctx))


EXAMPLE = (Instance(W0=[[1, 2], [0, 2]], decay="1/2"),)

claim = Claim(
    name="rushka-klabjan/trace-squared-full-parameter",
    title="Where full-parameter training of the trace-squared loss ends",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"For $f = \tfrac12(\mathrm{tr} W)^2$ and $w_0 = \mathrm{tr} W_0$ the full-parameter "
        r"gradient flow is $W(t) = W_0 - \frac{w_0}{n}(1 - e^{-nt}) I$. With "
        r"$W_\infty = W_0 - \frac{w_0}{n} I$: $W(t) - W_\infty = e^{-nt}(W_0 - W_\infty)$, "
        r"$\mathrm{tr} W(t) = w_0 e^{-nt}$, the loss is $e^{-2nt} w_0^2/2$, "
        r"$\mathrm{tr} W_\infty = 0$, and the update $-\frac{w_0}{n} I$ has the size "
        r"$|w_0|/\sqrt n$."
    ),
    assumptions=(exponential,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    limit="a closed form: the distance to the limit is e^(-nt) times the one at the start",
    controls=(
        Control(None, EXAMPLE, "the rate 1 in place of n", rate_one),
        Control(None, EXAMPLE, "w0 I taken off in place of (w0/n) I", not_divided),
        Control(None, EXAMPLE, "the size |w0|/n in place of |w0|/sqrt(n)", length_not_squared),
        Control(None, EXAMPLE, "the loss claimed to fall at the rate of the trace", linear_decay),
    ),
)


A, B = notation.A_SQUARE, notation.B
W_START = notation.W0_SQUARE
T = Named("T", Trace(W_START + B @ A))
IN_A, IN_B = "gradient of (tr W)^2 in A", "gradient of (tr W)^2 in B"
HALF_A, HALF_B = "gradient of 1/2 (tr W)^2 in A", "gradient of 1/2 (tr W)^2 in B"
DOUBLED = (
    Relation(Gradient(T**2, A), "=", 2 * (T * B.T), IN_A),
    Relation(Gradient(T**2, B), "=", 2 * (T * A.T), IN_B),
    Relation(Gradient(LOSS * T**2, A), "=", T * B.T, HALF_A),
    Relation(Gradient(LOSS * T**2, B), "=", T * A.T, HALF_B),
)


def derive_doubled() -> Iterator[Step]:
    """The four gradients."""
    for r in DOUBLED:
        yield identity(r.left, r.right, "chain rule", label=r.label)


def slopes(value: Any, X: Any, ctx: Arithmetic) -> Any:
    """The partial derivatives of a quadratic function, by central differences, which are exact."""
    out = ctx.zeros(*X.shape)
    for at in np.ndindex(X.shape):
        E = ctx.zeros(*X.shape)
        E[at] = ctx.number(1)
        out[at] = (value(X + E) - value(X - E)) / 2
    return out


def check_doubled(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Differences of the loss itself against the field that the flows use."""
    yield from doubled_by(instance, ctx, ctx.number(2))


def doubled_by(instance: Instance, ctx: Arithmetic, factor: Any) -> Iterator[Comparison]:
    """The gradients of both losses; that of the one without 1/2 is claimed ``factor`` times."""
    x, loss = instance.lift(ctx), trace_squared()
    dA, dB = lora_vector_field(loss, x.W0, x.A0, x.B0, ctx)
    for label, scale, power in ((0, factor, 1), (2, ctx.number(1), ctx.number("1/2"))):
        labels = [r.label for r in DOUBLED[label : label + 2]]
        in_A = slopes(lambda X, p=power: p * trace(x.W0 + x.B0 @ X) ** 2, x.A0, ctx)
        in_B = slopes(lambda X, p=power: p * trace(x.W0 + X @ x.A0) ** 2, x.B0, ctx)
        yield equal(labels[0], in_A, -scale * dA)
        yield equal(labels[1], in_B, -scale * dB)


def same_clock(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same gradients with and without the factor 1/2."""
    yield from doubled_by(instance, ctx, ctx.number(1))


def four_times(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The factor of the loss squared."""
    yield from doubled_by(instance, ctx, ctx.number(4))


def interpret_start(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The symbols at the start."""
    x = instance.lift(ctx)
    return {W_START: x.W0, A: x.A0, B: x.B0}


def draw_start(source: Draw, regime: str) -> Instance:
    """A start of the factors."""
    return lora_problem(source, regime, loss="trace-squared", largest=2)


STARTS = Instances(
    draw_start,
    ("generic", "zero B0", "zero A0", "zero W0", "cone", "r > min(n, m)"),
)

without_half = Claim(
    name="rushka-klabjan/trace-squared-without-half",
    title="The loss (tr W)^2 without the factor 1/2",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"The gradients of $(\mathrm{tr} W)^2$ in $A$ and $B$ are twice those of "
        r"$\tfrac12(\mathrm{tr} W)^2$, which are $T B^\top$ and $T A^\top$ with "
        r"$T = \mathrm{tr}(W_0 + BA)$: the gradient flow runs through the same points at twice the "
        r"speed."
    ),
    assumptions=(),
    instances=STARTS,
    check=check_doubled,
    conclusion=DOUBLED,
    derive=derive_doubled,
    interpret=interpret_start,
    controls=(
        Control(None, STARTS, "the two losses claimed to run by one clock", same_clock),
        Control(None, STARTS, "four times the speed", four_times),
    ),
    note="Limits and relative errors are those of the loss with 1/2; values of the loss double.",
)
