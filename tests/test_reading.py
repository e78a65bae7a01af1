"""What is read from a ledger is a record, or is refused with the field that is not."""

import json

import pytest

from lora_proofs.running.reading import DEEPEST, Malformed, record_of

COMPARISON = {"label": "b", "left": "1", "relation": "<=", "right": "[0 +/- 1e-9]", "slack": "-1"}
FOUND = {"instance": {"A": [["1/2"]]}, "comparison": COMPARISON}
WHOLE = {
    "name": "tests/x",
    "verdict": "REFUTED",
    "seconds": 1.5,
    "source": {"paper": "classical", "corrected_by": None},
    "samples": {"instances": 3, "regimes": {"generic": 3}, "smallest_slack": ""},
    "controls": [{"outcome": "refuted", "counterexample": FOUND}],
    "counterexample": FOUND,
    "draws": {"draws": 3, "at_most": "1", "exactly": "0.6", "regimes": {}},
    "run": {"budget": "quick", "seed": 0},
    "of a later version": [1],
}
ROW = {"name": "tests/x", "verdict": "REFUTED", "budget": "quick", "seed": 0}


def with_field(value, *path):
    found = json.loads(json.dumps(WHOLE))
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(found)


def test_a_record_is_read_as_it_was_written():
    assert record_of(json.dumps(WHOLE), ROW) == WHOLE


@pytest.mark.parametrize("text", ["[]", '"x"', "1", "null", "{}", "{", b"\xff\xfe", "[" * 100_000])
def test_what_is_no_record_at_all(text):
    with pytest.raises(Malformed):
        record_of(text, ROW)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (["counterexample"], [1], r"field counterexample: expected an object, got \[1\]"),
        (["counterexample", "comparison"], {}, r"field counterexample.comparison.label: expected"),
        (["counterexample", "comparison", "relative"], "nan", r"relative: expected a finite"),
        (["counterexample", "comparison", "slack"], "[0 +/- inf]", r"slack: expected a finite"),
        (["counterexample", "comparison", "left"], "nan", r"left: expected text"),
        (["counterexample", "comparison", "left"], [], r"left: expected text"),
        (["controls"], None, r"field controls: expected a list, got null"),
        (["controls"], ["x"], r"field controls\[0\]: expected an object"),
        (["source"], None, r"field source: expected an object"),
        (["seconds"], 10**400, r"field seconds: expected seconds from 0 on"),
        (["seconds"], -1, r"field seconds"),
        (["seconds"], float("nan"), "expected finite numbers, got NaN"),
        (["samples", "instances"], -5, r"samples.instances: expected a whole number from 0 to"),
        (["samples", "instances"], 10**400, r"samples.instances: expected a whole number"),
        (["samples", "instances"], True, r"samples.instances"),
        (["samples", "regimes", "generic"], 1.5, r"samples.regimes.generic"),
        (["draws"], {"x": 1}, r"field draws.draws: expected one, it is missing"),
        (["draws", "draws"], 0, r"field draws.draws"),
        (["verdict"], "PROVED BY MAGIC", r"field verdict: expected one of PROVED"),
        (["verdict"], ["PROVED"], r"field verdict"),
        (["verdict"], "PROVED", r"verdict: expected \"REFUTED\", as its row says"),
        (["name"], "tests/y", r"name: expected \"tests/x\", as its row says, got \"tests/y\""),
        (["run", "budget"], "deep", r"run.budget: expected \"quick\", as its row says"),
    ],
)
def test_a_field_of_another_kind_is_named(path, value, told):
    with pytest.raises(Malformed, match=told):
        record_of(with_field(value, *path), ROW)


@pytest.mark.parametrize(
    ("digits", "told"), [("1e999", "finite numbers, got 1e999"), ("1" + "0" * 5000, "limit")]
)
def test_a_number_that_is_too_large_is_refused(digits, told):
    with pytest.raises(Malformed, match=told):
        record_of(with_field("big", "seconds").replace('"big"', digits), ROW)


def test_a_record_that_is_nested_too_deep_is_refused_before_it_is_walked():
    deep = json.loads("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(Malformed, match="in one another"):
        record_of(with_field(deep, "counterexample", "instance", "A"), ROW)
