"""From recorded claims to the document tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lora_proofs.report.algorithm import algorithm
from lora_proofs.report.chapter import chapter
from lora_proofs.report.cleaning import clean
from lora_proofs.report.overview import bibliography, index, run_blocks
from lora_proofs.report.records import anchors, distinct, name_of, part
from lora_proofs.report.text import paragraph, plain
from lora_proofs.report.tree import Block, Document, Section

TITLE = "Report on the theory of low-rank adaptation"
_OPENING = (
    "Each claim below was derived where that is possible, tested on exact instances, attacked "
    "with controls that must fail, and judged. A verdict is about the statement that is printed, "
    "and it reaches as far as its scope says."
)


def document(
    records: Sequence[Mapping[str, Any]], history: Mapping[str, Any] | None = None
) -> Document:
    """The report as a tree: index, algorithm, a chapter for each claim, run, bibliography.

    >>> document([]).title
    'Report on the theory of low-rank adaptation'
    """
    return _document(clean(list(records)), clean(dict(history or {})), tuple(records))


def _document(
    records: Sequence[Mapping[str, Any]],
    history: Mapping[str, Any],
    kept: tuple[Mapping[str, Any], ...],
) -> Document:
    marks = anchors(records)
    places = dict(zip(map(name_of, records), marks, strict=True))
    runs = distinct(part(record, "run") for record in records)
    chapters = tuple(
        chapter(record, mark, places, with_run=len(runs) > 1)
        for record, mark in zip(records, marks, strict=True)
    )
    opening: tuple[Block, ...] = (paragraph(_OPENING), *index(records, marks, places))
    facts = run_blocks(runs[0]) if len(runs) == 1 else ()
    run = (Section(plain("How it was run"), facts),) if facts else ()
    page = algorithm(records, places)
    blocks = (*opening, *page, *chapters, *run, bibliography(records))
    return Document(TITLE, blocks, kept)
