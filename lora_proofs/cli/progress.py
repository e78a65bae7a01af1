"""Progress on stderr: a bar on a terminal, a line for each finished claim elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from lora_proofs.cli.options import note
from lora_proofs.cli.outcome import short
from lora_proofs.running.scale import ON

if TYPE_CHECKING:
    from rich.progress import Progress

    from lora_proofs.running.catalogue import Entry


class Shown(Protocol):
    """Hears which stage a claim has reached, and what is finished."""

    def reached(self, entry: Entry, stage: str) -> None: ...
    def finished(self, record: dict[str, Any]) -> None: ...


@contextmanager
def progress(total: int) -> Iterator[Shown]:
    """The progress of ``total`` claims."""
    if not sys.stderr.isatty():
        yield _Lines(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[at]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar, total)


class _Lines:
    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.places: dict[str, str] = {}

    def reached(self, entry: Entry, stage: str) -> None:
        """Nothing but where it runs, if not here: only finished claims get a line."""
        self.places[entry.name] = stage.partition(ON)[2]

    def finished(self, record: dict[str, Any]) -> None:
        self.done += 1
        place = self.places.get(record["name"])
        told = f"{record['seconds']:.1f} s{f'{ON}{place}' if place else ''}"
        note(f"[{self.done}/{self.total}] {record['name']}: {short(record)} ({told})")


class _Bar:
    def __init__(self, bar: Progress, total: int) -> None:
        self.bar, self.task = bar, bar.add_task("verify", total=total, at="")

    def reached(self, entry: Entry, stage: str) -> None:
        self.bar.update(self.task, at=f"{entry.name}: {stage}")

    def finished(self, record: dict[str, Any]) -> None:
        self.bar.update(self.task, advance=1, at=record["name"])
