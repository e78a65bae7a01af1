"""Exact instances and comparisons, as they stand in a record, to LaTeX and text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lora_proofs.report.text import inlines
from lora_proofs.report.tree import Block, Code, DisplayMath, Inlines, Math, Paragraph, Text

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?(/\d+)?")
_NAME = re.compile(r"([A-Za-z])_?(\d*)")
_GREEK = ("alpha", "beta", "gamma", "delta", "eta", "theta", "kappa", "mu", "rho", "sigma", "tau")
_RELATIONS = {"<=": r"\le", ">=": r"\ge", "<": "<", ">": ">", "=": "=", "!=": r"\ne"}
MAX_LINE = 24


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
    matrices: list[Block] = []
    for name, value in _flat(instance):
        if is_matrix(value):
            matrices += _matrix(name, value)
        else:
            scalars += [Text(", ")] if scalars else []
            scalars += [*_label(name), Text(" = "), *_value(value)]
    return (*((Paragraph(tuple(scalars)),) if scalars else ()), *matrices)


def _flat(instance: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in instance.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif key != "regimes" or prefix:
            yield name, value
        elif value:
            yield "regimes", ", ".join(map(str, value))


def _matrix(name: str, rows: Any) -> tuple[Block, ...]:
    latex = name_latex(name)
    if latex:
        return (DisplayMath(f"{latex} = {matrix_latex(rows)}"),)
    return (Paragraph((Code(name), Text(" ="))), DisplayMath(matrix_latex(rows)))


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
    relation = str(comparison.get("relation", "?"))
    label = comparison.get("label")
    pieces: list[Any] = [Text("This fails: ")]
    pieces += [*inlines(label), Text(": ")] if label else []
    pieces += _value(comparison.get("left", "?"))
    sign = _RELATIONS.get(relation)
    pieces += [Text(" "), Math(sign) if sign else Code(relation), Text(" ")]
    pieces += _value(comparison.get("right", "?"))
    for extra in ("slack", "radius"):
        if comparison.get(extra) not in (None, ""):
            pieces += [Text(f", {extra} "), *_value(comparison[extra])]
    return (Paragraph((*pieces, Text("."))),)
