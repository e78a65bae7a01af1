"""Progress on stderr: a bar on a terminal, a line for each finished claim elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from lora_proofs.cli.options import note
from lora_proofs.cli.outcome import short
from lora_proofs.running.scale import ON

if TYPE_CHECKING:
    from rich.progress import Progress

    from lora_proofs.running.catalogue import Entry


PATIENCE = 20.0
"""Seconds before the time that is left is estimated."""


class Shown(Protocol):
    """Hears which stage a claim has reached, and what is finished."""

    def reached(self, entry: Entry, stage: str) -> None: ...
    def finished(self, record: dict[str, Any], taken_over: bool = False) -> None: ...


@contextmanager
def progress(total: int) -> Iterator[Shown]:
    """The progress of ``total`` claims."""
    if not sys.stderr.isatty():
        yield _Lines(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        TextColumn("{task.fields[done]}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[at]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar, total)


class _Work:
    """How much is done: finished claims, and the shares of those that are being swept."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.begun = total, 0, time.monotonic()
        self.taken_over = 0
        self.shares: dict[str, float] = {}

    def reached(self, name: str, stage: str) -> None:
        share = stage.partition(ON)[0].rpartition(" ")[2]
        if share.endswith("%"):
            self.shares[name] = int(share[:-1]) / 100

    def finished(self, name: str, taken_over: bool = False) -> None:
        self.done += 1
        self.taken_over += taken_over
        self.shares.pop(name, None)

    @property
    def amount(self) -> float:
        return self.done + sum(self.shares.values())

    @property
    def left(self) -> str:
        """An estimate of the time that is left, once there is something to go by.

        The longest claims run first, so that it is too long rather than too short. What an earlier
        run had finished says nothing of this one's pace.
        """
        elapsed, own = time.monotonic() - self.begun, self.amount - self.taken_over
        if elapsed < PATIENCE or own <= 0 or self.amount >= self.total:
            return ""
        return f"about {spoken(elapsed * (self.total - self.amount) / own)} left"


def spoken(seconds: float) -> str:
    """A time in words, to one unit.

    >>> spoken(42.4), spoken(600), spoken(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class _Lines:
    def __init__(self, total: int) -> None:
        self.work = _Work(total)
        self.places: dict[str, str] = {}

    def reached(self, entry: Entry, stage: str) -> None:
        """Nothing but where it runs, if not here: only finished claims get a line."""
        self.work.reached(entry.name, stage)
        self.places[entry.name] = stage.partition(ON)[2]

    def finished(self, record: dict[str, Any], taken_over: bool = False) -> None:
        self.work.finished(record["name"], taken_over)
        place = self.places.get(record["name"])
        told = f"{record['seconds']:.1f} s{f'{ON}{place}' if place else ''}"
        left = f", {self.work.left}" if self.work.left else ""
        count = f"[{self.work.done}/{self.work.total}]"
        note(f"{count} {record['name']}: {short(record)} ({told}){left}")


class _Bar:
    def __init__(self, bar: Progress, total: int) -> None:
        self.bar, self.work = bar, _Work(total)
        self.task = bar.add_task("verify", total=total, at="", done=0, left="")

    def reached(self, entry: Entry, stage: str) -> None:
        self.work.reached(entry.name, stage)
        self._show(f"{entry.name}: {stage}")

    def finished(self, record: dict[str, Any], taken_over: bool = False) -> None:
        self.work.finished(record["name"], taken_over)
        self._show(record["name"])

    def _show(self, at: str) -> None:
        work = self.work
        self.bar.update(self.task, completed=work.amount, at=at, done=work.done, left=work.left)
