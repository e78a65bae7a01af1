"""The bounds that enclosures rest on: norms, derivatives, majorants, rates of growth, forecasts."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.integrate.adjoint import jacobian, mean_value, pull_back
from lora_proofs.integrate.enclosure_step import Stepper
from lora_proofs.integrate.forecast import forecast
from lora_proofs.integrate.layout import Layout
from lora_proofs.integrate.linearise import Linearisation
from lora_proofs.integrate.logarithmic_norm import GROWTH, Free, Rates, Sharp
from lora_proofs.integrate.majorant import Majorant, constants, majorants, tanh_on_a_ball
from lora_proofs.integrate.norms import frobenius, largest_eigenvalue, operator_norm
from lora_proofs.integrate.series import Series, ball_value, entries, evaluate_series
from lora_proofs.integrate.steps import longest_step
from lora_proofs.integrate.tanh_model import TanhPath
from lora_proofs.integrate.tape import compile_words
from lora_proofs.mathematics import losses
from lora_proofs.mathematics.words import Loss, Symbol, Trace
from lora_proofs.solving.flow_field import lora_field

BALL = BallArithmetic(40)
Y = [["1/2", -1, 0], [2, "1/3", 1]]
W0 = [[0, 1, 0], ["1/4", 0, -1]]
A0, B0 = [[1, "-1/2", 0], [0, "1/3", 1]], [["1/2", 0], [1, -1]]
LOSSES = {
    "frobenius": losses.frobenius(Y),
    "log-cosh": losses.log_cosh(Y),
    "cubic": losses.cubic(Y, [[1, 0], [1, 2]], np.eye(3, dtype=int).tolist(), W0),
}


def field_of(name):
    return lora_field(LOSSES[name], W0, A0, B0, scale=2)


def compiled(field, **more):
    values = {k: v if isinstance(k, Loss) else ball_value(v) for k, v in field.values.items()}
    tape = compile_words({**field.rates, **more}, field.values, field.rates)
    return tape, values, Series(tape, values)


def random_matrix(rng, rows, columns):
    return flint.arb_mat(rows, columns, rng.normal(size=rows * columns).tolist())


@pytest.mark.parametrize("n", [1, 2, 5])
def test_eigenvalues_and_norms_are_bounded_from_above_and_nearly_met(n):
    rng = np.random.default_rng(n)
    for scale in (1, Fraction(2) ** -300, Fraction(2) ** 300):
        X = rng.normal(size=(n, n + 1))
        balls = flint.arb_mat(n, n + 1, X.ravel().tolist()) * BALL.number(scale)
        S = (X @ X.T - 3 * np.eye(n)).ravel().tolist()
        square = flint.arb_mat(n, n, S) * BALL.number(scale)
        true = np.linalg.norm(X, 2), np.linalg.eigvalsh(np.array(S).reshape(n, n))[-1]
        for bound, value in zip(
            (operator_norm(balls), largest_eigenvalue(square)), true, strict=True
        ):
            assert float(bound / BALL.number(scale)) == pytest.approx(value, abs=1e-9)
            assert bound / BALL.number(scale) > value - 1e-12 * (1 + abs(value))


def test_a_negative_definite_matrix_has_a_negative_bound():
    """The exact largest eigenvalue of [[-2, 1], [1, -2]] is -1."""
    bound = largest_eigenvalue(flint.arb_mat([[-2, 1], [1, -2]]))
    assert -1 <= bound < -1 + 1e-10


def test_radii_count_in_norms():
    wide = flint.arb_mat([[flint.arb(3, 1), 0], [0, flint.arb(1, "0.5")]])
    assert operator_norm(wide) >= 4 and largest_eigenvalue(wide) >= 4
    assert frobenius(wide) ** 2 >= 16 + flint.arb("2.25")
    assert frobenius(flint.arb(-2, 1)) >= 3


def test_what_is_no_number_gives_no_bound():
    bad = flint.arb_mat([[flint.arb("nan"), 0], [0, 1]])
    assert not largest_eigenvalue(bad) < 10 and not operator_norm(bad) < 10


@pytest.mark.parametrize("name", LOSSES)
def test_the_jacobian_is_that_of_floats(name):
    field = field_of(name)
    tape, values, series = compiled(field)
    start = {s: values[s] for s in field.rates}
    scales = {s: flint.arb(k + 1) for k, s in enumerate(field.rates)}
    J = jacobian(tape, series.at(start), scales)
    floats = {
        k: v
        if isinstance(v, losses.LogCosh)
        else np.array([[float(x) for x in row] for row in v.tolist()])
        for k, v in values.items()
    }
    layout = Layout.of(field.rates, values)
    row = np.array([float(x) for x in layout.row(start)])
    found = Linearisation(tape, layout, floats).jacobians(row[None])[0]
    scale = np.concatenate([np.full(len(entries(start[s])), float(d)) for s, d in scales.items()])
    expected = found * scale[:, None] / scale
    assert np.allclose([float(x) for x in J.entries()], expected.ravel(), atol=1e-12)


def test_a_gradient_is_pulled_back_through_traces_and_scalars():
    """f = (tr X)^2 tr(X Z): grad f = 2 tr X tr(X Z) I + (tr X)^2 Z'."""
    X, Z = Symbol("X", 2, 2), Symbol("Z", 2, 2)
    word = Trace(X) ** 2 * Trace(X @ Z)
    rows = {X: [[1, 2], [3, 4]], Z: [[0, 1], [5, 0]]}
    tape, values = (
        compile_words({"f": word}, rows, [X]),
        {s: ball_value(x) for s, x in rows.items()},
    )
    slope = pull_back(tape, Series(tape, values).at({X: values[X]}), "f", flint.arb(1))[X]
    assert [int(x.unique_fmpz()) for x in slope.entries()] == [130, 125, 25, 130]


