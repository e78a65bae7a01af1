"""A loss from matrix words: everything else about it is derived from its value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.errors import BadInput
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.loss_kinds import lifted_data
from lora_proofs.symbolic.differential import differential, expand, gradient, replace_symbols

Data = tuple[tuple[Any, Any], ...]


@dataclass(frozen=True)
class WordLoss:
    """A loss f(W) given by a word, with the gradient and the Hessian action derived from it.

    ``data`` gives each other symbol of the word its exact rows or number, or ``None`` until ``on``
    or ``with_data`` does. A polynomial word has a flow, its Taylor series and its enclosures; one
    with inverses has values, gradients and float64 flows. ``declared_convex`` and ``constant`` (a
    Lipschitz constant of the gradient) are what the author says, and nothing rests on them.
    """

    name: str
    variable: w.Symbol
    word: w.Word
    slope: w.Word
    direction: w.Symbol
    action: w.Word
    data: Data = ()
    constants: Data = ()
    polynomial: bool = True
    declared_convex: bool | None = None
    constant: Any = None

    @property
    def convex(self) -> bool:
        """False: what an author declares is not known, and enclosures do without it."""
        return False

    @property
    def shape(self) -> tuple[w.Dimension, w.Dimension]:
        """The dimensions of W, as names or numbers."""
        return self.variable.rows, self.variable.columns

    @property
    def is_square(self) -> bool:
        """Whether W is square."""
        return self.variable.rows == self.variable.columns

    def fields(self) -> dict[str, str]:
        """What an instance has to carry, in words: the matrices and numbers beside W."""
        names = dict(zip(self.shape, ("n", "n" if self.is_square else "m"), strict=True))
        names |= self._renamed(names)
        if not all(isinstance(d, str) for d in self.shape):
            raise BadInput(
                f"loss {self.name}: it is for W of shape {self.shape[0]} x {self.shape[1]} alone, "
                "and problems come in every shape; draw them with instances_of(W0=...) instead"
            )
        return {s.name: _described(s, names) for s, _ in self.data}

    def _renamed(self, names: dict[Any, str]) -> dict[Any, str]:
        """Other names for dimensions of the data that are called as those of W are in problems."""
        shapes = (s.shape or () for s, _ in self.data)
        others = dict.fromkeys(d for shape in shapes for d in shape if d not in names)
        free = (d for d in "pqklsuv" if d not in others)
        return {d: next(free) for d in others if d in names.values()}

    def on(self, instance: Any) -> WordLoss:
        """This loss with the data that an instance carries in the fields of the same names."""
        return self.with_data(**{s.name: getattr(instance, s.name) for s, _ in self.data})

    def with_data(self, **data: Any) -> WordLoss:
        """This loss with some of its matrices and numbers given, exact or in one arithmetic."""
        known = {s.name: s for s, _ in self.data}
        for name in data:
            if name not in known:
                raise BadInput(
                    f"loss {self.name}: it has no {name!r}; it has {', '.join(known) or 'no data'}"
                )
        given = {known[name]: _exact(name, value) for name, value in data.items()}
        return replace(self, data=tuple((s, given.get(s, old)) for s, old in self.data))

    def value(self, W: Matrix, ctx: Arithmetic) -> Scalar:
        """f(W)."""
        return evaluate(self.word, self._values(W, ctx), ctx)

    def gradient(self, W: Matrix, ctx: Arithmetic) -> Matrix:
        """The gradient at W."""
        return evaluate(self.slope, self._values(W, ctx), ctx)

    def hessian(self, W: Matrix, X: Matrix, ctx: Arithmetic) -> Matrix:
        """The Hessian action H[X] at W."""
        return evaluate(self.action, {**self._values(W, ctx), self.direction: X}, ctx)

    def lipschitz(self, n: int, m: int) -> Any:
        """The Lipschitz constant of the gradient that the author declared, or ``None``."""
        return self.constant(n, m) if callable(self.constant) else self.constant

    def value_word(self, W: w.Word) -> w.Word:
        """f(W) as a polynomial word, or as an uninterpreted loss where it is no polynomial."""
        if self.polynomial:
            return replace_symbols(self.word, {self.variable: W})
        uninterpreted: w.Word = self._uninterpreted(W)
        return uninterpreted

    def gradient_word(self, W: w.Word) -> w.Word:
        """The derived gradient at W, for a polynomial loss."""
        return replace_symbols(self.slope, {self.variable: W})

    def symbols(self, W: w.Word) -> dict[Any, Any]:
        """What the symbols of ``value_word`` stand for."""
        if self.polynomial:
            return dict((*self.constants, *self._known))
        return {self._uninterpreted(W).loss: self}

    def _uninterpreted(self, W: w.Word) -> Any:
        return w.Loss(self.name, *self.shape)(W)

    def _values(self, W: Matrix, ctx: Arithmetic) -> dict[Any, Any]:
        known = (*self.constants, *self._known)
        return {self.variable: W, **{s: lifted_data(v, ctx) for s, v in known}}

    @cached_property
    def _known(self) -> Data:
        for symbol, value in self.data:
            if value is None:
                raise BadInput(
                    f"loss {self.name}: expected {symbol.name}, and none is given; write "
                    f"loss.on(instance), or loss.with_data({symbol.name}=...)"
                )
        return self.data


def word_loss(
    name: str,
    word: w.Word,
    W: w.Symbol,
    *,
    constants: Data = (),
    slope: w.Word | None = None,
    **declared: Any,
) -> WordLoss:
    """The loss of a word in the symbol W; every other symbol of it is data, or a constant.

    ``slope`` is the gradient where a shorter form of it is known than the derived one.
    Raises ``NotUnderstood`` for a node without a differential, such as a norm.
    """
    plain = expand(word)
    direction = w.Symbol(_fresh(f"d{W.name}", plain), W.rows, W.columns)
    slope = gradient(plain, W) if slope is None else slope
    action = expand(differential(slope, {W: direction}))
    given = {W, *(s for s, _ in constants)}
    data = tuple((s, None) for s in dict.fromkeys(_leaves(plain)) if s not in given)
    polynomial = all(_is_polynomial(node) for node in _nodes(plain))
    return WordLoss(
        name, W, plain, slope, direction, action, data, constants, polynomial, **declared
    )


def _fresh(name: str, word: w.Word) -> str:
    """The name, with as many primes as it takes to be that of no symbol of the word."""
    used = {symbol.name for symbol in _leaves(word)}
    while name in used:
        name += "'"
    return name


def _nodes(word: w.Word) -> Iterator[w.Word]:
    yield word
    for field in fields(word):  # type: ignore[arg-type]
        value = getattr(word, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, w.Word):
                yield from _nodes(part)


def _leaves(word: w.Word) -> Iterator[Any]:
    return (node for node in _nodes(word) if isinstance(node, w.Symbol | w.Scalar))


def _is_polynomial(node: w.Word) -> bool:
    negative = isinstance(node, w.Power) and node.exponent < 0
    return not negative and not isinstance(node, w.Inverse | w.Norm | w.LossValue)


def _described(symbol: Any, names: dict[Any, str]) -> str:
    if isinstance(symbol, w.Scalar):
        return "number >= 0" if symbol.nonnegative else "number"
    rows, columns = (names.get(d, d) for d in (symbol.rows, symbol.columns))
    return f"{rows} x {columns}" + (" symmetric" if symbol.symmetric else "")


def _exact(name: str, value: Any) -> Any:
    """Rows and numbers as exact ones; what is in an arithmetic stays as it is."""
    if isinstance(value, list | tuple | int | str | float):
        one: dict[str, Any] = {name: value}
        return dict(Instance(**one).fields)[name]
    return value
