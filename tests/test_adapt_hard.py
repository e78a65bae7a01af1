"""Adaptation of instances at the edge: huge and tiny numbers, singular weights, huge scores."""

import json
import re
import warnings
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.constructions.adapters import Broken
from lora_proofs.constructions.linear import linear_adapters
from lora_proofs.constructions.nonsingular import nonsingular_adapters
from lora_proofs.constructions.regions import Ball
from lora_proofs.constructions.relu_minimal import live_point
from lora_proofs.constructions.singular_weights import MET
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.solving.adaptation import adapt
from lora_proofs.solving.adaptation_errors import known_well, larger, tails
from lora_proofs.solving.adaptation_linear import Bounds, bounds, excess, nothing
from lora_proofs.solving.adaptation_linear_answer import MISSED, broken
from lora_proofs.solving.adaptation_numbers import at_least, nearest
from lora_proofs.solving.adaptation_problem import read_adaptation
from lora_proofs.solving.adaptation_relu import root_below
from lora_proofs.solving.adaptation_sizes import exploded
from lora_proofs.solving.decimals import exact

EYE = [[1, 0], [0, 1]]


def diagonal(*entries):
    """A diagonal matrix as JSON has it."""
    return [[x if i == j else 0 for j in range(len(entries))] for i, x in enumerate(entries)]


def linear(frozen, target, rank, **asked):
    """The document of a linear instance."""
    told = {"kind": "linear", "frozen": frozen, "target": target, "rank": rank}
    found = adapt(read_adaptation(told), **asked).document
    json.dumps(found, allow_nan=False)
    return found


def relu(frozen, target, rank=1, **region):
    """The document of a ReLU instance with two equal frozen layers."""
    layers = [{"W": frozen, "b": [0, 0]}] * 2
    told = {"kind": "relu-fnn", "frozen": layers, "target": [target], "rank": rank, **region}
    found = adapt(read_adaptation(told)).document
    json.dumps(found, allow_nan=False)
    return found


def model(Q=EYE):
    """A transformer of one block, all weights the identity but Q."""
    head = {"Q": Q, "K": EYE, "V": EYE, "O": EYE}
    block = {"heads": [head], "W1": EYE, "b1": [0, 0], "W2": EYE, "b2": [0, 0]}
    return {"blocks": [block], "Wo": EYE}


def fraction(x):
    """A number of a document, exactly."""
    return Fraction(x)


def hilbert(n):
    """The Hilbert matrix, exact."""
    return EXACT.matrix([[Fraction(1, i + j + 1) for j in range(n)] for i in range(n)])


# Bounds


def test_the_smallest_singular_value_of_a_hilbert_matrix_is_enclosed_above_zero():
    found = tails(hilbert(14), 13, None, BallArithmetic(20))["spectral"]
    ends = (
        10**18 * (exact(found) + exact(found.rad())),
        10**18 * (exact(found) - exact(found.rad())),
    )
    assert 0 < ends[1] <= ends[0]
    # det H_14 is the product of all singular values
    with BallArithmetic(60).working():
        values = BallArithmetic(60).singular_values(BallArithmetic(60).matrix(hilbert(14)))
        assert values[-1].overlaps(found)


def test_a_bound_is_raised_to_half_of_the_digits():
    with BallArithmetic(40).working():
        found = tails(EXACT.matrix(diagonal("1e60", 1)), 1, None, BallArithmetic(40))
    assert known_well(found["spectral"], 20)
    assert known_well(found["frobenius"], 18)


def test_the_least_error_is_not_zero_where_it_is_tiny():
    found = linear([diagonal(0, 0, 0)], diagonal("1e300", 1, "1e-300"), 2)
    assert found["optimal_error"] == {"spectral": 1e-300, "frobenius": 1e-300}
    assert fraction(found["lower_bound"]["spectral"]) <= Fraction(1, 10**300)
    assert found["verdict"] == "optimal"
    assert fraction(found["achieved_error"]["spectral"]) < Fraction(2, 10**300)
    assert found["broken_assumptions"] == []  # one layer holds every update


