"""Flows in float64: Dormand-Prince 8(5,3), each instance of a batch with its own step size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import nextafter
from typing import Any

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.integrate.tape import Tape, compile_words, fixed_nodes, run
from lora_proofs.integrate.trajectory import Trajectory, checked_times
from lora_proofs.mathematics.dormand_prince import ERROR_3, ERROR_5, STAGES, WEIGHTS
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.words import Loss, Symbol, Word

MAX_STEPS = 100_000
ARRAY = ArrayArithmetic()
Array = Any


def runge_kutta_flow(
    field: Mapping[Any, Word],
    values: Mapping[Any, Any],
    t: Any,
    *,
    tolerance: float = 1e-13,
    observables: Mapping[str, Word] | None = None,
    estimated: bool = True,
) -> Any:
    """The flow y' = field at time t in float64 (a list of trajectories for a list of times).

    ``values`` gives exact rows, or float arrays (..., rows, columns) whose leading axes are a
    batch. The error is estimated by a second run at 32 times the tolerance, in which data that
    float64 cannot hold are rounded the other way; where it need not be ``estimated`` that run is
    spared and the bound is infinite. Raises ``ToleranceNotMet`` for a blow-up.

    >>> x = Symbol("x", 1, 1)
    >>> round(float(runge_kutta_flow({x: x}, {x: [[1]]}, 1)["x"][0, 0]), 12)
    2.718281828459
    """
    if not 1e-15 <= tolerance <= 1e-2:
        raise BadInput(f"tolerance: expected a number from 1e-15 to 1e-2, got {tolerance!r}")
    times, single = checked_times(t)
    problem = Problem.of(field, values, other_side=False)
    rough: list[Any] = [(np.inf, 0)] * len(times)
    if estimated:
        rough = list(_states(Problem.of(field, values, other_side=True), times, 32 * tolerance))
    sharp = list(_states(problem, times, tolerance))
    found = [
        _trajectory(time, problem, y, np.abs(y - y_rough).max(axis=-1), steps, observables or {})
        for time, (y, steps), (y_rough, _) in zip(times, sharp, rough, strict=True)
    ]
    return found[0] if single else found


@dataclass(frozen=True, eq=False)
class Problem:
    """A field on flat states of shape batch + (size,)."""

    tape: Tape
    values: dict[Any, Any]
    known: dict[int, Any]
    parts: tuple[tuple[Any, slice, tuple[int, int]], ...]
    start: Array

    @classmethod
    def of(
        cls, field: Mapping[Any, Word], values: Mapping[Any, Any], *, other_side: bool
    ) -> Problem:
        lifted = {k: _lift(k, v, other_side) for k, v in values.items()}
        tape = compile_words(field, lifted, field)
        shapes = [np.shape(v)[:-2] for k, v in lifted.items() if isinstance(k, Symbol)]
        batch = np.broadcast_shapes(*shapes)
        parts, offset = [], 0
        for symbol in field:
            rows, columns = lifted[symbol].shape[-2:]
            parts.append((symbol, slice(offset, offset + rows * columns), (rows, columns)))
            offset += rows * columns
        start = np.empty((*batch, offset))
        for symbol, where, _ in parts:
            start[..., where] = lifted[symbol].reshape((*lifted[symbol].shape[:-2], -1))
        return cls(tape, lifted, fixed_nodes(tape, lifted, ARRAY), tuple(parts), start)

    def unpack(self, y: Array) -> dict[Any, Array]:
        """The matrices of a flat state."""
        return {s: y[..., where].reshape((*y.shape[:-1], *shape)) for s, where, shape in self.parts}

    def rate(self, y: Array) -> Array:
        """The field at a flat state."""
        rates = run(self.tape, {**self.values, **self.unpack(y)}, ARRAY, self.known)
        out = np.empty_like(y)
        for symbol, where, _ in self.parts:
            out[..., where] = rates[symbol].reshape((*rates[symbol].shape[:-2], -1))
        return out


def _lift(key: Any, value: Any, other_side: bool) -> Any:
    if isinstance(key, Loss):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.astype(np.float64)
    if not isinstance(value, np.ndarray | list | tuple):
        return _rounded(value, other_side)
    return np.array([[_rounded(x, other_side) for x in row] for row in value])


def _rounded(value: Any, other_side: bool) -> float:
    """The nearest float, or the neighbour on the other side of what no float can hold."""
    exact = rational(value)
    near = float(exact)
    if not other_side or Fraction(near) == exact:
        return near
    return nextafter(near, float("inf") if exact > Fraction(near) else float("-inf"))


def _states(problem: Problem, times: list[Fraction], tolerance: float) -> Any:
    y, now, steps = problem.start, 0.0, 0
    h = np.full(y.shape[:-1], 1e-3)
    for time in times:
        y, h, used = _advance(problem, y, float(time) - now, h, tolerance)
        steps, now = steps + used, float(time)
        yield y, steps


def _advance(
    problem: Problem, y: Array, span: float, h: Array, tolerance: float
) -> tuple[Array, Array, int]:
    """The state after ``span``; instances that have arrived take steps of length 0."""
    left = np.full(y.shape[:-1], span)
    rate = problem.rate(y)
    for steps in range(MAX_STEPS):
        if not (left > 0).any():
            return y, h, steps
        step = np.minimum(h, left)
        new, error = trial_step(problem, y, rate, step, tolerance)
        accept = (error <= 1) & (left > 0)
        y = np.where(accept[..., None], new, y)
        left = np.where(accept, np.where(step >= left, 0.0, left - step), left)
        h = np.where(left > 0, step * np.clip(0.9 * error ** (-1 / 8), 0.2, 6.0), h)
        rate = problem.rate(y)
        if (h < 1e-14 * max(span, 1e-300)).any() or not np.isfinite(y).all():
            break
    raise ToleranceNotMet(
        f"Runge-Kutta: stuck with {float(left.max()):.6g} of {span:.6g} time units to go; the flow "
        "may blow up: ask for an earlier time or a larger tolerance"
    )


def trial_step(
    problem: Problem, y: Array, rate: Array, h: Array, tolerance: float
) -> tuple[Array, Array]:
    """One step of every instance, and its error relative to the tolerance."""
    slopes = [rate]
    with np.errstate(over="ignore", invalid="ignore"):
        for row in STAGES:
            slopes.append(problem.rate(y + h[..., None] * _combine(row, slopes)))
        new = y + h[..., None] * _combine(WEIGHTS, slopes)
        scale = tolerance * (1e-2 + np.maximum(np.abs(y), np.abs(new)).max(axis=-1))
        fifth = _size(_combine(ERROR_5, slopes)) / scale
        third = _size(_combine(ERROR_3, slopes)) / scale
        error = h * fifth**2 / np.sqrt(np.maximum(fifth**2 + 0.01 * third**2, 1e-300))
    return new, np.where(np.isfinite(error), np.maximum(error, 1e-12), 1e10)


def _combine(weights: tuple[float, ...], slopes: list[Array]) -> Array:
    return sum(w * k for w, k in zip(weights, slopes, strict=True) if w)


def _size(x: Array) -> Array:
    return np.sqrt((x * x).mean(axis=-1))


def _trajectory(
    time: Fraction,
    problem: Problem,
    y: Array,
    gap: Array,
    steps: int,
    observables: Mapping[str, Word],
) -> Trajectory:
    moved = problem.unpack(y)
    here = {**problem.values, **moved}
    named = {symbol.name: X for symbol, X in moved.items()}
    named.update({name: evaluate(word, here, ARRAY) for name, word in observables.items()})
    # Two runs cannot see the rounding of the last digit that both share.
    bound = gap + 4 * np.finfo(float).eps * (1 + np.abs(y).max(axis=-1))
    error = float(bound) if bound.ndim == 0 else bound
    return Trajectory(time, named, error, False, "dop853", steps)
