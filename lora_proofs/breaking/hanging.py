"""Numbers that hang on a size: a scale alpha/r, a rate 1/(n + m), an index k <= n.

A draw is repeated with answers that depend on nothing but the range that is asked for. Where one
choice is changed and a matrix gets another shape, a number that has nothing to do with it stays,
whatever else is asked for in between. One that changes is made from the size, or drawn within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from lora_proofs.breaking.choices import MOST_CHOICES, Choice
from lora_proofs.breaking.dimensions import Dimensions
from lora_proofs.breaking.fields import Path, name_of, numbers
from lora_proofs.errors import BadInput
from lora_proofs.language.claim import Instances
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Rejected, SeededDraw

T = TypeVar("T")
Pick = Callable[[int, int], int]
KEYS = 2
"""Draws whose answers are any, one for each range."""
FIRST, LATER = 12, 6
"""Choices of one draw that are altered: sizes come early, and later ones are spread evenly."""


def lowest(low: int, high: int) -> int:
    """The lowest answer."""
    return low


def highest(low: int, high: int) -> int:
    """The highest answer."""
    return high


def _any(key: int) -> Pick:
    return lambda low, high: SeededDraw.keyed("steady", key, low, high).integer(low, high)


PICKS: tuple[Pick, ...] = (lowest, highest, *map(_any, range(KEYS)))


class SteadyDraw:
    """A source that gives the same answer whenever the same range is asked for, but for one.

    >>> source = SteadyDraw(highest, altered=1, value=0)
    >>> source.integer(0, 5), source.integer(0, 5), source.choice("abc")
    (5, 0, 'c')
    """

    def __init__(self, pick: Pick, altered: int = -1, value: int = 0) -> None:
        self.pick, self.altered, self.value = pick, altered, value
        self.made: list[Choice] = []

    def integer(self, low: int, high: int) -> int:
        """An integer between low and high, both included."""
        if low > high:
            raise BadInput(f"expected low <= high, got {low} > {high}")
        k = len(self.made)
        if k >= MOST_CHOICES // 10:
            raise Rejected
        given = self.value if k == self.altered else self.pick(low, high)
        self.made.append(Choice(low, high, min(max(given, low), high)))
        return self.made[-1].value

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]


@dataclass(frozen=True)
class Index:
    """A whole number of a range that ends ``offset`` above a size: k <= n, j <= n - 1."""

    path: Path
    group: int
    offset: int

    def __str__(self) -> str:
        return f"{name_of(self.path)} an index, drawn up to a size"

    def of(self, instance: Instance, sizes: Sequence[int | None]) -> bool:
        """Whether the number is within the size, or one of them is not there."""
        value, size = numbers(instance).get(self.path), sizes[self.group]
        return value is None or size is None or value <= size + self.offset


@dataclass(frozen=True)
class Ties:
    """The numbers of a draw that hang on sizes: indices, and others with the groups of sides."""

    indices: tuple[Index, ...] = ()
    groups: Mapping[Path, frozenset[int]] = field(default_factory=dict)

    def held(self) -> frozenset[int]:
        """The groups whose size may not change while the numbers stay."""
        return frozenset().union(*self.groups.values())

    def __str__(self) -> str:
        names = ", ".join(map(name_of, self.groups))
        return f"{names} and the sizes they hang on" if names else ""


@dataclass(frozen=True)
class _Heard:
    """The numbers and sizes of two steady draws that differ in one choice."""

    pick: Pick
    before: Instance
    after: Instance


def ties(
    instances: Instances, regimes: Iterable[str], dimensions: Dimensions, apart: Iterable[Path]
) -> Ties:
    """Which numbers hang on which sizes; those of ``apart`` are not asked about."""
    every = [heard for regime in regimes for heard in _heard(instances, regime, dimensions)]
    known, groups = frozenset(apart), dict[Path, frozenset[int]]()
    for heard in every:
        changed = frozenset(_changed(dimensions.sizes(heard.before), dimensions.sizes(heard.after)))
        old, new = numbers(heard.before), numbers(heard.after)
        for path in old.keys() & new.keys() - known:
            if old[path] != new[path]:
                groups[path] = groups.get(path, frozenset()) | changed
    indices = tuple(
        index
        for path in sorted(groups)
        for g in sorted(groups[path])
        for index in _index(path, g, every, dimensions)
    )
    known |= {index.path for index in indices}
    return Ties(indices, {path: groups[path] for path in sorted(groups) if path not in known})


def _heard(instances: Instances, regime: str, dimensions: Dimensions) -> Iterator[_Heard]:
    """Every pair of steady draws of which one choice changes a size."""
    for pick in PICKS:
        first = _drawn(instances, regime, SteadyDraw(pick))
        if first is None:
            continue
        before, made = first
        for k in _altered(len(made)):
            for other in _others(made[k]):
                second = _drawn(instances, regime, SteadyDraw(pick, k, other))
                if not second or dimensions.sizes(before) == dimensions.sizes(second[0]):
                    break  # a choice that leaves the sizes as they are is no size
                yield _Heard(pick, before, second[0])


def _altered(count: int) -> list[int]:
    step = max(1, -(-(count - FIRST) // LATER))
    return [*range(min(FIRST, count)), *range(FIRST, count, step)]


def _others(choice: Choice) -> list[int]:
    """Other answers: next to it, and the ends of the range."""
    value = choice.value
    near = dict.fromkeys((value + 1, value - 1, choice.low, choice.high))
    return [k for k in near if choice.low <= k <= choice.high and k != value]


def _drawn(
    instances: Instances, regime: str, source: SteadyDraw
) -> tuple[Instance, list[Choice]] | None:
    """The instance of a steady draw, or ``None`` where it fails: equal answers may be rejected."""
    try:
        instance = instances.draw(source, regime)
    except MemoryError:
        raise
    except Exception:
        return None
    return (instance, source.made) if isinstance(instance, Instance) else None


def _changed(before: Sequence[int | None], after: Sequence[int | None]) -> list[int]:
    return [g for g, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]


def _index(
    path: Path, group: int, every: Sequence[_Heard], dimensions: Dimensions
) -> Iterator[Index]:
    """The number as an index: the lowest answer is one number, the highest follows the size."""

    def met(pick: Pick) -> list[tuple[Fraction, int | None]]:
        both = [x for h in every if h.pick is pick for x in (h.before, h.after)]
        return [(numbers(x)[path], dimensions.sizes(x)[group]) for x in both if path in numbers(x)]

    least, most = met(lowest), met(highest)
    offsets = {value - size if size else None for value, size in most}
    offset = next(iter(offsets), None)
    if len({value for value, _ in least}) != 1 or len(offsets) != 1 or offset is None:
        return
    if len({size for _, size in most}) > 1 and offset <= 0 and offset.denominator == 1:
        yield Index(path, group, int(offset))
