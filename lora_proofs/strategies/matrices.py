"""Exact random matrices whose shape and rank are chosen first; they shrink to small identities.

A matrix is an exact one: a NumPy array of dtype ``object`` that holds ``flint.fmpq``. Where an
``entry`` is asked for, it is a function from a ``Draw`` to an exact number.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.errors import BadInput
from lora_proofs.strategies.draw import (
    Draw,
    fraction,
    nonzero,
    number_among,
    permutation,
    quarter,
)

Entry = Callable[[Draw], Fraction]
ONE = Fraction(1)


def shape(draw: Draw, *, low: int = 1, high: int = 4) -> tuple[int, int]:
    """Rows and columns between ``low`` and ``high``, shrinking to (low, low).

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> n, m = shape(SeededDraw.keyed(0), low=2, high=3)
    >>> 2 <= min(n, m) <= max(n, m) <= 3
    True
    """
    return draw.integer(low, high), draw.integer(low, high)


def matrix(draw: Draw, n: int, m: int, *, entry: Entry = fraction) -> Matrix:
    """A matrix of shape (n, m) with free entries, shrinking to 0.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> matrix(SeededDraw.keyed(0), 2, 3).shape
    (2, 3)
    """
    return EXACT.matrix([[entry(draw) for _ in range(m)] for _ in range(n)])


def dyadic_matrix(draw: Draw, n: int, m: int) -> Matrix:
    """A matrix of shape (n, m) of quarters, which float64 holds exactly, shrinking to 0.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> X = dyadic_matrix(SeededDraw.keyed(0), 2, 2)
    >>> {int(x.q) for x in X.flat} <= {1, 2, 4}
    True
    """
    return matrix(draw, n, m, entry=quarter)


def _nonzero(draw: Draw, entry: Entry) -> Fraction:
    """An entry that is not 0: a drawn 0 becomes 1, which is what it shrinks to."""
    return nonzero(entry(draw))


def full_rank_matrix(draw: Draw, n: int, m: int, *, entry: Entry = fraction) -> Matrix:
    """A matrix of shape (n, m) and exact rank min(n, m), shrinking to an identity.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> EXACT.rank(full_rank_matrix(SeededDraw.keyed(0), 4, 2))
    2
    """
    return rank_matrix(draw, n, m, min(n, m), entry=entry)


def rank_matrix(draw: Draw, n: int, m: int, rank: int, *, entry: Entry = fraction) -> Matrix:
    """A matrix of shape (n, m) and exact rank ``rank``: P L R Q with L and R in echelon form.

    Every such matrix can come; it shrinks to the identity of size ``rank`` padded with zeros.
    Raises ``BadInput`` unless 0 <= rank <= min(n, m).

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> EXACT.rank(rank_matrix(SeededDraw.keyed(0), 4, 3, 2))
    2
    """
    if not 0 <= rank <= min(n, m):
        raise BadInput(f"expected a rank between 0 and {min(n, m)} for shape {(n, m)}, got {rank}")
    if rank == 0:
        return EXACT.zeros(n, m)
    left = _echelon(draw, n, rank, entry, unit=True)
    right = _echelon(draw, m, rank, entry, unit=False).mT
    product = left[permutation(draw, n)] @ right[:, permutation(draw, m)]
    assert EXACT.rank(product) == rank
    return product


def _echelon(draw: Draw, n: int, k: int, entry: Entry, *, unit: bool) -> Matrix:
    """A lower trapezoidal matrix of shape (n, k) with a nonzero diagonal, hence of rank k."""
    X = EXACT.zeros(n, k)
    for i in range(n):
        for j in range(min(i + 1, k)):
            diagonal = ONE if unit else _nonzero(draw, entry)
            X[i, j] = EXACT.number(diagonal if i == j else entry(draw))
    return X


def skew_matrix(draw: Draw, n: int) -> Matrix:
    """A skew-symmetric matrix of shape (n, n) with entries among 0, +-1/2, +-1, +-2.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> S = skew_matrix(SeededDraw.keyed(0), 3)
    >>> bool((S == -S.mT).all())
    True
    """
    S = EXACT.zeros(n, n)
    for i in range(n):
        for j in range(i):
            S[i, j] = EXACT.number(number_among(draw, (0, 1, -1, "1/2", "-1/2", 2, -2)))
            S[j, i] = -S[i, j]
    return S


def orthogonal_matrix(draw: Draw, n: int, *, dyadic: bool = False) -> Matrix:
    """A rational orthogonal matrix of shape (n, n): signs times a Cayley transform.

    A ``dyadic`` one is a signed permutation, which float64 holds exactly. Both shrink to the
    identity.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> Q = orthogonal_matrix(SeededDraw.keyed(0), 3)
    >>> bool((Q.mT @ Q == EXACT.identity(3)).all())
    True
    """
    signs = EXACT.identity(n)
    for i in range(n):
        signs[i, i] *= number_among(draw, (1, -1))
    if dyadic:
        return signs[permutation(draw, n)]
    S = skew_matrix(draw, n)
    return signs @ EXACT.inverse(EXACT.identity(n) - S) @ (EXACT.identity(n) + S)


def orthonormal_rows(draw: Draw, k: int, m: int, *, dyadic: bool = False) -> Matrix:
    """A matrix Q of shape (k, m) with Q Q' = I; raises ``BadInput`` where k > m.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> Q = orthonormal_rows(SeededDraw.keyed(0), 2, 3)
    >>> bool((Q @ Q.mT == EXACT.identity(2)).all())
    True
    """
    if not 1 <= k <= m:
        raise BadInput(f"expected between 1 and {m} orthonormal rows of length {m}, got {k}")
    return orthogonal_matrix(draw, m, dyadic=dyadic)[:k]


def symmetric_matrix(draw: Draw, n: int, *, entry: Entry = fraction) -> Matrix:
    """A symmetric matrix of shape (n, n) with free entries, shrinking to 0.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> S = symmetric_matrix(SeededDraw.keyed(0), 3)
    >>> bool((S == S.mT).all())
    True
    """
    S = EXACT.zeros(n, n)
    for i in range(n):
        for j in range(i + 1):
            S[i, j] = S[j, i] = EXACT.number(entry(draw))
    return S


def psd_matrix(draw: Draw, n: int, rank: int, *, entry: Entry = fraction) -> Matrix:
    """A positive semidefinite matrix of shape (n, n) and exact rank ``rank``: L L'.

    Raises ``BadInput`` unless 0 <= rank <= n.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> P = psd_matrix(SeededDraw.keyed(0), 3, 2)
    >>> EXACT.rank(P), bool(P[0, 0] >= 0)
    (2, True)
    """
    if rank == 0:
        return EXACT.zeros(n, n)
    L = rank_matrix(draw, n, rank, rank, entry=entry)
    return L @ L.mT


def diagonal_matrix(draw: Draw, n: int, *, entry: Entry = fraction) -> Matrix:
    """A diagonal matrix of shape (n, n), shrinking to 0.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> D = diagonal_matrix(SeededDraw.keyed(0), 2)
    >>> D[0, 1], D[1, 0]
    (0, 0)
    """
    D = EXACT.zeros(n, n)
    for i in range(n):
        D[i, i] = EXACT.number(entry(draw))
    return D
