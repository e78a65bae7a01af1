"""MathML: what each construction becomes, and how signs stand beside one another."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from lora_proofs.report.mathml import Malformed, to_mathml, too_wide

STAYS = ' stretchy="false"'


def _inside(latex: str, *, display: bool = False) -> str:
    return re.sub("</?math[^>]*>", "", to_mathml(latex, display=display))


@pytest.mark.parametrize(
    ("latex", "held"),
    [
        ("\\begin{bmatrix} 1 & 2 \\end{bmatrix}", "<mrow><mo>[</mo><mtable><mtr><mtd><mn>1</mn>"),
        ("\\begin{pmatrix} -3/4 \\end{pmatrix}", "<mo>(</mo><mtable><mtr><mtd><mn>−3/4</mn></mtd>"),
        ("\\begin{pmatrix} -a \\end{pmatrix}", "<mtd><mo>−</mo><mi>a</mi></mtd>"),
        ("\\begin{cases} 1 \\\\ 2 \\end{cases}", '<mrow><mo>{</mo><mtable class="cases">'),
        ("\\begin{aligned} a &= b \\end{aligned}", '<mtable displaystyle="true" class="aligned">'),
        ("\\begin{aligned} a & - b \\end{aligned}", '<mo form="infix">−</mo><mi>b</mi>'),
        ("\\left\\lVert \\frac{a}{b} \\right\\rVert", "<mrow><mo>‖</mo><mfrac>"),
        ("\\left(A^\\top\\right)^2", f"<mo{STAYS}>(</mo><msup><mi>A</mi><mi>⊤</mi></msup><msup>"),
        ("(A)^2", f'<msup><mo form="postfix"{STAYS}>)</mo><mn>2</mn></msup>'),
        ("\\left\\{\\frac12\\right.", "<mrow><mo>{</mo><mfrac><mn>1</mn><mn>2</mn></mfrac></mrow>"),
        ("\\left(-\\frac12\\right)", '<mo>(</mo><mo form="prefix">−</mo>'),
        ("(x)", f"<mo{STAYS}>(</mo><mi>x</mi><mo{STAYS}>)</mo>"),
        ("|x|", f'<mo form="prefix"{STAYS}>|</mo><mi>x</mi><mo form="postfix"{STAYS}>|</mo>'),
        ("a = -b", '<mo form="prefix">−</mo>'),
        ("a - b", "<mo>−</mo>"),
        ("|a| - b", "<mo>−</mo>"),
        ("1/2", "<mn>1/2</mn>"),
        ("a/2", '<mo lspace="0" rspace="0">/</mo>'),
        ("B^\\top", "<msup><mi>B</mi><mi>⊤</mi></msup>"),
        ("f''", "<msup><mi>f</mi><mo>″</mo></msup>"),
        ("\\operatorname{tr} W", '<mi>tr</mi><mspace width=".167em"></mspace><mi>W</mi>'),
        ("\\operatorname{tr}(W)", f"<mi>tr</mi><mo{STAYS}>("),
        ("\\mathrm{d}", '<mi mathvariant="normal">d</mi>'),
        ("\\Delta", '<mi mathvariant="normal">Δ</mi>'),
        ("\\mathbb{R}", "<mi>ℝ</mi>"),
        ("\\mathcal{L}", "<mi>ℒ</mi>"),
        ("\\mathbf{x1}", "<mi>𝐱</mi><mn>𝟏</mn>"),
        ("\\hat x", f'<mover accent="true"><mi>x</mi><mo{STAYS}>ˆ</mo></mover>'),
        ("\\overline{AB}", '<mrow class="overline"><mi>A</mi><mi>B</mi></mrow>'),
        ("\\sqrt[3]{x}", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        ("\\tfrac12", '<mfrac displaystyle="false">'),
        ("\\binom nk", '<mfrac linethickness="0">'),
        ("\\bigl( x", '<mo form="prefix" stretchy="true" minsize="1.2em" maxsize="1.2em">('),
        ("a < b", "<mo>&lt;</mo>"),
        ("\\text{<b> }", "<mtext>&lt;b&gt;\N{NO-BREAK SPACE}</mtext>"),
    ],
)
def test_constructions(latex: str, held: str) -> None:
    assert held in _inside(latex)


@pytest.mark.parametrize(
    "latex",
    [
        "\\frac{\\frac{a}{b} + \\sqrt{\\frac{c}{d}}}{\\left[\\frac{e}{f}\\right]}",
        "\\sum_{i=1}^n \\lim_{h \\to 0} \\begin{vmatrix} a & b' \\\\ c & \\text{x} \\end{vmatrix}",
        "\\left( a + \\left( b + \\left( c \\right) \\right) \\right)^{\\top} " * 12,
    ],
)
@pytest.mark.parametrize("display", [True, False])
def test_it_is_well_formed(latex: str, display: bool) -> None:
    tree = ElementTree.fromstring(f"<p>{to_mathml(latex, display=display)}</p>")
    assert {child.tag for child in tree} == {"math"}


def test_limits_stand_below_in_displayed_formulas_only() -> None:
    for latex, tag in (("\\lim_{h \\to 0} x", "munder"), ("\\sum_i^n x", "munderover")):
        assert f"<{tag}>" in to_mathml(latex, display=True)
        assert f"<{tag}>" not in to_mathml(latex)
    assert "<munder" not in to_mathml("\\int_0^1 x", display=True)


def test_long_formulas_break_where_they_are_shown() -> None:
    latex = "A = " + " + ".join(["B C D E"] * 30)
    shown = to_mathml(latex, display=True)
    assert shown.count("<math") == 1
    assert shown.count("<mtr>") > 2
    assert '<mtd><mo form="infix">+</mo>' in shown
    parts = to_mathml(latex)
    assert parts.count("<math>") > 5
    assert '</math> <math><mo form="infix" lspace="0">+</mo>' in parts
    assert shown.count("<mi>") == parts.count("<mi>") == 121


def test_a_formula_in_a_line_breaks_inside_brackets_where_it_must() -> None:
    assert to_mathml("(" + " + ".join(["A B C"] * 20) + ")").count("<math>") > 2
    assert to_mathml("(a + b + c + d) + (e + f + g + h)").count("<math>") == 2


def test_a_matrix_in_a_line_is_known_to_be_wide() -> None:
    row = " & ".join(["123456789/1000"] * 6)
    assert too_wide(f"\\begin{{bmatrix}} {row} \\end{{bmatrix}}")
    assert not too_wide("a + b = c + d = e + f = g + h = i + j = k + l = m + n = o + p")


@pytest.mark.parametrize("latex", ["\\input{/etc/passwd}", "\\href{x}{y}", "a & b", "x_a_b", ""])
def test_what_is_no_formula_is_refused(latex: str) -> None:
    with pytest.raises(Malformed):
        to_mathml(latex)
