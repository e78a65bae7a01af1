"""A plot laid out on paper: where its frame stands, and where a point of the data falls in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from lora_proofs.report.axes import Scale, scale
from lora_proofs.report.figure import Plot, Point, Points

WIDTH = 420.0
LEFT, RIGHT, BOTTOM = 58.0, 12.0, 44.0
LINE = 19.0  # of text above the frame: the title, and what the y-axis says
HIGH, MOST = 210.0, 380.0  # of a frame; one with equal units is as high as these units ask


@dataclass(frozen=True)
class Frame:
    """The box of a plot in units of the drawing, y downwards, with the scales of its axes."""

    left: float
    top: float
    right: float
    bottom: float
    x: Scale
    y: Scale

    def at(self, point: Point) -> Point | None:
        """Where a point falls, perhaps outside the box; nothing where it has no place.

        >>> unit = Scale(0.0, 1.0, log=False)
        >>> Frame(10.0, 0.0, 20.0, 10.0, unit, unit).at((0.5, 0.25))
        (15.0, 7.5)
        """
        across, up = self.x.at(point[0]), self.y.at(point[1])
        if across is None or up is None:
            return None
        x = self.left + across * (self.right - self.left)
        return x, self.bottom - up * (self.bottom - self.top)

    def has(self, place: Point) -> bool:
        """Whether a place lies in the box."""
        x, y = place
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def framed(plot: Plot) -> Frame:
    """The frame of a plot that stands at the top of a drawing.

    >>> from lora_proofs.report.figure import Axis
    >>> frame = framed(Plot(Axis("t"), Axis("f"), ()))
    >>> frame.left, frame.top
    (58.0, 25.0)
    """
    points = [p for s in plot.series for p in (*s.points, *s.upper)]
    x, y = scale(plot.x, [p[0] for p in points]), scale(plot.y, [p[1] for p in points])
    top, right, high = 6.0 + LINE * (2 if plot.title else 1), WIDTH - RIGHT, HIGH
    if plot.square:
        high = min(MOST, (right - LEFT) * (y.high - y.low) / (x.high - x.low))
    return Frame(LEFT, top, right, top + high, x, y)


def pieces(frame: Frame, points: Points) -> list[list[Point]]:
    """The line through the points as polylines in the box; it breaks where a point has no place.

    >>> unit = Scale(0.0, 1.0, log=False)
    >>> box = Frame(0.0, 0.0, 10.0, 10.0, unit, unit)
    >>> pieces(box, ((0.0, 0.5), (2.0, 0.5)))
    [[(0.0, 5.0), (10.0, 5.0)]]
    """
    found: list[list[Point]] = []
    last: Point | None = None
    for place in map(frame.at, points):
        kept = _clipped(frame, last, place) if last and place else None
        if kept:
            joins = bool(found) and found[-1][-1] == kept[0]
            found[-1:] = [[*found[-1], kept[1]]] if joins else [*found[-1:], [*kept]]
        last = place
    return found


def _clipped(frame: Frame, start: Point, end: Point) -> tuple[Point, Point] | None:
    """The part of a segment inside the box (Liang and Barsky)."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    first, last = 0.0, 1.0
    sides = ((-dx, x - frame.left), (dx, frame.right - x), (-dy, y - frame.top))
    for step, room in (*sides, (dy, frame.bottom - y)):
        if step == 0 and room < 0:
            return None
        if step < 0:
            first = max(first, room / step)
        elif step > 0:
            last = min(last, room / step)
    if first > last:
        return None
    into = start if first == 0 else (x + first * dx, y + first * dy)
    return into, end if last == 1 else (x + last * dx, y + last * dy)


def stairs(points: Points) -> Points:
    """The corners of the function that keeps each value up to the next point.

    >>> stairs(((0.0, 2.0), (1.0, 1.0)))
    ((0.0, 2.0), (1.0, 2.0), (1.0, 1.0))
    """
    corners = [points[0]] if points else []
    for (_, before), (x, y) in pairwise(points):
        corners += [(x, before), (x, y)]
    return tuple(corners)
