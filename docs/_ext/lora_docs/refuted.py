"""What was found false: each statement with its counterexample in exact numbers and what holds."""

from collections.abc import Iterator, Mapping
from typing import Any

from docutils import nodes

from lora_docs import corpus
from lora_docs.theorems import brief, linked, statement, title
from lora_docs.tree import blocks, line, section, table, to_claim
from lora_proofs.report.exact import comparison_blocks, instance_blocks, sides_inline
from lora_proofs.report.records import judged
from lora_proofs.report.text import inlines
from lora_proofs.report.tree import Code, Inline, Text

Told = Mapping[str, Any]


def false_statements(status: str) -> Iterator[nodes.Node]:
    """A table of the false statements of a status, then a section for each."""
    names = corpus.refuted(status)
    rows = [[[link(name, own_title(name))], [instead(name)]] for name in names]
    yield table(("false", "what holds instead"), rows)
    yield from map(false_statement, names)


def link(name: str, text: str) -> nodes.paragraph:
    """A link to the section on this page."""
    return nodes.paragraph("", "", nodes.reference(text, text, refid=place(name), internal=True))


def place(name: str) -> str:
    """The identifier of a false statement on its page."""
    return f"found-{name.replace('/', '-')}"


def own_title(name: str) -> str:
    """The title without the word that says that it is false: all of the page are."""
    return title(corpus.claims()[name]).removesuffix(" (false)")


def instead(name: str) -> nodes.paragraph:
    """A link to the claim that corrects it, with its verdict and scope."""
    other = corpus.claims()[corpus.claims()[name]["source"]["corrected_by"]]
    verdict = line([Text(": "), brief(other)]).children
    return nodes.paragraph("", "", to_claim(other["name"], title(other)), *verdict)


def false_statement(name: str) -> nodes.section:
    """One false statement."""
    claim = corpus.claims()[name]
    content = (
        line([Code(name), Text(": "), judged(claim), Text(".")]),
        *statement(claim),
        nodes.container("", *counterexample(claim["counterexample"]), classes=["counterexample"]),
        *true_form(claim["source"]["corrected_by"]),
    )
    return section((nodes.Text(own_title(name)),), place(name), *content)


def counterexample(found: Told) -> Iterator[nodes.Node]:
    """The instance, what fails on it, and that every assumption holds there."""
    by = {"exact": "exact rational arithmetic", "ball": "ball arithmetic"}[found["confirmed_by"]]
    yield line([Text("Counterexample", strong=True), Text(f", confirmed in {by}:")])
    yield from blocks(instance_blocks(found["instance"]))
    yield from blocks(comparison_blocks(found["comparison"]))
    if found["assumptions"]:
        yield line(assumed(found))


def assumed(found: Told) -> Iterator[Inline]:
    """The assumptions, with what was compared for each."""
    assert all(found["assumptions"].values()), found["assumptions"]
    yield Text("Every assumption holds there: ")
    for k, name in enumerate(found["assumptions"]):
        yield Text("; " if k else "")
        yield Code(name)
        for j, compared in enumerate(found["checks"].get(name, ())):
            yield Text(", " if j else " (")
            yield from (*inlines(compared["label"]), Text(": "), *sides_inline(compared))
        yield Text(")" if found["checks"].get(name) else "")
    yield Text(".")


def true_form(name: str) -> Iterator[nodes.Node]:
    """What holds instead, with its verdict."""
    other = corpus.claims()[name]
    yield linked("What holds instead: ", [name])
    yield nodes.container(
        "", *statement(other), line([judged(other), Text(".")]), classes=["holds"]
    )
