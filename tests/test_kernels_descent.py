"""Batched gradient descent: its bound covers the distance from the exact rational iterate."""

from fractions import Fraction

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.kernels.descent import METHODS, gradient_descent
from lora_proofs.kernels.result import INACCURATE, NOT_FINITE, REASONS
from lora_proofs.mathematics.flows import iterate
from lora_proofs.mathematics.losses import frobenius, trace_squared

REGIMES = ("generic", "zero B0", "all zero", "rank deficient", "tiny", "huge", "stiff", "backward")
SHAPES = ((1, 1, 1), (3, 2, 1), (2, 4, 3), (2, 2, 5))


def drawn(regime, shape, seed, square=False):
    n, m, r = shape
    m = n if square else m
    random = np.random.default_rng(seed)
    W0, Y = random.normal(size=(2, 2, n, m))
    A, B = random.normal(size=(2, r, m)), random.normal(size=(2, n, r))
    h = np.array([0.05, 0.3])
    size = {"tiny": 1e-8, "huge": 1e8}.get(regime, 1.0)
    W0, Y, A, B, h = W0 * size, Y * size, A * size**0.5, B * size**0.5, h / size
    if regime in ("zero B0", "all zero"):
        B = 0 * B
    if regime == "all zero":
        A = 0 * A
    if regime == "rank deficient":
        A[:, 1:] = A[:, :1]
    if regime == "stiff":
        A, h = A * 1e4, h * 1e-9
    return W0, Y, A, B, -h if regime == "backward" else h


def true_error(end, i, iterates, W0, scale):
    *_, (A, B) = iterates
    W = EXACT.matrix(W0.tolist()) + EXACT.number(scale) * (B @ A)
    pairs = ((end.A[i], A), (end.B[i], B), (end.W[i], W))
    return max(
        abs(Fraction(float(x)) - Fraction(int(y.p), int(y.q)))
        for X, Y in pairs
        for x, y in zip(X.flat, Y.flat, strict=True)
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("regime", REGIMES)
def test_bound_covers_the_exact_iterate(regime, method):
    seen = 0
    for seed, shape in enumerate(SHAPES):
        for loss in ("frobenius", "trace-squared"):
            W0, Y, A, B, h = drawn(regime, shape, seed, loss == "trace-squared")
            target = Y if loss == "frobenius" else None
            scale, steps = (1.0, 0.5, -2.0)[seed % 3], 1 + seed % 2
            end = gradient_descent(loss, W0, target, A, B, h, steps, method, scale=scale)
            for i in range(2):
                if end.failed[i]:
                    assert end.why(i) and np.isnan(end.A[i]).all()
                    continue
                f = (
                    frobenius(EXACT.matrix(Y[i].tolist()))
                    if target is not None
                    else trace_squared()
                )
                start = (EXACT.matrix(X[i].tolist()) for X in (W0, A, B))
                exact = iterate(
                    method, steps, f, *start, Fraction(h[i]), EXACT, scale=Fraction(scale)
                )
                assert true_error(end, i, exact, W0[i], scale) <= end.error[i]
                seen += 1
    assert seen >= 8


@pytest.mark.parametrize("method", METHODS)
def test_slopes_that_cancel_lose_digits_and_the_bound_knows(method):
    random = np.random.default_rng(2)
    B, Y = 1e3 * random.normal(size=(1, 6, 1)), random.normal(size=(1, 6, 3))
    Y -= B @ (B.mT @ Y) / (B.mT @ B)
    A, W0, h = np.zeros((1, 1, 3)), np.zeros((6, 3)), np.array([1e-3])
    end = gradient_descent("frobenius", W0, Y, A, B, h, 1, method)
    start = (EXACT.matrix(X.tolist()) for X in (W0, A[0], B[0]))
    f = frobenius(EXACT.matrix(Y[0].tolist()))
    exact = iterate(method, 1, f, *start, Fraction(h[0]), EXACT)
    assert 0 < true_error(end, 0, exact, W0, 1.0) <= end.error[0]


def test_bound_is_of_use():
    random = np.random.default_rng(0)
    Y, A = random.normal(size=(50, 8, 8)), random.normal(size=(50, 2, 8)) / 8**0.5
    for method in METHODS:
        end = gradient_descent(
            "frobenius", np.zeros((8, 8)), Y, A, np.zeros((50, 8, 2)), 0.01, 100, method
        )
        assert not end.failed.any() and np.median(end.error) < 1e-8 and (end.error < 1e-6).all()


def test_chunks_give_what_single_instances_give(monkeypatch):
    W0, Y, A, B, h = drawn("generic", (3, 2, 2), 7)
    whole = gradient_descent("frobenius", W0, Y, A, B, h, 5)
    monkeypatch.setattr("lora_proofs.kernels.descent.WORKING_SET", 1)
    parts = gradient_descent("frobenius", W0, Y, A, B, h, 5)
    assert (whole.A == parts.A).all() and (whole.error == parts.error).all()


def test_divergence_is_a_failure_that_says_why():
    end = gradient_descent("frobenius", [[0.0]], [[1.0]], [[[1e3]]], [[[1.0]]], 1.0, 40)
    assert end.why(0) in ("overflow", "the estimated error is as large as the result")
    end = gradient_descent("trace-squared", [[np.nan]], None, [[[1.0]]], [[[1.0]]], 1.0, 1)
    assert end.why(0) == REASONS[NOT_FINITE]


def test_bad_input_is_refused():
    one = [[[1.0]]]
    with pytest.raises(BadInput, match="frobenius with Y"):
        gradient_descent("frobenius", [[1.0]], None, one, one, 1.0, 1)
    with pytest.raises(BadInput, match="method"):
        gradient_descent("trace-squared", [[1.0]], None, one, one, 1.0, 1, "both")
    with pytest.raises(BadInput, match="steps"):
        gradient_descent("trace-squared", [[1.0]], None, one, one, 1.0, -1)
    with pytest.raises(ShapeMismatch, match="A0"):
        gradient_descent("trace-squared", [[1.0]], None, one, [[[1.0, 2.0]]], 1.0, 1)


@pytest.mark.parametrize("method", METHODS)
def test_another_namespace_agrees(method):
    strict = pytest.importorskip("array_api_strict")
    for loss in ("frobenius", "trace-squared"):
        W0, Y, A, B, h = drawn("generic", (3, 3, 2), 3)
        target = Y if loss == "frobenius" else None
        here = gradient_descent(loss, W0, target, A, B, h, 4, method, scale=0.5)
        there = gradient_descent(
            loss,
            *(None if X is None else strict.asarray(X) for X in (W0, target, A, B, h)),
            4,
            method,
            scale=0.5,
        )
        for name in ("A", "B", "W"):
            gap = np.abs(np.asarray(getattr(there, name)) - getattr(here, name)).max(axis=(1, 2))
            assert (gap <= here.error).all()
        assert np.allclose(np.asarray(there.error), here.error, rtol=1e-3)


def test_a_bound_that_outgrows_the_result_is_no_overflow():
    rng = np.random.default_rng(0)
    Y, A0 = rng.normal(size=(4, 8, 8)) / 3, rng.normal(size=(4, 2, 8))
    end = gradient_descent("frobenius", 0 * Y, Y, A0, np.zeros((4, 8, 2)), 0.1, 2000, "A-first")
    assert end.failed.all() and {end.why(k) for k in range(4)} == {REASONS[INACCURATE]}
