"""Written reasons why a mutant is no false claim, and rows that no longer say anything.

``claims/equivalent_mutants.toml`` has one table per claim, ``["paper/name"]``, with a mutant's id
and a sentence: why the statement with that slip still holds. A ``*`` in an id stands for any text,
where one sentence serves several mutants.
"""

from __future__ import annotations

import re
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


def given_reasons(path: Path | None) -> Rows | None:
    """The rows of a file that a user names; raises ``BadInput`` where there is none."""
    if path is None:
        return None
    if not path.is_file():
        raise BadInput(f"--reasons {path}: expected a TOML file of reasons, there is no such file")
    return written_reasons(path)


def reason_for(mutant: str, reasons: Mapping[str, str]) -> str:
    """The reason for a mutant's id, or nothing.

    >>> reason_for("comparison: 0.99: norm", {"comparison: *: norm": "it is not attained"})
    'it is not attained'
    """
    return next((reason for row, reason in reasons.items() if covers(row, mutant)), "")


def covers(row: str, mutant: str) -> bool:
    """Whether a row is about a mutant."""
    pattern = ".*".join(re.escape(part) for part in row.split("*"))
    return re.fullmatch(pattern, mutant) is not None


def stale(rows: Rows, records: Iterable[Mapping[str, Any]], known: Iterable[str]) -> list[str]:
    """Rows that say nothing: of a claim or a mutant that does not exist, or that is refuted."""
    names, found = set(known), []
    for name in rows:
        if name not in names:
            found.append(f"{name}: no claim has this name")
    for record in records:
        outcomes = {m["id"]: m["outcome"] for m in record["mutants"]}
        for row in rows.get(record["name"], {}):
            met = [outcome for mutant, outcome in outcomes.items() if covers(row, mutant)]
            if not met:
                found.append(f"{record['name']}: {row}: there is no such mutant")
            elif all(outcome == "refuted" for outcome in met):
                found.append(f"{record['name']}: {row}: it is refuted, so the reason is wrong")
    return found
