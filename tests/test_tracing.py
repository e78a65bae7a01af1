"""Recording a check as a program: what it computes, what it takes on trust, and no word more."""

import json
import pickle
import re
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
from lora_proofs.arithmetic.comparison import show
from lora_proofs.certificates import tape as tapes
from lora_proofs.certificates import tracing
from lora_proofs.certificates.instances import (
    CONSTANTS,
    DECISIONS,
    constants_in,
    given_in,
    instance_certificate,
)
from lora_proofs.certificates.tape import FROM_OUTSIDE, Tape, Untraceable
from lora_proofs.certificates.traced import traced
from lora_proofs.errors import Unavailable
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
    assert not [line for line in accepted(made) if "given" in line]


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
    ((*_, note),) = (node for node in made["nodes"] if node[0] == "given")
    assert note.startswith(CONSTANTS), "2 <= 2 says nothing of the entries"
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
    whys = [node[3] for node in made["nodes"] if node[0] == "given"]
    assert whys[0] == FROM_OUTSIDE, "-7 is given on either side"
    assert [why.startswith(DECISIONS) for why in whys] == [False, True]
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
        assert found._number == expected, name
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


# --- ways to read a number of the instance --------------------------------------------------------


def first(k_is_it):
    return next(k for k in range(1000) if k_is_it(k))


def by_outcome(x, ctx):
    return first(lambda k: at_most("", x, k).outcome == "holds")


def by_a_matrix(x, ctx):
    return 1 if equal("", np.array([[x]]), ctx.matrix([["7/3"]])).outcome == "holds" else 2


def by_dict(x, ctx):
    return Fraction(re.search(r"\d+/\d+", at_most("", 0, x).to_dict()["right"]).group())


def by_show(x, ctx):
    return Fraction(show(x))


def by_radius(x, ctx):
    return 1 if at_most("", 0, x * 3).radius == 0 else 2


def by_fields(x, ctx):
    return vars(at_most("", 0, x))["slack"]


def by_plain_ball(x, ctx):
    return first(lambda k: not x > flint.arb(k))


def by_ball_of_another(x, ctx):
    return first(lambda k: not x > BallArithmetic(40).number(k))


def by_contains(x, ctx):
    return first((3 * x).contains)


def by_overlaps(x, ctx):
    return first(lambda k: ctx.sqrt(9 * 9 * x * x).overlaps(flint.arb(k)))


def by_is_zero(x, ctx):
    return 1 if (x - x).is_zero() else 2


def by_open_order(x, ctx):
    y = 3 * ctx.sqrt(x) * ctx.sqrt(x)
    return first(lambda k: not y < k and not y > k)


def by_search(x, ctx):
    return Fraction(re.search(r"\d+/\d+", str(x)).group())


def by_repr(x, ctx):
    return Fraction(repr(x)[1:]) if repr(x)[:1] == tapes.MARK else Fraction(str(x))


def by_ascii(x, ctx):
    return Fraction(str(x).encode("ascii", "ignore").decode())


def by_length(x, ctx):
    return len(str(x))


def by_error(x, ctx):
    try:
        return [1][x]
    except TypeError as error:
        found = re.search(r"\d+/\d+", str(error))
        return Fraction(found.group()) if found else float(x)


def by_zero_division(x, ctx):
    try:
        return 1 / (x - ctx.number("7/3"))
    except ZeroDivisionError:
        return 3


def by_no_root(x, ctx):
    try:
        return ctx.sqrt(x)
    except Unavailable:
        return 3


EITHER = [by_outcome, by_plain_ball]
OF_EXACT = [
    by_a_matrix,
    by_dict,
    by_show,
    by_fields,
    by_ball_of_another,
    by_zero_division,
    by_no_root,
]
OF_BALLS = [by_radius, by_contains, by_overlaps, by_is_zero, by_open_order]
OF_ENTRIES = [by_search, by_repr, by_ascii, by_length, by_error]
DOORS = [
    *((door, EXACT) for door in EITHER + OF_EXACT + OF_ENTRIES),
    *((door, BALL) for door in EITHER + OF_BALLS),
]


