"""Pattern search on the slack: entries, numbers and choices are moved while the slack falls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from lora_proofs.breaking.character import Character
from lora_proofs.breaking.choices import Origin, drawn_with, nearby
from lora_proofs.breaking.fields import matrices, numbers, put
from lora_proofs.breaking.hunt import Hunt
from lora_proofs.breaking.patterns import scaled
from lora_proofs.mathematics.instance import Instance, Rows

WAY = "descent"
FINEST = Fraction(1, 2**12)
GAIN = 1e-12
MOST_DIGITS = 24
"""Entries longer than this are not carried on."""


def descend(hunt: Hunt, start: Instance, character: Character, share: float, by: str = WAY) -> None:
    """Move one entry, row or field at a time while the slack falls; the steps are halved."""
    best, slack = start, hunt.meet(start, WAY, by)
    step = Fraction(1)
    while hunt.open(share) and step >= FINEST:
        improved = False
        for other in _moves(best, character, step):
            if not hunt.open(share):
                return
            if not character.admits(other) or _long(other):
                continue
            value = hunt.meet(other, WAY, by)
            if value < slack - GAIN:
                best, slack, improved = other, value, True
                break
        if not improved:
            step /= 4 if step > 1 / 16 else 8
    return


def _long(instance: Instance) -> bool:
    return any(
        x.denominator > 10**MOST_DIGITS or abs(x) > 10**MOST_DIGITS
        for X in matrices(instance).values()
        for row in X
        for x in row
    )


def _moves(instance: Instance, character: Character, step: Fraction) -> Iterator[Instance]:
    wide = {p: X for p, X in matrices(instance).items() if p not in character.fixed}
    dimensions = character.dimensions.numbers()
    narrow = {
        p: x
        for p, x in numbers(instance).items()
        if p not in character.fixed and p not in dimensions
    }
    for p, x in narrow.items():
        for value in (x * (1 + step), x / (1 + step), x + step, x - step, -x, Fraction(0)):
            if value != x:
                yield put(instance, {p: value})
    for p, X in wide.items():
        for factor in (1 + step, 1 / (1 + step)):
            yield put(instance, {p: scaled(X, factor)})
    for p, X in wide.items():
        for i, row in enumerate(X):
            for j, x in enumerate(row):
                for value in _values(x, X, step):
                    yield put(instance, {p: with_entry(X, i, j, value)})


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
