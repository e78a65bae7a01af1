"""Written reasons why a mutant is no false claim, and rows that no longer say anything.

``claims/equivalent_mutants.toml`` has one table per claim, ``["paper/name"]``, with a mutant's id
and a sentence: why the statement with that slip still holds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lora_proofs.errors import BadInput

REASONS = Path(__file__).resolve().parent.parent / "claims" / "equivalent_mutants.toml"
Rows = Mapping[str, Mapping[str, str]]


def written_reasons(path: Path = REASONS) -> Rows:
    """Every row, by claim and mutant; raises ``BadInput`` for one that makes no sense."""
    if not path.exists():
        return {}
    try:
        rows: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: expected a readable TOML file: {error}") from None
    for name, row in rows.items():
        if not isinstance(row, dict):
            raise BadInput(f'{path}: expected tables such as ["paper/name"], got {name} = {row!r}')
        for mutant, reason in row.items():
            if not isinstance(reason, str) or len(reason.split()) < 3:
                raise BadInput(
                    f"{path}: {name}: {mutant!r}: expected a sentence that says why the mutant is "
                    f"no false claim, got {reason!r}"
                )
    return rows


def stale(rows: Rows, records: Iterable[Mapping[str, Any]], known: Iterable[str]) -> list[str]:
    """Rows that say nothing: of a claim or a mutant that does not exist, or that is refuted."""
    names, found = set(known), []
    for name in rows:
        if name not in names:
            found.append(f"{name}: no claim has this name")
    for record in records:
        outcomes = {m["id"]: m["outcome"] for m in record["mutants"]}
        for mutant in rows.get(record["name"], {}):
            if mutant not in outcomes:
                found.append(f"{record['name']}: {mutant}: there is no such mutant")
            elif outcomes[mutant] == "refuted":
                found.append(f"{record['name']}: {mutant}: it is refuted, so the reason is wrong")
    return found
