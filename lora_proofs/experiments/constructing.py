"""The theory's adapters for a pair of float models, at as many digits as they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.constructions.linear import LinearAdaptation, linear_adapters
from lora_proofs.constructions.partition import block_slices, uniform_partition
from lora_proofs.constructions.precision import at_enough_digits
from lora_proofs.constructions.regions import Ball
from lora_proofs.constructions.relu_fnn import precise_relu_adapters
from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.drawing import product
from lora_proofs.experiments.models import Network, Pair

TOLERANCE = 1e-9  # of the attained spectral error, relative to the largest singular value of E


def floats(X: Any) -> Array:
    """A matrix of any arithmetic in float64.

    >>> floats([[1, 2.5]]).tolist()
    [[1.0, 2.5]]
    """
    return np.array([[float(x) for x in row] for row in X], dtype=float)


def gap(pair: Pair) -> Array:
    """The singular values of E = Wbar - W_L ... W_1 of a linear pair."""
    E = _product(pair.target.weights) - _product(pair.frozen.weights)
    found: Array = np.asarray(np.linalg.svd(E, compute_uv=False), dtype=np.float64)
    return found


def _product(weights: Sequence[Array]) -> Array:
    return product(list(weights), weights[0].shape[-1])


def linear_construction(pair: Pair, rank: int) -> tuple[Network, float]:
    """The optimal adapters of that rank on every layer, and the largest norm of an update."""
    weights = [floats(W) for W in linear_adaptation(pair, rank).weights]
    return Network(weights, pair.frozen.biases, pair.frozen.relus), largest_update(pair, weights)


def linear_adaptation(pair: Pair, rank: int) -> LinearAdaptation:
    """The optimal adapters of that rank on every layer, for the product of the target's layers."""
    target, ranks = _product(pair.target.weights), [rank] * pair.frozen.depth
    s = np.append(gap(pair), np.zeros(sum(ranks) + 1))
    best, allowed = s[sum(ranks)], TOLERANCE * s[0]

    def accepted(found: LinearAdaptation) -> bool:
        attained = np.linalg.norm(_product([floats(W) for W in found.weights]) - target, 2)
        return bool(abs(attained - best) <= allowed)

    return at_enough_digits(
        lambda ctx: linear_adapters(pair.frozen.weights, target, ranks, ctx), accepted
    )


def largest_update(pair: Pair, weights: Sequence[Array]) -> float:
    """max ||What_l - W_l||_F: an error that is small only because a norm exploded shows here."""
    pairs = zip(weights, pair.frozen.weights, strict=True)
    return max(float(np.linalg.norm(What - W)) for What, W in pairs)


def radius(width: int) -> float:
    """sqrt(D) + 6: a standard Gaussian point is longer with a probability below exp(-18) = 2e-8.

    By concentration: |x| moves by at most |x - y| and has a mean of at most sqrt(D).

    >>> radius(16)
    10.0
    """
    return float(width**0.5) + 6


@dataclass(frozen=True)
class Built:
    """A constructed ReLU network: its layers in float64, and its blocks' affine pieces.

    On the ball both are one function. Deep nets whose frozen products are badly conditioned lose
    digits when their layers are rounded to float64; their pieces come from enough digits.
    """

    layers: Network
    pieces: Network
    norm: float


def relu_construction(pair: Pair, rank: int) -> Built:
    """Adapters of that rank on every layer, and biases for the ball of ``radius``.

    The biases come from the sharp formula for the ball, from no sample of points.
    """
    depth, width = pair.frozen.depth, pair.frozen.weights[0].shape[-1]
    found = precise_relu_adapters(
        _layers(pair.frozen),
        _layers(pair.target),
        [rank] * depth,
        Ball([0.0] * width, radius(width)),
        "uniform",
        tolerance=TOLERANCE,
    )
    weights = [floats(W) for W in found.weights]
    layers = Network(weights, [_column(b) for b in found.biases], pair.frozen.relus)
    made = zip(found.weights, found.biases, strict=True)
    blocks = block_slices(uniform_partition(depth, pair.target.depth))
    columns = [(W, np.asarray(b).reshape(-1, 1)) for W, b in made]
    affine = [_composed(columns[block]) for block in blocks]
    pieces = Network([A for A, _ in affine], [a for _, a in affine], pair.target.relus)
    return Built(layers, pieces, largest_update(pair, weights))


def _composed(layers: Sequence[tuple[Any, Any]]) -> tuple[Array, Array]:
    """A and a with x -> A x + a the layers one after the other, in the arithmetic they come in."""
    A, a = layers[0]
    for W, b in layers[1:]:
        A, a = W @ A, W @ a + b
    return floats(A), floats(a)


def _column(b: Any) -> Array:
    return floats([[x] for x in b])


def _layers(net: Network) -> list[tuple[Array, Array]]:
    return [(W, b[:, 0]) for W, b in zip(net.weights, net.biases, strict=True)]
