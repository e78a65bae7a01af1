"""What the pictures share: points of arrays, fitted slopes, and the words that keep them modest."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, log, log10, nan

from lora_proofs.report.axes import power
from lora_proofs.report.figure import Points, Series

_BREAK: Points = ((nan, nan),)
MODEST = "The curves are float arithmetic: they illustrate, and decide nothing."


def along(xs: Iterable[float], ys: Iterable[float]) -> Points:
    """The points of two arrays, as plain floats.

    >>> along([0, 1], [2, 3])
    ((0.0, 2.0), (1.0, 3.0))
    """
    return tuple((float(x), float(y)) for x, y in zip(xs, ys, strict=True))


def slope(points: Points, last: int = 4) -> float:
    """The slope of log y against log x, by least squares over the last points.

    >>> round(slope(((1.0, 2.0), (0.5, 0.5), (0.25, 0.125))), 12)
    2.0
    """
    logs = [(log(x), log(y)) for x, y in points[-last:]]
    x, y = (sum(column) / len(logs) for column in zip(*logs, strict=True))
    across = sum((u - x) ** 2 for u, _ in logs)
    found: float = sum((u - x) * (v - y) for u, v in logs) / across
    return found


def level(label: str, left: float, right: float, *heights: float) -> Series:
    """Thin dashed lines at some heights, under one name."""
    lines = (((left, height), (right, height)) for height in heights)
    return Series(label, apart(*lines), look="rule", hue=0)


def apart(*parts: Points) -> Points:
    """Several lines or sets of markers as one series: it breaks between them.

    >>> apart(((0.0, 1.0),), ((0.0, 2.0),))
    ((0.0, 1.0), (nan, nan), (0.0, 2.0))
    """
    return tuple(point for k, part in enumerate(parts) for point in (*_BREAK[:k], *part))


def within(distance: float) -> str:
    """The power of ten that a distance is below, in words that fit after "within".

    >>> within(3e-9), within(0.0)
    ('10⁻⁸', '10⁻¹⁵')
    """
    return power(ceil(log10(max(distance, 1e-15))))
