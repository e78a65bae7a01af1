"""``lora-proofs selftest`` on a user's file: table, document, resuming, exit codes."""

import json
import sqlite3

import pytest

NIGHTLY = pytest.param("flow", marks=pytest.mark.nightly)
CODE = """
from lora_proofs import at_most, equal

def tight(instance, ctx):
    x = ctx.number(instance.x)
    yield equal("square", (x + 1) ** 2, x * x + 2 * x + 1)
    yield at_most("size", x, abs(x))

def loose(instance, ctx):
    x = ctx.number(instance.x)
    yield at_most("far", x, abs(x) * 9 + 5)

claim = variant("{name}", check={name})
"""


@pytest.fixture
def selftest(lora_proofs, claim_file):
    def called(name, *options, code=0):
        path = f"{claim_file(CODE.format(name=name))}::tests/{name}"
        return lora_proofs.done(
            "selftest", path, "--budget", "quick", "--jobs", "1", *options, code=code
        )

    return called


def test_a_tight_claim_scores_and_its_mutants_are_listed(selftest):
    text = selftest("tight", "--list")
    assert "score 100.0 %" in text
    assert "refuted    source: " in text
    assert "refuted    comparison: 0.99: square: the right side times 0.99 in 'square'" in text
    assert "    sensitivity exact: square" in text
    assert "planted controls refuted" in text


