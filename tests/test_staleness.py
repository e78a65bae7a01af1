"""A verdict is about the claim that was judged: where that is another one by now, it is said."""

import pytest

from lora_proofs.report import render
from lora_proofs.report.explore.page import claim_html
from lora_proofs.report.explore.shelf import Shelf
from lora_proofs.running.catalogue import file_claims, shipped_claims
from lora_proofs.running.history import differing
from lora_proofs.running.ledger import Ledger
from lora_proofs.running.provenance import about
from lora_proofs.running.staleness import changed, in_words

MINE = """
from dataclasses import replace
mine = replace(base, name='my/own', statement='{}')
base = None
"""


def record_of(entry, **more):
    """A record as a run makes one of a claim."""
    return {
        "name": entry.name,
        "verdict": "CERTIFIED",
        "scope": "30 instances",
        "statement": entry.told["statement"],
        "assumptions": entry.told["assumptions"],
        "locator": entry.locator.to_dict(),
        "shipped": entry.shipped,
        "run": {"budget": "quick", "seed": 0},
        **more,
    }


@pytest.fixture
def edited(claim_file, tmp_path):
    """A claim that was recorded, with its file as it is after an edit, and the ledger."""
    path = claim_file(MINE.format("$a$ ORIGINAL"))
    (before,) = file_claims(path)
    ledger = tmp_path / "l.sqlite"
    with Ledger(ledger) as opened:
        for seed in (5, 0):
            record = record_of(before, run={"budget": "quick", "seed": seed})
            opened.append(record, place=str(before.locator), budget="quick", seed=seed)
    claim_file(MINE.format("$b$ CHANGED"))
    (now,) = file_claims(path)
    return before, now, ledger


def test_a_file_is_known_by_its_fingerprint(edited):
    before, now, _ = edited
    was, is_ = before.locator.sha256, now.locator.sha256
    assert changed(before, record_of(before)) == {}
    assert changed(now, record_of(before)) == {"what": "file", "was": was, "now": is_}
    assert was in in_words(changed(now, record_of(before)))


def test_a_shipped_claim_is_known_by_its_words_and_by_the_package():
    entry = shipped_claims()[0]
    assert changed(entry, record_of(entry)) == {}
    assert changed(entry, record_of(entry, statement="$0 = 1$"))["what"] == "claim"
    run = {"versions": about(), "source_fingerprint": about()["source"]}
    assert changed(entry, record_of(entry, run=run)) == {}
    assert changed(entry, record_of(entry, run={"versions": about()})) == {}
    other = changed(entry, record_of(entry, run={**run, "source_fingerprint": "0123"}))
    assert other["what"] == "package" and other["was"].endswith("fingerprint 0123")
    assert changed(entry, record_of(entry, run={"versions": {"lora_proofs": "0.0.1"}}))


def test_the_page_shows_no_verdict_of_an_earlier_text(edited):
    before, now, ledger = edited
    assert "CERTIFIED" in Shelf([before], ledger).volume("my/own").verdict
    volume = Shelf([now], ledger).volume("my/own")
    told = claim_html(volume)
    assert "CERTIFIED" not in told and "CHANGED" in told
    assert "the file has changed since" in told and before.locator.sha256 in told
    assert f"verify {now.locator.path}::my/own" in told


def test_the_report_warns_in_front_and_beside_the_verdict_and_on_stderr(edited, lora_proofs):
    before, now, ledger = edited
    path = now.locator.path
    options = ("--ledger", str(ledger), "--format", "markdown")
    ran = lora_proofs("report", path, *options, "-o", ledger.parent / "r.md")
    assert ran.returncode == 0 and before.locator.sha256 in ran.stderr
    text = (ledger.parent / "r.md").read_text()
    front, chapter = text.split("CERTIFIED", 1)
    for part in (front, chapter):
        assert "the file has changed since" in part
        assert before.locator.sha256 in part and now.locator.sha256 in part
    assert "ORIGINAL" in chapter and "CHANGED" not in text
    assert "record 1, CERTIFIED, budget quick, seed 5" in chapter
    assert "SHA-256 of the file that was verified" in chapter


def test_records_made_with_another_text_of_the_package_are_counted_in_front():
    entry = shipped_claims()[0]
    found = {"what": "package", "was": "0.0.1", "now": "0.1.0"}
    text = render([record_of(entry)], "markdown", {"changed": {entry.name: found}})
    assert "1 record made with another text of the package" in text
    assert text.count("it was 0.0.1, and is 0.1.0 now") == 2
    assert "has changed since" not in render([record_of(entry)], "markdown", {})


def test_only_earlier_records_that_differ_are_told(edited):
    before, _, path = edited
    with Ledger(path) as ledger:
        last = ledger.latest(before.name, str(before.locator))
        assert [one["seed"] for one in differing(ledger, last, str(before.locator))] == [5]
        record = record_of(before)
        ledger.append(record, place=str(before.locator), budget="quick", seed=0)
        last = ledger.latest(before.name, str(before.locator))
        assert [one["record"] for one in differing(ledger, last, str(before.locator))] == [1]
