"""The refutation of the same-limit reading rests on its traps, not on a finite run."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

import lora_proofs
from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.claims.rushka_klabjan.naive import same_limit_at_infinite_time as naive
from lora_proofs.judging.evaluation import RIGOROUS, ladder, settle
from lora_proofs.mathematics.instance import Instance

HALF, TENTH = Fraction(1, 2), Fraction(1, 10)


def verdict():
    return lora_proofs.verify(naive.claim, "quick").to_dict()["verdict"]


def start(a, b, **more):
    return Instance(**{"a0": a, "b0": b, "h": "1/10", "steps": 60, **more})


def judged(instance):
    return settle(naive.check, instance, ladder(RIGOROUS, 50))


def test_the_refutation_is_a_trap_confirmed_by_balls():
    found = lora_proofs.verify(naive.claim, "quick").to_dict()
    counterexample = found["counterexample"]
    assert found["verdict"] == "REFUTED"
    assert (counterexample["kind"], counterexample["confirmed_by"]) == ("trap", "ball")
    instance = counterexample["instance"]
    assert Instance.from_json(instance).a0 == -Instance.from_json(instance).b0


def test_without_a_trap_nothing_is_decided(monkeypatch):
    monkeypatch.setitem(naive.TRAPS, "A-first", lambda a, b, h: False)
    assert verdict() == "INCONCLUSIVE"
    assert judged(start("1/2", "-1/2")).outcome == "unavailable"


@pytest.mark.parametrize("steps", [1, 7])
def test_a_run_that_is_too_short_decides_nothing(steps):
    assert judged(start("1/2", "-1/2", steps=steps)).outcome == "unavailable"


@pytest.mark.parametrize("a", ["1/4", "1/2", "3/4", 1])
@pytest.mark.parametrize("b", ["1/4", "1/2", "3/4"])
def test_starts_of_one_sign_have_the_same_limit(a, b):
    found = judged(start(a, b))
    assert found.certifies


@pytest.mark.parametrize(
    ("a", "b", "broken"),
    [
        (HALF, -HALF, "w > 0"),
        (3, HALF, "w < 1"),
        (Fraction(1, 8), 4, "a^2 >= h"),
        (4, Fraction(1, 8), "b^2 >= h"),
    ],
)
def test_each_condition_of_the_trap_is_needed(a, b, broken):
    met = naive.conditions(a, b, TENTH)
    assert [name for name, holds in met.items() if not holds] == [broken]
    assert naive.trap(a, b, TENTH) is False


@pytest.mark.parametrize(
    ("a", "b", "h", "inside"),
    [
        (HALF, HALF, TENTH, True),
        (-HALF, -HALF, TENTH, True),
        (HALF, HALF, Fraction(2, 5), True),
        (HALF, HALF, HALF, False),  # h sqrt(0 + 4) = 1 > 1 - h^2/4
        (HALF, HALF, 5, False),  # 1 - h^2/4 is negative: its square must not count
        (HALF, -HALF, TENTH, False),
        (2, HALF, TENTH, False),  # w = 1
        (10, Fraction(1, 20), TENTH, False),  # D is large
        (0, HALF, TENTH, False),
    ],
)
def test_the_trap_of_simultaneous_descent(a, b, h, inside):
    assert naive.simultaneous_trap(a, b, h) is inside


@pytest.mark.parametrize("mode", ["A-first", "simultaneous"])
def test_in_the_trap_the_distance_to_1_shrinks_by_the_factor(mode):
    instance = start("1/2", "3/4", h="1/5")
    points = list(naive.iterates(mode, 5, instance, EXACT))
    h = EXACT.number(instance.h)
    q = naive.factor(mode, *points[0], h)
    for (a, b), (x, y) in pairwise(points):
        assert naive.TRAPS[mode](a, b, h)
        assert 0 < 1 - x * y <= q * (1 - a * b)


def test_the_line_is_kept_and_only_the_line():
    assert [c.outcome for c in naive.keeps_the_line(start("3/4", "-3/4"))] == ["holds"]
    *_, (a, b) = naive.iterates("simultaneous", 5, start("3/4", "-3/4"), EXACT)
    assert a == -b and a != 0


def test_the_factor_of_the_claim_is_below_one_in_balls():
    found = list(naive.rises_to_one("A-first", start("1/2", "-1/2"), BallArithmetic(50)))
    assert [c.outcome for c in found] == ["holds"] * 3
