"""Counterexamples are made small: dimensions, rank, then entries, each step judged again.

What is simpler: fewer entries in all, fewer digits beyond two of a number, fewer entries that are
not 0, fewer digits, fewer different values, numbers nearer to 1.
A step is kept where the claim still fails and every assumption still holds, both beyond doubt; it
ends where no step is left that does, or where the evaluations are used up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.breaking.character import Character
from lora_proofs.breaking.choices import Origin, drawn_with, nearby
from lora_proofs.breaking.edits import GRIDS, STEPS, Edits
from lora_proofs.breaking.fields import digits as digits_of
from lora_proofs.breaking.fields import entries, excess, height, leaves, matrices, sides
from lora_proofs.breaking.slack import Guide
from lora_proofs.breaking.ties import TIED
from lora_proofs.judging.counterexample import Refutation, refute
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.instance import Instance

Size = tuple[Any, ...]
WEIGHED = 20
"""How many instances are weighed in float64 for one that may be judged."""
GRID_SHARE = 8
"""Grids and ties may use one part in this many of what may be judged, each time."""
BOUNDED = (*GRIDS, *TIED)


def simplicity(instance: Instance) -> Size:
    """The order in which instances are simpler: the smaller, the simpler.

    >>> simplicity(Instance(X=[[1, 0]])) < simplicity(Instance(X=[[1, 1]])) < simplicity(
    ...     Instance(X=[["1/2", 1]]))
    True
    """
    found = entries(instance)
    return (
        len(found),
        sum(map(excess, found)),
        sum(x != 0 for x in found),
        sum(digits_of(x) for x in found),
        len(set(found)),
        sum(x < 0 for x in found),
        sum(map(height, found)),
        str(instance.to_json()),
    )


def is_short(instance: Instance) -> bool:
    """Whether it is at most 3 x 3 with numerators and denominators of at most two digits.

    >>> is_short(Instance(X=[["-99/10"]])), is_short(Instance(X=[[100]]))
    (True, False)
    """
    large = any(max(sides(X)) > 3 for X in matrices(instance).values())
    return not large and not any(map(excess, entries(instance)))


def is_plain(instance: Instance) -> bool:
    """Whether nobody would ask for a simpler one: at most 3 x 3, whole numbers of one digit.

    >>> is_plain(Instance(X=[[1, -9]])), is_plain(Instance(X=[["1/2"]]))
    (True, False)
    """
    large = any(max(sides(X)) > 3 for X in matrices(instance).values())
    return not large and all(digits_of(x) <= 1 for x in entries(instance))


def in_words(instance: Instance) -> str:
    """How small an instance is.

    >>> in_words(Instance(X=[[1, "1/2"]], h=3))
    'X 1 x 2, h; 3 entries, 3 of them not 0, at most 2 digits'
    """
    told = [
        ".".join(path) + (" {} x {}".format(*sides(leaf)) if isinstance(leaf, tuple) else "")
        for path, leaf in leaves(instance).items()
    ]
    found = entries(instance)
    digits = max((max(1, digits_of(x)) for x in found), default=0)
    nonzero = sum(x != 0 for x in found)
    count = f"{len(found)} entries, {nonzero} of them not 0"
    return f"{', '.join(told)}; {count}, at most {digits} digit{'s' * (digits != 1)}"


@dataclass(frozen=True)
class Shrunk:
    """The smallest refutation that was reached, and how many instances were judged on the way.

    ``steps`` counts those of them that were simpler and refuted.
    """

    refutation: Refutation
    judged: int
    steps: int = 0

    def then(self, other: Shrunk) -> Shrunk:
        """What one more attempt reached, from here; the effort adds up."""
        return Shrunk(other.refutation, self.judged + other.judged, self.steps + other.steps)

    def or_simpler(self, other: Shrunk) -> Shrunk:
        """The simpler of two attempts; what both judged counts, the steps are those of its own."""
        both = (self, other)
        best = min(both, key=lambda small: simplicity(small.refutation.instance))
        return Shrunk(best.refutation, self.judged + other.judged, best.steps)

    def to_dict(self, first: Refutation) -> dict[str, Any]:
        """The entry ``shrunk`` of a counterexample."""
        start, end = in_words(first.instance), in_words(self.refutation.instance)
        return {"from": start, "to": end, "steps": self.steps, "judged": self.judged}


def shrink_fields(
    claim: Claim, found: Refutation, character: Character, digits: int, most: int
) -> Shrunk:
    """A simpler refutation, by edits of the fields that keep what every draw has."""
    press = _Press(claim, digits, most, found, _guide(claim, found, digits))
    while press.open():
        before = press.best
        for edits in (*STEPS, *GRIDS, *TIED):
            press.until_nothing_changes(edits, character)
        if press.best is before:
            break
    return press.shrunk()


def shrink_choices(
    claim: Claim, found: Refutation, origin: Origin, digits: int, most: int
) -> Shrunk:
    """A simpler refutation that the claim's own draw gives, by simpler choices."""
    press = _Press(claim, digits, most, found, _guide(claim, found, digits))
    while press.open():
        before = origin
        origin = _simpler_choices(press, origin)
        if origin == before:
            break
    return press.shrunk()


