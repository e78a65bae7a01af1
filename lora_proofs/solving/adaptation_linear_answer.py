"""What is said of a linear adaptation: thresholds, errors beside the least one, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.constructions.adapters import Broken
from lora_proofs.solving import adaptation_verdict as words
from lora_proofs.solving.adaptation_linear import (
    GOAL,
    NORMS,
    Bounds,
    Reached,
    bounds,
    condition,
    exactly,
    excess,
    exploded,
    floats,
    gap_of,
    product_of,
    search,
    threshold,
)
from lora_proofs.solving.adaptation_numbers import at_most, nearest, upper
from lora_proofs.solving.adaptation_problem import LinearProblem
from lora_proofs.solving.decimals import upper_string

EXACT_DIGITS = 20
NOISE = 1e-10
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Judged:
    """An answer beside its bounds; ``goal`` digits were asked for."""

    problem: LinearProblem
    least: Bounds
    found: Reached
    digits: int | None
    goal: int
    refused: str | None

    @property
    def total(self) -> int:
        """S, the sum of the ranks."""
        return sum(self.problem.ranks)

    @cached_property
    def missed(self) -> Fraction:
        """How far the printed adapters are above the lower bound, relatively."""
        return excess(self.found, self.least)

    @property
    def meets(self) -> bool:
        """Whether the printed adapters meet the lower bound, to the digits that are asked for."""
        return bool(self.missed * 10**self.goal <= 1)

    @property
    def zero(self) -> bool:
        """Whether the printed product is the target, exactly."""
        return bool(self.found.error["spectral"] == 0)

    @cached_property
    def huge(self) -> bool:
        """Whether an adapter is far larger than the problem, and entries are rounded."""
        rounded = self.found.entries.digits is not None
        return rounded and exploded(self.found.adapter_norm, self.least.scale)

    @property
    def known(self) -> bool:
        """Whether the least error is: by the theorem, or as the printed adapters meet the bound."""
        return self.least.fits or self.meets

    @cached_property
    def verdict(self) -> str:
        """One of the words of ``adaptation_verdict``."""
        if self.zero:
            return words.EXACT
        if self.huge:
            return words.UNRELIABLE
        if not self.meets:
            return words.UPPER_BOUND
        return words.OPTIMAL if self.least.least["spectral"] != 0 else words.ROUNDED


def answer_linear(
    problem: LinearProblem, digits: int | None, exact: bool, say: Say
) -> tuple[Reached, dict[str, Any]]:
    """The adapters of a linear instance and what is said of them."""
    goal = digits or (EXACT_DIGITS if exact else GOAL)
    balls = BallArithmetic(2 * goal + 20)
    least, refused = bounds(problem, balls), None
    if exact:
        found = exactly(problem, balls)
        if isinstance(found, str):
            refused, digits = found, digits or EXACT_DIGITS
            found = search(problem, least, digits, balls, say)
    else:
        found = search(problem, least, digits, balls, say)
    shown = digits or (EXACT_DIGITS if exact else None)
    judged = Judged(problem, least, found, digits, goal, refused)
    return found, document(judged, shown)


def document(judged: Judged, shown: int | None) -> dict[str, Any]:
    """The fields of the answer, numbers as floats or with so many digits."""
    problem, least, found = judged.problem, judged.least, judged.found
    enough = threshold(problem, least)
    lower = {k: nearest(least.least[k], shown) for k in NORMS}
    return {
        "adapters": [{"layer": layer, **one.rows} for layer, one in enumerate(found.adapters, 1)],
        "biases": [],
        "ranks": list(problem.ranks),
        "total_rank": judged.total,
        "sufficient_rank": enough,
        "sufficient_total_rank": None if enough is None else least.gap,
        "minimal_exact_rank": enough,
        "optimal_error": lower if judged.known else dict.fromkeys(NORMS),
        "lower_bound": lower,
        "achieved_error": {
            k: "0" if judged.zero else at_most(upper(found.error[k]), shown) for k in NORMS
        },
        "excess": upper_string(max(judged.missed, Fraction(0))),
        "gaps": [least.gap],
        "largest_adapter_norm": at_most(upper(found.adapter_norm), shown),
        "conditioning": conditioning(problem),
        "verdict": judged.verdict,
        "reasons": list(reasons(judged)),
        "broken_assumptions": words.told_broken(broken(judged)),
        "entries": found.entries.told(),
        "method": found.method,
    }


def conditioning(problem: LinearProblem) -> float | None:
    """The largest condition number of W_L ... W_{l+1} and of W_l ... W_1, about."""
    deep = len(problem.frozen)
    parts = [problem.frozen[k:] for k in range(1, deep)] + [
        problem.frozen[:k] for k in range(1, deep)
    ]
    found = [condition(product_of(part)) for part in parts]
    return None if None in found else max((x for x in found if x is not None), default=1.0)


def broken(judged: Judged) -> tuple[Broken, ...]:
    """What the construction names, and at least that the theorem does not apply."""
    named = judged.found.broken
    if judged.least.fits or named or judged.meets:
        return named
    return (
        Broken(
            "the frozen weights are square and nonsingular",
            "the least error may be above sigma_{S+1}(E), which stays a lower bound",
        ),
    )


def reasons(judged: Judged) -> Iterator[str]:
    """Why the verdict is what it is, and what a reader should know beside it."""
    least, found = judged.least, judged.found
    if judged.refused is not None:
        yield words.not_rational(judged.refused)
    yield from _about_error(judged)
    if judged.huge:
        yield words.of_size(found.adapter_norm, least.scale)
    yield from words.of_broken(broken(judged))
    yield from words.of_entries(found.entries, judged.digits)
    yield from _about_noise(judged)


def _about_error(judged: Judged) -> Iterator[str]:
    least, total = judged.least, judged.total
    if judged.zero:
        yield "the product of the printed W_l + B_l A_l is the target, in rational numbers"
    elif judged.meets and judged.least.least["spectral"] == 0:
        yield (
            f"S = {total} is at least rank E = {least.gap}, so some adapters are exact; the "
            "printed ones are rounded"
        )
    elif judged.meets:
        singular = "" if least.fits else ", or of the target, as a frozen weight is singular"
        yield (
            f"for all adapters rank(prod What - P_0) <= S = {total}: the error is never below the "
            f"tail of the singular values of E{singular} (Eckart, Young, Mirsky); the printed "
            f"adapters exceed that by at most {upper_string(max(judged.missed, Fraction(0)))}, "
            "relatively"
        )
    elif judged.least.fits:
        yield "the least error is known, and the printed adapters do not reach it to these digits"
    else:
        yield "the least error is not known: it lies between lower_bound and achieved_error"


def _about_noise(judged: Judged) -> Iterator[str]:
    """A gap whose rank is full only because of the rounding of its entries."""
    values = np.linalg.svd(floats(gap_of(judged.problem)), compute_uv=False)
    seen = int((values > NOISE * values[0]).sum()) if values[0] > 0 else 0
    if seen < judged.least.gap:
        yield (
            f"rank E = {judged.least.gap} is that of the numbers as given; only {seen} of its "
            f"singular values are above {NOISE:.0e} times the largest"
        )
