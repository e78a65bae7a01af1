"""Taylor coefficients of a flow, order by order, in balls: Cauchy products read off a tape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add, mul
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import to_ball
from lora_proofs.errors import NotUnderstood
from lora_proofs.integrate.loss_series import GradientSeries
from lora_proofs.integrate.tape import Node, Tape
from lora_proofs.mathematics.losses import LogCosh

Coefficients = list[Any]  # one flint.arb_mat (or flint.arb for a scalar) per order


def ball_matrix(X: Any) -> flint.arb_mat:
    """Exact rows or an array as a FLINT matrix of balls, at the precision in force."""
    return flint.arb_mat([[to_ball(x) for x in row] for row in X])


def ball_value(X: Any) -> Any:
    """A number as a ball, a matrix as a FLINT matrix."""
    return ball_matrix(X) if isinstance(X, np.ndarray | list | tuple) else to_ball(X)


@dataclass
class Series:
    """The power series of every node of a tape, extended by one order at a time."""

    tape: Tape
    values: Mapping[Any, Any]  # constants as balls, losses as they are
    series: list[Coefficients] = field(default_factory=list)
    moving: list[int] = field(default_factory=list)
    inputs: dict[int, Coefficients] = field(default_factory=dict)
    aside: dict[int, Any] = field(default_factory=dict)

    def flow(self, start: Mapping[Any, Any], order: int) -> dict[Any, Coefficients]:
        """Coefficients 0..order of each moving symbol: y_{k+1} = F(y)_k / (k + 1)."""
        y: dict[Any, Coefficients] = {symbol: [value] for symbol, value in start.items()}
        self._begin(y)
        for k in range(order):
            for symbol, coefficient in self._next(k, y).items():
                y[symbol].append(coefficient)
        return y

    def centred_flow(
        self, start: Mapping[Any, Any], order: int
    ) -> tuple[dict[Any, Coefficients], dict[Any, Coefficients]]:
        """Exact coefficients c_0..c_order near those of the flow, and balls around 0.

        ``start`` is exact. Every c_{k+1} is the midpoint of a ball b_{k+1} for F(c)_k / (k + 1);
        the balls returned are b_{k+1} - c_{k+1}, so F(c)_k - (k + 1) c_{k+1} is in k + 1 of them.
        """
        y: dict[Any, Coefficients] = {symbol: [value] for symbol, value in start.items()}
        self._begin(y)
        gaps: dict[Any, Coefficients] = {symbol: [] for symbol in start}
        bits = flint.ctx.prec
        for k in range(order):
            # Terms of high order are small on the step, and need fewer digits.
            with flint.ctx.workprec(max(64, bits - (bits - 32) * k // order)):
                for symbol, ball in self._next(k, y).items():
                    y[symbol].append(ball.mid())
                    gaps[symbol].append(ball - y[symbol][-1])
        return y, gaps

    def at(self, point: Mapping[Any, Any]) -> list[Any]:
        """The value of every node where the moving symbols are at a point (or in a box)."""
        self._begin({symbol: [value] for symbol, value in point.items()})
        self._extend(0)
        return [coefficients[0] for coefficients in self.series]

    def _begin(self, y: Mapping[Any, Coefficients]) -> None:
        nodes = self.tape.nodes
        self.series = [[] for _ in nodes]
        self.moving = [i for i, node in enumerate(nodes) if not node.fixed]
        self.inputs = {i: y[node.data] for i, node in enumerate(nodes) if node.data in y}
        self.aside = {}

    def _next(self, k: int, y: Mapping[Any, Coefficients]) -> dict[Any, Any]:
        self._extend(k)
        rates = {s: self._at(self.tape.outputs[s], k, c[0]) for s, c in y.items()}
        return {symbol: rate / (k + 1) for symbol, rate in rates.items()}

    def _at(self, position: int, k: int, like: Any) -> Any:
        found = self._get(position, k)
        return like * 0 if found is None else found

    def _get(self, position: int, k: int) -> Any:
        """Coefficient k, or ``None`` where it is zero."""
        coefficients = self.series[position]
        return coefficients[k] if k < len(coefficients) else None

    def _extend(self, k: int) -> None:
        nodes = self.tape.nodes
        for position in range(len(nodes)) if k == 0 else self.moving:
            self.series[position].append(self._coefficient(nodes[position], position, k))

    def _coefficient(self, node: Node, position: int, k: int) -> Any:
        match node.op:
            case "input":
                return (
                    self.inputs[position][k] if position in self.inputs else self.values[node.data]
                )
            case "number":
                return flint.arb(flint.fmpq(node.data.numerator, node.data.denominator))
            case "identity":
                return _identity((node.shape or (1, 1))[0])
            case "zero":
                return flint.arb_mat(*node.data)
            case "sum":
                return _total([self._get(i, k) for i in node.args])
            case "matmul" | "scale":
                return self._product(node.args[0], node.args[1], k)
            case "transpose":
                return _map(self._get(node.args[0], k), lambda X: X.transpose())
            case "trace":
                return _map(self._get(node.args[0], k), lambda X: X.trace())
            case _:
                return self._gradient(node, position, k)

    def _product(self, left: int, right: int, k: int) -> Any:
        """sum_i X_i Y_{k-i}; one product where a factor does not move."""
        X, Y = self.series[left], self.series[right]
        if self.tape.nodes[left].fixed:
            return X[0] * Y[k] if k < len(Y) else None
        if self.tape.nodes[right].fixed:
            return X[k] * Y[0]
        if k > 0 and self._transposed(left, right):
            half = (k + 1) // 2  # coefficients of X'X are symmetric: one half is computed
            total = reduce(add, map(mul, X[:half], reversed(Y[k + 1 - half :])))
            total = total + total.transpose()
            return total if k % 2 else total + X[half] * Y[half]
        return reduce(add, map(mul, X, reversed(Y)))

    def _transposed(self, left: int, right: int) -> bool:
        X, Y = self.tape.nodes[left], self.tape.nodes[right]
        return (X.op == "transpose" and X.args[0] == right) or (
            Y.op == "transpose" and Y.args[0] == left
        )

    def _gradient(self, node: Node, position: int, k: int) -> Any:
        """Of log-cosh the entries of tanh(W - Y), u' = (1 - u^2) w'; of others at power series."""
        loss = self.values[node.data]
        if getattr(loss, "has_series", False):
            if position not in self.aside:
                self.aside[position] = GradientSeries(loss, node.shape or (1, 1))
            return self.aside[position].extend(
                self._at(node.args[0], k, self._get(node.args[0], 0))
            )
        if not isinstance(loss, LogCosh):
            raise NotUnderstood(
                f"no series is known for the gradient of loss {node.data.name!r}: give the flow "
                "the gradient that is derived from its value"
            )
        if position not in self.aside:
            Y = None if loss.Y is None else ball_matrix(loss.Y)
            rows, columns = node.shape or (1, 1)
            self.aside[position] = (Y, [Tanh() for _ in range(rows * columns)])
        Y, entries = self.aside[position]
        W = self._at(node.args[0], k, self._get(node.args[0], 0))
        if k == 0 and Y is not None:
            W = W - Y
        new = [tanh.extend(w) for tanh, w in zip(entries, W.entries(), strict=True)]
        return flint.arb_mat(W.nrows(), W.ncols(), new)


class Tanh:
    """The series of u = tanh w, extended by one coefficient of w at a time."""

    def __init__(self) -> None:
        self.slope: list[Any] = []  # (k + 1) w_{k+1}
        self.u: list[Any] = []
        self.v: list[Any] = []  # 1 - u^2

    def extend(self, w: Any) -> Any:
        """The next coefficient of u, for the next one of w."""
        k = len(self.u)
        if k == 0:
            u = w.tanh()
            self.u, self.v = [u], [1 - u * u]
            return self.u[0]
        self.slope.append(k * w)
        self.u.append(_dot(self.slope, self.v) / k)
        half = (k + 1) // 2
        square = 2 * sum(map(mul, self.u[:half], reversed(self.u[k + 1 - half :])), flint.arb(0))
        self.v.append(-square if k % 2 else -square - self.u[half] * self.u[half])
        return self.u[k]


def _dot(a: Coefficients, b: Coefficients) -> Any:
    """sum_i a_i b_{n-i}, the last coefficient of a product."""
    return sum(map(mul, a, reversed(b)), flint.arb(0))


def _map(X: Any, function: Any) -> Any:
    return None if X is None else function(X)


def _total(terms: list[Any]) -> Any:
    """The sum of what is not ``None``; ``None`` where nothing is left."""
    present = [term for term in terms if term is not None]
    if not present:
        return None
    total = present[0]
    for term in present[1:]:
        total = total + term
    return total


def _identity(n: int) -> flint.arb_mat:
    return flint.arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])


def evaluate_series(coefficients: Coefficients, h: Any) -> Any:
    """The value at h, by Horner's rule."""
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * h + c
    return total


def entries(X: Any) -> list[Any]:
    """The entries of a FLINT matrix, or the one of a scalar."""
    return X.entries() if isinstance(X, flint.arb_mat) else [X]


def midpoint(X: Any) -> Any:
    """The exact midpoint of a ball or of a matrix of balls."""
    return X.mid()


def log2_size(balls: Any) -> float:
    """log2 of the largest entry, for choosing steps alone: -inf where all vanish."""
    largest = flint.arb(0)
    for ball in balls:
        largest = largest.max(ball.abs_upper())
    if largest == 0 or not largest.is_finite():
        return float("-inf") if largest == 0 else float("inf")
    mantissa, exponent = largest.mid().man_exp()
    size = int(mantissa).bit_length()
    return float(int(exponent) + size) + float(np.log2(int(mantissa) / 2**size))
