"""The search for a counterexample: corners, draws, targeted search and descent, in this order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from lora_proofs.breaking.character import Character
from lora_proofs.breaking.choices import Choice, Origin, drawn_with
from lora_proofs.breaking.corners import Corner, bases, corners, weight
from lora_proofs.breaking.coupling import (
    Heard,
    apart_from_others,
    coupled,
    in_words,
    with_entries,
)
from lora_proofs.breaking.descent import descend, descend_choices
from lora_proofs.breaking.fields import Path, leaves, numbers
from lora_proofs.breaking.hanging import Ties, ties
from lora_proofs.breaking.hunt import FAST, Hunt
from lora_proofs.breaking.slack import Guide
from lora_proofs.breaking.targeted import targeted
from lora_proofs.judging.counterexample import refuting
from lora_proofs.judging.evaluation import ladder, settle
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.instance import Instance

READ = 40
"""Draws from which dimensions and common conditions are read, at least; 4 in every regime."""
BEST = 6
LEAST = 5
DIGITS = 50
CORNERS, DRAWS, TARGETED = 0.5, 0.6, 0.7
"""The share of the effort that is spent when each way of looking ends; descent has the rest."""

Drawn = tuple[Instance, Origin]


@dataclass(frozen=True)
class Subject:
    """What a search knows of the instances of a claim before it starts."""

    drawn: tuple[Drawn, ...]
    character: Character
    dependent: str
    """Why only what is drawn is an instance; empty where fields may be edited."""
    together: str = ""
    """Which fields stay as they are drawn while others are edited."""

    @classmethod
    def of(cls, claim: Claim, seed: int) -> Subject:
        """Read off from a few draws of every regime."""
        drawn = tuple(_draws(claim, seed))
        instances = [instance for instance, _ in drawn]
        regimes = [origin.regime for _, origin in drawn]
        character = Character.of(instances, regimes, claim.instances.admits)
        heard: Heard = {}
        why, left = _dependent(claim, drawn, character, heard)
        tied = Ties() if why or claim.instances.admits else _ties(claim, drawn, character, heard)
        dimensions = character.dimensions.holding(left, tied.held())
        fixed = character.fixed | {*left} | {*tied.groups}
        edited = replace(character, fixed=fixed, dimensions=dimensions, indices=tied.indices)
        told = (in_words(left) if left else "", str(tied))
        return cls(drawn, edited, why, "; ".join(filter(None, told)))


def _draws(claim: Claim, seed: int) -> list[Drawn]:
    regimes = claim.instances.regimes
    each = max(4, -(-READ // len(regimes)))
    found = []
    for k in range(each):
        for regime in regimes:
            drawn = drawn_with(claim.instances, regime, (), (seed, claim.name, "search", regime, k))
            if drawn is not None:
                found.append(drawn)
    return found


def _dependent(
    claim: Claim, drawn: Sequence[Drawn], character: Character, heard: Heard
) -> tuple[str, tuple[Path, ...]]:
    """The claim's own reason, or what is seen in its draws; or the fields that are not edited."""
    if claim.instances.dependent:
        return claim.instances.dependent, ()
    if any(_reads_the_regime(claim, instance, DIGITS) for instance, _ in drawn[:2]):
        return "the check reads the name of the regime", ()
    longest = _longest(drawn)
    apart = character.fixed | character.settled | character.dimensions.numbers()
    found = coupled(claim.instances, longest, apart, heard)
    if not found:
        return "", ()
    others = {path for instance, _ in drawn for path in leaves(instance)} - apart - set(found)
    if others and apart_from_others(claim.instances, longest, found, heard):
        return "", found
    return in_words(found), ()


def _longest(drawn: Sequence[Drawn]) -> tuple[Drawn, ...]:
    """Of every regime the draw with the most choices."""
    found: dict[str, Drawn] = {}
    for instance, origin in drawn:
        best = found.get(origin.regime)
        if best is None or len(origin.choices) > len(best[1].choices):
            found[origin.regime] = (instance, origin)
    return tuple(found.values())


def _ties(claim: Claim, drawn: Sequence[Drawn], character: Character, heard: Heard) -> Ties:
    """The numbers that hang on sizes; those that change with entries are heard of elsewhere."""
    regimes = dict.fromkeys(origin.regime for _, origin in drawn)
    apart = character.dimensions.numbers() | character.fixed
    if all(numbers(instance).keys() <= apart for instance, _ in drawn):
        return Ties()
    apart |= with_entries(claim.instances, _longest(drawn), heard)
    return ties(claim.instances, regimes, character.dimensions, apart)


class _Watched(Instance):
    """An instance that knows whether the names of its regimes were read."""

    def __getattribute__(self, name: str) -> Any:
        if name == "regimes":
            object.__getattribute__(self, "__dict__")["read"] = True
        return super().__getattribute__(name)

    def replace(self, **changes: Any) -> Instance:
        """The same instance with some fields changed; keeping the names is not reading them."""
        return Instance(**dict(self.fields)).replace(**changes)

    def __hash__(self) -> int:
        return hash(self.fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instance) and self.fields == other.fields

    def __repr__(self) -> str:
        return repr(Instance(**dict(self.fields)))


def _reads_the_regime(claim: Claim, instance: Instance, digits: int) -> bool:
    """Whether the check or an assumption asks for the names of the regimes."""
    watched = _Watched(regimes=instance.regimes, **dict(instance.fields))
    for check in (claim.check, *(assumption.holds for assumption in claim.assumptions)):
        try:
            settle(check, watched, ladder(claim.arithmetics, digits))
        except MemoryError:
            raise
        except Exception:
            continue
    return "read" in watched.__dict__


