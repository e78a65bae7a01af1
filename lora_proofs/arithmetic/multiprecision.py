"""Multiprecision floating point (mpmath), in contexts of its own: never ``mpmath.mp``."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import flint
import mpmath
import numpy as np
from mpmath.libmp import from_man_exp

from lora_proofs.arithmetic.context import Matrix, Scalar, diagonal, object_matrix, squared_norm
from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import BadInput


@lru_cache(maxsize=32)
def _context(digits: int) -> Any:
    context = mpmath.MPContext()
    context.dps = digits + 10
    return context


@dataclass(frozen=True)
class MultiprecisionArithmetic:
    """Floating point with ``digits`` decimals and ten guard digits; nominates, never decides.

    >>> mp = MultiprecisionArithmetic(30)
    >>> print(mp.mp.nstr(mp.sqrt(mp.number(2)), 20))
    1.4142135623730950488
    """

    digits: int = 50
    name: str = "multiprecision"
    rigorous: bool = False

    @property
    def mp(self) -> Any:
        """The mpmath context behind this arithmetic."""
        return _context(self.digits)

    def working(self) -> AbstractContextManager[Any]:
        """Nothing to set: every mpmath number carries its context."""
        return nullcontext()

    def number(self, value: Any) -> Scalar:
        """Lift an exact number, or take the midpoint of a ball."""
        if isinstance(value, mpmath.ctx_mp_python._mpf):
            return self.mp.mpf(value)
        if isinstance(value, flint.arb):
            mantissa, exponent = value.mid().man_exp()
            found = from_man_exp(int(mantissa), int(exponent), self.mp.prec, "n")
            return self.mp.make_mpf(found)
        x = rational(value)
        return self.mp.mpf(x.numerator) / x.denominator

    def matrix(self, rows: Any) -> Matrix:
        """Lift a matrix given by its rows."""
        return object_matrix(rows, self.number)

    def zeros(self, rows: int, columns: int) -> Matrix:
        """The zero matrix."""
        out = np.empty((rows, columns), dtype=object)
        out[:] = self.mp.zero
        return out

    def identity(self, size: int) -> Matrix:
        """The identity matrix."""
        return diagonal([self.mp.one] * size, self.mp.zero)

    def sqrt(self, x: Scalar) -> Scalar:
        """Square root; ``BadInput`` for a negative number."""
        x = self.number(x)
        if x < 0:
            raise BadInput(f"expected a nonnegative number under the root, got {x}")
        return self.mp.sqrt(x)

    def exp(self, x: Scalar) -> Scalar:
        """Exponential."""
        return self.mp.exp(self.number(x))

    def log(self, x: Scalar) -> Scalar:
        """Natural logarithm."""
        return self.mp.log(self.number(x))

    def cosh(self, x: Scalar) -> Scalar:
        """Hyperbolic cosine."""
        return self.mp.cosh(self.number(x))

    def sinh(self, x: Scalar) -> Scalar:
        """Hyperbolic sine."""
        return self.mp.sinh(self.number(x))

    def tanh(self, x: Scalar) -> Scalar:
        """Hyperbolic tangent."""
        return self.mp.tanh(self.number(x))

    def inverse(self, X: Matrix) -> Matrix:
        """Inverse; ``BadInput`` where elimination meets a zero pivot."""
        try:
            return object_matrix(self.mp.inverse(self.mp.matrix(X.tolist())).tolist(), self.number)
        except ZeroDivisionError:
            raise BadInput("expected a nonsingular matrix to invert, got a singular one") from None

    def rank(self, X: Matrix) -> int:
        """Number of singular values above the working tolerance: never rigorous."""
        values = self.singular_values(X)
        return sum(s > values[0] * self.mp.mpf(10) ** (-self.digits // 2) for s in values)

    def singular_values(self, X: Matrix) -> list[Scalar]:
        """Singular values, largest first."""
        values = self.mp.svd_r(self.mp.matrix(X.tolist()), compute_uv=False)
        return sorted(values, reverse=True)

    def operator_norm(self, X: Matrix) -> Scalar:
        """Spectral norm."""
        return self.singular_values(X)[0]

    def frobenius_norm(self, X: Matrix) -> Scalar:
        """Frobenius norm."""
        return self.mp.sqrt(squared_norm(X))
