"""The experiments by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lora_proofs.experiments.alternating_study import alternating_checks, alternating_points
from lora_proofs.experiments.conditions import (
    FROZEN,
    HOW_PRETRAINED,
    HOW_RELATED,
    NORMS,
    PRETRAINED,
    RANDOM,
    frozen_models,
)
from lora_proofs.experiments.digits import digits_checks, digits_points
from lora_proofs.experiments.linear_studies import linear_checks, linear_points
from lora_proofs.experiments.models import random_pair, uniform_singular_values
from lora_proofs.experiments.relu_studies import (
    bias_points,
    final_layer_points,
    relu_checks,
    relu_points,
)
from lora_proofs.experiments.settings import AUTHORS, CALIBRATION, QUICK, Settings
from lora_proofs.experiments.study import Check, Experiment, Point
from lora_proofs.experiments.training import Heard
from lora_proofs.experiments.transformer_studies import (
    pretrained_transformer,
    transformer_checks,
    transformer_pair,
    transformer_points,
)


def sizes(default: Settings, **quick: Any) -> dict[str, Settings]:
    """The settings of both sizes: quick ones keep the depths."""
    return {"quick": default.changed(**{**QUICK, **quick}), "default": default}


SOME_RANKS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16)


def relu_settings(**values: Any) -> Settings:
    """The authors' sizes for ReLU networks, with less training, so that a study takes minutes."""
    fewer = (
        "2000 steps (theirs: 5000), learning rates 1e-2 and 1e-3 (also 1e-4), ranks "
        "1 to 8, 10, 12, 14 and 16 at most (all from 1 to 16)",
        CALIBRATION,
    )
    less: dict[str, Any] = {"rates": (1e-2, 1e-3), "steps": 2000, "ranks": SOME_RANKS}
    return AUTHORS.changed(**less, departures=(*AUTHORS.departures, *fewer)).changed(**values)


LINEAR_RANK = Experiment(
    "zeng-lee/linear-rank",
    "Linear models: error against rank",
    "How close do LoRA adapters of each rank bring a linear model to another one?",
    (RANDOM, PRETRAINED),
    sizes(AUTHORS),
    frozen_models(linear_points, relu=False),
    linear_checks,
    notes=(HOW_PRETRAINED,),
)

RELU_RANK = Experiment(
    "zeng-lee/relu-rank",
    "ReLU networks, one target layer: error against rank",
    "How close do adapters bring a two-layer ReLU network to a one-layer target?",
    (RANDOM, PRETRAINED),
    sizes(relu_settings()),
    frozen_models(relu_points, relu=True),
    relu_checks,
    notes=(HOW_PRETRAINED,),
)

RELU_MULTILAYER = Experiment(
    "zeng-lee/relu-multilayer",
    "ReLU networks, two target layers: error against rank",
    "How close do adapters bring a four-layer ReLU network to a two-layer target?",
    (RANDOM, PRETRAINED),
    sizes(relu_settings(target_depth=2, frozen_depth=4)),
    frozen_models(relu_points, relu=True),
    relu_checks,
    notes=(HOW_PRETRAINED,),
)

BIAS_TUNING = Experiment(
    "zeng-lee/bias-tuning",
    "ReLU networks: biases tuned and frozen",
    "What does tuning the biases beside the factors bring?",
    (RANDOM, PRETRAINED),
    sizes(relu_settings()),
    frozen_models(bias_points, relu=True),
    relu_checks,
    across="parameters",
    notes=(HOW_PRETRAINED, "the construction always sets the biases"),
)

FINAL_LAYER = Experiment(
    "zeng-lee/final-layer",
    "LoRA against tuning the final layers",
    "At equal numbers of trained parameters, is LoRA or tuning whole last layers closer?",
    (RANDOM, PRETRAINED),
    sizes(
        relu_settings(frozen_depth=8, ranks=(1, 2, 3, 4, 6, 8), seeds=3),
        ranks=(1, 2, 3, 4),
        steps=300,
        seeds=1,
    ),
    frozen_models(final_layer_points, relu=True),
    relu_checks,
    size="rank, or number of final layers",
    across="parameters",
    notes=(
        HOW_PRETRAINED,
        NORMS,
        "LoRA's exactness is for bounded inputs; final-layer tuning is measured on the same points",
    ),
)


def _uniform(settings: Settings, condition: str, seed: int, heard: Heard) -> list[Point]:
    relu = condition == "ReLU"
    pair = uniform_singular_values(random_pair(settings, seed, relu=relu))
    return (relu_points if relu else linear_points)(pair, settings, condition, heard)


def _uniform_checks(settings: Settings, points: Sequence[Point]) -> list[Check]:
    kinds = {c: [p for p in points if p.condition == c] for c in ("linear", "ReLU")}
    return [
        *linear_checks(settings, kinds["linear"]),
        *relu_checks(settings, kinds["ReLU"]),
    ]


UNIFORM = Experiment(
    "zeng-lee/uniform-singular-values",
    "Error matrix with equal singular values: error against rank",
    "How does the error fall where no direction matters more than another?",
    ("linear", "ReLU"),
    sizes(relu_settings()),
    _uniform,
    _uniform_checks,
    notes=(
        "the optimal truncation is not unique here: the construction's error on ReLU models "
        "depends on which one the singular value routine returns",
    ),
)


