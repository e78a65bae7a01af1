"""Losses from SymPy: a sum of one function over the entries, or any expression of the entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.loss_kinds import entrywise, lifted_data
from lora_proofs.writing.entry_functions import derivative, value_of
from lora_proofs.writing.word_loss import WordLoss, word_loss


@dataclass(frozen=True)
class EntrywiseLoss:
    """f(W) = sum_ij phi(W_ij - Y_ij), with phi a SymPy expression in one symbol.

    Y is zero where ``has_target`` is false. A polynomial phi has a flow with Taylor series and
    enclosures; another one has values in each arithmetic that has its functions, and flows in
    float64 and multiprecision. ``declared_convex`` and ``constant`` are what the author says.
    """

    name: str
    phi: Any
    z: Any
    has_target: bool = True
    Y: Any = None
    declared_convex: bool | None = None
    constant: Any = None
    has_series = True
    is_square = False

    @property
    def convex(self) -> bool:
        """False: what an author declares is not known, and enclosures do without it."""
        return False

    @property
    def polynomial(self) -> bool:
        """Whether phi is a polynomial."""
        return bool(self.phi.is_polynomial(self.z))

    def fields(self) -> dict[str, str]:
        """The target, in words, if there is one."""
        return {"Y": "n x m"} if self.has_target else {}

    def on(self, instance: Any) -> EntrywiseLoss:
        """This loss with the target that an instance carries."""
        return self.with_data(Y=instance.Y) if self.has_target else self

    def with_data(self, Y: Any) -> EntrywiseLoss:
        """This loss with a target, exact or in one arithmetic."""
        exact = isinstance(Y, list | tuple)
        return replace(self, Y=dict(Instance(Y=Y).fields)["Y"] if exact else Y)

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """The sum over the entries."""
        return self._each(W, ctx).sum(axis=(-2, -1))

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """phi' of each entry of W - Y."""
        return self._each(W, ctx, self.z)

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """phi'' of each entry of W - Y, times that of X."""
        return self._each(W, ctx, self.z, self.z) * X

    def lipschitz(self, n: int, m: int) -> Any:
        """The Lipschitz constant of the gradient that the author declared, or ``None``."""
        return self.constant(n, m) if callable(self.constant) else self.constant

    def of_shape(self, n: int, m: int) -> Any:
        """For a polynomial phi the same loss in words, for n x m matrices; else this loss."""
        target = self._target()
        if not self.polynomial:
            return self
        words = _in_words(replace(self, Y=None), n, m)
        return words.with_data(Y=target) if self.has_target else words

    def value_word(self, W: w.Word) -> w.Word:
        """The uninterpreted loss at W."""
        return self._uninterpreted(W)(W)

    def symbols(self, W: w.Word) -> dict[Any, Any]:
        """This loss, as the interpretation of the uninterpreted one."""
        return {self._uninterpreted(W): self}

    def _uninterpreted(self, W: w.Word) -> w.Loss:
        assert W.shape is not None
        return w.Loss(self.name, *W.shape)

    def _target(self) -> Any:
        if self.has_target and self.Y is None:
            raise BadInput(
                f"loss {self.name}: expected the target Y, and none is given; write "
                "loss.on(instance), or loss.with_data(Y=...)"
            )
        return self.Y

    def _each(self, W: Matrix, ctx: Arithmetic, *symbols: Any) -> Matrix:
        """A derivative of phi at each entry of W - Y."""
        phi = derivative(self.phi, *symbols)
        Z = W
        if self.has_target:
            Y = lifted_data(self._target(), ctx)
            if Y.shape[-2:] != W.shape[-2:]:
                raise ShapeMismatch(
                    f"loss {self.name}: expected W and Y of one shape, got W {W.shape[-2:]} and "
                    f"Y {Y.shape[-2:]}"
                )
            Z = W - Y
        still = self.z not in phi.free_symbols
        return entrywise(lambda z: value_of(phi, {self.z: z}, ctx) + (0 * z if still else 0), Z)


@lru_cache(maxsize=64)
def _in_words(loss: EntrywiseLoss, n: int, m: int) -> WordLoss:
    """The sum over the entries, each entry as a trace with two unit vectors."""
    W, Y = w.Symbol("W", n, m), w.Symbol("Y", n, m)
    rest = W - Y if loss.has_target else W
    phi, slope = loss.phi, derivative(loss.phi, loss.z)
    at = {(i, j): {loss.z: entry(rest, i, j)} for i, j in np.ndindex(n, m)}
    value = w.Sum(tuple(in_words(phi, here) for here in at.values()))
    G = w.Sum(tuple(in_words(slope, x) * at_place(i, j, n, m) for (i, j), x in at.items()))
    return word_loss(loss.name, value, W, constants=units(n, m), slope=G)


def at_place(i: int, j: int, n: int, m: int) -> w.Word:
    """The n x m matrix with a single 1, at the place i, j."""
    return _unit(i, n) @ _unit(j, m).T


def entry(X: w.Word, i: int, j: int) -> w.Word:
    """X_ij as a word, for an X of explicit shape."""
    assert X.shape is not None
    n, m = X.shape
    assert isinstance(n, int) and isinstance(m, int)
    return w.Trace(_unit(j, m) @ _unit(i, n).T @ X)


