"""What tests of the machinery share: claims that are made to order, and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLAIMS = Path(__file__).parent / "claims_for_tests"


@pytest.fixture
def template():
    """The module of the claim that tests change parts of."""
    from lora_proofs.running.catalogue import load_file

    return load_file(CLAIMS / "template.py")


@pytest.fixture
def claim_file(tmp_path):
    """Write a file of claims: the template with lines of code after it."""

    def write(code="claim = base\n", name="my_claim.py"):
        path = tmp_path / name
        path.write_text((CLAIMS / "template.py").read_text() + "\n\n" + code)
        return path

    return write


class CommandLine:
    """``lora-proofs`` in a directory of its own."""

    def __init__(self, folder):
        self.folder = folder

    def environment(self, **extra):
        home = str(Path(sys.modules["lora_proofs"].__file__).parent.parent)
        return {**os.environ, "PYTHONPATH": home, "NO_COLOR": "1", **extra}

    def command(self, *arguments):
        return [sys.executable, "-m", "lora_proofs", *map(str, arguments)]

    def __call__(self, *arguments, **extra):
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment(**extra),
            timeout=240,
        )


@pytest.fixture
def lora_proofs(tmp_path):
    """Run the command line in a fresh directory; gives the finished process."""
    import lora_proofs as package

    assert package
    folder = tmp_path / "work"
    folder.mkdir()
    return CommandLine(folder)
