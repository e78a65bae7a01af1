"""Errors of a linear model against a target: spectral, Frobenius, and weighted by the inputs.

The weighted error of X is the mean of |X x|^2 over inputs with second moment Sigma, which is
tr(X Sigma X'), and rational. Its tail beyond k is that of the eigenvalues of X Sigma X', because
those are the squared singular values of X Sigma^{1/2}.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import flint

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.context import Matrix, squared_norm
from lora_proofs.arithmetic.dense import product
from lora_proofs.solving.adaptation_numbers import lower
from lora_proofs.solving.decimals import radius

NORMS = ("spectral", "frobenius")
WEIGHTED = "weighted"
MOST_DIGITS = 2560
"""Digits of the balls in which a bound is sought; one that is wider still is not known."""


def judged_by(moment: Matrix | None) -> tuple[str, ...]:
    """The errors that adapters are chosen by: both norms, or the weighted error alone.

    >>> judged_by(None), judged_by(EXACT.identity(2))
    (('spectral', 'frobenius'), ('weighted',))
    """
    return NORMS if moment is None else (WEIGHTED,)


def errors(X: Matrix, moment: Matrix | None, ctx: BallArithmetic) -> dict[str, Any]:
    """The norms of an exact matrix, and its weighted error where there is a second moment.

    >>> errors(EXACT.matrix([[0, 2]]), EXACT.matrix([[1, 0], [0, 3]]), BallArithmetic(20))[WEIGHTED]
    12
    """
    found = norms(X, ctx)
    return found if moment is None else {**found, WEIGHTED: mean_square(X, moment)}


def mean_square(X: Matrix, moment: Matrix) -> Any:
    """tr(X Sigma X'), the mean of |X x|^2; exact.

    >>> mean_square(EXACT.matrix([[1, 1]]), EXACT.matrix([[1, 1], [1, 1]]))
    4
    """
    return sum(gram(X, moment).diagonal(), flint.fmpq(0))


def gram(X: Matrix, moment: Matrix) -> Matrix:
    """X Sigma X', exact."""
    return product(X, moment, X.T, ctx=EXACT)


def norms(X: Matrix, ctx: BallArithmetic) -> dict[str, Any]:
    """The spectral and the Frobenius norm of an exact matrix, exactly 0 of zero.

    >>> norms(EXACT.matrix([[0]]), BallArithmetic(20))
    {'spectral': 0, 'frobenius': 0}
    """
    square = squared_norm(X)
    if square == 0:
        return dict.fromkeys(NORMS, flint.fmpq(0))
    with ctx.working():
        values = ctx.singular_values(ctx.matrix(X))
        return {"spectral": values[0], "frobenius": ctx.sqrt(ctx.number(square))}


def tails(X: Matrix, kept: int, moment: Matrix | None, ctx: BallArithmetic) -> dict[str, Any]:
    """The least errors of X - M over all M of rank at most ``kept``, each by itself.

    Zeros are decided over the rationals, the rest is enclosed.

    >>> found = tails(EXACT.matrix([[3, 0], [0, 1]]), 1, EXACT.identity(2), BallArithmetic(20))
    >>> [round(float(found[k].mid()), 9) for k in (*NORMS, WEIGHTED)]
    [1.0, 1.0, 1.0]
    """
    found = tail_norms(_beyond(X, kept, ctx), ctx)
    if moment is None:
        return found
    with ctx.working():
        rest = _beyond(gram(X, moment), kept, ctx)
        return {**found, WEIGHTED: sum(rest, flint.arb(0)) if rest else flint.fmpq(0)}


def _beyond(X: Matrix, kept: int, ctx: BallArithmetic) -> Sequence[Any]:
    """The singular values beyond so many that are not 0, the first to half of the digits.

    The rank is exact, so a ball that holds 0 is too wide: it is enclosed again with more digits.
    """
    rank, balls = EXACT.rank(X), ctx
    while kept < rank:
        with balls.working():
            rest = balls.singular_values(balls.matrix(X))[kept:rank]
        if known_well(rest[0], ctx.digits // 2) or balls.digits >= MOST_DIGITS:
            return rest
        balls = BallArithmetic(2 * balls.digits)
    return ()


def known_well(x: Any, digits: int) -> bool:
    """Whether a ball is above 0 and has so many digits, or the number is exact.

    >>> known_well(flint.fmpq(0), 9), known_well(flint.arb(1, "1e-9"), 8)
    (True, True)
    >>> known_well(flint.arb(1, 2), 0), known_well(flint.arb(1, "1e-9"), 10)
    (False, False)
    """
    return not isinstance(x, flint.arb) or 0 <= radius(x) * 10**digits < lower(x)


def tail_norms(rest: Sequence[Any], ctx: BallArithmetic) -> dict[str, Any]:
    """The norms of a matrix with these singular values, largest first.

    >>> tail_norms([], BallArithmetic(20))
    {'spectral': 0, 'frobenius': 0}
    """
    if not rest:
        return dict.fromkeys(NORMS, flint.fmpq(0))
    with ctx.working():
        total = sum((x * x for x in rest), flint.arb(0))
        return {"spectral": rest[0], "frobenius": ctx.sqrt(total)}


def larger(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """In each norm the bound whose lower end is larger; a ball at 0 before an exact 0."""

    def least(x: Any) -> tuple[Any, bool]:
        return max(lower(x), Fraction(0)), isinstance(x, flint.arb)

    return {k: max(one[k], other[k], key=least) for k in one}
