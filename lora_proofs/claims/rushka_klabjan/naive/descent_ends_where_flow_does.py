"""False reading: from B0 = 0, descent that comes to rest ends in the update of the flow.

With S = ||A0||^2, w0 = S/2 or -S/2 and h = 2/S two simultaneous steps lead to A = B = 0 exactly:
the first makes B = -sgn(w0) A0' and tr W = -w0, the second takes both factors to 0. The origin is
stationary, the update is 0 and the loss w0^2/2; the flow ends in -(w0/S) A0'A0 with loss 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal, squared_norm
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import with_trace
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import iterate, lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.trace_squared_error import update_from_zero_b
from lora_proofs.strategies.draw import Draw, quarter
from lora_proofs.strategies.matrices import full_rank_matrix, matrix


def draw(source: Draw, regime: str) -> Instance:
    """A start with B0 = 0 and the step size that leads to the origin, or half of it."""
    n = source.integer(1, 3)
    A0 = full_rank_matrix(source, source.integer(1, n), n, entry=quarter)
    S = squared_norm(A0)
    w0 = S / 2 if regime != "negative trace" else -S / 2
    h = 2 / S if regime != "half the step" else 1 / S
    B0 = [[0] * len(A0)] * n
    W0 = with_trace(matrix(source, n, n), w0)
    return Instance(regimes=(regime,), W0=W0, A0=A0, B0=B0, h=h)


INSTANCES = Instances(draw, ("positive trace", "negative trace", "half the step"))


def after(steps: int, instance: Instance, ctx: Arithmetic) -> tuple[Any, Any]:
    """The factors after some simultaneous steps."""
    v = instance.lift(ctx)
    *_, end = iterate("simultaneous", steps, trace_squared(), v.W0, v.A0, v.B0, v.h, ctx)
    return end


def at_rest(instance: Instance, A: Any, B: Any, ctx: Arithmetic) -> bool:
    """Whether the gradient vanishes, so that descent stays for ever."""
    dA, dB = lora_vector_field(trace_squared(), instance.lift(ctx).W0, A, B, ctx)
    return bool(squared_norm(dA) == 0) and bool(squared_norm(dB) == 0)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The update at rest against that of the flow; nothing is at rest at the start."""
    v, (A, B) = instance.lift(ctx), after(2, instance, ctx)
    moving = 0 if at_rest(instance, v.A0, v.B0, ctx) else 1
    yield equal("the start moves", ctx.number(moving), ctx.number(1))
    if at_rest(instance, A, B, ctx):
        yield equal(
            "update at rest against that of the flow", B @ A, update_from_zero_b(v.W0, v.A0)
        )


def never_rests(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Descent claimed to be moving after two steps."""
    A, B = after(2, instance, ctx)
    rests = 1 if at_rest(instance, A, B, ctx) else 0
    yield equal("at rest after two steps", ctx.number(rests), ctx.number(0))


def rests_at_half(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Half the step size claimed to lead to the origin too."""
    A, B = after(2, instance, ctx)
    yield equal("||A||^2 + ||B||^2", squared_norm(A) + squared_norm(B), ctx.number(0))


def example(h: Fraction) -> tuple[Instance, ...]:
    """w0 = 1, S = 2."""
    W0, A0 = EXACT.matrix([[1, 0], [0, 0]]), EXACT.matrix([[1, 1]])
    return (Instance(W0=W0, A0=A0, B0=[[0], [0]], h=h),)


claim = Claim(
    name="rushka-klabjan/naive/descent-ends-where-flow-does",
    title="From B0 = 0 descent at rest has the update of the flow (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/trace-squared-step-invariance",
    ),
    statement=(
        r"Our reading, not a claim of the authors: from $B_0 = 0$, $A_0 \ne 0$ simultaneous "
        r"descent on $\tfrac12(\mathrm{tr} W)^2$ that comes to rest, whatever its step size, has "
        r"the update $-\frac{w_0}{S} A_0^\top A_0$ of the flow, $S = \|A_0\|_F^2$. It is false: "
        r"for $|w_0| = S/2$ and $h = 2/S$ two steps lead to $A = 0$, $B = 0$, where the loss is "
        r"$w_0^2/2$. It holds wherever descent ends with the trace 0."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(None, example(Fraction(1)), "descent claimed not to rest", never_rests),
        Control(None, example(Fraction(1, 2)), "half the step claimed to do it too", rests_at_half),
    ),
    note="An exact coincidence of step size and start; the origin is a saddle of the loss.",
)
