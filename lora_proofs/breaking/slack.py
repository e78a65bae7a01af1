"""How close an instance comes to a counterexample: one number that moves can go by."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lora_proofs.arithmetic import Arithmetic, ArrayArithmetic, Comparison
from lora_proofs.arithmetic.comparison import size
from lora_proofs.breaking.fields import Path, entries, matrices, put
from lora_proofs.breaking.patterns import scaled
from lora_proofs.judging.counterexample import refuting
from lora_proofs.judging.evaluation import MEASURED, Judged, comparisons, ladder, settle
from lora_proofs.language.claim import Check, Claim
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import LOGARITHMIC_NORM, leanings

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


Degrees = Mapping[str, Mapping[frozenset[Path], int]]
"""By label: how a difference scales with each of some matrices, or with several together."""


def relative(found: Iterable[Comparison]) -> Slack:
    """The smallest slack, relative to both sides; equations count only where they fail.

    Where both sides are 0 nothing is compared: what is no strict inequality then guides nobody.

    >>> from lora_proofs.arithmetic import at_most, equal
    >>> relative([at_most("bound", 1, 3), at_most("zero", 0, 0), equal("same", 2, 2)]).value
    0.5
    """
    return _smallest(map(_relative, _compared(found)))


def _compared(found: Iterable[Comparison]) -> Iterable[Comparison]:
    return (c for c in found if not c.label.startswith(MEASURED))


def _smallest(slacks: Iterable[Slack]) -> Slack:
    best = Slack(FAR)
    for slack in slacks:
        if not slack.value >= best.value:
            best = slack
    return best


def _relative(c: Comparison) -> Slack:
    if c.relation == "=":
        gap = max((_gap(a, b) for a, b in _pairs(c)), default=0.0)
        return Slack(FAR if gap <= ROUNDING else -gap)
    strict, scale = c.relation == "<", abs(_float(c.left)) + abs(_float(c.right))
    if scale == 0:
        return Slack(0.0 if strict else FAR, strict)
    return Slack(_room(c) / scale, strict)


def _room(c: Comparison) -> float:
    left, right = _float(c.left), _float(c.right)
    return right - left if c.relation in ("<=", "<") else left - right


def _against_zero(c: Comparison) -> bool:
    """Whether one side alone is 0: beside it, every room is as large as its scale."""
    return c.relation != "=" and (_float(c.left) == 0) != (_float(c.right) == 0)


def _difference(c: Comparison, scale: float | None) -> Slack:
    """The slack of what is compared with 0, beside the size that its matrices give it."""
    strict, room = c.relation == "<", _room(c)
    if scale:
        return Slack(room / scale, strict)
    # Of an unknown scale: what is negative is looked at, however little it is.
    return Slack(min(room, -2 * ROUNDING) if room < 0 else room, strict)


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
    degrees: Degrees = field(default_factory=dict)

    @classmethod
    def of(cls, claim: Claim, samples: Sequence[Instance], digits: int) -> Guide:
        """float64 where it says on the samples what the claim's own arithmetics say."""
        check = refuting(claim)
        assert check is not None
        slow = cls(claim, check, ladder(claim.arithmetics, digits), False)
        fast = cls(claim, check, (ArrayArithmetic(),), True)
        agree = bool(samples) and all(_agree(fast, slow, instance) for instance in samples)
        guide = fast if agree and not any(map(fast._encloses, samples)) else slow
        return replace(guide, degrees=_degrees(guide, samples))

    def _encloses(self, instance: Instance) -> bool:
        """Whether the check encloses a flow, whatever it computes in: that is not fast."""
        with leanings() as heard:
            _told(self, instance)
        return LOGARITHMIC_NORM.name in heard

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
            held = relative(self._comparisons(assumption.holds, instance))
            if held.value < -ROUNDING or (held.strict and held.value == 0):
                return Slack(FAR)
        found = _compared(self._comparisons(self.check, instance))
        return _smallest(self._slack(c, instance) for c in found)

    def _slack(self, c: Comparison, instance: Instance) -> Slack:
        degrees = self.degrees.get(c.label)
        if degrees is None or not _against_zero(c):
            return _relative(c)
        return _difference(c, _scale(instance, degrees) if degrees else None)

    def _comparisons(self, check: Check, instance: Instance) -> tuple[Comparison, ...]:
        if self.fast:
            return comparisons(check, instance, self.rungs[0])
        judged: Judged = settle(check, instance, self.rungs)
        return judged.comparisons


SCALED = 2
"""Samples on which it is seen how a difference scales."""
FACTORS = (2, 3)


def _scale(instance: Instance, degrees: Mapping[frozenset[Path], int]) -> float:
    """The size that matrices of these degrees give a difference; 0 where one of them is 0."""
    found, scale = matrices(instance), 1.0
    for group, degree in degrees.items():
        norm = sum(float(x) ** 2 for p in group if p in found for row in found[p] for x in row)
        scale *= norm ** (degree / 2) if norm else 0.0
    return scale


def _degrees(guide: Guide, samples: Sequence[Instance]) -> Degrees:
    """The degrees of what is compared with 0 on every sample; none where samples disagree."""
    met = [(instance, _told(guide, instance) or ()) for instance in samples]
    pairs = ((c.label, pair) for _, found in met for c in found for pair in _pairs(c))
    sided = {label for label, (left, right) in pairs if _float(left) and _float(right)}
    told: dict[str, Mapping[frozenset[Path], int]] = {}
    fullest = sorted(met, key=lambda row: -sum(x != 0 for x in entries(row[0])))
    for k, (instance, found) in enumerate(fullest):
        for label, room in _rooms(found).items():
            if label not in sided and (k < SCALED or label not in told):
                degrees = _homogeneous(guide, instance, label, room)
                told[label] = degrees if told.get(label, degrees) == degrees else {}
    return told


def _homogeneous(
    guide: Guide, instance: Instance, label: str, room: float
) -> dict[frozenset[Path], int]:
    """The degree in each matrix that has one alone, and in all others together."""

    def degree(paths: Iterable[Path]) -> int | None:
        found = matrices(instance)
        powers = set()
        for factor in FACTORS:
            larger = put(instance, {p: scaled(found[p], factor) for p in paths})
            again = _told(guide, larger.replace(regimes=instance.regimes)) or ()
            powers.add(_power(_rooms(again).get(label, 0.0) / room, factor))
        return powers.pop() if len(powers) == 1 else None

    alone = {frozenset([p]): degree([p]) for p in matrices(instance)}
    rest = frozenset(p for group, k in alone.items() if k is None for p in group)
    together = {rest: degree(rest)} if rest else {}
    return {group: k for group, k in {**alone, **together}.items() if k}


def _power(ratio: float, factor: int) -> int | None:
    """The k with ratio = factor ** k; ``None`` where no whole number is."""
    if not 0 < ratio < FAR:
        return None
    k = round(math.log(ratio, factor))
    return k if abs(ratio / float(factor) ** k - 1) < 1e-6 else None


def _rooms(found: Iterable[Comparison]) -> dict[str, float]:
    """What is compared with 0, by label."""
    return {c.label: _room(c) for c in _compared(found) if _against_zero(c)}


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
    found = _told(guide, instance)
    return [_float(x) for c in found or () for pair in _pairs(c) for x in pair] or None


def _told(guide: Guide, instance: Instance) -> tuple[Comparison, ...] | None:
    """What the check compares; ``None`` where it cannot run."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return guide._comparisons(guide.check, instance)
    except MemoryError:
        raise
    except Exception:
        return None
