"""The best update where the inputs of a linear net have a second moment of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lora_proofs.arithmetic.context import Arithmetic, Matrix
from lora_proofs.arithmetic.dense import (
    fast_arithmetic,
    handed_on,
    inverse,
    product,
    singular_value_decomposition,
)
from lora_proofs.arithmetic.exact import EXACT, ExactArithmetic
from lora_proofs.constructions.leading import rank_factors
from lora_proofs.constructions.linear import LinearAdaptation, checked_net, update_adapters
from lora_proofs.errors import BadInput, Unavailable


def weighted_adapters(
    frozen: Sequence[Any],
    target: Any,
    second_moment: Any,
    ranks: Sequence[int],
    ctx: Arithmetic,
) -> LinearAdaptation:
    """Adapters with the least mean of |(What_L ... What_1 - target) x|^2, Sigma = mean of x x'.

    All exact; the least is the tail beyond S of sigma_i(E Sigma^{1/2})^2, S the sum of the ranks,
    where the frozen weights are square and nonsingular.

    >>> I, moment = [[1, 0], [0, 1]], [[1, 0], [0, 0]]
    >>> weighted_adapters([I, I], [[2, 0], [0, 6]], moment, [1, 0], EXACT).product.tolist()
    [[2, 0], [0, 1]]
    """
    E = EXACT.matrix(target) - product(*reversed(checked_net(frozen)), ctx=EXACT)
    return update_adapters(frozen, *weighted_factors(E, second_moment, sum(ranks), ctx), ranks, ctx)


def weighted_factors(E: Any, second_moment: Any, r: int, ctx: Arithmetic) -> tuple[Matrix, Matrix]:
    """G and H that minimise the mean of |(E - G H) x|^2 among updates of rank at most r.

    E: (n, m), second_moment = mean of x x': (m, m), exact, symmetric and positive semidefinite.
    The minimum is the sum of sigma_i(E Sigma^{1/2})^2 over i > r; truncating E itself reaches it
    for every E only if Sigma is a multiple of I. Exactly, only where the minimum is 0; an
    extension of Zeng and Lee's setting.

    >>> G, H = weighted_factors([[1, 0], [0, 5]], [[1, 0], [0, 0]], 1, EXACT)
    >>> (G @ H).tolist()
    [[1, 0], [0, 0]]
    """
    E, moment = EXACT.matrix(E), checked_moment(second_moment)
    if isinstance(ctx, ExactArithmetic):
        G, H = rank_factors(_seen(E, moment))
        if G.shape[1] > r:
            raise Unavailable("a truncated singular value decomposition", ctx.name)
        return G, H
    fast = fast_arithmetic(ctx)
    with fast.working():
        F, back = square_root_factor(moment, fast)
        # The rows of the leading part lie in the range of F, so back undoes F on them.
        G, H = _leading(product(fast.matrix(E), F, ctx=fast), r, fast)
        return handed_on(G, ctx), handed_on(product(H, back, ctx=fast), ctx)


def _leading(X: Matrix, r: int, ctx: Arithmetic) -> tuple[Matrix, Matrix]:
    U, s, V = singular_value_decomposition(X, ctx)
    k = min(r, len(s))
    return U[:, :k] * np.array(s[:k], dtype=U.dtype), V[:, :k].T


def _seen(E: Matrix, moment: Matrix) -> Matrix:
    """E on the range of Sigma and 0 on what no input has: the E of least rank that is as good."""
    basis, _ = rank_factors(moment)
    if not basis.size:
        return EXACT.zeros(*E.shape)
    gram = inverse(product(basis.T, basis, ctx=EXACT), EXACT)
    return product(E, basis, gram, basis.T, ctx=EXACT)


def square_root_factor(moment: Matrix, ctx: Arithmetic) -> tuple[Matrix, Matrix]:
    """F and F^+ with F F' = Sigma, exact and positive semidefinite, in floating point.

    F has as many columns as Sigma has rank.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> F, back = square_root_factor(EXACT.matrix([[4, 0], [0, 0]]), ArrayArithmetic())
    >>> abs(F).tolist(), abs(back).tolist()
    ([[2.0], [0.0]], [[0.5, 0.0]])
    """
    rank = EXACT.rank(moment)
    U, s, _ = singular_value_decomposition(ctx.matrix(moment), ctx)
    roots = np.array([ctx.sqrt(x) for x in s[:rank]], dtype=U.dtype)
    return U[:, :rank] * roots, (U[:, :rank] / roots).T


def checked_moment(second_moment: Any) -> Matrix:
    """An exact second moment; ``BadInput`` where it is not symmetric or has a negative direction.

    >>> checked_moment([[2, 1], [1, 2]]).shape
    (2, 2)
    """
    moment = EXACT.matrix(second_moment)
    if moment.shape[0] != moment.shape[1] or (moment != moment.T).any():
        raise BadInput(f"second moment: expected a symmetric matrix, got shape {moment.shape}")
    if not is_positive_semidefinite(moment):
        raise BadInput("second moment: expected no negative eigenvalue, got one")
    return moment


def is_positive_semidefinite(X: Matrix) -> bool:
    """Whether a symmetric rational matrix has no negative eigenvalue, decided by elimination.

    >>> is_positive_semidefinite(EXACT.matrix([[0, 1], [1, 0]]))
    False
    """
    X = X.copy()
    while len(X):
        pivot = next((i for i in range(len(X)) if X[i, i] != 0), None)
        if pivot is None:
            return not (X != 0).any()
        if X[pivot, pivot] < 0:
            return False
        rest = [i for i in range(len(X)) if i != pivot]
        column = X[rest, pivot] / X[pivot, pivot]
        X = X[np.ix_(rest, rest)] - np.outer(column, X[pivot, rest])
    return True


def weighted_optimum(E: Any, second_moment: Any, r: int, ctx: Arithmetic) -> Any:
    """The least mean of |(E - M) x|^2 over M of rank at most r: the tail of sigma_i(E F)^2.

    >>> from lora_proofs.arithmetic import ArrayArithmetic
    >>> moment = [[4, 0], [0, 1]]
    >>> round(float(weighted_optimum([[1, 0], [0, 1]], moment, 1, ArrayArithmetic())), 12)
    1.0
    """
    fast = fast_arithmetic(ctx)
    with fast.working():
        F, _ = square_root_factor(checked_moment(second_moment), fast)
        _, s, _ = singular_value_decomposition(
            product(fast.matrix(EXACT.matrix(E)), F, ctx=fast), fast
        )
        return ctx.number(sum((x * x for x in s[r:]), fast.number(0)))
