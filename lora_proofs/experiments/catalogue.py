"""The experiments by name."""

from __future__ import annotations

from lora_proofs.experiments.linear_studies import linear_checks, linear_points
from lora_proofs.experiments.models import pretrained, random_pair, uniform_singular_values
from lora_proofs.experiments.settings import AUTHORS, QUICK, Settings
from lora_proofs.experiments.study import Experiment, Point
from lora_proofs.experiments.training import Heard


def _linear(settings: Settings, condition: str, seed: int, heard: Heard) -> list[Point]:
    pair = random_pair(settings, seed, relu=False)
    return linear_points(pair, settings, condition, heard)


LINEAR_RANK = Experiment(
    "zeng-lee/linear-rank",
    "Linear models: error against rank",
    "How close do LoRA adapters of rank R bring a linear model to another one?",
    ("random",),
    {"quick": AUTHORS.changed(**QUICK), "default": AUTHORS},
    _linear,
    linear_checks,
)

EXPERIMENTS = {x.name: x for x in (LINEAR_RANK,)}
