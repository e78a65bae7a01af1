"""Losses: the hand-written calculus against words, exact differences and each other."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic, inner, squared_norm
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable
from lora_proofs.mathematics import losses
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.words import Symbol
from lora_proofs.symbolic.differential import differential, gradient

ARRAY, BALL = ArrayArithmetic(), BallArithmetic(60)


def rows(n, m, seed):
    return [
        [Fraction((seed * (3 * i + 5 * j + 1) ** 2) % 17 - 8, 3) for j in range(m)]
        for i in range(n)
    ]


def polynomial_losses(n, m):
    yield losses.frobenius(rows(n, m, 5))
    yield losses.linear(rows(n, m, 7))
    yield losses.cubic(rows(n, m, 2), rows(n, n, 3), rows(m, m, 5), rows(n, m, 11))
    if n == m:
        yield losses.trace_squared()


CASES = [(loss, n, m) for n, m in ((2, 3), (3, 3)) for loss in polynomial_losses(n, m)]
IDS = [f"{loss.name}-{n}x{m}" for loss, n, m in CASES]


@pytest.mark.parametrize(("loss", "n", "m"), CASES, ids=IDS)
def test_gradient_and_hessian_are_the_derivatives_of_the_value(loss, n, m):
    """f(W + e X) is a polynomial of degree 3 in e: central differences give its coefficients."""
    W, X = EXACT.matrix(rows(n, m, 13)), EXACT.matrix(rows(n, m, 3))
    f = {e: loss.value(W + e * X, EXACT) for e in (-2, -1, 0, 1, 2)}
    slope = (8 * (f[1] - f[-1]) - (f[2] - f[-2])) / 12
    curvature = f[1] - 2 * f[0] + f[-1]
    assert inner(loss.gradient(W, EXACT), X) == slope
    assert inner(loss.hessian(W, X, EXACT), X) == curvature


@pytest.mark.parametrize(("loss", "n", "m"), CASES, ids=IDS)
def test_the_derived_gradient_is_the_hand_written_one(loss, n, m):
    W, X = Symbol("W", n, m), Symbol("X", n, m)
    values = {W: EXACT.matrix(rows(n, m, 13)), X: EXACT.matrix(rows(n, m, 3))}
    values |= {s: EXACT.matrix(v) for s, v in loss.symbols(W).items()}
    word = loss.value_word(W)
    assert evaluate(word, values, EXACT) == loss.value(values[W], EXACT)
    derived = gradient(word, W)
    assert (evaluate(derived, values, EXACT) == loss.gradient(values[W], EXACT)).all()
    second = evaluate(differential(derived, {W: X}), values, EXACT)
    assert (second == loss.hessian(values[W], values[X], EXACT)).all()
    assert not (evaluate(-derived, values, EXACT) == loss.gradient(values[W], EXACT)).all()


@pytest.mark.parametrize(("loss", "n", "m"), CASES, ids=IDS)
def test_lipschitz_constants_hold_and_are_attained(loss, n, m):
    bound = loss.lipschitz(n, m)
    if bound is None:
        assert loss.name == "cubic"
        return
    W, X = EXACT.matrix(rows(n, m, 13)), EXACT.matrix(rows(n, m, 3))
    if n == m:
        X = EXACT.identity(n)
    action = loss.hessian(W, X, EXACT)
    assert squared_norm(action) == bound**2 * squared_norm(X)


def test_log_cosh_is_enclosed_and_agrees_with_floats():
    Y, W = rows(2, 3, 5), rows(2, 3, 13)
    loss = losses.log_cosh(Y)
    with BALL.working():
        ball = BALL.matrix(W)
        h = flint.fmpq(1, 10**15)
        X = BALL.matrix(rows(2, 3, 3))
        slope = (loss.value(ball + h * X, BALL) - loss.value(ball - h * X, BALL)) / (2 * h)
        assert abs(slope - inner(loss.gradient(ball, BALL), X)) < 1e-25
        turn = (loss.gradient(ball + h * X, BALL) - loss.gradient(ball - h * X, BALL)) / (2 * h)
        assert all(abs(x) < 1e-25 for x in (turn - loss.hessian(ball, X, BALL)).flat)
    near = ARRAY.matrix(W)
    assert float(loss.value(ball, BALL)) == pytest.approx(loss.value(near, ARRAY))
    with pytest.raises(Unavailable):
        loss.gradient(EXACT.matrix(W), EXACT)


def test_log_cosh_does_not_overflow_and_is_zero_at_its_target():
    loss = losses.log_cosh()
    assert loss.value(np.array([[1e6]]), ARRAY) == pytest.approx(1e6 - np.log(2))
    assert losses.log_cosh([[2]]).value(EXACT.matrix([[2]]), EXACT) == 0


def test_losses_are_batched():
    rng = np.random.default_rng(0)
    W, X, Y = (
        rng.normal(size=(3, 4, 2, 2))[:, :2],
        rng.normal(size=(3, 2, 2, 2)),
        rng.normal(size=(2, 2)),
    )
    for loss in (losses.trace_squared(), losses.frobenius(Y), losses.log_cosh(Y), losses.linear(Y)):
        assert loss.value(W, ARRAY).shape == (3, 2)
        assert loss.gradient(W, ARRAY).shape == loss.hessian(W, X, ARRAY).shape == W.shape
        np.testing.assert_allclose(loss.gradient(W, ARRAY)[1, 1], loss.gradient(W[1, 1], ARRAY))


def test_losses_are_values():
    assert losses.frobenius([[1, "1/2"]]) == losses.frobenius([[1, 0.5]])
    assert hash(losses.log_cosh([[1]])) == hash(losses.log_cosh([[1]]))


def test_an_instance_names_its_loss():
    instance = Instance(loss="frobenius", Y=[[1, 2]])
    assert losses.loss_from_instance(instance) == losses.frobenius([[1, 2]])
    lifted = losses.loss_from_instance(instance, EXACT)
    assert (lifted.gradient(EXACT.matrix([[1, 2]]), EXACT) == EXACT.zeros(1, 2)).all()
    assert losses.loss_from_instance(instance.lift(EXACT), EXACT).name == "frobenius"
    assert losses.loss_from_instance(Instance(loss="log-cosh")) == losses.log_cosh()


def test_bad_input_is_named():
    with pytest.raises(BadInput, match=r"loss: expected one of frobenius, .* got 'hinge'"):
        losses.loss_from_instance(Instance(loss="hinge"))
    with pytest.raises(BadInput, match="expected the matrix Y"):
        losses.loss_from_instance(Instance(loss="frobenius"))
    with pytest.raises(ShapeMismatch, match="square"):
        losses.trace_squared().gradient(EXACT.matrix([[1, 2]]), EXACT)
    with pytest.raises(ShapeMismatch, match="one shape"):
        losses.frobenius([[1]]).value(EXACT.matrix([[1, 2]]), EXACT)
