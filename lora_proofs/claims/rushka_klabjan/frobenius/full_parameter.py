"""The full-parameter flow of 1/2 ||W - Y||_F^2: a straight line to Y at rate 1.

W = Y + e^{-t} (W0 - Y) starts at W0 and has W' = -(W - Y), which is minus the gradient; the loss is
the square of the decaying factor times its start. Solutions are unique.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas.calculus import UNIQUENESS
from lora_proofs.mathematics.flows import full_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.notation import W0, Y, frobenius_value
from lora_proofs.mathematics.words import (
    Gradient,
    Named,
    Relation,
    Scalar,
    Symbol,
    along,
    substitute,
)
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.strategies.spectra import spectrum, with_singular_values
from lora_proofs.symbolic.steps import Step, cited, identity

decay = Scalar("e^(-t)", latex="e^{-t}")
VARIABLE = Symbol("V", "n", "m")
W = Named("W", Y + decay * (W0 - Y))

START, FLOW, LOSS = "W(0)", "full-parameter flow", "loss along it"
CONCLUSION = (
    Relation(substitute(W, {decay: 1}), "=", W0, START),
    Relation(along(W, {decay: -decay}), "=", -(W - Y), FLOW),
    Relation(frobenius_value(W), "=", decay**2 * frobenius_value(W0), LOSS),
)


def derive() -> Iterator[Step]:
    """The gradient, the start, the rate, the loss; solutions through one start are unique."""
    yield identity(Gradient(frobenius_value(VARIABLE), VARIABLE), VARIABLE - Y, "the gradient")
    begin, flow, loss = CONCLUSION
    yield (start := identity(begin.left, begin.right, "e^{-t} is 1 at 0", label=START))
    yield (solves := identity(flow.left, flow.right, "e^{-t} has rate -e^{-t}", label=FLOW))
    yield identity(loss.left, loss.right, "W - Y is e^{-t} times W0 - Y", label=LOSS)
    yield cited(
        UNIQUENESS,
        "the field is affine, hence Lipschitz",
        discharged_by={"solves": solves, "field": solves, "starts": start},
    )


REGIMES = ("generic", "zero W0", "rank deficient", "tied spectrum", "at the target", "huge scale")


def draw(source: Draw, regime: str) -> Instance:
    """A start and a target, with a rational value of e^{-t}."""
    kind = "generic" if regime in ("at the target", "huge scale", "rank deficient") else regime
    problem = lora_problem(source, kind, loss="frobenius", largest=4)
    start, target = EXACT.matrix(problem.W0), EXACT.matrix(problem.Y)
    if regime == "at the target":
        target = start
    if regime == "rank deficient":
        values = spectrum(source, min(start.shape), "with zeros")
        target = start + with_singular_values(source, len(start), len(start[0]), values)
    if regime == "huge scale":
        start = 10**9 * start
    reached = ratio(source, 1, 99, 100)
    return Instance(regimes=(regime,), W0=start, Y=target, V=start, decay=reached)


INSTANCES = Instances(draw, REGIMES)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[object, object]:
    """A rational value of e^{-t} stands for every time."""
    z = instance.lift(ctx)
    return {W0: z.W0, Y: z.Y, VARIABLE: z.V, decay: z.decay}


def named(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The value belongs to a time that is not negative."""
    yield equal("e^{-t} e^{t}", ctx.number(instance.decay) * ctx.number(1 / instance.decay), 1)


exponential = Assumption(
    "exponential",
    r"$e^{-t}$ is 1 at 0 and has derivative $-e^{-t}$",
    named,
    technical="it names a function",
)


def at(instance: Instance, ctx: Arithmetic, e: Any) -> Any:
    """Y + e (W0 - Y), the candidate where e^{-t} is e."""
    z = instance.lift(ctx)
    return z.Y + e * (z.W0 - z.Y)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The candidate at the start, put into the field, and its loss.

    It is affine in e^{-t}, so its derivative is -e^{-t} times a difference quotient.
    """
    z, loss = instance.lift(ctx), frobenius(instance.Y)
    W_t, W_start = at(instance, ctx, z.decay), at(instance, ctx, ctx.number(1))
    yield equal(START, W_start, z.W0)
    slope = W_start - at(instance, ctx, ctx.number(0))
    yield equal(FLOW, -z.decay * slope, full_vector_field(loss, W_t, ctx))
    yield equal(LOSS, loss.value(W_t, ctx), z.decay**2 * loss.value(z.W0, ctx))


def twice_as_far(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """W = Y + 2 (W0 - Y) e^{-t}, which solves the equation from another start."""
    start = at(instance, ctx, ctx.number(2))
    yield equal("W(0) of the solution twice as far", start, instance.lift(ctx).W0)


def one_rate(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss at the rate of W."""
    z, loss = instance.lift(ctx), frobenius(instance.Y)
    W_t = z.Y + z.decay * (z.W0 - z.Y)
    yield equal("loss at rate 1", loss.value(W_t, ctx), z.decay * loss.value(z.W0, ctx))


def factor_two(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss ||W - Y||_F^2 without 1/2 with the same rate."""
    z, loss = instance.lift(ctx), frobenius(instance.Y)
    W_t = z.Y + z.decay * (z.W0 - z.Y)
    field = 2 * full_vector_field(loss, W_t, ctx)
    yield equal("flow of ||W - Y||^2 at the same rate", -z.decay * (z.W0 - z.Y), field)


def target_forgotten(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The formula for Y = 0 used for every target."""
    z, loss = instance.lift(ctx), frobenius(instance.Y)
    field = full_vector_field(loss, z.decay * z.W0, ctx)
    yield equal("W = e^{-t} W0 for every target", -z.decay * z.W0, field)


claim = Claim(
    name="rushka-klabjan/frobenius-full-parameter",
    title="The full-parameter Frobenius flow",
    source=Source("rushka-klabjan", "", "reconstructed", "summary"),
    statement=(
        r"For $f = \tfrac12\|W - Y\|_F^2$ the full-parameter gradient flow is "
        r"$W(t) = Y + (W_0 - Y) e^{-t}$, and its loss is $e^{-2t}$ times the loss at the start."
    ),
    assumptions=(exponential,),
    instances=INSTANCES,
    check=check,
    conclusion=CONCLUSION,
    derive=derive,
    interpret=interpret,
    controls=(
        Control(None, INSTANCES, "the solution from a start twice as far", twice_as_far),
        Control(None, INSTANCES, "the loss falls at the rate of W", one_rate),
        Control(None, INSTANCES, "the factor 1/2 of the loss is forgotten", factor_two),
        Control(None, INSTANCES, "the target is forgotten", target_forgotten),
    ),
    note="Checked at rational values of e^{-t}, which stand for every time.",
)
