"""Starts without an exact obstruction: instances, and the limit that an enclosure shows of each.

A limit is shown by the critical-value gap: once the enclosed loss is below the second smallest of
the numbers 1/2 sum_{i not in S} sigma_i^2, |S| <= r, it can only tend to the smallest.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lora_proofs.arithmetic import (
    EXACT,
    Arithmetic,
    ArrayArithmetic,
    BallArithmetic,
    Comparison,
    below,
    equal,
)
from lora_proofs.arithmetic.context import squared_norm
from lora_proofs.errors import ToleranceNotMet, Unavailable
from lora_proofs.mathematics.critical_values import frobenius_critical_values
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.matrices import best_rank_squared_error
from lora_proofs.solving.flow_field import FlowField, lora_field
from lora_proofs.solving.invariant_block import InvariantBlock, invariant_block
from lora_proofs.strategies.draw import Draw, Rejected, quarter
from lora_proofs.strategies.matrices import full_rank_matrix, orthogonal_matrix
from lora_proofs.strategies.spectra import spectrum, with_singular_values

REGIMES = (
    "generic",
    "r = 1",
    "r = min(n, m)",
    "tie across r",
    "zero singular values",
    "not square",
)
TIMES = (1, 2, 4, 8)
FLOAT = ArrayArithmetic()


def draw_start(source: Draw, regime: str, *, zero_B: bool) -> Instance:
    """A problem without an exact obstruction, and a time when floats see the loss below the gap."""
    n, m = {"not square": (3, 2), "tie across r": (3, 3), "r = 2": (3, 3)}.get(regime, (2, 2))
    r = 2 if regime in ("r = min(n, m)", "tie across r", "r = 2") else 1
    kind = {"tie across r": "tied", "zero singular values": "with zeros"}.get(regime, "distinct")
    values = _values(source, min(n, m), kind)
    E = with_singular_values(source, n, m, values, dyadic=kind == "tied")
    A0 = full_rank_matrix(source, r, m, entry=_small)
    B0 = EXACT.zeros(n, r) if zero_B else full_rank_matrix(source, n, r, entry=_small)
    problem = Instance(regimes=(regime,), W0=EXACT.zeros(n, m), Y=E, A0=A0, B0=B0)
    if not all(c.outcome == "holds" for c in unobstructed(problem, EXACT)):
        raise Rejected("an exact invariance holds the start back")
    return problem.replace(T=_nominated(problem))


def _small(source: Draw) -> Any:
    return quarter(source, size=1)


def _values(source: Draw, size: int, kind: str) -> tuple[Any, ...]:
    values = spectrum(source, size, "distinct" if kind == "tied" else kind)
    if kind == "tied":
        return (*values[:-1], values[-2])
    if kind == "with zeros":
        return (values[0] or EXACT.number(1), *(0 for _ in values[1:]))
    return values


def _field(problem: Instance) -> FlowField:
    return lora_field(frobenius(problem.Y), problem.W0, problem.A0, problem.B0)


def _loss(problem: Instance, T: Any, ctx: Arithmetic) -> Any:
    """The loss at time T, in floats or enclosed; one rank index has a closed form."""
    if len(problem.A0) == 1:
        x = problem
        end = frobenius_riccati_closed_form(x.W0, x.Y, x.A0, x.B0, T, ctx)
        with ctx.working():
            return frobenius(x.Y).value(end.W, ctx)
    if ctx.name == "array":
        return float(_field(problem).float64(T, tolerance=1e-8).loss)
    return _field(problem).enclosure(T, digits=10).loss


def _nominated(problem: Instance) -> int:
    E = EXACT.matrix(problem.Y)
    least, second = _float_values(E, len(problem.A0))
    for T in TIMES:
        if _loss(problem, T, FLOAT) < least + 0.9 * (second - least):
            return T
    raise Rejected("the loss is not below the second smallest critical value in time")


def _float_values(E: Any, r: int) -> tuple[float, float]:
    found = frobenius_critical_values(E, r, FLOAT)
    return float(found.least), float(found.second)  # type: ignore[arg-type]


def block_of(problem: Instance) -> InvariantBlock:
    """What the flow sees of the problem by its exact linear invariances."""
    x = problem.lift(EXACT)
    return invariant_block(x.Y - x.W0, x.A0, x.B0)


def unobstructed(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """No exact linear invariance hides a part of E or a rank index."""
    block, r = block_of(instance), len(instance.A0)
    yield equal("rank of [B0; A0'] against r", EXACT.number(block.rank), EXACT.number(r))
    yield equal("squared norm of what the flow never sees of E", block.rest, EXACT.number(0))


@lru_cache(maxsize=64)
def enclosed_loss(instance: Instance) -> Any:
    """The loss at the instance's time, enclosed."""
    return _loss(instance, instance.T, BallArithmetic(30))


def least_in_the_limit(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The loss at T is below the second smallest critical value, so it tends to the smallest."""
    if ctx.name == "exact":
        raise Unavailable("the flow at a positive time", ctx.name)
    with ctx.working():
        x = instance.lift(EXACT)
        values = frobenius_critical_values(x.Y - x.W0, len(instance.A0), ctx)
        try:
            loss = enclosed_loss(instance) if ctx.rigorous else None
        except ToleranceNotMet as error:
            raise Unavailable(f"an enclosure to this time ({error})", ctx.name) from None
        if loss is None or not loss < values.second:
            # A loss that is still above it says nothing about the limit.
            raise Unavailable("the limit, from the loss at this time", ctx.name)
        yield below("loss at T against the second smallest critical value", loss, values.second)
        yield below("least critical value against the loss at T", values.least, loss)


def kept_level(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The least loss of all claimed of a start whose invariances leave it less."""
    x, block = instance.lift(EXACT), block_of(instance)
    kept = block.rest + best_rank_squared_error(block.E, max(block.rank, 1), EXACT) / 2
    if block.rank == 0:
        kept = squared_norm(x.Y - x.W0) / 2
    least = best_rank_squared_error(x.Y - x.W0, len(instance.A0), EXACT) / 2
    yield equal("least loss within the invariances against the least of all", kept, least)


def rotated(source: Draw, regime: str, *, zero_B: bool) -> Instance:
    """A start in the span of one singular direction that is not the leading one, in any basis."""
    U, V = orthogonal_matrix(source, 2), orthogonal_matrix(source, 2)
    high, low = spectrum(source, 2)
    E = U @ EXACT.matrix([[high, 0], [0, low]]) @ V.mT
    size = EXACT.number(source.integer(1, 4)) / 2
    A0 = size * V[:, [1]].mT
    B0 = EXACT.zeros(2, 1) if zero_B else EXACT.number(source.integer(1, 4)) * U[:, [1]]
    return Instance(regimes=(regime,), W0=[[0, 0], [0, 0]], Y=E, A0=A0, B0=B0, T=1)


def one_rank_more(instance: Instance, ctx: Arithmetic) -> Iterator[Comparison]:
    """The least loss of rank r + 1 claimed to be in reach of rank r."""
    E, r = EXACT.matrix(instance.Y), len(instance.A0)
    reached = best_rank_squared_error(E, r, EXACT) / 2
    claimed = best_rank_squared_error(E, r + 1, EXACT) / 2
    yield equal("least loss of rank r against that of rank r + 1", reached, claimed)
