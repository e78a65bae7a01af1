"""Beyond the paper: adapters built block by block, and improved by alternating least squares.

For a linear target of several layers the theory builds each block for one target layer. Only the
product counts, so that block by block is more than is asked for: the question is what is lost, and
how much of it alternating least squares gets back at the same ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.constructions.alternating import alternating_least_squares
from lora_proofs.constructions.partition import block_slices, uniform_partition
from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.constructing import floats, largest_update, linear_adaptation
from lora_proofs.experiments.drawing import product
from lora_proofs.experiments.feedforward import mean_squared_error
from lora_proofs.experiments.linear_studies import (
    ROUNDING,
    isotropic,
    linear_checks,
    linear_points,
    population,
)
from lora_proofs.experiments.models import Network, Pair
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import Check, Point, matching
from lora_proofs.experiments.training import Heard

BLOCKS = "construction, block by block"
IMPROVED = "block by block, then alternating"
SWEEPS = 100


def block_adapters(pair: Pair, rank: int) -> list[Adapter]:
    """The theory's adapters: each block of frozen layers for one layer of the target."""
    blocks = block_slices(uniform_partition(pair.frozen.depth, pair.target.depth))
    found: list[Adapter] = []
    for layer, block in enumerate(blocks):
        parts = (_part(pair.target, slice(layer, layer + 1)), _part(pair.frozen, block))
        found += linear_adaptation(Pair(*parts, pair.seed), rank).adapters
    return [Adapter(_matrix(x.B), _matrix(x.A)) for x in found]


def _part(net: Network, block: slice) -> Network:
    return Network(net.weights[block], net.biases[block], net.relus[block])


def _matrix(X: Any) -> Array:
    return floats(X).reshape(X.shape)


def improved(pair: Pair, start: Sequence[Adapter], rank: int) -> list[Adapter]:
    """Alternating least squares from there, at the same ranks."""
    target = product(pair.target.weights, pair.target.weights[0].shape[-1])
    found = alternating_least_squares(
        pair.frozen.weights,
        target,
        start,
        ArrayArithmetic(),
        sweeps=SWEEPS,
        ranks=[rank] * pair.frozen.depth,
    )
    return list(found.adapters)


def alternating_points(pair: Pair, settings: Settings, condition: str, heard: Heard) -> list[Point]:
    """Lower bound, optimal construction, both others, and gradient descent, at every rank."""
    points = linear_points(pair, settings, condition, heard)
    for R in settings.ranks:
        blocks = block_adapters(pair, R)
        for method, adapters in ((BLOCKS, blocks), (IMPROVED, improved(pair, blocks, R))):
            points.append(_point(pair, settings, condition, method, R, adapters))
    return points


def _point(
    pair: Pair,
    settings: Settings,
    condition: str,
    method: str,
    rank: int,
    adapters: Sequence[Adapter],
) -> Point:
    X, Y = pair.draw("test")(settings.tests)
    weights = [W + x.B @ x.A for W, x in zip(pair.frozen.weights, adapters, strict=True)]
    net = Network(weights, pair.frozen.biases, pair.frozen.relus)
    everywhere = population(net(isotropic(settings.width)), pair)
    details = {"population": everywhere, "norm": largest_update(pair, weights)}
    size = 2 * settings.width * rank * pair.frozen.depth
    found = mean_squared_error(net(X), Y).item()
    return Point(condition, method, pair.seed, rank, size, found, details)


def alternating_checks(settings: Settings, points: Sequence[Point]) -> list[Check]:
    """The lower bound holds for all, and alternating never makes it worse."""
    before = {(p.condition, p.seed, p.size): _everywhere(p) for p in matching(points, BLOCKS)}
    after = matching(points, IMPROVED)
    rises = [_everywhere(p) - before[p.condition, p.seed, p.size] for p in after]
    worst = max(rises, default=None)
    never = Check(
        "alternating least squares never makes it worse",
        None if worst is None else worst <= ROUNDING,
        worst,
        "largest rise of the error over the whole distribution; above 0 only by rounding",
    )
    return [*linear_checks(settings, points), never]


def _everywhere(point: Point) -> float:
    return point.details["population"]
