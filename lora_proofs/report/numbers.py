"""The data of a plot as a table: what a face tells that does not draw."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import isfinite

from lora_proofs.report.axes import number
from lora_proofs.report.figure import Axis, Plot, Point, Series
from lora_proofs.report.text import plain
from lora_proofs.report.tree import Inlines, Table

MOST = 9  # points of a curve; all bars are told
_Row = tuple[Inlines, ...]


def tabled(plot: Plot) -> Table:
    """Every bar with its interval, and some points of each curve that has a name.

    >>> bars = Series("", ((-2.0, 5.0),), "bars", 1, ((-1.0, 5.0),))
    >>> [cell[0].text for cell in tabled(Plot(Axis("x", powers=True), Axis("n"), (bars,))).rows[0]]
    ['0.01 to 0.1', '5']
    """
    axes = ", ".join((plot.x.label or "across", plot.y.label or "up"))
    caption = f"{plot.title}: {axes}" if plot.title else axes
    rows = tuple(row for one in plot.series for row in _rows(one, plot))
    if any(one.look == "bars" for one in plot.series):
        header = (plot.x.label or "Interval", plot.y.label or "Count")
    else:
        header = ("Curve", "Points")
    return Table(caption, header, rows)


def _rows(one: Series, plot: Plot) -> Iterator[_Row]:
    if one.look == "bars":
        for low, high in zip(one.points, one.upper, strict=True):
            yield plain(one.label or _interval(low, high, plot.x)), plain(number(high[1], 12))
    elif one.label and any(other.look == "bars" for other in plot.series):
        places = ", ".join(_value(x, plot.x) for x, _ in one.points)
        yield plain(one.label), plain(f"a mark at {places}")
    elif one.label:
        yield plain(one.label), plain(_points(one))


def _interval(low: Point, high: Point, axis: Axis) -> str:
    return f"{_value(low[0], axis)} to {_value(high[0], axis)}"


def _value(value: float, axis: Axis) -> str:
    """The plain number, also where the axis counts powers of ten."""
    return number(10.0**value if axis.powers else value, 3)


def _points(series: Series) -> str:
    """At most ``MOST`` points from the first to the last, in the branches that the line has."""
    parts = [[*run] for known, run in groupby(series.points, _finite) if known]
    most = max(2, -(-MOST // max(len(parts), 1)))
    return "; then ".join(", ".join(map(_point, _chosen(part, most))) for part in parts)


def _finite(point: Point) -> bool:
    return all(map(isfinite, point))


def _chosen(points: list[Point], most: int) -> list[Point]:
    if len(points) <= most:
        return points
    return [points[round(k * (len(points) - 1) / (most - 1))] for k in range(most)]


def _point(point: Point) -> str:
    return f"({number(point[0], 4)}, {number(point[1], 4)})"
