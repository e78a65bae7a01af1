"""Expressions as text and as LaTeX that says the same and renders."""

from __future__ import annotations

from fractions import Fraction

import pytest
from latex2mathml.converter import convert

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import W0, A, B, W, f, h
from lora_proofs.symbolic.printing import latex, relation_latex, relation_text, text

P, Q = w.Symbol("P", "n", "n"), w.Symbol("Q", "n", "n")
E = w.Scalar("E", latex="e^{LT}")
K = w.Symbol("K", "n", "n", latex="A^{AB}")
HALF = Fraction(1, 2)

TEXT = {
    "B A - B A A' A": B @ A - B @ A @ A.T @ A,
    "P (Q + P)": P @ (Q + P),
    "(P + Q) (Q + P)": (P + Q) @ (Q + P),
    "-(P + Q)": -(P + Q),
    "P - (Q + P)": P - (Q + P),
    "P - Q + P": w.Sum((P, w.Sum((-Q, P)))),
    "P (-Q)": P @ (-Q),
    "(P + Q)'": (P + Q).T,
    "(P Q)^-1": w.Inverse(P @ Q),
    "1/2 (tr(P))^2": HALF * w.Trace(P) ** 2,
    "(1/2)^2": w.word(HALF) ** 2,
    "(-2)^3": w.word(-2) ** 3,
    "h^-1 P": P / h,
    "3 I_n": 3 * w.Identity("n"),
    "H(W0 + B A)[W0]": f.gradient(W, W0),
    "grad_A f(W0 + B A)": w.Gradient(f(W), A),
    "d/dt (B A)": w.along(B @ A, {A: A, B: B}),
    "[h P]_{h = 0}": w.substitute(h * P, {h: 0}),
}


@pytest.mark.parametrize("shown", TEXT)
def test_text_has_the_parentheses_that_it_needs_and_no_more(shown):
    assert text(TEXT[shown]) == shown


LATEX = {
    r"\left(A^{\top}\right)^{\top}": A.T.T,
    r"\left(P^{\top}\right)^{-1}": w.Inverse(P.T),
    r"\left(e^{LT}\right)^{2}": E**2,
    r"\left(A^{AB}\right)^{\top}": K.T,
    r"\left(A^{AB}\right)^{-1}": w.Inverse(K),
    r"\left(\tfrac{1}{2}\right)^{2}": w.word(HALF) ** 2,
    r"\left(\operatorname{tr}\left(P^{\top}\right)\right)^{2}": w.Trace(P.T) ** 2,
    r"\left\lVert P^{\top} \right\rVert_{F}^{2}": w.Norm("F", (P.T,)) ** 2,
    r"\left\lVert \left(P, Q\right) \right\rVert_{F}": w.Norm("F", (P, Q)),
    r"W_0 + B A": W,
    r"-\tfrac{2}{3} P": Fraction(-2, 3) * P,
}


@pytest.mark.parametrize("shown", LATEX)
def test_latex_never_puts_a_superscript_on_a_superscript(shown):
    assert latex(LATEX[shown]) == shown
    assert "<math" in convert(shown)


def test_relations_show_their_sign():
    assert relation_text(w.Relation(h, "<=", h + 1)) == "h <= h + 1"
    assert relation_latex(w.Relation(h, "<=", h + 1)) == r"h \le h + 1"
    assert relation_latex(w.Relation(P, "=", Q)) == "P = Q"


def test_a_name_is_shown_in_place_of_what_it_stands_for():
    named = w.Named("R", P - Q, latex=r"\mathcal R")
    assert text(named @ named.T) == "R R'" and latex(named) == r"\mathcal R"


class Unknown(w.Word):
    """A node that has no face."""


def test_an_unknown_node_is_not_printed():
    with pytest.raises(NotUnderstood, match="Unknown"):
        text(Unknown())
