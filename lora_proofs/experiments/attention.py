"""Transformers in training, batched: many models on one batch, with their exact derivatives.

Tokens are rows here: Z: (models, sequences, length, D), so that a weight meets all tokens of a
model in one product. A row of scores then goes through the softmax, and z stands for Z'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.feedforward import slope_of_squares

Place = tuple[int, int, str]  # block, head (0 where there is none), Q, K, V, O, W1, b1, W2, b2, Wo
Weights = dict[Place, Array]  # weights (..., D, D), biases (..., 1, D)


@dataclass(frozen=True)
class Shape:
    """How many blocks, and heads in each."""

    blocks: int
    heads: int

    def places(self) -> list[Place]:
        """Every weight matrix and bias.

        >>> [name for _, _, name in Shape(1, 1).places()]
        ['Q', 'K', 'V', 'O', 'W1', 'b1', 'W2', 'b2', 'Wo']
        """
        found = []
        for l in range(1, self.blocks + 1):
            found += [(l, h, name) for h in range(1, self.heads + 1) for name in "QKVO"]
            found += [(l, 0, name) for name in ("W1", "b1", "W2", "b2")]
        return [*found, (0, 0, "Wo")]

    def adapted(self) -> list[Place]:
        """Where the theorem puts adapters: attention, the last W2, and Wo."""
        last = (self.blocks, 0, "W2")
        return [p for p in self.places() if p[2] in ("Q", "K", "V", "O", "Wo") or p == last]

    def biases(self) -> list[Place]:
        """b1 and b2 of every block."""
        return [p for p in self.places() if p[2] in ("b1", "b2")]


@dataclass
class HeadValues:
    """What the way back needs of a head: queries, keys, values, weights of the mean, the means."""

    q: Array
    k: Array
    v: Array
    P: Array
    u: Array


@dataclass
class BlockValues:
    """The same of a block: its input, its heads, the sum H over them, and the units Y."""

    Z: Array
    heads: list[HeadValues]
    H: Array
    Y: Array


def times(Z: Array, W: Array) -> Array:
    """Z W' for every token; all tokens of a model in one product."""
    models = max(Z.shape[0], W.shape[0] if W.ndim == 3 else 1)
    found = Z.reshape(Z.shape[0], -1, Z.shape[-1]) @ np.swapaxes(W, -1, -2)
    return found.reshape(models, *Z.shape[1:-1], W.shape[-2])


def against(G: Array, Z: Array) -> Array:
    """The sum of g z' over the tokens: the derivative by a weight."""
    flat = [x.reshape(x.shape[0], -1, x.shape[-1]) for x in (G, Z)]
    return np.swapaxes(flat[0], -1, -2) @ flat[1]


def row_softmax(S: Array) -> Array:
    """The softmax along the last axis.

    >>> row_softmax(np.zeros((1, 2))).tolist()
    [[0.5, 0.5]]
    """
    powers = np.exp(S - S.max(axis=-1, keepdims=True))
    found: Array = powers / powers.sum(axis=-1, keepdims=True)
    return found


def forward(
    weights: Mapping[Place, Array], Z: Array, shape: Shape
) -> tuple[Array, list[BlockValues]]:
    """The outputs (models, sequences, length, D), and the values on the way."""
    values = []
    for l in range(1, shape.blocks + 1):
        heads = [_head(weights, Z, (l, h)) for h in range(1, shape.heads + 1)]
        parts = [times(x.u, weights[l, h, "O"]) for h, x in enumerate(heads, 1)]
        H = _sum(parts)
        Y = times(H, weights[l, 0, "W1"]) + _bias(weights[l, 0, "b1"])
        np.maximum(Y, 0, out=Y)
        values.append(BlockValues(Z, heads, H, Y))
        Z = times(Y, weights[l, 0, "W2"]) + _bias(weights[l, 0, "b2"])
    values.append(BlockValues(Z, [], Z, Z))
    return times(Z, weights[0, 0, "Wo"]), values


def _sum(parts: Sequence[Array]) -> Array:
    found = parts[0]
    for part in parts[1:]:
        found = found + part
    return found


def _bias(b: Array) -> Array:
    return b.reshape(-1, 1, 1, b.shape[-1])


