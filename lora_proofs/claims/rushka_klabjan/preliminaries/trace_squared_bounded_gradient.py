"""Trace-squared: along the LoRA flow the gradient never exceeds its norm at the start.

The gradient of f = 1/2 (tr W)^2 is (tr W) I, with squared norm n (tr W)^2. Along the flow T = tr W
has the rate -(||A||^2 + ||B||^2) T, so n T^2 has the rate -2n (||A||^2 + ||B||^2) T^2 <= 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_most,
    below,
    squared_norm,
    trace,
)
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.language.lemmas import flows as lemmas
from lora_proofs.mathematics import words
from lora_proofs.mathematics.flows import trace_squared_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.limit_constants import frobenius
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.notation import A_SQUARE as A
from lora_proofs.mathematics.notation import W0_SQUARE as W0
from lora_proofs.mathematics.notation import B, trace_squared_value
from lora_proofs.mathematics.words import (
    Gradient,
    Identity,
    Named,
    Relation,
    Size,
    Symbol,
    Trace,
    Word,
    along,
)
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.problems import lora_problem
from lora_proofs.symbolic.steps import Step, cited, identity, inequality

REGIMES = (
    "generic", "zero B0", "zero A0", "rank deficient", "r = 1", "r > min(n, m)", "zero W0", "cone",
    "tiny scale", "huge scale", "zero start",
)  # fmt: skip
LABEL = "squared norm of the gradient at time t"
A_START, B_START = Symbol("A0", "r", "n", latex="A_0"), Symbol("B0", "n", "r", latex="B_0")
T = Named("T", Trace(W0 + B @ A))
T_START = Trace(W0 + B_START @ A_START)
GRADIENT = T * Identity("n")
FIELD: dict[Any, Word] = {A: -(T * B.T), B: -(T * A.T)}
SQUARE = words.squared_norm(GRADIENT)
CONCLUSION = Relation(SQUARE, "<=", Size("n") * T_START**2, LABEL)


def derive() -> Iterator[Step]:
    """The gradient, its squared norm, the rate of that, and its sign."""
    V = Symbol("V", "n", "n")
    value = trace_squared_value(V)
    yield identity(Gradient(value, V), Trace(V) * Identity("n"), "the gradient at any weight V")
    yield identity(SQUARE, Size("n") * T**2, "||T I||^2 = n T^2")
    loss = trace_squared_value(W0 + B @ A)
    yield identity(Gradient(loss, A), T * B.T, "the gradient in A: A' is its negative")
    yield identity(Gradient(loss, B), T * A.T, "the gradient in B: B' is its negative")
    size = words.squared_norm(A) + words.squared_norm(B)
    rate = along(SQUARE, FIELD)
    yield identity(rate, -(2 * Size("n") * size * T**2), "product rule, cyclic trace")
    parts = ((2 * Size("n"), frobenius(A) * T), (2 * Size("n"), frobenius(B) * T))
    why = "minus a sum of squares"
    yield (falls := inequality(rate, 0, why, rule="sum of squares", squares=parts))
    yield cited(
        lemmas.MONOTONE,
        "a function whose rate is not positive does not grow",
        substitution={
            lemmas.QUANTITY_RATE: rate,
            lemmas.QUANTITY_LATER: SQUARE,
            lemmas.QUANTITY_START: Size("n") * T_START**2,
        },
        discharged_by={"rate": falls, "solution": "flow"},
        label=LABEL,
    )


def later(instance: Instance, ctx: Arithmetic) -> Any:
    """The closed form at time t; needs exponentials."""
    if ctx.name == "exact":
        raise Unavailable("the flow at a positive time", ctx.name)
    return trace_squared_closed_form(instance.W0, instance.A0, instance.B0, instance.t, ctx)


def start_trace(instance: Instance) -> Any:
    """tr W(0), exactly."""
    x = instance.lift(EXACT)
    return trace(x.W0 + x.B0 @ x.A0)


def at_rest(instance: Instance) -> bool:
    """Whether the flow stands still: A0 = B0 = 0, or tr W(0) = 0."""
    x = instance.lift(EXACT)
    return bool(squared_norm(x.A0) + squared_norm(x.B0) == 0) or bool(start_trace(instance) == 0)


def gradient_square(instance: Instance, ctx: Arithmetic) -> Any:
    """||G||_F^2 at time t; exact where the flow stands still."""
    if at_rest(instance):
        x = instance.lift(EXACT)
        return squared_norm(trace_squared().gradient(x.W0 + x.B0 @ x.A0, EXACT))
    # tr W in closed form: the trace of W0 + BA would lose its digits as it tends to 0.
    G = later(instance, ctx).trace_W * ctx.identity(len(instance.W0))
    return squared_norm(G)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||G(t)||_F^2 against n (tr W(0))^2."""
    bound = len(instance.W0) * start_trace(instance) ** 2
    yield at_most(LABEL, gradient_square(instance, ctx), EXACT.number(bound))


