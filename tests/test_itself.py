"""Comparisons of an expression with itself are told apart, and no others are."""

import ast

import pytest

from lora_proofs import Instance
from lora_proofs.arithmetic import EXACT, at_most, equal
from lora_proofs.judging.itself import Itself, texts_in, texts_of


def found(code, **names):
    return texts_in(ast.parse("def check(instance, ctx):\n    " + code), names)


@pytest.mark.parametrize(
    "code",
    [
        "yield equal('X', x.X, x.X)",
        "yield arithmetic.at_most('X', f(x) + 1, f(x)+1)",
        "a = f(x)\n    b = f(x)\n    yield equal('X', a, b)",
        "a, b = f(x), x\n    yield equal('X', a, f(b))",
    ],
)
def test_one_text_on_both_sides_is_found_whatever_it_is_called(code):
    assert found(code) == ("X",)


@pytest.mark.parametrize(
    "code",
    [
        "yield equal('X', x.X, x.Y)",
        "yield equal('X', next(x), next(x))",
        "a = f(x)\n    b = f(x)\n    b = g(b)\n    yield equal('X', a, b)",
        "for a in x:\n        yield equal('X', a, f(x))",
        "yield other('X', x, x)",
    ],
)
def test_two_texts_are_two(code):
    assert found(code) == ()


def test_labels_that_are_named_or_made_are_found():
    assert found("yield equal(NAME, x, x)", NAME="||X||") == (r"\|\|X\|\|",)
    assert found("yield equal(f'X, step {k}', x, x)") == (r"X,\ step\ .*",)
    assert found("yield equal(f'{k}', x, x)") == found("yield equal(named(k), x, x)") == ()


def test_one_object_for_all_sides_counts_and_for_some_does_not():
    x, y = EXACT.number(2), EXACT.number(2)
    alone, beside = Itself(), Itself()
    alone.look([at_most("always", x, x), equal("also", y, y), equal("measured: beside", x, y)])
    beside.look([at_most("always", x, x), equal("never", x, y)])
    assert alone.labels(()) == ["also", "always"]
    assert beside.labels(()) == []
    assert beside.labels(("alw.*",)) == ["always"]
    assert beside.labels(("alway", "never")) == ["always", "never"]
    alone.look([at_most("always", x, y)])
    assert alone.labels(()) == []


def test_a_check_without_a_text_says_nothing():
    scope = {}
    exec("def check(instance, ctx):\n    yield 1", scope)
    assert texts_of(scope["check"]) == ()
    assert Instance(x=1).x == 1


def test_verify_names_it(lora_proofs, claim_file):
    code = """
from lora_proofs import equal

def same(instance, ctx):
    x = ctx.number(instance.x)
    yield equal("x", x * x, x * x)
    yield equal("square", (x + 1) ** 2, x * x + 2 * x + 1)

claim = variant("same", check=same)
"""
    path = f"{claim_file(code)}::tests/same"
    text = lora_proofs("verify", path, "--budget", "quick", "--jobs", "1").stdout
    assert "'x': the check compares an expression with itself" in text
    assert "'square'" not in text
