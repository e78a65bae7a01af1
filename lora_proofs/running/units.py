"""Units of work: parts of a stage whose results are plain data, kept so that a run can go on.

A stage asks whether the result of a unit is known before it computes it. Results depend on the
claim, the budget, the seed and the unit alone, so that a run which was ended and goes on comes out
the same as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

STANDING = "standing"
"""The unit that is the record of all stages before the sweep."""
EVERY = 5.0
"""Seconds between two messages about finished units: a run that is ended loses no more."""
Keep = Callable[[str, dict[str, Any], float], None]


@dataclass(frozen=True)
class Units:
    """The results that are known already, and where new ones go, with the share that is done.

    >>> units = Units({"sweep 0": {"swept": 5}})
    >>> units.known("sweep 0"), units.known("sweep 1")
    ({'swept': 5}, None)
    """

    results: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    keep: Keep = lambda key, result, share: None

    def known(self, key: str) -> dict[str, Any] | None:
        """The result of a unit, or ``None`` where it has to be computed."""
        return self.results.get(key)


NOTHING_KEPT = Units()


@dataclass
class Teller:
    """Tells of finished units, now and then: most claims are done before it is worth a message."""

    tell: Callable[[Mapping[str, Any]], None]
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    def keep(self, key: str, result: dict[str, Any], share: float) -> None:
        """Take in a unit and the share of the stage that is done."""
        self.waiting[key] = result
        if time.monotonic() - self.since >= EVERY:
            self.tell({"units": self.waiting, "share": float(share)})
            self.waiting, self.since = {}, time.monotonic()
