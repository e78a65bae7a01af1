"""Edits of numbers that only become simpler together: equal ones, mirror images, lines, trades."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations, product

from lora_proofs.breaking.character import Character
from lora_proofs.breaking.descent import with_entry
from lora_proofs.breaking.fields import Leaf, Path, digits, excess, height, leaves, matrices, put
from lora_proofs.breaking.patterns import scaled, transposed
from lora_proofs.mathematics.instance import Instance, Rows

PLAIN = tuple(map(Fraction, ("1", "1/2", "2", "1/3", "3", "1/4", "1/5", "5", "1/10", "10")))
TRADED = tuple(map(Fraction, ("1/10", "1/50", "1/99", "10", "50", "99")))


def shorter(x: Fraction) -> list[Fraction]:
    """Numbers of the sign of x that are simpler, the simplest first, in steps down to its own size.

    >>> [str(y) for y in shorter(Fraction(1, 40))]
    ['1', '2', '3', '5', '1/2', '1/3', '1/4', '1/5', '10', '1/10', '1/20', '1/30', '1/39']
    """
    above, below = abs(x.numerator), x.denominator
    found = [Fraction(k, below) for k in _steps_down(above)]
    found += [Fraction(above, k) for k in _steps_down(below)]
    simpler = (y for y in dict.fromkeys((*PLAIN, *found)) if _size(y) < _size(x))
    return [y if x > 0 else -y for y in sorted(simpler, key=_size)]


def _size(x: Fraction) -> tuple[int, int, int]:
    return excess(x), digits(x), height(x)


def _steps_down(k: int) -> list[int]:
    """Whole numbers below k, up to k - 1: powers of ten and halves of them, halves of k."""
    tens = 10 ** max(0, len(str(k)) - 1) if k.bit_length() < 10_000 else 1
    steps = (tens // 2, tens, 2 * tens, 5 * tens, k // 2, k - k // 4, k - 1)
    return [step for step in steps if 0 < step < k]


def _free(instance: Instance, character: Character) -> dict[Path, Leaf]:
    apart = character.fixed | character.dimensions.numbers()
    return {p: leaf for p, leaf in leaves(instance).items() if p not in apart}


def _changed(leaf: Leaf, change: Callable[[Fraction], Fraction]) -> Leaf:
    if isinstance(leaf, Fraction):
        return change(leaf)
    return tuple(tuple(change(x) for x in row) for row in leaf)


def _numbers(leaf: Leaf) -> list[Fraction]:
    return [leaf] if isinstance(leaf, Fraction) else [x for row in leaf for x in row]


def equal_numbers(instance: Instance, character: Character) -> Iterator[Instance]:
    """Every number of one size is replaced at once, of all fields or of one; signs are kept."""
    free = _free(instance, character)
    for among in (free, *({p: leaf} for p, leaf in free.items())):
        sizes = dict.fromkeys(abs(x) for leaf in among.values() for x in _numbers(leaf) if x)
        for size in sizes:
            for value in (Fraction(0), *shorter(size)):
                factor = value / size
                yield put(instance, _replaced(among, size, factor))


def _replaced(among: Mapping[Path, Leaf], size: Fraction, factor: Fraction) -> dict[Path, Leaf]:
    def change(x: Fraction) -> Fraction:
        return factor * x if abs(x) == size else x

    return {p: _changed(leaf, change) for p, leaf in among.items()}


def single_numbers(instance: Instance, character: Character) -> Iterator[Instance]:
    """One number or entry becomes shorter."""
    for p, leaf in _free(instance, character).items():
        if isinstance(leaf, Fraction):
            yield from (put(instance, {p: value}) for value in shorter(leaf))
        else:
            yield from (put(instance, {p: X}) for X in _entries_shortened(leaf))


def _entries_shortened(X: Rows) -> Iterator[Rows]:
    for i, row in enumerate(X):
        for j, x in enumerate(row):
            for value in (Fraction(0), *shorter(x)) if x else ():
                yield with_entry(X, i, j, value)


def mirror_images(instance: Instance, character: Character) -> Iterator[Instance]:
    """A matrix and one that is it, its transpose, or minus one of both, change in one entry."""
    wide = {p: X for p, X in _free(instance, character).items() if isinstance(X, tuple)}
    for (p, X), (q, Y) in combinations(wide.items(), 2):
        for turn, sign in product((lambda Z: Z, transposed), (1, -1)):
            if scaled(turn(X), sign) == Y:
                for edited in _entries_shortened(X):
                    yield put(instance, {p: edited, q: scaled(turn(edited), sign)})


def lines(instance: Instance, character: Character) -> Iterator[Instance]:
    """A row or a column becomes small whole numbers in about its proportion."""
    for p, X in matrices(instance).items():
        if p in character.fixed:
            continue
        for i, row in enumerate(X):
            yield from (put(instance, {p: (*X[:i], new, *X[i + 1 :])}) for new in _whole(row))
        Y = transposed(X)
        for j, row in enumerate(Y):
            for new in _whole(row):
                yield put(instance, {p: transposed((*Y[:j], new, *Y[j + 1 :]))})


def _whole(row: tuple[Fraction, ...]) -> Iterator[tuple[Fraction, ...]]:
    for pivot, k in product(dict.fromkeys(abs(x) for x in row if x), range(1, 4)):
        yield tuple(Fraction(round(k * x / pivot)) for x in row)


def traded(instance: Instance, character: Character) -> Iterator[Instance]:
    """What is longer than two digits becomes 1/50 or 50, and another field is scaled for it."""
    free = _free(instance, character)
    sizes = {abs(x) for leaf in free.values() for x in _numbers(leaf) if excess(x)}
    for size, value in product(sorted(sizes), TRADED):
        changed = {**free, **_replaced(free, size, value / size)}
        for p, factor in product(free, TRADED):
            yield put(instance, {**changed, p: _scaled_beside(changed[p], factor, value)})


def _scaled_beside(leaf: Leaf, factor: Fraction, kept: Fraction) -> Leaf:
    return _changed(leaf, lambda x: x if abs(x) == kept else factor * x)


TIED = (equal_numbers, single_numbers, mirror_images, lines, traded)
