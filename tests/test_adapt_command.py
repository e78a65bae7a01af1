"""``adapt``: adapters that reach what the theory promises, measured as printed, and their proof."""

import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

import lora_proofs
from lora_proofs import checker
from lora_proofs.arithmetic import EXACT
from lora_proofs.certificates.adaptation import adaptation_certificate
from lora_proofs.cli import run
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.mathematics.transformer import TransformerModel, transformer_network
from lora_proofs.solving.adaptation import adapt
from lora_proofs.solving.adaptation_problem import read_adaptation

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "adapt.md").read_text(encoding="utf-8")
EYE = [[1, 0], [0, 1]]
LINEAR, RELU, TRANSFORMER = (
    json.loads((DOCS / "adapt" / f"{name}.json").read_text())
    for name in ("linear", "relu", "transformer")
)


@pytest.fixture(autouse=True)
def _whole_budget(monkeypatch):
    monkeypatch.setattr(checker, "_left", checker.WORK)


def answered(instance, **options):
    return adapt(read_adaptation(instance), **options).document


def gaussian(size, layers, seed=0):
    random = np.random.default_rng(seed)
    return [(random.normal(size=(size, size)) / size**0.5).tolist() for _ in range(layers)]


def exactly(rows):
    return EXACT.matrix([[Fraction(x) for x in row] for row in rows])


def what(W, adapter):
    """W + B A of an adapter as it is printed."""
    W = exactly(W)
    return W + exactly(adapter["B"]) @ exactly(adapter["A"]) if adapter["B"] else W


def product(instance, document):
    pairs = zip(instance["frozen"], document["adapters"], strict=True)
    return reduce(lambda P, V: V @ P, [what(W, one) for W, one in pairs])


def spectral(X):
    return float(np.linalg.norm(np.array([[float(Fraction(str(x))) for x in row] for row in X]), 2))


# linear models


@pytest.mark.parametrize("ranks", [0, 1, 2, 3, [0, 3, 1], [2, 0, 0]])
def test_the_least_error_is_reached_at_every_rank(ranks):
    frozen, target = gaussian(4, 3), gaussian(4, 1, seed=1)[0]
    told = {"kind": "linear", "frozen": frozen, "target": target, "rank": ranks}
    found = answered(told)
    E = np.array(target) - reduce(lambda P, W: np.array(W) @ P, frozen, np.eye(4))
    total = sum(ranks) if isinstance(ranks, list) else 3 * ranks
    values = [*np.linalg.svd(E, compute_uv=False), *[0] * 20]
    wanted = {"spectral": values[total], "frobenius": np.linalg.norm(values[total:])}
    for norm, least in wanted.items():
        assert found["optimal_error"][norm] == pytest.approx(least, rel=1e-9, abs=1e-12)
        assert float(found["achieved_error"][norm]) == pytest.approx(least, rel=1e-9, abs=1e-9)
    assert spectral(product(told, found) - exactly(target)) == pytest.approx(
        values[total], rel=1e-9, abs=1e-9
    )
    assert found["verdict"] == ("optimal" if total < 4 else "exact up to rounding")
    for r, one in zip(found["ranks"], found["adapters"], strict=True):
        assert [len(one["A"]), len(one["B"])] == ([r, 4] if r else [0, 0])
        assert all(len(row) == r for row in one["B"])
    assert (found["gaps"], found["sufficient_rank"], found["minimal_exact_rank"]) == ([4], 2, 2)


def test_digits_reach_the_error_to_so_many_digits():
    told = {"kind": "linear", "frozen": gaussian(6, 3), "target": gaussian(6, 1, 2)[0], "rank": 1}
    found = answered(told, digits=50)
    achieved, least = (Fraction(found[k]["spectral"]) for k in ("achieved_error", "optimal_error"))
    assert abs(achieved - least) <= Fraction(1, 10**49) * least
    assert Fraction(found["excess"]) < Fraction(1, 10**50)
    assert isinstance(found["adapters"][0]["B"][0][0], str)


def test_errors_are_rounded_up():
    found = answered(LINEAR, digits=5)
    assert found["achieved_error"]["spectral"] == "0.53879"
    assert answered(LINEAR, digits=4)["achieved_error"]["spectral"] == "0.5388"
    assert answered(LINEAR, digits=3)["achieved_error"]["spectral"] == "0.539"
    assert answered(LINEAR, digits=8)["achieved_error"]["spectral"] == "0.53878561"
    assert answered(LINEAR, digits=11)["achieved_error"]["spectral"] == "0.53878560596"
    floats = answered(LINEAR)["achieved_error"]["spectral"]
    assert Fraction(floats) >= Fraction("0.538785605953935000402738527353")


