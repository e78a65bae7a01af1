"""Replay: a recorded counterexample judged again from its exact numbers, never from its seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lora_proofs.errors import BadInput
from lora_proofs.judging.controls import refute_control
from lora_proofs.judging.counterexample import Refutation, checked, outside, refute
from lora_proofs.judging.evaluation import assumptions_on
from lora_proofs.judging.raising import message
from lora_proofs.language.claim import Claim, Control
from lora_proofs.mathematics.instance import Instance
from lora_proofs.running.loading import the_claim


def replay(
    claim: Claim | str, counterexample: Mapping[str, Any], digits: int = 50
) -> dict[str, Any]:
    """Judge a recorded counterexample again, from its exact numbers; as ``replay --json``.

    ``claim`` is a claim or its name, as for ``verify``; ``counterexample`` is what a result or a
    record has under that name, also one of a control. ``confirmed`` says whether it refutes again.
    Raises ``BadInput`` where the instance does not fit the claim.

    >>> replay("classical/balancedness", {"claim": "x"})
    Traceback (most recent call last):
    lora_proofs.errors.BadInput: expected a counterexample, an object with an "instance", got ...
    """
    if not isinstance(counterexample, Mapping) or "instance" not in counterexample:
        raise BadInput(
            'expected a counterexample, an object with an "instance", got '
            f"{type(counterexample).__name__}"
        )
    return replay_on(the_claim(claim), counterexample, digits)


def replay_on(claim: Claim, counterexample: Mapping[str, Any], digits: int) -> dict[str, Any]:
    """Whether the instance refutes the claim (or the control that it is of) again."""
    instance = Instance.from_json(counterexample["instance"])
    control = _control(claim, counterexample.get("control"))
    try:
        held = assumptions_on(claim, instance, digits, rigorously=True)
        found = (
            refute_control(claim, control, instance, digits)
            if control
            else _refute(claim, instance, digits)
        )
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BadInput(
            f"{claim.name}: the instance does not fit the claim, whose functions raise "
            f"{type(error).__name__} on it: {message(error)}"
        ) from error
    confirmed = isinstance(found, Refutation)
    told = found.to_dict(claim) if isinstance(found, Refutation) else None
    return {
        "schema_version": 1,
        "command": "replay",
        "claim": claim.name,
        "control": counterexample.get("control"),
        "instance": instance.to_json(),
        "confirmed": confirmed,
        "confirmed_by": told and told["confirmed_by"],
        "comparison": told and told["comparison"],
        "cites": told["cites"] if told else [],
        "assumptions": {name: judged.outcome for name, judged in held.items()},
        "checks": {name: [checked(c) for c in judged.comparisons] for name, judged in held.items()},
        "reason": "" if isinstance(found, Refutation) else found,
    }


def _refute(claim: Claim, instance: Instance, digits: int) -> Refutation | str:
    """What refutes, and is an instance of the claim: the numbers of a file may be any."""
    found = refute(claim, instance, digits)
    if not isinstance(found, Refutation):
        return found
    return outside(claim, instance) or found


def _control(claim: Claim, number: Any) -> Control | None:
    if number is None:
        return None
    if type(number) is not int or not 1 <= number <= len(claim.controls):
        raise BadInput(
            f"{claim.name}: expected the number of a control between 1 and {len(claim.controls)}, "
            f"got {number!r}"
        )
    return claim.controls[number - 1]
