"""Adapters as they are printed, and what is measured: bounds are rounded outward.

Errors are measured from the printed entries, so every printed entry comes with its exact value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, nextafter
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import decimal, fmpq, rational
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.solving.decimals import decimal_string, exact, magnitude, printed, radius

SHOWN = 15
"""Digits of a measured number where none are asked for."""
LARGEST_FLOAT = Fraction(sys.float_info.max)
SINGULAR = 10**12
"""A weight whose condition number is larger is singular up to the rounding of its entries."""


def value(x: Any) -> Fraction:
    """The exact value of a number of any arithmetic; the middle of a ball.

    >>> value(flint.arb("-0.75")), value(0.5)
    (Fraction(-3, 4), Fraction(1, 2))
    """
    if not hasattr(x, "man_exp") or isinstance(x, flint.arb):
        return exact(x)
    mantissa, exponent = (int(part) for part in x.man_exp)
    size = abs(mantissa) * Fraction(2) ** exponent
    return -size if x < 0 else size


@dataclass(frozen=True)
class Entries:
    """How entries are printed: as floats (``digits`` is 0), decimals, or fractions (``None``).

    >>> Entries(3).entry(Fraction(1, 3)), Entries(0).entry(Fraction(1, 4)), Entries(None).entry(2)
    (('0.333', Fraction(333, 1000)), (0.25, Fraction(1, 4)), (2, Fraction(2, 1)))
    """

    digits: int | None

    def entry(self, x: Any) -> tuple[Any, Fraction]:
        """An entry as it is printed, and the exact value of what is printed."""
        number = value(x)
        if self.digits is None:
            whole = number.denominator == 1 and abs(number) < 2**53
            return int(number) if whole else decimal(number), number
        if self.digits == 0:
            return float(number), Fraction(float(number))
        text = decimal_string(number, self.digits)
        return text, rational(text)

    def told(self) -> str:
        """What entries are, in words."""
        if self.digits is None:
            return "exact fractions"
        return "entries in float64" if self.digits == 0 else f"entries of {self.digits} digits"

    def matrix(self, X: Matrix) -> tuple[list[list[Any]], Matrix]:
        """A matrix as it is printed, and exactly; both may be empty."""
        told = np.empty(X.shape, dtype=object)
        kept = np.empty(X.shape, dtype=object)
        for place in np.ndindex(*X.shape):
            told[place], number = self.entry(X[place])
            kept[place] = fmpq(number)
        return told.tolist(), kept

    def vector(self, b: Sequence[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        """A vector as it is printed, and exactly."""
        both = [self.entry(x) for x in b]
        return [told for told, _ in both], tuple(fmpq(x) for _, x in both)


def wider(balls: BallArithmetic, entries: Entries) -> BallArithmetic:
    """Balls that see all digits of entries, and as many more as multiplying them may take.

    >>> wider(BallArithmetic(40), Entries(60)).digits
    140
    """
    return BallArithmetic(max(balls.digits, 2 * (entries.digits or 0) + 20))


@dataclass(frozen=True, eq=False)
class PrintedAdapter:
    """B and A as they are printed, with the exact values of their entries.

    ``rank`` is the one that was asked for: factors of fewer columns are filled with zeros.
    """

    rows: dict[str, Any]
    exact: Adapter


def print_adapter(adapter: Adapter, rank: int, entries: Entries) -> PrintedAdapter:
    """An adapter of at most this rank, as it is printed with this rank; empty lists for rank 0."""
    B, A = (np.asarray(X, dtype=object) for X in (adapter.B, adapter.A))
    missing = rank - B.shape[1]
    zero = flint.fmpq(0)
    B = np.concatenate([B, np.full((len(B), missing), zero)], axis=1)
    A = np.concatenate([A, np.full((missing, A.shape[1]), zero)], axis=0)
    (told_B, kept_B), (told_A, kept_A) = entries.matrix(B), entries.matrix(A)
    rows = {"B": told_B if rank else [], "A": told_A}
    return PrintedAdapter(rows, Adapter(kept_B, kept_A))


def float_condition(W: Matrix) -> float:
    """The condition number of an exact matrix as floats see it; infinite where they see none.

    >>> W = np.array([[flint.fmpq(2), flint.fmpq(0)], [flint.fmpq(0), flint.fmpq(1)]])
    >>> float_condition(W), float_condition(W * flint.fmpq(10) ** 400), float_condition(0 * W)
    (2.0, 2.0, inf)
    """
    if (near := _near(W)) is not None:
        values = np.linalg.svd(near, compute_uv=False)
        return float(values[0] / values[-1]) if values[-1] > 0 else inf
    largest = max((abs(value(x)) for x in W.flat), default=Fraction(0))
    bits = largest.numerator.bit_length() - largest.denominator.bit_length()
    entries = [[float(value(x) / Fraction(2) ** bits) for x in row] for row in W]
    values = np.linalg.svd(np.array(entries), compute_uv=False)
    return float(values[0] / values[-1]) if values[-1] > 0 else inf


def _near(W: Matrix) -> np.ndarray | None:
    """A matrix of rationals rounded entry by entry, where that is well within range."""
    try:
        near = np.array([[int(x.p) / int(x.q) for x in row] for row in W.tolist()])
    except (AttributeError, OverflowError):
        return None
    return near if near.size and 1e-200 < np.abs(near).max() < 1e200 else None


def singular_in_floats(W: Matrix) -> bool:
    """Whether the rounding of its entries hides that a matrix is not singular, or it is.

    >>> singular_in_floats(np.array([[flint.fmpq(1, 10**13), 0], [0, flint.fmpq(1)]]))
    True
    """
    return float_condition(W) > SINGULAR


def upper(x: Any) -> Fraction:
    """The upper end of a ball, exactly; an exact number itself."""
    return exact(x) + radius(x)


def lower(x: Any) -> Fraction:
    """The lower end of a ball, exactly; an exact number itself."""
    return exact(x) - radius(x)


def at_most(x: Fraction, digits: int | None) -> float | str:
    """A bound x >= 0 rounded up: a float, or a decimal of so many digits; "0" for an exact 0.

    >>> at_most(Fraction(1, 3), 3), at_most(Fraction(1, 3), None) * 3 >= 1, at_most(Fraction(0), 5)
    ('0.334', True, '0')
    """
    if digits is None and (near := float_above(x)) < inf:
        return near
    digits = digits or SHOWN
    if x == 0:
        return "0"
    step = Fraction(10) ** (magnitude(x) - digits + 1)
    return decimal_string(-(-x // step) * step, digits)


def at_least(x: Fraction, digits: int | None) -> float | str:
    """A bound rounded down and no less than 0: a float, or a decimal of so many digits.

    >>> at_least(Fraction(2, 3), 3), at_least(Fraction(1, 3), None) * 3 <= 1
    ('0.666', True)
    >>> at_least(Fraction(-1), None), at_least(Fraction(10) ** 400, None)
    (0.0, '1.00000000000000e+400')
    """
    x = max(x, Fraction(0))
    if digits is None and (near := float_above(x)) < inf:
        return near if Fraction(near) <= x else nextafter(near, 0.0)
    digits = digits or SHOWN
    if x == 0:
        return "0"
    step = Fraction(10) ** (magnitude(x) - digits + 1)
    return decimal_string(x // step * step, digits)


def float_above(x: Fraction) -> float:
    """The smallest float that is at least x >= 0; infinite beyond their range.

    >>> float_above(Fraction(1, 10)) >= Fraction(1, 10), float_above(Fraction(10) ** 400)
    (True, inf)
    """
    try:
        near = float(x)
    except OverflowError:
        return inf
    return near if Fraction(near) >= x else nextafter(near, inf)


def nearest(x: Any, digits: int | None) -> float | str:
    """A ball or an exact number that is known well: a float, or so many right digits."""
    if digits is None and abs(middle := exact(x)) < LARGEST_FLOAT:
        return float(middle)
    return printed(x, digits or SHOWN)[0]


def largest(sizes: Sequence[Fraction], number: Callable[[Fraction], Any]) -> Any:
    """The largest of bounds as it is printed; 0 of none."""
    return number(max([Fraction(0), *sizes]))
