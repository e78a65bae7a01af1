"""Forty digits of stiff LoRA flows, 8 x 8 with r = 2 and entries up to 1000, once each.

Two digits of the same flow would take an explicit method some 10^6 steps; the peer is what implicit
code there is for floats, at about eight digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import lora_field

Versus = Callable[..., None]
SIZES = {"all near 1000": (1000, 1000), "B0 = 0": (1000, 0), "A0 near 1, B0 = 0": (1, 0)}


def problem(start_A: int, start_B: int, n: int = 8, r: int = 2) -> dict[str, Any]:
    """Whole numbers up to the sizes."""
    source = np.random.default_rng(3)
    shapes = {"W0": ((n, n), 1000), "Y": ((n, n), 1000), "A": ((r, n), start_A)}
    shapes["B"] = ((n, r), start_B)
    return {k: source.integers(-size, size + 1, shape) for k, (shape, size) in shapes.items()}


def by_scipy(data: dict[str, Any]) -> Any:
    n, r = data["B"].shape
    target, size = data["W0"] - data["Y"], n * r

    def rate(_: float, y: Any) -> Any:
        B, A = y[:size].reshape(n, r), y[size:].reshape(r, -1)
        G = target + B @ A
        return np.concatenate([-(G @ A.T).ravel(), -(B.T @ G).ravel()])

    start = np.concatenate([data["B"].ravel(), data["A"].ravel()]).astype(float)
    return solve_ivp(rate, (0, 1), start, "Radau", rtol=1e-8, atol=1e-8).y[:, -1]


@pytest.mark.parametrize("start", SIZES)
def test_forty_digits_of_a_stiff_flow(versus: Versus, start: str) -> None:
    data = problem(*SIZES[start])
    field = lora_field(frobenius(data["Y"].tolist()), *(data[k].tolist() for k in ("W0", "A", "B")))
    kept: dict[str, Any] = {}

    def ours() -> None:
        kept["ours"] = field.taylor(1, digits=40)

    def theirs() -> None:
        kept["theirs"] = by_scipy(data)

    versus(f"40 digits, {start}", ours, "solve_ivp Radau, rtol 1e-8", theirs, rounds=1)
    found = np.concatenate([kept["ours"].B.ravel(), kept["ours"].A.ravel()]).astype(float)
    np.testing.assert_allclose(found, kept["theirs"], rtol=1e-4, atol=1e-3)
