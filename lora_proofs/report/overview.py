"""What opens a report: how complete it is, what was found and how far it reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lora_proofs.report.reach import REACHES, Reach, grouped
from lora_proofs.report.records import (
    VERDICTS,
    Record,
    claim_link,
    for_readers,
    judged,
    misfit,
    name_of,
    needs_attention,
    part,
    title_of,
    unexpected,
)
from lora_proofs.report.text import counted, inlines, paragraph, plain
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
_APART = (
    "The groups below reach differently far, and no number of one is added to that of another: a "
    "claim that is CERTIFIED holds on the instances that were counted, and is not proved."
)


def index(
    records: Sequence[Record],
    anchors: Sequence[str],
    places: Places,
    beside: Mapping[str, Record] | None = None,
) -> tuple[Block, ...]:
    """The opening: what needs a look, the verdicts by how far they reach, and what they mean.

    >>> [block.tag for block in index([{"name": "a", "verdict": "PROVED"}], ["claim-a"], {})]
    ['section', 'section']
    """
    if not records:
        return (paragraph("No claim is recorded: there is nothing to report."),)
    found = grouped(records)
    tables = tuple(
        Section(
            plain(one.title),
            _group(one, kept, records, anchors, places, beside or {}),
            f"reach-{one.key}",
        )
        for one, kept in found.items()
    )
    opening = (paragraph(_APART), _counts(found, records))
    return (
        *_attention(records, anchors),
        Section(plain("What was found"), (*opening, *tables), "summary"),
        Section(plain("What the verdicts mean"), (_legend(records), paragraph(_SLACK)), "verdicts"),
    )


_SLACK = (
    "The slack of a comparison is the room that it leaves: right side less left side of “≤”, left "
    "less right of “≥”, below 0 where it fails. The radius is how far a printed slack may be off; "
    "it is 0 in exact arithmetic."
)


def _counts(found: Mapping[Reach, list[int]], records: Sequence[Record]) -> Block:
    """How many claims each group has; of proofs, how many lean on what they cite."""
    rows = tuple(_count(one, [records[k] for k in found.get(one, ())]) for one in REACHES)
    return Table(
        "How far the verdicts reach",
        ("Reach", "How many", "Modulo cited theorems or proofs by hand"),
        rows,
    )


def _count(one: Reach, records: Sequence[Record]) -> tuple[Inlines, ...]:
    if not records:
        return plain(one.title), plain("none"), plain("–")
    cites = "–" if one.key == "open" else _modulo(records)
    link = Link(f"#reach-{one.key}", one.title)
    return (link,), plain(counted(len(records), "claim")), plain(cites)


def _modulo(records: Sequence[Record]) -> str:
    cited = sum(bool(record.get("cites")) for record in records)
    if cited in (0, len(records)):
        return "all of them" if cited else "none"
    return f"{cited} of them"


def _group(
    one: Reach,
    kept: Sequence[int],
    records: Sequence[Record],
    anchors: Sequence[str],
    places: Places,
    beside: Mapping[str, Record],
) -> tuple[Block, ...]:
    pairs = [(records[k], anchors[k]) for k in kept]
    if one.key == "refuted":
        return (paragraph(one.meaning), _corrections(pairs, beside, places))
    rows = tuple((_heading(r, a), (judged(r),), plain(_source(r))) for r, a in pairs)
    header = ("Claim", "Verdict and scope", "Source")
    return (paragraph(one.meaning), Table(f"{one.title}, with scopes", header, rows))


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
    if told := misfit(record):
        found += [Text(f"; its record contradicts itself: {told}. Verify it again", strong=True)]
    reasons = record.get("reasons") or ()
    if reasons:
        found += [Text("; "), *inlines(for_readers(str(reasons[0])))]
    if record.get("verdict") == "INCONCLUSIVE" and record.get("note"):
        found += [Text(". Note: "), *inlines(record["note"])]
    return tuple(found)


def _heading(record: Record, anchor: str) -> Inlines:
    link = Link(f"#{anchor}", name_of(record))
    title = title_of(record)
    return (link,) if title == name_of(record) else (*inlines(title), Text(" "), link)


def _source(record: Record) -> str:
    source = part(record, "source")
    facts = (source.get("label"), source.get("status"))
    return ", ".join(str(fact) for fact in facts if fact) or "not recorded"


def _corrections(
    pairs: Sequence[tuple[Record, str]], found: Mapping[str, Record], places: Places
) -> Table:
    rows = tuple(
        (
            _heading(record, anchor),
            (judged(record),),
            _corrected(str(part(record, "source").get("corrected_by") or ""), found, places),
        )
        for record, anchor in pairs
    )
    header = ("Refuted", "Verdict and scope", "Corrected by")
    return Table("Refuted statements beside what corrects them", header, rows)


def _corrected(name: str, found: Mapping[str, Record], places: Places) -> Inlines:
    if not name:
        return plain("no correction is recorded")
    if not found.get(name, {}).get("verdict"):
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
