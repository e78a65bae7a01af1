"""``adapt`` for linear models: rectangular layers, narrower targets, weighted inputs, reasons."""

import doctest
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lora_proofs import checker
from lora_proofs.arithmetic import EXACT
from lora_proofs.certificates.adaptation import adaptation_certificate
from lora_proofs.solving.adaptation import adapt
from lora_proofs.solving.adaptation_problem import read_adaptation

PAGE = (Path(__file__).parent.parent / "docs" / "constructions.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^## ([^\n]*)\n.*?```python\n(.*?)```", PAGE, flags=re.DOTALL | re.MULTILINE)
EYE = [[1, 0], [0, 1]]
RECTANGULAR = [[[1, 2], [0, 1], [3, 1]], [[2, 0, 1], [1, 1, 0]]]


@pytest.fixture(autouse=True)
def _whole_budget(monkeypatch):
    monkeypatch.setattr(checker, "_left", checker.WORK)


def answered(exact=False, **told):
    told = {"kind": "linear", **told}
    return adapt(read_adaptation(told), exact=exact)


def floats(rows):
    return np.array([[float(Fraction(x)) for x in row] for row in rows])


def product(frozen, document):
    """The product of the weights as given and the adapters as printed."""
    whole = np.eye(len(frozen[0][0]))
    for W, one in zip(frozen, document["adapters"], strict=True):
        what = floats(W) + (floats(one["B"]) @ floats(one["A"]) if one["B"] else 0)
        whole = what @ whole
    return whole


def drawn(n, m, seed):
    return np.random.default_rng(seed).integers(-4, 5, (n, m)).tolist()


def root(moment):
    values, vectors = np.linalg.eigh(np.array(moment, dtype=float))
    return vectors * np.sqrt(np.maximum(values, 0))


def said(document, *parts):
    return any(all(part in reason for part in parts) for reason in document["reasons"])


# weighted inputs

FULL = [[5, 2, 0], [2, 3, 1], [0, 1, 1]]
THIN = [[1, 1, 0], [1, 1, 0], [0, 0, 4]]


@pytest.mark.parametrize("moment", [FULL, THIN], ids=["full", "singular"])
@pytest.mark.parametrize("sizes", [(3, 3, 3), (3, 4, 2)], ids=["square", "rectangular"])
def test_the_weighted_error_is_the_least_one(sizes, moment):
    frozen = [drawn(m, n, k) for k, (n, m) in enumerate(pairwise(sizes), 3)]
    target = drawn(sizes[-1], 3, 9)
    found = answered(frozen=frozen, target=target, rank=[1, 0], second_moment=moment).document
    E = floats(target) - floats(frozen[1]) @ floats(frozen[0])
    least = (np.linalg.svd(E @ root(moment), compute_uv=False)[1:] ** 2).sum()
    off = product(frozen, found) - floats(target)
    assert found["verdict"] == "optimal" and least > 0.1
    assert found["optimal_error"]["weighted"] == pytest.approx(least, rel=1e-9)
    assert np.trace(off @ np.array(moment) @ off.T) == pytest.approx(least, rel=1e-9)
    assert found["achieved_error"]["weighted"] == pytest.approx(least, rel=1e-9)
    spectral = np.linalg.norm(off, 2)
    assert found["achieved_error"]["spectral"] == pytest.approx(spectral, rel=1e-9)
    assert found["lower_bound"]["spectral"] < spectral * (1 - 1e-6)
    assert said(found, "the weighted error is at most", "its least")


def test_a_second_moment_changes_which_adapters_are_best():
    told = {"frozen": [EYE, EYE], "target": [[4, 0], [0, 3]], "rank": [1, 0]}
    plain, weighted = (
        product(told["frozen"], answered(**told, **more).document)
        for more in ({}, {"second_moment": [[1, 0], [0, 9]]})
    )
    assert plain == pytest.approx(np.diag([4, 1])) and weighted == pytest.approx(np.diag([1, 3]))


