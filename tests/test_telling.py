"""What a verdict says of a refutation, a support, and what would settle it; and the page on it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import flint
import pytest

import lora_proofs
from lora_proofs import (
    Assumption,
    Claim,
    Control,
    Instance,
    Instances,
    Source,
    at_least,
    at_most,
    equal,
    verify,
)
from lora_proofs.arithmetic import BallArithmetic
from lora_proofs.cli.outcome import attention, instance, rows_of, supported
from lora_proofs.judging.evaluation import evaluate
from lora_proofs.judging.margins import Tightest, margin, relative
from lora_proofs.language.budget import budget
from lora_proofs.language.chance import bounds
from lora_proofs.language.evidence import (
    CertificateEvidence,
    ControlEvidence,
    Evidence,
    SampleEvidence,
)
from lora_proofs.language.settling import LOWERED, actions
from lora_proofs.report.faces import render
from lora_proofs.running.notebook import in_latex
from lora_proofs.running.records import digest
from lora_proofs.running.telling import checks, origin, short, support

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "verdicts.md").read_text(encoding="utf-8")
QUICK = budget("quick")


# The page


def printed(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "lora_proofs", *arguments],
        cwd=DOCS / "verdicts",
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(lora_proofs.__file__).parent.parent)},
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def test_the_commands_of_the_page_print_what_it_shows(tmp_path):
    commands = re.findall(r"```sh\nlora-proofs ([^\n]*)\n```", PAGE)
    ledger = ("--ledger", str(tmp_path / "ledger.sqlite"), "--jobs", "1")
    lines = [x for c in commands for x in printed(*c.split(), *ledger).splitlines()]
    shown = [
        x for block in re.findall(r"```text\n(.*?)```", PAGE, re.S) for x in block.splitlines()
    ]
    assert len(commands) == 2 and len(shown) > 20
    for line in shown:
        assert line in lines, "\n".join(lines)


def test_the_page_has_an_example_of_every_verdict():
    for verdict in ("PROVED", "CERTIFIED", "SUPPORTED", "REFUTED", "INCONCLUSIVE"):
        assert re.search(rf"^\S+: {verdict} on ", PAGE, re.M)


# A claim to be told of


def draw(source, regime):
    return Instance(A=[[source.integer(1, 9), source.integer(1, 9)]], h=source.integer(0, 3))


def bound(factor):
    def check(instance, ctx):
        x = instance.lift(ctx)
        yield at_most("a", x.A[0, 0], ctx.number(factor) * (x.A[0, 0] + x.h))

    return check


def positive(instance, ctx):
    x = instance.lift(ctx)
    yield at_least("step", x.h, ctx.number(0))


step = Assumption("step", "h >= 0", positive)
NEGATIVE = Instance(A=[[1, 1]], h=-1)


def claim(**changes):
    parts = {
        "name": "tests/telling",
        "source": Source("tests"),
        "statement": "x",
        "assumptions": (step,),
        "instances": Instances(draw, ("first", "second")),
        "check": bound(1),
        "controls": (Control(step, (NEGATIVE,), why="h = -1"),),
        **changes,
    }
    return Claim(**parts)


@pytest.fixture(scope="module")
def held():
    return verify(claim(), budget="quick")


@pytest.fixture(scope="module")
def refuted():
    return verify(claim(check=bound("99/100")), budget="quick")


# Refutations


def test_a_counterexample_has_each_assumption_with_both_sides(refuted):
    found = refuted.counterexample
    (compared,) = found["checks"]["step"]
    assert set(compared) == {"label", "left", "relation", "right", "slack"}
    assert compared["left"] == str(found["instance"]["h"]) and compared["right"] == "0"
    assert compared["relation"] == ">=" and compared["slack"] == compared["left"]
    assert next(checks(found))[0] == "step"


def test_the_margin_of_a_counterexample_is_relative_too(refuted):
    comparison = refuted.counterexample["comparison"]
    assert float(comparison["relative"]) < 0
    assert margin(at_most("x", 4, 3)) == "-0.25"
    assert margin(equal("x", 4, 3)) == "-0.25"


def test_the_margin_is_that_of_exact_numbers_however_large():
    assert relative(at_most("x", 3 * 10**400, 2 * 10**400)) == pytest.approx(-1 / 3)
    assert relative(at_most("x", 0, 0)) is None


def test_a_counterexample_says_how_it_was_found_and_made_small(refuted):
    told = {"found": {"by": "corner: ties", "regime": "r", "drawn": False}}
    (line,) = origin(told)
    assert "the corner 'ties'" in line and "`draw` did not give it" in line
    small = {"from": "3 x 3", "to": "1 x 1", "steps": 2, "judged": 5}
    assert "from 3 x 3 to 1 x 1 in 2 confirmed steps" in next(origin({"shrunk": small}))
    assert list(origin({})) == []
    same = {**small, "from": "2 x 2", "to": "2 x 2"}
    assert "made simpler at the same size (2 x 2)" in next(origin({"shrunk": same}))
    assert list(origin(refuted.counterexample))


def test_every_face_shows_the_sides_the_assumption_and_the_margin(refuted):
    record = {**refuted.to_dict(), "shipped": False}
    faces = [
        refuted._repr_html_(),
        render([record], "html"),
        render([record], "markdown"),
    ]
    for face in faces:
        assert "of the larger side" in face
        assert "step" in face and "replay" in face
    assert r"\begin{bmatrix}" in refuted._repr_latex_()


def test_a_refutation_says_what_was_cut_off(refuted):
    record = {**refuted.to_dict(), "notes": ["shrinking was cut off after 4 s"]}
    assert "  shrinking was cut off after 4 s" in list(attention(record))


def test_a_relation_is_a_sign_of_latex():
    comparison = {"label": "x >= 0", "left": "1", "relation": ">=", "right": "2", "slack": "-1"}
    found = {"comparison": comparison, "instance": {"x": "1"}}
    told = in_latex({"statement": "x", "counterexample": found})
    assert r"x $\ge$ 0: 1 $\ge$ 2" in told and "$=" not in told
    found["comparison"] = {**comparison, "label": "x < y", "relation": "<="}
    assert r"x $<$ y: 1 $\le$ 2" in in_latex({"statement": "x", "counterexample": found})


# Supports


def test_both_slacks_say_what_they_are_relative_to(held):
    lines = list(support({**held.to_dict(), "search": {"instances": 4, "closest": "0.1"}}))
    assert sum("smallest slack of the samples: " in line for line in lines) == 1
    assert "smallest slack of the samples: 0 of the larger side, met in" in lines[0]
    assert "; the smallest in absolute terms, which may be of another sample, is 0" in lines[0]
    (searched,) = [line for line in lines if "searched" in line]
    assert searched.endswith("; it came to a slack of 0.1 of both sides together")


def test_the_instance_on_which_the_search_came_closest_is_shown_beside_that_of_the_samples(held):
    record = {**held.to_dict(), "search": {"instances": 4, "closest": "0.1", "at": {"h": "7/3"}}}
    lines = list(supported(record))
    at = lines.index("  the instance on which the search came closest:")
    assert lines.index("  the instance with the smallest slack of the samples:") < at
    assert lines[at + 1] == "    h = 7/3"
    assert "came closest" not in "".join(supported({**record, "verdict": "REFUTED"}))


def test_a_support_has_the_smallest_slack_and_where_it_was_met(held):
    samples = held.to_dict()["samples"]
    at = samples["smallest_at"]
    assert samples["smallest_relative_slack"] == at["comparison"]["relative"] == "0"
    assert at["instance"]["h"] == 0 and at["regime"] in ("first", "second")
    assert at["comparison"]["left"] == at["comparison"]["right"]
    assert samples["tight"] > 0


def test_slacks_are_counted_once_an_instance_by_half_decades():
    met = Tightest()
    assert met.spread.told() == {}
    rooms = [(1, 2), (98, 100), (9, 9), (0, 0), (-5, 5), (10**20, 10**20 + 1)]
    for k, (left, right) in enumerate(rooms):
        met.meet("r", Instance(k=k), [at_most("x", left, right), at_most("y", 0, 4)])
    told = met.spread.told()
    found = {told["low"] + k / 2: n for k, n in enumerate(told["counts"]) if n}
    # 0 <= 4 leaves all of it, which is 1, in the last bin; the least of each instance counts.
    assert found == {-0.5: 3, -2.0: 1}
    assert (told["zero"], told["below"], told["above"]) == (1, 1, 0)


def test_the_tightest_is_the_smallest_in_relation():
    met = Tightest()
    for k, (left, right) in enumerate([(1, 2), (98, 100), (0, 0), (5, 50)]):
        met.meet("r", Instance(k=k), [at_most("x", left, right), equal("y", 1, 1)])
    told = met.told()
    assert (told["instance"], told["comparison"]["relative"]) == ({"k": 1}, "0.02")
    assert (met.smallest(), met.tight) == ("1", 0)


def test_what_only_compares_zeros_or_equations_has_no_slack_to_show():
    met = Tightest()
    met.meet("r", Instance(k=1), [at_most("x", 0, 0), equal("y", 1, 1)])
    assert met.told() is None and met.smallest() == "0"
    told = {"verdict": "SUPPORTED", "samples": {"instances": 9, "smallest_slack": "0",
            "smallest_at": None}}  # fmt: skip
    assert next(support(told)).startswith("no slack to measure")


def test_evidence_beside_the_theorem_and_what_is_undecided_are_not_counted():
    met = Tightest()
    beside = at_most("measured: x", 1, 1)
    met.meet("r", Instance(k=1), [beside, at_most("x", 3, 2), at_most("x", 1.0, 1.0)])
    assert met.told() is None


def test_the_bound_is_that_of_independent_draws_that_differ(held):
    record = held.to_dict()
    draws, samples = record["draws"], record["samples"]
    assert draws["draws"] == sum(samples["independent"].values()) <= samples["instances"]
    assert draws["at_most"] == f"3/{draws['draws']}"
    exactly = 1 - 0.05 ** (1 / draws["draws"])
    assert (
        float(draws["exactly"]) == pytest.approx(exactly, rel=0.01) and exactly < 3 / draws["draws"]
    )
    assert set(draws["regimes"]) == {"first", "second"}


def test_no_bound_is_given_where_a_verdict_does_not_rest_on_draws(refuted):
    assert refuted.to_dict()["draws"] is None
    assert bounds({}) is None and bounds({"a": 0}) is None
    assert bounds({"a": 2})["at_most"] == "1"


def test_the_words_of_the_bound_speak_of_draws_and_never_of_all_instances(held):
    (line,) = [x for x in support(held.to_dict()) if "confidence" in x]
    assert "a draw of these regimes" in line and "never about all instances" in line
    assert "with 95 % confidence" in line


def test_none_of_it_changes_the_digest(held):
    record = held.to_dict()
    bare = {**record, "draws": None, "settle": []}
    bare["samples"] = {**record["samples"], "smallest_at": None, "smallest_slack": "7"}
    assert digest([record]) == digest([bare])


def test_a_record_is_plain_data(held, refuted):
    for result in (held, refuted):
        assert "smallest_at" in json.dumps(result.to_dict(), allow_nan=False)


# What would settle it

REFUTED = ControlEvidence(None, "why", "refuted", {})
GOOD = Evidence(
    samples=SampleEvidence(instances=30, distinct=30, regimes={"a": 30}),
    certificates=CertificateEvidence(30, {"a": 30}, "exact"),
    controls=(REFUTED,),
    declared_regimes=("a",),
)


def samples(**changes):
    return replace(GOOD, samples=replace(GOOD.samples, **changes))


def survives(problem):
    return replace(
        GOOD, controls=(REFUTED, ControlEvidence(None, "sharper", "survived", None, problem))
    )


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (replace(GOOD, error={"type": "E", "message": "m", "where": "f.py:3"}), "at f.py:3"),
        (replace(GOOD, exhausted="stopped in the stage 'sample': 20 s"), "--time-limit 200"),
        (replace(GOOD, exhausted="stopped in the stage 'x': y, 7.5 s; --z"), "7.5 s that it had: "),
        (replace(GOOD, exhausted="stopped in the stage 'sample': 20 s"), "in the stage 'sample'"),
        (replace(GOOD, exhausted="stopped in the stage 'load': 4 s"), "define its claims"),
        (replace(GOOD, problems=("the construction misses on x",)), "give a better construction"),
        (replace(GOOD, exhausted="out of memory in the stage 'x'"), "LORA_PROOFS_MEMORY_MB"),
        (samples(empty=True), "yield at least one comparison"),
        (samples(constant=True), "from the instance that it is given"),
        (samples(constant=True, trivial=30), "not their difference with 0"),
        (samples(shapes_alone=True), "numbers of the instance (n, m, r)"),
        (replace(GOOD, problems=("assumption 'p' yields no comparison",)), "assumption 'p' yield"),
        (replace(GOOD, suspect="x"), "settle the suspect"),
        (survives("its conclusion holds in exact arithmetic"), "control 2 (sharper): it survives"),
        (survives("the dropped assumption 'p' does not fail rigorously"), "that breaks the as"),
        (survives("assumption 'q' does not hold rigorously on its instance"), "'q' holds"),
        (survives("its conclusion undecided in ball arithmetic"), "was not decided"),
        (survives(f"its conclusion undecided in ball arithmetic{LOWERED} 4"), "let its check l"),
        (
            replace(samples(undecided=1), notes=(f"undecided in ball arithmetic{LOWERED} 4 bits",)),
            "let the check leave flint.ctx.prec",
        ),
        (samples(discarded=10, excluded={"p": 10}), "satisfy 'p': 10 of 40 draws broke it"),
        (samples(discarded=20, excluded={"p": 10}, rejected=10), "`draw` itself"),
        (samples(instances=12), "the quick budget needs 30"),
        (samples(distinct=3), "3 differ"),
        (samples(regimes={"a": 2}), "regime 'a'"),
        (samples(undecided=1), "works with 100"),
        (
            replace(samples(undecided=1), notes=("roots is not available in exact arithmetic",)),
            "a rigorous arithmetic for roots",
        ),
        (
            replace(
                samples(undecided=1),
                notes=("a limit (it is open: 7; below 7, 1) is not available in ball arithmetic",),
            ),
            "decide a limit: it is open: 7; below 7, 1",
        ),
    ],
)  # fmt: skip
def test_each_reason_that_blocks_has_something_to_do(evidence, words):
    assert any(words in action for action in actions(evidence, QUICK)), actions(evidence, QUICK)


def test_a_precision_that_the_check_lowered_is_told_in_place_of_a_call_for_more_digits():
    def vague(instance, ctx):
        flint.ctx.prec = 4
        yield from equal_sides(instance, ctx)

    def equal_sides(instance, ctx):
        x = instance.lift(ctx).h
        yield at_most("a", ctx.sqrt(x) * ctx.sqrt(x), x * ctx.number("1001/1000"))

    three, before = Instance(h=3), flint.ctx.prec
    found = evaluate(vague, three, BallArithmetic(50))
    assert found.outcome == "undecided" and found.why.endswith(f"{LOWERED} 4 bits")
    assert flint.ctx.prec == before
    assert evaluate(equal_sides, three, BallArithmetic(50)).certifies
    notes = replace(samples(undecided=1), notes=(found.why,))
    assert not any("more digits" in action for action in actions(notes, QUICK))


def test_nothing_is_to_settle_where_a_verdict_stands(held, refuted):
    assert actions(GOOD, QUICK) == ()
    assert held.to_dict()["settle"] == refuted.to_dict()["settle"] == []


def test_the_limit_that_was_set_is_the_one_that_is_told():
    stopped = "stopped in the stage 'sample': the limit that --time-limit set, 2 s"
    (action,) = [x for x in actions(replace(GOOD, exhausted=stopped), QUICK) if "time" in x]
    assert "more than the 2 s" in action and action.endswith("--time-limit 20")


# How it is printed


def test_a_large_matrix_is_printed_row_by_row_and_a_huge_one_is_cut():
    eight = [[f"{i}{j}/7" for j in range(8)] for i in range(8)]
    lines = list(instance({"W0": eight}))
    assert lines[0].strip() == "W0 =" and len(lines) == 9
    assert len({len(line) for line in lines[2:-1]}) == 1
    cut = list(rows_of([[1] * 200] * 30, 60))
    assert max(map(len, cut)) < 80
    assert "18 more rows" in cut[-1] and "more)" in cut[0]


def test_a_long_number_is_told_in_short():
    assert short("1/3") == "1/3"
    assert short(f"{10**20}/{3 * 10**20 + 1}") == "about 0.333"
