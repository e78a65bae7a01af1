"""What every draw has in common: conditions that no assumption may state and edits have to keep.

A theorem is what its assumptions say, but a draw whose matrices are all symmetric, or whose step
sizes are all positive, says something too. Only what is exceptional is kept (an equation, a sign);
what random entries have anyway (full rank, distinct singular values, no zeros) is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from lora_proofs.arithmetic.exact import decimal
from lora_proofs.breaking.dimensions import Dimensions
from lora_proofs.breaking.fields import Leaf, Path, leaves, name_of
from lora_proofs.mathematics.instance import Instance, Rows

Condition = Callable[[Any], bool]
TINY = 1e-9
REACH = 10
"""Numbers (steps, times, scales) stay within this factor of the largest that is drawn."""


def _square(X: Rows) -> bool:
    return len(X) == len(X[0])


def _entrywise(holds: Callable[[int, int, Fraction], bool]) -> Condition:
    return lambda X: all(holds(i, j, x) for i, row in enumerate(X) for j, x in enumerate(row))


def _transposed(X: Rows) -> Rows:
    return tuple(zip(*X, strict=True))


def _orthonormal(X: Rows) -> bool:
    products = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in X] for x in X]
    return all(p == (i == j) for i, row in enumerate(products) for j, p in enumerate(row))


def _semidefinite(X: Rows) -> bool:
    if not _square(X) or _transposed(X) != X:
        return False
    values = np.linalg.eigvalsh(np.array([[float(x) for x in row] for row in X]))
    return bool(values[0] >= -TINY * max(1.0, abs(values[-1])))


def _singular(X: Rows) -> bool:
    import flint

    rows = [[flint.fmpq(x.numerator, x.denominator) for x in row] for row in X]
    return bool(flint.fmpq_mat(rows).rank() < min(len(X), len(X[0])))


MATRIX: Mapping[str, Condition] = {
    "symmetric": lambda X: _square(X) and _transposed(X) == X,
    "skew-symmetric": lambda X: _square(X) and _entrywise(lambda i, j, x: x == -X[j][i])(X),
    "positive semidefinite": _semidefinite,
    "diagonal": _entrywise(lambda i, j, x: i == j or x == 0),
    "lower triangular": _entrywise(lambda i, j, x: i >= j or x == 0),
    "upper triangular": _entrywise(lambda i, j, x: i <= j or x == 0),
    "with 1 on the diagonal": _entrywise(lambda i, j, x: i != j or x == 1),
    "without negative entries": _entrywise(lambda i, j, x: x >= 0),
    "with positive entries": _entrywise(lambda i, j, x: x > 0),
    "without entries but 0, 1 and -1": _entrywise(lambda i, j, x: x in (0, 1, -1)),
    "with orthonormal rows": _orthonormal,
    "with orthonormal columns": lambda X: _orthonormal(_transposed(X)),
    "of less than full rank": _singular,
}
SAME: Mapping[str, Callable[[Rows], Any]] = {
    "trace": lambda X: sum(X[i][i] for i in range(min(len(X), len(X[0])))),
    "Frobenius norm": lambda X: sum(x * x for row in X for x in row),
    "sums of rows": lambda X: frozenset(map(sum, X)),
    "sums of columns": lambda X: frozenset(map(sum, _transposed(X))),
    "entries": lambda X: frozenset(x for row in X for x in row),
}
NUMBER: Mapping[str, Condition] = {
    "positive": lambda x: x > 0,
    "not negative": lambda x: x >= 0,
    "negative": lambda x: x < 0,
    "not positive": lambda x: x <= 0,
}


@dataclass(frozen=True)
class Kept:
    """One condition on one leaf, in words, and how it is decided."""

    path: Path
    words: str
    holds: Condition

    def __str__(self) -> str:
        return f"{name_of(self.path)} {self.words}"


@dataclass(frozen=True)
class Character:
    """The conditions that hold in every draw, and the dimensions.

    >>> draws = [Instance(S=[[k, 1], [1, -k]], h=f"1/{k + 1}") for k in range(5)]
    >>> [str(kept) for kept in Character.of(draws).kept]
    ['S symmetric', 'S with the trace 0', 'h positive', 'h of absolute value at most 10']
    """

    dimensions: Dimensions
    kept: tuple[Kept, ...]
    fixed: frozenset[Path]
    """Leaves that are the same in every draw."""

    @classmethod
    def of(cls, draws: Sequence[Instance]) -> Character:
        """What all of these draws have in common."""
        dimensions = Dimensions.of(draws)
        met: dict[Path, list[Leaf]] = {}
        for instance in draws:
            for path, leaf in leaves(instance).items():
                met.setdefault(path, []).append(leaf)
        kept: list[Kept] = []
        for path, found in met.items():
            if path not in dimensions.numbers():
                kept += _of_numbers(path, found) if _are_numbers(found) else _of(path, found)
        fixed = frozenset(path for path, found in met.items() if len(set(found)) == 1)
        return cls(dimensions, tuple(kept), fixed)

    def admits(self, instance: Instance) -> bool:
        """Whether an edited instance keeps what every draw has."""
        found = leaves(instance)
        if not self.dimensions.ordered(instance):
            return False
        return all(_kept_by(kept, found) for kept in self.kept)


def _kept_by(kept: Kept, found: Mapping[Path, Leaf]) -> bool:
    try:
        return kept.path not in found or bool(kept.holds(found[kept.path]))
    except (IndexError, ValueError, ArithmeticError):
        return False


def _are_numbers(found: Sequence[Leaf]) -> bool:
    return all(isinstance(leaf, Fraction) for leaf in found)


def _of(path: Path, found: Sequence[Any]) -> list[Kept]:
    """The conditions on a matrix; what is trivial for a single entry alone is none."""
    wide = [X for X in found if len(X) * len(X[0]) > 1]
    if not wide:
        return []
    kept = [Kept(path, name, ok) for name, ok in MATRIX.items() if all(map(ok, found))]
    for name, value in SAME.items():
        values = {value(X) for X in found}
        common = next(iter(values))
        if len(values) == 1 and not (isinstance(common, frozenset) and len(common) > 1):
            kept.append(Kept(path, f"with the {name} {_shown(common)}", _equals(value, common)))
    return kept


def _equals(value: Callable[[Any], Any], common: Any) -> Condition:
    return lambda X: bool(value(X) == common)


def _shown(value: Any) -> str:
    return (
        ", ".join(map(decimal, sorted(value))) if isinstance(value, frozenset) else decimal(value)
    )


def _of_numbers(path: Path, found: Sequence[Any]) -> list[Kept]:
    if all(x.denominator == 1 for x in found):
        low, high = min(found), max(found)
        words = f"a whole number from {decimal(low)} to {decimal(high)}"
        return [Kept(path, words, lambda x: x.denominator == 1 and low <= x <= high)]
    most = REACH * max(1, *map(abs, found))
    near = Kept(path, f"of absolute value at most {decimal(most)}", lambda x: abs(x) <= most)
    return [*[Kept(path, name, ok) for name, ok in NUMBER.items() if all(map(ok, found))][:1], near]