def test_a_weighted_error_of_zero_is_exact_on_the_inputs_alone():
    told = {"frozen": [EYE, EYE], "target": [[1, 2], [3, 5]], "second_moment": [[1, 1], [1, 1]]}
    found = answered(exact=True, **told, rank=[1, 0]).document
    assert found["achieved_error"]["weighted"] == "0" and found["verdict"] == "optimal"
    assert float(found["achieved_error"]["spectral"]) > 1 and found["gaps"] == [1]
    assert found["sufficient_rank"] == found["minimal_exact_rank"] == 1
    assert said(found, "the weighted error is 0", "span of the inputs")
    whole = product(told["frozen"], found)
    assert whole @ [1, 1] == pytest.approx(floats(told["target"]) @ [1, 1])


def test_exactly_a_weighted_optimum_may_be_irrational():
    told = {"frozen": [EYE, EYE], "target": [[1, 2], [3, 5]], "second_moment": [[2, 1], [1, 3]]}
    found = answered(exact=True, **told, rank=[1, 0]).document
    assert found["verdict"] == "optimal" and found["reasons"][0].startswith("not exact")
    assert found["excess"] == "0" or float(found["excess"]) < 1e-20
    found = answered(exact=True, **told, rank=[1, 1]).document
    assert found["verdict"] == "exact" and found["achieved_error"]["weighted"] == "0"


def test_ranks_enough_for_the_target_fit_it_on_the_inputs_alone():
    """S is rank E, but the adapters need not be the target where no input is."""
    told = {"target": [[1, 2], [3, 5]], "second_moment": [[1, 1], [1, 1]]}
    found = answered(frozen=[EYE, EYE], **told, rank=1).document
    assert found["optimal_error"]["spectral"] == 0 and found["verdict"] == "optimal"
    assert found["achieved_error"]["spectral"] > 1 and found["achieved_error"]["weighted"] < 1e-20


def test_the_least_exact_rank_of_rectangular_layers_is_that_on_the_inputs():
    told = {"frozen": RECTANGULAR, "target": [[1, 1], [0, 9]], "second_moment": [[1, 1], [1, 1]]}
    found = answered(**told, rank=0).document
    assert found["gaps"] == [1] and found["sufficient_rank"] == found["minimal_exact_rank"] == 1
    assert answered(**{**told, "second_moment": EYE}, rank=0).document["gaps"] == [2]


def test_a_narrower_target_in_many_digits():
    frozen = [[[2, 1, 0], [1, 1, 0], [0, 0, 1]]] * 2
    told = {"frozen": frozen, "target": [[1, 2], [3, 5]], "rank": [1, 0]}
    found = answered(exact=True, **told).document
    assert found["verdict"] == "optimal" and float(found["excess"]) < 1e-20


def test_a_weighted_certificate_says_what_it_leaves_out():
    told = {"frozen": [EYE, EYE], "target": [[1, 2], [3, 5]], "second_moment": [[2, 1], [1, 3]]}
    adapted = answered(**told, rank=[1, 0])
    checker.check(adaptation_certificate(adapted))
    assert said(adapted.document, "a certificate has", "neither the weighted error")


# narrower targets


@pytest.mark.parametrize("square", [True, False], ids=["square", "rectangular"])
def test_a_narrower_target_leaves_the_rest_of_the_product_free(square):
    sizes = (4, 4, 4) if square else (3, 5, 4)
    frozen = [drawn(m, n, k) for k, (n, m) in enumerate(pairwise(sizes), 2)]
    target = drawn(3, 2, 8)
    adapted = answered(frozen=frozen, target=target, rank=[0, 1])
    found = adapted.document
    E = floats(target) - (floats(frozen[1]) @ floats(frozen[0]))[:3, :2]
    least = np.linalg.svd(E, compute_uv=False)[1]
    assert found["verdict"] == "optimal" and least > 0.1
    assert found["optimal_error"]["spectral"] == pytest.approx(least, rel=1e-9)
    off = product(frozen, found)[:3, :2] - floats(target)
    assert np.linalg.norm(off, 2) == pytest.approx(least, rel=1e-9)
    assert said(found, "compared are the first 3 outputs", "first 2 coordinates", "free")
    assert said(found, "a certificate has the part that is compared")
    checker.check(adaptation_certificate(adapted))


