"""Batched flows from general starts: references, regimes, honest errors, layouts, namespaces."""

from __future__ import annotations

from functools import partial

import array_api_strict as strict
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.integrate.taylor import taylor_flow
from lora_proofs.kernels import REASONS, lora_flow
from lora_proofs.kernels import flow as front
from lora_proofs.kernels.generic import integrate_generic
from lora_proofs.kernels.result import OK, STUCK
from lora_proofs.kernels.stepping import Flows, integrate
from lora_proofs.mathematics import losses
from lora_proofs.solving.flow_field import lora_field


def dyadic(rng, *shape):
    return np.round(rng.normal(size=shape) * 8) / 8


def problems(n, m, r, count, seed=0):
    """Named regimes: (W0, Y, A0, B0), all exact in float64 where zeros and ties matter."""
    rng = np.random.default_rng(seed)
    W0, Y = dyadic(rng, count, n, m), dyadic(rng, count, n, m)
    A0, B0 = dyadic(rng, count, r, m), dyadic(rng, count, n, r)
    tied, wrong = np.zeros((count, n, m)), np.zeros((count, r, m))
    for i in range(min(n, m)):
        tied[:, i, i] = (2, 1, 1, 0.5)[i % 4]
    for j in range(min(r, m - 1)):
        wrong[:, j, j + 1] = 1 + j / 4
    return {
        "generic": (W0, Y, A0, B0),
        "zero B0": (W0, Y, A0, 0 * B0),
        "zero A0": (W0, Y, 0 * A0, B0),
        "all zero": (W0, Y, 0 * A0, 0 * B0),
        "ties": (0 * W0, tied, A0, 0 * B0),
        "saddle": (0 * W0, tied, wrong, 0 * B0),
        "near a saddle": (0 * W0, tied, wrong + A0 / 2**20, 0 * B0),
        "nothing to learn": (W0, W0, A0, B0),
        "rank one": (W0, W0 + B0[:, :, :1] @ A0[:, :1], A0, B0),
        "small start": (W0, Y, A0 / 2**20, B0 / 2**20),
        "small": (W0 / 2**27, Y / 2**27, A0 / 2**13, B0 / 2**13),
        "large": (W0 * 2**10, Y * 2**10, A0, B0),
        "large A0": (W0, Y, 16 * A0, B0),
    }


def reference(W0, Y, A0, B0, t, index):
    """The same instance in 30 digits, on exact numbers."""
    rows = [X[index].astype(object) for X in (W0, Y, A0, B0)]
    W0_rows, Y_rows, A_rows, B_rows = (X.tolist() for X in rows)
    problem = lora_field(losses.frobenius(Y_rows), W0_rows, A_rows, B_rows)
    end = taylor_flow(problem.rates, problem.values, t, digits=30)
    A, B = (np.array(end[x].tolist(), dtype=float) for x in "AB")
    return A, B, W0[index] + B @ A


def test_without_an_estimate_there_is_one_run_and_no_error_is_known():
    for name, (W0, Y, A0, B0) in problems(4, 5, 2, 6).items():
        both = lora_flow(W0, Y, A0, B0, 1.0, method="general")
        one = lora_flow(W0, Y, A0, B0, 1.0, method="general", estimate=False)
        assert np.all(np.isposinf(one.error) | one.failed) and not np.any(one.failed > both.failed)
        assert np.all(one.steps < both.steps) or not both.steps.any(), name
        apart, kept = np.abs(one.W - both.W).max(axis=(1, 2)), ~both.failed
        assert np.all(apart[kept] <= 0.01 * both.error[kept]), name
    W0, Y, A0, B0 = (strict.asarray(X) for X in problems(3, 3, 1, 2)["ties"])
    end = lora_flow(W0, Y, A0, B0, 1.0, method="general", estimate=False)
    assert strict.all(strict.isinf(end.error))


def test_without_an_estimate_what_fails_is_told():
    W0, Y, A0, B0 = problems(3, 3, 2, 3)["generic"]
    Y[0, 0, 0], A0[1] = np.nan, 1e200
    end = lora_flow(W0, Y, A0, B0, 1.0, estimate=False)
    assert list(end.failed) == [True, True, False] and np.isnan(end.error[0])


