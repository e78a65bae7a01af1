"""From B0 = 0 the trace-squared update is a multiple of A0'A0 all along, and -(w0/S) A0'A0 at last.

With S = ||A0||_F^2 > 0, c = cosh tau and s = sinh tau the flow is A = c A0, B = -s A0'. So
tr W = w0 - S s c and dW = BA = -s c A0'A0, hence S dW = -(w0 - tr W) A0'A0 at every time. The
trace has the rate -(||A||^2 + ||B||^2) and ||A||^2 + ||B||^2 = S cosh 2 tau >= S, so it falls at
least like e^{-St}; where it is 0, sinh 2 tau* = 2 w0/S and the rate is sqrt(S^2 + 4 w0^2). A start
with A0 = 0 and B0 != 0 is the mirror image.
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
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared import limit_from_zero_b_proof as words
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import (
    REGIMES,
    from_zero_b,
    ratio,
    with_trace,
)
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field, trace_squared_limit
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.trace_squared_error import update_from_zero_b
from lora_proofs.strategies.draw import Draw

DIGITS = BallArithmetic(60)
TINY = Fraction(1, 10**40)


def draw(source: Draw, regime: str) -> Instance:
    """A start with B0 = 0 whose limit is at a rational e^tau*, and a point of its orbit."""
    problem = from_zero_b(source, regime)
    y = Fraction(1) if regime == "zero trace" else ratio(source)
    S = squared_norm(EXACT.matrix(problem.A0))
    W0 = with_trace(problem.W0, S * EXACT.number((y**2 - 1 / y**2) / 4))
    now = Fraction(source.integer(1, 9), source.integer(1, 9))
    return problem.replace(W0=W0, last=y, now=now)


INSTANCES = Instances(draw, REGIMES)


def hyperbolic(y: Any) -> tuple[Any, Any]:
    """cosh and sinh of the logarithm of y."""
    return (y + 1 / y) / 2, (y - 1 / y) / 2


def one_factor_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0 and A0 is not."""
    v = instance.lift(ctx)
    yield equal("||B0||^2", squared_norm(v.B0), ctx.number(0))
    yield below("0 < ||A0||^2", 0, squared_norm(v.A0))


