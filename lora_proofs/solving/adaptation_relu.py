"""ReLU networks: the adapters and biases that are printed, and a bound of what they miss.

The bound holds for every input of the region: the printed network is enclosed block by block, with
all rounding of its entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.constructions.adapters import adapted
from lora_proofs.constructions.partition import block_slices
from lora_proofs.constructions.regions import Ball, Box, Meet, row_norms, vector, widened
from lora_proofs.constructions.relu_error import affine_part, error_bound, sup_error
from lora_proofs.constructions.relu_fnn import ReluAdaptation, relu_adapters
from lora_proofs.constructions.relu_minimal import block_gaps, minimal_exact_rank
from lora_proofs.mathematics.relu_network import Layer, relu_network
from lora_proofs.solving.adaptation_numbers import (
    Entries,
    PrintedAdapter,
    at_least,
    lower,
    print_adapter,
    upper,
    wider,
)
from lora_proofs.solving.adaptation_problem import LinearProblem, ReluProblem
from lora_proofs.solving.adaptation_search import Kind
from lora_proofs.solving.adaptation_sizes import (
    exploded,
    floats,
    largest_norm,
    natural_size,
    product_of,
)
from lora_proofs.solving.decimals import magnitude, upper_string

Say = Callable[[str], None]
GOAL = 11
SAMPLES = 50
BEYOND_FLOATS = Fraction(10) ** 600
NEARLY = 1 - Fraction(1, 10**6)


@dataclass(frozen=True, eq=False)
class ReluReached:
    """Adapters and biases as they are printed, and an upper bound of the error on the region.

    ``error`` bounds each output, in balls or exactly; ``built`` is what was constructed.
    """

    adapters: tuple[PrintedAdapter, ...]
    biases: list[list[Any]]
    layers: tuple[Layer, ...]
    entries: Entries
    error: Any
    sup: Any
    adapter_norm: Any
    built: ReluAdaptation

    @property
    def exact(self) -> bool:
        """Whether the ranks of every block make up for all that its target shows."""
        return all(block.exact for block in self.built.blocks)

    @property
    def regular(self) -> bool:
        """Whether no block has a frozen weight that is singular and in the way."""
        return not any(block.linear.broken for block in self.built.blocks)


def measured_on(problem: ReluProblem) -> Ball | Box:
    """The region, or the default ball where none is given."""
    return problem.region or default_ball(problem)


def default_ball(problem: ReluProblem) -> Ball:
    """The ball |x| <= D, D the width of the network."""
    width = len(problem.frozen[0][1])
    return Ball([flint.fmpq(0)] * width, flint.fmpq(width))


def reached(
    problem: ReluProblem, built: ReluAdaptation, entries: Entries, balls: BallArithmetic
) -> ReluReached:
    """What was built, as it is printed, with a bound of its error; exact for exact entries."""
    pairs = zip(built.adapters, problem.ranks, strict=True)
    told = tuple(print_adapter(adapter, r, entries) for adapter, r in pairs)
    biases = [entries.vector(b) for b in built.biases]
    parts = zip(problem.frozen, told, biases, strict=True)
    layers = tuple((adapted(W, one.exact, EXACT), kept) for (W, _), one, (_, kept) in parts)
    ctx = EXACT if entries.digits is None else wider(balls, entries)
    with ctx.working():
        error = sup_error(layers, problem.target, problem.partition, measured_on(problem), ctx)
        sup = row_norms(error[None, :], ctx)[0]
    return ReluReached(
        adapters=told,
        biases=[shown for shown, _ in biases],
        layers=layers,
        entries=entries,
        error=error,
        sup=sup,
        adapter_norm=largest_norm([one.exact for one in told], balls),
        built=built,
    )


def search(
    problem: ReluProblem, digits: int | None, balls: BallArithmetic, say: Say
) -> ReluReached:
    """Printed adapters that are exact to so many digits, or the best of float64 and higher."""
    goal, found = digits or GOAL, list[ReluReached]()
    size, scale = output_size(problem, balls), natural(problem)
    how = kind(problem, balls)

    def ends() -> bool:
        return bool(found) and not (found[-1].exact and found[-1].regular)

    for ctx, entries, one in how.tried(digits, goal, ends):
        found.append(one)
        small = upper(one.sup) * 10**goal <= size
        if small and (ctx.name != "array" or not exploded(one.adapter_norm, scale)):
            return one
        say(f"{ctx.name}, {entries.told()}: error at most {upper_string(upper(one.sup))}")
    return how.best_or_rational(found)


def kind(problem: ReluProblem, balls: BallArithmetic) -> Kind[ReluAdaptation, ReluReached]:
    """How adapters of a ReLU network are built and measured."""
    frozen, target, ranks = problem.frozen, problem.target, problem.ranks
    return Kind(
        construct=lambda ctx: relu_adapters(
            frozen, target, ranks, problem.region, problem.partition, ctx
        ),
        reach=lambda built, entries: reached(problem, built, entries, balls),
        missed=lambda one: upper(one.sup),
        nearly=NEARLY,
    )


def exactly(problem: ReluProblem, balls: BallArithmetic) -> ReluReached | str:
    """The construction over the rationals, or why it is not rational."""
    return kind(problem, balls).rational()


def output_size(problem: ReluProblem, balls: BallArithmetic) -> Fraction:
    """How large the target's outputs may be on the region; 1 where they are all 0."""
    region: Any = measured_on(problem)
    with balls.working():
        for W, b in problem.target:
            region = region.image(W, b, balls)
        box = region.box if isinstance(region, Meet) else region
        size = upper(row_norms(box.upper[None, :], balls)[0])
    return size if size > 0 else Fraction(1)


