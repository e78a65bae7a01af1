"""Every example of the pages runs: code blocks in order, commands with what they are said to print.

A page's examples run in a folder of their own, with the files that it shows (``docs/<page>/``).
A block of JSON is ``instance.json``. A line that a console block shows must be printed.
"""

import re
import shlex
import shutil
import tomllib
from importlib import import_module
from pathlib import Path
from runpy import run_path

import pytest

from lora_proofs import verify
from lora_proofs.running.catalogue import GROUP

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^```(python|console|sh|json)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ELSEWHERE = {
    "tutorial": "test_tutorial.py",
    "verdicts": "test_telling.py",
    "write-a-claim": "test_write_a_claim_page.py",
    "adapt": "test_adapt_command.py",
    "constructions": "test_adapt_linear.py",
    "explore": "test_explore.py",
}
NOT_RUN = {
    "scale": "needs a cluster",
    "performance": "times the machine",
    "selftest": "minutes; its counts are those of test_selftest_command.py",
    "experiments": "minutes; test_experiments.py runs each of them",
    "trust": "all classical claims at standard",
}
PAGES = sorted(page for page in DOCS.glob("*.md") if BLOCK.search(page.read_text(encoding="utf-8")))
RUN = [page for page in PAGES if page.stem not in {*ELSEWHERE, *NOT_RUN}]


def test_every_page_with_examples_is_run_or_says_why_not():
    named = {*ELSEWHERE, *NOT_RUN}
    assert named <= {page.stem for page in PAGES} and len(RUN) >= 8
    for test in ELSEWHERE.values():
        assert (Path(__file__).parent / test).exists()


def commands(text):
    """The calls of lora-proofs in a block, each with the lines that it is said to print."""
    found = []
    for line in text.splitlines():
        words = line.removeprefix("$ ")
        if words.startswith("lora-proofs "):
            found.append((shlex.split(words, comments=True)[1:], []))
        elif found and line.strip() and not line.startswith("$ "):
            found[-1][1].append(line)
    return found


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(page, lora_proofs):
    if (DOCS / page.stem).is_dir():
        shutil.copytree(DOCS / page.stem, lora_proofs.folder, dirs_exist_ok=True)
    names = {}
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(text, page.name, "exec"), names)
        elif kind == "json":
            (lora_proofs.folder / "instance.json").write_text(text)
        else:
            run_all(lora_proofs, text, shows=kind == "console")


def run_all(lora_proofs, text, shows):
    for arguments, shown in commands(text):
        if arguments[1].startswith("my-claims/"):
            continue  # the package is installed by the test below
        printed = lora_proofs.done(*arguments).splitlines()
        for line in shown if shows else ():
            assert line.rstrip() in map(str.rstrip, printed), (arguments, printed)


def test_the_tests_of_claims_are_tests(monkeypatch):
    """The claim itself is verified above, by the commands of the page."""
    monkeypatch.syspath_prepend(str(DOCS / "in-your-ci"))
    names = run_path(str(DOCS / "in-your-ci" / "test_claims.py"))
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    assert all("lora_proofs" in {mark.name for mark in test.pytestmark} for test in tests)


def test_the_package_names_a_module_with_a_claim_that_holds(monkeypatch):
    """That entry points are found has a test in test_write_a_claim_page.py."""
    monkeypatch.syspath_prepend(str(DOCS / "claim-package"))
    text = (DOCS / "claim-package" / "pyproject.toml").read_text(encoding="utf-8")
    ((group, named),) = tomllib.loads(text)["project"]["entry-points"].items()
    assert group == GROUP
    for module in named.values():
        assert verify(import_module(module).claim, budget="quick").verdict == "CERTIFIED"


def test_the_job_of_the_pipeline_uses_options_that_exist(lora_proofs):
    lines = re.findall(r"run: (lora-proofs .*)", (DOCS / "in-your-ci" / "claims.yml").read_text())
    assert len(lines) == 3
    for line in lines:
        words = line.split()
        told = lora_proofs.done(words[1], "--help")
        assert all(option in told for option in words if option.startswith("--"))