def test_float64_entries_that_do_not_do_become_decimals():
    """Layers with singular values from 1 to 10^-4: floats lose the digits of an exact regime."""
    frozen = [[[1, 1], [1, "1.0001"]]] * 4
    told = {"kind": "linear", "frozen": frozen, "target": [[0, 3], [1, 1]], "rank": 1}
    found = answered(told)
    assert found["verdict"] == "exact up to rounding" and "digits" in found["entries"]
    assert any("float64 entries do not reproduce" in reason for reason in found["reasons"])
    assert spectral(product(told, found) - exactly(told["target"])) < 1e-9


def test_exact_is_zero_and_its_certificate_holds():
    told = {"kind": "linear", "frozen": gaussian(4, 3), "target": gaussian(4, 1, 2)[0], "rank": 2}
    adapted = adapt(read_adaptation(told), exact=True)
    found = adapted.document
    assert found["achieved_error"] == {"spectral": "0", "frobenius": "0"}
    assert (product(told, found) == exactly(told["target"])).all()
    certificate = adaptation_certificate(adapted)
    assert "product" in checker.check(certificate)[0]
    assert certificate["equals"] == [[str(x) for x in row] for row in exactly(told["target"]).T]


def test_exact_outside_of_the_exact_regime_says_why():
    adapted = adapt(read_adaptation(LINEAR), exact=True)
    assert adapted.document["reasons"][0].startswith("not exact: an irrational")
    assert adapted.document["verdict"] == "optimal"
    parts = adaptation_certificate(adapted)["certificates"]
    assert [part["kind"] for part in parts] == ["product", "singular-value"] * 2
    assert parts[0]["equals"] == parts[1]["matrix"] and parts[2]["equals"] == parts[3]["matrix"]
    least, reached = parts[3], parts[1]
    assert Fraction(reached["upper"]) < Fraction(least["lower"]) * (1 + Fraction(1, 10**20))


def test_a_rational_truncation_stays_exact():
    told = {"kind": "linear", "frozen": [EYE], "target": [[3, 0], [0, 2]], "rank": 1}
    found = answered(told, exact=True)
    assert (found["verdict"], Fraction(found["excess"])) == ("optimal", 0)
    assert found["entries"] == "exact fractions"
    assert Fraction(found["achieved_error"]["spectral"]) == 1


def test_rectangular_layers():
    frozen = [[[1, 0], [0, 1], [1, 1]], [[1, 0, 1], [0, 2, 0]]]
    told = {"kind": "linear", "frozen": frozen, "target": [[0, 1], [5, 0]], "rank": 1}
    found = answered(told, exact=True)
    assert found["achieved_error"]["spectral"] == "0"
    assert (product(told, found) == exactly(told["target"])).all()
    assert (found["gaps"], found["minimal_exact_rank"]) == ([2], 1)  # tried, and exact
    narrow = {**told, "frozen": [[[1, 0]], [[1], [0]]], "target": EYE}
    assert answered(narrow)["minimal_exact_rank"] is None  # all passes through one unit
    assert answered(narrow)["lower_bound"]["spectral"] == 1.0


# broken assumptions


def test_a_singular_frozen_weight_is_named_and_answered():
    told = {"kind": "linear", "frozen": [[[0, 0], [0, 0]], EYE], "target": EYE, "rank": 1}
    found = answered(told)
    assert (found["sufficient_rank"], found["minimal_exact_rank"]) == (None, None)
    assert any("W_1 is nonsingular" in reason for reason in found["reasons"])
    # The rank of the product is at most 1, so the error is at least 1, and 1 is reached.
    assert found["lower_bound"]["spectral"] == 1.0
    assert float(found["achieved_error"]["spectral"]) >= 1
    if found["verdict"] == "optimal":
        assert float(found["achieved_error"]["spectral"]) == pytest.approx(1, rel=1e-9)


def test_a_singular_intermediate_needs_no_huge_adapter():
    told = {"kind": "linear", "frozen": [EYE, EYE], "target": [[0, -1], [1, 0]], "rank": 1}
    found = answered(told)
    assert found["verdict"] == "exact up to rounding" and found["largest_adapter_norm"] < 10
    assert any("P_0 + LR_1(E) is nonsingular" in reason for reason in found["reasons"])
    assert answered({**told, "target": [[0, 0], [0, 0]]}, exact=True)["verdict"] == "exact"


