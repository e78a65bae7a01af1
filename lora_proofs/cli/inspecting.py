"""``list`` and ``show``: what a claim says, without running it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lora_proofs.cli.options import DEFAULT_LEDGER, AsJson, LedgerPath, One, Targets, emit, say
from lora_proofs.errors import BadInput

if TYPE_CHECKING:
    from lora_proofs.running.catalogue import Entry


def list_claims(targets: Targets = None, as_json: AsJson = False) -> int:
    """List claims, each with the verdict that is expected of it.

    \b
    Examples:
      lora-proofs list
      lora-proofs list 'rushka-klabjan/*'
      lora-proofs list my_claim.py --json
    """
    from lora_proofs.running.selecting import select

    entries = select(targets or [])
    told = [{**entry.to_dict(), "expected": _expected(entry)} for entry in entries]
    if as_json:
        emit({"schema_version": 1, "command": "list", "claims": told})
        return 0
    width = max(len(entry.name) for entry in entries)
    for one in told:
        expected = _short(one["expected"])
        say(f"{one['name']:<{width}}  {expected:<13}  {one['title'] or _first(one['statement'])}")
    return 0


def _expected(entry: Entry) -> dict[str, str | None]:
    from lora_proofs.running.expected import expected_verdict

    budgets = ("quick", "standard", "deep")
    return {b: expected_verdict(entry.name, b) if entry.shipped else None for b in budgets}


def _short(expected: Mapping[str, str | None]) -> str:
    return expected["standard"] or "no baseline"


def _first(statement: str) -> str:
    return textwrap.shorten(statement, 60, placeholder=" ...")


def the_one(target: str) -> Entry:
    """The one claim that a target names; ``BadInput`` where it names several."""
    from lora_proofs.running.selecting import select

    entries = select([target])
    if len(entries) > 1:
        names = ", ".join(entry.name for entry in entries)
        raise BadInput(
            f"expected one claim, got {target!r}, which selects {len(entries)}: {names}. Name one "
            "of them (file.py::NAME for a claim of a file)"
        )
    return entries[0]


def show_claim(claim: One, as_json: AsJson = False, ledger: LedgerPath = DEFAULT_LEDGER) -> int:
    """Show a claim: statement, source, assumptions, controls, last recorded verdict.

    \b
    Examples:
      lora-proofs show classical/balancedness
      lora-proofs show my_claim.py --json
    """
    entry = the_one(claim)
    last = _last(entry, ledger)
    told = {**entry.to_dict(), "expected": _expected(entry), "last": last}
    if as_json:
        emit({"schema_version": 1, "command": "show", **told})
        return 0
    for line in _shown(entry, told):
        say(line)
    return 0


def _last(entry: Entry, path: Any) -> dict[str, Any] | None:
    """The last record of the claim, without its evidence."""
    from lora_proofs.running.ledger import Ledger

    if path == DEFAULT_LEDGER and not path.exists():
        return None
    with Ledger(path, create=False) as ledger:
        record = ledger.latest(entry.name, str(entry.locator))
    keys = ("record", "recorded_at", "verdict", "scope", "cites", "reasons", "run")
    if record is None:
        return None
    from lora_proofs.running.staleness import changed

    return {
        **{key: record[key] for key in keys if key in record},
        "changed": changed(entry, record),
    }


def _shown(entry: Entry, told: Mapping[str, Any]) -> list[str]:
    source = told["source"]
    place = ", ".join(filter(None, (source["paper"], source["label"])))
    lines = [entry.name, *([f"  {told['title']}"] if told["title"] else []), ""]
    lines += ["Statement", *_wrapped(told["statement"]), ""]
    lines += [f"Source       {place} ({source['status']}; {source['evidence']})"]
    if source["corrected_by"]:
        lines.append(f"Corrected by {source['corrected_by']}")
    lines += [f"Place        {entry.locator}", f"Regimes      {', '.join(told['regimes'])}"]
    lines += [f"Derivation   {'yes: lora-proofs derive' if told['derived'] else 'none'}"]
    lines += [f"Expected     {_short(told['expected'])}", f"Last run     {_verdict(told['last'])}"]
    lines += [*_list("Assumptions", [_assumption(a) for a in told["assumptions"]])]
    lines += [*_list("Controls", [_control(c) for c in told["controls"]])]
    return lines + (["", *_wrapped(f"Note: {told['note']}")] if told["note"] else [])


def _verdict(last: Mapping[str, Any] | None) -> str:
    if last is None:
        return "not recorded in this ledger"
    from lora_proofs.running.staleness import in_words

    modulo = f", modulo {'; '.join(last['cites'])}" if last["cites"] else ""
    when = f"record {last['record']}, {last['recorded_at']}, budget {last['run']['budget']}"
    since = f"; {in_words(last['changed'])}" if last["changed"] else ""
    return f"{last['verdict']} on {last['scope']}{modulo} ({when}){since}"


def _assumption(told: Mapping[str, Any]) -> str:
    technical = f" (technical: {told['technical']})" if told["technical"] else ""
    return f"{told['name']}: {told['statement']}{technical}"


def _control(told: Mapping[str, Any]) -> str:
    return f"{'drops ' + told['drops'] + ': ' if told['drops'] else ''}{told['why']}"


def _list(title: str, items: Sequence[str]) -> list[str]:
    lines = [line for item in items for line in _wrapped(item, "  - ")]
    return ["", title, *(lines or ["  none"])]


def _wrapped(text: str, bullet: str = "  ") -> list[str]:
    return textwrap.wrap(text, 98, initial_indent=bullet, subsequent_indent=" " * len(bullet))
