"""What the letters of a statement and the fields of its instances mean is said, and is true."""

import re
from collections import Counter

import pytest

from lora_proofs import Instances
from lora_proofs.claims.rushka_klabjan.discretisation.quartic import Quartic
from lora_proofs.judging.drawing import draw_one
from lora_proofs.mathematics.loss_examples import ConcaveSquare, HoelderKink
from lora_proofs.mathematics.losses import _BY_NAME
from lora_proofs.report import render
from lora_proofs.report.exact import name_latex
from lora_proofs.report.fields import LOSSES, OF_CLAIM, meanings
from lora_proofs.report.symbols import _formulas, used
from lora_proofs.running.catalogue import load, shipped_claims


def fields_of(entry):
    """Every field of the claim's instances: one of each regime, and those of its controls."""
    claim = load(entry.locator)
    given = [claim.instances, *(control.instances for control in claim.controls)]
    for number, some in enumerate(given):
        if isinstance(some, Instances):
            names = some.regimes if number == 0 else some.regimes[:1]
            key = (0, claim.name, "said")
            found = [draw_one(some, regime, *key, regime, 0) for regime in names]
        else:
            found = list(some)
        for instance in found:
            yield from ({} if instance is None else instance.to_json()).items()


def unsaid(entry):
    """The fields that neither the chapter's words nor its formulas speak of."""
    record = {**entry.told, "name": entry.name, "shipped": True}
    words = " ".join([_formulas(record), *(k.latex for k in used(record))])
    plain = re.sub(r"[{}\\]", "", words)
    met = set()
    for name, value in fields_of(entry):
        said = meanings({**record, "search": {"at": {name: value}}})
        latex = re.sub(r"[{}\\]", "", name_latex(name) or name)
        shown = rf"(?<![A-Za-z]){re.escape(latex)}(?![A-Za-z])"
        if name != "regimes" and not said and not re.search(shown, plain):
            met.add(name)
    losses = {value for name, value in fields_of(entry) if name == "loss"} & {*_BY_NAME}
    return met - {field for loss in losses for field in _BY_NAME[loss][1]}


@pytest.mark.nightly
def test_no_field_of_a_shipped_instance_goes_without_a_meaning():
    found = Counter(field for entry in shipped_claims() for field in unsaid(entry))
    assert found == {}


SAID = (
    "classical/balancedness",
    "classical/deep-balancedness/two-layers",
    "rushka-klabjan/frobenius-riccati-limit",
    "rushka-klabjan/naive/frobenius-error-inverse-root-rank",
    "rushka-klabjan/naive/same-limit-at-infinite-time",
    "rushka-klabjan/trace-squared-expected-error-gaussian",
    "zeng-lee/linear-lower-bound",
    "zeng-lee/one-layer-relu-error-frobenius",
    "zeng-lee/transformer-threshold",
)


@pytest.mark.parametrize("name", SAID)
def test_every_field_of_an_instance_is_spoken_of(name):
    (entry,) = [one for one in shipped_claims() if one.name == name]
    assert unsaid(entry) == set()


def record(name, **more):
    (entry,) = [one for one in shipped_claims() if one.name == name]
    return {**entry.told, "name": name, "shipped": True, "verdict": "PROVED", **more}


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("rushka-klabjan/frobenius-riccati-limit", "\\mu"),
        ("rushka-klabjan/frobenius-decoupling", "\\tau(t)"),
        ("rushka-klabjan/norm-bounds", "p"),
        ("rushka-klabjan/frobenius-greedy-limit", "g"),
        ("rushka-klabjan/nuclear-norm-law", "\\dot X"),
    ],
)
def test_a_letter_of_another_claim_is_not_explained(name, symbol):
    assert symbol not in [known.latex for known in used(record(name))]


def test_letters_of_well_known_flows_and_of_heads_are_explained():
    letters = [known.latex for known in used(record("classical/balancedness"))]
    assert {"A", "B", "G", "X^\\top"} <= set(letters)
    heads = [known.latex for known in used(record("zeng-lee/transformer-threshold"))]
    assert {"W_Q, W_K, W_V, W_O", "Q, K, V, O", "\\bar W"} <= set(heads)


def test_a_regime_is_told_in_words_and_a_loss_by_its_formula():
    at = {"C": [["1"]], "loss": "cubic", "regimes": ["generic"]}
    text = render([record("classical/balancedness", search={"closest": "1", "at": at})], "markdown")
    assert "in the regime: generic" in text and "`regimes`" not in text
    assert "**In the instances:** `loss = cubic` is" in text


def test_every_meaning_is_of_a_claim_that_is_shipped():
    assert set(OF_CLAIM) <= {entry.name for entry in shipped_claims()}
    examples = {ConcaveSquare().name, HoelderKink(None).name, Quartic(None).name}
    assert set(LOSSES) == set(_BY_NAME) | examples


def test_a_claim_of_ones_own_is_no_reading_of_a_paper_and_its_loss_is_written_out():
    at = {"W0": [["1"]], "loss": "frobenius", "mine": "2"}
    source = {"paper": "my-notes", "status": "our reading", "evidence": "recalled"}
    own = {"name": "my/claim", "statement": "$x$", "source": source}
    text = render([{**own, "search": {"closest": "1", "at": at}}], "markdown")
    assert "a claim of its author's own" in text and "vague sentence" not in text
    assert "`loss = frobenius` is" in text and "`mine` is" not in text


def test_advice_to_authors_stands_in_no_report():
    note = "It is weaker for it. If each field may be anything, say so in Instances(admits=...)"
    told = {"name": "my/claim", "reasons": [note], "notes": [note]}
    assert "Instances(" not in render([told], "markdown")
    misses = "the construction misses on Instance(D=6, L=5, regimes=('three layers',)) ('rank')"
    text = render([{"name": "my/claim", "reasons": [misses]}], "markdown")
    assert text.count("misses on the instance D=6, L=5 ('rank')") == 2
