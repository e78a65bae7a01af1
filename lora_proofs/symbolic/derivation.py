"""Checking a derivation: every line by its own rule, identities by two engines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lora_proofs.arithmetic.comparison import Comparison, at_most, equal
from lora_proofs.errors import (
    ClaimRefused,
    Contradiction,
    NotUnderstood,
    ShapeMismatch,
    Unavailable,
)
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.symbolic import entries
from lora_proofs.symbolic.counterexample import difference
from lora_proofs.symbolic.differential import expand, stays_symmetric
from lora_proofs.symbolic.inequalities import RULES, form, is_nonnegative, square_norms
from lora_proofs.symbolic.printing import relation_latex, relation_text, text
from lora_proofs.symbolic.rewriting import reduce
from lora_proofs.symbolic.steps import DerivationEvidence, Lemma, Line, Shown, Step, instantiate
from lora_proofs.symbolic.tacit import Granted, scope, stated_nodes, tacit_problems

NORMAL_FORM, EXPLICIT_ENTRIES = "normal form", "explicit entries"
INEQUALITY_RULES, LISTED_LEMMAS = "inequality rules", "listed lemmas"


def check_derivation(
    steps: Sequence[Step],
    conclusion: tuple[w.Relation, ...],
    assumptions: Mapping[str, Granted],
    lemmas: Mapping[str, Lemma],
    statements: Mapping[str, str] | None = None,
    technical: Collection[str] = (),
) -> DerivationEvidence:
    """Check every step and that the last ones are the conclusion.

    ``assumptions`` gives for each name the relations it grants and the symbols in them that stand
    for any expression; ``statements`` gives what they say, for a reader to hold against the
    sentences that they close; ``technical`` names those that have no control.

    Raises ``ClaimRefused`` where the derivation ends elsewhere, uses a step that does not come
    before, or cites a lemma that is not on the list; ``Contradiction`` where the engines differ.
    """
    steps = tuple(steps)
    _ends_in(steps, conclusion)
    _in_order(steps)
    _cites_listed(steps, lemmas)
    judge = _Judge(assumptions, steps)
    lines = tuple(judge.line(step) for step in steps)
    problems = (
        *(f"line {i + 1}: {x.problem}" for i, x in enumerate(lines) if not x.ok),
        *tacit_problems(steps, assumptions),
    )
    prose = tuple(step.why for step in steps if step.kind == "prose")
    cites = tuple(dict.fromkeys(step.lemma.name for step in steps if step.lemma))
    engines = tuple(dict.fromkeys(name for line in lines for name in _engines(line)))
    closed = not problems and not prose
    return DerivationEvidence(
        lines=lines,
        closed=closed,
        scope=scope(steps),
        engines=engines,
        cites=cites,
        prose=prose,
        problems=problems,
        names=_names(steps),
        concludes=tuple((relation_text(r), relation_latex(r)) for r in conclusion),
        sentences=_sentences(steps, statements or {}),
        uncontrolled=_uncontrolled(steps, technical),
    )


def _names(steps: tuple[Step, ...]) -> tuple[tuple[str, str], ...]:
    """What each displayed name stands for, in the order in which they are met."""
    found = {x.name: x for x in stated_nodes(steps) if isinstance(x, w.Named)}
    definitions = (w.Relation(x, "=", x.body) for x in found.values())
    return tuple((relation_text(r), relation_latex(r)) for r in definitions)


def _sentences(steps: tuple[Step, ...], statements: Mapping[str, str]) -> tuple[str, ...]:
    """The hypotheses that no engine reads, and what their author closes them by."""
    found = (
        f"{step.lemma.name}: {_sentence(step.lemma.hypotheses[name])} <- "
        f"{_told(by, statements, steps)}"
        for step in steps
        if step.lemma
        for name, by in step.discharged_by
        if isinstance(step.lemma.hypotheses.get(name), str | Shown)
    )
    return tuple(dict.fromkeys(found))


def _uncontrolled(steps: tuple[Step, ...], technical: Collection[str]) -> tuple[str, ...]:
    """The relations in use that an assumption grants although no control drops it."""
    found = (
        f"{relation_text(step.pattern)} (assumption {step.assumption!r})"
        for step in steps
        if step.rule == "assumption" and step.assumption in technical and step.pattern
    )
    return tuple(dict.fromkeys(found))


def _sentence(hypothesis: Any) -> str:
    return hypothesis.sentence if isinstance(hypothesis, Shown) else str(hypothesis)


def _told(closed_by: Any, statements: Mapping[str, str], steps: tuple[Step, ...]) -> str:
    said = statements.get(closed_by, "") if isinstance(closed_by, str) else ""
    return f"{_by(closed_by, steps)}: {said}" if said else _by(closed_by, steps)


def _by(closed_by: Any, steps: tuple[Step, ...]) -> str:
    """What closes a hypothesis: an assumption, or the line of a step, as lines may share words."""
    if isinstance(closed_by, Step):
        number = next((i + 1 for i, step in enumerate(steps) if step is closed_by), "?")
        return f"line {number}, {closed_by.why!r}"
    return f"assumption {closed_by!r}"


def _closed_by(lemma: Lemma, name: str, closed_by: Any, steps: tuple[Step, ...]) -> str:
    """One hypothesis of a line: a sentence in full, a relation by its name, and what closed it."""
    hypothesis = lemma.hypotheses[name]
    said = repr(name) if isinstance(hypothesis, w.Relation) else f"{_sentence(hypothesis)!r}"
    return f"hypothesis {said} by {_by(closed_by, steps)}"


def _engines(line: Line) -> tuple[str, ...]:
    if line.kind == "identity" and line.rule != "assumption":
        return line.checked_by
    if line.kind == "inequality" and line.rule != "assumption":
        return (INEQUALITY_RULES,)
    return (LISTED_LEMMAS,) if line.kind == "cited" else ()


def _ends_in(steps: tuple[Step, ...], conclusion: tuple[w.Relation, ...]) -> None:
    last = [step.relation for step in steps if step.relation][-len(conclusion) :]
    for wanted in conclusion:
        if not any(_same(wanted, got) for got in last):
            found = "; ".join(relation_text(r) for r in last) or "nothing"
            raise ClaimRefused(
                f"the derivation does not end in the conclusion {relation_text(wanted)}; its last "
                f"{len(conclusion)} step(s) state: {found}. End it in exactly the stated relations"
            )


def _same(a: w.Relation, b: w.Relation) -> bool:
    if a.relation != b.relation or a.left.shape != b.left.shape:
        return False
    return (reduce(a.left) - reduce(b.left)).is_zero and (reduce(a.right) - reduce(b.right)).is_zero


def _in_order(steps: tuple[Step, ...]) -> None:
    for i, step in enumerate(steps):
        used = [*step.uses, *(s for _, s in step.discharged_by if isinstance(s, Step))]
        for other in used:
            if not any(other is earlier for earlier in steps[:i]):
                raise ClaimRefused(
                    f"step {i + 1} ({step.why}) uses a step that does not come before it: "
                    f"{other.why!r}; list that step first"
                )


def _cites_listed(steps: tuple[Step, ...], lemmas: Mapping[str, Lemma]) -> None:
    for step in steps:
        if step.kind == "cited" and (
            not step.lemma or lemmas.get(step.lemma.name) is not step.lemma
        ):
            name = step.lemma.name if step.lemma else "?"
            raise ClaimRefused(
                f"the lemma {name!r} is not on the list of lemmas that may be cited "
                "(lora_proofs.language.lemmas); a claim cannot lean on itself or on the paper "
                "under "
                "test. Use a listed lemma, or say prose(...)"
            )


@dataclass(frozen=True)
class _Judge:
    """Decides one step at a time."""

    assumptions: Mapping[str, Granted]
    steps: tuple[Step, ...]

    def line(self, step: Step) -> Line:
        checked, problem = self._decide(step)
        latex = relation_latex(step.relation) if step.relation else ""
        plain = relation_text(step.relation) if step.relation else ""
        rule = step.lemma.name if step.lemma else step.rule
        ok = not problem and step.kind != "prose"
        return Line(step.kind, latex, step.why, rule, checked, ok, problem, plain)

    def _decide(self, step: Step) -> tuple[tuple[str, ...], str]:
        try:
            if step.kind == "prose":
                return (), "prose is checked by no engine"
            if step.rule == "assumption":
                return self._assumption(step)
            if step.kind == "identity":
                return self._identity(step)
            return self._inequality(step) if step.kind == "inequality" else self._cited(step)
        except (NotUnderstood, ShapeMismatch) as error:
            return (), f"not understood: {error}"

    def _identity(self, step: Step) -> tuple[tuple[str, ...], str]:
        assert step.relation is not None
        twins = _twins(step.relation)
        if twins:
            return (), f"two different symbols are named {twins!r}; rename one"
        left, right = step.relation.left, step.relation.right
        given = tuple(used.relation for used in step.uses if used.relation)
        proved = square_norms(reduce(left, given) - reduce(right, given)).is_zero
        if not proved:
            found = None if given else difference(left, right)
            differ = "the two sides have different normal forms"
            return (), f"not an identity: {found}" if found else differ
        try:
            agreed = entries.agree(left, right, given)
        except Unavailable as error:
            return (NORMAL_FORM,), f"only one engine could decide it: {error}"
        if not agreed:
            raise Contradiction(f"the engines disagree on {relation_text(step.relation)}")
        return (NORMAL_FORM, EXPLICIT_ENTRIES), ""

    def _inequality(self, step: Step) -> tuple[tuple[str, ...], str]:
        rule = RULES.get(step.rule)
        if rule is None:
            return (), f"no rule {step.rule!r}; the rules are {', '.join(RULES)}"
        if step.relation is None or step.relation.relation != "<=":
            return (), f"the rule {step.rule!r} proves '<=' between two scalars, nothing else"
        twins = _twins(step.relation)
        if twins:
            return (), f"two different symbols are named {twins!r}; rename one"
        problem = rule(step)
        if problem:
            return (), f"not an instance of the rule {step.rule!r}: {problem}"
        return (f"rule: {step.rule}",), ""

    def _assumption(self, step: Step) -> tuple[tuple[str, ...], str]:
        granted = self.assumptions.get(step.assumption)
        if granted is None:
            return (), f"{step.assumption!r} is not an assumption of this claim"
        relations, pattern = granted
        if step.pattern not in relations:
            return (), f"the assumption {step.assumption!r} does not grant this relation"
        problem = _instance_problem(step, step.pattern)
        if problem:
            return (), problem
        turned = [s for s, _ in step.substitution if s not in pattern]
        if turned:
            return (), (
                f"the assumption {step.assumption!r} is about {text(turned[0])} itself; a symbol "
                f"stands "
                "for any expression only where the assumption lists it in pattern=..."
            )
        return (f"assumption: {step.assumption}",), ""

    def _cited(self, step: Step) -> tuple[tuple[str, ...], str]:
        assert step.lemma is not None
        problem = _instance_problem(step, step.lemma.conclusion)
        if problem:
            return (), problem
        given = dict(step.discharged_by)
        for name, hypothesis in step.lemma.hypotheses.items():
            problem = self._discharge(step, name, hypothesis, given.get(name))
            if problem:
                return (), problem
        extra = set(given) - set(step.lemma.hypotheses)
        if extra:
            return (), f"{step.lemma.name} has no hypothesis named {', '.join(sorted(extra))}"
        by = (_closed_by(step.lemma, name, x, self.steps) for name, x in given.items())
        return (f"lemma: {step.lemma.name}", *by), ""

    def _discharge(self, step: Step, name: str, hypothesis: Any, by: Any) -> str:
        if by is None:
            return f"the hypothesis {name!r} of {step.lemma.name if step.lemma else ''} is open"
        if isinstance(by, str):
            if by not in self.assumptions:
                return f"the hypothesis {name!r} is discharged by {by!r}, which is no assumption"
            if not isinstance(hypothesis, str):
                return f"the hypothesis {name!r} is shown by a step; discharge it by that step"
            return ""
        if not isinstance(by, Step):
            return f"{by!r}, for the hypothesis {name!r}, is neither a step nor an assumption"
        if isinstance(hypothesis, str):
            return (
                f"the hypothesis {name!r} is a sentence; discharge it by an assumption that says it"
            )
        if isinstance(hypothesis, Shown):
            return _shown_problem(name, hypothesis, by)
        values = dict(step.substitution)
        left = w.Substituted(hypothesis.left, tuple(values.items()))
        right = w.Substituted(hypothesis.right, tuple(values.items()))
        stated = by.relation
        if stated is None or stated.relation not in (hypothesis.relation, "="):
            return f"the step for hypothesis {name!r} does not state a relation of that kind"
        if not (form(left) - form(stated.left)).is_zero:
            return f"the step for hypothesis {name!r} has another left side"
        if not (form(right) - form(stated.right)).is_zero:
            return f"the step for hypothesis {name!r} has another right side"
        return ""


def _shown_problem(name: str, hypothesis: Shown, by: Step) -> str:
    """What keeps a step from showing a hypothesis in words, as far as an engine can see."""
    if by.relation is None:
        return f"the step for hypothesis {name!r} states nothing"
    if not hypothesis.polynomial:
        return ""
    bent = next((x for x in entries.parts(by.relation.right) if not _is_polynomial(x)), None)
    if bent is None:
        return ""
    return f"the step for hypothesis {name!r} has no polynomial on the right: {text(bent)}"


def _is_polynomial(node: w.Word) -> bool:
    """Whether a node is made of its parts by sums and products alone; 1/n is a number."""
    if isinstance(node, w.Power):
        return node.exponent >= 0 or isinstance(node.base, w.Size)
    return not isinstance(node, w.Inverse | w.Norm | w.LossValue | w.LossGradient)


def _twins(relation: w.Relation) -> str:
    """A name that two different symbols of a relation share: a reader could not tell them apart."""
    symbols = _symbols(relation.left) | _symbols(relation.right)
    names = [s.name for s in symbols]
    return next((name for name in sorted(names) if names.count(name) > 1), "")


def _instance_problem(step: Step, pattern: w.Relation | None) -> str:
    """What keeps a step from being an instance of a pattern with its symbols replaced.

    A value takes over what its symbol promises: its shape, its symmetry, its sign.
    """
    for symbol, value in step.substitution:
        if not isinstance(symbol, w.Symbol | w.Scalar):
            return f"only symbols can be replaced, not {text(symbol)}"
        if symbol.shape != value.shape:
            return f"{symbol.name} has shape {symbol.shape}, what is put for it {value.shape}"
        if isinstance(symbol, w.Scalar) and symbol.nonnegative and not is_nonnegative(form(value)):
            return f"{symbol.name} is nonnegative, what is put for it may not be: {text(value)}"
        if not stays_symmetric(symbol, value):
            return f"{symbol.name} is symmetric, what is put for it is not: {text(value)}"
    wanted = instantiate(pattern, step.substitution) if pattern else None
    stated = step.relation
    if (wanted is None) != (stated is None):
        return "it does not state the instance of the pattern that it names"
    if wanted is None or stated is None:
        return ""
    same = replace(wanted, label=stated.label) == stated
    return "" if same else f"the pattern gives {relation_text(wanted)}, not {relation_text(stated)}"


def evaluate_lines(
    steps: Sequence[Step], values: Mapping[Any, Any], ctx: Any
) -> list[Comparison | None]:
    """Every stated relation evaluated on an instance; ``None`` where it cannot be.

    A symbol without a value leaves its line unevaluated: the runner reports how many were.
    """
    return [_evaluate_line(i, step, values, ctx) for i, step in enumerate(steps)]


def _evaluate_line(i: int, step: Step, values: Mapping[Any, Any], ctx: Any) -> Comparison | None:
    if step.relation is None:
        return None
    label = step.relation.label or f"line {i + 1}"
    named = {node for side in (step.relation.left, step.relation.right) for node in _symbols(side)}
    if not named <= set(values):
        return None
    try:
        # Derivatives inside derivatives are carried out in words first.
        left = _value(step.relation.left, values, ctx)
        right = _value(step.relation.right, values, ctx)
    except (Unavailable, NotUnderstood):
        return None
    compare = equal if step.relation.relation == "=" else at_most
    return compare(label, left, right)


def _value(side: w.Word, values: Mapping[Any, Any], ctx: Any) -> Any:
    try:
        return evaluate(side, values, ctx)
    except NotUnderstood:
        return evaluate(expand(side), values, ctx)


def _symbols(expression: w.Word) -> set[Any]:
    found: set[Any] = set()
    for node in entries.parts(expression):
        if isinstance(node, w.Symbol | w.Scalar):
            found.add(node)
        elif isinstance(node, w.LossValue | w.LossGradient):
            found.add(node.loss)
    return found
