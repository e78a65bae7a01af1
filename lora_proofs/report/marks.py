"""The paths of a series: what hue, dash and marker make of its points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lora_proofs.report.figure import Point, Series
from lora_proofs.report.frame import Frame, pieces, stairs

# Okabe and Ito's colours, each with a dash and a marker of its own: grey print can tell them apart.
LIGHT = ("#444444", "#0072B2", "#D55E00", "#009E73", "#AA4499")
DARK = ("#cccccc", "#56B4E9", "#E69F00", "#2FC79A", "#E196BF")
DASHES = ("", "", "7 3.5", "2 3", "9 3 2 3")
THICK = 1.9
_MARKERS = (
    "m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0z",
    "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "m-4-4l8 8m0-8l-8 8",
    "m0-4.8l4.6 8h-9.2z",
    "m0-5l5 5l-5 5l-5-5z",
)


def coordinate(value: float) -> str:
    """A coordinate with one decimal, without a trailing zero and without -0.

    >>> coordinate(2.0), coordinate(-0.01), coordinate(0.25)
    ('2', '0', '0.2')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def polyline(line: Sequence[Point]) -> str:
    """The path through places of the drawing.

    >>> polyline([(0.0, 1.0), (2.5, 3.0)])
    'M0 1L2.5 3'
    """
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in line) if line else ""


def line_of(one: Series, frame: Frame) -> list[list[Point]]:
    """The polylines of a series in its frame; none for marks, bars and bands."""
    if one.look in ("marks", "bars", "band"):
        return []
    return pieces(frame, stairs(one.points) if one.look == "steps" else one.points)


def places_of(one: Series, frame: Frame) -> list[Point]:
    """Where the points of a series fall in the box."""
    return [place for place in map(frame.at, one.points) if place and frame.has(place)]


def drawn(one: Series, frame: Frame) -> str:
    """The series as SVG elements."""
    if one.look == "bars":
        return _filled(one, _bars(one, frame), 0.55)
    if one.look == "band":
        return _filled(one, _between(one, frame), 0.3)
    lines = line_of(one, frame)
    path = "".join(map(polyline, lines))
    if one.look == "arrows":
        path += "".join(polyline(arrowhead(line)) for line in lines)
    return _lined(one, path) + _dotted(one, places_of(one, frame))


def stroked(path: str, hue: int, *, dash: str = "", width: float = THICK) -> str:
    """A path in the colour of a hue, with a dash; nothing for no path.

    >>> stroked("M0 0L1 1", 1)
    '<path class="h1" stroke="#0072B2" stroke-width="1.9" d="M0 0L1 1"/>'
    """
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    look = f'class="h{hue}" stroke="{LIGHT[hue]}" stroke-width="{coordinate(width)}"{dashed}'
    return f'<path {look} d="{path}"/>' if path else ""


def _lined(one: Series, path: str) -> str:
    """A line as the look of its series asks: thin and dashed for rules, thin for arrows."""
    if one.look == "marks":
        return ""
    if one.look == "rule":
        return stroked(path, one.hue, dash="3 3", width=1.0)
    thin = one.look == "arrows"
    return stroked(path, one.hue, dash=DASHES[one.hue], width=1.0 if thin else THICK)


def marked(places: Sequence[Point], hue: int) -> str:
    """The marker of a hue at each place: hollow, so that what coincides shows."""
    at = (f"M{coordinate(x)} {coordinate(y)}{_MARKERS[hue]}" for x, y in places)
    return stroked("".join(at), hue, width=1.5)


def sample(one: Series, x: float, y: float) -> str:
    """The key before a name: 20 wide, around the height y."""
    if one.look in ("bars", "band"):
        box = f"M{coordinate(x)} {coordinate(y - 5)}h20v10h-20z"
        return _filled(one, box, 0.55 if one.look == "bars" else 0.3)
    line = f"M{coordinate(x)} {coordinate(y)}h20"
    line += "m-4-4l4 4l-4 4" if one.look == "arrows" else ""
    return _lined(one, line) + _dotted(one, [(x + 10, y)])


def _dotted(one: Series, places: Sequence[Point]) -> str:
    return marked(places, one.hue) if one.look in ("marks", "both") else ""


def _filled(one: Series, path: str, opacity: float) -> str:
    colour = f'class="f{one.hue}" fill="{LIGHT[one.hue]}" fill-opacity="{opacity}"'
    return f'<path {colour} d="{path}"/>' if path else ""


def _bars(one: Series, frame: Frame) -> str:
    path = ""
    for low, high in zip(map(frame.at, one.points), map(frame.at, one.upper), strict=True):
        if low and high and low[1] < frame.bottom:
            left, right = max(low[0] + 0.5, frame.left), min(high[0] - 0.5, frame.right)
            top = max(low[1], frame.top)
            path += f"M{coordinate(left)} {coordinate(frame.bottom)}V{coordinate(top)}"
            path += f"H{coordinate(right)}V{coordinate(frame.bottom)}z"
    return path


def _between(one: Series, frame: Frame) -> str:
    pairs = zip(map(frame.at, one.points), map(frame.at, one.upper), strict=True)
    known = [(low, high) for low, high in pairs if low and high]
    edge = [low for low, _ in known] + [high for _, high in reversed(known)]
    inside = [(x, min(max(y, frame.top), frame.bottom)) for x, y in edge]
    return polyline(inside) + "z" if inside else ""


def arrowhead(line: Sequence[Point]) -> list[Point]:
    """A chevron in the middle of a polyline, along it; nothing on a line without length.

    >>> arrowhead([(0.0, 0.0), (20.0, 0.0)])
    [(4.0, 3.5), (10.0, 0.0), (4.0, -3.5)]
    """
    lengths = [((u - x) ** 2 + (v - y) ** 2) ** 0.5 for (x, y), (u, v) in pairwise(line)]
    left = sum(lengths) / 2
    for k, length in enumerate(lengths):
        if length and left <= length:
            (x, y), (u, v) = line[k], line[k + 1]
            dx, dy, part = (u - x) / length, (v - y) / length, left / length
            return _chevron((x + part * (u - x), y + part * (v - y)), (dx, dy))
        left -= length
    return []


def _chevron(tip: Point, along: Point) -> list[Point]:
    (x, y), (dx, dy) = tip, along
    back = (x - 6 * dx, y - 6 * dy)
    return [
        (back[0] - 3.5 * dy, back[1] + 3.5 * dx),
        tip,
        (back[0] + 3.5 * dy, back[1] - 3.5 * dx),
    ]
