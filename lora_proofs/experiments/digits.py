"""Real data: scikit-learn's 8 x 8 digits, from some classes to others. A substitute for GLUE.

A network learns the digits 0 to 4; then its task changes to the digits 5 to 9, digit k + 5 being
given by the output of digit k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lora_proofs.errors import BadInput
from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.drawing import stream, uniform_layers
from lora_proofs.experiments.models import Network
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import Check, Point, matching
from lora_proofs.experiments.training import Draw, Heard, Trainable, chosen, each_rate, train
from lora_proofs.experiments.tuning import Learner, LowRank, WholeLayers, low_rank, whole_layers

CLASSES = 5
INSTALL = "pip install 'lora_proofs[digits]'"
LORA, FULL, LAST, FROZEN = "LoRA", "full fine-tuning", "final layer", "no adaptation"


@dataclass(frozen=True)
class Task:
    """Images (64, n) and labels, apart for training, validation and test."""

    images: dict[str, Array]
    labels: dict[str, Array]

    def draw(self, rng: np.random.Generator) -> Draw:
        """Batches from the training images, drawn with replacement; labels as unit columns."""
        X, y = self.images["training"], self.labels["training"]

        def batch(points: int) -> tuple[Array, Array]:
            which = rng.integers(X.shape[1], size=points)
            return X[:, which], np.eye(CLASSES)[:, y[which].astype(int)]

        return batch


def tasks(seed: int) -> tuple[Task, Task]:
    """The digits 0 to 4 and 5 to 9; three fifths train, a fifth validates, a fifth tests."""
    images, labels = _digits()
    found = []
    for first in (0, CLASSES):
        of = np.flatnonzero((labels >= first) & (labels < first + CLASSES))
        of = stream(seed, f"split {first}").permutation(of)
        ends = [0, 3 * len(of) // 5, 4 * len(of) // 5, len(of)]
        names = ("training", "validation", "test")
        parts = {x: of[a:b] for x, a, b in zip(names, ends[:-1], ends[1:], strict=True)}
        found.append(
            Task(
                {name: images[:, part] for name, part in parts.items()},
                {name: labels[part] - first for name, part in parts.items()},
            )
        )
    return found[0], found[1]


def _digits() -> tuple[Array, Array]:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise BadInput(f"zeng-lee/digits: it needs scikit-learn: {INSTALL}") from None
    found = load_digits()
    return found.data.T / 16.0, found.target.astype(float)


def slope_of_cross_entropy(logits: Array, Y: Array) -> Array:
    """The derivative of the mean of -log softmax(logits) at the class, Y holding unit columns.

    >>> slope_of_cross_entropy(np.zeros((2, 1)), np.array([[1.0], [0.0]])).tolist()
    [[-0.5], [0.5]]
    """
    powers = np.exp(logits - logits.max(axis=-2, keepdims=True))
    found: Array = (powers / powers.sum(axis=-2, keepdims=True) - Y) / Y.shape[-1]
    return found


def error_rate(models: Trainable, task: Task, part: str) -> Array:
    """Which part of the images every model takes for another digit."""
    given = np.argmax(models.outputs(task.images[part]), axis=-2)
    found: Array = np.mean(given != task.labels[part], axis=-1)
    return found


def digits_points(settings: Settings, condition: str, seed: int, heard: Heard) -> list[Point]:
    """LoRA at every rank, beside full fine-tuning, the final layer alone, and no adaptation."""
    before, after = tasks(seed)
    net = _pretrained(settings, before, seed)
    layers = net.depth
    sizes = [W.size + b.size for W, b in zip(net.weights, net.biases, strict=True)]
    sides = sum(sum(W.shape) for W in net.weights)
    biases = sum(b.size for b in net.biases)
    ranks = settings.ranks
    lora = low_rank(
        net.weights,
        net.biases,
        [R for _ in settings.rates for R in ranks],
        settings.spread,
        stream(seed, "factors"),
        tune_biases=True,
    )
    whole = whole_layers(net.weights, net.biases, [k for _ in settings.rates for k in (1, layers)])
    idle = whole_layers(net.weights, net.biases, [0])
    halves = [lambda x: heard(x / 2), lambda x: heard((1 + x) / 2)]
    tunings: list[LowRank | WholeLayers] = [lora, whole]
    errors = [
        _adapted(Learner(x, net.relus, slope_of_cross_entropy), after, settings, seed, listen)
        for x, listen in zip(tunings, halves, strict=True)
    ]
    learner = Learner(idle, net.relus, slope_of_cross_entropy)
    untouched = error_rate(learner, after, "test").item()
    own = error_rate(learner, before, "test").item()
    counts = [R * sides + biases for R in ranks]
    points = [
        Point(condition, LORA, seed, R, n, x)
        for R, n, x in zip(ranks, counts, errors[0], strict=True)
    ]
    for R in ranks:  # what has no rank stands at every rank, to compare with
        points += [
            Point(condition, LAST, seed, R, sizes[-1], errors[1][0]),
            Point(condition, FULL, seed, R, sum(sizes), errors[1][1]),
            Point(condition, FROZEN, seed, R, 0, untouched, {"first task": own}),
        ]
    return points


def _pretrained(settings: Settings, task: Task, seed: int) -> Network:
    widths = (64, settings.width, settings.width, CLASSES)
    weights, biases = uniform_layers(widths, stream(seed, "network"), biases=True)
    relus = (True, True, False)
    tuning = whole_layers(weights, biases, [len(weights)])
    train(
        Learner(tuning, relus, slope_of_cross_entropy),
        task.draw(stream(seed, "pretraining")),
        each_rate([settings.pretraining_rate], 1),
        steps=settings.pretraining_steps,
        batch=settings.batch,
    )
    return Network([W[0] for W in tuning.weights], [b[0] for b in tuning.biases], relus)


def _adapted(
    models: Learner, task: Task, settings: Settings, seed: int, heard: Heard
) -> list[float]:
    """The test error of every size at the learning rate that validation chooses."""
    count = len(models.tuning.biases[0]) // len(settings.rates)
    train(
        models,
        task.draw(stream(seed, "training")),
        each_rate(settings.rates, count),
        steps=settings.steps,
        batch=settings.batch,
        heard=heard,
    )
    choice = chosen(error_rate(models, task, "validation"), settings.rates)
    return choice.of(error_rate(models, task, "test"))


def digits_checks(settings: Settings, points: Sequence[Point]) -> list[Check]:
    """The frozen model knows its own task: else there is nothing to adapt."""
    own = [p.details["first task"] for p in matching(points, FROZEN)]
    worst = max(own, default=None)
    return [
        Check(
            "the frozen model has learned the first five digits",
            None if worst is None else worst <= 0.1,
            worst,
            "largest test error on the digits 0 to 4; expected at most 0.1",
        )
    ]
