"""The data of a plot as a table: what a face tells that does not draw."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, zip_longest
from math import isfinite

from lora_proofs.report.axes import number
from lora_proofs.report.figure import Axis, Figure, Plot, Point, Series
from lora_proofs.report.text import plain
from lora_proofs.report.tree import Inlines, Table, Text

MOST = 9  # points of a curve; all bars are told
_Row = tuple[Inlines, ...]
_Pair = tuple[Point, Point | None]


def tabled(plot: Plot) -> Table:
    """Every bar with its interval, and some points of each curve.

    >>> bars = Series("found", ((-2.0, 5.0),), "bars", 1, ((-1.0, 5.0),))
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
            what = one.label if one.beside else _interval(low, high, plot.x)
            yield plain(what), plain(number(high[1], 12))
    elif any(other.look == "bars" for other in plot.series):
        places = ", ".join(_value(x, plot.x) for x, _ in one.points)
        yield plain(one.label), plain(f"a mark at {places}")
    else:
        yield plain(one.label), plain(_points(one))


def _interval(low: Point, high: Point, axis: Axis) -> str:
    return f"{_value(low[0], axis)} to {_value(high[0], axis)}"


def _value(value: float, axis: Axis) -> str:
    """The plain number, also where the axis counts powers of ten."""
    return number(10.0**value if axis.powers else value, 3)


def _points(series: Series) -> str:
    """At most ``MOST`` points from the first to the last, in the branches that the line has."""
    pairs = zip_longest(series.points, series.upper)
    parts = [[*run] for known, run in groupby(pairs, _finite) if known]
    most = max(2, -(-MOST // max(len(parts), 1)))
    return "; then ".join(", ".join(map(_point, _chosen(part, most))) for part in parts)


def _finite(pair: _Pair) -> bool:
    return all(map(isfinite, pair[0]))


def _chosen(points: list[_Pair], most: int) -> list[_Pair]:
    if len(points) <= most:
        return points
    return [points[round(k * (len(points) - 1) / (most - 1))] for k in range(most)]


def _point(pair: _Pair) -> str:
    """A point, or both ends of a band there."""
    (x, y), upper = pair
    reach = f" to {number(upper[1], 4)}" if upper else ""
    return f"({number(x, 4)}, {number(y, 4)}{reach})"


def in_words(figure: Figure) -> str:
    """What a reader who does not see a figure should know, with the numbers of every series.

    >>> f = Series("f", ((0.0, 1.0), (1.0, 2.0)))
    >>> in_words(Figure("F", "", "It grows.", (Plot(Axis("t"), Axis("value"), (f,)),)))
    'It grows. t, value: f: (0, 1), (1, 2).'
    """
    tables = [table for table in map(tabled, figure.plots) if table.rows]
    return " ".join([figure.told, *map(_sentence, tables)])


def _sentence(table: Table) -> str:
    cells = ([_text(cell) for cell in row] for row in table.rows)
    return f"{table.caption}: {'; '.join(f'{name}: {value}' for name, value in cells)}."


def _text(cell: Inlines) -> str:
    return "".join(node.text for node in cell if isinstance(node, Text))
