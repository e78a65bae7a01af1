"""Random starts of the trace-squared flow with B0 = 0: expected squared relative errors, exactly.

From B0 = 0 the flow of 1/2 (tr W)^2 ends at the update -(w0/||A0||^2) A0'A0, whose squared distance
from the full-parameter update -(w0/n) I, relative to the latter, is R^2 = n tr M^2/(tr M)^2 - 1
with M = A0'A0. The means of R^2 have closed forms; the functions that add up explicit entries or
run through all matrices know none of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from lora_proofs.arithmetic.context import squared_norm, trace
from lora_proofs.arithmetic.exact import EXACT, rational
from lora_proofs.errors import BadInput

KINDS = ("gaussian", "rademacher", "diagonal")
KURTOSIS = {"gaussian": Fraction(3), "rademacher": Fraction(1), "uniform": Fraction(9, 5)}
"""E a^4/(E a^2)^2 of an entry; ``uniform`` is the default of common LoRA implementations."""
MOST_MATRICES = 65_536

Law = Sequence[tuple[Any, Any]]
SIGNS: Law = ((1, Fraction(1, 2)), (-1, Fraction(1, 2)))


def expected_squared_error(kind: str, n: int, r: int) -> Fraction:
    """E R^2 of a random start A0 (r x n) with B0 = 0, exact and whatever the scale.

    ``gaussian`` and ``rademacher`` entries are independent, for any r; ``diagonal`` is an aligned
    start with r <= n independent centred Gaussian diagonal entries. Raises ``BadInput`` for another
    kind, for a size that is not positive, and for r > n with ``diagonal``. Rushka & Klabjan, our
    extension.

    >>> str(expected_squared_error("gaussian", 8, 3)), str(expected_squared_error("diagonal", 8, 3))
    ('35/13', '19/5')
    """
    _sizes(n, r)
    if kind == "gaussian":
        return Fraction((n - 1) * (n + 2), r * n + 2)
    if kind == "rademacher":
        return Fraction(n - 1, r)
    if kind != "diagonal":
        raise BadInput(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    if r > n:
        raise BadInput(f"r: expected an aligned start with r <= n = {n}, got r = {r}")
    return Fraction(3 * n, r + 2) - 1


def ratio_of_expectations(n: int, r: int, kurtosis: Any) -> Fraction:
    """n E tr M^2/E (tr M)^2 - 1 of independent centred entries with that kurtosis, exact.

    It is E R^2 for Gaussian (3) and Rademacher (1) entries, and its leading order for others, as
    for uniform ones (9/5). Raises ``BadInput`` for a kurtosis below 1, which no law has.

    >>> str(ratio_of_expectations(8, 3, "9/5"))
    '77/31'
    """
    _sizes(n, r)
    k = rational(kurtosis)
    if k < 1:
        raise BadInput(f"kurtosis: expected a number that is 1 or more, got {kurtosis!r}")
    return n * (n + r + k - 2) / (r * n + k - 1) - 1


def squared_error_from_zero_b(A0: Any) -> Fraction:
    """R^2 = n tr M^2/(tr M)^2 - 1, M = A0'A0, of one start A0 (r x n, exact) with B0 = 0.

    Raises ``BadInput`` for A0 = 0, from which nothing moves.

    >>> squared_error_from_zero_b([[1, 0, 0], [0, 1, 0]])
    Fraction(1, 2)
    """
    A = EXACT.matrix(A0)
    gram = A @ A.mT
    if trace(gram) == 0:
        raise BadInput("A0: expected a matrix other than 0, got 0: from B0 = 0 nothing moves")
    return rational(A.shape[1] * squared_norm(gram) / trace(gram) ** 2 - 1)


def gram_moments(n: int, r: int, moments: Sequence[Any]) -> tuple[Fraction, Fraction]:
    """(E tr M^2, E (tr M)^2) for independent equally distributed entries of A0 (r x n), M = A0'A0.

    ``moments`` are the mean and the second, third and fourth moment of an entry. Both are added up
    over explicit entries: no formula, and no condition on the law.

    >>> gram_moments(2, 1, (0, 1, 0, 3))
    (Fraction(8, 1), Fraction(8, 1))
    """
    _sizes(n, r)
    of = (Fraction(1), *map(rational, moments))
    if len(of) != 5:
        raise BadInput(f"moments: expected the first four, got {len(of) - 1}")
    rows, columns = range(r), range(n)
    gram = product(rows, rows, columns, columns)
    square = sum(_mean(((k, i), (k, j), (m, i), (m, j)), of) for k, m, i, j in gram)
    places = list(product(rows, columns))
    norm = sum(_mean((a, a, b, b), of) for a, b in product(places, places))
    return rational(square), rational(norm)


def _mean(places: tuple[tuple[int, int], ...], of: Sequence[Fraction]) -> Fraction:
    """The expected product of entries: each entry that occurs k times gives its k-th moment."""
    return prod((of[k] for k in Counter(places).values()), start=Fraction(1))


def enumerated_squared_error(n: int, r: int, law: Law) -> Fraction:
    """E R^2 by running through every matrix, for independent entries of a finite law.

    ``law`` holds pairs (value, probability) with nonzero values and probabilities that add up to 1.
    Raises ``BadInput`` otherwise, and beyond ``MOST_MATRICES`` matrices.

    >>> enumerated_squared_error(4, 2, [(1, "1/2"), (-1, "1/2")])
    Fraction(3, 2)
    """
    _sizes(n, r)
    points = [(rational(x), rational(p)) for x, p in law]
    if any(x == 0 for x, _ in points) or sum(p for _, p in points) != 1:
        raise BadInput("law: expected nonzero values with probabilities that add up to 1")
    if len(points) ** (r * n) > MOST_MATRICES:
        raise BadInput(f"expected at most {MOST_MATRICES} matrices, got {len(points) ** (r * n)}")
    total = Fraction(0)
    for entries in product(points, repeat=r * n):
        A = [[x for x, _ in entries[k * n : (k + 1) * n]] for k in range(r)]
        total += prod((p for _, p in entries), start=Fraction(1)) * _quotient(A, n)
    return total


def gaussian_error_by_cubature(n: int, r: int) -> Fraction:
    """E R^2 for Gaussian entries as a mean over finitely many matrices.

    R^2 depends on the direction of A0 alone, as a polynomial of degree 4. Its mean over the unit
    sphere of dimension N = rn is 2/(N + 2) times the mean over the coordinate directions plus
    N/(N + 2) times the mean over all sign matrices: both sides give x_1^4 the mean 3/(N(N + 2)) and
    x_1^2 x_2^2 the mean 1/(N(N + 2)), and 0 to what is odd in a coordinate.

    >>> gaussian_error_by_cubature(2, 2)
    Fraction(2, 3)
    """
    signs = enumerated_squared_error(n, r, SIGNS)
    one = squared_error_from_zero_b([[int(i + j == 0) for j in range(n)] for i in range(r)])
    return (2 * one + r * n * signs) / (r * n + 2)


def _quotient(A: Sequence[Sequence[Fraction]], n: int) -> Fraction:
    """n tr M^2/(tr M)^2 - 1, with tr M^2 the sum of squared inner products of rows."""
    inner = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in A] for a in A]
    square = sum(x * x for row in inner for x in row)
    return Fraction(n * square, sum(row[i] for i, row in enumerate(inner)) ** 2) - 1


def _sizes(n: Any, r: Any) -> None:
    for name, value in (("n", n), ("r", r)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadInput(f"{name}: expected a positive integer, got {value!r}")
