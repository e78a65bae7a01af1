"""One claim of a report: verdict, statement, source, assumptions, derivation, findings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lora_proofs.report import attacks, findings
from lora_proofs.report.ending import facts_of, record_line, run_blocks
from lora_proofs.report.leaning import leaning, stated
from lora_proofs.report.records import (
    READ,
    STATUSES,
    Record,
    claim_link,
    judged,
    listed,
    name_of,
    paper_of,
    part,
    parts,
    title_of,
    unexpected,
)
from lora_proofs.report.symbols import symbols_of
from lora_proofs.report.text import blocks, counted, inlines, joined, paragraph, plain, sentence
from lora_proofs.report.tree import (
    Block,
    Bullets,
    Callout,
    Code,
    Derivation,
    DerivedLine,
    Inlines,
    Math,
    Paragraph,
    Section,
    Table,
    Text,
)
from lora_proofs.running.staleness import OTHER, in_words

_TONES = {"PROVED": "good", "CERTIFIED": "sure", "SUPPORTED": "part", "REFUTED": "bad"}


def chapter(
    record: Record,
    anchor: str,
    places: Mapping[str, str],
    beside: Mapping[str, Record],
    *,
    pictures: tuple[Block, ...] = (),
    with_run: bool,
) -> Section:
    """Everything recorded about one claim; ``beside`` are records that it may refer to.

    >>> chapter({"name": "a/b", "verdict": "PROVED"}, "claim-a-b", {}, {}, with_run=False).anchor
    'claim-a-b'
    """
    run = facts_of(record) if with_run else {}
    found = (
        *_names(record),
        _verdict(record),
        *findings.failure(record),
        *_statement(record, places),
        *_corrected(record, places, beside),
        *_assumptions(record),
        *_derivation(record),
        *leaning(record),
        *attacks.counterexample(record),
        *findings.evidence(record),
        *((Section(plain("Pictures"), pictures),) if pictures else ()),
        *attacks.controls(record),
        *_recorded(record, run),
    )
    return Section(inlines(title_of(record)), found, anchor)


def _names(record: Record) -> Iterator[Block]:
    if title_of(record) != name_of(record):
        yield paragraph(Code(name_of(record)))


def _verdict(record: Record) -> Block:
    expected: tuple[Block, ...] = ()
    if unexpected(record):
        expected = (paragraph(f"The baseline expects {record.get('expected')}."),)
    tone = _TONES.get(str(record.get("verdict")), "open")
    told = (*_changed(record), *expected, *findings.reasons(record), *findings.settle(record))
    return Callout(tone, (Paragraph((judged(record),)), *told))


def _changed(record: Record) -> Iterator[Block]:
    """That the verdict is not about the claim as it stands there now."""
    found = part(record, "changed")
    if found.get("what") in OTHER:
        yield paragraph(Text(f"It is about the claim as recorded: {in_words(found)}.", strong=True))


def _statement(record: Record, places: Mapping[str, str]) -> Iterator[Block]:
    found = (*_words(record), *_source(record, places), *symbols_of(record))
    yield Section(plain("Statement"), found)


def _corrected(
    record: Record, places: Mapping[str, str], beside: Mapping[str, Record]
) -> Iterator[Block]:
    """The statement that is true where this one is false, each with its verdict."""
    name = str(part(record, "source").get("corrected_by") or "")
    other = beside.get(name)
    if other and record.get("verdict") == "REFUTED":
        rows = (
            (plain("As stated above"), inlines(record.get("statement") or ""), (judged(record),)),
            (claim_link(name, places), inlines(other.get("statement") or ""), _standing(other)),
        )
        header = ("Claim", "Statement", "Verdict and scope")
        table = Table("The false statement beside the corrected one", header, rows)
        yield Section(plain("Corrected"), (table,))


_UNRECORDED = "no record of it is in the ledger"


def _standing(other: Record) -> Inlines:
    """The verdict of a claim that a chapter refers to, if it has one."""
    if other.get("verdict"):
        return (judged(other),)
    stale = other.get("stale")
    return plain(f"its record is not about this: {stale}" if stale else _UNRECORDED)


def _recorded(record: Record, run: Mapping[str, Any]) -> Iterator[Block]:
    told = (*record_line(record), *(run_blocks(run) if run else ()))
    if told:
        yield Section(plain("Run" if run else "Record"), told)


def _words(record: Record) -> Iterator[Block]:
    statement = record.get("statement")
    yield from blocks(statement) if statement else (paragraph("No statement is recorded."),)
    if record.get("note"):
        yield from blocks(f"Note: {record['note']}")


_UNSAID = ("our reading", "recalled")
"""What a source says that was given by its name alone."""


def _source(record: Record, places: Mapping[str, str]) -> Iterator[Block]:
    source = part(record, "source")
    paper, status = paper_of(record), str(source.get("status") or "not recorded")
    read = str(source.get("evidence") or "")
    name = f"{paper.authors}, {paper.identifier}" if paper else str(source.get("paper") or "none")
    facts: list[Any] = [Text("Source: ", strong=True), Text(name)]
    facts += [Text(f", {source['label']}")] if source.get("label") else []
    meaning = f" ({STATUSES[status]})" if status in STATUSES else ""
    own = not paper and not record.get("shipped") and (status, read) == _UNSAID
    told = "a claim of its author's own" if own else f"{status}{meaning}"
    facts += [Text(". "), Text("Status: ", strong=True), Text(told)]
    facts += [Text(f"; {READ.get(read, read)}")] if read and not own else []
    yield Paragraph((*facts, Text(".")))
    if source.get("corrected_by"):
        link = claim_link(str(source["corrected_by"]), places)
        yield Paragraph((Text("Corrected by: ", strong=True), *link, Text(".")))


def _assumptions(record: Record) -> Iterator[Block]:
    found = parts(record, "assumptions")
    if found:
        rows = tuple((_called(one), *_meaning(one)) for one in found)
        header = ("Name", "Statement", "Without it")
        yield Section(plain("Assumptions"), (Table("What the claim assumes", header, rows),))


def _called(assumption: Record) -> Inlines:
    return (Code(str(assumption.get("name") or "unnamed")),)


def _meaning(assumption: Record) -> tuple[Inlines, Inlines]:
    without = plain("a control drops it")
    if assumption.get("technical"):
        without = (Text("technical: "), *inlines(assumption["technical"]))
    return inlines(assumption.get("statement") or "not recorded", latex=True), without


def _derivation(record: Record) -> Iterator[Block]:
    derivation = part(record, "derivation")
    if not derivation:
        yield Section(plain("Derivation"), (paragraph(_NONE),))
        return
    lines = tuple(_line(line) for line in parts(derivation, "lines"))
    told = (_summary(derivation, len(lines)), *_concludes(derivation), *_where(derivation))
    shown = (Derivation(lines),) if lines else ()
    yield Section(plain("Derivation"), (*told, *shown, *_problems(derivation)))


def _concludes(derivation: Record) -> Iterator[Block]:
    """What the last lines have to state; which of the statement's words that is, a reader sees."""
    found = [latex for _, latex in derivation.get("concludes") or ()]
    if found:
        ends = "It ends in" if derivation.get("closed") else "It is to end in"
        yield paragraph(f"{ends} what the claim gives as its conclusion:")
        yield Bullets((*((Math(latex),) for latex in found), *_worded(derivation)))


