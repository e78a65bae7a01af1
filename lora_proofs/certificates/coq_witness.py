"""How hypotheses close a line: left - right as a sum of multiples of their own differences.

The normal form finds the multiples, one for each rewriting step. Coq adds them up by itself, so
a wrong one proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lora_proofs.certificates.coq_terms import Node, Symbols, number, times
from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.differential import expand
from lora_proofs.symbolic.from_normal_form import atom_word, letter_word
from lora_proofs.symbolic.inequalities import square_norms
from lora_proofs.symbolic.normal_form import (
    ONE,
    Key,
    Letters,
    Monomial,
    NormalForm,
    TraceAtom,
    multiply,
    normal_form,
    product,
    trace,
    transpose,
    turn,
)
from lora_proofs.symbolic.rewriting import MOST_REWRITES, rule


@dataclass(frozen=True)
class _Rule:
    """A hypothesis c * target = c * value, as it stands or transposed."""

    index: int
    turned: bool
    content: Fraction
    monomial: Monomial
    letters: Letters
    value: NormalForm


@dataclass(frozen=True)
class Use:
    """``scale * (before (left - right) after)`` of one hypothesis, transposed or in a trace."""

    index: int
    turned: bool
    traced: bool
    scale: Node
    before: Node
    after: Node

    def __str__(self) -> str:
        flags = " ".join("true" if x else "false" for x in (self.turned, self.traced))
        return f"Use {self.index} {flags} {self.scale} {self.before} {self.after}"


def witness(symbols: Symbols, relation: w.Relation, given: Sequence[w.Relation]) -> tuple[Use, ...]:
    """The uses of ``given`` that add up to left - right.

    Raises ``NotUnderstood`` where rewriting does not close the line.
    """
    rules = [r for i, g in enumerate(given) for r in _rules(i, g)]
    left, uses = _reduced(symbols, relation.left, rules, Fraction(1))
    right, more = _reduced(symbols, relation.right, rules, Fraction(-1))
    if not square_norms(left - right).is_zero:
        raise NotUnderstood("its hypotheses do not close it")
    return (*uses, *more)


def _rules(index: int, relation: w.Relation) -> list[_Rule]:
    r = rule(relation)
    content = next(iter(normal_form(expand(relation.left)).terms.values()))
    here = _Rule(index, False, content, r.monomial, r.letters, r.value)
    if not r.letters or turn(r.letters) == r.letters:
        return [here]
    return [here, _Rule(index, True, content, ONE, turn(r.letters), transpose(r.value))]


def _reduced(
    symbols: Symbols, side: w.Word, rules: list[_Rule], sign: Fraction
) -> tuple[NormalForm, list[Use]]:
    """A side rewritten until no rule fits, and what each step used."""
    form = normal_form(expand(side))
    uses: list[Use] = []
    for _ in range(MOST_REWRITES):
        step = _step(symbols, form, rules, sign)
        if step is None:
            return form, uses
        form, use = step
        uses.append(use)
    raise NotUnderstood("its rewriting does not end")


def _step(
    symbols: Symbols, form: NormalForm, rules: list[_Rule], sign: Fraction
) -> tuple[NormalForm, Use] | None:
    for key, coefficient in form.terms.items():
        for r in rules:
            found = _applied(symbols, key, r, form.shape, sign * coefficient / r.content)
            if found is not None:
                value, use = found
                rest = NormalForm(form.shape, {k: c for k, c in form.terms.items() if k != key})
                return rest + value.times(coefficient), use
    return None


def _applied(
    symbols: Symbols, key: Key, r: _Rule, shape: w.Shape, scale: Fraction
) -> tuple[NormalForm, Use] | None:
    monomial, letters = key
    if r.monomial:
        return _in_monomial(symbols, monomial, letters, r, shape, scale)
    for at in range(len(letters) - len(r.letters) + 1):
        if letters[at : at + len(r.letters)] == r.letters:
            head, tail = letters[:at], letters[at + len(r.letters) :]
            value = _between(head, r.value, tail, shape).times(Fraction(1), monomial)
            by = times(number(scale), _monomial(symbols, monomial))
            use = Use(r.index, r.turned, False, by, _word(symbols, head), _word(symbols, tail))
            return value, use
    return _in_trace(symbols, monomial, letters, r, shape, scale)


def _in_monomial(
    symbols: Symbols, m: Monomial, letters: Letters, r: _Rule, shape: w.Shape, scale: Fraction
) -> tuple[NormalForm, Use] | None:
    powers = dict(m)
    for value, exponent in r.monomial:
        have = powers.get(value, 0)
        if have * exponent <= 0 or abs(have) < abs(exponent):
            return None
    rest = multiply(m, tuple((a, -k) for a, k in r.monomial))
    word = NormalForm(shape, {(rest, letters): Fraction(1)})
    by = times(number(scale), _monomial(symbols, rest))
    use = Use(r.index, False, False, by, number(1), _word(symbols, letters))
    return product(r.value, word), use


def _in_trace(
    symbols: Symbols, m: Monomial, letters: Letters, r: _Rule, shape: w.Shape, scale: Fraction
) -> tuple[NormalForm, Use] | None:
    for atom, exponent in m:
        if not isinstance(atom, TraceAtom) or exponent < 0:
            continue
        for i in range(len(atom.letters)):
            cycle = atom.letters[i:] + atom.letters[:i]
            if cycle[: len(r.letters)] != r.letters:
                continue
            tail = cycle[len(r.letters) :]
            size = r.value.shape[0] if r.value.shape else None
            square = _between((), r.value, tail, (size, size) if size else None)
            others = multiply(m, ((atom, -1),))
            word = NormalForm(shape, {(others, letters): Fraction(1)})
            by = times(number(scale), _monomial(symbols, others), _word(symbols, letters))
            use = Use(r.index, r.turned, True, by, number(1), _word(symbols, tail))
            return product(trace(square), word), use
    return None


def _between(head: Letters, value: NormalForm, tail: Letters, shape: w.Shape) -> NormalForm:
    first = NormalForm(value.shape, {(ONE, head): Fraction(1)})
    last = NormalForm(value.shape, {(ONE, tail): Fraction(1)})
    return NormalForm(shape, product(product(first, value), last).terms)


def _monomial(symbols: Symbols, monomial: Monomial) -> Node:
    def power(atom: Any, exponent: int) -> w.Word:
        return atom_word(atom) if exponent == 1 else w.Power(atom_word(atom), exponent)

    return times(*(symbols.node(power(a, k)) for a, k in monomial))


def _word(symbols: Symbols, letters: Letters) -> Node:
    return times(*(symbols.node(letter_word(x)) for x in letters))
