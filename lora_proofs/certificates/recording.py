"""Exact and ball arithmetic that record: what a check is run in to become a program.

Each computes as the arithmetic that it extends, on the plain numbers, and puts nodes on the tape.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import Arithmetic, BallArithmetic, ExactArithmetic
from lora_proofs.arithmetic.ball import to_ball
from lora_proofs.arithmetic.context import Matrix, Scalar, diagonal, object_matrix
from lora_proofs.arithmetic.exact import fmpq
from lora_proofs.arithmetic.recorded import bare
from lora_proofs.certificates.tape import Tape, Untraceable, interval
from lora_proofs.certificates.traced import OTHER, Traced, traced
from lora_proofs.errors import LoraProofsError

CURRENT: ContextVar[Tape] = ContextVar("tape")
"""The tape of the check that is being recorded: an arithmetic of more digits is on it, too."""


class Entry(Fraction):
    """An entry of an instance that only the check's own arithmetic records."""

    name: str
    place: tuple[int, ...]

    def __copy__(self) -> Entry:
        return self

    def __deepcopy__(self, memo: Any) -> Entry:
        return self

    def __reduce__(self) -> Any:
        return Fraction, (self.numerator, self.denominator)


class _Recording:
    """What both arithmetics share; ``_plain`` is the arithmetic that computes."""

    tape: Tape

    def _value(self, value: Any) -> Any:
        raise NotImplementedError

    def number(self, value: Any) -> Scalar:
        """Lift a number: recorded as it is, an input, a number of the claim, or given."""
        if isinstance(value, Traced):
            if value.tape is not self.tape:
                raise Untraceable(OTHER)
            return traced(self.tape, value.index, self._value(value._number))
        if isinstance(value, Entry):
            plain = self._value(Fraction(value))
            entry = self.tape.put(("input", value.name, *value.place), plain)
            return traced(self.tape, entry, plain)
        plain = self._value(value)
        index = self.tape.enter(value if isinstance(value, flint.arb) else fmpq(value))
        assert index is not None
        return traced(self.tape, index, plain)

    def matrix(self, rows: Any) -> Matrix:
        """Lift a matrix given by its rows."""
        return object_matrix(rows, self.number)

    def _constant(self, value: int) -> Scalar:
        return traced(self.tape, self.tape.constant(value), self._value(value))

    def zeros(self, rows: int, columns: int) -> Matrix:
        """The zero matrix."""
        out = np.empty((rows, columns), dtype=object)
        out[:] = self._constant(0)
        return out

    def identity(self, size: int) -> Matrix:
        """The identity matrix."""
        return diagonal([self._constant(1)] * size, self._constant(0))

    def _function(self, name: str, x: Scalar, value: Any) -> Scalar:
        x = self.number(x)
        if isinstance(value, flint.fmpq) and self.tape.is_constant(x.index):
            return traced(self.tape, self.tape.constant(value))
        return traced(self.tape, self.tape.put((name, x.index), value))

    def _or_left(self, compute: Callable[[Any], Any], x: Any) -> Any:
        """What is computed; that it cannot be is something of the instance that a check may use."""
        try:
            return compute(x)
        except LoraProofsError:
            self.tape.leave("a root or an inverse that there is not")
            raise

    def _indices(self, X: Matrix) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(self.number(x).index for x in row) for row in X)

    def _is_exact(self, X: Matrix) -> bool:
        return all(self.tape.exact[k] for row in self._indices(X) for k in row)

    def _inverse(self, X: Matrix, plain: Matrix) -> Matrix:
        """Entries of the inverse: recorded for exact entries, given elsewhere."""
        indices, out = self._indices(X), np.empty(plain.shape, dtype=object)
        recorded = self._is_exact(X)
        for i, j in np.ndindex(*plain.shape):
            value = plain[i, j]
            if recorded:
                index = self.tape.put(("inverse", indices, i, j), value)
            else:
                index = self.tape.given(value, "an entry of an inverse")
            out[i, j] = traced(self.tape, index, value)
        return out


