"""The pages of the PDF: no sign that no font has, no line apart from what it announces."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lora_proofs.report import pdf
from lora_proofs.report.formulas.as_typst import quoted
from lora_proofs.report.formulas.symbols import SIGNS
from lora_proofs.report.tree import CodeBlock, DisplayMath, Document, Math, Paragraph, Text
from lora_proofs.report.typefaces import _SET, settable
from lora_proofs.report.typst import to_typst

NO_FONT_HAS = "\U0010fffd"


def test_a_character_that_no_font_has_is_told_by_its_code_point():
    block = Paragraph((Text("漢 and \U0001f600"), Math(r"\text{漢}")))
    source = settable(to_typst(Document("字", (block,))))
    assert "[U+6F22] and [U+1F600]" in source and "[U+5B57]" in source
    assert not set(source) & set("漢字\U0001f600")


def test_what_is_unassigned_is_told_by_its_code_point():
    assert settable("\u0378 α √ \u2124") == "[U+0378] α √ \u2124"


def outlines(characters: list[str], style: str, tmp_path: Path) -> list[tuple[str, ...]]:
    """The shapes that typst draws for each character, one page for each."""
    typst = pytest.importorskip("typst")
    source = tmp_path / "x.typ"
    pages = "\n#pagebreak()\n".join(f"#{style}({quoted(one)})" for one in characters)
    fonts = '#set text(font: "Libertinus Serif")\n#show raw: set text(font: "DejaVu Sans Mono")'
    source.write_text(f"#set page(width: 60pt, height: 40pt)\n{fonts}\n{pages}", "utf-8")
    made = typst.compile(str(source), format="svg", ignore_system_fonts=True)
    return [tuple(re.findall(r' d="([^"]*)"', page.decode())) for page in made]


@pytest.mark.parametrize("style", ["text", "raw"])
def test_the_ends_of_the_ranges_have_a_shape_and_what_is_beyond_has_none(style, tmp_path):
    ends = sorted({one for one in _SET if one > "\xa1" and one not in "\u200b-"})
    *shapes, nothing = outlines([*ends, NO_FONT_HAS], style, tmp_path)
    assert [one for one, shape in zip(ends, shapes, strict=True) if shape == nothing] == []
    beyond = ["漢", "\U0001f600", "\u2705", "\u2041"]
    assert all(settable(one) != one for one in beyond)
    assert outlines(beyond, style, tmp_path) == [nothing] * len(beyond)


def test_every_sign_of_a_formula_can_be_set():
    pytest.importorskip("typst")
    blocks = [Paragraph((Math(f"a {name} b"),)) for name in SIGNS]
    assert pdf.to_pdf(Document("", (*blocks, DisplayMath(r"\surd x"))))[:5] == b"%PDF-"


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="pdftotext is not installed")
def test_no_page_ends_between_a_line_and_what_it_announces(tmp_path):
    pytest.importorskip("typst")
    split = []
    for lines in range(36, 44):
        filler = [Paragraph((Text(f"Line {k}."),)) for k in range(lines)]
        told = (Paragraph((Text("Replay it:"),)), CodeBlock("lora-proofs replay 1"))
        (tmp_path / "x.pdf").write_bytes(pdf.to_pdf(Document("T", (*filler, *told))))
        done = subprocess.run(["pdftotext", tmp_path / "x.pdf", "-"], capture_output=True)
        pages = done.stdout.decode().split("\f")
        assert any("Replay it:" in page and "replay 1" in page for page in pages)
        split.append("Replay it:" in pages[0])
    assert len(set(split)) == 2  # the end of the page was met
