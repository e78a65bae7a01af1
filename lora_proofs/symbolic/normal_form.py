"""The normal form: a free algebra with transposes, cyclic traces and commuting scalars.

An expression becomes a sum of (coefficient, monomial in scalar atoms, word). Two expressions
without hypotheses are equal for all shapes exactly when their normal forms agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any, NamedTuple

from lora_proofs.errors import NotUnderstood, ShapeMismatch
from lora_proofs.mathematics import words as w


class Letter(NamedTuple):
    """A matrix symbol (or an uninterpreted gradient) as it stands in a word."""

    head: Any
    transposed: bool = False
    inverted: bool = False


class GradientHead(NamedTuple):
    """grad f, or a derivative of it, at a point and along words."""

    loss: w.Loss
    point: Frozen
    directions: tuple[Letters, ...]


class TraceAtom(NamedTuple):
    """The trace of a cyclic word."""

    letters: Letters


class ValueAtom(NamedTuple):
    """f(point)."""

    loss: w.Loss
    point: Frozen


class NormAtom(NamedTuple):
    """A norm of blocks, free of sign and of nonnegative scalar factors."""

    kind: str
    blocks: tuple[Frozen, ...]


class SizeAtom(NamedTuple):
    """A dimension as a number."""

    name: w.Dimension


Letters = tuple[Letter, ...]
Atom = Any  # w.Scalar, SizeAtom, TraceAtom, ValueAtom or NormAtom
Monomial = tuple[tuple[Atom, int], ...]
Key = tuple[Monomial, Letters]
Terms = dict[Key, Fraction]
Frozen = tuple[tuple[Key, Fraction], ...]
ONE: Monomial = ()


# Typed: 1 == True, and each must keep its own text whichever was asked for first.
@lru_cache(maxsize=200_000, typed=True)
def order(item: Any) -> str:
    """A total order on atoms, letters and keys that does not depend on the session."""
    if isinstance(item, w.Symbol | w.Scalar | w.Loss):
        # The name first; what else tells two of one name apart comes after it.
        return f"{type(item).__name__}:{item.name}(({item!r}"
    if isinstance(item, tuple):
        return f"{type(item).__name__}({','.join(order(x) for x in item)})"
    return repr(item)


@dataclass(frozen=True)
class NormalForm:
    """A sum of terms of one shape (``None`` for a scalar)."""

    shape: w.Shape
    terms: Terms

    def frozen(self) -> Frozen:
        """The terms in canonical order, hashable."""
        return tuple(sorted(self.terms.items(), key=lambda item: order(item[0])))

    @property
    def is_zero(self) -> bool:
        """Whether nothing is left."""
        return not self.terms

    def __iter__(self) -> Iterator[tuple[Key, Fraction]]:
        return iter(self.frozen())

    def __add__(self, other: NormalForm) -> NormalForm:
        if self.shape != other.shape:
            raise ShapeMismatch(f"a sum needs one shape, got {self.shape} and {other.shape}")
        return NormalForm(self.shape, collect([*self.terms.items(), *other.terms.items()]))

    def __sub__(self, other: NormalForm) -> NormalForm:
        return self + other.times(Fraction(-1))

    def times(self, number: Fraction, monomial: Monomial = ONE) -> NormalForm:
        """The form multiplied by a number and a monomial."""
        if not number:
            return NormalForm(self.shape, {})
        return NormalForm(
            self.shape,
            {(multiply(monomial, m), x): c * number for (m, x), c in self.terms.items()},
        )


def collect(items: Iterable[tuple[Key, Fraction]]) -> Terms:
    """Add up like terms and drop those that cancel."""
    terms: Terms = {}
    for key, coefficient in items:
        total = terms.get(key, Fraction(0)) + coefficient
        if total:
            terms[key] = total
        else:
            terms.pop(key, None)
    return terms


def multiply(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials."""
    if not left or not right:
        return left or right
    powers = dict(left)
    for atom, exponent in right:
        powers[atom] = powers.get(atom, 0) + exponent
    return tuple(sorted(((a, e) for a, e in powers.items() if e), key=lambda p: order(p[0])))


def constant(number: Fraction) -> NormalForm:
    """A rational number."""
    return NormalForm(None, {(ONE, ()): number} if number else {})


def atom(value: Atom, exponent: int = 1) -> NormalForm:
    """A scalar atom to a power."""
    return NormalForm(None, {(((value, exponent),), ()): Fraction(1)})


