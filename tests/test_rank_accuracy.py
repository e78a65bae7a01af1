"""``rank-accuracy``: the laws of the error against rank, and the starts by name."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from lora_proofs.errors import BadInput
from lora_proofs.solving.answer import rank_document
from lora_proofs.solving.rank_accuracy import rank_accuracy, read_rank_problem

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
W0 = [[1, 2, 0, 1], ["1/2", 1, 3, 0], [-1, 0, 1, 2], [0, 1, 0, 3]]
SMALL = VECTORS["flow_frob_t=1/2"]["input"]
FROBENIUS = {"loss": "frobenius", "W0": SMALL["W0"], "Y": SMALL["Y"]}
TRACE = {"loss": "trace-squared", "W0": W0}


def found(instance, ranks=None, digits=40, seed=0):
    return rank_document(rank_accuracy(read_rank_problem(instance, seed), ranks, digits), digits)


def near(text, wanted, digits=38):
    assert abs(Fraction(text) - Fraction(wanted)) < Fraction(1, 10**digits), (text, wanted)


@pytest.mark.parametrize("start", ["orthonormal", "spectral-W0"])
@pytest.mark.parametrize("seed", [0, 5])
def test_the_law_of_orthonormal_rows(start, seed):
    points = found({**TRACE, "start": start}, seed=seed)["ranks"]
    near(points[0]["relative_error"], VECTORS["R_spectral"]["n=4,r=1"])
    near(points[2]["relative_error"], VECTORS["R_spectral"]["n=4,r=3"])
    near(points[3]["relative_error"], 0)
    for point in points:
        near(point["relative_error"], point["bound"])
        assert (point["limit_loss_exact"], point["verdict"]) == ("0", "CERTIFIED")


def test_an_explicit_start_is_used_by_its_leading_rows():
    data = VECTORS["limit_trsq_B0zero"]
    points = found({"loss": "trace-squared", "W0": data["W0"], "A0": data["A0"]})["ranks"]
    assert [point["rank"] for point in points] == [1, 2]
    near(points[1]["relative_error"], data["R"])
    for row, wanted in zip(points[1]["update"], data["dW"], strict=True):
        for x, y in zip(row, wanted, strict=True):
            near(x, y)
    near(points[1]["rate"], data["rate_of_T"])


def test_a_gaussian_start_stands_beside_its_expectation():
    points = found({**TRACE, "start": "gaussian"}, ranks=[1, 2, 4, 6])["ranks"]
    wanted = [Fraction(3 * 6, 4 * r + 2) for r in (1, 2, 4, 6)]
    assert [Fraction(point["expected_squared_error"]) for point in points] == wanted
    for point in points:
        assert Fraction(point["relative_error"]) >= Fraction(point["bound"]) - Fraction(1, 10**30)


@pytest.mark.parametrize("start", ["orthonormal", "spectral-W0", "spectral-residual", "gaussian"])
def test_every_start_of_the_frobenius_loss_reaches_the_best_approximation(start):
    points = found({**FROBENIUS, "start": start}, digits=20)["ranks"]
    for point in points:
        near(point["relative_error"], point["bound"], 18)
        assert point["verdict"] == "CERTIFIED" and point["rigorous"]


def test_the_relative_error_of_the_references():
    data = VECTORS["spectral_frob"]
    Y = [[3, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0]]
    points = found({"loss": "frobenius", "W0": [[0] * 3] * 4, "Y": Y, "start": "spectral-residual"})
    near(points["ranks"][1]["relative_error"], data["rel_err"])
    assert points["ranks"][1]["limit_loss_exact"] == data["final_loss"]


def test_wrong_directions_do_not_reach_it():
    Y = [[3, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, 0]]
    A0 = [[0, 1, 0], [0, 0, 1]]
    data = {"loss": "frobenius", "W0": [[0] * 3] * 4, "Y": Y, "A0": A0}
    point = found(data)["ranks"][1]
    assert point["limit_loss_exact"] == VECTORS["spectral_frob"]["loss_from_S_2_3"]
    assert not point["rigorous"] and any("saddle" in reason for reason in point["reasons"])


def test_a_full_update_of_zero_has_no_relative_error():
    (point,) = found({"loss": "trace-squared", "W0": [[0]], "start": "orthonormal"})["ranks"]
    assert point["relative_error"] is None
    assert any("nothing to compare" in reason for reason in point["reasons"])


def test_a_tie_of_w0_leaves_the_update_open_but_not_its_error():
    data = {"loss": "trace-squared", "W0": [[1, 0], [0, 1]], "start": "spectral-W0"}
    first, _ = found(data)["ranks"]
    assert first["update"] is None and "not unique" in first["reasons"][0]
    assert first["verdict"] == "CERTIFIED"
    near(first["relative_error"], 1)


def test_the_bound_is_for_updates_that_reach_zero():
    data = {"loss": "trace-squared", "W0": [[1, 0], [0, 1]], "A0": [[0, 0], [1, 0]]}
    first, second = found(data)["ranks"]
    assert first["bound"] is None and "loss 0" in first["reasons"][-1]
    assert second["bound"] is not None


def test_one_start_has_one_rate_whatever_it_is_called():
    """Aligned directions decouple: mu_r - mu_{r+1} is a bound there, and not the rate."""
    data = {"loss": "frobenius", "W0": [[3, 0], [0, 1]], "Y": [[6, 0], [0, 2]]}
    overlapping = found({**data, "start": "spectral-W0"})["ranks"][0]
    aligned = found({**data, "start": "spectral-residual"})["ranks"][0]
    assert overlapping["rate"] is None and "at least 1.92335" in overlapping["reasons"][0]
    near(aligned["rate"], "6.082762530298219688999684245202067062085")


@pytest.mark.parametrize(
    "data,words",
    [
        ({**TRACE}, ("start", "orthonormal", "none")),
        ({**TRACE, "start": "random"}, ("start", "'random'")),
        ({**TRACE, "start": "spectral-residual"}, ("start", "target Y")),
        ({**TRACE, "start": "gaussian", "A0": [[1, 2, 3, 4]]}, ("start", "both")),
        ({**TRACE, "start": "gaussian", "t": 1}, ("t", "no such field")),
        ({**TRACE, "A0": [[1]]}, ("A0", "(r, 4)")),
        ({**TRACE, "start": "gaussian", "W0": [[1], [2]]}, ("W0", "square")),
        ({**TRACE, "start": "gaussian", "W0": "x"}, ("W0", "'x'")),
        ({"start": "gaussian"}, ("loss",)),
        ([], ("JSON object",)),
    ],
)
def test_what_is_wrong_is_named(data, words):
    with pytest.raises(BadInput) as refused:
        read_rank_problem(data)
    for word in words:
        assert word in str(refused.value)


def test_ranks_are_those_that_exist():
    with pytest.raises(BadInput, match="from 1 to 4, got 5"):
        found({**TRACE, "start": "orthonormal"}, ranks=[5])


def test_the_command(lora_proofs):
    path = lora_proofs.folder / "instance.json"
    path.write_text(json.dumps({**TRACE, "start": "orthonormal"}))
    document = json.loads(lora_proofs.done("rank-accuracy", path, "--ranks", "1..2", "--json"))
    assert [point["rank"] for point in document["ranks"]] == [1, 2]
    assert set(document) >= {"schema_version", "loss", "start", "normaliser", "full", "ranks"}
    shown = lora_proofs.done("rank-accuracy", path)
    assert "rank  limit loss" in shown and "1.7320508075688772" in shown
    for ranks in ("0..2", "x", "3..1", ""):
        lora_proofs.refuses("rank-accuracy", path, "--ranks", ranks, words=("--ranks",))
