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
    """``monomial`` (a scalar rule) or ``letters`` (a word rule) is replaced by ``value``.

    The equation that it comes from is ``scale`` times that.
    """

    monomial: Monomial
    letters: Letters
    value: NormalForm
    scale: Fraction = Fraction(1)


@dataclass(frozen=True)
class Fit:
    """Where a rule fits in a term: ``key`` is ``monomial`` times ``before`` rule ``after``.

    With ``traced`` the rule, then ``after``, stands in a trace beside the word ``before``. The
    transposed rule fits where ``turned``. A scalar rule leaves the word whole: it is ``before``.
    """

    key: Key
    index: int
    turned: bool
    traced: bool
    monomial: Monomial
    before: Letters
    after: Letters

    def replaced(self, rule: Rule, shape: w.Shape) -> NormalForm:
        """The term with the value of the rule in its place."""
        value = transpose(rule.value) if self.turned else rule.value
        size = value.shape[0] if value.shape else None
        if self.traced:
            square = _between((), value, self.after, (size, size) if size else None)
            word = NormalForm(shape, {(self.monomial, self.before): Fraction(1)})
            return product(trace(square), word)
        if rule.monomial:
            return product(value, NormalForm(shape, {(self.monomial, self.before): Fraction(1)}))
        return _between(self.before, value, self.after, shape).times(Fraction(1), self.monomial)


def _between(head: Letters, value: NormalForm, tail: Letters, shape: w.Shape) -> NormalForm:
    first = NormalForm(value.shape, {(ONE, head): Fraction(1)})
    last = NormalForm(value.shape, {(ONE, tail): Fraction(1)})
    return NormalForm(shape, product(product(first, value), last).terms)


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
    return Rule(monomial, letters, right.times(1 / coefficient), coefficient)


def rewrite(form: NormalForm, rules: Iterable[Rule]) -> NormalForm:
    """The form with the rules applied until none fits; raises where they do not terminate."""
    return rewritten(form, rules)[0]


def rewritten(
    form: NormalForm, rules: Iterable[Rule]
) -> tuple[NormalForm, tuple[tuple[Fraction, Fit], ...]]:
    """As ``rewrite``, with the places where rules fitted and the coefficients of those terms."""
    rules, found = tuple(rules), list[tuple[Fraction, Fit]]()
    for _ in range(MOST_REWRITES):
        fit = _first(form, rules)
        if fit is None:
            return form, tuple(found)
        coefficient = form.terms[fit.key]
        rest = NormalForm(form.shape, {k: c for k, c in form.terms.items() if k != fit.key})
        form = rest + fit.replaced(rules[fit.index], form.shape).times(coefficient)
        found.append((coefficient, fit))
    raise NotUnderstood(
        f"the rewrite rules did not terminate within {MOST_REWRITES} steps; orient them so that "
        "every rule makes its term simpler"
    )


def _first(form: NormalForm, rules: tuple[Rule, ...]) -> Fit | None:
    fits = (
        _in_monomial(key, index, r) if r.monomial else _in_word(key, index, turned, letters)
        for key in form.terms
        for index, r in enumerate(rules)
        for turned, letters in _both_ways(r)
    )
    return next((fit for fit in fits if fit is not None), None)


def _both_ways(r: Rule) -> tuple[tuple[bool, Letters], ...]:
    turned = turn(r.letters)
    here = (False, r.letters)
    return (here,) if turned == r.letters else (here, (True, turned))


def _in_monomial(key: Key, index: int, r: Rule) -> Fit | None:
    monomial, letters = key
    powers = dict(monomial)
    for value, exponent in r.monomial:
        have = powers.get(value, 0)
        if have * exponent <= 0 or abs(have) < abs(exponent):
            return None
    rest = multiply(monomial, tuple((a, -k) for a, k in r.monomial))
    return Fit(key, index, False, False, rest, letters, ())


def _in_word(key: Key, index: int, turned: bool, part: Letters) -> Fit | None:
    monomial, letters = key
    size = len(part)
    for at in range(len(letters) - size + 1):
        if letters[at : at + size] == part:
            head, tail = letters[:at], letters[at + size :]
            return Fit(key, index, turned, False, monomial, head, tail)
    for atom, exponent in monomial:
        if not isinstance(atom, TraceAtom) or exponent < 0:
            continue
        for i in range(len(atom.letters)):
            cycle = atom.letters[i:] + atom.letters[:i]
            if cycle[:size] == part:
                others = multiply(monomial, ((atom, -1),))
                return Fit(key, index, turned, True, others, letters, cycle[size:])
    return None


def reduce(expression: w.Word, given: Iterable[w.Relation] = ()) -> NormalForm:
    """The normal form of any expression under hypotheses, formal derivatives taken first."""
    return rewrite(normal_form(expand(expression)), [rule(relation) for relation in given])


__all__ = ["Fit", "Rule", "collect", "reduce", "rewrite", "rewritten", "rule"]
