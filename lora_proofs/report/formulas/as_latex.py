"""A formula as LaTeX again, in commands of amsmath and amssymb alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lora_proofs.report.formulas.nodes import (
    Decorated,
    Fenced,
    Fraction,
    Grid,
    Group,
    Node,
    Nodes,
    Number,
    Root,
    Scripts,
    Sign,
    Sized,
    Words,
)
from lora_proofs.report.formulas.symbols import FUNCTIONS, LIMITED

NAMED = FUNCTIONS - {"argmin", "argmax"}  # what LaTeX itself has a command for
# Commands of packages that a plain document does not load.
_PLAINER = {"bm": "boldsymbol", "mathscr": "mathcal", "mbox": "text"}


def latex_of(nodes: Iterable[Node], *, words: Callable[[str], str]) -> str:
    r"""The formula as LaTeX; ``words`` makes its upright text safe where it will stand.

    >>> from lora_proofs.report.formulas.reading import read
    >>> latex_of(read(r"\|x\|^2\le\frac12"), words=str)
    '\\Vert x \\Vert^{2} \\le \\frac{1}{2}'
    """
    made = ""
    for node in nodes:
        piece = _one(node, words)
        tight = not made or made[-1] in "([/" or piece[0] in ")],;/!"
        made += piece if tight and not _merges(made, piece) else f" {piece}"
    return made


def _merges(before: str, piece: str) -> bool:
    """Whether a letter would become a part of the command before it."""
    return piece[0].isalpha() and bool(re.search(r"\\[A-Za-z]+$", before))


def _one(node: Node, words: Callable[[str], str]) -> str:
    def inner(body: Nodes) -> str:
        return latex_of(body, words=words)

    match node:
        case Sign(latex, _, _):
            return latex
        case Number(digits):
            return digits
        case Words():
            return _words(node, words)
        case Group(body):
            return f"{{{inner(body)}}}"
        case Scripts(base, below, above):
            down = "" if below is None else f"_{{{inner(below)}}}"
            up = "" if above is None else f"^{{{inner(above)}}}"
            return f"{_one(base, words)}{down}{up}"
        case Fraction(command, over, under):
            return rf"\{command}{{{inner(over)}}}{{{inner(under)}}}"
        case Root(index, body):
            return rf"\sqrt{'' if index is None else f'[{{{inner(index)}}}]'}{{{inner(body)}}}"
        case Decorated(command, body):
            return rf"\{_PLAINER.get(command, command)}{{{inner(body)}}}"
        case Fenced(left, body, right):
            return rf"\left{_bracket(left)} {inner(body)} \right{_bracket(right)}"
        case Sized(command, sign):
            return rf"\{command}{_bracket(sign)}"
        case Grid(environment, rows):
            # After the end of a row a bracket or a star would be an option.
            lines = r" \\ ".join(" & ".join(_guarded(inner(x)) for x in row) for row in rows)
            return rf"\begin{{{environment}}} {lines} \end{{{environment}}}"


def _guarded(cell: str) -> str:
    return f"{{}}{cell}" if cell[:1] in ("[", "*") else cell


def _bracket(sign: Sign | None) -> str:
    return "." if sign is None else sign.latex


def _words(node: Words, words: Callable[[str], str]) -> str:
    text = words(node.text)
    star = node.text in LIMITED
    if node.text in NAMED and node.command == f"operator{'*' * star}":
        return rf"\{node.text}"
    if node.command.startswith("operator"):
        return rf"\operatorname{node.command[8:]}{{{text}}}"
    return rf"\{_PLAINER.get(node.command, node.command)}{{{text}}}"
