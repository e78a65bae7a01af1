"""Certificates of adapted models: what ties their members together, and forgeries of them."""

from __future__ import annotations

import json
from fractions import Fraction as Q

import pytest

from lora_proofs.certificates.adaptation import adaptation_certificate, bundle
from lora_proofs.checker import Invalid, Malformed, check, digest_of
from lora_proofs.solving.adaptation import adapt
from lora_proofs.solving.adaptation_problem import read_adaptation

EYE, TURN, SHEAR, UP = [[1, 0], [0, 1]], [[0, -1], [1, 0]], [[1, 1], [0, 1]], [[1, 0], [2, 1]]
LINEAR = {"kind": "linear", "frozen": [SHEAR, UP], "target": [[5, 1], [-2, 4]], "rank": [1, 0]}
SINGULAR = {"kind": "linear", "frozen": [[[0, 0], [0, 0]], EYE], "target": EYE, "rank": 1}
NARROW = {"kind": "linear", "frozen": [[[1, 2, 0]], [[1], [0], [3]]], "rank": 1,
          "target": [[3, 0, 0], [0, 2, 0], [0, 0, 1]]}  # fmt: skip
RELU = {
    "kind": "relu-fnn",
    "frozen": [{"W": W, "b": [0, 0]} for W in (SHEAR, UP, EYE, SHEAR)],
    "target": [{"W": TURN, "b": [1, 0]}, {"W": UP, "b": [0, -1]}],
    "rank": 1,
    "box": {"lower": [-1, -1], "upper": [1, 1]},
}


def transformer(*weights):
    """One block of two heads."""
    Q1, K1, V1, O1, Q2, K2, V2, O2, W1, W2, Wo = weights
    heads = [{"Q": Q1, "K": K1, "V": V1, "O": O1}, {"Q": Q2, "K": K2, "V": V2, "O": O2}]
    block = {"heads": heads, "W1": W1, "b1": [1, 2], "W2": W2, "b2": [0, 1]}
    return {"blocks": [block], "Wo": Wo}


TRANSFORMER = {
    "kind": "transformer",
    "frozen": transformer(EYE, SHEAR, UP, EYE, UP, EYE, SHEAR, EYE, EYE, UP, EYE),
    "target": transformer(SHEAR, UP, EYE, SHEAR, TURN, SHEAR, EYE, UP, UP, SHEAR, TURN),
    "rank": 2,
}
ALL = {"linear": LINEAR, "narrow": NARROW, "relu": RELU, "transformer": TRANSFORMER}


@pytest.fixture(scope="module")
def told():
    """Every certificate once, as text."""
    return {
        name: json.dumps(adaptation_certificate(adapt(read_adaptation(one), exact=True)))
        for name, one in {**ALL, "singular": SINGULAR}.items()
    }


def sealed(certificate):
    """With a digest that fits, as any forger would write it."""
    return {**certificate, "digest": digest_of(certificate)}


def printed(certificate, start):
    return [line for line in check(certificate) if line.startswith(start)]


@pytest.mark.parametrize("name", ["linear", "narrow", "relu", "singular"])
def test_all_members_are_tied_into_one(told, name):
    whole = json.loads(told[name])
    assert not printed(whole, "trusted")
    assert f"checked: {len(whole['same'])} equalities between places of the bundle" in check(whole)


def test_products_of_both_models_are_tied_two_by_two(told):
    whole = json.loads(told["transformer"])
    asserts = [part["asserts"].rpartition(", of the ")[::2] for part in whole["certificates"]]
    for k in range(0, len(asserts), 2):
        assert asserts[k][0] == asserts[k + 1][0]
        assert [asserts[k][1], asserts[k + 1][1]] == ["adapted model", "target"]
        assert [[k + 1, "equals"], [k, "equals"]] in whole["same"]
    (rest,) = printed(whole, "trusted")
    groups = [set(group.split()) for group in rest.partition(": ")[2].partition(": ")[2].split(";")]
    assert {"0", "1"} in groups
    assert {"2", "3", "6", "7"} in groups  # values of two heads, after the same W1


@pytest.mark.parametrize("name", ALL)
def test_a_bundle_that_ties_nothing_says_so(told, name):
    """What was written before bundles could tie stays valid, and is printed as it is."""
    whole = json.loads(told[name])
    del whole["same"]
    many = len(whole["certificates"])
    assert printed(sealed(whole), "trusted") == [
        f"trusted: that {many} groups of certificates belong together: nothing ties them"
    ]


@pytest.mark.parametrize("name", ALL)
def test_a_pair_that_is_left_out_leaves_a_trusted_line(told, name):
    whole = json.loads(told[name])
    ends = {"equals", "matrix"}
    k = next(k for k, pair in enumerate(whole["same"]) if pair[0][-1] in ends)
    loose, _ = whole["same"].pop(k)
    whole["same"] = [pair for pair in whole["same"] if loose[0] not in (pair[0][0], pair[1][0])]
    (rest,) = printed(sealed(whole), "trusted")
    assert f" {loose[0]};" in f"{rest.rpartition(':')[2]};"


