"""Every planted fault comes back with the verdict and the reason that its file states.

Run with ``-s`` to see the table: file, verdict, reason.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from lora_proofs.errors import ClaimRefused, Contradiction
from lora_proofs.language.budget import budget
from lora_proofs.language.validate import validate
from lora_proofs.language.verdict import Verdict
from lora_proofs.running.catalogue import file_claims, load
from lora_proofs.running.runner import run

BRIEF = replace(budget("quick"), searched=12)
"""Faults are told by the other stages, or by the first corners that the search looks at."""
FILES = sorted((Path(__file__).parent / "false_claims").glob("*.py"))
SURVIVORS: dict[str, str] = {}
"""Faults that the verifier does not notice yet, and why; an empty table is the aim."""


@cache
def outcome(path):
    """What a file comes back with: verdict, reasons, counterexample."""
    try:
        (entry,) = file_claims(path)
        claim = load(entry.locator)
        validate(claim)
        result = run(claim, BRIEF, 0)
    except ClaimRefused as refusal:
        return "refused", str(refusal), None
    except Contradiction as contradiction:
        return "contradiction", str(contradiction), None
    return str(result.verdict), "; ".join(result.reasons), result.counterexample


def stated(path):
    """The constants at the top of a file, read without running it: some files refuse to load."""
    names = {}
    for line in path.read_text().splitlines():
        if line.startswith(("EXPECTED_VERDICT = ", "EXPECTED_REASON = ")):
            exec(line, names)
    return names["EXPECTED_VERDICT"], names["EXPECTED_REASON"]


def planted():
    for path in FILES:
        survivor = SURVIVORS.get(path.stem)
        marks = [pytest.mark.xfail(reason=survivor, strict=True)] if survivor else []
        yield pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize("path", list(planted()))
def test_a_fault_comes_back_as_its_file_states(path):
    expected_verdict, expected_reason = stated(path)
    verdict, reason, counterexample = outcome(path)
    print(f"\n{path.name:34} {verdict:13} {reason[:160]}")
    assert verdict == expected_verdict, reason
    assert expected_reason in reason
    assert (counterexample is not None) == (verdict == Verdict.REFUTED)


@pytest.mark.parametrize(
    "path", [p for p in FILES if stated(p)[0] == "REFUTED"], ids=lambda p: p.stem
)
def test_a_counterexample_is_small_exact_and_fails_again(path):
    _, _, found = outcome(path)
    assert len(str(found["instance"])) < 300
    assert found["confirmed_by"] == "exact"
    assert "." not in str(found["comparison"]["slack"])


def test_every_kind_of_answer_is_planted():
    verdicts = {stated(path)[0] for path in FILES}
    assert verdicts >= {"REFUTED", "INCONCLUSIVE", "refused", "contradiction"}
    assert "PROVED" not in verdicts
