"""Starts of the trace-squared flow whose limit is rational, so that it can be checked exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic import EXACT, squared_norm, trace
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, Rejected
from lora_proofs.strategies.problems import lora_problem

KINDS = {
    "generic": "zero B0",
    "rank deficient": "rank deficient",
    "r = 1": "r = 1",
    "r = n": "r = min(n, m)",
    "r > n": "r > min(n, m)",
    "orthonormal rows": "orthonormal rows",
    "tiny scale": "tiny scale",
    "huge scale": "huge scale",
    "zero trace": "zero B0",
}
REGIMES = tuple(KINDS)


def with_trace(rows: Any, value: Any) -> Any:
    """The square matrix with its first entry changed so that the trace is ``value``."""
    X = EXACT.matrix(rows)
    X[0, 0] += EXACT.number(value) - trace(X)
    return X


def from_zero_b(source: Draw, regime: str, *, largest: int = 3) -> Instance:
    """A start with B0 = 0 and A0 not 0; W0 has the trace 0 in the regime of that name only."""
    problem = lora_problem(source, KINDS[regime], loss="trace-squared", largest=largest)
    B0 = [[0] * len(problem.A0) for _ in problem.W0]
    problem = problem.replace(B0=B0, regimes=(regime,))
    if regime == "zero trace":
        problem = problem.replace(W0=with_trace(problem.W0, 0))
    elif trace(EXACT.matrix(problem.W0)) == 0:
        problem = problem.replace(W0=with_trace(problem.W0, 1))
    if squared_norm(EXACT.matrix(problem.A0)) == 0:
        raise Rejected("A0 is 0")
    return problem


def ratio(source: Draw) -> Fraction:
    """A positive rational number other than 1, for e^tau at a limit."""
    top = source.integer(1, 6)
    return Fraction(top, source.choice([k for k in range(1, 7) if k != top]))


def ended_at(y: Fraction, A0: Any, B0: Any) -> tuple[Any, Any]:
    """The point A = c A0 - s B0', B = c B0 - s A0' of the orbit with e^tau = y."""
    y = EXACT.number(y)
    c, s = (y + 1 / y) / 2, (y - 1 / y) / 2
    A0, B0 = EXACT.matrix(A0), EXACT.matrix(B0)
    return c * A0 - s * B0.mT, c * B0 - s * A0.mT
