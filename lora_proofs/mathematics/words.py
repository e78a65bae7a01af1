"""Expressions in matrices of symbolic shape, as plain data: what a derivation is written in.

Scalars and matrices share one kind of tree. Shapes are checked when a tree is built; dimensions
are names (``"n"``) or integers. Trees keep what was written: the normal form and the second
engine each read them in their own way, and every arithmetic can evaluate them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import BadInput, ShapeMismatch

Dimension = str | int
Shape = tuple[Dimension, Dimension] | None  # None: a scalar


class Word:
    """An expression; ``shape`` is ``None`` for a scalar and ``(rows, columns)`` for a matrix."""

    __slots__ = ()
    # Let NumPy scalars and arrays defer to these operators.
    __array_ufunc__ = None

    @property
    def shape(self) -> Shape:
        """``None`` for a scalar, (rows, columns) for a matrix."""
        return None

    def __add__(self, other: Any) -> Word:
        return Sum((self, word(other)))

    def __radd__(self, other: Any) -> Word:
        return Sum((word(other), self))

    def __neg__(self) -> Word:
        return Scaled(Number(Fraction(-1)), self)

    def __sub__(self, other: Any) -> Word:
        return Sum((self, -word(other)))

    def __rsub__(self, other: Any) -> Word:
        return Sum((word(other), -self))

    def __mul__(self, other: Any) -> Word:
        other = word(other)
        if self.shape is not None and other.shape is not None:
            raise ShapeMismatch("use @ for the product of two matrices; * takes a scalar")
        return Scaled(other, self) if self.shape is not None else Scaled(self, other)

    def __rmul__(self, other: Any) -> Word:
        return word(other) * self

    def __matmul__(self, other: Any) -> Word:
        return Product((self, word(other)))

    def __truediv__(self, other: Any) -> Word:
        other = word(other)
        if isinstance(other, Number):
            if other.value == 0:
                raise BadInput(f"division by 0 in {self!r} / 0")
            return Scaled(Number(1 / other.value), self)
        return Scaled(Power(other, -1), self)

    def __rtruediv__(self, other: Any) -> Word:
        return word(other) / self

    def __pow__(self, exponent: int) -> Word:
        return Power(self, exponent)

    @property
    def T(self) -> Word:
        """The transpose."""
        return Transpose(self)


def word(value: Any) -> Word:
    """A ``Word`` as it is, an exact number as a ``Number``."""
    if isinstance(value, Word):
        return value
    if isinstance(value, float):
        raise BadInput(f"expected an exact coefficient, got the float {value!r}; write a Fraction")
    return Number(rational(value))


def _dimensions(what: str, *dimensions: Any) -> None:
    for d in dimensions:
        number = isinstance(d, int) and not isinstance(d, bool) and d >= 1
        if not number and not (isinstance(d, str) and d):
            raise BadInput(f"{what}: expected a dimension as a name or a number >= 1, got {d!r}")


def _matrix(value: Word, role: str) -> tuple[Dimension, Dimension]:
    if value.shape is None:
        raise ShapeMismatch(f"{role}: expected a matrix, got the scalar {value!r}")
    return value.shape


def _scalar(value: Word, role: str) -> None:
    if value.shape is not None:
        raise ShapeMismatch(f"{role}: expected a scalar, got a matrix of shape {value.shape}")


@dataclass(frozen=True)
class Number(Word):
    """A rational number."""

    value: Fraction


@dataclass(frozen=True)
class Scalar(Word):
    """A commuting scalar symbol; ``nonnegative`` ones may be factors of an inequality."""

    name: str
    nonnegative: bool = False
    latex: str = ""


@dataclass(frozen=True)
class Size(Word):
    """The dimension ``name`` as a scalar: tr(I_n) = n."""

    name: Dimension


@dataclass(frozen=True)
class Symbol(Word):
    """A matrix symbol of shape (rows, columns)."""

    name: str
    rows: Dimension
    columns: Dimension
    symmetric: bool = False
    latex: str = ""

    def __post_init__(self) -> None:
        _dimensions(self.name, self.rows, self.columns)
        if self.symmetric and self.rows != self.columns:
            raise ShapeMismatch(f"{self.name}: a symmetric symbol is square, got {self.shape}")

    @property
    def shape(self) -> Shape:
        """(rows, columns)."""
        return (self.rows, self.columns)


@dataclass(frozen=True)
class Identity(Word):
    """The identity matrix of a dimension."""

    size: Dimension

    def __post_init__(self) -> None:
        _dimensions("identity", self.size)

    @property
    def shape(self) -> Shape:
        """(size, size)."""
        return (self.size, self.size)


@dataclass(frozen=True)
class Zero(Word):
    """The zero matrix of a shape."""

    rows: Dimension
    columns: Dimension

    def __post_init__(self) -> None:
        _dimensions("zero matrix", self.rows, self.columns)

    @property
    def shape(self) -> Shape:
        """(rows, columns)."""
        return (self.rows, self.columns)


@dataclass(frozen=True)
class Sum(Word):
    """A sum of terms of one shape."""

    terms: tuple[Word, ...]

    def __post_init__(self) -> None:
        shapes = {term.shape for term in self.terms}
        if len(shapes) != 1:
            raise ShapeMismatch(f"a sum needs terms of one shape, got {sorted(map(str, shapes))}")

    @property
    def shape(self) -> Shape:
        """The terms' shape."""
        return self.terms[0].shape


