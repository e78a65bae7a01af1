"""From recorded claims to the document tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lora_proofs.report.algorithm import algorithm
from lora_proofs.report.chapter import chapter
from lora_proofs.report.cleaning import clean
from lora_proofs.report.completeness import warnings
from lora_proofs.report.ending import ending, facts_of
from lora_proofs.report.figure import Figure
from lora_proofs.report.overview import index
from lora_proofs.report.pictures import for_claim
from lora_proofs.report.records import anchors, distinct, name_of, part, parts
from lora_proofs.report.symbols import notation
from lora_proofs.report.text import paragraph
from lora_proofs.report.tree import Block, Document, Link

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
    known = dict(history or {})
    told = [clean({**_shown(record), **_known(record, known)}) for record in records]
    return _document(told, clean(known), tuple(records))


def _known(record: Mapping[str, Any], history: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger knows beside a record: what changed since, and earlier ones that differ."""
    pairs = ((key, part(history, key).get(name_of(record))) for key in ("changed", "earlier"))
    return {key: found for key, found in pairs if found}


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what no report shows: how assumptions compare on each control."""
    controls = [_control(control) for control in parts(record, "controls")]
    return {**record, "controls": controls} if controls else dict(record)


def _control(control: Mapping[str, Any]) -> dict[str, Any]:
    found = part(control, "counterexample")
    return {**control, "counterexample": {k: v for k, v in found.items() if k != "checks"}}


def _document(
    records: Sequence[Mapping[str, Any]],
    history: Mapping[str, Any],
    kept: tuple[Mapping[str, Any], ...],
) -> Document:
    marks = anchors(records)
    places = dict(zip(map(name_of, records), marks, strict=True))
    beside = {**part(history, "beside"), **dict(zip(map(name_of, records), records, strict=True))}
    with_run = len(distinct(map(facts_of, records))) > 1
    drawn = [tuple(shown) for shown in pictures(records, marks)]
    chapters = tuple(
        chapter(record, mark, places, beside, pictures=shown, with_run=with_run)
        for record, mark, shown in zip(records, marks, drawn, strict=True)
    )
    opening = (*warnings(history), paragraph(_OPENING), *index(records, marks, places, beside))
    page = (*algorithm(records, places), *notation(records))
    return Document(TITLE, (*opening, *page, *chapters, *ending(records, kept, history)), kept)


def pictures(
    records: Sequence[Mapping[str, Any]], marks: Sequence[str]
) -> Iterator[Iterator[Block]]:
    """The pictures of each claim: one that several share stands in the first, with links to it.

    >>> [list(shown) for shown in pictures([{"name": "my/claim"}], ["claim-my-claim"])]
    [[]]
    """
    homes: dict[Figure, tuple[str, str]] = {}
    for record, mark in zip(records, marks, strict=True):
        yield _of_claim(record, mark, homes)


def _of_claim(
    record: Mapping[str, Any], mark: str, homes: dict[Figure, tuple[str, str]]
) -> Iterator[Block]:
    for figure in for_claim(record):
        anchor, name = homes.setdefault(figure, (mark, name_of(record)))
        if anchor == mark:
            yield figure
        else:
            yield paragraph(
                f"{figure.title}: the picture stands at ", Link(f"#{anchor}", name), "."
            )
