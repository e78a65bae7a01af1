"""Linear nets with singular or rectangular weights, narrower targets and weighted inputs."""

from __future__ import annotations

import itertools

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.arithmetic.dense import product
from lora_proofs.constructions import (
    attained_error,
    linear_adapters,
    lower_bounds,
    narrow_target_adapters,
    optimal_error,
    precise_linear_adapters,
    weighted_adapters,
    weighted_optimum,
)
from lora_proofs.constructions.rectangular import broken_widths, in_sequence, one_sided_inverse
from lora_proofs.constructions.repairing import repaired
from lora_proofs.constructions.singular_weights import best_known, product_rank
from lora_proofs.constructions.weighted import is_positive_semidefinite, weighted_factors
from lora_proofs.errors import BadInput, Unavailable

ARRAY, MANY, BALL = ArrayArithmetic(), MultiprecisionArithmetic(30), BallArithmetic(50)
ZERO, I2 = np.zeros((2, 2)), np.eye(2)


def whole(rng, n, m, rank):
    return EXACT.matrix(rng.integers(-3, 4, (n, rank)) @ rng.integers(-3, 4, (rank, m)))


def spectral(frozen, target, found):
    return attained_error(frozen, target, found.adapters, width="1e-20").spectral


def least(frozen, target, ranks):
    bounds = lower_bounds(frozen, target, ranks, BALL)
    pair = (bounds.by_update.spectral, bounds.by_product.spectral)
    with BALL.working():
        return max((flint.arb(x) for x in pair), key=lambda x: x.mid())


def meets(got, bound, tolerance=1e-9):
    with BALL.working():
        assert got >= bound * (1 - flint.arb("1e-15")) - flint.arb("1e-15")
        return bool(got <= bound * (1 + tolerance) + flint.arb(str(tolerance)))


@pytest.mark.parametrize("ctx", [ARRAY, MANY, EXACT], ids=lambda c: c.name)
def test_a_zero_first_weight_leaves_an_error_that_the_formula_denies(ctx):
    found = linear_adapters([ZERO, I2], I2, [1, 1], ctx)
    assert optimal_error([ZERO, I2], I2, [1, 1], BALL).spectral == 0
    assert meets(spectral([ZERO, I2], I2, found), flint.arb(1))
    assert found.broken[0].assumption == "the frozen weight W_1 is nonsingular"
    assert "met all the same" in found.broken[0].consequence
    assert linear_adapters([ZERO, I2], I2, [2, 0], EXACT).product.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "lacking", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1)], ids=str
)
@pytest.mark.parametrize("ctx", [ARRAY, MANY], ids=lambda c: c.name)
def test_singular_weights_cost_nothing_where_the_ranks_can_repair_them(lacking, ctx):
    rng = np.random.default_rng([*lacking])
    frozen = [whole(rng, 5, 5, 5 - d) for d in lacking]
    target = whole(rng, 5, 5, 5)
    ranks = [5 - EXACT.rank(W) or 1 for W in frozen]
    found = linear_adapters(frozen, target, ranks, ctx)
    assert meets(spectral(frozen, target, found), least(frozen, target, ranks))
    names = [f"the frozen weight W_{i}" for i, W in enumerate(frozen, 1) if EXACT.rank(W) < 5]
    assert [x.assumption.removesuffix(" is nonsingular") for x in found.broken] == names


def test_singular_weights_are_repaired_exactly_over_the_rationals():
    rng = np.random.default_rng(4)
    frozen, target = (
        [whole(rng, 4, 4, 3), whole(rng, 4, 4, 3), 9 * EXACT.identity(4)],
        whole(rng, 4, 4, 4),
    )
    ranks = (2, 2, 1)
    found = linear_adapters(frozen, target, ranks, EXACT)
    assert (found.product == target).all()
    patches, weights, left = repaired(frozen, target, ranks, EXACT)
    assert all(EXACT.rank(W) == 4 for W in weights)
    assert left == (1, 1, 1)
    assert [x.rank for x in patches] == [1, 1, 0]
    with pytest.raises(BadInput, match="W_1"):
        repaired(frozen, target, (0, 2, 1), EXACT)


def test_what_is_not_known_to_be_optimal_says_so():
    rng = np.random.default_rng(6)
    frozen, target = [whole(rng, 5, 5, 4), whole(rng, 5, 5, 5)], whole(rng, 5, 5, 5)
    found = precise_linear_adapters(frozen, target, [0, 2], tolerance="1e-9")
    bound = least(frozen, target, (0, 2))
    assert not meets(spectral(frozen, target, found), bound)
    assert "not known to be attained" in found.broken[0].consequence
    assert product_rank(frozen, (0, 2)) == 4


@pytest.mark.parametrize("widths", [(3, 5, 4), (4, 6, 5, 2), (2, 4, 4, 4)], ids=str)
@pytest.mark.parametrize("ctx", [ARRAY, MANY, EXACT], ids=lambda c: c.name)
def test_wide_enough_layers_keep_the_formula(widths, ctx):
    rng = np.random.default_rng(widths)
    frozen = [whole(rng, n, m, 9) for m, n in itertools.pairwise(widths)]
    target = whole(rng, widths[-1], widths[0], 9)
    exact = ctx is EXACT
    ranks = [1] * len(frozen) if not exact else [2] * len(frozen)
    found = linear_adapters(frozen, target, ranks, ctx)
    assert not found.broken
    if exact:
        assert (found.product == target).all()
    assert meets(spectral(frozen, target, found), least(frozen, target, ranks))