@dataclass(frozen=True)
class Product(Word):
    """A matrix product; inner dimensions agree."""

    factors: tuple[Word, ...]

    def __post_init__(self) -> None:
        for left, right in zip(self.factors, self.factors[1:], strict=False):
            a, b = _matrix(left, "matrix product"), _matrix(right, "matrix product")
            if a[1] != b[0]:
                raise ShapeMismatch(f"a product needs inner dimensions to agree, got {a} times {b}")

    @property
    def shape(self) -> Shape:
        """(rows of the first, columns of the last)."""
        return (_matrix(self.factors[0], "product")[0], _matrix(self.factors[-1], "product")[1])


@dataclass(frozen=True)
class Scaled(Word):
    """A scalar times an expression."""

    scale: Word
    body: Word

    def __post_init__(self) -> None:
        _scalar(self.scale, "scale")

    @property
    def shape(self) -> Shape:
        """The body's shape."""
        return self.body.shape


@dataclass(frozen=True)
class Power(Word):
    """An integer power of a scalar."""

    base: Word
    exponent: int

    def __post_init__(self) -> None:
        _scalar(self.base, "power")
        if not isinstance(self.exponent, int):
            raise BadInput(f"expected an integer exponent, got {self.exponent!r}")


@dataclass(frozen=True)
class Transpose(Word):
    """A transpose."""

    body: Word

    def __post_init__(self) -> None:
        _matrix(self.body, "transpose")

    @property
    def shape(self) -> Shape:
        """The body's shape, turned."""
        rows, columns = _matrix(self.body, "transpose")
        return (columns, rows)


@dataclass(frozen=True)
class Inverse(Word):
    """The inverse of a square matrix that is assumed nonsingular."""

    body: Word

    def __post_init__(self) -> None:
        rows, columns = _matrix(self.body, "inverse")
        if rows != columns:
            raise ShapeMismatch(f"an inverse needs a square matrix, got shape {(rows, columns)}")

    @property
    def shape(self) -> Shape:
        """The body's shape."""
        return self.body.shape


@dataclass(frozen=True)
class Trace(Word):
    """The trace of a square matrix."""

    body: Word

    def __post_init__(self) -> None:
        rows, columns = _matrix(self.body, "trace")
        if rows != columns:
            raise ShapeMismatch(f"a trace needs a square matrix, got shape {(rows, columns)}")


@dataclass(frozen=True)
class Norm(Word):
    """A norm: ``"F"`` of one or several blocks (root of the sum of squares), ``"2"`` of one."""

    kind: str
    blocks: tuple[Word, ...]

    def __post_init__(self) -> None:
        if self.kind not in ("F", "2") or (self.kind == "2" and len(self.blocks) != 1):
            raise BadInput(f"expected norm 'F', or '2' of one matrix, got {self.kind!r}")
        for block in self.blocks:
            _matrix(block, "norm")


