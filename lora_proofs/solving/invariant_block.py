"""What an exact invariance leaves of a Frobenius problem: the subspaces that the flow never leaves.

Let V hold the rows of A0 and U the columns of B0, with E V in U and E'U in V. Then B stays in U and
A' in V, and E maps the complement of V into that of U: the flow sees E P alone, where P projects
on V. The kernel of [B; A'] stays too, so [B; A'] is worth as many rank indices as its rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Matrix, squared_norm
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.arithmetic.recorded import plain_rows


@dataclass(frozen=True, eq=False)
class InvariantBlock:
    """The part of E that the flow sees, the rank that it has for it, and the loss of the rest.

    ``width`` and ``height`` are the dimensions of V and U: with as many rank indices as one of
    them nothing is left out.
    """

    E: Matrix
    rank: int
    rest: Any
    width: int
    height: int


def invariant_block(E: Any, A0: Any, B0: Any) -> InvariantBlock:
    """The smallest invariant block of the Frobenius flow from A0 (r x m), B0 (n x r); all exact.

    >>> block = invariant_block([[3, 0], [0, 2]], [[0, 1]], [[0], [0]])
    >>> block.E.tolist(), block.rank, block.rest
    ([[0, 0], [0, 2]], 1, 9/2)
    """
    E, A0, B0 = (EXACT.matrix(X) for X in (E, A0, B0))
    V = closure(E.mT @ E, np.concatenate([A0.mT, E.mT @ B0], axis=1))
    U = closure(E @ E.mT, np.concatenate([B0, E @ A0.mT], axis=1))
    seen = E @ projector(V)
    rank = EXACT.rank(np.concatenate([B0, A0.mT]))
    return InvariantBlock(seen, rank, squared_norm(E - seen) / 2, V.shape[1], U.shape[1])


def closure(gram: Matrix, start: Matrix) -> Matrix:
    """A basis, as columns, of the smallest space that holds ``start`` and is mapped into itself.

    >>> closure(EXACT.matrix([[2, 0], [0, 3]]), EXACT.matrix([[1], [0]])).tolist()
    [[1], [0]]
    """
    basis = independent_columns(start)
    while True:
        larger = independent_columns(np.concatenate([basis, gram @ basis], axis=1))
        if larger.shape == basis.shape:
            return basis
        basis = larger


def independent_columns(X: Matrix) -> Matrix:
    """Columns that span what the columns of X span, and are independent; X is exact.

    >>> independent_columns(EXACT.matrix([[1, 2], [1, 2]])).tolist()
    [[1], [1]]
    """
    if X.shape[1] == 0:
        return X
    reduced, rank = flint.fmpq_mat(plain_rows(X.mT)).rref()
    return EXACT.matrix(reduced.tolist())[:rank].mT.reshape(X.shape[0], rank)


def projector(V: Matrix) -> Matrix:
    """The orthogonal projector on the columns of V, which are independent; V is exact.

    >>> projector(EXACT.matrix([[1], [1]])).tolist()
    [[1/2, 1/2], [1/2, 1/2]]
    """
    if V.shape[1] == 0:
        return EXACT.zeros(V.shape[0], V.shape[0])
    return V @ EXACT.inverse(V.mT @ V) @ V.mT
