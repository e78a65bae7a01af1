"""What is said of a ReLU adaptation: thresholds, a bound of the error on the region, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.constructions.adapters import Broken
from lora_proofs.constructions.partition import block_slices
from lora_proofs.constructions.regions import Ball
from lora_proofs.constructions.relu_minimal import nonsingular, sufficient_rank
from lora_proofs.solving import adaptation_verdict as words
from lora_proofs.solving.adaptation_numbers import at_most, upper, wider
from lora_proofs.solving.adaptation_problem import ReluProblem
from lora_proofs.solving.adaptation_relu import (
    GOAL,
    ReluReached,
    default_ball,
    error_by_length,
    exactly,
    least_rank,
    natural,
    output_size,
    sampled,
    search,
    theorem_bound,
)
from lora_proofs.solving.adaptation_relu_known import (
    applies,
    blocks_of,
    built_exactly,
    least_unknown,
    off_by,
    promised,
)
from lora_proofs.solving.adaptation_sizes import condition, exploded, product_of
from lora_proofs.solving.decimals import upper_string

EXACT_DIGITS = 20
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Judged:
    """An answer with its bound; ``goal`` digits were asked for."""

    problem: ReluProblem
    found: ReluReached
    balls: BallArithmetic
    digits: int | None
    goal: int
    refused: str | None

    @property
    def bounded(self) -> bool:
        """Whether the bound is about what was asked: a region, or no hidden unit in a block."""
        return self.problem.region is not None or (self.zero and self.single)

    @property
    def single(self) -> bool:
        """Whether every block has one layer, so that nothing is made affine on a region."""
        return all(length == 1 for length in self.problem.partition)

    @property
    def zero(self) -> bool:
        """Whether the printed network is the target on the region, exactly."""
        return bool(self.found.sup == 0)

    @cached_property
    def sup(self) -> Fraction:
        """The smallest certified bound of |f(x) - fbar(x)| on the region, in Euclidean norm."""
        first = upper(self.found.sup)
        if self.zero or self.small:
            return first
        wide = wider(self.balls, self.found.entries)
        return min(first, upper(error_by_length(self.problem, self.found.layers, wide)))

    @cached_property
    def promised(self) -> bool:
        """Whether the theorem promises exact adapters of these ranks."""
        return promised(self.problem, self.found)

    @cached_property
    def attainable(self) -> bool:
        """Whether some adapters of these ranks are exact, promised or built over the rationals."""
        return self.promised or (self.small and built_exactly(self.problem, self.balls))

    @property
    def theorem_bound(self) -> Fraction | None:
        """The theorem's bound; ``None`` where a singular weight may keep a product from it."""
        blocks = self.found.built.blocks
        if not self.zero and not all(applies(self.problem, block) for block in blocks):
            return None
        return upper(theorem_bound(self.problem, self.balls))

    @cached_property
    def huge(self) -> bool:
        """Whether an adapter is far larger than the problem, and entries are rounded."""
        rounded = self.found.entries.digits is not None
        return rounded and exploded(self.found.adapter_norm, natural(self.problem))

    @cached_property
    def small(self) -> bool:
        """Whether the bound is at the level of rounding."""
        size = output_size(self.problem, self.balls)
        return bool(upper(self.found.sup) * 10**self.goal <= size)

    @cached_property
    def verdict(self) -> str:
        """One of the words of ``adaptation_verdict``."""
        if not self.bounded:
            return words.UNKNOWN
        if self.zero:
            return words.EXACT
        if self.huge:
            return words.UNRELIABLE
        return words.ROUNDED if self.small and self.attainable else words.UPPER_BOUND


def answer_relu(
    problem: ReluProblem, digits: int | None, exact: bool, say: Say
) -> tuple[ReluReached, dict[str, Any]]:
    """The adapters and biases of a ReLU instance and what is said of them."""
    goal = digits or (EXACT_DIGITS if exact else GOAL)
    balls, refused = BallArithmetic(2 * goal + 20), None
    if exact:
        found = exactly(problem, balls)
        if isinstance(found, str):
            refused, digits = found, digits or EXACT_DIGITS
            found = search(problem, digits, balls, say)
    else:
        found = search(problem, digits, balls, say)
    shown = digits or (EXACT_DIGITS if exact else None)
    say("bounds of the error")
    judged = Judged(problem, found, balls, digits, goal, refused)
    return found, document(judged, shown)


def document(judged: Judged, shown: int | None) -> dict[str, Any]:
    """The fields of the answer, numbers as floats or with so many digits."""
    problem, found = judged.problem, judged.found
    promised_error = judged.theorem_bound
    return {
        "adapters": [{"layer": layer, **one.rows} for layer, one in enumerate(found.adapters, 1)],
        "biases": found.biases,
        "ranks": list(problem.ranks),
        "partition": list(problem.partition),
        "region": region(problem),
        "sufficient_rank": threshold(judged),
        "minimal_exact_rank": least_rank(problem),
        "achieved_error": achieved(judged, shown),
        "theorem_bound": None if promised_error is None else at_most(promised_error, shown),
        "gaps": list(found.built.gaps),
        "block_ranks": [sum(problem.ranks[layers]) for layers in block_slices(problem.partition)],
        "largest_adapter_norm": at_most(upper(found.adapter_norm), shown),
        "largest_bias": at_most(_largest_bias(found), shown),
        "conditioning": conditioning(problem),
        "verdict": judged.verdict,
        "reasons": list(reasons(judged)),
        "broken_assumptions": words.told_broken(broken(judged)),
        "entries": found.entries.told(),
        "method": "; ".join(dict.fromkeys(block.linear.method for block in found.built.blocks)),
    }


