"""Explicit steps of a flow by Taylor series: their order, their length, the value at the end."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, inf, log
from typing import Any

import flint
import numpy as np

from lora_proofs.errors import ToleranceNotMet
from lora_proofs.integrate.series import entries, evaluate_series, log2_size, midpoint

MAX_STEPS = 20_000
State = dict[Any, Any]


def order_for(digits: int) -> int:
    """The order that costs least for a tolerance: the cost of a step grows like its square."""
    return ceil(0.55 * log(10) * digits) + 4


def taylor_state(coefficients: Mapping[Any, list[Any]], h: Fraction) -> State:
    """The state after a step of exact dyadic length h.

    Only midpoints go on: interval radii would grow like e^{|J| t}, the flow does not.
    """
    ball = flint.arb(flint.fmpq(h.numerator, h.denominator))
    return {k: midpoint(evaluate_series(c, ball)) for k, c in coefficients.items()}


def check_step(h: Fraction, now: Fraction, end: Fraction) -> None:
    """Raise ``ToleranceNotMet`` for a step that has vanished against the time to go."""
    if now + h < end and h * 2**50 < end:
        raise ToleranceNotMet(
            f"the step vanished at t = {float(now):.6g} of {end}: the flow blows up about there, "
            "or is too fast for floats to choose a step; ask for an earlier time"
        )


def step_size(coefficients: Mapping[Any, list[Any]], digits: int) -> Fraction:
    """A dyadic step at which the last two terms fall below 10^-digits, relative to the state."""
    order = len(next(iter(coefficients.values()))) - 1
    scale = max(0.0, max(log2_size(entries(c[0])) for c in coefficients.values()))
    target = scale - digits * log(10, 2)
    exponent = inf
    for k in (order - 1, order):
        size = max(log2_size(entries(c[k])) for c in coefficients.values())
        exponent = min(exponent, (target - size) / k)
    if exponent == inf:
        return Fraction(2**20)  # the series ends: any step is exact
    exponent = min(max(exponent, -4000.0), 20.0)
    whole = int(np.floor(exponent))
    return Fraction(int(2 ** (exponent - whole) * 256), 256) * Fraction(2) ** whole


def enclosure_order(digits: int) -> int:
    """The order at which a step of an enclosure costs least per unit of time.

    Measured on 4 x 4 and 8 x 8 flows at 15 to 32 digits: flat from here to half as much again.
    """
    return ceil(0.55 * log(10) * digits) + 8


def longest_step(error: flint.arb_poly, target: flint.arb, guess: Fraction) -> Fraction:
    """Nearly the longest dyadic h with error(h) <= target, from a guess; error(0) = 0."""
    if all(c == 0 for c in error.coeffs()):
        return Fraction(2**20)
    h = _dyadic(guess)
    for _ in range(400):
        if flint.arb(error(_arb(h))) <= target:
            break
        h = _dyadic(h * Fraction(7, 8))
    for _ in range(400):
        longer = _dyadic(h * Fraction(9, 8))
        if not flint.arb(error(_arb(longer))) <= target:
            break
        h = longer
    return h


def _dyadic(h: Fraction) -> Fraction:
    """h rounded down to eight binary digits."""
    shift = h.numerator.bit_length() - h.denominator.bit_length() - 8
    return Fraction(int(h / Fraction(2) ** shift)) * Fraction(2) ** shift


def _arb(h: Fraction) -> flint.arb:
    return flint.arb(flint.fmpq(h.numerator, h.denominator))
