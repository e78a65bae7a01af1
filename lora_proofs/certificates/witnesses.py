"""Witnesses: the rewrites and the factors by which a line follows, so that nobody has to search.

An equation may be used in any context; a context is an expression with a hole. An inequality may
be used beside a factor that is at least 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lora_proofs.certificates.trees import HOLE
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import expand
from lora_proofs.symbolic.from_normal_form import to_word
from lora_proofs.symbolic.normal_form import (
    Key,
    Letter,
    NormalForm,
    TraceAtom,
    multiply,
    normal_form,
)
from lora_proofs.symbolic.normal_form import product as times
from lora_proofs.symbolic.rewriting import Fit, Rule, rewritten, rule
from lora_proofs.symbolic.steps import Step


def hole(shape: w.Shape) -> Any:
    """What an equation replaces, in its context."""
    return w.Scalar(HOLE) if shape is None else w.Symbol(HOLE, *shape)


def contexts(
    value: NormalForm, given: Sequence[tuple[int, w.Relation]]
) -> list[tuple[int, w.Word]]:
    """The rewrites (line, context) that bring a form to its end under equations."""
    rules = [rule(relation) for _, relation in given]
    found = []
    for coefficient, fit in rewritten(value, rules)[1]:
        line, relation = given[fit.index]
        key = _marked(fit, rules[fit.index], hole(relation.left.shape))
        scale = coefficient / rules[fit.index].scale
        found.append((line, to_word(NormalForm(value.shape, {key: scale}))))
    return found


def _marked(fit: Fit, used: Rule, mark: Any) -> Key:
    """The term of a fit with a mark in the place of the rule."""
    letter = Letter(mark, fit.turned)
    if used.monomial:
        return multiply(fit.monomial, ((mark, 1),)), fit.before
    if fit.traced:
        return multiply(fit.monomial, ((TraceAtom((letter, *fit.after)), 1),)), fit.before
    return fit.monomial, (*fit.before, letter, *fit.after)


def factors(step: Step, number: Mapping[int, int]) -> tuple[list[tuple[int, w.Word]], w.Word]:
    """How the used lines add up: factors beside them, and what is left between the sides."""
    assert step.relation is not None
    left, right = (normal_form(expand(x)) for x in (step.relation.left, step.relation.right))
    given: list[tuple[int, w.Word]] = []
    for used in step.uses:
        if used.relation is not None:
            found, left = _replaced(left, used.relation)
            given += [(number[id(used)], x) for x in found]
    for used in step.uses:
        if used.relation is not None and used.relation.relation == "=":
            found, right = _replaced(right, used.relation)
            given += [(number[id(used)], -x) for x in found]
    return given, to_word(right - left)


def _replaced(value: NormalForm, relation: w.Relation) -> tuple[list[w.Word], NormalForm]:
    """The factors by which right - left of a relation is added to bound its left side, and the sum.

    With a^p <= b^p as (b - a) (b^(p-1) + ... + a^(p-1)).
    """
    left, right = (normal_form(expand(x)) for x in (relation.left, relation.right))
    if len(left.terms) != 1:
        return [w.word(1)], value - left + right
    (((target, _), scale),) = left.terms.items()
    found: list[w.Word] = []
    for (monomial, letters), c in tuple(value.terms.items()):
        powers = dict(monomial)
        most = min((powers.get(a, 0) // e for a, e in target if e > 0), default=0)
        for power in range(1, max(most, 0) + 1):
            rest = multiply(monomial, tuple((a, -power * e) for a, e in target))
            factor = NormalForm(value.shape, {(rest, letters): c / scale**power})
            for _ in range(power - 1):
                factor = times(right, factor)
            found.append(to_word(factor))
            value = value + times(right - left, factor)
    return found, value
