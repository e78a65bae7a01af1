"""False reading: a globally Lipschitz gradient makes the LoRA flow exist for all time.

It does so for full-parameter training. With f = -||W||^2/2, whose gradient is 1-Lipschitz, and
numbers a, b with b = a or b = -a at the start, the LoRA flow keeps that line and a' = a^3. So 1/a^2
falls at the rate 2 and is used up at t = 1/(2 a0^2): no solution reaches beyond.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below, equal
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import full_vector_field, lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.loss_examples import ConcaveSquare
from lora_proofs.strategies.draw import Draw, ratio

# It has all that steps and fields ask of a loss; what only words need, it lacks.
LOSS: Any = ConcaveSquare()
LINES = {"b = a": 1, "b = -a": -1}


def draw(source: Draw, regime: str) -> Instance:
    """A start on one of the two lines, points further out on it, and a time."""
    a = ratio(source, 2, 12, 4)
    out = [a * ratio(source, 4, 16, 4) for _ in range(3)]
    T = ratio(source, 1, 16, 4)
    return Instance(regimes=(regime,), a0=a, sign=LINES[regime], points=[[a, *out]], T=T)


INSTANCES = Instances(draw, tuple(LINES))


def gradient_is_lipschitz(instance: Instance) -> Iterator[Comparison]:
    """The loss's constant is 1."""
    gap = instance.points[0][1] - instance.points[0][0]
    loss, (x, z) = LOSS, (EXACT.matrix([[p]]) for p in instance.points[0][:2])
    found = (loss.gradient(z, EXACT) - loss.gradient(x, EXACT))[0, 0]
    yield at_most("change of the gradient against that of W", found**2, EXACT.number(gap) ** 2)


def along_the_line(instance: Instance) -> Iterator[Comparison]:
    """At points of the line the field is along it, and 1/a^2 has the rate -2."""
    sign = EXACT.number(instance.sign)
    for a in instance.points[0]:
        A, B = EXACT.matrix([[a]]), EXACT.matrix([[instance.sign * a]])
        dA, dB = lora_vector_field(LOSS, EXACT.zeros(1, 1), A, B, EXACT)
        yield equal("the field stays on the line", dB[0, 0], sign * dA[0, 0])
        yield equal("rate of 1/a^2", -2 * dA[0, 0] / A[0, 0] ** 3, EXACT.number(-2))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A flow that exists up to T has 1/a(T)^2 = 1/a0^2 - 2T, and that is positive."""
    yield from gradient_is_lipschitz(instance)
    yield from along_the_line(instance)
    left = 1 / EXACT.number(instance.a0) ** 2 - 2 * EXACT.number(instance.T)
    yield below("0 < 1/a^2 at time T", 0, left)


def other_rate(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Exponential growth claimed, as of a linear equation: a' = a."""
    A, B = EXACT.matrix([[instance.a0]]), EXACT.matrix([[instance.sign * instance.a0]])
    dA, _ = lora_vector_field(LOSS, EXACT.zeros(1, 1), A, B, EXACT)
    yield at_most("rate of a against a", dA[0, 0], A[0, 0])


def full_blows_up(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The same claimed of full-parameter training: its rate against w^2."""
    W = EXACT.matrix([[instance.a0**2]])
    rate = full_vector_field(LOSS, W, EXACT)[0, 0]
    yield at_least("rate of w in full-parameter training against w^2", rate, W[0, 0] ** 2)


def bounded_before(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """a claimed to stay below 100 a0 up to the time of blow-up."""
    start = EXACT.number(instance.a0)
    time = (1 - EXACT.number("1/1000000")) / (2 * start**2)
    left = 1 / start**2 - 2 * time
    yield at_least("1/a^2 just before the blow-up", left, 1 / (100 * start) ** 2)


POINT = Instance(a0=2, sign=1, points=[[2, 3, 4, 5]], T="1/4")

claim = Claim(
    name="rushka-klabjan/naive/lipschitz-gradient-suffices",
    title="A Lipschitz gradient suffices (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/limit-without-bounded-iterates",
    ),
    statement=(
        r"Our reading, not a claim of the authors: if $\nabla f$ is globally Lipschitz, the LoRA "
        r"gradient flow exists on every $[0, T]$, as the full-parameter flow does, so nothing need "
        r"be assumed of iterates or of $\inf f$. It is false for $f = -\tfrac12\|W\|_F^2$ and $n = "
        r"m = r = 1$: from $b_0 = \pm a_0 \ne 0$ the flow is $\dot a = a^3$, which ends at $t = "
        r"1/(2a_0^2)$. Either a lower bound of $f$ or bounded iterates suffices."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(None, (POINT,), "growth at the rate of a claimed, as of a linear flow", other_rate),
        Control(None, (POINT,), "blow-up claimed of the full-parameter flow too", full_blows_up),
        Control(None, (POINT,), "a claimed to stay below 100 a0", bounded_before),
    ),
    note=(
        "Exact: 1/a^2 falls at the rate 2 wherever the flow is, so a flow on [0, T] with T >= "
        "1/(2 a0^2) would have 1/a^2 <= 0. Full-parameter training is w' = w."
    ),
)
