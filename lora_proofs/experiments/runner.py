"""Runs an experiment cell by cell, keeping every finished cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lora_proofs.experiments.checkpoint import Cell, Checkpoint
from lora_proofs.experiments.result import document, table, versions
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import Experiment, Point
from lora_proofs.experiments.training import Heard


class Follower(Protocol):
    """Hears of every cell."""

    def begun(self, cell: Cell, number: int, total: int) -> Heard:
        """A cell begins; the answer hears which part of it is done."""

    def finished(self, cell: Cell, number: int, total: int, seconds: float | None) -> None:
        """A cell is finished; ``seconds`` is None where it was already on disk."""


@dataclass(frozen=True)
class Run:
    """An experiment, its size, its seeds and its directory."""

    experiment: Experiment
    quick: bool
    seed: int
    seeds: int
    directory: Path

    @property
    def stem(self) -> str:
        """The name of this experiment's files."""
        return self.experiment.name.replace("/", "-")

    @property
    def cells(self) -> list[Cell]:
        """Every seed under every condition, the first seed first."""
        seeds = range(self.seed, self.seed + self.seeds)
        return [(condition, seed) for seed in seeds for condition in self.experiment.conditions]

    def checkpoint(self) -> Checkpoint:
        """The cells on disk."""
        settings = dict(self.settings.document())
        settings.pop("seeds")
        identity = {"experiment": self.experiment.name, "settings": settings}
        return Checkpoint(
            self.directory / f"{self.stem}.cells.jsonl", identity | {"versions": versions()}
        )

    @property
    def settings(self) -> Settings:
        """The settings of this size."""
        return self.experiment.settings["quick" if self.quick else "default"]

    def measure(self, kept: Checkpoint, heard: Follower, clock: Callable[[], float]) -> None:
        """Measure every cell that is not on disk yet."""
        total = len(self.cells)
        for number, cell in enumerate(self.cells, 1):
            if cell in kept.cells:
                heard.finished(cell, number, total, None)
                continue
            start, listen = clock(), heard.begun(cell, number, total)
            kept.add(cell, self.experiment.run(self.settings, *cell, listen))
            heard.finished(cell, number, total, clock() - start)

    def result(self, kept: Checkpoint) -> dict[str, Any]:
        """The document on the cells that are on disk."""
        return document(
            self.experiment,
            self.settings,
            self.points(kept),
            seed=self.seed,
            seeds=self.seeds,
            quick=self.quick,
        )

    def points(self, kept: Checkpoint) -> list[Point]:
        """All points of this run's finished cells."""
        return [p for cell in self.cells for p in kept.cells.get(cell, [])]

    def table(self, kept: Checkpoint) -> str:
        """The points as CSV."""
        return table(self.points(kept))
