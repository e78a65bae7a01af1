"""Problems whose LoRA flow is known at two times s < t, in closed form or enclosed.

An instance carries the loss, W0, A0, B0 (and Y), the times s and t, and a lower bound ``floor`` of
the loss. The starts are not stationary, so that the flow moves at every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    ArrayArithmetic,
    Comparison,
    at_most,
    below,
    equal,
    squared_norm,
)
from lora_proofs.arithmetic.leaning import remembered
from lora_proofs.claims.rushka_klabjan.discretisation.limit_runs import lifted, problem_loss
from lora_proofs.errors import Unavailable
from lora_proofs.language.lemmas.calculus import LATER, POINT
from lora_proofs.mathematics.flows import frobenius_scalar_closed_form, trace_squared_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import loss_from_instance
from lora_proofs.mathematics.notation import W0, A, B, f
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies.draw import Draw, Rejected, ratio
from lora_proofs.strategies.problems import lora_problem

Factors = tuple[Any, Any]

CLOSED = (
    "generic", "zero B0", "zero A0", "rank deficient", "r = 1", "r > min(n, m)", "zero W0",
    "cone", "tiny scale", "huge scale",
)  # fmt: skip
SCALAR, FROBENIUS, LOG_COSH = "scalar Frobenius", "Frobenius, enclosed", "log-cosh, enclosed"
REGIMES = (*CLOSED, SCALAR, FROBENIUS, LOG_COSH)
"""Trace-squared problems of every kind, and Frobenius and log-cosh problems of small shape."""


def draw(source: Draw, regime: str) -> Instance:
    """A problem of a regime with two times."""
    problem = _problem(source, regime)
    start = Fraction(0) if regime == "huge scale" else ratio(source, 0, 2, 8)
    longest = 1 if "enclosed" in regime else 8
    last = start + ratio(source, 1, longest, 8)
    if stationary(problem):
        raise Rejected("the start is stationary")
    floor = -source.choice((Fraction(0), Fraction(1)))
    return problem.replace(regimes=(regime,), s=start, t=last, floor=floor)


def _problem(source: Draw, regime: str) -> Instance:
    if regime == SCALAR:
        problem = lora_problem(source, "r = 1", loss="frobenius", largest=1)
    elif "enclosed" in regime:
        loss = "frobenius" if regime == FROBENIUS else "log-cosh"
        problem = lora_problem(source, "generic", loss=loss, largest=2)
    else:
        problem = lora_problem(source, regime, loss="trace-squared")
    return problem if "scale" in regime else _at_most_one(problem)


def _at_most_one(problem: Instance) -> Instance:
    """Every matrix divided by the power of 2 that brings its entries to at most 1."""
    names = [name for name in ("W0", "Y", "A0", "B0") if name in problem]
    return problem.replace(**{name: _small(getattr(problem, name)) for name in names})


def _small(rows: Any) -> Any:
    largest, factor = max(abs(x) for row in rows for x in row), Fraction(1)
    while largest * factor > 1:
        factor /= 2
    return [[x * factor for x in row] for row in rows]


def stationary(problem: Instance) -> bool:
    """Whether the flow stands still; for log-cosh, whether floats see it move slowly or not."""
    floats = problem.loss == "log-cosh"
    ctx: Arithmetic = ArrayArithmetic() if floats else EXACT
    x = problem.lift(ctx)
    G = loss_from_instance(problem).gradient(x.W0 + x.B0 @ x.A0, ctx)
    speed = squared_norm(x.B0.mT @ G) + squared_norm(G @ x.A0.mT)
    return bool(speed < 1e-6) if floats else bool(speed == 0)


@remembered(64)
def factors_at(instance: Instance, times: tuple[Fraction, ...], ctx: Any) -> tuple[Factors, ...]:
    """The factors at increasing times; needs an arithmetic with exponentials."""
    if ctx.name == "exact":
        raise Unavailable("the flow at a positive time", ctx.name)
    with ctx.working():
        return tuple(_factors(instance, times, ctx))


def _factors(instance: Instance, times: tuple[Fraction, ...], ctx: Arithmetic) -> Iterator[Factors]:
    start = (instance.W0, instance.A0, instance.B0)
    if instance.loss == "trace-squared":
        ends = [trace_squared_closed_form(*start, t, ctx) for t in times]
    elif instance.loss == "frobenius" and len(instance.W0) == len(instance.W0[0]) == 1:
        data = (instance.W0, instance.Y, instance.A0, instance.B0)
        ends = [frobenius_scalar_closed_form(*data, t, ctx) for t in times]
    elif instance.loss == "concave-square":
        yield from (_blow_up(instance, t, ctx) for t in times)
        return
    else:
        yield from _integrated(instance, times, ctx)
        return
    yield from ((end.A, end.B) for end in ends)


def _blow_up(instance: Instance, t: Fraction, ctx: Arithmetic) -> Factors:
    """f = -w^2/2 from a0 = b0: a' = a^3, so a = b = a0 / sqrt(1 - 2 a0^2 t)."""
    a0 = instance.A0[0][0]
    a = ctx.matrix([[a0]]) / ctx.sqrt(ctx.number(1 - 2 * a0**2 * t))
    return a, a


