"""A mutant: a claim with one slip of the pen in it, as a check that says what is then claimed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison
from lora_proofs.errors import LoraProofsError
from lora_proofs.judging.evaluation import comparisons
from lora_proofs.language.claim import Check
from lora_proofs.mathematics.instance import Instance

ORIGINS = (
    "assumption",
    "comparison",
    "conclusion",
    "source",
    "construction",
    "construction source",
)
"""What a mutant is made from: the claim's assumptions, comparisons, derived words or code; of a
claim of existence also what it says of its own construction."""


class Inapplicable(LoraProofsError):
    """The slip cannot be made on this instance: nothing is claimed of it."""


@dataclass(frozen=True)
class Mutant:
    """One slip: ``check`` says what is claimed with it, ``reference`` what is claimed without.

    ``id`` names origin, operator and place; it stays the same under edits elsewhere. With
    ``drops``, the name of an assumption, that one has to fail where the mutant is judged.
    """

    origin: str
    operator: str
    place: str
    description: str
    check: Check
    reference: Check
    drops: str = ""
    equivalent: str = ""
    """Why it is no false claim, where the claim itself says so."""

    @property
    def id(self) -> str:
        """The stable name: origin, operator, place."""
        return f"{self.origin}: {self.operator}: {self.place}"


@dataclass(frozen=True)
class Candidate:
    """A slip that could be made: what it is called, and the mutant once it is wanted."""

    origin: str
    operator: str
    place: str
    make: Callable[[], Mutant]

    @property
    def id(self) -> str:
        """The name that the mutant has."""
        return f"{self.origin}: {self.operator}: {self.place}"


def ready(mutant: Mutant) -> Candidate:
    """A mutant that costs nothing to make, as a candidate."""
    return Candidate(mutant.origin, mutant.operator, mutant.place, lambda: mutant)


@dataclass
class Kept:
    """A function of an instance and an arithmetic that is evaluated once for all mutants.

    It keeps what it gave, or raised, on the last instances; they are told apart as objects.
    """

    function: Callable[[Instance, Arithmetic], Any]
    most: int = 16
    found: dict[int, tuple[Instance, dict[Arithmetic, Any]]] = field(default_factory=dict)

    def __call__(self, instance: Instance, ctx: Arithmetic) -> Any:
        """The value, or what was raised; the caller works in the arithmetic."""
        if id(instance) not in self.found:
            while len(self.found) >= self.most:
                del self.found[next(iter(self.found))]
            self.found[id(instance)] = (instance, {})
        known = self.found[id(instance)][1]
        if ctx not in known:
            known[ctx] = self._evaluated(instance, ctx)
        value = known[ctx]
        if isinstance(value, Exception):
            raise value
        return value

    def _evaluated(self, instance: Instance, ctx: Arithmetic) -> Any:
        try:
            return self.function(instance, ctx)
        except Exception as error:
            return error


def kept_check(check: Check) -> Kept:
    """A check whose comparisons are kept for the last instance."""

    def evaluated(instance: Instance, ctx: Arithmetic) -> tuple[Comparison, ...]:
        return comparisons(check, instance, ctx)

    return Kept(evaluated)
