"""The value of an expression where its symbols have values, in any arithmetic.

Entries may be numbers of any arithmetic, or polynomials: the text is the same. Derivatives are
taken on entries, by carrying a polynomial in one infinitesimal variable, never by the rules of
the word calculus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import power, scaled, squared_norm, trace
from lora_proofs.arithmetic.recorded import Recorded
from lora_proofs.errors import BadInput, NotUnderstood, ShapeMismatch, Unavailable
from lora_proofs.mathematics import words as w

Values = Mapping[Any, Any]


def evaluate(expression: w.Word, values: Values, ctx: Any) -> Any:
    """The value of an expression: a number, or a matrix as an array.

    ``values`` maps each ``Symbol`` to an array, each ``Scalar`` to a number, each ``Loss`` to an
    object with ``value(W, ctx)``, ``gradient(W, ctx)`` and ``hessian(W, X, ctx)``. Raises
    ``BadInput`` for a symbol without a value and ``ShapeMismatch`` for a wrong shape.

    >>> from lora_proofs.arithmetic import EXACT
    >>> A = w.Symbol("A", "r", "m")
    >>> evaluate(w.Trace(A @ A.T), {A: EXACT.matrix([[1, 2]])}, EXACT)
    5
    """
    return Evaluation(values, ctx, _dimensions(values)).value(expression)


def _dimensions(values: Values) -> dict[Any, int]:
    sizes: dict[Any, int] = {}
    for symbol, value in values.items():
        if not isinstance(symbol, w.Symbol):
            continue
        got = np.shape(value)[-2:]
        for name, size in zip((symbol.rows, symbol.columns), got, strict=True):
            if (name if isinstance(name, int) else sizes.setdefault(name, size)) != size:
                raise ShapeMismatch(
                    f"{symbol.name}: expected shape {symbol.shape} with {sizes}, got {got}"
                )
    return sizes


@dataclass(frozen=True)
class Evaluation:
    """One evaluation: values, the arithmetic, and the sizes of the named dimensions."""

    values: Values
    ctx: Any
    sizes: dict[Any, int]
    inside: bool = False
    """Whether a derivative is being taken: the infinitesimal is one, so they do not nest."""

    def value(self, expression: w.Word) -> Any:
        """Dispatch on the kind of node; an unknown one raises."""
        method = getattr(self, f"_{type(expression).__name__.lower()}", None)
        if method is None:
            raise NotUnderstood(f"cannot evaluate {type(expression).__name__}: {expression!r}")
        return method(expression)

    def _length(self, name: w.Dimension) -> int:
        if isinstance(name, int):
            return name
        if name not in self.sizes:
            raise BadInput(
                f"the dimension {name!r} has no size; give a value to a symbol that has it"
            )
        return self.sizes[name]

    def _lookup(self, key: Any) -> Any:
        if key not in self.values:
            raise BadInput(
                f"no value for {key.name!r}; values are given for "
                f"{', '.join(sorted(k.name for k in self.values)) or 'nothing'}"
            )
        return self.values[key]

    def _number(self, e: w.Number) -> Any:
        return self.ctx.number(e.value)

    def _scalar(self, e: w.Scalar) -> Any:
        return self._lookup(e)

    def _symbol(self, e: w.Symbol) -> Any:
        return self._lookup(e)

    def _size(self, e: w.Size) -> Any:
        return self.ctx.number(self._length(e.name))

    def _identity(self, e: w.Identity) -> Any:
        return self.ctx.identity(self._length(e.size))

    def _zero(self, e: w.Zero) -> Any:
        return self.ctx.zeros(self._length(e.rows), self._length(e.columns))

    def _sum(self, e: w.Sum) -> Any:
        total = self.value(e.terms[0])
        for term in e.terms[1:]:
            total = total + self.value(term)
        return total

    def _product(self, e: w.Product) -> Any:
        total = self.value(e.factors[0])
        for factor in e.factors[1:]:
            total = total @ self.value(factor)
        return total

    def _scaled(self, e: w.Scaled) -> Any:
        scale, body = self.value(e.scale), self.value(e.body)
        if e.shape is not None and isinstance(scale, np.ndarray) and scale.ndim:
            return scale[..., None, None] * body  # a batch of scalars, one for each matrix
        return scaled(scale, body)

    def _power(self, e: w.Power) -> Any:
        base = self.value(e.base)
        if e.exponent >= 0:
            return power(base, e.exponent)
        return self.ctx.number(1) / power(base, -e.exponent)

    def _transpose(self, e: w.Transpose) -> Any:
        return self.value(e.body).mT

    def _inverse(self, e: w.Inverse) -> Any:
        return self.ctx.inverse(self.value(e.body))

    def _trace(self, e: w.Trace) -> Any:
        return trace(self.value(e.body))

    def _norm(self, e: w.Norm) -> Any:
        blocks = [self.value(block) for block in e.blocks]
        if e.kind == "2":
            return self.ctx.operator_norm(blocks[0])
        total = squared_norm(blocks[0])
        for block in blocks[1:]:
            total = total + squared_norm(block)
        return self.ctx.sqrt(total)

    def _lossvalue(self, e: w.LossValue) -> Any:
        return self._lookup(e.loss).value(self.value(e.point), self.ctx)

    def _lossgradient(self, e: w.LossGradient) -> Any:
        loss, point = self._lookup(e.loss), self.value(e.point)
        if not e.directions:
            return loss.gradient(point, self.ctx)
        if len(e.directions) == 1:
            return loss.hessian(point, self.value(e.directions[0]), self.ctx)
        raise NotUnderstood(f"loss {e.loss.name}: derivatives beyond the Hessian are not evaluated")

    def _named(self, e: w.Named) -> Any:
        return self.value(e.body)

    def _substituted(self, e: w.Substituted) -> Any:
        changed = {**self.values, **{s: self.value(v) for s, v in e.replacements}}
        return replace(self, values=changed).value(e.of)

    def _derivative(self, e: w.Derivative) -> Any:
        return self._along(e.of, {s: self.value(rate) for s, rate in e.rates})

    def _gradient(self, e: w.Gradient) -> Any:
        if e.symbol.symmetric:
            raise NotUnderstood(f"gradient in the symmetric {e.symbol.name}: its entries are tied")
        at = self._lookup(e.symbol)
        out = np.empty(at.shape, dtype=object)
        for index in np.ndindex(at.shape):
            direction = np.zeros(at.shape, dtype=object)
            direction[index] = 1
            out[index] = self._along(e.of, {e.symbol: direction * self.ctx.number(1)})
        return out

    def _along(self, expression: w.Word, rates: dict[Any, Any]) -> Any:
        """d/de at e = 0 of the expression with every moving symbol replaced by itself + e rate."""
        if self.inside:
            raise NotUnderstood("a derivative inside a derivative: carry the inner one out first")
        moved = {s: _infinitesimal(self._lookup(s), rate) for s, rate in rates.items()}
        result = replace(self, values={**self.values, **moved}, inside=True).value(expression)
        return _first_coefficient(result, self.ctx.number(0))


@dataclass(frozen=True)
class _Dual:
    """constant + slope e with e^2 = 0, over numbers that FLINT's polynomials do not take."""

    constant: Any
    slope: Any

    def __add__(self, other: Any) -> _Dual:
        y = _dual(other)
        return _Dual(self.constant + y.constant, self.slope + y.slope)

    def __mul__(self, other: Any) -> _Dual:
        x, y = self, _dual(other)
        return _Dual(x.constant * y.constant, x.slope * y.constant + x.constant * y.slope)

    def __truediv__(self, other: Any) -> _Dual:
        return _Dual(self.constant / other, self.slope / other)

    def __neg__(self) -> _Dual:
        return _Dual(-self.constant, -self.slope)

    def __sub__(self, other: Any) -> _Dual:
        y = _dual(other)
        return _Dual(self.constant - y.constant, self.slope - y.slope)

    def __rsub__(self, other: Any) -> _Dual:
        return _dual(other) - self

    __radd__, __rmul__ = __add__, __mul__


