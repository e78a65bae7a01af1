"""How far verdicts reach: the groups of the summary, which are never added to one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lora_proofs.report.records import Record


@dataclass(frozen=True)
class Reach:
    """A group of verdicts that reach equally far: its name, its heading, and what it says."""

    key: str
    title: str
    meaning: str


REACHES = (
    Reach(
        "universal",
        "Proved for all shapes",
        "True of every instance that meets the assumptions, as far as the cited lemmas and the "
        "trusted base hold.",
    ),
    Reach(
        "fixed",
        "Proved for fixed shapes",
        "True of every instance of the shapes that the scope names. Nothing is said about others.",
    ),
    Reach(
        "certified",
        "Certified on instances",
        "True of the counted instances, in exact or ball arithmetic. These are no proofs: nothing "
        "is said about any other instance.",
    ),
    Reach(
        "supported",
        "Supported by samples",
        "It held wherever it was tried. Neither proved nor certified.",
    ),
    Reach(
        "refuted",
        "Refuted",
        "False: each has a counterexample in exact numbers, on which every assumption holds.",
    ),
    Reach("open", "Open", "No verdict was earned. The reasons say what is missing."),
)
_BY_VERDICT = {"CERTIFIED": "certified", "SUPPORTED": "supported", "REFUTED": "refuted"}


def reach(record: Record) -> str:
    """The group of a record, by its verdict and scope.

    >>> reach({"verdict": "PROVED", "scope": "all shapes"}), reach({"verdict": "CERTIFIED"})
    ('universal', 'certified')
    """
    verdict = record.get("verdict")
    if verdict == "PROVED":
        return "universal" if record.get("scope") == "all shapes" else "fixed"
    return _BY_VERDICT.get(str(verdict), "open")


def grouped(records: Sequence[Record]) -> Mapping[Reach, list[int]]:
    """The places of the records in each group that has some.

    >>> [one.key for one in grouped([{"verdict": "REFUTED"}, {"verdict": "CERTIFIED"}])]
    ['certified', 'refuted']
    """
    found = {one: [k for k, r in enumerate(records) if reach(r) == one.key] for one in REACHES}
    return {one: places for one, places in found.items() if places}
