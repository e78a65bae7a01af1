"""What an integrator answers: the values at one time, and how far they can be trusted."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import BadInput


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A flow at time t: ``values`` by name, for the symbols that move and the observables.

    ``error_bound`` bounds (``rigorous``) or estimates the largest error of an entry of a moving
    symbol; a rigorous trajectory holds balls, and each ball is an enclosure by itself.
    """

    t: Fraction
    values: Mapping[str, Any]
    error_bound: Any
    rigorous: bool
    method: str
    steps: int

    def __getitem__(self, name: str) -> Any:
        if name not in self.values:
            raise BadInput(
                f"this trajectory has no value {name!r}; it has {', '.join(self.values)}"
            )
        return self.values[name]

    @property
    def A(self) -> Any:
        """The right factor, r x m."""
        return self["A"]

    @property
    def B(self) -> Any:
        """The left factor, n x r."""
        return self["B"]

    @property
    def W(self) -> Any:
        """The adapted weight, n x m."""
        return self["W"]

    @property
    def loss(self) -> Any:
        """The loss at W."""
        return self["loss"]


def checked_times(t: Any) -> tuple[list[Fraction], bool]:
    """The times asked for, exact and increasing, and whether one number was given."""
    several = isinstance(t, list | tuple)
    times = [rational(x) for x in (t if several else [t])]
    if not times or times[0] < 0 or any(a > b for a, b in itertools.pairwise(times)):
        raise BadInput(f"t: expected times that are 0 or more, in increasing order, got {t!r}")
    return times, not several
