"""The gallery of outside claims tells the truth; its files are what a user could have written."""

import ast
import re
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import pytest

from lora_proofs.arithmetic import rational
from lora_proofs.language.budget import budget
from lora_proofs.language.verdict import Verdict
from lora_proofs.running.runner import run

HOME = Path(__file__).parent.parent / "docs" / "claims"
GALLERY = run_path(str(HOME / "gallery.py"))
FILES = GALLERY["files"]()
CLAIMS = {path.name: GALLERY["claim_in"](path) for path in FILES}
PAGE = (HOME / "index.md").read_text(encoding="utf-8")
TOLD = dict(re.findall(r"^\| \[[^\]]*\]\((\w+\.py)\) \| ([A-Z]+) \|$", PAGE, flags=re.MULTILINE))
FALSE = sorted(name for name, claim in CLAIMS.items() if claim.source.corrected_by)
TRUE = sorted(set(CLAIMS) - set(FALSE))
PUBLIC = {"lora_proofs", "lora_proofs.arithmetic", "itertools"}
QUICK = budget("quick")


def section(claim):
    """What the page says below a claim's heading."""
    (found,) = re.findall(rf"^### {re.escape(claim.title)}\n(.*?)(?=^### |\Z)", PAGE, re.S | re.M)
    return found


def test_there_are_many_claims_of_both_kinds_and_the_page_names_each():
    assert len(CLAIMS) >= 20 and min(len(TRUE), len(FALSE)) >= 10
    assert set(TOLD) == set(CLAIMS)
    assert {TOLD[name] for name in FALSE} == {"REFUTED"}
    assert {TOLD[name] for name in TRUE} <= {"PROVED", "CERTIFIED"}


@pytest.mark.parametrize("name", TRUE)
def test_a_true_claim_comes_out_as_the_gallery_says(name):
    # The search has tests of its own, and is most of the time here.
    found = run(CLAIMS[name], replace(QUICK, searched=0), 0)
    assert found.verdict == TOLD[name], found.reasons


@pytest.mark.parametrize("name", FALSE)
def test_a_false_claim_comes_out_as_the_gallery_says_with_a_small_counterexample(name):
    found = run(CLAIMS[name], QUICK, 0)
    assert found.verdict == TOLD[name], found.reasons
    assert all(control.outcome == "refuted" for control in found.evidence.controls)
    for value in found.counterexample["instance"].values():
        assert is_small(value), found.counterexample["instance"]


def is_small(value):
    """At most 3 x 3, with numerators and denominators of at most two digits; tags are neither."""
    if isinstance(value, list):
        return len(value) <= 3 and all(is_small(entry) for entry in value)
    if isinstance(value, str) and not value.lstrip("-")[:1].isdigit():
        return True
    number = rational(value)
    return abs(number.numerator) < 100 and number.denominator < 100


def test_small_is_told_from_large():
    assert is_small([["-3/5", 99], [0, "1/4"]]) and is_small("frobenius")
    assert not is_small([[100]]) and not is_small("1/128") and not is_small([[0, 0, 0, 0]])


@pytest.mark.parametrize("name", CLAIMS)
def test_a_file_is_short_and_uses_what_is_public(name):
    text = (HOME / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)]
    assert not nodes
    froms = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert {node.module for node in froms} <= PUBLIC
    assert not any(alias.name.startswith("_") for node in froms for alias in node.names)


@pytest.mark.parametrize("name", CLAIMS)
def test_the_page_shows_the_statement_as_it_is_and_names_what_corrects_it(name):
    claim = CLAIMS[name]
    told = section(claim)
    assert claim.statement in told and f"**{TOLD[name]}**" in told and f"({name})" in told
    assert ("Counterexample: $" in told) == (name in FALSE)
    if claim.source.corrected_by:
        assert f"`{claim.source.corrected_by}`" in told


def test_what_corrects_a_claim_is_a_true_claim_of_the_corpus():
    true = {CLAIMS[name].name for name in TRUE}
    assert {CLAIMS[name].source.corrected_by for name in FALSE} <= true


def test_no_source_says_more_than_is_known():
    for claim in CLAIMS.values():
        assert claim.source.evidence == "recalled" and not claim.source.label
        assert claim.source.status in ("as commonly quoted", "our reading", "corrected")
        assert Verdict(TOLD[next(k for k, v in CLAIMS.items() if v is claim)])
