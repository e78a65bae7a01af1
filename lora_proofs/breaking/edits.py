"""Edits that may make an instance simpler, one at a time or from grids of simple instances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, islice, permutations, product
from typing import Any

from lora_proofs.breaking.character import Character
from lora_proofs.breaking.descent import with_entry
from lora_proofs.breaking.fields import Path, matrices, numbers, put, sides
from lora_proofs.breaking.fields import digits as digits_of
from lora_proofs.breaking.patterns import CHANGES, SHAPES, filled, scaled, transposed
from lora_proofs.mathematics.instance import Instance, Rows

Edits = Callable[[Instance, Character], Iterator[Instance]]
SIMPLE = tuple(map(Fraction, ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3", "4", "5")))
FEW_ENTRIES = 10
MOST_OF_A_GRID = 1_000


def _wide(instance: Instance, character: Character) -> dict[Path, Rows]:
    return {p: X for p, X in matrices(instance).items() if p not in character.fixed}


def _narrow(instance: Instance, character: Character) -> dict[Path, Fraction]:
    """The numbers that are no dimension and change from draw to draw."""
    apart = character.fixed | character.dimensions.numbers()
    return {p: x for p, x in numbers(instance).items() if p not in apart}


def _dimensions(instance: Instance, character: Character) -> Iterator[Instance]:
    yield instance.replace(regimes=())
    yield from character.dimensions.smaller(instance)


def _whole_fields(instance: Instance, character: Character) -> Iterator[Instance]:
    """Fields that are 0, of rank one, or a simple pattern."""
    wide = _wide(instance, character)
    for name in ("zero", "e_1 e_1'", "last e_n e_m'", "identity", "minus identity", "all equal"):
        yield put(instance, {p: SHAPES[name](*sides(X)) for p, X in wide.items()})
        for p, X in wide.items():
            yield put(instance, {p: SHAPES[name](*sides(X))})
    for name in ("first entry alone", "first row alone", "first column alone", "diagonal"):
        for p, X in wide.items():
            yield put(instance, {p: CHANGES[name](X)})
    for p, X in wide.items():
        yield from (put(instance, {p: scaled(X, 1 / x)}) for x in _pivots(X))
    for name in ("equal rows", "equal columns", "signs", "absolute values"):
        for p, X in wide.items():
            yield put(instance, {p: CHANGES[name](X)})
    for (p, X), Y in product(wide.items(), wide.values()):
        if sides(X) == sides(Y):
            yield put(instance, {p: Y})
        if sides(X) == sides(Y)[::-1]:
            yield put(instance, {p: transposed(Y)})


def _pivots(X: Rows) -> list[Fraction]:
    """Numbers by which a matrix may become simpler when it is divided by them."""
    found = [x for row in X for x in row if x not in (0, 1)]
    return list(dict.fromkeys(found))[:4]


def _rows(instance: Instance, character: Character) -> Iterator[Instance]:
    """Rows and columns that are 0."""
    for p, X in _wide(instance, character).items():
        n, m = sides(X)
        for i in range(n):
            yield put(instance, {p: (*X[:i], (Fraction(0),) * m, *X[i + 1 :])})
        for j in range(m):
            yield put(instance, {p: tuple((*r[:j], Fraction(0), *r[j + 1 :]) for r in X)})


def _single_entries(instance: Instance, character: Character) -> Iterator[Instance]:
    """Simpler entries and numbers, one at a time; where a condition ties two, both."""
    for p, x in _narrow(instance, character).items():
        yield from (put(instance, {p: value}) for value in simpler(x))
    for p, X in _wide(instance, character).items():
        for i, row in enumerate(X):
            for j, x in enumerate(row):
                for value in simpler(x):
                    yield put(instance, {p: with_entry(X, i, j, value)})
                    if i < j < len(X) and X[j][i] == x:
                        both = with_entry(with_entry(X, i, j, value), j, i, value)
                        yield put(instance, {p: both})


def _ties(instance: Instance, character: Character) -> Iterator[Instance]:
    """Entries that equal another one, and all entries rounded alike."""
    wide = _wide(instance, character)
    for most in (1, 2, 4, 10):
        rounded = {
            p: tuple(tuple(x.limit_denominator(most) for x in row) for row in X)
            for p, X in wide.items()
        }
        yield put(instance, rounded)
    values = list(dict.fromkeys(x for X in wide.values() for row in X for x in row))[:8]
    for p, X in wide.items():
        for i, row in enumerate(X):
            for j, x in enumerate(row):
                for value in values:
                    if value != x:
                        yield put(instance, {p: with_entry(X, i, j, value)})


def _two_entries(instance: Instance, character: Character) -> Iterator[Instance]:
    """Two entries at once, one of them 1 or 0, where few are left that are not."""
    places = [
        (p, i, j)
        for p, X in _wide(instance, character).items()
        for i, row in enumerate(X)
        for j, x in enumerate(row)
        if x != 0
    ]
    if len(places) > FEW_ENTRIES:
        return
    for one, other in permutations(places, 2):
        for first, second in product(SIMPLE[:3], SIMPLE):
            yield _with(_with(instance, one, first), other, second)


def _with(
    instance: Instance, place: tuple[Path, int, int] | tuple[Path], value: Fraction
) -> Instance:
    p = place[0]
    new = with_entry(matrices(instance)[p], *place[1:], value) if len(place) == 3 else value
    return put(instance, {p: new})


def simpler(x: Fraction) -> list[Fraction]:
    """Numbers that are simpler than x, the simplest first.

    >>> [str(y) for y in simpler(Fraction(31, 4))]
    ['0', '1', '-1', '2', '-2', '1/2', '-1/2', '3', '-3', '4', '5', '8', '23/3', '7', '31/8']
    """
    close = [x.limit_denominator(d) for d in (1, 2, 3, 4, 5, 8, 10)]
    whole = [Fraction(x.numerator // x.denominator), Fraction(-(-x.numerator // x.denominator))]
    halves = [x / 2, Fraction(int(x / 2)), -x]
    short = [_leading(x, 1), _leading(x, 2)]
    found = dict.fromkeys((*SIMPLE, *close, *whole, *short, *halves))
    return [y for y in found if _rank(y) < _rank(x)]


def _rank(x: Fraction) -> tuple[Any, ...]:
    return (x != 0, digits_of(x), x < 0, abs(x))


def _leading(x: Fraction, count: int) -> Fraction:
    """x rounded to its first decimal digits, and about that many where it is very long."""
    if x == 0:
        return x
    bits = x.numerator.bit_length() - x.denominator.bit_length()
    unit = Fraction(10) ** (bits * 3 // 10 - count + 1)
    return round(x / unit) * unit


def _shapes_of_all(instance: Instance, character: Character) -> Iterator[Instance]:
    """One of a few shapes in each field; the numbers as they are, and all of them 1."""
    wide = _wide(instance, character)
    ones = dict.fromkeys(_narrow(instance, character), Fraction(1))
    kinds = _kinds(len(wide))
    for shapes in product(kinds, repeat=len(wide)) if kinds else ():
        changes = {p: s(*sides(X)) for s, (p, X) in zip(shapes, wide.items(), strict=True)}
        yield put(instance, {**changes, **ones})
        if ones:
            yield put(instance, changes)


def _shapes_of_two(instance: Instance, character: Character) -> Iterator[Instance]:
    """Two fields that change together, as fields do that an assumption ties."""
    wide, kinds = _wide(instance, character), _kinds(3)
    edited = (
        put(instance, {p: one(*sides(X)), q: other(*sides(Y))})
        for one, other in product(kinds, repeat=2)
        for (p, X), (q, Y) in combinations(wide.items(), 2)
    )
    yield from islice(edited, MOST_OF_A_GRID)


Shape = Callable[[int, int], Rows]
UNITS: tuple[Shape, ...] = (
    SHAPES["e_1 e_1'"],
    SHAPES["zero"],
    SHAPES["last e_n e_m'"],
    SHAPES["identity"],
    SHAPES["all equal"],
    lambda n, m: filled(n, m, lambda i, j: (i, j) == (0, min(1, m - 1))),
    lambda n, m: filled(n, m, lambda i, j: (i, j) == (min(1, n - 1), 0)),
    SHAPES["antidiagonal"],
    lambda n, m: filled(n, m, lambda i, j: j == (i + 1) % m),
    SHAPES["rotation"],
    SHAPES["ones in the first row"],
    SHAPES["ones in the first column"],
    SHAPES["signs on the diagonal"],
    SHAPES["minus identity"],
)


def _kinds(fields: int) -> Sequence[Shape]:
    """As many shapes as give no more than a grid has, but one in each field says nothing new."""
    most = next(k for k in range(len(UNITS), 0, -1) if k**fields <= MOST_OF_A_GRID)
    return UNITS[:most] if most > 1 else ()


def _in_proportion(instance: Instance, character: Character) -> Iterator[Instance]:
    """All entries, or those of one field, in proportion to small whole numbers."""
    wide, narrow = _wide(instance, character), _narrow(instance, character)
    pivots = dict.fromkeys(abs(x) for X in wide.values() for row in X for x in row if x)
    for pivot in islice(pivots, 6):
        for factor in (Fraction(k) / pivot for k in range(1, 7)):
            changes = {p: _rounded(X, factor) for p, X in wide.items()}
            yield put(instance, changes)
            yield put(instance, {**changes, **{p: x * factor for p, x in narrow.items()}})
            yield put(instance, {p: scaled(X, factor) for p, X in wide.items()})
            for p, X in changes.items():
                yield put(instance, {p: X})


def _rounded(X: Rows, factor: Fraction) -> Rows:
    return tuple(tuple(Fraction(round(factor * x)) for x in row) for row in X)


GRID: Mapping[int, str] = {
    1: "0 1 -1 2 -2 3 -3 1/2 -1/2 4 5 6 7 8 9 1/3",
    2: "0 1 -1 2 -2 3 -3 1/2 -1/2 4 -4 5 -5 6 7 8 9 1/3 2/3 3/2",
    3: "0 1 -1 2 -2 3 -3 1/2 4 6",
    4: "0 1 -1 2 3",
}
"""The entries that are tried together, all of them, where an instance has only so many."""


def _all_small(instance: Instance, character: Character) -> Iterator[Instance]:
    """Every instance of few numbers with small entries, the simplest numbers first."""
    places: list[tuple[Path, int, int] | tuple[Path]] = [(p,) for p in _narrow(instance, character)]
    for p, X in _wide(instance, character).items():
        places += [(p, i, j) for i in range(len(X)) for j in range(len(X[0]))]
    values = [Fraction(x) for x in GRID.get(len(places), "").split()]
    rows = product(values, repeat=len(places)) if values else ()
    for row in sorted(rows, key=_plainness):
        changed = instance
        for place, value in zip(places, row, strict=True):
            changed = _with(changed, place, value)
        yield changed


def _plainness(row: Sequence[Fraction]) -> tuple[Any, ...]:
    size = sum(map(digits_of, row)), len(set(row)), sum(x < 0 for x in row), sum(map(abs, row))
    return (sum(x != 0 for x in row), *size)


STEPS: tuple[Edits, ...] = (
    _dimensions,
    _whole_fields,
    _rows,
    _single_entries,
    _ties,
)
GRIDS: tuple[Edits, ...] = (
    _two_entries,
    _in_proportion,
    _all_small,
    _shapes_of_all,
    _shapes_of_two,
)
"""Many instances at once, tried where no single step is left."""
