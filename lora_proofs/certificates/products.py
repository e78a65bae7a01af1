"""Products and singular values of exact matrices as certificates, and several as one bundle.

Since W + B A = [W | B] [I; A], one product of such factors holds a frozen weight and an adapter,
whose rank shows in the shapes; long fractions are taken out of both, into a diagonal. A bundle
says where the same matrix stands in two of its certificates: the checker compares these places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.context import Matrix
from lora_proofs.certificates.envelope import certificate
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.solving.adaptation_numbers import lower, upper

BITS = 96
EVERYTHING = "every certificate in it"
Place = list[Any]
"""Where a matrix stands in a bundle: number, keys and indices, perhaps the ends of a block."""


@dataclass
class Members:
    """The certificates of a bundle, and pairs of places with the same matrix."""

    parts: list[dict[str, Any]] = field(default_factory=list)
    same: list[tuple[Place, Place]] = field(default_factory=list)

    def add(self, part: dict[str, Any], *same: tuple[Place, Place]) -> int:
        """One more certificate; each pair is a place in it, without its number, and one before."""
        self.parts.append(part)
        last = len(self.parts) - 1
        self.same += [([last, *place], other) for place, other in same]
        return last


def bundle(
    parts: Sequence[dict[str, Any]], same: Sequence[tuple[Place, Place]] = ()
) -> dict[str, Any]:
    """Several certificates as one, with the places that hold the same matrix."""
    return certificate("bundle", None, EVERYTHING, certificates=list(parts), same=list(same))


def product_certificate(factors: Sequence[Matrix], asserts: str) -> dict[str, Any]:
    """The product of exact factors, with all ranks.

    >>> told = product_certificate([EXACT.matrix([[2]]), EXACT.matrix([["1/2"]])], "two factors")
    >>> told["equals"], told["ranks"]
    ([[1]], {'factors': [1, 1], 'equals': 1})
    """
    whole = [flint.fmpq_mat(X.tolist()) for X in factors]
    result = reduce(lambda X, Y: X * Y, whole)
    ranks = {"factors": [int(X.rank()) for X in whole], "equals": int(result.rank())}
    told = EXACT.matrix(result.tolist())
    return certificate("product", None, asserts, factors=list(factors), equals=told, ranks=ranks)


def halves(W: Matrix, adapter: Adapter) -> list[Matrix]:
    """[W | B] and [I; A], whose product is W + B A; W alone for rank 0.

    >>> W, adapter = EXACT.matrix([[1]]), Adapter(EXACT.matrix([[2]]), EXACT.matrix([[3]]))
    >>> [X.tolist() for X in halves(W, adapter)]
    [[[1, 2]], [[1], [3]]]
    """
    if adapter.rank == 0:
        return [W]
    below = np.concatenate([EXACT.identity(W.shape[1]), adapter.A], axis=0)
    return [np.concatenate([W, adapter.B], axis=1), below]


def thirds(W: Matrix, adapter: Adapter) -> list[Matrix]:
    """[W | N], a diagonal and [I; M], whose product is W + B A, with whole numbers in N and M.

    Common denominators of long fractions would stand in every number of an elimination; here they
    stand in the diagonal alone.

    >>> W, adapter = EXACT.matrix([[1]]), Adapter(EXACT.matrix([["2/3"]]), EXACT.matrix([[3]]))
    >>> [X.tolist() for X in thirds(W, adapter)]
    [[[1, 1]], [[1, 0], [0, 2]], [[1], [1]]]
    """
    if adapter.rank == 0:
        return [W]
    left = [_primitive(column) for column in adapter.B.T]
    right = [_primitive(row) for row in adapter.A]
    scales = [x * y for (x, _), (y, _) in zip(left, right, strict=True)]
    N, M = np.array([v for _, v in left]).T, np.array([v for _, v in right])
    one = EXACT.identity(W.shape[1])
    middle = diagonal([one, *(EXACT.matrix([[x]]) for x in scales)])
    return [np.concatenate([W, N], axis=1), middle, np.concatenate([one, M])]


def _primitive(v: Any) -> tuple[Any, Any]:
    """A number and whole numbers without a common divisor, whose product is the vector."""
    d = reduce(lambda x, y: x.lcm(y), [x.q for x in v])
    whole = [(x * d).p for x in v]
    g = reduce(lambda x, y: x.gcd(y), whole)
    if g == 0:
        return flint.fmpq(0), v
    return flint.fmpq(g, d), np.array([flint.fmpq(x // g) for x in whole], dtype=object)


def transposed(factors: Sequence[Matrix]) -> list[Matrix]:
    """The factors of the transposed product.

    >>> [X.tolist() for X in transposed([EXACT.matrix([[1, 2]]), EXACT.matrix([[3], [4]])])]
    [[[3, 4]], [[1], [2]]]
    """
    return [X.mT for X in reversed(factors)]


def less(factors: Sequence[Matrix], X: Matrix) -> list[Matrix]:
    """Factors of F_1 F_2 ... - X: [F_1 | X], every other F beside the identity, and [I; -I].

    >>> two = [EXACT.matrix([[2]]), EXACT.matrix([[3]])]
    >>> product_certificate(less(two, EXACT.matrix([[1]])), "2 x 3 - 1")["equals"]
    [[5]]
    """
    one = EXACT.identity(X.shape[1])
    first = np.concatenate([factors[0], X], axis=1)
    return [first, *(diagonal([F, one]) for F in factors[1:]), np.concatenate([one, -one])]


def singular_certificate(M: Matrix, index: int, asserts: str) -> dict[str, Any]:
    """Bounds of a singular value between decimals, as balls nominate them."""
    balls = BallArithmetic(60)
    with balls.working():
        value = balls.singular_values(balls.matrix(M))[index - 1]
    unit = Fraction(1, 2**BITS) * max(upper(value), Fraction(1, 2**BITS))
    low = max(Fraction(0), lower(value) // unit * unit)
    high = -(-upper(value) // unit) * unit
    if EXACT.rank(M) < index:
        low = high = Fraction(0)
    return certificate(
        "singular-value", None, asserts, matrix=M, index=index, lower=low, upper=high
    )


def diagonal(blocks: Sequence[Matrix]) -> Matrix:
    """Blocks along the diagonal.

    >>> diagonal([EXACT.matrix([[2, 3]]), EXACT.matrix([[4]])]).tolist()
    [[2, 3, 0], [0, 0, 4]]
    """
    whole = EXACT.zeros(sum(len(X) for X in blocks), sum(X.shape[1] for X in blocks))
    row = column = 0
    for X in blocks:
        whole[row : row + len(X), column : column + X.shape[1]] = X
        row, column = row + len(X), column + X.shape[1]
    return whole