def without_dimension(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """|tr W(0)| without the factor sqrt n."""
    bound = EXACT.number(start_trace(instance) ** 2)
    yield at_most("||G||_F^2 against (tr W(0))^2", gradient_square(instance, ctx), bound)


def frozen_trace(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The trace of W0 in place of that of W(0) = W0 + B0 A0."""
    bound = len(instance.W0) * trace(instance.lift(EXACT).W0) ** 2
    label = "||G||_F^2 against n (tr W0)^2"
    yield at_most(label, gradient_square(instance, ctx), EXACT.number(bound))


def full_rate(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The decay of full fine-tuning, e^{-nt}, claimed of LoRA."""
    n = len(instance.W0)
    decay = ctx.exp(ctx.number(-2 * n * instance.t))
    bound = decay * ctx.number(n * start_trace(instance) ** 2)
    yield at_most("||G||_F^2 against its decay", gradient_square(instance, ctx), bound)


def flow_holds(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Forward in time: t > 0."""
    yield below("0 against t", 0, EXACT.number(instance.t))


flow = Assumption(
    "flow",
    r"$A, B$ solve the LoRA gradient flow from $A_0, B_0$, and $t > 0$",
    flow_holds,
)


def draw(source: Draw, regime: str) -> Instance:
    """A trace-squared problem and a time up to 2."""
    kind = "generic" if regime == "zero start" else regime
    t = ratio(source, 1, 16, 8)
    problem = lora_problem(source, kind, loss="trace-squared", t=t, largest=4)
    if regime == "zero start":
        x = problem.lift(EXACT)
        problem = problem.replace(A0=0 * x.A0, B0=0 * x.B0)
    return problem.replace(regimes=(regime,))


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The factors at both times."""
    x = instance.lift(ctx)
    end = later(instance, ctx)
    return {W0: x.W0, A_START: x.A0, B_START: x.B0, A: end.A, B: end.B, Symbol("V", "n", "n"): x.W0}


INSTANCES = Instances(draw, REGIMES)
SMALL = Instance(loss="trace-squared", W0=[[1, 0], [0, 1]], A0=[["1/4", 0]], B0=[[0], [0]], t="1/8")
BACK = SMALL.replace(t="-1/8")
STARTED = Instance(loss="trace-squared", W0=[[0]], A0=[[1]], B0=[[1]], t="1/8")
# Nothing moves: both sides are equal. BA against W0, BA without a trace of its own, and A0 != B0.
REST = SMALL.replace(A0=[[0, 0]])
AGAINST = STARTED.replace(W0=[[2]], B0=[[-1]])
ACROSS = SMALL.replace(W0=[[0, 0], [0, 0]], A0=[[0, 1], [0, 0]], B0=[[0, 0], [1, 0]])
UNEQUAL = STARTED.replace(A0=[[2]], t="1/16")

claim = Claim(
    name="rushka-klabjan/trace-squared-bounded-gradient",
    title="Trace-squared: the gradient is largest at the start",
    source=Source("rushka-klabjan", "Remark 3.2", "reconstructed", "summary"),
    statement=(
        r"For $f = \tfrac12 (\mathrm{tr} W)^2$ on $n \times n$ matrices, along the LoRA gradient "
        r"flow $\|\nabla f(W(t))\|_F = \sqrt n\,|\mathrm{tr} W(t)| \le "
        r"\sqrt n\,|\mathrm{tr} W(0)|$ for all $t \ge 0$."
    ),
    assumptions=(flow,),
    instances=INSTANCES,
    check=check,
    conclusion=(CONCLUSION,),
    derive=derive,
    interpret=interpret,
    controls=(
        Control(flow, (BACK,), "backward in time the gradient grows"),
        Control(None, (SMALL, REST), "the factor sqrt n is left out", without_dimension),
        Control(
            None,
            (STARTED, UNEQUAL, ACROSS, AGAINST),
            "the trace of W0 in place of that of W(0)",
            frozen_trace,
        ),
        Control(None, (SMALL,), "the decay of full fine-tuning", full_rate),
    ),
    arithmetics=("ball", "multiprecision"),
    note="The content of the remark is reconstructed from its title.",
)
