"""Numbers that remember how they came about: what arithmetic asks of them.

``lora_proofs.certificates`` makes such numbers. Exact arithmetic leaves to them what they can do
themselves, and a comparison looks at the plain number behind each side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any

import flint
import numpy as np

PLAIN = frozenset({flint.fmpq, flint.arb, Fraction, int, float, np.float64, np.ndarray})
"""What most numbers are: an abstract class is slow to ask whether they are its own."""


class Recorded(ABC):
    """A number with a record; ``_number`` is the plain one."""

    _number: Any

    @property
    @abstractmethod
    def keeps(self) -> bool:
        """Whether exact arithmetic passes this number on."""

    @property
    @abstractmethod
    def arithmetic(self) -> Any:
        """The exact arithmetic that records ranks, inverses and roots of such numbers."""

    @abstractmethod
    def in_balls(self) -> Any:
        """The number as a ball at the working precision, with its record where it is kept."""

    @abstractmethod
    def plain(self, how: str) -> Any:
        """The plain number, taken out of the record; ``how`` says by what."""

    @abstractmethod
    def decided(self, left: Any, relation: str, right: Any, outcome: str) -> None:
        """Record that a check went by the outcome of a comparison of these sides."""


class Batched(Recorded):
    """A number of each of many instances, which takes the place of a single one."""


def together(X: Any) -> Any:
    """The arithmetic of many instances, where X stands for theirs; ``None`` elsewhere.

    >>> together([[1, 2]])
    """
    first = next(
        (x for row in X for x in row if type(x) not in PLAIN and isinstance(x, Batched)), None
    )
    return None if first is None else first.arithmetic


def is_kept(value: Any) -> bool:
    """Whether exact arithmetic passes the number on as it is, record and all.

    >>> is_kept(1)
    False
    """
    return type(value) not in PLAIN and isinstance(value, Recorded) and value.keeps


def recorder(X: Any) -> Any:
    """The arithmetic that records what is done with the entries of X; ``None`` for plain ones.

    >>> recorder(np.array([[1, 2]]))
    """
    for x in X.flat if isinstance(X, np.ndarray) else (X,):
        if is_kept(x):
            return x.arithmetic
    return None


def released(value: Any) -> Any:
    """The plain number where one is computed with outside of any record, which is told so.

    >>> released(2)
    2
    """
    if type(value) in PLAIN or not isinstance(value, Recorded):
        return value
    return value.plain("arithmetic of its own")


def plain_rows(X: Any) -> list[Any]:
    """The rows of a matrix as FLINT takes them: what it computes of them has no record.

    >>> plain_rows(np.array([[1, 2]]))
    [[1, 2]]
    """
    return [[released(x) for x in row] for row in X.tolist()]


def bare(value: Any) -> Any:
    """The plain number behind one with a record.

    >>> bare(2)
    2
    """
    return value if type(value) in PLAIN or not isinstance(value, Recorded) else value._number