def test_a_small_error_of_a_huge_adapter_is_no_success(monkeypatch):
    from lora_proofs.constructions.adapters import Adapter
    from lora_proofs.constructions.linear import LinearAdaptation
    from lora_proofs.solving import adaptation_linear

    def huge(frozen, target, ranks, ctx):
        """DW_2 of size 3 10^9 that takes back what DW_1 has made small."""
        if ctx is EXACT:
            raise Unavailable("this construction", "the rationals")
        to = [ctx.matrix([["1/3000000000", 0], [0, 1]]), ctx.matrix([["3e9", 0], [0, 1]])]
        adapters = tuple(Adapter(X - ctx.matrix(EYE), ctx.matrix(EYE)) for X in to)
        return LinearAdaptation(adapters, tuple(to), to[1] @ to[0], "huge")

    monkeypatch.setattr(adaptation_linear, "linear_adapters", huge)
    found = answered({"kind": "linear", "frozen": [EYE, EYE], "target": EYE, "rank": 2})
    assert found["largest_adapter_norm"] > 1e9 and found["achieved_error"]["spectral"] < 1e-6
    assert found["verdict"] == "unreliable"
    assert any("an adapter has norm 3e+09" in reason for reason in found["reasons"])


@pytest.mark.parametrize("digits", [15, 20])
def test_an_update_that_undoes_rounding_is_no_success(digits):
    """W_1 is singular up to rounding: the yardstick does not grow with its condition."""
    thin, swapped = [[1, 0], [0, f"1e-{digits}"]], [[0, 1], [1, 0]]
    told = {
        "kind": "relu-fnn",
        "frozen": [{"W": W, "b": [0, 0]} for W in (thin, EYE)],
        "target": [{"W": swapped, "b": [5, 5]}],
        "rank": [0, 2],
        "box": {"lower": [-1, -1], "upper": [1, 1]},
    }
    found = answered(told)
    assert found["largest_adapter_norm"] > 1e14 and found["verdict"] == "unreliable"
    assert any("W_1 of block 1 is singular up to round" in reason for reason in found["reasons"])
    # The same linear model: no rounded answer, and a word about the size of the exact one.
    linear = {"kind": "linear", "frozen": [thin, EYE], "target": swapped, "rank": [0, 2]}
    found = answered(linear)
    assert found["verdict"] == "unreliable" or found["entries"] == "exact fractions"
    assert any("an adapter has norm 1e+" in reason for reason in found["reasons"])
    assert any("W_1 is singular up to rounding" in reason for reason in found["reasons"])
    fine = answered({**linear, "frozen": [[[1, 0], [0, "1e-6"]], EYE]})
    assert fine["verdict"] == "exact up to rounding" and fine["largest_adapter_norm"] > 1e5
    assert len(fine["reasons"]) == 1


def test_the_yardstick_has_a_limit_for_deep_products_too():
    """Each weight is tame, their product is not: 10^12 times the weights is the most allowed."""
    from lora_proofs.solving.adaptation_linear import gap_of
    from lora_proofs.solving.adaptation_sizes import EXPLODED, natural_size

    thin = [[1, 0], [0, "1e-5"]]
    told = {"kind": "linear", "frozen": [thin] * 3 + [EYE], "target": [[0, 1], [1, 0]], "rank": 2}
    problem = read_adaptation(told)
    assert natural_size(problem, gap_of(problem)) == EXPLODED


def test_honest_deep_gaussian_weights_stay_optimal():
    told = {"kind": "linear", "frozen": gaussian(12, 8), "target": gaussian(12, 1, 1)[0]}
    found = answered({**told, "rank": 1})
    assert found["conditioning"] > 1e5 and found["largest_adapter_norm"] > 1e3
    assert found["verdict"] == "optimal"


def test_beyond_floats_the_norm_is_a_decimal():
    frozen = [EYE, [[1, 0], [0, "1e-400"]]]
    told = {"kind": "linear", "frozen": frozen, "target": [[0, 1], [1, 0]], "rank": [2, 0]}
    reasons = answered(told)["reasons"]
    assert any(re.search(r"an adapter has norm 1\.[01]e\+400", reason) for reason in reasons)
    assert any("condition number is beyond floats" in reason for reason in reasons)


def test_a_rank_that_is_only_rounding_is_told():
    told = {"kind": "linear", "frozen": [EYE], "target": [[2, 0], [0, 1.0000000000000002]]}
    found = answered({**told, "rank": 1})
    assert found["gaps"] == [2]
    assert any("only 1 of its singular values" in reason for reason in found["reasons"])


# ReLU networks


