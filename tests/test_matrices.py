"""Exact multiplicities, enclosures of singular values, and best approximations."""

from __future__ import annotations

import json
from pathlib import Path

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
    squared_norm,
)
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics import matrices

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
DATA = VECTORS["riccati_B0zero"]
BALL = BallArithmetic(60)
# Singular values 3, 3, 1 in rotated bases, and a column of zeros' worth of null space.
TURNED = np.array([["3/5", "-4/5", 0], ["4/5", "3/5", 0], [0, 0, 1]], dtype=object)
TIED = EXACT.matrix(TURNED) @ EXACT.matrix([[3, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])


def test_reference_singular_values_and_approximation():
    with BALL.working():
        levels = matrices.squared_singular_values(DATA["E"], BALL)
        for (value, k), text in zip(levels, DATA["singular_values"], strict=True):
            assert k == 1
            assert abs(value.sqrt() - flint.arb(text)) < 1e-38
        nearest = matrices.best_rank_approximation(DATA["E"], 2, BALL)
        for x, text in zip(nearest.flat, [x for row in DATA["E_2"] for x in row], strict=True):
            assert abs(x - flint.arb(text)) < 1e-38
        error = matrices.best_rank_error(DATA["E"], 2, BALL)
        assert (squared_norm(BALL.matrix(DATA["E"]) - nearest) - error**2).contains(0)


def test_ties_and_zeros_are_exact():
    assert matrices.squared_singular_values(TIED, EXACT) == [(9, 2), (1, 1)]
    assert [matrices.rank_gap(TIED, r) for r in (1, 2, 3, 4)] == [False, True, True, False]
    assert matrices.squared_singular_values([[0, 0], [0, 0]], EXACT) == [(0, 2)]
    assert matrices.squared_singular_values([[2, 0], [0, 0]], EXACT) == [(4, 1), (0, 1)]


@pytest.mark.parametrize("error", [matrices.best_rank_squared_error, matrices.best_rank_error])
def test_a_matrix_of_balls_goes_on_to_the_next_arithmetic(error):
    with BALL.working(), pytest.raises(Unavailable, match="hand over the exact matrix"):
        error(BALL.matrix([[2, 0], [0, "1/3"]]), 1, BALL)
    assert error(EXACT.matrix([[2, 0], [0, "1/3"]]), 1, EXACT) > 0


def test_singular_values_that_float64_cannot_tell_apart():
    eps = flint.fmpq(1, 10**30)
    E = [[1, 0], [0, 1 + eps]]
    assert matrices.rank_gap(E, 1)
    P = matrices.leading_projector(E, 1, BALL)
    assert abs(P[1, 1] - 1) < 1e-50


@pytest.mark.parametrize("r", [2, 3])
def test_best_approximation_of_a_tied_matrix(r):
    nearest = matrices.best_rank_approximation(TIED, r, EXACT)
    assert EXACT.rank(nearest) == r
    assert squared_norm(TIED - nearest) == matrices.best_rank_squared_error(TIED, r, EXACT)


def test_every_arithmetic():
    for ctx, digits in ((MultiprecisionArithmetic(30), 28), (ArrayArithmetic(), 14)):
        with ctx.working():
            error = matrices.best_rank_error(DATA["E"], 1, ctx)
            nearest = matrices.best_rank_approximation(DATA["E"], 1, ctx)
            rest = ctx.matrix(DATA["E"]) - nearest
            assert abs(squared_norm(rest) - error**2) < 10.0**-digits
    with pytest.raises(Unavailable):
        matrices.squared_singular_values(DATA["E"], EXACT)


def test_refusals():
    with pytest.raises(BadInput, match="not unique"):
        matrices.best_rank_approximation(TIED, 1, BALL)
    with pytest.raises(BadInput, match="tie"):
        matrices.leading_projector(TIED, 1, BALL)
    for r in (0, True, 1.0):
        with pytest.raises(BadInput, match="1 or more"):
            matrices.rank_gap(TIED, r)
