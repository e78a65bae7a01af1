"""A difference between two expressions comes with exact matrices on which they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from lora_proofs.arithmetic.exact import EXACT, rational
from lora_proofs.errors import BadInput, NotUnderstood, Unavailable
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import Evaluation
from lora_proofs.symbolic.differential import expand
from lora_proofs.symbolic.entries import GenericCubic, dimensions, parts

MOST_TRIES = 60


@dataclass(frozen=True)
class Difference:
    """Exact values of all symbols on which two expressions differ, and both values."""

    values: dict[str, Any]
    left: Any
    right: Any

    def __str__(self) -> str:
        inside = "; ".join(f"{name} = {_plain(value)}" for name, value in self.values.items())
        return f"{inside}: left {_plain(self.left)}, right {_plain(self.right)}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [[str(rational(x)) for x in row] for row in value]
    return str(value) if isinstance(value, GenericCubic) else str(rational(value))


def difference(left: w.Word, right: w.Word) -> Difference | None:
    """The simplest exact values found on which two expressions differ, or ``None``.

    Shapes grow from 1 x 1 and entries from small integers. For hypothesis-free polynomial
    expressions with different normal forms, a difference exists at some shape.

    >>> A, B = w.Symbol("A", "n", "n"), w.Symbol("B", "n", "n")
    >>> found = difference(A @ B, B @ A)
    >>> found.values["A"].shape
    (2, 2)
    """
    left, right = expand(left), expand(right)
    nodes = [node for side in (left, right) for node in parts(side)]
    names = sorted({d for d in dimensions(nodes) if isinstance(d, str)})
    for lengths in sorted(product((1, 2, 3), repeat=len(names)), key=lambda x: (sum(x), x)):
        sizes: dict[Any, int] = dict(zip(names, lengths, strict=True))
        for attempt in range(MOST_TRIES if sum(lengths) > 2 * len(names) else 6):
            found = _try(left, right, nodes, sizes, attempt)
            if found:
                return found
    return None


def _try(
    left: w.Word, right: w.Word, nodes: list[Any], sizes: Any, attempt: int
) -> Difference | None:
    values = random_values(nodes, sizes, attempt)
    evaluation = Evaluation(values, EXACT, sizes)
    try:
        a, b = evaluation.value(left), evaluation.value(right)
    except (ZeroDivisionError, NotUnderstood, Unavailable, BadInput):
        # No value there, such as the inverse of a singular matrix: other entries may have one.
        return None
    if np.all(np.asarray(a - b == 0)):
        return None
    return Difference(_by_name(values), a, b)


def _by_name(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Values by the name of their symbol; two symbols of one name are told apart by shape."""
    names = [k.name for k in values]
    return {
        k.name if names.count(k.name) == 1 else f"{k.name} {getattr(k, 'shape', None)}": v
        for k, v in values.items()
    }


def random_values(nodes: list[Any], sizes: Mapping[Any, int], attempt: int) -> dict[Any, Any]:
    """Small exact values for every symbol, the same for the same attempt."""
    from random import Random

    source = Random(attempt)
    spread = 1 + attempt // 3

    def entry() -> Any:
        return EXACT.number(source.randint(-spread, spread))

    def length(name: w.Dimension) -> int:
        return name if isinstance(name, int) else sizes[name]

    values: dict[Any, Any] = {}
    for x in nodes:
        if isinstance(x, w.Scalar):
            values.setdefault(x, abs(entry()) if x.nonnegative else entry())
        elif isinstance(x, w.Symbol) and x not in values:
            matrix = EXACT.zeros(length(x.rows), length(x.columns))
            for at in np.ndindex(matrix.shape):
                matrix[at] = entry()
            values[x] = matrix + matrix.mT if x.symmetric else matrix
        elif isinstance(x, w.LossValue | w.LossGradient):
            which = sum(isinstance(v, GenericCubic) for v in values.values())
            values.setdefault(
                x.loss, GenericCubic(length(x.loss.rows), length(x.loss.columns), which)
            )
    return values
