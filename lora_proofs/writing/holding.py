"""Whether a matrix, a number and a whole instance are what the words say: exact conditions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.mathematics.instance import Instance, Rows


def _rank(X: Rows) -> int:
    return int(EXACT.rank(EXACT.matrix(X)))


def _entries(X: Rows) -> Iterator[tuple[int, int, Any]]:
    return ((i, j, x) for i, row in enumerate(X) for j, x in enumerate(row))


def _transposed(X: Rows) -> Rows:
    return tuple(zip(*X, strict=True))


def _orthonormal(X: Rows) -> bool:
    """Whether X X' = I."""
    products = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in X] for x in X]
    return all(p == (i == j) for i, row in enumerate(products) for j, p in enumerate(row))


def _semidefinite(X: Rows, *, definite: bool = False) -> bool:
    """Whether X is symmetric and no Schur complement has a negative (or zero) first entry."""
    if _transposed(X) != X:
        return False
    rest = [list(row) for row in X]
    while rest:
        (pivot, *first), *below = rest
        if pivot < 0 or (pivot == 0 and (definite or any(first))):
            return False
        scale = 0 if pivot == 0 else 1 / pivot
        rest = [
            [x - row[0] * y * scale for x, y in zip(row[1:], first, strict=True)] for row in below
        ]
    return True


HOLDS: Mapping[str, Callable[[Rows], bool]] = {
    "free": lambda X: True,
    "nonzero": lambda X: any(x != 0 for _, _, x in _entries(X)),
    "zero": lambda X: all(x == 0 for _, _, x in _entries(X)),
    "full rank": lambda X: _rank(X) == min(len(X), len(X[0])),
    "nonsingular": lambda X: _rank(X) == len(X) == len(X[0]),
    "symmetric": lambda X: _transposed(X) == X,
    "skew": lambda X: len(X) == len(X[0]) and all(x == -X[j][i] for i, j, x in _entries(X)),
    "diagonal": lambda X: all(i == j or x == 0 for i, j, x in _entries(X)),
    "psd": _semidefinite,
    "positive definite": lambda X: _semidefinite(X, definite=True),
    "orthogonal": lambda X: len(X) == len(X[0]) and _orthonormal(X),
    "orthonormal rows": _orthonormal,
    "orthonormal columns": lambda X: _orthonormal(_transposed(X)),
}
"""What each kind of matrix says of exact rows."""


def rank_is(X: Rows, k: int) -> bool:
    """Whether X has exactly the rank k.

    >>> rank_is(((1, 2), (2, 4)), 1)
    True
    """
    return _rank(X) == k


Named = Sequence[tuple[str, Any]]


def bound(fields: Named, instance: Instance, known: Mapping[str, int]) -> dict[str, int] | None:
    """The sizes of the dimensions that name sides of matrices; ``None`` where they disagree."""
    sizes: dict[str, int] = dict(known)
    for name, field in fields:
        if name not in instance:
            return None
        for dimension, length in field.lengths(getattr(instance, name)):
            if isinstance(dimension, int):
                if dimension != length:
                    return None
            elif sizes.setdefault(dimension, length) != length:
                return None
    return sizes


def hold(fields: Named, instance: Instance, sizes: Mapping[str, int]) -> bool:
    """Whether every field is what its words say at these sizes."""
    return all(field.holds(getattr(instance, name), sizes) for name, field in fields)


def misfit(fields: Named, instance: Instance, every: Sequence[Mapping[str, int]]) -> str:
    """The fields that are not what their words say at any of these sizes, in a sentence."""
    if missing := [name for name, _ in fields if name not in instance]:
        return f"it has no {', '.join(missing)}"
    if not every:
        return "its matrices have none of the shapes that the words, sizes and conditions give"
    wrong = [
        field[0] for field in fields if not any(hold((field,), instance, sizes) for sizes in every)
    ]
    return f"{', '.join(wrong) or 'its fields together'}: not as the words of the claim say"


def completed(
    fields: Named, sizes: Mapping[str, int], values: range
) -> Iterator[Mapping[str, int]]:
    """The sizes with each dimension that only a rank names at each of the values."""
    named = {d for _, field in fields for d in field.dimensions() if isinstance(d, str)}
    open_ = sorted(named - set(sizes))
    for chosen in itertools.product(values, repeat=len(open_)):
        yield {**sizes, **dict(zip(open_, chosen, strict=True))}
