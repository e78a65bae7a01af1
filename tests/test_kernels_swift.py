"""Balanced flows without an SVD: against many digits and substeps, and where they step back."""

from __future__ import annotations

import numpy as np
import pytest

from lora_proofs.arithmetic import MultiprecisionArithmetic
from lora_proofs.kernels import lora_flow
from lora_proofs.kernels.balanced import balanced_flow
from lora_proofs.kernels.hyperbolic import Hyperbolic, spectral_bound
from lora_proofs.kernels.hyperbolic_matrices import cosh_and_sinh
from lora_proofs.kernels.propagated import propagated_flow
from lora_proofs.kernels.propagator import FEW, root_with_columns
from lora_proofs.kernels.rank_one import rank_one_flow
from lora_proofs.kernels.spectrum import product_singular_values
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form

DIGITS = MultiprecisionArithmetic(40)
SHAPES = [(1, 1, 1), (2, 3, 1), (6, 5, 1), (2, 2, 2), (3, 2, 2), (5, 6, 3), (7, 6, 5)]


def starts(shape, count, seed=0):
    """W0, Y, A0 with exactly orthogonal rows, and B0: not 0 where r = 1."""
    (n, m, r), rng = shape, np.random.default_rng(seed)
    W0, E = rng.normal(size=(2, count, n, m))
    A0 = np.eye(r, m) * rng.uniform(0.1, 2, (count, 1, 1))
    A0 = rng.normal(size=(count, 1, m)) if r == 1 else A0
    B0 = rng.normal(size=(count, n, 1)) if r == 1 else np.zeros((count, n, r))
    return W0, W0 + E, A0, B0


def swift(data, t):
    flow = rank_one_flow if data[2].shape[1] == 1 else propagated_flow
    return flow(*data, np.full(len(data[0]), float(t)), np, singular_values=True)


@pytest.mark.parametrize("t", [0.0, 0.5, 4.0, 12.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_error_is_at_least_the_distance_to_many_digits(shape, t):
    data = starts(shape, 4, seed=int(10 * t))
    found, sure = swift(data, t)
    assert sure.any() or (t == 0 and shape[2] > 1)  # there W - W0 is 0, and no digit of it
    for i in np.flatnonzero(sure):
        truth = frobenius_riccati_closed_form(*(X[i].tolist() for X in data), t, DIGITS)
        W = np.array(truth.W.tolist(), dtype=float)
        assert np.abs(found.W[i] - W).max() <= found.error[i] < 1e-9 * (1 + np.abs(W).max())
        values = np.linalg.svd(W - data[0][i], compute_uv=False)[: found.singular_values.shape[1]]
        assert np.abs(found.singular_values[i] - values).max() <= found.error[i] + 1e-14


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8, 2), (12, 10, 6)])
def test_it_agrees_with_substeps_in_singular_coordinates(shape):
    data, t = starts(shape, 200), np.full(200, 3.0)
    found, sure = swift(data, 3.0)
    other = balanced_flow(*data, t, np, most_steps=2000, singular_values=True)
    apart = np.abs(found.W - other.W).max(axis=(1, 2))
    assert (apart <= found.error + other.error)[sure].all() and sure.mean() > 0.9


@pytest.mark.parametrize("r", [1, 2])
def test_where_digits_are_lost_nothing_is_returned(r):
    """At a saddle, near one, over a long time and for a stiff target: substeps take over."""
    A0 = np.zeros((4, r, 3))
    A0[:, range(r), range(1, r + 1)] = 1.0  # nothing in the leading direction
    A0[1, 0, 0] = 1e-9 if r == 1 else 0.0
    E = np.repeat(np.diag([2.0, 1.0, 0.5])[None], 4, axis=0)
    E[2] *= 1e4
    data = 0 * E, E, A0, np.zeros((4, 3, r))
    t = np.array([30.0, 30.0, 1.0, 1e3])
    flow = rank_one_flow if r == 1 else propagated_flow
    assert not flow(*data, t, np, singular_values=True)[1].any()
    whole = lora_flow(*data, t)
    assert not whole.failed[[0, 3]].any()
    assert np.abs(whole.W[0, 0]).max() == 0  # the saddle is kept, exactly


