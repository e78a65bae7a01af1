"""Which closed form a problem has, if any, and its value at a time in any arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.mathematics.closed_forms import (
    frobenius_full,
    frobenius_scalar_closed_form,
    trace_squared_closed_form,
    trace_squared_full,
)
from lora_proofs.mathematics.decoupling import Component, components
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.solving.plain import has_exact_start, is_transformable, plain_start
from lora_proofs.solving.problem import Problem

State = tuple[Matrix | None, Matrix | None, Matrix]
Value = Callable[[Fraction, Arithmetic], State]


@dataclass(frozen=True)
class Closed:
    """A closed form: what it is called, and (A, B, W) at a time."""

    name: str
    at: Value


def closed_form(problem: Problem) -> Closed | None:
    """The closed form of the problem's flow; ``None`` where none is known.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "trace-squared", "W0": [[1]], "A0": [[1]], "t": 1})
    >>> closed_form(p).name
    'closed form: trace-squared, any start'
    """
    if problem.adapter == "full":
        return Closed(f"closed form: {problem.loss}, full-parameter", _full(problem))
    if not is_transformable(problem):
        return None
    if problem.loss == "trace-squared":
        return Closed("closed form: trace-squared, any start", _trace_squared(problem))
    return _frobenius(problem)


def _full(problem: Problem) -> Value:
    def at(t: Fraction, ctx: Arithmetic) -> State:
        if problem.Y is None:
            return None, None, trace_squared_full(problem.W0, t, ctx)
        return None, None, frobenius_full(problem.W0, problem.Y, t, ctx)

    return at


def _trace_squared(problem: Problem) -> Value:
    def at(t: Fraction, ctx: Arithmetic) -> State:
        start = plain_start(problem, ctx)
        with ctx.working():
            end = trace_squared_closed_form(
                problem.W0, start.A, start.B, start.clock * _exact(t), ctx
            )
            return *start.back(end.A, end.B, ctx), end.W

    return at


def _exact(t: Fraction) -> flint.fmpq:
    return flint.fmpq(t.numerator, t.denominator)


def _frobenius(problem: Problem) -> Closed | None:
    """Blocks of one row and one column, or of one rank index."""
    moving = [c for c in _components(problem) if not c.stationary]
    if all(c.scalar for c in moving):
        name = "closed form: frobenius, scalar modes" if moving else "stationary"
    elif all(c.scalar or len(c.ranks) == 1 for c in moving) and has_exact_start(problem):
        name = "closed form: frobenius, matrix Riccati equation of one rank index"
    else:
        return None
    return Closed(name, lambda t, ctx: _by_components(problem, moving, t, ctx))


def _components(problem: Problem) -> tuple[Component, ...]:
    return components(problem.Y - problem.W0, problem.A0, problem.B0)


def _by_components(
    problem: Problem, moving: list[Component], t: Fraction, ctx: Arithmetic
) -> State:
    start = plain_start(problem, ctx)
    with ctx.working():
        A, B, W = ctx.matrix(start.A), ctx.matrix(start.B), ctx.matrix(problem.W0)
        for c in moving:
            i, j, k = list(c.rows), list(c.columns), list(c.ranks)
            block = (
                problem.W0[i][:, j],
                problem.Y[i][:, j],  # type: ignore[index]
                start.A[k][:, j],
                start.B[i][:, k],
            )
            form: Any = frobenius_scalar_closed_form if c.scalar else frobenius_riccati_closed_form
            end = form(*block, start.clock * _exact(t), ctx)
            for X, part, here, there in ((A, end.A, k, j), (B, end.B, i, k), (W, end.W, i, j)):
                X[np.ix_(here, there)] = part
        return *start.back(A, B, ctx), W
