"""The singular values of U V', exactly and by enclosures, without the product.

The squares of the positive ones are the positive eigenvalues of M = (U'U)(V'V), which is k x k, and
V x is a right singular vector where x is an eigenvector of M. As a product of two positive
semidefinite matrices M is diagonalizable (Hong and Horn 1991), so prod_{i not in I} (M - lambda_i)
maps onto the eigenspaces in I.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import flint

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.errors import ShapeMismatch
from lora_proofs.mathematics.singular_values import Level, levels_of_polynomial


@dataclass(frozen=True, eq=False)
class FactoredMatrix:
    """E = U V' with U (n, k) and V (m, k), exact; n x m is never formed."""

    U: Matrix
    V: Matrix

    def __post_init__(self) -> None:
        if self.U.shape[1] != self.V.shape[1]:
            raise ShapeMismatch(
                f"expected U (n, k) and V (m, k), got {self.U.shape} and {self.V.shape}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of E."""
        return len(self.U), len(self.V)

    @cached_property
    def M(self) -> flint.fmpq_mat:
        """(U'U)(V'V): k x k."""
        return gram(self.U) * gram(self.V)

    @cached_property
    def square(self) -> Any:
        """||E||_F^2 = tr M, exact."""
        return sum((self.M[i, i] for i in range(self.M.nrows())), flint.fmpq(0))

    @property
    def trace(self) -> Any:
        """tr E of a square E: the sum of all products of entries of U and V, exact."""
        U, V = (flint.fmpq_mat(X.tolist()) for X in (self.U, self.V))
        both = V.transpose() * U
        return sum((both[i, i] for i in range(both.nrows())), flint.fmpq(0))

    def levels(self, bits: int) -> list[Level]:
        """The distinct squared singular values that are not 0, largest first, with multiplicities.

        >>> from lora_proofs.arithmetic.exact import EXACT
        >>> U = EXACT.matrix([[3, 0], [0, 1], [0, 0]])
        >>> FactoredMatrix(U, EXACT.identity(2)).levels(64)
        [(9, 1), (1, 1)]
        """
        whole, d = self.M.numer_denom()
        found = levels_of_polynomial(whole.charpoly(), d, bits)
        return [(x, k) for x, k in found if not x == 0]

    def onto(self, kept: list[int], levels: list[Level]) -> flint.arb_mat:
        """A k x k matrix whose columns span the eigenspaces of the levels that are kept.

        The levels are all that are not 0; that of 0 is left out too. At the precision in use.
        """
        k = self.M.nrows()
        M = flint.arb_mat(self.M)
        out = flint.arb_mat(self.M)  # one factor M leaves out the level 0
        for i, (value, _) in enumerate(levels):
            if i not in kept:
                shift = flint.arb_mat(k, k)
                for j in range(k):
                    shift[j, j] = flint.arb(value)
                out = out * (M - shift)
        return out


def gram(X: Matrix) -> flint.fmpq_mat:
    """X'X of an exact matrix, as one of FLINT.

    >>> from lora_proofs.arithmetic.exact import EXACT
    >>> gram(EXACT.matrix([[1, 2], [0, 1]])).tolist()
    [[1, 2], [2, 5]]
    """
    whole = flint.fmpq_mat(X.tolist())
    return whole.transpose() * whole


def sees_all(rows: flint.fmpq_mat, onto: flint.arb_mat, rank: int) -> bool:
    """Whether R N, N of that rank, surely has that rank too: R (r, k) exact, N (k, k) of balls.

    >>> sees_all(flint.fmpq_mat([[1, 0]]), flint.arb_mat([[1, 0], [0, 0]]), 1)
    True
    """
    seen = flint.arb_mat(rows) * onto
    S = seen * seen.transpose()
    coefficients = S.charpoly()
    return bool((-1) ** rank * coefficients[S.nrows() - rank] > 0)
