"""The stages: what each counts, confirms, discards, and refuses to decide."""

import itertools
from dataclasses import replace

import flint
import pytest

from lora_proofs import Assumption, Control, Instance, Instances, at_least, at_most, equal, verify
from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.errors import BadInput, ClaimRefused, Contradiction, Unavailable
from lora_proofs.language.budget import budget
from lora_proofs.mathematics.words import Relation, Scalar, word
from lora_proofs.running.runner import run_to_the_end
from lora_proofs.strategies.draw import Rejected, fraction
from lora_proofs.symbolic.steps import identity, inequality, prose


def quick(claim, seed=0):
    return verify(claim, budget="quick", seed=seed)


def test_rigorous_samples_certify(template):
    result = quick(template.variant())
    assert (result.verdict, result.scope) == ("CERTIFIED", "30 instances")
    samples = result.to_dict()["samples"]
    assert samples["regimes"] == {"doubled": 15, "generic": 15}
    assert samples["arithmetics"] == {"exact": 30}


def test_a_false_claim_is_refuted_by_a_small_exact_instance(template):
    def check(instance, ctx):
        yield at_most("square", ctx.number(instance.x) ** 2, ctx.number(2))

    found = quick(template.variant(check=check)).counterexample
    assert found["instance"] == {"x": 2}
    assert found["comparison"] == {
        "label": "square",
        "left": "4",
        "relation": "<=",
        "right": "2",
        "slack": "-2",
        "radius": "0",
        "relative": "-0.5",
    }
    assert found["confirmed_by"] == "exact"
    assert found["kind"] == "value"


def test_the_answer_depends_on_the_seed_alone(template):
    def check(instance, ctx):
        yield at_most("square", ctx.number(instance.x) ** 2, ctx.number(20))

    claim = template.variant(check=check)
    first, again = quick(claim, 7).to_dict(), quick(claim, 7).to_dict()
    assert {**first, "seconds": 0} == {**again, "seconds": 0}


