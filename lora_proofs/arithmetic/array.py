"""float64 arrays, batched over leading axes: fast, never rigorous."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Matrix, Scalar, squared_norm
from lora_proofs.arithmetic.exact import rational


def _rounded(x: Any) -> float:
    """An exact number rounded to nearest; whole numbers divide correctly rounded."""
    return int(x.p) / int(x.q) if type(x) is flint.fmpq else float(rational(x))


@dataclass(frozen=True)
class ArrayArithmetic:
    """float64; matrices have shape (..., rows, columns).

    >>> array = ArrayArithmetic()
    >>> array.operator_norm(array.matrix([[3, 0], [0, 4]]))
    np.float64(4.0)
    """

    name: str = "array"
    rigorous: bool = False

    def working(self) -> AbstractContextManager[Any]:
        """Nothing to set."""
        return nullcontext()

    def number(self, value: Any) -> Scalar:
        """Lift an exact number, rounded to nearest."""
        return value if isinstance(value, np.ndarray) else float(rational(value))

    def matrix(self, rows: Any) -> Matrix:
        """Lift a matrix given by its rows, or pass a float array through."""
        if isinstance(rows, np.ndarray) and rows.dtype != object:
            return rows.astype(np.float64)
        return np.array([[_rounded(x) for x in row] for row in rows], dtype=np.float64)

    def zeros(self, rows: int, columns: int) -> Matrix:
        """The zero matrix."""
        return np.zeros((rows, columns))

    def identity(self, size: int) -> Matrix:
        """The identity matrix."""
        return np.eye(size)

    def sqrt(self, x: Scalar) -> Scalar:
        """Square root."""
        return np.sqrt(x)

    def exp(self, x: Scalar) -> Scalar:
        """Exponential."""
        return np.exp(x)

    def log(self, x: Scalar) -> Scalar:
        """Natural logarithm."""
        return np.log(x)

    def cosh(self, x: Scalar) -> Scalar:
        """Hyperbolic cosine."""
        return np.cosh(x)

    def sinh(self, x: Scalar) -> Scalar:
        """Hyperbolic sine."""
        return np.sinh(x)

    def tanh(self, x: Scalar) -> Scalar:
        """Hyperbolic tangent."""
        return np.tanh(x)

    def inverse(self, X: Matrix) -> Matrix:
        """Inverse over the last two axes."""
        return np.linalg.inv(X)

    def rank(self, X: Matrix) -> int:
        """Numerical rank: never rigorous."""
        return int(np.linalg.matrix_rank(X))

    def singular_values(self, X: Matrix) -> list[Scalar]:
        """Singular values over the last two axes, largest first; ``LinAlgError`` after overflow."""
        if not np.isfinite(X).all():  # LAPACK would write to stderr, and then fail as well
            raise np.linalg.LinAlgError("singular values: expected finite entries")
        return list(np.moveaxis(np.linalg.svd(X, compute_uv=False), -1, 0))

    def operator_norm(self, X: Matrix) -> Scalar:
        """Spectral norm over the last two axes."""
        return self.singular_values(X)[0]

    def frobenius_norm(self, X: Matrix) -> Scalar:
        """Frobenius norm over the last two axes."""
        return np.sqrt(squared_norm(X))
