"""The baseline: which verdict each shipped claim is expected to come back with, and why not more.

``claims/baseline.toml`` has one table per claim, ``["paper/name"]``, with ``quick`` and
``standard`` (which also serves ``deep``), and ``reason`` where a verdict is below SUPPORTED.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from lora_proofs.errors import BadInput
from lora_proofs.language.verdict import Verdict

BASELINE = Path(__file__).resolve().parent.parent / "claims" / "baseline.toml"
_KEYS = {"quick", "standard", "deep", "reason"}
_NEEDS_REASON = (Verdict.REFUTED, Verdict.INCONCLUSIVE)


@cache
def baseline(path: Path = BASELINE) -> dict[str, dict[str, str]]:
    """Every row of the baseline, by claim name; raises ``BadInput`` for one that makes no sense."""
    if not path.exists():
        return {}
    try:
        rows: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: expected a readable TOML file: {error}") from None
    for name, row in rows.items():
        _validate(path, name, row)
    return rows


def _validate(path: Path, name: str, row: Any) -> None:
    if not isinstance(row, dict) or not {"quick", "standard"} <= set(row) <= _KEYS:
        raise BadInput(
            f"{path}: row {name!r}: expected quick and standard, and perhaps deep and reason; got "
            f"{row!r}"
        )
    for key in ("quick", "standard", "deep"):
        if key in row and row[key] not in list(Verdict):
            raise BadInput(
                f"{path}: row {name!r}: expected {key} among {', '.join(Verdict)}; got {row[key]!r}"
            )
    if {row["quick"], row["standard"]} & set(_NEEDS_REASON) and not row.get("reason"):
        raise BadInput(f"{path}: row {name!r} is below SUPPORTED; say why in reason = ...")


def expected_verdict(name: str, budget: str) -> str | None:
    """The verdict that the baseline has for a shipped claim, or ``None``."""
    row = baseline().get(name)
    return row.get(budget, row["standard"]) if row else None
