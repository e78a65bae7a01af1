"""``derive``: a claim's derivation, line by line, with how each line was checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from lora_proofs.cli.inspecting import the_one
from lora_proofs.cli.options import One, emit, say
from lora_proofs.errors import BadInput

FORMATS = ("text", "latex", "sympy", "json", "coq")
SECONDS = 300.0


def derive_claim(
    claim: One,
    form: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="How to print it.")
    ] = "text",
) -> int:
    """Derive a claim: every line, why it holds, and what checked it.

    The format coq prints a file for Rocq or Coq 8.16 and later, which states the identities of the
    derivation and proves them for all shapes: run coqc on it. Inequalities and cited lemmas are
    left out, and the file says which; a derivation without an identity ends with exit code 4.

    \b
    Examples:
      lora-proofs derive rushka-klabjan/lora-flow-equations
      lora-proofs derive classical/balancedness --format latex
      lora-proofs derive my_claim.py::my-notes/my-theorem --format json
    """
    if form not in FORMATS:
        raise BadInput(f"derive: expected a format among {', '.join(FORMATS)}; got {form!r}")
    derived = _derived(claim, form)
    if form == "coq":
        say(derived["source"])
    elif form == "json":
        emit({"schema_version": 1, "command": "derive", **derived})
    else:
        printers = {"text": _text, "latex": _latex, "sympy": _sympy}
        say(printers[form](derived))
    return 0


def _derived(claim: str, form: str) -> dict[str, Any]:
    from lora_proofs.running.verifying import perform_on

    task = {"do": "derive", "sympy": form == "sympy", "coq": form == "coq"}
    derived: dict[str, Any] = perform_on(the_one(claim), task, SECONDS)
    return derived


def _state(derived: Mapping[str, Any]) -> str:
    cites = f", modulo {'; '.join(derived['cites'])}" if derived["cites"] else ""
    closed = f"closed for {derived['scope']}{cites}" if derived["closed"] else "not closed"
    return f"{derived['name']}: the derivation is {closed}"


def _how(line: Mapping[str, Any]) -> str:
    if line["kind"] == "prose":
        return "prose: no engine checks it"
    if not line["ok"]:
        return f"{line['kind']}: NOT CLOSED: {line['problem']}"
    return f"{line['kind']}: {' and '.join(line['checked_by']) or line['rule']}"


def _text(derived: Mapping[str, Any]) -> str:
    lines = [_state(derived), ""]
    for number, line in enumerate(derived["lines"], start=1):
        lines += [f"{number:>3}. {line['text'] or line['why']}", f"       {_how(line)}"]
        lines += [f"       {line['why']}"] if line["text"] and line["why"] else []
    where = [f"  {text}" for text, _ in derived["names"]]
    return "\n".join([*lines, *(["", "where", *where] if where else [])])


def _latex(derived: Mapping[str, Any]) -> str:
    lines = [f"% {_state(derived)}", r"\begin{enumerate}"]
    for line in derived["lines"]:
        shown = f"$\\displaystyle {line['latex']}$" if line["latex"] else ""
        why = f"{_escaped(line['why'])} ({_escaped(_how(line))})"
        lines.append(rf"\item {shown} {why}".replace("item  ", "item "))
    where = ", ".join(f"${latex}$" for _, latex in derived["names"])
    return "\n".join([*lines, r"\end{enumerate}", *([f"where {where}"] if where else [])])


def _escaped(words: str) -> str:
    special = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "<": "$<$", ">": "$>$"}
    special |= {c: "\\" + c for c in "#$%&_{}"}
    return "".join(special.get(c, c) for c in words)


def _sympy(derived: Mapping[str, Any]) -> str:
    lines = [f"# {_state(derived)}", "from sympy import *", "from sympy.core.symbol import Str"]
    for number, line in enumerate(derived["lines"], start=1):
        why = " ".join(line["why"].split())
        lines += [f"# {number}. {why} ({_how(line)})", line["sympy"] or "# (no relation)"]
    return "\n".join(lines)
