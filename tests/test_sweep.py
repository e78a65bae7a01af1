"""The sweep: batches say what single instances say, suspects are judged, and nothing is hidden."""

import json
from dataclasses import asdict, replace

import pytest

from lora_proofs import Assumption, Instance, Instances, at_least, at_most, equal, verify
from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.judging.batch_arithmetic import BatchArithmetic
from lora_proofs.language.budget import budget
from lora_proofs.running import resuming, sweep_parts
from lora_proofs.running.runner import run_to_the_end
from lora_proofs.running.sampling import Tally
from lora_proofs.running.sweeping import sweep
from lora_proofs.running.units import STANDING, Teller, Units
from lora_proofs.strategies.draw import fraction, quarter
from lora_proofs.strategies.matrices import matrix

QUICK = budget("quick")
MANY = replace(QUICK, swept=2_000, searched=0)


def draw(source, regime):
    n = source.integer(1, 3)
    return Instance(x=fraction(source), y=quarter(source), W=matrix(source, n, n))


@pytest.fixture
def made(template):
    """A claim with a check, drawn by ``draw``."""

    def make(check, *, draw=draw, **changes):
        return template.variant(check=check, instances=Instances(draw), **changes)

    return make


def swept(claim, given=QUICK, units=None):
    tally = Tally()
    return sweep(claim, given, 0, tally, *([units] if units else [])), tally


def squares(instance, ctx):
    v = instance.lift(ctx)
    yield at_most("square", -(v.x**2), ctx.number(0))
    yield equal("trace of W'", v.W.mT.trace(), v.W.trace())


def test_every_claim_is_swept_in_batches(made):
    found, _ = swept(made(squares))
    assert (found.instances, found.batched, found.singly) == (300, 300, 0)
    assert found.regimes == {"generic": 300}
    assert found.why == found.partly == ""


def test_a_failure_too_rare_for_samples_is_found_and_confirmed_exactly(made):
    def check(instance, ctx):
        v = instance.lift(ctx)
        yield at_most("x + y", v.x + v.y, ctx.number("39/4"))

    claim = made(check)
    result = run_to_the_end(claim, MANY, 0)
    found = result.counterexample
    assert result.verdict == "REFUTED"
    assert found["found"] == {"by": "sweep", "regime": "generic", "drawn": True}
    assert found["confirmed_by"] == "exact"
    assert result.evidence.sweep.judged > 0


def test_a_rounding_error_is_no_suspect(made):
    def check(instance, ctx):
        x = ctx.number(instance.x) + 10**6
        yield equal("cube", (x + 1) ** 3 - x**3, 3 * x**2 + 3 * x + 1)

    found, tally = swept(made(check))
    assert (found.suspects, tally.suspect) == (0, "")


def test_what_floats_cannot_tell_goes_to_the_rigorous_tiers(made):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield at_most("x/3 three times", x / 3 + x / 3 + x / 3, x)

    found, tally = swept(made(check))
    assert found.suspects > 100
    assert 0 < found.judged <= 12
    assert tally.refutation is None


def test_a_check_that_branches_is_followed_both_ways(made):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        if x > 0:
            yield at_least("positive", x, ctx.number(0))
        else:
            yield at_most("not positive", x, ctx.number(0))

    found, _ = swept(made(check))
    assert (found.instances, found.left) == (300, 0)

    def wrong(instance, ctx):
        x = ctx.number(instance.x)
        yield at_most("x", x if x > 7 else ctx.number(0), ctx.number(7))

    _, tally = swept(made(wrong), MANY)
    assert tally.refutation is not None


def test_one_instance_that_raises_does_not_spoil_its_batch(made):
    def check(instance, ctx):
        y = ctx.number(instance.y)
        if y == 2:
            raise ArithmeticError("not here")
        yield at_most("y", y, ctx.number(2))

    claim = made(check)
    told = sweep_parts.sweep_part(
        claim, sweep_parts.Plan.of(claim, QUICK), sweep_parts.Standing(), 0, 50, 0
    )
    one = told["regimes"]["generic"]
    assert one["batched"] > 100
    assert one["suspects"] >= 1
    with pytest.raises(ArithmeticError, match="not here"):
        swept(claim)


def test_what_does_not_run_in_batches_is_told(made):
    def check(instance, ctx):
        ball = BallArithmetic(30)
        yield at_most("x", ball.number(instance.x), ball.number(9))

    found, _ = swept(made(check))
    assert found.instances == 0
    assert "balls" in found.why


@pytest.mark.parametrize("drawn", ["all", "none"])
def test_a_long_sweep_one_by_one_ends(made, drawn, monkeypatch):
    def check(instance, ctx):
        if type(ctx).__name__ == "BatchArithmetic":
            raise ValueError("no batches")
        yield at_most("x", ctx.number(instance.x), ctx.number(99))

    if drawn == "none":
        monkeypatch.setattr(sweep_parts, "draw_one", lambda *_: None)
    parts = []
    units = Units({}, lambda key, told, share: parts.append(key))
    found, _ = swept(made(check), replace(QUICK, swept=20_000), units)
    assert found.singly == (200 if drawn == "all" else 0)
    assert found.batched == 0
    assert len(parts) <= 30


def test_comparisons_that_are_left_out_are_told(made):
    def check(instance, ctx):
        yield at_most("x", ctx.number(instance.x), ctx.number(9))
        yield at_most("in balls", BallArithmetic(30).number(instance.x), 9)

    found, _ = swept(made(check))
    assert found.instances == 300
    assert "balls" in found.partly


