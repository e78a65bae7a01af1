"""What is known of a flow as t grows without end, and by which argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import flint

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.context import Matrix, Scalar, entries
from lora_proofs.errors import Unavailable
from lora_proofs.mathematics.matrices import best_rank_squared_error
from lora_proofs.solving.decimals import missing_digits

AT_REST = "the start is stationary"
SADDLE = (
    "the start runs into a saddle: the limit holds for exactly this start, by an exact invariance, "
    "and a small change of the start leads elsewhere"
)


@dataclass(frozen=True, eq=False)
class Limit:
    """The limit of the loss and of s BA, the exponential rate of the approach, and why.

    ``loss``, ``BA`` and ``rate`` are exact numbers or balls, or ``None`` where they are not known
    or, for BA, not unique. ``rigorous`` is false where the limit is open, and at a saddle, whose
    proof holds for that start alone; ``reasons`` says so. ``saddle`` is ``None`` where it is not
    decided. BA keeps the leading singular values of the matrices that ``sees`` names, as many as
    the number beside each says, and those whose squares ``keeps`` computes. ``A`` and ``B`` are the
    limits of the factors where they are asked for and known. ``rate`` is that of W alone: at a
    saddle the factors may take twice as long. ``rate_bound`` is a lower bound of the rate of A, B
    and W; the loss, whose gradient in the factors vanishes in the limit, falls at twice it or more.
    """

    loss: Any
    BA: Matrix | None
    rate: Scalar | None
    rigorous: bool
    argument: str
    cites: tuple[str, ...] = ()
    reasons: tuple[str, ...] = field(default=())
    saddle: bool | None = False
    sees: tuple[tuple[Matrix, int], ...] = ()
    keeps: tuple[Callable[[BallArithmetic], list[Scalar]], ...] = ()
    estimate: float | None = None
    A: Matrix | None = None
    B: Matrix | None = None
    rate_bound: Scalar | None = None

    def missing(self, digits: int) -> int:
        """How many digits the balls lack for ``digits`` right ones."""
        known = [x for x in (self.loss, self.rate) if x is not None]
        balls = known + ([] if self.BA is None else entries(self.BA))
        return max(
            (missing_digits(x, digits) for x in balls if isinstance(x, flint.arb)), default=0
        )


def least_loss(E: Matrix, r: int, ctx: BallArithmetic) -> Scalar:
    """The least Frobenius loss of an update of rank at most r, exact where it is rational.

    >>> least_loss(EXACT.matrix([[3, 0], [0, 2]]), 1, BallArithmetic(20))
    2
    """
    try:
        return best_rank_squared_error(E, r, EXACT) / 2
    except Unavailable:
        with ctx.working():
            return best_rank_squared_error(E, r, ctx) / 2
