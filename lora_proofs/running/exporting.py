"""Derivations for Coq, and for which claims it proves what."""

from __future__ import annotations

from dataclasses import dataclass

from lora_proofs.certificates.coq import Export, export, source
from lora_proofs.errors import BadInput
from lora_proofs.language.claim import Claim
from lora_proofs.running.catalogue import Entry, load
from lora_proofs.running.deriving import derive_claim


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


def source_of(claim: Claim) -> tuple[str, Covered]:
    """The Coq file of a claim's derivation, and what it covers.

    Raises ``BadInput`` where our own check leaves a line open, or where no line is an identity.
    """
    found = in_coq(claim)
    if problems := _open_lines(claim):
        raise BadInput(
            f"{claim.name}: the derivation is not closed, and nothing of it is exported: "
            f"{'; '.join(problems)}"
        )
    told = covered(found)
    if not found.lemmas:
        raise BadInput(
            f"{told}. Coq proves identities, and this derivation has none that it could; use the "
            "format text to read it"
        )
    return source(found), told


def _open_lines(claim: Claim) -> list[str]:
    derived = derive_claim(claim)
    lines = enumerate(derived.evidence.lines if derived else (), start=1)
    return [f"line {i}: {x.problem}" for i, x in lines if x.kind != "prose" and not x.ok]


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
