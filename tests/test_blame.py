"""An error of a claim is told as one: its function and line, the fields it met, what helps."""

import functools

import numpy as np
import pytest

from lora_proofs import Control, Instance, at_most, equal, measures, verify
from lora_proofs.errors import ClaimRefused
from lora_proofs.judging.blame import definition, told_fields

X = Instance(B=[[1, 2], [3, 4], [5, 6]], A=[[1, 0, 1], [0, 1, 1]], s="1/2", z=0)


def wrong_name(x, instance, ctx):
    yield at_most("a", x.scale, ctx.number(1))


def wrong_name_of_exact_fields(x, instance, ctx):
    yield at_most("a", instance.scale, ctx.number(1))


def missing_transpose(x, instance, ctx):
    yield equal("a", x.B @ x.B, x.B)


def different_shapes(x, instance, ctx):
    yield equal("a", x.B, x.A)


def float_literal(x, instance, ctx):
    yield at_most("a", 0.99 * x.s, ctx.number(1))


def not_lifted(x, instance, ctx):
    yield at_most("a", instance.s * measures.squared_norm(x.A), ctx.number(1))


def no_yield(x, instance, ctx):
    at_most("a", x.s, ctx.number(1))


def returned(x, instance, ctx):
    return at_most("a", x.s, ctx.number(1))


def returned_bool(x, instance, ctx):
    return x.s <= 1


def yielded_equality(x, instance, ctx):
    yield x.B.mT == x.A


def matrix_against_number(x, instance, ctx):
    yield at_most("a", x.A, ctx.number(1))


def division_by_zero(x, instance, ctx):
    yield at_most("a", 1 / x.z, ctx.number(1))


def numpy_function(x, instance, ctx):
    yield at_most("a", np.linalg.svd(x.A)[1][0], ctx.number(1))


def truth_of_a_matrix(x, instance, ctx):
    yield at_most("a", max(x.A), ctx.number(1))


MISTAKES = {
    wrong_name: ("no field 'scale'; it has B, A, s, z", "fields that stand there"),
    wrong_name_of_exact_fields: ("no field 'scale'; it has B, A, s, z", "fields that stand there"),
    missing_transpose: ("mismatch", "X.mT is the transpose"),
    different_shapes: ("(3, 2) and (2, 3)", "make the shapes fit"),
    float_literal: ("'float'", "ctx.number('99/100')"),
    not_lifted: ("'Fraction'", "instance.lift(ctx)"),
    no_yield: ("without `yield`", "let it `yield`"),
    returned: ("the single comparison 'a', as from `return`", "let it `yield`"),
    returned_bool: ("bool=True", "let it `yield`"),
    yielded_equality: ("`equal` for ==", "let it `yield`"),
    matrix_against_number: ("matrices are compared by '='", "measures.squared_norm"),
    division_by_zero: ("division by zero", "number > 0"),
    numpy_function: ("svd", "lora_proofs.measures"),
    truth_of_a_matrix: ("truth value", "equal(label, X, Y)"),
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda f: f.__name__)
def test_a_mistake_in_a_check_is_told_with_its_place_the_fields_and_what_helps(mistake, template):
    message, hint = MISTAKES[mistake]

    def check(instance, ctx):
        return mistake(X.lift(ctx), X, ctx)

    record = verify(template.variant(check=check), budget="quick").to_dict()
    error = record["error"]
    assert message in error["message"] and hint in error["hint"]
    assert "test_blame.py:" in error["where"]
    assert error["on"] == "x (a number), in exact arithmetic"
    assert error["where"] in record["reasons"][0] and error["on"] in record["reasons"][0]
    assert any(error["where"] in told and hint in told for told in record["settle"])


def test_the_place_is_the_line_that_raised_or_the_function_where_none_did(template):
    def check(instance, ctx):
        yield at_most("a", instance.y, ctx.number(1))

    first = check.__code__.co_firstlineno
    found = verify(template.variant(check=check), budget="quick").to_dict()["error"]
    assert found["where"] == f"{__file__}:{first + 1} in check"
    partial = functools.partial(lambda factor, instance, ctx: None, 2)
    found = verify(template.variant(check=partial), budget="quick").to_dict()["error"]
    assert found["where"] == definition(partial) and __file__ in found["where"]


def test_fields_are_told_with_their_shapes():
    nested = Instance(net=Instance(W=[[1]]), loss="frobenius", h=1)
    assert told_fields(nested) == "net (an instance of W (1 x 1)), loss ('frobenius'), h (a number)"


def test_an_exception_that_keeps_nothing_is_told_all_the_same(template):
    class Closed(Exception):
        @property
        def __dict__(self):
            raise RuntimeError

        def __str__(self):
            raise RuntimeError

    def check(instance, ctx):
        raise Closed

    error = verify(template.variant(check=check), budget="quick").to_dict()["error"]
    assert error["type"] == "Closed" and "test_blame.py" in error["where"] and "on" not in error


# Parts of a claim that are no such part


def test_a_control_may_be_written_with_names_alone(template):
    control = Control(instances=(Instance(x=3),), why="9 is more than 1", check=template.check)
    assert control.drops is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"assumptions": ("positive",)}, "assumptions: expected a tuple of Assumption"),
        ({"controls": Control(why="x", check=len)}, "controls: expected a tuple of Control"),
        ({"controls": (len,)}, "controls: expected a tuple of Control"),
    ],
)
def test_what_is_no_assumption_or_control_is_refused(template, changes, words):
    with pytest.raises(ClaimRefused, match=words):
        template.variant(**changes)


def test_the_name_of_an_assumption_is_no_assumption():
    with pytest.raises(ClaimRefused, match="an Assumption itself, not its name"):
        Control("positive", (Instance(x=-1),), why="x")


def test_a_control_that_survives_names_fields_that_no_draw_has(template):
    def sharper(instance, ctx):
        yield at_most("x", ctx.number(0), ctx.number(1))

    control = Control(None, (Instance(x=1, X=2),), why="a slip", check=sharper)
    (told,) = verify(template.variant(controls=(control,)), budget="quick").to_dict()["controls"]
    assert told["outcome"] == "survived"
    assert "its instances have X, and those that are drawn x" in told["problem"]
