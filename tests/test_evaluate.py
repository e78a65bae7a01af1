"""Words evaluated: every arithmetic the same text, derivatives by infinitesimal entries."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.errors import BadInput, NotUnderstood, ShapeMismatch, Unavailable
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.losses import cubic, frobenius
from lora_proofs.mathematics.notation import W0, A, B, G, W, f, h

ROWS = {A: [[1, "1/2"]], B: [[2], ["-1/3"]], W0: [[0, 1], ["1/4", -1]]}
P = w.Symbol("P", "n", "n")
S = w.Symbol("S", "n", "n", symmetric=True)
C = w.Symbol("C", "n", "n")
EXPRESSION = w.Trace(W.T @ W) * C - w.Inverse(C @ C.T + w.Identity("n")) / 3


def values(ctx):
    return {s: ctx.matrix(rows) for s, rows in (*ROWS.items(), (C, [[1, 2], [0, "1/3"]]))}


@pytest.mark.parametrize(
    "ctx",
    [ArrayArithmetic(), MultiprecisionArithmetic(30), BallArithmetic(30)],
    ids=lambda ctx: ctx.name,
)
def test_every_arithmetic_gives_the_exact_value(ctx):
    exact = evaluate(EXPRESSION, values(EXACT), EXACT)
    with ctx.working():
        found = evaluate(EXPRESSION, values(ctx), ctx)
        for got, want in zip(found.flat, exact.flat, strict=True):
            if isinstance(got, flint.arb):
                assert got.contains(flint.arb(want)) and got.rad() < 1e-25
            else:
                assert abs(float(got) - int(want.p) / int(want.q)) < 1e-12


def test_a_derivative_is_the_slope_of_the_value():
    loss = cubic([[1, 2], [0, 1]], [[1, 0], [2, 1]], [[1, 1], [0, 1]], [[1, 0], [1, 2]])
    X = values(EXACT) | {f: loss}
    at = evaluate(W, X, EXACT)
    assert (evaluate(w.Gradient(f(W), A), X, EXACT) == X[B].mT @ loss.gradient(at, EXACT)).all()
    moved = evaluate(w.along(G, {A: A}), X, EXACT)
    assert (moved == loss.hessian(at, X[B] @ X[A], EXACT)).all()
    assert evaluate(w.along(h**3, {h: w.word(2)}), {h: EXACT.number(5)}, EXACT) == 150


def test_balls_enclose_derivatives_and_floats_have_none():
    ball = BallArithmetic(30)
    with ball.working():
        got = evaluate(w.Gradient(w.squared_norm(A), A), values(ball), ball)
    assert got[0, 1].contains(1)
    with pytest.raises(Unavailable):
        evaluate(w.Gradient(w.squared_norm(A), A), values(ArrayArithmetic()), ArrayArithmetic())


def test_substitution_is_simultaneous_and_after_derivatives():
    x, y = w.Scalar("x"), w.Scalar("y")
    at = {x: EXACT.number(2), y: EXACT.number(7)}
    assert evaluate(w.substitute(x - 2 * y, {x: y, y: x}), at, EXACT) == 3
    slope = w.substitute(w.along(x**2, {x: w.word(1)}), {x: 3})
    assert evaluate(slope, at, EXACT) == 6


def test_batches_go_through_the_array_arithmetic():
    array = ArrayArithmetic()
    batch = np.arange(12.0).reshape(3, 2, 2)
    found = evaluate(w.Trace(P @ P.T), {P: batch}, array)
    assert found.shape == (3,) and np.allclose(found, (batch**2).sum(axis=(1, 2)))


def test_norms_of_blocks_and_powers():
    X = {A: EXACT.matrix([[3, 0]]), B: EXACT.matrix([[0], [4]])}
    assert evaluate(w.Norm("F", (A, B)), X, EXACT) == 5
    assert evaluate(w.Norm("2", (A,)), X, EXACT) == 3
    assert evaluate(1 / w.Norm("F", (A, B)), X, EXACT) == flint.fmpq(1, 5)
    with pytest.raises(Unavailable):
        evaluate(w.Norm("F", (A,)), {A: EXACT.matrix([[1, 1]])}, EXACT)


def test_sizes_come_from_the_values():
    assert evaluate(w.Size("m") * w.Trace(w.Identity("n")), values(EXACT), EXACT) == 4
    assert evaluate(w.Zero("r", "m"), values(EXACT), EXACT).shape == (1, 2)
    with pytest.raises(BadInput, match="'k' has no size"):
        evaluate(w.Size("k"), values(EXACT), EXACT)


def test_what_is_missing_or_does_not_fit_is_named():
    with pytest.raises(BadInput, match="no value for 'B'"):
        evaluate(B, {A: EXACT.matrix([[1]])}, EXACT)
    with pytest.raises(ShapeMismatch, match="B"):
        evaluate(B @ A, values(EXACT) | {B: EXACT.matrix([[1, 2]])}, EXACT)
    with pytest.raises(BadInput, match="singular"):
        evaluate(w.Inverse(P), {P: EXACT.matrix([[1, 1], [1, 1]])}, EXACT)
    with pytest.raises(ZeroDivisionError):
        evaluate(1 / h, {h: EXACT.number(0)}, EXACT)


class Unknown(w.Word):
    """A node that has no value."""


def test_what_has_no_value_raises():
    with pytest.raises(NotUnderstood):
        evaluate(Unknown(), {}, EXACT)
    with pytest.raises(NotUnderstood, match="beyond the Hessian"):
        evaluate(f.gradient(W, W, W), values(EXACT) | {f: frobenius(ROWS[W0])}, EXACT)
    with pytest.raises(NotUnderstood, match="symmetric"):
        evaluate(w.Gradient(w.Trace(S @ S), S), {S: EXACT.identity(2)}, EXACT)


def test_a_named_expression_has_the_value_of_what_it_names():
    assert evaluate(w.Named("t", w.Trace(P)), {P: EXACT.identity(2)}, EXACT) == 2
