"""False reading: simultaneous and sequential descent end in the same place.

From (1/2, -1/2) with f = 1/2 (w - 1)^2, simultaneous descent keeps a = -b for ever, so w <= 0 and
the loss is at least 1/2; A-first descent enters a region that it cannot leave, with w > 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most, below
from lora_proofs.errors import Unavailable
from lora_proofs.language.claim import Assumption, Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import iterate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.strategies.draw import Draw

LONGEST_EXACT = 6
"""Exact iterates multiply their digits by about six each step; more steps need balls."""


def draw(source: Draw, regime: str) -> Instance:
    """A start on the line a = -b, or off it on the side of the minimum, with a small step."""
    a = Fraction(source.integer(1, 4), 4)
    if regime == "saddle line":
        return Instance(regimes=(regime,), a0=a, b0=-a, h="1/10", steps=60)
    return Instance(
        regimes=(regime,), a0=a, b0=Fraction(source.integer(1, 4), 4), h="1/10", steps=60
    )


INSTANCES = Instances(draw, ("saddle line", "same signs"))


def last_iterates(instance: Instance, ctx: Arithmetic) -> dict[str, tuple[Any, Any]]:
    """(a, b) after the instance's steps, simultaneous and A-first."""
    if ctx.name == "exact" and instance.steps > LONGEST_EXACT:
        raise Unavailable(f"{instance.steps} exact steps", ctx.name)
    W0, A0, B0 = (ctx.matrix([[x]]) for x in (0, instance.a0, instance.b0))
    loss, found = frobenius([[1]]), {}
    for mode in ("simultaneous", "A-first"):
        *_, (A, B) = iterate(mode, int(instance.steps), loss, W0, A0, B0, instance.h, ctx)
        found[mode] = (A[0, 0], B[0, 0])
    return found


def trap(a: Any, b: Any, h: Any) -> bool:
    """Whether A-first descent from (a, b) surely keeps 0 < w <= its limit of 1, w never falling.

    For a, b of one sign with ab < 1 both grow in size while ab <= 1, so a^2 <= 1/b^2 and
    b^2 <= 1/a^2 for ever; with h <= a^2 and h <= b^2 a half step multiplies 1 - ab by
    1 - h b^2 or 1 - h a^2, which stay in [0, 1).
    """
    w = a * b
    return bool(w > 0 and w < 1 and a * a >= h and b * b >= h)


def starts_in_a_moving_place(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The start is not the stationary point (0, 0)."""
    yield below("0 < a0^2 + b0^2", 0, instance.a0**2 + instance.b0**2)


def limits(instance: Instance, ctx: Arithmetic) -> Iterator[tuple[str, Any, Any]]:
    """For each order: what is certain about w for all later times (a lower and an upper bound)."""
    h = ctx.number(instance.h)
    if instance.a0 == -instance.b0:
        # a + b is multiplied by 1 - h (ab - 1) in a simultaneous step: the line a = -b is kept.
        yield "simultaneous", None, ctx.number(0)
    a, b = last_iterates(instance, ctx)["A-first"]
    if trap(a, b, h):
        yield "A-first", a * b, ctx.number(1)


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Same limit needs: what A-first keeps above is not above what simultaneous keeps below."""
    found = {name: (low, high) for name, low, high in limits(instance, ctx)}
    if len(found) == 2:
        label = (
            "lower bound of w for A-first against upper bound for simultaneous, for all later times"
        )
        yield at_most(label, found["A-first"][0], found["simultaneous"][1])
        return
    # Off the line both orders see a fixed neighbourhood of the minimum; their iterates approach it.
    ends = last_iterates(instance, ctx)
    gap = abs(
        ends["A-first"][0] * ends["A-first"][1] - ends["simultaneous"][0] * ends["simultaneous"][1]
    )
    yield at_most("distance of w after the steps", gap, ctx.number("1/100"))


def both_leave(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A false claim about the invariance itself: simultaneous descent leaves the line."""
    ends = last_iterates(instance.replace(steps=3), ctx)
    a, b = ends["simultaneous"]
    yield below("|a + b| after three simultaneous steps is positive", 0, abs(a + b))


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
        r"Our reading, not a claim of the authors: for small steps, simultaneous and sequential "
        r"gradient descent from the same start have the same limit as the number of steps tends to "
        r"infinity. It is false: agreement holds on finite intervals $[0, T]$ as $h \to 0$ only."
    ),
    assumptions=(moving,),
    instances=INSTANCES,
    check=check,
    kind="trap",
    controls=(
        Control(None, LINE, "simultaneous descent claimed to leave the line a = -b", both_leave),
    ),
    note=(
        "f = 1/2 (w - 1)^2 with n = m = r = 1. On the line a = -b simultaneous descent keeps the "
        "loss "
        "at least 1/2 for ever (invariance); A-first descent is trapped below 1/2 (descent)."
    ),
)
