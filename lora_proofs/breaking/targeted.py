"""Hypothesis looks for small slacks: targeted search over the choices of a draw.

Choices are put together from bits: Hypothesis mixes whole numbers that it reads in the loaded
modules into its integers, and what is found may not depend on what happens to be loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lora_proofs.breaking.choices import MOST_CHOICES, Choice, Origin
from lora_proofs.breaking.hunt import Hunt
from lora_proofs.errors import BadInput
from lora_proofs.strategies.draw import Rejected

T = TypeVar("T")
WAY = "targeted"


@dataclass
class BitDraw:
    """A source whose integers are put together from Boolean answers."""

    boolean: Any
    made: list[Choice] = field(default_factory=list)

    def integer(self, low: int, high: int) -> int:
        """An integer between low and high, both included."""
        if low > high:
            raise BadInput(f"expected low <= high, got {low} > {high}")
        if len(self.made) >= MOST_CHOICES:
            raise Rejected
        count, number = high - low + 1, 0
        for _ in range((count - 1).bit_length()):
            number = 2 * number + bool(self.boolean())
        self.made.append(Choice(low, high, low + number % count))
        return self.made[-1].value

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]


def targeted(hunt: Hunt, seed: int, examples: int, share: float) -> None:
    """Draw ``examples`` instances, the later ones guided by the slack of the earlier ones."""
    from hypothesis import HealthCheck, Phase, given, settings, target
    from hypothesis import seed as seeded
    from hypothesis import strategies as st
    from hypothesis.errors import HypothesisException

    instances, key = hunt.claim.instances, (seed, hunt.claim.name, WAY)

    @seeded(int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big"))
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(st.data())
    def look(data: Any) -> None:
        source = BitDraw(lambda: data.draw(st.booleans()))
        regime = source.choice(instances.regimes)
        instance = _drawn(instances.draw, source, regime)
        if instance is None or not hunt.open(share):
            return
        origin = Origin(regime, tuple(source.made[1:]), key)
        slack = hunt.meet(instance, WAY, WAY, origin)
        if math.isfinite(slack):
            target(-slack)

    # A draw that is not determined by its source is refused elsewhere; here it only ends the look.
    with contextlib.suppress(HypothesisException):
        look()


def _drawn(draw: Any, source: BitDraw, regime: str) -> Any:
    from hypothesis.errors import HypothesisException, StopTest

    try:
        return draw(source, regime)
    except (MemoryError, StopTest, HypothesisException):
        raise
    except Exception:
        return None