def _unit(i: int, n: int) -> w.Symbol:
    return w.Symbol(f"unit vector {i + 1} of {n}", n, 1, latex=f"e_{{{i + 1}}}")


def units(*sizes: int) -> Any:
    """The unit vectors of each size, with their values."""
    return tuple(
        (_unit(i, n), tuple((Fraction(int(i == k)),) for k in range(n)))
        for n in dict.fromkeys(sizes)
        for i in range(n)
    )


def in_words(expression: Any, values: Mapping[Any, w.Word]) -> w.Word:
    """A polynomial SymPy expression as a word, where each symbol stands for one."""
    import sympy as sp

    if isinstance(expression, sp.Rational):
        return w.Number(Fraction(int(expression.p), int(expression.q)))
    if isinstance(expression, sp.Symbol):
        return values[expression]
    if isinstance(expression, sp.Pow):
        return in_words(expression.base, values) ** int(expression.exp)
    parts = [in_words(part, values) for part in expression.args]
    if isinstance(expression, sp.Add):
        return w.Sum(tuple(parts))
    total = parts[0]
    for part in parts[1:]:
        total = total * part
    return total


@dataclass(frozen=True)
class EntriesLoss:
    """A loss of the entries of W, of one explicit shape, that is no polynomial.

    ``expression`` is in SymPy symbols; ``entries`` names those of W in order, ``others`` those of
    each matrix of data.
    """

    name: str
    expression: Any
    shape: tuple[int, int]
    entries: tuple[Any, ...]
    others: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    data: tuple[tuple[str, Any], ...] = ()
    declared_convex: bool | None = None
    constant: Any = None
    has_series = True
    polynomial = False

    @property
    def convex(self) -> bool:
        """False: what an author declares is not known."""
        return False

    @property
    def is_square(self) -> bool:
        """Whether W is square."""
        return self.shape[0] == self.shape[1]

    def fields(self) -> dict[str, str]:
        """Problems come in every shape, so none can be drawn; raises ``BadInput``."""
        raise BadInput(
            f"loss {self.name}: it is for W of shape {self.shape[0]} x {self.shape[1]} alone, and "
            "problems come in every shape; draw them with instances_of(W0=...) instead"
        )

    def on(self, instance: Any) -> EntriesLoss:
        """This loss with the data that an instance carries."""
        return self.with_data(**{name: getattr(instance, name) for name, _ in self.others})

    def with_data(self, **data: Any) -> EntriesLoss:
        """This loss with its matrices given."""
        return replace(self, data=tuple({**dict(self.data), **data}.items()))

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """f(W)."""
        return value_of(self.expression, self._values(W, ctx), ctx)

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """The derivative by each entry."""
        values = self._values(W, ctx)
        slopes = [value_of(derivative(self.expression, x), values, ctx) for x in self.entries]
        return _reshaped(slopes, W)

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """The second derivatives, summed along X."""
        values = self._values(W, ctx)
        along = list(zip(self.entries, _flat(X), strict=True))
        rows = [
            sum(value_of(derivative(self.expression, x, y), values, ctx) * d for y, d in along)
            for x in self.entries
        ]
        return _reshaped(rows, W)

    def lipschitz(self, n: int, m: int) -> Any:
        """The Lipschitz constant of the gradient that the author declared, or ``None``."""
        return self.constant(n, m) if callable(self.constant) else self.constant

    def value_word(self, W: w.Word) -> w.Word:
        """The uninterpreted loss at W."""
        return w.Loss(self.name, *self.shape)(W)

    def symbols(self, W: w.Word) -> dict[Any, Any]:
        """This loss, as the interpretation of the uninterpreted one."""
        return {w.Loss(self.name, *self.shape): self}

    def _values(self, W: Matrix, ctx: Arithmetic) -> dict[Any, Any]:
        if W.shape[-2:] != self.shape:
            raise ShapeMismatch(
                f"loss {self.name}: expected W of shape {self.shape}, got {W.shape[-2:]}"
            )
        known, values = dict(self.data), dict(zip(self.entries, _flat(W), strict=True))
        for name, symbols in self.others:
            if name not in known:
                raise BadInput(f"loss {self.name}: expected {name}; write loss.on(instance)")
            rows = tuple(map(tuple, known[name])) if isinstance(known[name], list) else known[name]
            values.update(zip(symbols, _flat(lifted_data(rows, ctx)), strict=True))
        return values


def _flat(X: Matrix) -> list[Any]:
    """The entries: numbers of one matrix, arrays of numbers of a batch."""
    if X.ndim == 2:
        return [X[i, j] for i, j in np.ndindex(*X.shape)]
    return [X[..., i, j] for i, j in np.ndindex(*X.shape[-2:])]


def _reshaped(entries: list[Any], like: Matrix) -> Matrix:
    out = np.empty(like.shape, dtype=like.dtype)
    for (i, j), value in zip(np.ndindex(*like.shape[-2:]), entries, strict=True):
        out[..., i, j] = value
    return out
