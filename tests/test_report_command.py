"""``report``: where it writes and where it does not, fresh runs, and runs that were interrupted."""

import os
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from lora_proofs.cli.output import Output
from lora_proofs.errors import BadInput
from lora_proofs.running import verifying
from lora_proofs.running.ledger import Ledger
from lora_proofs.running.records import digest
from lora_proofs.running.verifying import select

ROOT = Path(__file__).parents[1]
NAMES = ("classical/balancedness", "classical/energy-identity")


def made(name, verdict="PROVED"):
    """A record as a run makes one, with all that a digest covers."""
    return {
        "name": name,
        "verdict": verdict,
        "scope": "all shapes",
        "statement": "$x = x$",
        "samples": {"instances": 30, "regimes": {"generic": 30}},
        "controls": [],
        "counterexample": None,
        "certificates": {"instances": 0, "method": ""},
        "source": {"paper": "classical", "corrected_by": None},
        "error": None,
        "cites": [],
        "expected": verdict,
        "shipped": True,
        "seconds": 0.5,
    }


@pytest.fixture
def recorded(lora_proofs):
    """A ledger with two records."""
    with Ledger(lora_proofs.folder / ".lora-proofs" / "ledger.sqlite") as ledger:
        for entry in select(NAMES):
            place = str(entry.locator)
            record = {**made(entry.name), "statement": entry.told["statement"]}
            ledger.append(record, place=place, budget="quick", seed=0)
    return lora_proofs


def left(lora_proofs):
    return sorted(name for name in os.listdir(lora_proofs.folder) if name != ".lora-proofs")


@pytest.mark.parametrize(
    ("path", "opening"),
    [("r.html", "<!DOCTYPE html>"), ("r.md", "# Report"), ("r.ipynb", "{"), ("r", "<!DOCTYPE")],
)
def test_the_ending_chooses_the_format(recorded, path, opening):
    assert recorded.done("report", *NAMES, "-o", path) == ""
    assert (recorded.folder / path).read_text("utf-8").lstrip().startswith(opening)
    assert left(recorded) == [path]


def test_a_name_that_says_another_format_is_told(recorded):
    told = recorded.done("report", *NAMES, "--format", "markdown", "-o", "r.html")
    assert told == ""  # on standard output
    assert (recorded.folder / "r.html").read_text("utf-8").startswith("# Report")
    done = recorded("report", *NAMES, "--format", "markdown", "-o", "r.html", "--force")
    assert "it holds markdown, although its name says html" in done.stderr
    done = recorded("report", *NAMES, "-o", "r.html", "--force")
    assert "although" not in done.stderr


def test_the_same_ledger_gives_the_same_bytes(recorded):
    for path in ("a.md", "b.md"):
        recorded.done("report", *NAMES, "-o", path)
    assert (recorded.folder / "a.md").read_bytes() == (recorded.folder / "b.md").read_bytes()
    text = recorded.done("report", *NAMES, "-o", "-", "--format", "markdown")
    assert text.encode() == (recorded.folder / "a.md").read_bytes()


def test_the_digest_is_that_of_the_verification(recorded):
    text = recorded.done("report", *NAMES, "-o", "-", "--format", "markdown")
    assert f"`{digest([made(name) for name in NAMES])}`" in text
    assert "`" + digest([made(NAMES[0])]) not in text


def test_what_was_never_run_is_said(recorded):
    text = recorded.done("report", "classical/*", "-o", "-", "--format", "markdown")
    assert "4 claims without a record" in text.split("## What was found")[0]
    assert "`classical/eckart-young-mirsky`" in text


def test_no_file_is_touched_that_must_not_be(recorded):
    folder = recorded.folder
    (folder / "kept.md").write_text("mine")
    (folder / "folder").mkdir()
    for path, words in (
        ("kept.md", ["it exists", "--force"]),
        ("folder", ["it is a directory"]),
        ("no/where.md", ["there is no directory"]),
        ("new/", ["it is a directory"]),
        ("", ["expected -o PATH"]),
        ("a.docx", ["ends in one of .html, .pdf, .tex, .md, .ipynb, got .docx"]),
    ):
        recorded.refuses("report", *NAMES, "-o", path, words=words)
    recorded.refuses("report", *NAMES, "--force", "-o", os.devnull, words=["-o -"])
    ledger = ".lora-proofs/ledger.sqlite"
    said = {"": "it is the ledger", "-wal": "keeps its records", "-shm": "keeps its records"}
    for end, words in said.items():
        options = ("--force", "-o", ledger + end, "--format", "html")
        recorded.refuses("report", *NAMES, *options, words=[words])
    os.symlink("loop.md", folder / "loop.md")
    recorded.refuses("report", *NAMES, "-o", "loop.md", words=["leads to itself"])
    (folder / "loop.md").unlink()
    assert (folder / "kept.md").read_text() == "mine"
    assert left(recorded) == ["folder", "kept.md"]


