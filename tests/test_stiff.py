"""Stiff flows: closed forms with entries near 1000, explicit steps, planted faults."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import BallArithmetic, MultiprecisionArithmetic
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.integrate import refine, stiff, taylor
from lora_proofs.integrate.block_solve import BlockFactors
from lora_proofs.integrate.hull import affine_hull
from lora_proofs.integrate.layout import Layout
from lora_proofs.integrate.linearise import Linearisation
from lora_proofs.integrate.radau import radau_rule
from lora_proofs.integrate.series import Series, ball_value
from lora_proofs.integrate.tape import compile_words
from lora_proofs.integrate.taylor import high_precision_flow, taylor_flow
from lora_proofs.mathematics import flows, losses
from lora_proofs.mathematics.words import Scalar, Symbol, Trace
from lora_proofs.solving.flow_field import lora_field

BALL = BallArithmetic(200)
MP = MultiprecisionArithmetic(120)
X = Symbol("X", 1, 1)
RNG = np.random.default_rng(7)


def whole(*shape, size=1000):
    return RNG.integers(-size, size + 1, shape).tolist()


def zeros(rows, columns):
    return [[0] * columns for _ in range(rows)]


def digits_right(matrix, reference):
    """The least number of right digits; an entry below 10^-40 counts as 10^-40."""
    found = []
    for x, y in zip(matrix.flat, reference.flat, strict=True):
        exact = MP.number(y)
        size = max(abs(exact), MP.mp.mpf(10) ** -40)
        found.append(float(-MP.mp.log10(abs(MP.mp.mpf(x) - exact) / size + MP.mp.mpf(10) ** -99)))
    return min(found)


def test_the_scalar_closed_form_is_met_to_forty_digits():
    W0, Y, A0, B0 = [[-391]], [[777]], [[640], [-983]], [[-258, 915]]
    end = lora_field(losses.frobenius(Y), W0, A0, B0).taylor(1, digits=40)
    exact = flows.frobenius_scalar_closed_form(W0, Y, A0, B0, 1, BALL)
    assert end.method == "radau collocation" and not end.rigorous
    assert min(digits_right(end.A, exact.A), digits_right(end.B, exact.B)) >= 40
    assert digits_right(end.W, exact.W) >= 40


def test_the_trace_squared_closed_form_is_met_at_several_times():
    W0, A0, B0 = whole(3, 3), whole(1, 3), whole(3, 1)
    ends = lora_field(losses.trace_squared(), W0, A0, B0).taylor(["1/10000", 1], digits=20)
    for end in ends:
        exact = flows.trace_squared_closed_form(W0, A0, B0, end.t, BALL)
        assert min(digits_right(end.A, exact.A), digits_right(end.B, exact.B)) >= 20


def riccati(E, A0, c, t):
    """BA where B0 = 0 and A0 A0' = -c I: Q' = F Q + Q F - Q^2 for Q = Z Z', solved in balls."""
    n, m = len(E), len(E[0])
    with flint.ctx.workprec(2000):
        F = flint.arb_mat(n + m, n + m)
        for i in range(n + m):
            F[i, i] = flint.arb(c if i < n else -c) / 2
        for i in range(n):
            for j in range(m):
                F[i, n + j] = F[n + j, i] = flint.arb(E[i][j])
        Z = flint.arb_mat([[0] * len(A0)] * n + [list(x) for x in zip(*A0, strict=True)])
        one = flint.arb_mat(n + m, n + m, [int(i == j) for i in range(n + m) for j in range(n + m)])
        G = (F * flint.arb(t)).exp()
        K = F.solve(G * G - one) / 2
        small = flint.arb_mat(len(A0), len(A0), [int(i % (len(A0) + 1) == 0) for i in range(4)])
        Q = G * Z * (small + Z.transpose() * K * Z).solve(Z.transpose() * G)
        return np.array([[Q[i, n + j] for j in range(m)] for i in range(n)], dtype=object)


def test_the_riccati_solution_is_met_from_zero_times_orthogonal_rows():
    E, A0 = whole(2, 3), [[600, 0, 800], [-800, 0, 600]]
    end = lora_field(losses.frobenius(E), zeros(2, 3), A0, zeros(2, 2)).taylor(1, digits=20)
    assert digits_right(end.W, riccati(E, A0, -(10**6), 1)) >= 20
    D = end.B.T @ end.B - end.A @ end.A.T
    assert abs(D[0, 0] + 10**6) < 1e-13 and abs(D[0, 1]) < 1e-13


