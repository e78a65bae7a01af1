"""One instance that a kernel was asked for: how far off it was, and what it said of that."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Met:
    """``off`` is the distance from the reference, ``said`` the error that the kernel gave itself.

    ``said`` is ``None`` where the kernel says that it failed.
    """

    kernel: str
    regime: str
    off: float
    said: float | None
    where: str

    @property
    def silent(self) -> bool:
        """Whether the number is wrong and nobody says so: a NaN counts as wrong."""
        return self.said is not None and not self.off <= self.said


@dataclass
class Row:
    """What is told of one kernel in one regime."""

    count: int = 0
    failed: int = 0
    ratios: list[float] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def add(self, met: Met) -> None:
        self.count += 1
        self.failed += met.said is None
        if met.said is not None and met.off > 0:
            self.ratios.append(met.said / met.off)
        if met.silent:
            self.silent.append(f"{met.where}: off {met.off:.3g}, said {met.said:.3g}")

    def to_dict(self) -> dict[str, Any]:
        """Counts, and by which factor the error was at least, and in the median, too large."""
        ratios = sorted(self.ratios)
        return {
            "instances": self.count,
            "failed": self.failed,
            "silent": self.silent,
            "least": ratios[0] if ratios else None,
            "median": ratios[len(ratios) // 2] if ratios else None,
        }


class Table(dict[tuple[str, str], Row]):
    """Rows by kernel and regime."""

    def add(self, met: Met) -> None:
        self.setdefault((met.kernel, met.regime), Row()).add(met)

    def counts(self) -> dict[str, int]:
        """Instances by kernel."""
        found: dict[str, int] = defaultdict(int)
        for (kernel, _), row in self.items():
            found[kernel] += row.count
        return dict(found)
