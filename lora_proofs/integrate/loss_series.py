"""Power series of the gradient of a loss that is analytic but no polynomial.

Taylor's method needs the coefficients of grad f(W(t)) from those of W(t). A loss whose gradient
runs in any arithmetic gives them: it is evaluated at power series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import to_ball
from lora_proofs.errors import Unavailable


@dataclass(frozen=True)
class SeriesArithmetic:
    """Power series in time whose coefficients are balls: what Taylor's method needs of a loss."""

    name: str = "power series"
    rigorous: bool = False

    def working(self) -> AbstractContextManager[Any]:
        """Nothing to set: the integrator has set the precision."""
        return nullcontext()

    def number(self, value: Any) -> Any:
        """A number as a ball: a series adds and multiplies with it."""
        return value if isinstance(value, flint.arb_series) else to_ball(value)

    def matrix(self, rows: Any) -> Any:
        """A matrix of numbers."""
        out = np.empty((len(rows), len(rows[0])), dtype=object)
        out.reshape(-1)[:] = [self.number(x) for row in rows for x in row]
        return out

    def exp(self, x: Any) -> Any:
        """Exponential."""
        return x.exp()

    def log(self, x: Any) -> Any:
        """Natural logarithm."""
        return x.log()

    def sqrt(self, x: Any) -> Any:
        """Square root."""
        return x.sqrt()

    def cosh(self, x: Any) -> Any:
        """Hyperbolic cosine."""
        e = x.exp()
        return (e + 1 / e) / 2

    def sinh(self, x: Any) -> Any:
        """Hyperbolic sine."""
        e = x.exp()
        return (e - 1 / e) / 2

    def tanh(self, x: Any) -> Any:
        """Hyperbolic tangent."""
        e = (2 * x).exp()
        return 1 - 2 / (e + 1)

    def __getattr__(self, operation: str) -> Any:
        if operation.startswith("__"):
            raise AttributeError(operation)
        raise Unavailable(operation, self.name)


SERIES = SeriesArithmetic()


def gradient_coefficient(loss: Any, W: Sequence[Any], shape: tuple[int, int], k: int) -> Any:
    """Coefficient k of grad f(W(t)) from the coefficients of W, ``None`` where one is zero."""
    with _cap(k + 1):
        point = np.empty(shape, dtype=object)
        flat = point.reshape(-1)
        zero = flint.arb_mat(*shape)
        entries = [(zero if X is None else X).entries() for X in (*W, *[None] * (k + 1 - len(W)))]
        for i in range(flat.size):
            flat[i] = flint.arb_series([row[i] for row in entries[: k + 1]], k + 1)
        found = loss.gradient(point, SERIES)
        return flint.arb_mat(*shape, [_coefficient(x, k) for x in found.flat])


def _coefficient(x: Any, k: int) -> Any:
    if isinstance(x, flint.arb_series):
        return x[k]
    return to_ball(x) if k == 0 else flint.arb(0)


@contextmanager
def _cap(length: int) -> Iterator[None]:
    """FLINT's length of power series for the body, restored afterwards."""
    before, flint.ctx.cap = flint.ctx.cap, length
    try:
        yield
    finally:
        flint.ctx.cap = before
