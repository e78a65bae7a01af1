"""Matrices on which statements fail that hold for random ones: from a shape, or from a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from lora_proofs.mathematics.instance import Rows

ZERO, ONE = Fraction(0), Fraction(1)
Shape = Callable[[int, int], Rows]


def filled(n: int, m: int, entry: Callable[[int, int], Fraction | int]) -> Rows:
    """The matrix of shape (n, m) with the entries ``entry(i, j)``."""
    return tuple(tuple(Fraction(entry(i, j)) for j in range(m)) for i in range(n))


def scaled(X: Rows, factor: Fraction | int) -> Rows:
    """A multiple of a matrix."""
    return tuple(tuple(factor * x for x in row) for row in X)


def transposed(X: Rows) -> Rows:
    """The transpose."""
    return tuple(zip(*X, strict=True))


SHAPES: dict[str, Shape] = {
    "zero": lambda n, m: filled(n, m, lambda i, j: 0),
    "identity": lambda n, m: filled(n, m, lambda i, j: i == j),
    "all equal": lambda n, m: filled(n, m, lambda i, j: 1),
    "e_1 e_1'": lambda n, m: filled(n, m, lambda i, j: i == j == 0),
    "tied spectrum": lambda n, m: filled(n, m, lambda i, j: 2 * (i == j)),
    "simple spectrum": lambda n, m: filled(n, m, lambda i, j: (min(n, m) - i) * (i == j)),
    "minus identity": lambda n, m: filled(n, m, lambda i, j: -(i == j)),
    "signs on the diagonal": lambda n, m: filled(n, m, lambda i, j: (i == j) * (1 - 2 * (i % 2))),
    "antidiagonal": lambda n, m: filled(n, m, lambda i, j: i + j == max(n, m) - 1),
    "last e_n e_m'": lambda n, m: filled(n, m, lambda i, j: i == n - 1 and j == m - 1),
    "nilpotent": lambda n, m: filled(n, m, lambda i, j: j == i + 1),
    "rotation": lambda n, m: filled(
        n, m, lambda i, j: (i // 2 == j // 2) * ((j == i + 1) - (i == j + 1))
    ),
    "ones in the first row": lambda n, m: filled(n, m, lambda i, j: i == 0),
    "ones in the first column": lambda n, m: filled(n, m, lambda i, j: j == 0),
    "identity without its last 1": lambda n, m: filled(
        n, m, lambda i, j: i == j and i < min(n, m) - 1
    ),
    "Hadamard": lambda n, m: filled(n, m, lambda i, j: 1 - 2 * ((i & j).bit_count() % 2)),
    "ill-conditioned": lambda n, m: filled(
        n, m, lambda i, j: (i == j) * (ONE if i else Fraction(1, 1000))
    ),
}
"""Matrices that depend on the shape alone."""

PAIRED: dict[str, Shape] = {
    **SHAPES,
    "nilpotent'": lambda n, m: filled(n, m, lambda i, j: i == j + 1),
}
OPPOSED = (
    ("identity", "rotation"),
    ("rotation", "antidiagonal"),
    ("signs on the diagonal", "antidiagonal"),
    ("nilpotent", "nilpotent'"),
    ("signs on the diagonal", "rotation"),
    ("nilpotent", "antidiagonal"),
)
"""Pairs of square patterns that anticommute, or whose squares or products cancel."""

SCALES = {
    "times 2^10": Fraction(2**10),
    "times 2^-10": Fraction(1, 2**10),
    "times 10^6": Fraction(10**6),
    "times 10^-6": Fraction(1, 10**6),
    "times 2^40": Fraction(2**40),
    "times 2^-40": Fraction(1, 2**40),
}


def _first_repeated(X: Rows) -> Rows:
    return tuple(X[0] for _ in X)


def _rank_one(X: Rows) -> Rows:
    return tuple(tuple(row[0] * x for x in X[0]) for row in X)


def _block(X: Rows, keep: Callable[[int, int, int, int], bool]) -> Rows:
    n, m = len(X), len(X[0])
    return filled(n, m, lambda i, j: X[i][j] if keep(i, j, n, m) else ZERO)


CHANGES: dict[str, Callable[[Rows], Rows]] = {
    "negated": lambda X: scaled(X, -1),
    "rank one": _rank_one,
    "equal rows": _first_repeated,
    "equal columns": lambda X: transposed(_first_repeated(transposed(X))),
    "last row zero": lambda X: _block(X, lambda i, j, n, m: i < n - 1),
    "last column zero": lambda X: _block(X, lambda i, j, n, m: j < m - 1),
    "first row alone": lambda X: _block(X, lambda i, j, n, m: i == 0),
    "first column alone": lambda X: _block(X, lambda i, j, n, m: j == 0),
    "first entry alone": lambda X: _block(X, lambda i, j, n, m: i == j == 0),
    "diagonal": lambda X: _block(X, lambda i, j, n, m: i == j),
    "off the diagonal": lambda X: _block(X, lambda i, j, n, m: i != j),
    "rows reversed": lambda X: X[::-1],
    "columns reversed": lambda X: tuple(row[::-1] for row in X),
    "first row negated": lambda X: (tuple(-x for x in X[0]), *X[1:]),
    "absolute values": lambda X: tuple(tuple(map(abs, row)) for row in X),
    "signs": lambda X: tuple(tuple(Fraction((x > 0) - (x < 0)) for x in row) for row in X),
}
"""Matrices made from a drawn one."""

SQUARE: dict[str, Callable[[Rows], Rows]] = {
    "transposed": transposed,
    "symmetric part": lambda X: filled(len(X), len(X), lambda i, j: (X[i][j] + X[j][i]) / 2),
    "skew part": lambda X: filled(len(X), len(X), lambda i, j: (X[i][j] - X[j][i]) / 2),
    "minus its transpose": lambda X: scaled(transposed(X), -1),
}
"""Matrices made from a drawn square one."""


def variants(X: Rows) -> Iterator[tuple[str, Rows]]:
    """Every pattern in the place of one matrix, by name, the strongest first."""
    n, m = len(X), len(X[0])
    for name, shape in SHAPES.items():
        yield name, shape(n, m)
    for name, change in CHANGES.items():
        yield name, change(X)
    if n == m:
        for name, change in SQUARE.items():
            yield name, change(X)
    for name, factor in SCALES.items():
        yield name, scaled(X, factor)
