"""Adapters of ReLU networks improved on a sample: monotone, and better than block by block."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lora_proofs.arithmetic import ArrayArithmetic
from lora_proofs.constructions import Adapter, Ball, improve_relu_adapters, relu_adapters
from lora_proofs.constructions.alternating_relu import _Layer, _Sampled
from lora_proofs.errors import ShapeMismatch
from lora_proofs.mathematics.relu_network import relu_network

ARRAY = ArrayArithmetic()


def problem(seed, D=4, frozen=4, target=2):
    rng = np.random.default_rng(seed)

    def layers(n):
        return [(rng.normal(0, D**-0.5, (D, D)), rng.normal(0, 0.3, D)) for _ in range(n)]

    return layers(frozen), layers(target), rng.normal(size=(D, 200))


def outputs(layers, X):
    return relu_network(layers, X, ARRAY)


@pytest.mark.parametrize("seed", range(2))
def test_block_by_block_is_improved_and_the_losses_are_those_of_the_network(seed):
    frozen, target, X = problem(seed)
    Y, radius = outputs(target, X), float(np.linalg.norm(X, axis=0).max())
    start = relu_adapters(frozen, target, [1] * 4, Ball([0] * 4, radius), "uniform", ARRAY)
    found = improve_relu_adapters(frozen, start.adapters, start.biases, X, Y, sweeps=30)
    assert all(b <= a for a, b in pairwise(found.losses))
    assert found.losses[-1] < 0.7 * found.losses[0]
    assert [x.rank for x in found.adapters] == [1] * 4
    pairs = zip(frozen, found.adapters, found.biases, strict=True)
    adapted = [(W + x.update, b) for (W, _), x, b in pairs]
    off = outputs(adapted, X) - Y
    assert float((off**2).sum(axis=0).mean()) == pytest.approx(found.losses[-1])
    before = outputs([(W, b) for W, b in zip(start.weights, start.biases, strict=True)], X) - Y
    assert float((before**2).sum(axis=0).mean()) == pytest.approx(found.losses[0])


def test_a_perfect_start_is_left_alone():
    frozen, _, X = problem(5)
    zero = [Adapter(np.zeros((4, 1)), np.zeros((1, 4)))] * 4
    biases = [b for _, b in frozen]
    found = improve_relu_adapters(frozen, zero, biases, X, outputs(frozen, X), sweeps=3)
    assert found.losses[0] == 0
    assert all((x == b).all() for x, b in zip(found.biases, biases, strict=True))


def test_without_a_rank_only_biases_move():
    frozen, target, X = problem(6)
    none = [Adapter(np.zeros((4, 0)), np.zeros((0, 4)))] * 4
    found = improve_relu_adapters(
        frozen, none, [b for _, b in frozen], X, outputs(target, X), sweeps=5
    )
    assert found.losses[-1] < found.losses[0]
    assert all(x.rank == 0 for x in found.adapters)


def test_samples_that_do_not_fit_are_refused():
    frozen, _, X = problem(7)
    with pytest.raises(ShapeMismatch, match="N"):
        improve_relu_adapters(frozen, [], [], X, X[:, :5], sweeps=1)


def test_slopes_are_derivatives():
    frozen, target, X = problem(8, frozen=3)
    net = _Sampled([W for W, _ in frozen], X, outputs(target, X))
    state = [_Layer(np.ones((4, 1)), np.ones((1, 4)) / 9, b + 0.2) for _, b in frozen]
    hidden, h = net.forward(state), 1e-7
    for layer, x in enumerate(state):
        slopes = net._slopes(state, hidden, layer)
        for i in range(4):
            moved = list(state)
            moved[layer] = _Layer(x.B, x.A, x.b + h * np.eye(4)[i])
            change = (net.forward(moved)[-1] - hidden[-1]).T / h
            off = np.abs(change - slopes[:, :, i]).max(axis=1)
            assert (off < 1e-5).mean() > 0.98  # a unit may switch within the step
