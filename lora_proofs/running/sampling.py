"""The stages sample and certify: instances judged one by one, suspects confirmed or reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.arithmetic import Comparison
from lora_proofs.arithmetic.comparison import show, size
from lora_proofs.judging.counterexample import Refutation, refute
from lora_proofs.judging.drawing import Stream, refuse_chance, share
from lora_proofs.judging.evaluation import (
    MEASURED,
    RIGOROUS,
    Judged,
    assumptions_on,
    is_trivial,
    ladder,
    settle,
)
from lora_proofs.judging.exclusions import Exclusions
from lora_proofs.judging.margins import Tightest
from lora_proofs.judging.vacuity import Watch, refuse_chance_of, said
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim
from lora_proofs.language.evidence import CertificateEvidence, SampleEvidence
from lora_proofs.language.settling import MISSES
from lora_proofs.language.verdict import PER_REGIME
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import ROUNDED

WITNESSES = 10
"""How many sampled instances the derived lines are evaluated on; more where regimes need it."""

TWICE = 2
"""How many instances are judged a second time: a check is determined by its instance."""


@dataclass
class Tally:
    """What the instances judged so far amount to."""

    regimes: Counter[str] = field(default_factory=Counter)
    arithmetics: Counter[str] = field(default_factory=Counter)
    undecided: int = 0
    trivial: int = 0
    empty: bool = False
    certified: Counter[str] = field(default_factory=Counter)
    certified_by: set[str] = field(default_factory=set)
    certified_trivial: int = 0
    cites: dict[str, None] = field(default_factory=dict)
    tightest: Tightest = field(default_factory=Tightest)
    exclusions: Exclusions = field(default_factory=Exclusions)
    watch: Watch = field(default_factory=Watch)
    shapes_alone: bool = False
    independent: dict[str, set[Instance]] = field(default_factory=dict)
    held: Mapping[str, Judged] = field(default_factory=dict)
    """What the assumptions said of the draw that was looked at last."""
    measured: dict[str, tuple[float, str]] = field(default_factory=dict)
    answers: set[tuple[Any, ...]] = field(default_factory=set)
    seen: set[Instance] = field(default_factory=set)
    certain: set[Instance] = field(default_factory=set)
    witnesses: list[Instance] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    missed: int = 0
    """Instances on which the construction fails, and nothing tells whether another one would."""
    suspect: str = ""
    refutation: Refutation | None = None
    refuted_in: str = ""
    refuted_by: Any = None
    """How a swept instance that refutes was drawn."""

    def add(self, regime: str, instance: Instance, judged: Judged) -> None:
        """Count a judged instance that does not fail."""
        self.count(regime, instance)
        self.arithmetics[judged.decided_by or "none"] += 1
        self.empty |= judged.outcome == "empty"
        if judged.outcome in ("undecided", "unavailable"):
            self.undecided += 1
            self.notes.add(judged.why)
        if judged.certifies:
            self.certify(regime, instance, judged)
        if judged.outcome == "holds":
            self._hold(regime, instance, judged)
        self._compare(instance, judged)

    def count(self, regime: str, instance: Instance) -> None:
        """Count an instance in its regimes; the first few, and one of each, meet the derivation."""
        names = (regime, *instance.regimes)
        if len(self.witnesses) < WITNESSES or not all(self.regimes[name] for name in names):
            self.witnesses.append(instance)
        for name in dict.fromkeys(names):
            self.regimes[name] += 1

    def _hold(self, regime: str, instance: Instance, judged: Judged) -> None:
        self.tightest.meet(regime, instance, judged.comparisons)
        self.independent.setdefault(regime, set()).add(instance)
        if instance not in self.seen:
            self.watch.observe(instance, judged, self.held)

    def _compare(self, instance: Instance, judged: Judged) -> None:
        self.trivial += bool(judged.comparisons) and is_trivial(judged.comparisons)
        self.seen.add(instance)
        if len(self.answers) < 2:
            self.answers.add(said(judged))
        for comparison in judged.comparisons:
            self._measure(comparison)

    def _measure(self, comparison: Comparison) -> None:
        slack, label = size(comparison.slack), comparison.label
        if label.startswith(MEASURED) and (
            label not in self.measured or slack < self.measured[label][0]
        ):
            text = f"{show(comparison.left)} {comparison.relation} {show(comparison.right)}"
            self.measured[label] = (slack, text)

    def certify(self, regime: str, instance: Instance, judged: Judged) -> bool:
        """Count an instance on which the claim holds beyond doubt; false where it was counted."""
        if instance in self.certain:
            return False
        self.certain.add(instance)
        self.certified[regime] += 1
        self.certified_by.add(judged.decided_by)
        if not ROUNDED.isdisjoint(judged.cites):
            self.certified_by.add("ball")
        self.hear([judged])
        self.certified_trivial += is_trivial(judged.comparisons)
        return True

    def hear(self, found: Iterable[Judged]) -> None:
        """Take over what judgements lean on, those of assumptions included."""
        self.cites.update(dict.fromkeys(name for judged in found for name in judged.cites))

    def samples(self, stream: Stream) -> SampleEvidence:
        """The evidence of the sample stage."""
        return SampleEvidence(
            instances=sum(stream.accepted.values()),
            distinct=len(self.seen),
            discarded=stream.discarded,
            undecided=self.undecided,
            regimes=dict(sorted(self.regimes.items())),
            smallest_slack=self.tightest.smallest(),
            smallest_relative_slack=_short(self.tightest.relative),
            smallest_at=self.tightest.told(),
            slacks=self.tightest.spread.told(),
            tight=self.tightest.tight,
            independent={r: len(found) for r, found in sorted(self.independent.items())},
            excluded=dict(sorted(self.exclusions.failing.items())),
            rejected=stream.discarded - self.exclusions.draws + self.exclusions.admitted,
            conflicts=self.exclusions.conflicts(),
            shapes_alone=self.shapes_alone,
            arithmetics=dict(sorted(self.arithmetics.items())),
            empty=self.empty,
            constant=len(self.seen) >= 2 and len(self.answers) == 1 and not self.empty,
            trivial=self.trivial,
            measured={label: text for label, (_, text) in sorted(self.measured.items())},
        )

    def certificates(self) -> CertificateEvidence:
        """The evidence of the certify stage, rigorous samples included."""
        return CertificateEvidence(
            instances=sum(self.certified.values()),
            regimes=dict(sorted(self.certified.items())),
            method=" and ".join(name for name in RIGOROUS if name in self.certified_by),
            trivial=self.certified_trivial,
            cites=tuple(sorted(self.cites)),
        )


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def sample(claim: Claim, budget: Budget, seed: int) -> tuple[Tally, Stream]:
    """Judge ``budget.samples`` instances, round robin over the regimes, up to a refutation."""
    refuse_chance(claim, "sample", seed)
    regimes = claim.instances.regimes
    stream = Stream(claim, "sample", seed, share(budget.samples, regimes, PER_REGIME))
    tally, rungs = Tally(), ladder(claim.arithmetics, budget.digits)
    for regime, instance in stream:
        wanted = admitted(claim, instance, budget.digits, tally)
        tally.exclusions.observe(tally.held)
        if not wanted:
            stream.discard()
            continue
        stream.accept(regime)
        judged = settle(claim.check, instance, rungs)
        if len(tally.seen) < TWICE:
            refuse_chance_of(claim, judged, settle(claim.check, instance, rungs))
        if judged.outcome == "fails":
            judged = suspected(claim, regime, instance, judged, budget.digits, tally)
        if tally.refutation:
            tally.count(regime, instance)
            break
        tally.add(regime, instance, judged)
    if tally.missed:
        tally.notes.add(f"{MISSES} on {tally.missed} of {sum(tally.regimes.values())} instances")
    if not tally.refutation:
        tally.shapes_alone = tally.watch.shapes_alone(claim, budget.digits)
        tally.notes.update(tally.watch.notes(claim, budget.digits))
    return tally, stream


def admitted(claim: Claim, instance: Instance, digits: int, tally: Tally) -> bool:
    """Whether every assumption holds on the instance; an undecided one excludes it, with a note."""
    tally.held = held = assumptions_on(claim, instance, digits)
    for name, found in held.items():
        if found.outcome == "empty":
            tally.problems.add(f"assumption {name!r} yields no comparison: it says nothing")
        elif found.outcome != "holds":
            if found.outcome != "fails":
                tally.notes.add(
                    f"assumption {name!r} undecided on some draws, which were discarded"
                )
            return False
    tally.hear(held.values())
    return True


def suspected(
    claim: Claim, regime: str, instance: Instance, judged: Judged, digits: int, tally: Tally
) -> Judged:
    """Confirm a failing instance: it refutes, holds after all, or stays a suspect."""
    found = refute(claim, instance, digits)
    if isinstance(found, Refutation):
        tally.refutation, tally.refuted_in = found, regime
        return judged
    if claim.kind == "lower-bound" and claim.lower_bound and judged.rigorous:
        # ``refute`` asked the lower bound: of the construction nothing is in doubt.
        tally.missed += 1
        tally.watch.level = False
        if not any(problem.startswith(MISSES) for problem in tally.problems):
            tally.problems.add(
                f"{MISSES} on {instance!r} ({judged.failing().label!r}), beyond doubt, and the "
                "lower bound does not exclude that another choice meets the claim there"
            )
        return judged
    again = (
        settle(claim.check, instance, ladder(RIGOROUS, digits)) if not judged.rigorous else judged
    )
    if again.certifies:
        tally.notes.add(f"a suspect of {judged.arithmetic} arithmetic holds in {again.arithmetic}")
        return again
    tally.suspect = tally.suspect or f"{judged.failing().label!r} on {instance!r}: {found}"
    return judged


def certify(claim: Claim, budget: Budget, seed: int, tally: Tally) -> None:
    """Judge instances in the rigorous arithmetics that the claim declares, until enough hold."""
    regimes = claim.instances.regimes
    names = tuple(name for name in claim.arithmetics if name in RIGOROUS)
    wanted = share(budget.certified, regimes, budget.certified_per_regime)
    missing = {r: wanted[r] - tally.certified[r] for r in regimes if tally.certified[r] < wanted[r]}
    if not names or not missing:
        return
    stream, rungs = Stream(claim, "certify", seed, missing), ladder(names, budget.digits)
    for regime, instance in stream:
        held = assumptions_on(claim, instance, budget.digits)
        if not all(found.certifies for found in held.values()):
            stream.discard()
            continue
        tally.hear(held.values())
        judged = settle(claim.check, instance, rungs)
        if judged.certifies:
            if tally.certify(regime, instance, judged):
                stream.accept(regime)
        elif judged.outcome == "fails":
            suspected(claim, regime, instance, judged, budget.digits, tally)
        else:
            # One that cannot be decided says that the arithmetic is not up to this claim.
            tally.notes.add(f"not certified: {judged.why or 'not every comparison was rigorous'}")
            return
        if tally.refutation:
            return