def _worded(derivation: Record) -> Iterator[Inlines]:
    """The lines that conclude something without a formula, by their lemma."""
    numbers: dict[str, list[str]] = {}
    for number, line in enumerate(parts(derivation, "lines"), 1):
        if line.get("kind") == "cited" and not line.get("latex"):
            numbers.setdefault(str(line.get("rule")), []).append(str(number))
    for rule, where in numbers.items():
        lines = "line" if len(where) == 1 else "lines"
        yield plain(f"{lines} {joined(where)}, in words: what the {rule} says")


def _where(derivation: Record) -> Iterator[Block]:
    """What the names in the lines stand for."""
    names = [latex for _, latex in derivation.get("names") or () if not _empty(latex)]
    if names:
        yield paragraph("In these lines:")
        yield Bullets(tuple((Math(latex),) for latex in names))


def _empty(definition: str) -> bool:
    """Whether a reader sees the same on both sides, as a name may be the formula itself."""
    left, _, right = (re.sub(r"[{}\s]", "", side) for side in definition.partition(" = "))
    return left == right


_NONE = "There is no derivation: the verdict rests on instances."


def _summary(derivation: Record, lines: int) -> Block:
    steps = derivation.get("steps", lines)
    closed = "It is closed" if derivation.get("closed") else "It is not closed"
    scope = f" for {derivation['scope']}" if derivation.get("scope") else ""
    engines = listed(derivation, "engines")
    by = f"; the engines are {joined(engines)}" if engines else ""
    agreed = derivation.get("evaluated_on")
    checked = f" Its lines were evaluated on {counted(agreed, 'instance')}." if agreed else ""
    return paragraph(f"{counted(steps, 'step')}. {closed}{scope}{by}.{checked}")


def _line(line: Record) -> DerivedLine:
    """The line; a prose step keeps its text in ``why``."""
    kind = str(line.get("kind") or "step")
    why = inlines(sentence(line["why"])) if line.get("why") else ()
    latex = str(line.get("latex") or "")
    said = line.get("text") or (stated(str(line.get("rule"))) if kind == "cited" else "")
    text = inlines(said) if said and not latex else ()
    mark, checked = _checked(kind, line)
    return DerivedLine(kind, latex, () if text == why else text, why, mark, checked)


_RULES = {
    None: "",
    "": "",
    "lemma": "an instance of a cited lemma, ",
    "assumption": "granted by an assumption, ",
}


def _checked(kind: str, line: Record) -> tuple[str, str]:
    rule = _RULES.get(line.get("rule"), f"by the rule {line.get('rule')}, ")
    if kind == "prose":
        return "–", "no engine checks this step; it keeps the claim from PROVED."
    if not line.get("ok"):
        return "✗", f"{rule}not closed: {sentence(line.get('problem') or 'no engine confirmed it')}"
    engines = listed(line, "checked_by")
    return "✓", sentence(f"{rule}checked by {joined(engines)}" if engines else f"{rule}accepted")


def _problems(derivation: Record) -> Iterator[Block]:
    found = [*listed(derivation, "problems")]
    if derivation.get("broken_line"):
        found.append(f"an exact instance breaks the line {derivation['broken_line']}")
    if found:
        head = Paragraph((Text("What keeps it open", strong=True),))
        yield Callout("open", (head, Bullets(tuple(inlines(sentence(x)) for x in found))))