def layers(document, instance):
    pairs = zip(instance["frozen"], document["adapters"], document["biases"], strict=True)
    return [(what(told["W"], one), [Fraction(x) for x in b]) for told, one, b in pairs]


def target_of(instance):
    return [(exactly(told["W"]), [Fraction(x) for x in told["b"]]) for told in instance["target"]]


CORNERS = EXACT.matrix([[-1, -1, 1, 1, 0, "1/3"], [-1, 1, -1, 1, 0, "-1/7"]])


def test_a_relu_network_is_the_target_on_the_whole_box():
    adapted = adapt(read_adaptation(RELU), exact=True)
    found = adapted.document
    assert (found["verdict"], found["achieved_error"]["sup"]) == ("exact", "0")
    ours, theirs = (
        relu_network(net, CORNERS, EXACT) for net in (layers(found, RELU), target_of(RELU))
    )
    assert (ours == theirs).all() and (theirs != 0).any()
    certificate = adaptation_certificate(adapted)
    kinds = [part["kind"] for part in certificate["certificates"]]
    assert kinds == ["relu", *["product"] * 4]
    checker.check(certificate)


@pytest.mark.parametrize("rank", [0, 1])
def test_the_bound_holds_on_points_of_the_region(rank):
    found = answered({**RELU, "rank": rank})
    net = layers(found, RELU)
    off = relu_network(net, CORNERS, EXACT) - relu_network(target_of(RELU), CORNERS, EXACT)
    worst = max(float(sum(Fraction(str(x)) ** 2 for x in column)) ** 0.5 for column in off.T)
    assert worst <= found["achieved_error"]["sup"]
    assert found["achieved_error"]["sampled"]["largest"] <= found["achieved_error"]["sup"] + 1e-12
    assert found["verdict"] == ("exact up to rounding" if rank else "upper bound")
    if not rank:
        assert worst > 0.1 and found["achieved_error"]["sup"] <= found["theorem_bound"] * 1.0001
        assert any("rank gap" in reason for reason in found["reasons"])


def test_a_ball_is_exact_too_and_its_certificate_is_refused():
    bare = {k: v for k, v in RELU.items() if k != "box"}
    adapted = adapt(read_adaptation({**bare, "ball": {"center": [0, 1], "radius": 2}}), exact=True)
    assert adapted.document["achieved_error"]["sup"] == "0"
    with pytest.raises(BadInput, match="expected a box as the region"):
        adaptation_certificate(adapted)


def test_without_a_region_bounded_input_is_missing():
    bare = {k: v for k, v in RELU.items() if k != "box"}
    found = answered(bare)
    assert found["verdict"] == "not known" and found["achieved_error"]["sup"] is None
    assert any("bounded input" in reason for reason in found["reasons"])
    assert found["minimal_exact_rank"] is None
    assert found["achieved_error"]["sup_where_measured"] < 1e-10
    single = {**bare, "frozen": RELU["frozen"][:2], "rank": 2}
    assert answered(single, exact=True)["verdict"] == "exact"  # no hidden unit: no region needed


def test_a_dead_target_is_named():
    told = {
        "kind": "relu-fnn",
        "frozen": [{"W": EYE, "b": [0, 0]}] * 2,
        "target": [{"W": [[3, 0], [0, 3]], "b": [-99, -99]}],
        "rank": 0,
        "ball": {"center": [0, 0], "radius": 1},
    }
    found = answered(told, exact=True)
    assert (found["verdict"], found["sufficient_rank"], found["minimal_exact_rank"]) == (
        "exact", 1, 0,
    )  # fmt: skip
    assert any("dead" in reason for reason in found["reasons"])
    live = {**told, "target": [{"W": [[3, 0], [0, 3]], "b": [9, 9]}]}
    assert answered(live)["minimal_exact_rank"] == 1


def with_singular(rank):
    """W_1 = 0 in a block of two layers: its product has rank R_1 at most."""
    frozen = [{"W": W, "b": [0, 0]} for W in ([[0, 0], [0, 0]], EYE)]
    target = [{"W": EYE, "b": [5, 5]}]
    box = {"lower": [-1, -1], "upper": [1, 1]}
    return {"kind": "relu-fnn", "frozen": frozen, "target": target, "rank": rank, "box": box}


