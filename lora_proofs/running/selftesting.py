"""Self-testing many claims: worker processes, and a file that lets the next run go on.

The unit of work is one claim; its result depends on its text, the budget and the seed alone.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from lora_proofs.errors import LedgerError
from lora_proofs.language.budget import Budget
from lora_proofs.mutating.evaluating import DoesNotEnd
from lora_proofs.mutating.reasons import REASONS, Rows, stale, written_reasons
from lora_proofs.mutating.score import ENOUGH, count, summed, with_reasons
from lora_proofs.running.catalogue import Entry, imported
from lora_proofs.running.expected import expected_verdict
from lora_proofs.running.places import OWN, make_home
from lora_proofs.running.provenance import versions
from lora_proofs.running.records import SCHEMA_VERSION
from lora_proofs.running.scale import Crew, Outcome, Pool, Task

DEFAULT = Path(OWN) / "selftest.sqlite"
APPLICATION = 0x4C6F5374  # "LoSt": another program's database is refused
WALL = {"quick": 300.0, "standard": 900.0, "deep": 14_400.0}
"""Seconds after which a claim is given up."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS results (
        key TEXT PRIMARY KEY, name TEXT NOT NULL, record TEXT NOT NULL)""",
    f"PRAGMA application_id = {APPLICATION}",
)


class State:
    """A SQLite file of finished claims by key; a context manager.

    Raises ``LedgerError`` for a file that cannot be used or is another program's.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        with self._explained():
            make_home(self.path, "--state")
            self._connection = sqlite3.connect(self.path, timeout=5.0, isolation_level=None)
            self._prepare()

    def _prepare(self) -> None:
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = self._connection.execute("PRAGMA application_id").fetchone()[0]
        if tables and application != APPLICATION:
            self._connection.close()
            raise LedgerError(
                f"{self.path}: expected a file that `lora-proofs selftest` keeps its results in, "
                "got another SQLite database. Choose another --state PATH"
            )
        for statement in _SCHEMA:
            self._connection.execute(statement)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(
                f"{self.path}: cannot use the file of finished claims: {error}. Move it away, or "
                "use another --state PATH"
            ) from None

    def get(self, key: str) -> dict[str, Any] | None:
        """The record of a key, or ``None``."""
        with self._explained():
            row = self._connection.execute(
                "SELECT record FROM results WHERE key = ?", (key,)
            ).fetchone()
        found: dict[str, Any] | None = json.loads(row[0]) if row else None
        return found

    def keep(self, key: str, record: dict[str, Any]) -> None:
        """Commit the record of a key."""
        text = json.dumps(record, allow_nan=False)
        with self._explained():
            self._connection.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?)", (key, record["name"], text)
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> State:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def key_of(entry: Entry, budget: Budget, seed: int) -> str:
    """What a claim's result depends on: its text and that of its helpers, the operators, the run.

    Other parts of the package count by their version.
    """
    told = [entry.name, _text_of(entry), _operators(), budget.name, seed, versions()]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _text_of(entry: Entry) -> str:
    from lora_proofs.mutating.rebuilding import needed

    if not entry.shipped:
        # A file may import what lies beside it.
        beside = sorted(Path(entry.locator.path or ".").resolve().parent.glob("*.py"))
        told = _digest(tuple(map(str, beside))) if entry.locator.path else ""
        return f"{entry.locator.sha256 or entry.locator} {told}"
    modules = needed(imported(entry.locator.module))
    return _digest(tuple(str(module.__file__) for module in modules))


def _operators() -> str:
    home = Path(__file__).resolve().parent.parent / "mutating"
    return _digest(tuple(str(path) for path in sorted(home.glob("*.py"))))


@cache
def _digest(files: tuple[str, ...]) -> str:
    found = hashlib.sha256()
    for file in files:
        found.update(Path(file).read_bytes())
    return found.hexdigest()


def selftested(
    entries: Sequence[Entry],
    budget: Budget,
    seed: int,
    jobs: int,
    state: State,
    heard: Callable[[Entry, str], None] = lambda entry, stage: None,
    crew: Crew | None = None,
) -> Iterator[tuple[Entry, dict[str, Any], bool]]:
    """Self-test claims in worker processes: each record, and whether an earlier run had it."""
    open_: list[Entry] = []
    for entry in entries:
        known = state.get(key_of(entry, budget, seed))
        if known is None:
            open_.append(entry)
        else:
            yield entry, known, True
    tasks = [_task(entry, budget, seed) for entry in open_]
    if not tasks:
        return
    crew = crew or Pool(min(jobs, len(tasks)))
    for index, outcome in crew.scatter(tasks, lambda index, stage: heard(open_[index], stage)):
        entry = open_[index]
        record = _record(entry, outcome)
        if not record["error"]:
            state.keep(key_of(entry, budget, seed), record)
        yield entry, record, False