def test_a_loose_claim_exits_1_and_the_document_names_survivors(lora_proofs, claim_file):
    path = f"{claim_file(CODE.format(name='loose'))}::tests/loose"
    done = lora_proofs("selftest", path, "--budget", "quick", "--jobs", "1", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["exit_code"] == 1
    assert told["score"] == pytest.approx(told["refuted"] / told["mutants"], abs=1e-6)
    assert told["score"] < 0.95
    ids = {s["id"] for s in told["survivors"]}
    assert {"comparison: strict: far", "comparison: 0.99: far"} <= ids
    (claim,) = told["claims"]
    assert claim["survived"] == len(ids)
    assert claim["sensitivity"]["error"] > 0.5
    assert "about" not in done.stdout


def test_a_finished_claim_is_not_judged_again_and_a_changed_one_is(
    lora_proofs, claim_file, tmp_path
):
    file, state = claim_file(CODE.format(name="tight")), tmp_path / ".lora-proofs" / "state.sqlite"
    path = f"{file}::tests/tight"
    options = ("--budget", "quick", "--jobs", "1", "--state", state)
    first = lora_proofs("selftest", path, *options)
    again = lora_proofs("selftest", path, *options)
    assert "[1/1] tests/tight" in first.stderr
    assert again.stderr == ""
    assert again.stdout == first.stdout
    file.write_text(file.read_text() + "\n# changed\n")
    assert "[1/1] tests/tight" in lora_proofs("selftest", path, *options).stderr


def test_an_interrupted_run_exits_2_with_what_is_finished(lora_proofs, claim_file, monkeypatch):
    from lora_proofs.running import selftesting

    real = selftesting.selftested

    def interrupted(*arguments, **more):
        yield next(iter(real(*arguments, **more)))
        raise KeyboardInterrupt

    monkeypatch.setattr(selftesting, "selftested", interrupted)
    path = claim_file(CODE.format(name="tight") + 'other = variant("other", check=loose)\n')
    done = lora_proofs("selftest", path, "--budget", "quick", "--jobs", "1", "--json")
    assert done.returncode == 2
    assert "1 of 3 claims are finished" in done.stderr
    told = json.loads(done.stdout)
    assert told["exit_code"] == 2
    assert len(told["claims"]) == 1


def test_a_claim_that_ends_its_process_is_not_finished(lora_proofs, claim_file):
    code = "import os\nclaim = variant('gone', check=lambda instance, ctx: os._exit(7))\n"
    path = f"{claim_file(code)}::tests/gone"
    done = lora_proofs("selftest", path, "--budget", "quick", "--jobs", "1", "--json")
    assert done.returncode == 1
    (gone,) = json.loads(done.stdout)["unfinished"]
    assert gone["claim"] == "tests/gone"
    assert "status 7" in gone["why"]


def test_what_a_claim_that_does_not_end_met_is_said():
    from lora_proofs.mutating.evaluating import DoesNotEnd
    from lora_proofs.running.scale import Outcome
    from lora_proofs.running.selftesting import _why

    def why(kind, value):
        return _why(Outcome(kind, value, "selftest"))

    failed = {"type": DoesNotEnd.__name__, "message": "not finished within 30 s of computing"}
    assert why("failed", failed).startswith("the claim itself, before any slip, does not end on an")
    assert why("failed", failed).endswith("30 s of computing")
    assert why("stopped", "300 s") == "stopped: 300 s, the limit for the self-test of one claim"
    assert why("failed", {"type": "ValueError", "message": "m"}) == "failed: ValueError: m"
    assert why("ended", "status 7") == "ended: status 7"


def test_another_database_is_refused(lora_proofs, claim_file, tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    words = "expected a file that `lora-proofs selftest` keeps its results in"
    done = lora_proofs("selftest", claim_file(CODE.format(name="tight")), "--state", path)
    assert done.returncode == 4
    assert words in done.stderr


def test_bad_usage_is_refused(lora_proofs, claim_file):
    path = claim_file(CODE.format(name="tight"))
    for options in (("--budget", "vast"), ("--jobs", "0"), ("--seed", str(2**70))):
        assert lora_proofs("selftest", path, *options).returncode == 4


EMPTY = """
from lora_proofs import equal

def same(instance, ctx):
    x = ctx.number(instance.x)
    yield equal("x", x * 2, x * 2)

def partly(instance, ctx):
    yield from same(instance, ctx)
    yield at_least("square", ctx.number(instance.x) ** 2, ctx.number(0))

claim = variant("{name}", check={name})
"""


@pytest.mark.parametrize(("name", "alone"), [("same", True), ("partly", False)])
def test_slips_in_what_is_compared_with_itself_are_told(lora_proofs, claim_file, name, alone):
    path = f"{claim_file(EMPTY.format(name=name))}::tests/{name}"
    options = ("--budget", "quick", "--jobs", "1")
    told = json.loads(lora_proofs("selftest", path, *options, "--json").stdout)
    named = {"claim": f"tests/{name}", "labels": ["x"], "alone": alone}
    assert told["compared_with_itself"] == [named]
    assert (told["mutants"] == 0) is alone
    assert told["exit_code"] == (1 if alone or told["score"] < 0.95 else 0)
    text = lora_proofs("selftest", path, *options).stdout
    assert f"tests/{name}: 'x' compares an expression with itself" in text


def test_reasons_of_a_file_count_and_those_that_say_nothing_are_named(
    lora_proofs, claim_file, tmp_path
):
    path = f"{claim_file(CODE.format(name='loose'))}::tests/loose"
    options = ("--budget", "quick", "--jobs", "1", "--json")
    alone = json.loads(lora_proofs("selftest", path, *options).stdout)
    assert alone["survived"] > 1
    rows = {s["id"]: "the bound is far from attained" for s in alone["survivors"]}
    rows["comparison: gone: far"] = "no such slip is made"
    text = "\n".join(f'{json.dumps(k)} = "{v}"' for k, v in rows.items())
    why = tmp_path / "why.toml"
    why.write_text(f'["tests/loose"]\n{text}\n\n["tests/none"]\n"x" = "there is no claim"\n')
    done = lora_proofs("selftest", path, *options, "--reasons", why)
    told = json.loads(done.stdout)
    assert (done.returncode, told["score"], told["survived"]) == (0, 1.0, 0)
    assert told["equivalent"] == alone["survived"]
    assert told["stale_reasons"] == [
        "tests/loose: comparison: gone: far: there is no such mutant",
        "tests/none: no claim of yours in this run has this name",
    ]


def test_rows_beside_a_file_that_say_nothing_are_named(lora_proofs, claim_file):
    file = claim_file(CODE.format(name="tight"))
    beside = file.parent / "equivalent_mutants.toml"
    beside.write_text('["tests/tight"]\n"comparison: gone: far" = "no such slip is made"\n')
    text = lora_proofs("selftest", f"{file}::tests/tight", "--budget", "quick").stdout
    assert "says nothing: tests/tight: comparison: gone: far: there is no such mutant" in text


def test_a_file_of_reasons_has_to_be_there(lora_proofs, claim_file, tmp_path):
    path = claim_file(CODE.format(name="tight"))
    done = lora_proofs("selftest", path, "--reasons", tmp_path / "none.toml")
    assert done.returncode == 4
    assert "expected a TOML file of reasons" in done.stderr


@pytest.mark.parametrize("kind", ["inequality", "existence", "loss", NIGHTLY])
def test_what_new_writes_leaves_no_slip_unnoticed(lora_proofs, kind):
    lora_proofs.done("new", "mine.py", "--kind", kind)
    text = lora_proofs.done("selftest", "mine.py", "--budget", "quick", "--jobs", "1")
    assert "score 100.0 %" in text


def test_what_did_not_end_is_reported_as_passed_over():
    from lora_proofs.cli.selftesting import _attention

    told = {
        "planted": {"survivors": []},
        "unfinished": [],
        "stale_reasons": [],
        "false_claims": [],
        "compared_with_itself": [],
        "passed_over": {"endless": 2, "evaluations given up": 3, "weaker": 9},
    }
    assert list(_attention(told)) == [
        "  passed over: 2 slips that did not end within 30 s of computing",
        "  passed over: 3 evaluations of mutants that did not end within 30 s of computing",
    ]


def test_slips_in_a_false_claim_of_a_user_count_for_nothing(lora_proofs, claim_file):
    code = CODE.replace("abs(x) * 9 + 5", "abs(x) / 9 + 5").format(name="loose")
    path = f"{claim_file(code)}::tests/loose"
    done = lora_proofs("selftest", path, "--budget", "quick", "--jobs", "1", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["false_claims"], told["mutants"]) == (1, ["tests/loose"], 0)
    assert told["score"] is None and told["claims"][0]["mutants"] >= 5
