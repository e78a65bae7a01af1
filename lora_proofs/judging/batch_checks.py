"""One run of a check for a batch: the slack of each instance against its bound on the error.

Where the check goes different ways for different instances, those that go the way of the first are
done in one run, the others in another one. Where it raises, the batch is halved until the instance
that it raises on is alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from lora_proofs.arithmetic import Comparison
from lora_proofs.arithmetic.comparison import compared_by, size
from lora_proofs.arithmetic.leaning import leanings
from lora_proofs.errors import Unavailable
from lora_proofs.judging.batch_arithmetic import BatchArithmetic
from lora_proofs.judging.batch_draws import taken
from lora_proofs.judging.batch_numbers import Many, Unbatched, World, plain
from lora_proofs.judging.raising import shown
from lora_proofs.language.claim import Check
from lora_proofs.mathematics.instance import Instance

FLOAT = 1e-10
"""How far beyond rounding floats are trusted, as of single instances."""
ROUNDING = 4 * np.finfo(float).eps
MOST_RUNS = 8
"""Runs of a check for one batch: beyond that it goes too many ways."""
HOLDS, UNDECIDED, FAILS, RAISES, OPEN = 0, 1, 2, 3, 4


class Together(Comparison):
    """A comparison of many instances: a check that goes by its outcome cannot be batched."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("outcome", "slack", "radius", "rigorous", "__dict__"):
            raise Unbatched(f"it goes by the {name.strip('_')} of a comparison")
        return super().__getattribute__(name)


@dataclass
class Sides:
    """What a batch was compared by: label, relation, and per instance slack and radius."""

    label: str
    relation: str
    slack: np.ndarray
    radius: np.ndarray
    shared: bool = False
    """Whether it is one comparison for all, which says itself how it came out."""

    def outcomes(self) -> np.ndarray:
        """Holds, undecided or fails, of each instance."""
        if self.relation == "=":
            fine, bad = -self.slack <= self.radius, -self.slack > self.radius
        else:
            # Equal sides without any error are no suspects, but of a strict inequality.
            fine = self.slack > self.radius if self.relation == "<" else self.slack >= self.radius
            bad = self.slack < -self.radius
        return np.where(fine, HOLDS, np.where(bad, FAILS, UNDECIDED))


@dataclass
class _Collector:
    """Takes the place of comparing while a check runs on a batch."""

    world: World
    found: list[Sides] = field(default_factory=list)

    def __call__(
        self, label: str, left: Any, relation: str, right: Any, radius: Any
    ) -> Comparison | None:
        sides = [_entries(x) for x in (left, right)]
        if not any(type(x) is Many for side in sides for x in side):
            return None
        if len(sides[0]) != len(sides[1]) or (relation != "=" and len(sides[0]) != 1):
            raise Unbatched("it compares matrices of different shapes")
        pairs = [self._compared(label, a, relation, b, radius) for a, b in zip(*sides, strict=True)]
        self.found.append(_worst(pairs))
        none = (None,) * 3
        return Together(label, left, relation, right, *none, False)  # type: ignore[arg-type]

    def _compared(self, label: str, a: Any, relation: str, b: Any, stated: Any) -> Sides:
        (x, e), (y, f) = (self._parts(value) for value in (a, b))
        gap = x - y if relation == ">=" else y - x
        slack = -np.abs(gap) if relation == "=" else gap
        error = ROUNDING * (e + f + np.abs(x) + np.abs(y))
        if stated is not None:
            radius = self._parts(stated)[0] + error
        elif self.world.errors:
            radius = error if relation != "=" else np.maximum(error, FLOAT * (1 + abs(x) + abs(y)))
        else:
            radius = FLOAT * (1 + np.abs(x) + np.abs(y))
        return Sides(label, relation, slack, radius)

    def _parts(self, value: Any) -> tuple[np.ndarray, np.ndarray]:
        zeros = np.zeros(self.world.size)
        if type(value) is Many:
            return value.values, zeros if value.errors is None else value.errors
        number = plain(value)
        return zeros + (size(value) if number is None else number), zeros


def _entries(value: Any) -> list[Any]:
    return list(value.flat) if isinstance(value, np.ndarray) else [value]


