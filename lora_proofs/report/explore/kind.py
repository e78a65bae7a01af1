"""A kind of bound: what a picture of a claim on an instance needs, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

import numpy as np

from lora_proofs.report.axes import number
from lora_proofs.report.explore.instance import Built
from lora_proofs.report.explore.path import Path
from lora_proofs.report.explore.setting import LOSSES, STARTS
from lora_proofs.report.figure import Axis, Figure, Plot, Series

Array = Any
ZERO_B = ("orthonormal", "gaussian", "spectral", "wrong")
FLAT = ("orthonormal", "spectral", "wrong")
ALIGNED = ("spectral", "wrong", "aligned", "saddle")
LEAST = 1e-12
"""Differences below this are roundings, and stay out of a picture with powers of ten."""


class NoBound(Exception):
    """Why nothing is drawn, in a sentence for the reader."""


Draw = Callable[[Built, Path], Figure]


@dataclass(frozen=True)
class Kind:
    """A kind of bound: how it is drawn, and what its claims assume of loss and start."""

    draw: Draw
    loss: str = ""
    starts: tuple[str, ...] = ()
    factors: bool = False
    names: tuple[str, ...] = ()

    def refusal(self, instance: Built) -> str:
        """Why the claim says nothing about the instance; empty where it may."""
        s = instance.setting
        if self.loss and s.loss != self.loss:
            return f"The claim is about the loss {LOSSES[self.loss]}: choose it to see the bound."
        if self.starts and s.start not in self.starts:
            fitting = "; ".join(STARTS[start] for start in self.starts)
            return f"The claim assumes another start: choose one of these to see it. {fitting}."
        return ""


def over_time(
    path: Path, label: str, measured: Array, bound: Array, names: tuple[str, str], log: bool = True
) -> Figure:
    """A quantity and its bound against time."""
    lines = (
        Series(names[0], points(path.t, measured), "line", 1),
        Series(names[1], points(path.t, np.broadcast_to(bound, path.t.shape)), "line", 2),
    )
    plot = Plot(Axis("time t", low=0.0), Axis(label, log=log), lines)
    return Figure("Bound", "", _told(names, measured, bound), (plot,))


def rounded(value: Any) -> str:
    """A number as a reader wants it.

    >>> rounded(1040.7), rounded(float("nan"))
    ('1041', 'not defined')
    """
    value = float(value)
    if not isfinite(value):
        return "not defined" if isnan(value) else "too large for floats"
    return number(value, 4)


def points(x: Array, y: Array) -> tuple[tuple[float, float], ...]:
    """The pairs whose second number is one."""
    pairs = ((float(a), float(b)) for a, b in zip(x, y, strict=True))
    return tuple((a, b) for a, b in pairs if np.isfinite(b))


def _told(names: tuple[str, str], measured: Array, bound: Array) -> str:
    known = np.asarray(measured)[np.isfinite(measured)]
    last = f"about {rounded(known[-1])}" if len(known) else "too small to be drawn"
    return f"At the end {names[0]} is {last}, {names[1]} is {rounded(np.ravel(bound)[-1])}."


def tail(sigma: Array, r: int) -> float:
    """sqrt(sum_{i > r} sigma_i^2)."""
    return float(np.linalg.norm(sigma[r:]))
