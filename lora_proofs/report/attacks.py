"""What was tried against one claim: its counterexample, and its controls with theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lora_proofs.report.exact import comparison_blocks, instance_blocks, sides_inline
from lora_proofs.report.findings import capital
from lora_proofs.report.records import Record, listed, part, parts
from lora_proofs.report.text import inlines, paragraph, plain, sentence
from lora_proofs.report.tree import (
    Block,
    Bullets,
    Callout,
    Code,
    CodeBlock,
    Inline,
    Inlines,
    Paragraph,
    Section,
    Table,
    Text,
)
from lora_proofs.running.telling import margin, origin, short

_KINDS = {
    "value": "a comparison fails on an exact instance",
    "trap": "a region or point that the motion cannot leave",
    "invariance": "an exact symmetry keeps the motion on a set",
    "lower-bound": "no choice can do better",
}
_CONFIRMED = {"exact": "exact rational arithmetic", "ball": "ball arithmetic"}


def controls(record: Record) -> Iterator[Block]:
    """The section on controls: each is false on purpose and has to be refuted.

    >>> [block.tag for block in controls({"controls": [{"outcome": "refuted"}]})]
    ['section']
    """
    found = parts(record, "controls")
    if found:
        head = paragraph(
            "Each control is a version of the claim that is false on purpose. It has to be "
            "refuted, or the check would have shown no power."
        )
        blocks = (head, *(block for i, one in enumerate(found, 1) for block in _control(i, one)))
        yield Section(plain("Controls"), blocks)


def _control(number: int, control: Record) -> Iterator[Block]:
    blocks: list[Block] = [_attempt(number, control)]
    if control.get("problem"):
        blocks.append(Paragraph((Text("Problem: "), *inlines(sentence(control["problem"])))))
    blocks += _witness(part(control, "counterexample"))
    blocks += _kept(part(control, "counterexample"))
    yield Callout("note" if control.get("outcome") == "refuted" else "open", tuple(blocks))


def _attempt(number: int, control: Record) -> Block:
    outcome = str(control.get("outcome") or "not run")
    mark = "✓" if outcome == "refuted" else "✗"
    drops = control.get("drops")
    how = (Text("without "), Code(str(drops))) if drops else (Text("a falsified conclusion"),)
    shown = Text(f"{mark} {outcome}", strong=True)
    why = inlines(sentence(control.get("why") or "no reason is recorded"))
    return Paragraph((Text(f"Control {number}, "), *how, Text(", "), shown, Text(": "), *why))


def _kept(found: Record) -> Iterator[Block]:
    """That the assumptions which a control does not drop hold on its counterexample."""
    held = [Code(str(name)) for name, holds in part(found, "assumptions").items() if holds is True]
    by = _CONFIRMED.get(str(found.get("confirmed_by")))
    told: list[Inline] = [Text(f"Confirmed by {by}.")] if by else []
    cites = [str(name) for name in listed(found, "cites")]
    if cites:
        told += [Text(f"{' ' if told else ''}It leans on: {'; '.join(cites)}.")]
    if held:
        told += [Text(" On it hold: " if told else "On it hold: ")]
        told += [*[piece for name in held for piece in (name, Text(", "))][:-1], Text(".")]
    if told:
        yield Paragraph(tuple(told))


def _witness(found: Record) -> tuple[Block, ...]:
    """The exact instance and what fails on it."""
    return (*instance_blocks(found.get("instance")), *comparison_blocks(found.get("comparison")))


def counterexample(record: Record) -> Iterator[Block]:
    """The section on the claim's own counterexample; nothing where there is none.

    >>> list(counterexample({"counterexample": None}))
    []
    """
    found = part(record, "counterexample")
    if found:
        told = (*_witness(found), *_margin(found), *_assumptions(found), *_origin(found))
        blocks = (_kind(found), *told, *_replay(found))
        yield Section(plain("Counterexample"), (Callout("bad", blocks),))


def _margin(found: Record) -> Iterator[Block]:
    told = margin(part(found, "comparison"))
    if told:
        yield paragraph(capital(told))


def _origin(found: Record) -> Iterator[Block]:
    items = tuple(plain(capital(line)) for line in origin(found))
    if items:
        yield Bullets(items)


def _kind(found: Record) -> Block:
    kind, confirmed = str(found.get("kind") or "value"), found.get("confirmed_by")
    meaning = f" ({_KINDS[kind]})" if kind in _KINDS else ""
    by = _CONFIRMED.get(str(confirmed), str(confirmed)) if confirmed else ""
    return paragraph(f"Of kind {kind}{meaning}" + (f", confirmed by {by}." if by else "."))


def _assumptions(found: Record) -> Iterator[Block]:
    held = found.get("assumptions")
    if isinstance(held, Mapping) and held:
        rows = tuple(
            ((Code(str(name)),), plain(_answer(held[name])), _compared(found, str(name)))
            for name in held
        )
        header = ("Assumption", "Holds", "What was compared")
        yield Table("The assumptions on this instance", header, rows)


def _compared(found: Record, name: str) -> Inlines:
    """The comparisons of an assumption on the counterexample, with the slack of each."""
    pieces: list[Inline] = []
    for c in parts(part(found, "checks"), name):
        pieces += [Text("; ")] if pieces else []
        pieces += [*inlines(c.get("label") or ""), Text(": "), *sides_inline(c)]
        if c.get("relation") != "=":
            pieces += [Text(", slack "), Code(short(str(c.get("slack"))))]
    return tuple(pieces) or plain("not recorded")


def _answer(value: Any) -> str:
    if isinstance(value, bool):
        return "✓ yes" if value else "✗ no"
    return "undecided" if value is None else str(value)


def _replay(found: Record) -> Iterator[Block]:
    if found.get("replay"):
        yield paragraph("Replay it from its exact numbers:")
        yield CodeBlock(str(found["replay"]))
