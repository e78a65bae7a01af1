"""Explicit constants of the leading error, for 1/2 ||W - Y||^2 and 1/2 (tr W)^2.

Both gradients are affine, with a constant Hessian action of norm Lf. Let ||theta|| <= rho along the
flow, along theta + h e and along the iterates. Then ||G||_F <= M = ||G(W0)||_F + Lf rho^2/2,
because ||BA|| <= ||theta||^2/2. With ||D(BA)[X]|| <= rho ||X||, ||D^2(BA)[X, Y]|| <= ||X|| ||Y||:
  ||F|| <= K = M rho, ||F'|| <= M1 = M + Lf rho^2, ||F''|| <= M2 = 3 Lf rho,
  ||s|| <= s0 = M^2 rho + Lf M rho^3, ||s'|| <= s1 = M^2 + 5 Lf M rho^2 + Lf^2 rho^4.
The h^3 term of a sequential step, -H[BB'G]G'B or -AG'H[GA'A], has norm at most r0 = Lf M^2 rho^3
and Lipschitz constant r1 = 3 Lf M^2 rho^2 + 2 Lf^2 M rho^4. Simultaneous: s0 = s1 = r0 = r1 = 0.

So ||e|| <= E = (M1 K/2 + s0)(e^{M1 T} - 1)/M1, ||theta'''|| <= T3 = M2 K^2 + M1^2 K, and
||e''|| <= E2 = M2 K E + M1 (M1 E + M1 K/2 + s0) + T3/2 + s1 K. A step from theta + h e misses
theta + h e one step later by at most C h^3, C = T3/6 + E2/2 + M2 E^2/2 + s1 E + r0, and a step
stretches distances by at most 1 + h Lambda, Lambda = M1 + h s1 + h^2 r1. Discrete Gronwall gives
Lambda ||theta_k - theta(kh) - h e(kh)|| <= C h^2 (e^{Lambda T} - 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    BallArithmetic,
    Comparison,
    at_most,
    below,
    rational,
    squared_norm,
)
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import up
from lora_proofs.errors import Unavailable
from lora_proofs.mathematics.flows import iterate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.solving.leading_error import leading_error_field

Pair = tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class Bounds:
    """E, C and Lambda of a mode."""

    error: Any
    constant: Any
    stretch: Any

    def right(self, h: Any, T: Any, ctx: Arithmetic) -> Any:
        """C h^2 (e^{Lambda T} - 1) / Lambda."""
        return self.constant * h**2 * (ctx.exp(self.stretch * T) - 1) / self.stretch


def bounds(instance: Instance, ctx: Arithmetic, mode: str) -> Bounds:
    """The constants from rho, the gradient at W0 and Lf."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    rho, h = x.rho, x.h
    f = ctx.number(loss.lipschitz(len(instance.W0), len(instance.W0[0])))
    half, sequential = ctx.number("1/2"), 0 if mode == "simultaneous" else 1
    M = ctx.sqrt(squared_norm(loss.gradient(x.W0, ctx))) + half * f * rho**2
    K, M1, M2 = M * rho, M + f * rho**2, 3 * f * rho
    s0 = sequential * (M**2 * rho + f * M * rho**3)
    s1 = sequential * (M**2 + 5 * f * M * rho**2 + f**2 * rho**4)
    r0 = sequential * (f * M**2 * rho**3)
    r1 = sequential * (3 * f * M**2 * rho**2 + 2 * f**2 * M * rho**4)
    push = half * M1 * K + s0
    E = push * (ctx.exp(M1 * x.T) - 1) / M1
    T3 = M2 * K**2 + M1**2 * K
    E2 = M2 * K * E + M1 * (M1 * E + push) + half * T3 + s1 * K
    C = T3 / 6 + half * E2 + half * M2 * E**2 + s1 * E + r0
    return Bounds(E, C, M1 + h * s1 + h**2 * r1)


def distance(one: Pair, other: Pair, ctx: Arithmetic) -> Any:
    """The Euclidean distance of two points (A, B)."""
    return ctx.sqrt(sum(squared_norm(x - y) for x, y in zip(one, other, strict=True)))


