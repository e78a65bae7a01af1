"""Runs that the limit statements are judged on: iterates of each mode beside the flow.

An instance carries the loss, W0, A0, B0, the step size h, the number of steps, the horizon T and
the constants RA, RB, M2, MF, Lf, K of the bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    BallArithmetic,
    Comparison,
    at_least,
    at_most,
    below,
    rational,
    squared_norm,
)
from lora_proofs.arithmetic.context import object_matrix
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.arithmetic.recorded import Batched
from lora_proofs.claims.rushka_klabjan.discretisation.quartic import Quartic
from lora_proofs.errors import Unavailable
from lora_proofs.mathematics import flows
from lora_proofs.mathematics import limit_constants as symbols
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.loss_examples import ConcaveSquare, HoelderKink
from lora_proofs.mathematics.losses import frobenius, loss_from_instance
from lora_proofs.solving.flow_field import lora_field

MODES = ("simultaneous", "A-first", "B-first")
Factors = tuple[Any, Any]
EXAMPLES = ("concave-square", "hoelder-kink")


@dataclass(frozen=True, eq=False)
class Run:
    """Iterates by mode, the flow at each step's time where it is known, and the loss."""

    loss: Any
    W0: Any
    iterates: dict[str, list[Factors]]
    flow: list[Factors]


def problem_loss(instance: Instance, ctx: Arithmetic) -> Any:
    """The loss of an instance, the examples outside the families included."""
    if instance.loss == "concave-square":
        return ConcaveSquare()
    if instance.loss == "hoelder-kink":
        return HoelderKink(ctx.matrix(instance.Y))
    if instance.loss == "quartic":
        return Quartic(instance.Y)
    return loss_from_instance(instance, ctx)


@remembered(8)
def run(instance: Instance, ctx: Any) -> Run:
    """All iterates and the flow of an instance; needs an arithmetic with exponentials."""
    if ctx.name == "exact":
        raise Unavailable("the flow at a positive time", ctx.name)
    with ctx.working():
        x, loss = instance.lift(ctx), problem_loss(instance, ctx)
        steps = int(instance.steps)
        modes = MODES if "modes" not in instance else tuple(instance.modes.split(", "))
        iterates = {
            mode: list(
                flows.iterate(
                    mode, steps, _as_run(mode, instance, loss, ctx), x.W0, x.A0, x.B0, x.h, ctx
                )
            )
            for mode in modes
        }
        times = [rational(instance.h) * k for k in range(steps + 1)]
        return Run(loss, x.W0, iterates, list(flow_points(instance, times, ctx)))


def _as_run(mode: str, instance: Instance, loss: Any, ctx: Arithmetic) -> Any:
    # From B0 = A0' with symmetric W0 and Y, simultaneous steps keep B = A' and W symmetric, where
    # the kink vanishes: they are the steps of the smooth part, exactly.
    symmetric = instance.loss == "hoelder-kink" and mode == "simultaneous"
    return frobenius(ctx.matrix(instance.Y)) if symmetric else loss


def flow_points(instance: Instance, times: list[Fraction], ctx: Arithmetic) -> Iterator[Factors]:
    """The flow at the given times, in closed form or enclosed; none where it is not unique."""
    x = instance.lift(ctx)
    if instance.loss == "concave-square":
        yield from _blow_up(instance, times, ctx)
    elif instance.loss == "trace-squared":
        for t in times:
            end = flows.trace_squared_closed_form(x.W0, x.A0, x.B0, t, ctx)
            yield end.A, end.B
    elif instance.loss == "frobenius" and len(instance.W0) == len(instance.W0[0]) == 1:
        for t in times:
            end = flows.frobenius_scalar_closed_form(x.W0, x.Y, x.A0, x.B0, t, ctx)
            yield end.A, end.B
    elif instance.loss != "hoelder-kink":
        yield from _integrated(instance, times, ctx)


def _integrated(instance: Instance, times: list[Fraction], ctx: Arithmetic) -> Iterator[Factors]:
    """The flow enclosed (ball arithmetic), or by Taylor series (multiprecision)."""
    field = lora_field(problem_loss(instance, EXACT), instance.W0, instance.A0, instance.B0)
    later = [t for t in times if t > 0]
    if len(later) < len(times):
        x = instance.lift(ctx)
        yield x.A0, x.B0
    # The quartic field has degree 7: fewer digits, which are ample for its bounds.
    digits = 12 if instance.loss == "quartic" else 30
    states = field.enclosure(later, digits=digits) if ctx.rigorous else field.taylor(later)
    for state in states:
        yield (state.A, state.B) if ctx.rigorous else (lifted(state.A, ctx), lifted(state.B, ctx))


