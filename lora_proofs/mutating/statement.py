"""What the mutants of a claim are made from: the statement that refutes it, and, of a claim of
existence, beside its lower bound what it says of its own construction.

The two are judged apart: a slip in what the construction is said to attain is refuted where that
fails, and leaves the lower bound as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType

from lora_proofs.arithmetic import Arithmetic, Comparison
from lora_proofs.language.claim import Check, Claim
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating import spare
from lora_proofs.mutating.choosing import LEAST, SHARES, Chosen, choose
from lora_proofs.mutating.comparisons import comparison_mutants, spare_mutants
from lora_proofs.mutating.conclusions import conclusion_candidates
from lora_proofs.mutating.evaluating import attempt
from lora_proofs.mutating.mutant import Candidate, Kept, Mutant, kept_check, ready
from lora_proofs.mutating.source import judged_check, source_candidates

PROBES = 6
"""Instances on which it is decided which slips are mutants; fewer where each costs much."""
CHEAP = 10_000
"""Calls of functions up to which a check is cheap."""
NAMES = {"comparison": "construction", "source": "construction source"}
"""What the mutants of a statement about a construction are called, by what they are made from."""
OF_CONSTRUCTION = {"construction": 4, "construction source": 4}
"""How many mutants are made from it, before what is missing is filled up."""


@dataclass
class Statement:
    """One of a claim's checks with its mutants; ``calls`` is what it costs on an instance."""

    claim: Claim
    home: ModuleType | None
    pick: Callable[[Claim], Check]
    shares: Mapping[str, int]
    names: Mapping[str, str] = field(default_factory=dict)
    calls: int = 1
    chosen: Chosen = field(default_factory=Chosen)
    kept: Kept = field(init=False)

    def __post_init__(self) -> None:
        self.kept = kept_check(self.pick(self.claim))

    def choose(
        self, probes: Sequence[Instance], rungs: Sequence[Arithmetic], least: int = LEAST
    ) -> None:
        """Take the mutants that are of use on the probes."""
        candidates = [ready(m) for m in comparison_mutants(self.kept, self._told(probes, rungs))]
        if not self.names:
            candidates += conclusion_candidates(self.claim)
        if self.home is not None:
            more, self.calls = source_candidates(
                self.claim, self.home, self.kept, probes, rungs, self.pick
            )
            candidates += more
        self._take(candidates, probes, rungs, self.shares, least)

    def fill(self, probes: Sequence[Instance], rungs: Sequence[Arithmetic], least: int) -> None:
        """Take others where it has fewer than so many: operators of ``mutating.spare``."""
        if len(self.chosen.mutants) >= least or not probes:
            return
        told = self._told(probes, rungs)
        candidates = [ready(m) for m in spare_mutants(self.kept, told, spare.OPERATORS)]
        if self.home is not None:
            candidates += source_candidates(
                self.claim, self.home, self.kept, probes, rungs, self.pick, spare.SLIPS
            )[0]
        self._take(candidates, probes, rungs, dict.fromkeys(self.shares, 0), least)

    def _told(
        self, probes: Sequence[Instance], rungs: Sequence[Arithmetic]
    ) -> list[tuple[Comparison, ...]]:
        return [attempt(self.kept, x, rungs).comparisons for x in probes]

    def _take(
        self,
        candidates: Sequence[Candidate],
        probes: Sequence[Instance],
        rungs: Sequence[Arithmetic],
        shares: Mapping[str, int],
        least: int,
    ) -> None:
        named = [self._named(c) for c in candidates]
        few = probes[: PROBES if self.calls < CHEAP else PROBES // 2]
        choose(self.claim.name, named, few, rungs, shares, least, self.chosen)

    def _named(self, candidate: Candidate) -> Candidate:
        """The candidate under the name of this statement's mutants."""
        if not self.names:
            return candidate
        origin = self.names[candidate.origin]

        def make() -> Mutant:
            mutant = candidate.make()
            told = f"of the construction: {mutant.description}"
            return replace(mutant, origin=origin, description=told)

        return replace(candidate, origin=origin, make=make)


def statements(claim: Claim, home: ModuleType | None) -> list[Statement]:
    """What refutes a claim; where that is a lower bound, also what is said of its construction."""
    found = [Statement(claim, home, judged_check, SHARES)]
    if claim.lower_bound:
        found.append(Statement(claim, home, lambda c: c.check, OF_CONSTRUCTION, NAMES))
    return found


def choose_all(
    found: Sequence[Statement], probes: Sequence[Instance], rungs: Sequence[Arithmetic]
) -> None:
    """Choose the mutants of a claim's statements, ten at least where its text gives as many."""
    first, *others = found
    first.choose(probes, rungs)
    for other in others:
        other.choose(probes, rungs, LEAST - len(first.chosen.mutants))
    for k, one in enumerate(found):
        rest = sum(len(s.chosen.mutants) for i, s in enumerate(found) if i != k)
        one.fill(probes, rungs, LEAST - rest)
