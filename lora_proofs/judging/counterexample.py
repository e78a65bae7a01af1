"""A candidate counterexample: confirmed beyond doubt, and written as plain data."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lora_proofs.arithmetic import Comparison
from lora_proofs.judging.evaluation import Judged, assumptions_on, confirm
from lora_proofs.judging.margins import margin
from lora_proofs.language.claim import Check, Claim
from lora_proofs.mathematics.instance import Instance


@dataclass(frozen=True)
class Refutation:
    """An instance on which every assumption holds and the conclusion fails, both beyond doubt."""

    instance: Instance
    judged: Judged
    assumptions: tuple[str, ...]
    cites: tuple[str, ...] = ()
    """What the failing conclusion and the assumptions lean on, from the literature."""
    checks: tuple[tuple[str, tuple[Comparison, ...]], ...] = ()
    """What each assumption compared on the instance."""

    def to_dict(self, claim: Claim) -> dict[str, Any]:
        """The counterexample of the contract, with what a replay needs.

        Its ``replay`` takes this dictionary as the file counterexample.json; a ledger knows better.
        """
        failing = self.judged.failing()
        comparison = {**failing.to_dict(), "relative": margin(failing)}
        comparison.pop("outcome")
        return {
            "kind": claim.kind,
            "claim": claim.name,
            "instance": self.instance.to_json(),
            "comparison": comparison,
            "confirmed_by": self.judged.decided_by,
            "assumptions": dict.fromkeys(self.assumptions, True),
            "checks": {name: [checked(c) for c in found] for name, found in self.checks},
            "cites": list(self.cites),
            "replay": _replay(claim),
        }


def _replay(claim: Claim) -> str:
    """What replays a counterexample, for who has the result."""
    if home_file(claim) is None:
        why = f"in Python: no file has {claim.name}"
        return f"lora_proofs.replay(claim, result.counterexample)  # {why}"
    again = replaying_command(claim)
    return f"{again}  # save result.counterexample as counterexample.json first"


def replaying_command(claim: Claim) -> str:
    """The line that replays what is kept in counterexample.json; empty where no file has the claim.

    A claim from outside this package is known by its file alone, never by its name.
    """
    place = home_file(claim)
    if place is None:
        return ""
    target = f"{place}::{claim.name}" if place else claim.name
    return f"lora-proofs replay counterexample.json --claim {shlex.quote(target)}"


def home_file(claim: Claim) -> str | None:
    """The file of a claim, as an absolute path; empty for one of ours, ``None`` for none.

    What is written at a prompt or in a notebook stands in no file that can be named.
    """
    check = inspect.unwrap(refuting(claim) or claim.check)
    home = getattr(check, "__globals__", {})
    if str(home.get("__name__", "")).startswith("lora_proofs.claims"):
        return ""
    place = Path(home.get("__file__") or "")
    return str(place.resolve()) if place.suffix == ".py" and place.is_file() else None


def refute(claim: Claim, instance: Instance, digits: int) -> Refutation | str:
    """The refutation that an instance gives, or why it gives none, in words.

    An assumption that does not hold rigorously never counts. A claim of existence is refuted by
    its lower bound alone, never because one construction missed.
    """
    check = refuting(claim)
    if check is None:
        return "one construction missed; only a lower bound on every choice refutes existence"
    judged = confirm(check, instance, digits, claim.arithmetics)
    if not judged.refutes:
        return judged.why or f"it {judged.outcome} in {judged.arithmetic} arithmetic"
    held = assumptions_on(claim, instance, digits, rigorously=True)
    for name, found in held.items():
        if not found.certifies:
            return f"assumption {name!r} does not hold rigorously there: {found.outcome}"
    return refutation(instance, judged, held)


def outside(claim: Claim, instance: Instance) -> str:
    """Why an instance from elsewhere, a file or an edit, is none of the claim's; empty if it is.

    That is what ``Instances.admits`` says, where it is given; a drawn instance need not be asked.
    """
    instances = claim.instances
    if instances.admits is None or admitted_by(instances.admits, instance):
        return ""
    misfit = getattr(getattr(instances.admits, "__self__", None), "misfit", None)
    why = misfit(instance) if misfit else "Instances(admits=...) says no"
    return f"not one of the instances that the claim is about: {why}"


def admitted_by(admits: Callable[[Instance], bool], instance: Instance) -> bool:
    """What the author's function answers; one that cannot read an instance does not admit it."""
    try:
        return bool(admits(instance))
    except MemoryError:
        raise
    except Exception:
        return False


def refutation(instance: Instance, judged: Judged, held: Mapping[str, Judged]) -> Refutation:
    """A failing conclusion and the assumptions that hold, with everything that they lean on."""
    cites = dict.fromkeys(name for found in (judged, *held.values()) for name in found.cites)
    checks = tuple((name, found.comparisons) for name, found in held.items())
    return Refutation(instance, judged, tuple(held), tuple(cites), checks)


def checked(c: Comparison) -> dict[str, Any]:
    """A comparison of an assumption as plain data: what was compared, and the room it left.

    >>> from lora_proofs.arithmetic import at_least
    >>> checked(at_least("h", 2, 0))
    {'label': 'h', 'left': '2', 'relation': '>=', 'right': '0', 'slack': '2'}
    """
    told = c.to_dict()
    return {key: told[key] for key in ("label", "left", "relation", "right", "slack")}


def refuting(claim: Claim) -> Check | None:
    """The check whose failure refutes the claim."""
    return claim.lower_bound if claim.kind == "lower-bound" else claim.check


def instance_size(instance: Instance) -> tuple[int, str]:
    """How long an instance is to read: what is smaller is the better witness."""
    text = json.dumps(instance.to_json())
    return len(text), text
