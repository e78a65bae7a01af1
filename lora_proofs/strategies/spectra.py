"""Exact random matrices whose singular values or eigenvalues are chosen first.

The orthogonal factors are Cayley transforms, so every matrix is rational and its spectrum is
known exactly. The ``dyadic`` variants use signed permutations and dyadic values: float64 holds
them without rounding, ties and zeros included.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT, rational
from lora_proofs.errors import BadInput
from lora_proofs.strategies.draw import Draw, ratio
from lora_proofs.strategies.matrices import orthogonal_matrix

SPECTRA = ("distinct", "tied", "flat", "with zeros", "zero")


def spectrum(draw: Draw, size: int, kind: str = "distinct") -> tuple[Fraction, ...]:
    """``size`` dyadic numbers >= 0 in decreasing order, of a kind among ``SPECTRA``.

    ``distinct`` values are positive and differ by at least 1/4, ``tied`` ones repeat at least
    once where size >= 2, ``flat`` ones are equal and positive, ``with zeros`` ends in at least
    one 0, and ``zero`` is all 0. Raises ``BadInput`` for another kind.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> s = spectrum(SeededDraw.keyed(0), 3, "tied")
    >>> len(set(s)) < 3, s == tuple(sorted(s, reverse=True))
    (True, True)
    """
    if kind not in SPECTRA:
        raise BadInput(f"expected a kind of spectrum among {', '.join(SPECTRA)}; got {kind!r}")
    gaps = _gaps(draw, size, kind)
    values, level = [], Fraction(0)
    for gap in gaps:
        level += gap
        values.append(level)
    return tuple(reversed(values))


def _gaps(draw: Draw, size: int, kind: str) -> list[Fraction]:
    """The steps from one value to the next larger one, beginning at 0."""
    gaps = [ratio(draw, 1, 8, 4) for _ in range(size)]
    if kind in ("flat", "zero"):
        gaps[1:] = [Fraction(0)] * (size - 1)
    if kind == "zero":
        gaps[0] = Fraction(0)
    if kind == "tied" and size > 1:
        gaps[draw.integer(1, size - 1)] = Fraction(0)
    if kind == "with zeros":
        zeros = draw.integer(1, size)
        gaps[:zeros] = [Fraction(0)] * zeros
    return gaps


def with_singular_values(
    draw: Draw, n: int, m: int, values: Sequence[Fraction], *, dyadic: bool = False
) -> Matrix:
    """A matrix U diag(values) V' of shape (n, m) with exactly these singular values.

    ``values`` are min(n, m) numbers >= 0, in the order in which they stand on the diagonal.
    Raises ``BadInput`` otherwise.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> X = with_singular_values(SeededDraw.keyed(0), 3, 2, (5, 1))
    >>> from lora_proofs.arithmetic import squared_norm
    >>> squared_norm(X), EXACT.rank(X)
    (26, 2)
    """
    exact = [rational(value) for value in values]
    if len(exact) != min(n, m) or min(exact) < 0:
        raise BadInput(
            f"expected {min(n, m)} singular values >= 0 for shape {(n, m)}, got {list(values)}"
        )
    U, V = orthogonal_matrix(draw, n, dyadic=dyadic), orthogonal_matrix(draw, m, dyadic=dyadic)
    return U @ _diagonal(n, m, exact) @ V.mT


def with_eigenvalues(draw: Draw, values: Sequence[Fraction], *, dyadic: bool = False) -> Matrix:
    """A symmetric matrix Q diag(values) Q' of shape (k, k) with exactly these k eigenvalues.

    >>> from lora_proofs.arithmetic import trace
    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> trace(with_eigenvalues(SeededDraw.keyed(0), (3, -1)))
    2
    """
    exact = [rational(value) for value in values]
    Q = orthogonal_matrix(draw, len(exact), dyadic=dyadic)
    return Q @ _diagonal(len(exact), len(exact), exact) @ Q.mT


def _diagonal(n: int, m: int, values: Sequence[Fraction]) -> Matrix:
    X = EXACT.zeros(n, m)
    for i, value in enumerate(values):
        X[i, i] = EXACT.number(value)
    return X
