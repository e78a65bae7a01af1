"""Comparisons are three-valued: what is not decided is never said to hold or to fail."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    BallArithmetic,
    MultiprecisionArithmetic,
    at_least,
    at_most,
    below,
    comparison,
    equal,
)
from lora_proofs.arithmetic.comparison import confirm_outcome, size
from lora_proofs.errors import BadInput, ShapeMismatch

MP = MultiprecisionArithmetic(30)
HALF = flint.fmpq(1, 2)


def ball(mid, radius="0.001"):
    return flint.arb(mid, radius)


EXACT_CASES = [
    (at_most, 1, 2, "holds"), (at_most, 1, 1, "holds"), (at_most, 2, 1, "fails"),
    (at_least, 2, 1, "holds"), (at_least, 1, 1, "holds"), (at_least, 1, 2, "fails"),
    (below, 1, 2, "holds"), (below, 1, 1, "fails"), (below, 2, 1, "fails"),
    (equal, HALF, Fraction(1, 2), "holds"), (equal, HALF, 1, "fails"),
    (equal, np.int64(2), flint.fmpz(2), "holds"),
]  # fmt: skip


@pytest.mark.parametrize(("compare", "left", "right", "outcome"), EXACT_CASES)
def test_exact_numbers_decide(compare, left, right, outcome):
    found = compare("x", left, right)
    assert (found.outcome, found.rigorous) == (outcome, True)
    assert found.radius == 0


BALL_CASES = [
    (at_most, ball(1), ball(2), "holds"), (at_most, ball(2), ball(1), "fails"),
    (at_most, ball(1), ball(1), "undecided"), (below, ball(1), ball(1), "undecided"),
    (at_least, ball(1), ball(1), "undecided"), (at_least, ball(1), ball(2), "fails"),
    (equal, ball(1), ball(1), "undecided"), (equal, ball(1), ball(2), "fails"),
    (equal, flint.arb(1), flint.arb(1), "holds"), (at_most, flint.arb(1), 1, "holds"),
    (below, flint.arb(1), 1, "fails"), (equal, ball(1), 1, "undecided"),
    (at_most, flint.arb("nan"), 1, "undecided"), (equal, flint.arb("nan"), 1, "undecided"),
    (at_least, flint.arb(0, "inf"), 1, "undecided"),
]  # fmt: skip


@pytest.mark.parametrize(("compare", "left", "right", "outcome"), BALL_CASES)
def test_balls_decide_only_where_they_do_not_overlap(compare, left, right, outcome):
    found = compare("x", left, right)
    assert (found.outcome, found.rigorous) == (outcome, True)


FLOAT_CASES = [
    (at_most, 1.0, 2.0, "holds"), (at_most, 2.0, 1.0, "fails"), (at_most, 1.0, 1.0, "undecided"),
    (equal, 1.0, 1.0 + 1e-12, "holds"), (equal, 1.0, 1.1, "fails"),
    (at_most, float("nan"), 1.0, "undecided"), (equal, float("nan"), 1.0, "undecided"),
    (at_most, float("inf"), 1.0, "undecided"), (at_least, 1.0, 1.0 - 1e-12, "undecided"),
    (equal, 0.5, HALF, "holds"), (equal, HALF, np.float64(0.5), "holds"),
    (equal, MP.number("0.1"), flint.fmpq(1, 10), "holds"), (at_most, MP.number(2), 1, "fails"),
    (equal, MP.number(1), MP.number("1.00000000000000001"), "fails"),
]  # fmt: skip


@pytest.mark.parametrize(("compare", "left", "right", "outcome"), FLOAT_CASES)
def test_floats_allow_for_a_radius_and_are_never_rigorous(compare, left, right, outcome):
    found = compare("x", left, right)
    assert (found.outcome, found.rigorous) == (outcome, False)


def test_a_stated_radius_widens_the_comparison():
    assert at_most("x", 1.0, 1.05, radius=0.1).outcome == "undecided"
    assert equal("x", 1.0, 1.05, radius=0.1).outcome == "holds"
    assert at_most("x", 1, 2, radius=3).outcome == "undecided"
    assert at_most("x", 1, 2, radius=HALF).outcome == "holds"
    assert equal("x", 1, 1, radius=0).outcome == "holds"
    assert equal("x", 1, 1, radius=HALF).outcome == "undecided"
    assert at_most("x", flint.arb(1), flint.arb(2), radius=flint.arb(3)).outcome == "undecided"


@pytest.mark.parametrize("radius", [-1, -1e-9, float("nan"), float("inf"), flint.arb(-1)])
def test_a_radius_that_is_negative_or_no_number_is_refused(radius):
    for left, right in ((1, 2), (1.0, 2.0), (flint.arb(1), flint.arb(2))):
        with pytest.raises(BadInput, match="radius"):
            at_most("x", left, right, radius=radius)


def test_matrices_are_compared_entry_by_entry():
    X = EXACT.matrix([[1, 2], [3, 4]])
    assert equal("X", X, X).outcome == "holds"
    found = equal("X", X, EXACT.matrix([[1, 2], [3, 5]]))
    assert (found.outcome, found.rigorous, abs(found.slack)) == ("fails", True, 1)
    mixed = np.array([[ball(1), flint.arb(2)]], dtype=object)
    assert equal("X", mixed, np.array([[ball(1), flint.arb(3)]], dtype=object)).outcome == "fails"
    assert equal("X", mixed, mixed).outcome == "undecided"
    assert equal("X", np.array([[1.0]]), np.array([[float("nan")]])).outcome == "undecided"


def test_shapes_and_orders_that_do_not_fit_are_refused():
    X = EXACT.matrix([[1, 2]])
    with pytest.raises(ShapeMismatch, match=r"\(1, 2\) and \(2, 1\)"):
        equal("X", X, X.mT)
    with pytest.raises(ShapeMismatch):
        equal("X", X, 1)
    with pytest.raises(BadInput, match="compared by '='"):
        at_most("X", X, X)
    with pytest.raises(BadInput, match="with entries"):
        equal("X", np.empty((0, 2)), np.empty((0, 2)))


@pytest.mark.parametrize("value", [True, None, "1", 1j, [1]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(BadInput, match="comparison 'x'"):
        equal("x", value, 1)


def test_a_ball_and_a_float_do_not_mix():
    with pytest.raises(BadInput, match="mixes a ball with a float"):
        at_most("x", flint.arb(1), 2.0)
    with pytest.raises(BadInput, match="mixes"):
        at_most("x", MP.number(1), flint.arb(2))


def test_a_comparison_is_plain_data_with_exact_numbers():
    data = at_most("bound", HALF, Fraction(1, 3)).to_dict()
    assert data == {
        "label": "bound", "left": "1/2", "relation": "<=", "right": "1/3", "slack": "-1/6",
        "radius": "0", "outcome": "fails",
    }  # fmt: skip
    assert equal("x", 0.1, 0.1).to_dict()["left"] == "0.1"
    assert equal("x", mpmath.mpf(1), 1).to_dict()["left"] == "1.0"


HUGE = flint.fmpq(10) ** 5000


def test_exact_numbers_beyond_the_floats_are_compared():
    assert at_most("huge", -HUGE, HUGE).outcome == "holds"
    found = equal("matrix", np.array([[HUGE, 0]]), np.array([[1, 0]]))
    assert (found.outcome, found.slack) == ("fails", 1 - HUGE)
    assert found.to_dict()["left"] == [["1" + 5000 * "0", "0"]]
    assert at_most("float", 1.0, HUGE).outcome == "undecided"


def test_the_size_of_a_number_is_a_float():
    assert (size(HUGE), size(-HUGE), size(1 / HUGE)) == (float("inf"), -float("inf"), 0)
    assert size(flint.arb(3, "0.5")) == 3


def test_equal_rational_matrices_are_not_compared_one_by_one(monkeypatch):
    X = EXACT.matrix([[1, HALF], [0, -2]])
    expected = replace(equal("X", X, X + flint.fmpq(1)), outcome="holds", slack=HALF * 0)
    met, plain = [], comparison._gap
    monkeypatch.setattr(comparison, "_gap", lambda *sides: met.append(sides) or plain(*sides))
    found = equal("X", X, X.copy())
    assert not met
    assert found.to_dict() | {"right": 0} == expected.to_dict() | {"right": 0}
    assert found.rigorous
    assert equal("X", X, X * flint.fmpq(2)).outcome == "fails"


def test_an_outcome_is_confirmed_from_its_sides():
    third = BallArithmetic(20)
    with third.working():
        close = [at_most("1/3", third.number("1/3"), third.number("1/3")), at_most("2", 1, 2)]
        narrow = at_most("more digits", flint.arb(1), 1 + flint.arb(2) ** -90)
        for radius in (None, 0.5, flint.arb(3)):
            confirm_outcome(at_most("stated", flint.arb(1), flint.arb(2), radius=radius))
    for told in (*close, narrow, at_most("float", 1.0, 2.0), equal("float", 1.0, 2.0, radius=3.0)):
        confirm_outcome(told)


@pytest.mark.parametrize("sides", [(2, 1), (2.0, 1.0), (flint.arb(2), flint.arb(1))], ids=str)
@pytest.mark.parametrize("change", [{"outcome": "holds"}, {"rigorous": None}, {"relation": ">"}])
def test_an_outcome_that_the_sides_do_not_give_is_refused(sides, change):
    with pytest.raises(BadInput, match="comparison 'forged': expected"):
        confirm_outcome(replace(at_most("forged", *sides), **change))


def test_an_exact_outcome_is_never_left_open():
    with pytest.raises(BadInput, match="'fails' that its sides give, got 'undecided'"):
        confirm_outcome(replace(at_most("x", 2, 1), outcome="undecided"))