def distances(data, times, found, sure):
    """How far W, A and B are from the closed form in 40 digits, where the kernel is sure."""
    far = np.zeros(len(times))
    for i in np.flatnonzero(sure):
        truth = frobenius_riccati_closed_form(*(X[i].tolist() for X in data), times[i], DIGITS)
        for here, there in ((found.W, truth.W), (found.A, truth.A), (found.B, truth.B)):
            if here is not None:
                with DIGITS.working():
                    exact = DIGITS.matrix(here[i].tolist()) - DIGITS.matrix(there.tolist())
                far[i] = max(far[i], *(float(abs(x)) for x in exact.flat))
    return far


MIXED = np.array([0.01, 0.1, 0.4, 1.0, 4.0, 20.0, 60.0])


@pytest.mark.parametrize("r", [1, 2])
def test_short_instances_beside_long_ones_keep_their_digits(r):
    """Ones have one direction alone: what a long instance asks for must not spoil a short one."""
    count = len(MIXED)
    A0 = 0.5 * np.repeat(np.eye(r, 2)[None], count, axis=0)
    E = np.ones((count, 2, 2))
    data = np.zeros((count, 2, 2)), E, A0, np.zeros((count, 2, r))
    flow = rank_one_flow if r == 1 else propagated_flow
    found, sure = flow(*data, MIXED, np, singular_values=False)
    far = distances(data, MIXED, found, sure)
    assert sure[:5].all() and (far[:5] < 1e-15).all() and (far <= found.error).all()


@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-8, 1e-20, 1e-25, 1e-60])
def test_a_small_target_beside_large_factors_of_one_length(size):
    """c = |b|^2 - |a|^2 is a small difference of large squares, and all that grows beside E."""
    rng, N = np.random.default_rng(3), 6
    a, b, E = (rng.normal(size=(N, *shape)) for shape in ((1, 3), (3, 1), (3, 3)))
    a, b = (X / np.linalg.norm(X, axis=(1, 2))[:, None, None] for X in (a, b))
    times = np.full(N, 5 / size)
    data = np.zeros((N, 3, 3)), E * size, a, b
    found, sure = rank_one_flow(*data, times, np, singular_values=False)
    far = distances(data, times, found, sure)
    assert (far <= found.error)[sure].all() and (size < 1e-3 or sure.any())
    whole = lora_flow(*data, times)
    far = distances(data, times, whole, ~whole.failed)
    assert (far <= whole.error)[~whole.failed].all()


@pytest.mark.parametrize("size", [1e-10, 1e-25, 1e-60])
def test_a_small_target_beside_factors_that_cancel_exactly(size):
    ones = np.ones((1, 1, 1))
    data, t = (0 * ones, size * ones, ones, ones), np.array([1 / size])
    whole = lora_flow(*data, t)
    far = distances(data, t, whole, ~whole.failed)
    assert not whole.failed[0] and (far <= whole.error).all()


@pytest.mark.parametrize("r", [1, 2])
def test_few_roundings_are_left_over(r):
    """Beside substeps, which lose next to nothing here: a tenth of the error would not do."""
    rng, N, flow = np.random.default_rng(r), 3000, (rank_one_flow if r == 1 else propagated_flow)
    ratios = []
    for n, t in ((2, 1.0), (2, 5.0), (3, 5.0), (3, 20.0)):
        E, A0 = rng.normal(size=(N, n, n)), np.repeat(np.eye(r, n)[None], N, axis=0)
        data = 0 * E, E, A0 * rng.uniform(0.01, 3, size=(N, 1, 1)), np.zeros((N, n, r))
        found, sure = flow(*data, np.full(N, t), np, singular_values=False)
        other = balanced_flow(*data, np.full(N, t), np, most_steps=2000, singular_values=False)
        apart = np.abs(found.W - other.W).max(axis=(1, 2)) + 1e-300
        ratios.extend((found.error / apart)[sure & (apart > 5e-15)])
    assert len(ratios) > 20 and 3 < min(ratios) < 40


