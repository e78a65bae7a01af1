"""The engine: a claim with a strong check has no survivors, one with a weak check has them."""

import time
from dataclasses import replace
from fractions import Fraction

import pytest

from lora_proofs import Assumption, Claim, Control, Instance, Instances, Source
from lora_proofs.arithmetic import at_least, at_most, below, equal, squared_norm
from lora_proofs.language.budget import budget
from lora_proofs.mathematics.notation import A, B
from lora_proofs.mathematics.words import Relation, inner, word
from lora_proofs.mathematics.words import squared_norm as squared
from lora_proofs.mutating.hunting import hunt
from lora_proofs.strategies import fraction, matrix
from lora_proofs.symbolic.steps import identity

QUICK = budget("quick")


def draw(source, regime):
    n = source.integer(1, 3)
    equal_ = regime == "parallel"
    X = matrix(source, n, n)
    return Instance(X=X, Y=X if equal_ else matrix(source, n, n), t=abs(fraction(source)))


INSTANCES = Instances(draw, ("generic", "parallel"))


def cauchy(factor=1):
    """<X, Y>^2 <= factor ||X||^2 ||Y||^2."""

    def check(instance, ctx):
        x = instance.lift(ctx)
        product = (x.X * x.Y).sum()
        top = ctx.number(factor) * squared_norm(x.X) * squared_norm(x.Y)
        yield at_most("Cauchy-Schwarz", product * product, top)

    return check


def positive(instance, ctx):
    yield at_least("t", ctx.number(instance.t), ctx.number(0))


def never(instance, ctx):
    yield at_least("never", ctx.number(0), ctx.number(1))


def claim(check, assumptions=(), controls=(), **more):
    last = Control(None, INSTANCES, why="0 is not 1", check=never)
    return Claim(
        name="tests/mutated", source=Source("tests"), statement="-", assumptions=assumptions,
        instances=INSTANCES, check=check, controls=(*controls, last), **more,
    )  # fmt: skip


def outcomes(record):
    return {m["id"]: m["outcome"] for m in record["mutants"]}


@pytest.fixture(scope="module")
def strong():
    return hunt(claim(cauchy()), QUICK, 0, None)


@pytest.fixture(scope="module")
def weak():
    return hunt(claim(cauchy(2)), QUICK, 0, None)


def test_a_tight_bound_leaves_no_survivor(strong):
    assert len(strong["mutants"]) >= 6
    assert set(outcomes(strong).values()) == {"refuted"}
    assert strong["sensitivity"]["says"] == "exact"
    assert [c["outcome"] for c in strong["planted"]] == ["refuted"]


def test_a_bound_with_slack_everywhere_has_survivors(weak):
    found = outcomes(weak)
    for slip in ("0.99", "1.01"):
        assert found[f"comparison: {slip}: Cauchy-Schwarz"] == "survived"
    assert found["comparison: strict: Cauchy-Schwarz"] == "refuted"  # 0 < 0, at a corner
    assert found["comparison: direction: Cauchy-Schwarz"] == "refuted"
    survivor = next(m for m in weak["mutants"] if m["operator"] == "0.99")
    assert survivor["slack"] == pytest.approx(1 - 1 / 1.98)
    assert (weak["sensitivity"]["error"], weak["sensitivity"]["says"]) == (0.51, "0.51")


def test_a_refuted_mutant_shows_its_instance_in_exact_numbers(strong):
    for mutant in strong["mutants"]:
        found = mutant["refuted_by"]
        assert Instance.from_json(found["instance"]).X
        assert found["comparison"]["outcome"] == "fails"
        assert found["confirmed_by"] in ("exact", "ball")


def test_mutants_are_the_same_for_every_seed_and_results_repeat(weak):
    again, other = (hunt(claim(cauchy(2)), QUICK, seed, None) for seed in (0, 1))
    assert [m["id"] for m in other["mutants"]] == [m["id"] for m in weak["mutants"]]
    assert {**again, "seconds": 0} == {**weak, "seconds": 0}


def test_a_check_that_ignores_its_input_is_not_saved_by_its_mutants():
    def constant(instance, ctx):
        yield at_most("constant", ctx.number(1), ctx.number(3))

    found = hunt(claim(constant), QUICK, 0, None)
    assert outcomes(found)["comparison: strict: constant"] == "survived"
    assert outcomes(found)["comparison: r - 1: constant"] == "survived"


