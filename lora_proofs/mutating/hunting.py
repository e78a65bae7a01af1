"""One claim's mutants judged like claims: each until its first refutation beyond doubt."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from types import ModuleType
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison
from lora_proofs.arithmetic.comparison import size
from lora_proofs.breaking.corners import bases, corners
from lora_proofs.breaking.search import Subject
from lora_proofs.judging.controls import MOST_DRAWS, refute_control, run_controls
from lora_proofs.judging.counterexample import Refutation
from lora_proofs.judging.drawing import Stream, draw_one, share
from lora_proofs.judging.evaluation import Judged, assumptions_on, ladder
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim, Control, Instances
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating.choosing import Chosen, choose
from lora_proofs.mutating.comparisons import comparison_mutants, larger, smaller
from lora_proofs.mutating.conclusions import conclusion_candidates
from lora_proofs.mutating.dropping import dropping_candidates
from lora_proofs.mutating.evaluating import DoesNotEnd, attempt
from lora_proofs.mutating.mutant import Kept, Mutant, kept_check, ready
from lora_proofs.mutating.sensitivity import Sensitivity
from lora_proofs.mutating.source import judged_check, source_candidates

PROBES = 6
"""Instances on which it is decided which slips are mutants."""
CORNERS = {"quick": 30, "standard": 120, "deep": 600}
"""Structured instances that what survives the first ones meets."""
CHEAP = 10_000
"""Calls of functions up to which a check is cheap."""
WORK = {"quick": 300_000, "standard": 3_000_000, "deep": 60_000_000}
"""Calls of functions that the hunt for a claim's mutants may cost; a measure without a clock."""
LEAST = 12
"""Instances that every survivor has met, whatever they cost."""


@dataclass
class Hunted:
    """A mutant and what became of it."""

    mutant: Mutant
    outcome: str = "survived"
    found: dict[str, Any] | None = None
    instances: int = 0
    slack: float | None = None
    """The smallest relative slack that was met: how near it came to being refuted."""

    def meet(self, instance: Instance, where: str, judged: Judged) -> None:
        """Take in what the mutant says of an instance."""
        self.instances += bool(judged.comparisons)
        if judged.refutes:
            self.outcome = "refuted"
            self.found = {
                "instance": instance.to_json(),
                "comparison": judged.failing().to_dict(),
                "confirmed_by": judged.arithmetic,
                "where": where,
            }
            return
        for c in judged.comparisons:
            slack = _relative(c)
            if slack is not None and (self.slack is None or slack < self.slack):
                self.slack = slack

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        m = self.mutant
        return {
            "id": m.id,
            "origin": m.origin,
            "operator": m.operator,
            "description": m.description,
            "outcome": self.outcome,
            "equivalent": m.equivalent if self.outcome == "survived" else "",
            "instances": self.instances,
            "slack": self.slack,
            "refuted_by": self.found,
        }


def _relative(c: Comparison) -> float | None:
    if c.relation == "=" or not c.rigorous:
        return None
    low, high = size(smaller(c)), size(larger(c))
    scale = max(abs(low), abs(high))
    return (high - low) / scale if 0 < scale < float("inf") else None


