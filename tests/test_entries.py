"""The second engine: exact polynomials in entries, with its own derivatives and limits."""

from __future__ import annotations

import pytest

from lora_proofs.arithmetic import EXACT
from lora_proofs.errors import NotUnderstood, Unavailable
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import GENERIC, HALF, A, B, G, W, f, h
from lora_proofs.symbolic.entries import SHAPES, GenericCubic, agree, moving, parts, ring

D, P = w.Symbol("D", "r", "r"), w.Symbol("P", "n", "n")
S, R = (w.Symbol(name, "n", "n", symmetric=True) for name in "SR")
x, y, m = w.Scalar("x"), w.Scalar("y"), w.Scalar("m")
FLOW = {A: -(B.T @ G), B: -(G @ A.T)}


def test_the_shapes_are_small_different_and_not_all_square():
    sizes = [tuple(shape[k] for k in "nmr") for shape in SHAPES]
    assert sizes == [(2, 2, 1), (2, 3, 2), (3, 3, 2)]


def test_losses_of_different_names_are_different_functions():
    g = w.Loss("g", "n", "m")
    assert agree(f(W), f(W))
    assert not agree(f(W), g(W)) and not agree(f.gradient(W), g.gradient(W))


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (2, 3), (3, 3)])
def test_the_stand_in_loss_has_its_derivatives_and_no_symmetry(which, shape):
    at = [[3 * i - j + 1 for j in range(shape[1])] for i in range(shape[0])]
    loss, X = GenericCubic(*shape, which), EXACT.matrix(at)
    step = EXACT.matrix([[i + 2 * j - 1 for j in range(shape[1])] for i in range(shape[0])])
    # Central differences of a cubic are exact up to the third derivative, and of a quadratic exact.
    half = EXACT.number("1/2")
    up, down = loss.gradient(X + step, EXACT), loss.gradient(X - step, EXACT)
    assert (half * (up - down) == loss.hessian(X, step, EXACT)).all()
    slope = (loss.gradient(X, EXACT) * step).sum()
    one = loss.value(X + step, EXACT) - loss.value(X - step, EXACT)
    two = loss.value(X + 2 * step, EXACT) - loss.value(X - 2 * step, EXACT)
    assert (8 * one - two) / 12 == slope
    if shape == (2, 2):
        assert loss.value(X, EXACT) != loss.value(X.mT, EXACT)


def test_a_symmetric_symbol_has_one_generator_for_two_entries():
    assert agree(S, S.T) and not agree(P, P.T)
    assert agree(w.along(w.Trace(S @ S), {S: R}), 2 * w.Trace(S @ R))
    assert agree(w.substitute(w.Trace(S @ S), {S: S + R}), w.Trace((S + R) @ (S + R)))
    with pytest.raises(NotUnderstood, match="symmetric"):
        agree(w.Gradient(w.Trace(S @ P), S), P.T)


def test_derivatives_are_partial_derivatives_of_the_whole_polynomial():
    assert agree(w.along(f(W), FLOW), -w.squared_norm(B.T @ G) - w.squared_norm(G @ A.T))
    assert agree(w.along(w.along(x**3, {x: w.word(1)}), {x: w.word(1)}), 6 * x)
    assert agree(w.along(x * y, {x: y, y: x}), x**2 + y**2)
    assert not agree(w.along(x * y, {x: y}), x**2 + y**2)


def test_substitution_is_simultaneous_and_comes_after_derivatives():
    assert agree(w.substitute(x - 2 * y, {x: y, y: x}), y - 2 * x)
    assert agree(w.substitute(w.along(x**2, {x: w.word(1)}), {x: 3}), w.word(6))
    assert not agree(w.substitute(w.along(x**2, {x: w.word(1)}), {x: 3}), w.word(0))


def test_only_what_moves_stays_indeterminate_at_a_point():
    expression = w.substitute(w.along(GENERIC.a_first[1], {h: w.word(1)}), {h: 0})
    assert moving(parts(expression)) == {h}
    at_point = ring([expression], dict(SHAPES[0]), 1)
    assert list(at_point.index) == [h]
    assert {A, B} <= set(at_point.values)
    assert agree(expression, -(G @ A.T)) and not agree(expression, G @ A.T)


def test_points_depend_on_their_number_alone_and_differ():
    first, again, other = (ring([A], dict(SHAPES[1]), k).values[A] for k in (1, 1, 2))
    assert (first == again).all() and not (first == other).all()


def test_even_powers_of_norms_are_polynomials_and_odd_ones_are_unavailable():
    norm = w.Norm("F", (A, B))
    assert agree(norm**2, w.squared_norm(A) + w.squared_norm(B))
    assert agree(norm**4, (w.squared_norm(A) + w.squared_norm(B)) ** 2)
    assert not agree(norm**2, w.squared_norm(A))
    assert agree(w.Norm("F", (A - A,)), w.word(0))
    for left in (norm, norm**3, norm**-2, w.Norm("2", (P,)), w.Norm("2", (P,)) ** 2):
        with pytest.raises(Unavailable):
            agree(left, left)


def test_inverses_and_negative_powers_are_unavailable_and_never_guessed():
    for left in (w.Inverse(P), 1 / x, x / x, w.Trace(w.Inverse(P) @ P)):
        with pytest.raises(Unavailable):
            agree(left, left)
    assert agree(w.Number(HALF) ** -2, w.word(4))


def test_scalar_hypotheses_are_divided_out():
    circle = w.Relation(x**2, "=", 1 + m * y**2)
    assert agree(x**4, (1 + m * y**2) ** 2, (circle,))
    with pytest.raises(Unavailable, match="leaves open"):
        agree(x**3, 1 + m * y**2, (circle,))


def test_a_matrix_hypothesis_eliminates_what_it_defines():
    balance = w.Relation(B.T @ B, "=", A @ A.T + D)
    assert agree(w.Trace(B @ B.T @ B @ B.T), w.squared_norm(A @ A.T + D), (balance,))
    assert agree(B @ B.T @ B, B @ A @ A.T + B @ D, (balance,))
    with pytest.raises(Unavailable):
        agree(w.squared_norm(B), w.squared_norm(A) - w.Trace(D), (balance,))


def test_sizes_are_numbers_at_each_shape_even_where_no_matrix_has_them():
    assert agree(w.Size("k"), w.Size("k")) and not agree(w.Size("n"), w.Size("m"))
    assert agree(w.Trace(w.Identity("n")), w.Size("n"))
    assert agree(w.Trace(w.Identity(4)), w.word(4))


class Unknown(w.Word):
    """A node that the engine has not heard of."""


def test_an_unknown_node_raises():
    with pytest.raises(NotUnderstood):
        agree(Unknown(), w.word(0))
    with pytest.raises(NotUnderstood):
        agree(f.gradient(W, W, W), w.Zero("n", "m"))


def test_hypotheses_that_share_a_leading_scalar():
    A0, B0 = w.Symbol("A0", "r", "m"), w.Symbol("B0", "n", "r")
    c = w.Scalar("c") * w.Identity("r")
    kept = w.Relation(B.T @ B, "=", B0.T @ B0 + A @ A.T - A0 @ A0.T)
    start = w.Relation(B0.T @ B0, "=", A0 @ A0.T + c)
    assert agree(B.T @ B, A @ A.T + c, (kept, start))
