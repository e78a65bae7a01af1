"""One test for every rung of the ladder, and for the order of the rungs."""

from dataclasses import replace

import pytest

from lora_proofs.errors import Contradiction
from lora_proofs.language.budget import BUDGETS, budget
from lora_proofs.language.evidence import (
    CertificateEvidence,
    ControlEvidence,
    Evidence,
    SampleEvidence,
)
from lora_proofs.language.verdict import Verdict, as_expected, judge
from lora_proofs.symbolic.steps import DerivationEvidence

QUICK = budget("quick")
DERIVED = DerivationEvidence(
    lines=(),
    closed=True,
    scope="all shapes",
    engines=("normal form", "explicit entries"),
    cites=("a lemma",),
    prose=(),
    problems=(),
    evaluated_on=10,
)
COUNTEREXAMPLE = {"kind": "value", "instance": {"x": 1}, "confirmed_by": "exact"}
SUPPORTED = Evidence(
    samples=SampleEvidence(instances=30, distinct=30, regimes={"a": 15, "b": 15}),
    controls=(ControlEvidence(None, "sharper", "refuted"),),
    declared_regimes=("a", "b"),
)
CERTIFIED = replace(
    SUPPORTED, certificates=CertificateEvidence(12, {"a": 6, "b": 6}, "exact", trivial=3)
)
PROVED = replace(CERTIFIED, derivation=DERIVED)


def verdict(evidence):
    return judge(evidence, QUICK).verdict


def samples(**changes):
    return replace(SUPPORTED, samples=replace(SUPPORTED.samples, **changes))


def certificates(**changes):
    return replace(CERTIFIED, certificates=replace(CERTIFIED.certificates, **changes))


def derivation(**changes):
    return replace(PROVED, derivation=replace(DERIVED, **changes))


def test_a_broken_line_is_a_contradiction():
    with pytest.raises(Contradiction, match="breaks the derived line 2"):
        judge(derivation(broken_line="2"), QUICK)


def test_a_closed_derivation_and_a_counterexample_are_a_contradiction():
    with pytest.raises(Contradiction, match="one of the formalisation, the check and the engine"):
        judge(replace(PROVED, counterexample=COUNTEREXAMPLE), QUICK)


def test_a_counterexample_refutes_even_where_a_control_survived():
    survived = (ControlEvidence(None, "sharper", "survived"),)
    found = judge(replace(SUPPORTED, counterexample=COUNTEREXAMPLE, controls=survived), QUICK)
    assert found.verdict == Verdict.REFUTED
    assert found.scope == "one exact instance"
    assert "confirmed by exact" in found.reasons[0]


def test_an_open_derivation_does_not_stop_a_refutation():
    assert verdict(replace(derivation(closed=False), counterexample=COUNTEREXAMPLE)) == "REFUTED"


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (replace(PROVED, error={"type": "E", "message": "m", "where": "w"}), "raised E: m (w)"),
        (replace(PROVED, exhausted="20 s"), "budget exhausted: 20 s"),
        (replace(PROVED, samples=replace(PROVED.samples, empty=True)), "yields no comparison"),
        (replace(PROVED, samples=replace(PROVED.samples, constant=True)), "ignores its input"),
        (replace(PROVED, problems=("assumption says nothing",)), "assumption says nothing"),
        (replace(PROVED, suspect="x"), "did not confirm: x"),
        (
            replace(PROVED, controls=(ControlEvidence("a", "w", "survived", None, "p"),)),
            "a control survived: w (p)",
        ),
        (replace(PROVED, controls=()), "no control was run"),
    ],
)
def test_what_blocks_every_verdict(evidence, reason):
    found = judge(evidence, QUICK)
    assert found.verdict == Verdict.INCONCLUSIVE
    assert any(reason in told for told in found.reasons), found.reasons


def test_proved_with_scope_and_cites():
    found = judge(PROVED, QUICK)
    assert found.verdict == Verdict.PROVED
    assert found.scope == "all shapes"
    assert found.cites == ("a lemma",)
    assert str(found) == "PROVED on all shapes, modulo a lemma"


