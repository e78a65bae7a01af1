"""The ledger: every finished claim, appended at once, never changed. The only mutable state."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from lora_proofs.errors import BadInput, LedgerError
from lora_proofs.running.ledger_schema import APPLICATION, SCHEMA, VERSION
from lora_proofs.running.places import OWN, make_home
from lora_proofs.running.reading import Malformed, plain, record_of

DEFAULT = Path(OWN) / "ledger.sqlite"
_ROW = ("name", "verdict", "budget", "seed")
_COLUMNS = f"id, recorded_at, record, {', '.join(_ROW)}"
PATIENCE = 5.0
"""Seconds to wait for another process that writes."""


class Ledger:
    """An append-only SQLite file of records; a context manager.

    Raises ``LedgerError`` for a file that is malformed, locked, read-only, of another program, or
    on a full disk; the file stays as it was.
    """

    def __init__(self, path: Path, *, create: bool = True, patience: float = PATIENCE) -> None:
        self.path, self.patience = Path(path), patience
        if not create and not self.path.exists():
            raise LedgerError(
                f"{self.path}: expected a ledger, there is no such file. Run `lora-proofs verify` "
                "first, or name the ledger with --ledger PATH"
            )
        with self._explained("open"):
            self._connection = self._open(create)

    def _open(self, create: bool) -> sqlite3.Connection:
        if create:
            make_home(self.path, "--ledger")
        connection = sqlite3.connect(self.path, timeout=self.patience, isolation_level=None)
        try:
            self._prepare(connection, create)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection, create: bool) -> None:
        self._recognise(connection)
        if not create:
            self._require_records(connection)
            return
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # Taking the write lock now finds a locked or read-only file before anything is run.
        connection.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute("COMMIT")

    def _recognise(self, connection: sqlite3.Connection) -> None:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if tables and (application, version) != (APPLICATION, VERSION):
            raise LedgerError(
                f"{self.path}: expected a ledger of lora_proofs (version {VERSION}), got another "
                f"SQLite database (application {application:#x}, version {version}). Choose "
                "another --ledger PATH"
            )

    def _require_records(self, connection: sqlite3.Connection) -> None:
        """A run that was ended as it began leaves a file without any table."""
        known = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'records'"
        if not connection.execute(known).fetchone()[0]:
            raise LedgerError(
                f"{self.path}: expected a ledger with records, it has none. Run `lora-proofs "
                "verify` first, or name another with --ledger PATH"
            )

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = str(error)
            raise LedgerError(
                f"{self.path}: cannot {verb} the ledger: {reason}. {_remedy(reason)}"
            ) from None

    def append(
        self, record: dict[str, Any], *, place: str, budget: str, seed: int
    ) -> dict[str, Any]:
        """Commit a record; what comes back also says its id and how to replay it."""
        now = _now()
        text = json.dumps(record, allow_nan=False)
        row = (now, record["name"], storable(place), record["verdict"], budget, seed, text)
        with self._explained("write"):
            cursor = self._connection.execute(
                "INSERT INTO records (recorded_at, name, place, verdict, budget, seed, record) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        assert cursor.lastrowid is not None
        return self._with_replays(cursor.lastrowid, now, json.loads(text))

    def keep(self, run: str, units: Mapping[str, Any]) -> None:
        """Commit results of units of a claim's run, so that a run that was ended can go on."""
        rows = [(run, unit, json.dumps(result, allow_nan=False)) for unit, result in units.items()]
        with self._explained("write"):
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR IGNORE INTO units VALUES (?, ?, ?)", rows)
            self._connection.execute("COMMIT")

    def kept(self, run: str) -> dict[str, Any]:
        """The results of units of a claim's run that were committed, by unit."""
        with self._explained("read"):
            rows = self._connection.execute(
                "SELECT unit, result FROM units WHERE run = ?", (run,)
            ).fetchall()
        return {unit: self._read(result, f"a unit of run {run}") for unit, result in rows}

    def begin(self, run: Mapping[str, Any]) -> int:
        """Commit what a run is about to do; the number that ``end`` takes."""
        with self._explained("write"):
            cursor = self._connection.execute(
                "INSERT INTO runs (begun_at, run) VALUES (?, ?)",
                (_now(), json.dumps({**run, "after": self._last()}, allow_nan=False)),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def end(self, number: int, outcome: str) -> None:
        """Commit how a run ended."""
        with self._explained("write"):
            self._connection.execute("INSERT INTO ends VALUES (?, ?, ?)", (number, _now(), outcome))

    def runs(self) -> Iterator[dict[str, Any]]:
        """The runs, the last one first; without an ``outcome`` one was ended, or goes on.

        A ledger of an earlier version knows of none.
        """
        with self._explained("read"):
            known = "SELECT count(*) FROM sqlite_master WHERE name IN ('runs', 'ends')"
            if self._connection.execute(known).fetchone()[0] < 2:
                return
            rows = self._connection.execute(
                "SELECT id, begun_at, runs.run, ended_at, outcome FROM runs "
                "LEFT JOIN ends ON ends.run = id ORDER BY id DESC"
            ).fetchall()
        for number, begun, run, ended, outcome in rows:
            told = self._read(run, f"run {number}")
            yield {
                **told,
                "number": number,
                "begun_at": begun,
                "ended_at": ended,
                "outcome": outcome,
            }

    def _last(self) -> int:
        found = self._connection.execute("SELECT max(id) FROM records").fetchone()[0]
        return int(found or 0)

    def latest(self, name: str, place: str) -> dict[str, Any] | None:
        """The last record of the claim of a name at a place, or ``None``."""
        with self._explained("read"):
            row = self._connection.execute(
                f"SELECT {_COLUMNS} FROM records WHERE name = ? AND place = ? "
                "ORDER BY id DESC LIMIT 1",
                (name, storable(place)),
            ).fetchone()
        return self._record(*row) if row else None

    def earlier(self, record: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
        """The records of the same claim before one: id, time, verdict, budget, seed; last first."""
        keys = ("record", "recorded_at", "verdict", "budget", "seed")
        with self._explained("read"):
            rows = self._connection.execute(
                "SELECT id, recorded_at, verdict, budget, seed FROM records "
                "WHERE name = ? AND place = ? AND id < ? ORDER BY id DESC",
                (record["name"], storable(place), record["record"]),
            ).fetchall()
        return [dict(zip(keys, row, strict=True)) for row in rows]

    def seconds(self, name: str, place: str) -> float:
        """How long the claim took when it was last recorded; infinite where nothing says so."""
        try:
            found = (self.latest(name, place) or {}).get("seconds")
        except LedgerError:
            found = None
        return float(found) if isinstance(found, int | float) else float("inf")

    def get(self, number: int) -> dict[str, Any]:
        """The record of an id; ``BadInput`` where there is none."""
        with self._explained("read"):
            row = self._connection.execute(
                f"SELECT {_COLUMNS} FROM records WHERE id = ?", (number,)
            ).fetchone()
            count = self._last()
        if row is None:
            raise BadInput(
                f"{self.path}: expected a record's id between 1 and {count}, got {number}"
            )
        return self._record(*row)

    def _record(self, number: int, recorded_at: str, text: str, *row: Any) -> dict[str, Any]:
        """A record that was read: whatever wrote the file, it is one."""
        try:
            found = record_of(text, dict(zip(_ROW, row, strict=True)))
        except Malformed as error:
            raise LedgerError(
                f"record {number} of {self.path} is malformed: {error}. Verify its claim again, "
                "or use another --ledger PATH"
            ) from None
        return self._with_replays(number, recorded_at, found)

    def _with_replays(self, number: int, at: str, record: dict[str, Any]) -> dict[str, Any]:
        again = f"lora-proofs replay {number}{self._option()}"
        if record.get("counterexample"):
            record["counterexample"]["replay"] = again
        for k, control in enumerate(record.get("controls", ()), start=1):
            if control.get("counterexample"):
                control["counterexample"]["replay"] = f"{again} --control {k}"
        return {**record, "record": number, "recorded_at": at}

    def _read(self, text: str, what: str) -> dict[str, Any]:
        try:
            found = plain(text)
        except Malformed as error:
            raise LedgerError(f"{self.path}: {what} is malformed: {error}") from None
        if not isinstance(found, dict):
            raise LedgerError(f"{self.path}: {what} is malformed: expected an object")
        return found

    def _option(self) -> str:
        return "" if self.path == DEFAULT else f" --ledger {shlex.quote(str(self.path))}"

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def storable(place: str) -> str:
    r"""A place as text that SQLite takes: a file's name need not be valid Unicode.

    >>> storable("\udcff.py:x")
    '\\udcff.py:x'
    """
    return place.encode("utf-8", "backslashreplace").decode("utf-8")


def _remedy(reason: str) -> str:
    remedies = {
        "locked": "Another process holds it; wait for it, or use another --ledger PATH",
        "not a database": "It is malformed; move it away, or use another --ledger PATH",
        "malformed": "Move it away, or use another --ledger PATH",
        "readonly": "It is read-only; make it writable, or use another --ledger PATH",
        "full": "The disk is full; make room, or use another --ledger PATH on another disk",
    }
    found = (remedy for key, remedy in remedies.items() if key in reason)
    return next(found, "Check the path, or use another --ledger PATH")
