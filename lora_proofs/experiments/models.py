"""The models of a study: a target, a frozen model, and what makes the pair special."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lora_proofs.experiments.adam import Adam, Array
from lora_proofs.experiments.drawing import product, stream, uniform_layers
from lora_proofs.experiments.feedforward import forward, mean_squared_error, slope_of_squares
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.training import Draw, Trainable
from lora_proofs.experiments.tuning import Learner, whole_layers


@dataclass(frozen=True)
class Network:
    """Weights (n_l, n_{l-1}) and biases (n_l, 1), and which layers end in a ReLU.

    >>> Network([np.array([[2.0]])], [np.zeros((1, 1))], (False,))(np.array([[3.0]])).tolist()
    [[6.0]]
    """

    weights: list[Array]
    biases: list[Array]
    relus: tuple[bool, ...]

    def __call__(self, X: Array) -> Array:
        return forward(self.weights, self.biases, X, self.relus)[-1]

    @property
    def depth(self) -> int:
        """The number of layers."""
        return len(self.weights)


@dataclass(frozen=True)
class Pair:
    """A target, and the frozen model that is to be adapted to it; inputs are N(0, I)."""

    target: Network
    frozen: Network
    seed: int

    @property
    def linear(self) -> bool:
        """Whether neither model has a ReLU."""
        return not any(self.target.relus + self.frozen.relus)

    def draw(self, name: str) -> Draw:
        """Batches of inputs with the target's outputs, from the stream of that name."""
        rng, width = stream(self.seed, name), self.target.weights[0].shape[-1]

        def batch(points: int) -> tuple[Array, Array]:
            X = rng.standard_normal((width, points))
            X = condensed(X) if self.linear else X
            return X, self.target(X)

        return batch


def condensed(X: Array) -> Array:
    """A square batch with the second moment of X.

    A linear model without biases sees a batch only through its second moment, so that losses and
    derivatives stay exactly the same, at a fraction of the price.

    >>> X = np.array([[3.0, 4.0]])
    >>> condensed(X) ** 2, np.mean(X**2)
    (array([[12.5]]), np.float64(12.5))
    """
    square, points = X.shape
    if points <= square:
        return X
    found: Array = np.sqrt(square / points) * np.linalg.cholesky(X @ X.T)
    return found


def random_pair(settings: Settings, seed: int, *, relu: bool) -> Pair:
    """Target and frozen model from torch's default; a linear model has no biases."""
    target, frozen = (
        _network(settings.width, depth, stream(seed, name), relu)
        for name, depth in (("target", settings.target_depth), ("frozen", settings.frozen_depth))
    )
    return Pair(target, frozen, seed)


def _network(width: int, depth: int, rng: np.random.Generator, relu: bool) -> Network:
    weights, biases = uniform_layers((width,) * (depth + 1), rng, biases=relu)
    return Network(weights, biases, (relu,) * depth)


def uniform_singular_values(pair: Pair) -> Pair:
    """One target layer, moved so that the error matrix is the mean singular value times I."""
    width = pair.target.weights[0].shape[0]
    P0 = product(pair.frozen.weights, width)
    mean = np.linalg.svd(pair.target.weights[0] - P0, compute_uv=False).mean()
    target = Network([P0 + mean * np.eye(width)], pair.target.biases, pair.target.relus)
    return Pair(target, pair.frozen, pair.seed)


def related_pair(pair: Pair) -> Pair:
    """The same frozen model, beside a neighbour of the target: its weights plus 30 % noise."""
    rng = stream(pair.seed, "neighbour")
    weights = [W + 0.3 * np.std(W) * rng.standard_normal(W.shape) for W in pair.target.weights]
    return Pair(Network(weights, pair.target.biases, pair.target.relus), pair.frozen, pair.seed)


def pretrained(pair: Pair, settings: Settings, *, on: Callable[[Pair], Pair] = lambda p: p) -> Pair:
    """The pair with all layers of its frozen model trained, until the loss is a third of the first.

    It is trained on the target itself, as the authors' code does, or on another pair's target.
    """
    net, draw = pair.frozen, on(pair).draw("pretraining")
    tuning = whole_layers(net.weights, net.biases, [net.depth], tune_biases=not pair.linear)
    train_until(Learner(tuning, net.relus, slope_of_squares), draw, settings)
    weights, biases = ([x[0] for x in xs] for xs in tuning.network())
    return Pair(pair.target, Network(weights, biases, net.relus), pair.seed)


def train_until(models: Trainable, draw: Draw, settings: Settings) -> None:
    """Train one model until its loss on a batch is below the first loss over the level."""
    adam, first = Adam(rate=settings.pretraining_rate), None
    for _ in range(settings.pretraining_steps):
        X, Y = draw(settings.batch)
        loss = mean_squared_error(models.outputs(X), Y).item()
        first = loss if first is None else first
        if loss < first / settings.pretraining_level:
            return
        adam.update(models.parameters, models.gradients(X, Y))
