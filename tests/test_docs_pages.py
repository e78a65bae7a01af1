"""What the pages are generated from: every claim has its place, and what is recorded is true.

That pages are built without a warning is for ``tox -e docs`` to see; nothing here needs Sphinx.
"""

import re
import sys
from pathlib import Path

import pytest

from lora_proofs import replay
from lora_proofs.cli.app import app
from lora_proofs.language.claim import PAPERS
from lora_proofs.report import FORMATS
from lora_proofs.running.catalogue import shipped_claims
from lora_proofs.running.expected import expected_verdict

HOME = Path(__file__).parent.parent
DOCS = HOME / "docs"
README = (HOME / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lora_docs():
    """The modules of the pages that need no Sphinx."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        from lora_docs import corpus, labels

        yield corpus, labels
    finally:
        sys.path.remove(str(DOCS / "_ext"))


@pytest.fixture(scope="module")
def corpus(lora_docs):
    return lora_docs[0]


def text(page):
    return (DOCS / page).read_text(encoding="utf-8")


# What is recorded


def test_the_record_is_of_the_shipped_claims_as_they_are_now(corpus):
    """Otherwise: verify them anew, and run docs/found.py on the ledger."""
    found = corpus.found()
    assert (found["budget"], found["seed"]) == ("standard", 0)
    assert set(found["claims"]) == {entry.name for entry in shipped_claims()}
    for entry in shipped_claims():
        told = found["claims"][entry.name]
        assert told["verdict"] == expected_verdict(entry.name, "standard"), entry.name
        assert told["scope"] and len(told["controls"]) == len(entry.told["controls"]), entry.name
        assert set(told["controls"]) == {"refuted"}, entry.name


def test_each_false_statement_is_refuted_again_from_the_numbers_of_the_page(corpus):
    false = [name for name, told in corpus.claims().items() if told["verdict"] == "REFUTED"]
    assert len(false) > 20
    for name in false:
        shown = corpus.claims()[name]["counterexample"]
        again = replay(name, shown)
        assert again["confirmed"], name
        assert all(shown["assumptions"].values()), name
        for side in ("label", "left", "relation", "right"):
            assert again["comparison"][side] == shown["comparison"][side], name


def test_a_counterexample_with_other_numbers_is_not_confirmed(corpus):
    name = "rushka-klabjan/naive/update-approaches-full"
    shown = corpus.claims()[name]["counterexample"]
    full = {**shown["instance"], "A0": [[1, 0], [0, 1]], "B0": [[0, 0], [0, 0]]}
    full |= {"W0": [[1, 0], [0, 1]]}
    assert not replay(name, {**shown, "instance": full})["confirmed"]


def test_what_corrects_a_false_statement_is_a_claim_that_stands(corpus):
    for name, told in corpus.claims().items():
        if told["verdict"] == "REFUTED":
            instead = corpus.claims()[told["source"]["corrected_by"]]
            assert instead["verdict"] in ("PROVED", "CERTIFIED"), name
            assert name in corpus.corrects(instead["name"])


# Every claim has a place


def test_every_group_of_claims_has_a_page_that_is_listed(corpus):
    pages = {page.stem: page.read_text("utf-8") for page in (DOCS / "theorems").glob("*.md")}
    listed = re.findall(r"^[a-z-]+$", pages.pop("index"), re.MULTILINE)
    shown = [re.findall(r"```\{theorems\} (\S+)", page) for page in pages.values()]
    assert all(len(groups) == 1 for groups in shown)
    assert sorted(group for (group,) in shown) == sorted(corpus.groups())
    assert sorted(listed) == sorted(pages)
    assert sum(map(len, corpus.groups().values())) == len(shipped_claims())


def test_the_page_of_false_statements_has_all_of_them(corpus):
    statuses = re.findall(r"```\{false-statements\} (.+)", text("what-we-found.md"))
    shown = [name for status in statuses for name in corpus.refuted(status)]
    false = [name for name, told in corpus.claims().items() if told["verdict"] == "REFUTED"]
    assert sorted(shown) == sorted(false)


def test_the_page_of_false_statements_opens_with_what_was_not_read():
    body = text("what-we-found.md").partition("\n\n")[2]
    assert body.startswith("**What was not read.**")


def test_what_is_open_stands_on_the_page(corpus):
    found = corpus.claims().items()
    opened = {name for name, told in found if told["verdict"] == "INCONCLUSIVE"}
    assert opened == {"zeng-lee/rank-width-times-depth"}
    assert "<claim-zeng-lee-rank-width-times-depth>" in text("what-we-found.md")


def test_every_label_is_covered_or_says_why_not(lora_docs):
    corpus, labels = lora_docs
    assert set(labels.ITEMS) == {paper.key for paper in PAPERS}
    for paper, items in labels.ITEMS.items():
        assert f"```{{coverage}} {paper}" in text("coverage.md")
        for item in items:
            assert bool(corpus.covering(paper, item)) != bool(item.uncovered), item
        for name, label in corpus.labelled(paper).items():
            assert labels.item_of(paper, label) in items, (name, label)


def test_a_label_is_found_whole(lora_docs):
    _, labels = lora_docs
    assert labels.item_of("zeng-lee", "Lemma 1, exactness").label == "Lemma 1"
    assert labels.item_of("rushka-klabjan", "Lemma 18") is None
    assert labels.item_of("rushka-klabjan", "Theorem 2.1") is None
    assert labels.item_of("rushka-klabjan", "Theorem 2.11").label == "Theorem 2.11"


def test_no_text_was_read_and_every_page_of_the_papers_says_so(corpus):
    """When one is read, these pages have to change."""
    assert "read" not in {told["source"]["evidence"] for told in corpus.claims().values()}
    for page in ("index.md", "what-we-found.md", "coverage.md", "bibliography.md"):
        assert re.search(r"bstracts and\s+summaries", text(page)), page


# The README and the navigation


def test_the_readme_lists_the_commands_that_there_are():
    commands = README.partition("## Commands")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `lora-proofs ([a-z-]+)", commands, re.MULTILINE)
    assert sorted(listed) == sorted(str(command.name) for command in app.registered_commands)


def test_the_readme_counts_the_verdicts_of_the_record(corpus):
    found = [told["verdict"] for told in corpus.claims().values()]
    told = dict(
        (word, int(n)) for n, word in re.findall(r"(\d+) ([A-Z]{6,})(?=[,\s.])", README)[:4]
    )
    assert told == {word: found.count(word) for word in set(found)}
    assert f"{len(found)} claims" in README


ROW = re.compile(
    r"^\| `(\S+/\S+)` \| ([A-Z]+) (?:on|for) ([^,;|]+)(.*) \| (\d+) of (\d+) \|$", re.MULTILINE
)


def test_the_readme_shows_scopes_and_controls_as_they_were_recorded(corpus):
    rows = ROW.findall(README)
    assert len(rows) > 15
    for name, verdict, scope, modulo, refuted, controls in rows:
        told = corpus.claims()[name]
        assert (told["verdict"], told["scope"]) == (verdict, scope.strip()), name
        assert int(refuted) == int(controls) == len(told["controls"]), name
        assert bool(modulo) == bool(told.get("cites")), name
        counted = re.search(r"(\d+) cited theorems", modulo)
        assert not counted or int(counted[1]) == len(told["cites"]), name


def test_the_page_on_reports_lists_the_formats_that_there_are():
    listed = re.findall(r"^\| `([a-z]+)` \|", text("reports.md"), re.MULTILINE)
    assert sorted(listed) == sorted(FORMATS)
    (row,) = re.findall(r"^\| `lora-proofs report .*", README, re.MULTILINE)
    assert all(name in row for name in FORMATS)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_into_the_repository_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (HOME / page).read_text(encoding="utf-8"))
    assert links and all((HOME / link).exists() for link in links)


def test_every_page_is_in_the_navigation():
    trees = re.findall(r"```\{toctree\}\n(.*?)```", text("index.md"), re.DOTALL)
    listed = {x for tree in trees for x in tree.splitlines() if x and not x.startswith(":")}
    assert {page.stem for page in DOCS.glob("*.md")} - {"index"} == {
        x for x in listed if "/" not in x
    }
    captions = re.findall(r":caption: (.*)", text("index.md"))
    assert captions == ["Tutorial", "How to", "Explanation", "What was found", "Reference"]
