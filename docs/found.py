"""Writes found.json: the verdict of each shipped claim with its scope, and each counterexample.

lora-proofs verify --ledger ledger.sqlite && python docs/found.py ledger.sqlite
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
    """Write the file; every claim needs a record, all with one budget and seed."""
    found = dict(records(ledgers))
    missing = [entry.name for entry in shipped_claims() if entry.name not in found]
    runs = {(r["run"]["budget"], r["run"]["seed"]) for r in found.values()}
    if missing or len(runs) != 1:
        sys.exit(f"expected a record of each claim, one budget and seed; {runs}, without {missing}")
    ((budget, seed),) = runs
    claims = {name: short(record) for name, record in found.items()}
    written = {"budget": budget, "seed": seed, "claims": claims}
    FOUND.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
