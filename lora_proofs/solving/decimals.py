"""Numbers as decimal strings that say how many digits are meant, and how wrong they can be.

A digit counts as right where the error is below one unit of it. A number smaller than 10^-N is
asked for with an absolute error below 10^-N instead.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, log10
from typing import Any

import flint

from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import ToleranceNotMet

LARGEST_EXPONENT = 10**7
"""Powers of 2 beyond which a ball is not turned into a fraction: it would not end."""
SHOWN = 25
"""The most significant digits that are given of the midpoint of an enclosure."""


def exact(x: Any) -> Fraction:
    """The exact value of a rational, of a float, or of the midpoint of a ball.

    >>> exact(flint.arb("0.5"))
    Fraction(1, 2)
    """
    if not isinstance(x, flint.arb):
        return rational(x)
    if not x.is_finite():
        raise ToleranceNotMet("a number of the answer was not enclosed")
    mantissa, exponent = x.mid().man_exp()
    if abs(int(exponent)) > LARGEST_EXPONENT:
        raise ToleranceNotMet("a number of the answer is too large or too small to be printed")
    return int(mantissa) * Fraction(2) ** int(exponent)


def radius(x: Any) -> Fraction:
    """The radius of a ball; 0 for an exact number."""
    return exact(x.rad()) if isinstance(x, flint.arb) else Fraction(0)


def magnitude(x: Fraction) -> int:
    """The exponent e with 10^e <= |x| < 10^(e+1), for x that is not 0.

    >>> magnitude(Fraction(999)), magnitude(Fraction(1, 1000))
    (2, -3)
    """
    size = abs(x)
    bits = size.numerator.bit_length() - size.denominator.bit_length()
    e = floor(bits * log10(2)) - 1
    while Fraction(10) ** (e + 1) <= size:
        e += 1
    return e


def unit(x: Fraction, digits: int) -> Fraction:
    """One unit of the digit number ``digits`` of x, or 10^-digits for a smaller x.

    >>> unit(Fraction(123), 2), unit(Fraction(0), 2)
    (Fraction(10, 1), Fraction(1, 100))
    """
    if abs(x) < Fraction(10) ** -digits:
        return Fraction(10) ** -digits
    return Fraction(10) ** (magnitude(x) - digits + 1)


def rounded(x: Fraction, digits: int) -> Fraction:
    """x rounded to ``digits`` significant digits, half to even.

    >>> rounded(Fraction(2, 3), 3)
    Fraction(667, 1000)
    """
    if x == 0:
        return x
    step = Fraction(10) ** (magnitude(x) - digits + 1)
    return round(x / step) * step


def decimal_string(x: Fraction, digits: int) -> str:
    """x with ``digits`` significant digits; scientific where positional would be long.

    >>> decimal_string(Fraction(1, 3), 5), decimal_string(Fraction(-10**9), 3)
    ('0.33333', '-1.00e+9')
    """
    value = rounded(x, digits)
    if value == 0:
        return "0"
    e = magnitude(value)
    sign = "-" if value < 0 else ""
    text = str(int(abs(value) / Fraction(10) ** (e - digits + 1)))
    if -6 <= e < 0:
        return f"{sign}0.{'0' * (-e - 1)}{text}"
    if 0 <= e < digits:
        whole, part = text[: e + 1], text[e + 1 :]
        return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"
    part = f".{text[1:]}" if len(text) > 1 else ""
    return f"{sign}{text[0]}{part}e{e:+d}"


def upper_string(x: Fraction) -> str:
    """A bound as a decimal of two digits, rounded up; "0" for 0.

    >>> upper_string(Fraction(1, 3)), upper_string(Fraction(0))
    ('0.34', '0')
    """
    if x == 0:
        return "0"
    step = Fraction(10) ** (magnitude(x) - 1)
    return decimal_string(-(-x // step) * step, 2)


def ball_strings(x: Any) -> tuple[str, str]:
    """A decimal interval [mid - rad, mid + rad] that holds all of a ball, or of an exact number.

    Both are exact decimals. The radius has two digits and is rounded up, over what rounding the
    midpoint costs; at most ``SHOWN`` digits of the midpoint are given. Raises ``ToleranceNotMet``
    for a ball that is not finite.

    >>> ball_strings(flint.arb("0.5", "1e-9")), ball_strings(flint.fmpq(1, 4))
    (('0.5000000000', '1.1e-9'), ('0.25', '0'))
    """
    if isinstance(x, flint.arb) and not x.is_finite():
        raise ToleranceNotMet("a number of the answer was not enclosed; ask for an earlier time")
    middle, wide = exact(x), radius(x)
    step = Fraction(10) ** (magnitude(middle) - SHOWN + 1) if middle else Fraction(0)
    if wide:
        step = max(step, Fraction(10) ** (magnitude(wide) - 1))
    shown = round(middle / step) * step if step else middle
    error = wide + abs(shown - middle)
    if shown == 0:
        return "0", upper_string(error)
    if error == 0:
        step = _last_place(shown)
    return decimal_string(shown, magnitude(shown) - magnitude(step) + 1), upper_string(error)


def _last_place(x: Fraction) -> Fraction:
    """The power of 10 of the last digit of a terminating decimal that is not 0, at most 1."""
    step = Fraction(1)
    while (x / step).denominator != 1:
        step /= 10
    return step


def least(x: Any) -> Fraction:
    """The smallest absolute value that a ball holds."""
    return max(abs(exact(x)) - radius(x), Fraction(0))


def missing_digits(x: Any, digits: int) -> int:
    """How many decimal digits the radius of a ball is too wide for ``digits`` right ones.

    The printed number is rounded too, so the radius may be 4/10 of a unit. 0 where it is not.

    >>> missing_digits(flint.arb(1, "1e-3"), 5)
    3
    """
    wide, allowed = radius(x), unit(least(x), digits) * Fraction(4, 10)
    return 0 if wide <= allowed else magnitude(wide / allowed) + 1


def printed(x: Any, digits: int) -> tuple[str, Fraction]:
    """The midpoint of a ball with ``digits`` significant digits, and a bound on its error.

    >>> printed(flint.arb(1) / 3, 4)[0]
    '0.3333'
    """
    middle, low = exact(x), least(x)
    far = abs(middle) + radius(x)
    if low == 0 and far < Fraction(10) ** -digits:
        return "0", far  # a ball around 0: its midpoint is noise
    # Beside a power of 10 the true value may have a smaller unit than the midpoint.
    more = magnitude(middle) - magnitude(low) if middle and low else 0
    shown = rounded(middle, digits + more)
    return decimal_string(middle, digits + more), abs(shown - middle) + radius(x)
