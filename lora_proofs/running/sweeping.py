"""The stage sweep: batches on the fast path nominate, and suspects are judged like samples.

Every claim is swept by its own ``check``, run for many instances at once. A claim that brings
``check_batch(instances)`` is swept by that: one float64 number per instance, its smallest slack; a
negative or undefined one nominates a suspect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.breaking.choices import Origin, drawn_with
from lora_proofs.errors import ClaimRefused
from lora_proofs.judging.drawing import Stream, draw_one, share
from lora_proofs.judging.evaluation import Judged, ladder, settle
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim
from lora_proofs.language.evidence import SweepEvidence
from lora_proofs.mathematics.instance import Instance
from lora_proofs.running.sampling import Tally, admitted, suspected
from lora_proofs.running.sweep_parts import Plan, Standing, sweep_part
from lora_proofs.running.units import NOTHING_KEPT, Units

BATCH = 256
MOST_REASONS = 3


def sweep(
    claim: Claim, budget: Budget, seed: int, tally: Tally, units: Units = NOTHING_KEPT
) -> SweepEvidence:
    """Sweep ``budget.swept`` instances; each suspect is judged like a sample."""
    if claim.check_batch:
        return _by_its_own(claim, budget, seed, tally)
    plan, so_far, found = Plan.of(claim, budget), Standing(), _Found(claim, budget, tally)
    number = 0
    while plan.goes_on(so_far) and not tally.refutation:
        key = f"sweep {number}"
        told = known = units.known(key)
        if told is None:
            told = sweep_part(claim, plan, so_far, seed, budget.digits, number)
            told["judged"] = found.judged(told.pop("suspects"))
        so_far.add(told)
        found.add(told)
        if so_far.spent > plan.operations:
            found.why[f"it takes more than {plan.operations:,} operations on whole batches"] = None
        if known is None:
            units.keep(key, told, min(1.0, sum(so_far.swept.values()) / budget.swept))
        number += 1
    return found.evidence()


@dataclass
class _Found:
    """What the parts of a sweep amount to."""

    claim: Claim
    budget: Budget
    tally: Tally
    regimes: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    why: dict[str, None] = field(default_factory=dict)
    partly: dict[str, None] = field(default_factory=dict)
    sent: int = 0

    def judged(self, suspects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The suspects of a part with what they are beyond floats, as many as may be judged."""
        most = max(12, self.budget.swept // 400) - self.counts["judged"]
        return [{**one, "outcome": self._outcome(one)} for one in suspects[: max(0, most)]]

    def _outcome(self, one: Mapping[str, Any]) -> str:
        instance = self._drawn(one)
        if instance is None or not admitted(self.claim, instance, self.budget.digits, self.tally):
            return "excluded"
        return self._settled(instance).outcome

    def _settled(self, instance: Instance) -> Judged:
        rungs = ladder(self.claim.arithmetics, self.budget.digits)
        return settle(self.claim.check, instance, rungs)

    def _drawn(self, one: Mapping[str, Any]) -> Instance | None:
        key = tuple(one["key"])
        if not one["answers"]:
            return draw_one(self.claim.instances, one["regime"], *key)
        found = drawn_with(self.claim.instances, one["regime"], one["answers"], key)
        return found[0] if found else None

    def add(self, told: Mapping[str, Any]) -> None:
        """Take in a part; what fails beyond floats is confirmed, and refutes or stays a suspect."""
        for regime, one in told["regimes"].items():
            self.regimes[regime] += one["batched"] + one["singly"]
            for name in ("batched", "singly", "discarded", "suspects", "left"):
                self.counts[name] += one[name]
            if one["why"] and not one["batched"]:
                self.why[one["why"]] = None
            if one["partly"]:
                self.partly[one["partly"]] = None
        for one in told["judged"]:
            self.counts["judged"] += 1
            self.counts["undecided"] += one["outcome"] in ("undecided", "unavailable")
            if one["outcome"] == "fails" and not self.tally.refutation:
                self._refute(one)

    def _refute(self, one: Mapping[str, Any]) -> None:
        instance = self._drawn(one)
        assert instance is not None
        judged = self._settled(instance)
        if judged.outcome == "fails":
            digits, tally = self.budget.digits, self.tally
            suspected(self.claim, one["regime"], instance, judged, digits, tally)
            if tally.refutation:
                tally.refuted_by = self._origin(one)

    def _origin(self, one: Mapping[str, Any]) -> Origin:
        key = tuple(one["key"])
        found = drawn_with(self.claim.instances, one["regime"], one["answers"], key)
        return found[1] if found else Origin(one["regime"], (), key)

    def evidence(self) -> SweepEvidence:
        """The evidence of the stage."""
        counts = self.counts
        return SweepEvidence(
            instances=sum(self.regimes.values()),
            suspects=counts["suspects"],
            regimes={r: n for r, n in sorted(self.regimes.items()) if n},
            batched=counts["batched"],
            singly=counts["singly"],
            discarded=counts["discarded"],
            judged=counts["judged"],
            undecided=counts["undecided"],
            left=counts["left"],
            why="; ".join(list(self.why)[:MOST_REASONS]),
            partly="; ".join(list(self.partly)[:MOST_REASONS]),
        )


def _by_its_own(claim: Claim, budget: Budget, seed: int, tally: Tally) -> SweepEvidence:
    """Sweep a claim that brings a fast path of its own."""
    regimes = claim.instances.regimes
    stream = Stream(claim, "sweep", seed, share(budget.swept, regimes, 1))
    swept = suspects = 0
    for batch in _batches(claim, stream, budget, tally):
        swept += len(batch)
        for regime, instance in _suspects(claim, batch):
            suspects += 1
            judged = settle(claim.check, instance, ladder(claim.arithmetics, budget.digits))
            if judged.outcome == "fails":
                suspected(claim, regime, instance, judged, budget.digits, tally)
        if tally.refutation:
            break
    counts = {r: n for r, n in sorted(stream.accepted.items()) if n}
    return SweepEvidence(
        swept, suspects, counts, batched=swept, discarded=stream.discarded, judged=suspects
    )


def _batches(
    claim: Claim, stream: Stream, budget: Budget, tally: Tally
) -> Iterator[list[tuple[str, Instance]]]:
    batch: list[tuple[str, Instance]] = []
    for regime, instance in stream:
        if not admitted(claim, instance, budget.digits, tally):
            stream.discard()
            continue
        stream.accept(regime)
        batch.append((regime, instance))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _suspects(claim: Claim, batch: Sequence[tuple[str, Instance]]) -> list[tuple[str, Instance]]:
    assert claim.check_batch is not None
    slacks = [float(slack) for slack in claim.check_batch([instance for _, instance in batch])]
    if len(slacks) != len(batch):
        raise ClaimRefused(
            f"{claim.name}: expected check_batch to give one slack for each of {len(batch)} "
            f"instances, got {len(slacks)}"
        )
    return [pair for pair, slack in zip(batch, slacks, strict=True) if not slack >= 0]
