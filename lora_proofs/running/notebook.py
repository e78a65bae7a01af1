"""How a record looks in a notebook: HTML with formulas for MathJax, and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from lora_proofs.running.telling import checks, compared, margin, origin, settling, support

Record = Mapping[str, Any]
WIDE = 12
"""Columns and rows of a matrix that are printed; a larger one is named by its shape."""


def in_html(record: Record) -> str:
    """Verdict with scope, statement, and what speaks for it, against it, or would settle it.

    >>> "<strong>PROVED</strong> on all shapes" in in_html(
    ...     {"name": "a/b", "verdict": "PROVED", "scope": "all shapes"})
    True
    """
    return "".join(_parts(record))


def _parts(record: Record) -> Iterator[str]:
    cites = "; ".join(record.get("cites") or ())
    scope = f"{record.get('scope', '')}{f', modulo {cites}' if cites else ''}"
    name, verdict = escape(str(record.get("name"))), escape(str(record.get("verdict")))
    yield f"<p><code>{name}</code>: <strong>{verdict}</strong> on {escape(scope)}</p>"
    if record.get("statement"):
        yield f"<p>{escape(_statement(str(record['statement'])))}</p>"
    yield _list("", record.get("reasons") or ())
    if record.get("counterexample"):
        yield from _refutation(record["counterexample"])
    yield _list("What speaks for it", support(record))
    yield _list("What would settle it", settling(record))


def _statement(text: str) -> str:
    """A statement with dollars around it where it is one formula."""
    return text if "$" in text else f"${text}$"


def _list(title: str, items: Iterable[str]) -> str:
    told = "".join(f"<li>{escape(item)}</li>" for item in items)
    head = f"<p><em>{escape(title)}</em></p>" if title and told else ""
    return f"{head}<ul>{told}</ul>" if told else ""


def _refutation(found: Record) -> Iterator[str]:
    yield "<p><em>The counterexample, in exact numbers</em></p>"
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_value(value)}</td></tr>"
        for name, value in _flat(found.get("instance") or {})
    )
    yield f"<table>{rows}</table>"
    comparison = found["comparison"]
    fails = f"{compared(comparison)} fails, slack {comparison.get('slack')}"
    held = [f"{name}: {'; '.join(lines) or 'holds'}" for name, lines in checks(found)]
    yield _list("", [fails, *filter(None, [margin(comparison)]), *held, *origin(found)])
    if found.get("replay"):
        yield f"<pre>{escape(str(found['replay']))}</pre>"


def _flat(instance: Record, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in instance.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif name != "regimes":
            yield f"{prefix}{name}", value


def _value(value: Any) -> str:
    """A value; a matrix as a formula that MathJax sets."""
    if not isinstance(value, list):
        return escape(str(value))
    if len(value) > WIDE or len(value[0]) > WIDE:
        return f"a {len(value)} x {len(value[0])} matrix, in <code>.counterexample</code>"
    return escape(f"${matrix_latex(value)}$")


def matrix_latex(rows: list[list[Any]]) -> str:
    r"""A matrix with its entries as they stand.

    >>> matrix_latex([[1, "1/2"]])
    '\\begin{bmatrix} 1 & 1/2 \\end{bmatrix}'
    """
    body = r" \\ ".join(" & ".join(map(str, row)) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def in_latex(record: Record) -> str:
    """The statement with its verdict, and the counterexample's matrices where there is one."""
    statement = str(record.get("statement", ""))
    told = statement if "$" in statement else f"${statement}$"
    cites = "; ".join(record.get("cites") or ())
    reach = f"{record.get('verdict')} on {record.get('scope')}"
    lines = [f"{told} ({_text(reach + (f', modulo {cites}' if cites else ''))})"]
    found = record.get("counterexample")
    if found:
        shown = [_field(name, value) for name, value in _flat(found.get("instance") or {})]
        lines += [f"Counterexample: {', '.join(shown)}", _text(compared(found["comparison"]))]
    return "\n\n".join(lines)


def _field(name: str, value: Any) -> str:
    return rf"$\mathtt{{{_text(name)}}} = {_latex(value)}$"


def _latex(value: Any) -> str:
    if not isinstance(value, list):
        return rf"\text{{{_text(str(value))}}}"
    if len(value) > WIDE or len(value[0]) > WIDE:
        return rf"\text{{a {len(value)} x {len(value[0])} matrix}}"
    return matrix_latex(value)


def _text(words: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in _SIGN.findall(words))


_SIGN = re.compile("[<>]=|.", re.DOTALL)
_SIGNS = {
    **{sign: "\\" + sign for sign in "#$%&_{}"},
    "\\": r"\textbackslash{}",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": "$<$",
    ">": "$>$",
    "<=": r"$\le$",
    ">=": r"$\ge$",
}
