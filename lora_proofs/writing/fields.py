"""Fields of an instance in words, such as "n x r", "m x m orthogonal" or "number in (0, 1]"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT, rational
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.instance import Rows
from lora_proofs.strategies import matrices
from lora_proofs.strategies.draw import Draw, fraction
from lora_proofs.strategies.matrices import Entry
from lora_proofs.writing.holding import HOLDS, rank_is

Dimension = str | int
Sizes = Mapping[str, int]

_MATRIX = re.compile(r"(\w+)\s+x\s+(\w+)(?:\s+(.+))?", re.ASCII)
_RANK = re.compile(r"rank\s+(\w+)", re.ASCII)
_SHORT = re.compile(r"[A-Za-z](_\w+|\d+)?", re.ASCII)
_NUMBER = re.compile(r"(number|integer)(?:\s+(.+))?", re.ASCII)
_ABOVE = re.compile(r"(>=|>)\s*(\S+)")
_INTERVAL = re.compile(r"in\s*([\[(])\s*([^,\s]+)\s*,\s*([^,\s\])]+)\s*([\])])")
STEPS = (2, 3, 4, 8)
"""Into how many parts an interval is cut for the numbers that are drawn from it."""


def small_integer(draw: Draw) -> Fraction:
    """An integer of absolute value at most 2: zeros and ties are frequent."""
    return Fraction(draw.integer(-2, 2))


def _nonzero(draw: Draw, n: int, m: int, entry: Entry) -> Matrix:
    X = matrices.matrix(draw, n, m, entry=entry)
    if all(x == 0 for x in X.flat):
        X[draw.integer(0, n - 1), draw.integer(0, m - 1)] = EXACT.number(1)
    return X


Maker = Callable[[Draw, int, int, Entry], Matrix]
KINDS: dict[str, Maker] = {
    "free": lambda draw, n, m, e: matrices.matrix(draw, n, m, entry=e),
    "nonzero": _nonzero,
    "zero": lambda draw, n, m, e: EXACT.zeros(n, m),
    "full rank": lambda draw, n, m, e: matrices.full_rank_matrix(draw, n, m, entry=e),
    "nonsingular": lambda draw, n, m, e: matrices.full_rank_matrix(draw, n, n, entry=e),
    "symmetric": lambda draw, n, m, e: matrices.symmetric_matrix(draw, n, entry=e),
    "skew": lambda draw, n, m, e: matrices.skew_matrix(draw, n),
    "diagonal": lambda draw, n, m, e: matrices.diagonal_matrix(draw, n, entry=e),
    "psd": lambda draw, n, m, e: matrices.psd_matrix(draw, n, draw.integer(0, n), entry=e),
    "positive definite": lambda draw, n, m, e: matrices.psd_matrix(draw, n, n, entry=e),
    "orthogonal": lambda draw, n, m, e: matrices.orthogonal_matrix(draw, n),
    "orthonormal rows": lambda draw, n, m, e: matrices.orthonormal_rows(draw, n, m),
    "orthonormal columns": lambda draw, n, m, e: matrices.orthonormal_rows(draw, m, n).mT,
}
SQUARE = (*"nonsingular symmetric skew diagonal psd orthogonal".split(), "positive definite")
TAKEN = {*" ".join(KINDS).split(), "rank", "number", "integer"} - {"rows", "columns"}
"""Words that describe a field: in the place of a dimension they are a slip."""


@dataclass(frozen=True)
class MatrixField:
    """A matrix of a shape such as (n, r), of a kind among ``KINDS`` or of a rank."""

    rows: Dimension
    columns: Dimension
    kind: str = "free"
    rank: Dimension | None = None

    def dimensions(self) -> tuple[Dimension, ...]:
        """What has to have a size."""
        named = (self.rows, self.columns)
        return named if self.rank is None else (*named, self.rank)

    def fits(self, sizes: Sizes) -> bool:
        """Whether such a matrix exists at these sizes."""
        n, m = _size(self.rows, sizes), _size(self.columns, sizes)
        if self.rank is not None and _size(self.rank, sizes) > min(n, m):
            return False
        wide, tall = self.kind == "orthonormal rows", self.kind == "orthonormal columns"
        return (
            not (self.kind in SQUARE and n != m) and not (wide and n > m) and not (tall and n < m)
        )

    def draw(self, draw: Draw, sizes: Sizes, entry: Entry) -> Matrix:
        """A matrix at these sizes."""
        n, m = _size(self.rows, sizes), _size(self.columns, sizes)
        if self.rank is not None:
            return matrices.rank_matrix(draw, n, m, _size(self.rank, sizes), entry=entry)
        return KINDS[self.kind](draw, n, m, entry)

    def lengths(self, X: Any) -> Iterator[tuple[Dimension, int]]:
        """Each side with its length in a matrix."""
        yield self.rows, len(X)
        yield self.columns, len(X[0])

    def holds(self, X: Rows, sizes: Sizes) -> bool:
        """Whether a matrix of this shape is of the kind, or of the rank."""
        if self.rank is not None:
            return rank_is(X, _size(self.rank, sizes))
        return HOLDS[self.kind](X)


@dataclass(frozen=True)
class NumberField:
    """A number of an interval that may be open, or unbounded, at either end."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False
    whole: bool = False

    def dimensions(self) -> tuple[Dimension, ...]:
        """A number has no shape."""
        return ()

    def fits(self, sizes: Sizes) -> bool:
        """Whatever the sizes."""
        return True

    def draw(self, draw: Draw, sizes: Sizes, entry: Entry) -> Fraction:
        """A number of the interval."""
        if self.low is None:
            return Fraction(draw.integer(-8, 8)) if self.whole else fraction(draw)
        if self.high is None:
            return self.low + self._step(draw, 8)
        if self.whole:
            found = self.integers()
            return Fraction(draw.integer(found[0], found[-1]))
        parts = draw.choice(STEPS)
        k = draw.integer(int(self.low_open), parts - int(self.high_open))
        return self.low + (self.high - self.low) * Fraction(k, parts)

    def integers(self) -> range:
        """The integers between two ends that are integers."""
        assert self.low is not None and self.high is not None
        return range(int(self.low) + self.low_open, int(self.high) - self.high_open + 1)

    def lengths(self, x: Any) -> Iterator[tuple[Dimension, int]]:
        """A number has no side."""
        return iter(())

    def holds(self, x: Fraction, sizes: Sizes) -> bool:
        """Whether a number lies in the interval."""
        above = self.low is None or x > self.low or (x == self.low and not self.low_open)
        below = self.high is None or x < self.high or (x == self.high and not self.high_open)
        return above and below and not (self.whole and x.denominator != 1)

    def _step(self, draw: Draw, size: int) -> Fraction:
        parts = 1 if self.whole else draw.integer(1, 4)
        return Fraction(draw.integer(int(self.low_open), size * parts), parts)