def test_large_frozen_weights_are_in_the_error():
    for r in (1, 2):
        W0, Y, A0, B0 = starts((3, 3, r), 4)
        found, sure = swift((W0 + 1e9, Y + 1e9, A0, B0), 1.0)
        assert sure.any() and (found.error[sure] > 1e-9).all()


def test_ordinary_starts_go_without_an_svd(monkeypatch):
    """And through the front door: substeps are not asked at all."""

    def asked(*_, **__):
        raise AssertionError("substeps were asked")

    monkeypatch.setattr("lora_proofs.kernels.closed.balanced_flow", asked)
    for shape in ((8, 8, 1), (8, 8, 2), (6, 9, 3)):
        data = starts(shape, 20)
        assert not lora_flow(*data, 1.0).failed.any()


@pytest.mark.parametrize("shape", [(1, 2, 2), (2, 1, 2), (1, 1, 2), (3, 2, 2)])
def test_singular_values_leave_everything_else_as_it_is(shape):
    (n, m, r), rng = shape, np.random.default_rng(1)
    A0, B0 = np.zeros((1, r, m)), np.zeros((1, n, r))
    side = A0[0] if m >= n else B0[0]
    side[range(min(side.shape)), range(min(side.shape))] = 1.0
    for Y in rng.normal(size=(3, 1, n, m)):
        for method in ("auto", "general"):
            data = (np.zeros((1, n, m)), Y, A0, B0, 1.0)
            ends = [lora_flow(*data, method=method, singular_values=k) for k in (True, False)]
            assert (ends[0].W == ends[1].W).all()


def test_an_endless_time_stops_nothing_else():
    data, t = starts((8, 9, 2), 3), np.array([1.0, 1e308, 2.0])
    whole = lora_flow(data[0] * 1e10, data[1] * 1e10, *data[2:], t)
    assert whole.failed.tolist()[1] or np.isfinite(whole.W).all()
    assert lora_flow(*data, t).failed.tolist() == [False, True, False]


def test_a_start_away_from_zero_is_left_to_the_svd_for_more_than_one_row():
    W0, Y, A0, _ = starts((4, 3, 2), 3)
    B0 = np.zeros((3, 4, 2))
    B0[1, range(2), range(2)] = 1.0
    A0[1] = np.eye(2, 3)
    assert propagated_flow(W0, Y, A0, B0, np.ones(3), np, singular_values=True)[1].tolist() == [
        True, False, True,
    ]  # fmt: skip
    here, there = (lora_flow(W0, Y, A0, B0, 1.0, method=k) for k in ("closed", "general"))
    assert (np.abs(here.W - there.W).max(axis=(1, 2)) <= here.error + there.error).all()


def test_an_instance_does_not_depend_on_the_others_beyond_its_error():
    for shape in ((6, 6, 1), (6, 6, 2)):
        data, t = starts(shape, 6), np.array([0.0, 0.1, 1.0, 3.0, 9.0, 300.0])
        whole = lora_flow(*data, t)
        for i in range(6):
            alone = lora_flow(*(X[i : i + 1] for X in data), t[i])
            apart = np.abs(whole.W[i] - alone.W[0]).max()
            assert apart <= whole.error[i] + alone.error[0]


def test_no_instance_and_nothing_to_move():
    for r in (1, 2):
        none = [np.zeros(shape) for shape in ((0, 3, 4), (0, 3, 4), (0, r, 4), (0, 3, r))]
        assert lora_flow(*none, 1.0).W.shape == (0, 3, 4)
        still = [np.zeros(shape) for shape in ((2, 3, 4), (2, 3, 4), (2, r, 4), (2, 3, r))]
        end = lora_flow(*still, 5.0)
        assert not end.failed.any() and np.abs(end.W).max() == 0


def symmetric(m, count=7):
    rng = np.random.default_rng(m)
    E = rng.normal(size=(count, m + 1, m))
    return E.mT @ E


