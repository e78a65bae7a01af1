"""The HTML page: structure for keyboard and screen reader, colours, policy, folding, filters."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.html import to_html
from lora_proofs.report.tree import (
    Block,
    Callout,
    Code,
    Derivation,
    DerivedLine,
    DisplayMath,
    Document,
    Inlines,
    Judged,
    Link,
    Math,
    Paragraph,
    Section,
    Table,
    Text,
)

HOSTILE = "<script>alert(1)</script>"


def _text(text: str) -> Inlines:
    return (Text(text),)


def _chapter(name: str, verdict: str, *blocks: Block) -> Section:
    judged = Callout("good", (Paragraph((Judged(verdict, "all shapes"),)),))
    return Section(_text(name), (judged, *blocks), f"claim-{name}")


def _row(name: str, verdict: str) -> tuple[Inlines, ...]:
    return (Link(f"#claim-{name}", name),), (Judged(verdict, "all shapes"),)


PAGE = Document(
    HOSTILE,
    (
        Section(_text("Claims"), (Table("All", ("Claim", "Verdict"), (_row("a", "PROVED"),)),)),
        _chapter("a", "PROVED", Section(_text("Statement"), (Paragraph((Math("x"),)),))),
        _chapter("b", "REFUTED"),
    ),
)


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]


def _style() -> str:
    return files("lora_proofs.report").joinpath("templates", "report.css").read_text("utf-8")


def test_the_policy_names_the_style_and_the_script_of_the_page_and_nothing_else() -> None:
    text = to_html(PAGE)
    policy = _Page(text).every("meta")[1]["content"] or ""
    for tag in ("style", "script"):
        inside = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.S)
        assert len(inside) == 1
        digest = b64encode(sha256(inside[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_landmarks_and_the_way_past_them() -> None:
    page = _Page(to_html(PAGE))
    assert [tag for tag, _ in page.found if tag in ("nav", "main", "h1")] == ["nav", "main", "h1"]
    assert page.every("a")[0] == {"class": "skip", "href": "#report"}
    assert page.every("main")[0]["id"] == "report"
    assert page.every("nav")[0]["aria-label"] == "Contents"


def test_headings_leave_out_no_level() -> None:
    levels = [int(tag[1]) for tag, _ in _Page(to_html(PAGE)).found if re.fullmatch("h[1-6]", tag)]
    assert levels == [1, 2, 2, 3, 2]


def test_contents_lead_to_every_part_once() -> None:
    page = _Page(to_html(PAGE))
    ids = [attrs["id"] for _, attrs in page.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [(a["href"] or "")[1:] for a in page.every("a")]
    assert set(targets) <= set(ids)
    assert {"part-1", "claim-a", "claim-b"} <= set(targets)


def test_filters_wait_for_the_script_and_offer_what_there_is() -> None:
    page = _Page(to_html(PAGE))
    assert "hidden" in page.every("fieldset")[0]
    assert [box["value"] for box in page.every("input")] == ["PROVED", "REFUTED"]
    judged = [(tag, a["data-verdict"]) for tag, a in page.found if "data-verdict" in a]
    assert judged == [
        ("li", "PROVED"),
        ("li", "REFUTED"),
        ("tr", "PROVED"),
        ("section", "PROVED"),
        ("section", "REFUTED"),
    ]


def test_one_kind_of_verdict_needs_no_filter() -> None:
    assert "<fieldset" not in to_html(Document("t", (_chapter("a", "PROVED"),)))


def test_tables_name_their_rows_and_columns() -> None:
    page = _Page(to_html(PAGE))
    assert [cell["scope"] for cell in page.every("th")] == ["col", "col", "row"]
    assert "<caption>All</caption>" in to_html(PAGE)


def test_what_is_long_is_folded() -> None:
    line = DerivedLine("identity", "x = x", (), (), "✓", "checked.")
    for lines, folds in ((3, 0), (40, 1)):
        section = Section(_text("Derivation"), (Derivation((line,) * lines),))
        page = _Page(to_html(Document("t", (section,))))
        assert sum("class" not in a for a in page.every("details")) == folds
    found = Paragraph(_text("Control 1")), Paragraph(_text("its counterexample"))
    control = Section(_text("Controls"), (Callout("note", found),))
    assert "<summary>Control 1</summary>" in to_html(Document("t", (_chapter("a", "x", control),)))


def test_long_exact_numbers_get_a_box() -> None:
    text = to_html(Document("t", (Paragraph((Code("1" * 500),)),)))
    assert f'<code class="long">{"1" * 500}</code>' in text


def test_pictures_have_words_and_their_text_is_escaped() -> None:
    plot = Plot(Axis(HOSTILE), Axis("f"), (Series(HOSTILE, ((0.0, 1.0), (1.0, 2.0))),))
    text = to_html(Document("t", (Figure(HOSTILE, HOSTILE, HOSTILE, (plot,)),)))
    page = _Page(text)
    assert len(page.every("svg")) == len(page.every("figcaption")) == 1
    assert "<summary>The picture in words</summary>" in text
    assert text.count("<script") == 1
    assert not any("style" in attrs for _, attrs in page.found)


@pytest.mark.parametrize(
    ("nodes", "held"),
    [
        ((Math("x"), Text(". So")), '<span class="kept"><math><mi>x</mi></math>.</span> So'),
        ((Text("if ("), Math("x"), Text(")")), 'if <span class="kept">(<math><mi>x</mi></math>)'),
        ((Math("x"), Text(" is")), "<math><mi>x</mi></math> is"),
        ((Math("\\bad"), Text(".")), '<code class="latex">\\bad</code>.</span>'),
    ],
)
def test_no_line_begins_with_the_full_stop_of_a_formula(nodes: Inlines, held: str) -> None:
    assert held in to_html(Document("t", (Paragraph(nodes),)))


def test_no_sign_is_lost_between_two_formulas() -> None:
    nodes = (Math("x"), Text("). ("), Math("y"), Text("!"))
    text = re.sub("<[^>]*>", "", to_html(Document("", (Paragraph(nodes),))))
    assert "x). (y!" in text


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_the_paper(scheme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", _style(), re.S)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[scheme]))
    for name in ("ink", "soft", "link", "good", "sure", "part", "bad", "open"):
        for ground in ("paper", "shade"):
            high, low = sorted(map(_luminance, (colours[name], colours[ground])), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (name, ground)


def test_fonts_are_small_and_bring_their_licence() -> None:
    fonts = files("lora_proofs.report").joinpath("fonts")
    faces = [x for x in fonts.iterdir() if x.name.endswith(".woff2")]
    assert {x.read_bytes()[:4] for x in faces} == {b"wOF2"}
    assert sum(len(x.read_bytes()) for x in faces) < 200_000
    assert "LaTeX Project" in fonts.joinpath("GUST-FONT-LICENSE.txt").read_text("utf-8")


def test_wide_formulas_shrink_on_paper() -> None:
    row = " & ".join(["123456789/1000"] * 12)
    wide = DisplayMath(f"\\begin{{bmatrix}} {row} \\end{{bmatrix}}")
    text = to_html(Document("t", (wide, DisplayMath("x = y"))))
    shrunk = re.search('<div class="display fit([2-9])"><math', text)
    assert shrunk
    assert '<div class="display"><math' in text
    assert f".fit{shrunk[1]} math {{ font-size: .{shrunk[1]}em; }}" in _style()
