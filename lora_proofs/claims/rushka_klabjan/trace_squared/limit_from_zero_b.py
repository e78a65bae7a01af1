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
from typing import Any, NamedTuple

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
from lora_proofs.strategies.matrices import matrix, rank_matrix

DIGITS = BallArithmetic(60)
TINY = Fraction(1, 10**40)


def draw(source: Draw, regime: str) -> Instance:
    """A start with B0 = 0 whose limit is at a rational e^tau*, and a point of its orbit."""
    problem = from_zero_b(source, regime)
    y = Fraction(1) if regime == "zero trace" else ratio(source)
    S = squared_norm(EXACT.matrix(problem.A0))
    W0 = with_trace(problem.W0, S * EXACT.number((y**2 - 1 / y**2) / 4))
    now = Fraction(source.integer(1, 9), source.integer(1, 9))
    return problem.replace(W0=W0, last=y, now=now, **mirror(source, regime, problem))


def mirror(source: Draw, regime: str, problem: Instance) -> dict[str, Any]:
    """A start with A0 = 0 of the same shape, with a frozen weight and a limit of its own."""
    r, n = len(problem.A0), len(problem.W0)
    wanted = 1 if regime == "rank deficient" else min(n, r)
    B0 = rank_matrix(source, n, r, wanted)
    y = Fraction(1) if regime == "zero trace" else ratio(source)
    value = squared_norm(B0) * EXACT.number((y**2 - 1 / y**2) / 4)
    return {"W0_mirror": with_trace(matrix(source, n, n), value), "B0_mirror": B0, "last_mirror": y}


INSTANCES = Instances(draw, REGIMES)


def hyperbolic(y: Any) -> tuple[Any, Any]:
    """cosh and sinh of the logarithm of y."""
    return (y + 1 / y) / 2, (y - 1 / y) / 2


def one_factor_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """B0 = 0 and A0 is not; in the mirror image, where A0 = 0, B0 is not."""
    v = instance.lift(ctx)
    yield equal("||B0||^2", squared_norm(v.B0), ctx.number(0))
    yield below("0 < ||A0||^2", 0, squared_norm(v.A0))
    yield below("0 < ||B0||^2 of the mirror image", 0, squared_norm(v.B0_mirror))


def trace_vanishes(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """tau* is where sinh 2 tau* = 2 w0/S."""
    for at in starts(instance, ctx):
        c, s = hyperbolic(at.last)
        yield equal("S sinh(tau*) cosh(tau*) against w0", trace(at.gram) * s * c, trace(at.W0))
        yield below("0 < e^tau*", 0, at.last)


zero_b = Assumption(
    "zero_b",
    r"$B_0 = 0$ and $A_0 \ne 0$ (in the mirror image $A_0 = 0$ and $B_0 \ne 0$)",
    one_factor_zero,
)
limit = Assumption(
    "limit",
    r"$\sinh 2\tau_* = 2 w_0/S$, that is $S \sinh\tau_* \cosh\tau_* = w_0$, and "
    r"$\cosh^2 - \sinh^2 = 1$; the mirror image has a $w_0$ and a $\tau_*$ of its own",
    trace_vanishes,
    relations=words.GRANTED,
)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """Rational points of the hyperbola, and what each of the two starts has of its own."""
    v = instance.lift(ctx)
    c, s = hyperbolic(v.now)
    values = {words.A0: v.A0, words.B0: v.B0_mirror, words.c: c, words.s: s}
    for side, at in zip(words.SIDES, starts(instance, ctx), strict=True):
        c_last, s_last = hyperbolic(at.last)
        values |= {side.w0: trace(at.W0), side.c_last: c_last, side.s_last: s_last}
    return values


class Start(NamedTuple):
    """A start, its frozen weight, its Gram matrix, and e^tau now and at the limit."""

    W0: Any
    A0: Any
    B0: Any
    gram: Any
    now: Any
    last: Any


def starts(instance: Instance, ctx: Arithmetic) -> tuple[Start, Start]:
    """The start with B0 = 0, and the one with A0 = 0."""
    v = instance.lift(ctx)
    A0, B0 = v.A0, v.B0_mirror
    return (
        Start(v.W0, A0, v.B0, A0.mT @ A0, v.now, v.last),
        Start(v.W0_mirror, ctx.zeros(*A0.shape), B0, B0 @ B0.mT, v.now, v.last_mirror),
    )


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Both starts along the orbit, and where it stops."""
    for side, at in zip(words.SIDES, starts(instance, ctx), strict=True):
        yield from along_the_orbit(side, at, ctx)
        yield from where_it_stops(side, at, ctx)
    yield from library(instance)


def moved(y: Any, A0: Any, B0: Any) -> tuple[Any, Any]:
    """The point of the orbit of a start, for any start."""
    c, s = hyperbolic(y)
    return c * A0 - s * B0.mT, c * B0 - s * A0.mT


def along_the_orbit(side: words.Side, at: Start, ctx: Arithmetic) -> Iterator[Comparison]:
    """The flow's field on the curve, and the update as a multiple of the Gram matrix."""
    c, s = hyperbolic(at.now)
    A, B = moved(at.now, at.A0, at.B0)
    T, S = trace(at.W0 + B @ A), trace(at.gram)
    dA, dB = lora_vector_field(trace_squared(), at.W0, A, B, ctx)
    yield equal(side.flow_A, T * (s * at.A0 - c * at.B0.mT), dA)
    yield equal(side.flow_B, T * (s * at.B0 - c * at.A0.mT), dB)
    yield equal(side.update, S * (B @ A), -(trace(at.W0) - T) * at.gram)
    slope = trace(dB @ A + B @ dA)
    yield equal(side.trace_rate, slope, -(squared_norm(A) + squared_norm(B)) * T)
    yield at_most(side.least_rate, S, squared_norm(A) + squared_norm(B))


def where_it_stops(side: words.Side, at: Start, ctx: Arithmetic) -> Iterator[Comparison]:
    """The trace, the update and the rate at tau*."""
    A, B = moved(at.last, at.A0, at.B0)
    w0, S = trace(at.W0), trace(at.gram)
    yield equal(side.end_trace, trace(at.W0 + B @ A), ctx.number(0))
    yield equal(side.end_update, S * (B @ A), -w0 * at.gram)
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


MIRROR: dict[str, Any] = {
    "W0_mirror": [["15/16", 0], [0, 0]],
    "B0_mirror": [[1], [0]],
    "last_mirror": 2,
}
BOTH = Instance(W0=[["15/16", 0], [0, 0]], A0=[[1, 0]], B0=[[0], [1]], last=2, now=3, **MIRROR)
EARLY = Instance(W0=[["15/4", 0], [0, 0]], A0=[[2, 0]], B0=[[0], [0]], last="3/2", now=3, **MIRROR)
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
