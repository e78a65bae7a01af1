"""What opens and closes a report: the index of claims, the run, the bibliography."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lora_proofs.language.claim import PAPERS, Paper
from lora_proofs.report.records import (
    VERDICTS,
    Record,
    claim_link,
    distinct,
    judged,
    name_of,
    needs_attention,
    part,
    title_of,
    unexpected,
)
from lora_proofs.report.text import inlines, paragraph, plain
from lora_proofs.report.tree import (
    Block,
    Bullets,
    Callout,
    Code,
    Inlines,
    Link,
    Paragraph,
    Section,
    Table,
    Text,
)

Places = Mapping[str, str]


def index(records: Sequence[Record], anchors: Sequence[str], places: Places) -> tuple[Block, ...]:
    """The opening: what needs a look, the table of claims, false ones beside what corrects them.

    >>> [block.tag for block in index([{"name": "a", "verdict": "PROVED"}], ["claim-a"], {})]
    ['section', 'section']
    """
    if not records:
        return (paragraph("No claim is recorded: there is nothing to report."),)
    tables = (_claims(records, anchors), *_corrections(records, anchors, places))
    return (
        *_attention(records, anchors),
        Section(plain("Claims"), tables),
        Section(plain("What the verdicts mean"), (_legend(records),)),
    )


def _attention(records: Sequence[Record], anchors: Sequence[str]) -> Iterator[Block]:
    pairs = [(r, a) for r, a in zip(records, anchors, strict=True) if needs_attention(r)]
    if pairs:
        head = Paragraph((Text("Look at these first", strong=True),))
        yield Callout("open", (head, Bullets(tuple(_worry(r, a) for r, a in pairs))))


def _worry(record: Record, anchor: str) -> Inlines:
    link = Link(f"#{anchor}", name_of(record))
    found: list[Any] = [link, Text(": "), judged(record)]
    if unexpected(record):
        found += [Text(f"; the baseline expects {record.get('expected')}")]
    reasons = record.get("reasons") or ()
    if reasons:
        found += [Text("; "), *inlines(reasons[0])]
    if record.get("verdict") == "INCONCLUSIVE" and record.get("note"):
        found += [Text(". Note: "), *inlines(record["note"])]
    return tuple(found)


def _claims(records: Sequence[Record], anchors: Sequence[str]) -> Table:
    rows = tuple(
        (_heading(r, a), (judged(r),), plain(_source(r)))
        for r, a in zip(records, anchors, strict=True)
    )
    caption = "Each claim with its verdict; a verdict reaches as far as its scope says"
    return Table(caption, ("Claim", "Verdict and scope", "Source"), rows)


def _heading(record: Record, anchor: str) -> Inlines:
    link = Link(f"#{anchor}", name_of(record))
    title = title_of(record)
    return (link,) if title == name_of(record) else (*inlines(title), Text(" "), link)


def _source(record: Record) -> str:
    source = part(record, "source")
    facts = (source.get("label"), source.get("status"))
    return ", ".join(str(fact) for fact in facts if fact) or "not recorded"


def _corrections(
    records: Sequence[Record], anchors: Sequence[str], places: Places
) -> Iterator[Block]:
    found = {name_of(record): record for record in records}
    rows = tuple(
        (
            _heading(record, anchor),
            (judged(record),),
            _corrected(str(part(record, "source").get("corrected_by") or ""), found, places),
        )
        for record, anchor in zip(records, anchors, strict=True)
        if record.get("verdict") == "REFUTED"
    )
    if rows:
        header = ("Refuted", "Verdict and scope", "Corrected by")
        yield Table("Refuted statements beside what corrects them", header, rows)


def _corrected(name: str, found: Mapping[str, Record], places: Places) -> Inlines:
    if not name:
        return plain("no correction is recorded")
    if name not in found:
        return (Code(name), Text(" (not in this report)"))
    return (*claim_link(name, places), Text(" "), judged(found[name]))


def _legend(records: Sequence[Record]) -> Table:
    rows = tuple(
        (
            (Text(verdict, strong=True),),
            plain(meaning),
            plain(sum(record.get("verdict") == verdict for record in records)),
        )
        for verdict, meaning in VERDICTS.items()
    )
    caption = "The kinds of verdict, never added to one another"
    return Table(caption, ("Verdict", "It means", "Claims here"), rows)


def run_blocks(run: Mapping[str, Any]) -> tuple[Block, ...]:
    """The facts of a run: seed, budget, versions, and when it was recorded if that is known.

    >>> [block.tag for block in run_blocks({"seed": 0, "budget": "quick"})]
    ['table']
    """
    facts = (key for key in run if key != "versions" and run[key] is not None)
    rows = [(str(key).replace("_", " "), run[key]) for key in facts]
    versions = part(run, "versions")
    rows += [(f"version of {key}", versions[key]) for key in sorted(versions, key=str)]
    if not rows:
        return ()
    cells = tuple((plain(key), (Code(str(value)),)) for key, value in rows)
    return (Table("What determines the run", ("Fact", "Value"), cells),)


def bibliography(records: Sequence[Record]) -> Section:
    """The two papers, with a note on what of them was read, and other sources by name.

    >>> bibliography([]).anchor
    'bibliography'
    """
    note = (
        "Of both papers only abstracts and summaries were available when the claims were written. "
        "A verdict is about the statement that is printed here, not about the paper."
    )
    keys = {paper.key for paper in PAPERS}
    named = distinct(part(record, "source").get("paper") for record in records)
    others = [str(name) for name in named if name and name not in keys]
    items = (*(_entry(paper) for paper in PAPERS), *(plain(name) for name in sorted(others)))
    return Section(plain("Bibliography"), (paragraph(note), Bullets(items)), "bibliography")


def _entry(paper: Paper) -> Inlines:
    number = paper.identifier.partition(":")[2]
    link = Link(f"https://arxiv.org/abs/{number}", paper.identifier)
    return (Text(f"{paper.authors}: {paper.title}. "), link, Text(" (summaries only)"))