Field = MatrixField | NumberField


def read_field(name: str, words: Any) -> Field:
    """The field that words describe; ``BadInput`` says what is understood.

    >>> read_field("B", "n x r full rank")
    MatrixField(rows='n', columns='r', kind='full rank', rank=None)
    >>> read_field("h", "number in (0, 1/4]").high
    Fraction(1, 4)
    """
    if isinstance(words, str):
        if found := _MATRIX.fullmatch(words.strip()):
            return _matrix_field(name, *found.groups())
        if found := _NUMBER.fullmatch(words.strip()):
            return _number_field(name, found[1] == "integer", found[2], words)
    raise BadInput(
        f"{name}: expected words such as 'n x r', 'n x n symmetric', 'n x m rank k', 'number > 0', "
        f"'number in (0, 1]' or 'integer in [1, 4]'; got {words!r}"
    )


def _matrix_field(name: str, rows: str, columns: str, kind: str | None) -> MatrixField:
    n, m = _dimension(name, rows), _dimension(name, columns)
    kind = " ".join((kind or "free").split())
    if found := _RANK.fullmatch(kind):
        return MatrixField(n, m, "rank", _rank(name, found[1], (n, m)))
    if kind not in KINDS:
        raise BadInput(
            f"{name}: expected a kind of matrix among {', '.join(KINDS)} or 'rank k'; got {kind!r}"
        )
    if kind in SQUARE and n != m:
        raise BadInput(f"{name}: a matrix that is {kind} is square; got the shape {n} x {m}")
    return MatrixField(n, m, kind)


def _number_field(name: str, whole: bool, condition: str | None, words: str) -> NumberField:
    if condition is None:
        return NumberField(whole=whole)
    if found := _ABOVE.fullmatch(condition.strip()):
        return _of_integers(NumberField(_exact(name, found[2]), None, found[1] == ">", whole=whole))
    found = _INTERVAL.fullmatch(condition.strip())
    if found is None:
        raise BadInput(
            f"{name}: expected 'number', 'number > 0', 'number >= 0' or 'number in (0, 1]', and "
            f"the same with 'integer'; got {words!r}"
        )
    low, high = _exact(name, found[2]), _exact(name, found[3])
    if not low < high:
        raise BadInput(
            f"{name}: expected an interval of more than one number, its smaller end first; got "
            f"{words!r}"
        )
    field = _of_integers(NumberField(low, high, found[1] == "(", found[4] == ")", whole))
    if whole and not field.integers():
        raise BadInput(f"{name}: expected an interval that holds an integer; got {words!r}")
    return field


def _of_integers(field: NumberField) -> NumberField:
    """The same integers between ends that are integers themselves."""
    low, high = field.low, field.high
    if field.whole and low is not None and low.denominator != 1:
        field = replace(field, low=Fraction(math.ceil(low)), low_open=False)
    if field.whole and high is not None and high.denominator != 1:
        field = replace(field, high=Fraction(math.floor(high)), high_open=False)
    return field


def _exact(name: str, text: str) -> Fraction:
    try:
        return rational(text)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def _dimension(name: str, text: str) -> Dimension:
    if text.isdigit() and int(text) > 0:
        return int(text)
    if text[0].isdigit() or text.lower() in TAKEN:
        raise BadInput(
            f"{name}: expected a dimension as a name such as n, or a number from 1 on; got {text!r}"
        )
    return text


def _rank(name: str, text: str, sides: tuple[Dimension, ...]) -> Dimension:
    """The rank as a number or a dimension; a word that says how large it is, is none."""
    if not text[0].isdigit() and text not in sides and not _SHORT.fullmatch(text):
        raise BadInput(
            f"{name}: expected 'rank k' with a number or a short name such as k, k1 or k_max; got "
            f"'rank {text}'. For less than full rank say 'n x m rank k' and the condition "
            "'k < min(n, m)'"
        )
    return _dimension(name, text)


def _size(dimension: Dimension, sizes: Sizes) -> int:
    return dimension if isinstance(dimension, int) else sizes[dimension]
