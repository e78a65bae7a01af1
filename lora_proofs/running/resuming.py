"""Going on with a run that was ended: what it had finished is in the ledger, by claim and by unit.

A result is taken over only where everything that it depends on is the same: the claim's text, the
budget, the limits, the seed, and the text and versions of everything that computes it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lora_proofs.language.budget import Budget
from lora_proofs.language.claim import Claim
from lora_proofs.running.catalogue import Entry
from lora_proofs.running.channel import is_record
from lora_proofs.running.isolation import preserved
from lora_proofs.running.ledger import Ledger
from lora_proofs.running.provenance import about
from lora_proofs.running.sampling import Tally
from lora_proofs.running.sweeping import sweep
from lora_proofs.running.units import STANDING, Units


def run_key(entry: Entry, budget: Budget, seed: int) -> str:
    """What the result of a claim depends on, as a fingerprint."""
    told = [entry.locator.to_dict(), _beside(entry), asdict(budget), seed, about()]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def _beside(entry: Entry) -> str:
    """A fingerprint of a user's folder: a file may import what lies beside it."""
    if not entry.locator.path:
        return ""
    found = hashlib.sha256()
    for file in sorted(Path(entry.locator.path).resolve().parent.glob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()


@dataclass(frozen=True)
class Book:
    """What the ledger knows of earlier parts of this run, and where new ones go."""

    ledger: Ledger
    budget: Budget
    seed: int
    resume: bool

    def finished(self, entry: Entry) -> dict[str, Any] | None:
        """The record of a claim that the run had finished; ``None`` where it has to be run."""
        found = self.ledger.latest(entry.name, str(entry.locator)) if self.resume else None
        if found is None or found.get("error"):
            return None
        same = found.get("run", {}).get("key") == run_key(entry, self.budget, self.seed)
        return found if same else None

    def known(self, entry: Entry) -> dict[str, Any]:
        """The units of a claim that the run had finished."""
        return self.ledger.kept(run_key(entry, self.budget, self.seed)) if self.resume else {}

    def keep(self, entry: Entry, units: Mapping[str, Any]) -> None:
        """Keep the results of units."""
        self.ledger.keep(run_key(entry, self.budget, self.seed), units)


def resumed(
    claim: Claim,
    budget: Budget,
    seed: int,
    units: Units,
    progress: Callable[[str, Mapping[str, Any]], None],
) -> dict[str, Any] | None:
    """The record of a run that was ended in its last stage, the sweep, and now goes on.

    ``None`` where it has to begin again: nothing is known of it, or the sweep finds something.
    """
    standing = units.known(STANDING)
    if not is_record(standing):
        return None
    assert standing is not None
    progress("sweep", standing)
    tally, begun = Tally(), time.perf_counter()
    try:
        with preserved(seed, claim.name):
            found = sweep(claim, budget, seed, tally, units)
    except Exception:  # whatever it is, the run that begins again says so
        return None
    if tally.refutation or tally.suspect or tally.problems:
        return None
    notes = sorted({*standing["notes"], *tally.notes})
    seconds = round(standing["seconds"] + time.perf_counter() - begun, 3)
    return {**standing, "sweep": asdict(found), "notes": notes, "seconds": seconds}