def _head(weights: Mapping[Place, Array], Z: Array, at: tuple[int, int]) -> HeadValues:
    q, k, v = (times(Z, weights[(*at, name)]) for name in "QKV")
    P = row_softmax(q @ np.swapaxes(k, -1, -2))
    return HeadValues(q, k, v, P, P @ v)


def backward(
    weights: Mapping[Place, Array], values: Sequence[BlockValues], G: Array, shape: Shape
) -> Weights:
    """The derivatives by every weight and bias, from the derivative G by the outputs."""
    found: Weights = {(0, 0, "Wo"): against(G, values[-1].Z)}
    G = times(G, np.swapaxes(weights[0, 0, "Wo"], -1, -2))
    for l in range(shape.blocks, 0, -1):
        block = values[l - 1]
        found[l, 0, "W2"], found[l, 0, "b2"] = against(G, block.Y), _total(G)
        G = times(G, np.swapaxes(weights[l, 0, "W2"], -1, -2)) * (block.Y > 0)
        found[l, 0, "W1"], found[l, 0, "b1"] = against(G, block.H), _total(G)
        G = times(G, np.swapaxes(weights[l, 0, "W1"], -1, -2))
        parts = [
            _through_head(weights, head, block.Z, G, (l, h), found)
            for h, head in enumerate(block.heads, 1)
        ]
        G = _sum(parts)
    return found


def _total(G: Array) -> Array:
    flat = G.reshape(G.shape[0], -1, G.shape[-1])
    return np.ones((1, flat.shape[1])) @ flat


def _through_head(
    weights: Mapping[Place, Array],
    head: HeadValues,
    Z: Array,
    G: Array,
    at: tuple[int, int],
    found: Weights,
) -> Array:
    """The derivative by the block's input through one head; the head's own go into ``found``."""
    found[(*at, "O")] = against(G, head.u)
    by_u = times(G, np.swapaxes(weights[(*at, "O")], -1, -2))
    by_P = by_u @ np.swapaxes(head.v, -1, -2)
    by_S = head.P * (by_P - np.einsum("...ij,...ij->...i", by_P, head.P)[..., None])
    slopes = {
        "Q": by_S @ head.k,
        "K": np.swapaxes(by_S, -1, -2) @ head.q,
        "V": np.swapaxes(head.P, -1, -2) @ by_u,
    }
    for name, slope in slopes.items():
        found[(*at, name)] = against(slope, Z)
    parts = [times(g, np.swapaxes(weights[(*at, x)], -1, -2)) for x, g in slopes.items()]
    return _sum(parts)


@dataclass
class TransformerLearner:
    """LoRA on the places that the theorem names, with all biases; or all weights, without factors.

    B: (models, D, R) and A: (models, R, D) by place; ``weights`` holds the frozen weights and the
    trained biases.
    """

    weights: Weights
    shape: Shape
    B: Weights
    A: Weights

    @property
    def parameters(self) -> list[Array]:
        """The trained arrays: all of them where there are no factors."""
        if not self.B:
            return list(self.weights.values())
        biases = [self.weights[place] for place in self.shape.biases()]
        return [*self.B.values(), *self.A.values(), *biases]

    def network(self) -> Weights:
        """The adapted weights and the biases."""
        updates = {place: self.weights[place] + B @ self.A[place] for place, B in self.B.items()}
        return {**self.weights, **updates}

    def gradients(self, X: Array, Y: Array) -> list[Array]:
        """The derivatives of the mean squared error by the trained arrays."""
        weights = self.network()
        outputs, values = forward(weights, X[None], self.shape)
        found = backward(weights, values, slope_of_squares(outputs, Y), self.shape)
        if not self.B:
            return [found[place] for place in self.weights]
        by_B = [found[place] @ np.swapaxes(self.A[place], -1, -2) for place in self.B]
        by_A = [np.swapaxes(B, -1, -2) @ found[place] for place, B in self.B.items()]
        return [*by_B, *by_A, *(found[place] for place in self.shape.biases())]

    def outputs(self, X: Array) -> Array:
        """The outputs of every model on a batch (sequences, length, D)."""
        return forward(self.network(), X[None], self.shape)[0]
