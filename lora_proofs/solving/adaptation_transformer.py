"""Transformers: the adapters and biases that are printed, and what the printed model misses.

The function of a model depends on a few products of its weights alone (``transformer_readings``).
Their distance to the target's is certified, and bounds the error of every column of the output;
the error on sampled inputs is enclosed, and called sampled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.context import Matrix, squared_norm
from lora_proofs.constructions.adapters import Adapter, adapted
from lora_proofs.constructions.rounding import exact_values
from lora_proofs.constructions.transformer import (
    Place,
    TransformerAdaptation,
    transformer_adapters,
)
from lora_proofs.constructions.transformer_error import error_bound
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.mathematics.transformer import (
    Block,
    Head,
    TransformerModel,
    transformer_network,
)
from lora_proofs.mathematics.transformer_readings import reading_distance, same_function
from lora_proofs.solving.adaptation_numbers import (
    Entries,
    PrintedAdapter,
    print_adapter,
    singular_in_floats,
    upper,
    wider,
)
from lora_proofs.solving.adaptation_problem import TransformerProblem
from lora_proofs.solving.adaptation_search import Kind
from lora_proofs.solving.adaptation_sizes import EXPLODED, condition, floats, largest_norm
from lora_proofs.solving.decimals import upper_string

Say = Callable[[str], None]
GOAL = 12
LENGTHS = (1, 3, 6)
NEARLY = 1 - Fraction(1, 10**6)


@dataclass(frozen=True, eq=False)
class TransformerReached:
    """Adapters and biases as they are printed, and the exact model that they make.

    ``residual`` is the largest relative distance of a reading to the target's; 0 exactly where
    both models are one function.
    """

    adapters: dict[Place, PrintedAdapter]
    biases: list[dict[str, Any]]
    model: TransformerModel
    entries: Entries
    residual: Any
    adapter_norm: Any
    built: TransformerAdaptation


def reached(
    problem: TransformerProblem,
    built: TransformerAdaptation,
    entries: Entries,
    balls: BallArithmetic,
) -> TransformerReached:
    """What was built, as it is printed, and how far the printed model is from the target."""
    told = {
        place: print_adapter(adapter, problem.rank if adapter.rank else 0, entries)
        for place, adapter in built.adapters.items()
    }
    columns = [[entries.matrix(exact_values(b)) for b in pair] for pair in built.biases]
    model = adapted_model(
        problem.frozen,
        {place: one.exact for place, one in told.items()},
        [(b1, b2) for (_, b1), (_, b2) in columns],
    )
    biases = [
        {
            "block": i,
            **{name: _flat(rows) for name, (rows, _) in zip(("b1", "b2"), pair, strict=True)},
        }
        for i, pair in enumerate(columns, 1)
    ]
    same = same_function(model, problem.target, softmax="columns")
    return TransformerReached(
        adapters=told,
        biases=biases,
        model=model,
        entries=entries,
        residual=flint.fmpq(0)
        if same
        else reading_distance(model, problem.target, wider(balls, entries), softmax="columns"),
        adapter_norm=largest_norm([one.exact for one in told.values()], balls),
        built=built,
    )


def _flat(column: list[list[Any]]) -> list[Any]:
    return [x for (x,) in column]


def adapted_model(
    frozen: TransformerModel,
    adapters: dict[Place, Adapter],
    biases: list[tuple[Matrix, Matrix]],
) -> TransformerModel:
    """The frozen model with adapters added to its weights and its biases replaced; exact."""

    def what(place: Place, W: Matrix) -> Matrix:
        return adapted(W, adapters[place], EXACT)

    blocks = []
    for i, (block, (b1, b2)) in enumerate(zip(frozen.blocks, biases, strict=True), 1):
        heads = tuple(
            Head(*(what((i, h, name), getattr(head, name)) for name in "QKVO"))
            for h, head in enumerate(block.heads, 1)
        )
        W1, W2 = what((i, None, "W1"), block.W1), what((i, None, "W2"), block.W2)
        blocks.append(Block(heads, W1, b1, W2, b2))
    return TransformerModel(tuple(blocks), what((None, None, "Wo"), frozen.Wo))


def search(
    problem: TransformerProblem,
    enough: int | None,
    digits: int | None,
    balls: BallArithmetic,
    say: Say,
) -> TransformerReached:
    """Printed adapters whose model is the target to so many digits, or the best that were found.

    ``enough`` is the rank that suffices; below it, or where it is not known, only float64 and one
    higher precision are tried.
    """
    goal, found = digits or GOAL, list[TransformerReached]()
    exact, how = enough is not None and problem.rank >= enough, kind(problem, balls)
    for ctx, entries, one in how.tried(digits, goal, lambda: bool(found) and not exact):
        found.append(one)
        if upper(one.residual) * 10**goal <= 1:
            return one
        say(f"{ctx.name}, {entries.told()}: residual {upper_string(upper(one.residual))}")
    return how.best_or_rational(found)


def kind(
    problem: TransformerProblem, balls: BallArithmetic
) -> Kind[TransformerAdaptation, TransformerReached]:
    """How adapters of a transformer are built and measured."""
    frozen, target, rank = problem.frozen, problem.target, problem.rank
    return Kind(
        construct=lambda ctx: transformer_adapters(frozen, target, rank, ctx),
        reach=lambda built, entries: reached(problem, built, entries, balls),
        missed=lambda one: upper(one.residual),
        nearly=NEARLY,
    )


def rationally(problem: TransformerProblem, balls: BallArithmetic) -> TransformerReached | str:
    """The construction over the rationals, or why it is not rational."""
    return kind(problem, balls).rational()


def natural(problem: TransformerProblem) -> float:
    """How large updates may well be, about: the largest weight times the worst condition squared.

    That is at most ``EXPLODED`` times the weights, and only the weights where one of them is
    singular, or is up to rounding.
    """
    weights = [W for _, W in (*problem.frozen.weights(), *problem.target.weights())]
    sizes = [float(np.linalg.norm(floats(W), 2)) for W in weights]
    frozen = [W for _, W in problem.frozen.weights()]
    if any(singular_in_floats(W) for W in frozen):
        return max(sizes)
    return max(sizes) * min(max(condition(W) or 1.0 for W in frozen) ** 2, EXPLODED)


def sampled(
    problem: TransformerProblem, found: TransformerReached, balls: BallArithmetic
) -> Fraction | None:
    """The largest relative Frobenius error on a few Gaussian inputs of several lengths, certified.

    The inputs are always the same ones. ``None`` where a softmax is not enclosed, of huge scores.
    """
    try:
        return _sampled(problem, found, balls)
    except (ToleranceNotMet, OverflowError):
        return None


def _sampled(
    problem: TransformerProblem, found: TransformerReached, balls: BallArithmetic
) -> Fraction:
    worst, random, ctx = Fraction(0), np.random.default_rng(0), wider(balls, found.entries)
    for length in LENGTHS:
        X = EXACT.matrix(np.round(random.normal(size=(problem.frozen.width, length)), 3))
        with ctx.working():
            ours, theirs = (
                transformer_network(model, X, ctx) for model in (found.model, problem.target)
            )
            off, size = squared_norm(ours - theirs), squared_norm(theirs)
            worst = max(worst, upper(ctx.sqrt(off / size if size > 0 else off)))
    return worst


def column_bound(
    problem: TransformerProblem, found: TransformerReached, rho: int, balls: BallArithmetic
) -> Any:
    """A bound of the error of every output column, for inputs with columns of norm at most rho."""
    if found.residual == 0:
        return flint.fmpq(0)
    return error_bound(found.model, problem.target, rho, balls)
