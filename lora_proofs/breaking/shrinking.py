"""Counterexamples are made small: dimensions, rank, then entries, each step judged again.

What is simpler: fewer entries in all, fewer that are not 0, fewer digits, fewer different values.
A step is kept where the claim still fails and every assumption still holds, both beyond doubt; it
ends where no step is left that does, or where the evaluations are used up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations, product
from typing import Any

from lora_proofs.breaking.character import Character
from lora_proofs.breaking.choices import Origin, drawn_with, nearby
from lora_proofs.breaking.descent import with_entry
from lora_proofs.breaking.fields import digits as digits_of
from lora_proofs.breaking.fields import leaves, matrices, numbers, put, sides
from lora_proofs.breaking.patterns import CHANGES, SHAPES, scaled
from lora_proofs.breaking.slack import Guide
from lora_proofs.judging.counterexample import Refutation, refute
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.instance import Instance, Rows

SIMPLE = tuple(map(Fraction, ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3", "4", "5")))
Size = tuple[Any, ...]
WEIGHED = 20
"""How many instances are weighed in float64 for one that may be judged."""
FEW_ENTRIES = 10


def simplicity(instance: Instance) -> Size:
    """The order in which instances are simpler: the smaller, the simpler.

    >>> simplicity(Instance(X=[[1, 0]])) < simplicity(Instance(X=[[1, 1]])) < simplicity(
    ...     Instance(X=[["1/2", 1]]))
    True
    """
    entries = _entries(instance)
    nonzero = sum(x != 0 for x in entries)
    return (
        len(entries),
        nonzero,
        sum(digits_of(x) for x in entries),
        len(set(entries)),
        sum(x < 0 for x in entries),
        sum(abs(x) for x in entries),
        str(instance.to_json()),
    )


def _entries(instance: Instance) -> list[Fraction]:
    found: list[Fraction] = []
    for leaf in leaves(instance).values():
        found += [leaf] if isinstance(leaf, Fraction) else [x for row in leaf for x in row]
    return found


def in_words(instance: Instance) -> str:
    """How small an instance is.

    >>> in_words(Instance(X=[[1, "1/2"]], h=3))
    'X 1 x 2, h; 3 entries, 3 of them not 0, at most 2 digits'
    """
    told = [
        ".".join(path) + (" {} x {}".format(*sides(leaf)) if isinstance(leaf, tuple) else "")
        for path, leaf in leaves(instance).items()
    ]
    entries = _entries(instance)
    digits = max((max(1, digits_of(x)) for x in entries), default=0)
    nonzero = sum(x != 0 for x in entries)
    count = f"{len(entries)} entries, {nonzero} of them not 0"
    return f"{', '.join(told)}; {count}, at most {digits} digit{'s' * (digits != 1)}"


@dataclass(frozen=True)
class Shrunk:
    """The smallest refutation that was reached, and how many instances were judged on the way."""

    refutation: Refutation
    judged: int

    def to_dict(self, first: Refutation) -> dict[str, Any]:
        """The entry ``shrunk`` of a counterexample."""
        start, end = in_words(first.instance), in_words(self.refutation.instance)
        return {"from": start, "to": end, "judged": self.judged}


def shrink_fields(
    claim: Claim, found: Refutation, character: Character, digits: int, most: int
) -> Shrunk:
    """A simpler refutation, by edits of the fields that keep what every draw has."""
    press = _Press(claim, digits, most, found, _guide(claim, found, digits))
    while press.open():
        before = press.best
        for edits in (_dimensions, _whole_fields, _rows, _single_entries, _ties, _two_entries):
            press.until_nothing_changes(edits, character)
        if press.best is before:
            break
    return Shrunk(press.best, press.judged)


def shrink_choices(
    claim: Claim, found: Refutation, origin: Origin, digits: int, most: int
) -> Shrunk:
    """A simpler refutation that the claim's own draw gives, by simpler choices."""
    press = _Press(claim, digits, most, found)
    while press.open():
        before = origin
        origin = _simpler_choices(press, origin)
        if origin == before:
            break
    return Shrunk(press.best, press.judged)


