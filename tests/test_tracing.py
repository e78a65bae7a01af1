"""Recording a check as a program: what it computes, what it takes on trust, and no word more."""

import json
from copy import deepcopy
from fractions import Fraction
from functools import lru_cache

import flint
import numpy as np
import pytest

from lora_proofs import checker
from lora_proofs.arithmetic import (
    EXACT,
    BallArithmetic,
    at_least,
    at_most,
    below,
    equal,
    squared_norm,
    trace,
)
from lora_proofs.certificates import tape as tapes
from lora_proofs.certificates import tracing
from lora_proofs.certificates.instances import given_in, instance_certificate
from lora_proofs.certificates.tape import Tape, Untraceable
from lora_proofs.certificates.traced import traced
from lora_proofs.mathematics.instance import Instance

BALL = BallArithmetic(30)
START = Instance(W=[[1, "1/2"], [3, -2]], t="3/4", r=2)


def run_of(check, instance=START, ctx=EXACT):
    """The check recorded after it was run plainly."""
    with ctx.working():
        told = tuple(check(instance, ctx))
    return tracing.trace(check, instance, ctx, told)


def certificate_of(check, instance=START, ctx=EXACT, outcome="holds", assumptions=(), bits=128):
    granted = {name: run_of(holds, instance, ctx) for name, holds in assumptions}
    run = run_of(check, instance, ctx)
    return instance_certificate("tests/x", "a test", instance, granted, run, outcome, bits)


def accepted(made):
    return checker.check(json.loads(json.dumps(made)))


def changed(made, change):
    """A certificate after a change, with a digest that fits again."""
    other = deepcopy(made)
    change(other)
    other["digest"] = checker.digest_of(other)
    return json.loads(json.dumps(other))


def gram(instance, ctx):
    z = instance.lift(ctx)
    yield equal("tr W'W", trace(z.W.mT @ z.W), squared_norm(z.W))
    yield at_most("t ||W||^2", z.t * squared_norm(z.W), squared_norm(z.W))
    yield below("rank below 3", EXACT.rank(EXACT.matrix(instance.W)), 3)
    yield equal("W W^-1", z.W @ ctx.inverse(z.W), ctx.identity(2))


def transcendental(instance, ctx):
    z = instance.lift(ctx)
    yield at_least("e^t against 1 + t", ctx.exp(z.t), 1 + z.t)
    yield at_most("||W||_2 against ||W||", ctx.operator_norm(z.W), ctx.frobenius_norm(z.W))
    yield below("cosh - sinh", ctx.cosh(z.t) - ctx.sinh(z.t), ctx.tanh(z.t) + ctx.log(z.t) + 1)


@pytest.mark.parametrize(("check", "ctx"), [(gram, EXACT), (transcendental, BALL)])
def test_a_recorded_check_is_accepted_and_takes_nothing_on_trust(check, ctx):
    made = certificate_of(check, ctx=ctx)
    assert given_in(made) == 0
    assert not [line for line in accepted(made) if line.startswith("trusted")]


def test_too_few_bits_leave_a_comparison_open():
    def close(instance, ctx):
        z = instance.lift(ctx)
        yield below("e^t", ctx.exp(z.t), ctx.number("2117000017/1000000000"))

    accepted(certificate_of(close, ctx=BALL))
    with pytest.raises(checker.Invalid, match="undecided"):
        accepted(certificate_of(close, ctx=BALL, bits=8))


def test_the_inputs_of_the_program_are_the_entries_of_the_instance():
    made = certificate_of(gram)
    used = {tuple(node[1:]) for node in made["nodes"] if node[0] == "input"}
    assert used == {("t", 0, 0), *(("W", i, j) for i in range(2) for j in range(2))}
    assert made["inputs"] == {"t": "3/4", "W": [[1, "1/2"], [3, -2]]}


def test_a_scalar_product_is_one_node_and_nothing_unused_stays():
    def check(instance, ctx):
        z = instance.lift(ctx)
        unused = z.t / 7
        assert unused != 0
        yield at_most("x'x", squared_norm(z.W), 100)

    made = certificate_of(check)
    kinds = [node[0] for node in made["nodes"]]
    assert "dot" in kinds and "mul" not in kinds
    facts = [tuple(made["nodes"][k][0] for k in (a, b)) for a, _, b, _ in made["assumptions"]]
    assert facts == [("number", "div")], "the branch on t/7 is on record, as a fact to check"
    accepted(made)


