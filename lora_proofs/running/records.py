"""What a list of records amounts to: summary, digest, exit code, and the document of a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lora_proofs.language.verdict import Verdict, as_expected
from lora_proofs.running.provenance import versions

SCHEMA_VERSION = 1
ORDER = (2, 3, 4, 1, 6, 5)
"""If several exit codes apply, the first of these is given."""


def summary(records: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many claims have each verdict; no two verdicts are added up.

    >>> summary([{"verdict": "PROVED"}, {"verdict": "PROVED"}])["PROVED"]
    2
    """
    found = [record["verdict"] for record in records]
    return {str(verdict): found.count(verdict) for verdict in Verdict}


def moved(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The claims whose verdict certified instances raised: from what, to what, on how many.

    >>> moved([{"name": "c", "verdict": "CERTIFIED",
    ...         "certificates": {"moved_from": "SUPPORTED", "instances": 30}}])
    [{'name': 'c', 'from': 'SUPPORTED', 'to': 'CERTIFIED', 'instances': 30}]
    """
    return [
        {
            "name": record["name"],
            "from": record["certificates"]["moved_from"],
            "to": record["verdict"],
            "instances": record["certificates"]["instances"],
        }
        for record in records
        if record["certificates"].get("moved_from")
    ]


def digest(records: Iterable[Mapping[str, Any]]) -> str:
    """A fingerprint of what was found: no floats, no seconds, no order.

    It covers names, verdicts, scopes, regimes and exact counterexamples.
    """
    told = sorted((_told(record) for record in records), key=lambda row: str(row["name"]))
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": record["name"],
        "verdict": record["verdict"],
        "scope": record["scope"],
        "regimes": record["samples"]["regimes"],
        "counterexample": _exact(record["counterexample"]),
        "controls": [
            [control["outcome"], _exact(control["counterexample"])]
            for control in record["controls"]
        ],
    }


def _exact(counterexample: Mapping[str, Any] | None) -> Any:
    if not counterexample:
        return None
    return [
        counterexample["kind"],
        counterexample["instance"],
        counterexample["comparison"]["label"],
    ]


def exit_code(records: Sequence[Mapping[str, Any]], *, strict: bool = False) -> int:
    """The exit code that the records of a finished run earn."""
    codes = {_code(record) for record in records}
    if strict and any(record["verdict"] == Verdict.INCONCLUSIVE for record in records):
        codes.add(6)
    return next((code for code in ORDER if code in codes), 0)


def _code(record: Mapping[str, Any]) -> int:
    error = record["error"]
    if error and error["type"] == "Contradiction":
        return 3
    if record.get("certificates", {}).get("rejected"):
        return 3
    if error and error["type"] == "ClaimRefused":
        return 4
    if error or not as_expected(record["verdict"], record["expected"]):
        return 1
    users = not record["shipped"]
    return 1 if users and record["verdict"] == Verdict.REFUTED else 0


def document(
    records: Sequence[dict[str, Any]], *, seed: int, budget: str, code: int
) -> dict[str, Any]:
    """The document that ``verify --json`` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "verify",
        "seed": seed,
        "budget": budget,
        "digest": digest(records),
        "versions": versions(),
        "claims": list(records),
        "summary": summary(records),
        "moved": moved(records),
        "exit_code": code,
    }