@pytest.mark.parametrize(
    ("door", "ctx"), DOORS, ids=[f"{door.__name__}-{ctx.name}" for door, ctx in DOORS]
)
def test_no_number_that_is_read_from_the_instance_is_the_claims(door, ctx):
    """The instance's 7/3 is read through a door: what was read is given, or the way is told."""

    def hidden(instance, ctx):
        x = instance.t if door in OF_ENTRIES else ctx.number(instance.t)
        yield at_most("read", ctx.number(door(x, ctx)) + 0 * ctx.number(x), ctx.number(1000))

    def open_to_all(instance, ctx):
        x = instance.t if door in OF_ENTRIES else ctx.number(instance.t)
        yield at_most("read", ctx.number(door(x, ctx)), ctx.number(1000))

    made = certificate_of(hidden, Instance(t="7/3"), ctx)
    assert given_in(made) > 0 or [row[3] for row in made["assumptions"]].count("branch") > 0
    made = certificate_of(open_to_all, Instance(t="7/3"), ctx)
    assert given_in(made) > 0
    assert any(line.startswith("trusted") and "given" in line for line in accepted(made))


@pytest.mark.parametrize("door", [by_outcome, by_plain_ball], ids=lambda d: d.__name__)
def test_what_was_read_stays_on_record_next_to_an_entry(door):
    """A term 0 t hides that the number is none of the entries': the way to it is told."""

    def check(instance, ctx):
        x = ctx.number(instance.t)
        yield at_most("read", ctx.number(door(x, ctx)) + 0 * x, ctx.number(1000))

    made = certificate_of(check, Instance(t="7/3"), BALL)
    facts = [row for row in made["assumptions"] if row[3] == "branch"]
    assert len(facts) == 4, "0, 1 and 2 are below t, and t is below 3"
    with pytest.raises(checker.Invalid):
        accepted(changed(made, lambda c: c["inputs"].update(t=5)))


def test_slack_is_computed_on_record():
    def check(instance, ctx):
        x = ctx.number(instance.t)
        for c in (at_most("", x, 2), at_least("", x, 2), equal("", x, ctx.number(2))):
            yield at_most("slack", c.slack, ctx.number(10))

    made = certificate_of(check)
    assert given_in(made) == 0
    assert all(made["nodes"][row[0]][0] in ("sub", "neg") for row in made["comparisons"])
    accepted(made)


@pytest.mark.parametrize(
    ("make", "t", "fact"),
    [
        (at_most, 1, ["input", "<=", "number"]),
        (at_most, 3, ["number", "<", "input"]),
        (at_least, 2, ["input", ">=", "number"]),
        (at_least, 1, ["input", "<", "number"]),
        (below, 2, ["input", "=", "number"]),
        (equal, 3, ["number", "<", "input"]),
    ],
)
def test_an_outcome_that_a_check_goes_by_is_a_fact_of_the_program(make, t, fact):
    def check(instance, ctx):
        x = ctx.number(instance.t)
        held = make("", x, ctx.number(2)).outcome == "holds"
        yield at_most("either", x, ctx.number(3 if held else 4))

    made = certificate_of(check, Instance(t=t))
    ((a, relation, b, _),) = made["assumptions"]
    assert given_in(made) == 0
    assert [made["nodes"][a][0], relation, made["nodes"][b][0]] == fact
    accepted(made)


def test_a_decision_that_is_taken_outside_is_named():
    def check(instance, ctx):
        x = instance.lift(ctx)
        if float(instance.t) < 1:
            yield at_most("t", x.t, x.r)
        else:
            yield at_most("t", x.r, x.t)

    made = certificate_of(check)
    ((*_, note),) = (node for node in made["nodes"] if node[0] == "given")
    assert note.startswith(DECISIONS) and "float()" in note
    assert any(note in line for line in accepted(made) if line.startswith("trusted"))


