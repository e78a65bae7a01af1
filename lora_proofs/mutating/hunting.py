"""One claim's mutants judged like claims: each until its first refutation beyond doubt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
from lora_proofs.judging.itself import Itself, texts_in
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim, Control, Instances
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating.comparisons import family, larger, smaller
from lora_proofs.mutating.dropping import dropping_candidates
from lora_proofs.mutating.evaluating import DoesNotEnd, attempt
from lora_proofs.mutating.mutant import Kept, Mutant
from lora_proofs.mutating.rebuilding import needed, tree_of
from lora_proofs.mutating.sensitivity import Sensitivity
from lora_proofs.mutating.statement import PROBES, Statement, choose_all, statements

CORNERS = {"quick": 30, "standard": 120, "deep": 600}
"""Structured instances that what survives the first ones meets."""
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
    endless: int = 0
    """Instances on which it did not end in time, so that they say nothing of it."""
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
                "confirmed_by": judged.decided_by,
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
            "endless": self.endless,
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
    statements: list[Statement] = field(init=False)
    sensitivity: Sensitivity = field(default_factory=Sensitivity)
    itself: Itself = field(default_factory=Itself)
    instances: int = 0
    false: bool = False
    """Whether the claim itself was refuted on one of the instances."""

    def __post_init__(self) -> None:
        self.statements = statements(self.claim, self.home)

    @property
    def rungs(self) -> tuple[Arithmetic, ...]:
        """Exact arithmetic where the claim declares it, then balls of the budget's digits."""
        exact = ("exact",) if "exact" in self.claim.arithmetics else ()
        return ladder((*exact, "ball"), self.budget.digits)[: len(exact) + 1]

    def run(self) -> dict[str, Any]:
        """Choose the mutants, judge them, and say what was found, as plain data."""
        started = time.perf_counter()
        probes = self._probes()
        choose_all(self.statements, probes, self.rungs)
        hunted = [h for statement in self.statements for h in self._hunted(statement, probes)]
        original = self.statements[0].kept
        dropped = [self._dropped(c.make()) for c in dropping_candidates(self.claim, original)]
        controls = run_controls(self.claim, self.seed, self.budget.digits)
        return {
            "name": self.claim.name,
            "false": self.false,
            "itself": self._itself(),
            "mutants": [h.to_dict() for h in (*dropped, *hunted)],
            "planted": [
                {"why": c.why, "drops": c.drops, "outcome": c.outcome, "problem": c.problem}
                for c in controls
            ],
            "passed_over": self._passed_over(hunted),
            "sensitivity": self.sensitivity.to_dict(),
            "instances": self.instances,
            "calls": sum(s.calls for s in self.statements),
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

    def _itself(self) -> dict[str, Any]:
        """The comparisons of an expression with itself; ``alone``: there are no others."""
        modules = needed(self.home) if self.home else ()
        texts = [t for m in modules for t in texts_in(tree_of(str(m.__file__)), vars(m))]
        found = self.itself.labels(texts)
        alone = bool(found) and len(found) == len(self.itself.told)
        return {"labels": sorted({family(label) for label in found}), "alone": alone}

    def _passed_over(self, hunted: Sequence[Hunted]) -> dict[str, int]:
        """Slips that are no mutants, and instances on which mutants did not end, by reason."""
        found: Counter[str] = Counter()
        for statement in self.statements:
            found.update(statement.chosen.passed_over)
        found["evaluations given up"] = sum(h.endless for h in hunted)
        return {why: n for why, n in sorted(found.items()) if n}

    def _hunted(self, statement: Statement, probes: Sequence[Instance]) -> list[Hunted]:
        """A statement's mutants, each until its first refutation or the end of the work."""
        hunted = [Hunted(mutant) for mutant in statement.chosen.mutants]
        work, met = WORK[self.budget.name], 0
        first = statement is self.statements[0]
        for where, instance in self._instances(probes, statement.kept):
            alive = [h for h in hunted if h.outcome == "survived"]
            if (not alive or work <= 0) and (met >= LEAST or not (first or alive)):
                break
            met += 1
            work -= statement.calls * (1 + len(alive))
            if first:
                self._look(instance)
            for h in alive:
                self._meet(h, instance, where)
        self.instances += met
        return hunted

    def _meet(self, h: Hunted, instance: Instance, where: str) -> None:
        try:
            h.meet(instance, where, attempt(h.mutant.check, instance, self.rungs))
        except DoesNotEnd:
            h.endless += 1

    def _look(self, instance: Instance) -> None:
        judged = Judged("unavailable")
        with suppress(DoesNotEnd):
            judged = attempt(self.statements[0].kept, instance, self.rungs)
        self.false = self.false or judged.refutes
        self.itself.look(judged.comparisons)
        rung = next((ctx for ctx in self.rungs if ctx.name == judged.arithmetic), None)
        if rung is not None:
            self.sensitivity.look(judged.comparisons, rung)

    def _instances(
        self, probes: Sequence[Instance], original: Kept
    ) -> Iterator[tuple[str, Instance]]:
        """What was written down for the claim first, as it is tight; then one draw of a regime
        each, the draws of controls, corners, and the claim's own draws.
        """
        yield from self._of_controls(lambda control: not isinstance(control.instances, Instances))
        yield from (("probe", instance) for instance in probes)
        yield from self._beyond_probes()
        yield from self._of_controls(lambda control: isinstance(control.instances, Instances))
        yield from self._corners(original)
        wanted = share(self.budget.samples, self.claim.instances.regimes, 1)
        stream = Stream(self.claim, "selftest", self.seed, wanted)
        for regime, instance in stream:
            if self._failing(instance):
                stream.discard()
            else:
                stream.accept(regime)
                yield regime, instance

    def _of_controls(self, wanted: Callable[[Control], bool]) -> Iterator[tuple[str, Instance]]:
        """The instances of some controls on which all assumptions hold."""
        for index, control in enumerate(self.claim.controls, start=1):
            if wanted(control):
                for instance in self._of_control(control, index, 1):
                    if not self._failing(instance):
                        yield f"control {index}", instance

    def _beyond_probes(self) -> Iterator[tuple[str, Instance]]:
        """A draw of each regime for which the probes have no room."""
        for regime in self.claim.instances.regimes[PROBES:]:
            key = (self.seed, self.claim.name, "mutants, beyond the probes", regime)
            instance = draw_one(self.claim.instances, regime, *key)
            if instance is not None and not self._failing(instance):
                yield regime, instance

    def _corners(self, original: Kept) -> Iterator[tuple[str, Instance]]:
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
            if self._admitted(instance, original):
                yield f"corner: {name}", instance

    def _admitted(self, instance: Instance, original: Kept) -> bool:
        """Whether an edited instance is one of the claim, which then holds on it."""
        try:
            found = attempt(original, instance, self.rungs).outcome
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
