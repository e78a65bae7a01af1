"""The control of step sizes: the same in all three ways; a refused step moves nothing."""

from __future__ import annotations

from dataclasses import replace

import array_api_strict as strict
import numpy as np
import pytest

from lora_proofs.kernels import lora_flow, stepping
from lora_proofs.kernels.generic import _step as one_step
from lora_proofs.kernels.layouts import InstanceFirst, InstanceLast
from lora_proofs.kernels.stepping import SLOPE, STATE, Chunk, Flows, integrate

compiled = pytest.mark.compiled
BACKENDS = ["numpy", "another library", pytest.param("compiled", marks=compiled)]
SHAPES = [(4, 4, 2), (5, 3, 2), (3, 6, 3), (6, 6, 4), (7, 5, 5), (4, 6, 4)]


def started(n, m, r, count, tolerance=1e-8, seed=0):
    """Flows in singular coordinates, from a start that B'B - AA' = D of."""
    rng, k = np.random.default_rng(seed), min(n, m)
    b, a = rng.normal(size=(count, n, r)), rng.normal(size=(count, m, r))
    sigma = np.sort(rng.uniform(0.5, 4, (count, k)))[:, ::-1]
    state = np.concatenate([b.mT.reshape(count, -1), a.mT.reshape(count, -1)], axis=1)
    left, reason = np.linspace(0.5, 6, count), np.zeros(count, dtype=np.int64)
    D = b.mT @ b - a.mT @ a
    return Flows(state, sigma, D, left, np.full(count, tolerance), (n, m, r), reason)


def field(flows):
    """b' and a' at the states, as rows."""
    (n, m, r), count = flows.shape, len(flows.state)
    b = flows.state[:, : n * r].reshape(count, r, n).mT
    a = flows.state[:, n * r :].reshape(count, r, m).mT
    S = np.zeros((count, n, m))
    for i in range(min(n, m)):
        S[:, i, i] = flows.sigma[:, i]
    P = b.mT @ b
    slopes = S @ a - b @ (P - flows.D), S.mT @ b - a @ P
    return np.concatenate([x.mT.reshape(count, -1) for x in slopes], axis=1)


def field_of(chunk, flows):
    """b' and a' at the states of a chunk."""
    states = np.array(chunk.field.states(chunk.rows[STATE]))
    return field(Flows(states, flows.sigma, flows.D, None, None, flows.shape, None))


@pytest.mark.parametrize("layout", [InstanceFirst, InstanceLast])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_that_is_refused_moves_nothing_but_its_size(shape, layout):
    flows, refused = started(*shape, 6), np.arange(6) % 2 == 1
    flows.h, flows.steps = np.where(refused, 0.5, 1e-3), np.zeros(6, dtype=np.int64)
    flows.recent, flows.path, flows.trail = np.zeros(6), np.zeros(6), np.full(6, 0.7)
    with np.errstate(all="ignore"):
        chunk = Chunk(flows, np.arange(6), np.arange(0), layout)
        chunk.step()
    after = chunk.field.states(chunk.rows[STATE])
    assert (after[refused] == flows.state[refused]).all()
    assert (after[~refused] != flows.state[~refused]).any(axis=1).all()
    assert (chunk.left == flows.left - np.where(refused, 0.0, flows.h)).all()
    assert ((chunk.path == 0) == refused).all() and ((chunk.trail == 0.7) == refused).all()
    assert (chunk.h[refused] < 0.5).all() and (chunk.h[refused] > 0.09).all()
    assert (chunk.h[~refused] > 1e-3).all()
    slopes = chunk.field.states(chunk.rows[SLOPE])
    assert np.allclose(slopes, field_of(chunk, flows) * chunk.h[:, None], rtol=1e-11, atol=1e-13)
    assert np.allclose(chunk.growth, (after * slopes).sum(axis=1), rtol=1e-9, atol=1e-12)
    assert np.allclose(chunk.square, (after**2).sum(axis=1))


