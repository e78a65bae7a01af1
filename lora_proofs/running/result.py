"""What a verification hands back: a verdict, its evidence, and both as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lora_proofs.language.budget import budget as budget_named
from lora_proofs.language.chance import bounds
from lora_proofs.language.claim import Claim
from lora_proofs.language.evidence import ControlEvidence, Evidence
from lora_proofs.language.settling import actions
from lora_proofs.language.verdict import Judgement, Verdict
from lora_proofs.running.notebook import in_html, in_latex
from lora_proofs.running.records import digest
from lora_proofs.symbolic.steps import DerivationEvidence


@dataclass(frozen=True)
class Result:
    """The outcome of verifying one claim; it renders itself in a notebook.

    ``verdict`` never stands without ``scope``; ``counterexample`` is plain data in exact numbers.
    """

    claim: dict[str, Any]
    judgement: Judgement
    evidence: Evidence
    budget: str
    seed: int
    seconds: float
    expected: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What is known about the claim."""
        return self.judgement.verdict

    @property
    def scope(self) -> str:
        """How far the verdict reaches."""
        return self.judgement.scope

    @property
    def reasons(self) -> tuple[str, ...]:
        """What the verdict rests on, and why it is not more."""
        return self.judgement.reasons

    @property
    def cites(self) -> tuple[str, ...]:
        """The lemmas that the verdict is modulo."""
        return self.judgement.cites

    @property
    def counterexample(self) -> dict[str, Any] | None:
        """The confirmed counterexample, or ``None``."""
        return self.evidence.counterexample

    @property
    def digest(self) -> str:
        """A fingerprint of what was found: verdict, scope, regimes and exact counterexamples."""
        return digest([self.to_dict()])

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as one element of ``claims`` in ``verify --json``."""
        return record(self)

    def __repr__(self) -> str:
        return f"<{self.claim['name']}: {self.judgement}>"

    def _repr_html_(self) -> str:
        return in_html(self.to_dict())

    def _repr_latex_(self) -> str:
        return in_latex(self.to_dict())


def describe(claim: Claim) -> dict[str, Any]:
    """A claim as plain data: everything about it that needs no run."""
    return {
        "name": claim.name,
        "title": claim.title,
        "note": claim.note,
        "source": asdict(claim.source),
        "statement": claim.statement,
        "assumptions": [
            {"name": a.name, "statement": a.statement, "technical": a.technical}
            for a in claim.assumptions
        ],
        "controls": [
            {"drops": c.drops.name if c.drops else None, "why": c.why} for c in claim.controls
        ],
        "regimes": list(claim.instances.regimes),
        "kind": claim.kind,
        "limit": claim.limit,
        "derived": claim.derive is not None,
    }


def record(result: Result) -> dict[str, Any]:
    """The record of a result, as the ledger keeps it and ``verify --json`` prints it."""
    evidence, told = result.evidence, result.claim
    return {
        **{k: told[k] for k in ("name", "title", "note", "source", "statement")},
        "verdict": str(result.verdict),
        "scope": result.scope,
        "reasons": list(result.reasons),
        "cites": list(result.cites),
        "expected": result.expected,
        "error": evidence.error,
        "assumptions": told["assumptions"],
        "derivation": _derivation(evidence.derivation),
        "samples": asdict(evidence.samples),
        "sweep": asdict(evidence.sweep) if evidence.sweep else None,
        "search": asdict(evidence.search) if evidence.search else None,
        "certificates": asdict(evidence.certificates),
        "controls": [_control(control) for control in evidence.controls],
        "counterexample": evidence.counterexample,
        "notes": list(evidence.notes),
        "settle": list(actions(evidence, budget_named(result.budget))),
        "draws": _draws(result),
        "seconds": round(result.seconds, 3),
    }


def _draws(result: Result) -> dict[str, Any] | None:
    """What the independent draws say of the next one, where they are what a verdict rests on."""
    rests = result.verdict in (Verdict.SUPPORTED, Verdict.CERTIFIED)
    return bounds(result.evidence.samples.independent) if rests else None


def _derivation(found: DerivationEvidence | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {**asdict(found), "steps": len(found.lines)}


def _control(control: ControlEvidence) -> dict[str, Any]:
    return asdict(control)
