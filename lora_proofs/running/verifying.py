"""Verifying many claims: worker processes, the ledger; what the command line drives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lora_proofs.errors import BadInput, ClaimRefused, LoraProofsError
from lora_proofs.language.budget import Budget
from lora_proofs.language.budget import budget as budget_named
from lora_proofs.running import catalogue, searching
from lora_proofs.running.catalogue import Entry, Locator
from lora_proofs.running.certificate_files import SECONDS, STAGE, cut_off
from lora_proofs.running.channel import is_record
from lora_proofs.running.expected import expected_verdict
from lora_proofs.running.provenance import about, versions
from lora_proofs.running.resuming import Book, run_key
from lora_proofs.running.runner import stopped
from lora_proofs.running.scale import MEMORY, Crew, Outcome, Pool, Task
from lora_proofs.running.selecting import select as select

SPOILED = (
    "something other than the verifier wrote to the channel that its answer comes through, "
    "perhaps to every file descriptor: "
)
LOAD_SECONDS = 20.0
"""How long a file may take to load; the variable LORA_PROOFS_LOAD_SECONDS overrides it."""


def load_seconds() -> float:
    """The limit on loading a file, in seconds."""
    text = os.environ.get("LORA_PROOFS_LOAD_SECONDS", "")
    try:
        return float(text) if text else LOAD_SECONDS
    except ValueError:
        raise BadInput(
            f"LORA_PROOFS_LOAD_SECONDS: expected a number of seconds, got {text!r}"
        ) from None


def listed(path: Path) -> Sequence[Entry]:
    """The claims of a file, read by a process that can be killed."""
    return _listed({"do": "list", "path": str(path)}, str(path.resolve()), str(path))


@cache
def installed() -> Sequence[Entry]:
    """The claims of other packages that are installed, read by a process that can be killed."""
    modules = catalogue.installed_modules()
    what = f"the claims of installed packages ({', '.join(modules)})"
    return _listed({"do": "installed"}, catalogue.GROUP, what) if modules else ()


def _listed(payload: dict[str, Any], home: str, what: str) -> Sequence[Entry]:
    value = alone(payload, load_seconds(), home, what)
    try:
        return [_entry(told) for told in value]
    except (TypeError, KeyError, AttributeError):
        raise ClaimRefused(f"{what}: {SPOILED}the answer is no list of claims") from None


def _entry(told: dict[str, Any]) -> Entry:
    locator = told.pop("locator")
    # Whatever a file says of itself, it is not ours.
    del told["shipped"]
    return Entry(told["name"], Locator(**locator), False, told)


def alone(payload: dict[str, Any], seconds: float, home: str, what: str) -> Any:
    """Do one task in a process of its own and hand back its value, or raise what it raised."""
    for _, outcome in Pool(1).scatter([Task(payload, seconds, home)]):
        if outcome.kind == "done":
            return outcome.value
        if outcome.kind == "failed":
            raise raised(outcome.value)
        why = SPOILED + outcome.value if outcome.kind == "spoiled" else outcome.value
        memory = os.environ.get("LORA_PROOFS_MEMORY_MB") or MEMORY
        raise ClaimRefused(
            f"{what}: expected an answer within {seconds:g} s and {memory} MiB; it was stopped: "
            f"{why}. A file of claims defines them and returns; the work belongs in their functions"
        )
    raise AssertionError("a task without an outcome")


def perform_on(entry: Entry, payload: dict[str, Any], seconds: float) -> Any:
    """Do a task on one claim: here where the code is ours, in a process of its own otherwise."""
    task = {**payload, "locator": entry.locator.to_dict()}
    if entry.home:
        return alone(task, seconds, entry.home, f"{payload['do']} {entry.name}")
    from lora_proofs.running.tasks import perform

    return perform(task, lambda message: None)


def raised(failed: dict[str, Any]) -> Exception:
    """The exception that a worker met, as one of ours."""
    from lora_proofs import errors

    kind = getattr(errors, failed["type"], None) if failed["expected"] else None
    error: Exception
    if isinstance(kind, type) and issubclass(kind, LoraProofsError):
        error = LoraProofsError.__new__(kind)
        error.args = (failed["message"],)
    else:
        error = RuntimeError(f"{failed['type']}: {failed['message']}")
    error.add_note(failed["traceback"])
    return error


Heard = Callable[[Entry, str], None]


def verified(
    entries: Sequence[Entry],
    budget: Budget,
    seed: int,
    jobs: int,
    heard: Heard,
    certificates: Path | None = None,
    crew: Crew | None = None,
    book: Book | None = None,
) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Verify claims in worker processes and yield each record as it is finished.

    With ``certificates``, a folder, each claim's certificates are written there; with a ``crew``,
    that one does it, however many ``jobs``. A ``book`` keeps what is finished of each claim.
    """
    tasks = [_task(entry, budget, seed, certificates, book) for entry in entries]

    def keep(index: int, units: Mapping[str, Any]) -> None:
        if book:
            book.keep(entries[index], units)

    crew = crew or Pool(min(jobs, len(tasks)))
    crew.keep = keep
    for index, outcome in crew.scatter(tasks, lambda index, stage: heard(entries[index], stage)):
        entry = entries[index]
        yield entry, complete(entry, _record(entry, outcome, budget, seed), budget, seed)