def test_a_tiny_error_is_optimal_and_not_called_rounding():
    H = [[str(x) for x in row] for row in hilbert(12).tolist()]
    found = linear([np.zeros((12, 12), int).tolist()], H, 11)
    assert found["verdict"] == "optimal"
    # The condition number of H_12 is 1.76e16, its norm 1.795.
    assert 1.0e-16 < found["optimal_error"]["spectral"] < 1.1e-16
    low, achieved = found["lower_bound"], found["achieved_error"]
    assert all(fraction(low[k]) <= fraction(achieved[k]) for k in low)


def test_a_bound_that_is_not_enclosed_is_not_known_and_meets_nothing():
    wide = {"spectral": flint.arb(0, 1), "frobenius": flint.arb(1, 2)}
    one = Bounds(wide, 1, flint.fmpq(3), True, 1.0, 2, 2, True, False)
    assert not one.sharp and not one.none

    reached = SimpleNamespace(error={"spectral": flint.fmpq(6), "frobenius": flint.fmpq(6)})
    assert excess(reached, one) == 2  # beside ||E||, never divided by a lower end below 0


def test_an_exact_zero_does_not_win_over_a_ball_that_may_hold_it():
    ball = flint.arb(0, 1)
    assert larger({"spectral": flint.fmpq(0)}, {"spectral": ball})["spectral"] is ball


def test_a_lower_bound_is_rounded_down():
    assert at_least(Fraction(2, 3), 2) == "0.66"
    for x in (Fraction(1, 3), Fraction(1, 10), Fraction(7, 10**40), Fraction(1, 10**400)):
        assert fraction(at_least(x, None)) <= x
        assert fraction(at_least(x, 5)) <= x
    assert nearest(Fraction(10) ** 400, None) == "1.00000000000000e+400"


# Large weights


def test_missing_the_whole_target_is_no_rounding_beside_a_huge_gap():
    huge = {"kind": "linear", "frozen": [diagonal(1e300, 1e300)] * 2, "target": EYE, "rank": 1}
    found = adapt(read_adaptation(huge)).document
    assert (found["verdict"], found["achieved_error"]["spectral"]) == ("exact", "0")
    missed = nothing(read_adaptation(huge), BallArithmetic(40))  # an error of 1e600
    least = bounds(read_adaptation(huge), BallArithmetic(40))
    assert excess(missed, least) > 10**599
    assert all("P_0" not in x["assumption"] for x in found["broken_assumptions"])


def test_weights_beyond_floats_have_an_answer():
    found = linear([diagonal("1e400", 1)], EYE, 0)
    assert found["verdict"] == "optimal"
    assert found["lower_bound"]["spectral"] == "9.99999999999999e+399"
    assert not exploded(flint.fmpq(10**9), float("inf"))


def test_no_warning_reaches_the_reader():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        linear([diagonal(0, 0, 0)], diagonal("1e300", 1, "1e-300"), 2)
        linear([diagonal(1e300, 1e300)] * 2, EYE, 1)


# Singular weights

HUGE = {
    "u1": ([[[1, 1], [-1, 1]], diagonal(0, 0), diagonal(0, 0)], [[2, 2], [1, 2]], [0, 2, 2]),
    "u2": (
        [[[1, -1], [1, -1]], [[1, 0], [0, 0]], [[0, 0], [1, 0]]],
        [[1, 2], [-1, 0]],
        [2, 1, 1],
    ),
    "u3": (
        [[[0, 0], [-1, 0]], [[0, -1], [0, 0]], [[-1, 0], [0, 0]]],
        [[-2, 0], [1, 1]],
        [1, 1, 2],
    ),
}


@pytest.mark.parametrize("name", HUGE)
def test_small_adapters_are_found_where_others_explode(name):
    found = linear(*HUGE[name])
    assert found["verdict"] in ("exact", "exact up to rounding")
    assert fraction(found["largest_adapter_norm"]) < 100


@pytest.mark.parametrize("name", HUGE)
def test_the_construction_itself_does_not_stop_at_a_huge_adapter(name):
    frozen, target, ranks = HUGE[name]
    built = linear_adapters(frozen, target, ranks, MultiprecisionArithmetic(30))
    assert max(float(abs(x.update).max()) for x in built.adapters) < 100


