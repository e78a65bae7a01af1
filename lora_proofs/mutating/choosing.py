"""Which slips become mutants: by fixed rules, before anything is judged, and useful ones alone.

A slip counts for nothing where it cannot be evaluated (stillborn), changes nothing (unchanged),
claims no more than the claim does (weaker) or claims the same as a mutant before it (duplicate).
That is decided on a few instances that depend on the claim's name alone, so that the mutants are
the same for every seed and every budget.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lora_proofs.arithmetic import Arithmetic, Comparison
from lora_proofs.arithmetic.comparison import size
from lora_proofs.judging.evaluation import Judged
from lora_proofs.language.claim import Check
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating.comparisons import larger, smaller
from lora_proofs.mutating.evaluating import DoesNotEnd, attempt
from lora_proofs.mutating.mutant import Candidate, Mutant

LEAST = 10
"""How many mutants a claim has, where its text gives as many; besides dropped assumptions."""
SHARES = {"comparison": 6, "conclusion": 4, "source": 6}
"""How many come from where, before what is missing to ``LEAST`` is filled up from anywhere."""
ONCE = frozenset(("strict", "0.99", "1.01", "0.999"))
"""What sharpens a bound by a little is tried on one comparison of a claim."""
DIGITS = 12
"""Numbers that agree so far are taken for the same."""

Plain = tuple[str, tuple[float, ...], tuple[float, ...]]
Told = tuple[Plain, ...]
"""What comparisons say, whatever they are called: the relation and both sides, rounded."""
Profile = tuple[Told | None, ...]


@dataclass
class Chosen:
    """The mutants of a claim, and what was passed over, by reason."""

    mutants: list[Mutant] = field(default_factory=list)
    changes: set[Profile] = field(default_factory=set)
    passed_over: dict[str, int] = field(default_factory=dict)

    def sharpened(self, mutant: Mutant) -> bool:
        """Whether the claim has a mutant of this kind already, and one is enough."""
        kind = (mutant.origin, mutant.operator)
        return mutant.operator in ONCE and kind in {(m.origin, m.operator) for m in self.mutants}

    def skip(self, why: str) -> None:
        """Count a slip that is no mutant."""
        self.passed_over[why] = self.passed_over.get(why, 0) + 1


def choose(
    name: str,
    candidates: Sequence[Candidate],
    probes: Sequence[Instance],
    rungs: Sequence[Arithmetic],
    shares: Mapping[str, int] = SHARES,
    least: int = LEAST,
    chosen: Chosen | None = None,
) -> Chosen:
    """The mutants of the claim of a name, each useful on at least one of the probes.

    ``chosen`` are those that it has already; they come first, and stay.
    """
    chosen, sieve = chosen or Chosen(), Sieve(probes, rungs)
    queues = {origin: _ordered(name, origin, candidates) for origin in shares}
    for origin, queue in queues.items():
        _take(chosen, sieve, queue, shares[origin])
    for queue in queues.values():
        _take(chosen, sieve, queue, least - len(chosen.mutants))
    return chosen


def _take(chosen: Chosen, sieve: Sieve, queue: Iterator[Candidate], wanted: int) -> None:
    """Take up to so many useful mutants from a queue."""
    taken = 0
    while taken < wanted:
        candidate = next(queue, None)
        if candidate is None:
            return
        mutant = candidate.make()
        changes, why = sieve.look(mutant)
        if not why and changes in chosen.changes:
            why = "duplicate"
        if not why and chosen.sharpened(mutant):
            continue
        if why:
            chosen.skip(why)
            continue
        chosen.changes.add(changes)
        chosen.mutants.append(mutant)
        taken += 1


def _ordered(name: str, origin: str, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """The candidates of an origin, operator by operator in turn, places in an order of their own.

    The order of places depends on names alone: neither on the seed nor on line numbers.
    """
    by: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.origin == origin:
            by.setdefault(candidate.operator, []).append(candidate)
    for queue in by.values():
        queue.sort(key=lambda c: hashlib.sha256(f"{name}\x1f{c.id}".encode()).digest())
    while any(by.values()):
        for queue in by.values():
            if queue:
                yield queue.pop(0)


@dataclass
class Sieve:
    """The probes, and what the originals of mutants say on them."""

    probes: Sequence[Instance]
    rungs: Sequence[Arithmetic]

    def profile(self, check: Check) -> Profile:
        """What a check says of each probe; ``None`` where it says nothing."""
        return tuple(_told(attempt(check, x, self.rungs)) for x in self.probes)

    def look(self, mutant: Mutant) -> tuple[Profile, str]:
        """What a mutant claims that the claim does not, and why it is of no use, if it is not."""
        try:
            new = self.profile(mutant.check)
        except DoesNotEnd:
            return (), "endless"
        if all(told is None for told in new):
            return (), "stillborn"
        old = self.profile(mutant.reference)
        changes = tuple(_changes(n, o) for n, o in zip(new, old, strict=True))
        if not any(changes):
            return changes, "unchanged"
        if all(_follows(n, o) for n, o in zip(changes, old, strict=True) if n):
            return changes, "weaker"
        return changes, ""


def _changes(new: Told | None, old: Told | None) -> Told | None:
    """The comparisons that the original does not make."""
    if new is None:
        return None
    return tuple(c for c in new if c not in (old or ()))


def _told(judged: Judged) -> Told | None:
    if not judged.comparisons:
        return None
    return tuple(_plain(c) for c in judged.comparisons)


def _plain(c: Comparison) -> Plain:
    relation = "<=" if c.relation == ">=" else c.relation
    return relation, _numbers(smaller(c)), _numbers(larger(c))


def _numbers(value: Any) -> tuple[float, ...]:
    entries = value.flat if isinstance(value, np.ndarray) else (value,)
    return tuple(_rounded(size(x)) for x in entries)


def _rounded(x: float) -> float:
    return 0.0 if abs(x) < 10.0**-DIGITS else float(f"{x:.{DIGITS}g}")


def _follows(new: Told, old: Told | None) -> bool:
    """Whether each comparison follows from one of the original's."""
    return all(any(_implied(n, o) for o in old or ()) for n in new)


def _implied(new: Plain, old: Plain) -> bool:
    (relation, low, high), (before, low_0, high_0) = new, old
    if len(low) != 1 or len(low_0) != 1 or relation == "=":
        return bool(new == old)
    if relation == "<" and before != "<":
        return bool(low[0] < low_0[0] and high[0] >= high_0[0]) or bool(
            low[0] <= low_0[0] and high[0] > high_0[0]
        )
    return bool(low[0] <= low_0[0] and high[0] >= high_0[0])
