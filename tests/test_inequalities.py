"""Each rule for inequalities takes its own true instances and refuses everything near them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lora_proofs.errors import NotUnderstood, ShapeMismatch
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import A, B
from lora_proofs.symbolic.inequalities import RULES, is_nonnegative, square_norms
from lora_proofs.symbolic.normal_form import normal_form
from lora_proofs.symbolic.steps import assumed, inequality

X, Y, Z = (w.Symbol(name, "n", "m") for name in "XYZ")
P, Q = w.Symbol("P", "n", "n"), w.Symbol("Q", "n", "n")
a, b, c = (w.Scalar(name, nonnegative=True) for name in "abc")
z, y = w.Scalar("z"), w.Scalar("y")
HALF = Fraction(1, 2)


def F(*blocks):
    return w.Norm("F", blocks)


def O(block):  # noqa: E743
    return w.Norm("2", (block,))


def holds(rule, left, right, *uses, squares=()):
    """Whether the rule takes the instance; a refusal says why, or what it does not understand."""
    step = inequality(left, right, "", rule=rule, uses=uses, squares=squares)
    try:
        return RULES[rule](step) == ""
    except (NotUnderstood, ShapeMismatch):
        return False


def le(left, right):
    return assumed("given", w.Relation(w.word(left), "<=", w.word(right)), "")


def eq(left, right):
    return assumed("given", w.Relation(w.word(left), "=", w.word(right)), "")


TRIANGLE = {
    "two terms": (F(X + Y), F(X) + F(Y), True),
    "a difference": (F(X - Y), F(X) + F(-Y), True),
    "coefficients": (O(2 * X - a * Y), 2 * O(X) + a * O(-Y), True),
    "add and subtract": (F(B @ A - X), F(B @ A - Y) + F(Y - X), True),
    "several blocks": (F(X + Y, P), F(X, P) + F(Y, P - P), True),
    "a name": (F(w.Named("s", X + Y)), F(X) + F(Y), True),
    "wrong norm on the right": (F(X + Y), O(X) + F(Y), False),
    "missing term": (F(X + Y + Z), F(X) + F(Y), False),
    "negative factor": (F(X - Y), F(X) - F(Y), False),
    "undeclared sign": (F(X + z * Y), F(X) + z * F(Y), False),
    "reversed": (F(X) + F(Y), F(X + Y), False),
    "wrong coefficient": (F(X + 2 * Y), F(X) + F(Y), False),
    "blocks that do not match": (F(X + Y, P), F(X) + F(Y), False),
    "blocks in another order": (F(X + Y, Z), F(X, Z) + F(Z - Z, Y), False),
    "identities of two sizes": (F(w.Identity("n")), F(w.Identity("m")), False),
    "a number beside": (F(X + Y), F(X) + F(Y) + 1, False),
}
SUBMULTIPLICATIVE = {
    "F by 2 and F": (F(B @ A), O(B) * F(A), True),
    "F by F and 2": (F(B @ A), F(B) * O(A), True),
    "F by F and F": (F(B @ A), F(B) * F(A), True),
    "2 by 2 and 2": (O(B @ A), O(B) * O(A), True),
    "turned factor": (F(A.T @ B.T), O(B) * F(A), True),
    "F by 2 and 2": (F(B @ A), O(B) * O(A), False),
    "another product": (F(P @ Q), O(P) * F(P), False),
    "swapped product of a chain": (F(P @ Q @ P), O(P @ P) * F(Q), False),
    "not a product": (F(P + Q), O(P) * F(Q), False),
    "a scalar in between": (F(2 * (P @ Q)), O(P) * F(Q), False),
    "reversed": (O(B) * F(A), F(B @ A), False),
    "one norm": (F(B @ A), F(B), False),
    "blocks": (F(B @ A, P), O(B) * F(A), False),
}
OPERATOR = {
    "same matrix": (O(X), F(X), True),
    "transposed sum": (O(P + Q), F(Q + P), True),
    "reversed": (F(X), O(X), False),
    "another matrix": (O(X), F(Y), False),
    "more blocks": (O(X), F(X, Y), False),
    "not norms": (a, F(X), False),
}
CAUCHY_SCHWARZ = {
    "inner product": (w.inner(X, Y), F(X) * F(Y), True),
    "negative": (-w.inner(X, Y), F(X) * F(-Y), True),
    "blocks": (w.inner(X, Y) + w.inner(P, Q), F(X, P) * F(Y, Q), True),
    "no transpose": (w.Trace(P @ Q), F(P) * F(Q), False),
    "operator norms": (w.inner(X, Y), O(X) * F(Y), False),
    "missing block": (w.inner(X, Y) + w.inner(P, Q), F(X) * F(Y), False),
    "twice": (2 * w.inner(X, Y), F(X) * F(Y), False),
    "reversed": (F(X) * F(Y), w.inner(X, Y), False),
    "shapes that do not fit": (w.inner(X, Y), F(X) * F(P), False),
}


def table(instances):
    return pytest.mark.parametrize(
        ("left", "right", "true"), instances.values(), ids=list(instances)
    )


XX, YY, PP, QQ = (w.squared_norm(symbol) for symbol in (X, Y, P, Q))
SQUARED = {
    "inner product": (w.inner(X, Y) ** 2, XX * YY, ((X, Y),), True),
    "as norms": (w.inner(X, Y) ** 2, F(X) ** 2 * F(Y) ** 2, ((X, Y),), True),
    "with the identity": (w.Trace(P) ** 2, w.Size("n") * PP, ((P, w.Identity("n")),), True),
    "blocks": (
        (w.inner(X, Y) + w.inner(P, Q)) ** 2, (XX + PP) * (YY + QQ), ((X, Y), (P, Q)), True
    ),
    "not squared": (w.inner(X, Y), XX * YY, ((X, Y),), False),
    "a factor too small": (w.inner(X, Y) ** 2, HALF * XX * YY, ((X, Y),), False),
    "another pair": (w.inner(X, Y) ** 2, XX * YY, ((X, Z),), False),
    "no transpose": (w.Trace(P @ Q) ** 2, PP * QQ, ((P, Q),), False),
    "shapes that do not fit": (w.inner(X, Y) ** 2, XX, ((X, P),), False),
    "scalars": (a**2, a**2, ((a, a),), False),
    "no pair": (w.inner(X, Y) ** 2, XX * YY, (), False),
    "blocks apart": (
        (w.inner(X, Y) + w.inner(P, Q)) ** 2, XX * YY + PP * QQ, ((X, Y), (P, Q)), False
    ),
    "reversed": (XX * YY, w.inner(X, Y) ** 2, ((X, Y),), False),
}  # fmt: skip


@pytest.mark.parametrize(("left", "right", "pairs", "true"), SQUARED.values(), ids=SQUARED)
def test_squared_cauchy_schwarz(left, right, pairs, true):
    assert holds("squared Cauchy-Schwarz", left, right, squares=pairs) is true


@table(TRIANGLE)
def test_the_triangle_inequality(left, right, true):
    assert holds("triangle", left, right) is true


@table(SUBMULTIPLICATIVE)
def test_products_are_bounded_by_their_factors(left, right, true):
    assert holds("submultiplicative", left, right) is true


@table(OPERATOR)
def test_the_operator_norm_is_below_the_frobenius_norm(left, right, true):
    assert holds("operator below Frobenius", left, right) is true


@table(CAUCHY_SCHWARZ)
def test_cauchy_schwarz(left, right, true):
    assert holds("Cauchy-Schwarz", left, right) is true


COMBINE = {
    "one replacement": (a * b, c * b, (le(a, c),), True),
    "a power": (a**2 * b, c**2 * b, (le(a, c),), True),
    "in turn": (a * b, c * c, (le(a, c), le(b, c)), True),
    "slack": (a, b + c, (le(a, b),), True),
    "an equation under any sign": (-a, -b, (eq(a, b),), True),
    "an equation on both sides": (c, b, (le(c, a), eq(a, b)), True),
    "a sum, added once": (a + z, b + y, (le(z + a, y + b),), True),
    "nothing used": (a, a + b, (), True),
    "equal sides of unknown sign": (z, z, (), True),
    "a bounded even power": (z**2 * a, b * a, (le(z**2, b),), True),
    "a scaled bound": (2 * a, b, (le(2 * a, b),), True),
    "norms": (F(X) * a, b * a, (le(F(X), b),), True),
    "0 is below": (w.word(0), a, (), True),
    "reversed use": (b, a, (le(a, b),), False),
    "negative factor": (-a, -b, (le(a, b),), False),
    "factor of unknown sign": (z * a, z * b, (le(a, b),), False),
    "bounded thing of unknown sign": (z * a, b * a, (le(z, b),), False),
    "odd power of unknown sign": (z**3, b * z, (le(z**2, b),), False),
    "an inverse power": (1 / a, 1 / b, (le(a, b),), False),
    "an inverse power of 0": (1 / z, w.word(0), (eq(z, 0),), False),
    "a negative even power": (z**-2, w.word(0), (le(z**2, 0),), False),
    "a common factor cancelled": (a, w.word(1), (le(a * b, b),), False),
    "a sum, added twice": (2 * a, 2 * b, (le(a + c, b + c),), False),
    "something too small": (a + c, b, (le(a, b),), False),
    "a negative bound": (a, b, (le(-a, b),), False),
    "a square root": (a, b, (le(a**2, b**2),), False),
    "unused": (a, b, (), False),
    "a number for 1": (a, b, (le(1, b),), False),
    "the wrong norm": (F(X), b, (le(O(X), b),), False),
    "identities of two sizes": (F(w.Identity("n")), F(w.Identity("m")), (), False),
    "a matrix relation": (a, b, (eq(w.Trace(P), w.Trace(Q)), le(a, b)), True),
}


@pytest.mark.parametrize(("left", "right", "uses", "true"), COMBINE.values(), ids=list(COMBINE))
def test_combination_replaces_only_beside_nonnegative_factors(left, right, uses, true):
    assert holds("combine", left, right, *uses) is true


def test_combination_refuses_relations_between_matrices():
    used = assumed("given", w.Relation(P, "=", Q), "")
    step = inequality(a, a, "", rule="combine", uses=(used,))
    assert "matrices" in RULES["combine"](step)


SQUARES = {
    "(x - y)^2": (2 * z * y, z**2 + y**2, ((1, z - y),), True),
    "weighted": (2 * a * z * y, a * z**2 + a * y**2, ((a, z - y),), True),
    "several": (2 * z * y - y**2, z**2 + y**2, ((1, z - y), (1, y)), True),
    "Young": (z * y, HALF * z**2 + HALF * y**2, ((HALF, z - y),), True),
    "one coefficient off": (2 * z * y, z**2 + 2 * y**2, ((1, z - y),), False),
    "3 for 2": (3 * z * y, z**2 + y**2, ((1, z - y),), False),
    "negative weight": (z**2 + y**2, 2 * z * y, ((-1, z - y),), False),
    "weight of unknown sign": (2 * z**3 * y, z * (z**4 + y**2), ((z, z**2 - y),), False),
    "no squares": (2 * z * y, z**2 + y**2, (), False),
    "with norms": (2 * F(X) * F(Y), F(X) ** 2 + F(Y) ** 2, ((1, F(X) - F(Y)),), True),
}


@pytest.mark.parametrize(("left", "right", "squares", "true"), SQUARES.values(), ids=list(SQUARES))
def test_a_sum_of_squares_is_checked_to_the_last_coefficient(left, right, squares, true):
    assert holds("sum of squares", left, right, squares=squares) is true


ROOTS = {
    "a^2 <= b^2": (z, a, (le(z**2, a**2),), True),
    "from norms": (F(X), a * F(Y), (le(w.squared_norm(X), a**2 * F(Y) ** 2),), True),
    "an equation": (z, a, (eq(z**2, a**2),), True),
    "right side of unknown sign": (z, y, (le(z**2, y**2),), False),
    "right side a difference": (z, a - b, (le(z**2, (a - b) ** 2),), False),
    "another square": (z, a, (le(z**2, a),), False),
    "another left": (y, a, (le(z**2, a**2),), False),
    "reversed": (z, a, (le(a**2, z**2),), False),
    "no step": (z, a, (), False),
    "two steps": (z, a, (le(z**2, a**2), le(z**2, a**2)), False),
}


@pytest.mark.parametrize(("left", "right", "uses", "true"), ROOTS.values(), ids=list(ROOTS))
def test_a_root_needs_a_right_side_that_is_surely_nonnegative(left, right, uses, true):
    assert holds("square root", left, right, *uses) is true


def test_signs_are_known_of_norms_sizes_declared_scalars_and_even_powers_only():
    for good in (F(X) * a, w.Size("n") * z**2, w.word(0), z**-2, a / b):
        assert is_nonnegative(normal_form(good))
    for bad in (z, -a, a - b, w.Trace(P), w.Trace(P.T @ P) * z, z * F(X)):
        assert not is_nonnegative(normal_form(bad))
    assert not is_nonnegative(normal_form(X))


def test_even_powers_of_frobenius_norms_are_written_as_traces():
    def squared(expression):
        return square_norms(normal_form(expression))

    assert (squared(F(X, P) ** 4) - squared((w.squared_norm(X) + w.squared_norm(P)) ** 2)).is_zero
    assert (squared(F(X) ** 3) - squared(w.squared_norm(X) * F(X))).is_zero
    assert not (squared(O(X) ** 2) - squared(w.squared_norm(X))).is_zero
    assert (squared(F(-2 * a * X) ** 2) - squared(4 * a**2 * w.squared_norm(X))).is_zero
