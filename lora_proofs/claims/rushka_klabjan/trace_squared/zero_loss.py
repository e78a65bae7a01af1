"""When the trace-squared LoRA flow reaches loss 0 in the limit: the exact condition.

The final loss is 0 unless w0 > 0 and B0 = A0', or w0 < 0 and B0 = -A0' (A0 = B0 = 0 is in both);
there the loss stays at least w0^2/2. From B0 = 0 and A0 != 0 it is 0 for every r >= 1.

With T = tr W the flow is A' = -T B^T, B' = -T A^T, so it runs along the curve A = c A0 - s B0',
B = c B0 - s A0' with c = cosh(tau), s = sinh(tau), tau' = T, and T' = -(||A||^2 + ||B||^2) T.

Off the cones: k = ||A + B'||^2 ||A - B'||^2 is conserved and positive, and (||A||^2 + ||B||^2)^2
>= k, because ||A||^2 + ||B||^2 is the mean of the two factors. So |T| falls at least like
e^{-sqrt(k) t}, and the loss T^2/2 at the square of that.

On a cone B0 = e A0', e = 1 or -1: the flow keeps B = e A', and T = w0 + e ||A||^2 with
(||A||^2)' = -2 e T ||A||^2. Where e w0 > 0 or A0 = 0, |T| = |w0| + ||A||^2 >= |w0| (kept).
Where e w0 < 0, e T = ||A||^2 - |w0|: its sign is constant, as T = 0 is stationary. If it is
negative, ||A||^2 grows, from ||A0||^2; if it is positive, ||A||^2 falls, but stays above |w0|.
Either way ||A||^2 >= min(||A0||^2, |w0|) > 0 and T' = -2 ||A||^2 T: exponential decay (fleeing).
Where w0 = 0 and A0 != 0, e T = ||A||^2 and (1/|T|)' = 2, so |T| = |T0|/(1 + 2 |T0| t) (slow).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    equal,
    inner,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.orbit import (
    points,
    rates,
    reached,
    sign_of_cone,
    stopped,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.zero_loss_flows import (
    ASSUMPTIONS,
    bounds,
    interpret,
)
from lora_proofs.claims.rushka_klabjan.trace_squared.zero_loss_proof import CONCLUSION, derive
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import trace_squared_closed_form, trace_squared_final_loss
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, Rejected, ratio
from lora_proofs.strategies.problems import lora_problem

MEASURED = "measured:"
TIMES = (Fraction(0), Fraction(1, 2), Fraction(2), Fraction(8), Fraction(16))
KEPT, FLEEING, SLOW = CONES = ("kept cone", "fleeing cone", "cone with zero trace")
TRACELESS = ("zero trace", SLOW)
REGIMES = ("generic", "zero B0", "zero A0", "r > min(n, m)", "zero start", "zero trace", *CONES)
KINDS = {"zero start": "generic", "zero trace": "generic"} | dict.fromkeys(CONES, "cone")


def draw(source: Draw, regime: str) -> Instance:
    """A start with nonzero loss and points y = e^tau of its orbit."""
    kind = KINDS.get(regime, regime)
    problem = lora_problem(source, kind, loss="trace-squared").replace(regimes=(regime,))
    if regime in TRACELESS:
        problem = problem.replace(W0=_without_trace(problem.W0))
    w0 = trace(EXACT.matrix(problem.W0))
    if regime in (KEPT, FLEEING):
        sign = (1 if w0 > 0 else -1) * (1 if regime == KEPT else -1)
        columns = zip(*problem.A0, strict=True)
        problem = problem.replace(B0=[[sign * x for x in column] for column in columns])
    if regime == "zero start":
        zeros = {name: EXACT.zeros(*_shape(getattr(problem, name))) for name in ("A0", "B0")}
        problem = problem.replace(**zeros)
    if (w0 == 0) != (regime in TRACELESS) or loss_at_start(problem, EXACT) == 0:
        raise Rejected("the loss, or the trace of W0, is 0 at the start")
    y = [Fraction(source.integer(1, 12), source.integer(1, 12)) for _ in range(4)]
    t, shrink = ratio(source, 1, 8, 4), 1 + ratio(source, 1, 12, 4)
    return problem.replace(orbit=[[Fraction(1), *y]], t=t, y=shrink)


def _without_trace(rows: Any) -> Any:
    first, *rest = (list(row) for row in rows)
    first[0] -= sum(rows[i][i] for i in range(len(rows)))
    return [first, *rest]


def _shape(rows: Any) -> tuple[int, int]:
    return len(rows), len(rows[0])


INSTANCES = Instances(draw, REGIMES)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The four bounds; beside them what they rest on at points of the orbit."""
    yield from bounds(instance, ctx)
    for found in evidence(instance, ctx):
        told = found.label.startswith(MEASURED)
        yield found if told else replace(found, label=f"{MEASURED} {found.label}")


