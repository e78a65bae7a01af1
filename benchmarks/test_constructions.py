"""Adapters of linear nets against the plain construction by NumPy's SVD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, MultiprecisionArithmetic
from lora_proofs.constructions import linear_adapters, precise_linear_adapters

Versus = Callable[..., None]


def gaussian(D: int, L: int) -> tuple[list[Any], Any]:
    draws = np.random.default_rng(D + L).normal(0, D**-0.5, (L + 1, D, D))
    return list(draws[:-1]), draws[-1]


def by_numpy(frozen: list[Any], target: Any, R: int) -> list[Any]:
    """The formula of Lemma 1 as it stands, in float64."""
    suffix = [np.eye(len(target))]
    for W in reversed(frozen[1:]):
        suffix.append(suffix[-1] @ W)
    E = target - suffix[-1] @ frozen[0]
    V = np.linalg.svd(E)[2].T
    prefix, found = np.eye(len(target)), []
    for layer, (W, P) in enumerate(zip(frozen, reversed(suffix), strict=True)):
        block = V[:, layer * R : (layer + 1) * R]
        found.append(np.linalg.solve(P, E @ block) @ block.T @ np.linalg.inv(prefix))
        prefix = (W + found[-1]) @ prefix
    return found


def relative_loss(frozen: list[Any], target: Any, R: int, updates: list[Any]) -> float:
    """How far plain adapters are from the optimum, as far as float64 can tell."""
    weights = [W + dW for W, dW in zip(frozen, updates, strict=True)]
    chain = [np.linalg.multi_dot(X[::-1]) if len(X) > 1 else X[0] for X in (weights, frozen)]
    values = np.linalg.svd(target - chain[1], compute_uv=False)
    least = values[R * len(frozen)] if R * len(frozen) < len(values) else 0.0
    return float((np.linalg.norm(target - chain[0], 2) - least) / (least or values[0]))


@pytest.mark.parametrize("size", [(8, 2, 1), (16, 4, 2), (32, 8, 2)], ids=str)
def test_in_floats(versus: Versus, size: tuple[int, int, int]) -> None:
    D, L, R = size
    (frozen, target), array = gaussian(D, L), ArrayArithmetic()
    exact, goal = [EXACT.matrix(W) for W in frozen], EXACT.matrix(target)
    versus(
        f"linear adapters in float64, D, L, R = {size}",
        lambda: linear_adapters(exact, goal, [R] * L, array),
        "NumPy SVD",
        lambda: by_numpy(frozen, target, R),
    )


@pytest.mark.parametrize("size", [(16, 8, 2), (32, 8, 4)], ids=str)
def test_to_the_optimum(versus: Versus, size: tuple[int, int, int]) -> None:
    D, L, R = size
    frozen, target = gaussian(D, L)
    exact, goal = [EXACT.matrix(W) for W in frozen], EXACT.matrix(target)
    lost = relative_loss(frozen, target, R, by_numpy(frozen, target, R))
    versus(
        f"linear adapters within 1e-9, checked in balls, D, L, R = {size}",
        lambda: precise_linear_adapters(exact, goal, [R] * L, tolerance="1e-9"),
        f"NumPy SVD, off by {lost:.1e}",
        lambda: by_numpy(frozen, target, R),
        rounds=3,
    )


def test_over_the_rationals(versus: Versus) -> None:
    draw = np.random.default_rng(0).integers(-9, 10, (7, 16, 16))
    frozen = [EXACT.matrix(X + 20 * np.eye(16, dtype=int)) for X in draw[:6]]
    target = EXACT.matrix(draw[6])
    many = MultiprecisionArithmetic(50)
    versus(
        "linear adapters over Q, D = 16, L = 6, error 0",
        lambda: linear_adapters(frozen, target, [3] * 6, EXACT),
        "the same to 50 digits",
        lambda: linear_adapters(frozen, target, [3] * 6, many),
        rounds=3,
    )