def test_a_singular_weight_promises_no_exact_adapters():
    found = answered(with_singular(1))
    assert (found["verdict"], found["theorem_bound"]) == ("upper bound", None)
    assert found["achieved_error"]["sup"] >= 0.99  # the product has rank 1, the target rank 2
    reasons = "; ".join(found["reasons"])
    assert "so some adapters are exact" not in reasons and "met all the same" not in reasons
    assert "W_1 of block 1 is nonsingular; the product of block 1 has rank 1 at most" in reasons
    assert "the printed product of block 1 is within 1" in reasons
    assert "sufficient_rank and theorem_bound are null" in reasons


def test_a_singular_weight_that_is_no_obstacle_is_found_to_be_none():
    found = answered(with_singular(2), exact=True)
    assert (found["verdict"], found["theorem_bound"]) == ("exact", "0")
    rounded = answered({**with_singular(2), "target": [{"W": [["1/3", 1], [0, 1]], "b": [5, 5]}]})
    assert rounded["verdict"] in ("exact", "exact up to rounding")
    alone = {**with_singular(1), "partition": [1]}
    alone["frozen"] = alone["frozen"][:1]  # a block of one layer: Eckart and Young, as it is
    assert answered(alone)["theorem_bound"] == pytest.approx(2**0.5)
    assert answered(with_singular(0))["theorem_bound"] == pytest.approx(2**0.5)


FROZEN = [
    {
        "W": [[-0.693, 0.583, 0.11], [0.003, 0.101, 0.417], [0.991, 0.438, -1.228]],
        "b": [-0.707, 1.4, 1.954],
    },
    {
        "W": [[0.964, 1.099, 0.337], [2.1, -0.546, -0.309], [-0.75, 1.593, -0.496]],
        "b": [0.536, -1.354, -1.438],
    },
    {
        "W": [[1.018, 0.738, 0.879], [0.237, -0.259, -0.374], [-1.072, -0.346, 1.379]],
        "b": [-0.122, -1.273, -0.204],
    },
    {
        "W": [[-0.946, -1.109, -0.076], [-0.73, -1.225, 1.549], [1.747, 0.171, 1.504]],
        "b": [-0.429, -0.007, 1.33],
    },
    {
        "W": [[0.322, 0.84, -2.725], [0.309, -0.405, -0.091], [-1.5, -0.758, 0.61]],
        "b": [0.596, 0.783, 0.86],
    },
]
TARGET = [
    {
        "W": [[1.105, 0.394, -0.229], [-0.566, -0.412, -0.961], [-0.988, -0.084, -2.274]],
        "b": [-1.223, -0.799, 0.53],
    },
    {
        "W": [[1.08, 0.334, -0.039], [-0.486, 1.119, 0.715], [-0.65, -0.017, 0.422]],
        "b": [0.924, -0.317, 1.515],
    },
]


def test_the_smaller_one_of_two_bounds_is_printed():
    """The bound by boxes is 2.107 here, what the theorem allows 1.961."""
    told = {"kind": "relu-fnn", "frozen": FROZEN, "target": TARGET, "rank": 1}
    found = answered({**told, "ball": {"center": [0, 0, 0], "radius": 2}})
    assert found["theorem_bound"] == pytest.approx(1.96083303541064)
    assert found["achieved_error"]["sup"] == pytest.approx(1.96083303541064)


@pytest.mark.parametrize("seed", [8, 9])
def test_the_bound_is_never_above_the_theorems_but_for_rounding(seed):
    random = np.random.default_rng(seed)
    net = [{"W": random.normal(size=(3, 3)).tolist(), "b": [0, 0, 0]} for _ in range(6)]
    told = {"kind": "relu-fnn", "frozen": net[:4], "target": net[4:], "rank": 1}
    told["ball"] = {"center": [0, 0, 0], "radius": 1}
    found = answered(told)
    assert found["verdict"] == "upper bound"
    assert found["achieved_error"]["sup"] <= found["theorem_bound"] * (1 + 1e-9)
    assert found["achieved_error"]["sampled"]["largest"] <= found["achieved_error"]["sup"]
    assert found["achieved_error"]["sup_of_an_output"] <= found["achieved_error"]["sup"]
    X = EXACT.matrix([[0, "3/5", "-4/5"], [1, "4/5", 0], [0, 0, "3/5"]])
    off = relu_network(layers(found, told), X, EXACT) - relu_network(target_of(told), X, EXACT)
    worst = max(float(sum(Fraction(str(x)) ** 2 for x in column)) ** 0.5 for column in off.T)
    assert 0 < worst <= found["achieved_error"]["sup"]


def with_target(b, **more):
    told = {**with_singular(1), "target": [{"W": [[3, 0], [0, 3]], "b": b}]}
    return {**told, "frozen": [{"W": [[2, 1], [1, 1]], "b": [0, 0]}] * 2, **more}


