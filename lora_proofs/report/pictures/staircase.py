"""The staircase sigma_{RL+1}(E): the construction and gradient descent on a small linear net."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lora_proofs.experiments.drawing import stream
from lora_proofs.experiments.feedforward import slope_of_squares
from lora_proofs.experiments.training import train
from lora_proofs.experiments.tuning import Learner, low_rank
from lora_proofs.kernels import linear_batch
from lora_proofs.report.axes import number
from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.pictures.parts import MODEST, along, within

D, L, STEPS, RATE, TELL = 8, 2, 750, 0.02, 1e-10
SIGMA = (4.0, 3.2, 2.5, 2.0, 1.4, 1.0, 0.5, 0.25)
RANKS = tuple(range(D // L + 1))
NAMES = "σ_{RL+1}"


@cache
def staircase() -> Figure:
    """The least spectral error by the rank of the adapters of a net of two layers."""
    frozen, target = _instance()
    value = [*SIGMA, *[0.0] * L]
    least = [value[R * L] for R in RANKS]
    batch = [W[None] for W in frozen]
    built = [_told(linear_batch(batch, target[None], [R] * L).achieved[0]) for R in RANKS]
    descended = _descended(frozen, target)
    steps = along([*RANKS, RANKS[-1] + 0.5], [*least, least[-1]])
    series = (
        Series("σ of E at RL + 1", steps, "steps", 0),
        Series("construction", along(RANKS, built), "marks", 1),
        Series("gradient descent", along(RANKS[1:], descended), "marks", 2),
    )
    far = max(abs(x - y) for x, y in zip(least, built, strict=True))
    near = max(abs(x - y) for x, y in zip(least[1:], descended, strict=True))
    told = (
        f"A linear net of {L} layers and width {D}; E, target minus frozen product, has the "
        f"singular values {', '.join(map(number, SIGMA))}. With adapters of rank R on both layers "
        f"the least spectral error is the singular value of E with the number 2R + 1: "
        f"{', '.join(map(number, least))} for R = 0 to {RANKS[-1]}. The construction attains it, "
        f"within {within(far)}; Adam on the factors comes within {within(near)}."
    )
    caption = (
        f"Gradient descent: Adam, {STEPS} steps on ½‖product − target‖², from B = 0, seed 0. "
        f"{MODEST}"
    )
    x = Axis("rank R of each adapter", low=-0.3, high=RANKS[-1] + 0.5, whole=True)
    y = Axis("spectral error ‖product − target‖₂", low=0.0)
    return Figure("The staircase of singular values", caption, told, (Plot(x, y, series),))


def _told(error: float) -> float:
    """An error as far as floats tell: what is left of 0 is rounding, another on each processor."""
    return float(error) if error > TELL else 0.0


def _instance() -> tuple[list[Any], Any]:
    """Frozen layers with singular values in [1/2, 2], and a target at the chosen distance."""
    draw = stream(0, "staircase")
    frozen = [_orthogonal(draw) * draw.uniform(0.5, 2.0, D) @ _orthogonal(draw) for _ in range(L)]
    gap = _orthogonal(draw) * np.asarray(SIGMA) @ _orthogonal(draw)
    return frozen, frozen[1] @ frozen[0] + gap


def _orthogonal(draw: np.random.Generator) -> Any:
    Q, R = np.linalg.qr(draw.standard_normal((D, D)))
    return Q * np.sign(np.diagonal(R))


def _descended(frozen: list[Any], target: Any) -> list[float]:
    """The spectral errors after Adam, ranks 1 and more at once."""
    biases = [np.zeros((D, 1)) for _ in frozen]
    factors = low_rank(
        frozen, biases, RANKS[1:], 0.5, stream(0, "staircase factors"), tune_biases=False
    )
    learner = Learner(factors, (False,) * L, slope_of_squares)
    X = np.sqrt(D) * np.eye(D)
    models = len(RANKS) - 1
    for part, rate in enumerate((RATE, RATE / 5, RATE / 25)):
        del part
        train(
            learner, lambda count: (X, target @ X), np.full((models, 1, 1), rate),
            steps=STEPS // 3, batch=D,
        )  # fmt: skip
    found = learner.outputs(np.eye(D)) - target
    return [float(x) for x in np.linalg.norm(found, 2, axis=(1, 2))]
