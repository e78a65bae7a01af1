"""What independent draws say of the next one: the rule of three."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONFIDENCE = "0.95"


def at_most(draws: int) -> float:
    """The largest chance of a failure with which that many draws all hold in 1 case of 20.

    It is 1 - 0.05^(1/n), which lies below 3/n.

    >>> at_most(1), at_most(200) < 3 / 200
    (0.95, True)
    """
    return float(1 - 0.05 ** (1 / draws))


def bound(draws: int) -> dict[str, Any]:
    """The bound on the chance that a draw refutes, after that many held.

    >>> bound(200)
    {'draws': 200, 'at_most': '3/200', 'exactly': '0.0149'}
    """
    three = f"3/{draws}" if draws > 3 else "1"
    return {"draws": draws, "at_most": three, "exactly": f"{at_most(draws):.3g}"}


def bounds(regimes: Mapping[str, int]) -> dict[str, Any] | None:
    """The bound for draws of the regimes as they were mixed, and of each regime on its own.

    The instances have to come from independent draws; equal ones count once, which is cautious.
    ``None`` where there are none.

    >>> bounds({"generic": 100, "ties": 50})["regimes"]["ties"]["at_most"]
    '3/50'
    """
    held = {regime: count for regime, count in regimes.items() if count}
    if not held:
        return None
    each = {regime: bound(count) for regime, count in sorted(held.items())}
    return {**bound(sum(held.values())), "confidence": CONFIDENCE, "regimes": each}