def natural(problem: ReluProblem) -> float:
    """How large updates may well be, about: the largest of all blocks."""
    sizes = []
    for layers, (W, _) in zip(block_slices(problem.partition), problem.target, strict=True):
        frozen = tuple(V for V, _ in problem.frozen[layers])
        block = LinearProblem(frozen, W, problem.ranks[layers], None)
        sizes.append(natural_size(block, W - product_of(frozen)))
    return max(sizes)


def theorem_bound(problem: ReluProblem, balls: BallArithmetic) -> Any:
    """The Euclidean error that the construction never exceeds at any point of the region.

    The bound of the mean error for the second moment of a single point, x x'; it holds for adapters
    that are not rounded, where every product comes as near to its target as its ranks allow.
    """
    width = len(problem.frozen[0][1])
    with balls.working():
        moment = EXACT.zeros(width, width)
        above = upper(farthest(measured_on(problem), balls))
        moment[0, 0] = flint.fmpq(above.numerator, above.denominator) ** 2
        return error_bound(
            problem.frozen, problem.target, problem.ranks, problem.partition, moment, balls
        ).recursive


def farthest(region: Ball | Box, balls: BallArithmetic) -> Any:
    """A bound of |x| on the region."""
    if isinstance(region, Ball):
        center = row_norms(vector(region.center, balls)[None, :], balls)[0]
        return center + balls.number(region.radius)
    low, high = vector(region.lower, balls), vector(region.upper, balls)
    corner = np.array([abs(a).max(abs(b)) for a, b in zip(low, high, strict=True)])
    return row_norms(corner[None, :], balls)[0]


def error_by_length(problem: ReluProblem, layers: tuple[Layer, ...], balls: BallArithmetic) -> Any:
    """A bound of |f(x) - fbar(x)| on the region, block by block, of the layers as they are.

    A block is within eta of A x + a before its last ReLU, so with |fbar_i| <= r_i on the region
    e_i <= ||A_i|| e_{i-1} + ||A_i - Wbar_i|| r_{i-1} + |a_i - bbar_i| + |eta_i|. That is the
    recursion of the theorem with what rounding adds. Source: own.
    """
    ours: Any = measured_on(problem)
    with balls.working():
        error, size = balls.number(0), farthest(ours, balls)
        for part, (V, c) in zip(block_slices(problem.partition), problem.target, strict=True):
            A, a, eta = affine_part(layers[part], ours, balls)
            W, b = balls.matrix(V), vector(c, balls)
            apart, shift, past, bias = (
                balls.operator_norm(X) for X in (A - W, (a - b)[None, :], eta[None, :], b[None, :])
            )
            error = balls.operator_norm(A) * error + apart * size + shift + past
            size = balls.operator_norm(W) * size + bias
            ours = widened(ours.image(A, a, balls), eta, balls)
        return error


def least_rank(problem: ReluProblem) -> int | None:
    """The least uniform rank that is exact on the region, where it is proved."""
    parts = problem.frozen, problem.target
    if problem.region is not None:
        return minimal_exact_rank(*parts, problem.region, problem.partition)
    gaps = block_gaps(*parts, problem.partition, None)
    single = all(length == 1 for length in problem.partition)
    return 0 if single and all(block.gap == 0 for block in gaps) else None


def root_below(square: Fraction) -> float:
    """A float that is at most the root of a number; 0 of a negative one.

    >>> root_below(Fraction(4)), root_below(Fraction(10) ** 600) <= 10**300
    (2.0, True)
    """
    if square <= 0:
        return 0.0
    scale = 10 ** max(0, 40 - magnitude(square) // 2)
    return float(at_least(Fraction(isqrt(floor(square * scale * scale)), scale), None))


def sampled(
    problem: ReluProblem, found: ReluReached, balls: BallArithmetic
) -> dict[str, float] | None:
    """The largest and the root mean square error on random points; ``None`` beyond floats.

    The points are exact and the networks are evaluated in balls, so the first is surely reached.
    """
    points = _points(measured_on(problem), SAMPLES)
    if not np.isfinite(points).all():
        return None
    X, ctx = EXACT.matrix(points), wider(balls, found.entries)
    with ctx.working():
        ours, theirs = (relu_network(net, X, ctx) for net in (found.layers, problem.target))
        off = ours - theirs
        squares = [lower((column * column).sum()) for column in off.T]
    # Rounded down: so much is surely reached.
    largest, mean = max(squares), sum(squares, Fraction(0)) / len(squares)
    if largest > BEYOND_FLOATS:
        return None
    return {"largest": root_below(largest), "root_mean_square": root_below(mean)}


def _points(region: Ball | Box, count: int) -> Any:
    """Uniform random points as columns; always the same ones."""
    random = np.random.default_rng(0)
    if isinstance(region, Box):
        low, high = floats([region.lower]).T, floats([region.upper]).T
        return low + (high - low) * random.random((len(low), count))
    center, radius = floats([region.center]).T, float(floats([[region.radius]])[0, 0])
    away = random.normal(size=(len(center), count))
    away *= radius * random.random(count) ** (1 / len(center)) / np.linalg.norm(away, axis=0)
    return center + away
