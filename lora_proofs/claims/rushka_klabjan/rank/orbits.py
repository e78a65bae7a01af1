"""Points that the trace-squared LoRA flow passes, at rational y = e^tau: every factor is exact.

With tau = int_0^t tr W the flow runs along A = c A0 - s B0', B = c B0 - s A0' for c = (y + 1/y)/2
and s = (y - 1/y)/2; tau moves with the sign of tr W, which never changes. The gradient is
(tr W) I, so exp of 2 int ||G||_2 is the larger of y^2 and y^-2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lora_proofs.arithmetic import EXACT, Comparison, below, equal, trace
from lora_proofs.arithmetic.dense import row_reduced
from lora_proofs.mathematics.flows import lora_vector_field
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.losses import trace_squared
from lora_proofs.strategies.draw import Draw, Rejected, ratio
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.strategies.problems import lora_problem

REGIMES = (
    "generic", "zero B0", "zero A0", "rank deficient", "common kernel", "r = 1", "r > n + m",
    "zero W0", "cone", "tiny scale", "huge scale",
)  # fmt: skip
KINDS = {"common kernel": "rank deficient", "r > n + m": "generic"}
Factors = tuple[Any, Any]


def draw(source: Draw, regime: str) -> Instance:
    """A trace-squared problem of a regime and a point y that its flow passes."""
    problem = lora_problem(source, KINDS.get(regime, regime), loss="trace-squared")
    if regime in KINDS:
        problem = _start(source, problem, regime)
    return on_the_way(source, problem.replace(regimes=(regime,)))


def _start(source: Draw, problem: Instance, regime: str) -> Instance:
    """Factors whose stack [B0; A0'] has a kernel: of low rank, or with more columns than rows."""
    n = len(problem.W0)
    r = 2 * n + 1 if regime == "r > n + m" else len(problem.A0)
    rank = min(2 * n, r - 1)
    Z = rank_matrix(source, 2 * n, r, source.integer(1, rank))
    return problem.replace(B0=Z[:n], A0=Z[n:].mT)


def on_the_way(source: Draw, problem: Instance) -> Instance:
    """The problem with a point y != 1 before its flow's limit; ``Rejected`` where it stands still.

    As tau moves, tr W falls towards 0 in size and keeps its sign exactly as long as y is passed.
    """
    start = trace_at(problem.replace(y=1))
    if start == 0:
        raise Rejected("tr W = 0: the flow stands still")
    step = ratio(source, 1, 8, 4)
    while True:
        y = 1 + step if start > 0 else 1 / (1 + step)
        if trace_at(problem.replace(y=y)) * start > 0:
            return problem.replace(y=y)
        step /= 4


def factors(instance: Instance) -> Factors:
    """(A, B) at the point y."""
    x = instance.lift(EXACT)
    c, s = (x.y + 1 / x.y) / 2, (x.y - 1 / x.y) / 2
    return c * x.A0 - s * x.B0.mT, c * x.B0 - s * x.A0.mT


def trace_at(instance: Instance) -> Any:
    """tr W at the point y."""
    A, B = factors(instance)
    return trace(instance.lift(EXACT).W0 + B @ A)


def growth(instance: Instance) -> Any:
    """exp of 2 int ||G||_2 up to the point y."""
    y = EXACT.number(instance.y)
    return max(y**2, 1 / y**2)


def passes(instance: Instance) -> Iterator[Comparison]:
    """The flow passes the point: the curve has its direction, and tr W has not changed sign."""
    x, (A, B) = instance.lift(EXACT), factors(instance)
    c, s = (x.y + 1 / x.y) / 2, (x.y - 1 / x.y) / 2
    T, first = trace_at(instance), trace_at(instance.replace(y=1))
    dA, dB = lora_vector_field(trace_squared(), x.W0, A, B, EXACT)
    yield equal("A' against T dA/dtau", dA, T * (s * x.A0 - c * x.B0.mT))
    yield equal("B' against T dB/dtau", dB, T * (s * x.B0 - c * x.A0.mT))
    yield below("0 against T T0", 0, T * first)
    yield below("0 against (y - 1) T0", 0, (x.y - 1) * first)


def stack(A: Any, B: Any) -> Any:
    """[B; A']."""
    return np.concatenate([B, A.mT])


def kernel(X: Any) -> Any:
    """A basis of the kernel of an exact matrix as columns, or ``None`` where it is 0."""
    rows, columns = row_reduced(X), X.shape[1]
    pivots = [next(j for j in range(columns) if row[j] != 0) for row in rows]
    free = [j for j in range(columns) if j not in pivots]
    if not free:
        return None
    basis = EXACT.zeros(columns, len(free))
    for k, j in enumerate(free):
        basis[j, k] = EXACT.number(1)
        for row, pivot in zip(rows, pivots, strict=True):
            basis[pivot, k] = -row[j]
    return basis


def column_basis(X: Any) -> Any:
    """Columns of an exact matrix that form a basis of its column space; X is not 0."""
    columns = range(X.shape[1])
    return X[:, [next(j for j in columns if row[j] != 0) for row in row_reduced(X)]]