def _dual(x: Any) -> _Dual:
    return x if isinstance(x, _Dual) else _Dual(x, 0)


def _polynomial(constant: Any, slope: Any) -> Any:
    if isinstance(constant, Recorded) or isinstance(slope, Recorded):
        return _Dual(constant, slope)
    if isinstance(constant, flint.arb) or isinstance(slope, flint.arb):
        return flint.arb_poly([constant, slope])
    if isinstance(constant, flint.fmpq | int) and isinstance(slope, flint.fmpq | int):
        return flint.fmpq_poly([constant, slope])
    raise Unavailable("a derivative of an expression", type(constant).__name__)


def _infinitesimal(value: Any, rate: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return _polynomial(value, rate)
    out = np.empty(value.shape, dtype=object)
    for index in np.ndindex(value.shape):
        out[index] = _polynomial(value[index], rate[index])
    return out


def _first_coefficient(value: Any, zero: Any) -> Any:
    if not isinstance(value, np.ndarray):
        if isinstance(value, _Dual):
            return value.slope
        return value[1] if isinstance(value, flint.fmpq_poly | flint.arb_poly) else zero
    out = np.empty(value.shape, dtype=object)
    for index in np.ndindex(value.shape):
        out[index] = _first_coefficient(value[index], zero)
    return out