def test_rationals_are_no_worse_than_floats():
    frozen = [[[0, 0], [1, 0]], diagonal(0, 0), [[1, -1], [1, -1]]]
    target, ranks = [[-2, 1], [-2, -1]], [1, 2, 1]
    plain, rational = linear(frozen, target, ranks), linear(frozen, target, ranks, exact=True)
    least = [fraction(x["achieved_error"]["spectral"]) for x in (plain, rational)]
    assert least[1] <= least[0] < Fraction(1, 10**14)
    assert rational["verdict"] in ("exact", "exact up to rounding")


def test_one_layer_is_solved_for_over_the_rationals():
    frozen = [[[0, 0], [-1, 0]], [[-1, 0], [-1, 0]]]
    found = linear(frozen, [[2, 0], [2, 0]], [1, 0], exact=True)
    assert (found["verdict"], found["achieved_error"]["spectral"]) == ("exact", "0")


def test_reasons_do_not_contradict_the_verdict_of_singular_weights():
    frozen = [[[0, 0], [1, 0]], diagonal(0, 0), [[1, -1], [1, -1]]]
    for exactly in (False, True):
        found = linear(frozen, [[-2, 1], [-2, -1]], [1, 2, 1], exact=exactly)
        told = " ".join(found["reasons"])
        assert "so some adapters are exact" not in told
        met = "is met all the same" in told
        assert met == (found["verdict"] != "upper bound")


def test_a_bound_that_is_missed_is_not_called_met():
    told = {"kind": "linear", "frozen": [diagonal(0, 0), EYE], "target": EYE, "rank": [2, 0]}
    problem, balls = read_adaptation(told), BallArithmetic(40)
    found = replace(nothing(problem, balls), broken=(Broken("W_1 is nonsingular", MET),))
    judged = SimpleNamespace(found=found, least=bounds(problem, balls), meets=False)
    assert [x.consequence for x in broken(judged)] == [MISSED]
    judged.meets = True
    assert [x.consequence for x in broken(judged)] == [MET]


# Intermediates


def test_small_weights_do_not_make_an_intermediate_singular():
    rng = np.random.default_rng(1)
    frozen = [EXACT.matrix(rng.normal(size=(4, 4)) / 20) for _ in range(12)]
    target = EXACT.matrix(rng.normal(size=(4, 4)))
    built = linear_adapters(frozen, target, [1] * 12, MultiprecisionArithmetic(60))
    assert built.broken == ()


def test_an_intermediate_is_small_beside_the_identity_and_not_beside_itself():
    ctx = MultiprecisionArithmetic(30)
    with ctx.working():
        weights = [ctx.matrix(diagonal("1e-20", 1))] * 2
        G, H = ctx.matrix(EYE), ctx.matrix([[5, 0], [0, 2]])  # C_r = diag(1 + 5e40, 3)
        G, H = np.concatenate([G, 0 * G[:, :1]], axis=1), np.concatenate([H, 0 * H[:1]])
        _, _, broken = nonsingular_adapters(weights, G, H, [2, 1], ctx)
    assert broken == ()


def test_huge_weights_do_not_make_an_intermediate_singular():
    frozen = [EXACT.matrix(diagonal(10**100, 10**100))] * 2
    built = linear_adapters(frozen, EYE, [1, 1], MultiprecisionArithmetic(600))
    assert built.broken == ()


def test_an_intermediate_that_is_singular_is_named():
    built = linear_adapters([EYE, EYE], [[0, 0], [0, "1/2"]], [1, 1], MultiprecisionArithmetic(30))
    assert [x.assumption for x in built.broken] == ["P_0 + LR_1(E) is nonsingular"]


def test_more_than_616_digits_do_not_overflow():
    ctx = MultiprecisionArithmetic(700)
    with ctx.working():
        weights, G, H = [ctx.identity(2)], ctx.matrix([[1], [0]]), ctx.matrix([[0, 5]])
        (adapter,), _, _ = nonsingular_adapters(weights, G, H, [1], ctx)
        assert float(adapter.update_in(ctx)[0, 1]) == 5


# ReLU networks

HUGE_RELU = {
    "bias": (
        {"W": diagonal(3, 2), "b": [1e300, -1e300]},
        {"ball": {"center": [0, 0], "radius": 1}},
    ),
    "weight": ({"W": diagonal("1e400", 1), "b": [0, 0]}, {"ball": {"center": [0, 0], "radius": 1}}),
    "offset": ({"W": EYE, "b": ["1e400", 0]}, {"ball": {"center": [0, 0], "radius": 1}}),
    "radius": (
        {"W": diagonal(3, 2), "b": [0, 0]},
        {"ball": {"center": [0, 0], "radius": "1e400"}},
    ),
    "box": (
        {"W": diagonal(3, 2), "b": [0, 0]},
        {"box": {"lower": [0, 0], "upper": ["1e400", 1]}},
    ),
}