def _guide(claim: Claim, found: Refutation, digits: int) -> Guide | None:
    """float64, where it sees that the instance fails."""
    guide = Guide.of(claim, [found.instance], digits)
    return guide if guide.fast and guide.weigh(found.instance).suspicious else None


@dataclass
class _Press:
    """The smallest refutation so far; an instance is judged once, and none after ``most``."""

    claim: Claim
    digits: int
    most: int
    best: Refutation
    guide: Guide | None = None
    judged: int = 0
    steps: int = 0
    seen: set[Instance] = field(default_factory=set)

    def shrunk(self) -> Shrunk:
        return Shrunk(self.best, self.judged, self.steps)

    def open(self) -> bool:
        return self.judged < self.most and len(self.seen) < WEIGHED * self.most

    def takes(self, instance: Instance) -> bool:
        """Whether the instance is simpler and refutes: then it is the best one."""
        if not self.open() or instance in self.seen:
            return False
        if simplicity(instance) >= simplicity(self.best.instance):
            return False
        self.seen.add(instance)
        if self.guide and not self.guide.weigh(instance).suspicious:
            return False
        self.judged += 1
        found = self._refutation(instance)
        if found is not None:
            self.best = found
            self.steps += 1
        return found is not None

    def _refutation(self, instance: Instance) -> Refutation | None:
        try:
            found = refute(self.claim, instance, self.digits)
        except MemoryError:
            raise
        except Exception:
            return None
        return found if isinstance(found, Refutation) else None

    def until_nothing_changes(self, edits: Edits, character: Character) -> None:
        most = self.judged + (self.most // GRID_SHARE if edits in BOUNDED else self.most)
        changed = True
        while changed:
            changed = False
            for instance in edits(self.best.instance, character):
                if not self.open() or self.judged > most:
                    return
                if character.admits(instance) and self.takes(instance):
                    changed = True
                    break


def _simpler_choices(press: _Press, origin: Origin) -> Origin:
    """One pass over the choices: fewer of them, then simpler ones."""
    k = 0
    while k < len(origin.choices) and press.open():
        for values in _edited(origin, k):
            other = drawn_with(press.claim.instances, origin.regime, values, origin.key)
            if other is not None and (press.takes(other[0]) or _plainer(press, other, origin)):
                origin = other[1]
                break
        else:
            k += 1
    return origin


def _plainer(press: _Press, other: tuple[Instance, Origin], origin: Origin) -> bool:
    """Whether simpler choices give the same instance: from them, further steps may be shorter."""
    same = other[0] == press.best.instance
    return same and _plainness(other[1]) < _plainness(origin)


def _plainness(origin: Origin) -> tuple[int, ...]:
    return (len(origin.choices), *(abs(c.value - c.simplest) for c in origin.choices))


def _edited(origin: Origin, k: int) -> Iterator[tuple[int, ...]]:
    """Sequences with a simpler choice k; with others left out where fewer are asked for."""
    values = origin.values
    simple = tuple(choice.simplest for choice in origin.choices)
    for other in nearby(origin.choices, k):
        yield other
        yield (*other[: k + 1], *simple[k + 1 :])
        for gone in (1, 2, 4):
            yield (*other[: k + 1], *values[k + 1 + gone :])
        if values[k] and k + 1 < len(values):  # a denominator, and its numerator in proportion
            yield (*other[: k + 1], values[k + 1] * other[k] // values[k], *values[k + 2 :])
    for gone in (1, 2, 4, 8):
        yield (*values[:k], *values[k + gone :])
