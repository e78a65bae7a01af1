"""What random draws miss is found, what is true stands, and the seed alone decides which."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import lora_proofs
from lora_proofs import Instance, Instances, at_least, at_most
from lora_proofs.breaking.search import Subject, search
from lora_proofs.breaking.shrinking import shrink_fields
from lora_proofs.language.budget import BUDGETS
from lora_proofs.running.catalogue import load_file
from lora_proofs.running.runner import run, verify
from lora_proofs.running.searching import cut_off
from lora_proofs.strategies.draw import fraction

CORPUS = load_file(Path(__file__).parent / "claims_for_tests" / "breakable.py")
HUGE = ("breakable/huge", "breakable/tiny")
TRUE_LIMIT = 6


def named(claims):
    return [pytest.param(claim, id=claim.name.partition("/")[2]) for claim in claims]


def hunt(claim, limit, seed=0):
    subject = Subject.of(claim, seed)
    return search(claim, subject, seed, 50, limit), subject


def some(claims):
    """One in three of them on every run, the others at night."""
    return [
        pytest.param(*one.values, id=one.id, marks=[pytest.mark.nightly] if k % 3 else [])
        for k, one in enumerate(named(claims))
    ]


@pytest.mark.parametrize("claim", some(CORPUS.HARD))
def test_a_false_claim_is_found_at_quick_and_made_small(claim):
    found, subject = hunt(claim, BUDGETS["quick"].searched)
    assert found.found is not None, found.closest
    small = shrink_fields(claim, found.found.refutation, subject.character, 50, 400).refutation
    assert small.judged.refutes
    if claim.name.startswith(HUGE):
        return
    for value in small.instance.to_json().values():
        rows = value if isinstance(value, list) else [[value]]
        assert len(rows) <= 3 and len(rows[0]) <= 3
        assert all(
            len(part) <= 2 for row in rows for x in row for part in str(x).strip("-").split("/")
        )


@pytest.mark.parametrize("claim", named(CORPUS.TRUE))
def test_a_true_claim_stands(claim):
    found, _ = hunt(claim, TRUE_LIMIT)
    assert found.found is None, found.found and found.found.refutation.instance
    assert not found.suspect
    assert len(found.met) > TRUE_LIMIT


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(k, marks=pytest.mark.nightly) for k in range(2, 5))]
)
def test_a_weighted_bound_is_found_whatever_the_seed(seed):
    young = next(claim for claim in CORPUS.HARD if claim.name == "breakable/young-wide")
    assert hunt(young, BUDGETS["quick"].searched, seed)[0].found is not None


def test_what_was_found_is_told(template):
    false = next(c for c in CORPUS.EASY if c.name == "breakable/cauchy-schwarz")
    counterexample = verify(false, "quick").counterexample
    assert counterexample["found"] == {
        "by": "corner: as drawn, cut small",
        "regime": None,
        "drawn": False,
    }
    assert counterexample["shrunk"]["judged"] > 0
    assert counterexample["shrunk"]["to"].startswith("X 1 x 1, Y 1 x 1")

    def check(instance, ctx):
        yield at_most("x", ctx.number(instance.x), ctx.number(1))

    sampled = verify(template.variant(check=check), "quick").counterexample
    assert sampled["found"] == {"by": "sample", "regime": "generic", "drawn": True}


def test_what_was_searched_is_on_record():
    true = next(c for c in CORPUS.TRUE if c.name == "breakable/cauchy-schwarz-true")
    result = run(true, replace(BUDGETS["quick"], searched=TRUE_LIMIT), 0)
    told = result.to_dict()["search"]
    assert result.verdict == "CERTIFIED"
    assert told["instances"] == sum(told["ways"].values()) > 30
    assert set(told["ways"]) == {"corners", "descent", "draws", "targeted"}
    assert told["closest"] == "0"
    assert Instance.from_json(told["at"])


def test_a_proof_and_a_budget_without_a_search_are_not_searched(template):
    stages = []
    nothing = replace(BUDGETS["quick"], searched=0)
    run(template.variant(), nothing, 0, lambda stage, result: stages.append(stage))
    assert "search" not in stages
    run(template.variant(), BUDGETS["quick"], 0, lambda stage, result: stages.append(stage))
    assert "search" in stages


def test_the_verdict_before_stands_where_the_search_is_cut_off(template):
    standing = []
    tell = lambda stage, result: standing.append((stage, result))  # noqa: E731
    run(template.variant(), BUDGETS["quick"], 0, tell)
    stage, result = next(found for found in standing if found[0] == "search")
    record = cut_off(result.to_dict(), stage, "after 4 s")
    assert record["verdict"] == "CERTIFIED"
    assert record["notes"][-1] == "the search was cut off after 4 s"


def pair(source, regime):
    x = fraction(source)
    return Instance(x=x, twice=2 * x)


def doubled(instance, ctx):
    x = instance.lift(ctx)
    yield at_least("twice", 2 * x.x, x.twice)


def test_fields_that_are_drawn_together_are_not_edited(template):
    claim = template.variant(instances=Instances(pair), check=doubled)
    found, subject = hunt(claim, 40)
    assert subject.dependent == "x and twice are drawn from the same choices"
    assert found.found is None and "corners" not in found.ways


def test_a_claim_can_say_that_only_what_is_drawn_is_an_instance(template):
    def apart(source, regime):
        return Instance(x=fraction(source, size=2), y=5 + fraction(source, size=2))

    def smaller(instance, ctx):
        x = instance.lift(ctx)
        yield at_most("x", x.x, x.y)

    free = template.variant(instances=Instances(apart), check=smaller)
    assert hunt(free, 40)[0].found is not None
    bound = replace(free, instances=Instances(apart, dependent="y lies above x"))
    result = verify(bound, "quick")
    assert result.verdict == "CERTIFIED"
    (note,) = (n for n in result.to_dict()["notes"] if n.startswith("the search changed only"))
    assert "Instances(dependent=...) says: y lies above x. It is weaker for it" in note
    assert note.endswith("say which in Instances(admits=...) in place of it")


def test_a_search_that_only_redraws_says_that_it_is_weaker_and_what_to_do(template):
    result = verify(template.variant(instances=Instances(pair), check=doubled), "quick")
    (note,) = (n for n in result.to_dict()["notes"] if n.startswith("the search changed only"))
    assert "x and twice are drawn from the same choices. It is weaker for it" in note
    for word in ("draw the fields apart", "instances_of", "admits=", "dependent="):
        assert word in note


def test_a_check_that_raises_on_an_edited_instance_raises_nothing(template):
    def fussy(instance, ctx):
        if instance.x.denominator > 4 or abs(instance.x) > 100:
            raise ZeroDivisionError
        yield at_least("square", ctx.number(instance.x) ** 2, ctx.number(0))

    result = verify(template.variant(check=fussy), "quick")
    assert result.verdict == "CERTIFIED" and result.to_dict()["error"] is None


def test_running_out_of_memory_is_no_instance_that_was_skipped(template):
    def hungry(instance, ctx):
        raise MemoryError

    with pytest.raises(MemoryError):
        hunt(template.variant(check=hungry), 10)


SCRIPT = """
import json, sys
from pathlib import Path
from lora_proofs.running.catalogue import load_file
from lora_proofs.running.runner import verify
corpus = load_file(Path(sys.argv[1]))
if sys.argv[2] == "late":
    import lora_proofs.experiments.catalogue, lora_proofs.claims.classical.balancedness