def product(left: NormalForm, right: NormalForm) -> NormalForm:
    """The product: of two matrices, or of a scalar with anything."""
    if left.shape is not None and right.shape is not None:
        shape: w.Shape = (left.shape[0], right.shape[1])
    else:
        shape = left.shape or right.shape
    items = (
        ((multiply(m, k), cancel(a + b)), c * d)
        for (m, a), c in left.terms.items()
        for (k, b), d in right.terms.items()
    )
    return NormalForm(shape, collect(items))


def cancel(letters: Letters) -> Letters:
    """Remove neighbours X X^-1 and X^-1 X."""
    out: list[Letter] = []
    for letter in letters:
        if out and _inverse_pair(out[-1], letter):
            out.pop()
        else:
            out.append(letter)
    return tuple(out)


def _inverse_pair(a: Letter, b: Letter) -> bool:
    return a.head == b.head and a.transposed == b.transposed and a.inverted != b.inverted


def turn(letters: Letters) -> Letters:
    """The transpose of a word."""
    return tuple(
        letter if _symmetric(letter) else letter._replace(transposed=not letter.transposed)
        for letter in reversed(letters)
    )


def _symmetric(letter: Letter) -> bool:
    return isinstance(letter.head, w.Symbol) and letter.head.symmetric


def transpose(form: NormalForm) -> NormalForm:
    """The transpose of a matrix form."""
    assert form.shape is not None
    shape = (form.shape[1], form.shape[0])
    return NormalForm(shape, {(m, turn(letters)): c for (m, letters), c in form.terms.items()})


def trace(form: NormalForm) -> NormalForm:
    """The trace: each word becomes a cyclic word, up to rotation and transposition."""
    assert form.shape is not None
    items = []
    for (m, letters), c in form.terms.items():
        cyclic = cyclic_word(letters)
        value: Atom = TraceAtom(cyclic) if cyclic else SizeAtom(form.shape[0])
        if isinstance(value, SizeAtom) and isinstance(value.name, int):
            items.append(((m, ()), c * value.name))
        else:
            items.append(((multiply(m, ((value, 1),)), ()), c))
    return NormalForm(None, collect(items))


@lru_cache(maxsize=100_000)
def cyclic_word(letters: Letters) -> Letters:
    """The least of all rotations of a word and of its transpose, after cyclic cancellation."""
    letters = cancel(letters)
    while len(letters) > 1 and _inverse_pair(letters[-1], letters[0]):
        letters = letters[1:-1]
    if not letters:
        return letters
    turned = turn(letters)
    rotations = [x[i:] + x[:i] for x in (letters, turned) for i in range(len(letters))]
    return min(rotations, key=order)


def normal_form(expression: w.Word) -> NormalForm:
    """The normal form of an expression without formal derivatives.

    Raises ``NotUnderstood`` for what the algebra has no rule for.

    >>> P, Q = w.Symbol("P", "n", "m"), w.Symbol("Q", "m", "n")
    >>> (normal_form(w.Trace(P @ Q)) - normal_form(w.Trace(P.T @ Q.T))).is_zero
    True
    """
    handler = _HANDLERS.get(type(expression))
    if handler is None:
        raise NotUnderstood(
            f"the normal form has no rule for {type(expression).__name__}: {expression!r}"
        )
    form: NormalForm = handler(expression)
    return form


def _sum(e: w.Sum) -> NormalForm:
    forms = [normal_form(term) for term in e.terms]
    return NormalForm(e.shape, collect(item for form in forms for item in form.terms.items()))


def _product(e: w.Product) -> NormalForm:
    total = normal_form(e.factors[0])
    for factor in e.factors[1:]:
        total = product(total, normal_form(factor))
    return total


def _power(e: w.Power) -> NormalForm:
    base = normal_form(e.base)
    if e.exponent < 0:
        if len(base.terms) != 1:
            raise NotUnderstood("a negative power needs a single term; name the sum by a scalar")
        ((monomial, _), coefficient) = next(iter(base.terms.items()))
        flipped = tuple((a, -k) for a, k in monomial)
        base = NormalForm(None, {(flipped, ()): 1 / coefficient})
    total = constant(Fraction(1))
    for _ in range(abs(e.exponent)):
        total = product(total, base)
    return total


def _inverse(e: w.Inverse) -> NormalForm:
    form = normal_form(e.body)
    if len(form.terms) != 1:
        raise NotUnderstood("the inverse of a sum: name the sum by a symbol and invert that")
    ((monomial, letters), coefficient) = next(iter(form.terms.items()))
    if monomial:
        raise NotUnderstood("the inverse of a scalar multiple: divide by the scalar instead")
    if any(rows != columns for rows, columns in map(_letter_shape, letters)):
        # (BA)^-1 is not A^-1 B^-1 where the factors are not square.
        raise NotUnderstood("the inverse of a product of factors that are not square: name it")
    flipped = tuple(x._replace(inverted=not x.inverted) for x in reversed(letters))
    return NormalForm(form.shape, {(ONE, flipped): 1 / coefficient})


