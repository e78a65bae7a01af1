"""ReLU networks: error against rank, with and without biases, and against final-layer tuning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lora_proofs.experiments.constructing import gap, relu_construction
from lora_proofs.experiments.feedforward import mean_squared_error
from lora_proofs.experiments.fitting import fitted, last_layers_start, low_rank_start
from lora_proofs.experiments.models import Pair
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import (
    CONSTRUCTION,
    GRADIENT_DESCENT,
    UPPER_BOUND,
    Check,
    Point,
    matching,
)
from lora_proofs.experiments.training import Heard

FROZEN_BIASES = "gradient descent, frozen biases"
FINAL_LAYERS = "final layers, gradient descent"
ROUNDED = "construction, layers rounded to float64"
DEEP = 4  # with more frozen layers, rounding the layers to float64 costs what can be seen
EXACT = 1e-16  # a mean squared error at most this much of the target's mean square is rounding


def low_rank_parameters(settings: Settings, rank: int, *, biases: bool) -> int:
    """2 D R L, and D L with the biases.

    >>> from lora_proofs.experiments.settings import AUTHORS
    >>> low_rank_parameters(AUTHORS, 3, biases=True)
    224
    """
    return settings.width * settings.frozen_depth * (2 * rank + biases)


def constructed(pair: Pair, settings: Settings, condition: str) -> Iterator[Point]:
    """The construction at every rank, measured through its affine pieces.

    For one target layer with the corrected bound of Lemma 2; for deep models also as it is after
    its layers are rounded to float64.
    """
    X, Y = pair.draw("test")(settings.tests)
    scale = float(np.mean(Y * Y))
    for R in settings.ranks:
        built = relu_construction(pair, R)
        size = low_rank_parameters(settings, R, biases=True)
        found, rounded = (
            mean_squared_error(net(X), Y).item() for net in (built.pieces, built.layers)
        )
        details = {"norm": built.norm, "relative": found / scale, "float64": rounded}
        yield Point(condition, CONSTRUCTION, pair.seed, R, size, found, details)
        if pair.frozen.depth > DEEP:
            yield Point(condition, ROUNDED, pair.seed, R, size, rounded)
        elif pair.target.depth == 1:
            s = gap(pair)[R * pair.frozen.depth :]
            bound = float(np.sum(s * s)) / settings.width
            yield Point(condition, UPPER_BOUND, pair.seed, R, size, bound)


def descended(
    pair: Pair, settings: Settings, condition: str, heard: Heard, *, tune_biases: bool = True
) -> list[Point]:
    """Gradient descent on the factors at every rank, on the biases too or not."""
    return fitted(
        pair,
        settings,
        low_rank_start(pair, settings, tune_biases=tune_biases),
        settings.ranks,
        heard,
        condition=condition,
        method=GRADIENT_DESCENT if tune_biases else FROZEN_BIASES,
        count=lambda R: low_rank_parameters(settings, R, biases=tune_biases),
    )


def relu_points(pair: Pair, settings: Settings, condition: str, heard: Heard) -> list[Point]:
    """Construction beside gradient descent."""
    return [
        *constructed(pair, settings, condition),
        *descended(pair, settings, condition, heard),
    ]


def bias_points(pair: Pair, settings: Settings, condition: str, heard: Heard) -> list[Point]:
    """Gradient descent with the biases and without."""
    return [
        *constructed(pair, settings, condition),
        *descended(pair, settings, condition, lambda x: heard(x / 2)),
        *descended(pair, settings, condition, lambda x: heard((1 + x) / 2), tune_biases=False),
    ]


def final_layer_points(pair: Pair, settings: Settings, condition: str, heard: Heard) -> list[Point]:
    """LoRA on all layers against whole last layers, by the number of trained parameters."""
    counts = range(1, settings.frozen_depth)
    share = len(settings.ranks) / (len(settings.ranks) + len(counts))
    lora = descended(pair, settings, condition, lambda x: heard(share * x))
    width = settings.width
    last = fitted(
        pair,
        settings,
        last_layers_start(pair),
        counts,
        lambda x: heard(share + (1 - share) * x),
        condition=condition,
        method=FINAL_LAYERS,
        count=lambda k: k * width * (width + 1),
    )
    return [*constructed(pair, settings, condition), *lora, *last]


def threshold(settings: Settings) -> int:
    """ceil(D / floor(L / Lbar)): from here on the theorem promises exactness, for any weights.

    >>> from lora_proofs.experiments.settings import AUTHORS
    >>> threshold(AUTHORS)
    8
    """
    return -(-settings.width // (settings.frozen_depth // settings.target_depth))


def relu_checks(settings: Settings, points: Sequence[Point]) -> list[Check]:
    """The construction is exact at the threshold, and keeps to its bound below it."""
    return [_exact(settings, points), _bounded(settings, points)]


def _exact(settings: Settings, points: Sequence[Point]) -> Check:
    least = threshold(settings)
    far = [p.details["relative"] for p in matching(points, CONSTRUCTION) if p.size >= least]
    worst = max(far, default=None)
    return Check(
        f"the construction is exact from rank {least} on",
        None if worst is None else worst <= EXACT,
        worst,
        f"largest test MSE over the target's mean square; {EXACT:g} counts as rounding; the rank "
        f"is the theorem's ceil(D / floor(L / Lbar)) at D = {settings.width}, "
        f"L = {settings.frozen_depth}, Lbar = {settings.target_depth}",
    )


def _bounded(settings: Settings, points: Sequence[Point]) -> Check:
    bounds = {(p.condition, p.seed, p.size): p.error for p in matching(points, UPPER_BOUND)}
    built = [p for p in matching(points, CONSTRUCTION) if p.size < threshold(settings)]
    where = [(p.error, bounds.get((p.condition, p.seed, p.size), 0.0)) for p in built]
    worst = max((error / bound for error, bound in where if bound > 0), default=None)
    most = (1 + np.sqrt(settings.width / settings.tests) + 4 / np.sqrt(settings.tests)) ** 2
    return Check(
        "the construction keeps to the bound of Lemma 2, corrected, up to sampling error",
        None if worst is None else bool(worst <= most),
        worst,
        f"largest ratio of its test MSE to sum_{{i>S}} s_i^2 / D (one target layer); below "
        f"{most:.3f} except with probability exp(-8)",
    )
