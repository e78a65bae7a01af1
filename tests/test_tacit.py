"""What a derivation takes for granted without saying so keeps it open."""

import pytest

from lora_proofs.arithmetic import EXACT
from lora_proofs.errors import BadInput, NotUnderstood
from lora_proofs.language.lemmas import LEMMAS
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.symbolic.derivation import check_derivation, evaluate_lines
from lora_proofs.symbolic.steps import assumed, identity, inequality

A = w.Symbol("A", "n", "n")
s, t = w.Scalar("s"), w.Scalar("t")
size = w.Scalar("u", nonnegative=True)


def found(*steps, assumptions=None):
    last = steps[-1].relation
    return check_derivation(steps, (last,), assumptions or {}, LEMMAS)


def test_a_sign_that_comes_in_through_a_used_step_is_said():
    names = w.Relation(w.Trace(A), "=", size)
    named = assumed("names", names, "it names the trace")
    step = inequality(-w.Trace(A), 0, "", rule="combine", uses=(named,))
    assert any("'u' is taken for nonnegative" in p for p in found(
        named, step, assumptions={"names": ((names,), ())}
    ).problems)  # fmt: skip


def test_symmetry_has_to_be_granted():
    S = w.Symbol("S", "n", "n", symmetric=True)
    step = identity(S.T, S, "")
    assert "'S' is taken for symmetric" in found(step).problems[0]
    granted = {"symmetric": ((w.Relation(S.T, "=", S),), ())}
    assert found(step, assumptions=granted).closed


def test_fixed_dimensions_are_in_the_scope():
    small = w.Symbol("M", 2, 2)
    trace = w.Trace(small + w.Identity(2))
    assert found(identity(trace, w.Trace(small) + 2, "")).scope == (
        "shapes with the fixed dimensions 2"
    )
    assert found(identity(w.Trace(A.T), w.Trace(A), "")).scope == "all shapes"


@pytest.mark.parametrize(
    "divided", [w.Power(size, -1) * size, w.Trace(A @ w.Inverse(A)), size * w.Power(t, -1)]
)
def test_an_inequality_that_divides_is_open(divided):
    step = inequality(divided, divided + 1, "", rule="combine")
    assert any("divides" in p for p in found(step).problems)


def test_a_name_for_two_things_is_reported():
    zero = w.Named("0", w.Trace(A))
    step = identity(w.Trace(A) + 0, zero, "")
    problems = "; ".join(found(step).problems)
    assert "'0' stands for two different things" in problems
    assert "'0' has no letter" in problems
    twice = identity(w.Named("T", s), s, ""), identity(w.Named("T", t), t, "")
    assert "'T' stands for two different things" in found(*twice).problems[0]


def test_derivatives_do_not_nest_silently():
    mixed = w.along(w.along(s * t, {t: w.word(1)}), {s: w.word(1)})
    values = {s: EXACT.number(3), t: EXACT.number(5)}
    with pytest.raises(NotUnderstood, match="derivative inside a derivative"):
        evaluate(mixed, values, EXACT)
    (line,) = evaluate_lines([identity(mixed, 1, "")], values, EXACT)
    assert line.outcome == "holds"
    (line,) = evaluate_lines([identity(mixed, 0, "")], values, EXACT)
    assert line.outcome == "fails"


@pytest.mark.parametrize("size", [True, 0, -2, "", 1.5])
def test_a_dimension_is_a_name_or_a_positive_number(size):
    with pytest.raises(BadInput, match="expected a dimension"):
        w.Identity(size)
