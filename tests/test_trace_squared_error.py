"""Relative errors of the trace-squared update against reference values and by hand."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import flint
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, inner, squared_norm, trace
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics import flows
from lora_proofs.mathematics import trace_squared_error as error

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
BALL = BallArithmetic(60)
M = EXACT.matrix


def agrees(ball, text, digits=39):
    reference = flint.arb(EXACT.number(text))
    return abs(ball - reference) <= (abs(reference) + 1) * flint.arb(10) ** -digits


def test_the_error_of_a_general_start_meets_the_reference():
    data, reference = VECTORS["flow_trsq_t=1/4"]["input"], VECTORS["limit_trsq_general"]
    limit = flows.trace_squared_limit(data["W0"], data["A0"], data["B0"], BALL)
    with BALL.working():
        R = error.relative_error(BALL.matrix(data["W0"]), limit.dW, BALL)
        assert agrees(R, reference["rel_err_R"])
        bound = error.orthogonal_rows_error(3, 2, BALL)
        assert agrees(bound, reference["lower_bound_sqrt_n_over_r_minus_1"]) and bound < R


def test_the_update_from_zero_b_is_the_exact_reference():
    data = VECTORS["limit_trsq_B0zero"]
    W0, A0 = M(data["W0"]), M(data["A0"])
    dW = error.update_from_zero_b(W0, A0)
    assert (dW == M(data["dW"])).all()
    assert squared_norm(A0) == EXACT.number(data["S"])
    square = error.relative_error_squared(W0, dW, EXACT)
    assert square == EXACT.number(data["R_squared"])
    assert square == 3 / error.effective_rank(A0) - 1
    with BALL.working():
        assert agrees(error.relative_error(BALL.matrix(data["W0"]), dW, BALL), data["R"])
        rate = BALL.sqrt(BALL.number(squared_norm(A0) ** 2 + 4 * trace(W0) ** 2))
        assert agrees(rate, data["rate_of_T"])


def test_the_spectral_start_meets_the_reference_table():
    with BALL.working():
        for key, value in VECTORS["R_spectral"].items():
            n, r = (int(part.split("=")[1]) for part in key.split(","))
            assert agrees(error.orthogonal_rows_error(n, r, BALL), value)
        data = VECTORS["limit_trsq_B0zero_spectral"]
        assert agrees(error.orthogonal_rows_error(data["n"], data["r"], BALL), data["R"])


def test_orthogonal_rows_give_the_spectral_error_whatever_their_length():
    data = VECTORS["limit_trsq_B0zero_spectral"]
    n, r = data["n"], data["r"]
    W0 = M([[i + 2 * j + 1 for j in range(n)] for i in range(n)])
    for c in ("1", "-3/7"):
        A0 = EXACT.number(c) * EXACT.identity(n)[:r]
        square = error.relative_error_squared(W0, error.update_from_zero_b(W0, A0), EXACT)
        assert square == EXACT.number(Fraction(n, r) - 1) == EXACT.number("3/2")


def test_steep_rows_do_not_gain_from_rank():
    W0 = EXACT.identity(16)
    seen = []
    for r in (1, 2, 4, 8, 16):
        A0 = EXACT.zeros(r, 16)
        for k in range(r):
            A0[k, k] = EXACT.number(Fraction(1, 2**k))
        seen.append(error.relative_error_squared(W0, error.update_from_zero_b(W0, A0), EXACT))
    roots = [round(float(x) ** 0.5, 3) for x in seen]
    assert roots == [3.873, 3.143, 2.945, 2.933, 2.933]


def test_the_linear_functional_is_the_trace_for_the_identity():
    data = VECTORS["limit_trsq_B0zero"]
    W0, A0, eye = M(data["W0"]), M(data["A0"]), EXACT.identity(3)
    end = error.linear_functional_curve(W0, A0, eye, (1, 1, 1), eye, (2, 2, 2), EXACT)
    cosh, sinh = EXACT.number("5/4") * A0, EXACT.number("3/4") * A0
    assert (cosh == end.A).all() and (-sinh.mT == end.B).all()
    assert end.value == trace(W0) - EXACT.number("15/16") * squared_norm(A0)


def test_the_linear_functional_sees_a_rectangular_C():
    W0, A0 = M([[1, 2, 0], [0, 1, 1]]), M([[1, "1/2", 3]])
    U, V = EXACT.identity(2), EXACT.identity(3)[:, :2]
    end = error.linear_functional_curve(W0, A0, U, (2, 0), V, (3, 1), EXACT)
    C = M([[2, 0, 0], [0, 0, 0]])
    assert end.value == inner(C, W0 + end.B @ end.A)
    assert (end.A[:, 1:] == A0[:, 1:]).all() and not end.B[1, 0]


def test_bad_input_is_named():
    with pytest.raises(ShapeMismatch, match="square W0"):
        error.full_update(M([[1, 2]]), EXACT)
    with pytest.raises(BadInput, match="not 0"):
        error.update_from_zero_b(EXACT.identity(2), EXACT.zeros(1, 2))
    with pytest.raises(BadInput, match="0/0"):
        error.effective_rank(EXACT.zeros(1, 2))
    with pytest.raises(BadInput, match="trace that is not 0"):
        error.relative_error_squared(M([[1, 0], [0, -1]]), EXACT.zeros(2, 2), EXACT)
    with pytest.raises(BadInput, match="1 <= r <= n"):
        error.orthogonal_rows_error(2, 3, EXACT)