def trace_vanishes(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """tau* is where sinh 2 tau* = 2 w0/S."""
    v = instance.lift(ctx)
    c, s = hyperbolic(v.last)
    yield equal("S sinh(tau*) cosh(tau*) against w0", squared_norm(v.A0) * s * c, trace(v.W0))
    yield below("0 < e^tau*", 0, v.last)


zero_b = Assumption(
    "zero_b",
    r"$B_0 = 0$ and $A_0 \ne 0$ (in the mirror image $A_0 = 0$ and $B_0 \ne 0$)",
    one_factor_zero,
)
limit = Assumption(
    "limit",
    r"$\sinh 2\tau_* = 2 w_0/S$, that is $S \sinh\tau_* \cosh\tau_* = w_0$, and "
    r"$\cosh^2 - \sinh^2 = 1$",
    trace_vanishes,
    relations=words.GRANTED,
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Rational points of the hyperbola; the mirror image starts from the transposed factor."""
    v = instance.lift(ctx)
    (c, s), (c_last, s_last) = hyperbolic(v.now), hyperbolic(v.last)
    return {
        words.A0: v.A0, words.B0: v.A0.mT, words.w0: trace(v.W0),
        words.c: c, words.s: s, words.c_last: c_last, words.s_last: s_last,
    }  # fmt: skip


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both starts along the orbit, and where it stops."""
    v = instance.lift(ctx)
    for mirror, (A0, B0) in enumerate(((v.A0, v.B0), (v.B0.mT, v.A0.mT))):
        side = words.SIDES[mirror]
        gram = B0 @ B0.mT if mirror else A0.mT @ A0
        yield from along_the_orbit(side, instance, A0, B0, gram, ctx)
        yield from where_it_stops(side, instance, A0, B0, gram, ctx)
    yield from library(instance)


def moved(y: Any, A0: Any, B0: Any) -> tuple[Any, Any]:
    """The point of the orbit of a start, for any start."""
    c, s = hyperbolic(y)
    return c * A0 - s * B0.mT, c * B0 - s * A0.mT


def along_the_orbit(
    side: words.Side, instance: Instance, A0: Any, B0: Any, gram: Any, ctx: Arithmetic
) -> Iterator[Comparison]:
    """The flow's field on the curve, and the update as a multiple of the Gram matrix."""
    v, (c, s) = instance.lift(ctx), hyperbolic(instance.lift(ctx).now)
    A, B = moved(v.now, A0, B0)
    T, S = trace(v.W0 + B @ A), trace(gram)
    dA, dB = lora_vector_field(trace_squared(), v.W0, A, B, ctx)
    yield equal(side.flow_A, T * (s * A0 - c * B0.mT), dA)
    yield equal(side.flow_B, T * (s * B0 - c * A0.mT), dB)
    yield equal(side.update, S * (B @ A), -(trace(v.W0) - T) * gram)
    slope = trace(dB @ A + B @ dA)
    yield equal(side.trace_rate, slope, -(squared_norm(A) + squared_norm(B)) * T)
    yield at_most(side.least_rate, S, squared_norm(A) + squared_norm(B))


def where_it_stops(
    side: words.Side, instance: Instance, A0: Any, B0: Any, gram: Any, ctx: Arithmetic
) -> Iterator[Comparison]:
    """The trace, the update and the rate at tau*."""
    v, S = instance.lift(ctx), trace(gram)
    A, B = moved(v.last, A0, B0)
    w0 = trace(v.W0)
    yield equal(side.end_trace, trace(v.W0 + B @ A), ctx.number(0))
    yield equal(side.end_update, S * (B @ A), -w0 * gram)
    size = squared_norm(A) + squared_norm(B)
    yield equal(side.end_rate, size**2, S**2 + 4 * w0**2)


def library(instance: Instance) -> Iterator[Comparison]:
    """The library's limit and its exact update against each other."""
    W0, A0 = EXACT.matrix(instance.W0), EXACT.matrix(instance.A0)
    exact = update_from_zero_b(W0, A0)
    with DIGITS.working():
        start = (instance.W0, instance.A0, [[0] * len(A0)] * len(W0))
        gap = squared_norm(trace_squared_limit(*start, DIGITS).dW - exact)
        size = EXACT.number(TINY) * (1 + squared_norm(exact))
        yield at_most("measured: limit of the library against the exact update", gap, size)


def not_normalised(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """-w0 A0'A0: the division by S forgotten."""
    v = instance.lift(ctx)
    A, B = moved(v.last, v.A0, v.B0)
    yield equal("dW against -w0 A0'A0", B @ A, -trace(v.W0) * (v.A0.mT @ v.A0))


def single_angle(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """sinh tau* = 2 w0/S in place of sinh 2 tau*."""
    v = instance.lift(ctx)
    _, s = hyperbolic(v.last)
    yield equal("S sinh tau* against 2 w0", squared_norm(v.A0) * s, 2 * trace(v.W0))


def rate_S(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The rate S + 2 |w0| in place of the root of the squares."""
    v = instance.lift(ctx)
    A, B = moved(v.last, v.A0, v.B0)
    rate = squared_norm(v.A0) + 2 * abs(trace(v.W0))
    yield equal("||A*||^2 + ||B*||^2", squared_norm(A) + squared_norm(B), rate)


BOTH = Instance(W0=[["15/16", 0], [0, 0]], A0=[[1, 0]], B0=[[0], [1]], last=2, now=3)
EARLY = Instance(W0=[["15/4", 0], [0, 0]], A0=[[2, 0]], B0=[[0], [0]], last="3/2", now=3)
GENERIC = Instances(draw, ("generic",))

claim = Claim(
    name="rushka-klabjan/trace-squared-limit-from-zero-b",
    title="The trace-squared update from B0 = 0",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"From $B_0 = 0$, $S = \|A_0\|_F^2 > 0$, the flow of $\tfrac12(\mathrm{tr} W)^2$ is $A = "
        r"A_0\cosh\tau$, $B = -A_0^\top\sinh\tau$, and at every time $S\,BA = -(w_0 - \mathrm{tr} "
        r"W) A_0^\top A_0$, $(\mathrm{tr} W)' = -(\|A\|_F^2 + \|B\|_F^2)\,\mathrm{tr} W$ with "
        r"$\|A\|_F^2 + \|B\|_F^2 \ge S$. Where $\sinh 2\tau_* = 2 w_0/S$ the trace is 0, the "
        r"update is $-\frac{w_0}{S} A_0^\top A_0$ and $\|A_*\|_F^2 + \|B_*\|_F^2 = \sqrt{S^2 + "
        r"4 w_0^2}$. The mirror image: from $A_0 = 0$, $S = \|B_0\|_F^2 > 0$ the same holds with "
        r"$B = B_0\cosh\tau$, $A = -B_0^\top\sinh\tau$ and $B_0 B_0^\top$ for $A_0^\top A_0$."
    ),
    assumptions=(zero_b, limit),
    instances=INSTANCES,
    check=check,
    conclusion=words.CONCLUSION,
    derive=words.derive,
    interpret=interpret,
    limit="tr W falls at least at the rate S, and dW is tied to tr W at every time",
    controls=(
        Control(zero_b, (BOTH,), "B0 != 0: the update is no multiple of A0'A0"),
        Control(limit, (EARLY,), "a point that the flow passes before its limit"),
        Control(None, GENERIC, "the division by S forgotten", not_normalised),
        Control(None, GENERIC, "sinh tau* in place of sinh 2 tau*", single_angle),
        Control(None, GENERIC, "the rate S + 2 |w0|", rate_S),
    ),
)
