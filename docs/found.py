"""Writes found.json: the verdict of each shipped claim with its scope, and each counterexample.

lora-proofs verify --ledger ledger.sqlite && python docs/found.py ledger.sqlite

A claim that no ledger has keeps what is written of it: after a new claim, verify that one alone.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lora_proofs.running.catalogue import shipped_claims
from lora_proofs.running.ledger import Ledger

FOUND = Path(__file__).parent / "found.json"
KEPT = ("verdict", "scope", "cites", "reasons")
TOLD = ("kind", "instance", "comparison", "confirmed_by", "assumptions", "checks", "cites")


def records(ledgers: list[Path]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The last record of each shipped claim, from the first ledger that has one."""
    for entry in shipped_claims():
        for path in ledgers:
            with Ledger(path, create=False) as ledger:
                record = ledger.latest(entry.name, str(entry.locator))
            if record is not None:
                yield entry.name, record
                break


def short(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the pages say of a record; nothing in it depends on the machine or the time."""
    kept = {key: record[key] for key in KEPT if record[key]}
    derived, found = record["derivation"], record["counterexample"]
    if derived:
        kept["derivation"] = {key: derived[key] for key in ("steps", "closed", "scope", "engines")}
    if found:
        kept["counterexample"] = {key: found[key] for key in TOLD}
    return {**kept, "controls": [control["outcome"] for control in record["controls"]]}


def main(ledgers: list[Path]) -> None:
    """Write the file; every claim needs a record, all with the budget standard and seed 0."""
    found = dict(records(ledgers))
    runs = {(r["run"]["budget"], r["run"]["seed"]) for r in found.values()}
    kept = json.loads(FOUND.read_text(encoding="utf-8"))["claims"] if FOUND.exists() else {}
    claims = {**kept, **{name: short(record) for name, record in found.items()}}
    missing = [entry.name for entry in shipped_claims() if entry.name not in claims]
    if missing or runs - {("standard", 0)}:
        sys.exit(f"expected standard and seed 0, got {runs}; without a record: {missing}")
    order = (entry.name for entry in shipped_claims())
    written = {"budget": "standard", "seed": 0, "claims": {name: claims[name] for name in order}}
    FOUND.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