def test_an_assumption_that_is_dropped_needs_an_instance_of_its_control():
    needed = Assumption("positive", r"$t \ge 0$", positive)
    negative = Instance(X=[[1]], Y=[[1]], t=-1)

    def root(instance, ctx):
        yield at_least("t again", ctx.number(instance.t), ctx.number(0))

    control = Control(needed, (negative,), why="t = -1")
    found = hunt(claim(root, (needed,), (control,)), QUICK, 0, None)
    assert outcomes(found)["assumption: assumption dropped: positive"] == "refuted"
    idle = hunt(claim(cauchy(), (needed,), (control,)), QUICK, 0, None)
    assert outcomes(idle)["assumption: assumption dropped: positive"] == "survived"
    assert [c["outcome"] for c in idle["planted"]] == ["survived", "refuted"]


def test_a_technical_assumption_carries_its_own_reason():
    technical = Assumption("positive", r"$t \ge 0$", positive, technical="it only names t")
    found = hunt(claim(cauchy(), (technical,)), QUICK, 0, None)
    (dropped,) = [m for m in found["mutants"] if m["origin"] == "assumption"]
    assert (dropped["outcome"], dropped["equivalent"]) == ("survived", "it only names t")


def test_what_raises_or_changes_nothing_is_no_mutant():
    def zero(instance, ctx):
        yield equal("zero", ctx.number(0), ctx.number(0))

    found = hunt(claim(zero), QUICK, 0, None)
    names = {m["operator"] for m in found["mutants"]}
    assert not names & {"0.99", "1.01", "sign", "square"}
    assert found["passed_over"]["unchanged"] >= 4
    assert set(outcomes(found).values()) == {"refuted"}


def test_the_derived_words_are_mutated_and_judged_through_interpret():
    left, right = inner(B @ A, B @ A), squared(B @ A)
    relation = Relation(left, "=", right, "norm")

    def derive():
        yield identity(left, right, "the definition", label="norm")

    def check(instance, ctx):
        x = instance.lift(ctx)
        yield equal("norm", squared_norm(x.X @ x.Y), squared_norm(x.X @ x.Y))

    values = {"conclusion": (relation,), "derive": derive}
    interpret = lambda instance, ctx: {  # noqa: E731
        B: ctx.matrix(instance.X), A: ctx.matrix(instance.Y),
    }  # fmt: skip
    found = hunt(claim(check, **values, interpret=interpret), QUICK, 0, None)
    words = [m for m in found["mutants"] if m["origin"] == "conclusion"]
    assert len(words) >= 3
    assert {m["operator"] for m in words} >= {"transpose"}
    assert any(m["outcome"] == "refuted" for m in words if m["operator"] == "transpose")
    assert word(1) is not None


def test_what_was_written_down_is_met_before_what_is_drawn():
    from lora_proofs.mutating.hunting import PROBES, Hunt

    many = Instances(draw, tuple(f"regime {k}" for k in range(PROBES + 2)))
    written = (Instance(X=[[1]], Y=[[2]], t=1), Instance(X=[[3]], Y=[[5]], t=1))
    drawn, listed = (Control(None, x, why="-", check=never) for x in (many, written))
    hunted = Hunt(replace(claim(cauchy(), (), (drawn, listed)), instances=many), QUICK, 0, None)
    probes = hunted._probes()
    met = [where for where, _ in hunted._instances(probes, hunted.statements[0].kept)]
    assert met[: PROBES + 5] == [
        "control 2", "control 2", *["probe"] * PROBES, "regime 6", "regime 7", "control 1",
    ]  # fmt: skip
    assert met.index("control 3") < next(i for i, x in enumerate(met) if x.startswith("corner"))


def test_a_slip_of_one_per_cent_is_refuted_where_work_ends_early(monkeypatch):
    """A drawn control does not take the place of the instance on which the bound is attained."""
    from lora_proofs.mutating import hunting

    monkeypatch.setattr(hunting, "WORK", {"quick": 0})
    monkeypatch.setattr(hunting, "LEAST", 1)
    loose = Instances(lambda source, regime: Instance(X=[[1, 0]], Y=[[0, 1]], t=1), ("loose",))
    tight = Instance(X=[[1, 2]], Y=[[1, 2]], t=1)
    controls = [Control(None, x, why="-", check=never) for x in (loose, (tight,))]
    found = outcomes(hunt(claim(cauchy(), (), controls), QUICK, 0, None))
    assert found["comparison: 0.99: Cauchy-Schwarz"] == "refuted"


def test_a_bound_with_0_on_one_side_has_no_constant_to_vary():
    def signs(instance, ctx):
        yield at_least("size", squared_norm(ctx.matrix(instance.X)), ctx.number(0))

    def both(instance, ctx):
        yield from signs(instance, ctx)
        yield equal("same", ctx.number(instance.t), ctx.number(instance.t))

    alone, beside = (hunt(claim(c), QUICK, 0, None)["sensitivity"] for c in (signs, both))
    assert alone["error"] is None
    assert alone["says"] == alone["comparisons"]["size"] == "no constant to vary"
    assert (beside["says"], beside["comparisons"]["same"]) == ("exact in 1 of 2", "exact")


