"""Flows: the steps and closed forms, and where a flow is at a time, in whatever arithmetic.

``trained`` and ``fully_trained`` are one line in a check: balls enclose the flow, multiprecision
and float64 integrate it, and exact arithmetic has it at t = 0 alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, entries
from lora_proofs.arithmetic.exact import rational
from lora_proofs.arithmetic.recorded import released
from lora_proofs.errors import NotUnderstood, Unavailable
from lora_proofs.mathematics.flows import (
    METHODS,
    ClosedForm,
    TraceSquaredLimit,
    a_first_step,
    adapted,
    b_first_step,
    equations,
    frobenius_full,
    frobenius_scalar_closed_form,
    full_step,
    full_vector_field,
    iterate,
    lora_vector_field,
    sequential_difference,
    simultaneous_step,
    trace_squared_closed_form,
    trace_squared_final_loss,
    trace_squared_full,
    trace_squared_limit,
)

__all__ = [
    "METHODS",
    "ClosedForm",
    "TraceSquaredLimit",
    "Trained",
    "a_first_step",
    "adapted",
    "b_first_step",
    "equations",
    "frobenius_full",
    "frobenius_scalar_closed_form",
    "full_step",
    "full_vector_field",
    "fully_trained",
    "iterate",
    "lora_vector_field",
    "sequential_difference",
    "simultaneous_step",
    "trace_squared_closed_form",
    "trace_squared_final_loss",
    "trace_squared_full",
    "trace_squared_limit",
    "trained",
]

DIGITS = 12
"""Right digits of an enclosure at the first precision; a check that needs more gets it there."""


@dataclass(frozen=True, eq=False)
class Trained:
    """Where a flow is at time t: W (n x m) and the loss; A (r x m) and B (n x r) of a LoRA flow."""

    t: Any
    W: Matrix
    loss: Scalar
    A: Matrix | None = None
    B: Matrix | None = None


def trained(
    loss: Any,
    W0: Any,
    A0: Any,
    B0: Any,
    t: Any,
    ctx: Arithmetic,
    *,
    scale: Any = 1,
    eta_A: Any = 1,
    eta_B: Any = 1,
) -> Trained:
    """The LoRA gradient flow of a loss at time t, from exact W0 (n x m), A0 (r x m), B0 (n x r).

    Give the fields of the instance themselves, not lifted ones. Raises ``Unavailable`` where the
    arithmetic cannot have it: exact numbers for t > 0, balls where the loss is no polynomial.

    >>> from lora_proofs.arithmetic import BallArithmetic
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> ball = BallArithmetic(50)
    >>> with ball.working():
    ...     end = trained(frobenius([[1]]), [[0]], [[1]], [[0]], 1, ball)
    ...     bool(0 < end.loss < 0.1)
    True
    """
    from lora_proofs.solving.flow_field import lora_field

    rates = {"scale": scale, "eta_A": eta_A, "eta_B": eta_B}
    time = _time(t)
    if time == 0:
        A, B = ctx.matrix(A0), ctx.matrix(B0)
        W = adapted(ctx.matrix(W0), A, B, ctx, scale=scale)
        return Trained(time, W, loss.value(W, ctx), A, B)
    rows = (_exact(X) for X in (W0, A0, B0))
    end = _at(loss, lora_field(loss, *rows, **rates), time, ctx)
    return Trained(time, _in(end.W, ctx), _in(end.loss, ctx), _in(end.A, ctx), _in(end.B, ctx))


def fully_trained(loss: Any, W0: Any, t: Any, ctx: Arithmetic) -> Trained:
    """The full-parameter gradient flow of a loss at time t, from an exact W0 (n x m).

    >>> from lora_proofs.arithmetic import MultiprecisionArithmetic
    >>> from lora_proofs.mathematics.losses import frobenius
    >>> mp = MultiprecisionArithmetic(20)
    >>> print(mp.mp.nstr(fully_trained(frobenius([[1]]), [[0]], 1, mp).W[0, 0], 10))
    0.6321205588
    """
    from lora_proofs.solving.flow_field import full_field

    time = _time(t)
    if time == 0:
        W = ctx.matrix(W0)
        return Trained(time, W, loss.value(W, ctx))
    end = _at(loss, full_field(loss, _exact(W0)), time, ctx)
    return Trained(time, _in(end["W"], ctx), _in(end.loss, ctx))


def _at(loss: Any, field: Any, t: Any, ctx: Arithmetic) -> Any:
    """The trajectory at t > 0, by what the arithmetic trusts."""
    if ctx.name == "exact":
        raise Unavailable("a flow at a time t > 0", "exact")
    if ctx.rigorous:
        return _enclosed(loss, field, t, max(DIGITS, getattr(ctx, "digits", 0) // 4))
    if ctx.name == "array":
        return field.float64(t)
    try:
        return field.taylor(t, digits=getattr(ctx, "digits", 50))
    except NotUnderstood:
        return field.float64(t)


def _enclosed(loss: Any, field: Any, t: Any, digits: int) -> Any:
    if not getattr(loss, "polynomial", True):
        why = f"float and multiprecision only, because the loss {loss.name} is not polynomial"
        raise Unavailable(f"an enclosure of the flow of {loss.name}", "ball", why)
    try:
        return field.enclosure(t, digits=digits)
    except NotUnderstood as lack:
        raise Unavailable(f"an enclosure of the flow of {loss.name}", "ball", str(lack)) from None


def _time(t: Any) -> Any:
    return rational(released(t))


def _exact(X: Any) -> Any:
    """Plain rational rows."""
    return [[rational(released(x)) for x in row] for row in X]


def _in(value: Any, ctx: Arithmetic) -> Any:
    """A value of a trajectory in the arithmetic of the check."""
    if ctx.name != "multiprecision" or not entries(value):
        return value
    if getattr(value, "ndim", 0):
        return ctx.matrix(value.tolist())
    return ctx.number(value if not hasattr(value, "item") else value.item())
