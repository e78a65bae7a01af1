"""`lora-proofs new`: a file that verifies as it stands, and one message for what cannot be."""

import pytest

from lora_proofs import verify
from lora_proofs.cli.creating import KINDS, template
from lora_proofs.running.catalogue import claims_in, load_file


@pytest.mark.parametrize(
    "kind", ["inequality", "existence", pytest.param("loss", marks=pytest.mark.nightly)]
)
def test_an_example_is_certified_as_it_stands(kind, tmp_path):
    path = tmp_path / "my_claim.py"
    path.write_text(template(kind, f"my/{kind}"), encoding="utf-8")
    ((_, _, claim),) = claims_in(load_file(path))
    assert claim.name == f"my/{kind}"
    assert str(verify(claim, budget="quick").verdict) == "CERTIFIED"


def test_the_examples_are_short():
    for kind in KINDS:
        text = template(kind, "my/claim")
        body = text.partition('"""\n\n')[2].splitlines()
        code = [line for line in body if line.strip() and not line.startswith("#")]
        assert 15 <= len(code) <= 45, kind
        assert "@" not in text.replace(" @ ", "")


def test_the_flow_example_draws_small_problems_and_its_check_can_fail(tmp_path):
    from lora_proofs.arithmetic import BallArithmetic
    from lora_proofs.judging.drawing import draw_one

    path = tmp_path / "my_flow.py"
    path.write_text(template("flow", "my/flow"), encoding="utf-8")
    module = load_file(path)
    ball, claim = BallArithmetic(50), module.claim
    # With edits of the entries the search takes minutes.
    assert claim.instances.dependent
    with ball.working():
        for regime in claim.instances.regimes:
            (told,) = claim.check(draw_one(claim.instances, regime, 0, "x", regime), ball)
            assert told.outcome == "holds" and told.rigorous
        (told,) = module.loss_halves(module.SLOW, ball)
        assert told.outcome == "fails" and told.rigorous


def test_from_new_to_verdict(lora_proofs):
    told = lora_proofs("new", "my_rank_bound.py")
    assert told.returncode == 0 and "my/rank-bound" in told.stderr
    assert "my/rank-bound  CERTIFIED on 30" in lora_proofs.done(
        "verify", "my_rank_bound.py", "--budget", "quick"
    )


def test_like_starts_from_a_shipped_claim(lora_proofs):
    lora_proofs.done("new", "own.py", "--like", "classical/balancedness")
    text = (lora_proofs.folder / "own.py").read_text()
    assert 'name="my/own"' in text and "def sum_instead" in text
    assert "PROVED on all shapes" in lora_proofs.done("verify", "own.py", "--budget", "quick")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("notes.txt",), ["expected a Python file"]),
        (("2nd.py",), ["no digit first"]),
        (("class.py",), ["is a Python keyword", "my_class.py"]),
        (("numpy.py",), ["hide the module", "my_numpy.py"]),
        (("sys.py",), ["hide the module"]),
        (("x.py", "--like", "my_loss.py"), ["got the path", "copy the file"]),
        (("a-b.py",), ["Python can import"]),
        (("é.py",), ["Python can import"]),
        (("_.py",), ["Python can import"]),
        (("nowhere/x.py",), ["there is no directory nowhere"]),
        (("x.py", "--kind", "song"), ["inequality", "song"]),
        (("x.py", "--kind", "flow", "--like", "classical/balancedness"), ["leave one out"]),
        (("x.py", "--like", "classical/balancednes"), ["Did you mean classical/balancedness"]),
        (("x.py", "--like", "classical/*"), ["one claim", "fit"]),
    ],
)
def test_what_cannot_be_is_one_message(lora_proofs, arguments, words):
    lora_proofs.refuses("new", *arguments, words=words)
    assert not list(lora_proofs.folder.glob("*.py"))


def test_a_file_that_exists_is_kept_unless_forced(lora_proofs):
    path = lora_proofs.folder / "x.py"
    path.write_text("mine")
    lora_proofs.refuses("new", "x.py", words=["it exists", "--force"])
    assert path.read_text() == "mine"
    lora_proofs.done("new", "x.py", "--force")
    assert "my/x" in path.read_text()


def test_a_place_that_cannot_be_written_is_one_message(lora_proofs):
    (lora_proofs.folder / "dir.py").mkdir()
    lora_proofs.refuses("new", "dir.py", words=["directory"])
    lora_proofs.refuses("new", "/proc/x.py", words=["cannot be written"])