def _letter_shape(letter: Letter) -> tuple[w.Dimension, w.Dimension]:
    """The shape of what a letter stands for."""
    of = letter.head.loss if isinstance(letter.head, GradientHead) else letter.head
    return (of.rows, of.columns)


def _loss_gradient(e: w.LossGradient) -> NormalForm:
    point = normal_form(e.point).frozen()
    partial: list[tuple[Monomial, tuple[Letters, ...], Fraction]] = [(ONE, (), Fraction(1))]
    for direction in e.directions:
        form = normal_form(direction)
        partial = [
            (multiply(m, k), (*along, letters), c * d)
            for m, along, c in partial
            for (k, letters), d in form.terms.items()
        ]
    items = (
        ((m, (Letter(GradientHead(e.loss, point, tuple(sorted(along, key=order)))),)), c)
        for m, along, c in partial
    )
    return NormalForm(e.shape, collect(items))


def _norm(e: w.Norm) -> NormalForm:
    blocks = [_upright(normal_form(block)) for block in e.blocks]
    blocks = [block for block in blocks if not block.is_zero]
    if not blocks:
        return constant(Fraction(0))
    if any(not any(letters for _, letters in block.terms) for block in blocks):
        # Without a letter its size would be lost, and ||I_n|| is not ||I_m||.
        raise NotUnderstood("a norm of a multiple of the identity; write it by the dimension")
    number, monomial = _content(blocks)
    inverse = tuple((a, -k) for a, k in monomial)
    reduced = [block.times(1 / number, inverse) for block in blocks]
    value = NormAtom(e.kind, tuple(block.frozen() for block in reduced))
    return atom(value).times(abs(number), monomial)


def _upright(form: NormalForm) -> NormalForm:
    """The form or its transpose, whichever comes first: a norm does not see the difference."""
    turned = transpose(form)
    return min(form, turned, key=lambda f: [(order(key), c) for key, c in f.frozen()])


def nonnegative(value: Atom) -> bool:
    """Whether an atom is known to be at least 0."""
    return isinstance(value, NormAtom | SizeAtom) or getattr(value, "nonnegative", False)


def _content(blocks: list[NormalForm]) -> tuple[Fraction, Monomial]:
    """The common factor of all terms: a signed rational times nonnegative scalars."""
    coefficients = [c for block in blocks for c in block.terms.values()]
    monomials = [dict(m) for block in blocks for m, _ in block.terms]
    numerator, denominator = 0, 1
    for c in coefficients:
        numerator = gcd(numerator, abs(c.numerator))
        denominator = denominator * c.denominator // gcd(denominator, c.denominator)
    sign = 1 if blocks[0].frozen()[0][1] > 0 else -1
    shared = {
        a: min(m.get(a, 0) for m in monomials) for m in monomials for a in m if nonnegative(a)
    }
    monomial = tuple(sorted(((a, k) for a, k in shared.items() if k), key=lambda p: order(p[0])))
    return sign * Fraction(numerator, denominator), monomial


def _scaled(e: w.Scaled) -> NormalForm:
    return product(normal_form(e.scale), normal_form(e.body))


def _size(e: w.Size) -> NormalForm:
    return constant(Fraction(e.name)) if isinstance(e.name, int) else atom(SizeAtom(e.name))


_HANDLERS: dict[type, Any] = {
    w.Number: lambda e: constant(e.value),
    w.Scalar: atom,
    w.Size: _size,
    w.Symbol: lambda e: NormalForm(e.shape, {(ONE, (Letter(e),)): Fraction(1)}),
    w.Identity: lambda e: NormalForm(e.shape, {(ONE, ()): Fraction(1)}),
    w.Zero: lambda e: NormalForm(e.shape, {}),
    w.Sum: _sum,
    w.Product: _product,
    w.Scaled: _scaled,
    w.Power: _power,
    w.Transpose: lambda e: transpose(normal_form(e.body)),
    w.Inverse: _inverse,
    w.Trace: lambda e: trace(normal_form(e.body)),
    w.Norm: _norm,
    w.LossValue: lambda e: atom(ValueAtom(e.loss, normal_form(e.point).frozen())),
    w.LossGradient: _loss_gradient,
    w.Named: lambda e: normal_form(e.body),
}
