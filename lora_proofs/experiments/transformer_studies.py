"""Transformers: error against rank, construction beside gradient descent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.constructions.transformer import precise_transformer_adapters
from lora_proofs.experiments.adam import Array
from lora_proofs.experiments.attention import (
    Place,
    Shape,
    TransformerLearner,
    Weights,
    forward,
)
from lora_proofs.experiments.constructing import floats
from lora_proofs.experiments.drawing import stream
from lora_proofs.experiments.feedforward import mean_squared_error
from lora_proofs.experiments.fitting import Start, fitted
from lora_proofs.experiments.models import train_until
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import (
    CONSTRUCTION,
    GRADIENT_DESCENT,
    Check,
    Point,
    matching,
)
from lora_proofs.experiments.training import Draw, Heard
from lora_proofs.mathematics.transformer import Block, Head, TransformerModel

EXACT_ENOUGH = 1e-16  # a mean squared error at most this much of the target's mean square


@dataclass(frozen=True)
class TransformerPair:
    """A target, a frozen model of the same shape, and the length of the input sequences."""

    target: Weights
    frozen: Weights
    shape: Shape
    length: int
    seed: int

    @property
    def width(self) -> int:
        """D."""
        return int(self.frozen[0, 0, "Wo"].shape[-1])

    def draw(self, name: str) -> Draw:
        """Sequences of standard Gaussian tokens, and the target's outputs, from that stream."""
        rng = stream(self.seed, name)

        def batch(points: int) -> tuple[Array, Array]:
            X = rng.standard_normal((points, self.length, self.width))
            return X, forward(self.target, X[None], self.shape)[0][0]

        return batch


def transformer_pair(settings: Settings, seed: int) -> TransformerPair:
    """Attention weights from N(0, 1), the others from torch's default, as in the authors' code."""
    shape = Shape(settings.frozen_depth, settings.heads)
    target, frozen = (
        _drawn(shape, settings.width, stream(seed, name)) for name in ("target", "frozen")
    )
    return TransformerPair(target, frozen, shape, settings.length, seed)


def _drawn(shape: Shape, width: int, rng: np.random.Generator) -> Weights:
    return {place: _entries(place, width, rng) for place in shape.places()}


def _entries(place: Place, width: int, rng: np.random.Generator) -> Array:
    name, side = place[2], width**-0.5
    if name in "QKVO":
        return rng.standard_normal((width, width))
    return rng.uniform(-side, side, (1 if name.startswith("b") else width, width))


def pretrained_transformer(pair: TransformerPair, settings: Settings) -> TransformerPair:
    """All of the frozen model trained on the target until the loss is a third of the first."""
    learner = TransformerLearner(_repeated(pair.frozen, 1), pair.shape, {}, {})
    train_until(learner, pair.draw("pretraining"), settings)
    frozen = {place: W[0] for place, W in learner.weights.items()}
    return TransformerPair(pair.target, frozen, pair.shape, pair.length, pair.seed)


def _repeated(weights: Weights, models: int) -> Weights:
    return {place: np.repeat(W[None], models, axis=0) for place, W in weights.items()}


def low_rank_start(pair: TransformerPair, settings: Settings) -> Start:
    """B = 0, and the first rows of one A for each place with entries N(0, spread^2)."""
    D = pair.width

    def start(ranks: Sequence[int]) -> TransformerLearner:
        rng, most, places = stream(pair.seed, "factors"), max(ranks), pair.shape.adapted()
        kept = (np.arange(most)[None, :] < np.asarray(ranks)[:, None])[:, :, None]
        A = {p: kept * settings.spread * rng.standard_normal((D, D))[:most] for p in places}
        B = {p: np.zeros((len(ranks), D, most)) for p in places}
        biases = {p: pair.frozen[p] for p in pair.shape.biases()}
        weights = {**pair.frozen, **_repeated(biases, len(ranks))}
        return TransformerLearner(weights, pair.shape, B, A)

    return start


def transformer_points(
    pair: TransformerPair, settings: Settings, condition: str, heard: Heard
) -> list[Point]:
    """Construction beside gradient descent, at every rank."""
    places, biases = len(pair.shape.adapted()), len(pair.shape.biases())

    def count(rank: int) -> int:
        return pair.width * (2 * rank * places + biases)

    return [
        *constructed(pair, settings, condition, [count(R) for R in settings.ranks]),
        *fitted(
            pair,
            settings,
            low_rank_start(pair, settings),
            settings.ranks,
            heard,
            condition=condition,
            method=GRADIENT_DESCENT,
            count=count,
        ),
    ]


def constructed(
    pair: TransformerPair, settings: Settings, condition: str, counts: Sequence[int]
) -> Iterator[Point]:
    """The construction at every rank, its weights rounded to float64."""
    X, Y = pair.draw("test")(settings.tests)
    scale = float(np.mean(Y * Y))
    frozen, target = (model(weights, pair.shape) for weights in (pair.frozen, pair.target))
    for R, size in zip(settings.ranks, counts, strict=True):
        weights = read(precise_transformer_adapters(frozen, target, R).model)
        found = mean_squared_error(forward(weights, X[None], pair.shape)[0][0], Y).item()
        moved = (np.linalg.norm(W - pair.frozen[p]) for p, W in weights.items() if p[2][0] != "b")
        details = {"relative": found / scale, "norm": float(max(moved))}
        yield Point(condition, CONSTRUCTION, pair.seed, R, size, found, details)


def model(weights: Weights, shape: Shape) -> TransformerModel:
    """The exact model of these floats."""
    exact = {place: EXACT.matrix(W.T if W.shape[0] == 1 else W) for place, W in weights.items()}
    blocks = tuple(
        Block(
            tuple(Head(*(exact[l, h, name] for name in "QKVO")) for h in range(1, shape.heads + 1)),
            *(exact[l, 0, name] for name in ("W1", "b1", "W2", "b2")),
        )
        for l in range(1, shape.blocks + 1)
    )
    return TransformerModel(blocks, exact[0, 0, "Wo"])


def read(found: TransformerModel) -> Weights:
    """The weights of a model in float64."""
    weights: Weights = {(0, 0, "Wo"): floats(found.Wo)}
    for l, block in enumerate(found.blocks, 1):
        for h, head in enumerate(block.heads, 1):
            weights |= {(l, h, name): floats(getattr(head, name)) for name in "QKVO"}
        weights |= {(l, 0, name): floats(getattr(block, name)) for name in ("W1", "W2")}
        weights |= {(l, 0, name): floats(getattr(block, name)).T for name in ("b1", "b2")}
    return weights


def transformer_checks(settings: Settings, points: Sequence[Point]) -> list[Check]:
    """The construction is exact from ceil(D / 2) on."""
    least = -(-settings.width // 2)
    far = [p.details["relative"] for p in matching(points, CONSTRUCTION) if p.size >= least]
    worst = max(far, default=None)
    return [
        Check(
            f"the construction is exact from rank {least} on",
            None if worst is None else worst <= EXACT_ENOUGH,
            worst,
            f"largest test MSE over the target's mean square; {EXACT_ENOUGH:g} counts as rounding; "
            f"the rank is ceil(D / 2) at D = {settings.width}",
        )
    ]
