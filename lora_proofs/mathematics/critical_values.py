"""The two smallest critical values of the Frobenius LoRA loss, exactly told apart.

At a critical point of 1/2 ||E - BA||_F^2 with E = Y - W0 the product BA keeps some set S of at
most r singular values of E, so the value is 1/2 sum_{i not in S} sigma_i^2. A loss that has fallen
below the second smallest value can only tend to the smallest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import flint

from lora_proofs.arithmetic.context import Arithmetic, Scalar
from lora_proofs.mathematics.literature import CRITICAL_POINTS, lean_on
from lora_proofs.mathematics.matrices import best_rank_squared_error, squared_singular_values


@dataclass(frozen=True)
class CriticalValues:
    """The smallest critical value and the next larger one, ``None`` where E = 0."""

    least: Scalar
    second: Scalar | None


def frobenius_critical_values(E: Any, r: int, ctx: Arithmetic) -> CriticalValues:
    """The two smallest critical values of 1/2 ||E - BA||_F^2 over B: (n, r), A: (r, m).

    E = Y - W0 is n x m and exact. Baldi and Hornik 1989, recalled.

    >>> from lora_proofs.arithmetic import EXACT
    >>> frobenius_critical_values([[3, 0, 0], [0, 2, 0], [0, 0, 1]], 2, EXACT)
    CriticalValues(least=1/2, second=2)
    """
    lean_on(CRITICAL_POINTS)
    least = best_rank_squared_error(E, r, ctx) / 2
    gap = _least_exchange(squared_singular_values(E, ctx), r, ctx)
    return CriticalValues(least, None if gap is None else least + gap / 2)


def _least_exchange(levels: list[tuple[Scalar, int]], r: int, ctx: Arithmetic) -> Scalar | None:
    """The least positive loss of an exchange of a kept singular value for one left out.

    Kept are the r largest; what is left out always contains 0, as a kept one may be dropped. Every
    other choice loses at least one such exchange.
    """
    positive = [(value, k) for value, k in levels if not value == 0]
    values, before = [value for value, _ in positive] + [ctx.number(0)], 0
    for i, (_, k) in enumerate(positive):
        if before + k > r:  # a tie across r: both neighbours of the tied value count
            return _smallest([a - b for a, b in pairwise(values)][max(i - 1, 0) : i + 1])
        if before + k == r:
            return values[i] - values[i + 1]
        before += k
    return values[-2] if positive else None


def _smallest(exchanges: list[Scalar]) -> Scalar:
    """The smaller of one or two numbers; of balls an enclosure of it."""
    first, last = exchanges[0], exchanges[-1]
    return first.min(last) if isinstance(first, flint.arb) else min(first, last)
