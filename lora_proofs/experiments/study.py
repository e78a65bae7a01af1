"""What an experiment is: conditions, seeds, the points that a cell measures, and its own checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.training import Heard


@dataclass(frozen=True)
class Point:
    """One model's error: of a method, at a rank (or a number of layers), for one seed."""

    condition: str
    method: str
    seed: int
    size: int
    parameters: int
    error: float
    details: Mapping[str, float] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The point for the checkpoint and the result document; an infinite error is null."""
        found = asdict(self)
        found["error"] = self.error if np.isfinite(self.error) else None
        found["details"] = {k: v if np.isfinite(v) else None for k, v in self.details.items()}
        return found


def point(document: Mapping[str, Any]) -> Point:
    """The point of a document.

    >>> x = Point("random", "construction", 0, 1, 64, 0.5)
    >>> point(x.document()) == x
    True
    """
    read = dict(document)
    read["error"] = _number(read["error"])
    read["details"] = {name: _number(value) for name, value in read["details"].items()}
    return Point(**read)


def _number(value: float | None) -> float:
    return float("inf") if value is None else float(value)


@dataclass(frozen=True)
class Check:
    """Something that a result says about itself; a failed one is a reason to look for a mistake."""

    name: str
    holds: bool | None  # None where no point bears on it
    worst: float | None
    why: str


@dataclass(frozen=True)
class Experiment:
    """A named study; ``run`` measures one cell, a condition with a seed."""

    name: str
    title: str
    question: str
    conditions: tuple[str, ...]
    settings: Mapping[str, Settings]  # quick and default
    run: Callable[[Settings, str, int, Heard], list[Point]]
    checks: Callable[[Settings, Sequence[Point]], list[Check]]
    measure: str = "test MSE: E ||f - fbar||^2 / D over the test points"
    size: str = "rank"
    across: str = "size"  # what the plot shows along: size, or parameters
    scale: str = "log"
    origin: str = "defaults of the authors' code, with the departures listed"
    points: str = "random points"  # what it is measured on
    needs: str = ""  # the extra that it cannot run without
    notes: tuple[str, ...] = ()


GRADIENT_DESCENT = "gradient descent"
CONSTRUCTION = "construction"
LOWER_BOUND = "lower bound"
UPPER_BOUND = "upper bound of the construction"


def matching(points: Sequence[Point], method: str) -> list[Point]:
    """The points of one method."""
    return [p for p in points if p.method == method]
