"""The faces on paper: a hostile document is set as text, by LaTeX, by typst and in Markdown."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lora_proofs.errors import BadInput
from lora_proofs.report import pdf, render
from lora_proofs.report.cleaning import cleaned
from lora_proofs.report.columns import shares
from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.glyphs import coded, typed
from lora_proofs.report.latex import to_latex
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
    Judged,
    Link,
    Math,
    Paragraph,
    Section,
    Table,
    Text,
)
from lora_proofs.report.typefaces import settable
from lora_proofs.report.typst import PRELUDE, to_typst

ATTACKS = [
    r"\input{/etc/passwd} \immediate\write18{touch pwned} ^^5cinput x % ~ \catcode`\%=0 #1 & _ ^ $",
    r"\end{document} }}} {{{ \csname x\endcsname \\ [2pt] \verb|x| \foo@bar ^^M",
    '#read("/etc/passwd") #import "@preview/cetz:0.2.2" @foo <lab> $x$ ```x``` *b* // c /* d " ] )',
    "<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://e.test/x.png) | a | \n\n# h",
    "\x07\x1b[31m é ñ 漢字 العربية ½ ✓ ✗ ﬁ ⟦x⟧ α≤β ℝ ẞ Ж 10⁻⁹ x₂",
    "x" * 150 + " " + "1" * 60 + "/" + "7" * 60,
]  # fmt: skip


def _document(text: str) -> Document:
    """The text in every place of a document."""
    inline = (Text(text), Math(text), Code(text), Link("#" + text, text), Link("#known", text),
              Link("javascript:x", text), Link(text, text), Judged(text, text, (text,)),
              Text(text, strong=True))  # fmt: skip
    plot = Plot(Axis(text), Axis(text, log=True), (
        Series(text, ((0.0, 1.0), (1.0, 0.5), (2.0, 0.1)), "both", 2),
        Series(text, ((0.0, 1.0), (1.0, 0.5)), "band", 3, ((0.0, 2.0), (1.0, 1.0))),
    ), text)  # fmt: skip
    blocks = (
        Paragraph(inline),
        DisplayMath(text),
        CodeBlock(text),
        Bullets((inline,)),
        Table(text, (text, text), (((Text(text),), inline), ((Code(text),), (Math(text),)))),
        Derivation((DerivedLine(text, text, inline, inline, "✓", text),)),
        Callout(text, (Paragraph(inline),)),
        Figure(text, text, text, (plot,)),
        Section(inline, (Paragraph(inline),), "known"),
        Section((Text(text),), (Bullets((inline,)),), "bibliography"),
        Section((Text(text),), (), text),
    )
    return Document(text, blocks)


def _words(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9/]", "", text)


@pytest.mark.parametrize("text", ATTACKS)
def test_typst_sets_hostile_text_as_text(text: str, tmp_path: Path) -> None:
    typst = pytest.importorskip("typst")
    document = _document(text)
    made = pdf.to_pdf(document)
    assert made[:5] == b"%PDF-"
    assert made == pdf.to_pdf(document)
    outside = re.sub(r'"(?:\\.|[^"\\])*"', '""', to_typst(document).removeprefix(PRELUDE))
    assert not re.search(r"#(read|import|include|eval|sys)\b", outside)
    assert typst.__doc__
    if shutil.which("pdftotext"):
        (tmp_path / "x.pdf").write_bytes(made)
        told = subprocess.run(["pdftotext", tmp_path / "x.pdf", "-"], capture_output=True)
        assert b"root:" not in told.stdout
        assert _words(settable(cleaned(text)))[:30] in _words(told.stdout.decode())


@pytest.mark.parametrize("text", ATTACKS)
def test_latex_holds_no_command_of_the_text(text: str) -> None:
    made = to_latex(_document(text))
    body = made[made.index("\\lptitle{", made.index("\\newsavebox")) :]
    commands = set(re.findall(r"\\([A-Za-z]+)", body))
    assert not commands & set("input write immediate catcode csname verb foo read def".split())
    assert body.isascii() and "^^" not in body
    assert not re.search(r"(?<!\\)%.", re.sub("%\n", "", body))
    assert body.count("\\end{document}") == 0


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_hostile_text_compiles(tmp_path: Path) -> None:
    blocks = tuple(block for text in ATTACKS for block in _document(text).blocks)
    (tmp_path / "x.tex").write_text(to_latex(Document(ATTACKS[0], blocks)))
    command = ["pdflatex", "-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "x.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert not (tmp_path / "pwned").exists()


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_the_source_can_be_input_in_a_document(tmp_path: Path) -> None:
    (tmp_path / "report.tex").write_text(to_latex(_document("A & B")))
    (tmp_path / "x.tex").write_text(
        "\\documentclass{article}\\usepackage{amsmath,amssymb,longtable,hyperref}\n"
        "\\begin{document}\\section{Mine}\\input{report}\\section{After}\\end{document}"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "x.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("text", ATTACKS)
def test_markdown_keeps_hostile_text_as_text(text: str) -> None:
    made = to_markdown(_document(text))
    outside = re.sub(r"(`+).*?\1", "", made, flags=re.S)
    outside = re.sub('<a id="[a-z0-9-]+"></a>', "", outside)
    assert not re.search(r"(?<!\\)<[A-Za-z/]", outside)
    assert not re.search(r"(?<!\\)\]\((?!#|https://)", outside)
    assert not re.search(r"(?<!\\)!\[", outside)


def test_a_formula_of_markdown_leaves_nothing_to_markdown() -> None:
    latex = r"\{ \|x\| : |x| < 1 \} \, a * b \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"
    made = to_markdown(Document("t", (Paragraph((Math(latex),)),)))
    tex = made.split("$")[1]
    assert not re.search(r"\\[^A-Za-z]|[<>|*`]", tex)
    assert r"\cr" in tex


def test_pictures_are_told_in_markdown_with_points() -> None:
    points = tuple((float(k), k / 2) for k in range(100))
    plot = Plot(Axis("t"), Axis("f"), (Series("loss", points),))
    made = to_markdown(Document("t", (Figure("Loss", "It falls.", "From 0 to 49.5.", (plot,)),)))
    assert "From 0 to 49.5." in made
    assert "(0, 0)" in made and "(99, 49.5)" in made and made.count("), (") == 8


def test_a_bracket_after_the_end_of_a_row_is_no_option() -> None:
    made = to_latex(Document("t", (DisplayMath(r"\begin{bmatrix} 1 \\ [0,1) \end{bmatrix}"),)))
    assert r"\\ {}[0" in made


def test_characters_that_latex_lacks_are_code_points() -> None:
    assert typed("漢") == r"\texttt{[U+6F22]}"
    assert typed("é ≤ ✓") == r"\'{e} \ensuremath{\le} \ensuremath{\checkmark}"


def test_long_words_may_break_and_keep_their_characters() -> None:
    for made in (typed("ab" * 100), coded("ab" * 100)):
        assert made.replace(r"\allowbreak{}", "") == "ab" * 100
        assert max(map(len, made.split(r"\allowbreak{}"))) <= 32


def test_columns_share_the_page_and_hold_their_longest_word() -> None:
    rows = (((Text("INCONCLUSIVE", strong=True),), (Text("word " * 60),)),)
    found = shares(Table("", ("a", "b"), rows))
    assert sum(found) == pytest.approx(1, abs=0.01)
    assert found[0] * 92 > 14


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "typst", None)
    with pytest.raises(BadInput, match=r"pip install 'lora_proofs\[pdf\]'"):
        pdf.to_pdf(Document("t", ()))


def test_a_long_exact_number_breaks_where_the_line_ends():
    typst = pytest.importorskip("typst")

    def height(digits):
        node = to_typst(Document("t", (Paragraph((Code("1/1" + "0" * digits),)),)))
        call = re.search(r"#code\(.*?\)", node)[0].removeprefix("#")
        measured = f"measure(block(width: 100mm, {call})).height.pt()"
        asked = PRELUDE + f"#context [#metadata({measured}) <height>]"
        return json.loads(typst.query(asked.encode(), "<height>", field="value"))[0]

    assert height(300) > 3 * height(10)


def test_no_line_of_latex_is_longer_than_tex_reads() -> None:
    for made in (typed("7" * 10**5), coded("7" * 10**5), coded("a/b " * 50_000)):
        assert max(map(len, made.split("\n"))) < 20_000
        bare = made.replace("%\n", "").replace(r"\allowbreak{}", "")
        assert bare in ("7" * 10**5, ("a/b " * 50_000).rstrip(), "a/b " * 50_000)
        assert not any(line.startswith(" ") for line in made.split("\n"))


def test_an_indent_is_no_length_that_tex_lacks() -> None:
    made = render([{"name": "a/b", "statement": "$$" + " " * 5000 + r"\unknown x$$"}], "latex")
    assert r"\hspace*{2500" not in made


def test_a_long_scope_breaks_in_a_pdf() -> None:
    made = to_typst(Document("t", (Paragraph((Judged("PROVED", "7" * 300),)),)))
    assert "7" * 60 not in made and made.count("\u200b") > 5
