"""Hypotheses as rewrite rules: in words, in traces, in scalars; what does not end is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics.notation import A, B, f
from lora_proofs.mathematics.words import (
    Identity,
    Inverse,
    Named,
    Norm,
    Relation,
    Scalar,
    Symbol,
    Trace,
    Zero,
    squared_norm,
    word,
)
from lora_proofs.symbolic import rewriting
from lora_proofs.symbolic.rewriting import reduce, rule

D, Q, P = Symbol("D", "r", "r"), Symbol("Q", "r", "r"), Symbol("P", "n", "n")
W0 = Symbol("W0", "n", "m")
x, y, z = Scalar("x"), Scalar("y"), Scalar("z")
BALANCE = Relation(B.T @ B, "=", A @ A.T + D)
ORTHOGONAL = Relation(Q.T @ Q, "=", Identity("r"))


def equal(left, right, *given):
    return (reduce(left, given) - reduce(right, given)).is_zero


def test_a_hypothesis_replaces_a_word_wherever_it_stands():
    assert equal(B @ B.T @ B, B @ A @ A.T + B @ D, BALANCE)
    assert equal(A.T @ B.T @ B @ A, A.T @ A @ A.T @ A + A.T @ D @ A, BALANCE)
    assert not equal(B @ B.T @ B, B @ A @ A.T, BALANCE)
    assert not equal(D, A @ A.T, BALANCE)


def test_a_hypothesis_acts_inside_traces_across_their_seam_and_in_powers():
    assert equal(squared_norm(B), squared_norm(A) + Trace(D), BALANCE)
    assert equal(Trace(B @ B.T), squared_norm(A) + Trace(D), BALANCE)
    left = Trace(B @ B.T @ B @ B.T)
    right = Trace((A @ A.T + D) @ (A @ A.T + D))
    assert equal(left, right, BALANCE)
    assert equal(squared_norm(B) ** 2, (squared_norm(A) + Trace(D)) ** 2, BALANCE)
    assert not equal(squared_norm(B), squared_norm(A) - Trace(D), BALANCE)


def test_the_transpose_of_a_hypothesis_comes_with_it():
    M = Symbol("M", "r", "n")
    given = Relation(Q @ M, "=", 2 * M)
    assert equal(M.T @ Q.T, 2 * M.T, given)
    assert equal(Trace(M.T @ Q.T @ M), 2 * squared_norm(M), given)
    assert not equal(M.T @ Q, 2 * M.T, given)


def test_an_orthogonal_factor_leaves_product_and_trace():
    turned_A, turned_B = Q @ A, B @ Q.T
    assert equal(turned_B @ turned_A, B @ A, ORTHOGONAL)
    assert equal(f(W0 + turned_B @ turned_A), f(W0 + turned_B @ turned_A), ORTHOGONAL)
    assert equal(squared_norm(turned_A), squared_norm(A), ORTHOGONAL)
    # Q'Q = I says nothing about Q Q' before the shape is looked at.
    assert not equal(Q @ Q.T, Identity("r"), ORTHOGONAL)


def test_an_inverse_cancels_after_a_hypothesis_was_used():
    given = Relation(P @ W0, "=", W0)
    assert equal(Inverse(P) @ P @ P @ W0, W0, given)
    assert equal(Trace(Inverse(P) @ P @ P @ W0 @ W0.T), squared_norm(W0), given)
    assert not equal(Inverse(P) @ W0, 2 * W0, given)


def test_scalar_hypotheses_replace_monomials_with_powers():
    circle = Relation(x**2, "=", 1 + y**2)
    assert equal(x**4 - y**4, 1 + 2 * y**2, circle)
    assert equal(x**3, x + x * y**2, circle)
    assert not equal(x, word(1), circle)
    assert equal((x * y) ** 2, z**2, Relation(x * y, "=", z))
    assert equal(x**2 * D, D + y**2 * D, circle)
    assert equal(1 / x**3, z / x**2, Relation(1 / x, "=", z))
    # x = z says nothing about 1/x as a monomial, and nothing wrong is said.
    assert not equal(1 / x, x, Relation(x, "=", z))


def test_a_coefficient_on_the_left_is_divided_out():
    assert equal(x, Fraction(1, 2) * z, Relation(2 * x, "=", z))
    assert equal(B.T @ B, -D, Relation(-(B.T @ B), "=", D))


def test_a_name_means_what_it_stands_for():
    assert equal(Named("s", x + y) ** 2, x**2 + 2 * x * y + y**2)
    assert equal(B.T @ B, D, Relation(Named("gram", B.T @ B), "=", D))


REFUSED = {
    "an inequality": Relation(x, "<=", y),
    "a sum on the left": Relation(x + y, "=", z),
    "zero on the left": Relation(Zero("r", "r"), "=", D),
    "a number on the left": Relation(word(2), "=", x),
    "an identity matrix on the left": Relation(Identity("r"), "=", D),
    "a scalar multiple of a word": Relation(x * (B.T @ B), "=", D),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_rule_is_refused(name):
    with pytest.raises(NotUnderstood, match="rewrite rule"):
        rule(REFUSED[name])


@pytest.mark.parametrize(
    "given",
    [
        (Relation(x, "=", x + 1),),
        (Relation(x, "=", y), Relation(y, "=", x)),
        (Relation(D @ Q, "=", Q @ D), Relation(Q @ D, "=", D @ Q)),
        (Relation(D, "=", 2 * D),),
    ],
    ids=["grows", "scalar circle", "word circle", "doubles"],
)
def test_rules_that_do_not_end_are_refused(given, monkeypatch):
    monkeypatch.setattr(rewriting, "MOST_REWRITES", 200)
    with pytest.raises(NotUnderstood, match="did not terminate"):
        reduce(x * (D @ Q), given)


def test_a_rule_does_not_reach_into_a_norm_and_says_nothing_wrong():
    given = Relation(D, "=", Zero("r", "r"))
    assert not equal(Norm("F", (D,)), Norm("F", (Q,)), given)
