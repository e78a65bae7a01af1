"""What a certificate of the critical-value gap adds to the flow: a time, and singular values."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor, log2, log10
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.exact import rational
from lora_proofs.certificates.flow_steps import FlowData
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.mathematics.critical_values import frobenius_critical_values
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.singular_values import squared_levels
from lora_proofs.solving.flow_field import lora_field

DIGITS = 6
"""Of the flow, beyond those that the gap itself takes."""
DOUBLINGS = 12
CLEARLY = 0.9


def nominated_time(flow: FlowData) -> tuple[Fraction, int]:
    """A time at which floats see the loss clearly below the second value, and digits to see it.

    Raises ``ToleranceNotMet`` where there is none among doubling times.

    >>> nominated_time(FlowData.of([[0]], [[2]], [[1]], [[0]]))
    (Fraction(1, 16), 6)
    """
    values = frobenius_critical_values(-flow.C, len(flow.A0), BallArithmetic(30))
    if values.second is None:
        return Fraction(0), DIGITS
    least, second = (float(flint.arb(x).mid()) for x in (values.least, values.second))
    seen = []
    for t, loss in _losses(flow):
        if loss < least + CLEARLY * (second - least):
            return t, DIGITS + max(0, ceil(log10(second / (second - least))))
        seen.append(loss)
    raise ToleranceNotMet(
        f"certificate: the loss came down to {min(seen):.6g} in floats by t = {float(t):.6g}; its "
        f"limit is certain once it is below {second:.6g}, the second smallest critical value"
    )


def _losses(flow: FlowData) -> Iterator[tuple[Fraction, float]]:
    """The loss in floats at the start and at doubling times; in the first little happens."""
    field = lora_field(frobenius(flow.Y), *(X.tolist() for X in (flow.W0, flow.A0, flow.B0)))
    norm = float(np.linalg.norm(flow.C.astype(float), 2))
    first = Fraction(2) ** (-3 - ceil(log2(max(1e-9, norm))))
    for t in (Fraction(0), *(first * 2**k for k in range(DOUBLINGS))):
        yield t, float(field.float64(t, tolerance=1e-9, estimated=False).loss)


def spectrum(flow: FlowData, bits: int) -> dict[str, Any]:
    """The squared singular values of Y - W0, the second smallest critical value, and the least.

    What is rational is told exactly, the rest between multiples of 2^-bits. The second smallest
    value is rounded down by more than a sum of so many lower bounds can be off.

    >>> spectrum(FlowData.of([[0]], [[2]], [[1]], [[0]]), 2)["levels"]
    [{'lower': Fraction(4, 1), 'upper': Fraction(4, 1), 'multiplicity': 1}]
    """
    E, r, unit = -flow.C, len(flow.A0), Fraction(1, 2**bits)
    levels = [(*_bounds(x, unit), k) for x, k in squared_levels(E, bits + 32) if not x == 0]
    left, least = r, [Fraction(0), Fraction(0)]
    for low, high, k in levels:
        dropped = max(0, k - left)
        left -= k - dropped
        least = [least[0] + dropped * low / 2, least[1] + dropped * high / 2]
    second = frobenius_critical_values(E, r, BallArithmetic(bits)).second
    names = ("lower", "upper", "multiplicity")
    return {
        "levels": [dict(zip(names, level, strict=True)) for level in levels],
        "second": None if second is None else _bounds(second, unit)[0] - sum(E.shape) * unit,
        "limit_lower": least[0],
        "limit_upper": least[1],
    }


def _bounds(x: Any, unit: Fraction) -> tuple[Fraction, Fraction]:
    """A rational twice, or multiples of the unit around a ball."""
    if isinstance(x, flint.fmpq):
        return rational(x), rational(x)
    low, high = (_exact(end) for end in (x.lower(), x.upper()))
    return floor(low / unit) * unit, ceil(high / unit) * unit


def _exact(x: flint.arb) -> Fraction:
    mantissa, exponent = x.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
