"""What was found about one claim: samples, certificates, controls, counterexamples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lora_proofs.report.exact import comparison_blocks, instance_blocks, sides_inline
from lora_proofs.report.records import Record, listed, part, parts
from lora_proofs.report.text import counted, inlines, joined, paragraph, plain, sentence
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
from lora_proofs.running.telling import chance, margin, origin, searched, settling, short

_KINDS = {
    "value": "a comparison fails on an exact instance",
    "trap": "a region or point that the motion cannot leave",
    "invariance": "an exact symmetry keeps the motion on a set",
    "lower-bound": "no choice can do better",
}
_CONFIRMED = {"exact": "exact rational arithmetic", "ball": "ball arithmetic"}


def evidence(record: Record) -> Iterator[Block]:
    """The section on instances; nothing where none was judged.

    >>> [block.title[0].text for block in evidence({"samples": {"instances": 30}})]
    ['Evidence']
    """
    found = (*_sentences(record), *_closest(record), *_regimes(record), *_measured(record))
    if found:
        yield Section(plain("Evidence"), found)


def _sentences(record: Record) -> Iterator[Block]:
    items = [*_samples(part(record, "samples")), *_sweep(part(record, "sweep"))]
    items += _certificates(part(record, "certificates"))
    items += (plain(_capital(line)) for line in _told(record))
    items += (inlines(sentence(note)) for note in listed(record, "notes"))
    if items:
        yield Bullets(tuple(items))


def _told(record: Record) -> Iterator[str]:
    """What speaks for the claim, without what the table of regimes says anyway."""
    draws = part(record, "draws")
    yield from searched(part(record, "search"))
    if draws:
        yield from chance(draws)


def _capital(line: str) -> str:
    return sentence(line[:1].upper() + line[1:])


def _closest(record: Record) -> Iterator[Block]:
    """The instance that left the least room, and both sides there."""
    place = part(part(record, "samples"), "smallest_at")
    if place and not record.get("counterexample"):
        comparison = part(place, "comparison")
        relative = (
            Text("Smallest slack: "),
            Code(str(comparison.get("relative"))),
            Text(f" of the larger side, met in the regime {place.get('regime')}: "),
            *inlines(comparison.get("label") or "the comparison"),
            Text(", "),
            *sides_inline(comparison),
            Text("."),
        )
        yield Callout("note", (Paragraph(relative), *instance_blocks(place.get("instance"))))


def _samples(samples: Record) -> Iterator[Inlines]:
    if not samples:
        return
    undecided = samples.get("undecided", 0)
    yield plain(
        f"{counted(samples.get('instances', 0), 'instance')} judged one by one; "
        f"{samples.get('discarded', 0)} more discarded because they broke an assumption; "
        f"{undecided or 'none'} undecided."
    )
    used = part(samples, "arithmetics")
    if used:
        counts = joined(f"{name} ({count})" for name, count in used.items())
        yield plain(f"Decided in these arithmetics: {counts}.")
    if samples.get("smallest_slack") not in (None, ""):
        slack = Code(str(samples["smallest_slack"]))
        yield (Text("Smallest slack: "), slack, Text(" in absolute terms."))
    if samples.get("tight"):
        yield plain(f"Equal sides, no room at all, on {counted(samples['tight'], 'instance')}.")
    excluded = part(samples, "excluded")
    if excluded and samples.get("discarded"):
        told = joined(f"{name} ({count})" for name, count in excluded.items())
        yield plain(f"Draws that an assumption excluded: {told}.")
    if samples.get("trivial"):
        yield plain(f"{counted(samples['trivial'], 'instance')} compared only 0 with 0.")


def _sweep(sweep: Record) -> Iterator[Inlines]:
    if not sweep:
        return
    swept, suspects = sweep.get("instances", 0), sweep.get("suspects", 0)
    judged = sweep.get("judged")
    sent = f", {judged} of them judged rigorously" if suspects and judged is not None else ""
    yield plain(
        f"{counted(swept, 'instance')} swept in floating point, which only nominates; "
        f"{counted(suspects, 'suspect')}{sent}."
    )
    if sweep.get("partly"):
        yield plain(f"The sweep left out later comparisons: {sweep['partly']}.")
    if sweep.get("why"):
        yield plain(f"Not all that was wanted was swept in batches: {sweep['why']}.")


def _certificates(certificates: Record) -> Iterator[Inlines]:
    if certificates.get("instances"):
        judged = counted(certificates["instances"], "instance")
        method = f" in {certificates['method']} arithmetic" if certificates.get("method") else ""
        yield plain(f"{judged} judged rigorously{method}.{_moved(certificates)}")


def _moved(certificates: Record) -> str:
    before = certificates.get("moved_from")
    return f" Without these the verdict would be {before}." if before else ""


def _regimes(record: Record) -> Iterator[Block]:
    sampled = part(part(record, "samples"), "regimes")
    rigorous = part(part(record, "certificates"), "regimes")
    names = sorted({*map(str, sampled), *map(str, rigorous)})
    if names:
        counts = ((name, sampled.get(name, 0), rigorous.get(name, 0)) for name in names)
        rows = tuple(tuple(map(plain, row)) for row in counts)
        yield Table("Instances by regime", ("Regime", "Sampled", "Judged rigorously"), rows)


def _measured(record: Record) -> Iterator[Block]:
    measured = part(part(record, "samples"), "measured")
    if measured:
        rows = tuple((inlines(name), (Code(str(measured[name])),)) for name in measured)
        yield Table("Measured on the samples", ("Quantity", "Value"), rows)


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
    yield Callout("note" if control.get("outcome") == "refuted" else "open", tuple(blocks))


def _attempt(number: int, control: Record) -> Block:
    outcome = str(control.get("outcome") or "not run")
    mark = "✓" if outcome == "refuted" else "✗"
    drops = control.get("drops")
    how = (Text("without "), Code(str(drops))) if drops else (Text("a falsified conclusion"),)
    shown = Text(f"{mark} {outcome}", strong=True)
    why = inlines(sentence(control.get("why") or "no reason is recorded"))
    return Paragraph((Text(f"Control {number}, "), *how, Text(", "), shown, Text(": "), *why))


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
        yield paragraph(_capital(told))


def _origin(found: Record) -> Iterator[Block]:
    items = tuple(plain(_capital(line)) for line in origin(found))
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


def failure(record: Record) -> Iterator[Block]:
    """What was raised, if the claim raised.

    >>> [block.tone for block in failure({"error": {"type": "ValueError", "message": "no"}})]
    ['open']
    """
    error = part(record, "error")
    if error:
        on = f", on {error['on']}" if error.get("on") else ""
        where = f" ({error['where']}{on})" if error.get("where") else ""
        text = f"{error.get('type', 'an error')}: {error.get('message', '')}{where}"
        yield Callout("open", (Paragraph((Text("It raised ", strong=True), Code(text))),))


def settle(record: Record) -> Iterator[Block]:
    """What would settle an inconclusive verdict; nothing where a verdict stands.

    >>> [block.tag for block in settle({"settle": ["draw more instances"]})]
    ['paragraph', 'bullets']
    """
    found = settling(record)
    if found:
        yield Paragraph((Text("What would settle it", strong=True),))
        yield Bullets(tuple(inlines(sentence(action)) for action in found))


def reasons(record: Record) -> Iterator[Block]:
    """Why the verdict is what it is.

    >>> [block.tag for block in reasons({"reasons": ["one", "two"]})]
    ['bullets']
    """
    found = listed(record, "reasons")
    if found:
        yield Bullets(tuple(inlines(sentence(reason)) for reason in found))
