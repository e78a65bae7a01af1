"""What is said of a transformer's adaptation: thresholds, certified residuals, samples, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import isqrt
from typing import Any

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.constructions.transformer import Place
from lora_proofs.constructions.transformer_gaps import (
    minimal_exact_rank,
    score_rank_needed,
    sufficient_rank,
)
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.solving import adaptation_verdict as words
from lora_proofs.solving.adaptation_numbers import at_most, upper
from lora_proofs.solving.adaptation_problem import TransformerProblem
from lora_proofs.solving.adaptation_sizes import condition, exploded
from lora_proofs.solving.adaptation_transformer import (
    GOAL,
    LENGTHS,
    TransformerReached,
    column_bound,
    natural,
    rationally,
    sampled,
    search,
)
from lora_proofs.solving.decimals import upper_string

EXACT_DIGITS = 20
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Judged:
    """An answer; ``enough`` is the rank that suffices, ``goal`` digits were asked for."""

    problem: TransformerProblem
    found: TransformerReached
    enough: int | None
    balls: BallArithmetic
    digits: int | None
    goal: int
    refused: str | None

    @property
    def zero(self) -> bool:
        """Whether the printed model is the target for every input, exactly."""
        return bool(self.found.residual == 0)

    @cached_property
    def small(self) -> bool:
        """Whether all residuals are at the level of rounding."""
        return bool(upper(self.found.residual) * 10**self.goal <= 1)

    @cached_property
    def huge(self) -> bool:
        """Whether an adapter is far larger than the problem, and entries are rounded."""
        rounded = self.found.entries.digits is not None
        return rounded and exploded(self.found.adapter_norm, self.natural)

    @cached_property
    def natural(self) -> float:
        """How large updates may well be."""
        return natural(self.problem)

    @cached_property
    def verdict(self) -> str:
        """One of the words of ``adaptation_verdict``."""
        if self.zero:
            return words.EXACT
        if self.huge:
            return words.UNRELIABLE
        return words.ROUNDED if self.small and self.attainable else words.UPPER_BOUND

    @cached_property
    def attainable(self) -> bool:
        """Whether some adapters of this rank are exact: by the theorem, or built rationally."""
        if self.enough is not None and self.problem.rank >= self.enough:
            return True
        found = rationally(self.problem, self.balls) if self.small else ""
        return not isinstance(found, str) and bool(found.residual == 0)


def answer_transformer(
    problem: TransformerProblem, digits: int | None, exact: bool, say: Say
) -> tuple[TransformerReached, dict[str, Any]]:
    """The adapters and biases of a transformer instance and what is said of them."""
    goal = digits or (EXACT_DIGITS if exact else GOAL)
    balls, refused = BallArithmetic(2 * goal + 20), None
    enough = sufficient_rank(problem.frozen, problem.target)
    if exact:
        found = rationally(problem, balls)
        if isinstance(found, str):
            refused, digits = found, digits or EXACT_DIGITS
            found = search(problem, enough, digits, balls, say)
    else:
        found = search(problem, enough, digits, balls, say)
    shown = digits or (EXACT_DIGITS if exact else None)
    say("error on sampled inputs")
    judged = Judged(problem, found, enough, balls, digits, goal, refused)
    return found, document(judged, shown)


def document(judged: Judged, shown: int | None) -> dict[str, Any]:
    """The fields of the answer, numbers as floats or with so many digits."""
    problem, found = judged.problem, judged.found
    return {
        "adapters": [
            {"block": block, "head": head, "matrix": name, **one.rows}
            for (block, head, name), one in found.adapters.items()
        ],
        "biases": found.biases,
        "rank": problem.rank,
        "sufficient_rank": judged.enough,
        "minimal_exact_rank": minimal_exact_rank(problem.frozen, problem.target),
        "achieved_error": achieved(judged, shown),
        "gaps": list(found.built.gaps),
        "largest_adapter_norm": at_most(upper(found.adapter_norm), shown),
        "conditioning": conditioning(problem),
        "verdict": judged.verdict,
        "reasons": list(reasons(judged)),
        "broken_assumptions": words.told_broken(found.built.broken),
        "entries": found.entries.told(),
        "method": "pairs of layers: (Q, K), (V, O) of every head, (W2, Wo) at the end",
    }


def achieved(judged: Judged, shown: int | None) -> dict[str, Any]:
    """Certified residuals and a certified bound; the error of samples is called sampled."""
    problem, found = judged.problem, judged.found
    rho = isqrt(problem.frozen.width) + 1
    told = {
        "residual": found.residual,
        "column_bound": column_bound(problem, found, rho, judged.balls),
    }
    numbers = {k: "0" if judged.zero else _above(x, shown) for k, x in told.items()}
    seen = Fraction(0) if judged.zero else sampled(problem, found, judged.balls)
    relative = "0" if judged.zero else None if seen is None else at_most(seen, shown)
    return {
        "sampled": {"relative": relative, "kind": "sampled", "inputs": list(LENGTHS)},
        "residual": numbers["residual"],
        "column_bound": {"columns_of_norm": rho, "error": numbers["column_bound"]},
    }


def _above(x: Any, shown: int | None) -> float | str | None:
    """An upper bound as it is printed; ``None`` where it is beyond all numbers that are."""
    try:
        return at_most(upper(x), shown)
    except (ToleranceNotMet, ValueError):
        return None


def conditioning(problem: TransformerProblem) -> float | None:
    """The largest condition number of a frozen weight, about."""
    found = [condition(W) for _, W in problem.frozen.weights()]
    return None if None in found else max(x for x in found if x is not None)


def reasons(judged: Judged) -> Iterator[str]:
    """Why the verdict is what it is, and what a reader should know beside it."""
    found = judged.found
    if judged.refused is not None:
        yield words.not_rational(judged.refused)
    yield from _about_error(judged)
    if exploded(found.adapter_norm, judged.natural):
        yield words.of_size(found.adapter_norm, judged.natural)
    frozen = judged.problem.frozen.weights()
    yield from words.of_condition((named(place), W) for place, W in frozen)
    yield from words.of_broken(found.built.broken)
    yield from words.of_entries(found.entries, judged.digits)
    if judged.enough is None:
        yield "sufficient_rank is null: an assumption of the theorem is broken"
    if minimal_exact_rank(judged.problem.frozen, judged.problem.target) is None:
        yield f"minimal_exact_rank is null: {least_unknown(judged)}"


def named(place: Place) -> str:
    """A weight by its place, in words.

    >>> named((2, 1, "Q")), named((None, None, "Wo"))
    ('Q of head 1 of block 2', 'Wo')
    """
    block, head, name = place
    inside = [f"head {head}"] * bool(head) + [f"block {block}"] * bool(block)
    return " of ".join([name, *inside])


def least_unknown(judged: Judged) -> str:
    """Which condition of the least rank was not shown; asked for where it is not known."""
    frozen, target = judged.problem.frozen, judged.problem.target
    blocks, heads = len(target.blocks), max(len(block.heads) for block in target.blocks)
    if (blocks, heads) != (1, 1):
        told = f"{blocks} block{'s' * (blocks > 1)} of up to {heads} head{'s' * (heads > 1)}"
        return f"the target has {told}, and it is proved for one block of one head"
    if judged.enough is None:
        return "no rank is known to be enough"
    needed = score_rank_needed(frozen, target)
    if needed is None:
        return "Wo W2 or W1 O V of the target is singular"
    return f"the scores need rank {needed}, and {judged.enough} is what is known to be enough"


def _about_error(judged: Judged) -> Iterator[str]:
    if judged.zero:
        yield (
            "both models have the same products C'K'QC, W1 O V C and Wo W2, and the same biases, "
            "in rational numbers: they are one function, for every input of any length"
        )
        return
    residual = upper_string(upper(judged.found.residual))
    if judged.small:
        rest = (
            "the rest is the rounding of entries"
            if judged.attainable
            else "that some adapters of this rank are exact is not known"
        )
        yield (
            f"the products on which the function depends are within {residual} of the target's, "
            f"relatively; {rest}"
        )
    else:
        yield (
            f"a product on which the function depends misses the target's by up to {residual}, "
            "relatively; no bound of the least error is known at this rank"
        )
    if judged.enough is not None and judged.problem.rank < judged.enough:
        yield f"the rank is below the sufficient {judged.enough}"
    yield "the relative error is sampled: it is enclosed on a few inputs, and no bound elsewhere"
