"""How much evidence a run gathers."""

from __future__ import annotations

from dataclasses import dataclass

from lora_proofs.errors import BadInput


@dataclass(frozen=True)
class Budget:
    """Sizes of the stages: instances a claim, digits of the confirm tier, wall limit in seconds.

    ``searched`` is how many instances the search for a counterexample may judge.
    """

    name: str
    samples: int
    swept: int
    certified: int
    certified_per_regime: int
    digits: int
    wall: float
    searched: int = 0


BUDGETS = {
    "quick": Budget("quick", 30, 300, 12, 2, 50, 20.0, 60),
    "standard": Budget("standard", 200, 5_000, 12, 2, 50, 120.0, 150),
    "deep": Budget("deep", 2_000, 100_000, 50, 2, 100, 1800.0, 600),
}


def budget(name: str) -> Budget:
    """The budget of a name; ``BadInput`` for an unknown one.

    >>> budget("quick").samples
    30
    """
    if name not in BUDGETS:
        raise BadInput(f"expected a budget among {', '.join(BUDGETS)}; got {name!r}")
    return BUDGETS[name]
