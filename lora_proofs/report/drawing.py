"""Figures for LaTeX's own ``picture``: no package, so lines are chains of straight ``qbezier``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lora_proofs.report.axes import ticks
from lora_proofs.report.figure import Figure, Plot, Point, Series
from lora_proofs.report.frame import BOTTOM, WIDTH, Frame, framed
from lora_proofs.report.glyphs import typed
from lora_proofs.report.marks import arrowhead, line_of, places_of

_MARKERS = (r"$\bullet$", r"$\circ$", r"$\times$", r"$\triangle$", r"$\diamond$")
# Drawn and left out in turn, in units of the drawing: hues differ in grey too.
_DASHES: tuple[tuple[float, ...], ...] = ((), (), (8.0, 4.0), (2.5, 3.5), (10.0, 3.0, 2.0, 3.0))
_RULE = (3.0, 3.0)
_STEP = 2.0  # places of a curve closer than this are one


def picture(figure: Figure) -> str:
    """The plots of a figure, one below the other, with a key to their curves.

    >>> from lora_proofs.report.figure import Axis
    >>> made = picture(Figure("", "", "", (Plot(Axis("t"), Axis("50%"), ()),)))
    >>> "50" + chr(92) + "%" in made
    True
    """
    return "\\par\\medskip\n".join(map(_plot, figure.plots))


def _plot(plot: Plot) -> str:
    frame = framed(plot)
    high = frame.bottom + BOTTOM
    parts = [*_axes(plot, frame), *(part for one in plot.series for part in _series(one, frame))]
    body = "%\n".join(_turned(part, high) for part in parts)
    key = "\\quad ".join(_key(one) for one in plot.series if one.label)
    return (
        "{\\setlength\\unitlength{0.7pt}\\scriptsize\n"
        f"\\begin{{picture}}({WIDTH:g},{high:g})\n{body}\n\\end{{picture}}\\par\n"
        f"{{\\raggedright {key}\\par}}}}"
    )


_Part = tuple[str, Sequence[Point]]


def _turned(part: _Part, high: float) -> str:
    """A part with its places, which have y downwards, the other way up."""
    text, places = part
    shown = [f"({round(x, 1):g},{round(high - y, 1):g})" for x, y in places]
    return text.format(*shown) if shown else text


def _axes(plot: Plot, frame: Frame) -> Iterator[_Part]:
    wide, high = frame.right - frame.left, frame.bottom - frame.top
    yield rf"\put{{0}}{{{{\line(1,0){{{{{wide:g}}}}}}}}}", [(frame.left, frame.bottom)]
    yield rf"\put{{0}}{{{{\line(0,1){{{{{high:g}}}}}}}}}", [(frame.left, frame.bottom)]
    for value, text in ticks(plot.x, frame.x, 6):
        if place := frame.at((value, frame.y.high)):
            x = place[0]
            yield r"\put{0}{{\line(0,1){{4}}}}", [(x, frame.bottom)]
            yield _label(text, "t"), [(x, frame.bottom + 6)]
    for value, text in ticks(plot.y, frame.y, 5):
        if place := frame.at((frame.x.high, value)):
            yield r"\put{0}{{\line(1,0){{4}}}}", [(frame.left, place[1])]
            yield _label(text, "r"), [(frame.left - 5, place[1])]
    middle = (frame.left + frame.right) / 2
    yield _label(plot.x.label, "t"), [(middle, frame.bottom + 24)]
    title = f"{plot.title}: {plot.y.label}" if plot.title else plot.y.label
    yield _label(title, "lb"), [(4.0, frame.top - 7)]


def _label(text: str, side: str) -> str:
    shown = typed(text).replace("{", "{{").replace("}", "}}")
    return rf"\put{{0}}{{{{\makebox(0,0)[{side}]{{{{{shown}}}}}}}}}"


def _series(one: Series, frame: Frame) -> Iterator[_Part]:
    if one.look == "bars":
        yield from _bars(one, frame)
    elif one.look == "band":
        for edge in (one.points, one.upper):
            places = [p for p in map(frame.at, edge) if p and frame.has(p)]
            yield from _drawn(places, _RULE)
    else:
        thin = one.look in ("rule", "arrows")
        yield "" if thin else r"\thicklines", []
        for line in line_of(one, frame):
            yield from _drawn(line, _RULE if one.look == "rule" else _DASHES[one.hue])
            if one.look == "arrows":
                yield from _drawn(arrowhead(line), ())
        yield r"\thinlines", []
    if one.look in ("marks", "both"):
        for place in places_of(one, frame):
            yield rf"\put{{0}}{{{{\makebox(0,0){{{{{_MARKERS[one.hue]}}}}}}}}}", [place]


def _bars(one: Series, frame: Frame) -> Iterator[_Part]:
    for low, high in zip(map(frame.at, one.points), map(frame.at, one.upper), strict=False):
        if low and high and low[1] < frame.bottom:
            left, right = max(low[0], frame.left), min(high[0], frame.right)
            corners = [(left, frame.bottom), (left, low[1]), (right, low[1]), (right, frame.bottom)]
            yield from _drawn(corners, ())


def _drawn(line: Sequence[Point], dash: tuple[float, ...]) -> Iterator[_Part]:
    """A polyline in straight strokes, with gaps where its dash has them."""
    kept = list(line[:1])
    for place in line[1:]:
        if _far(kept[-1], place):
            kept.append(place)
    at, index = 0.0, 0
    for start, end in pairwise(kept):
        length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
        done = 0.0
        while dash and length - done > dash[index] - at:
            upto = done + dash[index] - at
            if index % 2 == 0:
                yield from _stroke(
                    _along(start, end, done / length), _along(start, end, upto / length)
                )
            done, at, index = upto, 0.0, (index + 1) % len(dash)
        if length > done and index % 2 == 0:
            yield from _stroke(_along(start, end, done / length), end)
        at += length - done


def _far(before: Point, place: Point) -> bool:
    return max(abs(before[0] - place[0]), abs(before[1] - place[1])) > _STEP


def _along(start: Point, end: Point, part: float) -> Point:
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def _stroke(start: Point, end: Point) -> Iterator[_Part]:
    """A straight stroke; LaTeX cannot draw one that is nearly a point."""
    if max(abs(start[0] - end[0]), abs(start[1] - end[1])) >= 0.5:
        yield r"\qbezier{0}{1}{2}", [start, _along(start, end, 0.5), end]


def _key(one: Series) -> str:
    """A sample of a curve's line and marker, before its name."""
    dash = _RULE if one.look in ("rule", "band") else _DASHES[one.hue]
    line = [] if one.look == "marks" else list(_drawn([(0.0, 4.0), (26.0, 4.0)], dash))
    if one.look == "arrows":
        line += _drawn(arrowhead([(0.0, 4.0), (26.0, 4.0)]), ())
    marker = _MARKERS[one.hue] if one.look in ("marks", "both") else ""
    mark = [(rf"\put{{0}}{{{{\makebox(0,0){{{{{marker}}}}}}}}}", [(13.0, 4.0)])] if marker else []
    thick = "" if one.look in ("rule", "band", "arrows") else r"\thicklines"
    body = thick + "".join(_turned(part, 8.0) for part in [*line, *mark])
    return rf"\mbox{{\begin{{picture}}(28,8){body}\end{{picture}} {typed(one.label)}}}"
