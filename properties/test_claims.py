"""Hypothesis asks every claim: one test for each claim and obligation, and no theorem by name.

Where the baseline says REFUTED a counterexample has to be found; everywhere else none may be.
"""

import time
from functools import cache

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from lora_proofs.judging.controls import run_control
from lora_proofs.judging.counterexample import Refutation, refute
from lora_proofs.judging.evaluation import assumptions_on, evaluate, ladder
from lora_proofs.language.claim import Instances
from lora_proofs.language.verdict import Verdict
from lora_proofs.running.catalogue import load, shipped_claims
from lora_proofs.running.deriving import confront, derive_claim
from lora_proofs.running.expected import expected_verdict
from lora_proofs.strategies import Rejected, SeededDraw, hypothesis_strategy

DIGITS = 30
ENTRIES = shipped_claims()
FALSE = [e for e in ENTRIES if expected_verdict(e.name, "quick") == Verdict.REFUTED]
TRUE = [e for e in ENTRIES if e not in FALSE]


def tasks(entries, obligation):
    """One test for each claim and each thing that the obligation has to look at."""
    claims = [load(entry.locator) for entry in entries]
    return [
        pytest.param(claim, what, id=f"{claim.name}-{label}")
        for claim in claims
        for what, label in obligation(claim)
    ]


def regimes(claim):
    return [(regime, regime.replace(" ", "_")) for regime in claim.instances.regimes]


def controls(claim):
    return [(index, f"control_{index}") for index in range(1, len(claim.controls) + 1)]


def whole(claim):
    return [(None, "claim")]


def one_instance(claim, regime):
    """An instance of the regime: a draw may be rejected, a hundred in a row are not."""
    for k in range(100):
        try:
            return claim.instances.draw(SeededDraw.keyed("cost", regime, k), regime)
        except Rejected:
            continue
    raise AssertionError(f"{claim.name}: 100 draws of the regime {regime!r} were rejected")


@cache
def cost(claim, regime):
    """Seconds that one instance takes, rounded up to a power of 4 so that it rarely changes."""
    instance = one_instance(claim, regime)
    started = time.perf_counter()
    refute(claim, instance, DIGITS)
    spent = time.perf_counter() - started
    return next(4.0**k for k in range(-3, 6) if spent <= 4.0**k)


def fewer(claim, regime):
    """The profile, with as many examples as its time allows and at least 3.

    The regimes of a claim share half a second at dev and ci, and 40 at nightly.
    """
    wanted = settings().max_examples
    each = (40 if wanted >= 10_000 else 0.5) / len(claim.instances.regimes)
    affordable = int(each / cost(claim, regime))
    return settings(settings(), max_examples=max(3, min(wanted, affordable)))


@pytest.mark.parametrize("claim,regime", tasks(TRUE, regimes))
def test_no_instance_refutes_it(claim, regime):
    @fewer(claim, regime)
    @given(hypothesis_strategy(claim.instances, regime))
    def holds(instance):
        found = refute(claim, instance, DIGITS)
        assert not isinstance(found, Refutation), found.to_dict(claim)

    holds()


@pytest.mark.parametrize("claim,regime", tasks(ENTRIES, regimes))
def test_its_assumptions_can_be_met(claim, regime):
    def met(instance):
        found = assumptions_on(claim, instance, DIGITS, rigorously=True)
        return all(judged.certifies for judged in found.values())

    quiet = settings(settings(), max_examples=20, phases=[Phase.generate])
    find(hypothesis_strategy(claim.instances, regime), met, settings=quiet)


@pytest.mark.parametrize("claim,_", tasks(FALSE, whole))
def test_a_counterexample_is_found(claim, _):
    def refuted(instance):
        return isinstance(refute(claim, instance, DIGITS), Refutation)

    quiet = settings(settings(), phases=[Phase.generate])
    try:
        find(hypothesis_strategy(claim.instances), refuted, settings=quiet)
    except NoSuchExample:
        pytest.fail(f"{claim.name} is expected to be REFUTED, and no counterexample was found")


@pytest.mark.parametrize("claim,index", tasks(ENTRIES, controls))
def test_a_control_is_refuted(claim, index):
    found = run_control(claim, index, 1, DIGITS)
    assert found.outcome == "refuted", f"{found.why}: {found.problem}"


def derived(claim):
    return [(None, "derivation")] if claim.derive else []


@pytest.mark.parametrize("claim,_", tasks(ENTRIES, derived))
def test_every_derived_line_holds_on_instances(claim, _):
    found = derive_claim(claim)

    @settings(settings(), max_examples=max(5, min(100, settings().max_examples // 30)))
    @given(hypothesis_strategy(claim.instances))
    def lines_hold(instance):
        met = confront(claim, found, [instance], DIGITS)
        assert not met.broken_line

    lines_hold()


def swept(claim):
    return [(regime, label) for regime, label in regimes(claim) if claim.check_batch]


@pytest.mark.parametrize("claim,regime", tasks(ENTRIES, swept))
def test_the_fast_path_suspects_whatever_fails(claim, regime):
    @fewer(claim, regime)
    @given(hypothesis_strategy(claim.instances, regime))
    def suspects(instance):
        (slack,) = claim.check_batch([instance])
        judged = [evaluate(claim.check, instance, ctx) for ctx in ladder(("ball",), DIGITS)]
        assert not any(found.refutes for found in judged) or not float(slack) >= 0

    suspects()


def test_every_claim_is_asked():
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert all(isinstance(load(entry.locator).instances, Instances) for entry in ENTRIES)
