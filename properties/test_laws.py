"""The laws of the architecture, whatever the theorem: Hypothesis looks for one that breaks."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    at_least,
    at_most,
    below,
    equal,
    inner,
    rational,
    squared_norm,
)
from lora_proofs.mathematics import flows, losses, words
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies import (
    REGIMES,
    SPECTRA,
    HypothesisDraw,
    fraction,
    hypothesis_strategy,
    lora_problem,
    matrix,
    orthogonal_matrix,
    spectrum,
    with_singular_values,
)
from lora_proofs.symbolic.differential import gradient

BALL, FLOAT = BallArithmetic(30), ArrayArithmetic()
POLYNOMIAL = ("frobenius", "trace-squared", "cubic")
ORDERS = ("simultaneous", "A-first", "B-first")


def draw_problem(draw, regime):
    """A problem whose loss is a polynomial of degree at most 3, with a step size h."""
    loss = draw.choice(POLYNOMIAL)
    base = "trace-squared" if loss == "trace-squared" else "frobenius"
    x = lora_problem(draw, regime, loss=base, largest=2, h=fraction(draw, size=1))
    if loss == "cubic":
        n, m = len(x.W0), len(x.W0[0])
        shapes = {"C": (n, m), "P": (n, n), "Q": (m, m), "R": (n, m)}
        x = x.replace(loss="cubic", **{k: matrix(draw, *shape) for k, shape in shapes.items()})
    return x


problems = hypothesis_strategy(SimpleNamespace(regimes=REGIMES, draw=draw_problem))
data = st.data()


def lifted(x, ctx=EXACT):
    """The fields of a problem in an arithmetic, and its loss."""
    return x.lift(ctx), losses.loss_from_instance(x)


def field(x, ctx=EXACT):
    p, loss = lifted(x, ctx)
    return flows.lora_vector_field(loss, p.W0, p.A0, p.B0, ctx)


def like(data, X):
    return matrix(HypothesisDraw(data.draw), *X.shape)


def slope(function):
    """The derivative at 0 of a polynomial of degree at most 6: exact, without differentiating."""
    at = [function(EXACT.number(k)) - function(EXACT.number(-k)) for k in (1, 2, 3)]
    return (45 * at[0] - 9 * at[1] + at[2]) / 60


@given(problems)
def test_an_instance_survives_json(x):
    assert Instance.from_json(x.to_json()) == x
    nested = Instance(inner=x, name="outer", t=x.h)
    assert Instance.from_json(nested.to_json()) == nested


@given(problems, data)
def test_a_gradient_is_the_slope_of_its_loss(x, data):
    p, loss = lifted(x)
    X = like(data, p.W0)
    along = slope(lambda t: loss.value(p.W0 + t * X, EXACT))
    assert inner(loss.gradient(p.W0, EXACT), X) == along


@given(problems, data)
def test_a_hessian_action_is_the_slope_of_its_gradient(x, data):
    p, loss = lifted(x)
    X = like(data, p.W0)
    along = slope(lambda t: loss.gradient(p.W0 + t * X, EXACT))
    assert (loss.hessian(p.W0, X, EXACT) == along).all()


def derived_field(x, ctx):
    """The LoRA flow from words: minus the gradients of f(W0 + BA), derived for all shapes."""
    p, loss = lifted(x, ctx)
    A, B = words.Symbol("A", "r", "m"), words.Symbol("B", "n", "r")
    W0 = words.Symbol("W0", "n", "n" if x.loss == "trace-squared" else "m")
    if x.loss == "trace-squared":
        A = words.Symbol("A", "r", "n")
    W = W0 + B @ A
    values = {A: p.A0, B: p.B0, W0: p.W0}
    for symbol, rows in loss.symbols(W).items():
        values[symbol] = rows if isinstance(symbol, words.Loss) else ctx.matrix(rows)
    g = loss.value_word(W)
    return [-evaluate(gradient(g, symbol), values, ctx) for symbol in (A, B)]


@given(problems)
def test_the_hand_written_flow_is_the_derived_one(x):
    if x.loss != "cubic":
        for written, derived in zip(field(x), derived_field(x, EXACT), strict=True):
            assert (written == derived).all()


@given(problems, data)
def test_the_flow_is_minus_the_slope_in_every_direction(x, data):
    p, loss = lifted(x)
    X, Z = like(data, p.A0), like(data, p.B0)
    along = slope(lambda t: loss.value(p.W0 + (p.B0 + t * Z) @ (p.A0 + t * X), EXACT))
    dA, dB = field(x)
    assert -(inner(dA, X) + inner(dB, Z)) == along


@given(problems)
def test_the_balance_is_conserved_and_the_loss_descends(x):
    p, loss = lifted(x)
    dA, dB = field(x)
    drift = dB.mT @ p.B0 + p.B0.mT @ dB - dA @ p.A0.mT - p.A0 @ dA.mT
    G = loss.gradient(p.W0 + p.B0 @ p.A0, EXACT)
    assert not drift.any()
    assert inner(G, dB @ p.A0 + p.B0 @ dA) == -(squared_norm(dA) + squared_norm(dB)) <= 0


@given(problems, data)
def test_rotating_the_factors_rotates_the_flow(x, data):
    p, loss = lifted(x)
    Q = orthogonal_matrix(HypothesisDraw(data.draw), len(x.A0))
    dA, dB = field(x)
    turned = flows.lora_vector_field(loss, p.W0, Q @ p.A0, p.B0 @ Q.mT, EXACT)
    assert (turned[0] == Q @ dA).all() and (turned[1] == dB @ Q.mT).all()


@given(problems, data)
def test_rotating_the_weights_rotates_the_flow(x, data):
    draw, (n, m) = HypothesisDraw(data.draw), (len(x.W0), len(x.W0[0]))
    U = orthogonal_matrix(draw, n)
    V = U if x.loss == "trace-squared" else orthogonal_matrix(draw, m)
    if x.loss == "cubic":
        return
    p = x.lift(EXACT)
    turned = {"W0": U @ p.W0 @ V.mT, "A0": p.A0 @ V.mT, "B0": U @ p.B0}
    if "Y" in x:
        turned["Y"] = U @ p.Y @ V.mT
    dA, dB = field(x)
    there = field(x.replace(**turned))
    assert (there[0] == dA @ V.mT).all() and (there[1] == U @ dB).all()


@pytest.mark.parametrize("method", ORDERS)
@given(problems)
def test_a_step_leaves_along_the_flow(method, x):
    """At h = 0 the step is where it was, and its velocity is the flow: the same for every order."""
    p, loss = lifted(x)
    for which, velocity in enumerate(field(x)):
        moved = slope(lambda h, i=which: flows.METHODS[method](loss, p.W0, p.A0, p.B0, h, EXACT)[i])
        # A sequential cubic step is a polynomial of higher degree in h.
        assert x.loss == "cubic" or (moved == velocity).all()


def endpoint(ball):
    """A ball of radius 0 as the fraction that it is."""
    mantissa, exponent = ball.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def inside(exact, ball):
    """Whether every exact entry lies in its ball, decided in fractions."""
    pairs = zip(np.ravel(exact), np.ravel(ball), strict=True)
    return all(abs(rational(a) - endpoint(b.mid())) <= endpoint(b.rad()) for a, b in pairs)


@given(problems)
def test_the_exact_result_lies_inside_the_ball(x):
    with BALL.working():
        balls = [*field(x, BALL), *flows.a_first_step(*start(x, BALL))]
    for exact, ball in zip([*field(x), *flows.a_first_step(*start(x))], balls, strict=True):
        assert inside(exact, ball)


def start(x, ctx=EXACT):
    p, loss = lifted(x, ctx)
    return loss, p.W0, p.A0, p.B0, x.h, ctx


@given(problems)
def test_floats_are_near_the_exact_result(x):
    for exact, near in zip(field(x), field(x, FLOAT), strict=True):
        size = 1 + max(abs(float(rational(entry))) for entry in exact.flat)
        rounded = np.vectorize(lambda entry: float(rational(entry)))(exact)
        scale = float(1 + squared_norm(x.lift(FLOAT).A0) + squared_norm(x.lift(FLOAT).B0)) ** 3
        assert np.abs(rounded - near).max() <= 1e-12 * size * scale


@given(data, st.sampled_from(SPECTRA), st.integers(1, 3), st.integers(1, 3))
def test_singular_values_lie_inside_their_balls(data, kind, n, m):
    draw = HypothesisDraw(data.draw)
    values = spectrum(draw, min(n, m), kind)
    X = with_singular_values(draw, n, m, values)
    with BALL.working():
        balls = BALL.singular_values(BALL.matrix(X))
        norm = BALL.operator_norm(BALL.matrix(X))
    assert inside(values, balls) and inside([values[0]], [norm])


fractions = st.fractions(min_value=-4, max_value=4, max_denominator=12)


@given(fractions, fractions, st.sampled_from([at_most, at_least, below, equal]))
def test_balls_and_floats_never_contradict_exact_numbers(a, b, compare):
    exact = compare("x", EXACT.number(a), EXACT.number(b))
    with BALL.working():
        ball = compare("x", BALL.number(a) / 3, BALL.number(b) / 3)
    assert exact.outcome != "undecided" and exact.rigorous and ball.rigorous
    assert ball.outcome in ("undecided", exact.outcome)
    near = compare("x", float(a), float(b))
    assert not near.rigorous
    if near.outcome == "fails":
        assert exact.outcome == "fails"


def draw_word(draw, shape, depth):
    """A random word of a shape (rows and columns among "n", "m", "r")."""
    leaves = {("n", "m"): ["W0", "Y"], ("n", "r"): ["B"], ("r", "m"): ["A"]}
    kind = draw.choice(("leaf", "product", "sum", "scaled", "transpose")) if depth else "leaf"
    if kind == "sum":
        return draw_word(draw, shape, depth - 1) + draw_word(draw, shape, depth - 1)
    if kind == "scaled":
        scale = fraction(draw, size=2) * (words.Trace(square(draw)) if draw.choice((0, 1)) else 1)
        return scale * draw_word(draw, shape, depth - 1)
    if kind == "transpose":
        return draw_word(draw, shape[::-1], depth - 1).T
    if kind == "product":
        k = draw.choice(("r", "n", "m"))
        left = draw_word(draw, (shape[0], k), depth - 1)
        return left @ draw_word(draw, (k, shape[1]), depth - 1)
    if shape in leaves:
        return words.Symbol(draw.choice(leaves[shape]), *shape)
    if shape[::-1] in leaves:
        return words.Symbol(draw.choice(leaves[shape[::-1]]), *shape[::-1]).T
    return words.Identity(shape[0])


def square(draw):
    return draw_word(draw, ("r", "r"), 1) @ draw_word(draw, ("r", "r"), 1)


def word_values(draw):
    sizes = {name: draw.integer(1, 3) for name in "nmr"}
    shapes = {"W0": "nm", "Y": "nm", "A": "rm", "B": "nr"}
    return {
        words.Symbol(name, *shape): matrix(draw, *(sizes[d] for d in shape))
        for name, shape in shapes.items()
    }


@given(data)
def test_a_normal_form_has_the_value_of_its_word(data):
    from lora_proofs.symbolic.from_normal_form import to_word
    from lora_proofs.symbolic.normal_form import normal_form

    draw = HypothesisDraw(data.draw)
    word, values = draw_word(draw, ("n", "m"), 3), word_values(draw)
    again = to_word(normal_form(word))
    assert (evaluate(word, values, EXACT) == evaluate(again, values, EXACT)).all()


@given(data)
def test_words_with_one_normal_form_are_one_polynomial(data):
    from lora_proofs.symbolic.entries import agree
    from lora_proofs.symbolic.normal_form import normal_form

    draw = HypothesisDraw(data.draw)
    left, right = draw_word(draw, ("n", "m"), 2), draw_word(draw, ("n", "m"), 2)
    same = (normal_form(left) - normal_form(right)).is_zero
    assert same == agree(left, right)
    assert agree(left + right, right + left)
