"""Differences come with exact, small matrices; where there is none, none is made up."""

from __future__ import annotations

from lora_proofs.arithmetic import EXACT
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.notation import A, B, G, W, f
from lora_proofs.symbolic.counterexample import difference

M, P = w.Symbol("M", "n", "n"), w.Symbol("P", "n", "n")
S = w.Symbol("S", "n", "n", symmetric=True)


def test_an_identity_has_no_difference():
    assert difference(w.Trace(M @ P), w.Trace(P @ M)) is None
    assert difference(w.Gradient(f(W), A), B.T @ G) is None


def test_the_smallest_shape_on_which_the_sides_differ_is_found():
    assert difference(M, 2 * M).values["M"].shape == (1, 1)
    found = difference(M @ P, P @ M)
    assert found.values["M"].shape == (2, 2)
    assert (
        evaluate(M @ P, {M: found.values["M"], P: found.values["P"]}, EXACT) == found.left
    ).all()
    assert (found.left != found.right).any()


def test_a_difference_that_no_column_shows_is_found():
    # For r = 1 both sides are tr(BM)^2: they differ from r = 2 on.
    C = w.Symbol("C", "r", "n")
    found = difference(w.Trace(B @ C @ B @ C), w.Trace(B @ C) ** 2)
    assert found.values["C"].shape[0] >= 2 and found.left != found.right


def test_declared_symmetry_and_sign_are_kept():
    x = w.Scalar("x", nonnegative=True)
    for found in (difference(S @ M, M @ S), difference(x * S, S)):
        assert (found.values["S"] == found.values["S"].mT).all()
    assert difference(S, S.T) is None
    assert difference(x, -x).values["x"] > 0


def test_singular_and_irrational_values_are_passed_over():
    found = difference(w.Inverse(M), M)
    assert (found.left != found.right).any()
    assert difference(w.Norm("F", (M,)), 2 * w.Norm("F", (M,))) is not None
    assert difference(w.Norm("2", (M,)), w.Norm("2", (M,))) is None
    assert difference(1 / w.Trace(M), w.Trace(M)) is not None


def test_sizes_alone_can_differ():
    found = difference(w.Size("n"), w.Size("m"))
    assert found.left != found.right
    assert difference(w.Size("n"), w.Trace(w.Identity("n"))) is None


def test_two_symbols_of_one_name_are_both_shown():
    wide, tall = w.Symbol("X", 1, 2), w.Symbol("X", 2, 1)
    found = difference(wide @ tall, 2 * (wide @ tall))
    assert set(found.values) == {"X (1, 2)", "X (2, 1)"}


def test_a_difference_reads_as_exact_numbers_and_is_the_same_each_time():
    one, two = str(difference(M / 3, M)), str(difference(M / 3, M))
    assert one == two and "1/3" in one and "." not in one
