"""Which assumption keeps draws out, and which of them no draw meets together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from lora_proofs.arithmetic import Comparison, below
from lora_proofs.arithmetic.comparison import plainly, show
from lora_proofs.judging.evaluation import Judged

FEWEST = 3
"""Different numbers on which two assumptions have to contradict each other."""
Place = tuple[str, int]


@dataclass
class Exclusions:
    """What the assumptions said of the draws so far."""

    draws: int = 0
    admitted: int = 0
    failing: Counter[str] = field(default_factory=Counter)
    together: Counter[tuple[str, str]] = field(default_factory=Counter)
    opposed: dict[tuple[Place, Place], tuple[set[str], str]] | None = None
    """Pairs of comparisons that no number can meet, on every draw; the numbers, and in words."""

    def observe(self, held: Mapping[str, Judged]) -> None:
        """Take in what the assumptions said of one draw."""
        self.draws += 1
        names = [name for name, found in held.items() if found.outcome == "holds"]
        self.failing.update(name for name in held if name not in names)
        self.together.update(combinations(names, 2))
        self.admitted += len(names) == len(held)
        if self.admitted:
            self.opposed = {}
        elif self.opposed is None or self.opposed:
            self._oppose(held)

    def _oppose(self, held: Mapping[str, Judged]) -> None:
        found = dict(_opposed(held))
        if self.opposed is None:
            self.opposed = {place: ({term}, words) for place, (term, words) in found.items()}
            return
        self.opposed = {
            place: (self.opposed[place][0] | {term}, words)
            for place, (term, words) in found.items()
            if place in self.opposed
        }

    def conflicts(self) -> tuple[str, ...]:
        """Where no draw meets every assumption: those that cannot hold, or never held, together."""
        if self.admitted or not self.draws:
            return ()
        opposed = {
            tuple(sorted((a, b))): words
            for ((a, _), (b, _)), (terms, words) in (self.opposed or {}).items()
            if len(terms) >= FEWEST
        }
        if opposed:
            return tuple(
                f"the assumptions {a!r} and {b!r} contradict each other on every draw: {words}"
                for (a, b), words in opposed.items()
            )
        alone = [name for name in self.failing if self.failing[name] < self.draws]
        pairs = [pair for pair in combinations(alone, 2) if not self.together[pair]]
        return tuple(f"no draw meets {a!r} and {b!r} together, though each alone" for a, b in pairs)


def _opposed(held: Mapping[str, Judged]) -> Iterator[tuple[tuple[Place, Place], tuple[str, str]]]:
    """Pairs of comparisons of which one asks for more of a number than the other allows."""
    facts = [
        ((name, i), fact)
        for name, found in held.items()
        for i, c in enumerate(found.comparisons)
        for fact in _facts(c)
    ]
    lower = [(place, fact) for place, fact in facts if fact[1] == ">="]
    for place, (term, side, bound, words) in facts:
        for other, (same, _, least, more) in lower if side == "<=" else ():
            if term == same and place[0] != other[0] and _is_below(bound, least):
                yield (place, other), (term, f"of the same number {words} and {more}")


def _facts(c: Comparison) -> Iterator[tuple[str, str, Any, str]]:
    """A comparison as bounds on each of its sides: the side, above or below, bound, in words."""
    label = repr(c.label)
    if c.relation != ">=":
        yield str(show(c.left)), "<=", c.right, f"{label} asks for at most {show(c.right)}"
        yield str(show(c.right)), ">=", c.left, f"{label} asks for at least {show(c.left)}"
    if c.relation in (">=", "="):
        yield str(show(c.left)), ">=", c.right, f"{label} asks for at least {show(c.right)}"
        yield str(show(c.right)), "<=", c.left, f"{label} asks for at most {show(c.left)}"


def _is_below(low: Any, high: Any) -> bool:
    try:
        found = below("bounds", low, high)
    except Exception:
        return False
    return bool(plainly(found, "outcome") == "holds" and found.rigorous)
