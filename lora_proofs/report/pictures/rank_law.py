"""Relative error against rank for the trace-squared loss: sqrt(n/r - 1), and random starts."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lora_proofs.kernels import full_flow, lora_flow
from lora_proofs.mathematics.random_starts import expected_squared_error
from lora_proofs.report.axes import number
from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.pictures.parts import MODEST, along, within

N, DRAWS, SEED = 16, 100, 0
RANKS = tuple(range(1, N + 1))
SHARE = (0.05, 0.95)


@cache
def rank_law() -> Figure:
    """The relative error of the update from B0 = 0: orthonormal rows, Gaussian, decaying rows."""
    law = [(N / r - 1) ** 0.5 for r in RANKS]
    expected = [float(expected_squared_error("gaussian", N, r)) ** 0.5 for r in RANKS]
    flat = [_errors(np.eye(N)[None, :r])[0] for r in RANKS]
    decaying = [_errors((2.0 ** -np.arange(N)[:, None] * np.eye(N))[None, :r])[0] for r in RANKS]
    drawn = np.random.default_rng(SEED).standard_normal((DRAWS, N, N))
    band = np.array([np.quantile(_errors(drawn[:, :r]), SHARE) for r in RANKS])
    series = (
        Series("Gaussian A₀: 5 % to 95 %", along(RANKS, band[:, 0]), "band", 3,
               along(RANKS, band[:, 1])),
        Series("√(n/r − 1)", along(RANKS, law), "line", 1),
        Series("orthonormal rows", along(RANKS, flat), "marks", 1),
        Series("Gaussian: √(E R²)", along(RANKS, expected), "line", 3),
        Series("rows of lengths 2⁻ᵏ", along(RANKS, decaying), "both", 2),
    )  # fmt: skip
    far = max(abs(x - y) for x, y in zip(law, flat, strict=True))
    told = (
        f"n = {N}. R is the distance of the LoRA update from the full-parameter update, divided by "
        "the norm of the latter, both at the end of their flows from B₀ = 0. For orthonormal rows "
        f"of A₀ it is √(n/r − 1) (the flow agrees within {within(far)}), from {number(law[0], 3)} "
        "at r = 1 to 0 at r = n; no zero-loss update of rank r is nearer. It is 1 or more for "
        f"r ≤ n/2. Gaussian starts lie higher from r = 2 on, {number(expected[-1], 3)} at r = n; "
        f"rows whose lengths halve come down to {number(min(decaying), 3)} and no further."
    )
    caption = (
        f"Trace-squared loss; {DRAWS} Gaussian starts at each rank, seed {SEED}. The constant of "
        f"the law is √n: it depends on the dimension. {MODEST}"
    )
    plot = Plot(
        Axis("rank r", low=0.5, high=N + 0.5, whole=True),
        Axis("R = ‖ΔW − ΔW_full‖ / ‖ΔW_full‖", low=0.0),
        series,
    )
    return Figure("Relative error against rank", caption, told, (plot,))


def _errors(A0: Any) -> Any:
    """R for each start A0: (N, r, n), B0 = 0, where both flows have ended."""
    W0 = np.eye(N)
    B0 = np.zeros((len(A0), N, A0.shape[1]))
    half = 0.5 * np.sum(A0 * A0, axis=(1, 2))
    end = lora_flow(W0, None, A0, B0, 30 / np.hypot(N, half), singular_values=False)
    full = full_flow(W0[None], None, 40.0 / N).W[0] - W0
    distance = np.sqrt(np.sum((end.W - W0 - full) ** 2, axis=(1, 2)))
    return distance / np.sqrt(np.sum(full**2))
