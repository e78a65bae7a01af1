"""How close an instance comes to a counterexample: one number that moves can go by."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.arithmetic import Arithmetic, ArrayArithmetic, Comparison
from lora_proofs.arithmetic.comparison import size
from lora_proofs.judging.counterexample import refuting
from lora_proofs.judging.evaluation import MEASURED, Judged, comparisons, ladder, settle
from lora_proofs.language.claim import Check, Claim
from lora_proofs.mathematics.instance import Instance

ROUNDING = 1e-9
"""Relative differences below this are rounding in float64."""
FAR = math.inf
"""The slack of what is no instance, or cannot be evaluated."""


@dataclass(frozen=True)
class Slack:
    """The smallest relative slack of some comparisons, and whether 0 is enough to fail.

    ``value`` is negative where a comparison fails, infinite where nothing guides.
    """

    value: float
    strict: bool = False

    @property
    def suspicious(self) -> bool:
        """Whether rigour should look: it fails, it is not a number, or a strict one is tied."""
        return not self.value >= -ROUNDING or (self.strict and self.value <= ROUNDING)


def relative(found: Iterable[Comparison]) -> Slack:
    """The smallest slack, relative to both sides; equations count only where they fail.

    >>> from lora_proofs.arithmetic import at_most, equal
    >>> relative([at_most("bound", 1, 3), equal("same", 2, 2)]).value
    0.5
    """
    best = Slack(FAR)
    for comparison in found:
        if comparison.label.startswith(MEASURED):
            continue
        slack = _relative(comparison)
        if not slack.value >= best.value:
            best = slack
    return best


def _relative(c: Comparison) -> Slack:
    if c.relation == "=":
        gap = max((_gap(a, b) for a, b in _pairs(c)), default=0.0)
        return Slack(FAR if gap <= ROUNDING else -gap)
    left, right = _float(c.left), _float(c.right)
    room = right - left if c.relation in ("<=", "<") else left - right
    scale = abs(left) + abs(right)
    return Slack(room / scale if scale else room, c.relation == "<")


def _pairs(c: Comparison) -> Iterable[tuple[Any, Any]]:
    if isinstance(c.left, np.ndarray):
        return zip(c.left.flat, np.asarray(c.right).flat, strict=True)
    return ((c.left, c.right),)


def _gap(a: Any, b: Any) -> float:
    left, right = _float(a), _float(b)
    # Beside a scale of 1: an entry that is 0 but for rounding is no failure.
    return abs(left - right) / max(1.0, abs(left) + abs(right))


def _float(x: Any) -> float:
    try:
        return size(x)
    except OverflowError:
        return math.inf


@dataclass(frozen=True)
class Guide:
    """The arithmetic in which moves are weighed: float64, or the rungs that the claim declares."""

    claim: Claim
    check: Check
    rungs: Sequence[Arithmetic]
    fast: bool

    @classmethod
    def of(cls, claim: Claim, samples: Sequence[Instance], digits: int) -> Guide:
        """float64 where it says on the samples what the claim's own arithmetics say."""
        check = refuting(claim)
        assert check is not None
        slow = cls(claim, check, ladder(claim.arithmetics, digits), False)
        fast = cls(claim, check, (ArrayArithmetic(),), True)
        agree = bool(samples) and all(_agree(fast, slow, instance) for instance in samples)
        return fast if agree else slow

    def weigh(self, instance: Instance) -> Slack:
        """The relative slack; infinite where an assumption fails or the check cannot run."""
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._weigh(instance)
        except MemoryError:
            raise
        except Exception:
            return Slack(FAR)

    def _weigh(self, instance: Instance) -> Slack:
        for assumption in self.claim.assumptions:
            held = self._comparisons(assumption.holds, instance)
            if relative(held).value < -ROUNDING:
                return Slack(FAR)
        return relative(self._comparisons(self.check, instance))

    def _comparisons(self, check: Check, instance: Instance) -> tuple[Comparison, ...]:
        if self.fast:
            return comparisons(check, instance, self.rungs[0])
        judged: Judged = settle(check, instance, self.rungs)
        return judged.comparisons


def _agree(fast: Guide, slow: Guide, instance: Instance) -> bool:
    """Whether both give the same sides on an instance, or both none."""
    exact, floats = _sides(slow, instance), _sides(fast, instance)
    if exact is None or floats is None or len(exact) != len(floats):
        return exact is None
    return all(
        abs(a - b) <= 1e-6 * max(1.0, abs(a), abs(b)) for a, b in zip(exact, floats, strict=True)
    )


def _sides(guide: Guide, instance: Instance) -> list[float] | None:
    """Every number that the check compares; ``None`` where it cannot run."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = guide._comparisons(guide.check, instance)
    except MemoryError:
        raise
    except Exception:
        return None
    return [_float(x) for c in found for pair in _pairs(c) for x in pair] or None
