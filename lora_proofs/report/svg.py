"""Figures as SVG: the same bytes for the same figure, readable in grey, in light and in dark.

Text is text, nothing has an id (many figures stand in one page), nothing is fetched and nothing
runs. Without a style sheet the drawing is complete, in light colours and the page's ink; a page
with dark colours includes ``STYLE`` once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape

from lora_proofs.report.axes import ticks
from lora_proofs.report.figure import Figure, Plot, Point, Series
from lora_proofs.report.frame import BOTTOM, LINE, WIDTH, Frame, framed
from lora_proofs.report.labels import KEY, Box, dense, placed
from lora_proofs.report.marks import (
    DARK,
    LIGHT,
    coordinate,
    drawn,
    line_of,
    places_of,
    sample,
)

SIZE, SMALL = 14.0, 13.0
_HUES = range(len(LIGHT))
STYLE = "\n".join(
    [
        *(f".lora-figure .h{k} {{ stroke: var(--hue-{k}, {LIGHT[k]}); }}" for k in _HUES),
        *(f".lora-figure .f{k} {{ fill: var(--hue-{k}, {LIGHT[k]}); }}" for k in _HUES),
        "@media (prefers-color-scheme: dark) { .lora-figure { "
        + " ".join(f"--hue-{k}: {DARK[k]};" for k in _HUES)
        + " } }",
    ]
)
_ALONE = """
.lora-figure { color: #1b1f24; background: #ffffff; }
@media (prefers-color-scheme: dark) { .lora-figure { color: #e4e8ec; background: #12161b; } }
"""
# What XML 1.0 cannot hold, and what turns the direction of text.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)


@lru_cache(maxsize=256)
def to_svg(figure: Figure, *, alone: bool = False) -> str:
    """The figure as one ``svg`` element; ``alone`` is a file of its own, for both schemes.

    >>> from lora_proofs.report.figure import Axis
    >>> plot = Plot(Axis("t"), Axis("f"), (Series("f", ((0.0, 1.0), (1.0, 2.0))),))
    >>> drawn = to_svg(Figure("<Loss>", "", "It grows.", (plot,)))
    >>> "<title>&lt;Loss&gt;</title>" in drawn
    True
    """
    below, body = 0.0, []
    for plot in figure.plots:
        frame = framed(plot)
        body.append(f'<g transform="translate(0 {coordinate(below)})">')
        body += [*_axes(plot, frame), *_curves(plot, frame), "</g>"]
        below += frame.bottom + BOTTOM
    size = f'width="{coordinate(WIDTH)}" height="{coordinate(below)}"'
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" class="lora-figure" role="img" '
        f'viewBox="0 0 {coordinate(WIDTH)} {coordinate(below)}" {size} '
        f'aria-label="{safe(f"{figure.title}. {figure.told}")}" fill="none" '
        f"font-family=\"system-ui, 'Segoe UI', 'Liberation Sans', 'DejaVu Sans', sans-serif\" "
        f'font-size="{coordinate(SIZE)}" stroke-linejoin="round">'
    )
    told = f"<title>{safe(figure.title)}</title>\n<desc>{safe(figure.told)}</desc>"
    style = [f"<style>{STYLE}{_ALONE}</style>"] if alone else []
    return "\n".join([head, told, *style, *filter(None, body), "</svg>"])


def safe(text: str) -> str:
    """Text for an element or an attribute: escaped, in one line, without control characters.

    >>> safe('<script>"&')
    '&lt;script&gt;&quot;&amp;'
    """
    return escape(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split())))


def _axes(plot: Plot, frame: Frame) -> Iterator[str]:
    """Grid, axes, ticks with their numbers, and what the axes say."""
    across = [(frame.at((v, frame.y.high)), text) for v, text in ticks(plot.x, frame.x, 5)]
    up = [(frame.at((frame.x.high, v)), text) for v, text in ticks(plot.y, frame.y, 5)]
    xs = [(place[0], text) for place, text in across if place]
    ys = [(place[1], text) for place, text in up if place]
    left, right, top, bottom = (
        coordinate(v) for v in (frame.left, frame.right, frame.top, frame.bottom)
    )
    grid = "".join(f"M{coordinate(x)} {top}V{bottom}" for x, _ in xs)
    grid += "".join(f"M{left} {coordinate(y)}H{right}" for y, _ in ys)
    yield f'<path stroke="currentColor" stroke-opacity="0.14" d="{grid}"/>' if grid else ""
    yield f'<path stroke="currentColor" d="M{left} {top}V{bottom}H{right}"/>'
    yield _group([_at(x, frame.bottom + 17, t) for x, t in xs], "middle")
    yield _group([_at(frame.left - 6, y + 4.5, t) for y, t in ys], "end")
    middle = (frame.left + frame.right) / 2
    yield _group([_at(middle, frame.bottom + 36, plot.x.label)], "middle")
    above = [_at(4.0, frame.top - 7, plot.y.label)]
    yield _group(above, "start")
    if plot.title:
        title = _at(4.0, frame.top - 7 - LINE, plot.title)
        yield f'<g fill="currentColor" font-weight="600">{title}</g>'


def _at(x: float, y: float, text: str) -> str:
    return f'<text x="{coordinate(x)}" y="{coordinate(y)}">{safe(text)}</text>'


def _group(texts: list[str], anchor: str, size: float = SMALL) -> str:
    look = f'fill="currentColor" font-size="{coordinate(size)}" text-anchor="{anchor}"'
    return f"<g {look}>{''.join(texts)}</g>" if texts else ""


def _curves(plot: Plot, frame: Frame) -> Iterator[str]:
    """Fillings behind, lines in front of them, names on top."""
    behind = [s for s in plot.series if s.look in ("band", "bars")]
    yield from (drawn(s, frame) for s in behind)
    yield from (drawn(s, frame) for s in plot.series if s not in behind)
    obstacles = [_obstacle(s, frame) for s in plot.series]
    named = [(s, o) for s, o in zip(plot.series, obstacles, strict=True) if s.label]
    rest = [p for s, o in zip(plot.series, obstacles, strict=True) if not s.label for p in o]
    boxes = placed(frame, [s.label for s, _ in named], [o for _, o in named], rest, SMALL)
    yield from (_name(s, box) for (s, _), box in zip(named, boxes, strict=True) if box)


def _obstacle(one: Series, frame: Frame) -> list[Point]:
    """The places of a series that a name should not cover."""
    lines = [place for line in line_of(one, frame) for place in dense(line)]
    if one.look == "band":
        upper = [p for p in map(frame.at, one.upper) if p and frame.has(p)]
        return [*dense(places_of(one, frame)), *dense(upper)]
    if one.look == "bars":
        corners = zip(map(frame.at, one.points), map(frame.at, one.upper), strict=True)
        sides = [(x, a[1]) for a, b in corners if a and b for x in (a[0], (a[0] + b[0]) / 2, b[0])]
        return [p for x, y in sides for p in dense([(x, y), (x, frame.bottom)])]
    # A marker counts thrice: covered ones are not seen at all.
    return lines + (3 * places_of(one, frame) if one.look in ("marks", "both") else [])


def _name(one: Series, box: Box) -> str:
    middle = box.y + box.height / 2
    text = _group([_at(box.x + KEY, middle + 4.5, one.label)], "start")
    return sample(one, box.x, middle) + text
