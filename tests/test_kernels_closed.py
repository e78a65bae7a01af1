"""Closed forms of a batch: against many digits, against the integrated flow, on cones, in front."""

from __future__ import annotations

from fractions import Fraction

import array_api_strict as strict
import numpy as np
import pytest

from lora_proofs.arithmetic import MultiprecisionArithmetic
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.integrate.taylor import taylor_flow
from lora_proofs.kernels import lora_flow
from lora_proofs.mathematics import losses
from lora_proofs.mathematics.closed_forms import trace_squared_closed_form
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.solving.flow_field import lora_field

DIGITS = MultiprecisionArithmetic(30)


def dyadic(rng, *shape):
    return np.round(rng.normal(size=shape) * 8) / 8


def as_floats(X):
    return np.array(X.tolist(), dtype=float)


def exact(X):
    return X.astype(object).tolist()


def trace_squared_starts():
    rng = np.random.default_rng(1)
    W0, A0, B0 = dyadic(rng, 1, 3, 3), dyadic(rng, 1, 2, 3), dyadic(rng, 1, 3, 2)
    traceless = W0 - np.trace(W0[0]) * np.diag([1.0, 0, 0])
    return {
        "generic": (W0, A0, B0),
        "zero B0": (W0, A0, 0 * B0),
        "cone": (W0, A0, A0.mT),
        "other cone": (W0, A0, -A0.mT),
        "near the cone": (W0, A0, A0.mT * (1 - 2.0**-20)),
        "zero": (W0, 0 * A0, 0 * B0),
        "no trace": (traceless, A0, B0),
        "mu = 0": (traceless, A0, -A0.mT),
        "large": (W0 * 2**20, A0, B0),
        "small": (W0 / 2**30, A0 / 2**15, B0 / 2**15),
    }


@pytest.mark.parametrize("t", [0.0, 0.25, 4.0, 1024.0])
@pytest.mark.parametrize("case", trace_squared_starts())
def test_trace_squared_agrees_with_many_digits(case, t):
    W0, A0, B0 = trace_squared_starts()[case]
    here = lora_flow(W0, None, A0, B0, t)
    there = trace_squared_closed_form(*(exact(X[0]) for X in (W0, A0, B0)), t, DIGITS)
    for x, y in ((here.A, there.A), (here.B, there.B), (here.W, there.W)):
        assert np.abs(x[0] - as_floats(y)).max() <= here.error[0]
    assert here.error[0] <= 1e-8 * (1 + np.abs(W0).max() + np.abs(here.A).max() ** 2)
    assert here.method == "trace-squared"


def balanced_starts(r):
    rng = np.random.default_rng(2)
    W0, Y = dyadic(rng, 1, 4, 3), dyadic(rng, 1, 4, 3)
    A0 = np.zeros((1, r, 3))
    A0[0, :, :r] = 1.5 * np.eye(r)
    B0 = np.zeros((1, 4, r))
    both = B0.copy()
    both[0, :r] = 1.5 * np.eye(r)
    tied = np.zeros((1, 4, 3))
    tied[0, range(3), range(3)] = (2, 1, 1)
    return {
        "zero B0": (W0, Y, A0, B0),
        "zero A0": (W0, Y, 0 * A0, both),
        "c = 0": (W0, Y, A0, both),
        "ties": (0 * W0, tied, A0, B0),
        "saddle": (0 * W0, tied, A0[:, :, [2, 0, 1]] if r == 1 else A0[:, :, [0, 2, 1]], B0),
        "nothing to learn": (W0, W0, A0, both),
        "zero": (W0, Y, 0 * A0, B0),
        "small": (W0 / 2**27, Y / 2**27, A0 / 2**13, B0),
        "large": (W0 * 2**5, Y * 2**5, A0, B0),
    }


@pytest.mark.parametrize("r", [1, 2])
@pytest.mark.parametrize("case", balanced_starts(1))
def test_balanced_flows_agree_with_many_digits(case, r):
    data = balanced_starts(r)[case]
    for t in (0.25, 6.0):
        here = lora_flow(*data, t)
        there = frobenius_riccati_closed_form(*(exact(X[0]) for X in data), t, DIGITS)
        assert here.method == "riccati"
        assert not here.failed[0]
        assert np.abs(here.W[0] - as_floats(there.W)).max() <= here.error[0]
        assert here.error[0] <= 1e-9 * (1 + np.abs(here.W).max())
        if r == 1:
            assert np.abs(here.A[0] - as_floats(there.A)).max() <= here.error[0]
            assert np.abs(here.B[0] - as_floats(there.B)).max() <= here.error[0]


