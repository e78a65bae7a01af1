"""What is said of a user's own claims: replay lines, seeds, folders, reasons beside a file."""

from pathlib import Path

import pytest

from lora_proofs import verify
from lora_proofs.cli.creating import template
from lora_proofs.errors import BadInput
from lora_proofs.judging.counterexample import _replay
from lora_proofs.language.budget import budget
from lora_proofs.running.catalogue import (
    Entry,
    Locator,
    claims_in,
    load_file,
    named,
    read_file,
    shipped_claims,
)
from lora_proofs.running.runner import _Run
from lora_proofs.running.scale import Outcome
from lora_proofs.running.selftesting import _reasons
from lora_proofs.running.telling import origin
from lora_proofs.running.verifying import _record


@pytest.fixture
def claim(tmp_path):
    path = tmp_path / "my_bound.py"
    path.write_text(template("inequality", "my/bound"), encoding="utf-8")
    ((_, _, found),) = claims_in(load_file(path))
    return found


def test_a_replay_names_the_file_and_says_what_to_save(claim):
    line = _replay(claim)
    place = claim.check.__globals__["__file__"]
    assert Path(place).is_absolute() and f"--claim {place}::my/bound " in line
    assert "save result.counterexample as counterexample.json" in line


def test_a_claim_without_a_file_is_replayed_in_python(claim, monkeypatch):
    monkeypatch.setitem(claim.check.__globals__, "__file__", "<stdin>")
    assert _replay(claim).startswith("lora_proofs.replay(claim, result.counterexample)")


@pytest.mark.parametrize("seed", ["x", 1.5, True, 2**63])
def test_a_seed_is_an_integer(claim, seed):
    with pytest.raises(BadInput, match="seed: expected an integer"):
        verify(claim, budget="quick", seed=seed)


def test_what_stands_has_taken_time(claim):
    run = _Run(claim, budget("quick"), 0, lambda stage, result: None)
    assert run.standing().seconds > 0


def test_a_folder_and_a_forgotten_ending_are_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adir").mkdir()
    (tmp_path / "my_claim.py").write_text("")
    with pytest.raises(BadInput, match="it is a folder"):
        named("adir", ())
    with pytest.raises(BadInput, match="it is a folder"):
        read_file(tmp_path / "adir")
    with pytest.raises(BadInput, match=r"did you mean my_claim\.py"):
        named("my_claim", ())


def test_reasons_stand_beside_a_file_and_ours_are_for_ours(tmp_path):
    ours = {"my/bound": {"drop": "our own reason here"}}
    entry = Entry("my/bound", Locator("", str(tmp_path / "my_bound.py"), ""), False, {})
    assert _reasons(entry, ours) == {}
    (tmp_path / "equivalent_mutants.toml").write_text('["my/bound"]\n"x" = "it is not attained"\n')
    assert _reasons(entry, ours) == {"my/bound": {"x": "it is not attained"}}
    assert _reasons(shipped_claims()[0], ours) is ours


def test_a_claim_that_was_stopped_reports_its_limit(tmp_path):
    entry = shipped_claims()[0]
    found = budget("quick")
    told = _record(entry, Outcome("stopped", f"{found.wall:g} s", "sample"), found, 0)
    assert told["seconds"] == found.wall


def test_shrinking_claims_no_more_than_was_tried():
    assert list(origin({"shrunk": {"from": "1 x 1", "to": "1 x 1"}})) == [
        "nothing simpler that was tried fails: it stands as it was found"
    ]