def test_a_batch_that_comes_out_otherwise_is_not_believed(made):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        yield at_most("x", x - isinstance(ctx, BatchArithmetic), ctx.number(9))

    found, _ = swept(made(check))
    assert found.instances == 0
    assert "in the batch" in found.why
    assert "alone" in found.why


def test_a_draw_that_comes_out_otherwise_is_not_believed(made):
    def other(source, regime):
        x = fraction(source)
        return Instance(x=x if isinstance(x, str | int) or hasattr(x, "limit_denominator") else 5)

    def check(instance, ctx):
        yield at_most("x", ctx.number(instance.x), ctx.number(9))

    found, _ = swept(made(check, draw=other))
    assert found.instances == 0
    assert "the field x" in found.why


def test_whole_numbers_are_drawn_for_each_where_they_decide_no_shape(made):
    def whole(source, regime):
        rows = source.integer(1, 2)
        return Instance(k=source.integer(0, 10**6), ones=[[1]] * rows)

    def check(instance, ctx):
        yield at_most("k", ctx.number(instance.k), ctx.number(10**6))

    found, _ = swept(made(check, draw=whole))
    assert found.batched == 300


def test_equal_instances_count_once(made):
    def few(source, regime):
        return Instance(x=quarter(source))

    def check(instance, ctx):
        yield at_most("x", ctx.number(instance.x), ctx.number(9))

    claim = made(check, draw=few)
    plan = sweep_parts.Plan.of(claim, QUICK)
    told = sweep_parts.sweep_part(claim, plan, sweep_parts.Standing(), 0, 50, 0)
    assert told["regimes"]["generic"]["batched"] <= 17


def test_instances_that_an_assumption_excludes_are_not_swept(made):
    def holds(instance, ctx):
        yield at_least("x", ctx.number(instance.x), ctx.number(0))

    def check(instance, ctx):
        yield at_least("x", ctx.number(instance.x) + 1, ctx.number(0))

    positive = Assumption("positive", "x >= 0", holds, technical="it is a test")
    found, tally = swept(made(check, assumptions=(positive,)))
    assert found.discarded > 50
    assert found.suspects == 0
    assert tally.refutation is None


def test_a_long_check_has_a_limit_that_is_no_time(made):
    def check(instance, ctx):
        x = ctx.number(instance.x)
        for _ in range(50_000):
            x = x * 1
        yield at_most("x", x, ctx.number(9))

    found, _ = swept(made(check))
    assert found.instances == 0
    assert "operations" in found.why


def test_the_sweep_depends_on_the_seed_alone(made):
    claim = made(squares)
    assert swept(claim) == swept(claim)
    parts = {}
    for seed in (0, 1):
        keep = Units({}, lambda key, told, share, seed=seed: parts.update({(seed, key): told}))
        sweep(claim, MANY, seed, Tally(), keep)
    signatures = [
        [told["regimes"]["generic"]["signature"] for (s, _), told in parts.items() if s == seed]
        for seed in (0, 1)
    ]
    assert signatures[0] != signatures[1]


def test_a_sweep_that_was_ended_goes_on_and_comes_out_the_same(made):
    def check(instance, ctx):
        yield at_most("x", ctx.number(instance.x), ctx.number(8))

    claim, kept = made(check), {}
    whole, _ = swept(claim, MANY, Units({}, lambda key, told, share: kept.update({key: told})))
    assert len(kept) > 2
    first = json.loads(json.dumps({key: kept[key] for key in list(kept)[:2]}))
    done = []
    again, _ = swept(claim, MANY, Units(first, lambda key, told, share: done.append(key)))
    assert again == whole
    assert done == list(kept)[2:]


def test_a_run_that_was_ended_in_the_sweep_goes_on_and_comes_out_the_same(made):
    claim, kept = made(squares), {}
    units = Units({}, lambda key, told, share: kept.update({key: told}))
    whole = run_to_the_end(claim, QUICK, 0, units=units).to_dict()
    known = json.loads(json.dumps({STANDING: kept[STANDING], "sweep 0": kept["sweep 0"]}))
    stages = []
    told = resuming.resumed(claim, QUICK, 0, Units(known), lambda stage, s: stages.append(stage))
    assert stages == ["sweep"]
    for record in (whole, told):
        record.pop("seconds")
    assert json.loads(json.dumps(told)) == json.loads(json.dumps(whole))


def test_where_the_sweep_finds_something_the_run_begins_again(made):
    def check(instance, ctx):
        v = instance.lift(ctx)
        yield at_most("x + y", v.x + v.y, ctx.number("39/4"))

    claim, kept = made(check), {}
    whole = run_to_the_end(
        claim, MANY, 0, units=Units({}, lambda k, told, s: kept.update({k: told}))
    )
    assert whole.verdict == "REFUTED"
    known = json.loads(json.dumps(kept))
    assert resuming.resumed(claim, MANY, 0, Units(known), lambda stage, s: None) is None
    again = run_to_the_end(claim, MANY, 0, units=Units(known))
    assert again.counterexample == whole.counterexample
    assert asdict(again.evidence.sweep) == asdict(whole.evidence.sweep)


def test_finished_units_are_told_now_and_then():
    said = []
    teller = Teller(said.append)
    teller.keep("a", {"n": 1}, 0.25)
    assert said == []
    teller.since -= 10
    teller.keep("b", {"n": 2}, 0.5)
    assert said == [{"units": {"a": {"n": 1}, "b": {"n": 2}}, "share": 0.5}]


def test_the_record_says_what_was_swept(made):
    record = verify(made(squares), budget="quick").to_dict()
    assert record["sweep"]["instances"] == 300
    assert record["sweep"]["suspects"] == 0
    assert record["sweep"]["regimes"] == {"generic": 300}
