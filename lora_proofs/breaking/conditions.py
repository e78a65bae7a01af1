"""Conditions that are exceptional for random numbers and matrices: equations, signs, whole numbers.

What random entries have anyway (full rank, distinct singular values, no zeros) is none of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from lora_proofs.arithmetic.exact import decimal
from lora_proofs.mathematics.instance import Rows

Condition = Callable[[Any], bool]
TINY = 1e-9
REACH = 10
"""Numbers (steps, times, scales) stay within this factor of the largest that is drawn."""
FEW = 4
"""Values that are a list to choose from, as steps 1/2 and 1/4 are, and no range."""
MANY = 8
"""Draws from which a relation of numbers is read: with fewer of them it may be chance."""


def _square(X: Rows) -> bool:
    return len(X) == len(X[0])


def _entrywise(holds: Callable[[int, int, Fraction], bool]) -> Condition:
    return lambda X: all(holds(i, j, x) for i, row in enumerate(X) for j, x in enumerate(row))


def _transposed(X: Rows) -> Rows:
    return tuple(zip(*X, strict=True))


def _orthonormal(X: Rows) -> bool:
    products = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in X] for x in X]
    return all(p == (i == j) for i, row in enumerate(products) for j, p in enumerate(row))


def _semidefinite(X: Rows) -> bool:
    if not _square(X) or _transposed(X) != X:
        return False
    values = np.linalg.eigvalsh(np.array([[float(x) for x in row] for row in X]))
    return bool(values[0] >= -TINY * max(1.0, abs(values[-1])))


def _flint(X: Rows) -> Any:
    import flint

    return flint.fmpq_mat([[flint.fmpq(x.numerator, x.denominator) for x in row] for row in X])


def _rank(X: Rows) -> int:
    return int(_flint(X).rank())


def _singular(X: Rows) -> bool:
    return _rank(X) < min(len(X), len(X[0]))


def _idempotent(X: Rows) -> bool:
    return _square(X) and bool(_flint(X) * _flint(X) == _flint(X))


def _involution(X: Rows) -> bool:
    return _square(X) and bool(_flint(X) * _flint(X) == _flint(X) ** 0)


def _nilpotent(X: Rows) -> bool:
    """Whether X^n = 0: each power is a square of the one before, so few products are needed."""
    if not _square(X):
        return False
    power, exponent = _flint(X), 1
    while exponent < len(X):
        power, exponent = power * power, 2 * exponent
    return bool(power == 0 * power)


def _unit_determinant(X: Rows) -> bool:
    return _square(X) and abs(_flint(X).det()) == 1


def _circulant(X: Rows) -> bool:
    n = len(X)
    return _square(X) and _entrywise(lambda i, j, x: x == X[(i + 1) % n][(j + 1) % n])(X)


def _along_diagonals(X: Rows) -> bool:
    return _entrywise(lambda i, j, x: i == 0 or j == 0 or x == X[i - 1][j - 1])(X)


MATRIX: Mapping[str, Condition] = {
    "symmetric": lambda X: _square(X) and _transposed(X) == X,
    "skew-symmetric": lambda X: _square(X) and _entrywise(lambda i, j, x: x == -X[j][i])(X),
    "positive semidefinite": _semidefinite,
    "diagonal": _entrywise(lambda i, j, x: i == j or x == 0),
    "lower triangular": _entrywise(lambda i, j, x: i >= j or x == 0),
    "upper triangular": _entrywise(lambda i, j, x: i <= j or x == 0),
    "circulant": _circulant,
    "constant along diagonals": _along_diagonals,
    "with 1 on the diagonal": _entrywise(lambda i, j, x: i != j or x == 1),
    "without negative entries": _entrywise(lambda i, j, x: x >= 0),
    "with positive entries": _entrywise(lambda i, j, x: x > 0),
    "with rows that never rise": lambda X: all(a >= b for row in X for a, b in pairwise(row)),
    "with rows that never fall": lambda X: all(a <= b for row in X for a, b in pairwise(row)),
    "with orthonormal rows": _orthonormal,
    "with orthonormal columns": lambda X: _orthonormal(_transposed(X)),
    "idempotent": _idempotent,
    "with the identity as its square": _involution,
    "nilpotent": _nilpotent,
    "of determinant 1 or -1": _unit_determinant,
    "of less than full rank": _singular,
}
IMPLIED: Mapping[str, tuple[str, ...]] = {
    "diagonal": ("lower triangular", "upper triangular"),
    "with positive entries": ("without negative entries",),
}
"""What goes without saying beside a stronger condition."""
ZERO = "= 0"
"""The words for a matrix that is 0 in every draw, which leaves nothing else to say of it."""
BESIDE_SIZE = "trace less the size"
SAME: Mapping[str, Callable[[Rows], Any]] = {
    "trace": lambda X: sum(X[i][i] for i in range(min(len(X), len(X[0])))),
    BESIDE_SIZE: lambda X: sum(X[i][i] - 1 for i in range(min(len(X), len(X[0])))),
    "Frobenius norm": lambda X: sum(x * x for row in X for x in row),
    "sums of rows": lambda X: frozenset(map(sum, X)),
    "sums of columns": lambda X: frozenset(map(sum, _transposed(X))),
    "entries": lambda X: frozenset(x for row in X for x in row),
}
NUMBER: Mapping[str, Condition] = {
    "positive": lambda x: x > 0,
    "not negative": lambda x: x >= 0,
    "negative": lambda x: x < 0,
    "not positive": lambda x: x <= 0,
}


def _is(value: Fraction) -> Callable[[int, int, Fraction], bool]:
    return lambda i, j, x: x == value


def _shape(X: Rows) -> tuple[int, int]:
    return len(X), len(X[0])


def _stand_ins(n: int, m: int) -> tuple[Rows, Rows]:
    """A matrix of a shape with nothing exceptional, and its negative: what both meet, all do."""
    entry, X = 1, np.empty((n, m), dtype=object)
    for place in np.ndindex(n, m):
        entry = entry * 48271 % 2147483647  # Park and Miller's minimal standard generator
        X[place] = Fraction(entry % 201 - 100)
    return tuple(map(tuple, X)), tuple(map(tuple, -X))


def of_matrices(found: Sequence[Any]) -> Iterator[tuple[str, Condition]]:
    """The conditions on a matrix; what is trivial for a single entry alone is none."""
    if all(len(X) * len(X[0]) == 1 for X in found):
        return
    entries = [x for X in found for row in X for x in row]
    if len(set(entries)) == 1:  # it implies all the others
        (one,) = set(entries)
        yield (f"with all entries {decimal(one)}" if one else ZERO), _entrywise(_is(one))
        return
    holding = [(name, ok) for name, ok in MATRIX.items() if all(map(ok, found))]
    stand_ins = [X for shape in {_shape(X) for X in found} for X in _stand_ins(*shape)]
    telling = [(name, ok) for name, ok in holding if not all(map(ok, stand_ins))]
    implied = {weaker for name, _ in telling for weaker in IMPLIED.get(name, ())}
    yield from ((name, ok) for name, ok in telling if name not in implied)
    if all(x.denominator == 1 for x in entries):
        words, ok = whole(entries)
        yield f"of entries that are {words}", lambda X: all(ok(x) for row in X for x in row)
    varies = len(set(map(_shape, found))) > 1
    for name, value in SAME.items():
        if name == BESIDE_SIZE and not varies:
            continue
        values = {value(X) for X in found}
        common = next(iter(values))
        if len(values) == 1 and not (isinstance(common, frozenset) and len(common) > 1):
            yield f"with the {name} {_shown(common)}", _equals(value, common)
    yield from _of_one_volume(found)
    yield from _of_one_rank(found)


def _determinant(X: Rows) -> Fraction:
    det = _flint(X).det()
    return Fraction(int(det.p), int(det.q))


def _of_one_volume(found: Sequence[Rows]) -> Iterator[tuple[str, Condition]]:
    """One determinant in every draw; 0 is told as a rank."""
    volume = _determinant(found[0]) if all(map(_square, found)) else Fraction(0)
    if volume and all(_determinant(X) == volume for X in found):
        words = f"with the determinant {_shown(volume)}"
        yield words, lambda X: _square(X) and _determinant(X) == volume


def _of_one_rank(found: Sequence[Rows]) -> Iterator[tuple[str, Condition]]:
    """One rank in every draw, below what most of their shapes allow: products u v'."""
    rank = _rank(found[0])
    binding = sum(rank < min(len(X), len(X[0])) for X in found)
    if binding >= MANY and all(_rank(X) == rank for X in found):
        yield f"of rank at most {rank}", lambda X: _rank(X) <= rank


