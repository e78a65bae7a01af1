"""What an arithmetic offers, and the matrix functions that need nothing from it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

Scalar = Any
Matrix = Any


class Arithmetic(Protocol):
    """A number system: lifts exact data and supplies what operators cannot.

    ``rigorous`` says whether a comparison made in it can refute or certify. Operators use the
    precision that is in force, so computations run inside ``with ctx.working():``.
    """

    def __hash__(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def rigorous(self) -> bool: ...
    def working(self) -> AbstractContextManager[Any]: ...
    def number(self, value: Any) -> Scalar: ...
    def matrix(self, rows: Any) -> Matrix: ...
    def zeros(self, rows: int, columns: int) -> Matrix: ...
    def identity(self, size: int) -> Matrix: ...
    def sqrt(self, x: Scalar) -> Scalar: ...
    def exp(self, x: Scalar) -> Scalar: ...
    def log(self, x: Scalar) -> Scalar: ...
    def cosh(self, x: Scalar) -> Scalar: ...
    def sinh(self, x: Scalar) -> Scalar: ...
    def tanh(self, x: Scalar) -> Scalar: ...
    def inverse(self, X: Matrix) -> Matrix: ...
    def rank(self, X: Matrix) -> int: ...
    def singular_values(self, X: Matrix) -> list[Scalar]: ...
    def operator_norm(self, X: Matrix) -> Scalar: ...
    def frobenius_norm(self, X: Matrix) -> Scalar: ...


def trace(X: Matrix) -> Scalar:
    """Trace of X over its last two axes.

    >>> from lora_proofs.arithmetic import EXACT, trace
    >>> trace(EXACT.matrix([[1, 2], [3, "1/2"]]))
    3/2
    """
    return np.trace(X, axis1=-2, axis2=-1)


def inner(X: Matrix, Y: Matrix) -> Scalar:
    """Frobenius inner product tr(X'Y) over the last two axes.

    >>> from lora_proofs.arithmetic import EXACT, inner
    >>> inner(EXACT.matrix([[1, 2]]), EXACT.matrix([[3, 4]]))
    11
    """
    return (X * Y).sum(axis=(-2, -1))


def squared_norm(X: Matrix) -> Scalar:
    """Squared Frobenius norm, the one norm that stays rational.

    >>> from lora_proofs.arithmetic import EXACT, squared_norm
    >>> squared_norm(EXACT.matrix([[3], [4]]))
    25
    """
    return inner(X, X)


def box(value: Any) -> Matrix:
    """A scalar as an array without axes, so that NumPy never takes a polynomial for a sequence."""
    out = np.empty((), dtype=object)
    out[()] = value
    return out


def scaled(scale: Scalar, X: Any) -> Any:
    """``scale`` times a scalar or a matrix, whatever the entries are.

    >>> from lora_proofs.arithmetic import EXACT
    >>> scaled(2, EXACT.matrix([[1, "1/2"]]))
    array([[2, 1]], dtype=object)
    """
    if isinstance(X, np.ndarray) and X.dtype == object and not isinstance(scale, np.ndarray):
        return X * box(scale)
    return X * scale


def power(x: Scalar, k: int) -> Scalar:
    """x^k for a whole k >= 0, by multiplication.

    FLINT's own power of a ball around exactly 0 is not a number, whatever its radius.

    >>> import flint
    >>> power(flint.arb(0, "0.5"), 2), power(flint.fmpq(1, 2), 3)
    ([+/- 0.251], 1/8)
    """
    result, base = None, x
    while k > 0:
        if k % 2:
            result = base if result is None else result * base
        k //= 2
        base = base * base if k else base
    return x * 0 + 1 if result is None else result


def entries(value: Any) -> list[Any]:
    """The entries of a matrix, or a scalar as a list of one."""
    return list(value.flat) if isinstance(value, np.ndarray) else [value]


def object_matrix(rows: Any, number: Any) -> Matrix:
    """Rows of exact entries as an object array, each entry passed through ``number``."""
    data = [[number(x) for x in row] for row in rows]
    out = np.empty((len(data), len(data[0]) if data else 0), dtype=object)
    for i, row in enumerate(data):
        for j, x in enumerate(row):
            out[i, j] = x
    return out


def diagonal(entries: Any, zero: Any) -> Matrix:
    """Square object matrix with the given diagonal."""
    entries = list(entries)
    out = np.empty((len(entries), len(entries)), dtype=object)
    out[:] = zero
    for i, x in enumerate(entries):
        out[i, i] = x
    return out