@pytest.mark.parametrize("layout", [InstanceFirst, InstanceLast, None])
def test_a_step_that_explodes_is_refused(layout):
    """From some of these its square overflows, so that beside it the error looks like nothing."""
    N, t = 4000, 0.3
    b, ones = np.linspace(10.5, 12, N), np.ones(N)
    state, D = np.stack([b, 0.1 * ones], axis=1), (b**2 - 0.01)[:, None, None]
    flows = Flows(state, ones[:, None], D, t * ones, 3e-9 * ones, (1, 1, 1), np.zeros(N, np.int64))
    with np.errstate(all="ignore"):
        if layout:
            flows.h, flows.steps = t * ones, np.zeros(N, dtype=np.int64)
            flows.recent, flows.path, flows.trail = 0 * ones, 0 * ones, ones
            chunk = Chunk(flows, np.arange(N), np.arange(0), layout)
            chunk.step()
            left, h = chunk.left, chunk.h
        else:
            given = (state, flows.sigma, D, flows.left, flows.tolerance, t * ones, ones)
            _, left, h, *_ = one_step(*given, flows.shape, np)
    assert (left == t).all() and (h >= 0.2 * t).all() and (h < t).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_instance_whose_first_step_explodes_is_integrated(backend):
    rng, N, n, m, r = np.random.default_rng(0), 16, 400, 2, 2
    Y = 1e-3 * rng.normal(size=(N, n, m))
    A0, B0 = rng.normal(size=(N, r, m)), rng.normal(size=(N, n, r))
    data = [0 * Y, Y, A0, B0, 1 / np.maximum(abs(A0).max((1, 2)), abs(B0).max((1, 2))) ** 2]
    end = general(backend, *data)
    assert not end.failed.any() and end.steps.max() < 200
    sharp = general("numpy", *data, tolerance=1e-10)
    assert (np.abs(end.W - sharp.W).max((1, 2)) <= end.error + sharp.error).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_instance_whose_square_overflows_is_integrated(backend):
    b, n = np.linspace(0.887, 0.889, 80), 200
    Y, B0 = np.zeros((80, n, 1)), np.broadcast_to(b[:, None, None], (80, n, 1))
    Y[:, 0, 0] = 0.5
    data = [0 * Y, Y, np.full((80, 1, 1), 0.1), B0]
    assert not general(backend, *data, 1.0).failed.any()


def general(backend, *data, **options):
    """The end of the integrated flows, as arrays of NumPy; loose, so that first steps are long."""
    options = {"method": "general", "tolerance": 1e-6, "singular_values": False} | options
    if backend == "another library":
        there = lora_flow(*(strict.asarray(X) for X in data), **options)
        parts = {x: np.asarray(getattr(there, x)) for x in ("W", "error", "steps", "reason")}
        return replace(there, **parts)
    return lora_flow(*data, **options, backend=backend)


@pytest.mark.parametrize("shape", SHAPES)
def test_refilling_a_chunk_changes_no_step(shape, monkeypatch):
    whole, parts = started(*shape, 40), started(*shape, 40)
    integrate(whole, 2000)
    monkeypatch.setattr(stepping, "WORKING_SET", 1)
    integrate(parts, 2000)
    assert alike(whole.steps, parts.steps) and (whole.left == 0).all()
    assert np.abs(whole.state - parts.state).max() < 1e-9


def alike(steps, others):
    """At a stable end errors are roundings, and the sizes of the last steps follow them."""
    return np.abs(np.asarray(steps) - np.asarray(others)).max() <= 2 and np.mean(steps) > 8


def diagonal(n, m, r, count, small):
    """E that all ways leave as it is; the first entry leads, so that all scale by it alike."""
    rng, Y = np.random.default_rng(3), np.zeros((count, n, m))
    for i in range(min(n, m)):
        Y[:, i, i] = 4.0**-i * rng.uniform(3.9, 4.1, count)
    return 0 * Y, Y, small * rng.normal(size=(count, r, m)), small * rng.normal(size=(count, n, r))


@pytest.mark.parametrize("small", [1.0, 1e-7])
@pytest.mark.parametrize("shape", [(4, 4, 2), (5, 3, 2), (6, 6, 4), (7, 5, 5)])
def test_arrays_of_another_library_take_the_same_steps(shape, small):
    data, t = diagonal(*shape, 8, small), 1.0 if small == 1.0 else 5.0
    here = lora_flow(*data, t, method="general")
    there = lora_flow(*(strict.asarray(X) for X in data), t, method="general")
    assert alike(there.steps, here.steps)


@compiled
@pytest.mark.parametrize("small", [1.0, 1e-7])
@pytest.mark.parametrize("shape", [(4, 4, 2), (5, 3, 2), (6, 6, 4), (7, 5, 5), (9, 9, 8)])
def test_the_compiled_kernel_takes_the_same_steps(shape, small):
    data, t = diagonal(*shape, 8, small), 1.0 if small == 1.0 else 5.0
    here = lora_flow(*data, t, method="general", estimate=False)
    there = lora_flow(*data, t, method="general", estimate=False, backend="compiled")
    assert alike(there.steps, here.steps)
