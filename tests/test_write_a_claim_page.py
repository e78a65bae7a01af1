"""The page on writing claims tells the truth: its code runs, and its commands do what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lora_proofs
from lora_proofs import Claim
from lora_proofs.judging.drawing import draw_one
from lora_proofs.judging.evaluation import ladder, settle
from lora_proofs.language.validate import validate

PAGE = (Path(__file__).parent.parent / "docs" / "write-a-claim.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
HOME = Path(lora_proofs.__file__).parent.parent


@pytest.fixture(scope="module")
def told():
    """What the blocks of code define, run one after another; a run of ``verify`` is shortened."""
    names = {}
    for block in BLOCKS:
        exec(compile(block, "write-a-claim.md", "exec"), names)
    return names


def test_the_claim_of_the_page_holds_and_its_control_fails(told):
    claim = told["claim"]
    assert isinstance(claim, Claim)
    validate(claim)
    rungs = ladder(("exact", "ball"), 50)
    for regime in claim.instances.regimes:
        judged = settle(claim.check, draw_one(claim.instances, regime, 0, "page", regime), rungs)
        assert judged.outcome == "holds" and judged.rigorous
    (control,) = claim.controls
    assert settle(control.check, control.instances[0], rungs).refutes


def test_a_step_below_a_bound_of_matrices_is_drawn_and_judged(told):
    steps, rungs = told["STEPS"], ladder(("exact", "ball"), 50)
    for regime in steps.regimes:
        instance = draw_one(steps, regime, 0, "page", regime)
        assert settle(told["no_increase"], instance, rungs).outcome == "holds", regime
    assert not steps.admits(instance.replace(A=[[0] * len(row) for row in instance.A]))


def test_the_result_of_the_page_is_certified(told):
    assert str(told["result"].verdict) == "CERTIFIED", told["result"].reasons


def test_the_losses_are_what_the_table_says(told):
    assert all(told[name].polynomial for name in ("weighted", "quartic", "robust", "entries"))
    assert not told["softplus"].polynomial


def test_the_tests_carry_the_marker(told):
    for name in ("test_bound", "test_at_length", "test_marked"):
        assert "lora_proofs" in {mark.name for mark in told[name].pytestmark}


def test_the_commands_write_the_files(lora_proofs):
    shown = re.findall(r"^lora-proofs (new \S+.*?)(?:#.*)?$", PAGE, flags=re.MULTILINE)
    assert len(shown) == 3
    for command in shown:
        lora_proofs.done(*command.split())
    assert len(list(lora_proofs.folder.glob("my_*.py"))) == 3


def test_a_package_names_its_claims_in_an_entry_point(tmp_path):
    (name, module), *rest = re.findall(r'^(\S+) = "(my_package\S+)"$', PAGE, flags=re.MULTILINE)
    assert not rest
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "claims.py").write_text(BLOCKS[0])
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lora_proofs.claims]\n{name} = {module}\n")
    done = subprocess.run(
        [sys.executable, "-m", "lora_proofs", "list", "my/*"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{HOME}{os.pathsep}{tmp_path}"},
    )
    assert "my/nuclear-norm-of-an-adapter" in done.stdout, done.stdout + done.stderr
