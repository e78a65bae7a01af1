"""What a check says less than it seems: of shapes alone, of an assumption, of equal sides.

The samples raise a suspicion; instances of the same shapes with quite other numbers settle it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.arithmetic import Comparison
from lora_proofs.arithmetic.comparison import plainly, show
from lora_proofs.errors import BadInput
from lora_proofs.judging.evaluation import MEASURED, Judged, evaluate, is_trivial, ladder
from lora_proofs.judging.itself import Itself, texts_of
from lora_proofs.judging.shapes import (
    follows_from_shapes,
    has_matrices,
    shape_of,
    whole_numbers,
)
from lora_proofs.language.claim import Check, Claim
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, SeededDraw, quarter

SHAPES = 6
"""How many shapes are filled with other numbers."""
COUNTED = 40
"""How many shapes, each with its whole numbers, the shape arithmetic is tried on."""
FEWEST = 8
"""Instances that have to agree before anything is suspected."""
FILLINGS = ("drawn", "ones", "zeros", "drawn, and whole numbers one more")
Compared = tuple[str, str, str]


@dataclass
class _Group:
    """The instances of one shape: the first one, what was said of it, and how many agree."""

    instance: Instance
    judged: Judged
    said: tuple[Any, ...]
    count: int = 1


@dataclass
class Watch:
    """What all samples so far have in common; most of it ends at the second instance."""

    groups: dict[Any, _Group] = field(default_factory=dict)
    counted: dict[Any, _Group] = field(default_factory=dict)
    """The first instance of each shape and choice of whole numbers, which may count something."""
    free: bool = False
    """Two instances of one shape were told apart: the check depends on more than shapes."""
    seen: int = 0
    level: bool = True
    """Every inequality has had equal sides, and there was one."""
    itself: Itself = field(default_factory=Itself)
    copied: frozenset[str] | None = None
    """The assumptions that compare, between them, everything that the check compares."""

    def observe(self, instance: Instance, judged: Judged, held: Mapping[str, Judged]) -> None:
        """Take in a sample that is new, on which the check holds."""
        self.seen += 1
        found = _theorem(judged)
        self._group(instance, judged)
        self.itself.look(found)
        self.level = self.level and _is_level(found)
        if self.copied is None or self.copied:
            names = _copied(found, held)
            self.copied = names if self.copied in (None, names) else frozenset()

    def _group(self, instance: Instance, judged: Judged) -> None:
        shape = shape_of(instance)
        self.counted.setdefault((shape, whole_numbers(instance)), _Group(instance, judged, ()))
        known = self.groups.get(shape)
        if known is None:
            self.groups[shape] = _Group(instance, judged, () if self.free else said(judged))
        elif not self.free:
            self.free = said(judged) != known.said
            known.count += 1

    def shapes_alone(self, claim: Claim, digits: int) -> bool:
        """Whether the check never depends on the numbers, only on the shapes."""
        agreeing = [group for group in self.groups.values() if group.count > 1]
        enough = len(agreeing) > 1 and sum(group.count for group in agreeing) >= FEWEST
        if self.free or not enough:
            return False
        if all(is_trivial(group.judged.comparisons) for group in agreeing):
            return False  # 0 against 0: numbers went in, and nothing can be told
        return all(
            again is not None and said(again) == group.said
            for group in agreeing[:SHAPES]
            for _, again, _ in _again(claim, group, digits)
        )

    def notes(self, claim: Claim, digits: int) -> Iterator[str]:
        """What a reader should know of a check that holds on every sample."""
        if self.seen < FEWEST:
            return
        if one := self.itself.labels(texts_of(claim.check)):
            yield (
                f"{', '.join(map(repr, one))}: the check compares an expression with itself there, "
                "which holds of anything"
            )
        followed = self._followed(claim.check)
        if followed:
            yield (
                f"follows from the shapes alone (shown on {followed}): it holds whatever the "
                "entries of the matrices are"
            )
        if self.copied and self._copies(claim, digits):
            names = ", ".join(map(repr, sorted(self.copied)))
            yield (
                f"the check compares nothing but what the assumption {names} compares: granted "
                "that, nothing is left to show"
            )
        if self.level and self._stays_level(claim, digits):
            yield (
                "both sides of every inequality are always equal, on instances with other numbers "
                "too: it says no more, and no less, than an equation"
            )

    def _followed(self, check: Check) -> str:
        """On what it follows from the shapes; nothing where it does not on one."""
        groups = [group for group in self.counted.values() if has_matrices(group.instance)]
        for group in groups[:COUNTED]:
            labels = [c.label for c in group.judged.comparisons]
            if not follows_from_shapes(check, group.instance, labels):
                return ""
        if not groups:
            return ""
        counting = any(whole_numbers(group.instance) for group in groups)
        what = "shapes and whole numbers" if counting else "shapes"
        return f"{len(groups[:COUNTED])} of {len(groups)} {what} drawn"

    def _copies(self, claim: Claim, digits: int) -> bool:
        return self._settled(
            claim, digits, lambda found, held: bool(_copied(found, held) & (self.copied or set()))
        )

    def _stays_level(self, claim: Claim, digits: int) -> bool:
        return self._settled(claim, digits, lambda found, held: _is_level(found))

    def _settled(self, claim: Claim, digits: int, agrees: Any) -> bool:
        """Whether all other numbers agree, and at least two of them say different things."""
        group = next((g for g in self.groups.values() if g.judged.outcome == "holds"), None)
        if group is None:
            return False
        different = set()
        for instance, again, ctx in _again(claim, group, digits):
            if again is None:
                return False
            held = {a.name: _quietly(a.holds, instance, ctx) for a in claim.assumptions}
            if not agrees(_theorem(again), {k: v for k, v in held.items() if v}):
                return False
            different.add(said(again))
        return len(different) > 1


def said(judged: Judged) -> tuple[Any, ...]:
    """The comparisons as text, without an order, and without labels, which compare nothing."""
    return tuple(sorted(str((show(c.left), show(c.right))) for c in judged.comparisons))


def refuse_chance_of(claim: Claim, judged: Judged, again: Judged) -> None:
    """Raise ``BadInput`` where a check says two things of one instance."""
    both = said(judged), said(again)
    if both[0] != both[1] or judged.outcome != again.outcome:
        one, other = (min({*x} - {*y}, default="nothing") for x, y in (both, both[::-1]))
        raise BadInput(
            f"{claim.name}: expected the check to be determined by its instance, got the sides "
            f"{one} and then {other} on the same one; draw what is random in Instances.draw, and "
            "keep nothing between calls"
        )


def _theorem(judged: Judged) -> tuple[Comparison, ...]:
    """The comparisons, without those that are evidence beside the theorem."""
    return tuple(c for c in judged.comparisons if not c.label.startswith(MEASURED))


def _is_level(found: tuple[Comparison, ...]) -> bool:
    inequalities = [c for c in found if c.relation != "="]
    return bool(inequalities) and all(plainly(c, "slack") == 0 for c in inequalities)


def _copied(found: tuple[Comparison, ...], held: Mapping[str, Judged]) -> frozenset[str]:
    """The assumptions that compare, between them, each pair of sides that was found."""
    granted = {_pair(c): name for name, judged in held.items() for c in judged.comparisons}
    names = [granted.get(_pair(c)) for c in found]
    return frozenset() if None in names else frozenset(str(name) for name in names)


def _pair(c: Comparison) -> Compared:
    """A comparison without its label; one that is turned around is the same."""
    left, right = str(show(c.left)), str(show(c.right))
    return (right, "<=", left) if c.relation == ">=" else (left, c.relation, right)


def _again(
    claim: Claim, group: _Group, digits: int
) -> Iterator[tuple[Instance, Judged | None, Any]]:
    """The check on instances of the same shapes with other numbers, in the same arithmetic."""
    ctx = ladder((group.judged.arithmetic,), digits)[0]
    matrices = [name for name, value in group.instance.fields if isinstance(value, tuple)]
    for filling in (*FILLINGS, *(f"zeros in {name}" for name in matrices)):
        instance = refilled(group.instance, SeededDraw.keyed(claim.name, filling), filling)
        yield instance, _quietly(claim.check, instance, ctx), ctx


def _quietly(check: Check, instance: Instance, ctx: Any) -> Judged | None:
    """What a check says; ``None`` where such numbers are nothing for it."""
    try:
        found = evaluate(check, instance, ctx)
    except Exception:
        return None
    return found if found.comparisons else None


def refilled(instance: Instance, draw: Draw, filling: str) -> Instance:
    """An instance of the same shapes and tags with other numbers.

    Numbers that are whole stay, as they may count something, unless the filling says otherwise.

    >>> refilled(Instance(A=[[5, 6]], r=2), SeededDraw.keyed(1), "ones")
    Instance(A=[[1, 1]], r=2)
    """
    fillings = {k: "zeros" if filling == f"zeros in {k}" else filling for k, _ in instance.fields}
    new = {k: _refilled(value, draw, fillings[k]) for k, value in instance.fields}
    return instance.replace(**new)


def _refilled(value: Any, draw: Draw, filling: str) -> Any:
    if isinstance(value, Instance):
        return refilled(value, draw, filling)
    if isinstance(value, tuple):
        return [[_number(draw, filling) for _ in row] for row in value]
    if isinstance(value, str):
        return value
    if value.denominator == 1:
        return value + 1 if filling.endswith("one more") else value
    return abs(quarter(draw)) + 1


def _number(draw: Draw, filling: str) -> Any:
    return {"ones": 1, "zeros": 0}.get(filling, quarter(draw))
