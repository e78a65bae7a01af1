"""The symbols that every derivation shares: W = W0 + B A, its loss, and one step in three modes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.words import Loss, Scalar, Symbol, Trace, Word, squared_norm

A = Symbol("A", "r", "m")
B = Symbol("B", "n", "r")
W0 = Symbol("W0", "n", "m", latex="W_0")
Y = Symbol("Y", "n", "m")
A_SQUARE = Symbol("A", "r", "n")
W0_SQUARE = Symbol("W0", "n", "n", latex="W_0")
h = Scalar("h", nonnegative=True)
f = Loss("f", "n", "m")
W = W0 + B @ A
G = f.gradient(W)
HALF = Fraction(1, 2)


def frobenius_value(X: Word) -> Word:
    """1/2 ||X - Y||_F^2."""
    return HALF * squared_norm(X - Y)


def trace_squared_value(X: Word) -> Word:
    """1/2 (tr X)^2."""
    return HALF * Trace(X) ** 2


@dataclass(frozen=True)
class Steps:
    """One gradient-descent step from (A, B) for a gradient map, in the three modes."""

    A: Symbol
    B: Symbol
    W0: Symbol
    gradient: Any

    def at(self, A: Word, B: Word) -> Word:
        """The gradient at W0 + B A."""
        G: Word = self.gradient(self.W0 + B @ A)
        return G

    def a_step(self, A: Word, B: Word) -> Word:
        """A - h B'G."""
        return A - h * (B.T @ self.at(A, B))

    def b_step(self, A: Word, B: Word) -> Word:
        """B - h G A'."""
        return B - h * (self.at(A, B) @ A.T)

    @property
    def simultaneous(self) -> tuple[Word, Word]:
        """(A+, B+) with both gradients at (A, B)."""
        return self.a_step(self.A, self.B), self.b_step(self.A, self.B)

    @property
    def a_first(self) -> tuple[Word, Word]:
        """A moves first; B sees the new A."""
        moved = self.a_step(self.A, self.B)
        return moved, self.b_step(moved, self.B)

    @property
    def b_first(self) -> tuple[Word, Word]:
        """B moves first; A sees the new B."""
        moved = self.b_step(self.A, self.B)
        return self.a_step(self.A, moved), moved


GENERIC = Steps(A, B, W0, f.gradient)
FROBENIUS = Steps(A, B, W0, lambda X: X - Y)


def problem_values(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """What the shared symbols are on an instance with fields loss, W0, A0, B0 (and Y, h)."""
    x = instance.lift(ctx)
    values: dict[Any, Any] = {A: x.A0, B: x.B0, W0: x.W0, f: loss_from_instance(instance, ctx)}
    if "Y" in instance:
        values[Y] = x.Y
    if "h" in instance:
        values[h] = x.h
    return values
