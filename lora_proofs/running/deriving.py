"""The stage derive: the steps are checked, then every line meets exact instances and the check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lora_proofs.arithmetic import Arithmetic, Comparison, equal
from lora_proofs.errors import ClaimRefused, Contradiction, LoraProofsError, Unavailable
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.instance import Instance
from lora_proofs.running.evaluation import MEASURED, RIGOROUS, assumptions_on, ladder
from lora_proofs.symbolic.steps import DerivationEvidence, Step


@dataclass(frozen=True)
class Derived:
    """The steps of a derivation and what checking them found."""

    steps: tuple[Step, ...]
    evidence: DerivationEvidence


def derive_claim(claim: Claim) -> Derived | None:
    """Check a claim's derivation; ``None`` where it has none.

    Raises ``ClaimRefused`` where the derivation does not end in the conclusion, or leans on a
    lemma that it may not use.
    """
    if claim.derive is None:
        return None
    from lora_proofs.language.lemmas import LEMMAS
    from lora_proofs.symbolic.derivation import check_derivation

    steps = tuple(claim.derive())
    for step in steps:
        if not isinstance(step, Step):
            raise ClaimRefused(
                f"{claim.name}: expected derive to yield steps (identity, inequality, cited, "
                f"prose), got {type(step).__name__}={step!r}"
            )
    relations = {a.name: (a.relations, a.pattern) for a in claim.assumptions}
    try:
        found = check_derivation(steps, claim.conclusion, relations, LEMMAS)
    except ClaimRefused as refusal:
        named = str(refusal).startswith(claim.name)
        raise ClaimRefused(str(refusal) if named else f"{claim.name}: {refusal}") from None
    return Derived(steps, found)


@dataclass
class _Labels:
    """Which comparisons the check makes, and which of them the derivation reaches."""

    checked: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)

    def problems(self, claim: Claim, count: int) -> tuple[str, ...]:
        """What keeps the derivation from being about what is checked."""
        if count == 0:
            return ("no derived line could be evaluated on an instance",)
        if not self.met:
            wanted = ", ".join(repr(r.label) for r in claim.conclusion if r.label)
            return (
                "what is derived is not what is checked: no comparison of the check carries a "
                f"label of the conclusion ({wanted or 'its relations have no label'})",
            )
        return tuple(
            f"the check also compares {label!r}, which is not derived; derive it, or name it "
            f"'{MEASURED} ...' if it is evidence beside the theorem"
            for label in sorted(self.checked - self.met)
        )


def confront(
    claim: Claim, derived: Derived, witnesses: Iterable[Instance], digits: int
) -> DerivationEvidence:
    """Evaluate every derived line on instances, and hold the conclusion against the check.

    Raises ``Contradiction`` where the conclusion and the check compare different things under one
    label. A line that an instance breaks is named in ``broken_line``.
    """
    evidence, labels, count = derived.evidence, _Labels(), 0
    for instance in witnesses:
        held = assumptions_on(claim, instance, digits, rigorously=True)
        if not all(found.certifies for found in held.values()):
            continue
        evaluated = False
        for lines, ctx in _lines(claim, derived.steps, instance, digits):
            evaluated = True
            broken = _broken(lines, instance)
            if broken:
                return replace(evidence, evaluated_on=count + 1, broken_line=broken)
            _meet(claim, lines, instance, ctx, labels)
        count += evaluated
    problems = (*evidence.problems, *labels.problems(claim, count))
    return replace(evidence, evaluated_on=count, problems=problems)


Lines = Sequence[Comparison | None]


def _lines(
    claim: Claim, steps: Sequence[Step], instance: Instance, digits: int
) -> Iterator[tuple[Lines, Arithmetic]]:
    """The lines in exact arithmetic, then in balls those that it lacks; none where none has one."""
    from lora_proofs.symbolic.derivation import evaluate_lines

    assert claim.interpret is not None
    missing = {k for k, step in enumerate(steps) if step.relation is not None}
    for ctx in ladder(RIGOROUS, digits)[:2]:
        try:
            with ctx.working():
                lines = evaluate_lines(steps, claim.interpret(instance, ctx), ctx)
        except Unavailable:
            continue
        found = {k for k in missing if lines[k] is not None}
        if found:
            yield lines, ctx
        missing -= found
        if not missing:
            return


def _broken(lines: Lines, instance: Instance) -> str:
    for number, line in enumerate(lines, start=1):
        if line is not None and line.outcome == "fails" and line.rigorous:
            shown = line.to_dict()
            return (
                f"{number} ({line.label!r}): {shown['left']} {line.relation} {shown['right']} "
                f"on {instance!r}"
            )
    return ""


def _meet(claim: Claim, lines: Lines, instance: Instance, ctx: Arithmetic, labels: _Labels) -> None:
    """Hold the conclusion's lines against the check's comparisons of the same labels."""
    wanted = {relation.label for relation in claim.conclusion if relation.label}
    try:
        with ctx.working():
            checked = list(claim.check(instance, ctx))
            labels.checked |= {c.label for c in checked if not c.label.startswith(MEASURED)}
            for line in lines:
                if line is not None and line.label in wanted:
                    labels.met |= {line.label} if _met(claim, line, checked, instance) else set()
    except Unavailable:
        return


def _met(claim: Claim, line: Comparison, checked: Sequence[Comparison], instance: Instance) -> bool:
    same = [c for c in checked if c.label == line.label]
    if same and not any(_agree(line, c) for c in same):
        shown, other = line.to_dict(), same[0].to_dict()
        raise Contradiction(
            f"{claim.name}: what is derived is not what is checked. Under the label {line.label!r} "
            f"the derivation compares {shown['left']} {line.relation} {shown['right']}, the check "
            f"{other['left']} {same[0].relation} {other['right']}, on {instance!r}. Let both state "
            "the same two sides, or give the comparison another label"
        )
    return bool(same)


def _agree(line: Comparison, other: Comparison) -> bool:
    turned = {"=": "=", "<=": ">=", ">=": "<="}
    straight = other.relation == line.relation
    swapped = other.relation == turned.get(line.relation)
    return (straight and _same(line.left, other.left) and _same(line.right, other.right)) or (
        swapped and _same(line.left, other.right) and _same(line.right, other.left)
    )


def _same(a: Any, b: Any) -> bool:
    """Equal in exact arithmetic; not told apart in ball arithmetic."""
    if np.shape(a) != np.shape(b):
        a, b = _scalar(a), _scalar(b)
        if np.shape(a) != np.shape(b):
            return False
    try:
        return equal("", a, b).outcome != "fails"
    except LoraProofsError:
        return False


def _scalar(value: Any) -> Any:
    return value.flat[0] if isinstance(value, np.ndarray) and value.size == 1 else value


def in_sympy(step: Step) -> str:
    """A step's relation in SymPy's notation, or nothing for a step that states none."""
    from lora_proofs.symbolic.sympy_bridge import relation_to_sympy

    return relation_to_sympy(step.relation) if step.relation is not None else ""
