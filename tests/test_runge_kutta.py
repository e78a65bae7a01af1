"""The float64 integrator: order conditions, closed forms, SciPy, batches, honest errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lora_proofs.arithmetic import ArrayArithmetic
from lora_proofs.errors import BadInput, NotUnderstood, ShapeMismatch, ToleranceNotMet
from lora_proofs.integrate import runge_kutta
from lora_proofs.integrate.runge_kutta import runge_kutta_flow
from lora_proofs.integrate.tape import compile_words, run
from lora_proofs.mathematics import flows, losses
from lora_proofs.mathematics.dormand_prince import ERROR_3, ERROR_5, STAGES, WEIGHTS
from lora_proofs.mathematics.words import Inverse, Symbol
from lora_proofs.solving.flow_field import full_field, lora_field

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
DATA = VECTORS["flow_frob_t=1/2"]["input"]
ARRAY = ArrayArithmetic()
LOSSES = [losses.frobenius(DATA["Y"]), losses.trace_squared(), losses.log_cosh(DATA["Y"])]
X = Symbol("X", 1, 1)


def start(loss):
    return lora_field(loss, DATA["W0"], DATA["A0"], DATA["B0"])


def test_the_tableau_meets_its_order_conditions():
    nodes = np.array([0.0, *(sum(row) for row in STAGES)])
    b = np.array(WEIGHTS)
    for power in range(8):
        assert b @ nodes**power == pytest.approx(1 / (power + 1), abs=1e-14)
    stages = np.zeros((12, 12))
    for i, row in enumerate(STAGES):
        stages[i + 1, : i + 1] = row
    assert b @ stages @ nodes**6 == pytest.approx(1 / 56, abs=1e-14)
    assert (b * nodes) @ stages @ nodes**5 == pytest.approx(1 / 48, abs=1e-14)
    # The differences to the embedded rules vanish on low powers.
    for power in range(3):
        assert abs(np.array(ERROR_3) @ nodes**power) < 1e-13
    for power in range(5):
        assert abs(np.array(ERROR_5) @ nodes**power) < 1e-13


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_derived_words_are_the_hand_written_field(loss):
    rng = np.random.default_rng(3)
    field = start(loss)
    A, B = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 3, 2))
    values = {
        s: v if s.__class__.__name__ == "Loss" else ARRAY.matrix(v) for s, v in field.values.items()
    }
    right, left = field.rates
    values |= {right: A, left: B}
    tape = compile_words(field.rates, values, field.rates)
    rates = run(tape, values, ARRAY)
    W0 = ARRAY.matrix(DATA["W0"])
    expected = flows.lora_vector_field(loss, W0, A, B, ARRAY)
    np.testing.assert_allclose(rates[right], expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(rates[left], expected[1], rtol=1e-12, atol=1e-12)
    wrong = flows.lora_vector_field(loss, W0, -A, B, ARRAY)
    assert np.abs(rates[right] - wrong[0]).max() > 1e-3


def test_it_meets_the_reference_within_its_own_error():
    reference = VECTORS["flow_frob_t=1/2"]
    for tolerance in (1e-8, 1e-11, 1e-13):
        end = start(LOSSES[0]).float64("1/2", tolerance=tolerance)
        A = np.array([[float(x) for x in row] for row in reference["A"]])
        B = np.array([[float(x) for x in row] for row in reference["B"]])
        error = max(np.abs(end.A - A).max(), np.abs(end.B - B).max())
        assert error <= end.error_bound <= 1e5 * tolerance
        assert not end.rigorous


def test_the_closed_form_and_an_early_time_agree():
    end = start(losses.trace_squared()).float64([0, "1/4", 1])
    assert [float(x.t) for x in end] == [0, 0.25, 1]
    np.testing.assert_array_equal(end[0].A, ARRAY.matrix(DATA["A0"]))
    for state in end[1:]:
        exact = flows.trace_squared_closed_form(DATA["W0"], DATA["A0"], DATA["B0"], state.t, ARRAY)
        assert np.abs(state.A - exact.A).max() <= state.error_bound + 1e-14
        assert np.abs(state.W - exact.W).max() <= 1e-11


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_scipy_agrees(loss):
    W0 = ARRAY.matrix(DATA["W0"])

    def rate(_, y):
        dA, dB = flows.lora_vector_field(loss, W0, y[:6].reshape(2, 3), y[6:].reshape(3, 2), ARRAY)
        return np.concatenate([dA.ravel(), dB.ravel()])

    y0 = np.concatenate([ARRAY.matrix(DATA[k]).ravel() for k in ("A0", "B0")])
    reference = solve_ivp(rate, (0, 3), y0, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    end = start(loss).float64(3)
    np.testing.assert_allclose(end.A.ravel(), reference[:6], atol=1e-9)
    np.testing.assert_allclose(end.B.ravel(), reference[6:], atol=1e-9)


def test_each_instance_of_a_batch_goes_its_own_way():
    rng = np.random.default_rng(4)
    W0, Y = rng.normal(size=(6, 3, 3)), rng.normal(size=(6, 3, 3))
    Y[3] *= 20  # a stiffer instance among mild ones
    A0, B0 = rng.normal(size=(6, 2, 3)), np.zeros((6, 3, 2))
    together = lora_field(losses.frobenius(Y), W0, A0, B0).float64(1)
    assert together.error_bound.shape == together.loss.shape == (6,)
    for k in range(6):
        one = lora_field(losses.frobenius(Y[k]), W0[k], A0[k], B0[k]).float64(1)
        assert np.abs(together.A[k] - one.A).max() < 1e-9


def test_conserved_quantity_and_descent():
    end = start(losses.frobenius(DATA["Y"])).float64([0, 1, 5])
    first = end[0].B.T @ end[0].B - end[0].A @ end[0].A.T
    last = end[2].B.T @ end[2].B - end[2].A @ end[2].A.T
    np.testing.assert_allclose(first, last, atol=1e-11)
    assert end[0].loss > end[1].loss > end[2].loss


def test_rates_scale_and_full_parameter_flows():
    loss = losses.frobenius(DATA["Y"])
    plain = lora_field(loss, DATA["W0"], DATA["A0"], DATA["B0"]).float64(2)
    fast = lora_field(loss, DATA["W0"], DATA["A0"], DATA["B0"], eta_A=2, eta_B=2).float64(1)
    np.testing.assert_allclose(plain.A, fast.A, atol=1e-10)
    end = full_field(loss, DATA["W0"]).float64(1)
    exact = flows.frobenius_full(DATA["W0"], DATA["Y"], 1, ARRAY)
    np.testing.assert_allclose(end.W, exact, atol=1e-12)


def test_the_error_sees_data_that_no_float_holds():
    """x' = 40 x multiplies the rounding of 1/3 by e^40; 1/4 is exact."""
    rough = runge_kutta_flow({X: 40 * X}, {X: [["1/3"]]}, 1)
    fine = runge_kutta_flow({X: 40 * X}, {X: [["1/4"]]}, 1)
    assert rough.error_bound > np.exp(40) / 3 * 5e-17
    assert abs(rough["X"][0, 0] - np.exp(40) / 3) <= 2 * rough.error_bound
    assert fine.error_bound < 1e6