@pytest.mark.parametrize(
    ("instance", "words"),
    [
        (with_singular(1), "the frozen weight W_1 is singular"),
        (RELU, "the target has 2 layers"),
        ({k: v for k, v in RELU.items() if k != "box"}, "the inputs are not bounded"),
        (with_target([-2, -2], box={"lower": [-1, 0], "upper": [1, 0]}), "no interior"),
        (with_target([4, 4], target=[{"W": [[3, 0], [3, 0]], "b": [4, 4]}]), "target is singular"),
        (with_target([0, 0], target=[{"W": [[1, 0], [-2, 1]], "b": ["-3/4", "-3/4"]}]), "no point"),
    ],
)
def test_a_least_rank_that_is_not_known_has_a_reason(instance, words):
    found = answered(instance)
    (reason,) = [x for x in found["reasons"] if x.startswith("minimal_exact_rank is null")]
    assert found["minimal_exact_rank"] is None and words in reason
    known = answered(with_target([9, 9]))
    assert known["minimal_exact_rank"] is not None
    assert not any("minimal_exact_rank" in reason for reason in known["reasons"])


def test_dead_outputs_and_missing_ranks_are_said_in_plain_words():
    reasons = "; ".join(answered(with_target([-99, -99]))["reasons"])
    assert "outputs 1, 2 are dead, which costs biases and no rank" in reasons
    reasons = "; ".join(answered(with_target([9, -99], rank=0))["reasons"])
    assert "output 2 is dead, which costs a bias and no rank" in reasons
    assert "the ranks of block 1 make up for its rank gap; their sum is 0 and the gap 1" in reasons


# transformers


def adapted_model(instance, document):
    model = json.loads(json.dumps(instance["frozen"]))
    for one in document["adapters"]:
        block = model["blocks"][one["block"] - 1] if one["block"] else model
        place = block["heads"][one["head"] - 1] if one["head"] else block
        W = what(place[one["matrix"]], one)
        place[one["matrix"]] = [[str(x) for x in row] for row in W]
    for one in document["biases"]:
        model["blocks"][one["block"] - 1].update(b1=one["b1"], b2=one["b2"])
    return TransformerModel.read(model)


def cubes(scores):
    """Rational columns that sum to 1 and do not mind a number added to a column."""
    powers = 1 + (scores - scores[:1]) ** 2
    return powers / powers.sum(axis=0)


def test_a_transformer_is_the_target_and_its_certificate_holds():
    adapted = adapt(read_adaptation(TRANSFORMER), exact=True)
    found = adapted.document
    assert found["verdict"] == "exact" and found["achieved_error"]["residual"] == "0"
    assert (found["gaps"], found["sufficient_rank"]) == ([2, 2], 1)
    places = [(one["block"], one["head"], one["matrix"]) for one in found["adapters"]]
    assert places == [*((1, 1, name) for name in "QKVO"), (1, None, "W1"), (1, None, "W2"),
                      (None, None, "Wo")]  # fmt: skip
    assert found["adapters"][4]["B"] == []
    model, target = (
        adapted_model(TRANSFORMER, found),
        TransformerModel.read(TRANSFORMER["target"]),
    )
    X = EXACT.matrix([[1, 0, -2], ["1/2", 3, 1]])
    ours, theirs = (transformer_network(one, X, EXACT, softmax=cubes) for one in (model, target))
    assert (ours == theirs).all()
    checker.check(adaptation_certificate(adapted))


def two_blocks(seed):
    """Two blocks of two heads, small whole numbers, all weights nonsingular."""
    random = np.random.default_rng(seed)

    def W():
        return (np.triu(random.integers(-2, 3, size=(2, 2)), 1) + np.eye(2, dtype=int)).tolist()

    def block():
        heads = [{name: W() for name in "QKVO"} for _ in range(2)]
        b1, b2 = random.integers(-2, 3, size=(2, 2)).tolist()
        return {"heads": heads, "W1": W(), "b1": b1, "W2": W(), "b2": b2}

    return {"blocks": [block(), block()], "Wo": W()}


def test_deeper_transformers_have_certificates_too():
    told = {"kind": "transformer", "frozen": two_blocks(0), "target": two_blocks(1), "rank": 1}
    adapted = adapt(read_adaptation(told), exact=True)
    assert adapted.document["verdict"] == "exact"
    certificate = adaptation_certificate(adapted)
    checker.check(certificate)
    names = [part["asserts"].partition(",")[0] for part in certificate["certificates"]]
    assert "bias of block 2" in names and "scores of head 2 in block 2" in names


