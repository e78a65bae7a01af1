"""Where a value stands on an axis, and the ticks that say so: linear or by powers of ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from lora_proofs.report.figure import Axis

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_AIR = 0.05  # of the span, at an end that the axis does not fix
Ticks = list[tuple[float, str]]


@dataclass(frozen=True)
class Scale:
    """The limits of an axis; ``at`` maps them to 0 and 1.

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
        low, high = self._measured(self.low), self._measured(self.high)
        return (self._measured(value) - low) / (high - low)

    def _measured(self, value: float) -> float:
        return log10(value) if self.log else value


def scale(axis: Axis, values: Sequence[float]) -> Scale:
    """The limits of an axis: its own, else the data's with some air.

    >>> scale(Axis("t", low=0.0), [1.0, 2.0])
    Scale(low=0.0, high=2.1, log=False)
    """
    known = [v for v in values if isfinite(v) and (v > 0 or not axis.log)] or [1.0]
    low = min(known) if axis.low is None else axis.low
    high = max(known) if axis.high is None else axis.high
    if axis.log:
        low, high = (low, high) if high > low else (low / 10, low * 10)
        air = (high / low) ** _AIR
        wide = low / air, high * air
    else:
        low, high = (low, high) if high > low else (low - 0.5, low + 0.5)
        air = _AIR * (high - low)
        wide = low - air, high + air
    return Scale(
        wide[0] if axis.low is None else low, wide[1] if axis.high is None else high, axis.log
    )


def ticks(axis: Axis, limits: Scale, most: int) -> Ticks:
    """At most about ``most`` round values between the limits, with their labels.

    >>> ticks(Axis("x"), Scale(0.0, 1.0, log=False), 5)
    [(0.0, '0'), (0.2, '0.2'), (0.4, '0.4'), (0.6, '0.6'), (0.8, '0.8'), (1.0, '1')]
    >>> ticks(Axis("h", log=True), Scale(0.001, 1.0, log=True), 5)
    [(0.001, '10⁻³'), (0.01, '0.01'), (0.1, '0.1'), (1.0, '1')]
    """
    if axis.named:
        return [(value, text) for value, text in axis.named if limits.low <= value <= limits.high]
    if axis.log and limits.high / limits.low >= 10:
        return _powers(limits, most)
    return _round(limits, most, whole=axis.whole)


def _round(limits: Scale, most: int, *, whole: bool) -> Ticks:
    span = limits.high - limits.low
    exponent = floor(log10(span / most))
    steps = [(m, p) for p in (exponent, exponent + 1) for m in (1, 2, 5)]
    steps += [(1, exponent + 2)]
    fitting = (m * 10.0**p for m, p in steps if span <= (most + 0.5) * m * 10.0**p)
    width = max(next(fitting), 1.0 if whole else 0.0)
    first, last = ceil(limits.low / width - 1e-9), floor(limits.high / width + 1e-9)
    values = [float(f"{k * width:.12g}") for k in range(first, last + 1)]
    return [(value, number(value, 12)) for value in values]


def _powers(limits: Scale, most: int) -> Ticks:
    low, high = ceil(log10(limits.low) - 1e-9), floor(log10(limits.high) + 1e-9)
    if limits.high / limits.low < 300:
        values = [m * 10.0**p for p in range(low - 1, high + 1) for m in (1, 2, 5)]
        return [(v, number(v)) for v in values if limits.low <= v * 1.000001 <= limits.high * 1.01]
    every = next(k for k in (1, 2, 3, 4, 5, 10, 20, 50, 100, 200) if (high - low) / k <= most)
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

    >>> number(-0.25), number(1.5e-9), number(3.14159, 3), number(-0.0)
    ('−0.25', '1.5·10⁻⁹', '3.14', '0')
    """
    mantissa, _, exponent = f"{value + 0.0:.{digits}g}".partition("e")
    raised = f"·10{str(int(exponent)).translate(_RAISED)}" if exponent else ""
    return mantissa.replace("-", "−") + raised
