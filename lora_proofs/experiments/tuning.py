"""What is trained: LoRA factors with or without biases, or a choice of whole layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.feedforward import Slope, backward, forward

Layers = tuple[list[Array], list[Array]]


@dataclass
class LowRank:
    """What_l = W_l + B_l A_l with trained factors, and trained biases where ``tune_biases``.

    B_l: (models, n_l, R) and A_l: (models, R, n_{l-1}). Factors of a smaller rank are padded
    with zeros: a zero column of B that meets a zero row of A has derivative 0 and stays zero.
    """

    weights: Sequence[Array]
    biases: list[Array]
    B: list[Array]
    A: list[Array]
    tune_biases: bool

    @property
    def parameters(self) -> list[Array]:
        """The trained arrays."""
        return [*self.B, *self.A, *(self.biases if self.tune_biases else [])]

    def network(self) -> Layers:
        """The adapted weights and the biases."""
        factors = zip(self.weights, self.B, self.A, strict=True)
        return [W + B @ A for W, B, A in factors], self.biases

    def pull_back(self, by_weight: Sequence[Array], by_bias: Sequence[Array]) -> list[Array]:
        """The derivatives by the trained arrays."""
        by_B = [G @ A.swapaxes(-1, -2) for G, A in zip(by_weight, self.A, strict=True)]
        by_A = [B.swapaxes(-1, -2) @ G for G, B in zip(by_weight, self.B, strict=True)]
        return [*by_B, *by_A, *(by_bias if self.tune_biases else [])]


@dataclass
class WholeLayers:
    """Whole layers: model k trains the weights and biases of layer l where trained[k, l] is 1."""

    weights: list[Array]
    biases: list[Array]
    trained: Array
    tune_biases: bool

    @property
    def parameters(self) -> list[Array]:
        """The weights and biases of all layers; those that are not trained have derivative 0."""
        return [*self.weights, *(self.biases if self.tune_biases else [])]

    def network(self) -> Layers:
        """The weights and biases."""
        return self.weights, self.biases

    def pull_back(self, by_weight: Sequence[Array], by_bias: Sequence[Array]) -> list[Array]:
        """The derivatives, 0 for what is frozen."""
        masks = [self.trained[:, l, None, None] for l in range(len(self.weights))]
        kinds = [by_weight, by_bias] if self.tune_biases else [by_weight]
        return [G * mask for kind in kinds for G, mask in zip(kind, masks, strict=True)]


@dataclass
class Learner:
    """Many feed-forward models in training: what is trained, the ReLUs, and the loss's slope."""

    tuning: LowRank | WholeLayers
    relus: Sequence[bool]
    slope: Slope

    @property
    def parameters(self) -> list[Array]:
        """The trained arrays."""
        return self.tuning.parameters

    def gradients(self, X: Array, Y: Array) -> list[Array]:
        """The derivatives of the loss on a batch by the trained arrays."""
        weights, biases = self.tuning.network()
        values = forward(weights, biases, X, self.relus)
        slope = self.slope(values[-1], Y)
        return self.tuning.pull_back(*backward(weights, values, slope, self.relus))

    def outputs(self, X: Array) -> Array:
        """The outputs of every model on a batch."""
        return forward(*self.tuning.network(), X, self.relus)[-1]


def low_rank(
    weights: Sequence[Array],
    biases: Sequence[Array],
    ranks: Sequence[int],
    spread: float,
    rng: np.random.Generator,
    *,
    tune_biases: bool,
) -> LowRank:
    """LoRA starts: B = 0, and the first rows of one matrix A with entries N(0, spread^2)."""
    most, models = max(ranks), len(ranks)
    kept = (np.arange(most)[None, :] < np.asarray(ranks)[:, None])[:, :, None]
    square = [rng.standard_normal((W.shape[-1], W.shape[-1])) for W in weights]
    A = [kept * spread * X[:most] for X in square]
    B = [np.zeros((models, W.shape[-2], most)) for W in weights]
    start = [np.repeat(b[None], models, axis=0) for b in biases]
    return LowRank(list(weights), start, B, A, tune_biases)


def whole_layers(
    weights: Sequence[Array],
    biases: Sequence[Array],
    last: Sequence[int],
    *,
    tune_biases: bool = True,
) -> WholeLayers:
    """For each number in ``last``, a model that trains that many of the last layers."""
    depth, models = len(weights), len(last)
    trained = np.array([[float(l >= depth - k) for l in range(depth)] for k in last])
    repeated = [[np.repeat(x[None], models, axis=0) for x in xs] for xs in (weights, biases)]
    return WholeLayers(repeated[0], repeated[1], trained, tune_biases)