@pytest.mark.parametrize("m", [1, 3, 16, 17])
def test_series_act_like_functions_of_the_eigenvalues(m):
    G, rng = symmetric(m), np.random.default_rng(m)
    c, t, v = rng.normal(size=7), rng.uniform(0, 3, 7), rng.normal(size=(7, m))
    t[0] = 0
    series = Hyperbolic.series(spectral_bound(G, np), c, t, 256.0, np)
    values, Q = np.linalg.eigh(G)
    mu = np.sqrt(np.maximum(values, 0) + (c**2 / 4)[:, None])
    even, odd = (np.exp(t[:, None] * mu - series.tau[:, None]), np.exp(-t[:, None] * mu))
    odd = odd * np.exp(-series.tau)[:, None]
    expected = [(even + odd) / 2, (even - odd) / 2 / mu]
    for found, factor in zip(series.act(G, v, np), expected, strict=True):
        truth = (Q @ (factor[..., None] * (Q.mT @ v[..., None])))[..., 0]
        size = np.linalg.norm(v, axis=1) * np.maximum(1, t)
        assert (np.abs(found - truth).max(axis=1) <= 1e-13 * size).all()


def test_matrices_are_functions_of_the_eigenvalues():
    G = symmetric(6)
    c, h = np.linspace(-1, 1, 7), np.linspace(0, 10, 7)
    rho = np.sqrt(spectral_bound(G, np) + c**2 / 4)
    G, c = G / rho[:, None, None] ** 2, c / rho
    values, Q = np.linalg.eigh(G)
    mu = np.sqrt(np.maximum(values, 0) + (c**2 / 4)[:, None])
    z = h[:, None] * mu
    both = cosh_and_sinh(G, c, h, np)
    for found, factor in zip(both, (2 * np.sinh(z / 2) ** 2, np.sinh(z) / mu), strict=True):
        truth = Q @ (factor[..., None] * Q.mT)
        bound = 1e-13 * np.minimum(h, 1) * np.exp(h) * np.maximum(1, h)
        assert (np.abs(found - truth).max(axis=(1, 2)) <= bound).all()


def test_the_bound_of_a_spectrum_is_one_and_is_near():
    for m in (1, 2, 9):
        G = symmetric(m)
        largest = np.linalg.eigvalsh(G)[:, -1]
        bound = spectral_bound(G, np)
        assert (bound >= largest * (1 - 1e-14)).all()
        assert (bound <= largest * m**0.125 * (1 + 1e-14)).all()


@pytest.mark.parametrize("r", [1, 2, FEW, FEW + 1, 9])
def test_roots_by_elimination_and_by_lapack(r):
    rng = np.random.default_rng(r)
    X = rng.normal(size=(5, 20, r + 2))
    M = X.mT @ X
    T = root_with_columns(M, r, np)
    one = T[:, :r, :r].mT @ M[:, :r, :r] @ T[:, :r, :r]
    assert np.abs(one - np.eye(r)).max() < 1e-12
    projected = (X @ T)[..., r:]
    truth = X[..., r:] - X[..., :r] @ np.linalg.solve(M[:, :r, :r], M[:, :r, r:])
    assert np.abs(projected - truth).max() < 1e-12


@pytest.mark.parametrize("case", ["generic", "dependent", "graded", "zero", "short"])
def test_singular_values_of_two_columns(case):
    rng = np.random.default_rng(5)
    b, a = rng.normal(size=(9, 5, 2)), rng.normal(size=(9, 1 if case == "short" else 4, 2))
    if case == "dependent":
        b[..., 1] = 3 * b[..., 0]
    if case == "graded":
        b[..., 1] *= 1e-9
    if case == "zero":
        b[..., 0] = 0
    found = product_singular_values(b, a, np)
    truth = np.linalg.svd(b @ a.mT, compute_uv=False)[:, : found.shape[1]]
    assert found.shape[1] == min(2, a.shape[1])
    scale = np.linalg.norm(b, axis=(1, 2)) * np.linalg.norm(a, axis=(1, 2))
    assert (np.abs(found - truth).max(axis=1) <= 1e-14 * scale).all()
