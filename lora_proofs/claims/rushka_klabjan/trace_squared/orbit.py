"""The orbit of the trace-squared LoRA flow at rational points, with rates along a field.

With y = e^tau the flow runs along A = c A0 - s B0', B = c B0 - s A0' for c = (y + 1/y)/2 and
s = (y - 1/y)/2: a rational y gives exact factors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    Comparison,
    at_most,
    equal,
    inner,
    squared_norm,
    trace,
)
from lora_proofs.claims.rushka_klabjan.trace_squared import rates as names
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.mathematics.notation import A_SQUARE, W0_SQUARE
from lora_proofs.mathematics.notation import B as SECOND

Field = Callable[[Any, Any, Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Point:
    """A point of the orbit with its rates along a field; all of it exact."""

    y: Any
    A: Any
    B: Any
    T: Any
    dA: Any
    dB: Any

    @property
    def dT(self) -> Any:
        """The rate of T."""
        return trace(self.dB @ self.A + self.B @ self.dA)

    @property
    def size(self) -> Any:
        """||A||^2 + ||B||^2."""
        return squared_norm(self.A) + squared_norm(self.B)

    @property
    def product(self) -> Any:
        """||A + B'||^2 ||A - B'||^2."""
        return squared_norm(self.A + self.B.mT) * squared_norm(self.A - self.B.mT)

    @property
    def product_rate(self) -> Any:
        """The rate of the product."""
        u, v = self.A + self.B.mT, self.A - self.B.mT
        du, dv = self.dA + self.dB.mT, self.dA - self.dB.mT
        return 2 * inner(u, du) * squared_norm(v) + 2 * squared_norm(u) * inner(v, dv)


def flow(W0: Any, A: Any, B: Any) -> tuple[Any, Any]:
    """The hand-written field of the LoRA flow."""
    return lora_vector_field(trace_squared(), W0, A, B, EXACT)


def stopped(W0: Any, A: Any, B: Any) -> tuple[Any, Any]:
    """The field of a flow that has come to a stop."""
    return 0 * A, 0 * B


def points(instance: Instance, field: Field = flow) -> Iterator[Point]:
    """The points of the orbit at the instance's y, the start first."""
    x = instance.lift(EXACT)
    for y in x.orbit.flat:
        c, s = (y + 1 / y) / 2, (y - 1 / y) / 2
        A, B = c * x.A0 - s * x.B0.mT, c * x.B0 - s * x.A0.mT
        yield Point(y, A, B, trace(x.W0 + B @ A), *field(x.W0, A, B))


def reached(instance: Instance) -> Iterator[Point]:
    """The points that the flow passes: tau moves with the sign of T, which never changes."""
    start, *others = points(instance)
    yield start
    yield from (at for at in others if at.T * start.T > 0 and (at.y - 1) * start.T > 0)


def sign_of_cone(instance: Instance) -> int:
    """1 for B0 = A0', -1 otherwise."""
    x = instance.lift(EXACT)
    return 1 if squared_norm(x.B0.mT - x.A0) == 0 else -1


def rates(instance: Instance, field: Field = flow) -> Iterator[Comparison]:
    """What is derived for every start, at each point of the orbit; the curve is the flow's."""
    x = instance.lift(EXACT)
    *others, last = points(instance, field)
    for at in (*others, last):
        c, s = (at.y + 1 / at.y) / 2, (at.y - 1 / at.y) / 2
        yield equal("A' against T dA/dtau", at.dA, at.T * (s * x.A0 - c * x.B0.mT))
        yield equal("B' against T dB/dtau", at.dB, at.T * (s * x.B0 - c * x.A0.mT))
    for at in others:
        yield from _derived(at, "measured: {} at more points of the orbit")
    yield from _derived(last, "{}")


def _derived(at: Point, label: str) -> Iterator[Comparison]:
    """The conclusion of the derivation at one point."""
    yield equal(label.format(names.OF_T), at.dT, -at.size * at.T)
    u, v = at.A + at.B.mT, at.A - at.B.mT
    yield equal(label.format(names.OF_SUM), at.dA + at.dB.mT, -at.T * u)
    yield equal(label.format(names.OF_DIFFERENCE), at.dA - at.dB.mT, at.T * v)
    yield equal(label.format(names.OF_PRODUCT), at.product_rate, EXACT.number(0))
    yield equal(label.format(names.OF_A), 2 * inner(at.A, at.dA), -2 * at.T * trace(at.B @ at.A))
    yield at_most(label.format(names.BOUND), at.product, at.size**2)


def interpret(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The last of the orbit's points for the factors of the derived lines."""
    *_, last = points(instance)
    W0 = instance.lift(ctx).W0
    return {W0_SQUARE: W0, A_SQUARE: _lifted(last.A, ctx), SECOND: _lifted(last.B, ctx)}


def _lifted(X: Any, ctx: Arithmetic) -> Any:
    return ctx.matrix(X.tolist())
