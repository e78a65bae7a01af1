"""Breaks in long formulas: nothing is lost, brackets stay whole where they can."""

from __future__ import annotations

import pytest

from lora_proofs.report.formulas.reading import read
from lora_proofs.report.linebreaks import flattened, kind_of, lines, tall, width


def _lines(latex: str, most: float, deepest: int = 9) -> list[str]:
    nodes = flattened(read(latex))
    found = lines(nodes, most, deepest=deepest)
    assert sum(found, ()) == nodes
    return ["".join(getattr(node, "character", "?") for node in line) for line in found]


def test_a_relation_is_the_better_place() -> None:
    assert _lines("a + b + c = d + e + f", 8.0) == ["a+b+c", "=d+e+f"]


def test_signs_outside_brackets_come_before_those_inside() -> None:
    assert _lines("(a + b) - (c + d + e)", 9.0) == ["(a+b)", "−(c+d+e)"]


def test_brackets_break_only_where_they_must() -> None:
    assert _lines("(a + b + c + d + e + f)", 8.0) == ["(a+b+c+d", "+e+f)"]
    assert len(_lines("(a + b + c + d + e + f)", 8.0, deepest=0)) == 1


def test_bars_are_brackets() -> None:
    assert _lines("|a + b + c| + |d + e + f|", 9.0) == ["|a+b+c|", "+|d+e+f|"]


def test_a_sign_before_a_term_is_no_place() -> None:
    assert _lines("aaaaaaaa = -bbbbbbbb", 6.0) == ["aaaaaaaa", "=−bbbbbbbb"]


def test_what_has_no_place_stays_whole() -> None:
    assert len(_lines("abcdefghijklmnopq", 3.0)) == 1


@pytest.mark.parametrize("latex", ["\\frac12", "\\sum_i x", "\\begin{matrix} 1 \\end{matrix}"])
def test_brackets_that_grow_are_not_flattened(latex: str) -> None:
    assert any(map(tall, read(latex)))
    assert [kind_of(x) for x in flattened(read(f"\\left({latex}\\right)"))] == ["fenced"]


def test_scripts_of_flattened_brackets_go_to_the_last() -> None:
    nodes = flattened(read("\\left(a + b\\right)^2"))
    assert [kind_of(x) for x in nodes] == ["open", "letter", "binary", "letter", "close"]
    assert width(nodes) > width(nodes[:4]) + 0.35
