"""The Taylor integrator: reference values to forty digits, mpmath, exactness of time and data."""

from __future__ import annotations

import json
from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest

from lora_proofs.arithmetic import BallArithmetic, MultiprecisionArithmetic
from lora_proofs.errors import BadInput, NotUnderstood, ToleranceNotMet
from lora_proofs.integrate import refine, taylor
from lora_proofs.integrate.taylor import taylor_flow
from lora_proofs.mathematics import flows, losses
from lora_proofs.mathematics.words import Identity, Loss, Symbol, Trace
from lora_proofs.solving.flow_field import full_field, lora_field

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
DATA = VECTORS["flow_frob_t=1/2"]["input"]
X = Symbol("X", 1, 1)
MP = MultiprecisionArithmetic(60)


def lora(loss, **rates):
    return lora_field(loss, DATA["W0"], DATA["A0"], DATA["B0"], **rates)


def meets(matrix, rows, digits=39):
    reference = np.array([[MP.mp.mpf(x) for x in row] for row in rows], dtype=object)
    return all(abs(x) <= MP.mp.mpf(10) ** -digits for x in (matrix - reference).flat)


def test_frobenius_flow_meets_the_reference_to_forty_digits():
    reference = VECTORS["flow_frob_t=1/2"]
    end = lora(losses.frobenius(DATA["Y"])).taylor("1/2")
    assert meets(end.A, reference["A"]) and meets(end.B, reference["B"])
    assert meets(end.B.T @ end.B - end.A @ end.A.T, reference["D"])
    assert end.error_bound < MP.mp.mpf(10) ** -50 and not end.rigorous


@pytest.mark.parametrize("digits", [20, 50, 80])
def test_the_trace_squared_closed_form_is_met_to_every_digit(digits):
    end = lora(losses.trace_squared()).taylor("1/4", digits=digits)
    ball = BallArithmetic(digits + 30)
    exact = flows.trace_squared_closed_form(DATA["W0"], DATA["A0"], DATA["B0"], "1/4", ball)
    more = MultiprecisionArithmetic(digits + 20)
    for mine, theirs in ((end.A, exact.A), (end.B, exact.B)):
        for x, y in zip(mine.flat, theirs.flat, strict=True):
            reference = more.number(y)
            allowed = max(abs(reference), more.mp.mpf(1)) * more.mp.mpf(10) ** (1 - digits)
            assert abs(more.mp.mpf(x) - reference) < allowed


def test_a_riccati_reference_and_zero_start():
    case = VECTORS["riccati_B0zero"]
    zero = [[0] * len(case["A0"])] * len(case["E"])
    W0 = [[0] * len(case["A0"][0])] * len(case["E"])
    end = lora_field(losses.frobenius(case["E"]), W0, case["A0"], zero).taylor(1)
    assert meets(end.W, case["BA"])


def test_log_cosh_agrees_with_mpmath():
    mp = mpmath.MPContext()
    mp.dps = 25
    Y, W0 = mp.mpf(3) / 4, mp.mpf(-1)

    def rate(_, y):
        g = mp.tanh(W0 + y[0] * y[1] - Y)
        return [-y[1] * g, -y[0] * g]

    reference = mp.odefun(rate, 0, [mp.mpf(1) / 2, mp.mpf(1) / 3])(mp.mpf(3) / 2)
    field = lora_field(losses.log_cosh([["3/4"]]), [[-1]], [["1/2"]], [["1/3"]])
    end = field.taylor("3/2", digits=25)
    assert abs(end.A[0, 0] - reference[0]) < mp.mpf(10) ** -20
    assert abs(end.B[0, 0] - reference[1]) < mp.mpf(10) ** -20


def test_a_cubic_loss_needs_no_new_code():
    C, P, Q, R = ([[1, -1]], [[1]], [[0, 1], [1, 2]], [["1/2", "1/3"]])
    loss = losses.cubic(C, P, Q, R)
    field = lora_field(loss, [[1, 0]], [[1, "1/2"]], [["1/4"]])
    end, near = field.taylor("1/2", digits=30), field.float64("1/2")
    np.testing.assert_allclose(end.A.astype(float), near.A, atol=1e-11)
    assert float(end.loss) == pytest.approx(float(near.loss), abs=1e-11)


def test_exponential_and_scalars_of_traces():
    A = Symbol("A", "n", "n")
    end = taylor_flow({A: Trace(A) * Identity("n")}, {A: [[1, 2], [0, 0]]}, 1, digits=40)
    assert abs(end["A"][0, 0] - (MP.mp.e**2 + 1) / 2) < MP.mp.mpf(10) ** -39
    assert end["A"][0, 1] == 2


def test_several_times_come_from_one_run():
    field = full_field(losses.frobenius(DATA["Y"]), DATA["W0"])
    ends = field.taylor([0, "1/3", 2], digits=30)
    ball = BallArithmetic(60)
    for end in ends:
        exact = flows.frobenius_full(DATA["W0"], DATA["Y"], end.t, ball)
        gap = max(abs(x - MP.number(y)) for x, y in zip(end.W.flat, exact.flat, strict=True))
        assert gap < MP.mp.mpf(10) ** -29


def test_small_entries_have_all_their_digits():
    end = taylor_flow({X: -40 * X}, {X: [[1]]}, 1, digits=25)
    relative = abs(end["X"][0, 0] / MP.mp.exp(-40) - 1)
    assert relative < MP.mp.mpf(10) ** -24


def test_a_truncated_series_is_caught(monkeypatch):
    """A planted fault: on too long steps two runs disagree, and digits are refused."""
    monkeypatch.setattr(taylor, "is_polynomial", lambda tape: False)  # limbs have no second run
    honest = taylor.step_size
    monkeypatch.setattr(taylor, "step_size", lambda c, d: honest(c, d) * 3)
    monkeypatch.setattr(refine, "MAX_ATTEMPTS", 1)
    with pytest.raises(ToleranceNotMet, match="digits"):
        lora(losses.frobenius(DATA["Y"])).taylor("1/2", digits=30)


def test_precision_is_left_as_it_was():
    before = flint.ctx.prec, flint.ctx.cap, mpmath.mp.dps
    lora(losses.trace_squared()).taylor("1/8", digits=30)
    assert (flint.ctx.prec, flint.ctx.cap, mpmath.mp.dps) == before


def test_bad_input_is_named():
    with pytest.raises(ToleranceNotMet, match="blows up"):
        taylor_flow({X: X @ X}, {X: [[1]]}, 2, digits=15)
    with pytest.raises(BadInput, match="digits"):
        taylor_flow({X: X}, {X: [[1]]}, 1, digits=0)
    loss = Loss("mystery", 1, 1)
    with pytest.raises(NotUnderstood, match="mystery"):
        taylor_flow({X: loss.gradient(X)}, {X: [[1]], loss: losses.trace_squared()}, 1)