def _task(entry: Entry, budget: Budget, seed: int) -> Task:
    payload = {
        "do": "selftest",
        "locator": entry.locator.to_dict(),
        "budget": budget.name,
        "seed": seed,
    }
    return Task(payload, WALL[budget.name], entry.home)


def _record(entry: Entry, outcome: Outcome) -> dict[str, Any]:
    if outcome.kind == "done" and isinstance(outcome.value, dict) and "mutants" in outcome.value:
        return {**outcome.value, "error": ""}
    empty: dict[str, Any] = {
        "mutants": [],
        "planted": [],
        "passed_over": {},
        "sensitivity": None,
        "instances": 0,
    }
    return {"name": entry.name, **empty, "seconds": 0.0, "error": _why(outcome)}


def _why(outcome: Outcome) -> str:
    """Why a claim is not finished."""
    found = outcome.value
    if outcome.kind == "stopped":
        return f"stopped: {found}, the limit for the self-test of one claim"
    if outcome.kind != "failed":
        return f"{outcome.kind}: {found}"
    if found["type"] == DoesNotEnd.__name__:
        return f"the claim itself, before any slip, does not end on an instance: {found['message']}"
    return f"failed: {found['type']}: {found['message']}"


def document(
    found: Sequence[tuple[Entry, dict[str, Any]]],
    rows: Rows,
    *,
    own: Rows | None = None,
    budget: str,
    seed: int,
    stale: Sequence[str] = (),
    interrupted: bool = False,
) -> dict[str, Any]:
    """The document that ``selftest --json`` prints; ``own`` are reasons for claims of a user."""
    records = [
        {**with_reasons(record, _reasons(entry, rows, own)), "expected": _expected(entry, budget)}
        for entry, record in sorted(found, key=lambda pair: pair[0].name)
    ]
    # A slip in what is false anyway is refuted for nothing: ours are told apart by their verdict.
    false = [r["name"] for (e, r) in found if not e.shipped and r.get("false")]
    # One in X = X is refuted for nothing as well.
    empty = [r["name"] for r in records if _itself(r)["alone"]]
    total = summed([r for r in records if r["name"] not in (*false, *empty)])
    told = {
        "schema_version": SCHEMA_VERSION,
        "command": "selftest",
        "budget": budget,
        "seed": seed,
        "versions": versions(),
        **total,
        "stale_reasons": list(stale),
        "false_claims": sorted(false),
        "compared_with_itself": [
            {"claim": r["name"], **_itself(r)} for r in records if _itself(r)["labels"]
        ],
        "unfinished": [{"claim": r["name"], "why": r["error"]} for r in records if r["error"]],
        "claims": [_of_claim(record) for record in records],
    }
    return {**told, "exit_code": 2 if interrupted else _code(told)}


def _itself(record: dict[str, Any]) -> dict[str, Any]:
    """What a claim compares with itself; nothing is known of one that is not finished."""
    nothing: dict[str, Any] = {"labels": [], "alone": False}
    return record.get("itself", nothing) or nothing


def stale_reasons(
    found: Sequence[tuple[Entry, dict[str, Any]]],
    rows: Rows,
    names: Sequence[str],
    own: Rows | None = None,
) -> list[str]:
    """The rows that say nothing; ``names`` are the claims that those of the package may be about.

    Rows beside a user's file count where they are about a claim of this run, rows of ``own`` all.
    """
    done = [(entry, record) for entry, record in found if not record["error"]]
    told = stale(rows, [record for entry, record in done if entry.shipped], names)
    for entry, record in done:
        if not entry.shipped:
            about = _reasons(entry, rows, own).get(record["name"], {})
            told += stale({record["name"]: about}, [record], [record["name"]])
    met = {record["name"] for entry, record in found if not entry.shipped}
    strange = [name for name in own or {} if name not in met]
    return [*told, *(f"{name}: no claim of yours in this run has this name" for name in strange)]


def _reasons(entry: Entry, rows: Rows, own: Rows | None = None) -> Rows:
    """The written reasons for a claim: ours for ours; for another's those that are given, else
    those beside its file.
    """
    if entry.shipped:
        return rows
    if own is not None:
        return own
    path = entry.locator.path
    return written_reasons(Path(path).parent / REASONS.name) if path else {}


def _expected(entry: Entry, budget: str) -> str | None:
    return expected_verdict(entry.name, budget) if entry.shipped else None


def _of_claim(record: dict[str, Any]) -> dict[str, Any]:
    """A claim's row: its numbers, then every mutant with what became of it."""
    keys = ("name", "expected", "sensitivity", "passed_over", "instances", "seconds", "planted")
    numbers = count(record["mutants"])
    return {**{key: record[key] for key in keys}, **numbers, "tried": record["mutants"]}


def _code(told: dict[str, Any]) -> int:
    score, planted = told["score"], told["planted"]["survivors"]
    empty = any(c["alone"] for c in told["compared_with_itself"])
    known = planted or told["unfinished"] or told["false_claims"] or empty
    bad = known or (score is not None and score < ENOUGH)
    return 1 if bad else 0