def test_a_mutant_of_a_claim_of_existence_is_judged_by_its_lower_bound():
    def too_good(instance, ctx):
        yield at_most("construction", ctx.number(0), ctx.number(Fraction(1, 2)))

    found = hunt(claim(too_good, kind="lower-bound", lower_bound=cauchy()), QUICK, 0, None)
    refuting = [m for m in found["mutants"] if not m["origin"].startswith("construction")]
    assert len(refuting) >= 6
    assert all("Cauchy" in m["id"] for m in refuting)


def test_what_is_said_of_a_construction_is_mutated_apart():
    """The lower bound says nothing on what is drawn, and is not touched by the other's slips."""

    def construction(instance, ctx):
        x = instance.lift(ctx)
        yield equal("norm", squared_norm(x.X), (x.X * x.X).sum())
        yield at_most("size", x.X[0, 0], abs(x.X[0, 0]) + 1)

    def silent(instance, ctx):
        if instance.t < 0:
            yield at_most("never met", ctx.number(1), ctx.number(0))

    found = hunt(claim(construction, kind="lower-bound", lower_bound=silent), QUICK, 0, None)
    told = {m["id"]: m for m in found["mutants"]}
    assert {m["origin"] for m in found["mutants"]} == {"construction"}
    assert len(told) >= 10
    norm = [m for m in found["mutants"] if m["id"].endswith(": norm")]
    assert norm
    assert {m["outcome"] for m in norm} == {"refuted"}
    assert all(m["description"].startswith("of the construction: ") for m in norm)
    assert told["construction: 0.99: size"]["outcome"] == "survived"


def test_where_ten_are_missing_errors_of_a_given_size_are_made():
    def tied(instance, ctx):
        yield below("nothing", ctx.number(0), ctx.number(1) * 0)

    found = hunt(claim(tied), QUICK, 0, None)
    operators = {m["operator"] for m in found["mutants"]}
    assert {"a hundredth less", "a tenth more"} <= operators
    assert len({m["id"] for m in found["mutants"]}) == len(found["mutants"]) >= 8


def test_a_claim_with_ten_has_no_slips_of_a_given_size(strong):
    from lora_proofs.mutating import spare

    names = {operator.name for operator in spare.OPERATORS}
    many = hunt(claim(several), QUICK, 0, None)["mutants"]
    assert len(many) >= 10
    assert not names & {m["operator"] for m in many}


def several(instance, ctx):
    """Equations of matrices, of which one label alone has ten slips."""
    x = instance.lift(ctx)
    for k in range(1, 4):
        yield equal("once", x.X * k, x.X * k)
    yield from cauchy()(instance, ctx)


def test_an_evaluation_that_is_given_up_is_counted(monkeypatch):
    from lora_proofs.mutating import evaluating
    from lora_proofs.mutating.hunting import Hunt, Hunted
    from lora_proofs.mutating.mutant import Mutant

    monkeypatch.setattr(evaluating, "PATIENCE", 0.05)
    slow = Hunted(Mutant("source", "-", "-", "-", forever, forever))
    hunt_ = Hunt(claim(cauchy()), QUICK, 0, None)
    hunt_._meet(slow, Instance(X=[[1]], Y=[[1]], t=1), "probe")
    assert (slow.outcome, slow.instances, slow.to_dict()["endless"]) == ("survived", 0, 1)
    assert hunt_._passed_over([slow]) == {"evaluations given up": 1}


def forever(instance, ctx):
    while True:
        pass


def test_time_that_something_else_takes_does_not_count(monkeypatch):
    from lora_proofs.arithmetic import EXACT
    from lora_proofs.mutating import evaluating

    monkeypatch.setattr(evaluating, "PATIENCE", 0.1)

    def waiting(instance, ctx):
        time.sleep(0.3)
        yield equal("same", ctx.number(1), ctx.number(1))

    assert evaluating.attempt(waiting, Instance(x=1), [EXACT]).certifies


def test_an_evaluation_that_does_not_end_is_given_up(monkeypatch):
    from lora_proofs.arithmetic import EXACT
    from lora_proofs.mutating import evaluating

    monkeypatch.setattr(evaluating, "PATIENCE", 0.05)

    def endless(instance, ctx):
        while True:
            try:
                instance.to_json()
            except Exception:  # a text cannot catch that it is given up
                continue

    with pytest.raises(evaluating.DoesNotEnd):
        evaluating.attempt(endless, Instance(x=1), [EXACT])
