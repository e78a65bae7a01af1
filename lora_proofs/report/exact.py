"""Exact instances and comparisons, as they stand in a record, to LaTeX and text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lora_proofs.report.text import inlines
from lora_proofs.report.tree import Block, Code, DisplayMath, Inline, Inlines, Math, Paragraph, Text

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?(/\d+)?")
_NAME = re.compile(r"([A-Za-z])_?(\d*)")
_GREEK = ("alpha", "beta", "gamma", "delta", "eta", "theta", "kappa", "mu", "rho", "sigma", "tau")
_RELATIONS = {"<=": r"\le", ">=": r"\ge", "<": "<", ">": ">", "=": "=", "!=": r"\ne"}
_CONSTANTS = {"RA": "R_A", "RB": "R_B", "MF": "M_F", "Lf": "L_f"}
REGIME = "in the regime"
MAX_LINE = 24
MAX_WIDTH = 56


def is_matrix(value: Any) -> bool:
    """Whether a value is a list of rows of exact numbers.

    >>> is_matrix([[1, "1/2"]]), is_matrix(["1", "2"])
    (True, False)
    """
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(row, list | tuple) and row for row in value)
        and all(_is_number(entry) for row in value for entry in row)
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    return isinstance(value, str) and bool(_NUMBER.fullmatch(value))


def matrix_latex(rows: Any) -> str:
    r"""A matrix with its entries as they stand.

    >>> matrix_latex([[1, "-1/2"]])
    '\\begin{bmatrix} 1 & -1/2 \\end{bmatrix}'
    """
    body = r" \\ ".join(" & ".join(str(entry) for entry in row) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def name_latex(name: str) -> str | None:
    """The symbol for a field such as ``W0`` or ``eta_A``; ``None`` for any other name.

    >>> name_latex("W0"), name_latex("t"), name_latex("loss")
    ('W_{0}', 't', None)
    """
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    head, _, tail = name.partition("_")
    if head in _GREEK and re.fullmatch("[A-Za-z0-9]?", tail):
        return rf"\{head}_{{{tail}}}" if tail else rf"\{head}"
    found = _NAME.fullmatch(name)
    if not found:
        return None
    return f"{found[1]}_{{{found[2]}}}" if found[2] else found[1]


def _label(name: str) -> Inlines:
    latex = name_latex(name)
    return (Math(latex),) if latex else (Code(name),)


def instance_blocks(instance: Any) -> tuple[Block, ...]:
    """The fields of an exact instance: matrices as formulas, the rest in one line each.

    >>> [block.tag for block in instance_blocks({"W0": [[1]], "loss": "frobenius"})]
    ['paragraph', 'display']
    """
    if not isinstance(instance, Mapping):
        return ()
    scalars: list[Any] = []
    matrices: list[tuple[str, Any]] = []
    for name, value in _flat(instance):
        if is_matrix(value):
            matrices.append((name, value))
        else:
            scalars += [Text(", ")] if scalars else []
            told = (Text(f"{name}: {value}"),) if name == REGIME else ()
            scalars += told or [*_label(name), Text(" = "), *_value(value)]
    return (*((Paragraph(tuple(scalars)),) if scalars else ()), *_matrices(matrices))


def _flat(instance: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in instance.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif key != "regimes" or prefix:
            yield name, value
        elif value:
            yield REGIME, ", ".join(map(str, value))


def _matrices(named: list[tuple[str, Any]]) -> Iterator[Block]:
    """The matrices in lines of about ``MAX_WIDTH`` characters; an odd name gets a line in words."""
    line: list[str] = []
    width = 0
    for name, rows in named:
        symbol = name_latex(name)
        if line and (symbol is None or width + _width(rows) > MAX_WIDTH):
            yield DisplayMath(r" \qquad ".join(line))
            line, width = [], 0
        if symbol is None:
            yield Paragraph((Code(name), Text(" =")))
            yield DisplayMath(matrix_latex(rows))
        else:
            line.append(f"{symbol} = {matrix_latex(rows)}")
            width += _width(rows)
    if line:
        yield DisplayMath(r" \qquad ".join(line))


def _width(rows: Any) -> int:
    """About how many characters wide a named matrix is."""
    return 8 + sum(2 + max(len(str(x)) for x in column) for column in zip(*rows, strict=False))


def _value(value: Any) -> Inlines:
    if _is_number(value) and len(str(value)) <= MAX_LINE:
        return (Math(str(value)),)
    if is_matrix(value):
        return (Math(matrix_latex(value)),)
    return (Code(_written(value)),)


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return str(value)


def comparison_blocks(comparison: Any) -> tuple[Block, ...]:
    """What was compared, with the exact sides, slack and radius.

    >>> len(comparison_blocks({"left": "3", "relation": "<=", "right": "2", "slack": "-1"}))
    1
    """
    if not isinstance(comparison, Mapping):
        return ()
    head = (Text("This fails: "), *inlines(comparison.get("label") or "the comparison"))
    rest = tuple(_extras(comparison))
    sides = [comparison.get(side, "?") for side in ("left", "right")]
    relation = str(comparison.get("relation", "?"))
    sign = _RELATIONS.get(relation)
    if sign and any(map(is_matrix, sides)):
        shown = DisplayMath(f" {sign} ".join(map(_side, sides)))
        return (Paragraph((*head, *rest, Text("."))), shown)
    return (Paragraph((*head, Text(": "), *sides_inline(comparison), *rest, Text("."))),)


def sides_inline(comparison: Mapping[str, Any]) -> Inlines:
    """Both sides of a comparison inside a line.

    >>> sides_inline({"left": "1", "relation": "<=", "right": "2"})[1:3]
    (Text(text=' ', strong=False), Math(latex='\\\\le'))
    """
    relation = str(comparison.get("relation", "?"))
    sign = _RELATIONS.get(relation)
    middle = Math(sign) if sign else Code(relation)
    left, right = (_value(comparison.get(side, "?")) for side in ("left", "right"))
    return (*left, Text(" "), middle, Text(" "), *right)


def _extras(comparison: Mapping[str, Any]) -> Iterator[Inline]:
    for name in ("slack", "radius"):
        if comparison.get(name) not in (None, ""):
            yield Text(f", {name} ")
            yield from _value(comparison[name])


def _side(value: Any) -> str:
    """One side as LaTeX; what is no number is set as text, in signs that LaTeX leaves alone."""
    if is_matrix(value):
        return matrix_latex(value)
    shown = str(value)
    return shown if _is_number(value) else rf"\text{{{re.sub('[^A-Za-z0-9 .+/-]', ' ', shown)}}}"
