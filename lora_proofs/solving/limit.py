"""What is known of a flow as t grows without end, and by which argument."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lora_proofs.arithmetic.context import Matrix, Scalar

SADDLE = (
    "the start runs into a saddle: the limit holds for exactly this start, by an exact invariance, "
    "and a small change of the start leads elsewhere"
)


@dataclass(frozen=True, eq=False)
class Limit:
    """The limit of the loss and of s BA, the exponential rate of the approach, and why.

    ``loss``, ``BA`` and ``rate`` are exact numbers or balls, or ``None`` where they are not known
    or, for BA, not unique; the loss comes down twice as fast as W. ``rigorous`` is false where the
    limit is open, and at a saddle, whose proof holds for that start alone; ``reasons`` says so.
    """

    loss: Any
    BA: Matrix | None
    rate: Scalar | None
    rigorous: bool
    argument: str
    cites: tuple[str, ...] = ()
    reasons: tuple[str, ...] = field(default=())
    saddle: bool = False
    estimate: float | None = None
