"""One text for every random instance: what an instance may ask of its source of randomness."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lora_proofs.arithmetic.recorded import Batched
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.instance import Instance

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


class Rejected(Exception):
    """The draw asked for is not wanted; another one is made in its place."""


class Draw(Protocol):
    """A source of random choices; the first choice and small integers are the simplest."""

    def integer(self, low: int, high: int) -> int:
        """An integer between low and high, both included."""

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""


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


class ManyAtOnce:
    """A source that draws many instances at once: what decides shapes is shared among them.

    ``integer`` and ``choice`` answer for all of them, and numbers asked for as such are drawn for
    each: a subclass gives them as numbers that stand for one of each instance.
    """

    def ratio(self, low: Any, high: Any, denominator: Any) -> Any:
        """k/denominator of each, k between low and high."""
        raise NotImplementedError

    def whole(self, low: int, high: int) -> Any:
        """A whole number of each, between low and high."""
        raise NotImplementedError

    def among(self, numbers: Sequence[Any]) -> Any:
        """One of the numbers for each."""
        raise NotImplementedError


def ratio(draw: Draw, low: int, high: int, denominator: int) -> Fraction:
    """k/denominator with k between low and high, both included.

    >>> ratio(SeededDraw.keyed(1), 1, 1, 4)
    Fraction(1, 4)
    """
    if isinstance(draw, ManyAtOnce):
        return draw.ratio(low, high, denominator)  # type: ignore[no-any-return]
    return Fraction(draw.integer(low, high), denominator)


def number_among(draw: Draw, numbers: Sequence[T]) -> T:
    """One of the numbers, which decides nothing but a value.

    >>> number_among(SeededDraw.keyed(1), (7,))
    7
    """
    if isinstance(draw, ManyAtOnce):
        return draw.among(numbers)  # type: ignore[no-any-return]
    return draw.choice(numbers)


def nonzero(number: Fraction) -> Fraction:
    """The number, or 1 in place of 0.

    >>> nonzero(Fraction(0)), nonzero(Fraction(2))
    (Fraction(1, 1), Fraction(2, 1))
    """
    if isinstance(number, Batched):
        return number.or_one()  # type: ignore[attr-defined, no-any-return]
    return number or Fraction(1)


def fraction(draw: Draw, *, size: int = 8, denominator: int = 4) -> Fraction:
    """A fraction k/d with |k| at most ``size`` times d, d in 1..denominator.

    >>> abs(fraction(SeededDraw.keyed(1), size=2)) <= 2
    True
    """
    if isinstance(draw, ManyAtOnce):
        under = draw.whole(1, denominator)
        return draw.ratio(under * -size, under * size, under)  # type: ignore[no-any-return]
    d = draw.integer(1, denominator)
    return Fraction(draw.integer(-size * d, size * d), d)


def quarter(draw: Draw, *, size: int = 2) -> Fraction:
    """A multiple of 1/4 of absolute value at most ``size``: float64 holds it exactly.

    >>> quarter(SeededDraw.keyed(1)) in [Fraction(k, 4) for k in range(-8, 9)]
    True
    """
    return ratio(draw, -4 * size, 4 * size, 4)


def permutation(draw: Draw, size: int) -> list[int]:
    """The numbers 0..size-1 in some order, shrinking towards 0, 1, 2, ...

    >>> sorted(permutation(SeededDraw.keyed(1), 4))
    [0, 1, 2, 3]
    """
    left = list(range(size))
    return [left.pop(draw.integer(0, len(left) - 1)) for _ in range(size)]


class Drawn(Protocol):
    """Anything with regimes and a way to draw an instance of one, such as ``Instances``."""

    @property
    def draw(self) -> Callable[[Draw, str], Instance]:
        """An instance of a regime."""

    @property
    def regimes(self) -> tuple[str, ...]:
        """The names of the regimes."""


def hypothesis_strategy(instances: Drawn, regime: str | None = None) -> SearchStrategy[Instance]:
    """The Hypothesis strategy of the instances of a regime, or of all regimes in turn.

    Raises ``BadInput`` for a regime that the instances do not declare.

    >>> from types import SimpleNamespace
    >>> from hypothesis import find
    >>> numbers = SimpleNamespace(regimes=("all",), draw=lambda d, _: Instance(k=d.integer(0, 99)))
    >>> find(hypothesis_strategy(numbers), lambda x: x.k >= 7)
    Instance(k=7)
    """
    from hypothesis import reject
    from hypothesis import strategies as st

    if regime is not None and regime not in instances.regimes:
        known = ", ".join(map(repr, instances.regimes))
        raise BadInput(f"expected a regime among {known}; got {regime!r}")

    @st.composite
    def drawn(draw: Any) -> Instance:
        source = HypothesisDraw(draw)
        try:
            return instances.draw(source, regime or source.choice(instances.regimes))
        except Rejected:
            reject()

    return drawn()
