"""On the stable line of a saddle the orders part: two of the four end there, two do not.

f = 1/2 (w - 1)^2 with w = ab, from (a0, -a0). The flow keeps b = -a, and a^2 has the rate
-2 a^2 (1 + a^2) <= -2 a^2. A simultaneous step keeps b = -a and multiplies a by 1 - h (1 + a^2),
which is between 0 and 1 - h where h (1 + a0^2) <= 1. So both have a -> 0 and w -> 0, with loss 1/2.
A sequential step leaves the line; once an iterate has 0 < w < 1 and a^2, b^2 >= h, so has every
later one, and 1 - w is multiplied by at most a q < 1 in each step (the proof is with ``trap`` in
naive/same-limit-at-infinite-time), so w -> 1. That such an iterate comes is seen on every instance
that is drawn, and is not proved for all.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_least, at_most, below, equal
from lora_proofs.claims.rushka_klabjan.naive import same_limit_at_infinite_time as saddle
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.strategies.draw import Draw, ratio

SEQUENTIAL = ("A-first", "B-first")


def draw(source: Draw, regime: str) -> Instance:
    """A start (a0, -a0), a step size, and points between it and the saddle."""
    sign = 1 if regime == "a0 > 0" else -1
    a = sign * ratio(source, 4, 16, 16)
    inside = [a * ratio(source, 1, 16, 16) for _ in range(3)]
    h = source.choice(("1/10", "1/8", "1/16"))
    return Instance(regimes=(regime,), a0=a, b0=-a, h=h, steps=160, points=[[a, *inside]])


INSTANCES = Instances(draw, ("a0 > 0", "a0 < 0"))


def fine(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """0 < h and h (1 + a0^2) <= 1."""
    yield below("0 < h", 0, EXACT.number(instance.h))
    yield at_most("h (1 + a0^2)", EXACT.number(instance.h * (1 + instance.a0**2)), 1)


def opposite(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """b0 = -a0, and a0 is not 0."""
    yield equal("a0 + b0", EXACT.number(instance.a0 + instance.b0), EXACT.number(0))
    yield below("0 < a0^2", 0, EXACT.number(instance.a0**2))


def flow(instance: Instance) -> Iterator[Comparison]:
    """On the line the field is along it, and a^2 falls at least at the rate 2."""
    for a in instance.points[0]:
        A, B = EXACT.matrix([[a]]), EXACT.matrix([[-a]])
        dA, dB = lora_vector_field(frobenius([[1]]), EXACT.zeros(1, 1), A, B, EXACT)
        yield equal("flow: rate of a + b", dA[0, 0] + dB[0, 0], EXACT.number(0))
        yield at_most("flow: rate of a^2", 2 * A[0, 0] * dA[0, 0], -2 * A[0, 0] ** 2)


def simultaneous(instance: Instance) -> Iterator[Comparison]:
    """A simultaneous step keeps the line and takes a to between 0 and (1 - h) a."""
    h = EXACT.number(instance.h)
    for a in instance.points[0]:
        at = instance.replace(a0=a, b0=-a)
        (_, _), (a_next, b_next) = saddle.iterates("simultaneous", 1, at, EXACT)
        yield equal("simultaneous: a + b after a step", a_next + b_next, EXACT.number(0))
        ratio = a_next / EXACT.number(a)
        yield at_least("simultaneous: factor of a", ratio, 0)
        yield at_most("simultaneous: factor of a", ratio, 1 - h)


def stays_trapped(mode: str, instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The iterate after the first one with 0 < w < 1 and a^2, b^2 >= h has them too.

    So has the last one, which is near w = 1 where there are many steps.
    """
    (a, b), (a_next, b_next) = saddle.trapped(mode, instance, ctx)
    w = a_next * b_next
    yield below(f"{mode}: 0 < w after a step", 0, w)
    yield below(f"{mode}: w < 1 after a step", w, 1)
    for name, old, new in (("a^2", a, a_next), ("b^2", b, b_next)):
        yield at_least(f"{mode}: {name} after a step", new * new, old * old)
    *_, (a_last, b_last) = saddle.iterates(mode, int(instance.steps), instance, ctx)
    yield below(f"{mode}: w < 1 after a step", a_last * b_last, 1)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """What each of the four keeps for all later times."""
    for mode in SEQUENTIAL:
        yield from saddle.rises_to_one(mode, instance, ctx)
        yield from stays_trapped(mode, instance, ctx)
    yield from flow(instance)
    yield from simultaneous(instance)


