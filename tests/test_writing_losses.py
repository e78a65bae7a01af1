"""A loss of a user's: what is derived of it is right, and it says what it cannot do."""

import flint
import numpy as np
import pytest
import sympy as sp

from lora_proofs import (
    Claim,
    Control,
    Instance,
    Source,
    at_most,
    flows,
    lora_problems,
    losses,
)
from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
    inner,
)
from lora_proofs.errors import BadInput, NotUnderstood, Unavailable
from lora_proofs.judging.drawing import draw_one
from lora_proofs.judging.evaluation import ladder, settle
from lora_proofs.language.budget import budget
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.words import Norm, Symbol, Trace, squared_norm
from lora_proofs.running.sampling import Tally, certify
from lora_proofs.strategies import SeededDraw, matrix

z = sp.Symbol("z")
W, Y, P = Symbol("W", "n", "m"), Symbol("Y", "n", "m"), Symbol("P", "n", "n")
Y22 = [[0, 1], ["1/2", 0]]
W22 = sp.MatrixSymbol("W", 2, 2)
C22 = sp.MatrixSymbol("C", 2, 2)

POLYNOMIAL = {
    "weighted": losses.from_word("weighted", squared_norm(P @ (W - Y)) / 2, W).with_data(
        P=[[1, 1], [0, 2]], Y=Y22
    ),
    "quartic": losses.entrywise_sum("quartic", z**4 / 4 - z).with_data(Y=Y22),
    "no target": losses.entrywise_sum("cube", z**3, target=False),
    "entries": losses.from_sympy(
        "entries", W22[0, 0] ** 2 * W22[1, 1] + sp.Trace(C22 * W22) ** 2, W22
    ).with_data(C=[[1, 2], [3, "1/2"]]),
}
OTHER = {
    "softplus": losses.entrywise_sum("softplus", sp.log(1 + sp.exp(z))).with_data(Y=Y22),
    "root": losses.entrywise_sum("root", sp.sqrt(1 + z**2)).with_data(Y=Y22),
    "log": losses.from_sympy("log", sp.log(1 + sp.Trace(W22 * W22.T)), W22),
}


@pytest.mark.parametrize("name", POLYNOMIAL)
def test_gradient_and_hessian_are_those_of_the_polynomial(name):
    """f(W + e X) in an exact polynomial variable e: its coefficients are f, <G, X>, <X, H X>/2."""
    loss, draw = POLYNOMIAL[name], SeededDraw.keyed(name)
    for _ in range(3):
        at, X = matrix(draw, 2, 2), matrix(draw, 2, 2)
        ts = [flint.fmpq(k) for k in range(7)]
        path = _interpolated([(t, loss.value(at + X * t, EXACT)) for t in ts])
        assert path[1] == inner(loss.gradient(at, EXACT), X)
        assert 2 * path[2] == inner(loss.hessian(at, X, EXACT), X)


def _interpolated(points):
    total = flint.fmpq_poly([0])
    for t, value in points:
        term = flint.fmpq_poly([value])
        for s, _ in points:
            if s != t:
                term *= flint.fmpq_poly([-s / (t - s), 1 / (t - s)])
        total += term
    return total


@pytest.mark.parametrize("name", [*POLYNOMIAL, *OTHER])
def test_gradient_and_hessian_agree_with_finite_differences(name):
    loss, mp = {**POLYNOMIAL, **OTHER}[name], MultiprecisionArithmetic(40)
    at, X = mp.matrix([[1, "1/2"], ["-1/4", 2]]), mp.matrix([[1, -1], ["1/3", 0]])
    e = mp.number("1e-12")
    slope = (loss.value(at + X * e, mp) - loss.value(at - X * e, mp)) / (2 * e)
    assert abs(slope - inner(loss.gradient(at, mp), X)) < 1e-18
    moved = (loss.gradient(at + X * e, mp) - loss.gradient(at - X * e, mp)) * (1 / (2 * e))
    assert max(abs(x) for x in (moved - loss.hessian(at, X, mp)).flat) < 1e-18


def test_a_loss_that_is_built_in_comes_out_the_same():
    ours = losses.entrywise_sum("half", z**2 / 2).with_data(Y=Y22)
    known, start = losses.frobenius(Y22), ([[1, "1/2"], [0, 1]], [[1, "1/2"]], [["1/4"], [0]])
    ball = BallArithmetic(50)
    with ball.working():
        a, b = (flows.trained(f, *start, "1/2", ball, scale=2) for f in (ours, known))
        assert all(x.overlaps(y) for x, y in zip(a.A.flat, b.A.flat, strict=True))
        assert a.loss.overlaps(b.loss) and a.loss.rad() < 1e-10


