"""Where a value stands on an axis, and the ticks that say so: linear or by powers of ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from lora_proofs.report.figure import Axis

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Scale:
    """An axis with its limits; ``at`` maps them to 0 and 1.

    >>> Scale(1.0, 100.0, log=True).at(10.0)
    0.5
    """

    low: float
    high: float
    log: bool

    def at(self, value: float) -> float | None:
        """Where the value stands, nothing where it has no place (not finite, not positive)."""
        if not isfinite(value) or (self.log and value <= 0):
            return None
        low, high, value = (
            (log10(self.low), log10(self.high), log10(value))
            if self.log
            else (self.low, self.high, value)
        )
        return (value - low) / (high - low)


def scale(axis: Axis, values: Sequence[float]) -> Scale:
    """The limits of an axis: its own, else the data's with some air.

    >>> scale(Axis("t", low=0.0), [1.0, 2.0]).low
    0.0
    """
    known = [v for v in values if isfinite(v) and (v > 0 or not axis.log)]
    low = axis.low if axis.low is not None else min(known, default=1.0)
    high = axis.high if axis.high is not None else max(known, default=1.0)
    if axis.log:
        low, high = (low, high) if high > low else (low / 10, low * 10)
        air = (high / low) ** 0.05
        wide = (low / air, high * air)
    else:
        low, high = (low, high) if high > low else (low - 0.5, low + 0.5)
        wide = (low - 0.05 * (high - low), high + 0.05 * (high - low))
    return Scale(
        low if axis.low is not None else wide[0],
        high if axis.high is not None else wide[1],
        axis.log,
    )


def ticks(axis: Axis, limits: Scale, most: int) -> list[tuple[float, str]]:
    """At most about ``most`` round values between the limits, with their labels.

    >>> ticks(Axis("x"), Scale(0.0, 1.0, log=False), 5)
    [(0.0, '0'), (0.2, '0.2'), (0.4, '0.4'), (0.6, '0.6'), (0.8, '0.8'), (1.0, '1')]
    >>> ticks(Axis("h", log=True), Scale(0.01, 1.0, log=True), 5)
    [(0.01, '0.01'), (0.1, '0.1'), (1.0, '1')]
    """
    if axis.log and limits.high / limits.low >= 10:
        return _powers(limits, most)
    return _round(limits, most, whole=axis.whole)


def _round(limits: Scale, most: int, *, whole: bool) -> list[tuple[float, str]]:
    span = limits.high - limits.low
    power = floor(log10(span / most))
    step = (
        next(
            (m, p)
            for p in (power, power + 1)
            for m in (1, 2, 5)
            if span / (m * 10.0**p) <= most + 0.5 and (p >= 0 or not whole)
        )
        if not whole or power >= 0
        else (1, 0)
    )
    width = step[0] * 10.0 ** step[1]
    first, last = ceil(limits.low / width - 1e-9), floor(limits.high / width + 1e-9)
    return [(v := float(f"{k * width:.12g}"), number(v)) for k in range(first, last + 1)]


def _powers(limits: Scale, most: int) -> list[tuple[float, str]]:
    low, high = ceil(log10(limits.low) - 1e-9), floor(log10(limits.high) + 1e-9)
    every = next(k for k in (1, 2, 3, 4, 5, 10, 20, 50, 100) if (high - low) / k <= most)
    first = -(-low // every) * every
    return [(10.0**p, power(p)) for p in range(first, high + 1, every)]


def power(exponent: int) -> str:
    """A power of ten in Unicode.

    >>> power(-2), power(-12)
    ('0.01', '10⁻¹²')
    """
    if -2 <= exponent <= 3:
        return number(10.0**exponent)
    return "10" + str(exponent).translate(_RAISED)


def number(value: float, digits: int = 6) -> str:
    """A number in text, with a proper minus and raised exponents; -0 is 0.

    >>> number(-0.25), number(1.5e-9), number(3.14159, 3)
    ('−0.25', '1.5·10⁻⁹', '3.14')
    """
    mantissa, _, exponent = f"{value + 0.0:.{digits}g}".partition("e")
    if exponent:
        raised = str(int(exponent)).translate(_RAISED)
        return f"{mantissa}·10{raised}".replace("-", "−")
    return mantissa.replace("-", "−")
