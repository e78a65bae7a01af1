"""Whether a report is whole: runs that were interrupted, and claims that were never run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lora_proofs.report.records import Record, listed, part, parts
from lora_proofs.report.text import counted, paragraph, plain
from lora_proofs.report.tree import (
    Block,
    Bullets,
    Callout,
    Code,
    CodeBlock,
    Inlines,
    Paragraph,
    Section,
    Text,
)
from lora_proofs.running.staleness import OTHER, in_words

NAMED = 5
"""Missing claims that are named at once; the rest stand at the end of the report."""
_ENDED = {
    "interrupted": "it was interrupted",
    "failed": "it ended with an error",
    "finished": "it finished the others",
}


def warnings(history: Record) -> Iterator[Block]:
    """What a reader has to know before the verdicts: that some are missing, and why.

    >>> [block.tone for block in warnings({"runs": [{"missing": ["a"], "finished": []}]})]
    ['open']
    """
    for run in _unfinished(history):
        yield Callout("open", tuple(_told(run)))
    yield from _changed(part(history, "changed"))
    absent = listed(history, "absent")
    if absent:
        told = f"Not all that was asked for is here: {counted(len(absent), 'claim')} "
        told += "without a record"
        yield Callout("open", (paragraph(Text(told, strong=True), ": ", *_named(absent), "."),))


def _changed(changed: Record) -> Iterator[Block]:
    """Which records are of another claim than stands there now, and which of another package."""
    others = {name: found for name, found in changed.items() if found["what"] in OTHER}
    if others:
        head = "These verdicts are not about the claims as they are now:"
        items = tuple((Code(name), Text(f": {in_words(one)}.")) for name, one in others.items())
        again = paragraph("What is printed is the claim as it was recorded. Verify it again.")
        yield Callout("open", (paragraph(Text(head, strong=True)), Bullets(items), again))
    older = {name: found for name, found in changed.items() if name not in others}
    if older:
        (told, *more) = dict.fromkeys(map(in_words, older.values()))
        rest = f" {len(more)} more of its texts stand in other records." if more else ""
        count = f"{counted(len(older), 'record')} made with another text of the package"
        names = (Text(" It is about "), *_named(list(older)), Text("."))
        shown = names if len(older) <= NAMED else plain(" The chapters say which.")
        yield Callout(
            "note", (Paragraph((Text(count, strong=True), Text(f": {told}.{rest}"), *shown)),)
        )


def _unfinished(history: Record) -> list[Record]:
    return [run for run in parts(history, "runs") if listed(run, "missing")]


def _told(run: Record) -> Iterator[Block]:
    missing, finished = listed(run, "missing"), listed(run, "finished")
    yield paragraph(
        Text("This report is of a run that did not finish.", strong=True),
        f" {_began(run)}; {ended(run)}. Of {counted(len(missing) + len(finished), 'claim')} of it "
        f"that this report is about it finished {len(finished)}. What is here of the others, if "
        "anything, is from an earlier run. Not finished: ",
        *_named(missing),
        ".",
    )


def _began(run: Record) -> str:
    return f"The run began at {run.get('begun_at', 'a time that is not recorded')}"


def ended(run: Record) -> str:
    """How a run ended, in words.

    >>> ended({"outcome": None})
    'no end of it is recorded: it was killed, or it was still going on'
    """
    outcome = run.get("outcome")
    if outcome is None:
        return "no end of it is recorded: it was killed, or it was still going on"
    at = f" at {run['ended_at']}" if run.get("ended_at") else ""
    return f"{_ENDED.get(str(outcome), str(outcome))}{at}"


def _named(names: list[Any]) -> Inlines:
    """The first few names, and where the rest is."""
    shown: list[Any] = []
    for name in names[:NAMED]:
        shown += [Text(", ")] if shown else []
        shown += [Code(str(name))]
    rest = len(names) - NAMED
    more = (Text(f" and {rest} more, listed at the end"),) if rest > 0 else ()
    return (*shown, *more)


def left_out(history: Record) -> Iterator[Section]:
    """The list of all that is missing, where the opening does not name all of it.

    >>> list(left_out({"absent": ["a"]}))
    []
    """
    lists = [*(listed(run, "missing") for run in _unfinished(history)), listed(history, "absent")]
    if any(len(names) > NAMED for names in lists):
        names = dict.fromkeys(str(name) for names in lists for name in names)
        bullets = Bullets(tuple((Code(name),) for name in names))
        yield Section(plain("Not finished or not run"), (bullets,), "left-out")


def commands(history: Record) -> Iterator[Block]:
    """The commands of the runs behind the report, and when each began and ended.

    >>> [block.tag for block in commands({"runs": [{"command": "lora-proofs verify"}]})]
    ['paragraph', 'codeblock']
    """
    for run in parts(history, "runs"):
        selected = run.get("selected")
        of = f", over {counted(selected, 'claim')}" if isinstance(selected, int) else ""
        yield paragraph(f"{_began(run)}{of}; {_whole(run)}.")
        if run.get("command"):
            yield CodeBlock(str(run["command"]))


def _whole(run: Mapping[str, Any]) -> str:
    if run.get("outcome") == "finished" and not run.get("missing"):
        return f"it finished at {run['ended_at']}" if run.get("ended_at") else "it finished"
    return ended(run)
