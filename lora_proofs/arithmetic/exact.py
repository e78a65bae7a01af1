"""Exact rationals (FLINT ``fmpq``)."""

from __future__ import annotations

import math
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import flint
import numpy as np

from lora_proofs.arithmetic.context import Matrix, Scalar, diagonal, object_matrix, squared_norm
from lora_proofs.arithmetic.floats import float_met
from lora_proofs.arithmetic.recorded import Batched, is_kept, recorder
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable

_NUMBER = re.compile(
    r"[+-]?(\d+(\.\d*)?|\.\d+)([eE](?P<exponent>[+-]?\d+))?|[+-]?\d+/\d+", re.ASCII
)
LONGEST = 100_000
"""Characters of a number that is read."""
LARGEST_EXPONENT = 999
_SHORT = 4_000
_FEW = 16
_SMALL = [Fraction(k) for k in range(-_FEW, _FEW + 1)]


def rational(value: Any) -> Fraction:
    """An exact number from an integer, a finite float (its binary value) or a string.

    Raises ``BadInput`` for anything else, NaN and infinities included.

    >>> rational("0.1"), rational("-3/4"), rational(0.5)
    (Fraction(1, 10), Fraction(-3, 4), Fraction(1, 2))
    """
    kind = type(value)  # asked first: an abstract class such as Fraction is slow to say no
    if kind is int and abs(value) <= _FEW:
        return _SMALL[int(value) + _FEW]
    if kind is flint.fmpq:
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool):
        raise BadInput(f"expected a number, got the truth value {value!r}; write 0 or 1")
    if isinstance(value, int | np.integer):
        return Fraction(int(value))
    if isinstance(value, float | np.floating):
        float_met(float(value))
        if not math.isfinite(value):
            raise BadInput(f"expected a finite number, got {value!r}")
        return Fraction(float(value))
    if isinstance(value, flint.fmpz):
        return Fraction(int(value))
    if isinstance(value, str) and is_number(value):
        return _read(value.strip())
    if isinstance(value, Batched):  # it stands for exact numbers, one of each instance
        return value  # type: ignore[return-value]
    raise BadInput(
        f"expected an integer, a decimal or a fraction such as '-3/4', got {_shown(value)}"
    )


def is_number(text: str) -> bool:
    """Whether a text is written like a number, one that is read or one that is refused.

    >>> is_number("-3/4"), is_number("1e99999"), is_number("frobenius")
    (True, True, False)
    """
    return _NUMBER.fullmatch(text.strip()) is not None


def decimal(value: Any) -> str:
    """An exact number as text, however many digits it has.

    >>> decimal(Fraction(-3, 4)), len(decimal(10**5000))
    ('-3/4', 5001)
    """
    return str(fmpq(value))


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) < 60 else shown[:57] + "..."


def _read(text: str) -> Fraction:
    if len(text) > LONGEST:
        raise BadInput(
            f"expected a number of at most {LONGEST} characters, got {len(text)}: {_shown(text)}"
        )
    found = _NUMBER.fullmatch(text)
    exponent = ((found and found["exponent"]) or "0").lstrip("+-").lstrip("0") or "0"
    if len(exponent) > 4 or int(exponent) > LARGEST_EXPONENT:
        raise BadInput(
            f"expected an exponent between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT}, got "
            f"{_shown(text)}; write a fraction if the number is meant"
        )
    try:
        return Fraction(text) if len(text) <= _SHORT else _long(text)
    except ZeroDivisionError:
        raise BadInput(f"expected a nonzero denominator, got {_shown(text)}") from None


def _long(text: str) -> Fraction:
    """A number of more digits than Python converts."""
    mantissa, _, exponent = text.lower().partition("e")
    numerator, slash, denominator = mantissa.partition("/")
    whole, _, decimals = numerator.partition(".")
    scale = Fraction(10) ** (int(exponent or 0) - len(decimals))
    under = _integer(denominator) if slash else 1
    if under == 0:
        raise ZeroDivisionError
    return Fraction(_integer(whole + decimals), under) * scale


def _integer(digits: str) -> int:
    size = int(flint.fmpz(digits.lstrip("+-").lstrip("0") or "0"))
    return -size if digits.startswith("-") else size


