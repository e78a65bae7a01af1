"""Witnesses: the rewrites and the factors by which a line follows, so that nobody has to search.

An equation may be used in any context; a context is an expression with a hole. An inequality may
be used beside a factor that is at least 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from lora_proofs.certificates.trees import HOLE
from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import expand, replace_symbols
from lora_proofs.symbolic.from_normal_form import to_word
from lora_proofs.symbolic.normal_form import (
    Key,
    Letter,
    Letters,
    Monomial,
    NormalForm,
    TraceAtom,
    multiply,
    normal_form,
    turn,
)
from lora_proofs.symbolic.normal_form import product as times
from lora_proofs.symbolic.rewriting import MOST_REWRITES, Rule, rule
from lora_proofs.symbolic.steps import Step


def hole(shape: w.Shape) -> Any:
    """What an equation replaces, in its context."""
    return w.Scalar(HOLE) if shape is None else w.Symbol(HOLE, *shape)


def contexts(value: NormalForm, given: Sequence[tuple[int, w.Relation]]) -> tuple[Any, NormalForm]:
    """The rewrites (line, context) that bring a form to its end under equations, and that end."""
    rules = [(k, r, *_sided(r)) for k, r in given]
    found: list[tuple[int, w.Word]] = []
    while len(found) < MOST_REWRITES:
        step = _next(value, rules)
        if step is None:
            return found, value
        k, relation, context = step
        found.append((k, context))
        for side, sign in ((relation.left, -1), (relation.right, 1)):
            put = replace_symbols(context, {hole(side.shape): expand(side)})
            value = value + normal_form(put).times(Fraction(sign))
    raise NotUnderstood(f"more than {MOST_REWRITES} rewrites")


def _sided(relation: w.Relation) -> tuple[Rule, Fraction, tuple[tuple[Letters, bool], ...]]:
    """The rule of an equation, the coefficient of its left side, and the words it replaces."""
    found = rule(relation)
    (scale,) = normal_form(expand(relation.left)).terms.values()
    turned = turn(found.letters)
    ways = ((found.letters, False), (turned, True))
    return found, scale, ways if turned != found.letters else ways[:1]


def _next(value: NormalForm, rules: list[Any]) -> tuple[int, w.Relation, w.Word] | None:
    """The first place where a rule fits, as the term around it."""
    for (monomial, letters), c in value.terms.items():
        for k, relation, found, scale, ways in rules:
            for part, turned in ways:
                mark = Letter(hole(relation.left.shape), turned)
                key = (
                    _in_monomial(monomial, letters, found.monomial, mark.head)
                    if found.monomial
                    else _in_word(monomial, letters, part, mark)
                )
                if key is not None:
                    around = NormalForm(value.shape, {key: c / scale})
                    return k, relation, to_word(around)
    return None


def _in_monomial(monomial: Monomial, letters: Letters, part: Monomial, mark: Any) -> Key | None:
    powers = dict(monomial)
    if any(powers.get(a, 0) * e <= 0 or abs(powers[a]) < abs(e) for a, e in part):
        return None
    rest = multiply(monomial, tuple((a, -e) for a, e in part))
    return multiply(rest, ((mark, 1),)), letters


def _in_word(monomial: Monomial, letters: Letters, part: Letters, mark: Letter) -> Key | None:
    size = len(part)
    for i in range(len(letters) - size + 1):
        if letters[i : i + size] == part:
            return monomial, (*letters[:i], mark, *letters[i + size :])
    for atom, exponent in monomial:
        if not isinstance(atom, TraceAtom) or exponent < 0:
            continue
        for i in range(len(atom.letters)):
            way = atom.letters[i:] + atom.letters[:i]
            if way[:size] == part:
                around = TraceAtom((mark, *way[size:]))
                return multiply(monomial, ((atom, -1), (around, 1))), letters
    return None


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
