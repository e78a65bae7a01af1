"""Where the names of curves stand: beside their own curve, on nothing, in the plot.

Each name carries a sample of its line and marker, so that it says which curve it means even where
room is found only at some distance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lora_proofs.report.figure import Point
from lora_proofs.report.frame import Frame

KEY = 26.0  # the width of the sample, with the space after it
_NARROW, _WIDE = "iljtfrI.,:;'|()[]! ·", "mwMW∇Σ→⇒—%@"
AIR = 4.0  # between two names
_SPARSE = 7.0  # between the places of a line that a name should not cover
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A box that a name takes."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box, air: float = AIR) -> bool:
        """Whether two boxes overlap, or nearly."""
        return bool(_meet(self.x, self.y, self.width, self.height, other, air))


def extent(text: str, size: float) -> float:
    """About how wide a text is: fonts differ, so a little too wide.

    >>> extent("mm", 10.0) > extent("il", 10.0)
    True
    """
    widths = (0.38 if c in _NARROW else 0.95 if c in _WIDE else 0.62 for c in text)
    return size * sum(widths)


def dense(line: Sequence[Point]) -> Iterator[Point]:
    """Places along a polyline, close to each other.

    >>> len(list(dense([(0.0, 0.0), (28.0, 0.0)])))
    5
    """
    yield from line[:1]
    for (x, y), (u, v) in pairwise(line):
        count = max(1, round(max(abs(u - x), abs(v - y)) / _SPARSE))
        yield from ((x + (u - x) * k / count, y + (v - y) * k / count) for k in range(1, count + 1))


def placed(
    frame: Frame,
    names: Sequence[str],
    curves: Sequence[Sequence[Point]],
    behind: Sequence[Point],
    size: float,
) -> list[Box | None]:
    """A box for each name, beside its curve; nothing for a curve that has no place.

    ``curves`` are the dense places of the named curves, ``behind`` those of what has no name.
    """
    arrays = [np.array(curve, dtype=float).reshape(-1, 2) for curve in (*curves, behind[::2])]
    taken: list[Box] = []
    found: list[Box | None] = []
    for k, name in enumerate(names):
        box = _best(frame, name, k, arrays, taken, size) if len(arrays[k]) else None
        taken += [box] if box else []
        found.append(box)
    return found


def _best(
    frame: Frame, name: str, k: int, curves: Sequence[Array], taken: Sequence[Box], size: float
) -> Box:
    width, height = KEY + extent(name, size), size * 1.15
    corners = np.array(list(_candidates(frame, curves[k], width, height)))
    x, y = corners[:, 0], corners[:, 1]
    inside = (x - 2 >= frame.left) & (x + width <= frame.right)
    inside &= (y >= frame.top) & (y + height <= frame.bottom)
    corners = corners[inside] if inside.any() else corners[-1:]
    cost = _cost(corners, width, height, k, curves)
    if taken:
        met = [_meet(corners[:, 0], corners[:, 1], width, height, other, AIR) for other in taken]
        cost += 400.0 * np.any(met, axis=0)
    x, y = corners[int(np.argmin(np.round(cost, 6)))]
    return Box(float(x), float(y), width, height)


def _meet(x: Any, y: Any, width: float, height: float, other: Box, air: float) -> Any:
    """Whether boxes at these corners overlap another, or nearly; of one corner, or of arrays."""
    across = (x < other.x + other.width + air) & (other.x < x + width + air)
    return across & (y < other.y + other.height + air) & (other.y < y + height + air)


def _candidates(frame: Frame, curve: Array, width: float, height: float) -> Iterator[Point]:
    """Corners around places of the curve, then all over the plot."""
    for x, y in curve[:: max(1, len(curve) // 16)]:
        for gap in (6.0, 14.0, 26.0):
            for left in (x - width / 2, x - width - gap, x + gap):
                for top in (y - height - gap, y + gap, y - height / 2):
                    yield left, top
    across, down = frame.right - frame.left - width - 4, frame.bottom - frame.top - height
    for i in range(9):
        for j in range(9):
            yield frame.left + 3 + across * i / 8, frame.top + down * j / 8


def _cost(corners: Array, width: float, height: float, k: int, curves: Sequence[Array]) -> Array:
    """What a box covers, whether it stands nearer to another curve than its own, how far off."""
    gaps = [_distances(corners, width, height, curve) for curve in curves]
    covered = sum((gap < 9.0).sum(axis=1) for gap in gaps)
    own = np.sqrt(gaps[k].min(axis=1))
    others = [np.sqrt(gap.min(axis=1)) for j, gap in enumerate(gaps) if j != k and gap.shape[1]]
    confused = np.any([own + 3.0 > other for other in others], axis=0) if others else 0.0
    cost: Array = 40.0 * covered + 30.0 * confused + own / 2 - corners[:, 0] / 400
    return cost


def _distances(corners: Array, width: float, height: float, curve: Array) -> Array:
    """From each box to each place, squared."""
    across = _beyond(curve[:, 0] - corners[:, :1], width)
    across += _beyond(curve[:, 1] - corners[:, 1:], height)
    return across


def _beyond(from_start: Array, length: float) -> Array:
    """How far from an interval places are, squared, from where they are after its start."""
    found: Array = np.maximum(-from_start, from_start - length)
    np.maximum(found, 0.0, out=found)
    found *= found
    return found
