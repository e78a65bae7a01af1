"""False reading: the trace-squared LoRA flow reaches zero loss from every start.

On B0 = A0' with w0 > 0 (or B0 = -A0' with w0 < 0) the flow keeps B = A', so tr W = w0 + ||A||^2
stays above w0 for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, equal, trace
from lora_proofs.claims.rushka_klabjan.trace_squared.limit_starts import with_trace
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field, trace_squared_final_loss
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.strategies.draw import Draw
from lora_proofs.strategies.problems import lora_problem

REGIMES = ("generic", "zero B0", "kept cone", "other cone", "zero start")


def draw(source: Draw, regime: str) -> Instance:
    """A start off the cones, on one of them, or at the origin."""
    kind = "zero B0" if regime == "zero B0" else "generic"
    problem = lora_problem(source, kind, loss="trace-squared")
    W0, A0, B0 = (EXACT.matrix(getattr(problem, name)) for name in ("W0", "A0", "B0"))
    if regime == "zero start":
        A0, B0 = 0 * A0, 0 * B0
    w0 = Fraction(source.integer(1, 8) * source.choice((1, -1)), 4)
    if regime in ("kept cone", "other cone"):
        sign = (1 if w0 > 0 else -1) * (1 if regime == "kept cone" else -1)
        B0 = sign * A0.mT
    return Instance(regimes=(regime,), W0=with_trace(W0, w0), A0=A0, B0=B0)


INSTANCES = Instances(draw, REGIMES)


def sign(instance: Instance) -> int:
    """The sign of w0."""
    return 1 if trace(EXACT.matrix(instance.W0)) > 0 else -1


def trapped(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The field keeps B = e A', and there |tr W| >= |w0|."""
    v, e = instance.lift(ctx), sign(instance)
    yield equal("B0 = e A0'", v.B0, e * v.A0.mT)
    dA, dB = lora_vector_field(trace_squared(), v.W0, v.A0, v.B0, ctx)
    yield equal("the field keeps B = e A'", dB, e * dA.mT)
    yield at_most("|w0| against |tr W|", e * trace(v.W0), e * trace(v.W0 + v.B0 @ v.A0))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss that the flow keeps for ever: w0^2/2 in the trap, none outside of it."""
    kept = trace_squared_final_loss(instance.W0, instance.A0, instance.B0)
    if kept != 0:
        yield from trapped(instance, ctx)
    yield at_most("the loss that is kept for ever", ctx.number(kept), 0)


def trapped_everywhere(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The trap claimed on the other cone, where the flow escapes."""
    v, e = instance.lift(ctx), sign(instance)
    yield at_most("|w0| against |tr W|", e * trace(v.W0), e * trace(v.W0 + v.B0 @ v.A0))


def all_of_it(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss that is kept claimed to be that of the start."""
    v, loss = instance.lift(ctx), trace_squared()
    kept = trace_squared_final_loss(instance.W0, instance.A0, instance.B0)
    yield equal("loss at the start", loss.value(v.W0 + v.B0 @ v.A0, ctx), ctx.number(kept))


KEPT, OTHER = Instances(draw, ("kept cone",)), Instances(draw, ("other cone",))

claim = Claim(
    name="rushka-klabjan/naive/trace-squared-always-zero-loss",
    title="The trace-squared flow always reaches zero loss (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/trace-squared-zero-loss",
    ),
    statement=(
        r"Our reading, not a claim of the authors: the LoRA gradient flow of "
        r"$\tfrac12(\mathrm{tr} W)^2$ brings the loss to 0 from every start. It is false: from "
        r"$B_0 = A_0^\top$ with $w_0 > 0$ the flow keeps $B = A^\top$, where $\mathrm{tr} W = "
        r"w_0 + \|A\|_F^2 \ge w_0$; the same from $B_0 = -A_0^\top$ with $w_0 < 0$, and from "
        r"$A_0 = 0$, $B_0 = 0$ where $w_0 \ne 0$."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(
            None, OTHER, "the trap claimed on the cone that the flow leaves", trapped_everywhere
        ),
        Control(None, KEPT, "the loss claimed not to fall at all in the trap", all_of_it),
    ),
    note="From B0 = 0, A0 != 0, the usual start of LoRA, it is true.",
)
