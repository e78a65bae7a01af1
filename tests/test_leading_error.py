"""The leading error of gradient descent: reference values, convergence, refusals."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from lora_proofs.arithmetic import MultiprecisionArithmetic
from lora_proofs.errors import BadInput, NotUnderstood
from lora_proofs.mathematics.flows import iterate
from lora_proofs.mathematics.leading_error import MODES
from lora_proofs.mathematics.losses import cubic, frobenius, log_cosh, trace_squared
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.solving.leading_error import leading_error_field

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
SHORT = {"simultaneous": "sim", "A-first": "AB", "B-first": "BA"}
W0, A0, B0 = [["1/2", "1/4"], [0, 1]], [[1, "1/2"]], [["1/2"], ["-1/4"]]


@pytest.mark.parametrize("mode", MODES)
def test_reference_values_of_the_scalar_problem(mode):
    vector = VECTORS["gd_leading_error_scalar"]
    target, a0, b0 = [[2]], [[vector["a0"]]], [[vector["b0"]]]
    end = leading_error_field(frobenius(target), [[0]], a0, b0, mode).taylor(
        Fraction(vector["T"]), digits=35
    )
    number = MultiprecisionArithmetic(40).number
    for name, wanted in zip(("e_A", "e_B"), vector[f"err_over_h_{SHORT[mode]}"], strict=True):
        assert abs(end[name][0, 0] - number(wanted)) < number("1e-32")
    assert abs(end.A[0, 0] - number(vector["a"])) < number("1e-31")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "loss",
    [
        frobenius([[2, 0], [1, -1]]),
        trace_squared(),
        cubic([[1, 0], [0, 1]], [[1, 2], [0, 1]], [[1, 0], [1, 1]], [[0, 1], ["1/2", 0]]),
    ],
    ids=lambda loss: loss.name,
)
def test_what_is_left_is_of_second_order(loss, mode):
    ctx, T = MultiprecisionArithmetic(30), Fraction(1, 8)
    end = leading_error_field(loss, W0, A0, B0, mode).taylor(T, digits=25)
    rest = []
    for steps in (64, 128):
        h = T / steps
        start = (ctx.matrix(X) for X in (W0, A0, B0))
        *_, (A, B) = iterate(mode, steps, loss, *start, h, ctx)
        left = [A - end.A - ctx.number(h) * end["e_A"], B - end.B - ctx.number(h) * end["e_B"]]
        rest.append(max(abs(x) for X in left for x in X.flat))
    assert 3.9 < rest[0] / rest[1] < 4.1


def test_the_flow_inside_is_the_flow():
    loss = frobenius([[2, 0], [1, -1]])
    with_error = leading_error_field(loss, W0, A0, B0, "B-first").taylor("1/2", digits=20)
    alone = lora_field(loss, W0, A0, B0).taylor("1/2", digits=20)
    assert (abs(with_error.A - alone.A) < 1e-19).all()


def test_another_mode_is_refused():
    with pytest.raises(BadInput, match="expected one of simultaneous, A-first, B-first"):
        leading_error_field(trace_squared(), W0, A0, B0, "sim")


def test_a_loss_that_is_no_polynomial_is_refused():
    field = leading_error_field(log_cosh(), W0, A0, B0, "A-first")
    with pytest.raises(NotUnderstood, match="reads gradients"):
        field.taylor("1/2")
