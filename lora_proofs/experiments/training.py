"""Training by Adam on batches that are really fresh, and the choice of a learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lora_proofs.experiments.adam import Adam, Array


class Trainable(Protocol):
    """Many models in training."""

    @property
    def parameters(self) -> list[Array]:
        """The trained arrays, changed in place."""

    def gradients(self, X: Array, Y: Array) -> list[Array]:
        """The derivatives of the loss on a batch by the trained arrays."""

    def outputs(self, X: Array) -> Array:
        """The outputs of every model on a batch."""


Batch = tuple[Array, Array]
Draw = Callable[[int], Batch]  # a batch of so many points, new at every call
Heard = Callable[[float], None]  # which part of the work is done


def train(
    models: Trainable,
    draw: Draw,
    rates: Array,
    *,
    steps: int,
    batch: int,
    heard: Heard = lambda part: None,
) -> None:
    """Train many models in place: every step draws one batch, which they share.

    A model that diverges shows itself by an infinite error afterwards, not by a warning.
    """
    adam = Adam(rate=rates)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps):
            adam.update(models.parameters, models.gradients(*draw(batch)))
            if step % 100 == 99:
                heard((step + 1) / steps)


@dataclass(frozen=True)
class Chosen:
    """For each model of a study, the learning rate with the smallest validation error."""

    which: Array
    rates: Array

    def of(self, found: Array) -> list[float]:
        """The values of the chosen models, from those of all: (rates x models,)."""
        table = found.reshape(len(self.rates), -1)
        return [float(table[k, j]) for j, k in enumerate(self.which.astype(int))]

    def rate(self, model: int) -> float:
        """The learning rate chosen for one model."""
        return float(self.rates[int(self.which[model])])


def chosen(validation: Array, rates: Sequence[float]) -> Chosen:
    """Choose among the learning rates by the validation error; test points are never looked at.

    >>> chosen(np.array([3.0, 1.0, 2.0, np.inf]), [0.1, 0.01]).which.tolist()
    [1.0, 0.0]
    """
    table = finite(validation).reshape(len(rates), -1)
    return Chosen(np.argmin(table, axis=0).astype(float), np.asarray(rates, dtype=float))


def finite(errors: Array) -> Array:
    """Errors with NaN read as infinite: what diverged is never the best.

    >>> finite(np.array([np.nan, 1.0])).tolist()
    [inf, 1.0]
    """
    return np.where(np.isnan(errors), np.inf, errors)


def each_rate(rates: Sequence[float], models: int) -> Array:
    """The learning rates of rates x models models, shaped to broadcast against matrices.

    >>> each_rate([0.1, 0.01], 2)[:, 0, 0].tolist()
    [0.1, 0.1, 0.01, 0.01]
    """
    return np.repeat(np.asarray(rates, dtype=float), models)[:, None, None]
