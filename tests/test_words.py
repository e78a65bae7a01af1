"""Trees of words: shapes are checked where they are built, coefficients are exact."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import W0, A, B, W, f

P = w.Symbol("P", "n", "n")
x = w.Scalar("x")

SHAPES = {
    "a product": (B @ A, ("n", "m")),
    "a chain": (B @ A @ A.T, ("n", "r")),
    "a transpose": (A.T, ("m", "r")),
    "a sum": (W0 + B @ A, ("n", "m")),
    "a multiple": (2 * W0, ("n", "m")),
    "a trace": (w.Trace(P), None),
    "a norm": (w.Norm("F", (A, B)), None),
    "a loss": (f(W), None),
    "its gradient": (f.gradient(W), ("n", "m")),
    "its Hessian action": (f.gradient(W, W0), ("n", "m")),
    "a formal gradient": (w.Gradient(f(W), A), ("r", "m")),
    "a derivative": (w.along(B @ A, {A: A}), ("n", "m")),
    "a substitution": (w.substitute(B @ A, {A: A}), ("n", "m")),
    "a name": (w.Named("W", W), ("n", "m")),
    "zero": (w.Zero("n", 3), ("n", 3)),
    "a size": (w.Size("n"), None),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_tree_knows_its_shape(name):
    expression, shape = SHAPES[name]
    assert expression.shape == shape


MISFITS = {
    "inner dimensions": lambda: A @ B @ A @ A,
    "a sum of two shapes": lambda: A + B,
    "a matrix plus a number": lambda: P + 1,
    "* between matrices": lambda: A * B,
    "a matrix divided by a matrix": lambda: P / P,
    "a power of a matrix": lambda: P**2,
    "a trace that is not square": lambda: w.Trace(A),
    "a trace of a scalar": lambda: w.Trace(x),
    "an inverse that is not square": lambda: w.Inverse(A),
    "a transpose of a scalar": lambda: x.T,
    "a norm of a scalar": lambda: w.Norm("F", (x,)),
    "a loss at another shape": lambda: f(A),
    "a Hessian along another shape": lambda: f.gradient(W, A),
    "a symmetric symbol that is not square": lambda: w.Symbol("S", "n", "m", symmetric=True),
    "a rate of another shape": lambda: w.along(A, {A: B}),
    "a replacement of another shape": lambda: w.substitute(A, {A: B}),
    "a gradient of a matrix": lambda: w.Gradient(A, A),
    "sides of two shapes": lambda: w.Relation(A, "=", B),
    "matrices in order": lambda: w.Relation(A, "<=", A),
}


@pytest.mark.parametrize("name", MISFITS)
def test_shapes_that_do_not_fit_are_refused(name):
    with pytest.raises(ShapeMismatch):
        MISFITS[name]()


MALFORMED = {
    "a float coefficient": lambda: 0.5 * A,
    "a float power": lambda: x**0.5,
    "a fractional power": lambda: x ** Fraction(1, 2),
    "another norm": lambda: w.Norm("1", (A,)),
    "an operator norm of blocks": lambda: w.Norm("2", (A, B)),
    "another relation": lambda: w.Relation(x, "<", x),
    "division by 0": lambda: x / 0,
    "a truth value": lambda: x + True,
    "text": lambda: x + "y",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused(name):
    with pytest.raises(BadInput):
        MALFORMED[name]()


def test_coefficients_are_exact():
    assert (A / 3).scale == w.Number(Fraction(1, 3))
    assert ("0.1" * x) == Fraction(1, 10) * x
    assert w.word("2/6") == w.word(Fraction(1, 3))


def test_numpy_leaves_the_operators_to_words():
    assert np.int64(2) * A == 2 * A
    assert (np.int64(1) - x) == (1 - x)


def test_trees_are_values():
    assert w.Symbol("A", "r", "m") == A and hash(w.Symbol("A", "r", "m")) == hash(A)
    assert w.Symbol("A", "r", "n") != A and w.Scalar("x", nonnegative=True) != x
    assert B @ A + W0 != W0 + B @ A  # what was written is kept
