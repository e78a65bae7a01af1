"""Starts from the singular value decomposition: what defines them, in every arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    BallArithmetic,
    MultiprecisionArithmetic,
    squared_norm,
    trace,
)
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.flows import trace_squared_final_loss
from lora_proofs.mathematics.initialisation import leading_triples, spectral_start
from lora_proofs.strategies import SeededDraw, with_eigenvalues, with_singular_values

BALL, MP = BallArithmetic(40), MultiprecisionArithmetic(40)
WEIGHTS = {
    "distinct": [[1, 2, 0], [0, 1, -1], [3, 0, 1]],
    "tall": [[1, 2], [0, 1], [3, 0]],
    "wide": [[1, 2, 4], [0, 1, 1]],
    "tied": [[2, 0, 0], [0, 2, 0], [0, 0, 1]],
    "rank deficient": [[1, 2, 3], [2, 4, 6], [0, 0, 1]],
    "zero": [[0, 0], [0, 0]],
}
EVERY = [(name, r) for name, W in WEIGHTS.items() for r in range(1, min(len(W), len(W[0])) + 1)]


def near(X, Y, ctx):
    # a ball holds the difference, a float has an error of its own
    gaps = [abs(ctx.number(a) - ctx.number(b)) for a, b in zip(X.flat, Y.flat, strict=True)]
    return X.shape == Y.shape and all(gap < 1e-15 for gap in gaps)


def singular_values(name):
    return list(np.linalg.svd(np.array(WEIGHTS[name], dtype=float), compute_uv=False))


@pytest.mark.parametrize("ctx", [BALL, MP], ids=["ball", "multiprecision"])
@pytest.mark.parametrize("name,r", EVERY)
def test_the_vectors_are_orthonormal_and_belong_to_the_values(name, r, ctx):
    W = WEIGHTS[name]
    with ctx.working():
        values, rows = leading_triples(W, r, ctx)
        W = ctx.matrix(W)
        assert near(rows @ rows.mT, ctx.identity(r), ctx)
        image = W.mT @ (W @ rows.mT)
        scaled = ctx.matrix([[s * s * x for x in row] for s, row in zip(values, rows, strict=True)])
        assert near(image, scaled.mT, ctx)
        assert [float(s) for s in values] == pytest.approx(singular_values(name)[:r], abs=1e-12)


@pytest.mark.parametrize("ctx", [BALL, MP], ids=["ball", "multiprecision"])
@pytest.mark.parametrize("name,r", EVERY)
def test_the_balanced_pair_is_balanced_and_the_residual_is_what_is_left(name, r, ctx):
    W = WEIGHTS[name]
    with ctx.working():
        kept, A0, B0 = spectral_start("balanced", W, r, ctx)
        residual, A1, B1 = spectral_start("pissa", W, r, ctx)
        assert near(B0.mT @ B0, A0 @ A0.mT, ctx)
        assert near(kept, ctx.matrix(W), ctx)
        assert near(residual + B1 @ A1, ctx.matrix(W), ctx)
        # Only the r leading values are taken out: the others are those of the residual.
        left = sum(s * s for s in singular_values(name)[r:])
        assert float(squared_norm(residual)) == pytest.approx(left, abs=1e-12)


def test_rational_vectors_stay_rational():
    W = with_singular_values(SeededDraw.keyed(3), 3, 3, (9, 4, 1))
    W0, _, B0 = spectral_start("pissa", W, 2, EXACT)
    assert EXACT.rank(W0) == 1
    assert bool((B0.mT @ B0 == EXACT.matrix([[9, 0], [0, 4]])).all())
    with pytest.raises(Unavailable):
        spectral_start("rows", [[1, 1], [0, 1]], 1, EXACT)


def test_the_balanced_start_of_a_positive_semidefinite_weight_is_on_the_cone():
    W = with_eigenvalues(SeededDraw.keyed(5), (4, 1, Fraction(1, 4)))
    for r in (1, 2, 3):
        W0, A0, B0 = spectral_start("balanced", W, r, EXACT)
        assert bool((A0.mT == B0).all())
        assert trace_squared_final_loss(W0, A0, B0) == trace(W) ** 2 / 2
        residual, A0, B0 = spectral_start("pissa", W, r, EXACT)
        tail = sum((4, 1, Fraction(1, 4))[r:])
        assert trace_squared_final_loss(residual, A0, B0) == EXACT.number(Fraction(tail) ** 2 / 2)
        for kind in ("rows", "scaled"):
            assert trace_squared_final_loss(*spectral_start(kind, W, r, EXACT)) == 0


@pytest.mark.parametrize("r", [0, 3, True, "1"])
def test_a_rank_that_is_none_is_refused(r):
    with pytest.raises(BadInput, match="r: expected a rank between 1 and 2"):
        leading_triples([[1, 0], [0, 1]], r, EXACT)


def test_an_unknown_kind_is_refused():
    with pytest.raises(BadInput, match="kind: expected one of rows"):
        spectral_start("svd", [[1]], 1, EXACT)
