"""Which run each record comes from: what runs set out to do, how they ended, what they left open.

A run says in the ledger what it selected before it does anything, so that one that was killed is
known by what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from lora_proofs.errors import LedgerError
from lora_proofs.language.budget import Budget
from lora_proofs.running.catalogue import Entry
from lora_proofs.running.ledger import Ledger, storable

Place = tuple[str, str]
Record = Mapping[str, Any]


@contextmanager
def kept_run(
    ledger: Ledger,
    entries: Sequence[Entry],
    budget: Budget,
    seed: int,
    *,
    command: str = "",
    resumed: bool = False,
) -> Iterator[None]:
    """Tell the ledger what a run is about to verify, and how that ended."""
    from lora_proofs.running.resuming import run_key  # all that verifies; a report needs none of it

    claims = [[*place(entry), run_key(entry, budget, seed)] for entry in entries]
    told = {"command": command, "budget": budget.name, "seed": seed, "time_limit": budget.wall}
    number = ledger.begin({**told, "resumed": resumed, "claims": claims})
    try:
        yield
    except BaseException as error:
        outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        with suppress(LedgerError):  # then it has no end, which says as much
            ledger.end(number, outcome)
        raise
    ledger.end(number, "finished")


def place(entry: Entry) -> Place:
    """A claim as the ledger knows it: its name and its place."""
    return entry.name, storable(str(entry.locator))


def history(
    ledger: Ledger, entries: Sequence[Entry], found: Sequence[Record | None]
) -> dict[str, Any]:
    """The last run that selected each claim, what it left open, and the claims that no run knows.

    ``found`` are their last records. ``runs``, the first one first, have ``finished`` and
    ``missing`` claims of those asked for; ``absent`` claims have no record at all.
    """
    records = dict(zip(map(place, entries), found, strict=True))
    waiting = dict.fromkeys(records)
    runs = []
    for run in ledger.runs():
        claims = _claims(run, ledger)
        its = [claim for claim in claims if claim[:2] in waiting]
        if its:
            runs.append({**run, "selected": len(claims), **_parted(run, its, records)})
        for claim in its:
            del waiting[claim[:2]]
    missing = {name for run in runs for name in run["missing"]}
    absent = [name for (name, _), record in records.items() if record is None]
    return {
        "runs": runs[::-1],
        "absent": [name for name in absent if name not in missing],
    }


def _claims(run: dict[str, Any], ledger: Ledger) -> list[tuple[str, str, str]]:
    """The claims that a run selected, taken out of what it told."""
    try:
        if type(run.get("after", 0)) is not int:
            raise TypeError
        return [(str(name), str(where), str(key)) for name, where, key in run.pop("claims")]
    except (KeyError, TypeError, ValueError):
        raise LedgerError(f"{ledger.path}: run {run['number']} is malformed") from None


def _parted(
    run: Mapping[str, Any],
    claims: Sequence[tuple[str, str, str]],
    records: Mapping[Place, Record | None],
) -> dict[str, list[str]]:
    """The claims of a run that it finished, and those that it did not."""
    done = [_finished(run, key, records[name, where]) for name, where, key in claims]
    told = list(zip(claims, done, strict=True))
    return {
        "finished": [claim[0] for claim, is_done in told if is_done],
        "missing": [claim[0] for claim, is_done in told if not is_done],
    }


def _finished(run: Mapping[str, Any], key: str, record: Record | None) -> bool:
    """Whether the last record of a claim is the run's: new, or taken over by one that went on."""
    if record is None:
        return False
    taken_over = run.get("resumed") and record.get("run", {}).get("key") == key
    return bool(record["record"] > run.get("after", 0) or taken_over)


def differing(ledger: Ledger, record: Record, where: str) -> list[dict[str, Any]]:
    """Earlier records of a claim with another verdict, budget or seed: the last one of each."""
    run = record.get("run") or {}
    seen = {(record["verdict"], run.get("budget"), run.get("seed"))}
    found = []
    for one in ledger.earlier(record, where):
        kind = (one["verdict"], one["budget"], one["seed"])
        if kind not in seen:
            found.append(one)
        seen.add(kind)
    return found
