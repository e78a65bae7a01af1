"""False reading: LoRA's update is nearer to that of full fine-tuning than no update at all.

No update has the relative error 1. For orthonormal rows R^2 = n/r - 1, which is below 1 only for
r > n/2, and no zero-loss update of rank r does better.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most, below
from lora_proofs.claims.rushka_klabjan.naive.error_without_dimension import (
    INSTANCES,
    one_row,
    squared_error,
)
from lora_proofs.language.claim import Claim, Control, Source
from lora_proofs.mathematics.instance import Instance


def check(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R < 1."""
    yield below("R^2 against that of no update", squared_error(instance, ctx), 1)


def not_farther(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R <= 1: at least as near."""
    yield at_most("R^2 against that of no update", squared_error(instance, ctx), 1)


def half_the_dimension(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """R < 1 for 2 r >= n."""
    reached = 2 * len(instance.A0) >= len(instance.W0)
    bound = 1 if reached else len(instance.W0)
    yield below("R^2 where 2 r >= n", squared_error(instance, ctx), bound)


claim = Claim(
    name="rushka-klabjan/naive/update-approaches-full",
    title="LoRA's update is nearer to full fine-tuning than none (false)",
    source=Source(
        "rushka-klabjan",
        "",
        "our reading",
        "summary",
        corrected_by="rushka-klabjan/trace-squared-error-lower-bound",
    ),
    statement=(
        r"Our reading, not a claim of the authors: for every rank $r$ the update of "
        r"$\tfrac12(\mathrm{tr} W)^2$ from orthonormal rows and $B_0 = 0$ is nearer to that of "
        r"full fine-tuning than no update, $R < 1$. It is false: $R = \sqrt{n/r - 1}$ is at "
        r"least 1 for $r \le n/2$, and no zero-loss update of that rank is nearer."
    ),
    assumptions=(),
    instances=INSTANCES,
    check=check,
    controls=(
        Control(None, one_row(4), "at least as near as no update: R^2 = 3", not_farther),
        Control(None, one_row(2), "strictly nearer at r = n/2: R^2 = 1", half_the_dimension),
    ),
)
