"""Large linear models in float64: what is said of them holds beside the rational answer."""

import json
from fractions import Fraction

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.cli import run
from lora_proofs.errors import BadInput
from lora_proofs.solving.adaptation import adapt
from lora_proofs.solving.adaptation_large import (
    LARGE,
    Measured,
    answer_large,
    decomposed,
    is_large,
    read_large,
)
from lora_proofs.solving.adaptation_problem import read_adaptation


def drawn(D=8, layers=2, rank=2, seed=0):
    random = np.random.default_rng(seed)
    W = [np.eye(D) + 0.3 * random.normal(size=(D, D)) / D**0.5 for _ in range(layers)]
    T = random.normal(size=(D, D))
    frozen = [X.tolist() for X in W]
    return {"kind": "linear", "frozen": frozen, "target": T.tolist(), "rank": rank}


@pytest.mark.parametrize("rank", [0, 1, 2, [0, 3], [8, 0], 4])
def test_agrees_with_the_rational_answer_and_bounds_lie_outside(rank):
    told = drawn(rank=rank)
    large, small = answer_large(read_large(told))[1], adapt(read_adaptation(told)).document
    assert large["verdict"] == small["verdict"]
    assert large["sufficient_rank"] == small["sufficient_rank"]
    for norm in ("spectral", "frobenius"):
        least = float(small["optimal_error"][norm])
        assert large["lower_bound"][norm] <= least * (1 + 1e-15)
        assert large["achieved_error"][norm] >= least * (1 - 1e-15)
        assert large["achieved_error"][norm] - large["lower_bound"][norm] < 1e-10
    assert large["largest_adapter_norm"] == pytest.approx(float(small["largest_adapter_norm"]))


@pytest.mark.parametrize("layers", [1, 3])
def test_the_error_of_the_printed_adapters_is_bounded(layers):
    told = drawn(layers=layers, rank=1, seed=3)
    found = answer_large(read_large(told))[1]
    product = EXACT.identity(8)
    for W, one in zip(told["frozen"], found["adapters"], strict=True):
        product = (EXACT.matrix(W) + EXACT.matrix(one["B"]) @ EXACT.matrix(one["A"])) @ product
    off, ctx = product - EXACT.matrix(told["target"]), BallArithmetic(40)
    with ctx.working():
        top = ctx.singular_values(ctx.matrix(off))[0]
    assert top <= found["achieved_error"]["spectral"]
    square = sum(Fraction(int(x.p), int(x.q)) ** 2 for x in off.flat)
    assert square <= Fraction(found["achieved_error"]["frobenius"]) ** 2


def test_products_and_spectra_are_within_their_rounding():
    random = np.random.default_rng(1)
    X, Y = random.normal(size=(2, 9, 9)) * [[[1e6]], [[1e-3]]]
    told = Measured(X, 0.0) @ Measured(Y, 0.0) - Measured(X, 0.0)
    exact = EXACT.matrix(X) @ EXACT.matrix(Y) - EXACT.matrix(X)
    off = EXACT.matrix(told.X) - exact
    size = sum(Fraction(int(x.p), int(x.q)) ** 2 for x in off.flat)
    assert 0 < size <= Fraction(told.off) ** 2 and told.off < 1e-6
    ends = np.hstack([X, -X]), np.vstack([Y, Y * (1 + 1e-15)])
    told_, exact_ = Measured(ends[0], 0.0) @ Measured(ends[1], 0.0), EXACT.matrix
    off = exact_(told_.X) - exact_(ends[0]) @ exact_(ends[1])
    size = sum(Fraction(int(x.p), int(x.q)) ** 2 for x in off.flat)
    assert 0 < size <= Fraction(told_.off) ** 2
    found, ctx = decomposed(told), BallArithmetic(40)
    with ctx.working():
        values = ctx.singular_values(ctx.matrix(exact))
        far = max(abs(x - float(y)) for x, y in zip(values, found.values, strict=True))
    assert far <= found.off < 1e-4


def test_bad_conditions_are_no_success():
    told = drawn()
    told["frozen"][1] = np.diag([1.0] * 7 + [1e-15]).tolist()
    found = answer_large(read_large(told))[1]
    assert found["verdict"] in ("unreliable", "upper bound")
    assert found["optimal_error"]["spectral"] is None
    told["frozen"][1] = np.zeros((8, 8)).tolist()
    with pytest.raises(BadInput, match="singular"):
        answer_large(read_large(told))


def test_entries_are_read_as_they_are_or_named():
    told = drawn()
    assert not read_large(told).rounded
    told["target"][0][0] = "1/3"
    assert read_large(told).rounded and read_large(told).target[0, 0] == 1 / 3
    told["target"][0][0] = None
    with pytest.raises(BadInput, match=r"target\[1\]\[1\]"):
        read_large(told)


def test_only_large_square_models_are_taken():
    big = [[0] * (LARGE + 1)] * (LARGE + 1)
    assert is_large({"kind": "linear", "frozen": [big], "target": big})
    assert not is_large({"kind": "linear", "frozen": [big], "target": big, "second_moment": big})
    assert not is_large({"kind": "linear", "frozen": [big], "target": big[:5]})
    assert not any(map(is_large, (drawn(), {"kind": "linear", "frozen": 3}, 3)))


def test_the_command_takes_a_large_model(tmp_path, capsys):
    file = tmp_path / "large.json"
    file.write_text(json.dumps(drawn(D=LARGE + 1, rank=3)))
    assert run(["adapt", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "optimal" and "tolerance" in found["reasons"][0]
    assert np.shape(found["adapters"][0]["B"]) == (LARGE + 1, 3)
