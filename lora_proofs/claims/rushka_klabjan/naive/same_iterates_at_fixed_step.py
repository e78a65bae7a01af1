"""False reading: the three modes produce the same iterates.

They share the first-order term only. One step of size h differs at order h^2, exactly by the terms
of one-step-difference; from B = 0 the A-first step is the simultaneous one, and B-first is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.claims.rushka_klabjan.discretisation.one_step import SCALAR, draw, stepped
from lora_proofs.language.claim import Claim, Control, Instances, Source
from lora_proofs.mathematics.flows import METHODS
from lora_proofs.mathematics.instance import Instance

INSTANCES = Instances(draw, ("generic", "zero B0"))


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """One step of each sequential mode against the simultaneous one, exactly."""
    yield from compared(instance, ctx, tuple(METHODS))


def compared(instance: Instance, ctx: Arithmetic, modes: tuple[str, ...]) -> Iterator[Comparison]:
    """Both factors after one step of each mode against those of a simultaneous step."""
    A, B = stepped(instance, ctx, "simultaneous")
    for mode in modes:
        late_A, late_B = stepped(instance, ctx, mode)
        yield equal(f"{mode}: A after one step", late_A, A)
        yield equal(f"{mode}: B after one step", late_B, B)


def product_alone(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The factors may differ, their product claimed not to."""
    products = [B @ A for A, B in (stepped(instance, ctx, mode) for mode in METHODS)]
    yield equal("BA after one A-first step", products[1], products[0])


def sequential_alike(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """A-first claimed the same as B-first."""
    found: list[Any] = [stepped(instance, ctx, mode)[0] for mode in ("A-first", "B-first")]
    yield equal("A after one step, A-first against B-first", *found)


def from_zero(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """From B = 0 claimed of B-first, as it holds of A-first."""
    yield from compared(instance, ctx, ("B-first",))


FROM_ZERO = SCALAR.replace(B0=[[0]])

claim = Claim(
    name="rushka-klabjan/naive/same-iterates-at-fixed-step",
    title="All modes produce the same iterates (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/one-step-difference",
    ),
    statement=(
        r"Our reading, not a claim of the authors: for a fixed step size, simultaneous, $A$-first "
        r"and $B$-first gradient descent produce the same iterates. It is false: one step already "
        r"differs, by $h^2(GG^\top B + H[BB^\top G]A^\top)$ and terms of higher order; the modes "
        r"agree as $h \to 0$ on finite intervals only."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(
            None,
            (SCALAR,),
            "the products BA claimed equal where the factors are not",
            product_alone,
        ),
        Control(None, (SCALAR,), "the two sequential modes claimed alike", sequential_alike),
        Control(None, (FROM_ZERO,), "from B = 0 all modes claimed equal", from_zero),
    ),
    note="The gap up to a fixed time is of first order in h: see order-of-the-gap.",
)
