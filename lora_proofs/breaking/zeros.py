"""Zeros that every draw has in the same places, and entries of one grid: bands, quarters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lora_proofs.mathematics.instance import Rows

LEAST = 8
"""Draws from which a place is read: with fewer of them a zero may be chance."""
Condition = Callable[[Any], bool]


def of_places(found: Sequence[Rows]) -> Iterator[tuple[str, Condition]]:
    """Places of which the entry is 0 in every draw that has them, while others are not.

    >>> draws = [((k, 1, 0), (2, k, 3), (0, 1, k)) for k in range(1, 10)]
    >>> [words for words, _ in of_places(draws)]
    ['with zeros in 2 places']
    """
    met: dict[tuple[int, int], list[bool]] = {}
    for X in found:
        for i, row in enumerate(X):
            for j, x in enumerate(row):
                met.setdefault((i, j), []).append(x == 0)
    empty = {place for place, zero in met.items() if all(zero) and len(zero) >= LEAST}
    if empty and len(empty) < len(met):
        words = f"with zeros in {len(empty)} place{'s' * (len(empty) > 1)}"
        yield (
            words,
            lambda X: all(
                x == 0 for i, row in enumerate(X) for j, x in enumerate(row) if (i, j) in empty
            ),
        )


def of_one_grid(found: Sequence[Rows]) -> Iterator[tuple[str, Condition]]:
    """Entries k/d of one d in every draw, where d is the denominator of some of them.

    >>> from fractions import Fraction
    >>> [words for words, _ in of_one_grid([((Fraction(k, 4),),) for k in range(40)])]
    ['of entries that are multiples of 1/4']
    """
    denominators = {x.denominator for X in found for row in X for x in row}
    finest = math.lcm(*denominators)
    if len(found) >= LEAST and 1 < finest == max(denominators):
        yield (
            f"of entries that are multiples of 1/{finest}",
            lambda X: all(finest % x.denominator == 0 for row in X for x in row),
        )


def one_of_two(found: Sequence[tuple[Rows, Rows]]) -> Iterator[tuple[str, Condition]]:
    """Two matrices of which one is 0 in every draw, not always the same one."""
    zeros = [(_zero(X), _zero(Y)) for X, Y in found]
    both = len({first for first, _ in zeros}) == len({second for _, second in zeros}) == 2
    if both and len(found) >= LEAST and all(map(any, zeros)):
        yield "zero, or else", lambda pair: _zero(pair[0]) or _zero(pair[1])


def _zero(X: Rows) -> bool:
    return all(x == 0 for row in X for x in row)
