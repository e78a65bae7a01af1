"""What workers say to the pool that drives them: one line of JSON a message, marked by who says it.

A line that begins with ``!`` is of the process that serves tasks, one that begins with ``=`` of the
process that does the task, which runs code of a claim's author: only the first may say how the
second ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

SERVER, TASK = b"!", b"="
LONGEST_LINE = 256 * 1024 * 1024
"""Bytes of one message; a longer one is none."""
RECORD = frozenset(
    ("name", "verdict", "scope", "error", "samples", "controls", "counterexample", "notes")
)


def line(mark: bytes, told: Mapping[str, Any]) -> bytes:
    """A message as a line.

    >>> line(SERVER, {"started": 7})
    b'!{"started": 7}\\n'
    """
    return mark + json.dumps(told).encode() + b"\n"


def understood(told: bytes) -> dict[str, Any]:
    """The message of a line; ``{"spoiled": why}`` for one that neither process sends.

    >>> understood(b'!{"started": 7}'), list(understood(b'={"started": 7}'))
    ({'started': 7}, ['spoiled'])
    """
    mark, text = told[:1], told[1:]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and any(fits(found) for fits in _MESSAGES.get(mark, ())):
        return found
    shown = told if mark not in _MESSAGES else text
    return {"spoiled": f"got {shown[:40]!r}{'...' if len(shown) > 40 else ''}"}


def is_record(value: Any) -> bool:
    """Whether a value has what every record of a verification has."""
    return isinstance(value, dict) and value.keys() >= RECORD


def _is_started(told: dict[str, Any]) -> bool:
    return told.keys() == {"started"} and type(told["started"]) is int


def _is_ended(told: dict[str, Any]) -> bool:
    return told.keys() == {"ended"} and (told["ended"] is None or type(told["ended"]) is int)


def _is_stage(told: dict[str, Any]) -> bool:
    known = told.keys() == {"stage", "standing"} and isinstance(told["stage"], str)
    return known and (told["standing"] is None or is_record(told["standing"]))


def _is_units(told: dict[str, Any]) -> bool:
    return (
        told.keys() == {"units", "share"}
        and isinstance(told["units"], dict)
        and all(isinstance(result, dict) for result in told["units"].values())
        and type(told["share"]) is float
        and 0 <= told["share"] <= 1
    )


def _is_failure(told: dict[str, Any]) -> bool:
    failed = told["failed"] if told.keys() == {"failed"} else None
    texts = ("type", "message", "traceback")
    return (
        isinstance(failed, dict)
        and failed.keys() == {*texts, "expected"}
        and all(isinstance(failed[key], str) for key in texts)
    )


_MESSAGES: dict[bytes, tuple[Callable[[dict[str, Any]], bool], ...]] = {
    SERVER: (_is_started, _is_ended),
    TASK: (lambda told: told.keys() == {"done"}, _is_stage, _is_units, _is_failure),
}