def test_irrational_comparisons_go_on_to_balls(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield at_least("exponential", ctx.exp(x), 1 + x)

    result = quick(template.variant(check=check, instances=NOT_ZERO))
    assert result.verdict == "CERTIFIED"
    assert result.to_dict()["certificates"]["method"] == "ball"


def nonzero(source, regime):
    x = fraction(source)
    return Instance(x=x or 1)


NOT_ZERO = Instances(nonzero)


def test_precision_is_raised_only_as_far_as_needed(template):
    used = []

    def check(instance, ctx):
        if ctx.name == "exact":
            raise Unavailable("roots", "exact")
        used.append(ctx.digits)
        x = ctx.sqrt(2 + ctx.number(instance.x) ** 2)
        tiny = ctx.number("1e-80")
        yield at_least("tiny", x * x + tiny, ctx.number(2) + ctx.number(instance.x) ** 2)

    assert quick(template.variant(check=check)).verdict == "CERTIFIED"
    assert set(used) == {50, 100}


def test_what_balls_cannot_tell_is_undecided(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield equal("root", ctx.sqrt(2 + x * x) ** 2, 2 + x * x)

    result = quick(template.variant(check=check))
    assert result.verdict == "INCONCLUSIVE"
    assert any("undecided" in reason for reason in result.reasons)


def test_floats_alone_support(template):
    def check(instance, ctx):
        if ctx.name != "multiprecision":
            raise Unavailable("this", ctx.name)
        yield at_most("root", ctx.sqrt(ctx.number(instance.x) ** 2), ctx.number(10**6))

    result = quick(template.variant(check=check))
    assert (result.verdict, result.scope) == ("SUPPORTED", "30 sampled instances in 2 regimes")
    assert any("this is not available in ball" in reason for reason in result.reasons)


def test_a_float_that_fails_is_a_suspect_and_never_refutes(template):
    def check(instance, ctx):
        if ctx.name != "multiprecision":
            raise Unavailable("this", ctx.name)
        yield at_most("root", ctx.sqrt(ctx.number(instance.x) ** 2), ctx.number(1))

    result = quick(template.variant(check=check))
    assert result.verdict == "INCONCLUSIVE"
    assert result.counterexample is None
    assert any("did not confirm" in reason for reason in result.reasons)


def test_a_construction_that_misses_is_no_suspect(template):
    def check(instance, ctx):
        yield at_most("made", ctx.number(instance.x) ** 2, ctx.number(0))

    def least(instance, ctx):
        yield at_most("least", ctx.number(0), ctx.number(instance.x) ** 2)

    result = quick(template.variant(check=check, lower_bound=least, kind="lower-bound"))
    assert (result.verdict, result.counterexample) == ("INCONCLUSIVE", None)
    assert any("the construction misses on" in reason for reason in result.reasons)
    assert any(" instances" in reason and " of " in reason for reason in result.reasons)
    assert not any("always equal" in reason for reason in result.reasons)
    assert any("give a better construction" in action for action in result.to_dict()["settle"])
    assert not any("did not confirm" in reason for reason in result.reasons)


def test_a_float_that_fails_is_confirmed_in_exact_arithmetic(template):
    def check(instance, ctx):
        yield at_most("square", ctx.number(instance.x) ** 2, ctx.number(2))

    result = quick(template.variant(check=check, arithmetics=("array",)))
    assert (result.verdict, result.counterexample["confirmed_by"]) == ("REFUTED", "exact")


def test_a_false_alarm_of_floats_holds_after_all(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        wrong = 0 if ctx.rigorous else 10**6
        yield at_least("square", x * x - wrong, ctx.number(0))

    result = quick(template.variant(check=check, arithmetics=("array", "exact")))
    assert result.verdict == "CERTIFIED"
    assert any("holds in exact" in note for note in result.to_dict()["notes"])


def positive(instance, ctx):
    yield at_least("x", ctx.number(instance.x), ctx.number(0))


POSITIVE = Assumption("positive", "x >= 0", positive, technical="tested elsewhere")


def test_instances_that_break_an_assumption_are_discarded(template):
    result = quick(template.variant(assumptions=(POSITIVE,)))
    samples = result.to_dict()["samples"]
    assert samples["discarded"] > 6
    assert result.verdict == "INCONCLUSIVE"
    assert any("broke an assumption" in reason for reason in result.reasons)


def test_a_hopeless_regime_ends(template):
    drawn = []

    def draw(source, regime):
        drawn.append(regime)
        if regime == "never":
            raise Rejected
        return Instance(x=fraction(source))

    result = quick(template.variant(instances=Instances(draw, ("generic", "never"))))
    assert result.verdict == "INCONCLUSIVE"
    assert any("regime 'never' has 0 instances" in reason for reason in result.reasons)
    assert drawn.count("never") < 100


def test_an_assumption_that_no_arithmetic_decides_excludes_and_never_refutes(template):
    def undecidable(instance, ctx):
        x = ctx.number(instance.x)
        yield at_most("root", ctx.sqrt(2 + x * x) ** 2, 2 + x * x)

    def check(instance, ctx):
        yield at_most("square", ctx.number(instance.x) ** 2, ctx.number(2))

    open_question = Assumption("open", "sqrt", undecidable, technical="tested elsewhere")
    result = quick(template.variant(check=check, assumptions=(open_question,)))
    assert result.verdict == "INCONCLUSIVE"
    assert result.counterexample is None


def test_an_assumption_without_comparisons_says_nothing(template):
    empty = Assumption("empty", "?", lambda instance, ctx: (), technical="tested elsewhere")
    result = quick(template.variant(assumptions=(empty,)))
    assert result.verdict == "INCONCLUSIVE"
    assert any("'empty' yields no comparison" in reason for reason in result.reasons)


def test_a_check_without_comparisons_and_one_that_ignores_its_input(template):
    empty = quick(template.variant(check=lambda instance, ctx: ()))
    assert any("yields no comparison" in reason for reason in empty.reasons)
    fixed = quick(template.variant(check=lambda i, ctx: [at_most("one", 1, 2)]))
    assert any("ignores its input" in reason for reason in fixed.reasons)


def test_zero_against_zero_certifies_nothing(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield equal(f"difference at {instance.x}", x - x, ctx.number(0))

    result = quick(template.variant(check=check))
    assert result.verdict == "INCONCLUSIVE"
    assert "compares 0 with 0 on every instance" in result.reasons[0]


def test_a_check_that_raises_is_a_row_and_not_an_exception(template):
    def check(instance, ctx):
        raise ZeroDivisionError("by zero")

    result = quick(template.variant(check=check))
    assert result.verdict == "INCONCLUSIVE"
    error = result.to_dict()["error"]
    assert (error["type"], error["message"]) == ("ZeroDivisionError", "by zero")
    assert "test_runner.py" in error["where"]


@pytest.mark.parametrize("wrong", [True, None, [True], 3])
def test_a_check_that_yields_no_comparisons_at_all_is_told_what_to_yield(template, wrong):
    result = quick(template.variant(check=lambda instance, ctx: wrong))
    assert "at_most" in result.to_dict()["error"]["message"]


def test_memory_is_a_budget(template):
    def check(instance, ctx):
        raise MemoryError

    result = quick(template.variant(check=check))
    assert any("out of memory in the stage 'sample'" in reason for reason in result.reasons)


def test_a_construction_that_misses_never_refutes_existence(template):
    def check(instance, ctx):
        yield at_most("construction", ctx.number(instance.x) ** 2, ctx.number(2))

    claim = template.variant(check=check, kind="lower-bound")
    missed = quick(claim)
    assert missed.verdict == "INCONCLUSIVE"
    assert any("one construction missed" in reason for reason in missed.reasons)
    found = quick(replace(claim, lower_bound=check)).counterexample
    assert found["kind"] == "lower-bound"


def test_measured_comparisons_are_on_record(template):
    def check(instance, ctx):
        yield at_least("measured: square", ctx.number(instance.x) ** 2, ctx.number(0))

    measured = quick(template.variant(check=check)).to_dict()["samples"]["measured"]
    assert measured == {"measured: square": "1 >= 0"}


def test_a_sweep_nominates_and_exact_arithmetic_decides(template):
    def check(instance, ctx):
        yield at_most("square", ctx.number(instance.x) ** 2, ctx.number(10**6))

    def alarmed(instances):
        return [-1.0 if instance.x > 7 else 1.0 for instance in instances]

    result = quick(template.variant(check=check, check_batch=alarmed))
    sweep = result.to_dict()["sweep"]
    assert sweep["instances"] == 300
    assert sweep["suspects"] > 0
    assert result.verdict == "CERTIFIED"


def test_a_batch_of_the_wrong_length_is_refused(template):
    with pytest.raises(ClaimRefused, match="one slack for each"):
        quick(template.variant(check_batch=lambda instances: [1.0]))


def test_slacks_beyond_the_floats_are_judged(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield at_least("square", x * x * 10**5000, ctx.number(0))
        yield at_most("measured: x", x, ctx.number(10) ** 5000)

    result = quick(template.variant(check=check))
    assert result.verdict == "CERTIFIED"
    samples = result.to_dict()["samples"]
    assert samples["measured"].keys() == {"measured: x"}


def test_a_counterexample_of_many_digits_is_kept(template):
    def draw(source, regime):
        return Instance(regimes=(regime,), x=10**5000 + source.integer(1, 100))

    def check(instance, ctx):
        yield at_most("x", ctx.number(instance.x), ctx.number(1))

    result = quick(template.variant(check=check, instances=Instances(draw)))
    assert result.verdict == "REFUTED"
    assert len(result.counterexample["instance"]["x"]) == 5001


@pytest.mark.parametrize(
    "change", [{"outcome": "holds"}, {"outcome": "holds", "radius": 100}, {"relation": "!="}]
)
def test_a_comparison_that_was_changed_is_refused(template, change):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield replace(at_most("x", x + 1, x), **change)

    result = quick(template.variant(check=check))
    assert result.verdict == "INCONCLUSIVE"
    assert "comparison 'x': expected" in result.to_dict()["error"]["message"]


@pytest.mark.parametrize("label", [5, None, b"x"])
def test_a_label_that_is_no_text_is_refused(template, label):
    def check(instance, ctx):
        yield at_most(label, ctx.number(instance.x), ctx.number(10**6))

    error = quick(template.variant(check=check)).to_dict()["error"]
    assert "expected a label in words" in error["message"]


def test_draws_are_determined_by_their_source(template):
    count = itertools.count()
    moving = Instances(lambda source, regime: Instance(regimes=(regime,), x=next(count)))
    result = quick(template.variant(instances=moving))
    assert result.verdict == "INCONCLUSIVE"
    error = result.to_dict()["error"]
    assert "got Instance(x=0, regimes=('generic',)) and Instance(x=1" in error["message"]


# Controls


def outcome(template, **parts):
    return quick(template.variant(**parts)).to_dict()["controls"][-1]


def test_a_control_that_drops_an_assumption_needs_it_to_fail(template):
    holds = Control(POSITIVE, (Instance(x=1),), why="negative x")
    told = outcome(template, assumptions=(POSITIVE,), controls=(holds,))
    assert told["outcome"] == "survived"
    assert "does not fail rigorously" in told["problem"]


def test_a_control_is_refuted_where_the_assumption_and_the_conclusion_fail(template):
    def check(instance, ctx):
        yield at_least("x", ctx.number(instance.x), ctx.number(-1))

    fails = Control(POSITIVE, (Instance(x=0), Instance(x=-2)), why="negative x")
    told = outcome(template, check=check, assumptions=(POSITIVE,), controls=(fails,))
    assert told["outcome"] == "refuted"
    assert told["counterexample"]["instance"] == {"x": -2}
    assert told["counterexample"]["control"] == 1


def test_other_assumptions_have_to_hold_in_a_control(template):
    def small(instance, ctx):
        yield at_most("x", ctx.number(instance.x), ctx.number(1))

    other = Assumption("small", "x <= 1", small, technical="tested elsewhere")
    control = Control(None, (Instance(x=2),), why="too large", check=template.sharpened)
    told = outcome(template, assumptions=(other,), controls=(control,))
    assert told["outcome"] == "survived"
    assert "'small' does not hold rigorously" in told["problem"]


def test_a_control_whose_conclusion_holds_survives(template):
    control = Control(None, template.INSTANCES, why="nothing changed", check=template.check)
    result = quick(template.variant(controls=(control,)))
    assert result.verdict == "INCONCLUSIVE"
    assert any("a control survived: nothing changed" in reason for reason in result.reasons)


def test_a_control_that_raises_survives_and_says_what(template):
    def broken(instance, ctx):
        raise KeyError("oops")

    control = Control(None, (Instance(x=1),), why="broken", check=broken)
    told = outcome(template, controls=(control,))
    assert told["outcome"] == "survived"
    assert "KeyError" in told["problem"]


# Derivations

X = Scalar("x")


def derived(template, steps, conclusion, check=None, **parts):
    def squares(instance, ctx):
        x = ctx.number(instance.x)
        yield equal("square of a sum", (x + 1) ** 2, x * x + 2 * x + 1)

    return template.variant(
        derive=lambda: steps,
        conclusion=conclusion,
        check=check or squares,
        interpret=lambda instance, ctx: {X: ctx.number(instance.x)},
        **parts,
    )


SQUARE = identity((X + 1) ** 2, X**2 + 2 * X + 1, "expand", label="square of a sum")
CONCLUSION = (SQUARE.relation,)


def test_a_derivation_that_meets_the_check_is_proved(template):
    result = quick(derived(template, (SQUARE,), CONCLUSION))
    assert (result.verdict, result.scope) == ("PROVED", "all shapes")
    assert result.to_dict()["derivation"]["evaluated_on"] == 10


def test_prose_keeps_a_derivation_from_proof(template):
    result = quick(derived(template, (prose("clearly"), SQUARE), CONCLUSION))
    assert result.verdict == "CERTIFIED"
    assert any("'clearly' is prose" in reason for reason in result.reasons)


def test_a_derivation_that_ends_elsewhere_is_refused(template):
    other = (Relation(word(0), "=", X - X, "zero"),)
    with pytest.raises(ClaimRefused, match=r"tests/variant.*does not end in the conclusion"):
        quick(derived(template, (SQUARE,), other))


def test_what_is_derived_has_to_be_what_is_checked(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield equal("square of a sum", (x + 2) ** 2, x * x + 4 * x + 4)

    with pytest.raises(Contradiction, match="what is derived is not what is checked"):
        quick(derived(template, (SQUARE,), CONCLUSION, check))


def test_sides_may_be_swapped(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield equal("square of a sum", x * x + 2 * x + 1, (x + 1) ** 2)

    assert quick(derived(template, (SQUARE,), CONCLUSION, check)).verdict == "PROVED"


def test_a_check_under_other_labels_is_not_what_is_derived(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield equal("something else", (x + 1) ** 2, x * x + 2 * x + 1)

    result = quick(derived(template, (SQUARE,), CONCLUSION, check))
    assert result.verdict == "CERTIFIED"
    assert any("what is derived is not what is checked" in reason for reason in result.reasons)


def test_every_comparison_under_a_concluded_label_has_to_agree(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield equal("square of a sum", (x + 1) ** 2, x * x + 2 * x + 1)
        yield at_most("square of a sum", x, x + 1)

    with pytest.raises(Contradiction, match="'square of a sum' the derivation compares"):
        quick(derived(template, (SQUARE,), CONCLUSION, check))


def test_every_line_is_evaluated_on_some_instance(template):
    free = identity(2 * Scalar("y"), Scalar("y") + Scalar("y"), "of a symbol without a value")
    result = quick(derived(template, (free, SQUARE), CONCLUSION))
    assert result.verdict == "CERTIFIED"
    assert any(
        "line 1 was never evaluated on an instance: give its symbols values" in reason
        for reason in result.reasons
    )


def test_different_instances_may_evaluate_different_lines(template):
    y = Scalar("y")
    other = identity(2 * y, y + y, "where the instance has y")
    claim = derived(template, (other, SQUARE), CONCLUSION)

    def interpret(instance, ctx):
        symbol = X if "generic" in instance.regimes else y
        return {symbol: ctx.number(instance.x)}

    assert quick(replace(claim, interpret=interpret)).verdict == "PROVED"


def test_every_regime_has_a_witness(template):
    regimes = tuple(f"x = {k}" for k in range(14))
    y = Scalar("y")
    other = identity(2 * y, y + y, "in the last regime alone")

    def draw(source, regime):
        return Instance(regimes=(regime,), x=fraction(source, size=50))

    def interpret(instance, ctx):
        symbol = y if regimes[-1] in instance.regimes else X
        return {symbol: ctx.number(instance.x)}

    claim = derived(template, (other, SQUARE), CONCLUSION, instances=Instances(draw, regimes))
    result = quick(replace(claim, interpret=interpret))
    assert result.verdict == "PROVED"
    assert result.to_dict()["derivation"]["evaluated_on"] == 14


@pytest.mark.parametrize(("width", "verdict"), [("1e-40", "PROVED"), ("1e-20", "CERTIFIED")])
def test_balls_agree_only_where_they_are_narrow(template, width, verdict):
    def blurred(instance, ctx):
        if not isinstance(ctx, BallArithmetic):
            raise Unavailable("a ball", ctx.name)
        return {X: ctx.number(instance.x) + flint.arb(0, float(width))}

    claim = derived(template, (SQUARE,), CONCLUSION)
    result = quick(replace(claim, interpret=blurred))
    assert result.verdict == verdict, result.reasons


def test_a_decided_line_that_is_wide_is_no_agreement_with_the_check(template):
    def draw(source, regime):
        return Instance(regimes=(regime,), x=source.integer(29, 70))

    def check(instance, ctx):
        yield at_most("bound", -(ctx.number(instance.x) ** 2), ctx.number(0))

    def blurred(instance, ctx):
        if not isinstance(ctx, BallArithmetic):
            raise Unavailable("a ball", ctx.name)
        return {X: flint.arb(60, 20)}

    line = inequality(-(X**2), 0, "a square", rule="combine", label="bound")
    claim = derived(template, (line,), (line.relation,), check, instances=Instances(draw))
    result = quick(replace(claim, interpret=blurred))
    assert result.verdict == "CERTIFIED"
    assert any("could not be compared" in reason for reason in result.reasons), result.reasons


def test_a_contradiction_is_the_error_of_a_recorded_result(template):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield equal("square of a sum", (x + 1) ** 2, x * x)

    claim = derived(template, (SQUARE,), CONCLUSION, check)
    with pytest.raises(Contradiction):
        quick(claim)
    record = run_to_the_end(claim, budget("quick"), 0).to_dict()
    assert record["error"]["type"] == "Contradiction"
    assert record["verdict"] == "INCONCLUSIVE"


# The public function


def test_verify_says_what_it_expects(template):
    with pytest.raises(BadInput, match="expected a Claim"):
        verify(3)
    with pytest.raises(BadInput, match="expected a budget among"):
        verify(template.variant(), budget="huge")


def test_a_result_renders_itself(template):
    result = quick(template.variant(statement="x^2 >= 0 & <b>"))
    assert "<strong>CERTIFIED</strong> on 30 instances" in result._repr_html_()
    assert "CERTIFIED on 30 instances" in result._repr_latex_()
    assert repr(result) == "<tests/variant: CERTIFIED on 30 instances>"
