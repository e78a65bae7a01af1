"""Derived right-hand sides of the LoRA and of the full-parameter flow, and how to run them.

The gradient is derived by the word calculus; the integrators read the words. This module joins the
two for the claims and for the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np

from lora_proofs.arithmetic.exact import rational
from lora_proofs.arithmetic.recorded import released
from lora_proofs.errors import BadInput
from lora_proofs.integrate.enclosure import Progress, enclose_flow
from lora_proofs.integrate.runge_kutta import runge_kutta_flow
from lora_proofs.integrate.taylor import high_precision_flow
from lora_proofs.mathematics.losses import Loss
from lora_proofs.mathematics.words import Dimension, Symbol, Word
from lora_proofs.symbolic.differential import gradient, replace_symbols

Exact = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class EnclosedFlow:
    """A LoRA flow with scale and rates 1 that was enclosed at time t, to so many digits.

    Y is ``None`` for the trace-squared loss.
    """

    W0: Exact
    Y: Exact | None
    A0: Exact
    B0: Exact
    t: Fraction
    digits: int


_RECORDED: ContextVar[tuple[list[EnclosedFlow], ...]] = ContextVar("recorded_flows", default=())


@contextmanager
def recorded_flows() -> Iterator[list[EnclosedFlow]]:
    """Collect the flows that the body encloses and that a certificate can be written for.

    They are LoRA flows of the losses frobenius and trace-squared with scale and rates 1, from
    exact starts; each is kept once.

    >>> from lora_proofs.mathematics.losses import trace_squared
    >>> with recorded_flows() as flows:
    ...     end = lora_field(trace_squared(), [[1]], [[1]], [[0]]).enclosure(1, digits=8)
    >>> [(str(flow.t), flow.digits) for flow in flows]
    [('1', 8)]
    """
    flows: list[EnclosedFlow] = []
    token = _RECORDED.set((*_RECORDED.get(), flows))
    try:
        yield flows
    finally:
        _RECORDED.reset(token)


@dataclass(frozen=True, eq=False)
class FlowField:
    """A flow as the integrators take it: rates and observables as words, values of the symbols.

    ``growth`` is a matrix word whose operator norm bounds the logarithmic norm of the field in the
    norm with the ``weights``, or ``None`` where no such word is known. ``plain`` holds W0, Y, A0
    and B0 of a LoRA flow that ``recorded_flows`` tells of.
    """

    rates: Mapping[Symbol, Word]
    observables: Mapping[str, Word]
    values: Mapping[Any, Any]
    growth: Word | None
    weights: Mapping[Symbol, Fraction] = field(default_factory=dict)
    plain: tuple[Any, Any, Any, Any] | None = None

    def float64(self, t: Any, *, tolerance: float = 1e-13, estimated: bool = True) -> Any:
        """The flow at time t in float64, with an estimated error where it is asked for."""
        return runge_kutta_flow(
            self.rates,
            self.values,
            t,
            tolerance=tolerance,
            observables=self.observables,
            estimated=estimated,
        )

    def taylor(self, t: Any, *, digits: int = 50, progress: Any = None) -> Any:
        """The flow at time t to that many digits, stiff or not, with an estimated error."""
        return high_precision_flow(
            self.rates,
            self.values,
            t,
            digits=digits,
            observables=self.observables,
            progress=progress,
        )

    def enclosure(
        self, t: Any, *, digits: int = 30, bound: str = "auto", progress: Progress = None
    ) -> Any:
        """The flow at time t in balls that surely hold; options are as in ``enclose_flow``."""
        found = enclose_flow(
            self.rates,
            self.values,
            t,
            digits=digits,
            growth=self.growth,
            bound=bound,
            weights=self.weights,
            observables=self.observables,
            progress=progress,
        )
        for state in found if isinstance(found, list) else [found]:
            self._record(state.t, digits)
        return found

    def _record(self, t: Fraction, digits: int) -> None:
        heard = _RECORDED.get()
        exact = None if self.plain is None or not heard else _exact(*self.plain)
        if exact is None:
            return
        W0, Y, A0, B0 = exact
        flow = EnclosedFlow(W0, Y, A0, B0, _rational(t), digits)
        for flows in heard:
            if flow not in flows:
                flows.append(flow)


def lora_field(
    loss: Loss,
    W0: Any,
    A0: Any,
    B0: Any,
    *,
    scale: Any = 1,
    eta_A: Any = 1,
    eta_B: Any = 1,
) -> FlowField:
    """The LoRA gradient flow A' = -eta_A grad_A g, B' = -eta_B grad_B g, g = f(W0 + s B A).

    Matrices are exact rows. Observables are W and the loss. In a = A/sqrt(eta_A), b =
    B/sqrt(eta_B) it is the gradient flow of h(a, b) = f(W0 + q b a) with q = s sqrt(eta_A eta_B).
    Its Jacobian -h'' is symmetric, and for convex f the quadratic form of h'' in (x_a, x_b) is at
    least 2 q <G, x_b x_a> >= -|q| ||G||_2 (||x_a||^2 + ||x_b||^2). So |q| ||G||_2 bounds the
    logarithmic norm where |e|^2 = ||e_A||^2/eta_A + ||e_B||^2/eta_B.

    >>> from lora_proofs.mathematics.losses import trace_squared
    >>> sorted(lora_field(trace_squared(), [[1]], [[1]], [[0]]).observables)
    ['W', 'loss']
    """
    s, rate_A, rate_B = rational(scale), rational(eta_A), rational(eta_B)
    loss, (n, m) = _shaped(loss, W0)
    start, right, left = Symbol("W0", n, m), Symbol("A", "r", m), Symbol("B", n, "r")
    W = start + (left @ right if s == 1 else s * (left @ right))
    g = loss.value_word(W)
    slopes = _slopes(loss, W, g, s, left, right)
    rates = {
        right: -(rate_A * slopes[0]) if rate_A != 1 else -slopes[0],
        left: -(rate_B * slopes[1]) if rate_B != 1 else -slopes[1],
    }
    values = {start: W0, right: A0, left: B0, **loss.symbols(W)}
    observables = {"W": W, "loss": g}
    if not (loss.convex and rate_A > 0 and rate_B > 0):
        return FlowField(rates, observables, values, None)
    factor = _root_above(s * s * rate_A * rate_B)
    growth = _gradient_at(loss, W)
    growth = growth if factor == 1 else factor * growth
    known = loss.name in ("frobenius", "trace-squared") and s == rate_A == rate_B == 1
    plain = (W0, getattr(loss, "Y", None), A0, B0) if known else None
    weights = {right: 1 / rate_A, left: 1 / rate_B}
    return FlowField(rates, observables, values, growth, weights, plain)


def _exact(*matrices: Any) -> list[Any] | None:
    """The plain rationals of matrices, each with the rows of an exact one; ``None`` for balls."""
    try:
        return [
            None if X is None else tuple(tuple(_rational(x) for x in row) for row in X)
            for X in matrices
        ]
    except BadInput:
        return None


def _rational(x: Any) -> Fraction:
    return Fraction(*rational(released(x)).as_integer_ratio())


def full_field(loss: Loss, W0: Any) -> FlowField:
    """The full-parameter gradient flow W' = -grad f(W) from W0.

    >>> from lora_proofs.mathematics.losses import frobenius
    >>> sorted(full_field(frobenius([[1]]), [[0]]).observables)
    ['loss']
    """
    loss, shape = _shaped(loss, W0)
    W = Symbol("W", *shape)
    f = loss.value_word(W)
    ours: Any = loss
    G = ours.gradient_word(W) if getattr(loss, "polynomial", False) else gradient(f, W)
    return FlowField({W: -G}, {"loss": f}, {W: W0, **loss.symbols(W)}, None)


def _slopes(
    loss: Any, W: Word, g: Word, s: Fraction, left: Symbol, right: Symbol
) -> tuple[Word, Word]:
    """The gradients of g = f(W0 + s B A) in A and in B.

    A loss that has derived its gradient G as a word gives s B'G and s G A', not multiplied out.
    """
    if not getattr(loss, "polynomial", False):
        return gradient(g, right), gradient(g, left)
    G = loss.gradient_word(W)
    if s != 1:
        G = s * G
    return left.T @ G, G @ right.T


def _shaped(loss: Any, W0: Any) -> tuple[Any, tuple[Dimension, Dimension]]:
    """The loss for matrices of the shape of W0, and its dimensions."""
    if hasattr(loss, "of_shape"):
        loss = loss.of_shape(*np.shape(W0)[-2:])
    usual = ("n", "n" if loss.name == "trace-squared" else "m")
    return loss, getattr(loss, "shape", usual)


def _root_above(x: Fraction) -> Fraction:
    """A rational number that is the root of x, or a little above it."""
    unit = 2**32
    scaled = x.numerator * x.denominator * unit**2
    root = isqrt(scaled)
    exact = root * root == scaled
    return Fraction(root if exact else root + 1, unit * x.denominator)


def _gradient_at(loss: Loss, W: Word) -> Word:
    """The derived gradient of f at the word W."""
    variable = Symbol("W", *(W.shape or (1, 1)))
    return replace_symbols(gradient(loss.value_word(variable), variable), {variable: W})
