"""How much room comparisons leave: the smallest slack, absolute and relative, and where it is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import Comparison
from lora_proofs.arithmetic.comparison import plainly, size
from lora_proofs.arithmetic.recorded import bare
from lora_proofs.judging.evaluation import MEASURED
from lora_proofs.mathematics.instance import Instance

BINS, LOWEST = 24, -12
"""The histogram of relative slacks: so many bins between 10 to this power and 1."""


def relative(c: Comparison) -> float | None:
    """The slack over the larger side in absolute value; ``None`` where both sides are 0.

    >>> from lora_proofs.arithmetic import at_most
    >>> relative(at_most("bound", 3, 4)), relative(at_most("bound", 0, 0))
    (0.25, None)
    """
    largest = max((x for side in (c.left, c.right) for x in _entries(side)), key=_magnitude)
    if _magnitude(largest) == 0:
        return None
    slack = bare(plainly(c, "slack"))
    exact = isinstance(slack, flint.fmpq) and isinstance(largest, flint.fmpq)
    # Exact numbers beyond the range of floats have a ratio within it.
    found = size(slack / abs(largest)) if exact else size(slack) / _magnitude(largest)
    return found if math.isfinite(found) else None


def _entries(side: Any) -> list[Any]:
    values = list(side.flat) if isinstance(side, np.ndarray) else [side]
    return [bare(x) for x in values]


def _magnitude(x: Any) -> float:
    return abs(size(x) if isinstance(x, flint.fmpq | flint.arb) else float(x))


def margin(c: Comparison) -> str:
    """The relative slack as text of three digits, empty where there is none.

    >>> from lora_proofs.arithmetic import at_most
    >>> margin(at_most("bound", 4, 3))
    '-0.25'
    """
    found = relative(c)
    return "" if found is None else f"{found:.3g}"


@dataclass
class Spread:
    """How many instances leave how much relative room, in half decades: one count an instance.

    >>> spread = Spread()
    >>> spread.count(0.2)
    >>> spread.told()["counts"][-2:]
    [1, 0]
    """

    zero: int = 0
    below: int = 0
    above: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * BINS)

    def count(self, room: float) -> None:
        """Count an instance by the least room that its inequalities leave."""
        at = math.floor(BINS / -LOWEST * (math.log10(room) - LOWEST)) if room > 0 else 0
        if room <= 0:
            self.zero += 1
        elif at < 0:
            self.below += 1
        elif room > 1:
            self.above += 1
        else:
            self.counts[min(at, BINS - 1)] += 1

    def told(self) -> dict[str, Any]:
        """Plain data: ``counts`` runs in equal steps of the logarithm from ``low`` to ``high``."""
        if not self.zero + self.below + self.above + sum(self.counts):
            return {}
        ends = {"low": LOWEST, "high": 0, "counts": list(self.counts)}
        return {**ends, "zero": self.zero, "below": self.below, "above": self.above}


@dataclass
class Tightest:
    """The inequality that left the least room in relation to its sides."""

    slack: float | None = None
    zeros: bool = False
    """Some inequality compared 0 with 0: that it leaves no room says nothing."""
    relative: float | None = None
    place: tuple[str, Instance, Comparison] | None = None
    order: tuple[float, float, int] | None = None
    tight: int = 0
    """Instances on which some inequality holds with equal sides that are not 0."""
    spread: Spread = field(default_factory=Spread)

    def meet(self, regime: str, instance: Instance, found: Iterable[Comparison]) -> None:
        """Take in the comparisons of an instance."""
        compared = [c for c in found if _counts(c)]
        rooms = [(room, c) for c in compared if (room := relative(c)) is not None]
        self.zeros |= len(rooms) < len(compared)
        self.tight += any(room == 0 for room, _ in rooms)
        if rooms:
            self.spread.count(min(room for room, _ in rooms))
        for room, c in rooms:
            slack = size(plainly(c, "slack"))
            self.slack = slack if self.slack is None else min(self.slack, slack)
            order = _order(room, slack, instance)
            if self.order is None or order < self.order:
                self.order, self.relative, self.place = order, room, (regime, instance, c)

    def smallest(self) -> str:
        """The smallest slack as text; of nothing but zeros it is 0."""
        return f"{self.slack:.3g}" if self.slack is not None else ("0" if self.zeros else "")

    def told(self) -> dict[str, Any] | None:
        """The place as plain data: regime, instance and comparison."""
        if self.place is None:
            return None
        regime, instance, c = self.place
        comparison = {**c.to_dict(), "relative": margin(c)}
        comparison.pop("outcome")
        return {"regime": regime, "instance": instance.to_json(), "comparison": comparison}


def _order(room: float, slack: float, instance: Instance) -> tuple[float, float, int]:
    """Less relative room first, then less room; of equal sides, which are many, the short ones."""
    return room, slack, len(repr(instance)) if slack == 0 else 0


def _counts(c: Comparison) -> bool:
    decided = plainly(c, "outcome") == "holds" and not math.isnan(size(plainly(c, "slack")))
    return c.relation != "=" and not c.label.startswith(MEASURED) and decided