def of_ranks(found: Sequence[tuple[Any, Any]]) -> Iterator[tuple[str, Condition]]:
    """A matrix whose rank is at most the rows, or the columns, of another one in every draw.

    It has to say something: on many draws the shape alone would allow a higher rank, and some
    ranks are above the least size, so that the two go together.
    """
    for words, size in (("rows", len), ("columns", lambda Y: len(Y[0]))):
        binding = sum(size(Y) < min(len(X), len(X[0])) for X, Y in found)
        if binding >= MANY and all(_rank(X) <= size(Y) for X, Y in found):
            least = min(size(Y) for _, Y in found)
            if any(_rank(X) > least for X, _ in found):
                yield f"of rank at most the {words} of", _at_most_the(size)


def _at_most_the(size: Callable[[Rows], int]) -> Condition:
    return lambda pair: _rank(pair[0]) <= size(pair[1])


def of_numbers(found: Sequence[Any]) -> Iterator[tuple[str, Condition]]:
    """The conditions on a number: whole numbers of a range, or a sign and a largest size."""
    if all(x.denominator == 1 for x in found):
        yield whole(found)
        return
    yield from [(name, ok) for name, ok in NUMBER.items() if all(map(ok, found))][:1]
    most = REACH * max(1, *map(abs, found))
    yield f"of absolute value at most {decimal(most)}", lambda x: abs(x) <= most


