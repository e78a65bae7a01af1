"""Gradient descent on a pair: all sizes and learning rates, a group of models at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.drawing import stream
from lora_proofs.experiments.feedforward import mean_squared_error, slope_of_squares
from lora_proofs.experiments.models import Pair
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import Point
from lora_proofs.experiments.training import Chosen, Heard, chosen, each_rate, train
from lora_proofs.experiments.tuning import (
    LowRank,
    Tuning,
    gradients,
    low_rank,
    predictions,
    whole_layers,
)

GROUP = 8  # so many models' activations fit into a core's cache
Start = Callable[[Sequence[int]], Tuning]  # the untrained models of the sizes asked for


def low_rank_start(pair: Pair, settings: Settings, *, tune_biases: bool) -> Start:
    """LoRA on every layer; the same random rows at every rank and learning rate."""

    def start(ranks: Sequence[int]) -> LowRank:
        rng, frozen = stream(pair.seed, "factors"), pair.frozen
        return low_rank(
            frozen.weights, frozen.biases, ranks, settings.spread, rng, tune_biases=tune_biases
        )

    return start


def last_layers_start(pair: Pair) -> Start:
    """Whole last layers."""
    return lambda counts: whole_layers(pair.frozen.weights, pair.frozen.biases, counts)


def fit(
    pair: Pair, settings: Settings, start: Start, sizes: Sequence[int], heard: Heard
) -> tuple[Chosen, Array, list[Tuning]]:
    """Train every size at every learning rate; the choice, all test errors, and the groups."""
    wanted = [size for _ in settings.rates for size in sizes]
    rates = each_rate(settings.rates, len(sizes))
    group = len(wanted) if pair.linear else GROUP
    validation, test, groups = [], [], []
    for first in range(0, len(wanted), group):
        part = slice(first, first + group)
        tuning = start(wanted[part])
        at = first / len(wanted)
        share = len(wanted[part]) / len(wanted)
        _train(tuning, pair, settings, rates[part], lambda x, at=at, s=share: heard(at + s * x))
        validation.append(error(tuning, pair, "validation", settings.validations))
        test.append(error(tuning, pair, "test", settings.tests))
        groups.append(tuning)
    return chosen(np.concatenate(validation), settings.rates), np.concatenate(test), groups


def _train(tuning: Tuning, pair: Pair, settings: Settings, rates: Array, heard: Heard) -> None:
    relus = pair.frozen.relus
    train(
        tuning.parameters,
        lambda X, Y: gradients(tuning, X, Y, relus, slope_of_squares),
        pair.draw("training"),
        rates,
        steps=settings.steps,
        batch=settings.batch,
        heard=heard,
    )


def error(tuning: Tuning, pair: Pair, name: str, points: int) -> Array:
    """The mean squared error of every model on points of that stream; infinite where not finite."""
    X, Y = pair.draw(name)(points)
    with np.errstate(over="ignore", invalid="ignore"):
        found = mean_squared_error(predictions(tuning, X, pair.frozen.relus), Y)
    return np.where(np.isfinite(found), found, np.inf)


def fitted(
    pair: Pair,
    settings: Settings,
    start: Start,
    sizes: Sequence[int],
    heard: Heard,
    *,
    condition: str,
    method: str,
    count: Callable[[int], int],
) -> list[Point]:
    """The points of gradient descent; ``count`` is the number of trained parameters of a size."""
    choice, test, _ = fit(pair, settings, start, sizes, heard)
    return [
        Point(condition, method, pair.seed, size, count(size), found, {"rate": choice.rate(k)})
        for k, (size, found) in enumerate(zip(sizes, choice.of(test), strict=True))
    ]
