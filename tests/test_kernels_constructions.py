"""Batched adapters of linear and ReLU nets: what is said of them holds."""

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic
from lora_proofs.constructions.linear import linear_adapters
from lora_proofs.errors import ShapeMismatch
from lora_proofs.kernels.linear import linear_batch
from lora_proofs.kernels.relu import relu_batch, relu_values
from lora_proofs.kernels.result import NOT_FINITE, REASONS
from lora_proofs.mathematics.relu_network import relu_network

BALLS = BallArithmetic(50)


def drawn(layers=3, D=4, N=4, seed=0, spread=0.3):
    random = np.random.default_rng(seed)
    W = [np.eye(D) + spread * random.normal(size=(N, D, D)) for _ in range(layers)]
    return W, random.normal(size=(N, D, D)), random


def largest_value(X):
    with BALLS.working():
        return BALLS.singular_values(BALLS.matrix(X))[0] if any(X.flat) else BALLS.number(0)


def exact(X):
    return EXACT.matrix(X.tolist())


@pytest.mark.parametrize("ranks", [(1, 1, 1), (0, 2, 1), (4, 0, 0), (2, 2, 2), (0, 0, 0)])
def test_errors_are_within_their_bounds(ranks):
    W, T, _ = drawn(seed=sum(ranks))
    found = linear_batch(W, T, ranks)
    assert not found.failed.any()
    for i in range(len(T)):
        product = EXACT.identity(4)
        for X, B, A in zip(W, found.B, found.A, strict=True):
            what = exact(X[i]) + (exact(B[i]) @ exact(A[i]) if B.shape[2] else EXACT.zeros(4, 4))
            product = what @ product
        slack = float(found.error[i])
        assert abs(largest_value(product - exact(T[i])) - found.achieved[i]) <= slack
        P0 = EXACT.identity(4)
        for X in W:
            P0 = exact(X[i]) @ P0
        with BALLS.working():
            values = [*BALLS.singular_values(BALLS.matrix(exact(T[i]) - P0)), BALLS.number(0)]
        assert abs(values[min(sum(ranks), 4)] - found.least[i]) <= slack
        assert found.achieved[i] <= found.least[i] + 1e-9
        assert slack < 1e-9


def test_one_by_one_gives_the_same():
    W, T, _ = drawn()
    found = linear_batch(W, T, (1, 1, 1))
    alone = linear_adapters([X[2].tolist() for X in W], T[2].tolist(), (1, 1, 1), ArrayArithmetic())
    assert np.allclose(alone.product, found.product[2], atol=1e-10)


def test_bad_conditions_show_and_singular_ones_fail_alone():
    W, T, _ = drawn(layers=2)
    W[1][0] = np.diag([1, 1, 1, 1e-13])
    W[1][1] = np.diag([1.0, 1, 1, 0])
    T[2] = np.nan
    found = linear_batch(W, T, (2, 1))
    assert found.why(1) == "a matrix to invert is singular" and np.isnan(found.achieved[1])
    assert found.why(2) == REASONS[NOT_FINITE]
    assert found.why(3) == "" and found.achieved[3] < found.least[3] + 1e-12
    assert found.why(0) == "" and found.error[0] > 1e-4  # huge adapters: nothing is sure


def test_rotation_is_no_silent_success():
    eye, turn = np.eye(2)[None], np.array([[[0.0, -1.0], [1.0, 0.0]]])
    found = linear_batch([eye, eye], turn, (1, 1))
    assert found.failed[0] or found.achieved[0] + found.error[0] > 0.1 or found.error[0] < 1e-9


def test_relu_values_are_within_their_error():
    W, _, random = drawn()
    b, X = [random.normal(size=(4, 4)) for _ in W], random.normal(size=(4, 4, 5))
    values, error = relu_values(W, b, X)
    for i in range(4):
        layers = [(exact(V[i]), exact(c[i][None])[0]) for V, c in zip(W, b, strict=True)]
        told = relu_network(layers, exact(X[i]), EXACT)
        far = max(abs(x - y) for x, y in zip(exact(values[i]).flat, told.flat, strict=True))
        assert 0 < float(far) <= error[i] < 1e-12


@pytest.mark.parametrize("ranks", [(2, 1, 1), (1, 1, 0), (0, 0, 0)])
def test_relu_nets_are_as_near_as_is_said_and_never_switch_off(ranks):
    W, T, random = drawn(seed=5)
    bias, center = random.normal(size=(2, 4, 4))
    radius = np.array([0.0, 1e-3, 1.0, 100.0])
    found = relu_batch(W, T, bias, ranks, center, radius)
    for i in range(4):
        X = random.normal(size=(4, 40))
        X = center[i][:, None] + radius[i] * X / np.linalg.norm(X, axis=0)
        # The points where a hidden unit is least.
        V, U = (found.linear.weights[k][i] for k in (0, 1))
        rows = np.vstack([V, U @ V])
        least = rows.T / np.linalg.norm(rows, axis=1)
        X = np.hstack([X, center[i][:, None] - radius[i] * least])
        layers = [
            (exact(V[i]), exact(c[i][None])[0])
            for V, c in zip(found.linear.weights, found.biases, strict=True)
        ]
        got = relu_network(layers, exact(X), EXACT)
        wanted = relu_network([(exact(T[i]), exact(bias[i][None])[0])], exact(X), EXACT)
        far = np.linalg.norm((got - wanted).astype(float), axis=0).max()
        # Random points of the sphere may lie a rounding outside the ball.
        assert far <= found.sup_error[i] * (1 + 1e-9)
        z = exact(X)
        for V, c in layers[:-1]:
            z = V @ z + c[:, None]
            assert radius[i] == 0 or all(x > 0 for x in z.flat)
    if sum(ranks) == 4:
        assert (found.sup_error < 1e-8 * (1 + radius)).all()


def test_shapes_have_to_fit():
    W, T, _ = drawn()
    with pytest.raises(ShapeMismatch, match=r"frozen\[0\]"):
        linear_batch([X[:, :3] for X in W], T, (1, 1, 1))
    with pytest.raises(ShapeMismatch, match="ranks"):
        linear_batch(W, T, (1, 1))
    with pytest.raises(ShapeMismatch, match="biases"):
        relu_values(W, [np.zeros((4, 3))] * 3, T)
    with pytest.raises(ShapeMismatch, match="radius"):
        relu_batch(W, T, np.zeros((4, 4)), (1, 1, 1), np.zeros((4, 4)), np.zeros(3))


def test_another_namespace_agrees():
    strict = pytest.importorskip("array_api_strict")
    W, T, random = drawn()
    W[0][1] = 0
    bias, center = random.normal(size=(2, 4, 4))
    radius, lift = np.ones(4), strict.asarray
    here = relu_batch(W, T, bias, (1, 2, 1), center, radius)
    there = relu_batch(
        [lift(X) for X in W], lift(T), lift(bias), (1, 2, 1), lift(center), lift(radius)
    )
    assert (np.asarray(there.linear.reason) == here.linear.reason).all()
    good = ~here.linear.failed
    assert np.allclose(np.asarray(there.sup_error)[good], here.sup_error[good], rtol=0.5)
    assert np.allclose(np.asarray(there.linear.product)[good], here.linear.product[good])
