"""Which sides of which matrices are one dimension, read off from what is drawn."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

from lora_proofs.breaking.fields import Path, leaves, put
from lora_proofs.mathematics.instance import Instance

Side = tuple[Path, int]
"""A matrix and its axis; a number has the axis -1."""


@dataclass(frozen=True)
class Dimensions:
    """Groups of sides that had one size in every draw, and how the sizes were ordered.

    ``gaps[i, j]`` is the least ``size j - size i`` of all draws, kept where it is not negative.

    >>> draws = [Instance(B=[[1] * r] * n, A=[[1] * m] * r, r=r)
    ...          for n, m, r in [(2, 3, 1), (3, 2, 2), (4, 4, 3)]]
    >>> [[".".join(path) + "xy "[axis] for path, axis in group]
    ...  for group in Dimensions.of(draws).groups]
    [['Bx'], ['By', 'Ax', 'r '], ['Ay']]
    """

    groups: tuple[tuple[Side, ...], ...]
    gaps: Mapping[tuple[int, int], int]
    held: frozenset[int] = frozenset()
    """Groups that are not cut."""

    @classmethod
    def of(cls, draws: Sequence[Instance]) -> Dimensions:
        """The dimensions that the draws have in common."""
        seen = [_sizes(instance) for instance in draws]
        sides = dict.fromkeys(side for sizes in seen for side in sizes)
        groups: list[list[Side]] = []
        for side in sorted(sides, key=lambda side: side[1] < 0):
            home = next((g for g in groups if _same(side, g[0], seen)), None)
            if home is not None:
                home.append(side)
            elif side[1] >= 0:
                groups.append([side])
        found = tuple(map(tuple, groups))
        pairs = [(i, j) for i in range(len(found)) for j in range(len(found)) if i != j]
        told = {(i, j): _gap(found[i][0], found[j][0], seen) for i, j in pairs}
        return cls(found, {pair: gap for pair, gap in told.items() if gap is not None})

    def sizes(self, instance: Instance) -> tuple[int | None, ...]:
        """The size of each group; ``None`` where the instance has none of it or they differ."""
        sizes = _sizes(instance)
        met = [{sizes[side] for side in group if side in sizes} for group in self.groups]
        return tuple(next(iter(found)) if len(found) == 1 else None for found in met)

    def numbers(self) -> frozenset[Path]:
        """The numbers that are a dimension."""
        return frozenset(path for group in self.groups for path, axis in group if axis < 0)

    def ordered(self, instance: Instance) -> bool:
        """Whether the sizes are ordered as they are in every draw."""
        sizes = self.sizes(instance)
        for (i, j), gap in self.gaps.items():
            small, large = sizes[i], sizes[j]
            if small is not None and large is not None and large - small < gap:
                return False
        return True

    def holding(self, paths: Collection[Path], groups: Collection[int] = ()) -> Dimensions:
        """The same dimensions; those of these leaves, and these groups, are not cut."""
        held = {g for g, group in enumerate(self.groups) if any(p in paths for p, _ in group)}
        return replace(self, held=self.held | held | {*groups})

    def smaller(self, instance: Instance) -> Iterator[Instance]:
        """The instances with one row or column less of some groups: all, single ones, pairs."""
        sizes = self.sizes(instance)
        large = [
            g
            for g, size in enumerate(sizes)
            if size is not None and size > 1 and g not in self.held
        ]
        subsets = [tuple(large), *((g,) for g in large), *combinations(large, 2)]
        for subset in dict.fromkeys(subsets):
            most = max((sizes[g] or 0 for g in subset), default=0)
            for back in range(most):
                yield self.without(instance, {g: _from_end(sizes[g], back) for g in subset})

    def without(self, instance: Instance, places: Mapping[int, int]) -> Instance:
        """The instance without row or column ``places[g]`` in every side of group ``g``."""
        found = leaves(instance)
        changes: dict[Path, Any] = {}
        for group, place in places.items():
            for path, axis in self.groups[group]:
                if path in found:
                    changes[path] = _less(changes.get(path, found[path]), axis, place)
        return put(instance, changes)

    def cut_to(self, instance: Instance, most: int) -> Instance:
        """The leading part of the instance, each dimension at most ``most`` where order allows."""
        return self.cut(instance, dict.fromkeys(range(len(self.groups)), most))

    def cut(self, instance: Instance, most: Mapping[int, int]) -> Instance:
        """The leading part, dimension ``g`` at most ``most[g]`` where the order of sizes allows."""
        for _ in range(64):
            sizes = self.sizes(instance)
            free = ((g, size) for g, size in enumerate(sizes) if size and g not in self.held)
            over = [g for g, size in free if size > most.get(g, size)]
            for subset in [tuple(over), *((g,) for g in over), *combinations(over, 2)]:
                if not subset:
                    continue
                less = self.without(instance, {g: (sizes[g] or 1) - 1 for g in subset})
                if self.ordered(less):
                    instance = less
                    break
            else:
                return instance
        return instance


def _sizes(instance: Instance) -> dict[Side, int]:
    found: dict[Side, int] = {}
    for path, leaf in leaves(instance).items():
        if isinstance(leaf, tuple):
            found[path, 0], found[path, 1] = len(leaf), len(leaf[0])
        elif leaf.denominator == 1 and leaf > 0:
            found[path, -1] = int(leaf)
    return found


def _same(side: Side, other: Side, seen: Sequence[Mapping[Side, int]]) -> bool:
    """Equal wherever both are there; a number also has to change with it."""
    met = [(s[side], s[other]) for s in seen if side in s and other in s]
    if side[1] < 0:
        everywhere = len(met) == sum(other in s for s in seen) == len(seen)
        return everywhere and len(set(met)) > 1 and all(a == b for a, b in met)
    return bool(met) and all(a == b for a, b in met)


def _gap(side: Side, other: Side, seen: Sequence[Mapping[Side, int]]) -> int | None:
    met = [(s[side], s[other]) for s in seen if side in s and other in s]
    gap = min((large - small for small, large in met), default=-1)
    if gap < 0:
        return None
    # Beside a size that never changes, a gap says only how small the other one was drawn.
    return min(gap, 1) if len({small for small, _ in met}) == 1 else gap


def _from_end(size: int | None, back: int) -> int:
    assert size is not None
    return max(0, size - 1 - back)


def _less(leaf: Any, axis: int, place: int) -> Any:
    if isinstance(leaf, Fraction):
        return leaf - 1
    if axis == 0:
        return leaf[:place] + leaf[place + 1 :]
    return tuple(row[:place] + row[place + 1 :] for row in leaf)