def search(claim: Claim, subject: Subject, seed: int, digits: int, limit: int) -> Hunt | None:
    """Look for a counterexample, judging at most ``limit`` instances beyond float64.

    ``None`` for a claim that nothing refutes: one of existence without a lower bound.
    """
    if refuting(claim) is None:
        return None
    samples = [instance for instance, _ in subject.drawn[:8]]
    guide = Guide.of(claim, samples, digits)
    hunt = Hunt(claim, digits, guide, _effort(limit, subject, guide))
    edits = not subject.dependent and bool(subject.drawn)
    if subject.together:
        hunt.notes.add(f"the search left fields as they were drawn: {subject.together}")
    if edits and (taken := subject.character.taken()):
        hunt.notes.add(f"the search took for granted what every draw has: {taken}")
    if subject.dependent or subject.together:
        _plainest(hunt, subject)
    if edits:
        _corners(hunt, subject)
    _beyond(hunt, subject, seed, DRAWS if edits else 0.3)
    if subject.drawn and hunt.open(TARGETED):
        targeted(hunt, seed, max(LEAST, hunt.limit // 5), TARGETED)
    if edits:
        _descents(hunt, subject)
    origins = _closest_origins(hunt, subject)
    descend_choices(hunt, origins, 1.0)
    return hunt


def _plainest(hunt: Hunt, subject: Subject) -> None:
    """Of every regime the draws whose choices are all the simplest, the lowest, the highest."""
    first: dict[str, Origin] = {}
    for _, origin in subject.drawn:
        first.setdefault(origin.regime, origin)
    for origin, pick in product(first.values(), PLAINEST):
        if not hunt.open():
            return
        drawn = _all_of_a_kind(hunt.claim, origin, pick)
        if drawn is not None:
            hunt.meet(drawn[0], "draws", "draws", drawn[1])


PLAINEST: tuple[Callable[[Choice], int], ...] = (
    lambda choice: choice.simplest,
    lambda choice: choice.low,
    lambda choice: choice.high,
)


def _all_of_a_kind(claim: Claim, origin: Origin, pick: Callable[[Choice], int]) -> Drawn | None:
    """The draw of which every choice is picked alike; what is asked for may change on the way."""
    drawn = drawn_with(claim.instances, origin.regime, origin.values, origin.key)
    for _ in range(4):
        if drawn is None:
            break
        values = tuple(map(pick, drawn[1].choices))
        drawn = drawn_with(claim.instances, origin.regime, values, origin.key)
    return drawn


def _effort(limit: int, subject: Subject, guide: Guide) -> int:
    """How many instances may be judged: fewer where only draws are, which the samples were too.

    Without float64 to guide it every instance is judged in exact or ball arithmetic, which takes
    much longer; the effort may not depend on how long, because results depend on the seed alone.
    """
    share = (10 if subject.dependent else 1) * (1 if guide.fast else 4)
    return max(LEAST, limit // share)


def edits(subject: Subject) -> Iterator[Corner]:
    """The corners of small instances, of every kind that is drawn."""
    drawn = sorted((instance for instance, _ in subject.drawn), key=lambda x: -weight(x)[0])
    kinds: dict[tuple[Any, ...], Instance] = {}
    for instance in drawn:
        kinds.setdefault(_kind(instance), instance)
    chosen = [b for x in list(kinds.values())[:4] for b in bases([x], subject.character)]
    yield from corners(list(dict.fromkeys(chosen)), subject.character)


def _corners(hunt: Hunt, subject: Subject) -> None:
    for name, instance in edits(subject):
        if not hunt.open(CORNERS):
            return
        hunt.meet(instance, "corners", f"corner: {name}")


def _kind(instance: Instance) -> tuple[Any, ...]:
    """The tags and the names of the fields: what corners of one cannot stand for another."""
    return (
        tuple(value for _, value in instance.fields if isinstance(value, str)),
        *leaves(instance),
    )


def _beyond(hunt: Hunt, subject: Subject, seed: int, share: float) -> None:
    """Fresh draws of all regimes in turn, weighed on the fast path where there is one."""
    claim, k = hunt.claim, 0
    met = {origin.regime for _, origin in subject.drawn}
    regimes = [regime for regime in claim.instances.regimes if regime in met]
    while regimes and hunt.open(share) and k < FAST * hunt.limit:
        regime = regimes[k % len(regimes)]
        key = (seed, claim.name, "search", regime, 1_000 + k // len(regimes))
        drawn = drawn_with(claim.instances, regime, (), key)
        if drawn is not None:
            hunt.meet(drawn[0], "draws", "draws", drawn[1])
        k += 1


def _descents(hunt: Hunt, subject: Subject) -> None:
    """From the instances that came closest, each with an equal share of what is left."""
    starts = _closest(hunt, BEST)
    for k, start in enumerate(starts):
        share = hunt.spent + (1.0 - hunt.spent) / (len(starts) - k)
        descend(hunt, start, subject.character, share)


def _closest(hunt: Hunt, most: int) -> list[Instance]:
    ranked = sorted(
        ((slack, k, x) for k, (x, slack) in enumerate(hunt.met.items()) if math.isfinite(slack)),
        key=lambda row: row[:2],
    )
    return [x for _, _, x in ranked[:most]]


def _closest_origins(hunt: Hunt, subject: Subject) -> list[Origin]:
    known = [(hunt.met.get(x, math.inf), k, o) for k, (x, o) in enumerate(subject.drawn)]
    return [origin for _, _, origin in sorted(known, key=lambda row: row[:2])[:BEST]]
