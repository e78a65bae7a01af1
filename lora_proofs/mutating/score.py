"""The theorem mutation score: refuted mutants among those that claim something false."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lora_proofs.mutating.reasons import Rows, reason_for

ENOUGH = 0.95
"""The score from which on a run is as wanted."""
Record = Mapping[str, Any]


def with_reasons(record: Record, rows: Rows) -> dict[str, Any]:
    """A claim's record, its survivors with a written reason marked as equivalent."""
    reasons = rows.get(record["name"], {})
    return {**record, "mutants": [_explained(m, reasons) for m in record["mutants"]]}


def _explained(mutant: Mapping[str, Any], reasons: Mapping[str, str]) -> dict[str, Any]:
    reason = mutant["equivalent"] or reason_for(mutant["id"], reasons)
    if mutant["outcome"] != "survived" or not reason:
        return dict(mutant)
    return {**mutant, "outcome": "equivalent", "equivalent": reason}


def count(mutants: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """How many mutants there are, by outcome, and the score; ``None`` where none is false.

    >>> count([{"outcome": "refuted"}, {"outcome": "equivalent"}])["score"]
    1.0
    """
    outcomes = [m["outcome"] for m in mutants]
    refuted, equivalent = outcomes.count("refuted"), outcomes.count("equivalent")
    false = len(outcomes) - equivalent
    return {
        "mutants": len(outcomes),
        "refuted": refuted,
        "equivalent": equivalent,
        "survived": outcomes.count("survived"),
        "score": round(refuted / false, 6) if false else None,
    }


def summed(records: Sequence[Record]) -> dict[str, Any]:
    """The score over claims: in all, by operator, by origin, by verdict; and the survivors."""
    pairs = [(record, m) for record in records for m in record["mutants"]]
    controls = [(record["name"], c) for record in records for c in record["planted"]]
    survived = [(name, c) for name, c in controls if c["outcome"] != "refuted"]
    return {
        **count(m for _, m in pairs),
        "survivors": [_survivor(r, m) for r, m in pairs if m["outcome"] == "survived"],
        "planted": {
            "controls": len(controls),
            "refuted": len(controls) - len(survived),
            "survivors": [
                {"claim": name, "why": c["why"], "problem": c["problem"]} for name, c in survived
            ],
        },
        "operators": _by(pairs, lambda r, m: m["operator"]),
        "origins": _by(pairs, lambda r, m: m["origin"]),
        "verdicts": _by(pairs, lambda r, m: r["expected"] or "no baseline"),
        "passed_over": _passed_over(records),
    }


def _survivor(record: Record, mutant: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: mutant[key] for key in ("id", "operator", "description", "instances", "slack")}
    return {"claim": record["name"], **told}


def _by(pairs: Sequence[tuple[Record, Any]], key: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, list[Any]] = {}
    for record, mutant in pairs:
        found.setdefault(key(record, mutant), []).append(mutant)
    return {name: count(found[name]) for name in sorted(found)}


def _passed_over(records: Iterable[Record]) -> dict[str, int]:
    found: dict[str, int] = {}
    for record in records:
        for why, n in record["passed_over"].items():
            found[why] = found.get(why, 0) + n
    return dict(sorted(found.items()))
