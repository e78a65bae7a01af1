"""The limit of one block of a Frobenius flow, from a balanced start or by the critical values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import flint

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.arithmetic.context import Matrix, scaled
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.critical_values import CriticalValues, frobenius_critical_values
from lora_proofs.mathematics.literature import (
    CRITICAL_POINTS,
    ECKART_YOUNG_MIRSKY,
    LASALLE,
    Cited,
    lean_on,
    leanings,
)
from lora_proofs.mathematics.matrices import best_rank_approximation
from lora_proofs.solving.invariant_block import InvariantBlock, invariant_block
from lora_proofs.solving.limit import AT_REST, Limit, least_loss
from lora_proofs.solving.limit_balanced import balanced_end
from lora_proofs.solving.limit_gap import Progress, Watch, below, landing
from lora_proofs.solving.plain import plain_start
from lora_proofs.solving.problem import Problem

FINE = BallArithmetic(120)
"""For critical values that are close."""
NO_LANDING = "no gradient inequality was found in the time that was looked at"
NO_INEQUALITY = "the gradient inequality is about minima of what the flow sees of Y - W0"


def block_end(
    problem: Problem, ctx: BallArithmetic, certify: bool = False, progress: Progress = None
) -> Limit:
    """Where one block ends: the best approximation that its invariances allow, where it is shown.

    ``certify`` asks for the limits of the factors and a bound of the rate too.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "frobenius", "W0": [[0, 0], [0, 0]], "Y": [[3, 1], [0, 2]],
    ...                   "A0": [[1, 1]], "t": "inf"})
    >>> end = block_end(p, BallArithmetic(20))
    >>> print(end.loss.str(10, radius=False), end.rigorous)
    1.697224362 True
    """
    if (resting := at_rest(problem)) is not None:
        return resting
    block = invariant_block(problem.Y - problem.W0, problem.A0, problem.B0)
    watch = Watch(problem, plain_start(problem, ctx), progress)
    end = _shown(watch, block, ctx)
    if not certify or end.loss is None or end.A is not None:
        return end
    return _with_landing(watch, block, end, ctx)


def _shown(watch: Watch, block: InvariantBlock, ctx: BallArithmetic) -> Limit:
    """The limit by the first argument that shows it."""
    balanced = balanced_end(watch.problem, watch.start, block, ctx)
    if balanced is not None:
        return balanced
    with FINE.working():
        values = frobenius_critical_values(block.E, block.rank, FINE)
    if values.second is None:
        why = "the flow sees no error: every critical point has BA = 0"
        return _settled(block, why, (LASALLE,), ctx)
    return _by_the_gap(watch, block, values, ctx)


def _settled(
    block: InvariantBlock, argument: str, cites: tuple[Cited, ...], ctx: BallArithmetic
) -> Limit:
    lean_on(*cites)
    with ctx.working():
        loss = block.rest + least_loss(block.E, block.rank, ctx)
    names = tuple(cited.name for cited in cites)
    BA, seen = _product(block, ctx), ((block.E, block.rank),)
    return Limit(loss, BA, None, True, argument, names, sees=seen)


def _product(block: InvariantBlock, ctx: BallArithmetic) -> Matrix | None:
    """The one product of least loss, where there is only one."""
    try:
        return best_rank_approximation(block.E, block.rank, ctx)
    except BadInput:
        return None


def at_rest(problem: Problem) -> Limit | None:
    """The limit of a start where both gradients vanish: the start itself."""
    s = EXACT.number(problem.scale)
    A0: Any = problem.A0
    B0: Any = problem.B0
    BA = scaled(s, B0 @ A0)
    rest = problem.Y - problem.W0 - BA
    if any((B0.mT @ rest).flat) or any((rest @ A0.mT).flat):
        return None
    loss = squared_norm(rest) / 2
    seen = ((BA, EXACT.rank(BA)),)
    return Limit(loss, BA, None, True, AT_REST, sees=seen, A=A0, B=B0)


def _by_the_gap(
    watch: Watch, block: InvariantBlock, values: CriticalValues, ctx: BallArithmetic
) -> Limit:
    """Find a time when the loss is surely below the second smallest critical value."""
    with FINE.working():
        least, second = values.least + block.rest, values.second + block.rest
        state, seen, why = below(watch, least, second)
    if state is None:
        return _open(block, values, seen, _float(second), why)
    argument = (
        f"critical-value gap: at t = {state.time} the enclosed loss {state.loss.str(6)} is below "
        f"{_float(second):.6g}, the second smallest critical value, so its limit is the smallest "
        "one"
    )
    return _settled(block, argument, (LASALLE, CRITICAL_POINTS, ECKART_YOUNG_MIRSKY), ctx)


def _with_landing(watch: Watch, block: InvariantBlock, end: Limit, ctx: BallArithmetic) -> Limit:
    """The limit with its factors and a bound of its rate, where a gradient inequality is shown."""
    if not end.sees:
        return _without_landing(end, NO_INEQUALITY)
    with ctx.working():
        least = block.rest + least_loss(block.E, block.rank, ctx)
    with leanings() as heard:
        found = landing(watch, block, least, watch.first_time, ctx)
    if found is None:
        return _without_landing(end, NO_LANDING)
    state, way = found
    with ctx.working():
        spread = flint.arb(0, way.radius)
        A, B = watch.start.back(state.A + spread, state.B + spread, ctx)
        slowest = flint.arb((way.rate * ctx.number(watch.start.clock)).lower())
    told = (
        f"gradient inequality: from t = {state.time} on ||grad f||^2 >= "
        f"2 nu (f - f*) with nu = {way.rate.str(4, radius=False)} in the time of the plain flow, "
        f"so the way left is at most {way.radius.str(3, radius=False)}"
    )
    return replace(
        end,
        A=A,
        B=B,
        rate_bound=slowest if end.rate_bound is None else slowest.max(end.rate_bound),
        argument=f"{end.argument}; {told}",
        cites=tuple(dict.fromkeys((*end.cites, *heard))),
    )


def _without_landing(end: Limit, why: str) -> Limit:
    """The limit as it is, and what is not shown of it."""
    lacking = "the rate and the limits" if end.rate_bound is None else "the limits"
    return replace(end, reasons=(*end.reasons, f"{lacking} of A and B are not shown: {why}"))


def _float(x: Any) -> float:
    return float(flint.arb(x).mid())


def _open(
    block: InvariantBlock,
    values: CriticalValues,
    seen: float,
    second: float,
    why: str = "",
) -> Limit:
    reasons = (
        f"the limit is open: the loss came down to {seen:.6g} in the time tried; once it is surely "
        f"below {second:.6g}, the second smallest critical value, the limit is the smallest one, "
        f"{_float(values.least + block.rest):.6g}",
        *((why,) if why else ()),
    )
    return Limit(None, None, None, False, "none", reasons=reasons, estimate=seen)
