"""Instances: exact, printable, and the same after a round trip."""

from __future__ import annotations

import json
from fractions import Fraction

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.instance import Instance

FULL = Instance(
    W0=[[1, "1/2"], [-3, "0.1"]],
    t="2.5e-1",
    h=0.1,
    big=2**80,
    loss="frobenius",
    inner=Instance(A0=[[0]], name="x", regimes=("deep",)),
    regimes=("generic", "zero B0"),
)


def test_the_round_trip_through_json_text_is_the_identity():
    again = Instance.from_json(json.loads(json.dumps(FULL.to_json())))
    assert again == FULL and hash(again) == hash(FULL)
    assert again.regimes == ("generic", "zero B0") and again.inner.regimes == ("deep",)


def test_numbers_are_exact_as_they_were_written():
    assert FULL.W0[1] == (Fraction(-3), Fraction(1, 10))
    assert FULL.t == Fraction(1, 4) and FULL.big == 2**80
    assert FULL.h == Fraction(0.1) != Fraction(1, 10)  # a float is its binary value
    assert FULL.to_json()["big"] == str(2**80)  # beyond what JSON numbers keep


def test_an_instance_prints_as_it_can_be_written():
    assert repr(Instance(a=[[1, "1/3"]], t="1/2")) == "Instance(a=[[1, '1/3']], t='1/2')"
    again = eval(repr(FULL), {"Instance": Instance})
    assert again == FULL


def test_fields_are_read_listed_and_replaced():
    assert list(Instance(a=1, b=2)) == ["a", "b"] and "a" in FULL.replace(a=1)
    moved = FULL.replace(t=3, regimes=())
    assert (moved.t, moved.loss, moved.regimes) == (3, "frobenius", ()) and FULL.t != 3
    with pytest.raises(AttributeError, match="no field 'Y'; it has W0"):
        _ = FULL.Y


def test_lifting_gives_the_numbers_of_an_arithmetic():
    exact = FULL.lift(EXACT)
    assert exact.W0[0, 1] == flint.fmpq(1, 2) and exact.loss == "frobenius"
    assert exact.inner.A0.shape == (1, 1)
    ball = BallArithmetic(30)
    with ball.working():
        assert FULL.lift(ball).W0[1, 1].contains(flint.fmpq(1, 10))


def test_arrays_and_tuples_of_rows_are_rows():
    rows = Instance(a=[[1, 2], [3, 4]])
    assert Instance(a=((1, 2), (3, 4))) == rows == Instance(a=np.array([[1, 2], [3, 4]]))
    assert Instance(a=EXACT.matrix([[1, 2], [3, 4]])) == rows


REFUSED = {
    "ragged rows": {"a": [[1, 2], [3]]},
    "no rows": {"a": []},
    "rows of length 0": {"a": [[], []]},
    "a flat list": {"a": [1, 2]},
    "a text for a row": {"a": ["12", "34"]},
    "NaN": {"a": float("nan")},
    "NaN in a row": {"a": [[1, float("nan")]]},
    "infinity": {"a": float("inf")},
    "a truth value": {"a": True},
    "a truth value in a row": {"a": [[True]]},
    "a zero denominator": {"a": [["1/0"]]},
    "None": {"a": None},
    "a complex number": {"a": 1j},
    "a word in a row": {"a": [["one"]]},
    "a nested field that is wrong": {"a": {"b": [[1], [2, 3]]}},
    "a name that is taken": {"replace": 1},
    "a private name": {"_a": 1},
    "the name of the fields": {"fields": 1},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_exact_data_is_refused(name):
    with pytest.raises(BadInput):
        Instance(**REFUSED[name])


def test_a_wrong_entry_is_named_by_its_place():
    with pytest.raises(BadInput, match=r"W0\[2\]\[1\]"):
        Instance(W0=[[1], ["1/0"]])
    with pytest.raises(BadInput, match="JSON object"):
        Instance.from_json([1, 2])


def test_a_tag_is_text_that_is_no_number():
    assert Instance(a="1/2").a == Fraction(1, 2) and Instance(a="1/2 of it").a == "1/2 of it"
    assert Instance.from_json(Instance(a="x/0").to_json()).a == "x/0"


def test_numbers_of_many_digits_keep_their_round_trip():
    big = Instance(x=10**5000, W0=[[Fraction(1, 10**5000 + 1)]])
    assert Instance.from_json(json.loads(json.dumps(big.to_json()))) == big
    assert "0" * 5000 in repr(big)


@pytest.mark.parametrize("text", ["1/0", "1e9999", "1" * 100_001])
def test_a_number_that_is_refused_is_no_tag(text):
    with pytest.raises(BadInput, match="a: expected"):
        Instance(a=text)


@pytest.mark.parametrize("regimes", [5, "generic", [1], None, {"generic": 1}])
def test_regimes_are_a_list_of_names(regimes):
    with pytest.raises(BadInput, match="regimes: expected a list"):
        Instance.from_json({"x": 1, "regimes": regimes})
