"""Numbers of many instances at once: float64 vectors that a check takes for single numbers.

Each operation is done for all instances. Where the code asks for a single answer (``if x == 0``)
the instances that answer like the first stay, and the others are set aside, to be run again. An
error may be carried along, as a running first-order bound in units of the rounding of float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NoReturn

import flint
import numpy as np

from lora_proofs.arithmetic.recorded import Batched

Vector = np.ndarray
EPS = float(np.finfo(float).eps)


class Unbatched(BaseException):
    """Code asked for what a batch has not; no ``except Exception`` of its own hides that."""


class Pinned(BaseException):
    """An answer that was drawn for each instance decides a shape: it has to be one for all."""

    def __init__(self, position: int) -> None:
        self.position = position


MOST_OPERATIONS = 40_000
"""Of one run: a check that takes more is long for a single instance, too."""


class World:
    """The instances of one run: how many there are, and which of them are still followed.

    ``spent`` counts operations, which say how long a run takes on any machine.
    """

    def __init__(self, size: int, *, errors: bool = False, tolerance: float = 0.0) -> None:
        self.size, self.errors, self.tolerance = size, errors, tolerance
        self.spent = 0
        self.alive = np.ones(size, dtype=bool)
        self.first = 0

    def spend(self, operations: int) -> None:
        """Count operations; ``Unbatched`` where one run takes too many."""
        self.spent += operations
        if self.spent > MOST_OPERATIONS:
            raise Unbatched(f"one run takes more than {MOST_OPERATIONS:,} operations")

    def agree(self, answers: Vector) -> Any:
        """The answer of the first instance; those of another answer are set aside."""
        wanted = answers[self.first]
        same = answers == wanted
        if not same.all():
            self.alive &= same
        return wanted

    def lift(self, values: Vector, *, rounded: bool = True) -> Many:
        """A vector as a number, with half a unit of error where it was rounded."""
        errors = np.abs(values) * 0.5 if self.errors and rounded else None
        return Many(self, values, errors)


def plain(value: Any) -> float | None:
    """A single number as a float; ``None`` for what is no number.

    >>> plain(Fraction(1, 2)), plain("1/2")
    (0.5, None)
    """
    kind = type(value)
    try:
        if kind is float or kind is int:
            return float(value)
        if kind is flint.fmpq:
            return int(value.p) / int(value.q)
        if kind is Fraction:
            return float(value.numerator / value.denominator)
    except OverflowError:
        return math.copysign(math.inf, 1 if value > 0 else -1)
    if isinstance(value, np.floating | np.integer | np.bool_ | bool):
        return float(value)
    return float(int(value)) if kind is flint.fmpz else None


class Many(Batched):
    """One number of each instance; ``errors`` are those of the values, in units of rounding."""

    __slots__ = ("errors", "position", "values", "world")

    def __init__(
        self,
        world: World,
        values: Vector,
        errors: Vector | None = None,
        position: int | None = None,
    ) -> None:
        self.world, self.values, self.errors = world, values, errors
        self.position = position  # of the answer of a draw that it is, as it came

    # Arithmetic: each result is rounded once more, and carries the errors of both sides.

    def _made(self, values: Vector, carried: Vector | None) -> Many:
        self.world.spend(1)
        if carried is None:
            return Many(self.world, values)
        return Many(self.world, values, carried + np.abs(values))

    def __add__(self, other: Any) -> Any:
        if type(other) is Many:
            return self._made(self.values + other.values, _sum(self.errors, other.errors))
        y = plain(other)
        return NotImplemented if y is None else self._made(self.values + y, self.errors)

    __radd__ = __add__

    def __neg__(self) -> Many:
        return Many(self.world, -self.values, self.errors)

    def __pos__(self) -> Many:
        return self

    def __abs__(self) -> Many:
        return Many(self.world, np.abs(self.values), self.errors)

    def __sub__(self, other: Any) -> Any:
        if type(other) is Many:
            return self._made(self.values - other.values, _sum(self.errors, other.errors))
        y = plain(other)
        return NotImplemented if y is None else self._made(self.values - y, self.errors)

    def __rsub__(self, other: Any) -> Any:
        y = plain(other)
        return NotImplemented if y is None else self._made(y - self.values, self.errors)

    def __mul__(self, other: Any) -> Any:
        if type(other) is Many:
            x, y = self.values, other.values
            grown: Vector | None = None
            if self.world.errors:
                both = _sum(_times(self.errors, y), _times(other.errors, x))
                grown = np.zeros_like(x) if both is None else both
            return self._made(x * y, grown)
        k = plain(other)
        return NotImplemented if k is None else self._made(self.values * k, _times(self.errors, k))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if type(other) is Many:
            return self * other.inverse()
        y = plain(other)
        if y is None:
            return NotImplemented
        if y == 0:
            raise ZeroDivisionError("division by zero")
        return self._made(self.values / y, _times(self.errors, 1 / y))

    def __rtruediv__(self, other: Any) -> Any:
        y = plain(other)
        return NotImplemented if y is None else self.inverse() * y

    def or_one(self) -> Many:
        """The number, or 1 in place of 0."""
        return Many(self.world, np.where(self.values == 0, 1.0, self.values), self.errors)

    def inverse(self) -> Many:
        """1/x, infinite or not a number where x is 0."""
        return self.mapped(lambda x: 1 / x, lambda x, y: y * y)

    def __pow__(self, power: Any) -> Any:
        k = plain(power)
        if k is None:
            return NotImplemented
        if k == int(k):
            k = int(k)
        if k == 0:
            return Many(self.world, np.ones_like(self.values), _times(self.errors, 0))
        return self.mapped(lambda x: x**k, lambda x, y: k * x ** (k - 1))

    # What NumPy asks of the entries of object arrays, and Python of numbers

    def sqrt(self) -> Many:
        """Square root; not a number below 0."""
        found = self.mapped(np.sqrt, lambda x, y: 0.5 / y)
        if self.errors is not None and found.errors is not None:
            # Near 0 the slope says too much: sqrt(x + d) - sqrt(x) <= sqrt(d).
            found.errors = np.minimum(found.errors, np.sqrt(self.errors / EPS) + 2 * found.values)
        return found

    def exp(self) -> Many:
        """Exponential."""
        return self.mapped(np.exp, lambda x, y: y)

    def log(self) -> Many:
        """Natural logarithm."""
        return self.mapped(np.log, lambda x, y: 1 / x)

    def cosh(self) -> Many:
        """Hyperbolic cosine."""
        return self.mapped(np.cosh, lambda x, y: np.sinh(x))

    def sinh(self) -> Many:
        """Hyperbolic sine."""
        return self.mapped(np.sinh, lambda x, y: np.cosh(x))

    def tanh(self) -> Many:
        """Hyperbolic tangent."""
        return self.mapped(np.tanh, lambda x, y: 1 - y * y)

    def log1p(self) -> Many:
        """log(1 + x)."""
        return self.mapped(np.log1p, lambda x, y: 1 / (1 + x))

    def expm1(self) -> Many:
        """exp(x) - 1."""
        return self.mapped(np.expm1, lambda x, y: y + 1)

    def arctan(self) -> Many:
        """Inverse tangent."""
        return self.mapped(np.arctan, lambda x, y: 1 / (1 + x * x))

    def arctanh(self) -> Many:
        """Inverse hyperbolic tangent."""
        return self.mapped(np.arctanh, lambda x, y: 1 / (1 - x * x))

    def root_above(self, grain: int) -> Many:
        """A multiple of 1/grain whose square is at least x, the least but for rounding."""
        values = np.ceil(np.sqrt(self.values) * grain * (1 - 1e-15)) / grain
        return Many(self.world, values, None if self.errors is None else np.abs(values))

    def __floordiv__(self, other: Any) -> Any:
        y = other.values if type(other) is Many else plain(other)
        return NotImplemented if y is None else Many(self.world, np.floor(self.values / y))

    def __mod__(self, other: Any) -> Any:
        y = other.values if type(other) is Many else plain(other)
        return NotImplemented if y is None else Many(self.world, np.mod(self.values, y))

    def ceil(self) -> Many:
        """The least whole number that is no smaller."""
        return Many(self.world, np.ceil(self.values))

    def __ceil__(self) -> int:
        return int(self.world.agree(np.ceil(self.values)))

    def __floor__(self) -> int:
        return int(self.world.agree(np.floor(self.values)))

    def mapped(
        self, function: Callable[[Vector], Vector], slope: Callable[[Vector, Vector], Vector]
    ) -> Many:
        """f(x) entry by entry; ``slope(x, f(x))`` says how an error grows."""
        self.world.spend(1)
        y = function(self.values)
        if not self.world.errors:
            return Many(self.world, y)
        errors = np.zeros_like(y) if self.errors is None else self.errors
        with np.errstate(all="ignore"):
            grown = np.where(errors == 0, 0.0, np.abs(slope(self.values, y)) * errors)
        return self._made(y, grown)

    # Questions

    def _same(self, other: Any, reach: float) -> Vector:
        """Whether two numbers are equal, within the tolerance of the world."""
        gap = np.abs(self.values - other)
        return np.asarray(gap <= reach * (1 + np.abs(self.values) + np.abs(other)))

    def _asked(self, relation: str, other: Any) -> Any:
        y = other.values if type(other) is Many else plain(other)
        if y is None:
            return NotImplemented
        x, reach = self.values, self.world.tolerance
        if relation in ("==", "!="):
            same = self._same(y, reach) if reach else x == y
            return Truth(self.world, same if relation == "==" else ~same)
        near = self._same(y, reach) if reach else np.False_
        strict = {"<": x < y, ">": x > y, "<=": x < y, ">=": x > y}[relation]
        if relation in ("<", ">"):
            return Truth(self.world, strict & ~near)
        return Truth(self.world, strict | (x == y) | near)

    def __eq__(self, other: Any) -> Any:
        return self._asked("==", other)

    def __ne__(self, other: Any) -> Any:
        return self._asked("!=", other)

    def __lt__(self, other: Any) -> Any:
        return self._asked("<", other)

    def __le__(self, other: Any) -> Any:
        return self._asked("<=", other)

    def __gt__(self, other: Any) -> Any:
        return self._asked(">", other)

    def __ge__(self, other: Any) -> Any:
        return self._asked(">=", other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self._asked("!=", 0))

    def __int__(self) -> int:
        return self.__index__()

    def __index__(self) -> int:
        if self.position is not None and (self.values != self.values[0]).any():
            raise Pinned(self.position)
        found = self.world.agree(self.values)
        if found != int(found):
            raise Unbatched("it takes whole numbers of each instance's own")
        return int(found)

    def __float__(self) -> float:
        if (self.values == self.values[self.world.first]).all():
            return float(self.values[self.world.first])
        raise Unbatched(
            "the check makes a plain number of an entry, which is another one for each instance"
        )

    def __repr__(self) -> str:
        return f"<{len(self.values)} numbers, the first {self.values[0]!r}>"

    # What exact arithmetic asks of numbers that are not plain

    @property
    def _number(self) -> NoReturn:
        raise Unbatched("the plain number behind each instance's own is asked for")

    @property
    def keeps(self) -> bool:
        """Exact arithmetic passes it on."""
        return True

    @property
    def arithmetic(self) -> Any:
        """What computes ranks, inverses and roots of such numbers."""
        from lora_proofs.judging.batch_arithmetic import BatchArithmetic

        return BatchArithmetic(world=self.world)

    def in_balls(self) -> NoReturn:
        """A batch has no balls."""
        raise Unbatched("it computes with balls")

    def plain(self, how: str) -> NoReturn:
        """A batch has no plain number."""
        raise Unbatched(f"it takes exact numbers ({how})")

    def decided(self, left: Any, relation: str, right: Any, outcome: str) -> None:
        """Nothing is recorded."""

    @property
    def numerator(self) -> NoReturn:
        """A batch is of floats."""
        raise Unbatched("it takes numerators of exact numbers")

    denominator = p = q = numerator


class Truth:
    """One truth value of each instance; as a single one it is that of the first."""

    __slots__ = ("values", "world")

    def __init__(self, world: World, values: Vector) -> None:
        self.world, self.values = world, values

    def __bool__(self) -> bool:
        return bool(self.world.agree(self.values))

    def __int__(self) -> int:
        return int(bool(self))

    def __sub__(self, other: Any) -> Any:
        return self._as_number() - (other._as_number() if isinstance(other, Truth) else other)

    def _as_number(self) -> Many:
        return Many(self.world, self.values.astype(float))

    def _other(self, other: Any) -> Any:
        return other.values if isinstance(other, Truth) else bool(other)

    def __and__(self, other: Any) -> Truth:
        return Truth(self.world, self.values & self._other(other))

    def __or__(self, other: Any) -> Truth:
        return Truth(self.world, self.values | self._other(other))

    def __invert__(self) -> Truth:
        return Truth(self.world, ~self.values)

    __rand__, __ror__ = __and__, __or__


def _sum(a: Vector | None, b: Vector | None) -> Vector | None:
    return b if a is None else (a if b is None else a + b)


def _times(errors: Vector | None, factor: Any) -> Vector | None:
    return None if errors is None else errors * np.abs(factor)
