"""A recorded counterexample is judged again from its exact numbers."""

import json

import pytest

from lora_proofs import replay as lora_proofs_replay

COUNTEREXAMPLE = {"claim": "tests/false", "instance": {"x": "1/3"}}
FALSE = """
def too_large(instance, ctx):
    x = ctx.number(instance.x)
    yield at_least("square", x * x, ctx.number(1000))
false = variant("false", check=too_large)
"""


def replay(lora_proofs, tmp_path, document, *options):
    path = tmp_path / "counterexample.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return lora_proofs("replay", path, *options)


def told(done, code):
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_counterexample_in_a_file_needs_no_ledger(lora_proofs, tmp_path, claim_file):
    target = f"{claim_file(FALSE)}::tests/false"
    done = replay(lora_proofs, tmp_path, COUNTEREXAMPLE, "--claim", target)
    text = told(done, 0)
    assert "x = 1/3" in text
    assert "square: 1/9 >= 1000 fails, slack -8999/9, in exact arithmetic" in text


def test_a_counterexample_names_its_claim_in_a_file(lora_proofs, tmp_path, claim_file):
    path = claim_file(FALSE + "other = variant('other')\n")
    assert "tests/false" in told(replay(lora_proofs, tmp_path, COUNTEREXAMPLE, "--claim", path), 0)


def test_an_instance_that_does_not_refute_exits_1(lora_proofs, tmp_path, claim_file):
    target = f"{claim_file(FALSE)}::tests/false"
    done = replay(lora_proofs, tmp_path, {"instance": {"x": 33}}, "--claim", target, "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["confirmed"] is False
    assert "holds in exact" in answer["reason"]


def test_a_document_of_verify_is_replayed_where_its_file_stands(lora_proofs, tmp_path, claim_file):
    claim_file(FALSE)
    run = lora_proofs("verify", tmp_path / "my_claim.py", "--json", "--budget", "quick")
    assert "confirmed" in told(replay(lora_proofs, tmp_path, run.stdout), 0)
    record = next(c for c in json.loads(run.stdout)["claims"] if c["counterexample"])
    assert "confirmed" in told(replay(lora_proofs, tmp_path, record), 0)
    assert "confirmed" in told(replay(lora_proofs, tmp_path, record["counterexample"]), 0)


def test_a_control_is_replayed_by_its_number(lora_proofs, claim_file):
    lora_proofs("verify", claim_file(), "--budget", "quick")
    text = told(lora_proofs("replay", "1", "--control", "1"), 0)
    assert "tests/square, control 1" in text and "confirmed" in text
    assert "expected --control from 1 to 1" in told(lora_proofs("replay", "1", "--control", "2"), 4)


def test_what_replay_prints_replays_itself(lora_proofs, tmp_path, claim_file):
    lora_proofs("verify", f"{claim_file(FALSE)}::false", "--budget", "quick")
    for options, which in (((), ""), (("--control", "1"), ", control 1")):
        printed = lora_proofs("replay", "1", "--json", *options).stdout
        assert f"tests/false{which}\n" in told(replay(lora_proofs, tmp_path, printed), 0)


def test_a_name_that_is_known_by_its_file_alone_asks_for_the_file(lora_proofs, tmp_path):
    text = told(replay(lora_proofs, tmp_path, COUNTEREXAMPLE), 4)
    assert "which no claim has" in text and "--claim FILE.py" in text


def test_a_mended_claim_is_judged_as_it_is_now(lora_proofs, claim_file):
    lora_proofs("verify", f"{claim_file(FALSE)}::false", "--budget", "quick")
    claim_file(FALSE.replace("ctx.number(1000)", "ctx.number(-2)"))
    text = told(lora_proofs("replay", "1"), 1)
    assert "not confirmed" in text
    assert "the file has changed since" in text


def test_a_confirmation_names_the_theorems_that_it_leans_on(lora_proofs, tmp_path, claim_file):
    code = """
from lora_proofs import at_most, measures
def small(instance, ctx):
    X = ctx.matrix([[instance.x, 1], [1, 1]])
    yield at_most("norm", measures.spectral_norm(X, ctx), ctx.number(1))
norm = variant("norm", check=small)
"""
    target = f"{claim_file(FALSE + code)}::norm"
    text = told(replay(lora_proofs, tmp_path, COUNTEREXAMPLE, "--claim", target), 0)
    assert "refutes again, modulo " in text and "Weyl" in text
    target = target.replace("norm", "false")
    text = told(replay(lora_proofs, tmp_path, COUNTEREXAMPLE, "--claim", target), 0)
    assert "modulo" not in text


def test_a_broken_assumption_is_no_refutation(lora_proofs, tmp_path, claim_file):
    code = (
        FALSE
        + """
from lora_proofs import Assumption
def large(instance, ctx):
    yield at_least("x", ctx.number(instance.x), ctx.number(1))
LARGE = Assumption("large", "x >= 1", large, technical="-")
assuming = variant("assuming", check=too_large, assumptions=(LARGE,))
"""
    )
    target = f"{claim_file(code)}::assuming"
    text = told(replay(lora_proofs, tmp_path, COUNTEREXAMPLE, "--claim", target), 1)
    assert "assumption large: fails" in text
    assert "'large' does not hold rigorously there" in text


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ("not json", "expected a JSON file"),
        ("[1, 2]", "expected a JSON object"),
        ("{}", 'an object with an "instance"'),
        ('{"instance": {"x": NaN}, "claim": "tests/false"}', "NaN is not an exact number"),
        ({"instance": {"x": 1}}, "--claim"),
        ({"instance": {"x": 1}, "claim": "tests/none"}, "'tests/none'"),
        ({"instance": {"x": [[1], [1, 2]]}, "claim": "classical/balancedness"}, "rows"),
        ({"claims": []}, "expected one claim with a counterexample, found 0"),
        ({"verdict": "PROVED", "counterexample": None}, "its verdict is PROVED"),
        ("[" * 100_000, "expected a JSON file"),
        ('{"instance": {"W0": [[1e9999]]}, "claim": "classical/balancedness"}', "finite number"),
        ({"instance": {"W0": [["1e9999"]]}, "claim": "classical/balancedness"}, "W0[1][1]: exp"),
        ({"instance": {"x": 1, "regimes": 5}, "claim": "classical/balancedness"}, "regimes: exp"),
        ({"instance": {"x": 1}, "claim": "classical/balancedness", "control": True}, "got True"),
    ],
)
def test_what_cannot_be_replayed(lora_proofs, tmp_path, document, word):
    assert word in told(replay(lora_proofs, tmp_path, document), 4)


