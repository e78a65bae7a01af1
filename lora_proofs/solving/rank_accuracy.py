"""Rank against accuracy: where LoRA of each rank ends from B0 = 0, beside full fine-tuning."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import flint

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm, trace
from lora_proofs.arithmetic.context import Matrix, Scalar
from lora_proofs.errors import BadInput, ToleranceNotMet
from lora_proofs.mathematics.matrices import best_rank_squared_error
from lora_proofs.mathematics.random_starts import expected_squared_error
from lora_proofs.mathematics.trace_squared_error import full_update
from lora_proofs.solving.decimals import missing_digits
from lora_proofs.solving.limit import Limit
from lora_proofs.solving.limit_frobenius import frobenius_end
from lora_proofs.solving.limit_trace_squared import trace_squared_end
from lora_proofs.solving.problem import Problem, read_problem
from lora_proofs.solving.starts import STARTS, Start, start_of

NOT_WANTED = ("t", "B0", "h", "steps", "method", "adapter")
NORMALISERS = {
    "trace-squared": "||dW_full||_F = |tr W0| / sqrt(n), the size of the full-parameter update",
    "frobenius": "||Y - W0||_F, the size of the full-parameter update",
}
BOUNDS = {
    "trace-squared": "sqrt(n/r - 1): no update of rank r with loss 0 is nearer to the full one",
    "frobenius": "sqrt(sum_{i>r} sigma_i^2) / ||Y - W0||_F: no update of rank r is nearer to Y",
}


@dataclass(frozen=True, eq=False)
class RankPoint:
    """What one rank reaches: the limit, its error relative to full fine-tuning, and the bound.

    The errors are ``None`` where the full update is 0, or the limit is open.
    """

    rank: int
    limit: Limit
    relative_error: Scalar | None
    bound: Scalar | None
    expected_squared_error: Any
    reasons: tuple[str, ...]
    A0: Matrix | None = None

    @property
    def verdict(self) -> str:
        """CERTIFIED where the limit of the loss is shown for this start, else INCONCLUSIVE."""
        return "INCONCLUSIVE" if self.limit.loss is None else "CERTIFIED"


@dataclass(frozen=True, eq=False)
class RankAccuracy:
    """A problem without factors, how they start, and what is reached at each rank."""

    problem: Problem
    start: str
    full: Matrix
    points: tuple[RankPoint, ...]


@dataclass(frozen=True, eq=False)
class RankProblem:
    """An instance of ``rank-accuracy``: a problem whose A0 is still to be made, and how."""

    problem: Problem
    start: str
    A0: Matrix | None
    seed: int


def read_rank_problem(data: Any, seed: int = 0) -> RankProblem:
    """The instance of ``rank-accuracy`` that a JSON object states; ``BadInput`` as for ``flow``.

    >>> p = read_rank_problem({"loss": "trace-squared", "W0": [[1]], "start": "orthonormal"})
    >>> p.start, p.problem.loss
    ('orthonormal', 'trace-squared')
    """
    if not isinstance(data, Mapping):
        read_problem(data)
    for name in NOT_WANTED:
        if name in data:
            raise BadInput(
                f"{name}: expected no such field; rank-accuracy looks at the flow from B0 = 0 in "
                "the limit, so leave it out"
            )
    if "E" in data:
        raise BadInput(
            'E: expected factors {"U": n x k, "V": m x k} of E = U V\'; for a matrix written out '
            "give W0 and Y = W0 + E in place of E"
        )
    for name in data:
        near = difflib.get_close_matches(name.lower(), ("start",), n=1, cutoff=0.6)
        if name != "start" and near and "start" not in data:
            raise BadInput(
                f"{name}: expected a field that rank-accuracy knows; did you mean 'start'?"
            )
    start = _start_name(data)
    fields = {k: v for k, v in data.items() if k != "start"}
    if start != "explicit":
        fields["A0"] = _placeholder(data.get("W0"))
    problem = read_problem(fields, timed=False)
    if start == "spectral-residual" and problem.Y is None:
        raise BadInput("start: spectral-residual needs the target Y of the loss frobenius")
    A0 = problem.A0 if start == "explicit" else None
    return RankProblem(problem, start, A0, seed)


def _start_name(data: Mapping[str, Any]) -> str:
    if "A0" in data:
        if "start" in data:
            raise BadInput("start: expected either a start or an explicit A0, got both")
        return "explicit"
    start = data.get("start")
    if not isinstance(start, str) or start not in STARTS:
        got = "none" if "start" not in data else repr(start)
        raise BadInput(f"start: expected one of {', '.join(STARTS)}, or a field A0; got {got}")
    return start


def _placeholder(W0: Any) -> Any:
    columns = len(W0[0]) if isinstance(W0, list) and W0 and isinstance(W0[0], list) else 1
    return [[0] * max(columns, 1)]


def rank_accuracy(
    stated: RankProblem,
    ranks: list[int] | None,
    digits: int,
    progress: Callable[[int], None] = lambda rank: None,
) -> RankAccuracy:
    """The limit from B0 = 0 at each rank (1 to min(n, m), or the rows of an explicit A0).

    Raises ``BadInput`` for a rank that the start does not have.

    >>> p = read_rank_problem({"loss": "trace-squared", "W0": [[1, 0], [0, 1]],
    ...                        "start": "orthonormal"})
    >>> [str(point.relative_error) for point in rank_accuracy(p, None, 15).points]
    ['1', '0']
    """
    problem = stated.problem
    most = len(stated.A0) if stated.A0 is not None else min(problem.shape)
    for r in ranks or ():
        if not 1 <= r <= most and (stated.A0 is not None or stated.start != "gaussian" or r < 1):
            raise BadInput(f"--ranks: expected ranks from 1 to {most}, got {r}")
    points = []
    for r in ranks or range(1, most + 1):
        progress(r)
        points.append(_narrow_point(stated, r, digits))
    return RankAccuracy(problem, stated.start, _full_update(problem), tuple(points))


def _full_update(problem: Problem) -> Matrix:
    """The update of full-parameter training in the limit."""
    if problem.Y is None:
        return full_update(problem.W0, EXACT)
    return problem.Y - problem.W0


def _narrow_point(stated: RankProblem, r: int, digits: int) -> RankPoint:
    """What a rank reaches, with ``digits`` right digits of every number."""
    working = digits + 20
    while True:
        found = _point(stated, r, BallArithmetic(working))
        more = (found.relative_error, found.bound)
        balls = [x for x in more if isinstance(x, flint.arb)]
        missing = max([found.limit.missing(digits), *(missing_digits(x, digits) for x in balls)])
        if missing == 0:
            return found
        working += missing + 20
        if working > 10 * digits + 1000:
            raise ToleranceNotMet(f"{digits} digits at rank {r} were not reached; ask for fewer")


def _point(stated: RankProblem, r: int, ctx: BallArithmetic) -> RankPoint:
    problem = stated.problem
    start = start_of(stated.start, problem, stated.A0, r, stated.seed, ctx)
    end = start.limit or _end(problem, start, ctx)
    size = squared_norm(_full_update(problem))
    if size == 0:
        why = ("the full-parameter update is 0: there is nothing to compare with",)
        reasons = (*end.reasons, *why)
        return RankPoint(r, end, None, None, _expected(stated, r), reasons, start.A0)
    with ctx.working():
        bound = _bound(problem, r, size, ctx)
        # Whatever leading directions are chosen, orthonormal rows attain the bound.
        attained = problem.Y is None and stated.start == "spectral-W0"
        error = bound if attained else _error(problem, end, size, ctx)
    if problem.Y is None and end.loss is not None and end.loss != 0:
        why = ("the bound is for updates with loss 0, which this one is not",)
        reasons = (*end.reasons, *why)
        return RankPoint(r, end, error, None, _expected(stated, r), reasons, start.A0)
    return RankPoint(r, end, error, bound, _expected(stated, r), end.reasons, start.A0)


def _end(problem: Problem, start: Start, ctx: BallArithmetic) -> Limit:
    n, r = len(problem.W0), len(start.A0)
    begun = replace(problem, A0=start.A0, B0=EXACT.zeros(n, r))
    end = trace_squared_end if problem.Y is None else frobenius_end
    return end(begun, ctx)


def _error(problem: Problem, end: Limit, size: Any, ctx: BallArithmetic) -> Scalar | None:
    """The distance of the two limits, relative to the full update; for Frobenius by the loss."""
    if end.loss is None:
        return None
    if problem.Y is not None:
        return _root(2 * end.loss / size, ctx)
    if end.BA is None:
        return None
    if isinstance(end.BA.flat[0], flint.arb):
        return ctx.sqrt(squared_norm(end.BA - ctx.matrix(_full_update(problem))) / size)
    return _root(squared_norm(end.BA - _full_update(problem)) / size, ctx)


def _bound(problem: Problem, r: int, size: Any, ctx: BallArithmetic) -> Scalar:
    if problem.Y is None:
        n = len(problem.W0)
        return _root(EXACT.number(max(n - r, 0)) / r, ctx)
    return _root(best_rank_squared_error(problem.Y - problem.W0, r, ctx) / size, ctx)


def _root(square: Any, ctx: BallArithmetic) -> Scalar:
    """The square root, exact for an exact square of a rational."""
    if not isinstance(square, flint.arb):
        p, q = square.p, square.q
        if p.is_square() and q.is_square():
            return flint.fmpq(p.sqrtrem()[0], q.sqrtrem()[0])
    return ctx.sqrt(ctx.number(square))


def _expected(stated: RankProblem, r: int) -> Any:
    """E R^2 over Gaussian starts, where the trace of W0 is not 0."""
    problem = stated.problem
    if stated.start != "gaussian" or problem.Y is not None or trace(problem.W0) == 0:
        return None
    return expected_squared_error("gaussian", len(problem.W0), r)