def test_one_rank_below_is_told():
    found = answered({**TRANSFORMER, "rank": 0})
    assert found["verdict"] == "upper bound"
    sampled = found["achieved_error"]["sampled"]
    assert sampled["kind"] == "sampled" and sampled["relative"] > 1e-3
    assert any("below the sufficient 1" in reason for reason in found["reasons"])
    assert found["achieved_error"]["column_bound"]["error"] > 0
    at = answered(TRANSFORMER)
    assert at["achieved_error"]["sampled"]["relative"] < 1e-12


def test_a_singular_output_below_the_threshold_is_answered():
    told = {**TRANSFORMER, "frozen": {**TRANSFORMER["frozen"], "Wo": [[0, 0], [0, 0]]}, "rank": 0}
    found = answered(told)
    assert found["verdict"] == "upper bound" and found["sufficient_rank"] is None
    assert any("Wo is nonsingular" in reason for reason in found["reasons"])


def test_a_singular_weight_of_a_transformer_is_named():
    told = json.loads(json.dumps(TRANSFORMER))
    told["frozen"]["blocks"][0]["W1"] = [[0, 0], [0, 0]]
    found = answered(told)
    assert found["sufficient_rank"] is None and found["verdict"] == "upper bound"
    assert any("W1 of block 1 is nonsingular" in reason for reason in found["reasons"])


def one_head(**weights):
    told = json.loads(json.dumps(TRANSFORMER))
    told["frozen"]["blocks"][0]["heads"][0].update(weights)
    return told


def test_a_transformers_yardstick_has_a_limit():
    from lora_proofs.solving.adaptation_transformer import natural

    tame, thin = one_head(), one_head(Q=[[1, 0], [0, "1e-13"]])
    assert natural(read_adaptation(tame)) > 1
    assert natural(read_adaptation(thin)) < 10
    steep = one_head(Q=[[1, 0], [0, "1e-9"]])
    assert 1e5 < natural(read_adaptation(steep)) < 1e8
    reasons = answered(thin)["reasons"]
    assert any("Q of head 1 of block 1 is singular up to rounding" in reason for reason in reasons)


def test_small_residuals_with_a_singular_weight_promise_nothing(monkeypatch):
    from lora_proofs.solving import adaptation_transformer_answer as answers

    told = one_head(Q=[[0, 0], [0, 0]])
    told["target"]["blocks"][0]["heads"][0]["Q"] = [["1/3", 0], [0, 0]]
    found = answered(told)
    assert found["sufficient_rank"] is None and found["achieved_error"]["residual"] < 1e-12
    assert found["verdict"] == "exact up to rounding"  # built over the rationals
    monkeypatch.setattr(answers, "rationally", lambda problem, balls: "none is rational")
    found = answered(told)
    assert found["verdict"] == "upper bound"
    assert any("exact is not known" in reason for reason in found["reasons"])


@pytest.mark.parametrize("model", ["two blocks", "singular"])
def test_a_transformers_least_rank_that_is_not_known_has_a_reason(model):
    if model == "singular":
        told, words = json.loads(json.dumps(TRANSFORMER)), "of the target is singular"
        told["target"]["Wo"] = [[1, 0], [0, 0]]
    else:
        told = {"kind": "transformer", "frozen": two_blocks(0), "target": two_blocks(1), "rank": 1}
        words = "the target has 2 blocks of up to 2 heads"
    found = answered(told)
    assert found["minimal_exact_rank"] is None
    assert any("minimal_exact_rank is null" in x and words in x for x in found["reasons"])


# the command


@pytest.fixture
def instance(tmp_path):
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(LINEAR))
    return str(path)