def test_the_mean_value_form_holds_where_it_is_tight():
    """x^2 on 3 +- 1/4: the truth is [7.5625, 10.5625], the form 9 +- 2 (13/4) / 4."""
    X = Symbol("X", 1, 1)
    values = {X: ball_value([[3]])}
    tape = compile_words({"f": X @ X}, {X: [[3]]}, [X])
    wide = flint.arb_mat([[flint.arb(3, "0.25")]])
    box = {X: wide}
    f = mean_value(tape, Series(tape, values), values, box, {X: flint.arb("0.25")})["f"][0]
    assert f.contains(flint.arb("7.5625")) and f.contains(flint.arb("10.5625"))
    assert f.rad() < 1.63


@pytest.mark.parametrize("name", LOSSES)
def test_majorants_bound_values_slopes_and_bends_on_a_ball(name):
    field = field_of(name)
    with BALL.working():
        tape, values, series = compiled(field)
        symbols = tuple(field.rates)
        nodes = series.at({s: values[s] for s in symbols})
        radii = {s: flint.arb(2) for s in symbols}
        found = majorants(tape, radii, constants(tape, nodes), tanh_on_a_ball, bends=True)
        sharp = Sharp(tape, {s: flint.arb(1) for s in symbols})
        slope = sum((x * x for s in symbols for x in found[s].slopes), flint.arb(0)).sqrt()
        bend, rng = sharp.lipschitz(found), np.random.default_rng(5)
        for _ in range(5):
            points = [_on_the_ball(rng, values, symbols, 2.0) for _ in range(2)]
            rates = [_rates(tape, series.at(p), symbols) for p in points]
            slopes = [jacobian(tape, series.at(p), sharp.scales) for p in points]
            moved = sum(
                (frobenius(points[0][s] - points[1][s]) ** 2 for s in symbols), flint.arb(0)
            )
            change = sum((frobenius(rates[0][s] - rates[1][s]) ** 2 for s in symbols), flint.arb(0))
            assert change <= slope**2 * moved * (1 + flint.arb(2) ** -40)
            assert operator_norm(slopes[0] - slopes[1]) ** 2 <= bend**2 * moved * 1.0000001
            assert all(frobenius(rates[0][s]) <= found[s].bound for s in symbols)


def _on_the_ball(rng, values, symbols, radius):
    found = {}
    for s in symbols:
        X = random_matrix(rng, values[s].nrows(), values[s].ncols())
        found[s] = (X * (flint.arb(radius * 0.999) / frobenius(X))).mid()
    return found


def _squared_distance(one, other):
    return sum((frobenius(X - other[s]) ** 2 for s, X in one.items()), flint.arb(0))


def _rates(tape, nodes, symbols):
    return {s: nodes[tape.outputs[s]] for s in symbols}


