"""What closes a report: how it was run, its digest, and the bibliography."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lora_proofs.language.claim import PAPERS, Paper
from lora_proofs.report.completeness import commands, left_out
from lora_proofs.report.leaning import cited_names, references
from lora_proofs.report.records import Record, distinct, name_of, part, parts
from lora_proofs.report.text import counted, paragraph, plain, sentence
from lora_proofs.report.tree import (
    Block,
    Bullets,
    Code,
    CodeBlock,
    Inlines,
    Link,
    Paragraph,
    Section,
    Table,
    Text,
)
from lora_proofs.report.works import bibtex, works_of
from lora_proofs.running.records import digest
from lora_proofs.running.staleness import in_words

_DIGEST = (
    "It covers names, verdicts, scopes, regimes and exact counterexamples, no floats and no times, "
    "so it is the same on every machine: `verify --json` prints it for the same claims."
)


MOST_EARLIER = 8
_OTHERS = {"classical": "classical: well-known results, stated here from memory"}


def ending(records: Sequence[Record], kept: Sequence[Record], history: Record) -> Iterator[Section]:
    """The run, what is missing, the bibliography; ``kept`` are the records as they were given.

    >>> [section.anchor for section in ending([], [], {})]
    ['bibliography']
    """
    if records:
        runs = distinct(map(facts_of, records))
        told = (
            *_digest(kept),
            *commands(history),
            *(run_blocks(runs[0]) if len(runs) == 1 else ()),
        )
        if told:
            yield Section(plain("How it was run"), (*told, *_time(records)), "run")
    yield from left_out(history)
    yield bibliography(records)


def facts_of(record: Record) -> dict[str, Any]:
    """What claims of one run share; the key of a claim is its own.

    >>> facts_of({"run": {"seed": 0, "key": "5e"}})
    {'seed': 0}
    """
    return {name: value for name, value in part(record, "run").items() if name != "key"}


def _digest(kept: Sequence[Record]) -> Iterator[Block]:
    try:
        found = digest(kept)
    except (KeyError, TypeError, AttributeError):
        return  # a record that is not whole has no digest
    yield Paragraph((Text("Digest", strong=True), Text(f" of {counted(len(kept), 'record')}: "),
                     Code(found), Text(". "), *_quoted(_DIGEST)))  # fmt: skip


def _quoted(text: str) -> Inlines:
    before, code, after = text.split("`")
    return (Text(before), Code(code), Text(after))


def _time(records: Sequence[Record]) -> Iterator[Block]:
    """When the records were made, and how long that took, as far as they say so."""
    times = sorted(str(r["recorded_at"]) for r in records if r.get("recorded_at"))
    if times:
        span = times[0] if times[0] == times[-1] else f"between {times[0]} and {times[-1]}"
        yield paragraph(f"Recorded {'at ' if span == times[0] else ''}{span}.")
    seconds = [r["seconds"] for r in records if isinstance(r.get("seconds"), int | float)]
    if len(seconds) == len(records):
        yield paragraph(f"The claims took {sum(seconds):.1f} s, one after the other.")


def run_blocks(run: Mapping[str, Any]) -> tuple[Block, ...]:
    """The facts of a run: seed, budget, versions, and when it was recorded if that is known.

    >>> [block.tag for block in run_blocks({"seed": 0, "budget": "quick"})]
    ['table']
    """
    facts = (key for key in run if key != "versions" and run[key] is not None)
    rows = [(str(key).replace("_", " "), _fact(key, run[key])) for key in facts]
    versions = part(run, "versions")
    rows += [(f"version of {key}", versions[key]) for key in sorted(versions, key=str)]
    if not rows:
        return ()
    cells = tuple((plain(key), (Code(str(value)),)) for key, value in rows)
    return (Table("What determines the run", ("Fact", "Value"), cells),)


def _fact(key: Any, value: Any) -> str:
    """A fact of a run; a limit has its unit."""
    return f"{value} s" if key == "time_limit" else str(value)


def record_line(record: Record) -> Iterator[Block]:
    """Where a claim's record stands, when it was made, and the command that repeats it.

    >>> list(record_line({}))
    []
    """
    facts = [f"record {record['record']}"] if record.get("record") is not None else []
    facts += [f"made at {record['recorded_at']}"] if record.get("recorded_at") else []
    facts += [f"in {record['seconds']} s"] if record.get("seconds") is not None else []
    run, sha256 = part(record, "run"), part(record, "locator").get("sha256")
    if facts:
        yield paragraph(Text("Recorded: ", strong=True), f"{', '.join(facts)}.")
    if sha256:
        yield paragraph("SHA-256 of the file that was verified: ", Code(str(sha256)), ".")
    if part(record, "changed"):
        yield paragraph(f"{sentence(in_words(part(record, 'changed')))}")
    yield from _earlier(record)
    if run.get("budget") and record.get("name") and record.get("shipped"):
        again = f"lora-proofs verify {name_of(record)} --budget {run['budget']}"
        yield CodeBlock(f"{again} --seed {run.get('seed', 0)}")


def _earlier(record: Record) -> Iterator[Block]:
    """Other records of the claim: a reader should know that a run found something else."""
    found = parts(record, "earlier")
    if found:
        yield paragraph("The last record is shown. Earlier ones of this claim differ from it:")
        yield Bullets(tuple(plain(_another(one)) for one in found[:MOST_EARLIER]))
        if len(found) > MOST_EARLIER:
            yield paragraph(f"And {len(found) - MOST_EARLIER} more.")


def _another(one: Record) -> str:
    how = f"budget {one.get('budget')}, seed {one.get('seed')}"
    return f"record {one.get('record')}, {one.get('verdict')}, {how}, {one.get('recorded_at')}"


def bibliography(records: Sequence[Record]) -> Section:
    """The papers that claims are about, what of them was read, other sources, and cited works.

    >>> bibliography([]).anchor
    'bibliography'
    """
    keys = {paper.key for paper in PAPERS}
    named = {str(part(record, "source").get("paper") or "") for record in records} - {""}
    papers = [paper for paper in PAPERS if paper.key in named]
    others = sorted(named - keys)
    items = (
        *(_entry(paper) for paper in papers),
        *(plain(_OTHERS.get(name, name)) for name in others),
    )
    cited = references([name for record in records for name in cited_names(record)])
    blocks = (paragraph(_read(papers)), *((Bullets(items),) if items else ()), *_works(cited))
    entries = bibtex(cited, papers, [name for name in others if name not in _OTHERS])
    tex = (Section(plain("As BibTeX"), (CodeBlock(entries),), "bibtex"),) if entries else ()
    return Section(plain("Bibliography"), (*blocks, *tex), "bibliography")


def _read(papers: Sequence[Paper]) -> str:
    """What of the papers was read."""
    about = "A verdict is about the statement that is printed here, not about its source."
    if not papers:
        return about
    those = "both papers" if papers[1:] else "the paper"
    was = "only abstracts and summaries were available when the claims were written"
    return f"Of {those} {was}. {about}"


def _works(cited: Sequence[str]) -> Iterator[Block]:
    if works_of(cited):
        yield paragraph(
            "Works that cited theorems stand in, by the keys of their entries below (entries from "
            "memory, not from a catalogue; the chapters name the place in each):"
        )
        yield Bullets(tuple(_work(dict(work.fields), work.key) for work in works_of(cited)))


def _work(fields: Mapping[str, str], key: str) -> Inlines:
    title = fields["title"].replace("{", "").replace("}", "")
    year = f" ({fields['year']})" if "year" in fields else ""
    return (Code(key), Text(f" {title}{year}"))


def _entry(paper: Paper) -> Inlines:
    number = paper.identifier.partition(":")[2]
    link = Link(f"https://arxiv.org/abs/{number}", paper.identifier)
    return (Text(f"{paper.authors}: {paper.title}. "), link, Text(" (summaries only)"))