def _integrated(
    instance: Instance, times: tuple[Fraction, ...], ctx: Arithmetic
) -> Iterator[Factors]:
    rates = {name: instance.eta_B for name in ("eta_B",) if name in instance}
    field = lora_field(loss_from_instance(instance), instance.W0, instance.A0, instance.B0, **rates)
    x, later = instance.lift(ctx), [t for t in times if t > 0]
    yield from ((x.A0, x.B0) for t in times if t == 0)
    for state in field.enclosure(later, digits=20) if ctx.rigorous else field.taylor(later):
        yield (state.A, state.B) if ctx.rigorous else (lifted(state.A, ctx), lifted(state.B, ctx))


def between(instance: Instance, ctx: Arithmetic) -> tuple[Factors, Factors]:
    """The factors at the times s and t."""
    first, last = factors_at(instance, (instance.s, instance.t), ctx)
    return first, last


def weight(instance: Instance, factors: Factors, ctx: Arithmetic) -> Any:
    """W0 + BA."""
    A_now, B_now = factors
    return ctx.matrix(instance.W0) + B_now @ A_now


def loss_at(instance: Instance, factors: Factors, ctx: Arithmetic) -> Any:
    """The loss at W0 + BA."""
    return problem_loss(instance, ctx).value(weight(instance, factors, ctx), ctx)


def gradient_at(instance: Instance, factors: Factors, ctx: Arithmetic) -> Any:
    """The gradient of the loss at W0 + BA."""
    return problem_loss(instance, ctx).gradient(weight(instance, factors, ctx), ctx)


def squared_distance(one: Factors, two: Factors) -> Any:
    """||A - A~||_F^2 + ||B - B~||_F^2."""
    return squared_norm(one[0] - two[0]) + squared_norm(one[1] - two[1])


def squared_size(factors: Factors) -> Any:
    """||A||_F^2 + ||B||_F^2."""
    return squared_norm(factors[0]) + squared_norm(factors[1])


def ordered(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """0 <= s < t, and both factors learn at the rate 1."""
    yield at_most("0 against s", 0, EXACT.number(instance.s))
    yield below("s against t", EXACT.number(instance.s), EXACT.number(instance.t))
    rate = instance.eta_B if "eta_B" in instance else 1
    yield equal("learning rate of B", EXACT.number(rate), EXACT.number(1))


def above_floor(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss is at least ``floor``: everywhere for squares, at the visited points otherwise."""
    floor = EXACT.number(instance.floor)
    if instance.loss != "concave-square":
        yield at_most("floor against 0, below which no value of the loss lies", floor, 0)
        return
    for name, factors in zip(("s", "t"), between(instance, ctx), strict=True):
        label = f"floor against the loss at time {name}"
        yield at_most(label, ctx.number(instance.floor), loss_at(instance, factors, ctx))


def symbols(instance: Instance, ctx: Arithmetic) -> dict[Any, Any]:
    """The factors at both times, the factors now (at time s), the weight and the loss.

    Derived lines are differentiated on entries, for which log-cosh is no polynomial.
    """
    if instance.loss == "log-cosh":
        raise Unavailable("a derivative of log-cosh on entries", ctx.name)
    first, last = between(instance, ctx)
    values: dict[Any, Any] = {f: problem_loss(instance, ctx), W0: ctx.matrix(instance.W0)}
    values |= {A: first[0], B: first[1]}
    values |= dict(zip(POINT, first, strict=True))
    return values | dict(zip(LATER, last, strict=True))