def keeps_the_line(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A-first steps claimed to keep the line too."""
    *_, (a, b) = saddle.iterates("A-first", 1, instance, EXACT)
    yield equal("A-first: a + b after a step", a + b, EXACT.number(0))


def arrives(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A-first steps claimed to reach w = 1 in the trap, not only to tend to it."""
    _, (a, b) = saddle.trapped("A-first", instance, ctx)
    yield at_least("A-first: w after a step", a * b, 1)


def flow_leaves(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The flow claimed to move away from the saddle."""
    for comparison in flow(instance):
        if comparison.relation == "<=":
            yield at_least("flow: rate of a^2", comparison.left, 0)


def contracts(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The contraction of a simultaneous step, whatever h."""
    yield from simultaneous(instance)


def off_the_line(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The line claimed to be met by simultaneous steps from beside it: |a + b| does not grow."""
    *_, (a, b) = saddle.iterates("simultaneous", 1, instance, EXACT)
    yield at_most("simultaneous: |a + b| after a step", abs(a + b),
                  abs(EXACT.number(instance.a0 + instance.b0)))  # fmt: skip


small_step = Assumption("small_step", r"$0 < h$ and $h(1 + a_0^2) \le 1$", fine)
on_the_line = Assumption("on_the_line", r"$b_0 = -a_0 \ne 0$", opposite)
LARGE = Instance(a0=1, b0=-1, h=2, steps=2, points=[[1, "1/2"]])
BESIDE = Instance(a0="1/2", b0="-1/4", h="1/10", steps=2, points=[["1/2"]])
POINT = Instance(a0="1/2", b0="-1/2", h="1/10", steps=2, points=[["1/2", "1/4"]])
TRAPPED = POINT.replace(steps=160)

claim = Claim(
    name="rushka-klabjan/limits-at-infinity",
    title="At infinite time the orders can part",
    source=Source("rushka-klabjan", "", "extension", "summary"),
    statement=(
        r"Let $f = \tfrac12(w - 1)^2$ with $w = ab$, $b_0 = -a_0 \ne 0$ and $h(1 + a_0^2) \le 1$. "
        r"The gradient flow and simultaneous descent keep $b = -a$ and tend to the saddle $(0, 0)$ "
        r"with loss $\tfrac12$: $a^2$ falls at least like $e^{-2t}$, or by the factor $(1 - h)^2$ "
        r"in each step. $A$-first and $B$-first descent tend to $w = 1$ with loss 0 once an "
        r"iterate has $0 < w < 1$ and $a^2, b^2 \ge h$: so have all later ones, and each step "
        r"multiplies $1 - w$ by at most $q < 1$, with $q = 1 - hb^2$ for $A$-first and $q = 1 "
        r"- ha^2$ for $B$-first, at that iterate."
    ),
    assumptions=(small_step, on_the_line),
    instances=INSTANCES,
    check=check,
    kind="trap",
    limit="invariant line and contraction for the saddle, a trap with a rate for the minimum",
    controls=(
        Control(small_step, (LARGE,), "h = 2: a simultaneous step is no contraction", contracts),
        Control(on_the_line, (BESIDE,), "beside the line a + b grows", off_the_line),
        Control(None, (POINT,), "A-first steps claimed to keep the line", keeps_the_line),
        Control(None, (TRAPPED,), "w = 1 claimed to be reached", arrives),
        Control(None, (POINT,), "the flow claimed to leave the saddle", flow_leaves),
    ),
    arithmetics=("ball",),
    note=(
        "What holds as h -> 0 on a finite interval (gradient-flow-limit) says nothing of t to "
        "infinity: on every instance drawn the sequential modes leave the saddle and reach such an "
        "iterate within 160 steps, which is not proved for every start."
    ),
)
