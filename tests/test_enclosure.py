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
from lora_proofs.integrate import enclosure, enclosure_step, logarithmic_norm
from lora_proofs.integrate.enclosure import enclose_flow
from lora_proofs.integrate.series import Series
from lora_proofs.mathematics import flows, losses
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.literature import LOGARITHMIC_NORM, leanings
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


@pytest.mark.parametrize("bound", ["free", "sharp", "auto"])
def test_the_trace_squared_closed_form_lies_inside(bound):
    end = lora(losses.trace_squared()).enclosure(1, bound=bound)
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


def short_steps(monkeypatch):
    """Order 6 and steps of 1/64: here the bound on the defect is met up to e^(20/64)."""
    monkeypatch.setattr(enclosure, "enclosure_order", lambda digits: 6)
    monkeypatch.setattr(enclosure, "longest_step", lambda *given: Fraction(1, 64))
    monkeypatch.setattr(enclosure, "_missing", lambda state, digits: 0.0)


def test_without_faults_the_truth_is_held(monkeypatch):
    assert exponential_is_covered()
    short_steps(monkeypatch)
    assert exponential_is_covered()


@pytest.mark.parametrize("kept", [0, Fraction(1, 2)])
def test_a_smaller_defect_excludes_the_truth(monkeypatch, kept):
    bound = enclosure_step._defect
    part = flint.arb(flint.fmpq(Fraction(kept).numerator, Fraction(kept).denominator))
    short_steps(monkeypatch)
    monkeypatch.setattr(enclosure_step, "_defect", lambda *given: bound(*given) * part)
    assert not exponential_is_covered()


def test_a_dropped_remainder_excludes_the_truth(monkeypatch):
    bound = enclosure_step._defect
    short_steps(monkeypatch)

    def without_tail(found, gaps, scales, order):
        return flint.arb_poly(bound(found, gaps, scales, order).coeffs()[:order])

    monkeypatch.setattr(enclosure_step, "_defect", without_tail)
    assert not exponential_is_covered()


def line_is_covered(slope, start):
    """X' = slope from the start: without a remainder, so that rounding alone is left."""
    C = Symbol("C", 1, 1)
    end = enclose_flow({X: C}, {X: [[start]], C: [[slope]]}, 1, digits=25)
    with flint.ctx.workprec(600):
        total = Fraction(slope) + Fraction(start)
        return end["X"][0, 0].contains(flint.arb(flint.fmpq(total.numerator, total.denominator)))


def test_a_rounded_slope_excludes_the_truth(monkeypatch):
    slope = 1 + Fraction(1, 3 * 2**20)  # minus 1 it is small, and evaluated without rounding
    assert line_is_covered(slope, -1)
    exact = Series.centred_flow

    def nearest(self, start, order):
        y, gaps = exact(self, start, order)
        return y, {symbol: [gap * 0 for gap in some] for symbol, some in gaps.items()}

    monkeypatch.setattr(Series, "centred_flow", nearest)
    assert not line_is_covered(slope, -1)


def test_a_start_rounded_to_nearest_excludes_the_truth(monkeypatch):
    assert line_is_covered("1", "1/3")
    monkeypatch.setattr(enclosure, "frobenius", lambda off: flint.arb(0))
    assert not line_is_covered("1", "1/3")


def spread_start_is_held(field, start, spread, end, truth):
    """A flow from the start with a radius: where start + spread ends must stay inside."""
    with flint.ctx.workprec(200):
        spread = flint.arb(spread)
        problem = enclosure._Problem(field, {X: [[start]]}, None, {X: Fraction(1)}, {})
        engine = problem.engine(25, "sharp")
        middle = {X: flint.arb_mat([[start]])}
        growth = engine.stepper.growth_at(middle)
        state = enclosure._State(Fraction(0), middle, abs(spread), 0, growth, Fraction(1, 16))
        while state.time < end:
            state = engine._step(state, Fraction(end))
        off = abs(
            truth(start + spread, enclosure_step.as_ball(Fraction(end))) - state.middle[X][0, 0]
        )
        return off <= state.radius * (1 + flint.arb(10) ** -12)


SPREADS = {
    "e^20t": ({X: 20 * X}, 1, "1e-10", 1, lambda x, t: x * (20 * t).exp()),
    "a concave rate": ({X: -(X @ X)}, 1, "-1e-12", 3, lambda x, t: x / (1 + t * x)),
    "a wide tube": ({X: X @ X}, 1, "1e-1", Fraction(1, 4), lambda x, t: x / (1 - x / 4)),
}


@pytest.mark.parametrize("name", SPREADS)
def test_a_spread_start_is_held(name):
    assert spread_start_is_held(*SPREADS[name])


def test_half_the_growth_excludes_the_truth(monkeypatch):
    full = logarithmic_norm.largest_eigenvalue
    monkeypatch.setattr(logarithmic_norm, "largest_eigenvalue", lambda S: full(S) / 2)
    assert not spread_start_is_held(*SPREADS["e^20t"])


