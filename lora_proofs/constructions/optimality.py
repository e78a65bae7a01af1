"""How well adapters of a linear net do, measured in balls, and how well any adapters can.

For any adapters rank(What_L ... What_1 - W_L ... W_1) <= S, the sum of the ranks, by telescoping,
and rank(What_L ... What_1) <= k = min_l (rank W_l + R_l). So the error is at least that of the
best approximation of rank S to E and of rank k to the target, in every unitarily invariant norm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.context import Arithmetic, Matrix, Scalar
from lora_proofs.arithmetic.dense import product
from lora_proofs.arithmetic.exact import EXACT, fmpq
from lora_proofs.constructions.adapters import Adapter, adapted, checked_ranks
from lora_proofs.constructions.linear import LinearAdaptation, checked_net, linear_adapters
from lora_proofs.constructions.precision import LADDER, at_enough_digits
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.constructions.singular_weights import product_rank
from lora_proofs.errors import ToleranceNotMet

MOST_DIGITS = 2000


@dataclass(frozen=True)
class ErrorNorms:
    """An error in the spectral and in the Frobenius norm: exact 0, or balls."""

    spectral: Scalar
    frobenius: Scalar


@dataclass(frozen=True)
class LowerBounds:
    """What no adapters of these ranks go below: by the rank of the update, by that of the product.

    ``product_rank`` is k = min_l (rank W_l + R_l), or the smallest width.
    """

    by_update: ErrorNorms
    by_product: ErrorNorms
    product_rank: int


def optimal_error(
    frozen: Sequence[Any], target: Any, ranks: Sequence[int], ctx: Arithmetic
) -> ErrorNorms:
    """sigma_{S+1}(E) and its Frobenius tail, E = target - W_L ... W_1: exact 0, or in ``ctx``.

    The least error of adapters of these ranks where the frozen weights are square and
    nonsingular, and a lower bound everywhere. Zeng and Lee, Lemma 1, as commonly quoted.

    >>> I = [[1, 0], [0, 1]]
    >>> found = optimal_error([I, I], [[4, 0], [0, 3]], [1, 0], BallArithmetic(30))
    >>> found.spectral.contains(2)
    True
    """
    exact = checked_net(frozen)
    ranks = checked_ranks(ranks, exact)
    E = EXACT.matrix(target) - product(*reversed(exact), ctx=EXACT)
    return tail(E, sum(ranks), ctx)


def lower_bounds(
    frozen: Sequence[Any], target: Any, ranks: Sequence[int], ctx: Arithmetic
) -> LowerBounds:
    """Both unconditional lower bounds of the error, in ``ctx``.

    >>> zero, I = [[0, 0], [0, 0]], [[1, 0], [0, 1]]
    >>> found = lower_bounds([zero, I], I, [1, 1], BallArithmetic(30))
    >>> found.by_update.spectral, found.by_product.spectral.contains(1), found.product_rank
    (0, True, 1)
    """
    exact = checked_net(frozen)
    k = product_rank(exact, checked_ranks(ranks, exact))
    by_update = optimal_error(exact, target, ranks, ctx)
    return LowerBounds(by_update, tail(EXACT.matrix(target), k, ctx), k)


def tail(X: Matrix, r: int, ctx: Arithmetic) -> ErrorNorms:
    """The distance of an exact X to the matrices of rank r, in both norms; exact 0 where it is.

    >>> tail(EXACT.identity(2), 2, BallArithmetic(30))
    ErrorNorms(spectral=0, frobenius=0)
    """
    if r >= min(X.shape) or EXACT.rank(X) <= r:
        return ErrorNorms(flint.fmpq(0), flint.fmpq(0))
    with ctx.working():
        values = ctx.singular_values(ctx.matrix(X))[r:]
        return ErrorNorms(values[0], ctx.sqrt(sum((s * s for s in values), ctx.number(0))))


def attained_error(
    frozen: Sequence[Any], target: Any, adapters: Sequence[Adapter], *, width: Any
) -> ErrorNorms:
    """The error of these very adapters, exactly 0 or in balls of relative width ``width``.

    The factors are taken as the exact numbers that they are, floats included, so nothing is
    trusted. A ball around 0 may be as wide as ``width`` times the target's size.

    >>> from lora_proofs.constructions.adapters import zero_adapter
    >>> start = [zero_adapter(1, 1, EXACT)]
    >>> attained_error([[[1]]], [["3/2"]], start, width="1e-12").spectral.contains(0.5)
    True
    """
    exact, target, wanted = checked_net(frozen), EXACT.matrix(target), fmpq(width)
    factors = [Adapter(exact_values(x.B), exact_values(x.A)) for x in adapters]
    size = fmpq(max((abs(x) for x in (*target.flat, *exact[0].flat)), default=1)) + 1
    digits = 50
    while digits <= MOST_DIGITS:
        ctx = BallArithmetic(digits)
        with ctx.working():
            off = _product(exact, factors, ctx) - ctx.matrix(target)
            if all(x.contains(0) for x in off.flat) and _is_exact(exact, target, factors):
                return ErrorNorms(flint.fmpq(0), flint.fmpq(0))
            found = ErrorNorms(ctx.operator_norm(off), ctx.frobenius_norm(off))
            if _narrow(found.spectral, wanted, size):
                return found
        digits *= 2
    raise ToleranceNotMet(f"expected an error in a ball of width {width}, got a wider one")


def _is_exact(exact: Sequence[Matrix], target: Matrix, factors: Sequence[Adapter]) -> bool:
    weights = [adapted(W, x, EXACT) for W, x in zip(exact, factors, strict=True)]
    return not (product(*reversed(weights), ctx=EXACT) != target).any()


def _product(exact: Sequence[Matrix], factors: Sequence[Adapter], ctx: BallArithmetic) -> Matrix:
    """What_L ... What_1 in balls, or exactly where all numbers are short."""
    whole = flint.arb_mat(ctx.identity(exact[0].shape[1]).tolist())
    for W, adapter in zip(exact, factors, strict=True):
        what = flint.arb_mat(ctx.matrix(W).tolist())
        if adapter.rank:
            B, A = (flint.arb_mat(ctx.matrix(X).tolist()) for X in (adapter.B, adapter.A))
            what = what + B * A
        whole = what * whole
    return np.array(whole.tolist(), dtype=object)


def _narrow(ball: flint.arb, width: flint.fmpq, size: flint.fmpq) -> bool:
    if not ball.is_finite():
        return False
    return bool(ball.rad() <= width * abs(ball).lower()) or bool(
        ball.upper() <= width * size * flint.fmpq(1, 10**6)
    )


def within(attained: Scalar, least: Scalar, tolerance: Any, size: Scalar) -> bool:
    """Whether an error surely is at most ``least`` (1 + tolerance), or tolerance * size above 0.

    >>> within(flint.arb(1), flint.arb(1), "1e-9", 1), within(flint.arb("1e-5"), 0, "1e-9", 1)
    (True, False)
    """
    allowed = fmpq(tolerance)
    room = flint.arb(least) * (1 + allowed) if least != 0 else flint.arb(size) * allowed
    return bool(attained <= room)


def precise_linear_adapters(
    frozen: Sequence[Any],
    target: Any,
    ranks: Sequence[int],
    *,
    tolerance: Any,
    digits: Iterable[int] = LADDER,
) -> LinearAdaptation:
    """``linear_adapters`` at the first number of digits that meets the optimum within a tolerance.

    Relative to sigma_{S+1}(E), or where that is 0 to ||E||_2; measured in balls from the adapters
    themselves. Where a frozen weight is singular or not square, and the optimum is missed, the
    answer is accepted once more digits no longer help. Raises ``ToleranceNotMet`` elsewhere.

    >>> I = [[1, 0], [0, 1]]
    >>> precise_linear_adapters([I], [[3, 0], [0, 5]], [1], tolerance="1e-9").weights[0].shape
    (2, 2)
    """
    exact, target = checked_net(frozen), EXACT.matrix(target)
    ctx = BallArithmetic(_digits_for(tolerance))
    bounds = lower_bounds(exact, target, ranks, ctx)
    with ctx.working():
        by_update, by_product = bounds.by_update.spectral, bounds.by_product.spectral
        least = by_product if by_product > by_update else by_update
        E = target - product(*reversed(exact), ctx=EXACT)
        size = ctx.operator_norm(ctx.matrix(E)) + flint.arb(10) ** -ctx.digits
    before: list[Scalar] = []

    def accept(found: LinearAdaptation) -> bool:
        width = fmpq(tolerance) / 100
        try:
            got = attained_error(exact, target, found.adapters, width=width).spectral
        except ToleranceNotMet:
            return False
        with ctx.working():
            before.append(got)
            if within(got, least, tolerance, size):
                return True
            settled = len(before) > 1 and within(before[-2], got, tolerance, size)
            return bool(found.broken) and settled and _may_miss(found)

    return at_enough_digits(lambda ctx: linear_adapters(exact, target, ranks, ctx), accept, digits)


def _may_miss(found: LinearAdaptation) -> bool:
    """Whether a frozen weight or a width, and no mere intermediate, is to blame."""
    return any(not x.assumption.startswith("P_0") for x in found.broken)


def _digits_for(tolerance: Any) -> int:
    size = Fraction(int(fmpq(tolerance).p), int(fmpq(tolerance).q))
    return 30 + max(0, len(str(size.denominator)) - len(str(size.numerator)))


def minimal_linear_rank(frozen: Sequence[Any], target: Any) -> int | None:
    """The least rank R per layer with which a linear net is exact: ceil(rank E / L).

    Proved where the frozen weights are square and nonsingular, or E = 0; ``None`` where it is not
    known.

    >>> I = [[1, 0], [0, 1]]
    >>> minimal_linear_rank([I, I], [[2, 0], [0, 3]]), minimal_linear_rank([[[0]], [[1]]], [[2]])
    (1, None)
    """
    exact = checked_net(frozen)
    E = EXACT.matrix(target) - product(*reversed(exact), ctx=EXACT)
    needed = -(-EXACT.rank(E) // len(exact))
    if needed == 0 or all(W.shape[0] == W.shape[1] == EXACT.rank(W) for W in exact):
        return int(needed)
    return None
