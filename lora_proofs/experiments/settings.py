"""The sizes of an experiment, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

FRESH = "every training batch, the validation points and the test points are drawn afresh"


@dataclass(frozen=True)
class Settings:
    """One experiment's sizes; ``departures`` says what is not as in the authors' code."""

    width: int
    target_depth: int
    frozen_depth: int
    ranks: tuple[int, ...]
    seeds: int
    steps: int
    batch: int
    rates: tuple[float, ...]
    tests: int
    validations: int = 1000
    spread: float = 0.25  # standard deviation of the factor that does not start at 0
    heads: int = 0
    length: int = 0
    pretraining_steps: int = 1000
    pretraining_rate: float = 1e-3
    pretraining_level: float = 3.0  # pretraining stops at the first loss over this number
    departures: tuple[str, ...] = ()

    def changed(self, **values: Any) -> Settings:
        """These settings with some values replaced."""
        return replace(self, **values)

    def document(self) -> Mapping[str, Any]:
        """The settings for the result document."""
        return {name: value for name, value in asdict(self).items() if name != "departures"}


DEPARTURES = (
    "weight decay is 0 (theirs is chosen among 0, 1e-4, 1e-3 and 1e-2)",
    "the learning rate is chosen on 1000 validation points of their own (in the code read: on one "
    "batch, whose points are the first of the test points too)",
    FRESH + " (in the code read, one batch came back at every epoch from the second on)",
)
CALIBRATION = (
    "biases of the construction come from the ball of radius sqrt(D) + 6, not from test points"
)

# Defaults of the authors' code (configs/regression_config.py at eaeb7d3), width to test points.
AUTHORS = Settings(
    width=16,
    target_depth=1,
    frozen_depth=2,
    ranks=tuple(range(1, 17)),
    seeds=5,
    steps=5000,
    batch=256,
    rates=(1e-2, 1e-3, 1e-4),
    tests=5000,
    departures=DEPARTURES,
)
QUICK: Mapping[str, Any] = {
    "width": 8,
    "ranks": (1, 2, 3, 4, 6, 8),
    "seeds": 2,
    "steps": 400,
    "batch": 64,
    "rates": (1e-2, 3e-3),
    "tests": 2000,
    "pretraining_steps": 300,
    "departures": ("--quick: smaller than the authors' sizes in every respect",),
}
