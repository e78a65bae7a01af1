"""Structured edits of drawn instances: where false statements fail that random draws confirm.

Every corner is an exact instance with the names and shapes of a drawn one. They come in an order
that depends on the instances alone: edits of all fields together, of two, of one, taken in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, combinations, islice, permutations, product, zip_longest

from lora_proofs.arithmetic.exact import decimal
from lora_proofs.breaking.character import Character
from lora_proofs.breaking.fields import (
    Path,
    digits,
    leaves,
    matrices,
    name_of,
    numbers,
    put,
    sides,
)
from lora_proofs.breaking.patterns import (
    OPPOSED,
    PAIRED,
    SCALES,
    SHAPES,
    scaled,
    transposed,
    variants,
)
from lora_proofs.mathematics.instance import Instance, Rows

Corner = tuple[str, Instance]
VALUES = tuple(
    map(Fraction, ("0", "1", "-1", "2", "1/2", "1/1000", "1000000", "1/1000000", "3", "-2", "10"))
)
ALL = "every matrix: "
FIRST = 3
"""The first base is the smallest on which most edits differ: what fails, fails there first."""


def corners(bases: Sequence[Instance], character: Character) -> Iterator[Corner]:
    """The corners of all bases, taken in turn, ``FIRST`` of the first base to one of each other."""
    streams = [_of(base, character) for base in bases]
    for corner in _in_turn(*streams[:1] * FIRST, *streams[1:]):
        if character.admits(corner[1]):
            yield corner


def bases(drawn: Sequence[Instance], character: Character) -> list[Instance]:
    """Small instances to edit: the drawn ones cut to 2, to rank 1, to 3, to 1, and as they are."""
    dimensions = character.dimensions
    free = range(len(dimensions.groups))
    found: dict[Instance, None] = {}
    for instance in drawn:
        found[dimensions.cut_to(instance, 2)] = None
    for instance in drawn[:1]:
        for group in free:
            most = {g: 1 if g == group else 2 for g in free}
            found[dimensions.cut(instance, most)] = None
        for most_of_all in (3, 1):
            found[dimensions.cut_to(instance, most_of_all)] = None
        found[instance.replace(regimes=())] = None
    return [instance for instance in found if character.admits(instance)]


def _of(base: Instance, character: Character) -> Iterator[Corner]:
    wide = [p for p in matrices(base) if p not in character.fixed]
    dimensions = character.dimensions.numbers()
    narrow = [p for p in numbers(base) if p not in character.fixed and p not in dimensions]
    yield "as drawn, cut small", base
    yield from _listed(base, wide)
    yield from islice(_multiples(base, wide, narrow), MOST_LISTED)
    together = chain(_together(base, wide), _numbers(base, narrow))
    pairs = chain(_pairs(base, wide), _directions(base, wide))
    besides = _with_numbers(base, wide, narrow)
    opposed = islice(_opposed(base, wide), MOST_LISTED)
    yield from _in_turn(together, pairs, _single(base, wide), _both(base, wide), besides, opposed)


def _listed(base: Instance, wide: Sequence[Path]) -> Iterator[Corner]:
    """Where theorems on factors fail most: B = A', B = -A', zero blocks, wrong directions, ties."""
    found = matrices(base)
    for p, q in combinations(wide, 2):
        if _fits(found[q], transposed(found[p])):
            for sign, minus in ((1, ""), (-1, "-")):
                edited = put(base, {q: scaled(transposed(found[p]), sign)})
                yield f"{name_of(q)} = {minus}{name_of(p)}'", edited
    for name in LISTED:
        for p in wide:
            yield f"{name_of(p)}: {name}", put(base, {p: SHAPES[name](*sides(found[p]))})
    yield from islice(_directions(base, wide), MOST_LISTED)


def _multiples(base: Instance, wide: Sequence[Path], narrow: Sequence[Path]) -> Iterator[Corner]:
    """A field that is another one times a number of the instance: ties of weighted bounds."""
    found, factors = matrices(base), numbers(base)
    for h, (p, q) in product(narrow, permutations(wide, 2)):
        for Y, sign in ((found[q], ""), (transposed(found[q]), "'")):
            if _fits(found[p], Y):
                name = f"{name_of(p)} = {name_of(h)} {name_of(q)}{sign}"
                yield name, put(base, {p: scaled(Y, factors[h])})


LISTED = ("zero", "e_1 e_1'", "last e_n e_m'", "identity")
MOST_LISTED = 12


def _in_turn(*streams: Iterator[Corner]) -> Iterator[Corner]:
    for row in zip_longest(*streams):
        yield from (corner for corner in row if corner is not None)


def _together(base: Instance, wide: Sequence[Path]) -> Iterator[Corner]:
    """One pattern for every matrix."""
    found = matrices(base)
    for name, shape in SHAPES.items():
        yield ALL + name, put(base, {p: shape(*sides(found[p])) for p in wide})
    for name, factor in SCALES.items():
        yield ALL + name, put(base, {p: scaled(found[p], factor) for p in wide})
    streams = [list(variants(found[p])) for p in wide]
    for row in zip_longest(*streams):
        if all(row) and row[0] and row[0][0] not in {**SHAPES, **SCALES}:
            changes = {p: X for p, (_, X) in zip(wide, row, strict=True)}
            yield ALL + row[0][0], put(base, changes)


def _fits(X: Rows, Y: Rows) -> bool:
    return sides(X) == sides(Y)


def _pairs(base: Instance, wide: Sequence[Path]) -> Iterator[Corner]:
    """A field that is another one, its negative, its transpose, or minus its transpose."""
    found = matrices(base)
    for sign, (p, q) in product((1, -1), permutations(wide, 2)):
        X, Y, minus = found[p], found[q], "-" if sign < 0 else ""
        if _fits(X, transposed(Y)):
            name = f"{name_of(p)} = {minus}{name_of(q)}'"
            yield name, put(base, {p: scaled(transposed(Y), sign)})
        if _fits(X, Y):
            yield f"{name_of(p)} = {minus}{name_of(q)}", put(base, {p: scaled(Y, sign)})


def _directions(base: Instance, wide: Sequence[Path]) -> Iterator[Corner]:
    """Two fields that see different coordinates, and all others the identity or as they are."""
    found = matrices(base)
    first, last = SHAPES["e_1 e_1'"], SHAPES["last e_n e_m'"]
    for p, q in permutations(wide, 2):
        X, Y = sides(found[p]), sides(found[q])
        name = f"{name_of(p)} and {name_of(q)} in different directions"
        yield name, put(base, {p: first(*X), q: last(*Y)})


def _opposed(base: Instance, wide: Sequence[Path]) -> Iterator[Corner]:
    """Two square fields of one size that anticommute, or whose squares or products cancel."""
    sizes = {p: sides(X) for p, X in matrices(base).items() if p in wide}
    alike = [
        (p, q) for p, q in combinations(sizes, 2) if sizes[p] == sizes[q] == sizes[p][::-1] > (1, 1)
    ]
    orders = (alike, [(q, p) for p, q in alike])
    for pairs, (one, other) in product(orders, OPPOSED):
        for p, q in pairs:
            name = f"{name_of(p)}: {one}, {name_of(q)}: {other}"
            yield name, put(base, {p: PAIRED[one](*sizes[p]), q: PAIRED[other](*sizes[q])})


def _single(base: Instance, wide: Sequence[Path]) -> Iterator[Corner]:
    """One field changed, pattern by pattern."""
    found = matrices(base)
    streams = [[(f"{name_of(p)}: {n}", p, X) for n, X in variants(found[p])] for p in wide]
    for row in zip_longest(*streams):
        for edit in row:
            if edit is not None:
                name, p, X = edit
                yield name, put(base, {p: X})


def _numbers(base: Instance, narrow: Sequence[Path]) -> Iterator[Corner]:
    """A number that is another number, or 0, 1, -1, small, large."""
    found = numbers(base)
    for p, q in permutations(narrow, 2):
        yield f"{name_of(p)} = {name_of(q)}", put(base, {p: found[q]})
        yield f"{name_of(p)} = -{name_of(q)}", put(base, {p: -found[q]})
    for value, p in product(VALUES, narrow):
        yield f"{name_of(p)} = {decimal(value)}", put(base, {p: value})


FEW = (
    "identity", "zero", "e_1 e_1'", "last e_n e_m'", "all equal", "simple spectrum",
    "signs on the diagonal", "minus identity", "nilpotent", "identity without its last 1",
)  # fmt: skip


def _both(base: Instance, wide: Sequence[Path]) -> Iterator[Corner]:
    """Two fields changed, each to one of a few patterns; others as drawn, or the identity."""
    found = matrices(base)
    identity = {p: SHAPES["identity"](*sides(found[p])) for p in wide}
    for one, other in product(FEW, FEW):
        for p, q in permutations(wide, 2):
            if one == other or p >= q:
                continue
            X, Y = SHAPES[one](*sides(found[p])), SHAPES[other](*sides(found[q]))
            name = f"{name_of(p)}: {one}, {name_of(q)}: {other}"
            yield name, put(base, {p: X, q: Y})
            if len(wide) > 2:
                yield f"identities, {name}", put(base, {**identity, p: X, q: Y})


def _with_numbers(base: Instance, wide: Sequence[Path], narrow: Sequence[Path]) -> Iterator[Corner]:
    """A pattern for every matrix, and a number besides."""
    for name, edited in list(_together(base, wide)):
        for told, other in _numbers(edited, narrow):
            yield f"{name}, {told}", other


def weight(instance: Instance) -> tuple[int, int]:
    """How large an instance is: entries, and the digits that they take."""
    found = leaves(instance).values()
    entries = [x for leaf in found for x in ([leaf] if isinstance(leaf, Fraction) else _flat(leaf))]
    return len(entries), sum(digits(x) for x in entries)


def _flat(X: Rows) -> list[Fraction]:
    return [x for row in X for x in row]
