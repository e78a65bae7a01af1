"""Which fields are drawn from the same choices, so that one cannot be changed without the others.

Each choice of a draw is changed on its own. A field that then changes alone, or together with
fields that are free anyway, can be anything; what never does (a kernel of another field, a point on
a path from it) is drawn together with others, and only what is drawn is an instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from lora_proofs.breaking.choices import Choice, Origin, drawn_with
from lora_proofs.breaking.fields import Leaf, Path, leaves, name_of
from lora_proofs.language.claim import Instances
from lora_proofs.mathematics.instance import Instance

MOST_CHANGES = 150
"""Choices of one draw that are changed; spread evenly where there are more."""


@dataclass
class Coupling:
    """What changed when one choice did: for each leaf the sets of leaves that changed with it."""

    together: set[frozenset[Path]] = field(default_factory=set)
    alone: dict[Path, int] = field(default_factory=dict)
    size: dict[Path, int] = field(default_factory=dict)
    numbers: frozenset[Path] = frozenset()
    """Free only where they change alone: a matrix that is scaled by a number changes with it."""

    def hear(self, changed: frozenset[Path]) -> None:
        """Take over one change."""
        self.together.add(changed)
        if len(changed) == 1:
            (path,) = changed
            self.alone[path] = self.alone.get(path, 0) + 1

    def free(self) -> frozenset[Path]:
        """Leaves that can be changed alone, or with others that have all their freedom."""
        found = {path for path in self.alone}
        full = {path for path in found if self.alone[path] >= self.size.get(path, 1)}
        while True:
            more = {p for group in self.together for p in group if group - {p} <= full} - found
            more -= self.numbers
            if not more:
                return frozenset(found)
            found |= more


Heard = dict[Origin, Coupling]


def coupled(
    instances: Instances,
    drawn: Iterable[tuple[Instance, Origin]],
    apart: Iterable[Path],
    heard: Heard | None = None,
) -> tuple[Path, ...]:
    """The leaves that no draw changes without others; those of ``apart`` are not asked about.

    What is heard of a draw is kept in ``heard``, for who asks about the same draws again.
    """
    heard = {} if heard is None else heard
    known, free, seen = set(apart), set[Path](), dict[Path, None]()
    for instance, origin in drawn:
        here = leaves(instance)
        seen.update(dict.fromkeys(here))
        if free >= set(here) - known:
            continue
        free |= _kept(heard, instances, instance, origin).free()
    return tuple(path for path in seen if path not in free and path not in known)


def _kept(heard: Heard, instances: Instances, instance: Instance, origin: Origin) -> Coupling:
    """What is heard of a draw: each of its choices is changed once and never again."""
    if origin not in heard:
        heard[origin] = _heard(instances, instance, origin)
    return heard[origin]


def _heard(instances: Instances, instance: Instance, origin: Origin) -> Coupling:
    before = leaves(instance)
    numbers = frozenset(path for path, leaf in before.items() if isinstance(leaf, Fraction))
    coupling = Coupling(size={p: _entries(leaf) for p, leaf in before.items()}, numbers=numbers)
    for k in _spread(len(origin.choices)):
        other = _another(origin.choices[k])
        if other is None:
            continue
        values = (*origin.values[:k], other, *origin.values[k + 1 :])
        again = drawn_with(instances, origin.regime, values, origin.key)
        if again is None or _shape(again[1].choices) != _shape(origin.choices):
            continue
        changed = _changed(before, leaves(again[0]))
        if changed:
            coupling.hear(changed)
    return coupling


def apart_from_others(
    instances: Instances,
    drawn: Iterable[tuple[Instance, Origin]],
    paths: Iterable[Path],
    heard: Heard | None = None,
) -> bool:
    """Whether these numbers change with each other and never with what else is drawn.

    Then the others may be edited while these stay; the largest entry of a matrix is none of these.
    """
    among, met, heard = frozenset(paths), set[Path](), {} if heard is None else heard
    for instance, origin in drawn:
        if any(isinstance(leaf, tuple) for p, leaf in leaves(instance).items() if p in among):
            return False
        for group in _kept(heard, instances, instance, origin).together:
            if group & among and not group <= among:
                return False
            met |= group & among
    return met == among


def with_entries(
    instances: Instances, drawn: Iterable[tuple[Instance, Origin]], heard: Heard
) -> frozenset[Path]:
    """The numbers that change with what changes entries of a matrix: its largest, a power of it."""
    found: set[Path] = set()
    for instance, origin in drawn:
        here = leaves(instance)
        for group in _kept(heard, instances, instance, origin).together:
            if any(isinstance(here[path], tuple) for path in group):
                found |= {path for path in group if isinstance(here[path], Fraction)}
    return frozenset(found)


def _spread(count: int) -> Iterator[int]:
    step = max(1, -(-count // MOST_CHANGES))
    return iter(range(0, count, step))


def _another(choice: Choice) -> int | None:
    if choice.high == choice.low:
        return None
    return choice.value + 1 if choice.value < choice.high else choice.low


def _shape(choices: Sequence[Choice]) -> list[tuple[int, int]]:
    return [(choice.low, choice.high) for choice in choices]


def _entries(leaf: Leaf) -> int:
    return len(leaf) * len(leaf[0]) if isinstance(leaf, tuple) else 1


def _changed(before: Mapping[Path, Leaf], after: Mapping[Path, Leaf]) -> frozenset[Path]:
    """The leaves that differ; of those that a common factor scales, only the first."""
    if before.keys() != after.keys():
        return frozenset()
    found = [path for path in before if before[path] != after[path]]
    factors = {path: _factor(before[path], after[path]) for path in found}
    if len(found) > 1 and None not in factors.values() and len(set(factors.values())) == 1:
        return frozenset()
    return frozenset(found)


def _factor(before: Leaf, after: Leaf) -> Fraction | None:
    """The c with after = c before, where there is one."""
    if isinstance(before, Fraction) or isinstance(after, Fraction):
        return None
    x = [a for row in before for a in row]
    y = [a for row in after for a in row]
    pivot = next((k for k, a in enumerate(x) if a), None)
    if pivot is None or len(x) != len(y):
        return None
    factor = y[pivot] / x[pivot]
    return factor if all(factor * a == b for a, b in zip(x, y, strict=True)) else None


def in_words(paths: Sequence[Path]) -> str:
    """Why only what is drawn is an instance.

    >>> in_words([("X",), ("V",)])
    'X and V are drawn from the same choices'
    """
    names = [name_of(path) for path in paths]
    if len(names) == 1:
        return f"{names[0]} is drawn from the choices of other fields"
    return f"{', '.join(names[:-1])} and {names[-1]} are drawn from the same choices"
