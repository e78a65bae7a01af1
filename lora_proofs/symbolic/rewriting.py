"""Hypotheses as rewrite rules: a word, or a monomial of scalars, is replaced by what it equals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import expand
from lora_proofs.symbolic.normal_form import (
    ONE,
    Key,
    Letters,
    Monomial,
    NormalForm,
    TraceAtom,
    collect,
    multiply,
    normal_form,
    product,
    trace,
    transpose,
    turn,
)

MOST_REWRITES = 20_000


@dataclass(frozen=True)
class Rule:
    """``monomial`` (a scalar rule) or ``letters`` (a word rule) is replaced by ``value``."""

    monomial: Monomial
    letters: Letters
    value: NormalForm


def rule(relation: w.Relation) -> Rule:
    """The rule that replaces the left side of an equation, a single term, by its right side.

    Raises ``NotUnderstood`` for an inequality and for a left side of several terms.
    """
    left = normal_form(expand(relation.left))
    right = normal_form(expand(relation.right))
    if relation.relation != "=" or len(left.terms) != 1:
        raise NotUnderstood(
            "a rewrite rule needs an equation whose left side is one term; bring the other terms "
            "to the right"
        )
    ((monomial, letters), coefficient) = next(iter(left.terms.items()))
    if bool(monomial) == bool(letters):
        raise NotUnderstood("a rewrite rule replaces either a word or a monomial of scalars")
    return Rule(monomial, letters, right.times(1 / coefficient))


def rewrite(form: NormalForm, rules: Iterable[Rule]) -> NormalForm:
    """The form with the rules applied until none fits; raises where they do not terminate."""
    rules = [r for rule in rules for r in _both_ways(rule)]
    for _ in range(MOST_REWRITES):
        step = _once(form, rules)
        if step is None:
            return form
        form = step
    raise NotUnderstood(
        f"the rewrite rules did not terminate within {MOST_REWRITES} steps; orient them so that "
        "every rule makes its term simpler"
    )


def _both_ways(r: Rule) -> list[Rule]:
    if not r.letters or turn(r.letters) == r.letters:
        return [r]
    return [r, Rule(ONE, turn(r.letters), transpose(r.value))]


def _once(form: NormalForm, rules: list[Rule]) -> NormalForm | None:
    for key, coefficient in form.terms.items():
        for r in rules:
            value = _apply(key, r, form.shape)
            if value is not None:
                rest = NormalForm(form.shape, {k: c for k, c in form.terms.items() if k != key})
                return rest + value.times(coefficient)
    return None


def _apply(key: Key, r: Rule, shape: w.Shape) -> NormalForm | None:
    monomial, letters = key
    if r.monomial:
        rest = _divide(monomial, r.monomial)
        if rest is None:
            return None
        word = NormalForm(shape, {(rest, letters): Fraction(1)})
        return product(r.value, word)
    at = _find(letters, r.letters)
    if at is not None:
        head = NormalForm(r.value.shape, {(monomial, letters[:at]): Fraction(1)})
        tail = NormalForm(r.value.shape, {(ONE, letters[at + len(r.letters) :]): Fraction(1)})
        terms = product(product(head, r.value), tail).terms
        return NormalForm(shape, terms)
    return _apply_in_traces(monomial, letters, r, shape)


def _apply_in_traces(
    monomial: Monomial, letters: Letters, r: Rule, shape: w.Shape
) -> NormalForm | None:
    for value, exponent in monomial:
        if not isinstance(value, TraceAtom) or exponent < 0:
            continue
        for i in range(len(value.letters)):
            turned = value.letters[i:] + value.letters[:i]
            if turned[: len(r.letters)] != r.letters:
                continue
            tail = NormalForm(r.value.shape, {(ONE, turned[len(r.letters) :]): Fraction(1)})
            size = r.value.shape[0] if r.value.shape else None
            square = NormalForm((size, size) if size else None, product(r.value, tail).terms)
            others = multiply(monomial, ((value, -1),))
            word = NormalForm(shape, {(others, letters): Fraction(1)})
            return product(trace(square), word)
    return None


def _find(letters: Letters, part: Letters) -> int | None:
    for i in range(len(letters) - len(part) + 1):
        if letters[i : i + len(part)] == part:
            return i
    return None


def _divide(monomial: Monomial, part: Monomial) -> Monomial | None:
    powers = dict(monomial)
    for value, exponent in part:
        have = powers.get(value, 0)
        if have * exponent <= 0 or abs(have) < abs(exponent):
            return None
    return multiply(monomial, tuple((a, -k) for a, k in part))


def reduce(expression: w.Word, given: Iterable[w.Relation] = ()) -> NormalForm:
    """The normal form of any expression under hypotheses, formal derivatives taken first."""
    return rewrite(normal_form(expand(expression)), [rule(relation) for relation in given])


__all__ = ["Rule", "collect", "reduce", "rewrite", "rule"]