def _guide(claim: Claim, found: Refutation, digits: int) -> Guide | None:
    """float64, where it sees that the instance fails."""
    guide = Guide.of(claim, [found.instance], digits)
    return guide if guide.fast else None


@dataclass
class _Press:
    """The smallest refutation so far; an instance is judged once, and none after ``most``."""

    claim: Claim
    digits: int
    most: int
    best: Refutation
    guide: Guide | None = None
    judged: int = 0
    seen: set[Instance] = field(default_factory=set)

    def open(self) -> bool:
        return self.judged < self.most and len(self.seen) < WEIGHED * self.most

    def takes(self, instance: Instance) -> bool:
        """Whether the instance is simpler and refutes: then it is the best one."""
        if not self.open() or instance in self.seen:
            return False
        if simplicity(instance) >= simplicity(self.best.instance):
            return False
        self.seen.add(instance)
        if self.guide and not self.guide.weigh(instance).suspicious:
            return False
        self.judged += 1
        found = self._refutation(instance)
        if found is not None:
            self.best = found
        return found is not None

    def _refutation(self, instance: Instance) -> Refutation | None:
        try:
            found = refute(self.claim, instance, self.digits)
        except MemoryError:
            raise
        except Exception:
            return None
        return found if isinstance(found, Refutation) else None

    def until_nothing_changes(
        self, edits: Callable[[Instance, Character], Iterator[Instance]], character: Character
    ) -> None:
        changed = True
        while changed and self.open():
            changed = False
            for instance in edits(self.best.instance, character):
                if character.admits(instance) and self.takes(instance):
                    changed = True
                    break


def _wide(instance: Instance, character: Character) -> dict[tuple[str, ...], Rows]:
    return {p: X for p, X in matrices(instance).items() if p not in character.fixed}


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
    dimensions = character.dimensions.numbers()
    for p, x in numbers(instance).items():
        if p not in character.fixed and p not in dimensions:
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


def _with(instance: Instance, place: tuple[Any, int, int], value: Fraction) -> Instance:
    p, i, j = place
    return put(instance, {p: with_entry(matrices(instance)[p], i, j, value)})


def simpler(x: Fraction) -> list[Fraction]:
    """Numbers that are simpler than x, the simplest first.

    >>> [str(y) for y in simpler(Fraction(31, 4))]
    ['0', '1', '-1', '2', '-2', '3', '-3', '4', '5', '8', '7', '10']
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


def _simpler_choices(press: _Press, origin: Origin) -> Origin:
    """One pass over the choices: fewer of them, then simpler ones."""
    k = 0
    while k < len(origin.choices) and press.open():
        for values in _edited(origin, k):
            other = drawn_with(press.claim.instances, origin.regime, values, origin.key)
            if other is not None and (press.takes(other[0]) or _plainer(press, other, origin)):
                origin = other[1]
                break
        else:
            k += 1
    return origin


def _plainer(press: _Press, other: tuple[Instance, Origin], origin: Origin) -> bool:
    """Whether simpler choices give the same instance: from them, further steps may be shorter."""
    same = other[0] == press.best.instance
    return same and _plainness(other[1]) < _plainness(origin)


def _plainness(origin: Origin) -> tuple[int, ...]:
    return (len(origin.choices), *(abs(c.value - c.simplest) for c in origin.choices))


def _edited(origin: Origin, k: int) -> Iterator[tuple[int, ...]]:
    """Sequences with a simpler choice k; with others left out where fewer are asked for."""
    values = origin.values
    simple = tuple(choice.simplest for choice in origin.choices)
    for other in nearby(origin.choices, k):
        yield other
        yield (*other[: k + 1], *simple[k + 1 :])
        for gone in (1, 2, 4):
            yield (*other[: k + 1], *values[k + 1 + gone :])
        if values[k] and k + 1 < len(values):  # a denominator, and its numerator in proportion
            yield (*other[: k + 1], values[k + 1] * other[k] // values[k], *values[k + 2 :])
    for gone in (1, 2, 4, 8):
        yield (*values[:k], *values[k + gone :])