def lifted(X: Any, ctx: Arithmetic) -> Any:
    """A matrix of another arithmetic, entry by entry."""
    return object_matrix(X, ctx.number)


def _blow_up(instance: Instance, times: list[Fraction], ctx: Arithmetic) -> Iterator[Factors]:
    """f = -w^2/2 from a0 = b0: a' = a^3, so a = b = a0 / sqrt(1 - 2 a0^2 t)."""
    start = rational(instance.A0[0][0])
    for t in times:
        a = ctx.matrix([[start]]) / ctx.sqrt(ctx.number(1 - 2 * start**2 * t))
        yield a, a


def visited(found: Run) -> Iterator[tuple[str, Factors]]:
    """Every point that the proof visits, by name."""
    for mode, points in found.iterates.items():
        for k, point in enumerate(points):
            yield f"{mode} iterate {k}", point
    for k, point in enumerate(found.flow):
        yield f"flow at step {k}", point


def norm_at_most(label: str, X: Any, bound: Any, ctx: Arithmetic) -> Comparison:
    """||X||_2 <= bound; the Frobenius norm decides where it is small enough."""
    quick = at_most(label, ctx.frobenius_norm(X), bound)
    if quick.outcome == "holds":
        return quick
    return at_most(label, ctx.operator_norm(X), bound)


