"""JSON files that a user gives: read whole, with every number kept exact."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lora_proofs.errors import BadInput


def read_json(path: str, what: str, *, constant: Callable[[str], Any] = float) -> Any:
    """The document in a file (``-`` for standard input); ``BadInput`` says what was expected.

    ``constant`` reads NaN and the infinities, which JSON does not have: ``finite`` refuses them.
    """
    try:
        text = _text(path)
    except OSError as error:
        raise BadInput(
            f"{path}: expected {what} in a readable JSON file: {error.strerror or error}"
        ) from None
    try:
        return json.loads(text, parse_int=integer, parse_constant=constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: expected a JSON file with {what}: {error}") from None


def _text(path: str) -> bytes:
    if path == "-":
        import sys

        return sys.stdin.buffer.read()
    return Path(path).read_bytes()


def integer(digits: str) -> int | str:
    """An integer; one of more digits than Python converts is read as text, like a fraction."""
    return int(digits) if len(digits) < 4_000 else digits


def finite(name: str) -> Any:
    """Refuse NaN and the infinities."""
    raise ValueError(f"{name} is not an exact number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are different: of two values one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return found
