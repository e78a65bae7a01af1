"""The stream of instances that a stage judges: keyed, round robin over regimes, always ending."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.errors import BadInput, ClaimRefused
from lora_proofs.language.claim import Claim, Instances
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Rejected, SeededDraw

MOST_DRAWS = 3
"""A regime is hopeless after this many times the draws that were wanted of it."""


def draw_one(instances: Instances, regime: str, *key: Any) -> Instance | None:
    """The instance of a key, or ``None`` where the draw was rejected."""
    try:
        instance = instances.draw(SeededDraw.keyed(*key), regime)
    except Rejected:
        return None
    if not isinstance(instance, Instance):
        raise ClaimRefused(
            f"{key[1]}: expected Instances.draw to return an Instance, got "
            f"{type(instance).__name__}={instance!r} in regime {regime!r}"
        )
    return instance


def refuse_chance(claim: Claim, obligation: str, seed: int) -> None:
    """Raise ``BadInput`` where the first draw of a regime comes out differently a second time."""
    for regime in claim.instances.regimes:
        key = (seed, claim.name, obligation, regime, 0)
        first, again = (draw_one(claim.instances, regime, *key) for _ in range(2))
        if first != again:
            raise BadInput(
                f"{claim.name}: expected Instances.draw to be determined by its source, got "
                f"{first!r} and {again!r} from equal sources in regime {regime!r}; draw every "
                "number from the source, and keep nothing between draws"
            )


@dataclass
class Stream:
    """Draws of a claim's instances for one obligation, until every regime has what is wanted.

    ``accept(regime)`` counts an instance, ``discard(regime)`` sends it back; each regime ends when
    it has ``wanted`` instances or has used up ``MOST_DRAWS`` times as many draws.
    """

    claim: Claim
    obligation: str
    seed: int
    wanted: Mapping[str, int]
    accepted: dict[str, int] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)
    discarded: int = 0

    def accept(self, regime: str) -> None:
        """Count the instance that was just drawn."""
        self.accepted[regime] = self.accepted.get(regime, 0) + 1

    def discard(self) -> None:
        """Count the instance that was just drawn as one that an assumption excludes."""
        self.discarded += 1

    def _open(self, regime: str) -> bool:
        wanted = self.wanted[regime]
        enough = self.accepted.get(regime, 0) >= wanted
        return not enough and self.drawn.get(regime, 0) < MOST_DRAWS * wanted

    def __iter__(self) -> Iterator[tuple[str, Instance]]:
        while any(self._open(regime) for regime in self.wanted):
            for regime in self.wanted:
                if self._open(regime):
                    instance = self._next(regime)
                    if instance is not None:
                        yield regime, instance

    def _next(self, regime: str) -> Instance | None:
        index = self.drawn.get(regime, 0)
        self.drawn[regime] = index + 1
        key = (self.seed, self.claim.name, self.obligation, regime, index)
        instance = draw_one(self.claim.instances, regime, *key)
        if instance is None:
            self.discard()
        return instance


def share(total: int, regimes: tuple[str, ...], least: int) -> dict[str, int]:
    """How many instances each regime gives: ``total`` in all, and ``least`` in each.

    >>> share(30, ("generic", "ties"), 5)
    {'generic': 15, 'ties': 15}
    """
    each, rest = divmod(total, len(regimes))
    return {r: max(least, each + (i < rest)) for i, r in enumerate(regimes)}