@pytest.mark.parametrize("shape", [(6, 5, 2), (5, 6, 4), (4, 4, 1)])
def test_closed_and_integrated_flows_agree(shape):
    n, m, r = shape
    rng = np.random.default_rng(3)
    W0, Y = rng.normal(size=(8, n, m)), rng.normal(size=(8, n, m))
    A0 = np.linalg.qr(rng.normal(size=(8, m, r)))[0].mT
    closed, general = (
        lora_flow(W0, Y, A0, np.zeros((8, n, r)), 3.0, method=k) for k in ("closed", "general")
    )
    both = closed.error + general.error
    assert (np.abs(closed.W - general.W).max(axis=(1, 2)) <= both).all()
    assert (np.abs(closed.singular_values - general.singular_values).max(axis=1) <= both).all()
    assert (closed.error <= 1e-11 * (1 + np.abs(closed.W).sum(axis=(1, 2)))).all()


def test_the_front_door_chooses_per_instance():
    rng = np.random.default_rng(4)
    W0, Y = rng.normal(size=(6, 3, 3)), rng.normal(size=(6, 3, 3))
    A0, B0 = rng.normal(size=(6, 2, 3)), np.zeros((6, 3, 2))
    A0[::2] = np.eye(2, 3)
    mixed, general = lora_flow(W0, Y, A0, B0, 1.0), lora_flow(W0, Y, A0, B0, 1.0, factors=True)
    assert mixed.method == "dop853+riccati"
    assert mixed.A is None
    assert general.method == "dop853"
    assert (np.abs(mixed.W - general.W).max(axis=(1, 2)) <= mixed.error + general.error).all()
    assert (mixed.error[::2] < general.error[::2]).all()


def test_a_start_that_is_not_quite_balanced_is_integrated():
    A0 = np.eye(2, 3)[None] * np.array([1.0, 1 + 1e-13])[:, None]
    W0, B0 = np.zeros((1, 3, 3)), np.zeros((1, 3, 2))
    assert lora_flow(W0, W0 + np.eye(3), A0, B0, 1.0).method == "dop853"
    with pytest.raises(BadInput, match="method closed"):
        lora_flow(W0, W0 + np.eye(3), A0, B0, 1.0, method="closed")


def test_another_namespace_computes_the_same():
    for data in (balanced_starts(2)["zero B0"], balanced_starts(1)["c = 0"]):
        here, there = lora_flow(*data, 2.0), lora_flow(*(strict.asarray(X) for X in data), 2.0)
        assert np.abs(np.asarray(there.W) - here.W).max() <= here.error[0]
    W0, A0, B0 = trace_squared_starts()["generic"]
    here = lora_flow(W0, None, A0, B0, 2.0)
    there = lora_flow(*(None if X is None else strict.asarray(X) for X in (W0, None, A0, B0)), 2.0)
    assert np.abs(np.asarray(there.A) - here.A).max() <= here.error[0]


def test_what_fails_says_why():
    W0, A0, B0 = (np.repeat(X, 2, axis=0) for X in trace_squared_starts()["generic"])
    W0[0, 0, 0], A0[1] = np.inf, A0[1] * 1e160
    result = lora_flow(W0, None, A0, B0, 1.0)
    assert result.failed.all()
    assert np.isnan(result.W).all()
    with pytest.raises(ShapeMismatch, match="square"):
        lora_flow(W0[:, :2], None, A0, B0[:, :2], 1.0)


def test_trace_squared_beside_the_cone_is_exact_with_a_scale_too():
    """B0 = -A0' but for one rounding; beside a rounded root of the scale it would be another B0."""
    A0 = np.array([[0.3], [0.7]])
    B0 = -A0.T * (1 + 2**-52)
    end = lora_flow([[[-1.0]]], None, A0[None], B0[None], 10.0, scale=3.0)
    A, B = ([[Fraction(float(x)) for x in row] for row in X] for X in (A0, B0))
    field = lora_field(losses.trace_squared(), [[Fraction(-1)]], A, B, scale=Fraction(3))
    truth = taylor_flow(field.rates, field.values, 10, digits=30)
    apart = np.abs(end.A[0] - np.array(truth["A"].tolist(), dtype=float)).max()
    assert apart <= end.error[0] < 1e-13


def test_trace_squared_from_a_tiny_start_ends_where_it_ends():
    end = lora_flow([[[1.0]]], None, [[[1e-140]]], [[[0.0]]], 400.0)
    assert abs(end.A[0, 0, 0] - 1) <= end.error[0] < 1e-12 and abs(end.W[0, 0, 0]) <= end.error[0]