def test_the_answer_as_json(instance, capsys):
    assert run(["adapt", instance, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    fields = "adapters biases sufficient_rank minimal_exact_rank optimal_error achieved_error gaps"
    more = "largest_adapter_norm conditioning verdict reasons schema_version command method digits"
    assert set(f"{fields} {more} cites certificate".split()) <= set(found)
    assert (found["command"], found["schema_version"], found["certificate"]) == ("adapt", 1, None)


def test_a_certificate_is_written_and_checked(instance, tmp_path, capsys):
    path = str(tmp_path / "told.json")
    assert run(["adapt", instance, "--exact", "--certificate", path, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["certificate"] == path and "kind bundle" in said.err
    assert run(["check", path]) == 0
    command = [sys.executable, checker.__file__, path]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    told = json.loads(Path(path).read_text())
    told["certificates"][0]["factors"][0][0][0] = 7
    Path(path).write_text(json.dumps(told))
    assert run(["check", path]) == 1


def test_where_there_is_no_certificate_the_answer_stands(tmp_path, capsys):
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(RELU))
    told = tmp_path / "told.json"
    assert run(["adapt", str(path), "--certificate", str(told)]) == 4
    said = capsys.readouterr()
    assert "relu-fnn: exact up to rounding" in said.out and "ask for --exact" in said.err
    assert not told.exists()
    assert run(["adapt", str(path), "--exact", "--certificate", str(tmp_path / "no" / "x")]) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a JSON file with an instance such as"),
        ("[]", "expected a JSON object such as"),
        ('{"kind": "linear", "kind": "linear"}', "'kind' stands twice"),
        (json.dumps({**LINEAR, "rank": 4}), "rank: expected a whole number from 0 to 3"),
        (json.dumps({**LINEAR, "ranks": 1}), "did you mean 'rank'"),
        (json.dumps(LINEAR).replace("[1, 2, 0]", "[1, NaN, 0]"), "frozen[1][1][2]: expected a fi"),
        (json.dumps(LINEAR).replace("[1, 2, 0]", "[1, 1e999, 0]"), "frozen[1][1][2]: expected a f"),
    ],
)
def test_bad_input_exits_4_and_names_the_entry(tmp_path, capsys, text, message):
    path = tmp_path / "instance.json"
    path.write_text(text)
    assert run(["adapt", str(path)]) == 4
    said = capsys.readouterr()
    assert message in said.err and not said.out and "Traceback" not in said.err


@pytest.mark.parametrize("digits", ["0", "-3", "201", "many"])
def test_digits_out_of_range_exit_4(instance, capsys, digits):
    assert run(["adapt", instance, "--digits", digits]) == 4
    assert "digits" in capsys.readouterr().err


def test_a_missing_file_exits_4(capsys):
    assert run(["adapt", "nowhere.json"]) == 4
    assert "nowhere.json" in capsys.readouterr().err


def test_an_interrupt_exits_2(instance, monkeypatch, capsys):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("lora_proofs.solving.adaptation.adapt", stop)
    assert run(["adapt", instance]) == 2
    assert "interrupted" in capsys.readouterr().err


def test_a_long_run_says_what_it_is_at(capsys):
    from lora_proofs.cli.adapting import At

    at = At()
    at("too early")
    at.began -= 60
    at("array: 1e-3 above the lower bound")
    assert capsys.readouterr().err == "array: 1e-3 above the lower bound\n"


def test_the_printed_answer_names_norms_and_counts(tmp_path, capsys):
    path = tmp_path / "instance.json"
    wanted = {
        "Euclidean norm": with_target([9, 9]),
        "one block of 2 layers; rank gap 2": with_target([9, 9]),
        "in the same norm: none, a frozen weight is singular": with_singular(1),
        "relatively, Frobenius norm": TRANSFORMER,
        "rank gaps 2, 2": TRANSFORMER,
    }
    for words, instance in wanted.items():
        path.write_text(json.dumps(instance))
        assert run(["adapt", str(path)]) == 0
        assert words in capsys.readouterr().out


# the page


@pytest.mark.parametrize("instance", [LINEAR, RELU, TRANSFORMER])
def test_the_page_has_every_field(instance):
    found = answered(instance)
    every = [*found, *found["achieved_error"]]
    fields = re.findall(r"`(\w+)`", PAGE)
    assert set(every) <= set(fields)


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def same(one, other):
    """The same words, and the same numbers but for their last digits and for rounding errors."""
    assert NUMBER.sub("#", one) == NUMBER.sub("#", other)
    for x, y in zip(NUMBER.findall(one), NUMBER.findall(other), strict=True):
        assert float(x) == pytest.approx(float(y), rel=1e-9, abs=1e-9), (one, other)


def test_the_commands_of_the_page_print_what_it_shows(tmp_path, monkeypatch, capsys):
    for path in (DOCS / "adapt").glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```console\n\$ lora-proofs ([^\n]*)\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 6
    for command, wanted in blocks:
        assert run(command.split()) == 0
        found = capsys.readouterr().out.splitlines()
        assert len(found) == len(wanted.splitlines())
        for one, other in zip(found, wanted.splitlines(), strict=True):
            same(one, other)


def test_the_constructions_are_public():
    code = "import lora_proofs; print(lora_proofs.constructions.linear_adapters.__name__)"
    home = str(Path(lora_proofs.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": home}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert told.stdout.strip() == "linear_adapters"