@dataclass
class Hunt:
    """The mutants of one claim under judgement."""

    claim: Claim
    budget: Budget
    seed: int
    home: ModuleType | None
    original: Kept = field(init=False)
    sensitivity: Sensitivity = field(default_factory=Sensitivity)
    instances: int = 0
    calls: int = 1

    def __post_init__(self) -> None:
        self.original = kept_check(judged_check(self.claim))

    @property
    def rungs(self) -> tuple[Arithmetic, ...]:
        """Exact arithmetic where the claim declares it, then balls of the budget's digits."""
        exact = ("exact",) if "exact" in self.claim.arithmetics else ()
        return ladder((*exact, "ball"), self.budget.digits)[: len(exact) + 1]

    def run(self) -> dict[str, Any]:
        """Choose the mutants, judge them, and say what was found, as plain data."""
        started = time.perf_counter()
        probes = self._probes()
        chosen = self._choose(probes)
        hunted = [Hunted(mutant) for mutant in chosen.mutants]
        self._judge(hunted, probes)
        dropped = [self._dropped(c.make()) for c in dropping_candidates(self.claim, self.original)]
        controls = run_controls(self.claim, self.seed, self.budget.digits)
        return {
            "name": self.claim.name,
            "mutants": [h.to_dict() for h in (*dropped, *hunted)],
            "planted": [
                {"why": c.why, "drops": c.drops, "outcome": c.outcome, "problem": c.problem}
                for c in controls
            ],
            "passed_over": dict(sorted(chosen.passed_over.items())),
            "sensitivity": self.sensitivity.to_dict(),
            "instances": self.instances,
            "calls": self.calls,
            "seconds": round(time.perf_counter() - started, 3),
        }

    def _probes(self) -> list[Instance]:
        """A few admitted instances, from as many regimes, that depend on the claim's name alone."""
        found: list[Instance] = []
        regimes = self.claim.instances.regimes
        for k in range(3 * max(PROBES, len(regimes))):
            regime = regimes[k % len(regimes)]
            key = (0, self.claim.name, "mutants", regime, k // len(regimes))
            instance = draw_one(self.claim.instances, regime, *key)
            if instance is not None and not self._failing(instance):
                found.append(instance)
            if len(found) == PROBES:
                break
        return found

    def _failing(self, instance: Instance) -> list[str]:
        """The assumptions that do not hold beyond doubt."""
        held = assumptions_on(self.claim, instance, self.budget.digits, rigorously=True)
        return [name for name, judged in held.items() if not judged.certifies]

    def _choose(self, probes: Sequence[Instance]) -> Chosen:
        told = [attempt(self.original, x, self.rungs).comparisons for x in probes]
        candidates = [ready(m) for m in comparison_mutants(self.original, told)]
        candidates += conclusion_candidates(self.claim)
        if self.home is not None:
            more, self.calls = source_candidates(
                self.claim, self.home, self.original, probes, self.rungs
            )
            candidates += more
        return choose(self.claim.name, candidates, probes[: self._few()], self.rungs)

    def _few(self) -> int:
        """Fewer probes where each costs much."""
        return PROBES if self.calls < CHEAP else PROBES // 2

    def _judge(self, hunted: Sequence[Hunted], probes: Sequence[Instance]) -> None:
        """Every mutant on every instance, until its first refutation or the work is done."""
        work = WORK[self.budget.name]
        for where, instance in self._instances(probes):
            alive = [h for h in hunted if h.outcome == "survived"]
            if (not alive or work <= 0) and self.instances >= LEAST:
                return
            self.instances += 1
            work -= self.calls * (1 + len(alive))
            self._look(instance)
            for h in alive:
                with suppress(DoesNotEnd):
                    h.meet(instance, where, attempt(h.mutant.check, instance, self.rungs))

    def _look(self, instance: Instance) -> None:
        judged = attempt(self.original, instance, self.rungs)
        rung = next((ctx for ctx in self.rungs if ctx.name == judged.arithmetic), None)
        if rung is not None:
            self.sensitivity.look(judged.comparisons, rung)

    def _instances(self, probes: Sequence[Instance]) -> Iterator[tuple[str, Instance]]:
        """The claim's controls where all assumptions hold, the probes, then its own draws."""
        for index, control in enumerate(self.claim.controls, start=1):
            for instance in self._of_control(control, index, 1):
                if not self._failing(instance):
                    yield f"control {index}", instance
        yield from (("probe", instance) for instance in probes)
        yield from self._corners()
        wanted = share(self.budget.samples, self.claim.instances.regimes, 1)
        stream = Stream(self.claim, "selftest", self.seed, wanted)
        for regime, instance in stream:
            if self._failing(instance):
                stream.discard()
            else:
                stream.accept(regime)
                yield regime, instance

    def _corners(self) -> Iterator[tuple[str, Instance]]:
        """Edits of drawn instances on which the assumptions and the claim itself hold."""
        try:
            subject = Subject.of(self.claim, 0)
        except Exception:
            return
        if subject.dependent or not subject.drawn:
            return
        few = [instance for instance, _ in subject.drawn[: len(self.claim.instances.regimes)]]
        found = corners(bases(few[:4], subject.character), subject.character)
        for name, instance in islice(found, CORNERS[self.budget.name]):
            if self._admitted(instance):
                yield f"corner: {name}", instance

    def _admitted(self, instance: Instance) -> bool:
        """Whether an edited instance is one of the claim, which then holds on it."""
        try:
            found = attempt(self.original, instance, self.rungs).outcome
            return found in ("holds", "undecided") and not self._failing(instance)
        except (Exception, DoesNotEnd):
            return False

    def _of_control(self, control: Control, index: int, most: int) -> Iterator[Instance]:
        if not isinstance(control.instances, Instances):
            yield from control.instances
            return
        regimes = control.instances.regimes
        for k in range(max(most, len(regimes))):
            regime = regimes[k % len(regimes)]
            key = (self.seed, self.claim.name, f"control {index}", regime, k)
            instance = draw_one(control.instances, regime, *key)
            if instance is not None:
                yield instance

    def _dropped(self, mutant: Mutant) -> Hunted:
        """An assumption dropped: an instance of its controls on which the rest fails."""
        hunted = Hunted(mutant)
        for index, control in enumerate(self.claim.controls, start=1):
            if control.drops is None or control.drops.name != mutant.drops:
                continue
            for instance in self._of_control(control, index, MOST_DRAWS):
                found = refute_control(self.claim, control, instance, self.budget.digits)
                hunted.instances += 1
                if isinstance(found, Refutation):
                    hunted.meet(instance, f"control {index}", found.judged)
                    return hunted
        return hunted


def hunt(claim: Claim, budget: Budget, seed: int, home: ModuleType | None) -> dict[str, Any]:
    """What becomes of a claim's mutants; ``home`` is the module that its text stands in."""
    return Hunt(claim, budget, seed, home).run()