@pytest.mark.parametrize("name", ["weighted", "quartic", "entries"])
def test_the_flow_of_a_polynomial_loss_is_enclosed(name):
    loss, start = POLYNOMIAL[name], ([[1, "1/2"], [0, 1]], [[1, "1/2"]], [["1/4"], [0]])
    ball, floats = BallArithmetic(50), ArrayArithmetic()
    near = flows.trained(loss, *start, "1/4", floats)
    with ball.working():
        end = flows.trained(loss, *start, "1/4", ball)
        assert end.loss.rad() < 1e-10
        for enclosed, value in zip([*end.A.flat, end.loss], [*near.A.flat, near.loss], strict=True):
            assert abs(float(enclosed.mid()) - float(value)) < 1e-10


@pytest.mark.parametrize("name", OTHER)
def test_the_flow_of_another_loss_is_integrated_and_not_enclosed(name):
    loss, start = OTHER[name], ([[1, "1/2"], [0, 1]], [[1, "1/2"]], [["1/4"], [0]])
    mp, ball = MultiprecisionArithmetic(12), BallArithmetic(50)
    fine = flows.trained(loss, *start, "1/4", mp)
    near = flows.trained(loss, *start, "1/4", ArrayArithmetic())
    assert abs(float(fine.loss) - float(near.loss)) < 1e-10
    for ctx in (ball, EXACT):
        with pytest.raises(Unavailable) as lack, ctx.working():
            flows.trained(loss, *start, "1/4", ctx)
    with pytest.raises(Unavailable, match=r"because the loss .* is not polynomial"):
        flows.trained(loss, *start, "1/4", ball)
    assert "t > 0" in str(lack.value)
    with ball.working():  # its values are enclosed all the same
        assert loss.value(ball.matrix(start[0]), ball).rad() < 1e-40


def test_series_of_log_cosh_agree_with_the_one_that_is_built_in():
    ours = losses.entrywise_sum("own", sp.log(sp.cosh(z))).with_data(Y=Y22)
    mp, start = MultiprecisionArithmetic(20), ([[1, "1/2"], [0, 1]], [[1, "1/2"]], [["1/4"], [0]])
    a, b = (flows.trained(f, *start, "1/4", mp) for f in (ours, losses.log_cosh(Y22)))
    assert max(abs(x - y) for x, y in zip(a.A.flat, b.A.flat, strict=True)) < 1e-20


SOFTPLUS = losses.entrywise_sum("softplus", sp.log(1 + sp.exp(z)))


def loss_falls(instance, ctx, factor="1"):
    loss, start = SOFTPLUS.on(instance), (instance.W0, instance.A0, instance.B0)
    before = flows.trained(loss, *start, 0, ctx)
    end = flows.trained(loss, *start, instance.t, ctx)
    yield at_most("loss", end.loss, ctx.number(factor) * before.loss)


def test_what_is_not_certified_says_that_the_loss_is_not_polynomial():
    start = Instance(loss="softplus", W0=[[0]], Y=[[0]], A0=[[1]], B0=[[1]], t=0)
    drawn = lora_problems(
        loss=SOFTPLUS, t="number in [1/16, 1/8]", regimes=("r = 1",), largest=1, size=1
    )
    half = Control(None, (start,), "it does not halve", lambda i, c: loss_falls(i, c, "1/2"))
    claim = Claim(
        name="tests/softplus-falls",
        source=Source("tests"),
        statement=r"f(W(t)) \le f(W(0))",
        assumptions=(),
        instances=drawn,
        check=loss_falls,
        arithmetics=("exact", "ball", "array"),
        controls=(half,),
    )
    tally = Tally()
    certify(claim, budget("quick"), 0, tally)
    (note,) = tally.notes
    assert note.startswith("not certified: ")
    assert "float and multiprecision only, because the loss softplus is not polynomial" in note
    judged = settle(claim.check, draw_one(drawn, "r = 1", 0, "x"), ladder(claim.arithmetics, 50))
    assert judged.outcome == "holds" and not judged.rigorous
    assert settle(half.check, start, ladder(("ball",), 50)).refutes