@pytest.mark.parametrize("move", [integrate, partial(integrate_generic, xp=np)])
def test_a_step_size_that_goes_to_nothing_is_told(move):
    """By what is not a number; a step that explodes shrinks, and goes on."""
    ones = np.ones((2, 1))
    sigma = np.array([[np.nan], [1.0]])
    state, D, t, tolerance = np.ones((2, 2)), 0 * ones[..., None], ones[:, 0], 1e-9 * ones[:, 0]
    flows = Flows(state, sigma, D, t, tolerance, (1, 1, 1), np.zeros(2, dtype=np.int64))
    move(flows, 2_000)
    assert list(flows.reason) == [STUCK, OK]


def off(result, index, A, B, W):
    pairs = ((result.A[index], A), (result.B[index], B), (result.W[index], W))
    return max(np.abs(x - y).max() for x, y in pairs)


@pytest.mark.parametrize("shape", [(2, 3, 2), (3, 2, 3)])
@pytest.mark.parametrize("regime", problems(1, 1, 1, 1))
def test_every_regime_agrees_with_many_digits_within_its_own_error(shape, regime):
    data = problems(*shape, 1)[regime]
    t = {"large": 2.0**-8, "large A0": 2.0**-6}.get(regime, 0.5)
    result = lora_flow(*data, t, method="general")
    assert not result.failed.any()
    assert off(result, 0, *reference(*data, t, 0)) <= result.error[0]
    assert result.error[0] <= 1e-5 * (1 + np.abs(result.W).max())


@pytest.mark.parametrize("shape", [(4, 3, 2), (5, 6, 4)])
@pytest.mark.parametrize("regime", problems(1, 1, 1, 1))
def test_two_tolerances_agree_within_their_errors(shape, regime):
    data = problems(*shape, 12, seed=2)[regime]
    t = {"large": 2.0**-6, "large A0": 2.0**-4}.get(regime, 4.0)
    rough, sharp = (lora_flow(*data, t, method="general", tolerance=x) for x in (1e-8, 1e-12))
    fine = ~(rough.failed | sharp.failed)
    assert fine.any()
    for x, y in ((rough.A, sharp.A), (rough.B, sharp.B), (rough.W, sharp.W)):
        gap = np.abs(x - y).max(axis=(1, 2))
        assert (gap <= rough.error + sharp.error)[fine].all()
    assert (sharp.error <= 1.1 * rough.error)[fine].all()  # alike where roundings decide


