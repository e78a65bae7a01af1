"""Derivations for Coq, and for which claims it proves what."""

from __future__ import annotations

from dataclasses import dataclass

from lora_proofs.certificates.coq import Export, export
from lora_proofs.errors import BadInput
from lora_proofs.language.claim import Claim
from lora_proofs.running.catalogue import Entry, load


@dataclass(frozen=True)
class Covered:
    """What of one claim Coq proves: ``statement``, ``lines`` or ``nothing``, and how many lines."""

    name: str
    covers: str
    proved: int
    lines: int
    left_out: tuple[str, ...]
    """Why lines are left out, each reason once, with how often."""

    def __str__(self) -> str:
        why = f"; left out: {', '.join(self.left_out)}" if self.left_out else ""
        return f"{self.name}: {self.covers}, {self.proved} of {self.lines} lines{why}"


def in_coq(claim: Claim) -> Export:
    """A claim's derivation, read for Coq; raises ``BadInput`` for a claim without one."""
    if claim.derive is None:
        raise BadInput(
            f"{claim.name}: expected a claim with a derivation; this one is judged on instances "
            "alone. See `lora-proofs show` for what it states"
        )
    return export(claim.name, claim.statement, tuple(claim.derive()), claim.conclusion)


def covered(found: Export) -> Covered:
    """The count of one export."""
    reasons: dict[str, int] = {}
    for why in found.left_out.values():
        reasons[why] = reasons.get(why, 0) + 1
    told = tuple(f"{why} ({count})" for why, count in reasons.items())
    return Covered(found.name, found.covers, len(found.lemmas), len(found.steps), told)


def coverage(entries: tuple[Entry, ...]) -> tuple[Covered, ...]:
    """For each claim with a derivation: whether Coq proves its statement, some lines, or none."""
    claims = (load(entry.locator) for entry in entries)
    return tuple(covered(in_coq(claim)) for claim in claims if claim.derive)
