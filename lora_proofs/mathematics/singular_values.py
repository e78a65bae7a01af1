"""Singular values of exact matrices: every tie and every zero decided, every value enclosed.

With d the common denominator of E, (dE)'(dE) is an integer matrix, so its eigenvalues are roots of
a monic polynomial over the integers: rational only where they are integers. Its square-free factors
give the multiplicities, the power of x in it the rank; the roots are isolated by balls. No float
decides anything.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import flint

from lora_proofs.arithmetic.ball import BallArithmetic
from lora_proofs.arithmetic.comparison import Comparison, below, equal
from lora_proofs.arithmetic.context import Matrix, Scalar
from lora_proofs.arithmetic.exact import EXACT, fmpq
from lora_proofs.arithmetic.recorded import plain_rows, together
from lora_proofs.errors import BadInput, Unavailable

Level = tuple[Any, int]
"""A squared singular value, exact where it is rational and a ball elsewhere; its multiplicity."""

MOST_BITS = 1 << 16
ZERO = flint.fmpq(0)


def squared_levels(E: Any, bits: int = 64) -> list[Level]:
    """The distinct squared singular values of E: (n, m), largest first, with multiplicities.

    The balls are disjoint, so the order is beyond doubt, and hold ``bits`` bits at least. All
    multiplicities, the one of 0 included, add up to min(n, m).

    >>> squared_levels([[3, 0, 0], [0, "1/2", 0], [0, 0, "1/2"]])
    [(9, 1), (1/4, 2)]
    """
    if recording := together(E):
        return recording.squared_levels(EXACT.matrix(E))  # type: ignore[no-any-return]
    polynomial, d = _gram_polynomial(EXACT.matrix(E))
    return levels_of_polynomial(polynomial, d * d, bits)


def levels_of_polynomial(polynomial: flint.fmpz_poly, d: flint.fmpz, bits: int) -> list[Level]:
    """The distinct roots over d, largest first, with multiplicities, of a monic integer polynomial.

    All of them have to be real and at least 0. Balls are as in ``squared_levels``.

    >>> levels_of_polynomial(flint.fmpz_poly([4, -4, 1]), flint.fmpz(3), 64)
    [(2/3, 2)]
    """
    parts = _square_free(polynomial)
    # A root is an integer or not: the balls have to be narrower than the integers are apart.
    bits = max(bits, _size(polynomial) + 16)
    while bits <= MOST_BITS:
        with flint.ctx.workprec(bits):
            found = [(x, k) for part, k in parts for x in _roots(part)]
            found.sort(key=lambda level: flint.arb(level[0]).mid(), reverse=True)
            if all(a > b for (a, _), (b, _) in pairwise(found)):
                return [(x / d, k) for x, k in found]
        bits *= 2
    raise Unavailable("singular values that are told apart", "ball")


def multiplicities(E: Any) -> list[int]:
    """How often each distinct singular value occurs, from the largest to the smallest.

    >>> multiplicities([[1, 1], [1, 1]]), multiplicities([[0, 2], [2, 0]])
    ([1, 1], [2])
    """
    if recording := together(E):
        return [k for _, k in recording.squared_levels(EXACT.matrix(E))]
    parts = _square_free(_gram_polynomial(EXACT.matrix(E))[0])
    positive, zero = _positive_part(parts), [k for p, k in parts if p[0] == 0]
    if len(positive) > 1:  # which of them is larger, only the roots can tell
        return [k for _, k in squared_levels(E)]
    return [k for p, k in positive for _ in range(p.degree())] + zero


def is_gap(E: Any, r: int) -> bool:
    """Whether sigma_r > sigma_{r+1} of an exact E, decided without its values where that can be.

    sigma_i is 0 for i > min(n, m). Raises ``BadInput`` for r < 1.

    >>> is_gap([[2, 0], [0, 1]], 1), is_gap([[1, 0], [0, 1]], 1), is_gap([[1, 0], [0, 1]], 2)
    (True, False, True)
    """
    ends = accumulate(multiplicities(E))
    return checked_rank(r) <= EXACT.rank(EXACT.matrix(E)) and r in ends


def singular_value(E: Any, k: int, *, width: Any) -> Scalar:
    """sigma_k of an exact E, exact where it is rational, else a ball no wider than ``width``.

    sigma_k is 0 for k > min(n, m). Raises ``BadInput`` for k < 1 or a width that is not above 0,
    ``Unavailable`` where it costs more than ``MOST_BITS`` bits.

    >>> singular_value([["3/5", 0], [0, 2]], 2, width="1/10")
    3/5
    >>> sigma = singular_value([[1, 1], [0, 1]], 1, width="1e-40")
    >>> bool(2 * sigma.rad() <= flint.arb("1e-40")), sigma.str(30, radius=False)
    (True, '1.61803398874989484820458683437')
    """
    wanted = fmpq(width)
    if not wanted > 0:
        raise BadInput(f"width: expected a number above 0, got {width!r}")
    bits = 64 + max(0, int(wanted.q).bit_length() - int(wanted.p).bit_length())
    while bits <= MOST_BITS:
        with flint.ctx.workprec(bits):
            sigma = _root(_kth(squared_levels(E, bits), checked_rank(k)))
            if isinstance(sigma, flint.fmpq) or 2 * sigma.rad() <= wanted:
                return sigma
        bits *= 2
    raise Unavailable(f"sigma_{k} in a ball of width {width}", "ball")


def singular_gap(E: Any, r: int, ctx: BallArithmetic | None = None) -> Comparison:
    """The comparison sigma_r > sigma_{r+1}: decided where E is exact, by enclosures in balls.

    sigma_i is 0 for i > min(n, m). Of balls that overlap it is undecided.

    >>> singular_gap([[2, 0], [0, 1]], 1).outcome, singular_gap([[0, 1], [1, 0]], 1).outcome
    ('holds', 'fails')
    """
    label = f"sigma_{checked_rank(r)} > sigma_{r + 1}"
    if _uncertain(E):
        values = [*_enclosed(E, ctx), *[flint.arb(0)] * (r + 1)]
        return below(label, values[r], values[r - 1])
    bits, told = 64, below(label, ZERO, _gap(E, r, 64))
    while told.outcome == "undecided" and bits < MOST_BITS:
        bits *= 2
        told = below(label, ZERO, _gap(E, r, bits))
    return told  # squares that are told apart differ, so it is decided


def _gap(E: Any, r: int, bits: int) -> Any:
    """sigma_r^2 - sigma_{r+1}^2 of an exact matrix, exactly 0 at a tie."""
    levels = squared_levels(E, bits)
    first, second = _kth(levels, r), _kth(levels, r + 1)
    # A tie is one level: it is met twice as the same object, however wide its ball.
    return ZERO if first is second else first - second


def rank_is(E: Any, k: int, ctx: BallArithmetic | None = None) -> Comparison:
    """The comparison rank E = k: decided where E is exact, by bounds in balls.

    >>> rank_is([[1, 2], [2, 4]], 1).outcome, rank_is([[1, 2], [2, 4]], 2).outcome
    ('holds', 'fails')
    >>> rank_is([[1, 0], [0, flint.arb(0, "0.5")]], 2).outcome
    'undecided'
    """
    low, high = rank_bounds(E, ctx)
    rank = flint.fmpq(low) if low == high else flint.arb(low).union(flint.arb(high))
    return equal(f"rank = {k}", rank, fmpq(k))


def rank_bounds(E: Any, ctx: BallArithmetic | None = None) -> tuple[int, int]:
    """The least and the greatest rank of a matrix in E; the same where E is exact.

    >>> rank_bounds([[1, 2], [2, 4]]), rank_bounds([[1, 0], [0, flint.arb(0, "0.5")]])
    ((1, 1), (1, 2))
    """
    if not _uncertain(E):
        rank = EXACT.rank(EXACT.matrix(E))
        return rank, rank
    rows = [list(row) for row in E]
    lines = (rows, list(zip(*rows, strict=True)))
    high = min(sum(any(not x == 0 for x in line) for line in side) for side in lines)
    return sum(bool(x > 0) for x in _enclosed(E, ctx)), high


def checked_rank(r: int) -> int:
    """r, where it is a whole number that is 1 or more; ``BadInput`` elsewhere."""
    if isinstance(r, bool) or not isinstance(r, int) or r < 1:
        raise BadInput(f"r: expected a rank that is 1 or more, got {r!r}")
    return r


def _uncertain(E: Any) -> bool:
    return any(isinstance(x, flint.arb) for row in E for x in row)


def _enclosed(E: Any, ctx: BallArithmetic | None) -> list[flint.arb]:
    ctx = ctx or BallArithmetic()
    with ctx.working():
        return ctx.singular_values(ctx.matrix(E))


def _kth(levels: list[Level], k: int) -> Any:
    """The k-th largest squared singular value, counted with multiplicity."""
    for value, times in levels:
        k -= times
        if k <= 0:
            return value
    return ZERO


def _root(square: Any) -> Any:
    if isinstance(square, flint.arb):
        return square.sqrt()
    try:
        return EXACT.sqrt(square)
    except Unavailable:
        return flint.arb(square).sqrt()


def _gram_polynomial(E: Matrix) -> tuple[flint.fmpz_poly, flint.fmpz]:
    """The characteristic polynomial of the smaller Gram matrix of dE, and d."""
    whole, d = flint.fmpq_mat(plain_rows(E)).numer_denom()
    turned = whole.transpose()
    gram = whole * turned if E.shape[0] <= E.shape[1] else turned * whole
    return gram.charpoly(), d


def _square_free(p: flint.fmpz_poly) -> list[tuple[flint.fmpz_poly, int]]:
    """Coprime factors without repeated roots, and how often each divides p."""
    return [(factor, int(k)) for factor, k in p.factor_squarefree()[1]]


def _positive_part(parts: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """The factors without the root 0 in them."""
    x = flint.fmpz_poly([0, 1])
    without = [(p if p[0] != 0 else p // x, k) for p, k in parts]
    return [(p, k) for p, k in without if p.degree() > 0]


def _size(p: flint.fmpz_poly) -> int:
    """Bits of the largest root of p, which are all at least 0: their sum is the trace."""
    return abs(int(p[p.degree() - 1])).bit_length()


def _roots(p: flint.fmpz_poly) -> list[Any]:
    """The roots of a monic square-free factor, which are real: exact where they are integers."""
    if p.degree() == 1:
        return [flint.fmpq(-p[0])]
    found: Any = p.complex_roots()
    return [_integer_root(p, root.real) for root, _ in found]


def _integer_root(p: flint.fmpz_poly, ball: flint.arb) -> Any:
    nearest = ball.unique_fmpz()
    return flint.fmpq(nearest) if nearest is not None and p(nearest) == 0 else ball