def one_bound(instance, ctx):
    z = instance.lift(ctx)
    yield at_most("bound", 8 * z.t, 2 * z.W[1, 0])


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["inputs"].update(t="4/5"),
        lambda c: c["inputs"]["W"][1].__setitem__(0, "29/10"),
        lambda c: (
            c["nodes"].__setitem__(0, ["number", -9])
            if c["nodes"][0][0] == "number"
            else c["nodes"].__setitem__(1, ["number", 9])
        ),
        lambda c: c["comparisons"][0].__setitem__(1, "<"),
        lambda c: c["comparisons"][0].__setitem__(0, len(c["nodes"])),
        lambda c: c["comparisons"][0].__setitem__(1, ">"),
        lambda c: c.update(outcome="fails"),
        lambda c: c.update(comparisons=[]),
    ],
)
def test_a_change_that_makes_it_false_is_rejected(change):
    made = certificate_of(one_bound)
    accepted(made)
    with pytest.raises((checker.Invalid, checker.Malformed)):
        accepted(changed(made, change))


def test_a_counterexample_asserts_the_failing_comparisons_and_the_assumptions():
    def wrong(instance, ctx):
        z = instance.lift(ctx)
        yield at_most("holds", z.t, 1)
        yield equal("W", z.W, ctx.matrix([[1, "1/2"], [3, 2]]))

    def positive(instance, ctx):
        yield below("0 < t", 0, ctx.number(instance.t))

    made = certificate_of(wrong, outcome="fails", assumptions=[("positive", positive)])
    assert [row[3] for row in made["comparisons"]] == ["W[2][2]"]
    assert [row[3] for row in made["assumptions"]] == ["positive: 0 < t"]
    accepted(made)
    with pytest.raises(checker.Invalid):
        accepted(changed(made, lambda c: c["inputs"].update(t=-1)))


def _below(made, k):
    return [made["nodes"][a][0] for a in made["nodes"][k][1:] if isinstance(a, int)]


def computed_elsewhere(instance, ctx):
    rows = [[flint.fmpq(x.numerator, x.denominator) for x in row] for row in instance.W]
    yield equal("determinant", flint.fmpq_mat(rows).det(), ctx.number("-7/2"))


def by_float(instance, ctx):
    yield at_most("a float", 1 if float(instance.t) < 1 else 2, ctx.number(instance.r))


def by_an_entry(instance, ctx):
    yield at_most("entry as a plain number", int(instance.W[1][0]) - 1, ctx.number(instance.r))


def by_text(instance, ctx):
    p, q = instance.t.as_integer_ratio()
    yield equal("t in pieces", flint.fmpq(p, q) - flint.fmpq(1, 4), ctx.number("1/2"))


def by_reading(instance, ctx):
    yield at_most(f"t = {instance.t}", EXACT.number(str(instance.t)), ctx.number(1))


def test_a_number_cannot_leave_as_a_text():
    run = run_of(by_reading)
    assert not run.tape.keeps, "the text of a recorded number is none that can be read"
    assert run.compared[0][3] == "t = 3/4"


@pytest.mark.parametrize("dishonest", [computed_elsewhere, by_float, by_an_entry, by_text])
def test_a_constant_that_was_computed_elsewhere_is_given_and_never_the_claims(dishonest):
    made = certificate_of(dishonest)
    ((left, _, right, _),) = made["comparisons"]
    assert "given" in (made["nodes"][left][0], made["nodes"][right][0], *_below(made, left))
    assert "number" not in (made["nodes"][left][0], made["nodes"][right][0])
    assert any(line.startswith("trusted") for line in accepted(made))


def test_a_ball_that_enters_is_given_with_all_of_its_width():
    def check(instance, ctx):
        wide = flint.arb(1, 0.25)
        yield at_most("t against a ball", ctx.number(instance.t) - 1, wide)

    made = certificate_of(check, ctx=BALL)
    ((_, lower, upper, _),) = (node for node in made["nodes"] if node[0] == "given")
    assert checker.number(lower) <= checker.number("3/4")
    assert checker.number(upper) >= checker.number("5/4")


