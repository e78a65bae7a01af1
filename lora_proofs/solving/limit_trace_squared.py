"""The limit of the trace-squared flow, which is known in closed form for every start."""

from __future__ import annotations

from typing import Any

import flint

from lora_proofs.arithmetic import EXACT, Arithmetic, BallArithmetic, inner, squared_norm, trace
from lora_proofs.arithmetic.context import Matrix, scaled
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.closed_forms import trace_squared_limit
from lora_proofs.solving.limit import AT_REST, SADDLE, Limit
from lora_proofs.solving.plain import is_transformable, plain_start
from lora_proofs.solving.problem import Problem

MOST_DIGITS = 20_000


def trace_squared_end(problem: Problem, ctx: Arithmetic) -> Limit:
    """Where the trace-squared flow ends, for every start, with the rate of tr W.

    >>> from lora_proofs.arithmetic import BallArithmetic
    >>> from lora_proofs.solving.problem import read_problem
    >>> p = read_problem({"loss": "trace-squared", "W0": [[2]], "A0": [[1]], "t": "inf"})
    >>> end = trace_squared_end(p, BallArithmetic(20))
    >>> end.loss, end.BA[0, 0]
    (0, -2)
    """
    if problem.adapter == "full":
        return _full(problem)
    if not is_transformable(problem):
        return _frozen(problem)
    A0: Any = problem.A0
    B0: Any = problem.B0
    start = scaled(EXACT.number(problem.scale), B0 @ A0)
    if trace(problem.W0 + start) == 0:
        return Limit(EXACT.number(0), start, None, True, AT_REST, A=A0, B=B0)
    sign = _cone(problem)
    return _off_the_cones(problem, ctx) if sign is None else _on_a_cone(problem, sign, ctx)


def _full(problem: Problem) -> Limit:
    n, w0 = len(problem.W0), trace(problem.W0)
    return Limit(
        EXACT.number(0),
        scaled(-w0 / n, EXACT.identity(n)),
        EXACT.number(n),
        True,
        "closed form of the full-parameter flow: W(t) = W0 - (w0/n)(1 - e^{-nt}) I",
        rate_bound=EXACT.number(n),
    )


def _cone(problem: Problem) -> int | None:
    """1 or -1 where sqrt(eta_A) B0 = +- sqrt(eta_B) A0', 0 for A0 = B0 = 0, else ``None``."""
    if not any(problem.A0.flat) and not any(problem.B0.flat):  # type: ignore[union-attr]
        return 0
    try:
        root = EXACT.sqrt(EXACT.number(problem.eta_B / problem.eta_A))
    except Unavailable:  # rational factors in an irrational proportion: both would be 0
        return None
    A, B = scaled(root, problem.A0), problem.B0.mT  # type: ignore[union-attr]
    return next((e for e in (1, -1) if squared_norm(B - e * A) == 0), None)


def _off_the_cones(problem: Problem, ctx: Arithmetic) -> Limit:
    try:
        return _with_digits(problem, ctx)
    except BadInput:  # so near a cone that an irrational change of variables needs more digits
        finer = BallArithmetic(4 * getattr(ctx, "digits", 25))
        if finer.digits > MOST_DIGITS:
            raise
        return _off_the_cones(problem, finer)


def _with_digits(problem: Problem, ctx: Arithmetic) -> Limit:
    start = plain_start(problem, ctx)
    with ctx.working():
        end = trace_squared_limit(problem.W0, start.A, start.B, ctx)
        rate = 2 * end.mu * ctx.number(start.clock)
        A, B = start.back(end.A, end.B, ctx)
    BA = _multiple_of_gram(problem) if not any(problem.B0.flat) else end.dW  # type: ignore[union-attr]
    return Limit(
        EXACT.number(0),
        BA,
        rate,
        True,
        "closed form: off the cones B0 = +- A0' the Riccati solution has a finite limit, where "
        "tr W = 0",
        A=A,
        B=B,
        rate_bound=rate,
    )


