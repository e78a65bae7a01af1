"""Enclosures: the truth lies inside, planted faults fall outside."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import BallArithmetic, inner, squared_norm
from lora_proofs.errors import BadInput, NotUnderstood, ToleranceNotMet
from lora_proofs.integrate import enclosure
from lora_proofs.integrate.enclosure import enclose_flow
from lora_proofs.integrate.majorant import lipschitz, majorants
from lora_proofs.integrate.tanh_model import TanhModel
from lora_proofs.integrate.tape import compile_words, fixed_nodes, run
from lora_proofs.mathematics import flows, losses
from lora_proofs.mathematics.words import Loss, Symbol
from lora_proofs.solving.flow_field import lora_field

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
DATA = VECTORS["flow_frob_t=1/2"]["input"]
BALL = BallArithmetic(60)
X = Symbol("X", 1, 1)


def lora(loss):
    return lora_field(loss, DATA["W0"], DATA["A0"], DATA["B0"])


def covers(balls, reference):
    with BALL.working():
        return all(x.overlaps(y) for x, y in zip(balls.flat, reference.flat, strict=True))


def fine(balls, size=1e-28):
    return all(x.rad() < size for x in balls.flat)


@pytest.mark.parametrize("hint", [True, False])
def test_the_trace_squared_closed_form_lies_inside(hint):
    field = lora(losses.trace_squared())
    end = enclose_flow(
        field.rates,
        field.values,
        1,
        growth=field.growth if hint else None,
        observables=field.observables,
    )
    exact = flows.trace_squared_closed_form(DATA["W0"], DATA["A0"], DATA["B0"], 1, BALL)
    assert end.rigorous and fine(end.A) and fine(end.B)
    assert covers(end.A, exact.A) and covers(end.B, exact.B) and covers(end.W, exact.W)
    later = 1 + Fraction(1, 2**80)
    wrong = flows.trace_squared_closed_form(DATA["W0"], DATA["A0"], DATA["B0"], later, BALL)
    assert not covers(end.A, wrong.A)


def test_the_frobenius_reference_lies_inside():
    end = lora(losses.frobenius(DATA["Y"])).enclosure("1/2")
    for balls, name in ((end.A, "A"), (end.B, "B")):
        with BALL.working():
            rows = VECTORS["flow_frob_t=1/2"][name]
            reference = np.array([[flint.arb(x) for x in row] for row in rows], dtype=object)
            assert fine(balls) and covers(balls, reference)


def test_log_cosh_encloses_the_taylor_series():
    field = lora_field(losses.log_cosh([["3/4", 1]]), [[-1, 0]], [["1/2", 1]], [["1/3"]])
    end, near = field.enclosure(1, digits=25), field.taylor(1, digits=40)
    assert end.rigorous and fine(end.A, 1e-24)
    with BALL.working():
        for ball, x in zip(end.A.flat, near.A.flat, strict=True):
            point = flint.arb(str(x))
            assert ball.overlaps(point) and not ball.overlaps(point + flint.arb(10) ** -22)


def test_conserved_quantity_and_energy_are_enclosed():
    end = lora(losses.frobenius(DATA["Y"])).enclosure(["1/4", "1/2"])
    with BALL.working():
        A0, B0 = BALL.matrix(DATA["A0"]), BALL.matrix(DATA["B0"])
        for state in end:
            drift = state.B.T @ state.B - state.A @ state.A.T - (B0.T @ B0 - A0 @ A0.T)
            assert all(x.contains(0) and x.rad() < 1e-26 for x in drift.flat)
        assert end[1].loss < end[0].loss


def test_cones_and_stationary_points_stay_where_they_are():
    field = lora_field(losses.trace_squared(), [[1, 0], [0, 1]], [[0, 0]], [[0], [0]])
    end = field.enclosure(1)
    assert end.error_bound == 0 and all(x == 0 for x in end.A.flat)
    saddle = lora_field(losses.frobenius([[1]]), [[0]], [["1/2"]], [["-1/2"]]).enclosure(2)
    with BALL.working():
        assert (saddle.A[0, 0] + saddle.B[0, 0]).contains(0)


def test_a_blow_up_is_passed_before_its_time_and_refused_after():
    """f = -w^2/2 from a = b = 1: a^2 = 1/(1 - 2t), beyond every bound before t = 1/2."""
    loss = losses.cubic([[0]], [[-1]], [[1]], [[0]])
    field = lora_field(loss, [[0]], [[1]], [[1]])
    assert field.growth is None
    end = field.enclosure("9/20", digits=20)
    with BALL.working():
        assert (end.A[0, 0] ** 2).contains(10) and end.A[0, 0] > 3
    with pytest.raises(ToleranceNotMet):
        field.enclosure("11/20", digits=8)


def test_rational_data_that_no_ball_holds_exactly():
    end = enclose_flow({X: -X}, {X: [["1/3"]]}, "1/7", digits=40)
    with flint.ctx.workprec(400):
        exact = (flint.arb(-1) / 7).exp() / 3
        assert end["X"][0, 0].contains(exact)


def exponential_is_covered():
    """X' = 20 X from 1/3, which no ball holds exactly, to t = 1."""
    end = enclose_flow({X: 20 * X}, {X: [["1/3"]]}, 1, digits=25)
    with flint.ctx.workprec(400):
        return end["X"][0, 0].contains(flint.arb(20).exp() / 3)


def test_without_faults_the_truth_is_held():
    assert exponential_is_covered()


