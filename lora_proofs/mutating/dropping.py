"""Mutants that drop an assumption: the claim of instances on which it fails and all others hold."""

from __future__ import annotations

from lora_proofs.language.claim import Claim
from lora_proofs.mutating.mutant import Candidate, Kept, Mutant, ready


def dropping_candidates(claim: Claim, original: Kept) -> list[Candidate]:
    """One mutant for each assumption; one that is technical carries its own reason."""
    return [
        ready(
            Mutant(
                "assumption",
                "assumption dropped",
                a.name,
                f"the assumption {a.name!r} is dropped",
                original,
                original,
                drops=a.name,
                equivalent=a.technical,
            )
        )
        for a in claim.assumptions
    ]