def test_force_overwrites_what_a_link_leads_to(recorded):
    (recorded.folder / "real.md").write_text("old")
    os.symlink("real.md", recorded.folder / "link.md")
    recorded.done("report", *NAMES, "-o", "link.md", "--force")
    assert (recorded.folder / "link.md").is_symlink()
    assert (recorded.folder / "real.md").read_text().startswith("# Report")


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_full_disk_leaves_nothing_half_written(recorded, monkeypatch, form):
    (recorded.folder / "r").write_text("old")

    def full(path, data):
        with open(path, "wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    words = ["r: cannot be written: No space left on device"]
    recorded.refuses("report", *NAMES, "--force", "-o", "r", "--format", form, words=words)
    assert (recorded.folder / "r").read_text() == "old"
    assert left(recorded) == ["r"]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_came_while_the_report_was_made_is_not_lost(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(
            "os.link", lambda *names: (_ for _ in ()).throw(OSError(95, "no links"))
        )
    file = Output(str(tmp_path / "r.md"), False, tmp_path / "l.sqlite")
    file.check(binary=False)
    (tmp_path / "r.md").write_text("mine")
    with pytest.raises(BadInput, match="it exists"):
        file.write("theirs")
    assert (tmp_path / "r.md").read_text() == "mine"
    assert os.listdir(tmp_path) == ["r.md"]
    (tmp_path / "r.md").unlink()
    file.write("theirs")
    assert (tmp_path / "r.md").read_text() == "theirs"
    assert os.listdir(tmp_path) == ["r.md"]


def test_a_request_to_terminate_leaves_no_hidden_file(tmp_path, monkeypatch):
    def ended(path, data):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("pathlib.Path.write_bytes", ended)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends no test where nobody heeds it
    try:
        with pytest.raises(KeyboardInterrupt):
            Output(str(tmp_path / "r.md"), False, tmp_path / "l.sqlite").write("text")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert os.listdir(tmp_path) == []


def test_an_unwritable_folder_is_found_before_the_work(recorded, monkeypatch):
    def denied(**where):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", denied)
    monkeypatch.setattr(verifying, "verified", None)
    words = ["r.md: cannot be written: Permission denied"]
    recorded.refuses("report", *NAMES, "--fresh", "-o", "r.md", words=words)


def runs_of(monkeypatch, stop_after):
    """Runs that finish some claims and are then interrupted."""

    def verified(entries, *how):
        for k, entry in enumerate(entries):
            if k == stop_after:
                raise KeyboardInterrupt
            yield entry, made(entry.name)

    monkeypatch.setattr(verifying, "verified", verified)


def test_a_fresh_run_is_recorded_and_reported(lora_proofs, monkeypatch):
    runs_of(monkeypatch, None)
    fresh = ("--fresh", "--budget", "quick", "--seed", "7", "--jobs", "1")
    lora_proofs.done("report", *NAMES, *fresh, "-o", "r.md")
    text = (lora_proofs.folder / "r.md").read_text()
    assert "lora-proofs report classical/balancedness" in text
    assert "over 2 claims; it finished at 2" in text
    assert "did not finish" not in text
    with Ledger(lora_proofs.folder / ".lora-proofs" / "ledger.sqlite", create=False) as ledger:
        (run,) = ledger.runs()
        assert (run["budget"], run["seed"], ledger.get(2)["name"]) == ("quick", 7, NAMES[1])


@pytest.mark.parametrize("finished", [0, 1])
def test_an_interrupted_run_is_reported_as_far_as_it_came(lora_proofs, monkeypatch, finished):
    runs_of(monkeypatch, finished)
    told = lora_proofs.done("report", *NAMES, "--fresh", "-o", "r.md", code=2)
    assert f"interrupted; {finished} of 2 claims are finished" in told
    assert "`lora-proofs verify --resume` with the same targets" in told
    opening = (lora_proofs.folder / "r.md").read_text().split("Each claim below")[0]
    assert "This report is of a run that did not finish." in opening
    assert "it was interrupted at" in opening
    assert f"Of 2 claims of it that this report is about it finished {finished}." in opening
    assert f"`{NAMES[1]}`" in opening


def test_a_killed_run_is_known_by_what_it_lacks(recorded):
    with sqlite3.connect(recorded.folder / ".lora-proofs" / "ledger.sqlite") as raw:
        places = raw.execute("SELECT name, place FROM records").fetchall()
        claims = ", ".join(f'["{name}", "{place}", "key"]' for name, place in places)
        run = f'{{"claims": [{claims}], "after": 1, "resumed": false, "command": "c"}}'
        raw.execute("INSERT INTO runs (begun_at, run) VALUES ('2026-01-02T03:04:05', ?)", (run,))
    raw.close()
    text = recorded.done("report", *NAMES, "-o", "-", "--format", "markdown")
    told = re.sub(r"\s+", " ", text.split("Each claim below")[0])
    assert "no end of it is recorded: it was killed, or it was still going on" in told
    assert "it finished 1." in told and f"Not finished: `{NAMES[0]}`." in told


@pytest.mark.parametrize("after", ['"x"', "null", "[1]"])
def test_a_run_that_was_edited_is_malformed(recorded, after):
    with sqlite3.connect(recorded.folder / ".lora-proofs" / "ledger.sqlite") as raw:
        name, place = raw.execute("SELECT name, place FROM records").fetchone()
        run = f'{{"claims": [["{name}", "{place}", "key"]], "after": {after}}}'
        raw.execute("INSERT INTO runs (begun_at, run) VALUES ('2026-01-02T03:04:05', ?)", (run,))
    raw.close()
    done = recorded("report", *NAMES, "-o", "r.md")
    assert done.returncode == 4 and "run 1 is malformed" in done.stderr
    assert left(recorded) == []


def test_a_claim_of_a_file_cannot_stand_in_for_a_shipped_one(recorded):
    text = (ROOT / "docs" / "tutorial" / "my_claim.py").read_text()
    name = re.search(r'name="([^"]+)"', text)[1]
    (recorded.folder / "c.py").write_text(text.replace(name, NAMES[0]))
    done = recorded("report", "c.py", "-o", "r.md")
    assert done.returncode == 4 and "as a shipped claim is; rename" in done.stderr
    assert left(recorded) == ["c.py"]


def test_a_correction_that_was_recorded_of_other_words_is_told(recorded):
    false, right = "rushka-klabjan/naive/tie-limit-is-unique", "rushka-klabjan/frobenius-ties"
    with Ledger(recorded.folder / ".lora-proofs" / "ledger.sqlite") as ledger:
        for entry in select([false, right]):
            verdict = "REFUTED" if entry.name == false else "CERTIFIED"
            record = {**made(entry.name, verdict), "source": entry.told["source"]}
            record["statement"] = "other words" if entry.name == right else "$x = y$"
            ledger.append(record, place=str(entry.locator), budget="quick", seed=0)
    text = recorded.done("report", false, "-o", "-", "--format", "markdown")
    assert "other words" not in text
    assert "its record is not about this: the claim has changed since" in text


def test_a_report_keeps_who_may_read_the_file(recorded):
    path = recorded.folder / "r.md"
    path.write_text("old")
    path.chmod(0o600)
    recorded.done("report", *NAMES, "-o", "r.md", "--force")
    assert path.stat().st_mode & 0o777 == 0o600 and path.read_text() != "old"


def test_options_of_a_run_need_one(recorded):
    words = ["--budget, --seed", "add --fresh"]
    given = ("--budget", "quick", "--seed", "0")
    recorded.refuses("report", *NAMES, "-o", "r.md", *given, words=words)
    recorded.refuses("report", *NAMES, "-o", "r", "--format", "docx", words=["html, pdf", "docx"])


def test_what_corrects_a_false_claim_stands_beside_it_unasked(lora_proofs):
    name = "rushka-klabjan/naive/same-limit-at-infinite-time"
    (false,) = select([name])
    true = select(["rushka-klabjan/gradient-flow-limit"])[0]
    record = {**made(name, "REFUTED"), "source": {"corrected_by": true.name}}
    with Ledger(lora_proofs.folder / ".lora-proofs" / "ledger.sqlite") as ledger:
        ledger.append(record, place=str(false.locator), budget="quick", seed=0)
        text = lora_proofs.done("report", name, "-o", "-", "--format", "markdown")
        assert "no record of it is in the ledger" in text.split("### Corrected")[1]
        ledger.append(
            {**made(true.name), "statement": true.told["statement"]},
            place=str(true.locator),
            budget="quick",
            seed=0,
        )
    text = lora_proofs.done("report", name, "-o", "-", "--format", "markdown")
    assert "**PROVED** for all shapes" in text.split("### Corrected")[1].split("###")[0]
    assert "claim-rushka-klabjan-gradient-flow-limit" not in text