def test_problems_carry_what_a_loss_needs():
    loss = losses.from_word("weighted", squared_norm(P @ (W - Y)) / 2, W)
    x = lora_problems(loss=loss).draw(SeededDraw.keyed(1), "generic")
    assert x.loss == "weighted" and len(x.P) == len(x.P[0]) == len(x.W0)
    assert np.shape(x.Y) == np.shape(x.W0)
    assert loss.on(x).value(EXACT.matrix(x.Y), EXACT) == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: losses.from_word("frobenius", squared_norm(W), W), "none of frobenius"),
        (lambda: losses.from_word("x", W, W), "scalar word"),
        (lambda: losses.from_word("x", Norm("F", (W,)), W), "square the norm"),
        (lambda: losses.from_word("x", Trace(Symbol("A", "m", "n") @ W), W), "rename"),
        (lambda: losses.from_word("x", Trace(Symbol("C", "r", "n") @ W @ Y.T), W), "product|trace"),
        (lambda: losses.entrywise_sum("x", sp.Abs(z)), "cannot read|Abs"),
        (lambda: losses.entrywise_sum("x", 0.5 * z**2), "Rational"),
        (lambda: losses.entrywise_sum("x", z * sp.Symbol("y")), "one symbol"),
        (lambda: losses.from_sympy("x", z, z), "MatrixSymbol"),
        (lambda: losses.from_sympy("x", W22, W22), "number"),
        (lambda: POLYNOMIAL["weighted"].with_data(Q=1), "it has no 'Q'"),
        (
            lambda: losses.from_word("x", Trace(P @ W @ Y.T), W).value(EXACT.zeros(1, 1), EXACT),
            "on",
        ),
    ],
)
def test_what_is_no_loss_is_refused(make, words):
    with pytest.raises((BadInput, NotUnderstood), match=words):
        make()


def test_data_may_not_be_called_as_the_state_of_a_flow_or_a_dimension():
    V, W = w.Symbol("V", "n", "m"), w.Symbol("W", "n", "m")
    with pytest.raises(BadInput, match="W stands for another thing"):
        losses.from_word("to-target", w.squared_norm(V - W) / 2, V)
    with pytest.raises(BadInput, match="n is a dimension"):
        losses.from_word("mean", w.Scalar("n") * w.squared_norm(V), V)


def test_data_called_as_a_differential_is_not_the_direction_of_the_hessian():
    def action(name):
        V, P = w.Symbol("V", "n", "n"), w.Symbol(name, "n", "n")
        loss = losses.from_word("two", w.Trace(V.T @ V) ** 2 + w.Trace(V.T @ P) ** 2, V)
        given = loss.with_data(**{name: [[1, 2], [3, 4]]})
        X, Z = EXACT.matrix([[1, 0], [2, 1]]), EXACT.matrix([[0, 1], [1, 5]])
        return given.hessian(X, Z, EXACT).tolist()

    assert action("dV") == action("Y")


def test_entries_of_large_matrices_are_told_apart():
    V = sp.MatrixSymbol("V", 11, 11)
    loss = losses.from_sympy("far", V[0, 10] ** 2 + V[10, 0], V)
    X = EXACT.zeros(11, 11)
    X[0, 10] = EXACT.number(3)
    assert loss.value(X, EXACT) == 9 and loss.value(X.T, EXACT) == 3
    with pytest.raises(NotUnderstood, match="the symbol V_11"):
        losses.from_sympy("loose", V[0, 0] + sp.Symbol("V_11"), V)


def test_a_function_of_one_entry_has_values_in_every_arithmetic():
    V = sp.MatrixSymbol("V", 2, 2)
    loss = losses.from_sympy("steep", sp.exp(V[0, 0]), V)
    for ctx in (BallArithmetic(30), MultiprecisionArithmetic(30), ArrayArithmetic()):
        with ctx.working():
            X = ctx.matrix([[1, 2], [3, 4]])
            assert abs(float(loss.value(X, ctx)) - 2.718281828459045) < 1e-12
            assert float(loss.gradient(X, ctx)[1, 1]) == 0


@pytest.mark.parametrize("phi", ["sqrt(z**2)", "(z**2 - 2*z + 1)**Rational(2, 3)"])
def test_a_loss_with_a_kink_is_refused(phi):
    with pytest.raises(NotUnderstood, match="it has a kink"):
        losses.entrywise_sum("kink", sp.sympify(phi))
    losses.entrywise_sum("smooth", sp.sympify("sqrt(z**2 + 1)"))
    with pytest.raises(NotUnderstood, match="without assumptions"):
        losses.entrywise_sum("told", sp.Abs(sp.Symbol("z", positive=True)) ** 3)


def test_dimensions_of_data_are_not_mistaken_for_those_of_the_problem():
    W, X = w.Symbol("W", "p", "q"), w.Symbol("X", "q", "m")
    loss = losses.from_word("wide", w.squared_norm(W @ X), W)
    assert loss.fields() == {"X": "m x p"}
