"""False reading: simultaneous and sequential descent end in the same place.

With f = 1/2 (w - 1)^2, w = ab and d = 1 - w: from (1/2, -1/2) simultaneous descent keeps a = -b
for ever, so w <= 0; A-first descent enters a region from which w rises to 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, at_most, below, equal
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Assumption, Check, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import iterate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.strategies.draw import Draw, ratio

LONGEST_EXACT = 6
"""Exact iterates multiply their digits by about six each step; more steps need balls."""

Point = tuple[Any, Any]


def draw(source: Draw, regime: str) -> Instance:
    """A start on the line a = -b, or off it on the side of the minimum, with a small step."""
    a = ratio(source, 1, 4, 4)
    b = -a if regime == "saddle line" else ratio(source, 1, 3, 4)
    return Instance(regimes=(regime,), a0=a, b0=b, h="1/10", steps=60)


INSTANCES = Instances(draw, ("saddle line", "same signs"))


def iterates(mode: str, steps: int, instance: Instance, ctx: Arithmetic) -> Iterator[Point]:
    """(a, b) at the start and after each step."""
    W0, A0, B0 = (ctx.matrix([[x]]) for x in (0, instance.a0, instance.b0))
    for A, B in iterate(mode, steps, frobenius([[1]]), W0, A0, B0, instance.h, ctx):
        yield A[0, 0], B[0, 0]


def conditions(a: Any, b: Any, h: Any) -> dict[str, bool]:
    """What puts A-first descent into its trap."""
    w = a * b
    return {
        "w > 0": bool(w > 0),
        "w < 1": bool(w < 1),
        "a^2 >= h": bool(a * a >= h),
        "b^2 >= h": bool(b * b >= h),
    }


def trap(a: Any, b: Any, h: Any) -> bool:
    """Whether A-first descent from (a, b) surely has w rise to 1 without passing it.

    A half step makes a* = a + h b d, so it multiplies d by 1 - h b^2, and the other half by
    1 - h a*^2. With w > 0 and d > 0 both numbers grow in size. From w < 1 and h <= a^2 follows
    h b^2 < h / a^2 <= 1, and in the same way h a*^2 < h / b^2 <= 1: both factors are in (0, 1),
    d stays positive, and a^2, b^2 only grow, so the conditions hold for ever. Each step
    multiplies d by less than q = 1 - h b^2 < 1 with b of the first trapped step, so w -> 1.
    """
    return all(conditions(a, b, h).values())


def simultaneous_trap(a: Any, b: Any, h: Any) -> bool:
    """Whether simultaneous descent from (a, b) surely has w rise to 1 without passing it.

    A step multiplies d by 1 - h (a^2 + b^2) - h^2 d w and D = a^2 - b^2 by 1 - h^2 d^2. While
    0 < w < 1: a^2 + b^2 = sqrt(D^2 + 4 w^2) < sqrt(D^2 + 4), d w <= 1/4, and, as h d <= 1, |D|
    does not grow. So h sqrt(D^2 + 4) <= 1 - h^2/4 (which needs h < 1/2) keeps the factor
    positive for ever. Both numbers grow in size, so each step multiplies d by less than
    q = 1 - h (a^2 + b^2) < 1 with the first trapped a, b, and w -> 1.
    """
    w, D = a * b, a * a - b * b
    room = 1 - h * h / 4
    small = bool(room > 0) and bool(h * h * (D * D + 4) <= room * room)
    return bool(w > 0) and bool(w < 1) and small


# With the roles of a and b exchanged, what holds of A-first holds of B-first.
TRAPS = {"A-first": trap, "B-first": trap, "simultaneous": simultaneous_trap}


def factor(mode: str, a: Any, b: Any, h: Any) -> Any:
    """q: what multiplies 1 - w at most, in each step after the first trapped one."""
    moved = {"A-first": b * b, "B-first": a * a, "simultaneous": a * a + b * b}
    return 1 - h * moved[mode]


def trapped(mode: str, instance: Instance, ctx: Arithmetic) -> tuple[Point, Point]:
    """The first trapped iterate and the one after it; ``Unavailable`` where none is trapped."""
    steps = int(instance.steps)
    length = min(steps, LONGEST_EXACT) if ctx.name == "exact" else steps
    points = iterates(mode, length, instance, ctx)
    for a, b in points:
        if TRAPS[mode](a, b, ctx.number(instance.h)):
            after = next(points, None)
            if after is not None:
                return (a, b), after
    raise Unavailable(f"a trap of {mode} descent within {length} steps", ctx.name)


def rises_to_one(mode: str, instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """In the trap, 1 - w stays positive and is multiplied by at most a q below 1."""
    (a, b), (a_next, b_next) = trapped(mode, instance, ctx)
    q, d, after = factor(mode, a, b, ctx.number(instance.h)), 1 - a * b, 1 - a_next * b_next
    yield below(f"{mode}: q below 1", q, 1)
    yield below(f"{mode}: 1 - w stays positive", 0, after)
    yield at_most(f"{mode}: 1 - w after a step against q (1 - w)", after, q * d)


def keeps_the_line(instance: Instance) -> Iterator[Comparison]:
    """A simultaneous step multiplies a + b by 1 + h d: the line a = -b is kept, with w <= 0."""
    *_, (a, b) = iterates("simultaneous", 1, instance, EXACT)
    d = 1 - instance.a0 * instance.b0
    kept = (instance.a0 + instance.b0) * (1 + instance.h * d)
    yield equal("a + b after a simultaneous step", a + b, EXACT.number(kept))


def starts_in_a_moving_place(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The start is not the stationary point (0, 0)."""
    yield below("0 < a0^2 + b0^2", 0, instance.a0**2 + instance.b0**2)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Same limit needs: the one of A-first, which is 1, is not above what simultaneous allows.

    Both are certain for all later times. Where a trap is not established nothing is compared.
    """
    yield from rises_to_one("A-first", instance, ctx)
    highest = 1
    if instance.a0 == -instance.b0:
        yield from keeps_the_line(instance)
        highest = 0
    else:
        yield from rises_to_one("simultaneous", instance, ctx)
    label = "limit of w for A-first against the upper bound of w for simultaneous, for all times"
    yield at_most(label, 1, highest)


def both_leave(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A false claim about the invariance itself: simultaneous descent leaves the line."""
    *_, (a, b) = iterates("simultaneous", 3, instance, ctx)
    yield below("|a + b| after three simultaneous steps is positive", 0, abs(a + b))


