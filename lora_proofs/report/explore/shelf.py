"""The claims that the page offers, each with its verdict and scope, read from the ledger."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lora_proofs.report.cleaning import clean
from lora_proofs.report.records import Record, judged, part
from lora_proofs.report.tree import Judged
from lora_proofs.running.catalogue import Entry
from lora_proofs.running.expected import expected_verdict
from lora_proofs.running.ledger import DEFAULT, Ledger
from lora_proofs.running.staleness import OTHER, changed, in_words

BUDGET = "standard"


@dataclass(frozen=True)
class Volume:
    """One claim: what it says, and what the ledger has about it, if anything."""

    entry: Entry
    record: Record = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The claim's name."""
        return self.entry.name

    @property
    def title(self) -> str:
        """Its title, or its name."""
        return str(self.told.get("title") or clean(self.name))

    @property
    def told(self) -> Record:
        """What the claim says of itself, without signs that hide or turn text."""
        found: Record = clean(self.entry.told)
        return found

    @property
    def changed(self) -> Record:
        """What changed since it was recorded; empty where nothing did."""
        return changed(self.entry, self.record) if self.record else {}

    @property
    def judged(self) -> Judged | None:
        """The recorded verdict with its scope; none where the claim is another one by now."""
        if not self.record or self.changed.get("what") in OTHER:
            return None
        return judged(clean(self.record))

    @property
    def verdict(self) -> str:
        """The verdict in a line: never without its scope, or without saying that there is none."""
        found = self.judged
        if found:
            many = len(found.cites)
            short = replace(found, cites=(f"{many} cited theorems",)) if many > 1 else found
            return f"{short.verdict} {short.reach}"
        if self.record:
            return f"not verified as it is now: {in_words(self.changed)}"
        wanted = expected_verdict(self.name, BUDGET) if self.entry.shipped else None
        expected = f"; the baseline expects {wanted}" if wanted else ""
        return f"not verified in this ledger, so without a scope{expected}"

    @property
    def provenance(self) -> str:
        """Under what it was recorded; empty without a record."""
        run = part(self.record, "run")
        if not run:
            return ""
        number, found = self.record.get("record"), self.changed
        told = f"record {number}, budget {run.get('budget')}, seed {run.get('seed')}"
        return f"{told}; {in_words(found)}" if found else told

    @property
    def command(self) -> str:
        """How to verify it."""
        path = self.entry.locator.path
        target = f"{path}::{self.name}" if path else self.name
        return f"lora-proofs verify {shlex.quote(clean(target))}"


class Shelf:
    """The claims by name; the ledger is read again whenever they are asked for."""

    def __init__(self, entries: Sequence[Entry], ledger: Path = DEFAULT) -> None:
        self.entries, self.ledger = tuple(entries), Path(ledger)

    def volumes(self) -> Mapping[str, Volume]:
        """Every claim, by name."""
        found = self._records()
        return {e.name: Volume(e, found.get(e.name, {})) for e in self.entries}

    def volume(self, name: str) -> Volume | None:
        """One claim, or ``None``."""
        entry = next((entry for entry in self.entries if entry.name == name), None)
        return None if entry is None else Volume(entry, self._records([entry]).get(name, {}))

    def _records(self, entries: Sequence[Entry] | None = None) -> dict[str, Record]:
        if self.ledger == DEFAULT and not self.ledger.exists():
            return {}
        with Ledger(self.ledger, create=False) as ledger:
            pairs = (
                (e.name, ledger.latest(e.name, str(e.locator))) for e in entries or self.entries
            )
            return {name: record for name, record in pairs if record}