@pytest.mark.parametrize("name", HUGE_RELU)
def test_numbers_beyond_floats_in_a_relu_network_have_an_answer(name):
    target, region = HUGE_RELU[name]
    found = relu(EYE, target, **region)
    assert found["verdict"] in ("exact", "exact up to rounding", "upper bound", "unreliable")


def test_a_live_point_beyond_floats_is_not_found():
    assert live_point(diagonal("1e400", 1), [0, 0], Ball([0, 0], 1)) is None
    assert live_point(EYE, [0, 0], Ball([0, 0], "1e400")) is None


def test_no_rank_suffices_where_the_inputs_are_not_bounded():
    layers = [{"W": diagonal(-1, -2), "b": [0, 0]}, {"W": diagonal(-1, -1), "b": [0, 0]}]
    told = {"kind": "relu-fnn", "frozen": layers, "target": [{"W": EYE, "b": [0, 0]}], "rank": 1}
    found = adapt(read_adaptation(told)).document
    assert found["sufficient_rank"] is None
    assert any(re.search("sufficient_rank.*null.*bounded", x) for x in found["reasons"])
    bounded = {**told, "ball": {"center": [0, 0], "radius": 2}}
    assert adapt(read_adaptation(bounded)).document["sufficient_rank"] == 1


@pytest.mark.parametrize("square", [Fraction(2), Fraction(1, 10**30), Fraction(10) ** 500])
def test_a_root_is_rounded_down_and_near(square):
    found = Fraction(root_below(square))
    assert found**2 <= square < found**2 * (1 + Fraction(1, 10**14))
    assert root_below(Fraction(-1)) == 0


# Transformers


def test_huge_scores_end_with_no_sample():
    told = {"kind": "transformer", "frozen": model(), "target": model(diagonal(1e150, 3))}
    found = adapt(read_adaptation({**told, "rank": 0})).document
    assert found["achieved_error"]["sampled"]["relative"] is None
    assert found["verdict"] == "upper bound"


def test_scores_that_a_softmax_does_not_tell_apart_are_no_distance():
    from lora_proofs.mathematics.transformer import TransformerModel
    from lora_proofs.mathematics.transformer_readings import reading_distance

    def two(b2, b1):
        first, second = model()["blocks"][0], model(diagonal(0, 1))["blocks"][0]
        return TransformerModel.read(
            {"blocks": [{**first, "b2": b2}, {**second, "b1": b1}], "Wo": EYE}
        )

    # The second block sees b2 in its keys alone, as Q b2 = 0; its values add O V b2 to b1.
    one, shifted = two([0, 0], [1, 2]), two([1, 0], [0, 2])
    assert reading_distance(shifted, one, EXACT, softmax="columns") == 0
    assert reading_distance(shifted, one, EXACT) > 0
    assert reading_distance(two([0, 1], [1, 1]), one, EXACT, softmax="columns") > 0


def test_a_sufficient_rank_is_exact_up_to_what_a_softmax_sees():
    def two(W2, b2, Q):
        head = {"Q": [[Q]], "K": [["1/7"]], "V": [["2/3"]], "O": [[1]]}
        first = {"heads": [head], "W1": [["1/3"]], "b1": [2], "W2": [[W2]], "b2": [b2]}
        return {"blocks": [first, {**first, "W2": [["5/3"]], "b2": [1]}], "Wo": [[1]]}

    told = {"kind": "transformer", "frozen": two("1/3", 0, 1), "target": two(0, 2, 3), "rank": 1}
    found = adapt(read_adaptation(told)).document
    assert found["sufficient_rank"] == 1
    assert found["verdict"] in ("exact", "exact up to rounding")


def test_no_number_is_made_of_powers_that_would_not_end():
    with pytest.raises(ToleranceNotMet, match="too large"):
        exact(flint.arb((1, 10**9)))
    with pytest.raises(ToleranceNotMet, match="not enclosed"):
        exact(flint.arb("inf"))
