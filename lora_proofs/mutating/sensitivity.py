"""How small an error in a claim's constant is still noticed: from the smallest relative slack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import flint

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most
from lora_proofs.arithmetic.comparison import size
from lora_proofs.judging.evaluation import MEASURED
from lora_proofs.mutating.comparisons import larger, smaller

FLOOR = 1e-15
"""The smallest error that is asked for; below it the bound counts as attained."""


@dataclass
class Sensitivity:
    """The smallest relative slack that was met, with what is refuted there.

    ``bounds`` counts the inequalities between numbers that were looked at, ``equalities`` the
    equalities: an error in one of those is refuted however small it is.
    """

    error: float | None = None
    label: str = ""
    bounds: int = 0
    equalities: int = 0

    def look(self, found: Iterable[Comparison], ctx: Arithmetic) -> None:
        """Take in the comparisons of an instance on which the claim holds."""
        with ctx.working():
            for c in found:
                if c.label.startswith(MEASURED) or not c.rigorous or c.outcome != "holds":
                    continue
                if c.relation == "=":
                    self.equalities += 1
                else:
                    self._bound(c)

    def _bound(self, c: Comparison) -> None:
        low, high = smaller(c), larger(c)
        if high == 0 or not (high > 0 or high < 0) or low == 0:
            return
        self.bounds += 1
        slack = size((high - low) / abs(high))
        if self.error is not None and slack >= self.error:
            return
        error = _refuted(low, high, slack)
        if error is not None and (self.error is None or error < self.error):
            self.error, self.label = error, c.label

    def to_dict(self) -> dict[str, Any]:
        """Plain data: ``error`` is null where none was refuted, 0 where the bound is attained."""
        attained = self.error is not None and self.error <= FLOOR
        exact = self.bounds == 0 and self.equalities > 0
        return {
            "error": 0.0 if attained or exact else self.error,
            "says": _says(self.error, attained, exact),
            "label": self.label,
        }


def _refuted(low: Any, high: Any, slack: float) -> float | None:
    """The relative slack rounded up to two digits, confirmed: the constant less that is refuted."""
    error = max(_above(slack), FLOOR)
    while error < 1:
        if refuted_by(low, high, error):
            return error
        error = _above(error)  # the balls are as wide as the slack
    return None


def _above(x: float) -> float:
    """The next number of two digits above a positive one.

    >>> _above(0.5), _above(0.3), _above(0.0123), _above(0.0998)
    (0.51, 0.31, 0.013, 0.1)
    """
    if x <= 0:
        return 0.0
    # The digits that are printed: 0.3 itself is a little below three tenths, and would stay.
    told = Decimal(repr(x))
    unit = Decimal(1).scaleb(told.adjusted() - 1)
    return float((told // unit + 1) * unit)


def refuted_by(low: Any, high: Any, error: float) -> bool:
    """Whether ``low <= high`` with the larger side less by a relative error fails, beyond doubt.

    >>> refuted_by(flint.fmpq(99), flint.fmpq(100), 0.02)
    True
    >>> refuted_by(flint.fmpq(99), flint.fmpq(100), 0.005)
    False
    """
    part = flint.fmpq(*error.as_integer_ratio())
    found = at_most("with an error in the constant", low, high - part * abs(high))
    return found.rigorous and found.outcome == "fails"


def _says(error: float | None, attained: bool, exact: bool) -> str:
    if exact or attained:
        return "exact"
    return "none" if error is None else f"{error:.2g}"