def _multiple_of_gram(problem: Problem) -> Matrix:
    """From B0 = 0: s BA = -(w0/S) A0'A0 with S = ||A0||^2, whatever the rates are."""
    A0: Any = problem.A0
    return scaled(-trace(problem.W0) / squared_norm(A0), A0.mT @ A0)


def _on_a_cone(problem: Problem, sign: int, ctx: Arithmetic) -> Limit:
    """B stays a multiple of A'; whether it flees or falls into 0 is a matter of the sign of w0."""
    w0, n = trace(problem.W0), len(problem.W0)
    zero = EXACT.zeros(n, n)
    no_A, no_B = scaled(flint.fmpq(0), problem.A0), scaled(flint.fmpq(0), problem.B0)
    start = plain_start(problem, ctx)
    with ctx.working():
        rate = abs(w0) * start.clock
    if sign == 0 or sign * w0 > 0:
        reasons = (SADDLE,) if w0 != 0 else ()
        return Limit(
            w0**2 / 2,
            zero,
            None if sign == 0 else 2 * rate,
            w0 == 0,
            "exact invariance: the flow keeps B a multiple of A', so tr W keeps the sign of w0 and "
            "|tr W| >= |w0|"
            if sign
            else "the start is stationary: A0 = 0 and B0 = 0",
            reasons=reasons,
            saddle=w0 != 0,
            A=no_A,
            B=no_B,
            rate_bound=None if sign == 0 else rate,  # BA falls twice as fast as its factors
        )
    if w0 == 0:
        return Limit(
            EXACT.number(0),
            zero,
            None,
            True,
            "exact invariance: on the cone with tr W0 = 0, tr W = T0/(1 + 2 |T0| t) in the time of "
            "the plain flow",
            reasons=("the convergence is algebraic: there is no exponential rate",),
            A=no_A,
            B=no_B,
        )
    A0: Any = problem.A0
    with ctx.working():  # the plain factors end with ||A~||^2 = ||B~||^2 = |w0|
        grown = ctx.sqrt(ctx.number(abs(w0) / squared_norm(A0))) / ctx.number(start.alpha)
        A, B = scaled(grown, ctx.matrix(A0)), scaled(grown, ctx.matrix(problem.B0))
    return Limit(
        EXACT.number(0),
        scaled(-w0 / squared_norm(A0), A0.mT @ A0),
        2 * rate,
        True,
        "exact invariance: the flow keeps B a multiple of A', and ||A||^2 tends to |w0|",
        A=A,
        B=B,
        rate_bound=2 * rate,
    )


def _frozen(problem: Problem) -> Limit:
    """A rate is 0: the other factor moves along a line, at a rate that is constant."""
    A0: Any = problem.A0
    B0: Any = problem.B0
    s = EXACT.number(problem.scale)
    before: Any = scaled(s, B0 @ A0)
    first = trace(problem.W0) + s * inner(B0.mT, A0)
    if problem.eta_A == problem.eta_B == 0:
        why = ("both rates are 0: nothing is trained",)
        return Limit(first**2 / 2, before, None, True, "stationary", reasons=why)
    moves_B = problem.eta_B > 0
    still: Any = A0 if moves_B else B0
    size = squared_norm(still)
    if size == 0:
        return Limit(
            first**2 / 2,
            before,
            None,
            first == 0,
            "the start is stationary: no factor that may move has a gradient",
            reasons=(SADDLE,) if first != 0 else (),
            saddle=first != 0,
        )
    gram = still.mT @ still if moves_B else still @ still.mT
    eta = EXACT.number(problem.eta_B if moves_B else problem.eta_A)
    rate = eta * s**2 * size
    return Limit(
        EXACT.number(0),
        before - scaled(first / size, gram),
        rate,
        True,
        "linear flow: one factor is frozen, and tr W decays at a constant rate",
        rate_bound=rate,
    )
