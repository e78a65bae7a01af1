"""Options and arguments that several commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.guard import printable
from lora_proofs.errors import BadInput
from lora_proofs.running import ledger

if TYPE_CHECKING:
    from lora_proofs.running.scale import Crew

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
Jobs = Annotated[
    str, typer.Option(metavar="N|auto", help="Worker processes; auto: one a processor.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="tcp://HOST:PORT",
        help="Let the workers of a Dask cluster do it (pip install 'lora_proofs[cluster]').",
        show_default=False,
    ),
]
LedgerPath = Annotated[
    Path,
    typer.Option(
        "--ledger",
        metavar="PATH",
        help="The ledger that keeps the records. Its folder has to exist; .lora-proofs is made.",
    ),
]


def crew_of(scheduler: str | None, jobs: str) -> Crew | None:
    """The cluster that an option names, if any: then its workers are what --jobs would count."""
    if scheduler is None:
        return None
    if jobs != "auto":
        raise BadInput(
            f"--jobs {jobs} and --scheduler {scheduler}: expected one of them; how many tasks a "
            "cluster does at a time is for its workers to say (`dask worker --nthreads N`)"
        )
    from lora_proofs.running.cluster import Cluster

    return Cluster(scheduler, lambda text: note(f"lora-proofs: {text}"))


def say(text: str = "") -> None:
    """Print a line of text for people on stdout."""
    print(printable(text))


def note(text: str) -> None:
    """Print a message on stderr."""
    print(printable(text), file=sys.stderr, flush=True)


def whole(option: str) -> Callable[[str | int], int]:
    """What reads the integer of an option; raises ``BadInput`` like every other option.

    >>> whole("--seed")("-7")
    -7
    """

    def read(text: str | int) -> int:
        try:
            return int(text)
        except ValueError:
            raise BadInput(f"{option}: expected an integer, got {text!r}") from None

    return read


def seconds(option: str) -> Callable[[str | float], float]:
    """What reads the seconds that an option gives; raises ``BadInput`` like every other option.

    >>> seconds("--time-limit")("1.5")
    1.5
    """

    def read(text: str | float) -> float:
        try:
            return float(text)
        except ValueError:
            raise BadInput(f"{option}: expected a number of seconds, got {text!r}") from None

    return read


def emit(document: Any) -> None:
    """Print one JSON document on stdout."""
    print(json.dumps(document, indent=2, allow_nan=False))
