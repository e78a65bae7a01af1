"""The score, and written reasons: what they excuse, and that rows which say nothing are told."""

import pytest

from lora_proofs.errors import BadInput
from lora_proofs.mutating.reasons import stale, written_reasons
from lora_proofs.mutating.score import count, summed, with_reasons


def mutant(name, outcome, equivalent=""):
    return {
        "id": f"comparison: {name}: x", "origin": "comparison", "operator": name,
        "description": name, "outcome": outcome, "equivalent": equivalent, "instances": 3,
        "slack": 0.5,
    }  # fmt: skip


RECORD = {
    "name": "tests/one",
    "expected": "PROVED",
    "mutants": [
        mutant("strict", "survived"),
        mutant("0.99", "refuted"),
        mutant("1.01", "survived", "technical"),
        mutant("sign", "survived"),
    ],
    "planted": [
        {"why": "a", "outcome": "refuted", "problem": ""},
        {"why": "b", "outcome": "survived", "problem": "it holds"},
    ],
    "passed_over": {"unchanged": 2},
}
ROWS = {"tests/one": {"comparison: strict: x": "it is not attained"}}


def test_a_survivor_with_a_reason_is_equivalent_and_does_not_count():
    found = summed([with_reasons(RECORD, ROWS)])
    assert (found["mutants"], found["refuted"], found["equivalent"]) == (4, 1, 2)
    assert found["score"] == 0.5
    assert [s["id"] for s in found["survivors"]] == ["comparison: sign: x"]
    assert found["verdicts"]["PROVED"]["score"] == 0.5
    assert found["operators"]["0.99"]["score"] == 1.0
    assert found["planted"]["survivors"] == [
        {"claim": "tests/one", "why": "b", "problem": "it holds"}
    ]


def test_without_reasons_the_score_is_what_was_refuted():
    assert summed([with_reasons(RECORD, {})])["score"] == pytest.approx(1 / 3)
    assert count([])["score"] is None


def test_a_reason_never_excuses_what_is_refuted_and_is_told_as_stale():
    rows = {
        "tests/one": {
            "comparison: 0.99: x": "it is not attained",
            "comparison: gone: x": "it is not attained",
            "comparison: s*: x": "it is not attained",
        },
        "tests/gone": {"comparison: strict: x": "it is not attained"},
    }
    marked = with_reasons(RECORD, rows)
    assert [m["outcome"] for m in marked["mutants"]] == [
        "equivalent", "refuted", "equivalent", "equivalent",
    ]  # fmt: skip
    assert stale(rows, [RECORD], ["tests/one"]) == [
        "tests/gone: no claim has this name",
        "tests/one: comparison: 0.99: x: it is refuted, so the reason is wrong",
        "tests/one: comparison: gone: x: there is no such mutant",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[x", "expected a readable TOML file"),
        ("x = 1", "expected tables such as"),
        ('["a/b"]\nid = "no"', "expected a sentence"),
        ('["a/b"]\nid = 3', "expected a sentence"),
    ],
)
def test_a_file_of_reasons_that_makes_no_sense_is_refused(tmp_path, text, words):
    path = tmp_path / "reasons.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=words):
        written_reasons(path)


def test_the_shipped_reasons_can_be_read():
    for row in written_reasons().values():
        assert all(reason for reason in row.values())


def test_the_next_error_is_larger_for_every_slack():
    from lora_proofs.mutating.sensitivity import _above

    assert all(_above(k / 1000) > k / 1000 for k in range(1, 1000))
