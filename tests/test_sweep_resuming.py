"""Going on with a run that was ended: what is finished is taken over, and nothing else is."""

import json
import sqlite3
import time
from types import SimpleNamespace

import pytest

from lora_proofs.cli.progress import _Lines, _Work, spoken
from lora_proofs.errors import LedgerError
from lora_proofs.language.budget import budget
from lora_proofs.running.channel import understood
from lora_proofs.running.ledger import Ledger
from lora_proofs.running.resuming import Book, run_key
from lora_proofs.running.scale import Pool, Task
from lora_proofs.running.verifying import select

QUICK = budget("quick")


def count(folder):
    ledger = sqlite3.connect(folder / ".lora-proofs" / "ledger.sqlite")
    try:
        return ledger.execute("SELECT count(*) FROM records").fetchone()[0]
    finally:
        ledger.close()


def test_a_finished_claim_is_taken_over_where_all_is_the_same(lora_proofs, claim_file):
    path = claim_file()
    run = ("verify", str(path), "--budget", "quick", "--json")
    first = json.loads(lora_proofs.done(*run))
    assert count(lora_proofs.folder) == 1
    again = json.loads(lora_proofs.done(*run, "--resume"))
    assert count(lora_proofs.folder) == 1
    assert again["claims"] == first["claims"]
    assert again["digest"] == first["digest"]
    lora_proofs.done(*run, "--resume", "--seed", "1")
    assert count(lora_proofs.folder) == 2
    path.write_text(path.read_text() + "# changed\n")
    lora_proofs.done(*run, "--resume")
    assert count(lora_proofs.folder) == 3
    lora_proofs.done(*run)
    assert count(lora_proofs.folder) == 4


def test_what_beside_a_claim_changes_its_run(claim_file, tmp_path):
    (entry,) = select([str(claim_file())])
    before = run_key(entry, QUICK, 0)
    assert run_key(entry, QUICK, 0) == before != run_key(entry, QUICK, 1)
    assert run_key(entry, budget("standard"), 0) != before
    (tmp_path / "helper.py").write_text("x = 1\n")
    assert run_key(entry, QUICK, 0) != before


def test_units_are_kept_by_run_and_never_changed(tmp_path, claim_file):
    (entry,) = select([str(claim_file())])
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        book = Book(ledger, QUICK, 0, resume=True)
        book.keep(entry, {"sweep 0": {"n": 1}})
        book.keep(entry, {"sweep 0": {"n": 2}, "sweep 1": {"n": 3}})
        assert book.known(entry) == {"sweep 0": {"n": 1}, "sweep 1": {"n": 3}}
        assert Book(ledger, QUICK, 1, resume=True).known(entry) == {}
        assert Book(ledger, QUICK, 0, resume=False).known(entry) == {}
    with sqlite3.connect(tmp_path / "ledger.sqlite") as raw:
        for change in ("UPDATE units SET result = '{}'", "DELETE FROM units"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(change)
        raw.execute("INSERT INTO units VALUES ('r', 'u', '{')")
    raw.close()
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(LedgerError, match="unit"):
        ledger.kept("r")


def test_units_come_through_the_channel_as_plain_data():
    told = {"units": {"sweep 0": {"n": 1}}, "share": 0.5}
    assert understood(b"=" + json.dumps(told).encode()) == told
    for wrong in ({"units": {}, "share": 2.0}, {"units": {"a": 1}, "share": 0.5}):
        assert "spoiled" in understood(b"=" + json.dumps(wrong).encode())
    assert "spoiled" in understood(b"!" + json.dumps(told).encode())


SLOW = """
import time
def slow(instance, ctx):
    if type(ctx).__name__ == "BatchArithmetic":
        time.sleep(0.9)
    yield at_least("x^2", ctx.number(instance.x) ** 2, ctx.number(0))
claim = variant("slow", check=slow)
"""


@pytest.mark.nightly
def test_a_pool_hands_on_units_while_a_claim_is_under_way(claim_file):
    (entry,) = select([f"{claim_file(SLOW)}::tests/slow"])
    payload = {
        "do": "verify", "locator": entry.locator.to_dict(), "budget": "standard", "seed": 0,
    }  # fmt: skip
    kept, stages = {}, []
    pool = Pool(1, keep=lambda index, units: kept.update(units))
    runs = pool.scatter([Task(payload, 100.0, entry.home)], lambda i, stage: stages.append(stage))
    ((_, outcome),) = list(runs)
    assert outcome.kind == "done"
    assert "standing" in kept
    assert any(stage.startswith("sweep ") and stage.endswith("%") for stage in stages)


def test_the_time_left_is_estimated_from_what_is_done(capsys):
    work = _Work(4)
    assert work.left == ""
    work.begun = time.monotonic() - 300
    work.finished("a")
    work.reached("b", "sweep 50%")
    assert work.amount == 1.5
    assert work.left == "about 8 min left"
    goes_on = _Work(100)
    goes_on.begun = time.monotonic() - 300
    for name in range(80):
        goes_on.finished(name, taken_over=True)
    assert goes_on.left == ""
    goes_on.finished("80")
    assert goes_on.left == "about 1.6 h left"
    lines = _Lines(2)
    lines.work.begun = time.monotonic() - 60
    lines.reached(SimpleNamespace(name="c"), "sweep 25%")
    lines.finished(
        {"name": "d", "seconds": 1.0, "verdict": "PROVED", "scope": "all shapes", "cites": []}
    )
    assert "about 36 s left" in capsys.readouterr().err
    assert spoken(100) == "2 min"
