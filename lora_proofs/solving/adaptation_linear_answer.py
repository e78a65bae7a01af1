"""What is said of a linear adaptation: thresholds, errors beside the least one, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.constructions.adapters import Broken
from lora_proofs.constructions.singular_weights import MET
from lora_proofs.solving import adaptation_verdict as words
from lora_proofs.solving.adaptation_errors import WEIGHTED, judged_by
from lora_proofs.solving.adaptation_linear import (
    GOAL,
    NEARLY,
    Bounds,
    Reached,
    bounds,
    exactly,
    excess,
    gap_of,
    search,
    threshold,
)
from lora_proofs.solving.adaptation_numbers import at_least, at_most, lower, nearest, upper
from lora_proofs.solving.adaptation_problem import LinearProblem
from lora_proofs.solving.adaptation_sizes import condition, exploded, floats, product_of
from lora_proofs.solving.decimals import upper_string

EXACT_DIGITS = 20
NOISE = 1e-10
MISSED = "the printed adapters do not meet its lower bound to the digits that are asked for"
WORSE = "the construction over the rationals has a larger error than one in decimals"
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Judged:
    """An answer beside its bounds; ``goal`` digits were asked for, and ``shown`` are printed."""

    problem: LinearProblem
    least: Bounds
    found: Reached
    digits: int | None
    goal: int
    refused: str | None
    shown: int | None

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
        return self.least.sharp and bool(self.missed * 10**self.goal <= 1)

    @property
    def zero(self) -> bool:
        """Whether the printed product is the target, exactly."""
        return bool(self.found.error["spectral"] == 0)

    @cached_property
    def huge(self) -> bool:
        """Whether an adapter is far larger than the problem, and entries are rounded."""
        rounded = self.found.entries.digits is not None
        return rounded and exploded(self.found.adapter_norm, self.least.scale)

    def known(self, norm: str) -> bool:
        """Whether the least error is: by the theorem, or as the printed adapters meet the bound."""
        if not self.least.sharp:
            return False
        return self.least.fits or (self.meets and norm in judged_by(self.problem.second_moment))

    @cached_property
    def everywhere(self) -> bool:
        """Whether inputs span the whole space: then the target alone has weighted error 0."""
        moment = self.problem.second_moment
        return moment is None or EXACT.rank(moment) == len(moment)

    @cached_property
    def verdict(self) -> str:
        """One of the words of ``adaptation_verdict``."""
        if self.zero:
            return words.EXACT
        if self.huge:
            return words.UNRELIABLE
        if not self.meets:
            return words.UPPER_BOUND
        return words.ROUNDED if self.rounded else words.OPTIMAL

    @property
    def rounded(self) -> bool:
        """Whether the target itself is reached up to rounding: nothing bounds the error."""
        return self.meets and self.everywhere and self.least.none


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
        elif not least.fits and excess(found, least) * 10**goal > 1:
            other = search(problem, least, digits or EXACT_DIGITS, balls, say)
            if excess(other, least) < excess(found, least) * NEARLY:
                found, digits = other, digits or EXACT_DIGITS
                refused = WORSE if other.entries.digits is not None else None
    else:
        found = search(problem, least, digits, balls, say)
    shown = digits or (EXACT_DIGITS if exact else None)
    judged = Judged(problem, least, found, digits, goal, refused, shown)
    return found, document(judged)


def document(judged: Judged) -> dict[str, Any]:
    """The fields of the answer, numbers as floats or with so many digits."""
    problem, least, found, shown = judged.problem, judged.least, judged.found, judged.shown
    enough = threshold(problem, least)
    optimal = {k: nearest(x, shown) for k, x in least.least.items() if judged.known(k)}
    return {
        "adapters": [{"layer": layer, **one.rows} for layer, one in enumerate(found.adapters, 1)],
        "biases": [],
        "ranks": list(problem.ranks),
        "total_rank": judged.total,
        "sufficient_rank": enough,
        "sufficient_total_rank": None if enough is None else least.gap,
        "minimal_exact_rank": enough,
        "optimal_error": {k: optimal.get(k) for k in least.least},
        "lower_bound": {k: at_least(lower(x), shown) for k, x in least.least.items()},
        "achieved_error": {
            k: "0" if judged.zero else at_most(upper(x), shown) for k, x in found.error.items()
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
    if not judged.meets:
        named = tuple(replace(x, consequence=MISSED) if x.consequence == MET else x for x in named)
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
    yield from asked(judged.problem)
    yield from _about_weights(judged)
    yield from _about_error(judged)
    yield from _about_ranks(judged)
    if exploded(found.adapter_norm, least.scale):
        yield words.of_size(found.adapter_norm, least.scale)
    frozen = enumerate(judged.problem.frozen, 1)
    yield from words.of_condition((f"W_{layer}", W) for layer, W in frozen)
    yield from words.of_broken(broken(judged))
    yield from words.of_entries(found.entries, judged.digits)
    yield from _about_noise(judged)
    yield from _about_certificates(judged)


def asked(problem: LinearProblem) -> Iterator[str]:
    """What is compared, in which norm, and how a uniform rank was read."""
    rows, columns = problem.target.shape
    if problem.whole is not None:
        yield (
            f"compared are the first {rows} outputs for inputs on the first {columns} coordinates, "
            f"J' (W_L + B_L A_L) ... (W_1 + B_1 A_1) J with the target of shape ({rows}, {columns})"
            "; the rest of the product is free, and a rank above a width of that part counts as it"
        )
    if problem.second_moment is not None:
        yield (
            "the adapters are chosen for the weighted error, the mean of |(prod What - target) x|^2"
            " over inputs with this second moment; in the other norms others may be better"
        )
    if problem.rank is not None and (low := min(problem.ranks)) < problem.rank:
        layer = problem.ranks.index(low) + 1
        yield (
            f"the rank {problem.rank} stands for the width where that is smaller, as in layer "
            f"{layer}, of width {low}: ranks {', '.join(map(str, problem.ranks))}"
        )


def _about_weights(judged: Judged) -> Iterator[str]:
    """The weighted error beside the least one, in words."""
    if judged.problem.second_moment is None:
        return
    error, least = judged.found.error[WEIGHTED], judged.least.least[WEIGHTED]
    if upper(error) == 0:
        yield "the weighted error is 0: the printed model is the target on the span of the inputs"
    else:
        told = "least" if judged.known(WEIGHTED) else "lower bound"
        yield (
            f"the weighted error is at most {at_most(upper(error), judged.shown)}, its {told} "
            f"{nearest(least, judged.shown)}"
        )


def _about_error(judged: Judged) -> Iterator[str]:
    least, total = judged.least, judged.total
    if judged.zero:
        yield "the product of the printed W_l + B_l A_l is the target, in rational numbers"
    elif judged.rounded and not least.fits:
        yield (
            "the printed adapters miss the target by rounding; a frozen weight is singular or "
            "narrow, so that the ranks alone do not show that some adapters are exact"
        )
    elif judged.rounded:
        yield (
            f"S = {total} is at least rank E = {least.gap}, so some adapters are exact; the "
            "printed ones are rounded"
        )
    elif judged.meets:
        yield from _bounded(judged)
    elif not least.sharp:
        yield (
            "a bound of the error is above 0, by exact ranks, and so small beside the target that "
            "it was not enclosed: the least error is not known"
        )
    elif least.fits:
        yield "the least error is known, and the printed adapters do not reach it to these digits"
    else:
        yield "the least error is not known: it lies between lower_bound and achieved_error"


def _bounded(judged: Judged) -> Iterator[str]:
    """The arguments from which the lower bound follows, and how far above it the adapters are."""
    least, moment = judged.least, judged.problem.second_moment
    values = "singular values of {}" + ("" if moment is None else " Sigma^{{1/2}}")
    arguments = []
    if least.by_gap:
        arguments.append((f"rank(prod What - P_0) <= S = {judged.total}", values.format("E")))
    if least.by_rank:
        arguments.append((PASSING.format(least.through), values.format("the target")))
    told = "; and ".join(
        f"for all adapters {why}: the error is never below the tail of the {tail}"
        for why, tail in arguments
    )
    yield (
        f"{told} (Eckart, Young, Mirsky); the printed adapters exceed that by at most "
        f"{upper_string(max(judged.missed, Fraction(0)))}, relatively"
    )


PASSING = "rank(prod What) <= {}, the least of all rank W_l + R_l and of the widths"


def _about_ranks(judged: Judged) -> Iterator[str]:
    """That no ranks suffice, where a layer is narrower than the rank of the target."""
    narrow = min(n for W in judged.problem.frozen for n in W.shape)
    if narrow < judged.least.seen:
        yield (
            f"no ranks are exact, however large: no product has more than rank {narrow}, the "
            f"least width, and the target has rank {judged.least.seen}"
        )


def _about_certificates(judged: Judged) -> Iterator[str]:
    """What a certificate of this answer has, where that is not all of it."""
    problem = judged.problem
    if problem.whole is not None:
        yield (
            "a certificate has the part that is compared: of W_L and B_L the first "
            f"{problem.target.shape[0]} rows, of W_1 and A_1 the first {problem.target.shape[1]} "
            "columns"
        )
    if problem.second_moment is not None and not judged.zero:
        yield (
            "a certificate has the product and its spectral error beside the least spectral one, "
            "neither the weighted error, which is rational arithmetic, nor the least weighted "
            "one, which is from balls"
        )


def _about_noise(judged: Judged) -> Iterator[str]:
    """A gap whose rank is full only because of the rounding of its entries."""
    if judged.problem.second_moment is not None:
        return
    values = np.linalg.svd(floats(gap_of(judged.problem)), compute_uv=False)
    seen = int((values > NOISE * values[0]).sum()) if values[0] > 0 else 0
    if seen < judged.least.gap:
        yield (
            f"rank E = {judged.least.gap} is that of the numbers as given; only {seen} of its "
            f"singular values are above {NOISE:.0e} times the largest"
        )