def without(dropped: str) -> Check:
    """The trap of A-first descent claimed without one of its conditions on the step size."""

    def weakened(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
        (a, b), (a_next, b_next) = iterates("A-first", 1, instance, ctx)
        met = conditions(a, b, ctx.number(instance.h))
        if not all(holds for name, holds in met.items() if name != dropped):
            raise Unavailable("the trap with one condition dropped", ctx.name)
        yield at_most("w after an A-first step", a_next * b_next, 1)

    return weakened


def any_step_size(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The trap of simultaneous descent claimed for every step size."""
    *_, (a, b) = iterates("simultaneous", 1, instance, ctx)
    yield at_most("w after a simultaneous step", a * b, 1)


def start(a: str, b: str, h: str) -> Instance:
    """A start inside the weakened trap from which a step passes w = 1."""
    return Instance(a0=a, b0=b, h=h, steps=1)


LINE = Instances(draw, ("saddle line",))
moving = Assumption("moving_start", r"$(a_0, b_0) \ne (0, 0)$", starts_in_a_moving_place,
                    technical="at the stationary point both orders stay, and agree")  # fmt: skip

claim = Claim(
    name="rushka-klabjan/naive/same-limit-at-infinite-time",
    title="Both orders end in the same place (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/gradient-flow-limit",
    ),
    statement=(
        r"Our reading, not a claim of the authors: for a fixed small step size $h$, simultaneous "
        r"and sequential gradient descent from the same start have the same limit as the number of "
        r"steps tends to infinity. It is false for $f = \tfrac12(ab - 1)^2$ from $(a, -a)$ with $a "
        r"= \tfrac14, \tfrac12, \tfrac34$ or $1$ and $h = \tfrac{1}{10}$: simultaneous descent "
        r"keeps $ab \le 0$, while $A$-first descent tends to $ab = 1$ (the claim "
        r"limits-at-infinity). Agreement holds on finite intervals $[0, T]$ as $h \to 0$ only."
    ),
    assumptions=(moving,),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(None, LINE, "simultaneous descent claimed to leave the line a = -b", both_leave),
        Control(
            None,
            (start("1/8", "4", "1/10"),),
            "the trap of A-first descent claimed without a^2 >= h",
            without("a^2 >= h"),
        ),
        Control(
            None,
            (start("4", "1/8", "1/10"),),
            "the trap of A-first descent claimed without b^2 >= h",
            without("b^2 >= h"),
        ),
        Control(
            None,
            (start("1/2", "1/2", "5"),),
            "the trap of simultaneous descent claimed for every step size",
            any_step_size,
        ),
    ),
    note=(
        "f = 1/2 (w - 1)^2 with n = m = r = 1. On the line a = -b simultaneous descent keeps w <= "
        "0, so the loss is at least 1/2 for ever, whatever h is (invariance); A-first descent "
        "reaches an iterate with 0 < w < 1 and h <= min(a^2, b^2), from which w rises to 1 (trap)."
    ),
)