@pytest.mark.parametrize("name", ALL)
def test_a_member_of_something_else_is_refused(told, name):
    """The forgery: a true certificate, of other numbers, in the place of each member."""
    whole = json.loads(told[name])
    doubled = {
        "product": lambda part: {"factors": [[[7]]], "equals": [[7]],
                                 "ranks": {"factors": [1], "equals": 1}},
        "singular-value": lambda part: {"matrix": [[7]], "index": 1, "lower": 7, "upper": 7},
        "relu": lambda part: {"second": part["first"], "first": [*part["second"]]},
    }  # fmt: skip
    for k, part in enumerate(whole["certificates"]):
        other = sealed({**part, **doubled[part["kind"]](part)})
        check(other)
        forged = {**whole, "certificates": [*whole["certificates"]]}
        forged["certificates"][k] = other
        with pytest.raises((Invalid, Malformed)):
            check(sealed(forged))


def test_a_product_of_another_head_is_refused(told):
    whole = json.loads(told["transformer"])
    parts = whole["certificates"]
    parts[1] = sealed({**parts[5], "asserts": parts[1]["asserts"]})
    with pytest.raises(Invalid, match=r"certificates\[1\]\.equals and certificates\[0\]\.equals"):
        check(sealed(whole))


def test_adapted_weights_that_are_all_the_same_are_refused(told):
    whole = json.loads(told["relu"])
    whole["certificates"][1:] = [whole["certificates"][2]] * 4
    with pytest.raises(Invalid, match=r"first\[0\]\.W are not the same"):
        check(sealed(whole))


def test_the_bound_of_another_instance_is_refused(told):
    whole, other = (
        adaptation_certificate(adapt(read_adaptation({**LINEAR, "target": X}), exact=True))
        for X in (LINEAR["target"], [[5, 1], [-2, 7]])
    )
    assert [p["kind"] for p in whole["certificates"]] == [p["kind"] for p in other["certificates"]]
    for k in range(4):
        parts = [*whole["certificates"]]
        parts[k] = other["certificates"][k]
        with pytest.raises(Invalid, match="are not the same"):
            check(sealed({**whole, "certificates": parts}))
    # Product and bound together, of the other target: its block in the first factor is another.
    parts = [*whole["certificates"][:2], *other["certificates"][2:]]
    with pytest.raises(Invalid, match=r"factors\[0\]\[0:2, 2:4\] and certificates\[0\]"):
        check(sealed({**whole, "certificates": parts}))


def test_an_entry_of_a_member_that_is_changed_is_refused(told):
    whole = json.loads(told["linear"])
    part = whole["certificates"][3]
    part["matrix"][0][0] = str(Q(part["matrix"][0][0]) + Q(1, 10**40))
    part.update(lower=0, upper=100)
    part["digest"] = digest_of(part)
    check(part)
    with pytest.raises(Invalid, match=r"certificates\[3\]\.matrix and certificates\[2\]\.equals"):
        check(sealed(whole))


@pytest.mark.parametrize(
    "change",
    [
        lambda pair: pair.pop(),
        lambda pair: pair[1].__setitem__(0, 99),
        lambda pair: pair[1].append(0),
        lambda pair: pair.__setitem__(1, [0, "asserts"]),
        lambda pair: pair.__setitem__(1, [0, "digest", 0]),
    ],
)
def test_a_pair_that_is_no_pair_of_places_is_no_certificate(told, change):
    whole = json.loads(told["linear"])
    change(whole["same"][0])
    with pytest.raises(Malformed):
        check(sealed(whole))


def test_the_least_error_of_singular_weights_is_in_the_certificate(told):
    """No product of diag(0, 0) + B A with I + B' A' has a rank above 1, so sigma_2(I) = 1."""
    ranks, least = json.loads(told["singular"])["certificates"][2:]
    assert ranks["ranks"]["factors"] == [0, 2] and ranks["factors"] == SINGULAR["frozen"]
    assert (least["matrix"], least["index"], least["lower"], least["upper"]) == (EYE, 2, 1, 1)
    assert "checked: sigma_2 of a 2 x 2 matrix is between 1 and 1" in check(
        json.loads(told["singular"])
    )


def test_the_least_error_of_narrow_weights_is_in_the_certificate(told):
    least = json.loads(told["narrow"])["certificates"][-1]
    assert least["matrix"] == NARROW["target"] and least["index"] == 2
    assert Q(least["lower"]) <= 2 <= Q(least["upper"])
    assert adapt(read_adaptation(NARROW)).document["lower_bound"]["spectral"] == pytest.approx(2)


def test_what_the_target_reaches_needs_no_rank_bound(told):
    kinds = [part["kind"] for part in json.loads(told["linear"])["certificates"]]
    assert kinds == ["product", "singular-value"] * 2


def test_an_error_of_zero_is_one_product_alone():
    told = adaptation_certificate(adapt(read_adaptation({**LINEAR, "rank": 1}), exact=True))
    assert told["kind"] == "product" and "the error is 0" in told["asserts"]
    assert check(bundle([told]))[2:] == check(told)


def test_a_second_moment_is_said_not_to_be_in_it():
    moment = {**LINEAR, "second_moment": [[2, 1], [1, 1]]}
    told = adaptation_certificate(adapt(read_adaptation(moment), exact=True))
    assert told["certificates"][0]["asserts"].endswith("second moment of the inputs is not in it")
    assert not printed(told, "trusted")


def test_a_target_on_fewer_coordinates_is_compared_with_that_part():
    told = adaptation_certificate(adapt(read_adaptation(
        {**LINEAR, "target": [[7]], "rank": [0, 0]}), exact=True))  # fmt: skip
    parts = told["certificates"]
    assert parts[0]["equals"] == [[1 - 7]] and not printed(told, "trusted")
