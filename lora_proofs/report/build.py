"""From recorded claims to the document tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lora_proofs.report.algorithm import algorithm
from lora_proofs.report.chapter import chapter
from lora_proofs.report.cleaning import clean
from lora_proofs.report.completeness import warnings
from lora_proofs.report.ending import ending, facts_of
from lora_proofs.report.overview import index
from lora_proofs.report.records import anchors, distinct, name_of, part
from lora_proofs.report.symbols import notation
from lora_proofs.report.text import paragraph
from lora_proofs.report.tree import Document

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
    beside = {**part(history, "beside"), **dict(zip(map(name_of, records), records, strict=True))}
    with_run = len(distinct(map(facts_of, records))) > 1
    chapters = tuple(
        chapter(record, mark, places, beside, with_run=with_run)
        for record, mark in zip(records, marks, strict=True)
    )
    opening = (*warnings(history), paragraph(_OPENING), *index(records, marks, places, beside))
    page = (*algorithm(records, places), *notation(records))
    return Document(TITLE, (*opening, *page, *chapters, *ending(records, kept, history)), kept)
