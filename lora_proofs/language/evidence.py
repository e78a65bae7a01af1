"""What the stages found, as plain data: everything that ``judge`` reads and a ledger keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from lora_proofs.symbolic.steps import DerivationEvidence


@dataclass(frozen=True)
class SampleEvidence:
    """Instances judged one by one."""

    instances: int = 0
    distinct: int | None = None
    """How many of them differ; equal draws count as one certificate."""
    discarded: int = 0
    undecided: int = 0
    regimes: dict[str, int] = field(default_factory=dict)
    smallest_slack: str = ""
    """Of the inequalities that hold; equations leave no room."""
    smallest_relative_slack: str = ""
    """Over the larger side; pairs of zeros are left out."""
    smallest_at: dict[str, Any] | None = None
    """Where that was met: regime, instance and comparison."""
    slacks: dict[str, Any] = field(default_factory=dict)
    """How many instances leave how much relative room, by the least of each: ``counts`` in equal
    steps of log10 from ``low`` to ``high``, and those that are ``zero``, ``below`` or ``above``."""
    tight: int = 0
    """Instances on which an inequality holds with equal sides."""
    independent: dict[str, int] = field(default_factory=dict)
    """Distinct instances of independent draws on which the claim holds, by declared regime."""
    excluded: dict[str, int] = field(default_factory=dict)
    """Draws on which each assumption did not hold."""
    rejected: int = 0
    """Draws that ended without an instance."""
    conflicts: tuple[str, ...] = ()
    """Assumptions that no draw meets together, in words."""
    shapes_alone: bool = False
    """The comparisons depend on shapes alone, whatever the numbers."""
    arithmetics: dict[str, int] = field(default_factory=dict)
    empty: bool = False
    """Some instance yielded no comparison at all."""
    constant: bool = False
    """The comparisons are the same whatever the instance."""
    trivial: int = 0
    """Instances on which every comparison is 0 against 0."""
    measured: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepEvidence:
    """Instances swept on the fast path, which only nominates."""

    instances: int = 0
    suspects: int = 0
    """Those whose slack is below the bound on its error."""
    regimes: dict[str, int] = field(default_factory=dict)
    batched: int = 0
    """Instances that were computed many at once."""
    singly: int = 0
    """Instances that were computed one by one, in float64."""
    discarded: int = 0
    """Draws that an assumption excluded in floats."""
    judged: int = 0
    """Suspects that were judged in exact or ball arithmetic; those that fail come first."""
    undecided: int = 0
    """Those that stayed undecided there."""
    left: int = 0
    """Instances that were drawn and went ways of their own, too many to follow."""
    why: str = ""
    """Why instances were taken one by one, or none at all."""
    partly: str = ""
    """Why the later comparisons of the check were left out."""


@dataclass(frozen=True)
class SearchEvidence:
    """Instances that were looked for because random draws miss them."""

    instances: int = 0
    """How many were judged, beyond the samples."""
    ways: dict[str, int] = field(default_factory=dict)
    """How many by each way of looking: corners, targeted, descent."""
    closest: str = ""
    """The smallest relative slack that was met."""
    at: dict[str, Any] | None = None
    """The instance on which it was met."""


@dataclass(frozen=True)
class CertificateEvidence:
    """Instances judged in exact or ball arithmetic alone."""

    instances: int = 0
    regimes: dict[str, int] = field(default_factory=dict)
    method: str = ""
    trivial: int = 0
    cites: tuple[str, ...] = ()
    """The theorems from the literature that these judgements lean on."""
    moved_from: str = ""
    """The verdict that the evidence would have earned without them."""


@dataclass(frozen=True)
class ControlEvidence:
    """The outcome of one negative control."""

    drops: str | None
    why: str
    outcome: str
    counterexample: dict[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything found about a claim."""

    derivation: DerivationEvidence | None = None
    samples: SampleEvidence = SampleEvidence()
    sweep: SweepEvidence | None = None
    search: SearchEvidence | None = None
    certificates: CertificateEvidence = CertificateEvidence()
    controls: tuple[ControlEvidence, ...] = ()
    counterexample: dict[str, Any] | None = None
    suspect: str = ""
    """An instance that failed and could not be confirmed."""
    exhausted: str = ""
    """The stage that ran out of its budget, and which."""
    error: dict[str, str] | None = None
    declared_regimes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """What keeps any verdict from being earned, in words."""
    notes: tuple[str, ...] = ()
    """What a reader should know, and what does not change the verdict."""

    def to_dict(self) -> dict[str, Any]:
        """Plain nested data."""
        return asdict(self)
