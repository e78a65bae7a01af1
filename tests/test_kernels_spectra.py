"""Batched spectra of B A: within their error, and ranks that say when they are open."""

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.errors import ShapeMismatch
from lora_proofs.kernels.result import NOT_FINITE, REASONS
from lora_proofs.kernels.spectra import product_spectra
from lora_proofs.mathematics.matrices import squared_singular_values

REGIMES = ("generic", "dependent", "zero column", "all zero", "graded", "tiny", "huge", "ties")
SHAPES = ((1, 1, 1), (4, 3, 1), (3, 5, 2), (6, 6, 3), (2, 3, 5), (7, 6, 6))


def drawn(regime, shape, seed):
    n, m, r = shape
    random = np.random.default_rng(seed)
    B, A = random.integers(-8, 9, (3, n, r)) / 4.0, random.integers(-8, 9, (3, r, m)) / 4.0
    if regime == "dependent":
        B[:, :, -1] = 2 * B[:, :, 0]
    if regime == "zero column":
        B[:, :, 0] = 0
    if regime == "all zero":
        A = 0 * A
    if regime == "graded":
        B = B * 2.0 ** -(9 * np.arange(r))
    if regime == "ties":
        B, A = np.zeros((3, n, r)) + np.eye(n, r), np.zeros((3, r, m)) + np.eye(r, m)
    size = {"tiny": 2.0**-200, "huge": 2.0**200}.get(regime, 1.0)
    return B * size, A * size


def truth(B, A):
    """The singular values to 30 digits, and the exact rank."""
    X = EXACT.matrix(B.tolist()) @ EXACT.matrix(A.tolist())
    ctx = BallArithmetic(60)
    with ctx.working():
        squares = [x for x, k in squared_singular_values(X, ctx) for _ in range(k)]
        return [ctx.sqrt(ctx.number(x)) for x in squares], EXACT.rank(X)


@pytest.mark.parametrize("regime", REGIMES)
def test_values_are_within_their_error_and_ranks_enclosed(regime):
    for seed, shape in enumerate(SHAPES):
        B, A = drawn(regime, shape, seed)
        found = product_spectra(B, A)
        assert not found.failed.any() and found.values.shape == (3, min(shape))
        for i in range(3):
            values, rank = truth(B[i], A[i])
            with flint.ctx.workprec(300):
                pairs = zip(values, found.values[i], strict=False)
                far = max(abs(x - float(y)) for x, y in pairs)
            assert far <= float(found.error[i])
            assert found.rank_lower[i] <= rank <= found.rank_upper[i]


def test_a_rank_is_decided_where_values_are_large_and_open_where_columns_depend():
    B, A = drawn("generic", (6, 6, 3), 3)
    assert product_spectra(B, A).decided.all()
    B[:, :, 2] = B[:, :, 0] + B[:, :, 1]
    found = product_spectra(B, A)
    assert (found.rank_lower == 2).all() and (found.rank_upper == 3).all()


def test_error_is_small_beside_the_values():
    random = np.random.default_rng(0)
    found = product_spectra(random.normal(size=(9, 64, 8)), random.normal(size=(9, 8, 64)))
    assert (found.error < 1e-11 * found.values[:, 0]).all()


def test_what_is_not_finite_fails_alone():
    B, A = drawn("generic", (3, 3, 2), 0)
    B[0, 0, 0], B[1] = np.nan, 1e300
    found = product_spectra(B, A * 1e10)
    assert [found.why(i) for i in range(3)] == [REASONS[NOT_FINITE], "overflow", ""]
    assert np.isnan(found.values[0]).all() and np.isfinite(found.values[2]).all()
    assert (found.rank_lower[0], found.rank_upper[0]) == (0, 2)


def test_shapes_have_to_fit():
    with pytest.raises(ShapeMismatch, match="B"):
        product_spectra(np.ones((1, 2, 1)), np.ones((1, 2, 1)))


def test_another_namespace_agrees():
    strict = pytest.importorskip("array_api_strict")
    for shape in SHAPES:
        B, A = drawn("dependent", shape, 1)
        here, there = product_spectra(B, A), product_spectra(strict.asarray(B), strict.asarray(A))
        assert (np.abs(np.asarray(there.values) - here.values).max(axis=1) <= here.error).all()
        assert (np.asarray(there.rank_upper) == here.rank_upper).all()