def test_a_saddle_is_kept_by_symmetry():
    field = lora_field(losses.frobenius([[1]]), [[0]], [["1/2"]], [["-1/2"]])
    end = field.float64(2)
    assert end.A[0, 0] == -end.B[0, 0]


def test_bad_input_is_named():
    with pytest.raises(ToleranceNotMet, match="blow up"):
        runge_kutta_flow({X: X @ X}, {X: [[1]]}, 2)
    with pytest.raises(BadInput, match="tolerance"):
        runge_kutta_flow({X: X}, {X: [[1]]}, 2, tolerance=0)
    with pytest.raises(BadInput, match="increasing"):
        runge_kutta_flow({X: X}, {X: [[1]]}, [2, 1])
    with pytest.raises(BadInput, match="no value for 'Y'"):
        runge_kutta_flow({X: Symbol("Y", 1, 1)}, {X: [[1]]}, 1)
    with pytest.raises(NotUnderstood, match="Inverse"):
        runge_kutta_flow({X: Inverse(X)}, {X: [[1]]}, 1)
    with pytest.raises(ShapeMismatch, match="expected shape"):
        runge_kutta_flow({X: X}, {X: [[1, 2]]}, 1)


def test_the_second_run_is_spared_where_its_estimate_is_not_asked_for(monkeypatch):
    X, runs, plain = Symbol("X", 1, 1), [], runge_kutta._states
    monkeypatch.setattr(runge_kutta, "_states", lambda *args: runs.append(args) or plain(*args))
    both = runge_kutta_flow({X: 3 * X}, {X: [["1/3"]]}, 1)
    once = runge_kutta_flow({X: 3 * X}, {X: [["1/3"]]}, 1, estimated=False)
    assert (len(runs), both.error_bound < 1e-10, once.error_bound) == (3, True, float("inf"))
    assert both["X"] == once["X"]
