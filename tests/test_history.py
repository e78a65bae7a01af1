"""Which run a record comes from: what was set out to do, what was finished, what is missing."""

import sqlite3

import pytest

from lora_proofs.errors import LedgerError
from lora_proofs.language.budget import budget
from lora_proofs.running.catalogue import shipped_claims
from lora_proofs.running.history import history, kept_run
from lora_proofs.running.ledger import Ledger
from lora_proofs.running.resuming import run_key

QUICK = budget("quick")


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "l.sqlite") as opened:
        yield opened


@pytest.fixture(scope="module")
def entries():
    return shipped_claims()[:3]


def finish(ledger, entry, key="of another run"):
    record = {"name": entry.name, "verdict": "PROVED", "run": {"key": key}, "controls": []}
    ledger.append(record, place=str(entry.locator), budget="quick", seed=0)


def told(ledger, entries):
    last = [ledger.latest(entry.name, str(entry.locator)) for entry in entries]
    return history(ledger, entries, last)


def runs(ledger, entries):
    return [
        (run["outcome"], len(run["finished"]), len(run["missing"]))
        for run in told(ledger, entries)["runs"]
    ]


def test_a_finished_run_has_nothing_missing(ledger, entries):
    with kept_run(ledger, entries, QUICK, 0, command="lora-proofs verify"):
        for entry in entries:
            finish(ledger, entry)
    assert runs(ledger, entries) == [("finished", 3, 0)]
    (run,) = told(ledger, entries)["runs"]
    assert (run["command"], run["budget"], run["seed"]) == ("lora-proofs verify", "quick", 0)
    assert run["begun_at"] <= run["ended_at"]


@pytest.mark.parametrize(
    ("error", "outcome"), [(KeyboardInterrupt, "interrupted"), (ValueError, "failed")]
)
def test_a_run_that_is_ended_says_what_is_missing(ledger, entries, error, outcome):
    with pytest.raises(error), kept_run(ledger, entries, QUICK, 0):
        finish(ledger, entries[1])
        raise error
    assert runs(ledger, entries) == [(outcome, 1, 2)]
    found = told(ledger, entries)
    assert found["runs"][0]["missing"] == [entries[0].name, entries[2].name]
    assert found["absent"] == []


def test_a_killed_run_has_no_end(ledger, entries):
    begun = kept_run(ledger, entries, QUICK, 0)  # kept: what is collected ends
    begun.__enter__()
    finish(ledger, entries[0])
    assert runs(ledger, entries) == [(None, 1, 2)]


def test_a_record_from_before_is_not_of_the_run(ledger, entries):
    finish(ledger, entries[0], run_key(entries[0], QUICK, 0))
    with pytest.raises(KeyboardInterrupt), kept_run(ledger, entries, QUICK, 0):
        raise KeyboardInterrupt
    assert runs(ledger, entries) == [("interrupted", 0, 3)]


def test_a_run_that_goes_on_takes_over_what_is_the_same(ledger, entries):
    finish(ledger, entries[0], run_key(entries[0], QUICK, 0))
    finish(ledger, entries[1], "of another version")
    with kept_run(ledger, entries, QUICK, 0, resumed=True):
        finish(ledger, entries[2])
    assert runs(ledger, entries) == [("finished", 2, 1)]


def test_the_last_run_of_each_claim_counts(ledger, entries):
    with pytest.raises(KeyboardInterrupt), kept_run(ledger, entries, QUICK, 0):
        finish(ledger, entries[0])
        raise KeyboardInterrupt
    with kept_run(ledger, entries[1:2], QUICK, 0):
        finish(ledger, entries[1])
    assert runs(ledger, entries) == [("interrupted", 1, 1), ("finished", 1, 0)]
    assert runs(ledger, entries[1:2]) == [("finished", 1, 0)]


def test_what_no_run_knows_is_absent(ledger, entries):
    finish(ledger, entries[0])
    found = told(ledger, entries)
    assert found == {"runs": [], "absent": [entry.name for entry in entries[1:]]}


def test_a_malformed_run_is_said(ledger, entries):
    ledger.begin({"claims": [["only a name"]]})
    with pytest.raises(LedgerError, match="run 1 is malformed"):
        told(ledger, entries)


def test_runs_are_never_changed(ledger, entries, tmp_path):
    with kept_run(ledger, entries, QUICK, 0):
        pass
    with sqlite3.connect(tmp_path / "l.sqlite") as raw:
        for table in ("runs", "ends"):
            for change in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = 7"):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    raw.execute(change)
    raw.close()


def test_a_ledger_of_an_earlier_version_is_read_and_gets_what_it_lacks(tmp_path, entries):
    path = tmp_path / "old.sqlite"
    with Ledger(path) as ledger:
        finish(ledger, entries[0])
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TABLE runs")
        raw.execute("DROP TABLE ends")
    raw.close()
    with Ledger(path, create=False) as ledger:
        assert told(ledger, entries[:1]) == {"runs": [], "absent": []}
    with Ledger(path) as ledger, kept_run(ledger, entries[:1], QUICK, 0):
        finish(ledger, entries[0])
    with Ledger(path, create=False) as ledger:
        assert runs(ledger, entries[:1]) == [("finished", 1, 0)]
