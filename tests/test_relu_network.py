"""The forward pass of ReLU networks agrees in every arithmetic, and balls enclose it."""

from __future__ import annotations

from itertools import pairwise

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
)
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics.relu_network import preactivations, relu, relu_network
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.matrices import dyadic_matrix

ARRAY, BALL, MANY = ArrayArithmetic(), BallArithmetic(30), MultiprecisionArithmetic(30)


def drawn(seed, widths, columns):
    draw = SeededDraw.keyed(seed)
    layers = [
        (dyadic_matrix(draw, n, m), dyadic_matrix(draw, 1, n)[0]) for m, n in pairwise(widths)
    ]
    return layers, dyadic_matrix(draw, widths[0], columns)


@pytest.mark.parametrize("seed", range(5))
def test_all_arithmetics_agree_on_dyadic_data(seed):
    layers, X = drawn(seed, (3, 4, 2, 3), 5)
    exact = relu_network(layers, X, EXACT)
    assert (relu_network(layers, X, ARRAY) == ARRAY.matrix(exact)).all()
    assert (relu_network(layers, X, MANY) == MANY.matrix(exact)).all()
    enclosed = relu_network(layers, X, BALL)
    assert all(ball.contains(x) for ball, x in zip(enclosed.flat, exact.flat, strict=True))


def test_the_last_layer_has_a_relu():
    assert relu_network([([[-1]], [0])], [[1]], EXACT).tolist() == [[0]]
    assert relu_network([([[1]], [-2]), ([[-1]], [5])], [[1]], EXACT).tolist() == [[5]]


def test_balls_with_an_open_sign_enclose_every_network_in_them():
    layers = [([[1, -1], [-1, 1]], [0, "1/4"]), ([[1, -1]], ["1/8"])]
    with BALL.working():
        X = BALL.matrix([[flint.arb("0.25", "0.5")], [flint.arb("0.25", "0.5")]])
        enclosed = relu_network(layers, X, BALL)[0, 0]
    ends = [flint.fmpq(k, 4) for k in range(-1, 4)]
    values = [
        relu_network(layers, EXACT.matrix([[a], [b]]), EXACT)[0, 0] for a in ends for b in ends
    ]
    assert {0, flint.fmpq(9, 8)} <= set(values)
    assert all(enclosed.contains(v) for v in values)
    assert enclosed >= -1e-6 and enclosed < 3


def test_the_hull_is_tight_at_both_ends():
    with BALL.working():
        hull = relu(flint.arb(-1, 3))
        assert hull.contains(0) and hull.contains(2)
        assert not hull.contains(flint.fmpq(-1, 10**6)) and not hull.contains(2.000001)
        assert relu(flint.arb(-5, 3)) == 0
        assert relu(flint.arb(5, 3)).contains(8) and not relu(flint.arb(5, 3)).contains(0)


def test_what_is_not_a_number_stays_so():
    assert not relu(flint.arb("nan")).is_finite()
    assert np.isnan(relu(np.array([float("nan")]))).all()
    assert MANY.mp.isnan(relu(MANY.mp.nan))


def test_batches_are_networks_of_their_own():
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(4, 3, 3)), rng.normal(size=(4, 3))) for _ in range(3)]
    X = rng.normal(size=(4, 3, 6))
    together = relu_network(layers, X, ARRAY)
    for k in range(4):
        alone = relu_network([(W[k], b[k]) for W, b in layers], X[k], ARRAY)
        assert np.allclose(together[k], alone, rtol=1e-14, atol=1e-14)
    shared = relu_network([(W[0], b[0]) for W, b in layers], X, ARRAY)
    assert shared.shape == (4, 3, 6) and np.array_equal(shared[0], together[0])


def test_preactivations_lead_to_the_outputs():
    layers, X = drawn(7, (2, 3, 3), 4)
    found = preactivations(layers, X, EXACT)
    assert [Z.shape for Z in found] == [(3, 4), (3, 4)]
    assert (relu(found[-1]) == relu_network(layers, X, EXACT)).all()
    assert any(z < 0 for z in found[0].flat)


def test_layers_that_do_not_fit_are_named():
    with pytest.raises(ShapeMismatch, match="W: n x m"):
        relu_network([([[1, 2]], [0])], [[1]], EXACT)
    with pytest.raises(ShapeMismatch, match="b of n"):
        relu_network([([[1]], [0, 0])], [[1]], EXACT)
    with pytest.raises(BadInput, match="at least one layer"):
        relu_network([], [[1]], EXACT)
