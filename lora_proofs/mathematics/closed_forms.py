"""Gradient flows that are known in closed form: trace-squared, scalar Frobenius, full-parameter.

Everything is arranged so that nothing cancels, cones and mu = 0 included: sums of squares stand
for q - |p|, and the denominator of the Riccati solution is a sum of nonnegative terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar, squared_norm, trace
from lora_proofs.arithmetic.exact import EXACT, rational
from lora_proofs.arithmetic.multiprecision import MultiprecisionArithmetic
from lora_proofs.arithmetic.recorded import Recorded
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """A flow at time t: A, B, W, and tau = int_0^t tr W, x = e^{2 tau}, tr W(t), mu."""

    A: Matrix
    B: Matrix
    W: Matrix
    tau: Scalar
    x: Scalar
    trace_W: Scalar
    mu: Scalar


@dataclass(frozen=True, eq=False)
class TraceSquaredLimit:
    """Where the trace-squared flow ends, for a start off the cones B0 = A0' and B0 = -A0'."""

    A: Matrix
    B: Matrix
    dW: Matrix
    x: Scalar
    tau: Scalar
    mu: Scalar


def _is_exact(X: Any) -> bool:
    if not isinstance(X, np.ndarray):
        return True
    return X.dtype == object and all(
        isinstance(entry, flint.fmpq | int | Fraction) for entry in X.flat
    )


def _arrays(ctx: Arithmetic, *matrices: Any) -> list[Matrix]:
    """Exact matrices where all of them are exact, so that ties and zeros are seen; else in ctx."""
    if isinstance(ctx, ArrayArithmetic) or not all(map(_is_exact, matrices)):
        return [ctx.matrix(X) for X in matrices]
    return [EXACT.matrix(X) for X in matrices]


def _lift(x: Any, ctx: Arithmetic) -> Any:
    if isinstance(x, np.ndarray) and x.dtype == object:
        return ctx.matrix(x)
    return ctx.number(x) if isinstance(x, flint.fmpq) else x


def _same_order(W0: Matrix, A0: Matrix, B0: Matrix) -> None:
    n = W0.shape[-1]
    if W0.shape[-2] != n or A0.shape[-1] != n or B0.shape[-2:] != (n, A0.shape[-2]):
        raise ShapeMismatch(
            "trace-squared: expected W0 (n, n), A0 (r, n), B0 (n, r), got "
            f"{W0.shape[-2:]}, {A0.shape[-2:]}, {B0.shape[-2:]}"
        )


def trace_squared_full(W0: Any, t: Any, ctx: Arithmetic) -> Matrix:
    """W(t) = W0 - (w0/n)(1 - e^{-nt}) I, the full-parameter flow of 1/2 (tr W)^2.

    W0 is n x n; t is an exact number. Rushka & Klabjan, reconstructed.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> float(trace_squared_full([[2]], 0, ArrayArithmetic())[0, 0])
    2.0
    """
    with ctx.working():
        W = ctx.matrix(W0)
        n = W.shape[-1]
        shrink = _one_minus_exp(ctx.number(n) * _time(t, ctx), ctx)
        shift = trace(W) * shrink * ctx.number(Fraction(1, n))
        return W - _outer(shift, ctx.identity(n))


def frobenius_full(W0: Any, Y: Any, t: Any, ctx: Arithmetic) -> Matrix:
    """W(t) = Y + (W0 - Y) e^{-t}, the full-parameter flow of 1/2 ||W - Y||_F^2.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> float(frobenius_full([[2]], [[1]], 0, ArrayArithmetic())[0, 0])
    2.0
    """
    with ctx.working():
        target = ctx.matrix(Y)
        return target + ctx.exp(-_time(t, ctx)) * (ctx.matrix(W0) - target)


def _time(t: Any, ctx: Arithmetic) -> Scalar:
    return t if isinstance(t, flint.arb | Recorded) else ctx.number(rational(t))


def _outer(scalar: Any, X: Matrix) -> Matrix:
    return scalar[..., None, None] * X if isinstance(scalar, np.ndarray) else scalar * X


def _one_minus_exp(z: Scalar, ctx: Arithmetic) -> Scalar:
    """1 - e^{-z} without cancellation."""
    if isinstance(ctx, ArrayArithmetic):
        return -np.expm1(-z)
    if isinstance(ctx, BallArithmetic):
        return -(-z).expm1()
    if isinstance(ctx, MultiprecisionArithmetic):
        return -ctx.mp.expm1(-z)
    return 1 - ctx.exp(-z)


def _decay_ratio(z: Scalar, ctx: Arithmetic) -> Scalar:
    """(1 - e^{-z})/z, which is 1 at 0; it falls, by at most (1 + |z| e^{|z|})/2 for |z|."""
    if isinstance(ctx, ArrayArithmetic):
        safe = np.where(z == 0, 1.0, z)
        return np.where(z == 0, 1.0, -np.expm1(-safe) / safe)
    if z == 0:
        return ctx.number(1)
    if isinstance(z, flint.arb) and z.contains(0):
        top = z.abs_upper()
        return (1 - top / 2).union(1 + top * top.exp() / 2)
    return _one_minus_exp(z, ctx) / z


def _branch(condition_on: Scalar, negative: Any, other: Any) -> Scalar:
    """``negative()`` where the number is below 0, ``other()`` elsewhere (by its midpoint)."""
    if isinstance(condition_on, np.ndarray | np.floating):
        with np.errstate(all="ignore"):
            return np.where(condition_on < 0, negative(), other())
    middle = condition_on.mid() if isinstance(condition_on, flint.arb) else condition_on
    return negative() if middle < 0 else other()


@dataclass(frozen=True, eq=False)
class _Start:
    """What the trace-squared flow needs from its start; the squares are exact where it can be."""

    mu: Scalar
    W0: Matrix
    U: Matrix  # A0 + B0'
    V: Matrix  # A0 - B0'
    plus: Scalar  # q + p = |U|^2 / 2
    minus: Scalar  # q - p = |V|^2 / 2
    first: Scalar  # tr W(0) = w0 + p
    c: Scalar  # w0 + p + q
    d: Scalar  # q - p - w0


def _start(W0: Any, A0: Any, B0: Any, ctx: Arithmetic) -> _Start:
    W0, A0, B0 = _arrays(ctx, W0, A0, B0)
    _same_order(W0, A0, B0)
    U, V, w0 = A0 + B0.mT, A0 - B0.mT, trace(W0)
    plus, minus = squared_norm(U) / 2, squared_norm(V) / 2
    first = w0 + (plus - minus) / 2
    square = w0 * w0 + plus * minus
    raw = (W0, U, V, plus, minus, first, w0 + plus, minus - w0)
    return _Start(ctx.sqrt(_lift(square, ctx)), *(_lift(x, ctx) for x in raw))


def _riccati_side(slope: Scalar, product: Scalar, s: _Start, t: Scalar, ctx: Arithmetic) -> Scalar:
    """2 e^{-mu t} [cosh(mu t) + slope sinh(mu t)/mu], for t >= 0 as a sum of nonnegative terms.

    ``product`` is mu^2 - slope^2, known in factors. With E = e^{-2 mu t} the value is
    (1 + E) + slope (1 - E)/mu, and for slope < 0 also (product/(mu - slope) + (mu - slope) E)/mu.
    """
    E = ctx.exp(-2 * s.mu * t)
    ratio = 2 * t * _decay_ratio(2 * s.mu * t, ctx)
    return _branch(
        slope,
        lambda: (product / (s.mu - slope) + (s.mu - slope) * E) / s.mu,
        lambda: 1 + E + slope * ratio,
    )


def trace_squared_closed_form(W0: Any, A0: Any, B0: Any, t: Any, ctx: Arithmetic) -> ClosedForm:
    """The LoRA gradient flow of 1/2 (tr W)^2 at time t, for every start.

    W0 is n x n, A0 r x n, B0 n x r: exact rows, or arrays of the arithmetic. A + B' shrinks like
    e^{-tau}, A - B' grows like e^{tau}, and x = e^{2 tau} = N/D solves a Riccati equation. Backward
    in time the flow exists as long as N and D are positive. Raises ``ShapeMismatch``; ``BadInput``
    beyond that, where arrays get nan; ``Unavailable`` where balls cannot tell. Exact arithmetic
    lacks exp. Rushka & Klabjan, reconstructed.

    >>> from lora_proofs.arithmetic import BallArithmetic
    >>> end = trace_squared_closed_form([[2]], [[1]], [[0]], "1/2", BallArithmetic(20))
    >>> print(end.trace_W.str(12, radius=False))
    0.946274402225
    """
    with ctx.working():
        s, t = _start(W0, A0, B0, ctx), _time(t, ctx)
        if isinstance(ctx, ArrayArithmetic):  # beyond 300, e^{-2 mu t} is 0 for every purpose
            t = np.minimum(t, 300 / np.where(s.mu == 0, 1e-300, s.mu))
        with np.errstate(all="ignore" if np.any(t < 0) else None):
            return _at(s, t, ctx)


def _existing(above: Scalar, below: Scalar, t: Scalar, ctx: Arithmetic) -> tuple[Scalar, Scalar]:
    """Both, where they are positive: then so are they at every time between 0 and t.

    Each is a sum of two exponentials that is positive at 0, so it has at most one zero.
    """
    if isinstance(ctx, ArrayArithmetic):
        exists = (np.asarray(above) > 0) & (np.asarray(below) > 0)
        return np.where(exists, above, np.nan), np.where(exists, below, np.nan)
    if above > 0 and below > 0:
        return above, below
    if above <= 0 or below <= 0:
        raise BadInput(f"trace-squared: the flow does not exist at t = {float(t):g}")
    raise Unavailable("the sign of a denominator near a blow-up", ctx.name, "more digits")


def _at(s: _Start, t: Scalar, ctx: Arithmetic) -> ClosedForm:
    above = _riccati_side(s.c, -2 * s.plus * s.first, s, t, ctx)
    below = _riccati_side(s.d, 2 * s.minus * s.first, s, t, ctx)
    if np.any(t < 0):
        above, below = _existing(above, below, t, ctx)
    x = above / below
    root = ctx.sqrt(x)
    U, V = _outer(1 / root, s.U), _outer(root, s.V)
    A, B = _outer(ctx.number(Fraction(1, 2)), U + V), _outer(ctx.number(Fraction(1, 2)), (U - V).mT)
    # tr W = x'/(2x), and the Wronskian of numerator and denominator is 2 tr W(0).
    trace_W = 4 * s.first * ctx.exp(-2 * s.mu * t) / (above * below)
    return ClosedForm(A, B, s.W0 + B @ A, ctx.log(x) / 2, x, trace_W, s.mu)


def trace_squared_limit(W0: Any, A0: Any, B0: Any, ctx: Arithmetic) -> TraceSquaredLimit:
    """The limit of the trace-squared flow, for a start with B0 neither A0' nor -A0'.

    x* = (mu + c)/(mu + d) with c = w0 + p + q and d = q - p - w0. Raises ``BadInput`` on the
    cones, where ``trace_squared_final_loss`` decides. Rushka & Klabjan, reconstructed.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> float(trace_squared_limit([[2]], [[1]], [[0]], ArrayArithmetic()).dW[0, 0])
    -2.0
    """
    with ctx.working():
        s = _start(W0, A0, B0, ctx)
        if not np.all(np.asarray(s.plus * s.minus > 0)):
            raise BadInput(
                "trace-squared limit: expected a start with B0 != A0' and B0 != -A0', got one on a "
                "cone (or too close to tell); use trace_squared_final_loss"
            )
        above = _mu_plus(s.c, -2 * s.plus * s.first, s)
        below = _mu_plus(s.d, 2 * s.minus * s.first, s)
        x = above / below
        root, half = ctx.sqrt(x), ctx.number(Fraction(1, 2))
        U, V = _outer(1 / root, s.U), _outer(root, s.V)
        A, B = half * (U + V), half * (U - V).mT
        return TraceSquaredLimit(A, B, B @ A, x, ctx.log(x) / 2, s.mu)


def _mu_plus(slope: Scalar, product: Scalar, s: _Start) -> Scalar:
    """The sum mu + slope without cancellation; ``product`` is mu^2 - slope^2."""
    return _branch(slope, lambda: product / (s.mu - slope), lambda: s.mu + slope)


def trace_squared_final_loss(W0: Any, A0: Any, B0: Any) -> flint.fmpq:
    """The exact limit of the loss along the trace-squared flow: 0, or w0^2/2.

    It is w0^2/2 exactly where w0 > 0 and B0 = A0', or w0 < 0 and B0 = -A0'. The matrices are
    exact. Rushka & Klabjan, reconstructed; the exact condition is ours.

    >>> trace_squared_final_loss([[2]], [[1]], [[1]]), trace_squared_final_loss([[2]], [[1]], [[0]])
    (2, 0)
    """
    W0, A0, B0 = (EXACT.matrix(X) for X in (W0, A0, B0))
    _same_order(W0, A0, B0)
    w0 = trace(W0)
    kept = (A0 - B0.mT) if w0 > 0 else (A0 + B0.mT)
    return w0**2 / 2 if w0 != 0 and squared_norm(kept) == 0 else flint.fmpq(0)


def frobenius_scalar_closed_form(
    W0: Any, Y: Any, A0: Any, B0: Any, t: Any, ctx: Arithmetic
) -> ClosedForm:
    """The LoRA gradient flow of 1/2 (W - Y)^2 at time t for n = m = 1 and any r.

    All four are matrices (1 x 1, 1 x 1, r x 1, 1 x r). With w - Y for w the loss is trace-squared;
    so are the errors, backward in time.
    Rushka & Klabjan, reconstructed.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> round(float(frobenius_scalar_closed_form(
    ...     [[0]], [[2]], [["1/2"]], [[0]], 1, ArrayArithmetic()).W[0, 0]), 12)
    1.290489315632
    """
    W0, Y = _arrays(ctx, W0, Y)
    if W0.shape[-2:] != (1, 1) or Y.shape[-2:] != (1, 1):
        raise ShapeMismatch(
            f"expected W0 and Y of shape (1, 1), got {W0.shape[-2:]}, {Y.shape[-2:]}"
        )
    shifted = trace_squared_closed_form(W0 - Y, A0, B0, t, ctx)
    with ctx.working():
        W = _lift(Y, ctx) + shifted.W
    return ClosedForm(shifted.A, shifted.B, W, shifted.tau, shifted.x, shifted.trace_W, shifted.mu)