told = []
for claim in corpus.FALSE:
    if claim.name in ("breakable/young-wide", "breakable/never-both-parts-of-a-start-wide"):
        record = verify(claim, "quick", 3).to_dict()
        told.append([record["verdict"], record["counterexample"], record["search"]])
print(json.dumps(told, sort_keys=True))
"""


def test_the_same_seed_finds_the_same_in_every_process():
    path = Path(__file__).parent / "claims_for_tests" / "breakable.py"
    home = str(Path(lora_proofs.__file__).parent.parent)
    told = []
    for hashing, loaded in (("1", "early"), ("2", "late")):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(path), loaded],
            env={"PYTHONPATH": home, "PYTHONHASHSEED": hashing, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        told.append(done.stdout)
    assert told[0] == told[1]
    assert [verdict for verdict, _, _ in json.loads(told[0])] == ["REFUTED", "REFUTED"]


def test_edited_instances_on_which_memory_runs_out_are_left_out(template):
    def hungry(instance, ctx):
        if instance.x.denominator > 100:
            raise MemoryError
        yield at_least("square", ctx.number(instance.x) ** 2, ctx.number(0))

    result = verify(template.variant(check=hungry), "quick")
    assert result.verdict == "CERTIFIED"
    assert any("memory ran out" in note for note in result.to_dict()["notes"])


@pytest.mark.parametrize("dependent", ["said by the author", ""])
def test_where_nothing_is_edited_the_simplest_draws_are_looked_at(template, dependent):
    def pair(source, regime):
        return Instance(regimes=(regime,), x=source.integer(-(10**9), 10**9))

    def not_zero(instance, ctx):
        yield at_least(f"size in {instance.regimes}", abs(ctx.number(instance.x)), ctx.number(1))

    claim = template.variant(instances=Instances(pair, dependent=dependent), check=not_zero)
    found, subject = hunt(claim, 40)
    assert subject.dependent and found.found is not None
    assert found.found.refutation.instance.x == 0


def test_a_suspect_of_floats_that_no_rigour_looked_at_is_no_slack_that_was_met(template):
    met, _ = hunt(template.base, 10)
    assert met.guide.fast and met.found is None
    met.judged, met.guide = met.limit, replace(met.guide, check=_never)
    before = met.closest, met.at
    met.meet(Instance(x=12345), "corners", "corner")
    assert met.unjudged == 1 and (met.closest, met.at) == before


def _never(instance, ctx):
    yield at_most("h", 1, 0)
