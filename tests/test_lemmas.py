"""The lemmas that may be cited: stated precisely, sourced, and true where they can be tried."""

from __future__ import annotations

from dataclasses import is_dataclass
from fractions import Fraction
from importlib import import_module
from pkgutil import walk_packages

import pytest
from latex2mathml.converter import convert

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.language import lemmas as package
from lora_proofs.language.claim import PAPERS
from lora_proofs.language.lemmas import LEMMAS
from lora_proofs.language.lemmas import calculus as lemmas
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.symbolic.entries import parts


def symbols(*relations):
    sides = [side for r in relations if isinstance(r, w.Relation) for side in (r.left, r.right)]
    return {x for side in sides for x in parts(side) if isinstance(x, w.Scalar | w.Symbol)}


@pytest.mark.parametrize("name", LEMMAS)
def test_a_lemma_is_stated_and_sourced_outside_the_papers_under_test(name):
    lemma = LEMMAS[name]
    assert lemma.name == name and lemma.statement.endswith((".", "$."))
    assert lemma.reference and lemma.hypotheses is not None
    for paper in PAPERS:
        for author in paper.authors.replace(" and ", ",").split(","):
            assert author.strip() not in lemma.reference
        assert paper.identifier not in lemma.reference
    for part in lemma.statement.split("$")[1::2]:
        assert "<math" in convert(part)


@pytest.mark.parametrize("name", LEMMAS)
def test_different_symbols_of_a_lemma_have_different_names(name):
    lemma = LEMMAS[name]
    found = symbols(*lemma.hypotheses.values(), lemma.conclusion)
    assert len({s.name for s in found}) == len(found)


def lemmas_of(value):
    """A lemma itself, or those of a record of one lemma for several shapes."""
    if isinstance(value, lemmas.Lemma):
        return [value]
    record = is_dataclass(value) and not isinstance(value, type)
    return [x for x in vars(value).values() if isinstance(x, lemmas.Lemma)] if record else []


def test_the_list_holds_every_lemma_of_the_modules_once():
    modules = [
        import_module(m.name) for m in walk_packages(package.__path__, f"{package.__name__}.")
    ]
    written = [x for m in modules for value in vars(m).values() for x in lemmas_of(value)]
    assert {x.name for x in written} == set(LEMMAS) == {x.name for x in LEMMAS.values()}
    assert len({id(x) for x in written}) == len(LEMMAS)


def test_gronwall_holds_where_the_recursion_is_an_equation():
    L, C, h, steps = Fraction(3, 2), Fraction(5), Fraction(1, 8), 8
    ball = BallArithmetic(30)
    error = Fraction(0)
    for _ in range(steps):
        error = (1 + h * L) * error + C * h**2
    with ball.working():
        values = {
            lemmas.RATE: L, lemmas.DEFECT: C, lemmas.STEP: h, lemmas.ERROR_NOW: error
        }  # fmt: skip
        lifted = {s: ball.number(v) for s, v in values.items()}
        lifted[lemmas.GROWTH] = ball.exp(ball.number(L * h * steps))
        bound = lemmas.DISCRETE_GRONWALL.conclusion
        assert evaluate(bound.left, lifted, ball) <= evaluate(bound.right, lifted, ball)
        # Without the exponential it would be false.
        lifted[lemmas.GROWTH] = ball.number(1 + L * h * steps)
        assert evaluate(bound.left, lifted, ball) > evaluate(bound.right, lifted, ball)


def test_the_taylor_remainder_is_attained_by_a_parabola():
    # y = Lambda s^2 / 2: the remainder of a step is exactly Lambda h^2 / 2.
    values = {lemmas.LIPSCHITZ_CONSTANT: EXACT.number(6), lemmas.STEP: EXACT.number("1/2")}
    right = evaluate(lemmas.TAYLOR_REMAINDER.conclusion.right, values, EXACT)
    assert right == EXACT.number(6) * EXACT.number("1/8")


def test_the_hyperbolic_identity_holds_for_every_sign_of_m():
    ball = BallArithmetic(30)
    relation = lemmas.HYPERBOLIC.conclusion
    with ball.working():
        t, root = ball.number("3/4"), ball.number("5/3")
        values = {
            lemmas.SQUARE: root**2,
            lemmas.COSH: ball.cosh(root * t),
            lemmas.SINH: ball.sinh(root * t) / root,
        }
        gap = evaluate(relation.left, values, ball) - evaluate(relation.right, values, ball)
        assert gap.contains(0) and gap.rad() < 1e-25
        degenerate = {lemmas.SQUARE: ball.number(0), lemmas.COSH: ball.number(1), lemmas.SINH: t}
        assert evaluate(relation.left, degenerate, ball) == evaluate(
            relation.right, degenerate, ball
        )
