"""What a draw chose, and the same draw with some choices changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lora_proofs.errors import BadInput
from lora_proofs.language.claim import Instances
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Rejected, SeededDraw

T = TypeVar("T")
MOST_CHOICES = 5_000
"""A draw that asks for more is given up: an edited one may ask for ever."""


@dataclass(frozen=True)
class Choice:
    """One answer of a source: an integer between ``low`` and ``high``, both included."""

    low: int
    high: int
    value: int

    @property
    def simplest(self) -> int:
        """The value nearest to 0, which is the first option of a list."""
        return min(max(0, self.low), self.high)


@dataclass
class EditedDraw:
    """A source that answers with given values, brought into range, and then from another source.

    ``made`` is the record of every answer.

    >>> source = EditedDraw((7, -1), SeededDraw.keyed(0))
    >>> source.integer(0, 5), source.choice("abc"), len(source.made)
    (5, 'a', 2)
    """

    values: Sequence[int]
    fallback: SeededDraw
    made: list[Choice] = field(default_factory=list)

    def integer(self, low: int, high: int) -> int:
        """An integer between low and high, both included."""
        if low > high:
            raise BadInput(f"expected low <= high, got {low} > {high}")
        k = len(self.made)
        if k >= MOST_CHOICES:
            raise Rejected
        given = k < len(self.values)
        value = min(max(self.values[k], low), high) if given else self.fallback.integer(low, high)
        self.made.append(Choice(low, high, value))
        return value

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]


@dataclass(frozen=True)
class Origin:
    """How an instance was drawn: its regime, its choices, and the key of what came after them."""

    regime: str
    choices: tuple[Choice, ...]
    key: tuple[Any, ...]

    @property
    def values(self) -> tuple[int, ...]:
        """The bare answers."""
        return tuple(choice.value for choice in self.choices)


def drawn_with(
    instances: Instances, regime: str, values: Sequence[int], key: tuple[Any, ...]
) -> tuple[Instance, Origin] | None:
    """The instance of these answers, and how it came about; ``None`` where there is none."""
    source = EditedDraw(values, SeededDraw.keyed(*key))
    try:
        instance = instances.draw(source, regime)
    except MemoryError:
        raise
    except Exception:
        return None
    if not isinstance(instance, Instance):
        return None
    return instance, Origin(regime, tuple(source.made), key)


def nearby(choices: Sequence[Choice], k: int) -> Iterator[tuple[int, ...]]:
    """The sequences in which answer ``k`` alone is another one: simple ones first, then close ones.

    >>> list(nearby([Choice(0, 9, 6)], 0))
    [(0,), (9,), (5,), (7,), (3,)]
    """
    choice, values = choices[k], [c.value for c in choices]
    steps = (
        choice.simplest,
        choice.low,
        choice.high,
        choice.value - 1,
        choice.value + 1,
        (choice.value + choice.simplest) // 2,
        -choice.value,
    )
    for step in _distinct(steps, choice):
        yield (*values[:k], step, *values[k + 1 :])


def _distinct(steps: Iterable[int], choice: Choice) -> Iterator[int]:
    for step in dict.fromkeys(steps):
        if choice.low <= step <= choice.high and step != choice.value:
            yield step