def _task(
    entry: Entry, budget: Budget, seed: int, certificates: Path | None, book: Book | None = None
) -> Task:
    payload: dict[str, Any] = {
        "do": "verify",
        "locator": entry.locator.to_dict(),
        "budget": budget.name,
        "seed": seed,
    }
    if book and (known := book.known(entry)):
        payload["units"] = known
    if certificates is None:
        return Task(payload, budget.wall, entry.home)
    payload["certificates"] = str(certificates.resolve())
    return Task(payload, budget.wall, entry.home, {STAGE: SECONDS})


def _record(entry: Entry, outcome: Outcome, budget: Budget, seed: int) -> dict[str, Any]:
    if outcome.kind == "done" and is_record(outcome.value):
        record: dict[str, Any] = outcome.value
        return record
    if outcome.standing and outcome.stage == STAGE:
        return cut_off(outcome.standing, outcome.value)
    if outcome.standing:
        how = "after" if outcome.kind == "stopped" else "because"
        cut = searching.cut_off(outcome.standing, outcome.stage, f"{how} {outcome.value}")
        timed = outcome.kind == "stopped" and _timed(outcome.value)
        return {**cut, "seconds": round(budget.wall, 3)} if timed else cut
    if outcome.kind != "stopped":
        error = {**_error(outcome), "where": str(entry.locator)}
        return stopped(entry.told, budget, seed, error=error).to_dict()
    why = f"stopped in the stage {outcome.stage!r}: {_limit(outcome.value, budget)}"
    record = stopped(entry.told, budget, seed, exhausted=why).to_dict()
    # It ran for as long as it was let.
    return {**record, "seconds": round(budget.wall, 3)} if _timed(outcome.value) else record


def _error(outcome: Outcome) -> dict[str, str]:
    """What went wrong in a process, as type and message."""
    if outcome.kind == "failed":
        return {key: outcome.value[key] for key in ("type", "message")}
    if outcome.kind == "ended":
        message = f"{outcome.value}, in the stage {outcome.stage!r}"
        return {"type": "ProcessEnded", "message": message}
    why = outcome.value if outcome.kind == "spoiled" else "the answer is not a record"
    return {"type": "ChannelSpoiled", "message": SPOILED + why}


def _timed(why: str) -> bool:
    """Whether a limit that stopped a process is one of time."""
    return why.endswith(" s")


def _limit(why: str, budget: Budget) -> str:
    """The limit in words, where it is one of time, and the option that sets it."""
    if not _timed(why):
        return why
    if budget.wall != budget_named(budget.name).wall:
        return f"the limit that --time-limit set, {why}"
    return f"the limit of the {budget.name} budget, {why}; --time-limit SECONDS sets another"


def complete(entry: Entry, record: dict[str, Any], budget: Budget, seed: int) -> dict[str, Any]:
    """A record with what the run knows: baseline, place, and under what it was run."""
    expected = expected_verdict(entry.name, budget.name) if entry.shipped else None
    locator = entry.locator.to_dict()
    for told in (record, *record["controls"]):
        if told["counterexample"]:
            told["counterexample"]["locator"] = locator
    return {
        **record,
        "expected": expected,
        "shipped": entry.shipped,
        "locator": locator,
        "run": {
            "budget": budget.name,
            "seed": seed,
            "time_limit": budget.wall,
            "versions": versions(),
            "source_fingerprint": about()["source"],
            "key": run_key(entry, budget, seed),
        },
    }
