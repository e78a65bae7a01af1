"""Power series of the gradient of a loss that is analytic but no polynomial.

Taylor's method needs the coefficients of grad f(W(t)) from those of W(t). A loss whose gradient
runs in any arithmetic gives them: it is run once on symbols, and what it did to them is repeated
for the power series, one coefficient at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from operator import mul
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import to_ball
from lora_proofs.errors import Unavailable

Ball = Any
Rule = Callable[["PowerSeries", int], Ball]
ZERO = flint.arb(0)


@dataclass(eq=False)
class PowerSeries:
    """A power series in time, known up to an order, and the rule for its next coefficient."""

    rule: Rule
    made_of: tuple[PowerSeries, ...] = ()
    coefficients: list[Ball] = field(default_factory=list)

    def upto(self, k: int) -> list[Ball]:
        """The coefficients 0..k."""
        while len(self.coefficients) <= k:
            self.coefficients.append(self.rule(self, len(self.coefficients)))
        return self.coefficients

    def __add__(self, other: Any) -> PowerSeries:
        if isinstance(other, PowerSeries):
            return PowerSeries(_sum, (self, other))
        constant = to_ball(other)
        return PowerSeries(lambda s, k: _parts(s, k)[0][k] + (ZERO if k else constant), (self,))

    def __neg__(self) -> PowerSeries:
        return self * -1

    def __sub__(self, other: Any) -> PowerSeries:
        negative: PowerSeries = self + -other
        return negative

    def __rsub__(self, other: Any) -> PowerSeries:
        difference: PowerSeries = -self + other
        return difference

    def __mul__(self, other: Any) -> PowerSeries:
        if isinstance(other, PowerSeries):
            return PowerSeries(_product, (self, other))
        factor = to_ball(other)
        return PowerSeries(lambda s, k: _parts(s, k)[0][k] * factor, (self,))

    def __truediv__(self, other: Any) -> PowerSeries:
        if isinstance(other, PowerSeries):
            return PowerSeries(_quotient, (self, other))
        return self * (1 / to_ball(other))

    def __rtruediv__(self, other: Any) -> PowerSeries:
        return _series(other) / self

    __radd__, __rmul__ = __add__, __mul__


def _constant(value: Ball) -> PowerSeries:
    return PowerSeries(lambda series, k: value if k == 0 else ZERO)


def _series(value: Any) -> PowerSeries:
    return value if isinstance(value, PowerSeries) else _constant(to_ball(value))


def _parts(series: PowerSeries, k: int) -> list[list[Ball]]:
    return [part.upto(k) for part in series.made_of]


def _dot(x: Sequence[Ball], y: Sequence[Ball]) -> Ball:
    """sum_i x_i y_{last - i}."""
    return sum(map(mul, x, reversed(y)), ZERO)


def _sum(series: PowerSeries, k: int) -> Ball:
    x, y = _parts(series, k)
    return x[k] + y[k]


def _product(series: PowerSeries, k: int) -> Ball:
    x, y = _parts(series, k)
    return _dot(x[: k + 1], y[: k + 1])


def _quotient(series: PowerSeries, k: int) -> Ball:
    """q y = x."""
    x, y = _parts(series, k)
    return (x[k] - _dot(series.coefficients, y[1 : k + 1])) / y[0]


def _exp(series: PowerSeries, k: int) -> Ball:
    """e' = x' e."""
    (x,) = _parts(series, k)
    if k == 0:
        return x[0].exp()
    return _dot([j * x[j] for j in range(1, k + 1)], series.coefficients) / k


def _log(series: PowerSeries, k: int) -> Ball:
    """x l' = x'."""
    (x,) = _parts(series, k)
    if k == 0:
        return x[0].log()
    moved = [j * series.coefficients[j] for j in range(1, k)]
    return (x[k] - _dot(moved, x[1:k]) / k) / x[0]


def _sqrt(series: PowerSeries, k: int) -> Ball:
    """s s = x."""
    (x,) = _parts(series, k)
    if k == 0:
        return x[0].sqrt()
    s = series.coefficients
    return (x[k] - _dot(s[1:k], s[1:k])) / (2 * s[0])


@dataclass(frozen=True)
class SeriesArithmetic:
    """Power series as an arithmetic: what Taylor's method needs of a loss."""

    name: str = "power series"
    rigorous: bool = False

    def working(self) -> AbstractContextManager[Any]:
        """Nothing to set: the integrator has set the precision."""
        return nullcontext()

    def number(self, value: Any) -> Any:
        """A number as a ball; a series adds and multiplies with it."""
        return value if isinstance(value, PowerSeries) else to_ball(value)

    def matrix(self, rows: Any) -> Any:
        """A matrix of numbers."""
        out = np.empty((len(rows), len(rows[0])), dtype=object)
        out.reshape(-1)[:] = [self.number(x) for row in rows for x in row]
        return out

    def exp(self, x: Any) -> PowerSeries:
        """Exponential."""
        return PowerSeries(_exp, (_series(x),))

    def log(self, x: Any) -> PowerSeries:
        """Natural logarithm."""
        return PowerSeries(_log, (_series(x),))

    def sqrt(self, x: Any) -> PowerSeries:
        """Square root."""
        return PowerSeries(_sqrt, (_series(x),))

    def cosh(self, x: Any) -> PowerSeries:
        """Hyperbolic cosine."""
        e = self.exp(x)
        return (e + 1 / e) / 2

    def sinh(self, x: Any) -> PowerSeries:
        """Hyperbolic sine."""
        e = self.exp(x)
        return (e - 1 / e) / 2

    def tanh(self, x: Any) -> PowerSeries:
        """Hyperbolic tangent."""
        return 1 - 2 / (self.exp(2 * _series(x)) + 1)

    def __getattr__(self, operation: str) -> Any:
        if operation.startswith("__"):
            raise AttributeError(operation)
        raise Unavailable(operation, self.name)


SERIES = SeriesArithmetic()


class GradientSeries:
    """The coefficients of grad f(W(t)), one after another; W is n x m in balls.

    >>> from lora_proofs.mathematics.losses import frobenius
    >>> G = GradientSeries(frobenius([[1]]), (1, 1))
    >>> [G.extend(flint.arb_mat(1, 1, [c]))[0, 0] for c in (3, 5)]
    [2.00000000000000, 5.00000000000000]
    """

    def __init__(self, loss: Any, shape: tuple[int, int]) -> None:
        self.shape, self.W = shape, np.empty(shape, dtype=object)
        for place in np.ndindex(shape):
            self.W[place] = PowerSeries(_given)
        found = loss.gradient(self.W, SERIES)
        self.G = [_series(x) for x in found.flat]

    def extend(self, W: flint.arb_mat) -> flint.arb_mat:
        """The next coefficient of the gradient, for the next one of W."""
        for series, ball in zip(self.W.flat, W.entries(), strict=True):
            series.coefficients.append(ball)
        k = len(self.W.flat[0].coefficients) - 1
        return flint.arb_mat(*self.shape, [series.upto(k)[k] for series in self.G])


def _given(series: PowerSeries, k: int) -> Ball:
    raise AssertionError("the coefficients of W are given one by one")
