"""The tutorial tells the truth: its commands print what it says that they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lora_proofs

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ lora-proofs ([^\n]*)\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tutorial's files, and the two variants that the page describes."""
    home = tmp_path_factory.mktemp("tutorial")
    for name in ("my_claim.py", "my_false_claim.py"):
        (home / name).write_text((DOCS / "tutorial" / name).read_text(encoding="utf-8"))
    text = (home / "my_claim.py").read_text()
    weak = text.replace("+ r + extra_rank", "+ r + extra_rank + 99").replace(
        "ctx.number(factor) *", "2 * ctx.number(factor) *"
    )
    (home / "my_broken.py").write_text(weak)
    bare = re.sub(r"    controls=\(\n.*?\n    \),\n", "", text, flags=re.DOTALL)
    (home / "my_bare.py").write_text(bare)
    assert weak != text != bare
    return home


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "lora_proofs", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(lora_proofs.__file__).parent.parent)},
        check=False,
    )


def test_the_commands_print_what_the_page_shows(folder):
    codes = {}
    for command, shown in BLOCKS:
        if command == "replay 2":
            # The page runs the true and the false claim first, so the number is theirs.
            number = re.search(r"lora-proofs replay (\S+)", codes["my_false_claim.py"][1]).group(1)
            command = f"replay {number}"
        found = run(folder, *command.split())
        codes[command.split()[-1]] = (found.returncode, found.stdout)
        for line in filter(str.strip, shown.splitlines()):
            assert line.rstrip() in map(str.rstrip, found.stdout.splitlines()), found.stdout
    assert codes["my_claim.py"][0] == codes["my_broken.py"][0] == 0
    assert codes["my_false_claim.py"][0] == 1


def test_a_claim_without_controls_is_refused_as_the_page_says(folder):
    found = run(folder, "verify", "my_bare.py")
    (message,) = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found.returncode == 4
    assert message.strip() in found.stderr
