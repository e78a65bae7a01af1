"""Starts of the right factor by name, from B0 = 0; some of them with a limit that is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint

from lora_proofs.arithmetic import EXACT, BallArithmetic, trace
from lora_proofs.arithmetic.context import Matrix, Scalar
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.literature import ECKART_YOUNG_MIRSKY
from lora_proofs.mathematics.matrices import (
    best_rank_approximation,
    leading_projector,
    rank_gap,
    squared_singular_values,
)
from lora_proofs.solving.limit import Limit, least_loss
from lora_proofs.solving.limit_balanced import balanced_rate
from lora_proofs.solving.plain import is_transformable, plain_start
from lora_proofs.solving.problem import Problem
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.matrices import orthonormal_rows

STARTS = ("orthonormal", "spectral-W0", "spectral-residual", "gaussian")
ORTHONORMAL = "closed form: B0 = 0 and orthonormal rows, so the update is -(w0/r) V_r V_r'"
ALIGNED = "scalar modes: B0 = 0 and the rows of A0 are the leading right singular vectors of Y - W0"
SQUARE = "B0 = 0 and A0 square and nonsingular: f <= f(0) exp(-2 sigma_min(A0)^2 t)"
RICCATI = (
    "matrix Riccati equation: B0 = 0, orthonormal rows, sigma_r > sigma_{r+1} and det(A0 V_r) != 0"
)


@dataclass(frozen=True, eq=False)
class Start:
    """An exact A0 (r x m), or one that is known by its directions alone, with its limit."""

    A0: Any
    limit: Limit | None = None


def start_of(
    name: str, problem: Problem, A0: Matrix | None, r: int, seed: int, ctx: BallArithmetic
) -> Start:
    """The start of a name at rank r; ``explicit`` takes the leading rows of A0."""
    if name == "explicit":
        return Start(A0[:r])  # type: ignore[index]
    if name == "gaussian":
        return Start(gaussian(r, problem.shape[1], seed))
    if name == "orthonormal":
        return Start(orthonormal_rows(SeededDraw.keyed("orthonormal", seed), r, problem.shape[1]))
    if not is_transformable(problem):
        raise BadInput(f"start: {name} expects eta_A and eta_B above 0; give an explicit A0")
    if problem.Y is None:
        return Start(None, _along_w0(problem, r, ctx))
    if name == "spectral-residual":
        return Start(None, _aligned(problem, r, ctx))
    return Start(None, _overlapping(problem, r, ctx))


def gaussian(r: int, m: int, seed: int) -> Matrix:
    """An r x m matrix of standard Gaussian numbers, rounded to multiples of 2^-20.

    Its leading rows are those of any smaller r.

    >>> bool((gaussian(1, 3, 0) == gaussian(2, 3, 0)[:1]).all())
    True
    """
    rows = []
    for k in range(r):
        source = SeededDraw.keyed("gaussian", seed, k, m).source
        rows.append([Fraction(round(source.gauss(0, 1) * 2**20), 2**20) for _ in range(m)])
    return EXACT.matrix(rows)


def _along_w0(problem: Problem, r: int, ctx: BallArithmetic) -> Limit:
    """Trace-squared from A0 = V_r' of W0 = U S V'."""
    w0 = trace(problem.W0)
    rate = None
    with ctx.working():
        start = plain_start_of_ones(problem, ctx)
        rate = ctx.sqrt(start**2 * r**2 + 4 * ctx.number(w0) ** 2) * _clock(problem, ctx)
        if not rank_gap(problem.W0, r):
            why = (
                f"sigma_{r} = sigma_{r + 1} of W0, or 0: the leading directions are not unique, "
                "and the update depends on their choice",
            )
            return Limit(EXACT.number(0), None, rate, True, ORTHONORMAL, reasons=why)
        update = -(w0 / flint.fmpq(r)) * leading_projector(problem.W0, r, ctx)
    return Limit(EXACT.number(0), update, rate, True, ORTHONORMAL)


def plain_start_of_ones(problem: Problem, ctx: BallArithmetic) -> Scalar:
    """kappa^2 of the plain flow for orthonormal rows: alpha^2."""
    return ctx.number(plain_start(problem, ctx).alpha) ** 2


def _clock(problem: Problem, ctx: BallArithmetic) -> Scalar:
    return ctx.number(plain_start(problem, ctx).clock)


def _spectrum(E: Matrix, ctx: BallArithmetic) -> list[Scalar]:
    """Squared singular values with their multiplicities, largest first."""
    return [value for value, k in squared_singular_values(E, ctx) for _ in range(k)]


def _best(problem: Problem, r: int, rate: Scalar | None, argument: str, ctx: Any) -> Limit:
    E = problem.Y - problem.W0
    try:
        BA = best_rank_approximation(E, r, ctx)
        reasons: tuple[str, ...] = ()
    except BadInput:
        BA, reasons = None, (f"sigma_{r} = sigma_{r + 1}: the limit depends on the start",)
    return Limit(
        least_loss(E, r, ctx), BA, rate, True, argument, (ECKART_YOUNG_MIRSKY.name,), reasons
    )


def _aligned(problem: Problem, r: int, ctx: BallArithmetic) -> Limit:
    """Every mode i <= r runs by itself, at the rate sqrt(kappa^4 + 4 sigma_i^2)."""
    with ctx.working():
        square = plain_start_of_ones(problem, ctx)
        moving = [x for x in _spectrum(problem.Y - problem.W0, ctx)[:r] if not x == 0]
        rate = ctx.sqrt(square**2 + 4 * moving[-1]) * _clock(problem, ctx) if moving else None
        return _best(problem, r, rate, ALIGNED, ctx)


def _overlapping(problem: Problem, r: int, ctx: BallArithmetic) -> Limit:
    """Frobenius from A0 = V_r' of W0: the directions of W0 have to see those of Y - W0."""
    E: Matrix = problem.Y - problem.W0
    if not rank_gap(problem.W0, r):
        why = f"sigma_{r} = sigma_{r + 1} of W0, or 0: the leading directions are not unique"
        return Limit(None, None, None, False, RICCATI, reasons=(why,))
    if r == E.shape[1]:
        return _best(
            problem, r, None, "B0 = 0 and A0 square and nonsingular: the loss tends to 0", ctx
        )
    if not rank_gap(E, r):
        why = f"open: sigma_{r} = sigma_{r + 1} of Y - W0, or 0"
        return Limit(None, None, None, False, RICCATI, reasons=(why,))
    with ctx.working():
        onto, best = leading_projector(problem.W0, r, ctx), leading_projector(E, r, ctx)

        def meets(P: Matrix) -> bool:
            overlap = ctx.identity(len(onto)) - onto + onto @ P @ onto
            return bool(flint.arb_mat(overlap.tolist()).det() > 0)

        if not meets(best):
            why = "open: the leading directions of W0 may miss one of Y - W0 (det(A0 V_r) = 0)"
            return Limit(None, None, None, False, RICCATI, reasons=(why,))
        square = plain_start_of_ones(problem, ctx)
        rate, reasons = balanced_rate(E, r, square, False, meets, ctx)
        rate = None if rate is None else rate * _clock(problem, ctx)
        end = _best(problem, r, rate, RICCATI, ctx)
        return replace(end, reasons=(*end.reasons, *reasons))
