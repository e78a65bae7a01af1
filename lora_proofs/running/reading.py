"""Reading a record of a ledger: whole, of the kinds that its readers expect, and its row's own.

A ledger is a file that anybody may write: what is read from it is checked here, once, and nowhere
after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from lora_proofs.running.kinds import told
from lora_proofs.running.record_shape import RECORD

DEEPEST = 48
"""Lists and objects in one another; no record needs a third of that."""


class Malformed(ValueError):
    """Why a text is no record."""


def record_of(text: str | bytes, row: Mapping[str, Any]) -> dict[str, Any]:
    """The record that a text holds; its name, verdict, budget and seed are those of its row.

    Raises ``Malformed`` with the field, what was expected of it, and what it is.

    >>> record_of('{"name": "a/b", "verdict": "PROVED", "seconds": -1}', {})
    Traceback (most recent call last):
    lora_proofs.running.reading.Malformed: field seconds: expected seconds from 0 on, got -1
    """
    found = plain(text)
    fault = next(iter(RECORD(found)), None)
    if fault:
        where, what = fault
        raise Malformed(f"field {where.removeprefix('.')}: {what}" if where else what)
    assert isinstance(found, dict)
    _same(found, row)
    return found


def plain(text: str | bytes) -> Any:
    """What a JSON text holds, in finite numbers and not too deep.

    >>> plain("[1e999]")
    Traceback (most recent call last):
    lora_proofs.running.reading.Malformed: expected finite numbers, got 1e999
    """
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise Malformed(_DEEP) from None
    except Malformed:
        raise
    except (ValueError, TypeError) as error:
        raise Malformed(str(error)) from None
    level = [found] if isinstance(found, dict | list) else []
    for _ in range(DEEPEST):
        if not level:
            return found
        level = [one for value in level for one in _inside(value) if type(one) in (dict, list)]
    if level:
        raise Malformed(_DEEP)
    return found


_DEEP = f"expected at most {DEEPEST} lists and objects in one another, got more"


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _no_number(word: str) -> Any:
    raise Malformed(f"expected finite numbers, got {word}")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if isfinite(value) else _no_number(digits)


def _same(record: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """The columns of a row are of the record in it, so that both tell the same."""
    run = record.get("run") or {}
    within = {**{key: record[key] for key in ("name", "verdict")}, **run}
    for key, value in row.items():
        if key in within and within[key] != value:
            where = key if key in record else f"run.{key}"
            raise Malformed(
                f"field {where}: expected {told(value)}, as its row says, got {told(within[key])}"
            )