def test_comparisons_of_constants_are_named_and_zero_entries_are_not():
    def check(instance, ctx):
        x = instance.lift(ctx)
        zero = ctx.zeros(1, 2)
        yield equal("matrix", np.array([[x.t, zero[0, 0]]]), np.array([[x.t, zero[0, 1]]]))
        yield at_most("constants", ctx.number(1), ctx.number(2))

    def entries_alone(instance, ctx):
        yield next(iter(check(instance, ctx)))

    def zeros_alone(instance, ctx):
        yield equal("matrix", ctx.zeros(1, 2), ctx.zeros(1, 2))

    (note,) = (node[3] for node in certificate_of(check)["nodes"] if node[0] == "given")
    assert note.startswith(CONSTANTS) and note.endswith(": 1")
    assert given_in(certificate_of(entries_alone)) == 0
    assert given_in(certificate_of(zeros_alone)) == 1, "the program reads no entry at all"


def test_constants_that_may_be_computed_are_listed():
    def check(instance, ctx):
        x = ctx.number(instance.t)
        assert x < 10**9, "a number that entries are held against is in a fact of its own"
        yield at_most("t", x * ctx.number("1/3") + ctx.number("87/1234"), ctx.number(10**6))

    assert constants_in(certificate_of(check)) == ["87/1234", "1000000"]


def test_copies_of_an_entry_are_the_entry():
    def check(instance, ctx):
        yield at_most("t", ctx.number(deepcopy(instance.t)), 1)
        yield at_most("copy", ctx.number(pickle.loads(pickle.dumps(instance.t))), 1)

    assert run_of(check).tape.keeps
    made = certificate_of(check)
    (first_one, _, _, _), (second, _, _, _) = made["comparisons"]
    assert (made["nodes"][first_one][0], made["nodes"][second][0]) == ("input", "given")


def test_a_number_of_a_run_that_keeps_nothing_is_copied_too():
    entry = tracing.recorded(Instance(t="7/3"), Tape(False)).t
    assert deepcopy(entry).name == "t"
    copy = pickle.loads(pickle.dumps(entry))
    assert copy == Fraction(7, 3) and type(copy) is Fraction


def test_a_comparison_with_a_float_is_not_answered_otherwise_than_in_the_plain_run():
    said = []

    def check(instance, ctx):
        said.append(instance.t == 0.75)
        yield at_most("t", ctx.number(instance.t), ctx.number(1))

    run = run_of(check)
    assert not run.tape.keeps, "a rational of FLINT is never equal to a float, a Fraction may be"
    assert run.left and said == [True, True]


@pytest.mark.parametrize(
    ("asked", "is_open"),
    [
        (lambda y: y < 7, True),
        (lambda y: y == 7, True),
        (lambda y: y != 7, True),
        (lambda y: y < 8, False),
        (lambda y: y == 8, False),
        (lambda y: y.is_finite(), False),
    ],
)
def test_an_order_that_balls_leave_open_decides_nothing_on_record(asked, is_open):
    """y = 7 in real numbers; no fact about y and 7 can be shown by a ball around 7."""

    def check(instance, ctx):
        x = ctx.number(instance.t)
        asked(3 * ctx.sqrt(x) * ctx.sqrt(x))
        yield at_most("t", x, ctx.number(10))

    run = run_of(check, Instance(t="7/3"), BALL)
    assert ("interval only" in run.left) == is_open


def test_an_outcome_that_is_open_is_named():
    def check(instance, ctx):
        x = ctx.number(instance.t)
        seen = equal("", 3 * ctx.sqrt(x) * ctx.sqrt(x), ctx.number(7)).outcome
        assert seen == "undecided"
        yield at_most("t", x, ctx.number(10))

    assert "undecided" in run_of(check, Instance(t="7/3"), BALL).left


def test_at_most_does_not_tell_less():
    """Of balls that touch, <= is sure and < is open."""
    tape = Tape(True)
    ball = flint.arb(0.5, 0.5)
    x, end = traced(tape, tape.given(ball)), ball.upper()
    assert bool(x <= end) and not bool(x > end)
    assert [relation for _, relation, _ in tape.branches] == ["<="] and not tape.left
    assert not bool(x < end)
    assert "interval only" in tape.left
