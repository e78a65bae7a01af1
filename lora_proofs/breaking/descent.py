"""Pattern search on the slack: entries, numbers and choices are moved while the slack falls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from lora_proofs.breaking.character import Character
from lora_proofs.breaking.choices import Origin, drawn_with, nearby
from lora_proofs.breaking.fields import Path, leaves, matrices, numbers, put
from lora_proofs.breaking.hunt import Hunt
from lora_proofs.breaking.patterns import scaled
from lora_proofs.mathematics.instance import Instance, Rows

WAY = "descent"
FINEST = Fraction(1, 2**12)
GAIN = 1e-12
MOST_DIGITS = 24
"""Entries longer than this are not carried on."""


def descend(hunt: Hunt, start: Instance, character: Character, share: float, by: str = WAY) -> None:
    """Move one number, one scale or one entry at a time while the slack falls; steps are halved.

    The places are gone through in a circle, and one that helped is moved once more: to begin anew
    after every success would try the first ones most, which are scales that few bounds feel.
    """
    best, slack = start, hunt.meet(start, WAY, by)
    places = _places(start, character)
    step, at, idle = Fraction(1), 0, 0
    while places and hunt.open(share) and step >= FINEST:
        better = None
        for other in _moves(best, places[at], step):
            if not hunt.open(share):
                return
            if character.admits(other) and not _long(other):
                value = hunt.meet(other, WAY, by)
                if value < slack - GAIN:
                    better = other, value
                    break
        if better is not None:
            (best, slack), idle = better, 0
            continue
        at, idle = (at + 1) % len(places), idle + 1
        if idle == len(places):
            step, idle = step / (4 if step > Fraction(1, 16) else 8), 0


def _long(instance: Instance) -> bool:
    return any(
        x.denominator > 10**MOST_DIGITS or abs(x) > 10**MOST_DIGITS
        for X in matrices(instance).values()
        for row in X
        for x in row
    )


Place = tuple[Path] | tuple[Path, int, int]
"""A number, the scale of a matrix, or one of its entries."""


def _places(instance: Instance, character: Character) -> list[Place]:
    apart = character.fixed | character.dimensions.numbers()
    wide = {p: X for p, X in matrices(instance).items() if p not in character.fixed}
    entries = [(p, i, j) for p, X in wide.items() for i in range(len(X)) for j in range(len(X[0]))]
    return [*((p,) for p in numbers(instance) if p not in apart), *((p,) for p in wide), *entries]


def _moves(instance: Instance, place: Place, step: Fraction) -> Iterator[Instance]:
    p, leaf = place[0], leaves(instance)[place[0]]
    if isinstance(leaf, Fraction):
        x = leaf
        for value in (x * (1 + step), x / (1 + step), x + step, x - step, -x, Fraction(0)):
            if value != x:
                yield put(instance, {p: value})
    elif len(place) == 1:
        for factor in (1 + step, 1 / (1 + step)):
            yield put(instance, {p: scaled(leaf, factor)})
    else:
        _, i, j = place
        for value in _values(leaf[i][j], leaf, step):
            yield put(instance, {p: with_entry(leaf, i, j, value)})


def _values(x: Fraction, X: Rows, step: Fraction) -> list[Fraction]:
    """Other values of an entry: nearer to 0, a step up and down, and at the first pass -x and 0."""
    size = max(abs(x), _middle(X))
    found = [x + step * size, x - step * size]
    if step == 1:
        found += [Fraction(0), -x]
    return [value for value in dict.fromkeys(map(_rounded, found)) if value != x]


def _middle(X: Rows) -> Fraction:
    sizes = sorted(abs(x) for row in X for x in row)
    return sizes[len(sizes) // 2] or sizes[-1] or Fraction(1)


def _rounded(x: Fraction) -> Fraction:
    """A short number that float64 holds, near x: 20 binary digits."""
    if x == 0:
        return x
    exponent = max(x.numerator.bit_length() - x.denominator.bit_length(), -200) - 20
    unit = Fraction(2) ** exponent
    return round(x / unit) * unit


def with_entry(X: Rows, i: int, j: int, value: Fraction) -> Rows:
    """X with one entry changed."""
    row = (*X[i][:j], value, *X[i][j + 1 :])
    return (*X[:i], row, *X[i + 1 :])


def descend_choices(hunt: Hunt, origins: Sequence[Origin], share: float) -> None:
    """Move one choice of a draw at a time while the slack falls."""
    for origin in origins:
        if not hunt.open(share):
            return
        _descend_from(hunt, origin, share)


def _descend_from(hunt: Hunt, origin: Origin, share: float) -> None:
    start = drawn_with(hunt.claim.instances, origin.regime, origin.values, origin.key)
    if start is None:
        return
    (instance, origin), improved = start, True
    slack = hunt.meet(instance, WAY, WAY, origin)
    while improved and hunt.open(share):
        improved = False
        for k in range(len(origin.choices)):
            for values in nearby(origin.choices, k):
                if not hunt.open(share):
                    return
                other = drawn_with(hunt.claim.instances, origin.regime, values, origin.key)
                if other is None:
                    continue
                value = hunt.meet(other[0], WAY, WAY, other[1])
                if value < slack - GAIN:
                    (_, origin), slack, improved = other, value, True
                    break
            if improved:
                break