def test_a_size_may_be_a_plain_number_and_the_program_says_which():
    def check(instance, ctx):
        rank = EXACT.rank(EXACT.matrix(instance.W))
        columns = ctx.matrix(instance.W)[:, :rank]
        yield at_most("columns", columns.shape[1], int(instance.r))

    made = certificate_of(check)
    assert given_in(made) == 0
    facts = [(made["nodes"][a][0], rel, made["nodes"][b]) for a, rel, b, _ in made["assumptions"]]
    assert ("rank", "=", ["number", 2]) in facts
    assert ("input", "=", ["number", 2]) in facts
    with pytest.raises(checker.Invalid):
        accepted(changed(made, lambda c: c["inputs"].update(r=3)))


def test_what_was_kept_of_a_plain_run_is_not_found_by_the_recorded_one():
    @lru_cache(maxsize=8)
    def square(instance):
        return EXACT.number(instance.t) * EXACT.number(instance.t)

    def check(instance, ctx):
        yield at_most("t^2", square(instance), 1)

    made = certificate_of(check)
    assert given_in(made) == 0
    assert ["mul", 0, 0] in made["nodes"]


def test_a_check_that_behaves_otherwise_when_recorded_is_not_followed():
    def check(instance, ctx):
        plain = type(instance.t).__name__ == "Fraction"
        yield at_most("t", ctx.number(instance.t), ctx.number(1 if plain else 2))

    with pytest.raises(Untraceable, match="something else"):
        run_of(check)


def test_an_error_bound_that_a_check_states_is_not_passed_over():
    def check(instance, ctx):
        yield at_most("t", ctx.number(instance.t), 1, radius=Fraction(1, 10))

    with pytest.raises(Untraceable, match="error bound"):
        run_of(check)


def test_what_cannot_be_followed_falls_back_to_the_checks_own_arithmetic():
    def check(instance, ctx):
        det = flint.fmpq_mat([[EXACT.number(x) for x in row] for row in instance.W]).det()
        yield equal("determinant", 2 * det, ctx.number(instance.W[0][0]) * ctx.number(-7))

    run = run_of(check)
    assert not run.tape.keeps
    made = certificate_of(check)
    assert [node[0] for node in made["nodes"]].count("input") == 1
    assert given_in(made) == 1, "-7 is given on either side"
    assert [made["nodes"][k][0] for k in made["comparisons"][0][::2]] == ["given", "mul"]


def test_a_program_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(tapes, "MOST_NODES", 5)
    with pytest.raises(Untraceable, match="more than 5 operations"):
        run_of(gram)


def test_numbers_of_two_instances_do_not_meet():
    one, other = (traced(t, t.put(("input", "x"), flint.fmpq(2))) for t in (Tape(True), Tape(True)))
    with pytest.raises(Untraceable, match="another instance"):
        one + other


def test_operators_give_what_the_plain_numbers_give():
    tape = Tape(True)
    x = traced(tape, tape.put(("input", "x"), flint.fmpq(3, 2)))
    plain = flint.fmpq(3, 2)
    cases = {
        "2 - x": (2 - x, 2 - plain),
        "2 / x": (2 / x, 2 / plain),
        "x ** 3": (x**3, plain**3),
        "x ** -1": (x**-1, 1 / plain),
        "-x": (-x, -plain),
        "abs": (abs(-x), plain),
        "sum": (sum([x, x]), 2 * plain),
        "array": ((np.array([x, x]) @ np.array([plain, x])), 2 * plain * plain),
    }
    for name, (found, expected) in cases.items():
        assert found.value == expected, name
    assert (x < 2, x >= 2, x == plain, x != plain) == (True, False, True, False)
    assert x + 0 is x and 1 * x is x and float(x) == 1.5
    assert tape.left == "float()"


def test_a_product_that_is_used_twice_stays_a_product():
    def check(instance, ctx):
        z = instance.lift(ctx)
        square, other = z.t * z.t, z.W[0, 0] * z.W[1, 0]
        yield at_most("sum of products", square + other, 4)
        yield at_most("one of them", square, 1)

    made = certificate_of(check)
    assert [node[0] for node in made["nodes"]].count("mul") == 2
    accepted(made)
