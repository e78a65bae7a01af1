"""The Frobenius flow along the zeros of its start: components, closed forms and exact limits."""

import json
from fractions import Fraction
from pathlib import Path

import flint
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics.decoupling import (
    Component,
    components,
    frobenius_decoupled_closed_form,
    frobenius_decoupled_limit,
)
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import lora_field

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
BALL = BallArithmetic(60)
ZERO_4x3 = [[0] * 3 for _ in range(4)]
DIAGONAL = [[3, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0]]
SPECTRAL_A = [["1/2", 0, 0], [0, 1, 0]]
SPECTRAL_B = [[0, 0]] * 4


def within(ball, digits):
    """Whether the ball meets a decimal number of 40 digits, and is as narrow as that."""
    with BALL.working():
        error = abs(ball - flint.arb(digits))
        return bool(error < flint.arb(10) ** -38)


@pytest.mark.parametrize("case", VECTORS["scalar_frob"], ids=lambda c: f"{c['sigma']},{c['a0']}")
def test_scalar_reference_values(case):
    """The reference values of the scalar mode, in a corner of a larger problem."""
    a0, b0, sigma = case["a0"], case["b0"], case["sigma"]
    end = frobenius_decoupled_closed_form(
        [[0, 0], [0, 5]], [[sigma, 0], [0, 5]], [[a0, 0]], [[b0], [0]], case["t"], BALL
    )
    assert within(end.A[0, 0], case["a"])
    assert within(end.B[0, 0], case["b"])
    assert within(end.W[0, 0], case["w"])
    assert end.W[1, 1] == 5
    assert end.W[0, 1] == 0


def test_spectral_reference_values():
    """The reference values of the spectral start on diag(3, 2, 1)."""
    case = VECTORS["spectral_frob"]
    problem = (ZERO_4x3, DIAGONAL, SPECTRAL_A, SPECTRAL_B)
    end = frobenius_decoupled_closed_form(*problem, case["t"], BALL)
    assert within(end.W[0, 0], case["w1"])
    assert within(end.W[1, 1], case["w2"])
    limit = frobenius_decoupled_limit(*problem)
    assert limit.loss == flint.fmpq(1, 2)
    assert limit.kept == ((2, 2),)
    with BALL.working():
        error = BALL.sqrt(BALL.number(2 * limit.loss) / 14)
    assert within(error, case["rel_err"])


def test_components_are_those_of_the_zero_pattern():
    """Two modes share a rank index; a column without edges stands alone."""
    found = components([[1, 0, 0], [0, 2, 0]], [[1, 1, 0]], [[0], [0]])
    assert found == (Component((0, 1), (0, 1), (0,)), Component((), (2,), ()))
    assert not found[0].scalar
    assert found[1].stationary


def test_coupled_modes_are_refused():
    """A block of two rows has no closed form here, nor a limit."""
    problem = ([[0, 0], [0, 0]], [[1, 0], [0, 2]], [[1, 1]], [[0], [0]])
    with pytest.raises(BadInput, match="one row and one column"):
        frobenius_decoupled_closed_form(*problem, 1, BALL)
    with pytest.raises(BadInput, match="rows \\(0, 1\\)"):
        frobenius_decoupled_limit(*problem)
    with pytest.raises(ShapeMismatch, match="decoupled flow"):
        frobenius_decoupled_limit([[0]], [[1]], [[1, 1]], [[0]])


def test_rows_that_no_column_meets_stay():
    """A rank index that no row or no column meets is stationary, whatever it joins."""
    problem = ([[1, 2]], [[1, 2]], [[3, 4], [0, 0]], [[0, 5]])
    end = frobenius_decoupled_closed_form(*problem, 7, BALL)
    assert end.A.tolist() == BALL.matrix(problem[2]).tolist()
    assert end.B.tolist() == BALL.matrix(problem[3]).tolist()
    limit = frobenius_decoupled_limit(*problem)
    assert (limit.loss, limit.kept) == (0, ())


def test_several_rank_indices_in_one_mode():
    """One mode with r = 2 against an enclosure of the flow, and beside a second mode."""
    W0, Y = [[1, 0], [0, 0]], [[3, 0], [0, -1]]
    A0, B0 = [[1, 0], ["1/2", 0], [0, 1]], [["1/3", 0, 0], [0, 0, "1/4"]]
    end = frobenius_decoupled_closed_form(W0, Y, A0, B0, "1/4", BALL)
    enclosed = lora_field(frobenius(Y), W0, A0, B0).enclosure("1/4", digits=20)
    for closed, run in zip(end.A.flat, enclosed.values["A"].flat, strict=True):
        assert run.overlaps(closed)
    assert frobenius_decoupled_limit(W0, Y, A0, B0).loss == 0


@pytest.mark.parametrize(
    ("sigma", "a", "b", "limit"),
    [
        (2, [1, 2], [-1, -2], 0),
        (2, [1, 2], [1, 2], 2),
        (2, [1, 2], [-1, 2], 2),
        (-2, [1, 2], [1, 2], 0),
        (-2, [1, 2], [-1, -2], -2),
        (2, [0, 0], [0, 0], 0),
        (0, [1, 2], [3, 4], 0),
        (2, [0, 1], [0, 0], 2),
    ],
)
def test_saddles_of_one_mode(sigma, a, b, limit):
    """The stable set of the saddle is met exactly: b = -a' for a positive error."""
    end = frobenius_decoupled_limit([[0]], [[sigma]], [[x] for x in a], [b])
    assert end.BA[0, 0] == limit
    assert end.loss == EXACT.number(Fraction((sigma - limit) ** 2, 2))
    assert end.kept == (((0, 0),) if limit != sigma else ())


@pytest.mark.parametrize("ctx", [ArrayArithmetic(), MultiprecisionArithmetic(30)])
def test_other_arithmetics(ctx):
    """Floats and high precision give the same mode, and leave the other entries as they were."""
    end = frobenius_decoupled_closed_form(ZERO_4x3, DIAGONAL, SPECTRAL_A, SPECTRAL_B, 1, ctx)
    assert abs(float(end.W[0, 0]) - 2.693594477580459) < 1e-14
    assert float(end.W[2, 2]) == 0
