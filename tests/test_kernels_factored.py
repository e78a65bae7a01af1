"""Flows of large weights in factors: those of the matrix itself, within their error."""

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.errors import BadInput, ShapeMismatch, ToleranceNotMet
from lora_proofs.kernels import factored_flow, factored_trace_squared, lora_flow
from lora_proofs.mathematics.closed_forms import trace_squared_closed_form
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form

BALLS = BallArithmetic(30)
REGIMES = ("generic", "no E", "no start", "dependent", "tiny", "huge")


def drawn(n, m, k, r, seed, regime="generic"):
    random = np.random.default_rng(seed)
    U, V = random.normal(size=(n, k)), random.normal(size=(m, k))
    A, B = random.normal(size=(r, m)), random.normal(size=(n, r))
    size = {"tiny": 1e-8, "huge": 1e8}.get(regime, 1.0)
    if regime == "no E":
        U = 0 * U
    if regime == "no start":
        A, B = 0 * A, 0 * B
    if regime == "dependent":
        B, A[1:] = U[:, :1] + 0 * B, A[:1]
    return U * size, V, A * size**0.5, B * size**0.5, 0.5 / size


def distance(found, exact):
    with BALLS.working():
        off = BALLS.matrix((found.left @ found.right.T).tolist()) - exact
        return float(sum(x * x for x in off.flat).sqrt().mid())


@pytest.mark.parametrize("t", [0, 1, 40])
def test_balanced_starts_are_within_their_error_of_the_closed_form(t):
    for seed in range(3):
        # Rows that are orthonormal in floats exactly: signed unit vectors.
        U, V, _, _, _ = drawn(5, 4, 2, 2, seed)
        A, B = np.eye(4)[[1, 3]] * 2, np.zeros((5, 2))
        zero = np.zeros((5, 4)).tolist()
        E = EXACT.matrix(U.tolist()) @ EXACT.matrix(V.tolist()).T
        told = frobenius_riccati_closed_form(zero, E, A.tolist(), B.tolist(), t, BALLS)
        found = factored_flow(U, V, A, B, float(t))
        assert distance(found, told.BA) <= found.error < 1e-10
        assert found.method == "riccati"


@pytest.mark.parametrize("regime", REGIMES)
def test_trace_squared_is_within_its_error_of_the_closed_form(regime):
    for seed, (n, k, r) in enumerate(((3, 2, 1), (4, 1, 2), (2, 2, 3))):
        U, V, A, B, t = drawn(n, n, k, r, seed, regime)
        with BALLS.working():
            W0 = BALLS.matrix(U.tolist()) @ BALLS.matrix(V.tolist()).T
            if regime == "no start":
                told = 0 * W0
            else:
                start = (BALLS.matrix(X.tolist()) for X in (A, B))
                end = trace_squared_closed_form(W0, *start, t, BALLS)
                told = end.B @ end.A
        found = factored_trace_squared(U, V, A, B, t)
        assert distance(found, told) <= found.error + 1e-300
        assert found.error <= 1e-8 * (1 + float(found.singular_values[0]))


@pytest.mark.parametrize("regime", REGIMES)
def test_other_starts_agree_with_the_flow_of_the_matrix(regime):
    for seed, (n, m, k, r) in enumerate(((6, 5, 2, 2), (4, 7, 1, 3), (3, 3, 3, 4))):
        U, V, A, B, t = drawn(n, m, k, r, seed, regime)
        found = factored_flow(U, V, A, B, t)
        whole = lora_flow(np.zeros((n, m)), U @ V.T, A[None], B[None], t, tolerance=1e-13)
        off = np.linalg.norm(found.left @ found.right.T - whole.W[0])
        assert off <= found.error + whole.error[0] * max(n, m)
        values = whole.singular_values[0][: len(found.singular_values)]
        assert np.allclose(found.singular_values, values)


def test_large_weights_take_no_time_and_no_room():
    U, V, A, _, _ = drawn(4096, 4096, 16, 16, 0)
    A, B = np.linalg.qr(A.T)[0].T, np.zeros((4096, 16))
    found = factored_flow(U, V / 64, A, B, 2.0)
    assert found.error < 1e-8 and found.left.shape == found.right.shape == (4096, 16)
    core = np.linalg.qr(U)[1] @ np.linalg.qr(V / 64)[1].T
    assert found.singular_values[0] == pytest.approx(np.linalg.norm(core, 2))
    found = factored_trace_squared(U, V / 64, A, B, 2.0)
    assert found.error < 1e-7
    assert abs((U * V / 64).sum() + (found.left * found.right).sum()) < 1e-6


def test_what_does_not_fit_or_takes_too_long_is_refused():
    one = [[1.0]]
    with pytest.raises(ShapeMismatch, match="expected U"):
        factored_flow(one, one, one, [1.0], 1.0)
    with pytest.raises(ShapeMismatch, match=r"B0 \(1, 2\)"):
        factored_flow(one, one, one, [[1.0, 2.0]], 1.0)
    with pytest.raises(ShapeMismatch, match="square"):
        factored_trace_squared(one, [[1.0], [2.0]], [[1.0, 0.0]], one, 1.0)
    with pytest.raises(BadInput, match="finite"):
        factored_flow([[np.nan]], one, one, one, 1.0)
    U, V, A, B, _ = drawn(5, 5, 2, 2, 0)
    with pytest.raises(ToleranceNotMet, match="too many steps"):
        factored_flow(U, V, A, B, 1e6)
