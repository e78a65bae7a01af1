"""How small an error in a claim's constant is still noticed: from the smallest relative slack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import flint

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most
from lora_proofs.arithmetic.comparison import size
from lora_proofs.judging.evaluation import MEASURED
from lora_proofs.mutating.comparisons import label_of, larger, smaller

FLOOR = 1e-15
"""The smallest error that is asked for; below it the bound counts as attained."""
NO_CONSTANT = "no constant to vary"
"""Said of what only ever has 0 on one side."""


@dataclass
class Figure:
    """What was met of one comparison: of its bound, of its equality, or of a side that is 0."""

    error: float | None = None
    """The smallest relative error in the bound that is refuted."""
    bounds: int = 0
    equalities: int = 0
    """An error in one of those is refuted however small it is."""
    without_constant: int = 0
    """How often a side was 0: to scale 0 < x says the same again."""

    def look(self, c: Comparison) -> None:
        """Take in one that holds."""
        low, high = smaller(c), larger(c)
        if c.relation == "=":
            self.equalities += 1
        elif high == 0 or low == 0:
            self.without_constant += 1
        elif high > 0 or high < 0:
            self._bound(low, high)

    def _bound(self, low: Any, high: Any) -> None:
        self.bounds += 1
        slack = size((high - low) / abs(high))
        if self.error is not None and slack >= self.error:
            return
        error = _refuted(low, high, slack)
        if error is not None and (self.error is None or error < self.error):
            self.error = error

    @property
    def says(self) -> str:
        """In a word or two; of an equality ``exact``."""
        if self.bounds:
            exact = self.error is not None and self.error <= FLOOR
            return "exact" if exact else "none" if self.error is None else f"{self.error:.2g}"
        if self.without_constant:
            return NO_CONSTANT
        return "exact" if self.equalities else "none"


@dataclass
class Sensitivity:
    """The figures of a claim's comparisons, by label."""

    figures: dict[str, Figure] = field(default_factory=dict)

    def look(self, found: Iterable[Comparison], ctx: Arithmetic) -> None:
        """Take in the comparisons of an instance on which the claim holds."""
        with ctx.working():
            for c in found:
                if c.label.startswith(MEASURED) or not c.rigorous or c.outcome != "holds":
                    continue
                self.figures.setdefault(label_of(c), Figure()).look(c)

    @property
    def smallest(self) -> tuple[float | None, str]:
        """The smallest relative error in a bound that is refuted, and the bound's label."""
        met = [(f.error, label) for label, f in self.figures.items() if f.error is not None]
        return min(met, default=(None, ""))

    def to_dict(self) -> dict[str, Any]:
        """Plain data: ``error`` is null where none was refuted, 0 where a comparison is exact."""
        says = {label: figure.says for label, figure in sorted(self.figures.items())}
        exact = list(says.values()).count("exact")
        error, label = self.smallest
        return {
            "error": 0.0 if exact else error,
            "says": _of_all(list(says.values()), exact, error),
            "label": label,
            "comparisons": says,
        }


def _of_all(says: Sequence[str], exact: int, error: float | None) -> str:
    """What is said of a claim: of the most sensitive comparison, and of how many it is so."""
    if exact:
        return "exact" if exact == len(says) else f"exact in {exact} of {len(says)}"
    if says and set(says) == {NO_CONSTANT}:
        return NO_CONSTANT
    return "none" if error is None else f"{error:.2g}"


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