def test_proved_says_what_closed_each_sentence_and_what_no_control_drops():
    said = {"sentences": ("a lemma: it is so <- assumption 'one': $x$",), "uncontrolled": ("x",)}
    reasons = judge(derivation(**said), QUICK).reasons
    assert "in words, read by no engine: a lemma: it is so <- assumption 'one': $x$" in reasons
    assert "granted without a control: x" in reasons
    assert not any("control" in told for told in judge(PROVED, QUICK).reasons)


def test_proved_at_fixed_shapes():
    assert judge(derivation(scope="shapes (2, 2, 1)"), QUICK).scope == "shapes (2, 2, 1)"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"closed": False, "prose": ("by hand",)}, "the step 'by hand' is prose"),
        ({"closed": False, "problems": ("line 1: open",)}, "line 1: open"),
        ({"problems": ("what is derived is not what is checked",)}, "not what is checked"),
    ],
)
def test_what_keeps_a_derivation_from_proof(changes, reason):
    found = judge(derivation(**changes), QUICK)
    assert found.verdict == Verdict.CERTIFIED
    assert any(reason in told for told in found.reasons)


def test_certified_on_the_instances_that_were_judged():
    found = judge(CERTIFIED, QUICK)
    assert (found.verdict, found.scope) == (Verdict.CERTIFIED, "12 instances")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"instances": 11}, "11 distinct instances judged rigorously, 12 needed"),
        ({"regimes": {"a": 11, "b": 1}}, "regime 'b' has 1 rigorous instances"),
        ({"trivial": 12}, "trivial (0 against 0)"),
    ],
)
def test_what_keeps_samples_from_certifying(changes, reason):
    found = judge(certificates(**changes), QUICK)
    assert found.verdict == Verdict.SUPPORTED
    assert found.scope == "30 sampled instances in 2 regimes"
    assert any(reason in told for told in found.reasons)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"instances": 0}, "no instance drawn"),
        ({"instances": 0, "discarded": 9}, "vacuous: the assumptions held on none of 9 draws"),
        ({"discarded": 8}, "8 of 38 draws broke an assumption"),
        ({"instances": 29}, "29 instances judged, 30 needed"),
        ({"distinct": 3}, "only 3 distinct among 30 instances"),
        ({"regimes": {"a": 26, "b": 4}}, "regime 'b' has 4 instances, 5 needed"),
        ({"regimes": {"a": 30}}, "regime 'b' has 0 instances"),
        ({"undecided": 1}, "1 instances undecided"),
    ],
)
def test_what_keeps_samples_from_supporting(changes, reason):
    found = judge(samples(**changes), QUICK)
    assert found.verdict == Verdict.INCONCLUSIVE
    assert any(reason in told for told in found.reasons), found.reasons


def test_weak_samples_keep_a_closed_derivation_from_proof():
    weak = replace(PROVED, samples=replace(PROVED.samples, instances=29))
    assert verdict(weak) == Verdict.INCONCLUSIVE


def test_a_fifth_of_the_draws_may_be_discarded():
    assert verdict(samples(discarded=7)) == Verdict.SUPPORTED


@pytest.mark.parametrize("name", BUDGETS)
def test_judge_is_total_on_no_evidence(name):
    assert judge(Evidence(), budget(name)).verdict == Verdict.INCONCLUSIVE


@pytest.mark.parametrize("found", list(Verdict))
@pytest.mark.parametrize("expected", [*Verdict, None])
def test_a_baseline_is_met_by_equal_or_stronger(found, expected):
    order = ["INCONCLUSIVE", "SUPPORTED", "CERTIFIED", "PROVED"]
    if expected is None or found == expected:
        wanted = True
    elif "REFUTED" in (found, expected):
        wanted = False
    else:
        wanted = order.index(found) >= order.index(expected)
    assert as_expected(found, expected) is wanted
