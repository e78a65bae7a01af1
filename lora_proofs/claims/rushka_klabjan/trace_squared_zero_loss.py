"""When the trace-squared LoRA flow reaches loss 0 in the limit: the exact condition.

The final loss is 0 unless w0 > 0 and B0 = A0', or w0 < 0 and B0 = -A0' (A0 = B0 = 0 is in both);
there the loss stays at least w0^2/2. From B0 = 0 and A0 != 0 it is 0 for every r >= 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import (
    lora_vector_field,
    trace_squared_closed_form,
    trace_squared_final_loss,
)
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.problems import lora_problem

TIMES = (Fraction(1, 2), Fraction(2), Fraction(8))
CONES = ("kept cone", "fleeing cone")
REGIMES = ("generic", "zero B0", "zero A0", "r > min(n, m)", "zero start", *CONES)


def draw(source: Draw, regime: str) -> Instance:
    """A start with nonzero loss: off the cones, on the one that keeps the loss, on the other."""
    kind = "cone" if regime in CONES else {"zero start": "generic"}.get(regime, regime)
    problem = lora_problem(source, kind, loss="trace-squared").replace(regimes=(regime,))
    w0 = trace(EXACT.matrix(problem.W0))
    if regime in CONES:
        keeps = 1 if w0 > 0 else -1
        sign = keeps if regime == "kept cone" else -keeps
        columns = zip(*problem.A0, strict=True)
        problem = problem.replace(B0=[[sign * x for x in column] for column in columns])
    if regime == "zero start":
        zeros = {name: EXACT.zeros(*_shape(getattr(problem, name))) for name in ("A0", "B0")}
        problem = problem.replace(**zeros)
    if w0 == 0 or loss_at_start(problem, EXACT) == 0:
        raise Rejected("the loss, or the trace of W0, is 0 at the start")
    return problem


def _shape(rows: Any) -> tuple[int, int]:
    return len(rows), len(rows[0])


INSTANCES = Instances(draw, REGIMES)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss against a decay that reaches 0, or against the level that a trap keeps."""
    x = instance.lift(ctx)
    final = trace_squared_final_loss(instance.W0, instance.A0, instance.B0)
    u2, v2 = squared_norm(x.A0 + x.B0.mT), squared_norm(x.A0 - x.B0.mT)
    if u2 == 0 and v2 == 0:
        yield from stationary(instance, ctx, final)
    elif final != 0:
        yield from kept(instance, ctx, final)
    elif u2 == 0 or v2 == 0:
        yield from on_cone(instance, ctx)
    else:
        yield from decays(instance, ctx, 2 * ctx.sqrt(u2 * v2))


def loss_at(instance: Instance, t: Fraction, ctx: Arithmetic) -> Any:
    """1/2 (tr W(t))^2 from the closed form."""
    end = trace_squared_closed_form(instance.W0, instance.A0, instance.B0, t, ctx)
    return end.trace_W**2 / 2


def loss_at_start(instance: Instance, ctx: Arithmetic) -> Any:
    """1/2 (tr W(0))^2."""
    x = instance.lift(ctx)
    return trace(x.W0 + x.B0 @ x.A0) ** 2 / 2


def decays(instance: Instance, ctx: Arithmetic, rate: Any) -> Iterator[Comparison]:
    """Off the cones: ||A||^2 + ||B||^2 >= ||A + B'|| ||A - B'||, which is conserved."""
    start = loss_at_start(instance, ctx)
    for t in TIMES:
        bound = start * ctx.exp(-rate * ctx.number(t))
        yield at_most(f"loss at t = {t} against its decay", loss_at(instance, t, ctx), bound)


def on_cone(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """On the fleeing cone ||A||^2 >= min(||A0||^2, |w0|), and the loss has rate 4 ||A||^2."""
    x = instance.lift(ctx)
    a, w = squared_norm(x.A0), abs(trace(x.W0))
    yield from decays(instance, ctx, 4 * (a if a <= w else w))


def kept(instance: Instance, ctx: Arithmetic, final: Any) -> Iterator[Comparison]:
    """On the keeping cone B = +-A' for all time and |tr W| = |w0| + ||A||^2 >= |w0|."""
    for t in TIMES:
        yield at_least(f"loss at t = {t} against the kept level", loss_at(instance, t, ctx), final)
    x = instance.lift(ctx)
    dA, dB = lora_vector_field(trace_squared(), x.W0, x.A0, x.B0, ctx)
    sign = 1 if trace(x.W0) > 0 else -1
    yield equal("the field stays on the cone", dA, sign * dB.mT)


def stationary(instance: Instance, ctx: Arithmetic, final: Any) -> Iterator[Comparison]:
    """A0 = B0 = 0 does not move."""
    x = instance.lift(ctx)
    dA, dB = lora_vector_field(trace_squared(), x.W0, x.A0, x.B0, ctx)
    yield equal("A' at the start", dA, ctx.zeros(*dA.shape))
    yield equal("B' at the start", dB, ctx.zeros(*dB.shape))
    yield equal(
        "the loss at the start is the final loss", loss_at_start(instance, ctx), ctx.number(final)
    )


def always_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The claim without its exception, judged by the level that is kept for good."""
    final = trace_squared_final_loss(instance.W0, instance.A0, instance.B0)
    yield at_most("the loss kept for all time", ctx.number(final), 0)


def doubled_rate(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Ten times the decay rate."""
    x = instance.lift(ctx)
    rate = ctx.sqrt(squared_norm(x.A0 + x.B0.mT) * squared_norm(x.A0 - x.B0.mT))
    yield from decays(instance, ctx, 20 * rate)


def exception_everywhere(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The exception claimed on both cones: loss kept wherever B0 = A0' or B0 = -A0'."""
    x = instance.lift(ctx)
    level = trace(x.W0) ** 2 / 2
    for t in TIMES:
        yield at_least(f"loss at t = {t} against |w0|^2/2", loss_at(instance, t, ctx), level)


FLEEING = Instances(draw, ("fleeing cone",))

claim = Claim(
    name="rushka-klabjan/trace-squared-zero-loss",
    title="When the trace-squared flow reaches zero loss",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"For $f = \tfrac12(\mathrm{tr} W)^2$ and $w_0 = \mathrm{tr} W_0$, the LoRA gradient flow "
        r"reaches loss 0 in the limit if and only if neither ($w_0 > 0$ and $B_0 = A_0^\top$) nor "
        r"($w_0 < 0$ and $B_0 = -A_0^\top$); in these two cases the loss stays at least "
        r"$w_0^2/2$. In particular, from $B_0 = 0$ and $A_0 \ne 0$ it reaches 0 for every rank "
        r"$r \ge 1$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(
            None, Instances(draw, ("kept cone",)), "zero loss claimed from every start", always_zero
        ),
        Control(None, Instances(draw, ("generic",)), "ten times the decay rate", doubled_rate),
        Control(None, FLEEING, "the exception claimed on both cones", exception_everywhere),
    ),
    note=(
        "The limit is judged by a decay with a certain rate off the keeping cone, by an invariant "
        "level on it, never by a finite run."
    ),
)
