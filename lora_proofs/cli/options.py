"""Options and arguments that several commands share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lora_proofs.cli.guard import printable
from lora_proofs.running import ledger

DEFAULT_LEDGER = ledger.DEFAULT

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TARGET",
        help="A claim's name, a pattern such as 'rushka-klabjan/*', or a .py file of claims "
        "(file.py::NAME for one of them). None means every shipped claim.",
        show_default=False,
    ),
]
One = Annotated[str, typer.Argument(metavar="CLAIM", help="A claim's name, or file.py::NAME.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
LedgerPath = Annotated[
    Path, typer.Option("--ledger", metavar="PATH", help="The ledger that keeps the records.")
]


def say(text: str = "") -> None:
    """Print a line of text for people on stdout."""
    print(printable(text))


def note(text: str) -> None:
    """Print a message on stderr."""
    print(printable(text), file=sys.stderr, flush=True)


def emit(document: Any) -> None:
    """Print one JSON document on stdout."""
    print(json.dumps(document, indent=2, allow_nan=False))