def test_other_stages_agree(monkeypatch):
    field = lora_field(losses.frobenius(whole(2, 2)), whole(2, 2), whole(1, 2), whole(2, 1))
    end = field.taylor(1, digits=16)
    monkeypatch.setattr(stiff, "stages_for", lambda digits: digits // 2 + 6)
    other = field.taylor(1, digits=12)
    assert digits_right(other.A, end.A) >= 12 and digits_right(other.B, end.B) >= 12
    assert other.steps > end.steps


def test_explicit_steps_agree_where_they_can(monkeypatch):
    data = whole(2, 3, size=9), whole(2, 3, size=9), whole(1, 3, size=5), whole(2, 1, size=5)
    field = lora_field(losses.frobenius(data[0]), *data[1:])
    explicit = taylor_flow(field.rates, field.values, "1/10", digits=20)
    monkeypatch.setattr(taylor, "MANY", 0)
    implicit = field.taylor("1/10", digits=20)
    assert (explicit.method, implicit.method) == ("taylor", "radau collocation")
    assert digits_right(implicit.A, explicit["A"]) >= 20


def test_small_entries_have_all_their_digits():
    end = high_precision_flow({X: -(10**4 * X)}, {X: [[1000]]}, "1/200", digits=20)
    assert digits_right(end["X"], np.array([[1000 * MP.mp.exp(-50)]], dtype=object)) >= 20
    gone = high_precision_flow({X: -(10**4 * X)}, {X: [[1000]]}, 1, digits=20)
    assert abs(gone["X"][0, 0]) < 1e-20


def test_a_saddle_is_kept_that_rounding_would_leave():
    """The growth away from it is e^1000: a^2 = b^2 for ever, and proportional rows stay so."""
    saddle = lora_field(losses.frobenius([[1000]]), [[0]], [[7]], [[-7]]).taylor(1, digits=20)
    assert saddle.A[0, 0] == -saddle.B[0, 0] and abs(saddle.A[0, 0]) < 1e-20
    A0 = [[300, 400, -1], [600, 800, -2]]
    end = lora_field(losses.frobenius(whole(2, 3)), zeros(2, 3), A0, zeros(2, 2)).taylor(
        1, digits=20
    )
    assert all(2 * x == y for x, y in zip(end.A[0], end.A[1], strict=True))


def test_entries_that_stay_zero_are_zero():
    E = [[900, 0, 0], [0, 500, 0], [0, 0, 100]]
    field = lora_field(losses.frobenius(E), zeros(3, 3), [[0, 800, 0]], zeros(3, 1))
    end = field.taylor(1, digits=20)
    assert all(x == 0 for x in (end.A[0, 0], end.A[0, 2], end.B[0, 0], end.B[2, 0]))
    assert abs(end.W[1, 1] - 500) < 1e-18


def test_relations_are_found_exactly():
    rates = lora_field(losses.trace_squared(), [[3, 1], [1, 2]], [["1/3", 2]], [["1/3"], [2]])
    hull = affine_hull(compile_words(rates.rates, rates.values, rates.rates), rates.values)
    assert hull.layout.size == 4 and len(hull.free) == 1
    assert {x for _, _, terms in hull.relations for _, x in terms} == {6, 1}
    free = lora_field(losses.frobenius(whole(2, 2)), whole(2, 2), whole(1, 2), whole(2, 1))
    tape = compile_words(free.rates, free.values, free.rates)
    assert affine_hull(tape, free.values).relations == ()


def test_a_blow_up_is_refused():
    with pytest.raises(ToleranceNotMet, match="blows up"):
        high_precision_flow({X: X @ X}, {X: [[1000]]}, 1, digits=8)


def test_a_loss_that_is_no_polynomial_takes_implicit_steps(monkeypatch):
    monkeypatch.setattr(taylor, "MANY", 0)
    field = lora_field(losses.log_cosh([[3]]), [[-1]], [[10]], [[5]])
    end, slow = field.taylor("1/10", digits=12), field.float64("1/10")
    assert end.method == "radau collocation"
    assert float(end.A[0, 0]) == pytest.approx(float(slow.A[0, 0]), rel=1e-10)


def test_large_systems_stay_explicit(monkeypatch):
    monkeypatch.setattr(taylor, "MAX_UNKNOWNS", 10)
    end = high_precision_flow({X: -(300 * X)}, {X: [[1]]}, 1, digits=15)
    assert end.method == "taylor"


def test_progress_is_told():
    seen = []
    high_precision_flow({X: -X}, {X: [[1]]}, 2, digits=12, progress=seen.append)
    assert all(isinstance(x, Fraction) for x in seen) and seen.count(2) == 1
    assert seen == sorted(seen)


@pytest.mark.parametrize("fault", ["long steps", "no refinement"])
def test_planted_faults_are_caught(monkeypatch, fault):
    """Steps whose series has not decayed, or stage values that were never corrected."""
    if fault == "long steps":
        monkeypatch.setattr(stiff.Step, "tail", lambda self: -1000.0)
        monkeypatch.setattr(stiff, "stages_for", lambda digits: 4)
    else:
        monkeypatch.setattr(BlockFactors, "solve", lambda self, right: right * 0)
    monkeypatch.setattr(refine, "MAX_ATTEMPTS", 1)
    field = lora_field(losses.frobenius([[500]]), [[0]], [[900]], [[40]])
    with pytest.raises(ToleranceNotMet):
        field.taylor(1, digits=20)


def test_precision_is_left_as_it_was():
    before = flint.ctx.prec
    high_precision_flow({X: -(10**4 * X)}, {X: [[1]]}, 1, digits=12)
    assert flint.ctx.prec == before


@pytest.mark.parametrize("stages", [1, 2, 7, 30])
def test_the_rule_integrates_polynomials(stages):
    rule = radau_rule(stages, 200)
    with flint.ctx.workprec(200):
        for k in range(stages):
            rates = flint.arb_mat([[(1 + x) ** k] for x in rule.nodes])
            exact = [(1 + x) ** (k + 1) / (2 * k + 2) for x in rule.nodes]
            found = (rule.integral * rates).entries()
            assert all(abs(x - y) < 1e-45 for x, y in zip(found, exact, strict=True))
        line = flint.arb_mat([[-1], *([x] for x in rule.nodes)])
        coefficients = (rule.series * line).entries()
        assert abs(coefficients[1] - 1) < 1e-45
    assert rule.nodes[-1] == 1


def test_jacobians_are_those_of_exact_differences():
    s = Scalar("s")
    words = {X: Trace(X) * X + s * (X.T @ X) - X @ X @ X}
    loss = losses.log_cosh([[1, 2]])
    for rates, values in (
        (words, {X: [[3]], s: 5}),
        (lambda f: (f.rates, f.values))(lora_field(loss, [[0, 1]], [[1, -1]], [[2]])),
    ):
        tape = compile_words(rates, values, rates)
        with flint.ctx.workprec(300):
            balls = {k: v if hasattr(v, "gradient") else ball_value(v) for k, v in values.items()}
            layout = Layout.of(tape.outputs, balls)
            row = layout.row(balls)
            floats = {
                k: stiff._single(v) if k not in rates and not hasattr(v, "gradient") else v
                for k, v in balls.items()
            }
            y = np.array([[float(x) for x in row]])
            found = Linearisation(tape, layout, floats).jacobians(y)[0]
            h = flint.arb(2) ** -80
            for j in range(layout.size):
                sides = []
                for sign in (1, -1):
                    moved = [x + sign * h * (i == j) for i, x in enumerate(row)]
                    flow = Series(tape, balls).flow(layout.state(moved), 1)
                    sides.append(layout.row({k: c[1] for k, c in flow.items()}))
                slope = [float((a - b) / (2 * h)) for a, b in zip(*sides, strict=True)]
                np.testing.assert_allclose(found[:, j], slope, atol=1e-12)


def test_block_factors_solve_and_keep_zeros():
    rng = np.random.default_rng(3)
    matrix = np.zeros((300, 300))
    matrix[::2, ::2] = rng.normal(size=(150, 150)) + 30 * np.eye(150)
    matrix[1::2, 1::2] = 10 * np.eye(150)
    right = rng.normal(size=300)
    right[1::2] = 0
    x = BlockFactors(matrix.copy()).solve(right)
    np.testing.assert_allclose(matrix @ x, right, atol=1e-12)
    assert not x[1::2].any()


def test_exact_zeros_of_a_stationary_start():
    end = lora_field(losses.frobenius(whole(2, 2)), whole(2, 2), [[0, 0]], [[0], [0]]).taylor(1)
    assert end.error_bound == 0 and all(x == 0 for x in end.A.flat)