def test_a_product_of_zero_is_no_obstacle_where_the_layers_are_wide():
    frozen = [np.eye(4)[:, :2], np.eye(4)[2:]]
    found = linear_adapters(frozen, [[1, 2], [3, 4]], [1, 1], EXACT)
    assert found.product.tolist() == [[1, 2], [3, 4]]
    assert not found.broken


def test_a_narrow_layer_is_named_and_its_bound_is_met():
    rng = np.random.default_rng(8)
    frozen, target = [whole(rng, 2, 4, 2), whole(rng, 4, 2, 2)], whole(rng, 4, 4, 4)
    found = linear_adapters(frozen, target, [2, 2], ARRAY)
    assert [x.assumption for x in found.broken] == [
        "the hidden width n_1 is at least max(n_0, n_L)"
    ]
    assert meets(spectral(frozen, target, found), least(frozen, target, [2, 2]))
    deficient = [EXACT.matrix(np.eye(3)[:, :2] * [1, 0]), EXACT.matrix(np.eye(3)[:2])]
    assert [x.assumption for x in broken_widths(deficient)] == ["W_1 ... W_1 has full column rank"]


def test_layer_by_layer_refuses_what_it_cannot_add_up():
    with pytest.raises(BadInput, match="full rank"):
        in_sequence([EXACT.identity(2), EXACT.zeros(2, 2)], *[EXACT.identity(2)] * 2, [2, 0], EXACT)
    deficient, G, H = [np.eye(4)[:, :3], np.diag([1.0, 1, 0, 0])[:3]], np.eye(3), np.eye(3)
    with pytest.raises(BadInput, match="full rank"):
        in_sequence(deficient, G, H, [3, 0], ARRAY)
    turn = EXACT.matrix([[-1, -1], [1, -1]])  # needs another basis than the first
    found = in_sequence([EXACT.identity(2)] * 2, EXACT.identity(2), turn, [1, 1], EXACT)
    total = product(*(EXACT.identity(2) + x.update for x in reversed(found)), ctx=EXACT)
    assert total.tolist() == [[0, -1], [1, 0]]
    X = EXACT.matrix([[1, 2, 3], [0, 1, 1]])
    assert (X @ one_sided_inverse(X, EXACT) == EXACT.identity(2)).all()


def test_a_narrower_target_leaves_the_rest_free():
    rng = np.random.default_rng(9)
    frozen = [whole(rng, 4, 4, 9) + 9 * EXACT.identity(4) for _ in range(2)]
    target = whole(rng, 2, 2, 9)
    found = narrow_target_adapters(frozen, target, [1, 1], EXACT)
    assert (found.product[:2, :2] == target).all()
    rest = found.product - product(frozen[1], frozen[0], ctx=EXACT)
    assert not (rest[2:] != 0).any()
    assert not (rest[:, 2:] != 0).any()
    padded = EXACT.zeros(4, 4)
    padded[:2, :2] = target
    assert EXACT.rank(padded - product(frozen[1], frozen[0], ctx=EXACT)) > 2
    with pytest.raises(BadInput, match="at most"):
        narrow_target_adapters(frozen, EXACT.zeros(5, 5), [1, 1], ARRAY)


def weighted_loss(E, moment):
    return float(np.trace(E @ moment @ E.T))


def test_weighted_inputs_have_an_optimum_of_their_own():
    rng = np.random.default_rng(10)
    root = rng.normal(size=(4, 4))
    moment, frozen = root @ root.T, [rng.normal(size=(4, 4)) for _ in range(2)]
    moment = (moment + moment.T) / 2
    target = rng.normal(size=(4, 4))
    E = target - frozen[1] @ frozen[0]
    best = weighted_optimum(EXACT.matrix(E), moment, 2, MANY)
    found = weighted_adapters(frozen, target, moment, [1, 1], ARRAY)
    assert weighted_loss(found.product - target, moment) == pytest.approx(float(best), rel=1e-9)
    plain = linear_adapters(frozen, target, [1, 1], ARRAY)
    assert weighted_loss(plain.product - target, moment) > 1.01 * float(best)
    for _ in range(20):  # no update of that rank does better
        G, H = (np.asarray(X) for X in weighted_factors(EXACT.matrix(E), moment, 2, ARRAY))
        other = (G + 0.1 * rng.normal(size=G.shape)) @ H
        assert weighted_loss(E - other, moment) >= float(best)


def test_directions_that_no_input_has_cost_no_rank():
    found = weighted_adapters([I2], [[2, 1], [0, 6]], [[1, 0], [0, 0]], [1], EXACT)
    assert found.product.tolist() == [[2, 0], [0, 1]]
    assert found.adapters[0].rank == 1
    with pytest.raises(Unavailable):
        weighted_adapters([I2], [[2, 1], [0, 6]], I2, [1], EXACT)
    for moment in ([[0, 1], [0, 0]], [[0, 1], [1, 0]], [[-1, 0], [0, 1]]):
        with pytest.raises(BadInput, match="second moment"):
            weighted_adapters([I2], I2, moment, [1], ARRAY)
    assert is_positive_semidefinite(EXACT.matrix([[1, 1], [1, 1]]))
    assert best_known([EXACT.identity(2)], EXACT.zeros(2, 2), (2,), EXACT).product.tolist() == [
        [0, 0],
        [0, 0],
    ]


def test_a_deficient_last_layer_is_read_from_the_output():
    rng = np.random.default_rng(12)
    frozen, target = [whole(rng, 4, 3, 3), whole(rng, 3, 4, 2)], whole(rng, 3, 3, 3)
    found = linear_adapters(frozen, target, [1, 2], EXACT)
    assert found.method == "layer by layer, from the output"
    assert (found.product == target).all()
    assert [x.rank for x in found.adapters] == [1, 2]
