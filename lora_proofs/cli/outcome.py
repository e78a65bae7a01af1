"""What ``verify`` prints for people: a table, what needs attention, and a summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lora_proofs.language.verdict import Verdict, as_expected
from lora_proofs.running.telling import checks, margin, origin, settling, support

Record = Mapping[str, Any]

WIDTH = 98
"""Characters of a line that shows a matrix; a longer one is broken into its rows."""
MOST_ROWS = 12


def judgement(record: Record) -> str:
    """The verdict, never without its scope and what it leans on.

    >>> judgement({"verdict": "PROVED", "scope": "all shapes", "cites": ["Gronwall"]})
    'PROVED on all shapes, modulo Gronwall'
    """
    modulo = f", modulo {'; '.join(record['cites'])}" if record["cites"] else ""
    return f"{record['verdict']} on {record['scope']}{modulo}"


def short(record: Record) -> str:
    """The verdict with its scope, and what it leans on where that fits into a row.

    >>> short({"verdict": "CERTIFIED", "scope": "30 instances", "cites": ["Weyl", "Gronwall"]})
    'CERTIFIED on 30 instances, modulo 2 cited theorems'
    """
    many = len(record["cites"])
    if many < 2:
        return judgement(record)
    return f"{record['verdict']} on {record['scope']}, modulo {many} cited theorems"


def baseline_reason(record: Record) -> str:
    """Why a shipped claim that the baseline keeps below SUPPORTED is there; else empty."""
    from lora_proofs.running.expected import baseline

    meets = record["shipped"] and record["verdict"] == record["expected"]
    return baseline().get(record["name"], {}).get("reason", "") if meets else ""


def corrected_by(record: Record) -> str:
    """The claim that corrects a refuted one, as the refuted one names it; else empty."""
    return record["source"]["corrected_by"] if record["verdict"] == Verdict.REFUTED else ""


def controls(record: Record) -> str:
    """How many controls were refuted.

    >>> controls({"controls": [{"outcome": "refuted"}, {"outcome": "survived"}]})
    '1 of 2 controls refuted'
    """
    found = record["controls"]
    refuted = sum(control["outcome"] == "refuted" for control in found)
    return f"{refuted} of {len(found)} controls refuted" if found else "no control was run"


def outcome(document: Record, ledger: Path) -> Iterator[str]:
    """The lines for people on a document of ``verify --json``."""
    records = document["claims"]
    yield from table(records)
    for record in records:
        if needs_attention(record):
            yield ""
            yield from attention(record)
        elif not record["shipped"] or len(records) == 1:
            yield ""
            yield from supported(record)
    yield ""
    yield summary(document)
    yield from certificates(records)
    yield f"budget {document['budget']}, seed {document['seed']}, {document['digest']}"
    yield f"recorded in {ledger}"


def certificates(records: Sequence[Record]) -> Iterator[str]:
    """How many claims have a file of certificates, and why one could not be written.

    >>> list(certificates([{"certificates": {"written": {"file": "out/a.json"}}}]))
    ['certificates of 1 of 1 claims, each re-checked: lora-proofs check out']
    """
    asked = [w for r in records if (w := r["certificates"].get("written"))]
    files = [w["file"] for w in asked if w["file"]]
    if files:
        home = Path(files[0]).parent
        told = f"certificates of {len(files)} of {len(asked)} claims, each re-checked"
        yield f"{told}: lora-proofs check {home}"
    elif asked:
        yield f"certificates of none of {len(asked)} claims"
    for problem in (w["problem"] for w in asked if w.get("problem")):
        yield f"  not written: {problem}"


def table(records: Sequence[Record]) -> Iterator[str]:
    """One row for each claim."""
    rows = [(record["name"], short(record), _last(record)) for record in records]
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(2)]
    for name, verdict, refuted in rows:
        yield f"{name:<{widths[0]}}  {verdict:<{min(widths[1], 60)}}  {refuted}"


def _last(record: Record) -> str:
    corrected = corrected_by(record)
    return controls(record) + (f"; corrected by {corrected}" if corrected else "")


def needs_attention(record: Record) -> bool:
    """Whether a reader has to know more than the row."""
    unexpected = not as_expected(record["verdict"], record["expected"])
    weak = record["verdict"] == Verdict.INCONCLUSIVE or bool(record["error"])
    users = record["verdict"] == Verdict.REFUTED and not record["shipped"]
    return unexpected or weak or users


def attention(record: Record) -> Iterator[str]:
    """Why a claim is refuted, weak or other than expected."""
    yield f"{record['name']}: {judgement(record)}"
    if not as_expected(record["verdict"], record["expected"]):
        yield f"  expected {record['expected']}"
    if record["verdict"] == Verdict.INCONCLUSIVE:
        yield from _background(record)
    for reason in dict.fromkeys((*record["reasons"], *record["notes"])):
        yield f"  {reason}"
    if record["counterexample"]:
        yield from counterexample(record["counterexample"])
    actions = settling(record)
    if actions:
        yield "  what would settle it:"
    for action in actions:
        yield f"    - {action}"


def supported(record: Record) -> Iterator[str]:
    """What speaks for a claim that held, where a reader asked for this one."""
    yield f"{record['name']}: {judgement(record)}"
    for reason in dict.fromkeys((*record["reasons"], *record["notes"])):
        yield f"  {reason}"
    for line in support(record):
        yield f"  {line}"
    if record["verdict"] != Verdict.REFUTED:
        yield from _nearest(record)


def _nearest(record: Record) -> Iterator[str]:
    """The instances that left the least room: of the samples, and where the search came closest."""
    place = record["samples"].get("smallest_at")
    if place:
        yield "  the instance with the smallest slack of the samples:"
        yield from instance(place["instance"])
    met = (record.get("search") or {}).get("at")
    if met:
        yield "  the instance on which the search came closest:"
        yield from instance(met)


def _background(record: Record) -> Iterator[str]:
    """What is known about a claim beside what this run found."""
    reason = baseline_reason(record)
    if reason:
        yield f"  {reason}"
    if record["note"]:
        yield f"  note: {record['note']}"
    if reason:
        yield "  what this run found:"


def counterexample(found: Record) -> Iterator[str]:
    """A counterexample in exact numbers, both sides, and the line that replays it."""
    yield from instance(found["instance"])
    yield f"  {sides(found['comparison'])}, in {found['confirmed_by']} arithmetic"
    yield from filter(None, [indented(margin(found["comparison"]))])
    if found["assumptions"]:
        yield f"  every assumption holds there: {', '.join(found['assumptions'])}"
    yield from granted(found)
    yield from map(indented, origin(found))
    if found.get("replay"):
        yield f"  replay it: {found['replay']}"


def indented(line: str) -> str:
    """A line below the name of its claim; nothing where there is none.

    >>> indented("margin"), indented("")
    ('  margin', '')
    """
    return f"  {line}" if line else ""


def granted(found: Record) -> Iterator[str]:
    """What each assumption compared on a counterexample.

    >>> list(granted({"assumptions": {"step": True}, "checks": {"step": [
    ...     {"label": "h", "left": "1", "relation": ">=", "right": "0", "slack": "1"}]}}))
    ['    step: h: 1 >= 0 holds, slack 1']
    """
    for name, lines in checks(found):
        for line in lines:
            yield f"    {name}: {line}"


def instance(fields: Record, indent: str = "    ") -> Iterator[str]:
    """The fields of an instance in exact numbers, a matrix with one row a line."""
    for name, value in fields.items():
        if name != "regimes":
            yield from _field(name, value, indent)


def _field(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"{indent}{name}:"
        yield from instance(value, indent + "  ")
        return
    line = f"{indent}{name} = {matrix(value)}"
    if len(line) <= WIDTH or not (isinstance(value, list) and isinstance(value[0], list)):
        yield line
        return
    yield f"{indent}{name} ="
    yield from (f"{indent}  {row}" for row in rows_of(value, WIDTH - len(indent) - 2))


def rows_of(rows: Any, width: int) -> Iterator[str]:
    """A matrix with one row a line, its columns below one another; what is too much is counted.

    >>> list(rows_of([[1, "1/2"], [10, 3]], 20))
    ['[ 1 1/2', ' 10   3]']
    """
    columns = [max(len(str(row[j])) for row in rows) for j in range(len(rows[0]))]
    fitting = sum(1 for j in range(len(columns)) if sum(columns[: j + 1]) + j + 2 <= width)
    shown = rows[:MOST_ROWS]
    for i, row in enumerate(shown):
        cells = (f"{row[j]!s:>{columns[j]}}" for j in range(fitting))
        more = f" ... ({len(columns) - fitting} more)" if fitting < len(columns) else ""
        last = "]" if i == len(rows) - 1 else ""
        yield ("[" if i == 0 else " ") + " ".join(cells) + more + last
    if len(shown) < len(rows):
        yield f" ... ({len(rows) - len(shown)} more rows; the record has them all)]"


def matrix(rows: Any) -> str:
    """A matrix on one line, or a number as it is.

    >>> matrix([[1, "1/2"], [0, 3]])
    '[1 1/2; 0 3]'
    """
    if not isinstance(rows, list):
        return str(rows)
    if rows and isinstance(rows[0], list):
        return "[" + "; ".join(" ".join(map(str, row)) for row in rows) + "]"
    return "[" + " ".join(map(str, rows)) + "]"


def sides(comparison: Record) -> str:
    """A comparison that fails, with both sides.

    >>> sides({"label": "sum", "left": "4", "relation": "=", "right": "2", "slack": "-2"})
    'sum: 4 = 2 fails, slack -2'
    """
    left, right = matrix(comparison["left"]), matrix(comparison["right"])
    shown = f"{left} {comparison['relation']} {right}"
    return f"{comparison['label']}: {shown} fails, slack {comparison['slack']}"


def summary(document: Record) -> str:
    """How many claims have each verdict; no two are added up."""
    counts = [f"{n} {verdict}" for verdict, n in document["summary"].items() if n]
    moved = sum(bool(record["certificates"].get("moved_from")) for record in document["claims"])
    told = ", ".join(counts) or "no claim finished"
    told += f" ({moved} of them moved up by certified instances)" if moved else ""
    known = [r for r in document["claims"] if r["expected"]]
    unexpected = sum(not as_expected(r["verdict"], r["expected"]) for r in known)
    return f"{told}; {unexpected or 'none'} other than expected" if known else told
