"""Reading recorded claims: what a record says, with words for what it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lora_proofs.language.claim import PAPERS, Paper
from lora_proofs.language.verdict import STRENGTH, Verdict, as_expected
from lora_proofs.report.tree import Inlines, Judged, Link, Text

Record = Mapping[str, Any]

VERDICTS = {
    "PROVED": "the derivation ends in the claim's conclusion, each step is an identity that two "
    "engines decided, an instance of a named rule or a listed lemma, and "
    "cited lemmas stand on a fixed list; the scope says for which shapes",
    "CERTIFIED": "it holds rigorously, in exact or ball arithmetic, on the stated instances; "
    "nothing is said about others",
    "SUPPORTED": "it held on every sampled instance, in every declared regime; it is not derived",
    "REFUTED": "there is a counterexample in exact numbers, on which every assumption holds",
    "INCONCLUSIVE": "the evidence is not enough for any of these; the reasons are listed",
}
STATUSES = {
    "stated": "the source states it",
    "reconstructed": "made precise here from a summary",
    "corrected": "the commonly quoted form is false, this form is the repaired one",
    "extension": "not claimed to be in the paper",
    "as commonly quoted": "the form that circulates; the paper's own wording was not read",
    "our reading": "one way to read a vague sentence",
}
READ = {
    "read": "the text was read",
    "summary": "only a summary was read",
    "recalled": "recalled, not read",
}


def part(record: Record, key: str) -> Record:
    """A nested record, empty where it is missing.

    >>> part({"source": None}, "source")
    {}
    """
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}


def listed(record: Record, key: str) -> list[Any]:
    """A list, empty where it is missing.

    >>> listed({"reasons": ("a",)}, "reasons"), listed({}, "reasons")
    (['a'], [])
    """
    value = record.get(key)
    return list(value) if isinstance(value, list | tuple) else []


def parts(record: Record, key: str) -> list[Record]:
    """A list of nested records, empty where it is missing.

    >>> parts({"controls": [{"why": "sharper"}, None]}, "controls")
    [{'why': 'sharper'}]
    """
    return [value for value in listed(record, key) if isinstance(value, Mapping)]


def name_of(record: Record) -> str:
    """The claim's name.

    >>> name_of({})
    'unnamed claim'
    """
    return str(record.get("name") or "unnamed claim")


def title_of(record: Record) -> str:
    """The claim's title, or its name.

    >>> title_of({"name": "classical/balancedness"})
    'classical/balancedness'
    """
    return str(record.get("title") or name_of(record))


def judged(record: Record) -> Judged:
    """The verdict with its scope and the lemmas it leans on.

    >>> judged({"verdict": "PROVED", "scope": "all shapes"}).scope
    'all shapes'
    """
    verdict = str(record.get("verdict") or "INCONCLUSIVE")
    scope = str(record.get("scope") or "a scope that was not recorded") + _cut(record)
    return Judged(verdict, scope, tuple(str(lemma) for lemma in listed(record, "cites")))


def _cut(record: Record) -> str:
    """That a limit cut a stage off, as a scope says it."""
    found = (re.match("(.+) was cut off ", str(note)) for note in listed(record, "notes"))
    stages = [match[1] for match in found if match]
    return f" ({', '.join(stages)} cut off by a limit)" if stages else ""


def unexpected(record: Record) -> bool:
    """Whether the verdict is weaker than, or other than, its baseline.

    >>> unexpected({"verdict": "SUPPORTED", "expected": "PROVED"})
    True
    """
    found, expected = record.get("verdict"), record.get("expected")
    known = (*STRENGTH, Verdict.REFUTED)
    if found not in known or expected not in known:
        return bool(expected) and found != expected
    return not as_expected(str(found), str(expected))


def for_readers(note: str) -> str:
    """A note without its advice to who writes the claim, which a reader of a report is not.

    >>> for_readers("It is weaker for it. If each field may be anything, draw the fields apart")
    'It is weaker for it.'
    """
    note = re.sub(r"Instance\(([^()]*?),? regimes=\([^()]*\)\)", r"the instance \1", note)
    return re.split(r" (?:If each field may be anything|Where an edited instance counts)", note)[0]


def needs_attention(record: Record) -> bool:
    """Whether a reader should look here first.

    >>> needs_attention({"verdict": "PROVED"}), needs_attention({"verdict": "INCONCLUSIVE"})
    (False, True)
    """
    weak = record.get("verdict") not in ("PROVED", "CERTIFIED", "SUPPORTED", "REFUTED")
    return weak or bool(record.get("error")) or unexpected(record) or bool(misfit(record))


def misfit(record: Record) -> str:
    """What of a record its verdict cannot have come from: then it was not written by a run.

    >>> misfit({"verdict": "PROVED", "derivation": None})
    'it is PROVED, and has no closed derivation'
    """
    verdict = record.get("verdict")
    closed = part(record, "derivation").get("closed")
    if verdict == "PROVED" and "derivation" in record and not closed:
        return "it is PROVED, and has no closed derivation"
    if verdict == "REFUTED" and "counterexample" in record and not record["counterexample"]:
        return "it is REFUTED, and has no counterexample"
    outcomes = [control.get("outcome") for control in parts(record, "controls")]
    if verdict in ("PROVED", "CERTIFIED", "SUPPORTED") and any(o != "refuted" for o in outcomes):
        return f"it is {verdict}, and a control was not refuted"
    return ""


def anchors(records: Sequence[Record]) -> list[str]:
    """An anchor for each record, different for each.

    >>> anchors([{"name": "a/b"}, {"name": "a-b"}])
    ['claim-a-b', 'claim-a-b-2']
    """
    taken: dict[str, int] = {}
    found: list[str] = []
    for record in records:
        slug = "claim-" + (re.sub("[^a-z0-9]+", "-", name_of(record).lower()).strip("-") or "x")
        anchor, count = slug, 1
        while anchor in taken:
            count += 1
            anchor = f"{slug}-{count}"
        taken[anchor] = 1
        found.append(anchor)
    return found


def claim_link(name: str, places: Mapping[str, str]) -> Inlines:
    """A link to a claim of this report, or its bare name.

    >>> claim_link("a/b", {"a/b": "claim-a-b"})
    (Link(target='#claim-a-b', text='a/b'),)
    """
    return (Link(f"#{places[name]}", name),) if name in places else (Text(name),)


def paper_of(record: Record) -> Paper | None:
    """The paper that the source names, if it is one of the two.

    >>> paper_of({"source": {"paper": "zeng-lee"}}).authors
    'Zeng and Lee'
    """
    key = part(record, "source").get("paper")
    return next((paper for paper in PAPERS if paper.key == key), None)


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values, each once, in order.

    >>> distinct([2, 1, 2])
    [2, 1]
    """
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
