"""The stage sweep: a batch on the fast path nominates, and suspects are judged like samples.

``check_batch(instances)`` gives one float64 number per instance, its smallest slack; a negative
or undefined one nominates a suspect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lora_proofs.errors import ClaimRefused
from lora_proofs.judging.drawing import Stream, share
from lora_proofs.judging.evaluation import ladder, settle
from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim
from lora_proofs.language.evidence import SweepEvidence
from lora_proofs.mathematics.instance import Instance
from lora_proofs.running.sampling import Tally, admitted, suspected

BATCH = 256


def sweep(claim: Claim, budget: Budget, seed: int, tally: Tally) -> SweepEvidence:
    """Sweep ``budget.swept`` instances; each suspect is judged like a sample."""
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
    return SweepEvidence(swept, suspects)


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
