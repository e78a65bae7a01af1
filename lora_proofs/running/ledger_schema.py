"""The tables of a ledger: rows are appended, and nothing changes or deletes one."""

from __future__ import annotations

APPLICATION = 0x4C6F5241  # "LoRA": a file that is some other program's database is refused
VERSION = 1

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS records (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        recorded_at TEXT NOT NULL,
        name TEXT NOT NULL,
        place TEXT NOT NULL,
        verdict TEXT NOT NULL,
        budget TEXT NOT NULL,
        seed INTEGER NOT NULL,
        record TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS records_by_name ON records (name, place, id)",
    """CREATE TRIGGER IF NOT EXISTS records_keep BEFORE UPDATE ON records
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS records_stay BEFORE DELETE ON records
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TABLE IF NOT EXISTS units (
        run TEXT NOT NULL, unit TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (run, unit))""",
    """CREATE TRIGGER IF NOT EXISTS units_keep BEFORE UPDATE ON units
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS units_stay BEFORE DELETE ON units
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    # Versions before these tables neither read nor miss them; a ledger of theirs gets them here.
    """CREATE TABLE IF NOT EXISTS runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, begun_at TEXT NOT NULL, run TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS ends (
        run INTEGER PRIMARY KEY, ended_at TEXT NOT NULL, outcome TEXT NOT NULL)""",
    *(
        f"""CREATE TRIGGER IF NOT EXISTS {table}_{name} BEFORE {verb} ON {table}
            BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"""
        for table in ("runs", "ends")
        for name, verb in (("keep", "UPDATE"), ("stay", "DELETE"))
    ),
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
