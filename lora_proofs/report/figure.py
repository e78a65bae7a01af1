"""Format-free pictures: frozen values that a face draws, or tells in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

Point = tuple[float, float]
Points = tuple[Point, ...]
LOOKS = ("line", "marks", "both", "steps", "arrows", "band", "bars", "rule")
HUES = 5


@dataclass(frozen=True)
class Axis:
    """An axis in Unicode text; without limits it spans the data, on a log axis the positive data.

    >>> Axis("step size h", log=True).low is None
    True
    """

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    whole: bool = False  # ticks at integers only
    named: tuple[tuple[float, str], ...] = ()  # ticks instead of round numbers
    powers: bool = False  # a value stands for that power of ten


@dataclass(frozen=True)
class Series:
    """Points that belong together; ``hue`` 0..4 picks a colour, a dash and a marker at once.

    ``look``: ``line``; ``marks``; ``both``; ``steps`` (constant up to the next point); ``arrows``
    (a thin line with its direction); ``band`` (between ``points`` and ``upper``); ``bars`` (from
    the lower end of the axis, as wide as from ``points`` to ``upper``); ``rule`` (thin, dashed). A
    point that is not a number breaks a line. Bars ``beside`` the axis have no place on it, and
    their name says what they count.

    >>> Series("f", ((0.0, 1.0), (1.0, 0.5))).look
    'line'
    """

    label: str
    points: Points
    look: str = "line"
    hue: int = 1
    upper: Points = ()
    beside: bool = False

    def __post_init__(self) -> None:
        if self.look not in LOOKS:
            raise ValueError(f"series: expected a look among {', '.join(LOOKS)}, got {self.look!r}")
        if not 0 <= self.hue < HUES:
            raise ValueError(f"series: expected a hue from 0 to {HUES - 1}, got {self.hue!r}")
        if self.look in ("band", "bars") and len(self.upper) != len(self.points):
            counts = f"{len(self.points)} and {len(self.upper)}"
            raise ValueError(f"series: expected as many upper points as points, got {counts}")


@dataclass(frozen=True)
class Plot:
    """Two axes and what is drawn in them; ``square`` gives both axes the same unit."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    title: str = ""
    square: bool = False


@dataclass(frozen=True)
class Figure:
    """A picture with its caption, and ``told``: what a reader who does not see it should know.

    Title, caption and ``told`` are plain Unicode text: every face escapes them.

    >>> Figure("Loss", "The loss.", "It falls.", (Plot(Axis("t"), Axis("f"), ()),)).tag
    'figure'
    """

    tag: ClassVar[str] = "figure"
    title: str
    caption: str
    told: str
    plots: tuple[Plot, ...]
