"""How a frozen model comes about: the conditions that several experiments share."""

from __future__ import annotations

from collections.abc import Callable

from lora_proofs.experiments.models import Pair, pretrained, random_pair, related_pair
from lora_proofs.experiments.settings import Settings
from lora_proofs.experiments.study import Point
from lora_proofs.experiments.training import Heard

Points = Callable[[Pair, Settings, str, Heard], list[Point]]
Prepared = Callable[[Pair, Settings], Pair]

RANDOM, PRETRAINED, RELATED = "random", "pretrained on the target", "pretrained on a neighbour"
FROZEN: dict[str, Prepared] = {
    RANDOM: lambda pair, settings: pair,
    PRETRAINED: pretrained,
    RELATED: lambda pair, settings: pretrained(pair, settings, on=related_pair),
}
HOW_PRETRAINED = (
    "pretrained: all layers are trained on the target itself until the loss is a third of the "
    "first, the rule of the authors' code"
)
NORMS = (
    "norm, in the table of points, is the largest ||dW||_F: at depth 8 the construction needs "
    "updates so large that rounding its layers to float64 shows"
)
HOW_RELATED = (
    "pretrained on a neighbour (ours): the same rule, for a target whose weights carry 30 % noise"
)


def frozen_models(points: Points, *, relu: bool) -> Callable[..., list[Point]]:
    """Cells whose condition says how the frozen model came about."""

    def run(settings: Settings, condition: str, seed: int, heard: Heard) -> list[Point]:
        pair = FROZEN[condition](random_pair(settings, seed, relu=relu), settings)
        return points(pair, settings, condition, heard)

    return run
