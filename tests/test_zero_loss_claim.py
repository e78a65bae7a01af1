"""The zero-loss claim rests on rates and invariants: what breaks one of them is caught."""

from __future__ import annotations

from fractions import Fraction

import pytest

import lora_proofs
from lora_proofs.arithmetic import EXACT, BallArithmetic, equal
from lora_proofs.claims.rushka_klabjan.trace_squared import orbit, zero_loss, zero_loss_flows
from lora_proofs.claims.rushka_klabjan.trace_squared import rates as derived
from lora_proofs.judging.evaluation import evaluate as judged
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Rejected, SeededDraw


def drawn(regime, count=6):
    found = []
    for key in range(40):
        try:
            found.append(zero_loss.draw(SeededDraw.keyed(key), regime))
        except Rejected:
            continue
    assert len(found) >= count
    return found[:count]


def caught():
    """Whether the check fails, beyond doubt, on a start of some regime."""
    starts = (x for regime in zero_loss.REGIMES for x in drawn(regime, count=3))
    return any(outcome(zero_loss.check, x) == "fails" for x in starts)


def outcome(check, instance):
    return judged(check, instance, BallArithmetic(200)).outcome


@pytest.mark.parametrize("regime", zero_loss.REGIMES)
def test_every_regime_holds(regime):
    for instance in drawn(regime):
        assert outcome(zero_loss.check, instance) == "holds"


def test_a_rate_that_is_not_the_conserved_one_is_caught(monkeypatch):
    true = zero_loss.off_the_cones
    monkeypatch.setattr(
        zero_loss, "off_the_cones", lambda instance, ctx, _: true(instance, ctx, EXACT.number(4))
    )
    assert caught()


def test_generic_starts_judged_as_if_on_a_cone_are_caught(monkeypatch):
    fleeing = zero_loss.fleeing
    monkeypatch.setattr(zero_loss, "off_the_cones", lambda instance, ctx, _: fleeing(instance, ctx))
    assert caught()


@pytest.mark.parametrize("branch", ["kept", "fleeing", "slow"])
def test_cone_starts_judged_as_if_off_the_cones_are_caught(monkeypatch, branch):
    generic = zero_loss.off_the_cones
    monkeypatch.setattr(
        zero_loss, branch, lambda instance, ctx: generic(instance, ctx, EXACT.number(0))
    )
    assert caught()


def test_one_tiny_time_is_not_enough(monkeypatch):
    monkeypatch.setattr(zero_loss, "TIMES", (Fraction(0), Fraction(1, 10**6)))
    assert lora_proofs.verify(zero_loss.claim, "quick").verdict == "INCONCLUSIVE"


@pytest.mark.parametrize("stop", [Fraction(1, 2), Fraction(8)])
def test_a_closed_form_that_stops_is_caught(monkeypatch, stop):
    true = zero_loss.trace_squared_closed_form
    monkeypatch.setattr(
        zero_loss,
        "trace_squared_closed_form",
        lambda W0, A0, B0, t, ctx: true(W0, A0, B0, min(t, stop), ctx),
    )
    assert caught()


@pytest.mark.parametrize("factor", [0, 2, -1])
def test_another_field_is_caught(monkeypatch, factor):
    true = orbit.lora_vector_field
    monkeypatch.setattr(
        orbit, "lora_vector_field", lambda *given: tuple(factor * x for x in true(*given))
    )
    assert caught()


def test_points_that_the_flow_does_not_reach_are_left_out():
    # T0 = 4 - 1 > 0: y rises from 1 to 2, where T = 0.
    start = Instance(W0=[[4]], A0=[[1]], B0=[[-1]], orbit=[[1, "1/2", "3/2", 2, 3]])
    assert [str(at.y) for at in orbit.reached(start)] == ["1", "3/2"]
    # T0 = 1 - 4 < 0: y falls from 1 to 1/2.
    start = Instance(W0=[[1]], A0=[[2]], B0=[[-2]], orbit=[[1, "1/3", "1/2", "2/3", 3]])
    assert [str(at.y) for at in orbit.reached(start)] == ["1", "2/3"]


def test_some_fleeing_starts_are_followed_beyond_the_start():
    assert any(len(list(orbit.reached(x))) > 1 for x in drawn("fleeing cone"))


@pytest.mark.parametrize("regime", ["generic", "zero B0", "kept cone", "cone with zero trace"])
def test_the_derived_lines_are_those_that_the_check_compares(regime):
    for instance in drawn(regime, count=3):
        values = orbit.interpret(instance, EXACT)
        checked = {c.label: c for c in orbit.rates(instance)}
        for relation in derived.CONCLUSION:
            found = checked[relation.label]
            sides = (evaluate(side, values, EXACT) for side in (relation.left, relation.right))
            for side, other in zip(sides, (found.left, found.right), strict=True):
                assert equal(relation.label, side, other).outcome == "holds"


def test_the_inequality_is_sharp_where_the_trace_of_BA_is_0():
    start = Instance(W0=[[1]], A0=[[2]], B0=[[0]], orbit=[[1]])
    (at,) = orbit.points(start)
    assert at.product == at.size**2 == 16


@pytest.mark.parametrize("name,factor", [("kappa^2", 100), ("b", 10), ("slow", 2)])
def test_a_bound_with_a_larger_rate_is_caught(monkeypatch, name, factor):
    true = zero_loss_flows.numbers
    monkeypatch.setattr(
        zero_loss_flows, "numbers", lambda x: {**true(x), name: factor * true(x)[name]}
    )
    starts = [x for regime in zero_loss.REGIMES for x in drawn(regime, count=3)]
    assert any(outcome(zero_loss_flows.bounds, x) == "fails" for x in starts)


def test_the_kept_level_is_that_of_one_cone_only(monkeypatch):
    true = zero_loss_flows.numbers
    monkeypatch.setattr(zero_loss_flows, "numbers", lambda x: {**true(x), "s": -true(x)["s"]})
    starts = drawn("generic") + drawn("kept cone")
    assert any(outcome(zero_loss_flows.bounds, x) == "fails" for x in starts)


def test_every_start_is_in_one_of_the_four_cases():
    for regime in zero_loss.REGIMES:
        for x in drawn(regime, count=3):
            k = zero_loss_flows.numbers(x)
            on_cone = orbit.squared_norm(x.lift(EXACT).B0.mT - x.lift(EXACT).A0) == 0 or (
                orbit.squared_norm(x.lift(EXACT).B0.mT + x.lift(EXACT).A0) == 0
            )
            assert (k["kappa^2"] == 0) == on_cone
            assert (k["b"] == 0) == (k["a"] == 0 or k["w"] == 0)
