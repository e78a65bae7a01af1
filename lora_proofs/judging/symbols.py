"""Numbers of which only bounds are known: linear forms in ranks, norms and unknown entries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NoReturn

from lora_proofs.arithmetic.exact import rational
from lora_proofs.arithmetic.recorded import Recorded

MOST_TRIES = 2_000
"""Bounds that are put in for symbols before a relation is left open."""


class Opaque(BaseException):
    """A check asked for more than shapes tell; no ``except Exception`` of its own hides that."""


@dataclass
class World:
    """The symbols of one evaluation, each with bounds in terms of earlier ones."""

    bounds: list[tuple[list[Form], list[Form]]] = field(default_factory=list)
    left: bool = False
    """Whether something was asked for that shapes do not tell."""
    tries: int = 0

    def asked(self, what: str) -> NoReturn:
        """Give up: an entry, or what was computed from entries, was looked at."""
        self.left = True
        raise Opaque(what)

    def symbol(self, lower: Sequence[Form] = (), upper: Sequence[Form] = ()) -> Form:
        """A new symbol between each of the lower and each of the upper bounds."""
        self.bounds.append((list(lower), list(upper)))
        return Form({len(self.bounds) - 1: Fraction(1)})

    def unknown(self, *, positive: bool = False) -> Number:
        """A number of which nothing is known, or that it is 0 or more."""
        return Number(self, self.symbol([Form()] if positive else []))

    def sure(self, form: Form) -> bool:
        """Whether a form is 0 or more whatever its symbols are, as far as their bounds tell.

        >>> world = World()
        >>> rank = world.symbol([Form()], [Form({}, 3)])
        >>> world.sure(Form({}, 3) - rank), world.sure(Form({}, 2) - rank)
        (True, False)
        """
        if not form.parts:
            return form.constant >= 0
        self.tries += 1
        newest = max(form.parts)
        factor = form.parts[newest]
        rest = form - Form({newest: factor})
        options = self.bounds[newest][0 if factor > 0 else 1]
        return self.tries <= MOST_TRIES and any(
            self.sure(rest + bound.times(factor)) for bound in options
        )


@dataclass(frozen=True)
class Form:
    """A constant plus multiples of symbols."""

    parts: Mapping[int, Fraction] = field(default_factory=dict)
    constant: Fraction | int = 0

    def __add__(self, other: Form) -> Form:
        keys = {*self.parts, *other.parts}
        sums = {k: self.parts.get(k, Fraction(0)) + other.parts.get(k, Fraction(0)) for k in keys}
        return Form({k: v for k, v in sums.items() if v}, self.constant + other.constant)

    def __sub__(self, other: Form) -> Form:
        return self + other.times(Fraction(-1))

    def times(self, factor: Fraction) -> Form:
        """The form multiplied by a known number."""
        parts = {k: v * factor for k, v in self.parts.items() if factor}
        return Form(parts, self.constant * factor)


class Number(Recorded):
    """A number that is a linear form; whoever looks at its value gives up."""

    __array_ufunc__ = None
    _number = math.nan
    is_matrix = False

    def __init__(self, world: World, form: Form) -> None:
        self.world, self.form = world, form

    def _other(self, value: Any) -> Number:
        if isinstance(value, Number):
            return self.world.asked("a matrix among numbers") if value.is_matrix else value
        return Number(self.world, Form({}, rational(value)))

    @property
    def known(self) -> Fraction | None:
        """The value where it is known."""
        return None if self.form.parts else Fraction(self.form.constant)

    def __add__(self, other: Any) -> Number:
        return Number(self.world, self.form + self._other(other).form)

    __radd__ = __add__

    def __neg__(self) -> Number:
        return Number(self.world, self.form.times(Fraction(-1)))

    def __sub__(self, other: Any) -> Number:
        return self + -self._other(other)

    def __rsub__(self, other: Any) -> Number:
        return self._other(other) - self

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Number) and other.is_matrix:
            return NotImplemented
        other = self._other(other)
        for a, b in ((self, other), (other, self)):
            if b.known is not None:
                return Number(self.world, a.form.times(b.known))
        return self.world.unknown(positive=other is self or (self.positive and other.positive))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        known = self._other(other).known
        return self * (1 / known) if known else self.world.asked("a quotient")

    def __pow__(self, power: Any) -> Number:
        if not isinstance(power, int) or power < 1:
            self.world.asked("a power")
        if power == 1:
            return self
        return self.world.unknown(positive=power % 2 == 0 or self.positive)

    def __abs__(self) -> Number:
        return self if self.positive else self.world.unknown(positive=True)

    @property
    def positive(self) -> bool:
        """Whether it is surely 0 or more."""
        return self.world.sure(self.form)

    @property
    def keeps(self) -> bool:
        """Exact arithmetic does not pass it on."""
        return False

    @property
    def arithmetic(self) -> Any:
        """No arithmetic records it."""
        self.world.asked("an arithmetic of its own")

    def in_balls(self) -> Any:
        """No ball encloses it."""
        self.world.asked("a ball")

    def plain(self, how: str) -> Any:
        """It has no plain number."""
        self.world.asked(how)

    def decided(self, left: Any, relation: str, right: Any, outcome: str) -> None:
        """A check that goes by an outcome goes by the entries."""
        self.world.asked("the outcome of a comparison")

    def _asked(self, *values: Any) -> NoReturn:
        self.world.asked("the value of a number")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _asked
    __bool__ = __int__ = __float__ = __index__ = __round__ = __floor__ = __ceil__ = _asked
    __hash__ = __str__ = __repr__ = __format__ = __array__ = __iter__ = _asked
    __rtruediv__ = __rpow__ = __mod__ = __floordiv__ = __getitem__ = _asked
    __getattr__ = _asked


def holds(world: World, left: Any, relation: str, right: Any) -> bool:
    """Whether a relation between two numbers holds whatever is unknown in them."""
    low, high = (x if isinstance(x, Number) else _constant(world, x) for x in (left, right))
    if low is None or high is None or low.is_matrix or high.is_matrix:
        return False
    gap = high.form - low.form
    if relation == ">=":
        return world.sure(gap.times(Fraction(-1)))
    if relation == "=":
        return world.sure(gap) and world.sure(gap.times(Fraction(-1)))
    if relation == "<":
        return any(world.sure(gap - Form({}, room)) for room in (1, Fraction(1, 10**9)))
    return relation == "<=" and world.sure(gap)


def _constant(world: World, value: Any) -> Number | None:
    try:
        return Number(world, Form({}, rational(value)))
    except Exception:
        return None
