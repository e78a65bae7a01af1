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

from lora_proofs.arithmetic.ball import to_ball
from lora_proofs.arithmetic.recorded import Recorded
from lora_proofs.certificates.tape import Tape, Untraceable

UNREADABLE = "\u2060"
"""Stands before the text of a recorded number: no number is read from it."""
FUNCTIONS = frozenset(("sqrt", "exp", "log", "cosh", "sinh", "tanh"))
SIZES = frozenset(("rank",))
"""Nodes whose values a check may use as a size or an index, as it may a number of the instance."""
OTHER = "a number that was recorded for another instance"
PREDICATES = frozenset(("contains", "overlaps", "is_finite", "is_nan", "is_zero", "is_exact"))
_NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "div": 1}
_PLAIN = (int, Fraction, flint.fmpq, flint.fmpz)


class Traced(Recorded):
    """A number, its tape and its node."""

    tape: Tape
    index: int

    @property
    def keeps(self) -> bool:  # type: ignore[override]
        """Whether exact arithmetic passes this number on."""
        return self.tape.keeps and isinstance(self.value, flint.fmpq)

    @property
    def arithmetic(self) -> Any:
        """The exact arithmetic of this number's tape."""
        from lora_proofs.certificates.recording import RecordingExact

        return RecordingExact(tape=self.tape)

    def in_balls(self) -> Any:
        """The number as a ball, with its record where the tape keeps records."""
        if not self.tape.keeps:
            return to_ball(self.plain("arithmetic of its own"))
        return traced(self.tape, self.index, to_ball(self.value))

    def plain(self, how: str) -> Any:
        """The plain number, taken out of the record."""
        self.tape.leave(how)
        return self.value

    def __hash__(self) -> int:
        # Nothing that was kept for a plain instance may be found again for a recorded one.
        value = self.value
        plain = (int(value.p), int(value.q)) if isinstance(value, flint.fmpq) else str(value)
        return hash((id(self.tape), plain))

    def __repr__(self) -> str:
        # A text may be shown; read as a number again it would come without its record.
        return UNREADABLE + str(self.value)

    __str__ = __repr__

    def __format__(self, how: str) -> str:
        return format(float(self), how) if how else str(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in FUNCTIONS and isinstance(self.value, flint.arb):
            return lambda: apply(self.tape, name, (self,), getattr(self.value, name)())
        if name == "expm1" and isinstance(self.value, flint.arb):
            return self._expm1
        if name in PREDICATES:
            return getattr(self.value, name)
        if name in ("min", "max") and isinstance(self.value, flint.arb):
            return lambda other: _two(name, getattr(flint.arb, name))(self, other)
        return getattr(self.plain(f"its attribute {name}"), name)

    def _expm1(self) -> Any:
        one = traced(self.tape, self.tape.constant(1))
        return apply(self.tape, "sub", (self.exp(), one), self.value.expm1())

    def __neg__(self) -> Any:
        return apply(self.tape, "neg", (self,), -self.value)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return apply(self.tape, "abs", (self,), abs(self.value))

    def __pow__(self, k: Any) -> Any:
        if type(k) is not int:
            raise Untraceable(f"a power with the exponent {k!r}")
        if k < 0:
            return 1 / self ** (-k)
        return traced(self.tape, self.tape.put(("power", self.index, k), self.value**k))

    def __bool__(self) -> bool:
        return bool(self.__ne__(0))

    def __float__(self) -> float:
        value = self.plain("float()")
        return float(value.mid() if isinstance(value, flint.arb) else Fraction(*_parts(value)))

    def __int__(self) -> int:
        value = self.value
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
        if self.value.q != 1:
            raise TypeError(f"expected a whole number as an index, got {self.value}")
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
    made.__dict__.update(tape=tape, index=index, value=value)
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
        return apply(self.tape, kind, sides, compute(sides[0].value, sides[1].value))

    return method


def _decision(relation: str, compute: Callable[[Any, Any], bool]) -> Any:
    def method(self: Traced, other: Any) -> Any:
        if _is_plain(other):
            # Which number this was compared with is no evidence: the fact is checked as it stands.
            other = traced(self.tape, self.tape.constant(other))
        elif not isinstance(other, Traced):
            return (
                NotImplemented if not isinstance(other, flint.arb) else compute(self.value, other)
            )
        told = bool(compute(self.value, other.value))
        for left, fact, right in _facts(self, other):
            self.tape.branch(left.index, fact, right.index)
        return told

    return method


def _facts(a: Traced, b: Traced) -> list[tuple[Traced, str, Traced]]:
    """What is known for sure of two numbers: their order, or that they are equal."""
    if a.value == b.value:
        return [(a, "=", b)]
    if a.value < b.value:
        return [(a, "<", b)]
    return [(b, "<", a)] if b.value < a.value else []


for _name, _kind in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("truediv", "div")):
    _compute = getattr(operator, _name)
    for _cls in (Traced, TracedRational):
        setattr(_cls, f"__{_name}__", _two(_kind, _compute))
        setattr(_cls, f"__r{_name}__", _two(_kind, _compute, mirrored=True))
for _relation in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Traced, f"__{_relation}__", _decision(_relation, getattr(operator, _relation)))