def fmpq(value: Any) -> flint.fmpq:
    """The same number as ``rational`` gives, as a FLINT rational."""
    if isinstance(value, flint.fmpq):
        return value
    if type(value) is Fraction:
        return flint.fmpq(value.numerator, value.denominator)
    if isinstance(value, Batched):
        return cast("flint.fmpq", value)  # it answers as a number does
    if isinstance(value, float) and math.isfinite(value):
        float_met(float(value))
        return flint.fmpq(*value.as_integer_ratio())
    x = rational(value)
    return flint.fmpq(x.numerator, x.denominator)


@dataclass(frozen=True)
class ExactArithmetic:
    """Rational arithmetic: rigorous, without roots or transcendental functions.

    >>> EXACT.matrix([[1, "1/3"]]) @ EXACT.matrix([["1/2"], [3]])
    array([[3/2]], dtype=object)
    """

    name: str = "exact"
    rigorous: bool = True

    def working(self) -> AbstractContextManager[Any]:
        """Nothing to set: rationals have no precision."""
        return nullcontext()

    def number(self, value: Any) -> Scalar:
        """Lift an exact number."""
        if type(value) is flint.fmpq:  # by far the most frequent: no time for other questions
            return value
        return value if is_kept(value) else fmpq(value)

    def matrix(self, rows: Any) -> Matrix:
        """Lift a matrix given by its rows."""
        return object_matrix(rows, self.number)

    def zeros(self, rows: int, columns: int) -> Matrix:
        """The zero matrix."""
        out = np.empty((rows, columns), dtype=object)
        out[:] = flint.fmpq(0)
        return out

    def identity(self, size: int) -> Matrix:
        """The identity matrix."""
        return diagonal([flint.fmpq(1)] * size, flint.fmpq(0))

    def sqrt(self, x: Scalar) -> Scalar:
        """Square root of a perfect square; any other is not rational."""
        if recording := recorder(x):
            return recording.sqrt(x)
        p, q = int(fmpq(x).p), int(fmpq(x).q)
        if p >= 0 and math.isqrt(p) ** 2 == p and math.isqrt(q) ** 2 == q:
            return flint.fmpq(math.isqrt(p), math.isqrt(q))
        raise Unavailable("an irrational square root", self.name)

    def _at_zero(self, function: str, x: Scalar, value: int) -> Scalar:
        if x == 0:
            return flint.fmpq(value)
        raise Unavailable(function, self.name)

    def exp(self, x: Scalar) -> Scalar:
        """exp(0) = 1; any other is not rational."""
        return self._at_zero("exp", x, 1)

    def log(self, x: Scalar) -> Scalar:
        """log(1) = 0; any other is not rational."""
        return self._at_zero("log", x - 1, 0)

    def cosh(self, x: Scalar) -> Scalar:
        """cosh(0) = 1; any other is not rational."""
        return self._at_zero("cosh", x, 1)

    def sinh(self, x: Scalar) -> Scalar:
        """sinh(0) = 0; any other is not rational."""
        return self._at_zero("sinh", x, 0)

    def tanh(self, x: Scalar) -> Scalar:
        """tanh(0) = 0; any other is not rational."""
        return self._at_zero("tanh", x, 0)

    def inverse(self, X: Matrix) -> Matrix:
        """Inverse of a square matrix; raises ``BadInput`` where X is singular."""
        if X.shape[0] != X.shape[1]:
            raise ShapeMismatch(f"expected a square matrix to invert, got shape {X.shape}")
        if recording := recorder(X):
            return recording.inverse(X)
        try:
            inverse = flint.fmpq_mat(X.tolist()).inv()
        except ZeroDivisionError:
            raise BadInput("expected a nonsingular matrix to invert, got a singular one") from None
        return object_matrix(inverse.tolist(), fmpq)

    def rank(self, X: Matrix) -> Any:
        """Exact rank."""
        if recording := recorder(X):
            return recording.rank(X)
        return int(flint.fmpq_mat(X.tolist()).rank())

    def singular_values(self, X: Matrix) -> list[Scalar]:
        """Rational only where X has one row or column of rational length."""
        if 1 in X.shape:
            return [self.frobenius_norm(X)]
        raise Unavailable("singular values", self.name)

    def operator_norm(self, X: Matrix) -> Scalar:
        """Spectral norm, where it is known to be rational."""
        return self.singular_values(X)[0]

    def frobenius_norm(self, X: Matrix) -> Scalar:
        """Frobenius norm, where it is rational."""
        return self.sqrt(squared_norm(X))


EXACT = ExactArithmetic()
