"""Gradient descent towards a target: all sizes and learning rates, a group of models at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.drawing import stream
from lora_proofs.experiments.feedforward import mean_squared_error, slope_of_squares
from lora_proofs.experiments.models import Pair
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import Point
from lora_proofs.experiments.training import (
    Chosen,
    Draw,
    Heard,
    Trainable,
    chosen,
    each_rate,
    train,
)
from lora_proofs.experiments.tuning import Learner, low_rank, whole_layers

GROUP = 8  # so many models' activations fit into a core's cache
Start = Callable[[Sequence[int]], Trainable]  # the untrained models of the sizes asked for


class Source(Protocol):
    """Where batches come from."""

    @property
    def seed(self) -> int:
        """The seed of its streams."""

    def draw(self, name: str) -> Draw:
        """Batches of inputs with the target's outputs, from the stream of that name."""


def low_rank_start(pair: Pair, settings: Settings, *, tune_biases: bool) -> Start:
    """LoRA on every layer; the same random rows at every rank and learning rate."""

    def start(ranks: Sequence[int]) -> Learner:
        rng, frozen = stream(pair.seed, "factors"), pair.frozen
        tuning = low_rank(
            frozen.weights, frozen.biases, ranks, settings.spread, rng, tune_biases=tune_biases
        )
        return Learner(tuning, frozen.relus, slope_of_squares)

    return start


def last_layers_start(pair: Pair) -> Start:
    """Whole last layers."""
    frozen = pair.frozen

    def start(counts: Sequence[int]) -> Learner:
        tuning = whole_layers(frozen.weights, frozen.biases, counts)
        return Learner(tuning, frozen.relus, slope_of_squares)

    return start


@dataclass(frozen=True)
class Fit:
    """What training found: the choice of learning rates, all test errors, and the models."""

    choice: Chosen
    test: Array
    groups: list[Trainable]


def fit(
    source: Source,
    settings: Settings,
    start: Start,
    sizes: Sequence[int],
    heard: Heard,
    *,
    group: int = GROUP,
) -> Fit:
    """Train every size at every learning rate; all of them meet the same batches."""
    wanted = [size for _ in settings.rates for size in sizes]
    rates = each_rate(settings.rates, len(sizes))
    validation, test, groups = [], [], []
    for first in range(0, len(wanted), group):
        part = slice(first, first + group)
        models = start(wanted[part])
        listen = _within(heard, first / len(wanted), len(wanted[part]) / len(wanted))
        train(
            models,
            source.draw("training"),
            rates[part],
            steps=settings.steps,
            batch=settings.batch,
            heard=listen,
        )
        validation.append(error(models, source.draw("validation")(settings.validations)))
        test.append(error(models, source.draw("test")(settings.tests)))
        groups.append(models)
    return Fit(chosen(np.concatenate(validation), settings.rates), np.concatenate(test), groups)


def _within(heard: Heard, first: float, share: float) -> Heard:
    return lambda part: heard(first + share * part)


def error(models: Trainable, batch: tuple[Array, Array]) -> Array:
    """The mean squared error of every model on a batch; infinite where it is not finite."""
    X, Y = batch
    with np.errstate(over="ignore", invalid="ignore"):
        found = mean_squared_error(models.outputs(X), Y)
    return np.where(np.isfinite(found), found, np.inf)


def fitted(
    source: Source,
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
    found = fit(source, settings, start, sizes, heard)
    errors = zip(sizes, found.choice.of(found.test), strict=True)
    return [
        Point(
            condition,
            method,
            source.seed,
            size,
            count(size),
            value,
            {"rate": found.choice.rate(k)},
        )
        for k, (size, value) in enumerate(errors)
    ]
