"""One search for a counterexample under way: what it may spend, what it met, what it found.

Floats only weigh; an instance refutes where exact or ball arithmetic says so of the conclusion and
of every assumption.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.breaking.choices import Origin
from lora_proofs.breaking.slack import FAR, ROUNDING, Guide, Slack
from lora_proofs.judging.counterexample import Refutation, refute
from lora_proofs.judging.evaluation import RIGOROUS, assumptions_on, ladder, settle
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.instance import Instance

FAST = 10
"""How many instances are weighed in float64 for one that may be judged."""

ALARMS = 5
"""One part in so many of what may be judged goes to suspects of float64: each that rigour clears
says that floats are no guide there, and it costs as much as a hundred that are weighed."""

MOST_HUNGRY = 5
"""Edited instances on which memory may run out before the search ends."""


@dataclass(frozen=True)
class Found:
    """A refutation and how it was come by; ``origin`` where it was drawn."""

    refutation: Refutation
    by: str
    origin: Origin | None = None

    def to_dict(self) -> dict[str, Any]:
        """The entry ``found`` of a counterexample."""
        regime = self.origin.regime if self.origin else None
        return {"by": self.by, "regime": regime, "drawn": self.origin is not None}


@dataclass
class Hunt:
    """Instances met one by one, each once; ``limit`` is how many may be judged beyond float64."""

    claim: Claim
    digits: int
    guide: Guide
    limit: int
    met: dict[Instance, float] = field(default_factory=dict)
    judged: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    closest: Slack = field(default_factory=lambda: Slack(FAR))
    at: Instance | None = None
    found: Found | None = None
    suspect: str = ""
    notes: set[str] = field(default_factory=set)
    hungry: int = 0
    unjudged: int = 0
    """Suspects of float64 that came after the share of alarms was spent."""

    @property
    def spent(self) -> float:
        """The share of the effort that is used up; 1 or more ends the search."""
        weighed = len(self.met) / (FAST * self.limit) if self.guide.fast else 0.0
        return max(self.judged / self.limit, weighed)

    def open(self, share: float = 1.0) -> bool:
        """Whether the search goes on, within a share of its effort."""
        return self.found is None and self.hungry < MOST_HUNGRY and self.spent < share

    def meet(self, instance: Instance, way: str, by: str, origin: Origin | None = None) -> float:
        """Weigh an instance, and judge it where it looks like a counterexample."""
        if instance in self.met:
            return self.met[instance]
        self.ways[way] += 1
        self.judged += not self.guide.fast
        try:
            self._weigh(instance, by, origin)
        except MemoryError:
            if origin is not None:
                raise
            self._starved(instance)
        return self.met[instance]

    def _starved(self, instance: Instance) -> None:
        """An edited instance for which memory is too small is left out."""
        self.met[instance], self.hungry = FAR, self.hungry + 1
        self.notes.add("the search left out edited instances on which memory ran out")

    def _weigh(self, instance: Instance, by: str, origin: Origin | None) -> None:
        slack = self.guide.weigh(instance)
        self.met[instance] = FAR if math.isnan(slack.value) else slack.value
        if slack.suspicious and self.guide.fast and self.judged * ALARMS >= self.limit:
            self.unjudged += 1
        elif slack.suspicious:
            self.judged += self.guide.fast
            self._confirm(instance, by, origin)
        value = self.met[instance]
        # What floats call a failure and rigour did not look at is no slack that was met.
        if -ROUNDING <= value < self.closest.value:
            self.closest, self.at = Slack(value), instance

    def _confirm(self, instance: Instance, by: str, origin: Origin | None) -> None:
        try:
            found = refute(self.claim, instance, self.digits)
            if isinstance(found, Refutation):
                self.found = Found(found, by, origin)
            else:
                self._unconfirmed(instance, found, origin)
        except MemoryError:
            raise
        except Exception:
            self.met[instance] = FAR  # it is no instance of this claim

    def _unconfirmed(self, instance: Instance, why: str, origin: Origin | None) -> None:
        """A failing evaluation in high precision that rigour leaves open is told."""
        if self.met[instance] < -ROUNDING:
            self.met[instance] = FAR  # what floats or an assumption made of it guides nobody
        if any(name in RIGOROUS for name in self.claim.arithmetics) and not origin:
            return
        judged = settle(self.claim.check, instance, ladder(self.claim.arithmetics, self.digits))
        held = assumptions_on(self.claim, instance, self.digits)
        if judged.outcome != "fails" or any(a.outcome != "holds" for a in held.values()):
            return
        again = settle(self.claim.check, instance, ladder(RIGOROUS, self.digits))
        if again.certifies or self.claim.lower_bound:
            return
        told = f"{judged.failing().label!r} on {instance!r}: {why}"
        if origin is not None:
            self.suspect = self.suspect or told
        else:
            self.notes.add(f"an edited instance fails in {judged.arithmetic} arithmetic: {told}")