def test_a_chord_without_its_bend_excludes_the_truth(monkeypatch):
    monkeypatch.setattr(logarithmic_norm.Rates, "_bent", lambda self, h: flint.arb(0))
    assert not spread_start_is_held(*SPREADS["a concave rate"])


def test_a_tube_without_width_excludes_the_truth(monkeypatch):
    monkeypatch.setattr(enclosure_step.Stepper, "_lipschitz", lambda *given: flint.arb(0))
    assert not spread_start_is_held(*SPREADS["a wide tube"])


E0 = [[2, "1/3", 0], [1, -1, "1/2"], [0, "1/5", 1]]
ROWS = [["1/2", 0, 0], [0, "-1/2", 0]]
ZERO = [[0] * 3] * 3


def enclosed_riccati(**options):
    field = lora_field(losses.frobenius(E0), ZERO, ROWS, [[0, 0]] * 3)
    return field.enclosure("5/2", digits=25, **options)


@pytest.mark.parametrize("bound", ["free", "sharp"])
def test_the_riccati_closed_form_at_200_digits_lies_inside(bound):
    fine_ball, end = BallArithmetic(200), enclosed_riccati(bound=bound)
    exact = frobenius_riccati_closed_form(ZERO, E0, ROWS, [[0, 0]] * 3, "5/2", fine_ball)
    with fine_ball.working():
        W, Y = exact.BA, fine_ball.matrix(E0)
        assert all(x.contains(y) for x, y in zip(end.W.flat, W.flat, strict=True))
        assert end.loss.contains(squared_norm(W - Y) / 2) and end.loss.rad() < 1e-25


def test_a_change_of_the_target_by_2_to_the_minus_60_is_told_apart():
    moved = [[2 + Fraction(1, 2**60), *E0[0][1:]], *E0[1:]]
    other = frobenius_riccati_closed_form(ZERO, moved, ROWS, [[0, 0]] * 3, "5/2", BALL)
    assert not covers(enclosed_riccati().W, other.BA)


def test_errors_shrink_where_the_logarithmic_norm_is_negative():
    """x' = -x: with the sharp bound old errors decay, and a long time costs no digits."""
    end = enclose_flow({X: -X}, {X: [[1]]}, 60, digits=12)
    assert end.error_bound < 1e-12
    with flint.ctx.workprec(200):
        assert end["X"][0, 0].contains(flint.arb(-60).exp())


@pytest.mark.parametrize("bound", ["free", "sharp"])
def test_scale_and_rates_have_the_weighted_norm(bound):
    """The flow with rate 4 on both factors is the one with rate 1 at 4 t; scale 2 has its own."""
    data = (losses.frobenius(DATA["Y"]), DATA["W0"], DATA["A0"], DATA["B0"])
    fast = lora_field(*data, eta_A=4, eta_B=4).enclosure("1/8", digits=20, bound=bound)
    plain = lora_field(*data).enclosure("1/2", digits=25)
    assert all(x.overlaps(y) for x, y in zip(fast.A.flat, plain.A.flat, strict=True))
    assert fast.error_bound < 1e-19
    uneven = lora_field(*data, scale=2, eta_A="1/9", eta_B=3)
    end, near = uneven.enclosure("1/2", digits=20, bound=bound), uneven.taylor("1/2", digits=30)
    with flint.ctx.workprec(200):
        for name in ("A", "B"):
            for x, y in zip(end[name].flat, near[name].flat, strict=True):
                assert x.overlaps(flint.arb(str(y)) + flint.arb(0, 1e-25))


def test_the_theorem_that_is_used_is_named():
    with leanings() as heard:
        enclose_flow({X: X}, {X: [[1]]}, "1/8", digits=5)
    assert list(heard) == [LOGARITHMIC_NORM.name]


def test_a_wrong_sign_excludes_the_truth():
    field = lora(losses.frobenius(DATA["Y"]))
    right, left = field.rates
    rates = {right: field.rates[right], left: -field.rates[left]}
    end = enclose_flow(rates, field.values, "1/8", digits=20)
    truth = field.enclosure("1/8", digits=20)
    assert not covers(end["B"], truth.B)


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


def test_bad_input_is_named():
    with pytest.raises(BadInput, match="digits"):
        enclose_flow({X: X}, {X: [[1]]}, 1, digits=-1)
    with pytest.raises(BadInput, match="growth"):
        enclose_flow({X: X}, {X: [[1]]}, 1, bound="free")
    loss = Loss("mystery", 1, 1)
    with pytest.raises(NotUnderstood, match="mystery"):
        enclose_flow({X: loss.gradient(X)}, {X: [[1]], loss: losses.trace_squared()}, 1)


def test_a_residual_that_cancels_up_to_rounding_is_a_residual():
    """2/3 - 2/3 in balls is a ball around exactly 0, whose square is a number all the same."""
    field = lora_field(losses.log_cosh([["2/3", 0]]), [["2/3", 1]], [[0, 1]], [[0]])
    end = field.enclosure("1/8", digits=20)
    assert end.B[0, 0].is_finite() and end.B[0, 0] < 0
    assert abs(end.A[0, 0]) < 1e-15
