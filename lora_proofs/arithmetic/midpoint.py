"""Multiprecision floating point on FLINT: midpoints of balls, for whole matrices of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint

from lora_proofs.arithmetic.ball import BallArithmetic, to_ball
from lora_proofs.arithmetic.context import Scalar


@dataclass(frozen=True)
class MidpointArithmetic(BallArithmetic):
    """Balls whose radii are dropped: as fast as FLINT, and as little proved as any float.

    ``lora_proofs.arithmetic.dense`` has its products, inverses and decompositions; sums of
    matrices carry tiny radii that the next product drops. Computations run inside ``working``.

    >>> MidpointArithmetic(30).rigorous
    False
    """

    name: str = "multiprecision"
    rigorous: bool = False

    def number(self, value: Any) -> Scalar:
        """Lift an exact number, rounded; of a ball the middle."""
        return to_ball(value).mid()

    def sqrt(self, x: Scalar) -> Scalar:
        """Square root of the nonnegative part of x."""
        x = self.number(x)
        return x.sqrt().mid() if x > 0 else flint.arb(0)
