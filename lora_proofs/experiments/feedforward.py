"""Feed-forward networks, batched: many models on one batch, with their exact derivatives.

A batch of inputs is a matrix X: (n_0, n) with one column per point, weights are (..., n_l, n_{l-1})
and biases (..., n_l, 1); layer 1 acts first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lora_proofs.experiments.adam import Array


def forward(
    weights: Sequence[Array], biases: Sequence[Array], X: Array, relus: Sequence[bool]
) -> list[Array]:
    """The values z_0 = X, z_1, ..., z_L of every layer; layer l has a ReLU where relus[l-1].

    >>> net = [np.array([[1.0], [-1.0]])], [np.zeros((2, 1))]
    >>> forward(*net, np.array([[3.0]]), [True])[-1].tolist()
    [[3.0], [0.0]]
    """
    values = [X]
    for W, b, relu in zip(weights, biases, relus, strict=True):
        Z = W @ values[-1]
        Z += b
        values.append(np.maximum(Z, 0, out=Z) if relu else Z)
    return values


def backward(
    weights: Sequence[Array], values: Sequence[Array], G: Array, relus: Sequence[bool]
) -> tuple[list[Array], list[Array]]:
    """The derivatives by every weight and every bias, from the derivative G by the output."""
    by_weight, by_bias = [], []
    for l in range(len(weights), 0, -1):
        if relus[l - 1]:
            G = G * (values[l] > 0)
        by_weight.append(G @ np.swapaxes(values[l - 1], -1, -2))
        by_bias.append(G.sum(-1, keepdims=True))
        if l > 1:
            G = np.swapaxes(weights[l - 1], -1, -2) @ G
    return by_weight[::-1], by_bias[::-1]


Slope = Callable[[Array, Array], Array]


def mean_squared_error(prediction: Array, Y: Array) -> Array:
    """E ||f - y||^2 / D over the points, one number for each model: the mean over all axes of Y.

    >>> float(mean_squared_error(np.ones((2, 5)), np.zeros((2, 5))))
    1.0
    """
    difference = prediction - Y
    found: Array = np.mean(difference * difference, axis=tuple(range(-Y.ndim, 0)))
    return found


def slope_of_squares(prediction: Array, Y: Array) -> Array:
    """The derivative of ``mean_squared_error`` by the prediction."""
    return (prediction - Y) * (2 / Y.size)