def evidence(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rates that a decay or a kept level rests on, exactly; the closed form beside them."""
    start, *_ = points(instance)
    yield from rates(instance)
    if trace_squared_final_loss(instance.W0, instance.A0, instance.B0) != 0:
        yield from kept(instance, ctx)
    elif start.product != 0:
        yield from off_the_cones(instance, ctx, 4 * start.product)
    elif trace(EXACT.matrix(instance.W0)) != 0:
        yield from fleeing(instance, ctx)
    else:
        yield from slow(instance, ctx)


def loss_at(instance: Instance, t: Fraction, ctx: Arithmetic) -> Any:
    """1/2 (tr W(t))^2 from the closed form."""
    end = trace_squared_closed_form(instance.W0, instance.A0, instance.B0, t, ctx)
    return end.trace_W**2 / 2


def loss_at_start(instance: Instance, ctx: Arithmetic) -> Any:
    """1/2 (tr W(0))^2."""
    x = instance.lift(ctx)
    return trace(x.W0 + x.B0 @ x.A0) ** 2 / 2


def near(bound: Any, ctx: Arithmetic) -> Any:
    """A bound with a billionth more, so that balls can tell it from a value that meets it."""
    return bound * ctx.number(1 + Fraction(1, 10**9))


def decays(instance: Instance, ctx: Arithmetic, rate: Any) -> Iterator[Comparison]:
    """The closed form's loss falls at the rate, from each time to the next."""
    before = loss_at_start(instance, ctx)
    for s, t in pairwise(TIMES):
        after = loss_at(instance, t, ctx)
        bound = before * ctx.exp(-rate * ctx.number(t - s))
        label = f"measured: loss at t = {t} against its decay from t = {s}"
        yield at_most(label, after, near(bound, ctx))
        before = after


def fast_enough(instance: Instance, rate_squared: Any) -> Iterator[Comparison]:
    """The loss has rate 2 (||A||^2 + ||B||^2), which is at least the one of the decay."""
    for at in points(instance):
        label = "square of the rate of the loss against that of its decay"
        yield at_least(label, 4 * at.size**2, rate_squared)


def off_the_cones(instance: Instance, ctx: Arithmetic, rate_squared: Any) -> Iterator[Comparison]:
    """||A||^2 + ||B||^2 >= ||A + B'|| ||A - B'||, which is positive and conserved."""
    for at in points(instance):
        yield below("0 < ||A + B'||^2 ||A - B'||^2", 0, at.product)
        label = "4 ||A + B'||^2 ||A - B'||^2 against the square of the rate"
        yield equal(label, 4 * at.product, rate_squared)
    yield from fast_enough(instance, rate_squared)
    yield from decays(instance, ctx, ctx.sqrt(ctx.number(rate_squared)))


def on_the_cone(instance: Instance, sign: int) -> Iterator[Comparison]:
    """The orbit and the field stay on B = sign A'; there (||A||^2)' = -2 sign T ||A||^2."""
    for at in points(instance):
        yield equal(f"B = {sign} A'", at.B.mT, sign * at.A)
        yield equal("the field stays on the cone", at.dB.mT, sign * at.dA)
        rate = -2 * sign * at.T * squared_norm(at.A)
        yield equal("rate of ||A||^2 on the cone", 2 * inner(at.A, at.dA), rate)


def kept(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """On the keeping cone B = +-A' for all time and |tr W| = |w0| + ||A||^2 >= |w0|."""
    w0 = trace(EXACT.matrix(instance.W0))
    yield from on_the_cone(instance, 1 if w0 > 0 else -1)
    yield from level(instance)
    final = trace_squared_final_loss(instance.W0, instance.A0, instance.B0)
    yield equal("the kept level is the final loss", final, w0**2 / 2)
    if any(x for row in instance.A0 for x in row):
        for t in TIMES[1:]:
            label = f"measured: loss at t = {t} against the kept level"
            yield at_least(label, loss_at(instance, t, ctx), ctx.number(final))


def level(instance: Instance) -> Iterator[Comparison]:
    """|T| >= |w0| at every point of the orbit."""
    w = abs(trace(EXACT.matrix(instance.W0)))
    for at in points(instance):
        yield at_least("|T| against |w0|", abs(at.T), w)


def fleeing(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """On the fleeing cone ||A||^2 >= min(||A0||^2, |w0|), and the loss has rate 4 ||A||^2."""
    yield from on_the_cone(instance, sign_of_cone(instance))
    x = instance.lift(EXACT)
    least = min(squared_norm(x.A0), abs(trace(x.W0)))
    yield below("0 < min(||A0||^2, |w0|)", 0, least)
    for at in reached(instance):
        label = "||A||^2 against min(||A0||^2, |w0|)"
        yield at_least(label, squared_norm(at.A), least)
    yield from decays(instance, ctx, ctx.number(4 * least))


def slow(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """On a cone with w0 = 0: |T| = ||A||^2, and 1/|T| grows at rate 2."""
    sign = sign_of_cone(instance)
    yield from on_the_cone(instance, sign)
    for at in points(instance):
        yield equal("|T| against ||A||^2", sign * at.T, squared_norm(at.A))
        yield equal("rate of 1/|T|", -sign * at.dT / at.T**2, EXACT.number(2))
    first, start = abs(next(points(instance)).T), loss_at_start(instance, ctx)
    for t in TIMES[1:]:
        wanted = start / ctx.number((1 + 2 * first * EXACT.number(t)) ** 2)
        gap = abs(loss_at(instance, t, ctx) - wanted)
        label = f"measured: loss at t = {t} less T0^2/2 / (1 + 2 |T0| t)^2"
        yield at_most(label, gap, near(wanted, ctx) - wanted)


def always_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The claim without its exception, judged by the level that is kept for good."""
    final = trace_squared_final_loss(instance.W0, instance.A0, instance.B0)
    yield at_most("the loss kept for all time", ctx.number(final), 0)


def ten_times(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Ten times the decay rate."""
    start, *_ = points(instance)
    yield from fast_enough(instance, 400 * start.product)


def exception_everywhere(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The exception claimed on both cones: |T| >= |w0| wherever B0 = A0' or B0 = -A0'."""
    yield from level(instance)


def frozen(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rates claimed of a flow that has stopped short of loss 0."""
    yield from rates(instance, stopped)


def exponential(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Where w0 = 0, a loss that falls as fast as off the cones, at the rate of the start."""
    start, *_ = points(instance)
    yield from decays(instance, ctx, ctx.number(2 * start.size))


def only(*regimes: str) -> Instances:
    """Draws of some regimes."""
    return Instances(draw, regimes)


claim = Claim(
    name="rushka-klabjan/trace-squared-zero-loss",
    title="When the trace-squared flow reaches zero loss",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12(\mathrm{tr} W)^2$, $w_0 = \mathrm{tr} W_0$, $s$ its sign, and $L$ the "
        r"loss along the LoRA gradient flow, $L_0$ at the start. From every start "
        r"$L \le L_0 e^{-2\kappa t}$ with "
        r"$\kappa^2 = \|A_0 + B_0^\top\|_F^2\,\|A_0 - B_0^\top\|_F^2$. From "
        r"$B_0 = -s A_0^\top$, $L \le L_0 e^{-4bt}$ with $b = \min(\|A_0\|_F^2, |w_0|)$. From "
        r"$B_0 = \pm A_0^\top$ with $w_0 = 0$, "
        r"$|\mathrm{tr} W|\,(1 + 2\|A_0\|_F^2\,t) \le \|A_0\|_F^2$. From $B_0 = s A_0^\top$, "
        r"$L \ge \tfrac12 w_0^2$. The four bounds cover every start, so it follows from them that "
        r"the loss tends to 0 if and only if neither ($w_0 > 0$ and $B_0 = A_0^\top$) nor "
        r"($w_0 < 0$ and $B_0 = -A_0^\top$); in particular from $B_0 = 0$ and $A_0 \ne 0$, for "
        r"every rank $r \ge 1$."
    ),
    assumptions=ASSUMPTIONS,
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    kind="trap",
    controls=(
        Control(None, only(KEPT), "zero loss claimed from every start", always_zero),
        Control(None, only("generic"), "ten times the decay rate", ten_times),
        Control(None, only(FLEEING), "the exception claimed on both cones", exception_everywhere),
        Control(None, only("generic"), "a flow that stops before its loss is 0", frozen),
        Control(None, only(SLOW), "exponential decay claimed where w0 = 0", exponential),
    ),
    note=(
        "The bounds are what is derived; the condition follows, as every start is in one of the "
        "four cases: kappa is 0 on the cones B0 = A0' and B0 = -A0' alone, and b is 0 for A0 = 0 "
        "or w0 = 0 alone. Beside the bounds, rates and invariants are compared exactly at points "
        "of the orbit, and the closed form at finite times."
    ),
)
