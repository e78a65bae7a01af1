"""What a verdict leans on: cited theorems with references, engines, and what has to be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from lora_proofs.report.findings import IN_WORDS
from lora_proofs.report.records import Record, listed, part, parts
from lora_proofs.report.text import counted, inlines, joined, paragraph, plain, sentence
from lora_proofs.report.tree import (
    Block,
    Bullets,
    Callout,
    CodeBlock,
    Inlines,
    Paragraph,
    Section,
    Table,
    Text,
)

_TEXT = "the text of "
"""What the reference of a proof by hand begins with; the name of its module follows."""
_ARITHMETICS = {
    "exact": "exact rational arithmetic of FLINT",
    "ball": "ball arithmetic of FLINT, whose balls enclose every rounding",
}
_DERIVED = (
    "The lines of the derivation were decided by {engines}; both engines of identities are this "
    "package's own, coded apart, over the rational arithmetic of FLINT."
)
_STATED = (
    "That the claim's check is the statement in another form is for a reader of the claim to see{}."
)


def leaning(record: Record) -> Iterator[Section]:
    """The section on what the verdict is modulo.

    >>> [one.title[0].text for one in leaning({"verdict": "PROVED", "cites": ["squeeze theorem"]})]
    ['What it leans on']
    """
    found = (*_cited(record), *_in_words(record), *_trusted(record))
    if found and record.get("verdict") != "INCONCLUSIVE":
        yield Section(plain("What it leans on"), found)
    elif record.get("verdict") == "INCONCLUSIVE" and cited_names(record):
        yield Section(plain("What it leans on"), (*_cited(record), *_in_words(record)))


def cited_names(record: Record) -> list[str]:
    """What the verdict, the derivation and the counterexamples of controls cite, each once.

    >>> cited_names({"cites": ["a"], "derivation": {"cites": ["a", "b"]}})
    ['a', 'b']
    """
    controls = [name for one in parts(record, "controls") for name in _of_control(one)]
    return list(dict.fromkeys([*_of_claim(record), *controls]))


def _of_claim(record: Record) -> list[str]:
    cited = [*listed(record, "cites"), *listed(part(record, "derivation"), "cites")]
    return list(map(str, cited))


def _of_control(control: Record) -> list[str]:
    return list(map(str, listed(part(control, "counterexample"), "cites")))


def _entering(name: str, record: Record) -> str:
    """The controls that alone lean on a theorem; empty where the claim does."""
    if name in _of_claim(record):
        return ""
    numbered = enumerate(parts(record, "controls"), 1)
    return f", in control {joined(k for k, one in numbered if name in _of_control(one))} alone"


def _cited(record: Record) -> Iterator[Block]:
    names = cited_names(record)
    if names:
        header = ("Cited theorem", "Statement", "Proved in", "How it enters")
        yield Table("Cited, not shown here", header, tuple(_row(name, record) for name in names))
    for name in names:
        yield from _by_hand(name)


def _by_hand(name: str) -> Iterator[Block]:
    """A proof by hand, as the text of a module of the package gives it; no engine reads it."""
    lemma, _ = _lemma(name)
    where = lemma.reference.removeprefix(_TEXT) if lemma is not None else ""
    if lemma is not None and where != lemma.reference:
        told = (import_module(where).__doc__ or f"It is {lemma.reference}.").strip()
        called = Text(name[:1].upper() + name[1:], strong=True)
        head = Paragraph((called, Text(", read by no engine:")))
        yield Callout("note", (head, CodeBlock(told)))


def _in_words(record: Record) -> Iterator[Block]:
    """The hypotheses that are sentences, each with the assumption that is to close it."""
    found = [
        text for reason in listed(record, "reasons") if (text := str(reason)).startswith(IN_WORDS)
    ]
    if found:
        yield paragraph("Hypotheses in words, read by no engine, and what they are closed by:")
        yield Bullets(tuple(inlines(sentence(text.removeprefix(IN_WORDS))) for text in found))


def _row(name: str, record: Record) -> tuple[Inlines, ...]:
    lemma, kind = _lemma(name)
    if lemma is None:
        return plain(name), plain("not on the list of lemmas"), plain("none"), plain("unknown")
    steps = sum(line.get("rule") == name for line in _lines(record))
    lines = f", in {counted(steps, 'line')}" if steps else ""
    how = kind + lines + _entering(name, record)
    return plain(name), inlines(lemma.statement), inlines(lemma.reference), plain(how)


def _lines(record: Record) -> list[Mapping[str, Any]]:
    lines = listed(part(record, "derivation"), "lines")
    return [line for line in lines if isinstance(line, Mapping)]


def _lemma(name: str) -> tuple[Any, str]:
    """The theorem of a name and where it comes from, read when a report cites one."""
    from lora_proofs.arithmetic.leaning import Cited
    from lora_proofs.language.lemmas import LEMMAS
    from lora_proofs.mathematics import literature

    if name in LEMMAS:
        return LEMMAS[name], "a lemma on the fixed list"
    said = {one.name: one for one in vars(literature).values() if isinstance(one, Cited)}
    if name in said:
        by_hand = name in literature.BY_HAND or name.startswith("proof by hand")
        return said[name], "a proof by hand" if by_hand else "said by the code that uses it"
    return None, ""


def stated(name: str) -> str:
    """A lemma in its own words, for a line that states no formula; nothing for an unknown one.

    >>> stated("principle of induction")[:44]
    'principle of induction: A property that the '
    """
    lemma, _ = _lemma(name)
    return f"{name}: {lemma.statement}" if lemma is not None else ""


def references(names: list[str]) -> list[str]:
    """The references of cited theorems, where they are known.

    >>> references(["squeeze theorem", "no such theorem"])
    ['Rudin, Principles of Mathematical Analysis, Theorem 3.19']
    """
    found = (_lemma(name)[0] for name in names)
    return [lemma.reference for lemma in found if lemma is not None]


def _trusted(record: Record) -> Iterator[Block]:
    items = tuple(inlines(sentence(text)) for text in _base(record))
    if items:
        yield Bullets(items)


def _base(record: Record) -> Iterator[str]:
    """The trusted base in sentences."""
    derivation, certificates = part(record, "derivation"), part(record, "certificates")
    engines = listed(derivation, "engines")
    if record.get("verdict") == "PROVED" and engines:
        yield _DERIVED.format(engines=joined(engines))
    method = str(certificates.get("method") or "")
    used = [words for name, words in _ARITHMETICS.items() if name in method.split(" and ")]
    if used and certificates.get("instances"):
        yield f"Instances were decided by {joined(used)}"
    confirmed = part(record, "counterexample").get("confirmed_by")
    if confirmed in _ARITHMETICS:
        yield f"The counterexample was confirmed by {_ARITHMETICS[confirmed]}"
    if record.get("verdict") == "SUPPORTED":
        yield "Instances that no rigorous arithmetic decided rest on high precision, not on rigour"
    agreed = derivation.get("evaluated_on")
    lines = f"; its derived lines agree with the check on {counted(agreed, 'instance')}"
    if record.get("verdict") in ("PROVED", "CERTIFIED", "SUPPORTED", "REFUTED"):
        yield _STATED.format(lines if agreed else "")
    yield from (f"Trusted, not re-checked: {text}" for text in listed(certificates, "trusted"))
