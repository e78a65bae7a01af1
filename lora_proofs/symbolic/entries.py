"""The second engine: both sides of an identity as exact polynomials in matrix entries.

It shares nothing with the normal form but the tree that was written: matrices get explicit
entries at small shapes, products are sums over indices, and derivatives are partial derivatives
of polynomials. An uninterpreted loss is stood for by a cubic polynomial without symmetry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from random import Random
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import entries, squared_norm
from lora_proofs.arithmetic.exact import fmpq
from lora_proofs.errors import NotUnderstood, Unavailable
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import Evaluation

SHAPES: tuple[dict[Any, int], ...] = (
    {"n": 2, "m": 2, "r": 1},
    {"n": 2, "m": 3, "r": 2},
    {"n": 3, "m": 3, "r": 2},
)
OTHER_DIMENSION = 2


def parts(expression: w.Word) -> Iterator[w.Word]:
    """Every node of a tree, formal derivatives and substitutions included."""
    waiting: list[Any] = [expression]
    while waiting:
        item = waiting.pop()
        if isinstance(item, w.Word):
            yield item
            waiting.extend(_children(item))
        elif isinstance(item, tuple):
            waiting.extend(reversed(item))


_HOLDERS = (w.Word, tuple)


def _children(node: w.Word) -> list[Any]:
    """What a node holds that may hold words, last first."""
    return [value for value in reversed(vars(node).values()) if isinstance(value, _HOLDERS)]


def dimensions(nodes: Iterable[w.Word]) -> set[w.Dimension]:
    """Every dimension that some nodes name."""
    shapes = (x.shape or ((x.name,) if isinstance(x, w.Size) else ()) for x in nodes)
    return {d for shape in shapes for d in shape}


def _unique(items: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(items))


@dataclass(frozen=True)
class Ring:
    """The polynomial ring over all entries and scalars of some expressions, at one shape."""

    sizes: dict[Any, int]
    context: Any
    values: dict[Any, Any]
    index: dict[Any, Any] = field(default_factory=dict)
    name: str = "explicit entries"

    def number(self, value: Any) -> Any:
        """A constant polynomial."""
        return self.context.constant(fmpq(value))

    def zeros(self, rows: int, columns: int) -> Any:
        """The zero matrix."""
        out = np.empty((rows, columns), dtype=object)
        for at in np.ndindex(out.shape):
            out[at] = self.number(0)
        return out

    def identity(self, size: int) -> Any:
        """The identity matrix."""
        out = self.zeros(size, size)
        for i in range(size):
            out[i, i] = self.number(1)
        return out

    def inverse(self, X: Any) -> Any:
        """Entries of an inverse are not polynomials."""
        raise Unavailable("an inverse", self.name)

    def sqrt(self, x: Any) -> Any:
        """Only the root of 0 is a polynomial."""
        if x == 0:
            return self.number(0)
        raise Unavailable("a root", self.name)

    def operator_norm(self, X: Any) -> Any:
        """A norm is not a polynomial."""
        raise Unavailable("a norm", self.name)


@dataclass(frozen=True)
class PolynomialEvaluation(Evaluation):
    """Evaluation in a ring, with derivatives as partial derivatives of polynomials."""

    # The two sides of Pythagoras hold the same blocks, and their squares are the largest
    # polynomials of all.
    squares: dict[w.Word, Any] = field(default_factory=dict, init=False)

    def _power(self, e: w.Power) -> Any:
        even = e.exponent >= 0 and e.exponent % 2 == 0
        if isinstance(e.base, w.Norm) and e.base.kind == "F" and even:
            total = reduce(add, [self._square(block) for block in e.base.blocks])
            return total if e.exponent == 2 else total ** (e.exponent // 2)
        if e.exponent >= 0:
            return super()._power(e)
        base = self.value(e.base)
        if not base.is_constant() or base == 0:
            raise Unavailable("a negative power of a polynomial", "explicit entries")
        return self.ctx.number(base.leading_coefficient() ** e.exponent)

    def _square(self, block: w.Word) -> Any:
        if block not in self.squares:
            self.squares[block] = squared_norm(self.value(block))
        return self.squares[block]

    def _derivative(self, e: w.Derivative) -> Any:
        of = self.value(e.of)
        rates = [(s, self.value(rate)) for s, rate in e.rates]
        return _each(of, lambda p: self._along_rates(p, rates))

    def _along_rates(self, polynomial: Any, rates: list[tuple[Any, Any]]) -> Any:
        total = self.ctx.number(0)
        for symbol, rate in rates:
            index = self.ctx.index[symbol]
            # A symmetric symbol has one generator for two entries, which moves once.
            slopes = dict(zip(map(int, entries(index)), entries(rate), strict=True))
            for i, slope in slopes.items():
                total = total + polynomial.derivative(i) * slope
        return total

    def _gradient(self, e: w.Gradient) -> Any:
        if e.symbol.symmetric:
            raise NotUnderstood(f"gradient in the symmetric {e.symbol.name}: its entries are tied")
        of = self.value(e.of)
        index = self.ctx.index[e.symbol]
        out = np.empty(index.shape, dtype=object)
        for at in np.ndindex(index.shape):
            out[at] = of.derivative(int(index[at]))
        return out

    def _substituted(self, e: w.Substituted) -> Any:
        images = list(self.ctx.context.gens())
        for symbol, value in e.replacements:
            index = self.ctx.index[symbol]
            for i, image in zip(entries(index), entries(self.value(value)), strict=True):
                images[int(i)] = image
        return _each(self.value(e.of), lambda p: p.compose(*images))


def _each(value: Any, change: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return change(value)
    out = np.empty(value.shape, dtype=object)
    for index in np.ndindex(value.shape):
        out[index] = change(value[index])
    return out


@dataclass(frozen=True)
class GenericCubic:
    """A fixed cubic polynomial in the entries of W, dense enough to have no symmetry.

    Its gradient and Hessian action are its partial derivatives, term by term.
    """

    rows: int
    columns: int
    which: int = 0
    """Different numbers give different polynomials: two losses are not one."""

    def _terms(self) -> list[tuple[int, tuple[int, ...]]]:
        size = self.rows * self.columns
        terms: list[tuple[int, tuple[int, ...]]] = [(2 * i + 1, (i,)) for i in range(size)]
        terms += [(3 * i - j + 2, (i, j)) for i in range(size) for j in (i, (2 * i + 1) % size)]
        terms += [(i + 2, (i, (i + 1) % size, (3 * i + 1) % size)) for i in range(size)]
        terms += [(5 - i, (i, i, (i + 2) % size)) for i in range(size)]
        coefficients = [c + self.which * (k + 3) for k, (c, _) in enumerate(terms)]
        return [(c, v) for c, (_, v) in zip(coefficients, terms, strict=True) if c]

    def value(self, W: Any, ctx: Any) -> Any:
        """f(W)."""
        at = list(W.flat)
        return sum((_monomial(c, v, at, ctx) for c, v in self._terms()), ctx.number(0))

    def gradient(self, W: Any, ctx: Any) -> Any:
        """The partial derivatives of f, arranged like W."""
        at, out = list(W.flat), ctx.zeros(self.rows, self.columns)
        for c, v in self._terms():
            for k, i in enumerate(v):
                term = _monomial(c, v[:k] + v[k + 1 :], at, ctx)
                out.flat[i] = out.flat[i] + term
        return out

    def hessian(self, W: Any, X: Any, ctx: Any) -> Any:
        """The derivative of the gradient along X."""
        at, along, out = list(W.flat), list(X.flat), ctx.zeros(self.rows, self.columns)
        for c, v in self._terms():
            for k, i in enumerate(v):
                rest = v[:k] + v[k + 1 :]
                for j, moving in enumerate(rest):
                    term = _monomial(c, rest[:j] + rest[j + 1 :], at, ctx) * along[moving]
                    out.flat[i] = out.flat[i] + term
        return out


def _monomial(c: int, variables: tuple[int, ...], at: list[Any], ctx: Any) -> Any:
    total = ctx.number(c)
    for i in variables:
        total = total * at[i]
    return total


def moving(nodes: Iterable[w.Word]) -> set[Any]:
    """The symbols that some derivative or substitution moves: they must stay indeterminate."""
    found: set[Any] = set()
    for x in nodes:
        if isinstance(x, w.Gradient):
            found.add(x.symbol)
        elif isinstance(x, w.Derivative):
            found.update(s for s, _ in x.rates)
        elif isinstance(x, w.Substituted):
            found.update(s for s, _ in x.replacements)
    return found


def ring(expressions: Iterable[w.Word], sizes: dict[Any, int], point: int | None = None) -> Ring:
    """The ring of all symbols in some expressions at the given sizes.

    With ``point``, only moving symbols are indeterminates; the others take small integers that
    depend on ``point``: a polynomial identity that fails, fails at almost every such point.
    """
    nodes = [node for e in expressions for node in parts(e)]
    symbols = _unique(x for x in nodes if isinstance(x, w.Symbol | w.Scalar))
    losses = _unique(x.loss for x in nodes if isinstance(x, w.LossValue | w.LossGradient))
    full = dict(sizes)
    for name in dimensions(nodes):
        full.setdefault(name, name if isinstance(name, int) else OTHER_DIMENSION)
    free = set(symbols) if point is None else moving(nodes)
    names, index = _generators([s for s in symbols if s in free], full)
    context = flint.fmpq_mpoly_ctx.get(tuple(names) or ("unused",), "lex")
    gens = context.gens()
    values: dict[Any, Any] = {
        s: _each(index[s], lambda i: gens[int(i)])
        if isinstance(s, w.Symbol)
        else gens[int(index[s])]
        for s in symbols
        if s in free
    }
    values.update(_at_point([s for s in symbols if s not in free], full, context, point))
    for which, loss in enumerate(losses):
        shape = _length(loss.rows, full), _length(loss.columns, full)
        values[loss] = GenericCubic(*shape, which)
    return Ring(full, context, values, index)


def _at_point(
    symbols: list[Any], sizes: dict[Any, int], context: Any, point: Any
) -> dict[Any, Any]:
    source = Random(point)

    def draw() -> Any:
        return context.constant(fmpq(source.randint(-99, 99)))

    out: dict[Any, Any] = {}
    for s in symbols:
        if isinstance(s, w.Scalar):
            out[s] = draw()
            continue
        matrix = np.empty((_length(s.rows, sizes), _length(s.columns, sizes)), dtype=object)
        for i, j in np.ndindex(matrix.shape):
            matrix[i, j] = matrix[j, i] if s.symmetric and j < i else draw()
        out[s] = matrix
    return out


def _length(name: w.Dimension, sizes: dict[Any, int]) -> int:
    return name if isinstance(name, int) else sizes.get(name, OTHER_DIMENSION)


def _generators(symbols: list[Any], sizes: dict[Any, int]) -> tuple[list[str], dict[Any, Any]]:
    names: list[str] = []
    index: dict[Any, Any] = {}
    for k, s in enumerate(symbols):
        if isinstance(s, w.Scalar):
            index[s] = len(names)
            names.append(f"s{k}")
            continue
        shape = (_length(s.rows, sizes), _length(s.columns, sizes))
        out = np.empty(shape, dtype=object)
        for i, j in np.ndindex(shape):
            if s.symmetric and j < i:
                out[i, j] = out[j, i]
                continue
            out[i, j] = len(names)
            names.append(f"x{k}_{i}_{j}")
        index[s] = out
    return names, index


def agree(
    left: w.Word,
    right: w.Word,
    given: tuple[w.Relation, ...] = (),
    shapes: tuple[dict[Any, int], ...] = SHAPES,
) -> bool:
    """Whether two expressions agree as polynomials in their entries at every shape.

    ``given`` are equations: their polynomials are divided out. Raises ``Unavailable`` for what is
    not a polynomial in the entries, and where division by ``given`` leaves it open.

    >>> P, Q = w.Symbol("P", "n", "m"), w.Symbol("Q", "m", "n")
    >>> agree(w.Trace(P @ Q), w.Trace(Q @ P)), agree(w.Trace(P @ Q), 2 * w.Trace(Q @ P))
    (True, False)
    """
    sides = [left, right, *(side for relation in given for side in (relation.left, relation.right))]
    # Hypotheses tie symbols together, so nothing may be replaced by unrelated numbers there; a
    # nested loss makes full polynomials explode, and exact points decide in its place.
    nodes = [x for side in sides for x in parts(side)]
    nested = any(isinstance(x, w.LossGradient) and _has_loss(x.point) for x in nodes)
    points: tuple[int | None, ...] = (1, 2, 3) if nested and not given else (None,)
    return all(_agree_at(left, right, given, sizes, point) for sizes in shapes for point in points)


def _has_loss(expression: w.Word) -> bool:
    return any(isinstance(x, w.LossGradient) for x in parts(expression))


def _alone(given: tuple[w.Relation, ...]) -> list[w.Word]:
    """The symbols that stand alone in some hypothesis: it says what they are."""
    sides = [side for relation in given for side in (relation.left, relation.right)]
    terms = [t for side in sides for t in (side.terms if isinstance(side, w.Sum) else (side,))]
    return [t for t in terms if isinstance(t, w.Symbol | w.Scalar)]


def _agree_at(
    left: w.Word,
    right: w.Word,
    given: tuple[w.Relation, ...],
    sizes: dict[Any, int],
    point: int | None,
) -> bool:
    sides = [side for relation in given for side in (relation.left, relation.right)]
    # In lexicographic order a hypothesis is led by the symbol that it defines, so that division
    # by it eliminates that symbol. What one order leaves open, the order of the hypotheses may
    # close: there a scalar that they share does not lead them all.
    orders = [[*_alone(given), left, right, *sides], [*_alone(given), *sides, left, right]]
    if any(
        _vanishes_at(left, right, given, ring(order, sizes, point))
        for order in orders[: 1 + bool(given)]
    ):
        return True
    if given:
        what = "a consequence of hypotheses that division by them leaves open"
        raise Unavailable(what, Ring.name)
    return False


def _vanishes_at(left: w.Word, right: w.Word, given: tuple[w.Relation, ...], at: Ring) -> bool:
    """Whether the difference of two sides is divided out by the hypotheses, in one ring."""
    evaluation = PolynomialEvaluation(at.values, at, at.sizes)
    difference = evaluation.value(left) - evaluation.value(right)
    ideal = [
        p
        for relation in given
        for p in entries(evaluation.value(relation.left - relation.right))
        if p != 0
    ]
    return all(_vanishes(p, ideal) for p in entries(difference))


def _vanishes(polynomial: Any, ideal: list[Any]) -> bool:
    """Whether repeated division by the hypotheses leaves nothing (sound, not complete)."""
    while polynomial != 0:
        before = polynomial
        for p in ideal:
            polynomial = divmod(polynomial, p)[1]
        if polynomial == before:
            return False
    return True
