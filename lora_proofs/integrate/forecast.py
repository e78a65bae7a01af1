"""How much errors will grow, estimated in float64: it chooses digits and a bound, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import Any

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.integrate.layout import Layout
from lora_proofs.integrate.linearise import Linearisation
from lora_proofs.integrate.runge_kutta import Problem, trial_step
from lora_proofs.integrate.series import ball_value, entries
from lora_proofs.integrate.tape import compile_words, run
from lora_proofs.mathematics.words import Loss, Word

ARRAY = ArrayArithmetic()
Array = Any
MAX_STEPS = 1_000
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Forecast:
    """Decimal digits that errors gain up to the end, by each bound of the logarithmic norm."""

    free: float | None
    sharp: float


def forecast(
    field: Mapping[Any, Word],
    values: Mapping[Any, Any],
    end: Fraction,
    growth: Word | None,
    weights: Mapping[Any, Any],
) -> Forecast | None:
    """The growth of errors up to the time ``end``; ``None`` where floats do not get there."""
    try:
        with np.errstate(all="ignore"):
            problem = Problem.of(field, values, other_side=False)
            times, states = _run(problem, float(end))
            sharp = _gained(times, _eigenvalues(problem, field, values, states, weights))
            free = None if growth is None else _gained(times, _norms(problem, growth, states))
    except (OverflowError, np.linalg.LinAlgError):
        return None
    return Forecast(free, sharp)


def _run(problem: Problem, end: float) -> tuple[Array, Array]:
    """Times and states of a coarse run."""
    times, states, h = [0.0], [problem.start], min(end, 1e-2)
    rate = problem.rate(states[-1])
    for _ in range(MAX_STEPS):
        if times[-1] >= end:
            return np.array(times), np.array(states)
        if h < 1e-8 * end:
            break  # a blow-up, or too fast to be worth a forecast
        h = min(h, end - times[-1])
        new, error = trial_step(problem, states[-1], rate, np.float64(h), TOLERANCE)
        if error <= 1:
            # The last step may end an ulp early: it is the end all the same.
            times.append(end if h == end - times[-1] else times[-1] + h)
            states.append(new)
            rate = problem.rate(new)
        h *= min(6.0, max(0.2, 0.9 * float(error) ** (-1 / 8)))
    raise OverflowError


def _norms(problem: Problem, growth: Word, states: Array) -> Array:
    """The operator norm of the growth word at each state."""
    here = {**problem.values, **problem.unpack(states)}
    tape = compile_words({"G": growth}, problem.values, [part[0] for part in problem.parts])
    found = run(tape, here, ARRAY)["G"]
    return np.linalg.norm(found, 2, axis=(-2, -1)) if np.ndim(found) == 3 else np.abs(found)


def _eigenvalues(
    problem: Problem, field: Any, values: Any, states: Array, weights: Mapping[Any, Any]
) -> Array:
    """The largest eigenvalue of the symmetric part of the weighted Jacobian at each state."""
    balls = {k: v if isinstance(k, Loss) else ball_value(v) for k, v in values.items()}
    layout = Layout.of(field, balls)
    J = Linearisation(problem.tape, layout, problem.values).jacobians(states)
    scale = np.concatenate(
        [np.full(len(entries(balls[symbol])), float(weights[symbol]) ** 0.5) for symbol in field]
    )
    J = J * scale[:, None] / scale
    if not np.isfinite(J).all():
        raise OverflowError
    return np.linalg.eigvalsh(J + J.mT)[:, -1] / 2


def _gained(times: Array, rates: Array) -> float:
    """The largest integral of the rates between two of the times, in decimal digits."""
    mean = (rates[1:] + rates[:-1]) / 2
    total = np.concatenate([[0.0], np.cumsum(np.diff(times) * mean)])
    gained = float((total - np.minimum.accumulate(total)).max()) / log(10)
    if not np.isfinite(gained):
        raise OverflowError
    return gained
