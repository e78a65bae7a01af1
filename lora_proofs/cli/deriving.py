"""``derive``: a claim's derivation, line by line, with how each line was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lora_proofs.cli.inspecting import the_one
from lora_proofs.cli.options import One, emit, say
from lora_proofs.errors import BadInput

if TYPE_CHECKING:
    from lora_proofs.running.catalogue import Entry

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
    entry = the_one(claim)
    derived = _derived(entry, form)
    if form == "coq":
        say(derived["source"])
    elif form == "json":
        emit({"schema_version": 1, "command": "derive", **derived})
    else:
        printers = {"text": _text, "latex": _latex, "sympy": _sympy}
        say(printers[form]({**entry.told, **derived}))
    return 0


def _derived(entry: Entry, form: str) -> dict[str, Any]:
    from lora_proofs.running.verifying import perform_on

    task = {"do": "derive", "sympy": form == "sympy", "coq": form == "coq"}
    derived: dict[str, Any] = perform_on(entry, task, SECONDS)
    return derived


def _state(derived: Mapping[str, Any]) -> str:
    many = len(derived["cites"])
    cites = derived["cites"][0] if many == 1 else f"{many} cited theorems"
    modulo = f", modulo {cites}" if many else ""
    closed = f"closed for {derived['scope']}{modulo}" if derived["closed"] else "not closed"
    return f"{derived['name']}: the derivation is {closed}"


def _how(line: Mapping[str, Any]) -> str:
    if line["kind"] == "prose":
        return "prose: no engine checks it"
    if not line["ok"]:
        return f"{line['kind']}: NOT CLOSED: {line['problem']}"
    return f"{line['kind']}: {' and '.join(line['checked_by']) or line['rule']}"


def _given(derived: Mapping[str, Any]) -> list[str]:
    """The claim and what it assumes."""
    granted = [f"  {a['name']}: {a['statement']}" for a in derived["assumptions"]]
    return ["claim", f"  {derived['statement']}", *_section("assumptions", granted)]


def _head(derived: Mapping[str, Any]) -> list[str]:
    """What stands above the lines where only comments may stand there."""
    cites = [f"  {name}" for name in derived["cites"]]
    told = [_state(derived), *_given(derived), *_section("modulo", cites)]
    return [line for words in told for line in words.splitlines() or [""]]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _text(derived: Mapping[str, Any]) -> str:
    lines = [_state(derived), "", *_given(derived), "", "derivation"]
    for number, line in enumerate(derived["lines"], start=1):
        lines += [f"{number:>3}. {line['text'] or line['why']}", f"       {_how(line)}"]
        lines += [f"       {line['why']}"] if line["text"] and line["why"] else []
    sections = {
        "where": [text for text, _ in derived["names"]],
        "conclusion": derived["conclusion"],
        "modulo": derived["cites"],
    }
    for title, entries in sections.items():
        lines += _section(title, [f"  {entry}" for entry in entries])
    return "\n".join(lines)


def _latex(derived: Mapping[str, Any]) -> str:
    lines = [*(f"% {line}".rstrip() for line in _head(derived)), r"\begin{enumerate}"]
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
    lines = [
        *(f"# {line}".rstrip() for line in _head(derived)),
        "from sympy import *",
        "from sympy.core.symbol import Str",
    ]
    for number, line in enumerate(derived["lines"], start=1):
        why = " ".join(line["why"].split())
        lines += [f"# {number}. {why} ({_how(line)})", line["sympy"] or "# (no relation)"]
    return "\n".join(lines)
