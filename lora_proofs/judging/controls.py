"""The stage control: every negative control has to be refuted, beyond doubt."""

from __future__ import annotations

from collections.abc import Iterator

from lora_proofs.judging.counterexample import Refutation, refutation
from lora_proofs.judging.drawing import draw_one
from lora_proofs.judging.evaluation import assumptions_on, confirm
from lora_proofs.language.claim import Claim, Control, Instances
from lora_proofs.language.evidence import ControlEvidence
from lora_proofs.mathematics.instance import Instance

MOST_DRAWS = 20


def run_controls(claim: Claim, seed: int, digits: int) -> tuple[ControlEvidence, ...]:
    """The outcome of each control, in the order in which the claim lists them."""
    return tuple(
        run_control(claim, index, seed, digits) for index in range(1, len(claim.controls) + 1)
    )


def run_control(claim: Claim, index: int, seed: int, digits: int) -> ControlEvidence:
    """Look for one instance that refutes control ``index`` (from 1)."""
    control = claim.controls[index - 1]
    drops = control.drops.name if control.drops else None
    problem = "it has no instance"
    for instance in _instances(claim, control, index, seed):
        found = refute_control(claim, control, instance, digits)
        if isinstance(found, Refutation):
            counterexample = {**found.to_dict(claim), "control": index}
            return ControlEvidence(drops, control.why, "refuted", counterexample)
        problem = found
    problem += _strange_fields(claim, control, seed)
    return ControlEvidence(drops, control.why, "survived", None, problem)


def _strange_fields(claim: Claim, control: Control, seed: int) -> str:
    """What a control's instances carry and no drawn one does: perhaps a slip, which nothing reads.

    Empty where there is no such field.
    """
    regime = claim.instances.regimes[0]
    drawn = draw_one(claim.instances, regime, seed, claim.name, "fields", regime, 0)
    if drawn is None or isinstance(control.instances, Instances):
        return ""
    strange = {name: None for x in control.instances for name in x if name not in drawn}
    if not strange:
        return ""
    return f"; its instances have {', '.join(strange)}, and those that are drawn {', '.join(drawn)}"


def _instances(claim: Claim, control: Control, index: int, seed: int) -> Iterator[Instance]:
    if not isinstance(control.instances, Instances):
        yield from control.instances
        return
    regimes = control.instances.regimes
    for k in range(max(MOST_DRAWS, len(regimes))):
        regime = regimes[k % len(regimes)]
        key = (seed, claim.name, f"control {index}", regime, k)
        instance = draw_one(control.instances, regime, *key)
        if instance is not None:
            yield instance


def refute_control(
    claim: Claim, control: Control, instance: Instance, digits: int
) -> Refutation | str:
    """The refutation of a control on an instance, or the problem in words.

    The dropped assumption must fail and all others must hold, both rigorously; then the
    conclusion must fail rigorously.
    """
    held = {}
    for name, found in assumptions_on(claim, instance, digits, rigorously=True).items():
        if control.drops is not None and name == control.drops.name:
            if not found.refutes:
                return f"the dropped assumption {name!r} does not fail rigorously: {found.outcome}"
        elif not found.certifies:
            return f"assumption {name!r} does not hold rigorously on its instance: {found.outcome}"
        else:
            held[name] = found
    check = control.check or claim.lower_bound or claim.check
    judged = confirm(check, instance, digits, () if control.check else claim.arithmetics)
    if not judged.refutes:
        said = f"{judged.outcome} in {judged.arithmetic} arithmetic"
        why = f", {judged.why}" if judged.why else ""
        return f"its conclusion {judged.why if judged.why.startswith(said) else said + why}"
    return refutation(instance, judged, held)
