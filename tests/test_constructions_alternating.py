"""Alternating least squares: monotone, never worse than the start, optimal layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, MultiprecisionArithmetic
from lora_proofs.constructions import (
    Adapter,
    alternating_least_squares,
    linear_adapters,
    reduced_rank_regression,
)
from lora_proofs.constructions.adapters import zero_adapter

ARRAY, MANY = ArrayArithmetic(), MultiprecisionArithmetic(30)


def problem(seed, D=6, L=4):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, D**-0.5, (D, D)) for _ in range(L)], rng.normal(0, D**-0.5, (D, D))


def blockwise(frozen, targets, R):
    """The construction of the paper for a target of two layers: block by block."""
    half = len(frozen) // 2
    blocks = (frozen[:half], frozen[half:])
    parts = [
        linear_adapters(W, Y, [R] * len(W), ARRAY) for W, Y in zip(blocks, targets, strict=True)
    ]
    return [x for part in parts for x in part.adapters]


@pytest.mark.parametrize("seed", range(3))
def test_block_by_block_is_improved_towards_the_optimum_of_the_product(seed):
    frozen, first = problem(seed)
    _, second = problem(seed + 100)
    target, start = second @ first, blockwise(frozen, (first, second), 1)
    found = alternating_least_squares(frozen, target, start, ARRAY, sweeps=200, ranks=[1] * 4)
    P = np.linalg.multi_dot(frozen[::-1])
    tail = np.linalg.svd(target - P, compute_uv=False)[4:]
    least = float((tail**2).sum())
    assert all(b <= a for a, b in zip(found.losses, found.losses[1:], strict=False))
    assert found.losses[-1] < 0.5 * found.losses[0]
    assert found.losses[-1] >= least * (1 - 1e-9)
    assert all(np.linalg.matrix_rank(x.update) <= 1 for x in found.adapters)
    weights = [W + x.update for W, x in zip(frozen, found.adapters, strict=True)]
    off = np.linalg.multi_dot(weights[::-1]) - target
    assert float((off**2).sum()) == pytest.approx(float(found.losses[-1]))


def test_an_optimal_start_is_left_alone():
    frozen, target = problem(1)
    best = linear_adapters(frozen, target, [1] * 4, ARRAY)
    found = alternating_least_squares(frozen, target, best.adapters, ARRAY, sweeps=5, ranks=[1] * 4)
    assert found.losses[-1] == pytest.approx(found.losses[0], rel=1e-9)


def test_layers_without_a_rank_stay_frozen_and_digits_are_kept():
    frozen, target = problem(2, D=4, L=3)
    start = [zero_adapter(4, 4, MANY)] * 3
    found = alternating_least_squares(frozen, target, start, MANY, sweeps=3, ranks=[1, 0, 2])
    assert [x.rank for x in found.adapters] == [1, 0, 2]
    assert isinstance(found.losses[-1], type(MANY.number(1)))
    assert found.losses[-1] < found.losses[0]


def test_reduced_rank_regression_is_the_least():
    rng = np.random.default_rng(3)
    P, Q, Y = rng.normal(size=(5, 4)), rng.normal(size=(3, 6)), rng.normal(size=(5, 6))
    found = reduced_rank_regression(P, Y, Q, 2, ARRAY)
    loss = np.linalg.norm(P @ found.update @ Q - Y)
    assert found.rank == 2
    for scale in (1.0, 0.1, 0.001):
        for _ in range(30):
            B = found.B + scale * rng.normal(size=found.B.shape)
            A = found.A + scale * rng.normal(size=found.A.shape)
            assert np.linalg.norm(P @ B @ A @ Q - Y) >= loss
    exact = reduced_rank_regression(np.diag([1.0, 0]), np.diag([3.0, 4]), np.eye(2), 2, ARRAY)
    assert np.allclose(exact.update, np.diag([3, 0]))


def test_weighted_losses_are_what_falls():
    frozen, target = problem(4, D=3, L=2)
    factor = np.diag([5.0, 1, 0.1])
    start = [zero_adapter(3, 3, ARRAY)] * 2
    plain, weighted = (
        alternating_least_squares(
            frozen, target, start, ARRAY, sweeps=50, ranks=[1, 0], factor=F
        ).adapters
        for F in (None, factor)
    )

    def loss(adapters):
        first = frozen[0] + adapters[0].update
        return np.linalg.norm((frozen[1] @ first - target) @ factor)

    assert loss(weighted) < 0.99 * loss(plain)


def test_a_singular_net_stays_finite():
    zero, start = np.zeros((2, 2)), [Adapter(np.ones((2, 1)), np.zeros((1, 2)))] * 2
    found = alternating_least_squares(
        [zero, zero], EXACT.identity(2), start, ARRAY, sweeps=5, ranks=[1, 1]
    )
    assert np.isfinite(found.losses[-1])
    assert found.losses[-1] <= found.losses[0]


def test_a_step_that_would_cost_is_not_made():
    frozen, target = [np.eye(2), np.diag([1.0, 1e-12])], np.eye(2)
    # The start uses a direction that least squares takes for 0.
    start = [Adapter(np.array([[0.0], [1e12]]), np.array([[0.0, 1.0]])), zero_adapter(2, 2, ARRAY)]
    found = alternating_least_squares(frozen, target, start, ARRAY, sweeps=3, ranks=[1, 0])
    assert found.losses[0] < 1e-20
    assert found.losses[-1] <= found.losses[0]
