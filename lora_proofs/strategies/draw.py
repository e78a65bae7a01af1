"""One text for every random instance: what an instance may ask of its source of randomness."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from lora_proofs.errors import BadInput

T = TypeVar("T")


class Rejected(Exception):
    """The draw asked for is not wanted; another one is made in its place."""


class Draw(Protocol):
    """A source of random choices; the first choice and small integers are the simplest."""

    def integer(self, low: int, high: int) -> int: ...
    def choice(self, options: Sequence[T]) -> T: ...


@dataclass(frozen=True)
class SeededDraw:
    """Choices that depend on the key alone: neither on the process nor on what came before.

    >>> SeededDraw.keyed("claim", "sample", 0, 7).integer(0, 99) == SeededDraw.keyed(
    ...     "claim", "sample", 0, 7).integer(0, 99)
    True
    """

    source: random.Random

    @classmethod
    def keyed(cls, *key: Any) -> SeededDraw:
        """The generator of a key such as (seed, claim, obligation, regime, index)."""
        digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
        return cls(random.Random(int.from_bytes(digest, "big")))

    def integer(self, low: int, high: int) -> int:
        """An integer between low and high, both included."""
        if low > high:
            raise BadInput(f"expected low <= high, got {low} > {high}")
        return low + self.source.randrange(high - low + 1)

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]


@dataclass(frozen=True)
class HypothesisDraw:
    """Choices made, and shrunk, by Hypothesis; ``draw`` is that of ``st.composite`` or ``data``."""

    draw: Any

    def integer(self, low: int, high: int) -> int:
        """An integer between low and high, shrinking towards 0 or the nearer end."""
        from hypothesis import strategies as st

        value: int = self.draw(st.integers(low, high))
        return value

    def choice(self, options: Sequence[T]) -> T:
        """One of the options, shrinking towards the first."""
        return options[self.integer(0, len(options) - 1)]


def fraction(draw: Draw, *, size: int = 8, denominator: int = 4) -> Fraction:
    """A fraction k/d with |k| at most ``size`` times d, d in 1..denominator.

    >>> abs(fraction(SeededDraw.keyed(1), size=2)) <= 2
    True
    """
    d = draw.integer(1, denominator)
    return Fraction(draw.integer(-size * d, size * d), d)