@dataclass(frozen=True)
class Loss:
    """An uninterpreted loss f on matrices of shape (rows, columns).

    ``f(W)`` is its value; ``f.gradient(W)`` its gradient G and ``f.gradient(W, X)`` its Hessian
    action H[X] at W; further directions give higher derivatives, symmetric in them.
    """

    name: str
    rows: Dimension
    columns: Dimension
    latex: str = ""
    gradient_latex: str = "G"

    def __call__(self, point: Word) -> Word:
        return LossValue(self, point)

    def gradient(self, point: Word, *directions: Word) -> Word:
        """D^k grad f(point)[directions]."""
        return LossGradient(self, point, directions)

    def _check(self, *matrices: Word) -> None:
        for X in matrices:
            if X.shape != (self.rows, self.columns):
                raise ShapeMismatch(
                    f"loss {self.name}: expected shape {(self.rows, self.columns)}, got {X.shape}"
                )


@dataclass(frozen=True)
class LossValue(Word):
    """f(point)."""

    loss: Loss
    point: Word

    def __post_init__(self) -> None:
        self.loss._check(self.point)


@dataclass(frozen=True)
class LossGradient(Word):
    """The gradient of f at a point, or its derivative along directions."""

    loss: Loss
    point: Word
    directions: tuple[Word, ...] = ()

    def __post_init__(self) -> None:
        self.loss._check(self.point, *self.directions)

    @property
    def shape(self) -> Shape:
        """The loss's shape."""
        return (self.loss.rows, self.loss.columns)


@dataclass(frozen=True)
class Gradient(Word):
    """The gradient of a scalar expression with respect to a matrix symbol (formal)."""

    of: Word
    symbol: Symbol

    def __post_init__(self) -> None:
        _scalar(self.of, "gradient")

    @property
    def shape(self) -> Shape:
        """The symbol's shape."""
        return self.symbol.shape


@dataclass(frozen=True)
class Derivative(Word):
    """The derivative of an expression along rates: each (symbol, its derivative)."""

    of: Word
    rates: tuple[tuple[Word, Word], ...]

    def __post_init__(self) -> None:
        for symbol, rate in self.rates:
            if symbol.shape != rate.shape:
                raise ShapeMismatch(
                    f"rate of {symbol}: expected shape {symbol.shape}, got {rate.shape}"
                )

    @property
    def shape(self) -> Shape:
        """The shape of what is differentiated."""
        return self.of.shape


@dataclass(frozen=True)
class Substituted(Word):
    """An expression with symbols replaced, after every derivative inside it was taken."""

    of: Word
    replacements: tuple[tuple[Word, Word], ...]

    def __post_init__(self) -> None:
        for symbol, value in self.replacements:
            if symbol.shape != value.shape:
                raise ShapeMismatch(
                    f"replacement of {symbol}: expected shape {symbol.shape}, got {value.shape}"
                )

    @property
    def shape(self) -> Shape:
        """The shape of the expression."""
        return self.of.shape


@dataclass(frozen=True)
class Named(Word):
    """An expression that is displayed by a name; it means what it stands for."""

    name: str
    body: Word
    latex: str = ""

    @property
    def shape(self) -> Shape:
        """The body's shape."""
        return self.body.shape


def inner(X: Word, Y: Word) -> Word:
    """Frobenius inner product tr(X'Y)."""
    return Trace(X.T @ Y)


def squared_norm(X: Word) -> Word:
    """Squared Frobenius norm tr(X'X)."""
    return Trace(X.T @ X)


def along(expression: Word, rates: dict[Any, Word]) -> Word:
    """The derivative of an expression where each symbol moves at the given rate."""
    return Derivative(expression, tuple(rates.items()))


def substitute(expression: Word, replacements: dict[Any, Any]) -> Word:
    """The expression with symbols replaced simultaneously."""
    return Substituted(expression, tuple((s, word(v)) for s, v in replacements.items()))


@dataclass(frozen=True)
class Relation:
    """``left relation right`` between two expressions; ``label`` names the comparison it backs."""

    left: Word
    relation: str
    right: Word
    label: str = ""

    def __post_init__(self) -> None:
        if self.relation not in ("=", "<="):
            raise BadInput(f"expected the relation '=' or '<=', got {self.relation!r}")
        if self.left.shape != self.right.shape:
            raise ShapeMismatch(
                f"relation {self.label!r}: sides have shapes {self.left.shape} and "
                f"{self.right.shape}"
            )
        if self.relation == "<=" and self.left.shape is not None:
            raise ShapeMismatch(f"relation {self.label!r}: '<=' compares scalars")