def length(point: Pair, ctx: Arithmetic) -> Any:
    """||theta||."""
    return ctx.sqrt(squared_norm(point[0]) + squared_norm(point[1]))


@remembered(16)
def iterates(instance: Instance, ctx: Any, mode: str) -> list[Pair]:
    """All iterates of a mode; exact ones would multiply their digits in each step."""
    if ctx.name == "exact":
        raise Unavailable("iterates beside an enclosed flow", ctx.name)
    x, loss = instance.lift(ctx), loss_from_instance(instance, ctx)
    return list(iterate(mode, int(instance.steps), loss, x.W0, x.A0, x.B0, x.h, ctx))


@remembered(16)
def leading(instance: Instance, ctx: Any, mode: str) -> tuple[Pair, Pair]:
    """theta and e at the last step's time, enclosed."""
    if not ctx.rigorous or ctx.name == "exact":
        raise Unavailable("an enclosure of the leading error", ctx.name)
    loss = loss_from_instance(instance)
    field = leading_error_field(loss, instance.W0, instance.A0, instance.B0, mode)
    end = field.enclosure(rational(instance.h) * int(instance.steps), digits=12)
    return (end.A, end.B), (end["e_A"], end["e_B"])


def predicted(instance: Instance, ctx: Arithmetic, mode: str) -> Pair:
    """theta + h e at the last step's time."""
    (A, B), (e_A, e_B) = leading(instance, ctx, mode)
    h = ctx.number(instance.h)
    return A + h * e_A, B + h * e_B


def within(instance: Instance, ctx: Arithmetic, mode: str) -> Iterator[Comparison]:
    """Flow, theta + h e and iterates stay within rho, for all times up to T."""
    x, loss = instance.lift(ctx), loss_from_instance(instance)
    value = loss.value(x.W0 + x.B0 @ x.A0, ctx)
    reach = length((x.A0, x.B0), ctx) + ctx.sqrt(x.T * value)
    far = reach + x.h * bounds(instance, ctx, mode).error
    yield at_most(f"{mode}: ||theta0|| + sqrt(T g0) + h E", far, x.rho)
    for k, point in enumerate(iterates(instance, ctx, mode)):
        yield at_most(f"{mode}: ||theta_{k}||", length(point, ctx), x.rho)


def horizon(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """All steps stay within the horizon, and there is something to bound."""
    yield at_most("steps times h", rational(instance.h) * instance.steps, instance.T)
    yield below("0 < h", 0, instance.h)
    yield below("0 < rho", 0, instance.rho)


def with_radius(problem: Instance, mode: str, horizon: Fraction) -> Instance:
    """The problem with small factors, a radius with room of 1/2, and a step that keeps to it."""
    fields = {name: _at_most(getattr(problem, name), Fraction(1, 4)) for name in ("A0", "B0")}
    for name in ("W0", "Y"):
        if name in problem:
            fields[name] = _at_most(getattr(problem, name), Fraction(1))
    small = problem.replace(**fields, T=horizon, h=horizon, steps=1)
    x, loss = small.lift(EXACT), loss_from_instance(small)
    start = up(squared_norm(x.A0) + squared_norm(x.B0))
    value = rational(loss.value(x.W0 + x.B0 @ x.A0, EXACT))
    small = small.replace(rho=start + up(value * horizon) + Fraction(1, 2))
    steps = 4
    while not _error(small, mode) * horizon / steps <= Fraction(1, 2):
        steps *= 2
    return small.replace(h=horizon / steps, steps=steps)


def _error(instance: Instance, mode: str) -> Fraction:
    """An exact number that is at least E."""
    ctx = BallArithmetic(20)
    with ctx.working():
        top = bounds(instance, ctx, mode).error.upper()
        return Fraction(int(top.ceil().fmpq().p))


def _at_most(rows: Any, limit: Fraction) -> Any:
    largest, factor = max(abs(x) for row in rows for x in row), Fraction(1)
    while largest * factor > limit:
        factor /= 2
    return [[x * factor for x in row] for row in rows]
