import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

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
