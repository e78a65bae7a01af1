"""The stages of a verification, in order: derive, sample, certify, control, search, sweep.

Every stage is a pure function of a claim, a budget and a seed; ``run`` puts their evidence
together. The runner knows no theorem.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.breaking.choices import Origin
from lora_proofs.breaking.hunt import Found
from lora_proofs.errors import BadInput, ClaimRefused, Contradiction
from lora_proofs.judging.blame import described
from lora_proofs.judging.controls import run_controls
from lora_proofs.judging.drawing import Stream
from lora_proofs.language.budget import Budget
from lora_proofs.language.budget import budget as budget_named
from lora_proofs.language.claim import Claim
from lora_proofs.language.evidence import Evidence
from lora_proofs.language.validate import validate
from lora_proofs.language.verdict import judge, moved_from
from lora_proofs.running.deriving import Derived, confront, derive_claim, granted, stretched
from lora_proofs.running.isolation import preserved
from lora_proofs.running.loading import the_claim
from lora_proofs.running.result import Result, describe
from lora_proofs.running.sampling import Tally, certify, sample
from lora_proofs.running.searching import Breaking, needs_search, told
from lora_proofs.running.sweeping import sweep
from lora_proofs.running.units import NOTHING_KEPT, STANDING, Units

LARGEST_SEED = 2**63 - 1
Progress = Callable[[str, Result | None], None]
"""Told the stage that begins, and the result that stands if nothing more can be done."""


def verify(claim: Claim | str, budget: str = "standard", seed: int = 0) -> Result:
    """Verify one claim in this process, whose global state is afterwards what it was.

    A name stands for the claim that it names, and ``file.py::NAME`` for one of a file, which is
    executed here (``load_claim``). A claim that never returns is not ended here, as the command
    line does it.

    Raises ``BadInput`` for an unknown name or budget or a seed that is no integer of 64 bits,
    ``ClaimRefused`` for a malformed derivation and
    ``Contradiction`` where the derivation and an exact instance disagree. A check that raises is
    no exception here: the result is INCONCLUSIVE and ``to_dict()["error"]`` says what and where.
    """
    claim = the_claim(claim)
    if isinstance(seed, bool) or not isinstance(seed, int) or abs(seed) > LARGEST_SEED:
        raise BadInput(f"seed: expected an integer of at most 64 bits, got {seed!r}")
    validate(claim)
    return run(claim, budget_named(budget), seed)


GRANTED_ON_DRAWS = (
    "what assumptions grant to the derivation was held against what they check on draws alone, "
    "whose fields hang together; that both say the same is for a reader of the claim to see"
)
STRETCHES = 300
"""How many edited instances are looked at for what an assumption grants and does not check."""


def run(
    claim: Claim,
    budget: Budget,
    seed: int,
    progress: Progress = lambda stage, result: None,
    units: Units = NOTHING_KEPT,
) -> Result:
    """Run every stage and judge; ``progress`` hears of each stage."""
    state = _Run(claim, budget, seed, progress, units)
    with preserved(seed, claim.name):
        evidence = _gathered(state)
    return state.judged(evidence, time.perf_counter() - state.started)


def _gathered(state: _Run) -> Evidence:
    """The evidence of all stages, or up to where one of them could not go on, and why."""
    try:
        return state.gather()
    except (ClaimRefused, Contradiction, KeyboardInterrupt):
        raise
    except MemoryError:
        return replace(state.evidence, exhausted=f"out of memory in the stage {state.stage!r}")
    except BaseException as error:
        return replace(state.evidence, error=described(error, state.claim))


def run_to_the_end(
    claim: Claim,
    budget: Budget,
    seed: int,
    progress: Progress = lambda stage, result: None,
    units: Units = NOTHING_KEPT,
) -> Result:
    """Like ``run``, with a refused claim and a contradiction as the error of a result."""
    try:
        return run(claim, budget, seed, progress, units)
    except (ClaimRefused, Contradiction) as error:
        return stopped(describe(claim), budget, seed, error=described(error, claim))


def stopped(told: dict[str, Any], budget: Budget, seed: int, **evidence: Any) -> Result:
    """The result of a claim that could not be judged: it says why and nothing else."""
    found = Evidence(declared_regimes=tuple(told["regimes"]), **evidence)
    return Result(told, judge(found, budget), found, budget.name, seed, 0.0)


@dataclass
class _Run:
    """One verification under way: the evidence so far."""

    claim: Claim
    budget: Budget
    seed: int
    progress: Progress
    units: Units = NOTHING_KEPT
    evidence: Evidence = field(default_factory=Evidence)
    stage: str = "load"
    started: float = field(default_factory=time.perf_counter)

    def judged(self, evidence: Evidence, seconds: float) -> Result:
        """The result that the evidence earns, and from which verdict certificates moved it up."""
        moved = replace(evidence.certificates, moved_from=moved_from(evidence, self.budget))
        evidence = replace(evidence, certificates=moved)
        judgement = judge(evidence, self.budget)
        told = describe(self.claim)
        return Result(told, judgement, evidence, self.budget.name, self.seed, seconds)

    def add(self, **found: object) -> None:
        self.evidence = replace(self.evidence, **found)  # type: ignore[arg-type]

    def begin(self, stage: str, standing: Result | None = None) -> None:
        self.stage = stage
        self.progress(stage, standing)

    def gather(self) -> Evidence:
        claim, digits = self.claim, self.budget.digits
        self.add(declared_regimes=claim.instances.regimes)
        self.begin("derive")
        derived = derive_claim(claim)
        if derived:
            self.add(derivation=derived.evidence)
        self.begin("sample")
        tally, stream = sample(claim, self.budget, self.seed)
        self.tell(tally, stream)
        if not tally.refutation:
            self.begin("certify")
            certify(claim, self.budget, self.seed, tally)
        self.tell(tally, stream)
        breaking = Breaking(claim, self.budget, self.seed)
        if derived:
            self.begin("lines")
            met = Derived(derived.steps, confront(claim, derived, tally.witnesses, digits))
            self.add(derivation=stretched(claim, met, breaking.edited(STRETCHES), digits))
            if granted(derived.steps) and breaking.subject.dependent:
                self.add(notes=tuple(sorted({*self.evidence.notes, GRANTED_ON_DRAWS})))
        if claim.measure:
            self.begin("measure")
            self.measured()
        self.begin("control")
        self.add(controls=run_controls(claim, self.seed, digits))
        if tally.refutation:
            self.refuted(breaking, breaking.sampled(tally.refuted_in, tally.refutation))
            return self.evidence
        if needs_search(self.evidence):
            self.search(breaking)
        if not self.evidence.counterexample:
            self.sweep(breaking, tally)
        return self.evidence

    def sweep(self, breaking: Breaking, tally: Tally) -> None:
        """Draw many instances on the fast path; what was found before stands if time runs out."""
        if not self.budget.swept:
            return
        standing = self.standing()
        self.begin("sweep", standing)
        self.units.keep(STANDING, standing.to_dict(), 0.0)
        found = sweep(self.claim, self.budget, self.seed, tally, self.units)
        notes = tuple(sorted({*self.evidence.notes, *tally.notes}))
        problems = tuple(sorted({*self.evidence.problems, *tally.problems}))
        suspect = self.evidence.suspect or tally.suspect
        self.add(sweep=found, suspect=suspect, notes=notes, problems=problems)
        if tally.refutation:
            origin = tally.refuted_by or Origin(tally.refuted_in, (), ())
            self.refuted(breaking, Found(tally.refutation, "sweep", origin))

    def search(self, breaking: Breaking) -> None:
        """Look for a counterexample; what was found before stands if time runs out."""
        if not self.budget.searched:
            return
        self.begin("search", self.standing())
        searched = breaking.searched()
        notes = tuple(sorted({*self.evidence.notes, *searched.notes}))
        suspect = self.evidence.suspect or searched.suspect
        self.add(search=searched.evidence, suspect=suspect, notes=notes)
        if searched.found:
            self.refuted(breaking, searched.found)

    def standing(self) -> Result:
        """The result as it is if nothing more is found."""
        return self.judged(self.evidence, time.perf_counter() - self.started)

    def tell(self, tally: Tally, stream: Stream) -> None:
        """Take over what the tally holds so far."""
        self.add(
            samples=tally.samples(stream),
            certificates=tally.certificates(),
            suspect=tally.suspect,
            problems=tuple(sorted(tally.problems)),
            notes=tuple(sorted(tally.notes)),
        )

    def measured(self) -> None:
        """Put the claim's own figures beside the evidence; they decide nothing."""
        assert self.claim.measure is not None
        ctx = BallArithmetic(self.budget.digits)
        with ctx.working():
            found = {**self.evidence.samples.measured, **self.claim.measure(ctx)}
        self.add(samples=replace(self.evidence.samples, measured=found))

    def refuted(self, breaking: Breaking, found: Found) -> None:
        """Make the counterexample small; the one that was found stands if time runs out."""
        self.add(counterexample=told(found, None, self.claim))
        self.begin("shrink", self.standing())
        try:
            small = breaking.shrunk(found)
        except MemoryError:  # of a smaller instance: what was found stands
            note = "shrinking ended where memory ran out"
            self.add(notes=tuple(sorted({*self.evidence.notes, note})))
        else:
            self.add(counterexample=told(found, small, self.claim))