@pytest.mark.parametrize("bound", ["free", "sharp"])
@pytest.mark.parametrize("name", ["frobenius", "log-cosh"])
def test_the_chord_bound_holds_inside_the_step(name, bound):
    """Between both ends the largest eigenvalue stays below the chord and its bend."""
    field = field_of(name)
    with BALL.working():
        tape, values, _ = compiled(field, **({GROWTH: field.growth} if bound == "free" else {}))
        short = compile_words(field.rates, field.values, field.rates)
        scales = {s: flint.arb(1) for s in field.rates}
        stepper = Stepper.of(tape, short, values, scales, bound)
        sharp = Stepper.of(short, short, values, scales, "sharp")
        path = stepper.path({s: values[s].mid() for s in field.rates}, 12)
        h = flint.arb(1) / 32
        if path.reach is not None:
            h = h.min(path.reach)

        def at(t):
            return {s: evaluate_series(cs, t) for s, cs in path.coefficients.items()}

        start, end = stepper.growth_at(at(flint.arb(0))), stepper.growth_at(at(h))
        rates = Rates(start, end, path.sizes, path.order)
        true = [sharp.growth_at(at(h * k / 16)) for k in range(17)]
        for value, k in zip(true, range(17), strict=True):
            bend = sum((p * h**i for i, p in enumerate(path.sizes) if i > 1), flint.arb(0))
            assert value <= start + (end - start) * k / 16 + bend * k / 16 + 1e-9
        simpson = sum(true[k] * (4 if k % 2 else 2) for k in range(1, 16)) + true[0] + true[16]
        assert simpson * h / 48 <= rates.total(h) + 1e-7
        assert not rates.total(h) > rates.positive(h)


def test_the_chord_of_a_known_path():
    """mu(t) = 1 - 2t + 3t^2 on [0, 1/2]: the chord gives 3/8 + 3/96, what is met is 3/8."""
    mu = [flint.arb(1), flint.arb(2), flint.arb(3)]
    h = flint.arb(1) / 2
    total = Rates(flint.arb(1), flint.arb(3) / 4, mu, 9).total(h)
    assert abs(total - (flint.arb(7) / 16 + flint.arb(3) / 48)) < 1e-15
    falling = Rates(flint.arb(-1), flint.arb(-3), [], 9)
    assert falling.total(h) == -1 and falling.positive(h) == 0


def test_the_tanh_path_majorises_tanh():
    coefficients = [flint.arb(1), flint.arb(1), flint.arb(-2)]
    with BALL.working():
        w = [flint.arb_mat([[c]]) for c in coefficients] + [flint.arb_mat(1, 1)] * 9
        u = _tanh(coefficients, 12)
        path = TanhPath(w, [flint.arb_mat([[c]]) for c in u])
        point = majorant_of(coefficients)
        found = path.majorant(point)
        assert path.reach is not None and path.reach > flint.arb("0.05")
        for k in range(9):
            t = path.reach * k / 8
            truth = flint.arb_poly(coefficients)(t).tanh()
            tail = truth - flint.arb_poly(u)(t)
            assert abs(tail) <= flint.arb_poly(found.bound.coeffs()[12:])(t) * t**12 + 1e-35
            slope = (1 - truth * truth) * abs(flint.arb_poly(coefficients).derivative()(t))
            assert slope <= found.slopes[0](t) + 1e-30


def majorant_of(coefficients):
    sizes = flint.arb_poly([abs(c) for c in coefficients])
    return Majorant(sizes, (sizes.derivative(),), ())


def _tanh(coefficients, length):
    cap = flint.ctx.cap
    try:
        flint.ctx.cap = length
        w = flint.arb_series(coefficients, prec=length)
        u = 1 - 2 / ((2 * w).exp() + 1)
        return [u[k] for k in range(length)]
    finally:
        flint.ctx.cap = cap


def test_a_forecast_knows_the_growth_of_an_exponential():
    X = Symbol("X", 1, 1)
    one = {X: Fraction(1)}
    seen = forecast({X: 20 * X}, {X: [[1]]}, Fraction(1), None, one)
    assert seen is not None and seen.free is None
    assert seen.sharp == pytest.approx(20 / np.log(10), rel=1e-6)
    shrinking = forecast({X: -X}, {X: [[1]]}, Fraction(9), 2 * X, one)
    assert shrinking is not None and shrinking.sharp == 0 and shrinking.free > 0.8
    assert forecast({X: X @ X}, {X: [[1]]}, Fraction(2), None, one) is None


def test_the_longest_step_meets_its_target():
    error = flint.arb_poly([0, 0, 0, 8])
    for guess in (Fraction(1, 1000), Fraction(1, 4), Fraction(900)):
        h = longest_step(error, flint.arb(1), guess)
        assert Fraction(42, 100) < h <= Fraction(1, 2)
        assert h.denominator & (h.denominator - 1) == 0
    assert longest_step(flint.arb_poly([0]), flint.arb(1), Fraction(1)) == 2**20


def test_the_free_bound_covers_the_sharp_one():
    field = field_of("frobenius")
    with BALL.working():
        tape, values, series = compiled(field, **{GROWTH: field.growth})
        short, _, other = compiled(field)
        scales = {s: flint.arb(1) for s in field.rates}
        for seed in range(4):
            rng = np.random.default_rng(seed)
            point = _on_the_ball(rng, values, tuple(field.rates), 3.0)
            free = Free(tape, scales).at(series.at(point))
            sharp = Sharp(short, scales).at(other.at(point))
            assert sharp <= free + 1e-9