def plain_matrix(X: Matrix) -> Matrix:
    """The plain numbers behind a matrix."""
    return object_matrix(X, bare)


@dataclass(frozen=True)
class RecordingExact(_Recording, ExactArithmetic):
    """Exact arithmetic on a tape."""

    tape: Tape = field(default_factory=CURRENT.get)

    def _value(self, value: Any) -> Any:
        return ExactArithmetic().number(value)

    def sqrt(self, x: Scalar) -> Scalar:
        """Square root of a perfect square."""
        return self._function("sqrt", x, self._or_left(ExactArithmetic().sqrt, bare(x)))

    def inverse(self, X: Matrix) -> Matrix:
        """Inverse of a square matrix."""
        return self._inverse(X, self._or_left(ExactArithmetic().inverse, plain_matrix(X)))

    def rank(self, X: Matrix) -> Any:
        """Exact rank."""
        value = flint.fmpq(ExactArithmetic().rank(plain_matrix(X)))
        return traced(self.tape, self.tape.put(("rank", self._indices(X)), value))


@dataclass(frozen=True)
class RecordingBall(_Recording, BallArithmetic):
    """Ball arithmetic on a tape."""

    tape: Tape = field(default_factory=CURRENT.get)

    def _value(self, value: Any) -> Any:
        return to_ball(value)

    def _applied(self, name: str, x: Scalar) -> Scalar:
        plain = getattr(BallArithmetic(self.digits), name)(bare(x))
        return self._function(name, x, plain)

    def sqrt(self, x: Scalar) -> Scalar:
        """Square root of the nonnegative part of x."""
        x = self.number(x)
        if not x._number >= 0 and not x._number < 0:
            # A ball around a small nonnegative number may dip below 0: the root is of max(x, 0).
            index = self.tape.put(
                ("max", x.index, self.tape.constant(0)), x._number.max(flint.arb(0))
            )
            x = traced(self.tape, index)
        return self._applied("sqrt", x)

    def exp(self, x: Scalar) -> Scalar:
        """Exponential."""
        return self._applied("exp", x)

    def log(self, x: Scalar) -> Scalar:
        """Natural logarithm."""
        return self._applied("log", x)

    def cosh(self, x: Scalar) -> Scalar:
        """Hyperbolic cosine."""
        return self._applied("cosh", x)

    def sinh(self, x: Scalar) -> Scalar:
        """Hyperbolic sine."""
        return self._applied("sinh", x)

    def tanh(self, x: Scalar) -> Scalar:
        """Hyperbolic tangent."""
        return self._applied("tanh", x)

    def inverse(self, X: Matrix) -> Matrix:
        """Inverse of a matrix."""
        plain = self._or_left(BallArithmetic(self.digits).inverse, plain_matrix(X))
        return self._inverse(X, plain)

    def singular_values(self, X: Matrix) -> list[Scalar]:
        """Singular values, largest first: re-checked for exact entries, given elsewhere."""
        if 1 in X.shape:
            return [self.frobenius_norm(X)]
        plain = BallArithmetic(self.digits).singular_values(plain_matrix(X))
        if self._is_exact(X):
            return [self._sigma(X, k, value) for k, value in enumerate(plain, start=1)]
        why = "a singular value"
        return [traced(self.tape, self.tape.given(value, why), value) for value in plain]

    def _sigma(self, X: Matrix, k: int, value: Any) -> Scalar:
        lower, upper = interval(value)
        node = ("sigma", self._indices(X), k, max(lower, Fraction(0)), upper)
        return traced(self.tape, self.tape.put(node, value), value)


def recording(ctx: Arithmetic, tape: Tape) -> Any:
    """The recording arithmetic that computes as ``ctx`` does."""
    if isinstance(ctx, BallArithmetic):
        return RecordingBall(digits=ctx.digits, tape=tape)
    if isinstance(ctx, ExactArithmetic):
        return RecordingExact(tape=tape)
    raise Untraceable(f"{ctx.name} arithmetic decides nothing")