def test_an_instance_of_another_shape_is_one_message(lora_proofs, tmp_path):
    document = {"instance": {"y": 1}, "claim": "classical/balancedness"}
    assert "does not fit" in told(replay(lora_proofs, tmp_path, document), 4)


@pytest.mark.parametrize("quotes", ['"', ""])
def test_a_number_of_many_digits_is_replayed(lora_proofs, tmp_path, claim_file, quotes):
    digits = "9" * 5000
    code = """
def small(instance, ctx):
    yield at_most("x", ctx.number(instance.x), ctx.number(10))
small = variant("small", check=small)
"""
    path = claim_file("from lora_proofs import at_most\n" + code)
    document = f'{{"instance": {{"x": {quotes}{digits}{quotes}}}, "claim": "tests/small"}}'
    text = told(replay(lora_proofs, tmp_path, document, "--claim", path), 0)
    assert f"x: {digits} <= 10 fails" in text


WORDS = """
from lora_proofs import Claim, Control, Instance, Source, at_most, instances_of, measures
def shrinks(i, ctx, c=1):
    x = i.lift(ctx)
    yield at_most("shrinks", x.h * measures.trace(x.X), ctx.number(c) * measures.trace(x.X))
claim = Claim(
    name="tests/words", source=Source("tests"), statement="h tr X <= tr X", assumptions=(),
    instances=instances_of(X="n x n psd", h="number in (0, 1]", sizes={"n": (2, 3)}),
    check=shrinks,
    controls=(Control(None, (Instance(X=[[1]], h=1),), "half", lambda i, c: shrinks(i, c, "1/2")),),
)
"""


@pytest.mark.parametrize(
    ("instance", "why"),
    [
        ({"X": [[1, 0], [0, 1]], "h": 5}, "h: not as the words"),
        ({"X": [[-1, 0], [0, -1]], "h": "1/2"}, "X: not as the words"),
        ({"X": [[1]], "h": 5}, "have none of the shapes"),
    ],
)
def test_what_the_words_leave_out_is_no_refutation(tmp_path, instance, why):
    path = tmp_path / "words.py"
    path.write_text(WORDS)
    again = lora_proofs_replay(f"{path}::tests/words", {"instance": instance})
    assert not again["confirmed"] and again["comparison"] is None
    assert again["reason"].startswith("not one of the instances that the claim is about: ")
    assert why in again["reason"]


def test_what_an_author_does_not_admit_is_no_refutation(tmp_path):
    path = tmp_path / "words.py"
    made = "(lambda of: Instances(of.draw, of.regimes, admits=lambda i: i.h < 7))(instances_of("
    text = WORDS.replace("instances=instances_of(", f"instances={made}")
    text = text.replace("(2, 3)}),", "(2, 3)})),")
    path.write_text("from lora_proofs import Instances\n" + text)
    for h, confirmed in (("6", True), ("8", False)):
        again = lora_proofs_replay(f"{path}::tests/words", {"instance": {"X": [[1]], "h": h}})
        assert again["confirmed"] is confirmed
    assert again["reason"].endswith("Instances(admits=...) says no")
