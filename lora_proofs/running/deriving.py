"""The stage derive: the steps are checked, then every line meets exact instances and the check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, Arithmetic, Comparison, equal
from lora_proofs.errors import ClaimRefused, Contradiction, LoraProofsError, Unavailable
from lora_proofs.judging.evaluation import MEASURED, RIGOROUS, assumptions_on, comparisons, ladder
from lora_proofs.language.claim import Claim
from lora_proofs.mathematics.instance import Instance
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
    statements = {a.name: a.statement for a in claim.assumptions}
    technical = {a.name for a in claim.assumptions if a.technical}
    try:
        found = check_derivation(steps, claim.conclusion, relations, LEMMAS, statements, technical)
    except ClaimRefused as refusal:
        named = str(refusal).startswith(claim.name)
        raise ClaimRefused(str(refusal) if named else f"{claim.name}: {refusal}") from None
    return Derived(steps, found)


@dataclass
class _Met:
    """What the instances showed: the lines that were evaluated, and the labels that were met."""

    instances: int = 0
    lines: set[int] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)
    blurred: set[str] = field(default_factory=set)

    def problems(self, claim: Claim, steps: Sequence[Step]) -> tuple[str, ...]:
        """What keeps the derivation from being about what is checked."""
        if self.instances == 0:
            return ("no derived line could be evaluated on an instance",)
        return (*self._unevaluated(steps), *self._unmet(claim))

    def _unevaluated(self, steps: Sequence[Step]) -> Iterator[str]:
        for k, step in enumerate(steps):
            if step.relation is not None and k not in self.lines:
                yield (
                    f"line {k + 1} was never evaluated on an instance: give its symbols values in "
                    "interpret, exact or as balls that are narrow"
                )

    def _unmet(self, claim: Claim) -> Iterator[str]:
        for label in sorted(self.blurred - self.met):
            yield (
                f"what is derived and what is checked under {label!r} could not be compared: "
                "evaluate both sides exactly, or as balls that are narrow"
            )
        if not self.met and not self.blurred:
            wanted = ", ".join(repr(r.label) for r in claim.conclusion if r.label)
            yield (
                "what is derived is not what is checked: no comparison of the check carries a "
                f"label of the conclusion ({wanted or 'its relations have no label'})"
            )
            return
        for label in sorted(self.checked - self.met - self.blurred):
            yield (
                f"the check also compares {label!r}, which is not derived; derive it, or name it "
                f"'{MEASURED} ...' if it is evidence beside the theorem"
            )


def confront(
    claim: Claim, derived: Derived, witnesses: Iterable[Instance], digits: int
) -> DerivationEvidence:
    """Evaluate every derived line on instances, and hold the conclusion against the check.

    Every step that states a relation has to be evaluated on some instance. Raises
    ``Contradiction`` where the conclusion and the check compare different things under one label.
    A line that an instance breaks is named in ``broken_line``.
    """
    evidence, met = derived.evidence, _Met()
    for instance in witnesses:
        held = assumptions_on(claim, instance, digits, rigorously=True)
        if not all(found.certifies for found in held.values()):
            continue
        settled: set[int] = set()
        for lines, ctx in _lines(claim, derived.steps, instance, digits):
            broken = _broken(lines, instance)
            if broken:
                return replace(evidence, evaluated_on=met.instances + 1, broken_line=broken)
            settled |= _settled(lines, digits)
            _meet(claim, lines, instance, ctx, digits, met)
        met.lines |= settled
        met.instances += bool(settled)
    problems = (*evidence.problems, *met.problems(claim, derived.steps))
    return replace(evidence, evaluated_on=met.instances, problems=problems)


def stretched(
    claim: Claim, derived: Derived, edited: Iterable[Instance], digits: int
) -> DerivationEvidence:
    """Hold what assumptions grant against what they check, on instances that were edited.

    A derivation proves what follows from the granted lines; the claim is about every instance on
    which ``holds`` holds. Where these part, the derivation has a problem, and is closed no more.
    """
    evidence = derived.evidence
    if evidence.problems or not granted(derived.steps):
        return evidence
    steps = [step if step.assumption else UNASKED for step in derived.steps]
    slow = 0
    for instance in edited:
        slow += not _exactly_read(claim, instance)
        found = _granted_in_vain(claim, steps, instance, digits) if slow <= MOST_SLOW else ""
        if found:
            return replace(evidence, closed=False, problems=(*evidence.problems, found))
    return evidence


MOST_SLOW = 10
"""Edited instances whose symbols exact arithmetic cannot give: most often a flow is enclosed."""


def _exactly_read(claim: Claim, instance: Instance) -> bool:
    assert claim.interpret is not None
    try:
        claim.interpret(instance, EXACT)
    except MemoryError:
        raise
    except Exception:
        return False
    return True


UNASKED = Step("prose", None, "")


def granted(steps: Iterable[Step]) -> bool:
    """Whether a line is granted by an assumption."""
    return any(step.assumption for step in steps)


def _granted_in_vain(claim: Claim, steps: Sequence[Step], instance: Instance, digits: int) -> str:
    """A granted line that fails where every assumption holds; an edit may be no instance."""
    try:
        held = assumptions_on(claim, instance, digits, rigorously=True)
        if not all(found.certifies for found in held.values()):
            return ""
        for lines, _ in _lines(claim, steps, instance, digits):
            for step, line in zip(steps, lines, strict=True):
                if line is not None and line.outcome == "fails" and line.rigorous:
                    return _more_than_checked(step, line, instance)
    except MemoryError:
        raise
    except Exception:
        return ""
    return ""


def _more_than_checked(step: Step, line: Comparison, instance: Instance) -> str:
    shown = line.to_dict()
    return (
        f"the assumption {step.assumption!r} grants more than it checks: it holds on {instance!r}, "
        f"where what it grants fails: {shown['left']} {line.relation} {shown['right']}"
    )


Lines = Sequence[Comparison | None]


def _lines(
    claim: Claim, steps: Sequence[Step], instance: Instance, digits: int
) -> Iterator[tuple[Lines, Arithmetic]]:
    """The lines in exact arithmetic, then in balls those that it lacks, narrower where they blur.

    A line that an earlier arithmetic settled is not given again.
    """
    from lora_proofs.symbolic.derivation import evaluate_lines

    assert claim.interpret is not None
    missing = {k for k, step in enumerate(steps) if step.relation is not None}
    for rung, ctx in enumerate(ladder(RIGOROUS, digits)):
        try:
            with ctx.working():
                lines = evaluate_lines(steps, claim.interpret(instance, ctx), ctx)
        except Unavailable:
            continue
        found = {k for k in missing if lines[k] is not None}
        if found:
            yield [line if k in found else None for k, line in enumerate(lines)], ctx
        settled = found & _settled(lines, digits)
        missing -= settled
        if not missing or (rung and found == settled):
            return


def _settled(lines: Lines, digits: int) -> set[int]:
    """The lines that say something: decided, or undecided between sides that are both narrow."""
    return {
        k
        for k, line in enumerate(lines)
        if line is not None
        and (
            line.outcome != "undecided"
            or (_narrow(line.left, digits) and _narrow(line.right, digits))
        )
    }


ENOUGH = 25
"""Digits that tell two expressions apart, however many a budget works with: flows are enclosed to a
number of digits that their claim chooses."""


def _narrow(value: Any, digits: int) -> bool:
    """Whether half of the digits are known, or ``ENOUGH``; of a value near 0, as many decimals."""
    if isinstance(value, np.ndarray):
        return all(_narrow(entry, digits) for entry in value.flat)
    if not isinstance(value, flint.arb):
        return isinstance(value, flint.fmpq)
    size = value.abs_upper()
    known = flint.arb(10) ** min(digits // 2, ENOUGH)
    return bool(value.rad() * known <= (size if size > 1 else 1))


def _broken(lines: Lines, instance: Instance) -> str:
    for number, line in enumerate(lines, start=1):
        if line is not None and line.outcome == "fails" and line.rigorous:
            shown = line.to_dict()
            return (
                f"{number} ({line.label!r}): {shown['left']} {line.relation} {shown['right']} "
                f"on {instance!r}"
            )
    return ""


def _meet(
    claim: Claim, lines: Lines, instance: Instance, ctx: Arithmetic, digits: int, met: _Met
) -> None:
    """Hold the conclusion's lines against the check's comparisons of the same labels."""
    wanted = {relation.label for relation in claim.conclusion if relation.label}
    try:
        with ctx.working():
            checked = comparisons(claim.check, instance, ctx)
            met.checked |= {c.label for c in checked if not c.label.startswith(MEASURED)}
            for line in lines:
                if line is not None and line.label in wanted:
                    _confront(claim, line, checked, instance, digits, met)
    except Unavailable:
        return


def _confront(
    claim: Claim,
    line: Comparison,
    checked: Sequence[Comparison],
    instance: Instance,
    digits: int,
    met: _Met,
) -> None:
    """Every comparison of the line's label has to compare what the line does."""
    same = [c for c in checked if c.label == line.label]
    answers = [_agree(line, c, digits) for c in same]
    if False in answers:
        shown, other = line.to_dict(), same[answers.index(False)].to_dict()
        raise Contradiction(
            f"{claim.name}: what is derived is not what is checked. Under the label {line.label!r} "
            f"the derivation compares {shown['left']} {line.relation} {shown['right']}, the check "
            f"{other['left']} {other['relation']} {other['right']}, on {instance!r}. Let both "
            "state the same two sides, or give the comparison another label"
        )
    if None in answers:
        met.blurred.add(line.label)
    elif same:
        met.met.add(line.label)


