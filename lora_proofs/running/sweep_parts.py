"""One part of a sweep: a batch of every regime, and what has to be judged beyond floats.

A part depends on the claim, the budget, the seed and its number alone, and on how many attempts
at batches failed in the parts before it. Its result is plain data, so that it can be kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lora_proofs.arithmetic import ArrayArithmetic
from lora_proofs.breaking.choices import drawn_with
from lora_proofs.judging.batch_checks import FAILS, HOLDS, RAISES, UNDECIDED, Runs, run_batch
from lora_proofs.judging.batch_draws import Batch, draw_batch
from lora_proofs.judging.batch_numbers import Unbatched
from lora_proofs.judging.batch_trial import disagreement
from lora_proofs.judging.drawing import draw_one, share
from lora_proofs.judging.evaluation import evaluate
from lora_proofs.judging.raising import shown
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.instance import Instance

LARGEST, SMALLEST = 512, 32
"""Instances of a batch; a regime has two shapes or more where it has enough instances."""
TRIED = 3
"""Batches of a regime that may fail before its instances are taken one by one."""
AT_ONCE = 25
"""Instances that a part takes one by one, of a regime."""
SENT = {FAILS: 8, RAISES: 4, UNDECIDED: 2}
"""Suspects of a batch that are judged beyond floats, by what floats say of them."""
LEAST_SPENT, SPENT_EACH = 40_000, 15
"""Operations that a sweep may take, and for each instance that is wanted."""
LARGE, SPENT_IN_LARGE = 50_000, 200
"""A sweep of so many instances is meant to take its time, and so many operations for each."""
OBLIGATION = "sweep"


TOLD = (
    *("batched", "singly", "discarded", "suspects", "left"),
    *("why", "partly", "hopeless", "spent", "signature"),
)


@dataclass
class Standing:
    """What the parts so far amount to, as far as the next one depends on it."""

    swept: Counter[str] = field(default_factory=Counter)
    singly: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    hopeless: set[str] = field(default_factory=set)
    signatures: set[str] = field(default_factory=set)
    spent: int = 0

    def add(self, told: Mapping[str, Any]) -> None:
        """Take in the result of a part."""
        for regime, one in told["regimes"].items():
            self.tried[regime] += 1
            self.swept[regime] += one["batched"] + one["singly"]
            self.singly[regime] += one["singly"]
            self.failed[regime] += bool(one["why"]) and not one["batched"]
            self.spent += one["spent"]
            self.signatures.add(one["signature"])
            if one["hopeless"]:
                self.hopeless.add(regime)


@dataclass(frozen=True)
class Plan:
    """How many instances of each regime are wanted, in batches and one by one."""

    wanted: dict[str, int]
    alone: dict[str, int]
    operations: int
    """What the sweep may cost: operations on all instances of a batch at once."""

    @classmethod
    def of(cls, claim: Claim, budget: Budget) -> Plan:
        """The plan of a budget: where no batch can be run, a hundredth is taken one by one.

        That is where it adds to the samples, which are judged one by one anyway.
        """
        regimes = claim.instances.regimes
        singly = budget.swept // 100
        alone = (
            share(singly, regimes, 1) if 2 * singly >= budget.samples else dict.fromkeys(regimes, 0)
        )
        each = SPENT_IN_LARGE if budget.swept >= LARGE else SPENT_EACH
        operations = max(LEAST_SPENT, each * budget.swept)
        return cls(share(budget.swept, regimes, 1), alone, operations)

    def size(self, regime: str) -> int:
        """How many instances a batch of a regime has."""
        return max(SMALLEST, min(LARGEST, -(-self.wanted[regime] // 2)))

    def open(self, regime: str, so_far: Standing) -> bool:
        """Whether more instances of a regime are wanted, and can be had."""
        if so_far.spent > self.operations:
            return False
        most = 3 * -(-self.wanted[regime] // self.size(regime)) + TRIED
        if so_far.swept[regime] >= self.wanted[regime] or regime in so_far.hopeless:
            return False
        if self.batched(regime, so_far):
            return so_far.tried[regime] < most
        parts = TRIED + 3 * -(-self.alone[regime] // AT_ONCE)  # some draws are discarded
        return so_far.singly[regime] < self.alone[regime] and so_far.tried[regime] < parts

    def batched(self, regime: str, so_far: Standing) -> bool:
        """Whether batches of a regime are worth another attempt."""
        return so_far.failed[regime] < TRIED or so_far.swept[regime] > so_far.singly[regime]

    def goes_on(self, so_far: Standing) -> bool:
        """Whether there is another part."""
        return any(self.open(regime, so_far) for regime in self.wanted)


@dataclass(frozen=True)
class Suspect:
    """An instance that floats do not clear, and how it is drawn again."""

    regime: str
    answers: tuple[int, ...]
    key: tuple[Any, ...]
    outcome: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"regime": self.regime, "answers": list(self.answers), "key": list(self.key)}


def sweep_part(
    claim: Claim, plan: Plan, so_far: Standing, seed: int, digits: int, number: int
) -> dict[str, Any]:
    """The part of a number: what was swept of each regime, and the suspects that are sent on."""
    told: dict[str, Any] = {"regimes": {}, "suspects": []}
    for regime in plan.wanted:
        if not plan.open(regime, so_far):
            continue
        one = _Regime(claim, plan, so_far, seed, digits, number, regime)
        told["regimes"][regime] = one.result()
        told["suspects"] += [suspect.to_dict() for suspect in one.sent]
    return told


@dataclass
class _Regime:
    """One regime in one part."""

    claim: Claim
    plan: Plan
    so_far: Standing
    seed: int
    digits: int
    number: int
    regime: str
    sent: list[Suspect] = field(default_factory=list)
    suspects: int = 0
    batched: int = 0
    singly: int = 0
    discarded: int = 0
    left: int = 0
    why: str = ""
    partly: str = ""
    hopeless: bool = False
    spent: int = 0
    signature: str = ""

    def result(self) -> dict[str, Any]:
        in_batches = self.plan.batched(self.regime, self.so_far)
        if in_batches:
            self._in_a_batch()
        if not self.batched and (self.why or not in_batches):
            self._one_by_one()
        return {name: getattr(self, name) for name in TOLD}

    def _key(self, *more: Any) -> tuple[Any, ...]:
        return (self.seed, self.claim.name, OBLIGATION, self.regime, self.number, *more)

    def _in_a_batch(self) -> None:
        missing = self.plan.wanted[self.regime] - self.so_far.swept[self.regime]
        size = min(self.plan.size(self.regime), max(SMALLEST, missing))
        try:
            batch = draw_batch(self.claim.instances, self.regime, size, self._key())
            if batch is None:
                self.discarded += size
                return
            self.spent += batch.source.world.spent
            self._judge(batch, missing)
        except Unbatched as lack:
            self.why = str(lack)
        except MemoryError:
            raise
        except Exception as error:
            self.why = shown(error)

    def _judge(self, batch: Batch, missing: int) -> None:
        rows = self._admitted(batch)
        if not len(rows):
            return
        rows = rows[:missing]
        runs = run_batch(self.claim.check, batch.together, rows)
        self.spent += runs.spent
        self._compare(batch, rows, runs)
        self.batched, self.left, self.partly = len(rows) - runs.left, runs.left, runs.left_out
        self._suspect(batch, rows, runs)

    def _compare(self, batch: Batch, rows: np.ndarray, runs: Runs) -> None:
        """Raise ``Unbatched`` where an instance of a new shape comes out differently alone."""
        signature = hashlib.sha256(repr(batch.signature).encode()).hexdigest()[:8]
        if signature in self.so_far.signatures:
            return
        k = int(np.flatnonzero(batch.kept == rows[-1])[0])
        exact = self._exact(batch, k)
        apart = disagreement(self.claim, batch, runs, k, exact, self.digits)
        if apart:  # then no batch of this regime is believed
            self.hopeless = True
            raise Unbatched(apart)
        self.signature = signature

    def _admitted(self, batch: Batch) -> np.ndarray:
        """The rows on which no assumption fails in floats; the others are none of the claim's."""
        rows = batch.kept
        for assumption in self.claim.assumptions:
            try:
                runs = run_batch(assumption.holds, batch.together, rows)
                outcomes, self.spent = runs.outcomes()[rows], self.spent + runs.spent
            except Unbatched:  # it is looked at where a suspect is judged
                continue
            fails = outcomes == FAILS
            if fails.any():
                doubted = rows[fails]
                found = run_batch(assumption.holds, batch.together, doubted, errors=True)
                fails[fails] = found.outcomes()[doubted] == FAILS
            self.discarded += int(fails.sum())
            rows = rows[~fails]
            if not len(rows):
                break
        return rows

    def _suspect(self, batch: Batch, rows: np.ndarray, runs: Runs) -> None:
        """Rows that floats do not clear: looked at once more with a bound on their errors."""
        outcomes = runs.outcomes()[rows]
        doubted = rows[(outcomes != HOLDS) & (outcomes <= RAISES)]
        if not len(doubted):
            return
        again = run_batch(self.claim.check, batch.together, doubted, errors=True)
        found, self.spent = again.outcomes()[doubted], self.spent + again.spent
        self.suspects = int(((found != HOLDS) & (found <= RAISES)).sum())
        for outcome, most in SENT.items():
            for row in doubted[found == outcome][:most]:
                k = int(np.flatnonzero(batch.kept == row)[0])
                self.sent.append(Suspect(self.regime, batch.answers(k), batch.key, outcome))

    def _exact(self, batch: Batch, k: int) -> Instance | None:
        drawn = drawn_with(self.claim.instances, self.regime, batch.answers(k), batch.key)
        return drawn[0] if drawn else None

    def _one_by_one(self) -> None:
        allowed = self.plan.alone[self.regime] - self.so_far.singly[self.regime]
        for k in range(min(AT_ONCE, allowed)):
            key = self._key("alone", k)
            instance = draw_one(self.claim.instances, self.regime, *key)
            if instance is None:
                self.discarded += 1
                continue
            try:
                with np.errstate(all="ignore"):  # what overflows is judged, not told
                    judged = evaluate(self.claim.check, instance, ArrayArithmetic())
            except MemoryError:
                raise
            except Exception as error:
                self._hopeless(shown(error))
                return
            if judged.outcome in ("unavailable", "empty"):
                self._hopeless(judged.why or "it compares nothing")
                return
            self.singly += 1
            if judged.outcome != "holds":
                self.suspects += 1
                outcome = FAILS if judged.outcome == "fails" else UNDECIDED
                if sum(s.outcome == outcome for s in self.sent) < SENT[outcome]:
                    self.sent.append(Suspect(self.regime, (), key, outcome))

    def _hopeless(self, why: str) -> None:
        """Floats cannot run the check on a single instance either."""
        if not self.singly:
            self.hopeless, self.why = True, f"{self.why}; alone: {why}"
