"""A derivation is only as good as its worst step: each kind of fault comes back as itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lora_proofs.arithmetic import EXACT
from lora_proofs.errors import ClaimRefused, Contradiction
from lora_proofs.language.lemmas import LEMMAS
from lora_proofs.language.lemmas.calculus import (
    COSH,
    ELAPSED,
    HYPERBOLIC,
    LATER,
    LATER_VELOCITY,
    MEAN_VALUE,
    POINT,
    SPEED,
    UNIQUENESS,
)
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.notation import HALF, A, B, G, W, f
from lora_proofs.symbolic import entries
from lora_proofs.symbolic.derivation import check_derivation, evaluate_lines
from lora_proofs.symbolic.steps import (
    Lemma,
    Step,
    assumed,
    cited,
    identity,
    inequality,
    instantiate,
    prose,
)

X, Y = w.Symbol("X", "n", "m"), w.Symbol("Y", "n", "m")
P = w.Symbol("P", "n", "n")
S = w.Symbol("S", "n", "n", symmetric=True)
a, b = w.Scalar("a", nonnegative=True), w.Scalar("b", nonnegative=True)
z = w.Scalar("z")
SIGNS = tuple(w.Relation(w.word(0), "<=", s) for s in (a, b))
BOUND = w.Relation(w.Norm("F", (X,)), "<=", a)
A2, VA = w.Symbol("A2", "r", "m"), w.Symbol("VA", "r", "m")
B2, VB = w.Symbol("B2", "n", "r"), w.Symbol("VB", "n", "r")
FAST = w.Relation(w.Norm("F", (VA, VB)), "<=", a + b)
FASTER = w.Relation(w.Norm("F", (VA, VB)), "<=", a + 2 * b)
GRANTED = {
    "signs": (SIGNS, ()),
    "bounded": ((BOUND,), (X,)),
    "regular": ((), ()),
    "fast": ((FAST, FASTER), ()),
}


def check(*steps, conclusion=None, assumptions=GRANTED, lemmas=LEMMAS):
    last = steps[-1].relation
    return check_derivation(steps, conclusion or ((last,) if last else ()), assumptions, lemmas)


def problem(*steps, **options):
    """What is wrong with the last step; nothing else may be."""
    found = check(*steps, **options)
    assert not found.closed
    return found.lines[-1].problem


def test_a_right_derivation_is_closed_and_says_how_each_line_was_checked():
    steps = (
        identity(w.Gradient(f(W), A), B.T @ G, "chain rule", label="in A"),
        inequality(a * b, a * b + a, "more", rule="combine"),
        identity(w.Gradient(f(W), B), G @ A.T, "chain rule", label="in B"),
    )
    found = check(*steps, conclusion=(steps[2].relation,))
    assert found.closed and found.scope == "all shapes" and not found.problems
    assert found.lines[0].checked_by == ("normal form", "explicit entries")
    assert found.lines[1].checked_by == ("rule: combine",)
    assert found.engines == ("normal form", "explicit entries", "inequality rules")


def test_a_derivation_that_ends_elsewhere_is_refused():
    step = identity(z, z, "")
    for other in (w.Relation(z, "=", 2 * z), w.Relation(z, "<=", z), w.Relation(X, "=", X)):
        with pytest.raises(ClaimRefused, match="does not end in the conclusion"):
            check(step, conclusion=(other,))
    middle = w.Relation(w.word(1), "=", w.word(1))
    with pytest.raises(ClaimRefused, match="does not end"):
        check(identity(w.word(1), 1, ""), step, conclusion=(middle,))
    with pytest.raises(ClaimRefused, match="nothing"):
        check(prose("clear"), conclusion=(middle,))


def test_a_step_may_use_only_what_was_listed_before_it():
    first = inequality(a, a + b, "first", rule="combine")
    second = inequality(a, a + b, "second", rule="combine", uses=(first,))
    assert check(first, second).closed
    with pytest.raises(ClaimRefused, match="does not come before it"):
        check(second, first, conclusion=(first.relation,))
    with pytest.raises(ClaimRefused, match="'first'"):
        check(second)
    # An equal step that was written again is another step.
    with pytest.raises(ClaimRefused, match="does not come before it"):
        check(replace(first), second)


def test_a_wrong_identity_is_named_with_a_counterexample():
    said = problem(identity(P @ P.T, P.T @ P, ""))
    assert said.startswith("not an identity: ") and "P = " in said


def test_an_identity_that_one_engine_cannot_decide_is_not_closed():
    said = problem(identity(w.Trace(w.Inverse(P) @ P), w.Size("n"), ""))
    assert said.startswith("only one engine could decide it")


def test_engines_that_disagree_are_a_contradiction(monkeypatch):
    monkeypatch.setattr(entries, "agree", lambda *arguments: False)
    with pytest.raises(Contradiction, match="disagree"):
        check(identity(z, z, ""))


def test_a_hypothesis_that_division_leaves_open_is_no_contradiction(monkeypatch):
    q = w.Symbol("Q", "r", "r")
    given = assumed("turn", w.Relation(q.T @ q, "=", w.Identity("r")), "")
    step = identity(w.squared_norm(q @ A), w.squared_norm(A), "", given=(given,))
    found = check(given, step, assumptions={"turn": ((given.pattern,), ())})
    assert found.closed or found.lines[-1].problem.startswith("only one engine")


def test_prose_keeps_a_derivation_open():
    step = identity(z, z, "")
    found = check(prose("and so on"), step)
    assert not found.closed and found.prose == ("and so on",)
    assert not found.lines[0].ok


def test_only_listed_lemmas_can_be_cited():
    own = Lemma("my theorem", "it holds", "this paper", {}, w.Relation(w.word(1), "=", w.word(0)))
    altered = replace(HYPERBOLIC, conclusion=w.Relation(COSH, "=", w.word(1)))
    for lemma in (own, altered, replace(HYPERBOLIC)):
        with pytest.raises(ClaimRefused, match="not on the list"):
            check(cited(lemma, ""))
    with pytest.raises(ClaimRefused, match="expected a kind"):
        Step("theorem", own.conclusion, "", "lemma", lemma=own)


def mean_value(**changes):
    """The mean value inequality between two points, with all that it needs."""
    speed = assumed("fast", FAST, "speed")
    points = zip((*POINT, *LATER, *LATER_VELOCITY), (A, B, A2, B2, VA, VB), strict=True)
    values = {**dict(points), SPEED: a + b, ELAPSED: b}
    discharge = {"speed": speed, "solution": "regular"}
    options = {"substitution": values, "discharged_by": discharge}
    for name, change in changes.items():
        options[name] = {**options[name], **change}
    return speed, cited(MEAN_VALUE, "mean value", **options)


def test_a_lemma_forms_its_own_distance_from_its_points():
    _, step = mean_value()
    assert step.relation.left == w.Norm("F", (A2 - A, B2 - B))


def test_a_lemma_with_every_hypothesis_closed_holds():
    found = check(*mean_value())
    assert found.closed and found.cites == (MEAN_VALUE.name,)


def test_a_reader_sees_which_assumption_closed_which_sentence():
    steps = mean_value()
    sentence = MEAN_VALUE.hypotheses["solution"]
    line = check(*steps).lines[-1]
    assert f"hypothesis {sentence!r} by assumption 'regular'" in line.checked_by
    assert "hypothesis 'speed' by line 1, 'speed'" in line.checked_by
    found = check_derivation(
        steps, (steps[-1].relation,), GRANTED, LEMMAS, {"regular": "it is smooth"}, ("fast",)
    )
    said = f"{MEAN_VALUE.name}: {sentence} <- assumption 'regular': it is smooth"
    assert found.sentences == (said,)
    assert found.uncontrolled == ("||(VA, VB)||_F <= a + b (assumption 'fast')",)
    assert check(*steps).uncontrolled == ()


def unique(field):
    """Uniqueness cited with a step that has the given right side."""
    start = identity(A, A, "start")
    step = identity(field, field, "solves")
    closed = {"solves": step, "starts": start, "field": step}
    return start, step, cited(UNIQUENESS, "", discharged_by=closed)


FIELDS = {
    "a gradient": f.gradient(W),
    "a norm": w.Norm("F", (A,)) * A,
    "a quotient": w.Power(z, -1) * A,
    "an inverse": w.Inverse(P) @ P,
}


@pytest.mark.parametrize("name", FIELDS)
def test_uniqueness_for_polynomials_is_for_no_other_field(name):
    found = check(*unique(FIELDS[name]), conclusion=())
    assert "no polynomial on the right" in found.lines[-1].problem


def test_uniqueness_for_polynomials():
    found = check(*unique(A @ A.T @ A + w.Power(w.Size("n"), -1) * A), conclusion=())
    assert not found.lines[-1].problem
    start, step, cite = unique(A)
    kept = tuple((k, v) for k, v in cite.discharged_by if k != "field")
    open_ = check(start, step, replace(cite, discharged_by=kept), conclusion=())
    assert "the hypothesis 'field'" in open_.lines[-1].problem


def without(name):
    speed, step = mean_value()
    kept = tuple((k, v) for k, v in step.discharged_by if k != name)
    return speed, replace(step, discharged_by=kept)


@pytest.mark.parametrize("name", ["speed", "solution"])
def test_an_open_hypothesis_is_named(name):
    assert problem(*without(name)) == f"the hypothesis {name!r} of {MEAN_VALUE.name} is open"


OTHER = assumed("fast", FASTER, "another")
WRONG = {
    "another right side": ({"speed": OTHER}, "another right side"),
    "an assumption for a relation": ({"speed": "regular"}, "discharge it by that step"),
    "a step for a sentence": ({"solution": OTHER}, "discharge it by an assumption"),
    "no assumption of that name": ({"solution": "smooth"}, "which is no assumption"),
    "neither step nor name": ({"solution": 42}, "neither a step nor an assumption"),
    "no such hypothesis": ({"speed": None, "more": "regular"}, "open"),
    "prose": ({"speed": prose("clearly")}, "does not state a relation"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_discharge_is_named(name):
    change, said = WRONG[name]
    speed, step = mean_value(discharged_by=change)
    used = [x for x in change.values() if isinstance(x, Step)]
    assert said in problem(speed, *used, step)


def test_a_hypothesis_that_the_lemma_does_not_have_is_named():
    speed, step = mean_value(discharged_by={"more": "regular"})
    assert "no hypothesis named more" in problem(speed, step)


REPLACED = {
    "a negative value for a nonnegative symbol": ({ELAPSED: w.word(-1)}, "may not be"),
    "a value of unknown sign": ({ELAPSED: z}, "may not be"),
    "a number replaced": ({w.word(1): w.word(5)}, "only symbols"),
    "a composite term replaced": ({SPEED * ELAPSED: w.word(0)}, "only symbols"),
    "a matrix for a scalar": ({z: X}, "has shape"),
}


@pytest.mark.parametrize("name", REPLACED)
def test_a_lemma_is_instantiated_only_by_values_that_keep_its_promises(name):
    change, said = REPLACED[name]
    speed, step = mean_value()
    pairs = tuple({**dict(step.substitution), **change}.items())
    step = replace(step, substitution=pairs, relation=instantiate(MEAN_VALUE.conclusion, pairs))
    assert said in problem(speed, step)


def test_a_statement_that_was_altered_after_it_was_made_is_refused():
    speed, step = mean_value()
    stronger = w.Relation(step.relation.left, "<=", HALF * step.relation.right)
    assert "the pattern gives" in problem(speed, replace(step, relation=stronger))
    granted = assumed("bounded", BOUND, "")
    assert check(granted).closed
    stronger = w.Relation(BOUND.left, "<=", w.word(0))
    assert "the pattern gives" in problem(replace(granted, relation=stronger))


def test_an_assumption_grants_its_own_relations_for_its_own_patterns():
    assert check(assumed("bounded", BOUND, "", substitution={X: X - Y})).closed
    assert "not an assumption" in problem(assumed("unheard of", BOUND, ""))
    other = w.Relation(w.Norm("F", (Y,)), "<=", a)
    assert "does not grant" in problem(assumed("bounded", other, ""))
    fixed = {"bounded": ((BOUND,), ())}
    turned = assumed("bounded", BOUND, "", substitution={X: Y})
    assert "is about X itself" in problem(turned, assumptions=fixed)
    assert "is about a itself" in problem(assumed("bounded", BOUND, "", substitution={a: b}))


def test_a_pattern_keeps_symmetry_sign_and_shape():
    symmetric = w.Relation(S, "=", S.T)
    granted = {"symmetric": ((symmetric,), (S,)), "sign": ((SIGNS[0],), (a,))}
    step = assumed("symmetric", symmetric, "", substitution={S: P})
    assert "symmetric" in problem(step, assumptions=granted)
    both = assumed("symmetric", symmetric, "", substitution={S: P + P.T})
    assert check(both, assumptions=granted).closed
    step = assumed("sign", SIGNS[0], "", substitution={a: w.word(-3)})
    assert "may not be" in problem(step, assumptions=granted)


def test_a_sign_that_no_assumption_grants_is_reported():
    step = inequality(a, a + b, "", rule="combine")
    found = check(step, assumptions={"signs": (SIGNS[:1], ())})
    assert not found.closed and found.lines[0].ok
    assert "'b' is taken for nonnegative" in found.problems[0]
    assert check(step).closed


def test_a_sign_put_into_a_lemma_is_reported_too():
    speed, step = mean_value(substitution={ELAPSED: w.Scalar("s", nonnegative=True)})
    found = check(speed, step)
    assert not found.closed and "'s' is taken for nonnegative" in found.problems[0]


def test_an_inequality_rule_proves_no_equation():
    wrong = w.Relation(w.Norm("F", (X + Y,)), "=", w.Norm("F", (X,)) + w.Norm("F", (Y,)))
    assert "proves '<='" in problem(Step("inequality", wrong, "", "triangle"))
    said = problem(inequality(a, a, "", rule="a rule of thumb"))
    assert said.startswith("no rule 'a rule of thumb'") and "triangle" in said


def test_what_is_not_understood_is_a_problem_of_its_line():
    root = inequality(w.Norm("F", (X,)), a, "", rule="Cauchy-Schwarz")
    assert problem(root).startswith("not an instance of the rule")
    mixed = inequality(
        w.inner(X, Y), w.Norm("F", (X,)) * w.Norm("F", (P,)), "", rule="Cauchy-Schwarz"
    )
    assert problem(mixed).startswith("not understood: ")
    given = identity(z, z, "", given=(OTHER,))
    assert "rewrite rule needs an equation" in problem(OTHER, given)


def test_two_symbols_of_one_name_in_one_line_are_refused():
    other = w.Scalar("a")
    assert "two different symbols are named 'a'" in problem(identity(a + other, other + a, ""))
    step = inequality(a, a + other**2, "", rule="combine")
    assert "two different symbols" in problem(step)


def test_lines_are_evaluated_where_their_symbols_have_values():
    steps = (identity(z, z**2, ""), identity(w.Trace(P), w.Trace(P.T), ""), prose("so"))
    first, second, third = evaluate_lines(steps, {z: EXACT.number(3)}, EXACT)
    assert first.outcome == "fails" and (first.left, first.right) == (3, 9)
    assert second is None and third is None
    norms = (inequality(w.Norm("F", (P,)), 2, "", rule="combine"),)
    matrix = EXACT.matrix([[1, 1], [0, 0]])
    assert evaluate_lines(norms, {P: matrix}, EXACT) == [None]  # the root of 2 is irrational
