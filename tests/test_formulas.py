"""The reader of formulas: its list of commands is all that gets through, to every face."""

from __future__ import annotations

import re

import pytest

from lora_proofs.report.fitting import fitted
from lora_proofs.report.formulas import NotPlain, latex_of, read, typst_of
from lora_proofs.report.linebreaks import width

REFUSED = [
    r"\input{/etc/passwd}",
    r"\write18{id}",
    r"\immediate\write18{id}",
    r"\catcode`\$=0",
    r"\csname input\endcsname{x}",
    r"\def\a{\a}\a",
    r"\newcommand{\a}{x}",
    r"\text{\input{x}}",
    r"\operatorname{\input}",
    r"\mathrm{a}\end{document}",
    r"\begin{verbatim} x \end{verbatim}",
    r"\begin{bmatrix} 1 \end{pmatrix}",
    r"\href{javascript:alert(1)}{x}",
    r"\sigma^^5cinput{x}",
    "x # y",
    "x % y",
    "$x$",
    "`x`",
    "漢",
    "\x07",
    r"\frac{1}",
    r"\left( x",
    r"x \right)",
    "{x",
    "x}",
    "x_a_b",
    "a & b",
    r"\sqrt[3",
    "",
    "{" * 500 + "}" * 500,
    r"\hat" * 500 + "x",
    "x" * 30_000,
]
SHOWN = [
    r"\bigl( x \bigr) + \left\{ x \,\middle|\, \frac12 x \ge 0 \right\}",
    r"\left. \frac{\mathrm d}{\mathrm d h} f \right|_{h = 0} = -e_B^\top G(t/2)",
    r"f(x) = \begin{cases} x & x > 0 \\ 0 & \text{otherwise, so} \end{cases}",
    r"\begin{aligned} a &= b \\ c &\le d \end{aligned}",
    r"\sum_{i=1}^n x_i + \int_0^1 f'(x)\,dx + \lim_{h \to 0} \|x\| + {A_k^{\mathrm{BA}}}_{+}",
    r"\sqrt[3]{x} + \binom{n}{k}",
    r"\mathbb{E} \mathcal{L} + \boxed{x} \begin{matrix} 1 \end{matrix}",
    r"\begin{vmatrix} a & b \\ c & d \end{vmatrix} ",
    r"\lceil x \rceil a{:}b, \dot{\tilde A} \mathbf{A} x'' y'^2",
    "α ≤ β − γ × 1.5",
]  # fmt: skip


@pytest.mark.parametrize("latex", REFUSED)
def test_what_is_not_on_the_list_is_refused(latex: str) -> None:
    with pytest.raises(NotPlain):
        read(latex)


@pytest.mark.parametrize("latex", SHOWN)
def test_what_is_written_reads_the_same_again(latex: str) -> None:
    nodes = read(latex)
    assert read(latex_of(nodes, words=str)) == nodes


def test_typst_sets_every_construct() -> None:
    typst = pytest.importorskip("typst")
    source = "\n".join(f"$ {typst_of(read(latex))} $" for latex in SHOWN)
    assert typst.compile(source.encode(), ignore_system_fonts=True)[:5] == b"%PDF-"


def test_text_of_a_formula_is_a_quoted_string_of_typst() -> None:
    assert typst_of(read('\\text{a" + read("x")}')) == r'upright("a\" + read(\"x\")")'


def test_arguments_of_one_digit() -> None:
    assert read(r"\frac12") == read(r"\frac{1}{2}")
    assert read("x^12") == read("x^{1}2")


def test_long_formulas_get_lines_and_wide_matrices_blocks() -> None:
    sum_ = " + ".join(f"x_{{{k}}}" for k in range(80))
    assert all(width(line) <= 40 for line in fitted(rf"y = \left({sum_}\right)^2", 40))
    tall = rf"\left. \frac{{1}}{{2}} \left({sum_}\right) \right|_{{h = 0}} = 1"
    assert all(width(line) <= 42 for line in fitted(tall, 40))
    row = " & ".join(str(10**6 + k) for k in range(40))
    blocks = fitted(rf"A = \begin{{bmatrix}} {row} \end{{bmatrix}}", 40)
    told = " ".join(latex_of(line, words=str) for line in blocks)
    assert all(width(line) <= 40 for line in blocks)
    assert re.findall(r"\d{7}", told) == [str(10**6 + k) for k in range(40)]
    assert "(columns 1 to" in told and told.count("[") == told.count("]") == 1


def test_a_number_keeps_its_digits_over_lines() -> None:
    digits = "1234567890" * 30
    assert "".join(latex_of(line, words=str) for line in fitted(digits, 40)) == digits


def test_what_no_page_can_hold_is_shown_as_it_was_written() -> None:
    with pytest.raises(NotPlain):
        fitted("x" * 500, 40)