def test_scipy_agrees_at_long_times():
    W0, Y, A0, B0 = problems(5, 4, 2, 3, seed=5)["generic"]
    result = lora_flow(W0, Y, A0, B0, np.array([1.0, 5.0, 10.0]))

    def field(_, y):
        A, B = y[:8].reshape(2, 4), y[8:].reshape(5, 2)
        G = W0[2] + B @ A - Y[2]
        return -np.concatenate([(B.T @ G).ravel(), (G @ A.T).ravel()])

    start = np.concatenate([A0[2].ravel(), B0[2].ravel()])
    end = solve_ivp(field, (0, 10), start, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    A, B = end[:8].reshape(2, 4), end[8:].reshape(5, 2)
    assert off(result, 2, A, B, W0[2] + B @ A) <= result.error[2] + 1e-10
    exact = np.linalg.svd(B @ A, compute_uv=False)[:2]
    assert np.abs(result.singular_values[2] - exact).max() <= result.error[2] + 1e-10


def test_an_instance_does_not_depend_on_the_others_beyond_rounding(monkeypatch):
    data = problems(4, 4, 2, 40, seed=3)["generic"]
    whole = lora_flow(*data, 1.0)
    monkeypatch.setattr(front, "BLOCK", 1)
    parts = lora_flow(*data, 1.0)
    assert (np.abs(whole.W - parts.W).max(axis=(1, 2)) <= whole.error + parts.error).all()
    assert np.abs(whole.W - parts.W).max() < 1e-11


@pytest.mark.parametrize("shape", [(3, 4, 2), (4, 4, 4), (4, 3, 1)])
def test_another_namespace_computes_the_same(shape):
    data = problems(*shape, 5, seed=4)["generic"]
    here = lora_flow(*data, 1.0, method="general")
    there = lora_flow(*(strict.asarray(X) for X in data), 1.0, method="general")
    assert (
        np.abs(np.asarray(there.W) - here.W).max() <= (here.error + np.asarray(there.error)).max()
    )
    assert np.abs(np.asarray(there.W) - here.W).max() < 1e-9
    assert np.abs(np.asarray(there.singular_values) - here.singular_values).max() < 1e-9


@pytest.mark.parametrize("scale", [0.25, -3.0])
def test_a_scale_is_another_clock_and_other_lengths(scale):
    W0, Y, A0, B0 = problems(3, 3, 2, 1, seed=6)["generic"]
    result = lora_flow(W0, Y, A0, B0, 0.5, scale=scale, factors=True)

    def field(_, y):
        A, B = y[:6].reshape(2, 3), y[6:].reshape(3, 2)
        G = W0[0] + scale * B @ A - Y[0]
        return -scale * np.concatenate([(B.T @ G).ravel(), (G @ A.T).ravel()])

    start = np.concatenate([A0[0].ravel(), B0[0].ravel()])
    end = solve_ivp(field, (0, 0.5), start, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    A, B = end[:6].reshape(2, 3), end[6:].reshape(3, 2)
    assert off(result, 0, A, B, W0[0] + scale * B @ A) <= result.error[0] + 1e-11


def test_what_fails_says_why_and_is_not_a_number():
    W0, Y, A0, B0 = (np.repeat(X, 3, axis=0) for X in problems(3, 3, 2, 1)["generic"])
    Y[0, 1, 1] = np.nan
    t = np.array([1.0, 1e9, 1.0])
    result = lora_flow(W0, Y, A0, B0, t, method="general")
    assert result.failed.tolist() == [True, True, False]
    assert [result.why(i) for i in range(3)] == [REASONS[1], REASONS[2], ""]
    assert np.isnan(result.W[:2]).all() and np.isnan(result.error[:2]).all()
    assert np.isfinite(result.W[2]).all()


def test_input_that_does_not_fit_is_refused():
    W0, Y, A0, B0 = problems(3, 3, 2, 2)["generic"]
    with pytest.raises(ShapeMismatch, match="expected W0"):
        lora_flow(W0, Y, A0, B0[:, :2], 1.0)
    with pytest.raises(ShapeMismatch, match="t a number"):
        lora_flow(W0, Y, A0, B0, np.ones(3))
    with pytest.raises(ShapeMismatch, match=r"A0\[None\]"):
        lora_flow(W0, Y, A0[0], B0, 1.0)
    for wrong in ({"tolerance": 1.0}, {"method": "fast"}, {"scale": 0.0}):
        with pytest.raises(BadInput, match=next(iter(wrong))):
            lora_flow(W0, Y, A0, B0, 1.0, **wrong)
    with pytest.raises(BadInput, match="0 or more"):
        lora_flow(W0, Y, A0, B0, -1.0)


@pytest.mark.parametrize("method", ["auto", "general", "closed"])
def test_no_instance_at_all_is_a_batch_too(method):
    shapes = ((0, 3, 2), (3, 2), (0, 2, 2), (0, 3, 2))
    end = lora_flow(*map(np.zeros, shapes), 1.0, method=method)
    assert end.W.shape == (0, 3, 2) and end.error.shape == (0,)


def test_complex_numbers_are_refused():
    W0, Y, A0, B0 = problems(2, 2, 1, 1)["generic"]
    with pytest.raises(BadInput, match="expected real numbers, got complex ones"):
        lora_flow(W0 + 1j, Y, A0, B0, 1.0)


def test_a_tolerance_whose_second_run_would_follow_nothing_is_refused():
    with pytest.raises(BadInput, match="from 1e-14 to 1e-6"):
        lora_flow(*problems(2, 2, 1, 1)["generic"], 1.0, tolerance=1e-4)
