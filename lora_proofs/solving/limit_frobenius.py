"""The limit of the Frobenius flow: block by block, by closed form, invariance or enclosure.

The flow of BA falls apart along exact zeros. A block of one row and one column is trace-squared.
Of a larger block an exact invariance leaves a matrix and a rank; a loss that an enclosure shows to
be below the second smallest critical value can only tend to the smallest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.arithmetic.context import Matrix, Scalar, scaled
from lora_proofs.arithmetic.recorded import plain_rows
from lora_proofs.mathematics.decoupling import Component, blocks
from lora_proofs.mathematics.literature import CRITICAL_POINTS, ECKART_YOUNG_MIRSKY, lean_on
from lora_proofs.mathematics.matrices import squared_singular_values
from lora_proofs.solving.limit import AT_REST, SADDLE, Limit
from lora_proofs.solving.limit_block import block_end
from lora_proofs.solving.limit_gap import Progress
from lora_proofs.solving.limit_trace_squared import trace_squared_end
from lora_proofs.solving.plain import is_transformable
from lora_proofs.solving.problem import Problem

PRECISIONS = (50, 200, 1000, 4000)
UNDECIDED = (
    f"whether this is a saddle is not decided: singular values of Y - W0 share {PRECISIONS[-1]} "
    "digits"
)


def frobenius_end(
    problem: Problem, ctx: BallArithmetic, certify: bool = False, progress: Progress = None
) -> Limit:
    """Where the Frobenius flow ends, as far as it is known.

    ``certify`` asks for the limits of the factors and a bound of the rate too.

    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "frobenius", "W0": [[0, 0], [0, 0]], "Y": [[3, 0], [0, 2]],
    ...                   "A0": [[0, 1]], "t": "inf"})
    >>> end = frobenius_end(p, BallArithmetic(20))
    >>> end.loss, end.BA.tolist(), end.saddle, end.rigorous
    (9/2, [[0, 0], [0, 2]], True, False)
    """
    if problem.adapter == "full":
        E = problem.Y - problem.W0
        one = EXACT.number(1)
        formula = "closed form of the full-parameter flow: W(t) = Y + (W0 - Y) e^{-t}"
        return Limit(EXACT.number(0), E, one, True, formula, rate_bound=one)
    if not is_transformable(problem):
        return _frozen(problem)
    parts = [(c, _part(problem, c, ctx, certify, progress)) for c in _moving(problem)]
    return _judged(problem, _together(problem, parts, ctx))


def _moving(problem: Problem) -> list[Component]:
    E = problem.Y - problem.W0
    found = blocks(E, problem.A0, problem.B0)
    return [c for c in found if not c.stationary and _starts(problem, c)]


def _starts(problem: Problem, c: Component) -> bool:
    """Whether a factor of the block is not 0: with A = B = 0 it keeps its error."""
    A0: Any = problem.A0
    B0: Any = problem.B0
    return any(A0[:, list(c.columns)].flat) or any(B0[list(c.rows)].flat)


def _part(
    problem: Problem, c: Component, ctx: BallArithmetic, certify: bool, progress: Progress
) -> Limit:
    i, j, k = list(c.rows), list(c.columns), list(c.ranks)
    Y: Any = problem.Y
    A0: Any = problem.A0
    B0: Any = problem.B0
    W0, Y = problem.W0[i][:, j], Y[i][:, j]
    A0, B0 = A0[k][:, j], B0[i][:, k]
    if c.scalar:
        scalar = replace(problem, loss="trace-squared", W0=W0 - Y, Y=None, A0=A0, B0=B0)
        end = trace_squared_end(scalar, ctx)
        if end.loss == 0:
            end = replace(end, sees=((Y - W0, 1),))
        if end.argument == AT_REST:
            return end
        return replace(end, argument=f"scalar mode, where tr W means its error: {end.argument}")
    return block_end(replace(problem, W0=W0, Y=Y, A0=A0, B0=B0), ctx, certify, progress)


def _together(problem: Problem, parts: list[tuple[Component, Limit]], ctx: BallArithmetic) -> Limit:
    """The limits of the blocks as one; what no block holds keeps its error."""
    E: Matrix = problem.Y - problem.W0
    rest = E.copy()
    BA: Any = EXACT.zeros(*E.shape)
    loss: Any = EXACT.number(0)
    with ctx.working():
        for c, part in parts:
            where = np.ix_(c.rows, c.columns)
            rest[where] = flint.fmpq(0)
            if BA is not None:
                BA = None if part.BA is None else _placed(BA, where, part.BA)
            loss = None if loss is None or part.loss is None else loss + part.loss
        loss = None if loss is None else loss + squared_norm(rest) / 2
        ends = [part for _, part in parts]
        moving = [end for end in ends if end.argument != AT_REST]
        rate = _slowest([end.rate for end in moving])
        bound = _slowest([end.rate_bound for end in moving])
    return Limit(
        loss,
        BA,
        rate,
        all(end.rigorous or end.saddle for end in ends),
        "; ".join(dict.fromkeys(end.argument for end in ends)) or AT_REST,
        tuple(dict.fromkeys(name for end in ends for name in end.cites)),
        tuple(dict.fromkeys(why for end in ends if not end.saddle for why in end.reasons)),
        estimate=_estimate(ends, float(squared_norm(rest) / 2)),
        sees=tuple(pair for end in ends for pair in end.sees),
        keeps=tuple(squares for end in ends for squares in end.keeps),
        A=_factor(problem.A0, [(np.ix_(c.ranks, c.columns), part.A) for c, part in parts]),
        B=_factor(problem.B0, [(np.ix_(c.rows, c.ranks), part.B) for c, part in parts]),
        rate_bound=bound,
    )


def _factor(start: Any, parts: list[tuple[Any, Matrix | None]]) -> Matrix | None:
    """The limit of a factor, where it is known of every block; beside them it stays."""
    factor = start.copy()
    for where, part in parts:
        if part is None:
            return None
        factor[where] = part
    return factor


def _placed(BA: Matrix, where: Any, part: Matrix) -> Matrix:
    BA[where] = part
    return BA


def _slowest(rates: list[Any]) -> Any:
    """The smallest of the rates; ``None`` where one of them is not known."""
    if not rates or any(rate is None for rate in rates):
        return None
    slowest = flint.arb(rates[0])
    for rate in rates[1:]:
        slowest = slowest.min(flint.arb(rate))
    return slowest if len(rates) > 1 else rates[0]


def _estimate(ends: list[Limit], rest: float) -> float | None:
    """What the loss came down to in floats, where a block is open."""
    if all(end.estimate is None for end in ends):
        return None
    known = [end.estimate if end.estimate is not None else _as_float(end.loss) for end in ends]
    return sum(known) + rest


def _as_float(loss: Any) -> float:
    return float(flint.arb(loss).mid())


def _judged(problem: Problem, end: Limit) -> Limit:
    """Whether the limit is the global minimum or a saddle."""
    if end.loss is None:
        return replace(end, rigorous=False)
    lean_on(CRITICAL_POINTS, ECKART_YOUNG_MIRSKY)
    E, rank = problem.Y - problem.W0, len(problem.A0)  # type: ignore[arg-type]
    saddle = _is_saddle(end, E, rank)
    if saddle is False:
        return end
    told = (*end.reasons, SADDLE if saddle else UNDECIDED)
    return replace(end, rigorous=False, saddle=saddle, reasons=told)


def _is_saddle(end: Limit, E: Matrix, rank: int) -> bool | None:
    """Whether BA keeps others than the leading singular values of E; ``None`` if not decided.

    Each that it keeps is one of E exactly, so a ball that meets one level alone names it.
    """
    for digits in PRECISIONS:
        ctx = BallArithmetic(digits)
        with ctx.working():
            found = [(x, k) for x, k in squared_singular_values(E, ctx) if not x == 0]
            levels = [*(x for x, _ in found), flint.fmpq(0)]
            kept = [_only_level(x, levels) for x in _kept(end, ctx)]
        leading = [i for i, (_, k) in enumerate(found) for _ in range(k)][:rank]
        if None not in kept:
            return sorted(i for i in kept if i is not None and i < len(found)) != leading
    return None


def _kept(end: Limit, ctx: BallArithmetic) -> list[Scalar]:
    """The squares of the singular values that BA keeps, and perhaps zeros."""
    squares = [x for squares in end.keeps for x in squares(ctx)]
    for seen, r in end.sees:
        squares += [x for x, k in squared_singular_values(seen, ctx) for _ in range(k)][:r]
    return squares


def _only_level(x: Any, levels: list[Any]) -> int | None:
    """The index of the one level that a number may be; ``None`` for several."""
    met = [i for i, level in enumerate(levels) if flint.arb(x).overlaps(flint.arb(level))]
    return met[0] if len(met) == 1 else None


def _frozen(problem: Problem) -> Limit:
    """A rate is 0: least squares in the other factor, whose flow is linear."""
    E, s = problem.Y - problem.W0, EXACT.number(problem.scale)
    A0: Any = problem.A0
    B0: Any = problem.B0
    before = scaled(s, B0 @ A0)
    if problem.eta_A == problem.eta_B == 0:
        why = ("both rates are 0: nothing is trained",)
        return Limit(squared_norm(E - before) / 2, before, None, True, "stationary", reasons=why)
    onto = _row_projector(A0) if problem.eta_B > 0 else _row_projector(B0.mT)
    rest = E - before
    moved = rest @ onto if problem.eta_B > 0 else onto @ rest
    return Limit(
        squared_norm(rest - moved) / 2,
        before + moved,
        None,
        True,
        "linear flow: one factor is frozen, and the other tends to its least-squares solution",
    )


def _row_projector(A: Matrix) -> Matrix:
    """The orthogonal projector on the row space of A."""
    reduced, rank = flint.fmpq_mat(plain_rows(A)).rref()
    if rank == 0:
        return EXACT.zeros(A.shape[1], A.shape[1])
    R = EXACT.matrix(reduced.tolist())[:rank]
    return R.mT @ EXACT.inverse(R @ R.mT) @ R
