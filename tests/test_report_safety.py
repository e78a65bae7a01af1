"""The report of a hostile record: nothing in it becomes markup, and bad LaTeX never raises."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from lora_proofs.report import FORMATS, render
from lora_proofs.report.markdown import to_markdown
from lora_proofs.report.mathml import Malformed, to_mathml
from lora_proofs.report.tree import Code, Document, Paragraph, Table, Text

SCRIPT = '<script>alert("1")</script><img src=x onerror=alert(1)>'
TEXTS = [name for name, face in FORMATS.items() if not face.binary]
ATTACKS = [
    SCRIPT,
    f"${SCRIPT}$",
    f"$\\text{{{SCRIPT}}}$",
    "$\\text{&lt;script&gt;alert(1)&lt;/script&gt;}$",
    "$\\text{&amp;lt;script&amp;gt;}$",
    f"$\\href{{javascript:alert(1)}}{{x}}$ {SCRIPT}",
    f'$\\style{{background:url("//x.test")}}{{y}}$ `{SCRIPT}`',
    f'$$\\mathrm{{{SCRIPT}}}$$ " onclick="alert(1)',
    "</style></title></code>" + SCRIPT,
    "{{ 7 * 7 }} {% include 'x' %}",
]


def _filled(text: str) -> dict[str, Any]:
    """A record with the text in every place that a claim's author can fill."""
    witness = {
        "kind": text,
        "instance": {text: text, "W0": [[text]], "n": {text: [[1]]}, "regimes": [text]},
        "comparison": {"label": text, "left": text, "relation": text, "right": text, "slack": text},
        "confirmed_by": text,
        "assumptions": {text: text},
        "replay": text,
    }
    line = {"kind": text, "latex": text, "why": text, "rule": text, "checked_by": [text]}
    return {
        "name": text,
        "title": text,
        "note": text,
        "statement": text,
        "verdict": text,
        "scope": text,
        "expected": text,
        "reasons": [text],
        "notes": [text],
        "cites": [text],
        "source": {key: text for key in ("paper", "label", "status", "evidence", "corrected_by")},
        "assumptions": [
            {"name": text, "statement": text, "technical": text},
            {"name": text, "statement": text},
        ],
        "derivation": {
            "steps": text,
            "scope": text,
            "engines": [text],
            "problems": [text],
            "broken_line": text,
            "lines": [
                {**line, "ok": True},
                {**line, "ok": False, "problem": text},
                {"kind": "prose", "text": text, "why": text},
            ],
        },
        "samples": {
            "instances": text,
            "discarded": text,
            "undecided": text,
            "smallest_slack": text,
            "regimes": {text: text},
            "arithmetics": {text: text},
            "measured": {text: text},
        },
        "sweep": {"instances": text, "suspects": text},
        "certificates": {"instances": text, "method": text, "regimes": {text: text}},
        "controls": [
            {
                "drops": text,
                "why": text,
                "outcome": text,
                "problem": text,
                "counterexample": witness,
            }
        ],
        "counterexample": witness,
        "error": {"type": text, "message": text, "where": text},
        "run": {"seed": text, text: text, "versions": {text: text}},
    }


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.targets |= {value or "" for name, value in attrs if name == "href"}


def _seen(text: str) -> _Seen:
    parser = _Seen()
    parser.feed(text)
    return parser


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_field_becomes_markup(attack: str) -> None:
    text = render([_filled(attack), _filled(attack)], "html")
    seen = _seen(text)
    assert text.count("<script") == 1
    assert "alert" not in text[text.index("<script") :]
    assert not seen.tags & {"img", "iframe", "object", "link", "base", "form"}
    assert not any(name.startswith("on") for name in seen.attributes)
    assert not seen.attributes & {"style", "src", "srcset", "action"}
    assert all(re.match(r"#[a-z0-9-]+$|https://arxiv\.org/abs/\d", x) for x in seen.targets)


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_keeps_markup_as_text(attack: str) -> None:
    text = render([_filled(attack)], "markdown")
    outside = re.sub(r"(`+).*?\1", "", text, flags=re.S)
    outside = re.sub('<a id="[a-z0-9-]+"></a>', "", outside)
    assert not re.search(r"(?<!\\)<[a-zA-Z/]", outside)
    assert not re.search(r"(?<!\\)\$[^$\n]*[^\\$]\\(href|style)", outside)


def test_a_page_stands_alone() -> None:
    text = render([_filled("plain words")], "html")
    assert "default-src 'none'" in text
    assert not re.search(r"@import|<link|src=|url\((?!data:font/woff2;base64,)", text)
    assert '<html lang="en">' in text


@pytest.mark.parametrize(
    "latex",
    [
        "\\frac{",
        "\\left(",
        "x_{a}_{b}",
        "\\begin{pmatrix} 1 & 2",
        "\\nosuchcommand{x}",
        "a & b",
        "{" * 5000,
        "\\def\\a{\\b\\b}\\a",
        "\\newcommand{\\a}{x}\\a",
        "x" * 30_000,
        "\\href{javascript:alert(1)}{\\nosuch}",
        "",
    ],
)
def test_malformed_latex_is_shown_as_it_was_written(latex: str) -> None:
    record = {"name": "a", "derivation": {"lines": [{"latex": latex, "ok": True}]}}
    for kind in TEXTS:
        assert "Bibliography" in render([record], kind)
    if latex:
        with pytest.raises(Malformed):
            to_mathml(latex)
        assert '<code class="latex">' in render([record], "html")


def test_signs_that_turn_text_around_are_replaced() -> None:
    for kind in TEXTS:
        text = render([{"name": "a\u202eb\x00c\ud800d", "scope": "s\r\nt"}], kind)
        assert not re.search("[\u202e\x00\ud800\r]", text)
        text.encode("utf-8")


def test_bars_and_backquotes_do_not_break_a_markdown_table() -> None:
    cells = ((Code("a|b`c"),), (Text("x|y"),))
    text = to_markdown(Document("t", (Table("c", ("1", "2"), (cells,)),)))
    assert "| ``a\\|b`c`` | x\\|y |" in text


@pytest.mark.parametrize("start", ["- x", "1. x", "+ x", "# x", "> x", "12) x", "= x"])
def test_no_text_opens_a_markdown_block(start: str) -> None:
    line = to_markdown(Document("t", (Paragraph((Text(start),)),))).split("\n")[2]
    assert not re.match(r"[-+#>=]|\d+[.)]", line)
