import json
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from lora_proofs import load_claim, replay
from lora_proofs.errors import BadInput
from lora_proofs.pytest_plugin import as_test, shortcoming

NAME = "lora_proofs.pytest_plugin"
CLAIMS = Path(__file__).parent / "claims_for_tests"

MODULE = """
import sys
sys.path.insert(0, {claims!r})
from true_and_false import false_claim, true_claim
from lora_proofs.pytest_plugin import as_test

test_true = as_test(true_claim, expect="CERTIFIED")
test_false = as_test(false_claim)
test_false_on_purpose = as_test(false_claim, expect="REFUTED")
"""


def test_claims_are_tests_with_a_budget(tmp_path):
    (tmp_path / "test_claims.py").write_text(MODULE.format(claims=str(CLAIMS)))
    # Installed, the plugin registers itself; from a plain checkout it is named.
    registered = {e.value for e in entry_points(group="pytest11")}
    plugin = [] if NAME in registered else ["-p", NAME]
    command = [sys.executable, "-m", "pytest", *plugin, "-q", "-rA"]
    command += ["-p", "no:cacheprovider", "--lora-proofs-budget=standard", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 passed" in done.stdout and "1 failed" in done.stdout
    assert "REFUTED on one exact instance" in done.stdout
    assert "square of a sum: 4 = 2 fails" in done.stdout
    assert "result." not in done.stdout


def test_a_failure_holds_what_replays_it(lora_proofs):
    claim = load_claim(f"{CLAIMS / 'true_and_false.py'}::tests/cross-term-lost")
    told = shortcoming(claim, "quick", 0, "SUPPORTED").splitlines()
    (line,) = [line for line in told if line.startswith("{")]
    (lora_proofs.folder / "counterexample.json").write_text(line)
    command = next(x for x in told if "replay it:" in x).partition("lora-proofs ")[2]
    assert str(CLAIMS.resolve()) in command
    assert "confirmed: " in lora_proofs.done(*shlex.split(command))


def test_a_failure_of_a_claim_without_a_file_is_replayed_in_python(monkeypatch):
    claim = load_claim(f"{CLAIMS / 'true_and_false.py'}::tests/cross-term-lost")
    monkeypatch.setitem(claim.check.__globals__, "__file__", "<stdin>")
    told = shortcoming(claim, "quick", 0, "SUPPORTED").splitlines()
    (line,) = [line for line in told if line.startswith("{")]
    assert "<stdin>" not in "".join(told)
    assert "    lora_proofs.replay(claim, json.loads(LINE))" in told
    assert replay(claim, json.loads(line))["confirmed"]


def test_a_claim_may_be_named_as_for_verify(monkeypatch):
    monkeypatch.chdir(CLAIMS)
    assert "cross" not in as_test("true_and_false.py::true_claim").__doc__
    with pytest.raises(BadInput, match="expected a Claim, or the name of one, got list"):
        as_test([1])


def pytest_run(folder, *options):
    registered = {e.value for e in entry_points(group="pytest11")}
    plugin = [] if NAME in registered else ["-p", NAME]
    command = [sys.executable, "-m", "pytest", *plugin, "-q", "-rA", "-p", "no:cacheprovider"]
    command += ["--strict-markers", "-W", "error", *options, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


MARKED = """
import sys
sys.path.insert(0, {claims!r})
import pytest
from true_and_false import true_claim
import lora_proofs.pytest_plugin as plugin
from lora_proofs.pytest_plugin import as_test

told = []
plugin.shortcoming = lambda claim, budget, seed, expect: told.append((budget, seed)) or ""

test_plain = as_test(true_claim)
test_own = as_test(true_claim, budget="deep", seed=7)
test_marked = pytest.mark.lora_proofs(seed=9)(as_test(true_claim, budget="deep", seed=7))

def test_other():
    assert told == [("standard", 5), ("deep", 7), ("deep", 9)]
"""


def test_options_and_markers_set_budget_and_seed(tmp_path):
    (tmp_path / "test_marked.py").write_text(MARKED.format(claims=str(CLAIMS)))
    options = ("--lora-proofs-budget=standard", "--lora-proofs-seed=5")
    done = pytest_run(tmp_path, *options)
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout + done.stderr
    only = pytest_run(tmp_path, "-m", "lora_proofs")
    assert "3 passed, 1 deselected" in only.stdout, only.stdout + only.stderr


def test_a_marker_says_what_it_may_hold(tmp_path):
    text = MARKED.format(claims=str(CLAIMS)).replace("seed=9", "sead=9")
    (tmp_path / "test_marked.py").write_text(text)
    done = pytest_run(tmp_path)
    assert done.returncode == 1 and "expected budget= one of quick" in done.stdout


def test_a_copy_of_a_file_is_replayed_from_its_own_place(tmp_path):
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        path = shutil.copy(CLAIMS / "true_and_false.py", folder / "my_copies.py")
        claim = load_claim(f"{path}::tests/cross-term-lost")
        assert str(folder.resolve()) in shortcoming(claim, "quick", 0, "SUPPORTED")
