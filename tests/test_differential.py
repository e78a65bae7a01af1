"""Differentials and gradients of words, where SymPy raises, is silently 0, or cannot say."""

from __future__ import annotations

import pytest
import sympy

from lora_proofs.errors import BadInput, NotUnderstood, ShapeMismatch
from lora_proofs.mathematics.notation import A_SQUARE, W0_SQUARE, A, B, G, W, f
from lora_proofs.mathematics.words import (
    Derivative,
    Gradient,
    Identity,
    Inverse,
    Named,
    Norm,
    Scalar,
    Symbol,
    Trace,
    Word,
    Zero,
    along,
    inner,
    squared_norm,
    substitute,
    word,
)
from lora_proofs.symbolic.differential import differential, expand, gradient
from lora_proofs.symbolic.normal_form import normal_form
from lora_proofs.symbolic.rewriting import reduce

X, Y, Z = (Symbol(name, "n", "m") for name in "XYZ")
P = Symbol("P", "n", "n")
S, S_dot = Symbol("S", "n", "n", symmetric=True), Symbol("R", "n", "n", symmetric=True)
t = Scalar("t")
A_dot, B_dot = Symbol("A_dot", "r", "m"), Symbol("B_dot", "n", "r")


def equal(left, right):
    return (reduce(left) - reduce(right)).is_zero


def test_the_squared_trace_that_sympy_refuses_is_differentiated():
    n, r = sympy.symbols("n r", integer=True, positive=True)
    a, b, w = (
        sympy.MatrixSymbol(name, *shape)
        for name, shape in (("A", (r, n)), ("B", (n, r)), ("W0", (n, n)))
    )
    with pytest.raises(Exception):  # noqa: B017
        (sympy.Trace(w + b * a) ** 2).diff(a).doit()
    value = Trace(W0_SQUARE + B @ A_SQUARE)
    assert equal(Gradient(value**2, A_SQUARE), 2 * value * B.T)
    assert equal(Gradient(value**2, B), 2 * value * A_SQUARE.T)


def test_the_sum_of_traces_that_sympy_takes_for_constant_has_its_gradient():
    both = Trace(A.T @ A) + Trace(B.T @ B)
    assert equal(Gradient(both, A), 2 * A) and equal(Gradient(both, B), 2 * B)
    assert not normal_form(gradient(both, A)).is_zero


def test_time_derivatives_are_not_zero():
    assert equal(along(B @ A, {A: A_dot, B: B_dot}), B_dot @ A + B @ A_dot)
    assert equal(along(A.T, {A: A_dot}), A_dot.T)
    assert equal(along(A, {B: B_dot}), Zero("r", "m"))
    assert equal(along(f(W), {A: A_dot}), inner(G, B @ A_dot))


def test_the_chain_rule_goes_through_gradients_and_their_derivatives():
    moved = along(G, {A: A_dot, B: B_dot})
    assert equal(moved, f.gradient(W, B_dot @ A + B @ A_dot))
    twice = along(along(G, {A: A_dot}), {A: A_dot})
    assert equal(twice, f.gradient(W, B @ A_dot, B @ A_dot))


def test_powers_scalars_and_inverses_follow_their_rules():
    assert equal(along(t**3, {t: word(2)}), 6 * t**2)
    assert equal(along(1 / t, {t: word(1)}), -(t**-2))
    assert equal(along(t**0, {t: word(1)}), word(0))
    assert equal(along(t * A, {t: word(1), A: A_dot}), A + t * A_dot)
    moving = Symbol("P_dot", "n", "n")
    assert equal(along(Inverse(P), {P: moving}), -(Inverse(P) @ moving @ Inverse(P)))


def test_a_symbol_that_is_called_like_a_differential_does_not_disturb():
    moving = Symbol("dX", "n", "m")
    assert equal(Gradient(inner(Z, X) * inner(Y, moving), X), inner(Y, moving) * Z)
    assert equal(Gradient(inner(X, moving), X), moving)
    assert equal(Gradient(squared_norm(moving) * inner(X, Z), X), squared_norm(moving) * Z)


def test_derivatives_nest_and_substitution_comes_last():
    field = {A: -(B.T @ G), B: -(G @ A.T)}
    energy = along(f(W), field)
    assert equal(along(energy, {}), word(0))
    at_zero = substitute(Gradient(f(W), B), {B: Zero("n", "r")})
    assert equal(at_zero, f.gradient(Symbol("W0", "n", "m", latex="W_0")) @ A.T)
    # The derivative of t^2 at t = 3 is 6; the derivative of the number 9 is 0.
    assert equal(substitute(along(t**2, {t: word(1)}), {t: 3}), word(6))
    assert equal(along(substitute(t**2, {t: 3}), {t: word(1)}), word(0))
    swapped = substitute(X - Y, {X: Y, Y: X})
    assert equal(swapped, Y - X)


def test_a_name_is_transparent_to_derivatives():
    assert equal(along(Named("s", t**2), {t: word(1)}), 2 * t)
    assert equal(Gradient(Named("s", squared_norm(A)), A), 2 * A)


def test_a_symmetric_symbol_moves_only_symmetrically():
    assert equal(along(Trace(S @ S), {S: S_dot}), 2 * Trace(S @ S_dot))
    with pytest.raises(NotUnderstood, match="symmetric"):
        expand(along(S - S.T, {S: P}))
    with pytest.raises(NotUnderstood, match="symmetric"):
        expand(substitute(S, {S: P}))
    with pytest.raises(NotUnderstood, match="symmetric"):
        gradient(Trace(S @ P), S)
    assert equal(substitute(Trace(S @ P), {S: P + P.T}), Trace(P @ P) + squared_norm(P))


class Unknown(Word):
    """A node that no rule knows."""


def test_what_has_no_rule_raises_and_is_not_zero():
    with pytest.raises(NotUnderstood):
        differential(Norm("F", (A,)), {A: A_dot})
    with pytest.raises(NotUnderstood):
        differential(Unknown(), {A: A_dot})
    with pytest.raises(NotUnderstood, match="self-adjointness"):
        gradient(inner(X, f.gradient(Y, X)), X)
    with pytest.raises(NotUnderstood, match="self-adjointness"):
        gradient(inner(Z, f.gradient(X)), X)
    with pytest.raises(NotUnderstood, match="symbol"):
        expand(along(P @ P, {P @ P: P}))


def test_shapes_are_checked_where_a_tree_is_built():
    with pytest.raises(ShapeMismatch):
        along(A, {A: B})
    with pytest.raises(ShapeMismatch):
        substitute(A, {A: B})
    with pytest.raises(ShapeMismatch):
        Gradient(A, A)
    with pytest.raises(BadInput):
        t / 0
    assert Derivative(A, ((A, A_dot),)).shape == ("r", "m")
    assert equal(Gradient(Trace(P), P), Identity("n"))
