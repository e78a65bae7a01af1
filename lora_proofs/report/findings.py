"""What was found about one claim: samples, sweeps, certificates, and why it was judged so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from lora_proofs.language.budget import BUDGETS
from lora_proofs.report.exact import instance_blocks, sides_inline
from lora_proofs.report.records import Record, for_readers, listed, part
from lora_proofs.report.text import counted, inlines, joined, paragraph, plain, sentence
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
from lora_proofs.running.telling import chance, searched, settling

DIGITS = {name: one.digits for name, one in BUDGETS.items()}
IN_WORDS = "in words, read by no engine: "


def evidence(record: Record) -> Iterator[Block]:
    """The section on instances; nothing where none was judged.

    >>> [block.title[0].text for block in evidence({"samples": {"instances": 30}})]
    ['Evidence']
    """
    found = (*_sentences(record), *_closest(record), *_searched(record), *_regimes(record))
    found += tuple(_measured(record))
    if found:
        yield Section(plain("Evidence"), found)


def _sentences(record: Record) -> Iterator[Block]:
    items = [*_samples(part(record, "samples")), *_digits(record), *_sweep(part(record, "sweep"))]
    items += _certificates(part(record, "certificates"))
    items += (plain(capital(line)) for line in _told(record))
    items += (inlines(sentence(for_readers(str(note)))) for note in listed(record, "notes"))
    if items:
        yield Bullets(tuple(items))


def _told(record: Record) -> Iterator[str]:
    """What speaks for the claim, without what the table of regimes says anyway."""
    draws = part(record, "draws")
    yield from searched(part(record, "search"))
    if draws:
        yield from chance(draws)


def capital(line: str) -> str:
    """A line as a sentence.

    >>> capital("it holds")
    'It holds.'
    """
    return sentence(line[:1].upper() + line[1:])


def _closest(record: Record) -> Iterator[Block]:
    """The instance that left the least room, and both sides there."""
    place = part(part(record, "samples"), "smallest_at")
    if place and not record.get("counterexample"):
        comparison = part(place, "comparison")
        relative = (
            Text("Smallest slack of the samples: "),
            Code(str(comparison.get("relative"))),
            Text(f" of the larger side, met in the regime {place.get('regime')}: "),
            *inlines(comparison.get("label") or "the comparison"),
            Text(", "),
            *sides_inline(comparison),
            *_precision(comparison),
            Text("."),
        )
        yield Callout("note", (Paragraph(relative), *instance_blocks(place.get("instance"))))


def _searched(record: Record) -> Iterator[Block]:
    """The instance on which the search for a counterexample came closest."""
    search = part(record, "search")
    if search.get("at") and search.get("closest") and not record.get("counterexample"):
        words = (
            Text("Here the search came closest, at a slack of "),
            Code(str(search["closest"])),
            Text(" of both sides together."),
        )
        yield Callout("note", (Paragraph(words), *instance_blocks(search["at"])))


def _precision(comparison: Record) -> Inlines:
    """How precisely both sides are known there."""
    radius = str(comparison.get("radius", ""))
    if radius in ("", "None"):
        return ()
    if radius == "0":
        return (Text("; the sides are exact"),)
    ball = re.match(r"\[(\S+) (?:±|\+/-) ", radius)
    return (Text("; the sides are rounded here, the slack is known up to "),
            Code(ball[1] if ball else radius))  # fmt: skip


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
        place = Text(f" in absolute terms{_own(samples)}.")
        yield (Text("Smallest slack of the samples: "), slack, place)
    if samples.get("tight"):
        yield plain(f"Equal sides, no room at all, on {counted(samples['tight'], 'instance')}.")
    excluded = part(samples, "excluded")
    if excluded and samples.get("discarded"):
        told = joined(f"{name} ({count})" for name, count in excluded.items())
        yield plain(f"Draws that an assumption excluded: {told}.")
    if samples.get("trivial"):
        count = counted(samples["trivial"], "instance")
        yield plain(f"{count} compared only 0 with 0, which shows nothing by itself.")


def _own(samples: Record) -> str:
    """That the smallest absolute slack need not be where the smallest relative one is."""
    beside = samples.get("smallest_at") and not samples.get("tight")
    return ", over all samples and comparisons on its own" if beside else ""


def _digits(record: Record) -> Iterator[Inlines]:
    """How precise the arithmetics are that are not exact."""
    used = {*part(part(record, "samples"), "arithmetics")} & {"ball", "multiprecision"}
    digits = DIGITS.get(str(part(record, "run").get("budget")))
    if used and digits:
        yield plain(f"Arithmetic that rounds has {digits} digits or more, as its budget says.")


def _sweep(sweep: Record) -> Iterator[Inlines]:
    if not sweep:
        return
    swept, suspects = sweep.get("instances", 0), sweep.get("suspects", 0)
    judged = sweep.get("judged")
    sent = f", {judged} of them judged rigorously" if suspects and judged is not None else ""
    if sent and judged < suspects:
        left = counted(suspects - judged, "more suspect")
        sent += f"; {left} beyond the budget's share were not, and count for nothing"
    yield plain(
        f"{counted(swept, 'instance')} swept in floating point, which only nominates; "
        f"{counted(suspects, 'suspect')}{sent}."
    )
    if sweep.get("partly"):
        yield plain(
            f"The sweep left out the later comparisons of each instance: {sweep['partly']}."
        )
    if sweep.get("why"):
        yield plain(f"Not all that was wanted was swept in batches: {sweep['why']}.")


def _certificates(certificates: Record) -> Iterator[Inlines]:
    if certificates.get("instances"):
        judged = counted(certificates["instances"], "instance")
        method = f" in {certificates['method']} arithmetic" if certificates.get("method") else ""
        yield plain(f"{judged} judged rigorously{method}.{_moved(certificates)}")
    written = part(certificates, "written")
    if written.get("file"):
        kinds = ((k, v) for k, v in written.items() if k not in ("file", "problem"))
        told = ", ".join(f"{_words(k)}: {v}" for k, v in kinds if not isinstance(v, Mapping | list))
        yield (
            Text("Certificates, each re-checked by the stand-alone checker: "),
            Link(_address(str(written["file"])), str(written["file"])),
            *((Text(f" ({told})"),) if told else ()),
            Text("; again with "),
            Code(f"lora-proofs check {shlex.quote(str(written['file']))}"),
            Text("."),
        )
    if written.get("problem"):
        yield plain(f"No certificates were written: {written['problem']}.")
    for problem in listed(certificates, "rejected"):
        yield (Text("The checker rejects a certificate: ", strong=True), *inlines(problem))


def _address(path: str) -> str:
    """The address of a file; whatever its name holds is quoted, so it is never a scheme."""
    return f"file://{quote(path)}" if path.startswith("/") else quote(path)


def _words(key: str) -> str:
    return str(key).replace("_", " ")


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
        yield Table("Instances by regime", ("Regime", "Sampled", "Held, judged rigorously"), rows)
        if record.get("counterexample"):
            yield paragraph(_NOT_COUNTED)


_NOT_COUNTED = (
    "An instance counts in the last column where the claim holds on it beyond doubt. The "
    "counterexample, on which it fails beyond doubt, is none of these."
)


def _measured(record: Record) -> Iterator[Block]:
    measured = part(part(record, "samples"), "measured")
    if measured:
        rows = tuple((inlines(name), (Code(str(measured[name])),)) for name in measured)
        yield Table("Measured on the samples", ("Quantity", "Value"), rows)


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
    found = [for_readers(str(reason)) for reason in listed(record, "reasons")]
    told = [inlines(sentence(reason)) for reason in found if not reason.startswith(IN_WORDS)]
    words = len(found) - len(told)
    if words:
        many = f"{words} hypotheses that are" if words > 1 else "One hypothesis that is"
        told.append(plain(f"{many} in words and read by no engine: see what it leans on."))
    if told:
        yield Bullets(tuple(told))
