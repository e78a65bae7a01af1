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
    Letters,
    Monomial,
    normal_form,
)
from lora_proofs.symbolic.rewriting import Fit, rewritten, rule


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
    rules = [rule(g) for g in given]
    left, uses = rewritten(normal_form(expand(relation.left)), rules)
    right, more = rewritten(normal_form(expand(relation.right)), rules)
    if not square_norms(left - right).is_zero:
        raise NotUnderstood("its hypotheses do not close it")
    return (
        *(_use(symbols, fit, c / rules[fit.index].scale) for c, fit in uses),
        *(_use(symbols, fit, -c / rules[fit.index].scale) for c, fit in more),
    )


def _use(symbols: Symbols, fit: Fit, scale: Fraction) -> Use:
    """A rewriting step as a multiple of the equation it used."""
    factors = [number(scale), _monomial(symbols, fit.monomial)]
    before, after = _word(symbols, fit.before), _word(symbols, fit.after)
    if fit.traced:  # what stands beside the trace is a factor of it
        factors, before = [*factors, before], number(1)
    return Use(fit.index, fit.turned, fit.traced, times(*factors), before, after)


def _monomial(symbols: Symbols, monomial: Monomial) -> Node:
    def power(atom: Any, exponent: int) -> w.Word:
        return atom_word(atom) if exponent == 1 else w.Power(atom_word(atom), exponent)

    return times(*(symbols.node(power(a, k)) for a, k in monomial))


def _word(symbols: Symbols, letters: Letters) -> Node:
    return times(*(symbols.node(letter_word(x)) for x in letters))