def region(problem: ReluProblem) -> str | None:
    """The kind of region that was given."""
    if problem.region is None:
        return None
    return "ball" if isinstance(problem.region, Ball) else "box"


def threshold(judged: Judged) -> int | None:
    """The theorem's threshold; ``None`` for a singular frozen weight, or no bound of the inputs."""
    if any(not nonsingular(W) for W, _ in judged.problem.frozen):
        return None
    if bounded_lacks(judged):
        return None  # hidden units switch outside of every ball: no rank need be enough
    return sufficient_rank(judged.found.built.gaps, judged.problem.partition)


def bounded_lacks(judged: Judged) -> bool:
    """Whether hidden units are made affine on a region, and none is given."""
    return judged.problem.region is None and not judged.single


def achieved(judged: Judged, shown: int | None) -> dict[str, Any]:
    """The certified bound in the Euclidean norm and of each output, and what samples show."""
    found = judged.found
    sup = "0" if judged.zero else at_most(judged.sup, shown)
    entries = min(judged.sup, max((upper(x) for x in found.error), default=judged.sup))
    return {
        "sup": sup if judged.bounded else None,
        "sup_of_an_output": ("0" if judged.zero else at_most(entries, shown))
        if judged.bounded
        else None,
        "sup_where_measured": sup,
        "measured_on": measured(judged.problem),
        "sampled": None if judged.zero else sampled(judged.problem, found, judged.balls),
    }


def measured(problem: ReluProblem) -> str:
    """Where the error is measured, in words."""
    if problem.region is not None:
        return f"the {region(problem)} of the instance"
    return f"the ball |x| <= {default_ball(problem).radius}, as no region is given"


def conditioning(problem: ReluProblem) -> float | None:
    """The largest condition number of the products of frozen weights within a block, about."""
    found = []
    for layers in block_slices(problem.partition):
        weights = [W for W, _ in problem.frozen[layers]]
        deep = range(1, len(weights))
        parts = [weights[k:] for k in deep] + [weights[:k] for k in deep]
        found += [condition(product_of(part)) for part in parts]
    return None if None in found else max((x for x in found if x is not None), default=1.0)


def _largest_bias(found: ReluReached) -> Any:
    return max((abs(upper(x)) for _, b in found.layers for x in b), default=upper(found.sup * 0))


def broken(judged: Judged) -> tuple[Broken, ...]:
    """The assumptions that the construction names, the missing region in the contract's words."""
    return tuple(
        Broken("bounded input", one.consequence)
        if one.assumption == "the inputs are bounded"
        else one
        for one in judged.found.built.broken
    )


def reasons(judged: Judged) -> Iterator[str]:
    """Why the verdict is what it is, and what a reader should know beside it."""
    if judged.refused is not None:
        yield words.not_rational(judged.refused)
    yield from _about_error(judged)
    if not judged.zero:
        yield "sampled errors are of random points of the region: reached, they bound nothing"
    if exploded(judged.found.adapter_norm, natural(judged.problem)):
        yield words.of_size(judged.found.adapter_norm, natural(judged.problem))
    frozen, of = enumerate(judged.problem.frozen, 1), blocks_of(judged.problem)
    yield from words.of_condition((f"W_{k} of block {of[k]}", W) for k, (W, _) in frozen)
    yield from words.of_broken(broken(judged))
    yield from words.of_entries(judged.found.entries, judged.digits)
    if threshold(judged) is None:
        also = " and theorem_bound are" if judged.theorem_bound is None else " is"
        asks = "a bounded set of inputs" if bounded_lacks(judged) else "nonsingular frozen weights"
        yield f"sufficient_rank{also} null: the theorem asks for {asks}"
    if least_rank(judged.problem) is None:
        yield f"minimal_exact_rank is null: {least_unknown(judged.problem)}"


def _about_error(judged: Judged) -> Iterator[str]:
    if judged.zero:
        where = "for every input" if judged.single else f"on {measured(judged.problem)}"
        yield f"the printed network is the target {where}, in rational numbers"
        return
    bound = upper_string(judged.sup)
    if judged.attainable:
        why = "the ranks of every block make up for its gap"
        why = why if judged.promised else "over the rationals every product can be met"
        yield (
            f"{why}, so some adapters are exact on the region; the printed ones are within {bound} "
            "of the target on all of it"
        )
        return
    where = f"the error is at most {bound} on all of {measured(judged.problem)}"
    if not judged.found.exact:
        yield (
            "a block has less rank than its gap: a product that is nearest to its target layer "
            f"need not be best for the whole; {where}"
        )
    missed = off_by(judged.problem, judged.found, judged.balls)
    if missed:
        yield (
            "a frozen weight of a block is singular, so it is not known that some adapters of "
            f"these ranks are exact: {'; '.join(missed)} of what it is to be; {where}"
        )