def _worst(pairs: list[Sides]) -> Sides:
    """Of matrices, the entry of each instance that is furthest off its radius."""
    if len(pairs) == 1:
        return pairs[0]
    slacks = np.array([p.slack for p in pairs])
    radii = np.array([p.radius for p in pairs])
    worst = np.argmax(np.where(np.isnan(slacks), np.inf, -slacks - radii), axis=0)
    rows = np.arange(slacks.shape[1])
    return Sides(pairs[0].label, "=", slacks[worst, rows], radii[worst, rows])


@dataclass(frozen=True)
class Run:
    """One run of a check: which instances it stands for, and what it compared of them."""

    rows: np.ndarray
    sides: tuple[Sides, ...]
    outcomes: np.ndarray
    left_out: str = ""
    """Why what came after these comparisons was not computed."""
    spent: int = 0


@dataclass
class Runs:
    """All runs of a check for a batch."""

    size: int
    runs: list[Run] = field(default_factory=list)
    raised: list[int] = field(default_factory=list)
    left: int = 0
    """Instances that went ways of their own, too many to follow."""
    spent: int = 0
    """Operations on all instances of a run at once."""

    def outcomes(self) -> np.ndarray:
        """The outcome of each instance."""
        out = np.full(self.size, OPEN)
        for run in self.runs:
            out[run.rows] = run.outcomes
        out[self.raised] = RAISES
        return out

    @property
    def left_out(self) -> str:
        """Why some comparisons of the check were not computed; empty where all were."""
        return next((run.left_out for run in self.runs if run.left_out), "")


def run_batch(check: Check, together: Instance, rows: np.ndarray, *, errors: bool = False) -> Runs:
    """Run a check on the instances of a batch that ``rows`` names.

    Raises ``Unbatched`` where it cannot be run on more than one instance at once.
    """
    told, pending, count = Runs(int(rows.max()) + 1 if len(rows) else 0), [rows], 0
    while pending:
        some = pending.pop()
        if count >= MOST_RUNS:
            told.left += len(some)
            continue
        count += 1
        try:
            run, others = _run(check, together, some, errors)
        except Exception as error:
            if len(some) > 1 and not _raises_throughout(check, together, some, errors):
                pending += [some[len(some) // 2 :], some[: len(some) // 2]]
            elif len(some) > 1 and count == 1 and not errors:
                raise Unbatched(shown(error)) from None
            else:
                told.raised += map(int, some)
            continue
        told.runs.append(run)
        told.spent += run.spent
        if len(others):
            pending.append(others)
    return told


def _raises_throughout(check: Check, together: Instance, rows: np.ndarray, errors: bool) -> bool:
    """Whether the first and the last raise alone, too: then it is not one that spoils all."""
    for k in (rows[:1], rows[-1:]):
        try:
            _run(check, together, k, errors)
        except Exception:
            continue
        return False
    return True


def _run(
    check: Check, together: Instance, rows: np.ndarray, errors: bool
) -> tuple[Run, np.ndarray]:
    instance, world = taken(together, rows, errors=errors)
    collector, plainly, why = _Collector(world), [], ""
    with np.errstate(all="ignore"), leanings(), compared_by(collector):
        try:
            for told in _iterated(check(instance, BatchArithmetic(world=world))):
                if not isinstance(told, Comparison):
                    _not_comparing(told)
                if not isinstance(told, Together):
                    plainly.append(told)
                    slack = np.full(world.size, size(told.slack))
                    shared = Sides(told.label, told.relation, slack, 0 * slack, shared=True)
                    collector.found.append(shared)
        except Unavailable as lack:
            why = str(lack)
        except Unbatched as lack:
            why = str(lack)
    if why and not collector.found:
        raise Unbatched(why)
    outcomes = np.max(
        [s.outcomes() for s in collector.found if not s.shared] or [np.zeros(len(rows), int)],
        axis=0,
    )
    for told in plainly:
        outcomes = np.maximum(outcomes, {"holds": HOLDS, "fails": FAILS}.get(told.outcome, 1))
    alive = world.alive
    kept = tuple(
        Sides(s.label, s.relation, s.slack[alive], s.radius[alive]) for s in collector.found
    )
    return Run(rows[alive], kept, outcomes[alive], why, world.spent), rows[~alive]


def _iterated(found: Any) -> Iterable[Any]:
    if isinstance(found, Iterable):
        return found
    _not_comparing(found)


def _not_comparing(told: Any) -> NoReturn:
    raise Unbatched(f"it yields {type(told).__name__}, not comparisons")
