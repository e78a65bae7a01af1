"""What every draw has in common: conditions that no assumption may state and edits have to keep.

A theorem is what its assumptions say, but a draw whose matrices are all symmetric, or whose step
sizes are all positive, says something too. What the words of ``instances_of`` say is asked of every
edit; of a draw of the author's own only what is exceptional is read off, by regime and by tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

from lora_proofs.breaking.conditions import (
    MANY,
    ZERO,
    Condition,
    of_grids,
    of_indices,
    of_matrices,
    of_numbers,
    of_pairs,
    of_ranks,
)
from lora_proofs.breaking.dimensions import Dimensions
from lora_proofs.breaking.fields import Leaf, Path, leaves, name_of
from lora_proofs.breaking.hanging import Index
from lora_proofs.breaking.zeros import of_one_grid, of_places, one_of_two
from lora_proofs.judging.counterexample import admitted_by
from lora_proofs.mathematics.instance import Instance

LEAST = 4
"""Draws with the same tags from which it is read what they have in common; else none is edited."""
Tags = tuple[tuple[str, str], ...]
Admits = Callable[[Instance], bool]
Leaves = Mapping[Path, Leaf]


@dataclass(frozen=True)
class Kept:
    """One condition on one leaf, or on one beside another, in words, and how it is decided."""

    path: Path
    words: str
    holds: Condition
    beside: Path | None = None

    def __str__(self) -> str:
        other = "" if self.beside is None else f" {name_of(self.beside)}"
        return f"{name_of(self.path)} {self.words}{other}"

    def of(self, found: Mapping[Path, Leaf]) -> bool:
        """Whether it holds for these leaves, or they are not there."""
        if self.path not in found or (self.beside is not None and self.beside not in found):
            return True
        leaf = found[self.path]
        try:
            return bool(self.holds(leaf if self.beside is None else (leaf, found[self.beside])))
        except (IndexError, ValueError, ArithmeticError):
            return False


@dataclass(frozen=True)
class Character:
    """The dimensions, and the conditions that hold in every draw, of each regime and of each tag.

    >>> draws = [Instance(S=[[k, 1], [1, -k]], h=f"1/{k + 1}") for k in range(5)]
    >>> [str(kept) for kept in Character.of(draws).kept]
    ... # doctest: +NORMALIZE_WHITESPACE
    ['S symmetric', 'S of entries that are whole numbers from -4 to 4', 'S with the trace 0',
     'h positive', 'h of absolute value at most 10']
    """

    dimensions: Dimensions
    kept: tuple[Kept, ...]
    fixed: frozenset[Path]
    """Leaves that are the same in every draw."""
    regimes: tuple[tuple[Kept, ...], ...] = ()
    """What the draws of each regime have in common: an edit keeps that of one of them."""
    tagged: Mapping[Tags, tuple[Kept, ...] | None] = field(default_factory=dict)
    """What draws with the same tags have in common, and ``None`` where they are too few."""
    settled: frozenset[Path] = frozenset()
    """Matrices that their shape alone settles in every draw: a zero start, an identity."""
    said: Admits | None = None
    """What the author says of it, in the words of ``instances_of``."""
    indices: tuple[Index, ...] = ()
    """Numbers that are drawn up to a size: an edit keeps them within it."""

    @classmethod
    def of(
        cls, draws: Sequence[Instance], regimes: Sequence[str] = (), said: Admits | None = None
    ) -> Character:
        """What all of these draws have in common; ``regimes`` are theirs, in the same order."""
        dimensions, every = Dimensions.of(draws), [leaves(draw) for draw in draws]
        met = _met(every)
        fixed = frozenset(path for path, found in met.items() if len(set(found)) == 1)
        among = _Reader(dimensions.numbers(), fixed, related=said is None)
        by_tags = _grouped(map(_tags, draws), every)
        return cls(
            dimensions,
            among.read(every),
            fixed,
            tuple(among.read(some) for _, some in _grouped(regimes, every)),
            {tags: among.read(some) if len(some) >= LEAST else None for tags, some in by_tags},
            frozenset(path for path, found in met.items() if _settled(found)),
            said,
        )

    def taken(self) -> str:
        """What edits take for granted without that the author says it, in words."""
        if self.said is not None:
            return ""
        zero = {kept.path for kept in self.kept if kept.words == ZERO}
        alone = [
            kept
            for kept in self.kept
            if kept.beside is None and (kept.words == ZERO or kept.path not in zero)
        ]
        named: dict[str, list[str]] = {}
        for kept in alone:
            named.setdefault(kept.words, []).append(name_of(kept.path))
        told = [f"{', '.join(names)} {words}" for words, names in named.items()]
        beside = [str(kept) for kept in self.kept if kept.beside is not None]
        return "; ".join((*told, *beside, *map(str, self.indices)))

    def admits(self, instance: Instance) -> bool:
        """Whether an edited instance keeps what every draw has."""
        found = leaves(instance)
        known: dict[Kept, bool] = {}
        if not self.dimensions.ordered(instance) or not _all(self.kept, found, known):
            return False
        sizes = self.dimensions.sizes(instance) if self.indices else ()
        if not all(index.of(instance, sizes) for index in self.indices):
            return False
        if self.regimes and not any(_all(kept, found, known) for kept in self.regimes):
            return False
        if len(self.tagged) > 1:
            kept = self.tagged.get(_tags(instance))
            if kept is None or not _all(kept, found, known):
                return False
        return self.said is None or admitted_by(self.said, instance)


def _all(conditions: Sequence[Kept], found: Leaves, known: dict[Kept, bool]) -> bool:
    """Whether all of them hold; what was decided of an instance before is not asked again."""
    for kept in conditions:
        if kept not in known:
            known[kept] = kept.of(found)
        if not known[kept]:
            return False
    return True


def _tags(instance: Instance) -> Tags:
    """The fields that are text, nested ones included."""
    found: list[tuple[str, str]] = []
    for name, value in instance.fields:
        if isinstance(value, str):
            found.append((name, value))
        elif isinstance(value, Instance):
            found += [(f"{name}.{inner}", tag) for inner, tag in _tags(value)]
    return tuple(found)


def _grouped(keys: Any, every: Sequence[Leaves]) -> list[tuple[Any, list[Leaves]]]:
    """The leaves of draws by their keys, in the order in which these are met."""
    groups: dict[Any, list[Leaves]] = {}
    for key, found in zip(keys, every, strict=False):
        groups.setdefault(key, []).append(found)
    return list(groups.items())


def _met(every: Sequence[Leaves]) -> dict[Path, list[Leaf]]:
    met: dict[Path, list[Leaf]] = {}
    for found in every:
        for path, leaf in found.items():
            met.setdefault(path, []).append(leaf)
    return met


@dataclass(frozen=True)
class _Reader:
    """Reads off conditions; numbers that are a dimension are kept by ``Dimensions``."""

    dimensions: frozenset[Path]
    fixed: frozenset[Path]
    related: bool
    """Whether relations of numbers are read: not where words say what each of them is."""

    def read(self, every: Sequence[Leaves]) -> tuple[Kept, ...]:
        """What the draws with these leaves have in common."""
        met = _met(every)
        single = [kept for path in met if path not in self.dimensions for kept in _on(path, met)]
        zero = [
            Kept(p, words, holds, q)
            for p, q in combinations(_wide(met), 2)
            for words, holds in one_of_two(_beside(every, p, q))
        ]
        return (*single, *zero, *(self._relations(every, met) if self.related else ()))

    def _relations(self, every: Sequence[Leaves], met: Mapping[Path, list[Leaf]]) -> Iterator[Kept]:
        """Ranges, conditions on two numbers, on a number that is an index, and on ranks."""
        numbers = [p for p in met if _are_numbers(met[p]) and p not in self.dimensions | self.fixed]
        for p in numbers:
            yield from (Kept(p, words, holds) for words, holds in of_grids(met[p]))
        for p, q in permutations(numbers, 2):
            for words, holds in of_pairs(_beside(every, p, q)):
                yield Kept(p, words, holds, q)
        for p in numbers:
            for q in met:
                if not any(isinstance(leaf, Fraction) for leaf in met[q]):
                    for words, holds in of_indices(_beside(every, p, q)):
                        yield Kept(p, words, holds, q)
        wide = _wide(met)
        for p in wide:
            matrices = [leaf for leaf in met[p] if not isinstance(leaf, Fraction)]
            for told in (of_places, of_one_grid):
                yield from (Kept(p, words, holds) for words, holds in told(matrices))
        for p, q in permutations(wide, 2):
            beside = _beside(every, p, q)
            for words, holds in of_ranks(beside) if len(beside) >= MANY else ():
                yield Kept(p, words, holds, q)


def _wide(met: Mapping[Path, list[Leaf]]) -> list[Path]:
    return [p for p in met if not any(isinstance(leaf, Fraction) for leaf in met[p])]


def _settled(found: Sequence[Any]) -> bool:
    """Whether there is one value of each shape, and shapes that were met again and again."""
    if any(isinstance(leaf, Fraction) for leaf in found):
        return False
    shapes = {(len(X), len(X[0])) for X in found}
    return len(set(found)) == len(shapes) and len(found) > 2 * len(shapes)


def _beside(every: Sequence[Leaves], p: Path, q: Path) -> list[tuple[Any, Any]]:
    return [(found[p], found[q]) for found in every if p in found and q in found]


def _on(path: Path, met: Mapping[Path, list[Leaf]]) -> Iterator[Kept]:
    found = met[path]
    if len({isinstance(leaf, Fraction) for leaf in found}) > 1:
        return
    conditions = of_numbers(found) if _are_numbers(found) else of_matrices(found)
    yield from (Kept(path, words, holds) for words, holds in conditions)


def _are_numbers(found: Sequence[Leaf]) -> bool:
    return all(isinstance(leaf, Fraction) for leaf in found)
