"""Arb balls (midpoint and radius): every result is an enclosure that surely holds."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Matrix, Scalar, diagonal, object_matrix, squared_norm
from lora_proofs.arithmetic.eigenvalues import singular_values
from lora_proofs.arithmetic.exact import fmpq
from lora_proofs.arithmetic.recorded import Recorded, plain_rows, released
from lora_proofs.errors import Unavailable


def to_ball(value: Any) -> flint.arb:
    """An enclosure, at the working precision, of an exact number or a ball."""
    if type(value) is flint.fmpq:
        return flint.arb(value)
    value = released(value)
    return value if isinstance(value, flint.arb) else flint.arb(fmpq(value))


@dataclass(frozen=True)
class BallArithmetic:
    """Ball arithmetic with a working precision of ``digits`` decimals plus a guard.

    >>> ball = BallArithmetic(30)
    >>> with ball.working():
    ...     bool(ball.exp(ball.number(1)) > 2)
    True
    """

    digits: int = 50
    name: str = "ball"
    rigorous: bool = True

    @property
    def bits(self) -> int:
        """Working precision in bits."""
        return int(self.digits * 3.3219281) + 32

    def working(self) -> AbstractContextManager[Any]:
        """Set FLINT's precision for the body and restore it afterwards."""
        manager: AbstractContextManager[Any] = flint.ctx.workprec(self.bits)
        return manager

    def number(self, value: Any) -> Scalar:
        """Lift an exact number."""
        if type(value) is flint.fmpq:
            return flint.arb(value)
        return value.in_balls() if isinstance(value, Recorded) else to_ball(value)

    def matrix(self, rows: Any) -> Matrix:
        """Lift a matrix given by its rows."""
        return object_matrix(rows, self.number)

    def zeros(self, rows: int, columns: int) -> Matrix:
        """The zero matrix."""
        out = np.empty((rows, columns), dtype=object)
        out[:] = flint.arb(0)
        return out

    def identity(self, size: int) -> Matrix:
        """The identity matrix."""
        return diagonal([flint.arb(1)] * size, flint.arb(0))

    def sqrt(self, x: Scalar) -> Scalar:
        """Square root of the nonnegative part of x."""
        x = self.number(x)
        # A ball around a small nonnegative number may dip below 0, where sqrt gives NaN.
        if not x >= 0 and not x < 0:
            return flint.arb(0).union(x.upper().sqrt())
        return x.sqrt()

    def exp(self, x: Scalar) -> Scalar:
        """Exponential."""
        return self.number(x).exp()

    def log(self, x: Scalar) -> Scalar:
        """Natural logarithm."""
        return self.number(x).log()

    def cosh(self, x: Scalar) -> Scalar:
        """Hyperbolic cosine."""
        return self.number(x).cosh()

    def sinh(self, x: Scalar) -> Scalar:
        """Hyperbolic sine."""
        return self.number(x).sinh()

    def tanh(self, x: Scalar) -> Scalar:
        """Hyperbolic tangent."""
        return self.number(x).tanh()

    def inverse(self, X: Matrix) -> Matrix:
        """Inverse; ``Unavailable`` where nonsingularity cannot be certified."""
        try:
            inverse = flint.arb_mat(plain_rows(X)).inv()
        except ZeroDivisionError:
            raise Unavailable("the inverse of a matrix that may be singular", self.name) from None
        return object_matrix(inverse.tolist(), to_ball)

    def rank(self, X: Matrix) -> int:
        """Not decided by balls; use exact arithmetic."""
        raise Unavailable("the exact rank", self.name, "use exact arithmetic")

    def singular_values(self, X: Matrix) -> list[Scalar]:
        """Enclosures of the singular values, largest first: the k-th ball holds the k-th value.

        Ties, zeros and wide balls are fine; ``Unavailable`` where an entry is not finite.
        """
        if 1 in X.shape and all(entry.is_finite() for entry in X.flat):
            return [self.frobenius_norm(X)]
        return singular_values(flint.arb_mat(plain_rows(X)))

    def operator_norm(self, X: Matrix) -> Scalar:
        """Enclosure of the spectral norm."""
        return self.singular_values(X)[0]

    def frobenius_norm(self, X: Matrix) -> Scalar:
        """Enclosure of the Frobenius norm."""
        return self.sqrt(squared_norm(X))
