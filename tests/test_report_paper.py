"""What a page of paper needs: heads that stay with their rows, names that fold, long text cut."""

from __future__ import annotations

import re

from lora_proofs.report.bookmarks import bookmark
from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.html import to_html
from lora_proofs.report.latex import to_latex
from lora_proofs.report.markdown import to_markdown
from lora_proofs.report.pictures.slacks import slack_distribution
from lora_proofs.report.text import plain
from lora_proofs.report.tree import Block, Document, Math, Section, Table, Text
from lora_proofs.report.typst import to_typst

TABLE = Table("All", ("Name", "Value"), ((plain("a"), plain("b")),) * 2)


def _latex(*blocks: Block) -> str:
    return to_latex(Document("t", blocks)).split(r"\lptitle{t}")[1]


def test_a_heading_asks_for_the_room_of_the_table_that_follows() -> None:
    bare, full = (_latex(Section(plain("A"), blocks)) for blocks in ((), (TABLE,)))
    needs = [int(re.findall(r"\\lpneed\{(\d+)\}", made)[0]) for made in (bare, full)]
    assert needs[0] < needs[1]


def test_a_heading_below_a_heading_stays_with_it() -> None:
    inner = Section(plain("B"), (TABLE,))
    made = _latex(Section(plain("A"), (inner, inner)))
    asked = re.findall(r"(?:\\lpneed\{\d+\})?\\(?:sub)*section", made)
    assert [one.startswith(r"\lpneed") for one in asked] == [True, False, True]


def test_the_last_two_rows_of_a_latex_table_stay_together() -> None:
    made = _latex(TABLE)
    assert made.count(r"\tabularnewline*") == 1
    assert re.search(r"\\tabularnewline\*[^&]*&[^&]*\\end\{longtable\}", made)


def test_a_name_in_a_table_may_break_after_its_strokes() -> None:
    made = _latex(Table("", ("a",), ((plain("rushka-klabjan/nuclear-norm-law"),),)))
    assert made.count(r"\allowbreak{}") == 4


def test_bookmarks_keep_the_signs_of_a_title() -> None:
    title = (Text("Steps of 1/4: "), Math(r"r^{-1/2} \ge \frac{1}{2}"), Text(" ½ ≤ α_é"))
    assert bookmark(title) == r"Steps of 1/4: r\textasciicircum{}(-1/2) >= 1/2 1/2 <= alpha\_e"
    assert len(bookmark(plain("w" * 10_000))) < 200


def test_a_title_and_a_cell_longer_than_a_page_are_cut_with_a_notice() -> None:
    long = plain("w" * 10_000)
    made = _latex(Section(long, (Table("w" * 10_000, ("w" * 10_000, "b"), ((long, long),)),)))
    assert made.count("more characters") == 6  # the head of a table twice
    assert made.count("w") < 8_000


def test_arrows_have_heads_and_thin_lines_in_latex() -> None:
    points = ((0.0, 0.0), (1.0, 1.0))

    def strokes(look: str) -> tuple[int, bool]:
        plot = Plot(Axis("x"), Axis("y"), (Series("", points, look),))
        made = _latex(Figure("t", "c", "told", (plot,)))
        return made.count(r"\qbezier"), r"\thicklines" in made

    (line, thick), (arrow, thin) = strokes("line"), strokes("arrows")
    assert arrow == line + 2
    assert thick and not thin


def test_typst_parts_no_short_table_and_no_caption_from_its_table() -> None:
    assert "block(breakable: false)" in to_typst(Document("t", (TABLE,)))
    tall = Table("All", ("a",), ((plain("word " * 2_000),),))
    made = to_typst(Document("t", (tall,)))
    assert "table.cell(breakable: true)" in made and "set block(sticky: true)" in made


def test_a_short_table_of_html_is_one_piece_on_paper() -> None:
    assert 'class="short"' in to_html(Document("t", (TABLE,)))
    long = Table("All", ("a",), ((plain("b"),),) * 9)
    assert 'class="short"' not in to_html(Document("t", (long,)))


def test_a_histogram_is_told_with_its_counts_in_plain_numbers() -> None:
    slacks = {"counts": [0, 3, 4], "low": -3, "high": 0, "zero": 2, "above": 1}
    samples = {"slacks": slacks, "smallest_relative_slack": 0.05}
    made = to_markdown(Document("t", slack_distribution({"name": "a", "samples": samples})))
    rows = re.findall(r"^\| (.*) \| (.*) \|$", made, re.M)[2:]
    assert rows == [
        ("0.01 to 0.1", "3"),
        ("0.1 to 1", "4"),
        ("equal sides", "2"),
        ("more than 1", "1"),
        ("smallest: 0.05", "a mark at 0.05"),
    ]


def test_a_line_in_branches_is_told_without_what_is_no_number() -> None:
    gap = ((0.0, 1.0), (1.0, 2.0), (float("nan"), float("nan")), (2.0, 3.0))
    figure = Figure("t", "c", "told", (Plot(Axis("x"), Axis("y"), (Series("f", gap),)),))
    made = to_markdown(Document("t", (figure,)))
    assert "(0, 1), (1, 2); then (2, 3)" in made and "nan" not in made
