"""Scalars that record on a tape what is computed with them.

They take the place of FLINT's rationals and balls in a check. Operators compute with the plain
numbers and put a node on the tape; a comparison that the check branches on is put there too. What
takes a plain number out (``float``, a numerator, a bound of a ball) says so to the tape.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import to_ball
from lora_proofs.arithmetic.recorded import Recorded
from lora_proofs.certificates.tape import Tape, Untraceable

FUNCTIONS = frozenset(("sqrt", "exp", "log", "cosh", "sinh", "tanh"))
SIZES = frozenset(("rank",))
"""Nodes whose values a check may use as a size or an index, as it may a number of the instance."""
OTHER = "a number that was recorded for another instance"
ALWAYS = frozenset(("is_finite", "is_nan"))
_NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "div": 1}
_PLAIN = (int, Fraction, flint.fmpq, flint.fmpz)


class Traced(Recorded):
    """A number, its tape and its node."""

    tape: Tape
    index: int

    @property
    def keeps(self) -> bool:
        """Whether exact arithmetic passes this number on."""
        return self.tape.keeps and isinstance(self._number, flint.fmpq)

    @property
    def arithmetic(self) -> Any:
        """The exact arithmetic of this number's tape."""
        from lora_proofs.certificates.recording import RecordingExact

        return RecordingExact(tape=self.tape)

    def in_balls(self) -> Any:
        """The number as a ball, with its record where the tape keeps records."""
        if not self.tape.keeps:
            return to_ball(self.plain("arithmetic of its own"))
        return traced(self.tape, self.index, to_ball(self._number))

    def plain(self, how: str) -> Any:
        """The plain number, taken out of the record."""
        self.tape.leave(how)
        return self._number

    def __copy__(self) -> Traced:
        return self

    def __deepcopy__(self, memo: Any) -> Traced:
        return self

    def __reduce__(self) -> Any:
        value = self.plain("pickling")
        if not isinstance(value, flint.fmpq):
            raise Untraceable("a ball that is pickled")
        return Fraction, _parts(value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()

    def __hash__(self) -> int:
        # Nothing that was kept for a plain instance may be found again for a recorded one.
        value = self._number
        plain = (int(value.p), int(value.q)) if isinstance(value, flint.fmpq) else str(value)
        return hash((id(self.tape), plain))

    def __repr__(self) -> str:
        # A text may be shown, in a label; a number that is read from it would have no record.
        return self.tape.token(str(self._number))

    __str__ = __repr__

    def __format__(self, how: str) -> str:
        return format(float(self), how) if how else str(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in FUNCTIONS and isinstance(self._number, flint.arb):
            return lambda: apply(self.tape, name, (self,), getattr(self._number, name)())
        if name == "expm1" and isinstance(self._number, flint.arb):
            return self._expm1
        if name in ALWAYS:
            return lambda: self._is_as_always(name)
        if name in ("min", "max") and isinstance(self._number, flint.arb):
            return lambda other: _two(name, getattr(flint.arb, name))(self, other)
        return getattr(self.plain(f"its attribute {name}"), name)

    def _is_as_always(self, name: str) -> bool:
        """Numbers on a tape are finite; whatever depends on one that is not leaves the record."""
        if not self._number.is_finite():
            self.tape.leave("a number that is not finite")
        return bool(getattr(self._number, name)())

    def decided(self, left: Any, relation: str, right: Any, outcome: str) -> None:
        """Record that the check went by the outcome of a comparison."""
        a, b = (compared(self.tape, side) for side in (left, right))
        if outcome == "holds":
            self.tape.branch(a.index, relation, b.index)
        elif outcome == "undecided" or not _note(self.tape, a, b):
            self.tape.leave("the outcome of a comparison that is undecided")

    def _expm1(self) -> Any:
        one = traced(self.tape, self.tape.constant(1))
        return apply(self.tape, "sub", (self.exp(), one), self._number.expm1())

    def __neg__(self) -> Any:
        return apply(self.tape, "neg", (self,), -self._number)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return apply(self.tape, "abs", (self,), abs(self._number))

    def __pow__(self, k: Any) -> Any:
        if type(k) is not int:
            raise Untraceable(f"a power with the exponent {k!r}")
        if k < 0:
            return 1 / self ** (-k)
        return traced(self.tape, self.tape.put(("power", self.index, k), self._number**k))

    def __bool__(self) -> bool:
        return bool(self.__ne__(0))

    def __float__(self) -> float:
        value = self.plain("float()")
        return float(value.mid() if isinstance(value, flint.arb) else Fraction(*_parts(value)))

    def __int__(self) -> int:
        value = self._number
        if not isinstance(value, flint.fmpq) or value.q != 1:
            return int(self.plain("int()")) if isinstance(value, flint.arb) else self._cut()
        node = self.tape.nodes[self.index]
        # A size may be a plain number: the branch says which one the program was written for.
        if node[0] not in SIZES and not (node[0] == "input" and len(node) == 2):
            self.tape.leave("int()")
        self.tape.branch(self.index, "=", self.tape.constant(value))
        return int(value.p)

    __trunc__ = __int__

    def _cut(self) -> int:
        return int(Fraction(*_parts(self.plain("int()"))))


class TracedRational(Traced, Fraction):  # type: ignore[misc]
    """A recorded rational; a ``Fraction`` to code that asks, and never one to FLINT."""

    def __index__(self) -> int:
        if self._number.q != 1:
            raise TypeError("expected a whole number as an index, got a fraction")
        return int(self)

    @property
    def numerator(self) -> int:
        """The numerator, which leaves the record."""
        return int(self.plain("its numerator").p)

    @property
    def denominator(self) -> int:
        """The denominator, which leaves the record."""
        return int(self.plain("its denominator").q)

    _numerator, _denominator = numerator, denominator


class TracedBall(Traced):
    """A recorded ball."""


def _parts(value: flint.fmpq) -> tuple[int, int]:
    return int(value.p), int(value.q)


def traced(tape: Tape, index: int, value: Any = None) -> Any:
    """The scalar of a node; ``value`` where it is not the tape's own (a rational as a ball)."""
    value = tape.values[index] if value is None else value
    kind = TracedRational if isinstance(value, flint.fmpq) else TracedBall
    made = object.__new__(kind)
    made.__dict__.update(tape=tape, index=index, _number=value)
    return made


def apply(tape: Tape, kind: str, sides: tuple[Any, ...], value: Any) -> Any:
    """The result of an operation, on the tape; numbers of the claim alone give another one."""
    indices = tuple(side.index for side in sides)
    if isinstance(value, flint.fmpq) and all(tape.is_constant(k) for k in indices):
        return traced(tape, tape.constant(value))
    known = _unchanged(tape, kind, indices)
    if known is not None:
        return traced(tape, known, value)
    return traced(tape, tape.put((kind, *indices), value))


def _unchanged(tape: Tape, kind: str, indices: tuple[int, ...]) -> int | None:
    """The operand that x + 0, x - 0, 1 x and x/1 leave as it is."""
    neutral = _NEUTRAL.get(kind)
    if neutral is None:
        return None
    a, b = indices
    if tape.is_constant(b, neutral):
        return a
    return b if kind in ("add", "mul") and tape.is_constant(a, neutral) else None


def _is_plain(other: Any) -> bool:
    return isinstance(other, _PLAIN) and not isinstance(other, Traced)


def _entered(tape: Tape, other: Any) -> Any:
    if isinstance(other, Traced):
        if other.tape is not tape:
            raise Untraceable(OTHER)
        return other
    index = tape.enter(other)
    return None if index is None else traced(tape, index)


def _two(kind: str, compute: Callable[[Any, Any], Any], mirrored: bool = False) -> Any:
    neutral = None if mirrored and kind in ("sub", "div") else _NEUTRAL.get(kind)

    def method(self: Traced, other: Any) -> Any:
        if neutral is not None and _is_plain(other) and other == neutral:
            return self
        other = _entered(self.tape, other)
        if other is None:
            return NotImplemented
        sides = (other, self) if mirrored else (self, other)
        try:
            value = compute(sides[0]._number, sides[1]._number)
        except ZeroDivisionError:
            self.tape.leave("a division by 0")
            raise
        return apply(self.tape, kind, sides, value)

    return method


def _decision(relation: str, compute: Callable[[Any, Any], bool]) -> Any:
    def method(self: Traced, other: Any) -> Any:
        if isinstance(other, float | np.floating):
            # Rationals and FLINT's numbers meet floats differently: which one stands here?
            self.tape.leave("a comparison with a float")
            if self.tape.keeps:
                raise Untraceable("a comparison with a float")
            return compute(self._number, other)
        other = compared(self.tape, other)
        if other is None:
            return NotImplemented
        told = bool(compute(self._number, other._number))
        if not _note(self.tape, self, other, relation):
            self.tape.leave("a decision on a number that is known in an interval only")
        return told

    return method


def compared(tape: Tape, other: Any) -> Any:
    """A side of a comparison that the check goes by; ``None`` for what is no number.

    Which number the other side is compared with is no evidence: the fact is checked as it stands.
    """
    if _is_plain(other):
        return traced(tape, tape.constant(other))
    return _entered(tape, other)


def _note(tape: Tape, a: Traced, b: Traced, relation: str = "") -> bool:
    """Record what is sure of two numbers, and say whether it decides the relation."""
    x, y = a._number, b._number
    for fact, (left, right), sure in (
        ("=", (a, b), x == y),
        ("<", (a, b), x < y),
        ("<", (b, a), y < x),
        ("<=", (a, b), x <= y),
        ("<=", (b, a), y <= x),
    ):
        if sure:
            tape.branch(left.index, fact, right.index)
            return fact != "<=" or relation in (("le", "gt") if left is a else ("ge", "lt"))
    return False


for _name, _kind in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("truediv", "div")):
    _compute = getattr(operator, _name)
    for _cls in (Traced, TracedRational):
        setattr(_cls, f"__{_name}__", _two(_kind, _compute))
        setattr(_cls, f"__r{_name}__", _two(_kind, _compute, mirrored=True))
for _relation in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Traced, f"__{_relation}__", _decision(_relation, getattr(operator, _relation)))