def test_zeros_in_place_of_free_entries_ask_for_more_rank():
    told = {"frozen": [EYE, EYE], "rank": [1, 0]}
    narrow = answered(exact=True, **told, target=[[3]])
    assert narrow.document["verdict"] == "exact" and narrow.document["gaps"] == [1]
    assert product(told["frozen"], narrow.document).tolist() == [[3, 0], [0, 1]]
    checker.check(adaptation_certificate(narrow))
    padded = answered(exact=True, **told, target=[[3, 0], [0, 0]]).document
    assert padded["verdict"] != "exact" and padded["gaps"] == [2]


def test_a_narrower_target_with_a_second_moment():
    frozen, target, moment = [drawn(4, 4, 2), drawn(4, 4, 3)], drawn(2, 3, 8), FULL
    found = answered(frozen=frozen, target=target, rank=[1, 0], second_moment=moment).document
    E = floats(target) - (floats(frozen[1]) @ floats(frozen[0]))[:2, :3]
    least = (np.linalg.svd(E @ root(moment), compute_uv=False)[1:] ** 2).sum()
    assert found["verdict"] == "optimal"
    assert found["achieved_error"]["weighted"] == pytest.approx(least, rel=1e-9)
    off = product(frozen, found)[:2, :3] - floats(target)
    assert np.trace(off @ np.array(moment) @ off.T) == pytest.approx(least, rel=1e-9)


# the argument that binds


def test_rectangular_weights_of_full_rank_are_not_called_singular():
    found = answered(frozen=RECTANGULAR, target=[[1, 1], [0, 9]], rank=[1, 0]).document
    assert found["verdict"] == "optimal" and not said(found, "singular weight")
    assert said(found, "rank(prod What - P_0) <= S = 1", "tail of the singular values of E (Eck")
    assert not any("of the target" in reason for reason in found["reasons"])


def test_where_the_rank_of_the_product_binds_that_is_the_argument():
    """W_1 = 0 of rank 1: no product has rank 2, though S = 2 would do for E."""
    told = {"frozen": [[[0, 0], [0, 0]], EYE], "target": EYE, "rank": 1}
    adapted = answered(**told)
    found = adapted.document
    assert found["verdict"] == "optimal" and found["lower_bound"]["spectral"] == 1
    assert said(found, "rank(prod What) <= 1", "rank W_l + R_l", "values of the target")
    assert not said(found, "<= S = 2")


def test_a_width_below_the_rank_of_the_target_has_no_exact_rank():
    frozen = [drawn(2, 4, 1), drawn(4, 2, 2)]
    target = np.diag([1, 2, 3, 4]).tolist()
    found = answered(frozen=frozen, target=target, rank=2).document
    assert found["sufficient_rank"] is None
    assert said(found, "no ranks are exact", "rank 2, the least width", "target has rank 4")
    fine = answered(frozen=frozen, target=np.diag([1, 2, 0, 0]).tolist(), rank=2).document
    assert not said(fine, "no ranks are exact")


def test_a_method_is_not_the_one_that_does_not_apply():
    found = answered(frozen=[EYE, EYE], target=[[0, 0], [0, 0]], rank=1).document
    assert said(found, "in the order of the singular vectors does not apply")
    assert found["method"] == "elimination past a singular intermediate"


def test_a_clipped_rank_is_told():
    found = answered(frozen=[*RECTANGULAR, [[1, 2]]], target=[[1, 1]], rank=2).document
    assert found["ranks"] == [2, 2, 1]
    assert said(found, "the rank 2 stands for the width", "layer 3, of width 1: ranks 2, 2, 1")
    assert EXACT.matrix(found["adapters"][1]["B"]).shape == (2, 2)


# the page


def test_every_construction_has_an_example():
    assert len(EXAMPLES) == PAGE.count("```python") == 7


@pytest.mark.parametrize("code", [code for _, code in EXAMPLES], ids=[name for name, _ in EXAMPLES])
def test_an_example_of_the_page_prints_what_it_shows(code):
    test = doctest.DocTestParser().get_doctest(code, {}, "constructions.md", None, 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0
