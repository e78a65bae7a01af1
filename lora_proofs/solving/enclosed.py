"""The flow of one problem at finite times in balls that surely hold, whatever the method."""

from __future__ import annotations

from fractions import Fraction

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.mathematics.flows import adapted
from lora_proofs.solving.finite_time import (
    Progress,
    Solved,
    at_start,
    by_method,
    finite,
    observed,
    worst,
)
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.solving.problem import Problem, rows

DIGITS = 13
"""Right digits aimed at: radii below 1e-12 of a number, or absolutely where it is smaller."""
METHOD = "enclosure of the flow"
FINER = 3


def enclosed(problem: Problem, progress: Progress = None) -> list[Solved]:
    """The states of a problem at its times, or after its steps, as enclosures that surely hold.

    The radii are below 1e-12, relative to numbers above 1e-12, where that is in reach; each ball
    says what was reached. ``progress`` hears the times that are reached. Raises
    ``ToleranceNotMet`` where nothing can be enclosed.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "trace-squared", "W0": [[2]], "A0": [[1]], "t": "1/2"})
    >>> state = enclosed(p)[0]
    >>> state.rigorous, bool(state.W[0, 0].rad() < 1e-12)
    (True, True)
    """
    return by_method(problem, DIGITS, lambda: _refined(problem, progress))


def _refined(problem: Problem, progress: Progress) -> list[Solved]:
    """Enclosures that are made finer where numbers cancel; the best that precision reaches."""
    wanted, found = DIGITS + 2, None
    for _ in range(FINER):
        try:
            found = _states(problem, wanted, progress)
        except ToleranceNotMet:
            if found is None:
                raise
            break
        lacking = [worst(state, DIGITS) for state in found]
        if all(missing == 0 for missing in lacking):
            break
        wanted += 2 + max(wanted if missing is None else missing for missing in lacking)
    assert found is not None
    return found


def _states(problem: Problem, digits: int, progress: Progress) -> list[Solved]:
    start = (rows(X) for X in (problem.W0, problem.A0, problem.B0))
    field = lora_field(problem.f, *start, **problem.rates)
    times = sorted({t for t in finite(problem) if t > 0})
    if progress is not None:
        progress(Fraction(0))
    ctx = BallArithmetic(digits + 10)
    states = {Fraction(0): at_start(problem, ctx)}
    ends = field.enclosure(times, digits=digits, progress=progress) if times else ()
    for t, end in zip(times, ends, strict=True):
        with ctx.working():
            W = adapted(ctx.matrix(problem.W0), end.A, end.B, ctx, scale=problem.scale)
            states[t] = observed(problem, t, end.A, end.B, W, ctx, METHOD, rigorous=True)
    return [states[t] for t in finite(problem)]