def bounded(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """||A||_2 <= RA, ||B||_2 <= RB, ||G||_2 <= M2, ||G||_F <= MF at every visited point."""
    found, x = run(instance, ctx), instance.lift(ctx)
    for name, (A, B) in visited(found):
        yield norm_at_most(f"||A||_2, {name}", A, x.RA, ctx)
        yield norm_at_most(f"||B||_2, {name}", B, x.RB, ctx)
        if instance.loss == "hoelder-kink" and name.startswith("simultaneous"):
            G = frobenius(ctx.matrix(instance.Y)).gradient(found.W0 + B @ A, ctx)
        else:
            G = found.loss.gradient(found.W0 + B @ A, ctx)
        yield norm_at_most(f"||G||_2, {name}", G, x.M2, ctx)
        yield at_most(f"||G||_F, {name}", ctx.frobenius_norm(G), x.MF)
    yield from flow_stays(instance, ctx)


def flow_stays(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Bounds that the flow cannot leave between the sampled times either, for losses f >= 0.

    Its length up to T is at most sqrt(T g0), for each factor too, and ||G||_F^2 <= 2 Lf f with f
    never rising.
    """
    if instance.loss in EXAMPLES:
        return
    x = instance.lift(ctx)
    value = problem_loss(instance, ctx).value(x.W0 + x.B0 @ x.A0, ctx)
    way = ctx.sqrt(x.T * value)
    yield at_most("||A0||_F + sqrt(T g0), against RA", ctx.frobenius_norm(x.A0) + way, x.RA)
    yield at_most("||B0||_F + sqrt(T g0), against RB", ctx.frobenius_norm(x.B0) + way, x.RB)
    yield at_most("2 Lf g0, against MF^2", 2 * x.Lf * value, x.MF**2)
    yield at_most("2 Lf g0, against M2^2", 2 * x.Lf * value, x.M2**2)


def lipschitz(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """Lf is at least the loss's Lipschitz constant; without one, two witnesses are compared."""
    loss = problem_loss(instance, ctx)
    constant = loss.lipschitz(len(instance.W0), len(instance.W0[0]))
    x = instance.lift(ctx)
    if constant is not None:
        yield at_most("Lipschitz constant of the gradient", EXACT.number(constant), instance.Lf)
        return
    gap = loss.gradient(x.X1, ctx) - loss.gradient(x.X2, ctx)
    bound = x.Lf**2 * squared_norm(x.X1 - x.X2)
    yield at_most("squared change of the gradient between the witnesses", squared_norm(gap), bound)


def signs_and_speed(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """No constant is negative, and K^2 is at least MF^2 (RA^2 + RB^2)."""
    x = instance.lift(EXACT)
    yield below("0 < M2, so that L > 0", 0, x.M2)
    for name in ("h", "RA", "RB", "M2", "MF", "Lf", "K"):
        yield at_least(f"{name} >= 0", getattr(x, name), 0)
    yield at_most("MF^2 (RA^2 + RB^2)", x.MF**2 * (x.RA**2 + x.RB**2), x.K**2)


def horizon(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """All steps stay within the horizon."""
    yield at_most("steps times h", rational(instance.h) * instance.steps, instance.T)


def final_errors(instance: Instance, ctx: Arithmetic) -> Iterator[Any]:
    """The error of each mode at the last step alone."""
    x, loss, steps = instance.lift(ctx), problem_loss(instance, ctx), int(instance.steps)
    ((u, v),) = flow_points(instance, [rational(instance.h) * steps], ctx)
    for mode in MODES:
        *_, (A, B) = flows.iterate(mode, steps, loss, x.W0, x.A0, x.B0, x.h, ctx)
        yield ctx.sqrt(squared_norm(A - u) + squared_norm(B - v))


def constants(instance: Instance, ctx: Arithmetic) -> dict[str, Any]:
    """L and the constant C of each mode."""
    x = instance.lift(ctx)
    given = (symbols.RA, symbols.RB, symbols.M2, symbols.MF, symbols.Lf, symbols.K)
    values = {s: getattr(x, s.name) for s in given}
    by_mode = {mode.name: evaluate(mode.constant, values, ctx) for mode in symbols.MODES}
    return {"L": evaluate(symbols.L, values, ctx), **by_mode}


def errors(instance: Instance, ctx: Arithmetic, step: int) -> Iterator[tuple[str, Any, Any]]:
    """For each mode: L times the error at a step, and the bound C h (e^{LT} - 1)."""
    found, c = run(instance, ctx), constants(instance, ctx)
    growth = ctx.exp(c["L"] * ctx.number(instance.T)) - 1
    for mode, points in found.iterates.items():
        (A, B), (u, v) = points[step], found.flow[step]
        error = ctx.sqrt(squared_norm(A - u) + squared_norm(B - v))
        yield mode, c["L"] * error, c[mode] * ctx.number(instance.h) * growth


def bound_at_step_k(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound of every mode at the last step but one."""
    for mode, left, right in errors(instance, ctx, int(instance.steps) - 1):
        yield at_most(f"{mode}: error of step k", left, right)


def bound_at_every_step(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The bound of every mode at every step."""
    for step in range(1, int(instance.steps) + 1):
        for mode, left, right in errors(instance, ctx, step):
            yield at_most(f"{mode}: error of step {step}", left, right)


def up(x: Any, *, grain: int = 8) -> Fraction:
    """The least multiple of 1/grain whose square is at least x."""
    if isinstance(x, Batched):
        return x.root_above(grain)  # type: ignore[attr-defined, no-any-return]
    square = rational(x) * grain * grain
    root = isqrt(int(square))
    while root * root < square:
        root += 1
    return Fraction(root, grain)


def with_constants(instance: Instance) -> Instance:
    """The instance with constants that hold along its flow, and a margin for its iterates.

    The flow stays within ||theta0|| + sqrt(T g0), because it is as long as the loss allows; the
    loss falls, so ||G||_F <= sqrt(2 Lf g0) for losses whose infimum is 0.
    """
    x, ctx = instance.lift(EXACT), EXACT
    n, m = len(instance.W0), len(instance.W0[0])
    loss = loss_from_instance(instance, ctx)
    at = x.W0 + x.B0 @ x.A0
    # log cosh(x) <= x^2/2 bounds that loss by an exact number.
    value = squared_norm(at - x.Y) / 2 if instance.loss == "log-cosh" else loss.value(at, ctx)
    smooth = loss.lipschitz(n, m) or 1
    start = up(squared_norm(x.A0) + squared_norm(x.B0))
    radius = start + up(rational(value) * instance.T) + Fraction(1, 4)
    slope = up(2 * smooth * rational(value)) * Fraction(5, 4) + Fraction(1, 8)
    fields = {"RA": radius, "RB": radius, "M2": slope, "MF": slope, "Lf": Fraction(smooth)}
    return instance.replace(**fields, K=up(slope**2 * 2 * radius**2))


def ball(digits: int = 50) -> Arithmetic:
    """The arithmetic that the controls are confirmed in."""
    return BallArithmetic(digits)
