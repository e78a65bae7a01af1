"""Markdown as a parser of CommonMark with tables reads it: text stays text, tables stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lora_proofs
from lora_proofs.report.markdown import to_markdown
from lora_proofs.report.tree import (
    Bullets,
    Callout,
    Code,
    CodeBlock,
    Derivation,
    DerivedLine,
    DisplayMath,
    Document,
    Inline,
    Inlines,
    Judged,
    Link,
    Math,
    Paragraph,
    Section,
    Table,
    Text,
)

IMAGE = "<img src=x onerror=alert(1)>"
ATTACKS = [
    IMAGE,
    rf"\nope | {IMAGE} | y",
    rf"\nope \| {IMAGE} \\| `| {IMAGE}",
    f"`{IMAGE}` ``{IMAGE}",
    f"x`\n\n{IMAGE}\n```\n{IMAGE}",
    f"]({IMAGE}) ![a]({IMAGE}) <!-- --> <?x?> <![CDATA[x]]>",
    f"\\\\\\{IMAGE} &lt;b&gt; | --- |",
    f"* {IMAGE}\n    {IMAGE}\n> {IMAGE}\n<details>\n# x",
]  # fmt: skip


def _everywhere(text: str) -> Document:
    """The text in every place, and beside itself in each of its looks."""
    looks: tuple[Inline, ...] = (
        Text(text), Code(text), Math(text), Text(text, strong=True),
        Link("#a", text), Link(text, text), Judged(text, text, (text,)),
    )  # fmt: skip
    pairs: Inlines = tuple(one for left in looks for right in looks for one in (left, right))
    row = (pairs, (Math(text), Math(text)), (Code(text), Math(text)))
    blocks = (
        Paragraph(pairs), DisplayMath(text), CodeBlock(text), Bullets((pairs, (Math(text),))),
        Table(text, (text,) * 3, (row, row[:1], (*row, row[0]))), Table("", (text,), ((looks,),)),
        Derivation((DerivedLine(text, text, pairs, pairs, "✓", text),)),
        Section((Math(text), Code(text)), (Paragraph((Math(text),)),), "a"),
    )  # fmt: skip
    return Document(text, (*blocks, Callout(text, blocks)))


def _tokens(text: str) -> Iterator[Any]:
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark", {"html": True})
    for token in parser.enable("table").parse(text):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("around", ["{}", "${}$"])
def test_a_parser_finds_no_html_but_our_anchors(attack: str, around: str) -> None:
    made = to_markdown(_everywhere(around.format(attack)))
    found = [t.content for t in _tokens(made) if t.type in ("html_inline", "html_block")]
    assert all(re.fullmatch('(<a id="a">|</a>)+', one.strip()) for one in found), found
    assert not [t for t in _tokens(made) if t.type == "image"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_row_has_the_cells_of_its_header(attack: str) -> None:
    """Bars counted as cmark does it: all that no backslash stands before."""
    made = to_markdown(_everywhere(attack))
    rows = re.findall(r"^(?:> )?(\| .*\|)$", re.sub(r"```.*?```", "", made, flags=re.S), re.M)
    counts = [len(re.findall(r"(?<!\\)\|", row)) - 1 for row in rows]
    assert set(counts) == {1, 4}


def test_code_beside_code_stays_code() -> None:
    made = to_markdown(Document("t", (Paragraph((Code("a"), Math(rf"\nope b`{IMAGE}"))),)))
    assert [t.content for t in _tokens(made) if t.type == "code_inline"] == [
        "a",
        rf"\nope b`{IMAGE}",
    ]


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\min_x f", r"$\min_{x} f$"),
        (r"\operatorname*{max}_i x_i", r"$\max_{i} x_{i}$"),
        (r"\det A", r"$\det A$"),
        (r"\argmin_x f", r"$\mathop{\mathrm{argmin}}_{x} f$"),
        (r"\operatorname{tr} A", r"$\mathop{\mathrm{tr}}\nolimits  A$"),
    ],
)
def test_operators_are_commands_that_github_knows(latex: str, shown: str) -> None:
    assert to_markdown(Document("t", (Paragraph((Math(latex),)),))).split("\n")[2] == shown


def test_no_formula_of_a_shipped_claim_keeps_a_starred_operator() -> None:
    """GitHub refuses ``\\operatorname``, and the star of another would be a sign of its own."""
    sources = sorted((Path(lora_proofs.__file__).parent / "claims").rglob("*.py"))
    text = "\n".join(source.read_text("utf-8") for source in sources)
    formulas = sorted(set(re.findall(r"(?<!\\)\$([^$\n]+)\$", text)))
    assert sum(r"\min" in f for f in formulas) > 2
    made = to_markdown(Document("t", (Paragraph(tuple(map(Math, formulas))),)))
    shown = re.sub(r"(`+).*?\1", "", made)  # what no reader of formulas lets in
    assert not re.search(r"\\operatorname|\\ast *\{", shown)
