"""Figures as SVG: the same bytes for the same figure, readable in grey, in light and in dark.

Text is text, nothing has an id (many figures stand in one page), nothing is fetched. Colours are
Okabe and Ito's; dash and marker differ with the colour. Without a style sheet the drawing is
complete in light colours: a page that wants dark ones includes ``STYLE`` once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from lora_proofs.report.axes import Scale, scale, ticks
from lora_proofs.report.figure import Figure, Plot, Point, Series

WIDTH, HEIGHT, SIZE = 480.0, 300.0, 14.0
LEFT, RIGHT, TOP, BOTTOM = 66.0, 14.0, 12.0, 46.0
LIGHT = ("#333333", "#0072B2", "#D55E00", "#009E73", "#CC79A7")
DARK = ("#dddddd", "#56B4E9", "#E69F00", "#009E73", "#CC79A7")
DASHES = ("2 3", "", "7 4", "2 2.5", "9 3 2 3")
STYLE = (
    "".join(f".lora-figure .h{k}{{stroke:var(--hue-{k})}}" for k in range(5))
    + "".join(f".lora-figure .f{k}{{fill:var(--hue-{k})}}" for k in range(5))
    + ":root{"
    + "".join(f"--hue-{k}:{c};" for k, c in enumerate(LIGHT))
    + "}"
    + "@media (prefers-color-scheme:dark){:root{"
    + "".join(f"--hue-{k}:{c};" for k, c in enumerate(DARK))
    + "}}"
)
_ALONE = (
    "svg{color:#1b1f24;background:#fff}"
    "@media (prefers-color-scheme:dark){svg{color:#e4e8ec;background:#12161b}}"
)


def to_svg(figure: Figure, *, alone: bool = False) -> str:
    """The figure as one ``svg`` element; ``alone`` is a file of its own, with both schemes.

    >>> from lora_proofs.report.figure import Axis
    >>> plot = Plot(Axis("t"), Axis("<f>"), (Series("f", ((0.0, 1.0), (1.0, 2.0))),))
    >>> to_svg(Figure("Loss", "", "It grows.", (plot,)))[:4]
    '<svg'
    """
    height = HEIGHT * len(figure.plots)
    style = f"<style>{STYLE}{_ALONE}</style>" if alone else ""
    drawn = "".join(
        f'<g transform="translate(0 {_n(k * HEIGHT)})">{"".join(_plot(plot))}</g>'
        for k, plot in enumerate(figure.plots)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lora-figure" role="img"'
        f' viewBox="0 0 {_n(WIDTH)} {_n(height)}" width="{_n(WIDTH)}" height="{_n(height)}"'
        f' aria-label="{_safe(figure.title + ". " + figure.told)}" fill="none"'
        f' font-family="system-ui, sans-serif" font-size="{_n(SIZE)}">'
        f"<title>{_safe(figure.title)}</title><desc>{_safe(figure.told)}</desc>{style}{drawn}</svg>"
    )


def _safe(text: str) -> str:
    return escape(text, quote=True)


def _n(value: float) -> str:
    """A coordinate with two decimals, without trailing zeros and without -0."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@dataclass(frozen=True)
class _Frame:
    x: Scale
    y: Scale

    def at(self, point: Point) -> Point | None:
        across, up = self.x.at(point[0]), self.y.at(point[1])
        if across is None or up is None:
            return None
        wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + across * wide, TOP + (1 - up) * high


def _plot(plot: Plot) -> Iterator[str]:
    points = [p for s in plot.series for p in (*s.points, *s.upper)]
    frame = _Frame(scale(plot.x, [p[0] for p in points]), scale(plot.y, [p[1] for p in points]))
    yield from _axes(plot, frame)
    for one in plot.series:
        yield _path(one, frame)
        yield _label(one, frame)


def _axes(plot: Plot, frame: _Frame) -> Iterator[str]:
    right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
    yield f'<path d="M{_n(LEFT)} {_n(TOP)}V{_n(floor)}H{_n(right)}" stroke="currentColor"/>'
    for value, text in ticks(plot.x, frame.x, 6):
        x = LEFT + (frame.x.at(value) or 0.0) * (right - LEFT)
        yield _text(x, floor + 16, text, "middle")
    for value, text in ticks(plot.y, frame.y, 5):
        y = floor - (frame.y.at(value) or 0.0) * (floor - TOP)
        yield _text(LEFT - 6, y + 5, text, "end")
    yield _text((LEFT + right) / 2, HEIGHT - 8, plot.x.label, "middle")
    yield _text(LEFT + 6, TOP + 10, plot.y.label, "start")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    place = f'x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"'
    return f'<text {place} fill="currentColor">{_safe(text)}</text>'


def _path(one: Series, frame: _Frame) -> str:
    seen = [p for p in map(frame.at, one.points) if p]
    steps = "L".join(f"{_n(x)} {_n(y)}" for x, y in seen)
    look = f'class="h{one.hue}" stroke="{LIGHT[one.hue]}" stroke-dasharray="{DASHES[one.hue]}"'
    return f'<path d="M{steps}" {look} stroke-width="2"/>' if seen else ""


def _label(one: Series, frame: _Frame) -> str:
    seen = [p for p in map(frame.at, one.points) if p]
    return _text(seen[-1][0] - 4, seen[-1][1] - 6, one.label, "end") if seen else ""
