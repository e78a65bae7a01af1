"""What tests of the machinery share: claims that are made to order, and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLAIMS = Path(__file__).parent / "claims_for_tests"
NIGHTLY = bool(os.environ.get("LORA_PROOFS_NIGHTLY"))


def pytest_configure(config):
    config.addinivalue_line("markers", "nightly: more of the same; run by `tox -e nightly` alone")
    config.addinivalue_line("markers", "compiled: needs a C compiler")


def pytest_runtest_setup(item):
    """Where no C kernel can be made, say why and leave out what needs it."""
    if item.get_closest_marker("compiled"):
        from lora_proofs.errors import Unavailable
        from lora_proofs.kernels.compiled import building as kernel

        try:
            kernel.library()
        except Unavailable as error:
            pytest.skip(str(error))


def pytest_collection_modifyitems(config, items):
    """Leave out what says again at length what another test says in short."""
    if NIGHTLY:
        return
    left_out = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("nightly")]


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
    """``lora-proofs`` in a directory of its own: a call runs in this process."""

    def __init__(self, folder, monkeypatch, capfd):
        self.folder, self.monkeypatch, self.capfd = folder, monkeypatch, capfd

    def __call__(self, *arguments, **environment):
        from lora_proofs.cli import run

        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in environment.items():
                patch.setenv(name, value)
            self.capfd.readouterr()
            code = run([str(argument) for argument in arguments])
            out, err = self.capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    def done(self, *arguments, code=0):
        """What a call prints that ends with a code and without a traceback."""
        found = self(*arguments)
        assert found.returncode == code, found.stdout + found.stderr
        assert "Traceback" not in found.stdout + found.stderr
        return found.stdout if code == 0 else found.stderr

    def refuses(self, *arguments, words):
        """A call that exits 4 with one message that has the words."""
        told = self.done(*arguments, code=4)
        (message,) = [line for line in told.splitlines() if line.startswith("lora-proofs: ")]
        for word in words:
            assert word in message

    def environment(self):
        """What a process of its own needs to find the package."""
        home = str(Path(sys.modules["lora_proofs"].__file__).parent.parent)
        return {**os.environ, "PYTHONPATH": home, "NO_COLOR": "1"}

    def command(self, *arguments):
        """The command for a process of its own."""
        return [sys.executable, "-m", "lora_proofs", *map(str, arguments)]


@pytest.fixture
def lora_proofs(tmp_path, monkeypatch, capfd):
    """Run the command line in a fresh directory: exit code, stdout and stderr come back."""
    import lora_proofs as package

    assert package
    folder = tmp_path / "work"
    folder.mkdir()
    return CommandLine(folder, monkeypatch, capfd)
