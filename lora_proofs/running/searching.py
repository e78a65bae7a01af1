"""The stage search: what random draws miss is looked for, and what is found is made small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from lora_proofs.breaking.choices import Origin, drawn_with
from lora_proofs.breaking.fields import entries
from lora_proofs.breaking.hunt import Found
from lora_proofs.breaking.search import Subject, edits, search
from lora_proofs.breaking.shrinking import (
    Shrunk,
    is_plain,
    is_short,
    shrink_choices,
    shrink_fields,
    simplicity,
)
from lora_proofs.breaking.slack import ROUNDING
from lora_proofs.judging.counterexample import Refutation, refute
from lora_proofs.judging.drawing import MOST_DRAWS
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim
from lora_proofs.language.evidence import Evidence, SearchEvidence
from lora_proofs.mathematics.instance import Instance

MOST_JUDGED = 400
"""How many instances may be judged to make a counterexample small."""
DRAWS_TRIED = 20
"""Draws of which the first that refutes is made small in place of an instance that was made."""
CUT = {"search": "the search", "shrink": "shrinking", "sweep": "the sweep"}
"""The stages that a limit may cut off while the result before them stands, in words."""


@dataclass(frozen=True)
class Searched:
    """What the stage adds to the evidence, and the counterexample that it found, if it did."""

    evidence: SearchEvidence | None = None
    found: Found | None = None
    suspect: str = ""
    notes: tuple[str, ...] = ()


def needs_search(evidence: Evidence) -> bool:
    """Whether a counterexample could still be found: none is, and no derivation excludes one."""
    derivation = evidence.derivation
    closed = bool(derivation and derivation.closed and not derivation.problems)
    return not evidence.counterexample and not closed


@dataclass(frozen=True)
class Breaking:
    """One attempt to break a claim: determined by the claim, the budget and the seed."""

    claim: Claim
    budget: Budget
    seed: int

    @cached_property
    def subject(self) -> Subject:
        """What the draws of the claim have in common."""
        return Subject.of(self.claim, self.seed)

    def edited(self, most: int) -> Iterator[Instance]:
        """The first corners that a search meets; none where only draws count."""
        if not self.subject.dependent and self.subject.drawn:
            for _, instance in islice(edits(self.subject), most):
                yield instance

    def searched(self) -> Searched:
        """Look for a counterexample within ``budget.searched`` instances."""
        budget = self.budget
        if budget.searched < 1:
            return Searched()
        hunt = search(self.claim, self.subject, self.seed, budget.digits, budget.searched)
        if hunt is None:
            return Searched()
        notes = set(hunt.notes)
        if self.subject.dependent:
            notes.add(_weaker(self.subject.dependent, bool(self.claim.instances.dependent)))
        if hunt.unjudged and hunt.found is None:
            notes.add(_left(hunt.judged, hunt.unjudged))
        told = SearchEvidence(
            instances=len(hunt.met),
            ways=dict(sorted(hunt.ways.items())),
            closest="" if hunt.at is None else _shown(hunt.closest.value),
            at=None if hunt.at is None else hunt.at.to_json(),
        )
        return Searched(told, hunt.found, hunt.suspect, tuple(sorted(notes)))

    def sampled(self, regime: str, refutation: Refutation) -> Found:
        """A refutation of the stages before; the choices that drew it are recalled when needed."""
        return Found(refutation, "sample", Origin(regime, (), ()))

    def shrunk(self, found: Found) -> Shrunk:
        """The smallest refutation that can be reached from one that was found.

        Edits of fields cannot keep every equation that an assumption states (balanced factors, an
        orthogonal matrix); simpler choices of the draw keep them all. Where edits alone do not
        end at a plain instance, choices are simplified first, and edits go on from there. Neither
        leaves the regime of the draw: where the end is large, a draw that has fewer entries and
        refutes, too, is made small as well.
        """
        small = self._shrunk_from(found)
        first = None if is_short(small.refutation.instance) else self._with_fewer_entries(small)
        return small if first is None else small.or_simpler(self._shrunk_from(first))

    def _with_fewer_entries(self, small: Shrunk) -> Found | None:
        """The simplest of the draws that refutes; ``None`` where none has fewer entries."""
        most = len(entries(small.refutation.instance))
        drawn = [d for d in self.subject.drawn if len(entries(d[0])) < most]
        for instance, origin in sorted(drawn, key=lambda d: simplicity(d[0]))[:DRAWS_TRIED]:
            refutation = self._refutation(instance)
            if refutation is not None:
                return Found(refutation, "draws", origin)
        return None

    def _shrunk_from(self, found: Found) -> Shrunk:
        if self.subject.dependent:
            return self._by_choices(found.refutation, self._origin(found), MOST_JUDGED)
        small = self._by_fields(found.refutation, MOST_JUDGED)
        # Edits leave fields that hang together as they were drawn: then only choices cut sizes.
        if is_plain(small.refutation.instance) and not self.subject.together:
            return small
        drawn = self._drawn(found)
        if drawn is None:
            return small
        first = self._by_choices(*drawn, MOST_JUDGED // 2)
        return small.or_simpler(first.then(self._by_fields(first.refutation, MOST_JUDGED // 2)))

    def _by_fields(self, refutation: Refutation, most: int) -> Shrunk:
        character, digits = self.subject.character, self.budget.digits
        return shrink_fields(self.claim, refutation, character, digits, most)

    def _by_choices(self, refutation: Refutation, origin: Origin | None, most: int) -> Shrunk:
        if origin is None or not origin.choices:
            return Shrunk(refutation, 0)
        return shrink_choices(self.claim, refutation, origin, self.budget.digits, most)

    def _origin(self, found: Found) -> Origin | None:
        """The choices that drew what was found; ``None`` where it was made."""
        if found.origin is None or found.origin.choices:
            return found.origin
        return self._recalled(found.origin.regime, found.refutation.instance)

    def _drawn(self, found: Found) -> tuple[Refutation, Origin] | None:
        """What was found, where it was drawn; else the first of some draws that refutes, too."""
        origin = self._origin(found)
        if origin is not None:
            return found.refutation, origin
        for instance, origin in self.subject.drawn[:DRAWS_TRIED]:
            refutation = self._refutation(instance)
            if refutation is not None:
                return refutation, origin
        return None

    def _refutation(self, instance: Instance) -> Refutation | None:
        try:
            told = refute(self.claim, instance, self.budget.digits)
        except MemoryError:
            raise
        except Exception:
            return None
        return told if isinstance(told, Refutation) else None

    def _recalled(self, regime: str, instance: Instance) -> Origin | None:
        """The choices by which an earlier stage drew an instance; ``None`` where none did."""
        budget = self.budget
        counts = {"sample": budget.samples, "certify": budget.certified, "sweep": budget.swept}
        for obligation, count in counts.items():
            for k in range(MOST_DRAWS * count):
                key = (self.seed, self.claim.name, obligation, regime, k)
                drawn = drawn_with(self.claim.instances, regime, (), key)
                if drawn is not None and drawn[0] == instance:
                    return drawn[1]
        return None


def _left(judged: int, unjudged: int) -> str:
    """What became of the suspects of floats in the search, which decide nothing."""
    return (
        f"floating point called {judged + unjudged} instances of the search suspects; {judged} of "
        f"them were judged rigorously and none refutes, and {unjudged} were not, as floats had "
        "shown to be no guide there: they count for nothing"
    )


def _weaker(why: str, said: bool) -> str:
    """That nothing but choices of the draw was changed, why, and what makes the search stronger."""
    remedy = (
        "Where an edited instance counts, too, say which in Instances(admits=...) in place of it"
        if said
        else "If each field may be anything, draw the fields apart, let the check read no regime "
        "(instances_of and lora_problems are so), and say in Instances(admits=...) or in an "
        "assumption which instances count; if only what is drawn counts, say why in "
        "Instances(dependent=...)"
    )
    because = f"Instances(dependent=...) says: {why}" if said else why
    return (
        f"the search changed only what is drawn: {because}. It is weaker for it: it judges a tenth "
        "of the instances, and meets ties, zero blocks or B = -A' only where draw gives them. "
        f"{remedy}"
    )


def _shown(slack: float) -> str:
    """A relative slack; what is rounding beside 0 is 0."""
    return f"{slack:.3g}" if abs(slack) > ROUNDING else "0"


def told(found: Found, small: Shrunk | None, claim: Claim) -> dict[str, Any]:
    """The counterexample as plain data, with how it was found and how small it was made."""
    if small is None:
        return {**found.refutation.to_dict(claim), "found": found.to_dict()}
    more = {"found": found.to_dict(), "shrunk": small.to_dict(found.refutation)}
    return {**small.refutation.to_dict(claim), **more}


def cut_off(record: Mapping[str, Any], stage: str, why: str) -> dict[str, Any]:
    """The record that stands where a limit ended its search, or the shrinking, with a note."""
    return {**record, "notes": [*record["notes"], f"{CUT.get(stage, stage)} was cut off {why}"]}
