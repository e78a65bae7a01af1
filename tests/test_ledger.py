"""The ledger is appended to, never changed, and never broken."""

import sqlite3

import pytest

from lora_proofs.errors import BadInput, LedgerError
from lora_proofs.running.ledger import Ledger

FAILS = {"label": "bound", "left": "1", "relation": "<=", "right": "0"}
RECORD = {
    "name": "tests/x",
    "verdict": "REFUTED",
    "counterexample": {"instance": {"x": "1/3"}, "comparison": FAILS},
    "controls": [
        {"counterexample": {"instance": {"x": 1}, "comparison": FAILS}},
        {"counterexample": None},
    ],
}


def put(ledger, record=RECORD, place="file.py:x"):
    return ledger.append(record, place=place, budget="quick", seed=0)


def test_a_record_comes_back_with_its_id_and_its_replay(tmp_path):
    path = tmp_path / ".lora-proofs" / "ledger.sqlite"
    with Ledger(path) as ledger:
        kept = put(ledger)
        assert kept["record"] == 1
        assert kept["counterexample"]["replay"] == f"lora-proofs replay 1 --ledger {path}"
        assert kept["controls"][0]["counterexample"]["replay"].endswith("--control 1")
        assert ledger.get(1) == kept == ledger.latest("tests/x", "file.py:x")


def test_a_folder_that_is_not_there_is_a_slip_and_is_not_made(tmp_path):
    with pytest.raises(LedgerError, match=r"no folder \S*leger.*--ledger PATH"):
        Ledger(tmp_path / "leger" / "ledger.sqlite")
    assert not (tmp_path / "leger").exists()
    with pytest.raises(LedgerError, match="cannot open"):
        Ledger(tmp_path / "leger" / ".lora-proofs" / "ledger.sqlite")
    assert not (tmp_path / "leger").exists()


def test_the_default_ledger_needs_no_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Ledger(".lora-proofs/ledger.sqlite") as ledger:
        assert put(ledger)["counterexample"]["replay"] == "lora-proofs replay 1"


def test_the_latest_record_is_of_the_same_place(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger)
        put(ledger, place="other.py:x")
        put(ledger)
        assert ledger.latest("tests/x", "file.py:x")["record"] == 3
        assert ledger.latest("tests/x", "other.py:x")["record"] == 2
        assert ledger.latest("tests/y", "file.py:x") is None


def test_a_place_need_not_be_unicode(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger, {**RECORD, "statement": "\udcff"}, place="/\udcff.py:x")
        assert ledger.latest("tests/x", "/\udcff.py:x")["statement"] == "\udcff"


def test_records_survive_reopening(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger)
    with Ledger(tmp_path / "l") as ledger:
        assert put(ledger)["record"] == 2


@pytest.mark.parametrize("change", ["UPDATE records SET verdict = 'PROVED'", "DELETE FROM records"])
def test_nothing_is_changed_or_deleted(tmp_path, change):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger)
    connection = sqlite3.connect(tmp_path / "l")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change)
    connection.close()


def test_an_unknown_id_says_which_there_are(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger)
        with pytest.raises(BadInput, match="between 1 and 1, got 7"):
            ledger.get(7)


def test_a_malformed_ledger_is_left_as_it_is(tmp_path):
    path = tmp_path / "l"
    path.write_bytes(b"not a database at all, and longer than a header" * 20)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="malformed"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_truncated_ledger_is_left_as_it_is(tmp_path):
    path = tmp_path / "l"
    with Ledger(path) as ledger:
        for _ in range(200):
            put(ledger)
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(LedgerError), Ledger(path) as ledger:
        put(ledger)


def test_another_programs_database_is_refused(tmp_path):
    path = tmp_path / "l"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(LedgerError, match="another SQLite database"):
        Ledger(path)


def test_a_locked_ledger_says_so(tmp_path):
    path = tmp_path / "l"
    with Ledger(path):
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LedgerError, match="Another process holds it"):
        Ledger(path, patience=0.1)
    other.close()


def test_two_writers_take_turns(tmp_path):
    with Ledger(tmp_path / "l") as first, Ledger(tmp_path / "l") as second:
        assert [put(first)["record"], put(second)["record"], put(first)["record"]] == [1, 2, 3]


def test_a_full_disk_leaves_the_ledger_intact(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger)
        ledger._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(LedgerError, match="disk is full"):
            put(ledger, {**RECORD, "statement": "x" * 100_000})
    with Ledger(tmp_path / "l") as ledger:
        assert put(ledger)["record"] == 2


def test_a_read_only_ledger_says_so(tmp_path, monkeypatch):
    path = tmp_path / "l"
    with Ledger(path):
        pass
    connect = sqlite3.connect

    def read_only(name, **options):
        return connect(f"file:{name}?mode=ro", uri=True, **options)

    monkeypatch.setattr("lora_proofs.running.ledger.sqlite3.connect", read_only)
    with pytest.raises(LedgerError, match="read-only"):
        Ledger(path)


def test_a_path_that_cannot_be_a_ledger(tmp_path):
    with pytest.raises(LedgerError, match="cannot open the ledger"):
        Ledger(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot open the ledger"):
        Ledger(tmp_path / "file" / "ledger.sqlite")


def test_reading_makes_no_ledger(tmp_path):
    with pytest.raises(LedgerError, match="there is no such file"):
        Ledger(tmp_path / "l", create=False)
    assert not (tmp_path / "l").exists()


def test_the_seconds_of_the_last_record(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger, {**RECORD, "seconds": 2.5})
        put(ledger, {**RECORD, "seconds": 1.5})
        put(ledger, {**RECORD, "seconds": "long"}, place="other")
        assert ledger.seconds("tests/x", "file.py:x") == 1.5
        assert ledger.seconds("tests/x", "other") == float("inf")
        assert ledger.seconds("tests/y", "file.py:x") == float("inf")


def test_a_ledger_of_a_run_that_was_ended_at_once_has_no_records(tmp_path):
    path = tmp_path / "l.sqlite"
    path.touch()
    with pytest.raises(LedgerError, match=r"it has none. Run `lora-proofs verify`"):
        Ledger(path, create=False)


def test_a_row_that_tells_another_verdict_than_its_record_is_refused(tmp_path):
    path = tmp_path / "l.sqlite"
    with Ledger(path) as ledger:
        put(ledger)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER records_keep")
        connection.execute("UPDATE records SET verdict = 'PROVED'")
    with Ledger(path, create=False) as ledger:
        with pytest.raises(LedgerError, match=r"record 1 of .*verdict: expected \"PROVED\""):
            ledger.get(1)
        with pytest.raises(LedgerError, match="Verify its claim again"):
            ledger.latest("tests/x", "file.py:x")


def test_the_earlier_records_of_a_claim(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        put(ledger)
        put(ledger, place="other.py:x")
        put(ledger)
        found = ledger.earlier(ledger.latest("tests/x", "file.py:x"), "file.py:x")
        assert [(one["record"], one["verdict"], one["budget"]) for one in found] == [
            (1, "REFUTED", "quick")
        ]
