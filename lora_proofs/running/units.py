"""Units of work: parts of a stage whose results are plain data, kept so that a run can go on.

A stage asks whether the result of a unit is known before it computes it. Results depend on the
claim, the budget, the seed and the unit alone, so that a run which was ended and goes on comes out
the same as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Units:
    """The results that are known already, and where new ones go.

    >>> units = Units({"sweep 0": {"swept": 5}})
    >>> units.known("sweep 0"), units.known("sweep 1")
    ({'swept': 5}, None)
    """

    results: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    keep: Callable[[str, dict[str, Any]], None] = lambda key, result: None
    reached: Callable[[str, int, int], None] = lambda stage, done, wanted: None

    def known(self, key: str) -> dict[str, Any] | None:
        """The result of a unit, or ``None`` where it has to be computed."""
        return self.results.get(key)


NOTHING_KEPT = Units()