def _agree(line: Comparison, other: Comparison, digits: int) -> bool | None:
    """Whether two comparisons compare the same; ``None`` where wide balls do not tell."""
    turned = {"=": "=", "<=": ">=", ">=": "<="}
    ways = []
    if other.relation == line.relation:
        ways.append(((line.left, other.left), (line.right, other.right)))
    if other.relation == turned.get(line.relation):
        ways.append(((line.left, other.right), (line.right, other.left)))
    answers = [_all(_same(a, b, digits) for a, b in sides) for sides in ways]
    return True if True in answers else None if None in answers else False


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    return False if False in found else None if None in found else True


def _same(a: Any, b: Any, digits: int) -> bool | None:
    """Equal in exact arithmetic; not told apart by narrow balls. ``None`` for any wider ones."""
    if np.shape(a) != np.shape(b):
        a, b = _scalar(a), _scalar(b)
        if np.shape(a) != np.shape(b):
            return False
    try:
        found = equal("the sides", a, b)
    except LoraProofsError:
        return False
    if found.outcome == "fails":
        return False
    return True if found.rigorous and _narrow(a, digits) and _narrow(b, digits) else None


def _scalar(value: Any) -> Any:
    return value.flat[0] if isinstance(value, np.ndarray) and value.size == 1 else value


def in_sympy(step: Step) -> str:
    """A step's relation in SymPy's notation, or nothing for a step that states none."""
    from lora_proofs.symbolic.sympy_bridge import relation_to_sympy

    return relation_to_sympy(step.relation) if step.relation is not None else ""
