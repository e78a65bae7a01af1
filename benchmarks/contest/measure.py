"""How contestants are measured: the same error first, then rounds in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from contest.problem import Batch, errors

Solve = Callable[[], tuple[Any, Any]]
Make = Callable[[Batch, float], Solve]
LOOSEST, SHARPEST = 4.0, 13.75


@dataclass
class Contestant:
    """``make(batch, tolerance)`` prepares (compiles, converts) and returns what is timed.

    ``most`` is how many instances of a batch a round takes (a loop costs the same for each one),
    ``grid`` the steps in which tolerances are searched, in decades, from ``loosest`` on; ``like``
    is a contestant of the same numbers, whose tolerance is taken over instead.
    """

    name: str
    make: Make
    most: int = 10**9
    grid: float = 0.125
    loosest: float = LOOSEST
    like: Contestant | None = None
    tolerance: float = 0.0
    error: float = float("nan")
    seconds: float = float("nan")
    slowest: float = float("nan")


def match(contestant: Contestant, batch: Batch, truth: Any, target: float) -> None:
    """The loosest tolerance on the grid with which the median error is at most the target."""
    if contestant.like:
        contestant.tolerance, contestant.error = contestant.like.tolerance, contestant.like.error
        return
    sample = batch.head(len(truth))
    places = np.arange(contestant.loosest, SHARPEST, contestant.grid)
    seen: dict[int, float] = {}

    def reached(place: int) -> float:
        if place not in seen:
            found = contestant.make(sample, 10.0 ** -places[place])()
            seen[place] = float(np.median(errors(found, truth)))
        return seen[place]

    low, high = 0, len(places) - 1
    while low < high:
        middle = (low + high) // 2
        if reached(middle) <= target:
            high = middle
        else:
            low = middle + 1
    contestant.tolerance, contestant.error = 10.0 ** -places[low], reached(low)


def race(contestants: list[Contestant], batch: Batch, rounds: int) -> None:
    """Seconds of processor time per instance: medians over rounds in which all take turns."""
    ready = []
    for contestant in contestants:
        part = batch.head(contestant.most)
        solve = contestant.make(part, contestant.tolerance)
        if contestant.most >= len(batch):
            solve()  # what compiles or allocates at first; a loop has been warmed by the search
        ready.append((contestant, solve, len(part)))
    taken: dict[str, list[float]] = {c.name: [] for c in contestants}
    for _ in range(rounds):
        for contestant, solve, count in ready:
            taken[contestant.name].append(timed(solve) / count)
    for contestant in contestants:
        seconds = taken[contestant.name]
        contestant.seconds, contestant.slowest = median(seconds), max(seconds)


def timed(solve: Callable[[], Any]) -> float:
    """Processor time of one call, all its threads together."""
    began = process_time()
    solve()
    return process_time() - began


def dgemm_peak(size: int = 512, rounds: int = 7) -> float:
    """Flops per second of NumPy's matrix product: the best of some rounds."""
    X, Y = np.random.default_rng(0).normal(size=(2, size, size))
    out = np.empty_like(X)
    best = min(timed(lambda: [np.matmul(X, Y, out=out) for _ in range(4)]) for _ in range(rounds))
    return 4 * 2 * size**3 / best
