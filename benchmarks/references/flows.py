"""The flow kernels against Taylor series and closed forms in 30 digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lora_proofs.arithmetic import EXACT, MultiprecisionArithmetic
from lora_proofs.errors import Unavailable
from lora_proofs.integrate.taylor import taylor_flow
from lora_proofs.kernels import full_flow, lora_flow
from lora_proofs.mathematics import losses
from lora_proofs.mathematics.closed_forms import trace_squared_closed_form
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.solving.flow_field import lora_field
from references.met import Met
from references.starts import balanced_starts, frobenius_starts, trace_starts

DIGITS = MultiprecisionArithmetic(30)
Array = Any


def general_flows(seed: int) -> Iterator[Met]:
    """Runge-Kutta in NumPy, and compiled where there is a compiler."""
    for regime, ((W0, Y, A0, B0), t) in frobenius_starts(seed).items():
        truth = _taylor(W0, Y, A0, B0, t)
        for kernel, options in (("general", {}), ("compiled", {"backend": "compiled"})):
            try:
                found = lora_flow(*_one(W0, Y, A0, B0), t, method="general", **options)
            except Unavailable:
                continue
            yield _met(kernel, regime, seed, found, truth)


def balanced_flows(seed: int) -> Iterator[Met]:
    """Riccati substeps against the closed form."""
    for regime, ((W0, Y, A0, B0), t) in balanced_starts(seed).items():
        end = frobenius_riccati_closed_form(*(X.tolist() for X in (W0, Y, A0, B0)), t, DIGITS)
        found = lora_flow(*_one(W0, Y, A0, B0), t, method="closed")
        factors = (end.A, end.B) if A0.shape[0] == 1 else (None, None)
        yield _met("riccati", regime, seed, found, (*factors, end.W))


def trace_flows(seed: int) -> Iterator[Met]:
    """The closed form of the trace-squared flow in float64 against the same in 30 digits."""
    for regime, ((W0, A0, B0), t) in trace_starts(seed).items():
        end = trace_squared_closed_form(*(X.tolist() for X in (W0, A0, B0)), t, DIGITS)
        found = lora_flow(W0[None], None, A0[None], B0[None], t)
        yield _met("trace-squared", regime, seed, found, (end.A, end.B, end.W))


def full_flows(seed: int) -> Iterator[Met]:
    """The full-parameter flow, of which the formula in 30 digits is the reference."""
    for regime, ((W0, Y, _, _), t) in frobenius_starts(seed).items():
        with DIGITS.working():
            decay = DIGITS.exp(DIGITS.number(-t))
            W = [
                [y + decay * (w - y) for w, y in zip(*rows, strict=True)]
                for rows in zip(*(DIGITS.matrix(X.tolist()) for X in (W0, Y)), strict=True)
            ]
        found = full_flow(W0[None], Y[None], t)
        off = _off(found.W[0], W)
        yield Met("full", regime, off, _said(found), f"seed {seed}")


def _one(*matrices: Array) -> list[Array]:
    return [X[None] for X in matrices]


def _taylor(W0: Array, Y: Array, A0: Array, B0: Array, t: float) -> tuple[Array, Array, Array]:
    rows = [EXACT.matrix(X.tolist()) for X in (W0, Y, A0, B0)]
    problem = lora_field(losses.frobenius(rows[1]), rows[0], rows[2], rows[3])
    end = taylor_flow(problem.rates, problem.values, t, digits=30)
    A, B = end["A"], end["B"]
    with DIGITS.working():
        W = DIGITS.matrix(W0.tolist()) + DIGITS.matrix(B) @ DIGITS.matrix(A)
    return A, B, W


def _met(kernel: str, regime: str, seed: int, found: Any, truth: tuple[Any, Any, Any]) -> Met:
    if found.failed[0]:
        return Met(kernel, regime, 0.0, None, f"seed {seed}")
    pairs = zip((found.A, found.B, found.W), truth, strict=True)
    off = max((_off(x[0], y) for x, y in pairs if y is not None and x is not None), default=0.0)
    return Met(kernel, regime, off, _said(found), f"seed {seed}")


def _off(found: Array, truth: Any) -> float:
    """The largest entrywise distance; the difference is taken in many digits."""
    with DIGITS.working():
        here, there = DIGITS.matrix(found.tolist()), np.asarray(truth, dtype=object)
        return max((float(abs(x - y)) for x, y in zip(here.flat, there.flat, strict=True)))


def _said(found: Any) -> float | None:
    return None if found.failed[0] else float(found.error[0])
