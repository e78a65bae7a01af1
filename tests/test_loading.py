"""Claims by name in Python: loaded, verified and replayed without the command line."""

import hashlib

import pytest

from lora_proofs import load_claim, replay, verify
from lora_proofs.errors import BadInput, ClaimRefused


def test_a_shipped_claim_by_its_name():
    assert load_claim("classical/balancedness").name == "classical/balancedness"


def test_a_claim_of_a_file_by_name_or_attribute(claim_file):
    path = claim_file()
    claim = load_claim(f"{path}::base")
    assert load_claim(f"{path}::{claim.name}") is claim


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("classical/balancednes", "Did you mean classical/balancedness"),
        ("classical/*", "expected one claim"),
        ("nothing/*", "none matches"),
        ("nowhere.py", "expected a readable Python file of claims"),
        (7, "expected the name of a claim, got int=7"),
    ],
)
def test_what_names_no_claim_is_told(target, words):
    with pytest.raises(BadInput, match=words.replace("*", r"\*")):
        load_claim(target)


def test_the_fingerprint_of_a_file_is_compared(claim_file):
    path = claim_file()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_claim(f"{path}::base", sha256=digest)
    with pytest.raises(BadInput, match="it changed"):
        load_claim(str(path), sha256="0" * 64)
    with pytest.raises(BadInput, match="expected one of its claims after '::'"):
        load_claim(f"{path}::other")


def test_a_file_that_raises_is_refused(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n")
    with pytest.raises(ClaimRefused, match="ZeroDivisionError"):
        load_claim(str(path))


def test_verify_takes_a_name_and_replay_what_it_found(claim_file):
    path = claim_file(
        "def half(instance, ctx):\n"
        "    yield at_least('half', ctx.number('1/2'), ctx.number(1))\n"
        "claim = variant('half', check=half)\nbase = None\n"
    )
    result = verify(str(path), budget="quick")
    assert result.verdict == "REFUTED"
    again = replay(str(path), result.counterexample)
    assert again["confirmed"] and again["comparison"]["label"] == "half"
    assert result.digest.startswith("sha256:")


def test_what_is_no_claim_is_shown_in_short(claim_file):
    claim = load_claim(str(claim_file()))
    for take in (verify, lambda given: replay(given, {"instance": {"x": 1}})):
        with pytest.raises(BadInput, match=r"got list=\[.*: give them one by one") as refused:
            take([claim])
        assert len(str(refused.value)) < 200
    with pytest.raises(BadInput, match=r"such as module\.claim"):
        verify(hashlib)


def test_what_is_no_counterexample_is_told():
    with pytest.raises(BadInput, match="expected a counterexample"):
        replay("classical/balancedness", {"left": 1})
    with pytest.raises(BadInput, match="does not fit the claim"):
        replay("classical/balancedness", {"instance": {"x": "1"}})
