"""The search for adapters, one for all kinds of models: cheapest numbers first.

A construction is run in floats, then at more and more digits; each time what is printed of it is
measured. ``Kind`` says how a kind of model does both, and how large what it misses is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, Generic, TypeVar

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, MultiprecisionArithmetic
from lora_proofs.arithmetic.context import Arithmetic
from lora_proofs.errors import BadInput, ToleranceNotMet, Unavailable
from lora_proofs.solving.adaptation_numbers import Entries

MOST_DIGITS = 320
Built = TypeVar("Built")
Reached = TypeVar("Reached")
Attempt = tuple[Arithmetic, tuple[Entries, ...]]


@dataclass(frozen=True)
class Kind(Generic[Built, Reached]):
    """How adapters are built in an arithmetic, how what is printed is measured, and by what.

    ``nearly`` is the part of an error that a later one has to be below to be the better one.
    """

    construct: Callable[[Arithmetic], Built]
    reach: Callable[[Built, Entries], Reached]
    missed: Callable[[Reached], Fraction]
    nearly: Fraction

    def tried(
        self, digits: int | None, goal: int, ends: Callable[[], bool]
    ) -> Iterator[tuple[Arithmetic, Entries, Reached]]:
        """What is reached in one arithmetic after the other.

        What an arithmetic takes for singular, or cannot print, is passed over. After a high
        precision ``ends`` is asked whether another one is worth it.
        """
        for ctx, kinds in attempts(digits, goal):
            built = _unless_refused(self.construct, ctx)
            for entries in kinds if built is not None else ():
                one = _unless_refused(self.reach, built, entries)
                if one is not None:
                    yield ctx, entries, one
            if ctx.name != "array" and ends():
                return

    def best(self, found: Sequence[Reached]) -> Reached:
        """The smallest error; of nearly equal ones the first, which is of the simpler numbers."""
        return reduce(self.better, found)

    def better(self, one: Reached, other: Reached) -> Reached:
        """The second where it is clearly better."""
        return other if self.missed(other) < self.missed(one) * self.nearly else one

    def rational(self) -> Reached | str:
        """The construction over the rationals, or why it is not rational."""
        try:
            built = self.construct(EXACT)
        except (Unavailable, BadInput) as why:
            return str(why)
        return self.reach(built, Entries(None))

    def best_or_rational(self, found: Sequence[Reached]) -> Reached:
        """The best that was found; where nothing was, as for weights that floats take for singular,
        the rationals know. Raises ``ToleranceNotMet`` where they do not.
        """
        if found:
            return self.best(found)
        last = self.rational()
        if isinstance(last, str):
            raise ToleranceNotMet(f"no adapters were found for these weights: {last}")
        return last


def attempts(digits: int | None, goal: int) -> Iterator[Attempt]:
    """Arithmetics and entries to try, cheapest first; floats where no digits are asked for.

    >>> [(ctx.name, [e.told() for e in kinds]) for ctx, kinds in attempts(200, 200)][0]
    ('multiprecision', ['entries of 220 digits'])
    """
    plain = (Entries(0),) if digits is None else ()
    if digits is None:
        yield ArrayArithmetic(), plain
    working = goal + 20
    while working <= max(MOST_DIGITS, 2 * goal):
        yield MultiprecisionArithmetic(2 * working), (*plain, Entries(working))
        plain, working = (), 2 * working


def _unless_refused(make: Callable[..., Any], *of: Any) -> Any:
    """What is made; ``None`` where numbers are refused, singular or beyond floats."""
    try:
        return make(*of)
    except (BadInput, OverflowError):
        return None
