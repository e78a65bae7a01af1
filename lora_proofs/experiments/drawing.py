"""Random models and batches: every use of chance has a stream of its own.

A stream depends on the seed and on its name alone, so that no result depends on the order in which
the parts of an experiment run, and test points never meet training or validation points.
"""

from __future__ import annotations

import numpy as np

from lora_proofs.experiments.adam import Array


def stream(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one purpose.

    >>> stream(0, "test").random() == stream(0, "test").random()
    True
    >>> stream(0, "test").random() == stream(0, "train").random()
    False
    """
    return np.random.default_rng([seed, *name.encode()])


def uniform_layers(
    widths: tuple[int, ...], rng: np.random.Generator, *, biases: bool
) -> tuple[list[Array], list[Array]]:
    """Weights and biases from U(-1/sqrt(n_{l-1}), 1/sqrt(n_{l-1})): the default of torch's Linear.

    >>> W, b = uniform_layers((3, 2), stream(0, "example"), biases=False)
    >>> W[0].shape, b[0].tolist()
    ((2, 3), [[0.0], [0.0]])
    """
    weights, offsets = [], []
    for n, m in zip(widths[1:], widths[:-1], strict=True):
        side = m**-0.5
        weights.append(rng.uniform(-side, side, (n, m)))
        offsets.append(rng.uniform(-side, side, (n, 1)) if biases else np.zeros((n, 1)))
    return weights, offsets


def product(weights: list[Array], size: int) -> Array:
    """W_L ... W_1.

    >>> product([np.array([[2.0]]), np.array([[3.0]])], 1).tolist()
    [[6.0]]
    """
    found = np.eye(size)
    for W in weights:
        found = W @ found
    return found