def test_a_missing_defect_excludes_the_truth(monkeypatch):
    monkeypatch.setattr(enclosure, "order_for", lambda digits: 6)
    monkeypatch.setattr(enclosure, "step_size", lambda c, d: Fraction(1, 64))
    monkeypatch.setattr(enclosure, "_defect", lambda p, r: r * flint.arb_poly([0]))
    assert not exponential_is_covered()


def spread_start_is_covered():
    """X' = 20 X from 1 with radius 10^-10: the start 1 + 10^-10 must stay inside."""
    field, values = {X: 20 * X}, {X: [[1]]}
    tape = compile_words(field, values, field)
    with flint.ctx.workprec(200):
        spread = flint.arb(10) ** -10
        state = enclosure._State(Fraction(0), {X: flint.arb_mat([[1]])}, spread, 0)
        engine = enclosure._Enclosure.of(tape, tape, values, 25)
        while state.time < 1:
            state = engine._step(state, Fraction(1))
        off = abs((1 + spread) * flint.arb(20).exp() - state.middle[X][0, 0])
        return off <= state.radius * (1 + flint.arb(10) ** -12)


def test_a_spread_start_is_held():
    assert spread_start_is_covered()


def test_a_missing_growth_excludes_the_truth(monkeypatch):
    monkeypatch.setattr(enclosure, "lipschitz", lambda found, outputs: flint.arb(19))
    assert not spread_start_is_covered()


def test_a_wrong_sign_excludes_the_truth():
    field = lora(losses.frobenius(DATA["Y"]))
    right, left = field.rates
    rates = {right: field.rates[right], left: -field.rates[left]}
    end = enclose_flow(rates, field.values, "1/8", digits=20)
    truth = field.enclosure("1/8", digits=20)
    assert not covers(end["B"], truth.B)


def test_majorants_bound_random_values_and_slopes():
    loss = losses.frobenius(DATA["Y"])
    field = lora(loss)
    with BALL.working():
        arrays = {s: BALL.matrix(v) for s, v in field.values.items()}
        tape = compile_words(field.rates, arrays, field.rates)
        known = fixed_nodes(tape, arrays, BALL)
        radii = {s: flint.arb(2) for s in field.rates}
        found = majorants(tape, radii, known, arrays)
        constant = lipschitz(found, tuple(field.rates))
        rng = np.random.default_rng(5)
        for _ in range(5):
            points = []
            for _ in range(2):
                at = {s: rng.normal(size=(2, 3) if s.name == "A" else (3, 2)) for s in radii}
                at = {s: x / np.linalg.norm(x) * 2 * rng.uniform() for s, x in at.items()}
                points.append({s: BALL.matrix(x.tolist()) for s, x in at.items()})
            rates = [run(tape, {**arrays, **p}, BALL, known) for p in points]
            moved = sum(squared_norm(points[0][s] - points[1][s]) for s in radii)
            change = sum(squared_norm(rates[0][s] - rates[1][s]) for s in radii)
            assert change <= constant**2 * moved
            assert all(squared_norm(rates[0][s]) <= found[s].bound ** 2 for s in radii)


def test_growth_is_bounded_by_the_gradient_of_a_convex_loss():
    """The quadratic form of the Jacobian, by exact differences, against ||G||_F |x|^2."""
    for loss in (losses.frobenius(DATA["Y"]), losses.trace_squared(), losses.log_cosh(DATA["Y"])):
        with BALL.working():
            W0, A, B = (BALL.matrix(DATA[k]) for k in ("W0", "A0", "B0"))
            G = loss.gradient(flows.adapted(W0, A, B, BALL), BALL)
            dA, dB = BALL.matrix(DATA["B0"]).mT, BALL.matrix(DATA["A0"]).mT
            h = flint.arb(2) ** -60
            plus = flows.lora_vector_field(loss, W0, A + h * dA, B + h * dB, BALL)
            minus = flows.lora_vector_field(loss, W0, A - h * dA, B - h * dB, BALL)
            form = (inner(plus[0] - minus[0], dA) + inner(plus[1] - minus[1], dB)) / (2 * h)
            size = squared_norm(dA) + squared_norm(dB)
            assert form <= squared_norm(G).sqrt() * size + flint.arb(2) ** -40


def test_the_tanh_model_holds_its_path():
    length = flint.arb(flint.fmpq(1, 4))
    w = np.empty((1, 1), dtype=object)
    w[0, 0] = flint.arb_poly([1, 1, -2])
    with BALL.working():
        u = TanhModel(losses.log_cosh(), length, 20).gradient(w, BALL)[0, 0]
        for k in range(5):
            s = flint.arb(k) / 16
            assert u(s).contains((1 + s - 2 * s * s).tanh())
        assert u[0].rad() < 1e-2
        short = TanhModel(losses.log_cosh(), length / 8, 20).gradient(w, BALL)[0, 0]
        assert short[0].rad() < 1e-18


def test_bad_input_is_named():
    with pytest.raises(BadInput, match="digits"):
        enclose_flow({X: X}, {X: [[1]]}, 1, digits=-1)
    loss = Loss("mystery", 1, 1)
    with pytest.raises(NotUnderstood, match="mystery"):
        enclose_flow({X: loss.gradient(X)}, {X: [[1]], loss: losses.trace_squared()}, 1)


def test_a_residual_that_cancels_up_to_rounding_is_a_residual():
    """2/3 - 2/3 in balls is a ball around exactly 0, whose square is a number all the same."""
    field = lora_field(losses.log_cosh([["2/3", 0]]), [["2/3", 1]], [[0, 1]], [[0]])
    end = field.enclosure("1/8", digits=20)
    assert end.B[0, 0].is_finite() and end.B[0, 0] < 0
    assert abs(end.A[0, 0]) < 1e-15
