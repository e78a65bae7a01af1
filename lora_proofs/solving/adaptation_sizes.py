"""How large matrices, updates and what stands in their way are: shared by all kinds of models."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from math import isfinite, prod
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.comparison import size
from lora_proofs.arithmetic.context import Matrix, squared_norm
from lora_proofs.arithmetic.exact import fmpq
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.solving.adaptation_errors import norms
from lora_proofs.solving.adaptation_numbers import lower, singular_in_floats, upper
from lora_proofs.solving.adaptation_problem import LinearProblem

EXPLODED = 10**6
"""An update that is so much larger than the problem is of no use."""


def product_of(weights: Sequence[Matrix]) -> Matrix:
    """W_L ... W_1 of exact weights.

    >>> product_of([EXACT.matrix([[1, 2]]), EXACT.matrix([[3], [4]])])
    array([[3, 6],
           [4, 8]], dtype=object)
    """
    whole = [flint.fmpq_mat(W.tolist()) for W in weights]
    return EXACT.matrix(reduce(lambda P, W: W * P, whole).tolist())


def fits(problem: LinearProblem) -> bool:
    """Whether all frozen weights are square and nonsingular, or there is one layer.

    Not where a narrower target and a second moment come together: no construction for both is
    known to reach the bound, so it is tried.
    """
    if len(problem.frozen) == 1:
        return True
    if problem.whole is not None and problem.second_moment is not None:
        return False
    return all_nonsingular(problem.whole or problem.frozen)


def all_nonsingular(weights: Sequence[Matrix]) -> bool:
    """Whether all exact weights are square and nonsingular.

    >>> all_nonsingular([EXACT.matrix([[2]]), EXACT.matrix([[1, 1], [1, 1]])])
    False
    """
    return all(W.shape == (EXACT.rank(W),) * 2 for W in weights)


def natural_size(problem: LinearProblem, E: Matrix) -> float:
    """The size of the weights, or of P_l^-1 E (W_{l-1} ... W_1)^-1 where that is larger; in floats.

    An update of this size may be needed: it has to reach the output through the other layers.
    That is at most ``EXPLODED`` times the weights, and only the weights where one of them is
    singular up to rounding: a yardstick that grew with the condition would excuse every update.
    """
    sizes = [float(np.linalg.norm(floats(X), 2)) for X in (*problem.frozen, problem.target)]
    if not fits(problem) or any(singular_in_floats(W) for W in problem.frozen):
        return max(sizes)
    most = EXPLODED * max(sizes)
    gap, deep = float(np.linalg.norm(floats(E), 2)), len(problem.frozen)
    for layer in range(deep):
        parts = [problem.frozen[:layer], problem.frozen[layer + 1 :]]
        sizes.append(gap / prod(_smallest(product_of(part)) for part in parts if part))
    return min(max(sizes), most)


def _smallest(X: Matrix) -> float:
    """The smallest singular value that floats can tell from 0."""
    values = np.linalg.svd(floats(X), compute_uv=False)
    return float(max(values[-1], values[0] * 1e-16)) or 1.0


def floats(X: Matrix) -> Any:
    """A matrix in float64."""
    return np.array([[size(fmpq(x)) for x in row] for row in X])


def largest_norm(adapters: Sequence[Adapter], ctx: BallArithmetic) -> Any:
    """An enclosure of the largest spectral norm of an exact update; 0 where all are 0.

    Frobenius norms, which are larger and cheap, tell which updates need not be looked at.
    """
    updates = [one.update_in(EXACT) for one in adapters if one.rank]
    largest: Any = flint.fmpq(0)
    with ctx.working():
        bounds = [upper(ctx.sqrt(ctx.number(squared_norm(X)))) for X in updates]
    order = sorted(range(len(updates)), key=bounds.__getitem__, reverse=True)
    for k in order:
        if bounds[k] > lower(largest):
            largest = max(largest, norms(updates[k], ctx)["spectral"], key=upper)
    return largest


def exploded(norm: Any, scale: float) -> bool:
    """Whether an adapter is more than ``EXPLODED`` times as large as the problem.

    >>> exploded(flint.fmpq(10**7), 1.0), exploded(flint.fmpq(3), 1.0)
    (True, False)
    """
    return isfinite(scale) and upper(norm) > EXPLODED * Fraction(scale)


def condition(X: Matrix) -> float | None:
    """The condition number of an exact matrix, about; ``None`` where it is singular or unknown.

    >>> condition(EXACT.matrix([[2, 0], [0, 1]])), condition(EXACT.matrix([[1, 1], [1, 1]]))
    (2.0, None)
    """
    if EXACT.rank(X) < min(X.shape):
        return None
    values = np.linalg.svd(floats(X), compute_uv=False)
    return float(values[0] / values[-1]) if values[-1] > 0 else None
