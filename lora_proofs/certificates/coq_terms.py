"""Words as terms of the Coq prelude: what a line says, by the tree that the line holds.

Nothing here simplifies. A derivative stays a derivative, and Coq takes it; what a gradient is, is
said by the directional derivatives that define it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import expand
from lora_proofs.symbolic.entries import parts
from lora_proofs.symbolic.normal_form import normal_form


@dataclass(frozen=True)
class Node:
    """A term: a constructor of ``expr`` with its arguments (terms, indices, a rational)."""

    name: str
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        return f"({self.name} {' '.join(map(_argument, self.arguments))})"


def _argument(x: Any) -> str:
    if isinstance(x, Node | int):
        return str(x)
    return f"{x.numerator}%Q" if x.denominator == 1 else f"({x.numerator} # {x.denominator})%Q"


def number(value: Any) -> Node:
    """A rational number; a negative one is the opposite of a positive one."""
    return Node("Num", (value,)) if value >= 0 else Node("Opp", (Node("Num", (-value,)),))


def _symmetric(e: w.Word) -> bool:
    return normal_form(expand(e - w.Transpose(e))).is_zero


def times(*factors: Node) -> Node:
    """A product, from the left."""
    return reduce(lambda x, y: Node("Mul", (x, y)), factors) if factors else number(1)


def plus(*terms: Node) -> Node:
    """A sum, from the left."""
    return reduce(lambda x, y: Node("Add", (x, y)), terms) if terms else number(0)


Pairs = tuple[tuple[w.Word, w.Word], ...]


@dataclass(frozen=True)
class Direction(w.Symbol):
    """The direction of a gradient: a kind of its own, equal to no symbol of a claim."""


@dataclass
class Symbols:
    """What the lines of one derivation speak of, each thing numbered in order of appearance."""

    matrices: dict[w.Symbol, int] = field(default_factory=dict)
    scalars: dict[w.Scalar, int] = field(default_factory=dict)
    dimensions: dict[w.Dimension, int] = field(default_factory=dict)
    losses: dict[w.Loss, int] = field(default_factory=dict)
    rates: dict[Pairs, int] = field(default_factory=dict)
    replacements: dict[Pairs, int] = field(default_factory=dict)
    divisors: dict[w.Dimension, None] = field(default_factory=dict)

    def node(self, e: w.Word) -> Node:
        """The term of an expression; raises ``NotUnderstood`` for what the prelude lacks."""
        handler = getattr(self, f"_{type(e).__name__.lower()}", None)
        if handler is None:
            raise NotUnderstood(f"{type(e).__name__} has no term")
        term: Node = handler(e)
        return term

    def relation(self, relation: w.Relation) -> tuple[Node, Node]:
        """The two sides; with gradients, paired with every direction of their symbol.

        ``grad_A g = V`` says that the derivative of g along dA is tr(V' dA), for every dA.
        """
        if relation.relation != "=":
            raise NotUnderstood("an inequality")
        sides = (relation.left, relation.right)
        gradients = [x for side in sides for x in parts(side) if isinstance(x, w.Gradient)]
        if not gradients:
            return self.node(relation.left), self.node(relation.right)
        if relation.left.shape is None:
            raise NotUnderstood("a gradient inside a scalar")
        symbol = gradients[0].symbol
        along = Direction(f"d{symbol.name}", symbol.rows, symbol.columns)
        return self._paired(relation.left, along), self._paired(relation.right, along)

    def _paired(self, e: w.Word, along: w.Symbol) -> Node:
        """<e, along>, where a gradient is what its directional derivatives say."""
        if isinstance(e, w.Gradient):
            if e.symbol.symmetric:
                raise NotUnderstood("a gradient in a symmetric symbol")
            return self._derivative(w.Derivative(e.of, ((e.symbol, along),)))
        if not any(isinstance(x, w.Gradient) for x in parts(e)):
            transposed = Node("Tp", (self.node(e),))
            return Node("Tr", (times(transposed, self.node(along)),))
        if isinstance(e, w.Sum):
            return plus(*(self._paired(term, along) for term in e.terms))
        if isinstance(e, w.Scaled) and not any(isinstance(x, w.Gradient) for x in parts(e.scale)):
            return self._multiple(e.scale, self._paired(e.body, along))
        if isinstance(e, w.Named):
            return self._paired(e.body, along)
        raise NotUnderstood("a gradient inside a product or a derivative")

    def _number(self, e: w.Number) -> Node:
        return number(e.value)

    def _scalar(self, e: w.Scalar) -> Node:
        return Node("Sca", (self.scalars.setdefault(e, len(self.scalars)),))

    def _symbol(self, e: w.Symbol) -> Node:
        return Node("Mat", (self.matrices.setdefault(e, len(self.matrices)),))

    def _direction(self, e: Direction) -> Node:
        return self._symbol(e)

    def _dimension(self, name: w.Dimension) -> int:
        if isinstance(name, int):
            raise NotUnderstood("a dimension that is fixed to a number")
        return self.dimensions.setdefault(name, len(self.dimensions))

    def _size(self, e: w.Size) -> Node:
        return Node("Size", (self._dimension(e.name),))

    def _identity(self, e: w.Identity) -> Node:
        return Node("Eye", (self._dimension(e.size),))

    def _zero(self, e: w.Zero) -> Node:
        return number(0)

    def _sum(self, e: w.Sum) -> Node:
        return plus(*map(self.node, e.terms))

    def _product(self, e: w.Product) -> Node:
        return times(*map(self.node, e.factors))

    def _scaled(self, e: w.Scaled) -> Node:
        return self._multiple(e.scale, self.node(e.body))

    def _multiple(self, scale: w.Word, body: Node) -> Node:
        if isinstance(scale, w.Number) and scale.value == -1:
            return Node("Opp", (body,))
        return times(self.node(scale), body)

    def _power(self, e: w.Power) -> Node:
        if isinstance(e.base, w.Norm):
            return self._squared_norm(e.base, e.exponent)
        if e.exponent >= 0:
            return times(*(self.node(e.base),) * e.exponent)
        if not isinstance(e.base, w.Size) or isinstance(e.base.name, int):
            raise NotUnderstood("a division by something else than a dimension")
        self.divisors[e.base.name] = None
        return times(*(Node("Inv", (self.node(e.base),)),) * -e.exponent)

    def _squared_norm(self, e: w.Norm, exponent: int) -> Node:
        """||X||_F^2 is tr(X'X), summed over the blocks."""
        if e.kind != "F" or exponent < 0 or exponent % 2:
            raise NotUnderstood("a norm that is not a squared Frobenius norm")
        squares = plus(*(self.node(w.squared_norm(block)) for block in e.blocks))
        return times(*(squares,) * (exponent // 2))

    def _norm(self, e: w.Norm) -> Node:
        raise NotUnderstood("a norm that is not a squared Frobenius norm")

    def _transpose(self, e: w.Transpose) -> Node:
        return Node("Tp", (self.node(e.body),))

    def _inverse(self, e: w.Inverse) -> Node:
        raise NotUnderstood("the inverse of a matrix")

    def _trace(self, e: w.Trace) -> Node:
        return Node("Tr", (self.node(e.body),))

    def _loss(self, loss: w.Loss) -> int:
        return self.losses.setdefault(loss, len(self.losses))

    def _lossvalue(self, e: w.LossValue) -> Node:
        return Node("Val", (self._loss(e.loss), self.node(e.point)))

    def _lossgradient(self, e: w.LossGradient) -> Node:
        if len(e.directions) > 1:
            raise NotUnderstood("a third derivative of a loss")
        inside = (self.node(e.point), *map(self.node, e.directions))
        return Node("Hess" if e.directions else "Grad", (self._loss(e.loss), *inside))

    def _derivative(self, e: w.Derivative) -> Node:
        of = self.node(e.of)
        self._pairs(e.rates, "a rate that holds a derivative")
        return Node("Der", (self.rates.setdefault(e.rates, len(self.rates)), of))

    def _substituted(self, e: w.Substituted) -> Node:
        of = self.node(e.of)
        self._pairs(e.replacements, "a derivative that is put for a symbol")
        at = self.replacements.setdefault(e.replacements, len(self.replacements))
        return Node("Sub", (at, of))

    def _pairs(self, pairs: Pairs, problem: str) -> None:
        formal = (w.Derivative, w.Substituted, w.Gradient)
        if len(dict(pairs)) < len(pairs):
            raise NotUnderstood("a symbol that moves in two ways")
        for symbol, value in pairs:
            if not isinstance(symbol, w.Symbol | w.Scalar):
                raise NotUnderstood("what moves or is replaced is not a symbol")
            if any(isinstance(x, formal) for x in parts(value)):
                raise NotUnderstood(problem)
            if isinstance(symbol, w.Symbol) and symbol.symmetric and not _symmetric(value):
                raise NotUnderstood("a symmetric symbol that moves out of the symmetric ones")
            self.node(symbol)
            self.node(value)

    def _named(self, e: w.Named) -> Node:
        return self.node(e.body)