def _pretrained(settings: Settings, condition: str, seed: int, heard: Heard) -> list[Point]:
    kind, frozen = condition.split(", ", 1)
    relu = kind == "ReLU"
    pair = FROZEN[frozen](random_pair(settings, seed, relu=relu), settings)
    return (relu_points if relu else linear_points)(pair, settings, condition, heard)


def _pretrained_checks(settings: Settings, points: Sequence[Point]) -> list[Check]:
    kinds = {c: [p for p in points if p.condition.startswith(c)] for c in ("linear", "ReLU")}
    return [
        *linear_checks(settings, kinds["linear"]),
        *relu_checks(settings, kinds["ReLU"]),
    ]


PRETRAINED_OR_RANDOM = Experiment(
    "zeng-lee/pretrained",
    "Pretrained and random frozen models: error against rank",
    "How much rank does a frozen model save that was pretrained on the target, or near it?",
    tuple(f"{kind}, {frozen}" for kind in ("linear", "ReLU") for frozen in FROZEN),
    sizes(
        relu_settings(ranks=(1, 2, 3, 4, 6, 7, 8, 12, 16), seeds=3),
        steps=200,
        ranks=(1, 2, 3, 4),
    ),
    _pretrained,
    _pretrained_checks,
    notes=(HOW_PRETRAINED, HOW_RELATED),
)


def _transformer(settings: Settings, condition: str, seed: int, heard: Heard) -> list[Point]:
    pair = transformer_pair(settings, seed)
    if condition == PRETRAINED:
        pair = pretrained_transformer(pair, settings)
    return transformer_points(pair, settings, condition, heard)


TRANSFORMER_SETTINGS = AUTHORS.changed(
    width=8,
    frozen_depth=1,
    heads=2,
    length=10,
    ranks=tuple(range(1, 9)),
    rates=(1e-2, 1e-3),
    steps=1500,
    batch=32,
    seeds=3,
    tests=1000,
    departures=(
        *AUTHORS.departures,
        "smaller than the authors' study: width 8 (theirs 16; 8 in their example), batch 32 "
        "(256), 1500 steps (5000), 3 seeds (5), learning rates 1e-2 and 1e-3 (also 1e-4), "
        "one block (also two), 1000 test sequences (5000)",
    ),
)
TRANSFORMER_RANK = Experiment(
    "zeng-lee/transformer-rank",
    "Transformers: error against rank",
    "How close do adapters bring a transformer of one block and two heads to another one?",
    (RANDOM, PRETRAINED),
    sizes(
        TRANSFORMER_SETTINGS,
        width=6,
        length=5,
        ranks=(1, 2, 3, 6),
        rates=(1e-2,),
        batch=16,
        steps=150,
        tests=300,
    ),
    _transformer,
    transformer_checks,
    measure="test MSE: E ||f - fbar||^2 / D over the tokens of the test sequences",
    notes=(HOW_PRETRAINED,),
)

ALTERNATING = Experiment(
    "zeng-lee/alternating",
    "Linear models, two target layers: block by block against alternating least squares",
    "What does building block by block lose for a linear target of two layers?",
    (RANDOM,),
    sizes(AUTHORS.changed(target_depth=2, frozen_depth=4)),
    frozen_models(alternating_points, relu=False),
    alternating_checks,
    origin="our own, beyond the paper; sizes from the authors' code",
    notes=(
        "construction: the optimal adapters for the product of the target's layers (Lemma 1); "
        "alternating least squares starts from the adapters built block by block",
    ),
)

DIGITS_SETTINGS = AUTHORS.changed(
    width=32,
    target_depth=0,
    frozen_depth=3,
    ranks=(1, 2, 3, 4, 5, 6, 8, 12, 16),
    rates=(1e-2, 1e-3),
    steps=1000,
    batch=64,
    pretraining_steps=1000,
    tests=0,
    validations=0,
    departures=(),
)
DIGITS = Experiment(
    "zeng-lee/digits",
    "Digits, from 0-4 to 5-9 (a substitute for GLUE): error against rank",
    "On real data, how much rank does LoRA need to come to where full fine-tuning comes?",
    ("scikit-learn's 8 x 8 digits",),
    sizes(
        DIGITS_SETTINGS,
        width=32,
        ranks=(1, 2, 4, 8),
        steps=300,
        tests=0,
        departures=("--quick: fewer ranks, seeds and steps",),
    ),
    digits_points,
    digits_checks,
    measure="test error: the part of the test images taken for another digit",
    scale="linear",
    points="the test images",
    origin="our own: the paper's experiments on language data are not rerun",
    needs="digits",
    notes=(
        "a substitute for the paper's experiments on GLUE, not a replication of them",
        "sizes that are 0 and the pretraining level play no part here; images are split 3:1:1 "
        "into training, validation and test",
    ),
)

EXPERIMENTS = {
    x.name: x
    for x in (
        LINEAR_RANK,
        RELU_RANK,
        RELU_MULTILAYER,
        TRANSFORMER_RANK,
        PRETRAINED_OR_RANDOM,
        BIAS_TUNING,
        FINAL_LAYER,
        UNIFORM,
        ALTERNATING,
        DIGITS,
    )
}
