"""The kinds of losses: value, gradient, Hessian action, and the value as a ``Word``.

The gradients written out here are the fast, hand-written ones; derivations and the reference
integrators use gradients derived from ``value_word``, and the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol, cast

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.context import (
    Arithmetic,
    Matrix,
    Scalar,
    inner,
    power,
    scaled,
    squared_norm,
    trace,
)
from lora_proofs.errors import ShapeMismatch
from lora_proofs.mathematics import words
from lora_proofs.mathematics.words import Symbol, Word


class Loss(Protocol):
    """A loss f on n x m matrices, with whatever constant matrices it needs."""

    @property
    def name(self) -> str:
        """The name that an instance gives it."""

    @property
    def convex(self) -> bool:
        """Whether f is known to be convex."""

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """f(W)."""

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """The gradient G at W."""

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """The Hessian action H[X] at W."""

    def lipschitz(self, n: int, m: int) -> int | None:
        """A Frobenius Lipschitz constant of the gradient; ``None`` where none is global."""

    def value_word(self, W: Word) -> Word:
        """f(W) as an expression in W and the symbols of ``symbols``."""

    def symbols(self, W: Word) -> dict[Any, Any]:
        """What each symbol of ``value_word`` is: exact rows, or this loss for ``words.Loss``."""


@lru_cache(maxsize=128)
def _lifted(rows: Any, ctx: Any) -> Matrix:
    with ctx.working():
        return ctx.matrix(rows)


def _data(value: Any, ctx: Arithmetic) -> Matrix:
    """Exact rows lifted once per arithmetic; an array is taken to be in ``ctx`` already."""
    return value if isinstance(value, np.ndarray) else _lifted(value, cast(Hashable, ctx))


def lifted_data(value: Any, ctx: Arithmetic) -> Any:
    """Exact rows or an exact number in an arithmetic; an array is taken to be in ``ctx`` already.

    >>> from lora_proofs.arithmetic import EXACT
    >>> lifted_data(((1, 2),), EXACT), lifted_data(Fraction(1, 2), EXACT)
    (array([[1, 2]], dtype=object), 1/2)
    """
    return _data(value, ctx) if isinstance(value, np.ndarray | tuple) else ctx.number(value)


def _shape(W: Word) -> tuple[words.Dimension, words.Dimension]:
    if W.shape is None:
        raise ShapeMismatch(f"loss: expected W as a matrix, got the scalar {W!r}")
    return W.shape


def _symbol(name: str, W: Word) -> Symbol:
    return Symbol(name, *_shape(W))


def _residual(W: Matrix, Y: Any, ctx: Arithmetic) -> Matrix:
    if Y is None:
        return W
    target = _data(Y, ctx)
    if target.shape[-2:] != W.shape[-2:]:
        raise ShapeMismatch(
            f"loss: expected W and Y of one shape, got W {W.shape[-2:]} and Y {target.shape[-2:]}"
        )
    return W - target


def _half(ctx: Arithmetic) -> Scalar:
    return ctx.number(Fraction(1, 2))


def _times(scalar: Scalar, X: Matrix) -> Matrix:
    """A scalar, or a batch of scalars, times a matrix."""
    return scalar[..., None, None] * X if isinstance(scalar, np.ndarray) else scaled(scalar, X)


@dataclass(frozen=True)
class TraceSquared:
    """f(W) = 1/2 (tr W)^2 on square matrices."""

    name = "trace-squared"
    convex = True

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """1/2 (tr W)^2."""
        return _half(ctx) * power(trace(W), 2)

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """(tr W) I."""
        return _times(trace(W), ctx.identity(_order(W)))

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """(tr X) I."""
        return _times(trace(X), ctx.identity(_order(X)))

    def lipschitz(self, n: int, m: int) -> int | None:
        """The order n, attained at X = I."""
        return n

    def value_word(self, W: Word) -> Word:
        """The value as an expression in W."""
        return Fraction(1, 2) * words.Trace(W) ** 2

    def symbols(self, W: Word) -> dict[Any, Any]:
        """No data."""
        return {}


def _order(W: Matrix) -> int:
    n, m = W.shape[-2:]
    if n != m:
        raise ShapeMismatch(f"loss trace-squared: expected a square W, got shape {(n, m)}")
    return int(n)


@dataclass(frozen=True)
class Frobenius:
    """f(W) = 1/2 ||W - Y||_F^2."""

    Y: Any
    name = "frobenius"
    convex = True

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """1/2 ||W - Y||_F^2."""
        return _half(ctx) * squared_norm(_residual(W, self.Y, ctx))

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """W - Y."""
        return _residual(W, self.Y, ctx)

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """X itself."""
        return X

    def lipschitz(self, n: int, m: int) -> int | None:
        """1: the gradient moves as W does."""
        return 1

    def value_word(self, W: Word) -> Word:
        """The value as an expression in W and the symbol Y."""
        return Fraction(1, 2) * words.squared_norm(W - _symbol("Y", W))

    def symbols(self, W: Word) -> dict[Any, Any]:
        """The target."""
        return {_symbol("Y", W): self.Y}


@dataclass(frozen=True)
class Linear:
    """f(W) = <C, W>."""

    C: Any
    name = "linear"
    convex = True

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """<C, W>."""
        return inner(_data(self.C, ctx), W)

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """C, whatever W."""
        return W * 0 + _data(self.C, ctx)

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """The zero matrix."""
        return X * 0

    def lipschitz(self, n: int, m: int) -> int | None:
        """0: the gradient is constant."""
        return 0

    def value_word(self, W: Word) -> Word:
        """The value as an expression in W and the symbol C."""
        return words.inner(_symbol("C", W), W)

    def symbols(self, W: Word) -> dict[Any, Any]:
        """The slope."""
        return {_symbol("C", W): self.C}


def entrywise(function: Any, X: Matrix) -> Matrix:
    """A function of numbers applied to each entry of an array of any arithmetic."""
    if X.dtype != object:
        return function(X)
    out = np.empty(X.shape, dtype=object)
    for index in np.ndindex(X.shape):
        out[index] = function(X[index])
    return out


@dataclass(frozen=True)
class LogCosh:
    """f(W) = sum_ij log cosh(W_ij - Y_ij); Y is zero where it is ``None``."""

    Y: Any = None
    name = "log-cosh"
    convex = True

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """The sum over the entries."""
        Z = _residual(W, self.Y, ctx)
        if isinstance(ctx, ArrayArithmetic):  # cosh overflows beyond 710
            return (np.logaddexp(Z, -Z) - np.log(2)).sum(axis=(-2, -1))
        return entrywise(lambda z: ctx.log(ctx.cosh(z)), Z).sum(axis=(-2, -1))

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """The tanh of each entry of W - Y."""
        return entrywise(ctx.tanh, _residual(W, self.Y, ctx))

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """(1 - tanh^2) X, entry by entry."""
        slope = self.gradient(W, ctx)
        return (1 - slope * slope) * X

    def lipschitz(self, n: int, m: int) -> int | None:
        """1, since 0 < 1 - tanh^2 <= 1."""
        return 1

    def value_word(self, W: Word) -> Word:
        """The uninterpreted loss ``words.Loss("log-cosh", ...)`` at W: it is no polynomial."""
        return self._uninterpreted(W)(W)

    def symbols(self, W: Word) -> dict[Any, Any]:
        """This loss, as the interpretation of the uninterpreted one."""
        return {self._uninterpreted(W): self}

    def _uninterpreted(self, W: Word) -> words.Loss:
        return words.Loss(self.name, *_shape(W))


@dataclass(frozen=True)
class Cubic:
    """f(W) = <C, W> + 1/2 <W, P W Q> + 1/3 tr((W R')^3), a generic loss for tests.

    C and R are n x m, P is n x n, Q is m x m; neither P nor Q need be symmetric.
    """

    C: Any
    P: Any
    Q: Any
    R: Any
    name = "cubic"
    convex = False

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """The value at W."""
        C, P, Q, R = (_data(X, ctx) for X in (self.C, self.P, self.Q, self.R))
        Z = W @ R.mT
        cube = trace(Z @ Z @ Z) * ctx.number(Fraction(1, 3))
        return inner(C, W) + _half(ctx) * inner(W, P @ W @ Q) + cube

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """C + (P W Q + P'W Q')/2 + R W'R W'R."""
        C, P, Q, R = (_data(X, ctx) for X in (self.C, self.P, self.Q, self.R))
        return C + _half(ctx) * (P @ W @ Q + P.mT @ W @ Q.mT) + R @ W.mT @ R @ W.mT @ R

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """(P X Q + P'X Q')/2 + R X'R W'R + R W'R X'R."""
        P, Q, R = (_data(M, ctx) for M in (self.P, self.Q, self.R))
        quadratic = _half(ctx) * (P @ X @ Q + P.mT @ X @ Q.mT)
        return quadratic + R @ X.mT @ R @ W.mT @ R + R @ W.mT @ R @ X.mT @ R

    def lipschitz(self, n: int, m: int) -> int | None:
        """None: the cubic term has no global constant."""
        return None

    def value_word(self, W: Word) -> Word:
        """The value as an expression in W and the symbols C, P, Q, R."""
        C, P, Q, R = self.symbols(W)
        Z = W @ R.T
        quadratic = Fraction(1, 2) * words.inner(W, P @ W @ Q)
        return words.inner(C, W) + quadratic + Fraction(1, 3) * words.Trace(Z @ Z @ Z)

    def symbols(self, W: Word) -> dict[Any, Any]:
        """The four matrices."""
        n, m = _shape(W)
        P, Q = Symbol("P", n, n), Symbol("Q", m, m)
        return {_symbol("C", W): self.C, P: self.P, Q: self.Q, _symbol("R", W): self.R}
