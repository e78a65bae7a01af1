"""The notebook face: the report, and after each claim the cells that verify it again.

A notebook is JSON (nbformat 4.5). Cells are numbered and nothing is dated, so that equal documents
give equal bytes. What a record says stands in code only as a Python literal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pprint import pformat
from typing import Any

from lora_proofs.report.cleaning import cleaned
from lora_proofs.report.figure import Figure
from lora_proofs.report.markdown import markdown_of
from lora_proofs.report.notebook_setup import SETUP
from lora_proofs.report.numbers import in_words
from lora_proofs.report.records import Record, anchors, listed, name_of, part, parts
from lora_proofs.report.svg import to_svg
from lora_proofs.report.text import paragraph
from lora_proofs.report.tree import Block, Code, Document, Inline, Paragraph, Section, Text
from lora_proofs.running.records import digest

WIDTH = 96
SLOW = 10.0
"""Seconds from which on a notebook says how long a record took."""
BUDGETS = ("quick", "standard", "deep")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_OPENING = (
    "Every claim below is followed by a cell that verifies it again, with the seed of its record, "
    "and fails where the outcome is not what the report shows. Run the cells from top to bottom. "
    "Verified again are the statement, the verdict on its scope, and every recorded counterexample "
    "of the claim and of its controls: its exact numbers are judged, and both sides, their slack "
    "and the assumptions that hold are compared. With the budget of the record, so are the regimes "
    "and how many instances were sampled and certified.",
    "Only shown, as the ledger has it, is the rest: lines of derivations and who checked them, "
    "the closest instances and smallest slacks, counts of the sweep and the search, certificates "
    "on files, times, and what the assumptions compared.",
    "The cells use the budget BUDGET. With quick most claims take seconds and the heaviest some "
    "minutes: unlike the command line, a notebook sets no limit on time. Only the budget of a "
    "record repeats its verdict and its scope word for word.",
)


def to_notebook(document: Document) -> str:
    """The document as a notebook of nbformat 4.5, in JSON.

    >>> [cell["cell_type"] for cell in json.loads(to_notebook(Document("T", ())))["cells"]]
    ['markdown', 'code']
    """
    cells = [{"id": f"cell-{k}", **cell} for k, cell in enumerate(_cells(document), 1)]
    whole = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _cells(document: Document) -> Iterator[dict[str, Any]]:
    title = Section((Text(document.title),), tuple(map(paragraph, _OPENING)))
    yield _markdown(markdown_of((title,), 1))
    yield _code(SETUP)
    told = dict(zip(anchors(document.records), document.records, strict=True))
    yield from _parts(document.blocks, told, 2)


def _parts(
    blocks: tuple[Block, ...], told: Mapping[str, Record], level: int
) -> Iterator[dict[str, Any]]:
    """A cell for each run of blocks, section and picture; checks follow their chapters."""
    run: list[Block] = []
    for block in blocks:
        if not isinstance(block, Section | Figure):
            run.append(block)
            continue
        yield from _text(run, level)
        run = []
        if isinstance(block, Figure):
            yield from _picture(block)
        else:
            yield from _section(block, told, level)
    yield from _text(run, level)


def _picture(figure: Figure) -> Iterator[dict[str, Any]]:
    """What the figure shows in words, then the drawing: there before the cell is run, too."""
    name = Paragraph((Text(f"{figure.title}. ", strong=True), Text(figure.caption)))
    yield _markdown(markdown_of((name, paragraph(figure.told))))
    svg = to_svg(figure, alone=True)
    shown = {"image/svg+xml": _lines(svg), "text/plain": _lines(in_words(figure))}
    output = {"output_type": "display_data", "data": shown, "metadata": {}}
    cell = _code(f"Picture(\n    {_literal(svg)}\n)")
    yield {**cell, "metadata": {"jupyter": {"source_hidden": True}}, "outputs": [output]}


def _section(section: Section, told: Mapping[str, Record], level: int) -> Iterator[dict[str, Any]]:
    own = (k for k, b in enumerate(section.blocks) if isinstance(b, Section | Figure))
    first = next(own, None)
    head = Section(section.title, section.blocks[:first], section.anchor)
    yield from _text([head], level)
    if first is not None:
        yield from _parts(section.blocks[first:], told, level + 1)
    if section.anchor in told:
        yield from _checks(told[section.anchor], level + 1)


def _text(blocks: list[Block], level: int) -> Iterator[dict[str, Any]]:
    if blocks:
        yield _markdown(markdown_of(tuple(blocks), level))


def _checks(record: Record, level: int) -> Iterator[dict[str, Any]]:
    """The cells that verify a claim again and replay its counterexample."""
    why = _not_repeated(record)
    yield _markdown(
        markdown_of((Section((Text("Verified again"),), (_told(record, why),)),), level)
    )
    if why:
        return
    yield _code(_verification(record))
    if part(record, "counterexample"):
        yield _code(_replay(record))
    controls = _controls(record)
    if controls:
        yield _code(_replays(record, controls))


def _told(record: Record, why: str) -> Block:
    run = part(record, "run")
    if why:
        return paragraph(f"No cell repeats this record: {why}.")
    how = f"The record was made with the budget {run['budget']} and seed {run['seed']}."
    told: list[Inline] = [Text(how + _took(record))]
    if _file(record):
        told += [Text(" The claim stands in a file, which the cell loads: "), Code(_file(record))]
        told += [Text("; where it lies elsewhere now, change the path in the cell.")]
    if _cut_off(record):
        told += [Text(" A limit on time cut it off, so digest and counts are not compared.")]
    return paragraph(*told)


def _took(record: Record) -> str:
    """How long it took, where a reader should know before running it again."""
    seconds = record.get("seconds")
    slow = isinstance(seconds, int | float) and seconds >= SLOW
    return f" It took {seconds:.0f} s." if slow else ""


def _not_repeated(record: Record) -> str:
    """Why no cell can repeat a record; empty where one can."""
    run, error = part(record, "run"), part(record, "error")
    if run.get("budget") not in BUDGETS or type(run.get("seed")) is not int:
        return "it does not say with which budget and seed it was made"
    if any(str(reason).startswith("stopped in the stage") for reason in listed(record, "reasons")):
        return "a limit on time or memory stopped it, and a notebook sets none"
    if error.get("type") in ("ProcessEnded", "ChannelSpoiled"):
        return "its process ended, and this one would too"
    return ""


def _file(record: Record) -> str:
    return str(part(record, "locator").get("path") or "")


def _cut_off(record: Record) -> bool:
    return any(" was cut off " in str(note) for note in listed(record, "notes"))


def _verification(record: Record) -> str:
    run, path = part(record, "run"), _file(record)
    sha256 = str(part(record, "locator").get("sha256") or "")
    found = _digest(record)
    lines = [f"claim = load_claim({_literal(name_of(record))})"]
    if path:
        lines = [
            f"claim = load_claim(\n    {_literal(f'{path}::{name_of(record)}')},",
            f"    sha256={_literal(sha256)},  # of the file that was verified\n)",
        ]
    lines += [
        f"result = verify(claim, BUDGET, seed={run['seed']})",
        "compare(\n    result,",
        *(f"    {name}={_literal(value)}," for name, value in _shown(record).items()),
        *([f"    digest={_literal(found)},"] if found else []),
        *([f"    counts={_literal(_counts(record))},"] if found else []),
        *([f"    statement={_literal(record['statement'])},"] if record.get("statement") else []),
        ")",
    ]
    return "\n".join(lines)


def _shown(record: Record) -> dict[str, str]:
    run = part(record, "run")
    return {
        "budget": run["budget"],
        "verdict": str(record.get("verdict")),
        "scope": str(record.get("scope")),
    }


def _digest(record: Record) -> str:
    """The digest of a record; empty where a limit cut it off or it lacks what a digest covers."""
    try:
        return "" if _cut_off(record) else digest([record])
    except (KeyError, TypeError, AttributeError):
        return ""


_COUNTS = {"samples": ("instances", "discarded", "undecided"), "certificates": ("instances",)}


def _counts(record: Record) -> dict[str, dict[str, Any]]:
    """How many instances were sampled and certified, as far as the record says so."""
    told = ((stage, part(record, stage), names) for stage, names in _COUNTS.items())
    return {stage: {k: found[k] for k in names if k in found} for stage, found, names in told}


_KEPT = ("kind", "claim", "control", "instance", "comparison", "assumptions")


def _kept(found: Record) -> dict[str, Any]:
    return {key: found[key] for key in _KEPT if found.get(key) is not None}


def _digits(record: Record) -> int:
    return 100 if part(record, "run")["budget"] == "deep" else 50


def _replay(record: Record) -> str:
    return (
        f"counterexample = {_literal(_kept(part(record, 'counterexample')))}\n"
        f"again = judge_again(claim, counterexample, {_digits(record)})\n"
        'again["comparison"]'
    )


def _controls(record: Record) -> list[dict[str, Any]]:
    """The counterexamples of the controls, each with the number of its control."""
    found = enumerate(parts(record, "controls"), 1)
    told = ((k, part(control, "counterexample")) for k, control in found)
    return [{**_kept(one), "control": k} for k, one in told if one]


def _replays(record: Record, controls: list[dict[str, Any]]) -> str:
    return (
        f"controls = {_literal(controls)}\n"
        "for one in controls:\n"
        f"    judge_again(claim, one, {_digits(record)})\n"
        'print(f"{len(controls)} controls fail as the report shows.")'
    )


def _literal(value: Any) -> str:
    """Plain data as a Python literal: whatever it says, it is data."""
    return repr(value) if isinstance(value, str) else pformat(value, width=WIDTH, sort_dicts=False)


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(text)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _lines(text.rstrip("\n")),
    }


def _lines(text: str) -> list[str]:
    return cleaned(text).splitlines(keepends=True)
