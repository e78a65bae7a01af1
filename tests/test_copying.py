"""`new --like`: every shipped claim stands alone in a file, and is the same claim there."""

import inspect

import pytest

from lora_proofs.judging.drawing import draw_one
from lora_proofs.running.catalogue import claims_in, load, load_file, named, shipped_claims
from lora_proofs.running.copying import copied
from lora_proofs.running.result import describe

ENTRIES = shipped_claims()
PARTS = ("check", "derive", "lower_bound", "interpret")


def the_copy(entry, folder):
    path = folder / f"{entry.name.replace('/', '_')}.py"
    path.write_text(copied(entry, "my/copy"), encoding="utf-8")
    module = load_file(path)
    (found,) = [c for _, _, c in claims_in(module) if c.name == "my/copy"]
    others = [c for _, _, c in claims_in(module) if c is not found]
    assert all(c is load(e.locator) for c in others for e in ENTRIES if e.name == c.name)
    return found


def text(function):
    """What a function says."""
    return function and inspect.getsource(function)


@pytest.mark.parametrize(
    "start", [0, *(pytest.param(k, marks=pytest.mark.nightly) for k in range(1, 4))]
)
def test_every_shipped_claim_is_the_same_claim_in_a_file_of_its_own(start, tmp_path):
    assert len(ENTRIES) > 100
    for entry in ENTRIES[start::4]:
        shipped, found = load(entry.locator), the_copy(entry, tmp_path)
        assert {**describe(found), "name": ""} == {**describe(shipped), "name": ""}
        for part in PARTS:
            assert text(getattr(found, part)) == text(getattr(shipped, part)), entry.name


@pytest.mark.parametrize(
    "name",
    [
        "classical/balancedness",
        "rushka-klabjan/naive/same-limit-at-infinite-time",
        "zeng-lee/linear-lower-bound",
    ],
)
def test_a_copy_draws_the_same_instances(name, tmp_path):
    (entry,) = named(name, ENTRIES)
    shipped, found = load(entry.locator), the_copy(entry, tmp_path)
    for regime in shipped.instances.regimes:
        key = (0, "a name that both are given", regime)
        assert draw_one(found.instances, regime, *key) == draw_one(shipped.instances, regime, *key)


def test_what_a_claim_does_not_need_is_left_out():
    (entry,) = named("rushka-klabjan/frobenius-scalar-rate", ENTRIES)
    told = copied(entry, "my/copy")
    assert entry.name in told.split('"""')[2]
    assert told.count("Claim(\n") == 1