def of_grids(found: Sequence[Any]) -> Iterator[tuple[str, Condition]]:
    """Numbers k/d of one d: their range, as whole numbers have one; what is between counts.

    >>> [words for words, _ in of_grids([Fraction(k, 8) for k in range(1, 9)])]
    ['from 1/8 to 1']
    >>> list(of_grids([Fraction(1, k) for k in range(1, 9)]))
    []
    """
    finest = math.lcm(*(x.denominator for x in found))
    low, high, values = min(found), max(found), set(found)
    steps = (high - low) * finest + 1
    one_grid = 1 < finest == max(x.denominator for x in found) and 2 * len(values) >= steps
    if one_grid and len(values) > FEW:
        yield f"from {decimal(low)} to {decimal(high)}", lambda x: bool(low <= x <= high)


def whole(found: Sequence[Any]) -> tuple[str, Condition]:
    """Whole numbers of the range, all with one remainder where that is so: even ones, odd ones.

    >>> words, holds = whole([Fraction(2 + 2 * (k % 4)) for k in range(9)])
    >>> words, holds(Fraction(6)), holds(Fraction(3)), holds(Fraction(10))
    ('whole numbers from 2 to 8 in steps of 2', True, False, False)
    """
    low, high = min(found), max(found)
    step = math.gcd(*(int(x - low) for x in found)) or 1
    steps = f" in steps of {step}" if step > 1 and len(found) >= MANY else ""
    step = step if steps else 1
    words = f"whole numbers from {decimal(low)} to {decimal(high)}{steps}"
    first, last = int(low), int(high)  # integers compare several times faster than fractions

    def holds(x: Any) -> bool:
        k = int(x.numerator)
        return int(x.denominator) == 1 and first <= k <= last and (k - first) % step == 0

    return words, holds


def of_pairs(found: Sequence[tuple[Any, Any]]) -> Iterator[tuple[str, Condition]]:
    """How two numbers are ordered in every draw, and few whole numbers that are never equal.

    Numbers of ranges apart are ordered because of the ranges: that is not read as an order.

    >>> [words for words, _ in of_pairs([(Fraction(k), Fraction(k + 1)) for k in range(9)])]
    ['less than']
    """
    if len(found) < MANY or max(a for a, _ in found) < min(b for _, b in found):
        return
    if all(a < b for a, b in found):
        yield "less than", lambda pair: bool(pair[0] < pair[1])
    elif all(a <= b for a, b in found):
        yield "at most", lambda pair: bool(pair[0] <= pair[1])
    elif all(a != b for a, b in found) and _few(found):
        yield "other than", lambda pair: bool(pair[0] != pair[1])


def _few(found: Sequence[tuple[Any, Any]]) -> bool:
    """Whether the numbers are whole, and so few that two of them would be equal by chance."""
    values = {x for pair in found for x in pair}
    return all(x.denominator == 1 for x in values) and MANY * len(values) <= 2 * len(found)


def of_indices(found: Sequence[tuple[Any, Any]]) -> Iterator[tuple[str, Condition]]:
    """A number and a matrix of one shape: whether the number counts its rows, from 1 or from 0."""
    lengths = {min(len(X), len(X[0])) for _, X in found}
    values = {x for x, _ in found}
    if len(lengths) != 1 or len(found) < MANY or any(x.denominator != 1 for x in values):
        return
    (size,) = lengths
    for first in (1, 0):
        if size > 1 and (min(values), max(values)) == (first, size - 1 + first):
            yield "an index of", _index(first)


def _index(first: int) -> Condition:
    return lambda pair: bool(pair[0] < min(len(pair[1]), len(pair[1][0])) + first)


def _equals(value: Callable[[Any], Any], common: Any) -> Condition:
    return lambda X: bool(value(X) == common)


def _shown(value: Any) -> str:
    return (
        ", ".join(map(decimal, sorted(value))) if isinstance(value, frozenset) else decimal(value)
    )
