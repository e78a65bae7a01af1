"""Linear models: error against rank, where the best error is known exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.constructing import gap, linear_construction
from lora_proofs.experiments.feedforward import mean_squared_error
from lora_proofs.experiments.fitting import fit, low_rank_start
from lora_proofs.experiments.models import Pair
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import (
    CONSTRUCTION,
    GRADIENT_DESCENT,
    LOWER_BOUND,
    Check,
    Point,
    matching,
)
from lora_proofs.experiments.training import Heard

ROUNDING = 1e-9  # relative, of a mean squared error in float64


def optimal_errors(pair: Pair) -> Callable[[int], float]:
    """sum_{i>S} s_i(E)^2 / D by the total rank S: what no adapters beat when E xx' = I."""
    s = gap(pair)
    return lambda S: float(np.sum(s[S:] ** 2)) / len(s)


def linear_points(pair: Pair, settings: Settings, condition: str, heard: Heard) -> list[Point]:
    """Lower bound, construction and gradient descent, at every rank."""
    depth, width = pair.frozen.depth, settings.width
    best = optimal_errors(pair)
    X, Y = pair.draw("test")(settings.tests)
    points = []
    for R in settings.ranks:
        net, norm = linear_construction(pair, R)
        bound, found = best(R * depth), mean_squared_error(net(X), Y).item()
        details = {"population": population(net(isotropic(width)), pair), "norm": norm}
        size = 2 * width * R * depth
        points.append(Point(condition, LOWER_BOUND, pair.seed, R, size, bound))
        points.append(Point(condition, CONSTRUCTION, pair.seed, R, size, found, details))
    return points + descended(pair, settings, condition, heard)


def descended(pair: Pair, settings: Settings, condition: str, heard: Heard) -> list[Point]:
    """Gradient descent on the factors at every rank."""
    start = low_rank_start(pair, settings, tune_biases=False)
    together = len(settings.ranks) * len(settings.rates)
    found = fit(pair, settings, start, settings.ranks, heard, group=together)
    outputs = [models.outputs(isotropic(settings.width)) for models in found.groups]
    choice = found.choice
    everywhere = choice.of(np.concatenate([_population_all(f, pair) for f in outputs]))
    size = 2 * settings.width * pair.frozen.depth
    return [
        Point(condition, GRADIENT_DESCENT, pair.seed, R, size * R, error, details)
        for R, error, details in zip(
            settings.ranks,
            choice.of(found.test),
            ({"rate": choice.rate(k), "population": x} for k, x in enumerate(everywhere)),
            strict=True,
        )
    ]


def isotropic(width: int) -> Array:
    """Points with second moment I: on them the error is the error over the whole distribution."""
    found: Array = np.sqrt(width) * np.eye(width)
    return found


def _population_all(outputs: Array, pair: Pair) -> Array:
    return mean_squared_error(outputs, pair.target(isotropic(outputs.shape[-1])))


def population(outputs: Array, pair: Pair) -> float:
    """The error over the whole distribution, from the outputs on ``isotropic`` points."""
    return _population_all(outputs, pair).item()


def linear_checks(settings: Settings, points: Sequence[Point]) -> list[Check]:
    """Nothing beats the lower bound, and the construction attains it."""
    bounds = {(p.condition, p.seed, p.size): p.error for p in matching(points, LOWER_BOUND)}
    found = [p for p in points if p.method != LOWER_BOUND]
    pairs = [(p, bounds[p.condition, p.seed, p.size]) for p in found]
    return [_respected(pairs), _respected_on_tests(pairs, settings), _attained(pairs, settings)]


def _respected(pairs: Sequence[tuple[Point, float]]) -> Check:
    room = [p.details["population"] / bound for p, bound in pairs if bound > 0]
    worst = min(room, default=None)
    return Check(
        "lower bound respected",
        None if worst is None else worst >= 1 - ROUNDING,
        worst,
        "smallest ratio of an error over the whole distribution to sum_{i>S} s_i^2 / D, the "
        "Frobenius optimum; below 1 only by rounding",
    )


def _respected_on_tests(pairs: Sequence[tuple[Point, float]], settings: Settings) -> Check:
    n, D = settings.tests, settings.width
    least = max(0.0, 1 - np.sqrt(D / n) - 4 / np.sqrt(n)) ** 2
    worst = min((p.error / bound for p, bound in pairs if bound > 0), default=None)
    return Check(
        "lower bound respected on the test points, up to sampling error",
        None if worst is None else bool(worst >= least),
        worst,
        f"smallest ratio of a test error to the bound; above {least:.3f}, the least eigenvalue "
        f"of the second moment of {n} points, except with probability exp(-8)",
    )


def _attained(pairs: Sequence[tuple[Point, float]], settings: Settings) -> Check:
    built = [(p, bound) for p, bound in pairs if p.method == CONSTRUCTION]
    far = [abs(p.details["population"] - bound) for p, bound in built]
    worst, D, L = max(far, default=None), settings.width, settings.frozen_depth
    return Check(
        "the construction attains the lower bound",
        None if worst is None else worst <= ROUNDING,
        worst,
        "largest distance between the construction's error over the whole distribution and the "
        f"bound, which is 0 from rank ceil(D / L) = {-(-D // L)} on",
    )
