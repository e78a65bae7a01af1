"""ReLU constructions: exact at the threshold, sharp biases, certified errors, honest minimality."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
)
from lora_proofs.constructions import (
    Ball,
    Box,
    affine_biases,
    error_bound,
    minimal_exact_rank,
    precise_relu_adapters,
    relu_adapters,
    sufficient_rank,
    sup_error,
    uniform_partition,
)
from lora_proofs.constructions.partition import block_slices, checked_partition
from lora_proofs.constructions.regions import Meet, checked_region, highest, root_above
from lora_proofs.constructions.relu_biases import offsets
from lora_proofs.constructions.relu_error import affine_part
from lora_proofs.constructions.relu_minimal import block_gaps, live_point
from lora_proofs.constructions.rounding import exact_value, exact_values, rounded_down, rounded_up
from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.mathematics.relu_network import preactivations, relu_network
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.matrices import full_rank_matrix, matrix

ARRAY, BALL = ArrayArithmetic(), BallArithmetic(40)


def drawn(seed, width, depth):
    """An exact network with nonsingular weights."""
    draw = SeededDraw.keyed(seed)
    return [(full_rank_matrix(draw, width, width), matrix(draw, 1, width)[0]) for _ in range(depth)]


def well_conditioned(rng, width, depth):
    """A network with singular values in [1/2, 2]."""

    def orthogonal():
        return np.linalg.qr(rng.normal(size=(width, width)))[0]

    return [
        (orthogonal() * rng.uniform(0.5, 2, width) @ orthogonal(), rng.normal(size=width) / 2)
        for _ in range(depth)
    ]


def in_ball(rng, width, radius, number=400):
    """Points of a ball, some of them on its boundary."""
    X = rng.normal(size=(width, number))
    return X * radius * rng.uniform(size=number).clip(0, 0.7) / 0.7 / np.linalg.norm(X, axis=0)


def in_box(seed, width):
    """Exact points of [-1, 1]^n, corners among them."""
    draw = SeededDraw.keyed(seed, "points")
    ends = (-1, "-1/3", 0, "1/2", 1)
    return EXACT.matrix([[draw.choice(ends) for _ in range(25)] for _ in range(width)])


# --- exactness -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("depth", "targets", "ranks", "partition"),
    [
        (3, 1, [1, 1, 1], "uniform"),
        (3, 1, [0, 3, 0], "uniform"),
        (4, 1, [2, 0, 0, 1], (4,)),
        (4, 2, [2, 1, 1, 2], "uniform"),
        (5, 2, [3, 1, 1, 0, 1], (1, 4)),
        (5, 3, [3, 3, 1, 1, 1], "uniform"),
        (2, 2, [3, 3], "uniform"),
    ],
)
@pytest.mark.parametrize("region", [Box([-1] * 3, [1] * 3), Ball([0, "1/2", -1], "3/2")])
def test_at_the_threshold_the_target_is_met_exactly(depth, targets, ranks, partition, region):
    frozen, target = drawn(depth, 3, depth), drawn(targets + 50, 3, targets)
    found = relu_adapters(frozen, target, ranks, region, partition, EXACT)
    lengths = checked_partition(partition, depth, targets)
    assert sup_error(found.layers, target, lengths, region, EXACT).tolist() == [0] * 3
    X = in_box(1, 3) if isinstance(region, Box) else np.array([[0], ["1/2"], ["1/2"]])
    ours, theirs = (relu_network(net, EXACT.matrix(X), EXACT) for net in (found.layers, target))
    assert (ours == theirs).all()
    for (W, _), What, adapter, r in zip(frozen, found.weights, found.adapters, ranks, strict=True):
        assert EXACT.rank(What - W) <= r
        assert (adapter.update == What - W).all()


def test_the_networks_above_are_not_the_target_before_adaptation():
    frozen, target = drawn(3, 3, 3), drawn(51, 3, 1)
    X = in_box(1, 3)
    assert not (relu_network(frozen, X, EXACT) == relu_network(target, X, EXACT)).all()
    assert (relu_network(target, X, EXACT) != 0).any()


@pytest.mark.parametrize(
    ("width", "depth", "targets", "partition"),
    [(16, 8, 1, (8,)), (8, 8, 3, (2, 2, 4)), (4, 8, 8, (1,) * 8)],
)
def test_float64_is_certified_on_the_whole_ball(width, depth, targets, partition):
    rng = np.random.default_rng(width + targets)
    frozen, target = well_conditioned(rng, width, depth), well_conditioned(rng, width, targets)
    rank, radius = -(-width // min(partition)), float(np.sqrt(width + 2))
    region = Ball([0] * width, radius)
    found = precise_relu_adapters(
        frozen, target, [rank] * depth, region, partition, tolerance=1e-12
    )
    assert found.weights[0].dtype == np.float64
    X = in_ball(rng, width, radius)
    ours, theirs = (relu_network(net, X, ARRAY) for net in (found.layers, target))
    scale = np.abs(theirs).max()
    bound = sup_error(found.exact_layers, target, partition, region, BALL)
    assert max(float(x.upper()) for x in bound) <= 1e-10 * scale
    assert np.abs(ours - theirs).max() <= 1e-10 * scale


def test_the_precision_is_raised_by_itself():
    width, depth, target = 4, 3, [(2 * np.eye(4), np.ones(4))]
    rough = np.eye(4) + np.triu(np.full((4, 4), 30.0), 1)
    frozen = [(rough, np.zeros(4))] * depth
    region = Ball([0] * width, 2)
    found = precise_relu_adapters(frozen, target, [2, 1, 1], region, (3,), tolerance=1e-25)
    assert found.weights[0].dtype == object
    bound = sup_error(found.exact_layers, target, (3,), region, BallArithmetic(80))
    assert max(float(x.upper()) for x in bound) < 1e-15


@pytest.mark.parametrize("ranks", [[1, 1, 0], [0, 1, 1], [1, 1, 1]])
def test_one_rank_below_is_not_exact_and_the_bounds_hold(ranks):
    rng = np.random.default_rng(5)
    frozen, target = well_conditioned(rng, 4, 3), well_conditioned(rng, 4, 1)
    target = [(target[0][0], np.full(4, 9.0))]  # active on the whole ball
    region, X = Ball([0] * 4, 2), in_ball(rng, 4, 2)
    found = relu_adapters(frozen, target, ranks, region, (3,), ARRAY)
    assert [x.rank for x in found.adapters] <= ranks
    assert any("block 1" in x.assumption for x in found.broken)
    apart = relu_network(found.layers, X, ARRAY) - relu_network(target, X, ARRAY)
    E = target[0][0] - frozen[2][0] @ frozen[1][0] @ frozen[0][0]
    best = np.linalg.svd(E, compute_uv=False)[sum(ranks)]
    product = found.weights[2] @ found.weights[1] @ found.weights[0]
    assert np.linalg.norm(product - target[0][0], 2) == pytest.approx(best, rel=1e-9)
    certified = [
        float(x.upper()) for x in sup_error(found.exact_layers, target, (3,), region, BALL)
    ]
    seen = np.abs(apart).max(axis=1)
    assert (seen <= certified).all() and max(certified) <= 2 * best + 1e-9
    assert seen.max() > 0.05 * best  # the certified bound is not far off
    moment = X @ X.T / X.shape[1]
    bound = error_bound(frozen, target, ranks, (3,), moment, ARRAY)
    rms = np.sqrt((apart**2).sum(axis=0).mean())
    assert 0 < rms <= bound.recursive <= bound.closed


# --- biases --------------------------------------------------------------------------------------


def published_biases(weights, X):
    """The rule -2 min(z) over samples, as commonly quoted: set on what is already shifted."""
    largest, Z = 0.0, X
    for W in weights[:-1]:
        bias = -2 * (W @ Z).min()
        largest, Z = max(largest, abs(bias)), W @ Z + bias
    return largest


def test_the_biases_grow_with_depth_like_the_weights_and_not_like_a_power():
    region, ours, theirs = Ball([0] * 8, 4), [], []
    for depth in (2, 4, 6, 8):
        sizes = []
        for seed in range(5):
            rng = np.random.default_rng((seed, depth))
            weights = [W for W, _ in well_conditioned(rng, 8, depth)]
            biases = affine_biases(weights, [0] * 8, region, ARRAY)
            largest = max(np.abs(b).max() for b in biases)
            sizes.append((largest, published_biases(weights, in_ball(rng, 8, 4))))
        ours.append(np.median([x for x, _ in sizes]))
        theirs.append(np.median([x for _, x in sizes]))
    assert theirs[-1] > 1e3 * theirs[0] and theirs[-1] > 100 * ours[-1]
    assert ours[-1] < 10 * ours[0] and max(ours) < 120


def test_the_offsets_are_the_smallest_ones_on_a_box():
    frozen, box = drawn(2, 2, 3), Box([-1, 0], [2, 1])
    weights = [W for W, _ in frozen]
    corners = EXACT.matrix([[-1, -1, 2, 2], [0, 1, 0, 1]])
    biases = affine_biases(weights, [0, 0], box, EXACT)
    for Z in preactivations(list(zip(weights, biases, strict=True)), corners, EXACT)[:-1]:
        assert [min(row) for row in Z] == [0, 0]


def test_the_offsets_are_the_smallest_ones_on_a_ball():
    region = Ball([1, -1], 5)
    W = EXACT.matrix([[3, 4], [0, -2]])
    (a,) = offsets([W], region, EXACT)
    lowest = EXACT.matrix(
        [[1 - 3, 1], [-1 - 4, 4]]
    )  # the points of the sphere where a row is least
    reached = W @ lowest
    assert [reached[0, 0] + a[0], reached[1, 1] + a[1]] == [0, 0]


@pytest.mark.parametrize("ctx", [ARRAY, MultiprecisionArithmetic(30)])
def test_rounded_biases_keep_every_hidden_unit_active_exactly(ctx):
    rng = np.random.default_rng(3)
    weights = [W for W, _ in well_conditioned(rng, 5, 5)]
    region = Ball(["1/3"] * 5, "7/3")
    biases = affine_biases([ctx.matrix(W) for W in weights], ["1/7"] * 5, region, ctx)
    layers = [(exact_values(W), exact_values(b)) for W, b in zip(weights, biases, strict=True)]
    _, offset, eta = affine_part(layers, region, EXACT)
    assert all(x == 0 for x in eta)
    assert all(0 <= flint.fmpq(1, 7) - x < flint.fmpq(1, 10**13) for x in offset)


def test_a_bias_below_the_sharp_one_switches_a_unit():
    W, box, target = [EXACT.matrix([[1]])] * 2, Box([-1], [1]), [([[1]], [5])]
    good, last = affine_biases(W, [5], box, EXACT)
    short = [(W[0], good - flint.fmpq(1, 10)), (W[1], last + flint.fmpq(1, 10))]
    assert sup_error(short, target, (2,), box, EXACT)[0] == flint.fmpq(1, 10)
    apart = relu_network(short, [[-1]], EXACT) - relu_network(target, [[-1]], EXACT)
    assert apart[0, 0] == flint.fmpq(1, 10)


# --- what breaks without an assumption -----------------------------------------------------------


def test_bounded_inputs_are_needed():
    frozen = [([[-1, 0], [0, -2]], [0, 0]), ([[-1, 0], [0, -1]], [0, 0])]
    target = [([[1, 0], [0, 1]], [0, 0])]
    for radius in (1, 100):
        region = Ball([0, 0], radius)
        found = relu_adapters(frozen, target, [1, 1], region, (2,), EXACT)
        assert found.gaps == (1,) and not found.broken
        assert sup_error(found.layers, target, (2,), region, EXACT).tolist() == [0, 0]
        far = EXACT.matrix([[20 * radius, 0], [0, 20 * radius]])
        apart = relu_network(found.layers, far, EXACT) - relu_network(target, far, EXACT)
        assert max(abs(x) for x in apart.flat) >= radius


def test_unbounded_inputs_are_named_and_answered_on_a_ball():
    eye = EXACT.identity(2)
    found = relu_adapters([(eye, [0, 0])] * 2, [(2 * eye, [1, 1])], [1, 1], None, (2,), EXACT)
    assert [x.assumption for x in found.broken] == ["the inputs are bounded"]
    assert "bounded set" in found.broken[0].consequence
    assert sup_error(found.layers, [(2 * eye, [1, 1])], (2,), found.region, EXACT)[0] == 0


def test_blocks_of_one_layer_need_no_bounded_inputs():
    frozen, target = drawn(1, 2, 2), drawn(2, 2, 2)
    found = relu_adapters(frozen, target, [2, 2], None, (1, 1), EXACT)
    assert not found.broken
    X = 10**6 * in_box(0, 2)
    assert (relu_network(found.layers, X, EXACT) == relu_network(target, X, EXACT)).all()


def test_biases_have_to_be_adapted():
    eye = EXACT.identity(2)
    found = relu_adapters([(eye, [0, 0])] * 2, [(eye, [1, 1])], [2, 2], None, (2,), EXACT)
    origin = EXACT.matrix([[0], [0]])
    assert relu_network(found.layers, origin, EXACT).tolist() == [[1], [1]]
    unbiased = [(W, [0, 0]) for W in found.weights]
    assert relu_network(unbiased, origin, EXACT).tolist() == [[0], [0]]


def test_a_singular_frozen_weight_is_named_by_its_place_in_the_network():
    eye = EXACT.identity(2)
    frozen = [(eye, [0, 0]), (EXACT.zeros(2, 2), [0, 0]), (eye, [0, 0])]
    target, ball = [(2 * eye, [1, 1]), (eye, [3, 3])], Ball([0, 0], 1)
    found = relu_adapters(frozen, target, [2, 1, 1], ball, (1, 2), EXACT)
    named = [x for x in found.broken if "frozen weight" in x.assumption]
    assert [x.assumption for x in named] == ["the frozen weight W_2 of block 2 is nonsingular"]
    again = precise_relu_adapters(frozen, target, [2, 1, 1], ball, (1, 2), tolerance=1e-12)
    bound = sup_error(again.exact_layers, target, (1, 2), ball, BALL)
    assert max(float(x.upper()) for x in bound) > 0.1  # the product has rank 1 at most
    assert minimal_exact_rank(frozen, target, ball, (1, 2)) is None


def test_dead_targets_cost_a_bias_and_no_rank():
    frozen, box = drawn(4, 3, 2), Box([-1] * 3, [1] * 3)
    W = drawn(9, 3, 1)[0][0]
    dead = [(W, [-1000] * 3)]
    found = relu_adapters(frozen, dead, [0, 0], box, (2,), EXACT)
    assert all(block.exact for block in found.blocks) and found.gaps[0] > 0
    assert any("dead" in x.consequence for x in found.broken)
    assert (relu_network(found.layers, in_box(0, 3), EXACT) == 0).all()
    assert sup_error(found.layers, dead, (2,), box, EXACT).tolist() == [0] * 3
    assert minimal_exact_rank(frozen, dead, box, (2,)) == 0
    wide = Box([-(10**4)] * 3, [10**4] * 3)
    assert minimal_exact_rank(frozen, dead, wide, (2,)) != 0


def test_one_dead_output_lowers_the_rank_that_is_needed():
    eye, box = EXACT.identity(3), Box([-1] * 3, [1] * 3)
    target = [(3 * eye, [4, -3, 5])]
    found = relu_adapters([(eye, [0] * 3)] * 2, target, [1, 1], box, (2,), EXACT)
    assert found.gaps == (3,) and found.blocks[0].gap.dead == (1,)
    assert sup_error(found.layers, target, (2,), box, EXACT).tolist() == [0] * 3


def test_a_dead_output_of_a_later_target_layer_is_recognised():
    eye, box = EXACT.identity(2), Box([-1] * 2, [1] * 2)
    target = [(2 * eye, [0, 0]), (eye, [-2, 0])]  # the first layer stays within [0, 2]
    gaps = block_gaps([(eye, [0, 0])] * 2, target, (1, 1), box)
    assert [block.dead for block in gaps] == [(), (0,)]


# --- minimality ----------------------------------------------------------------------------------


def test_the_threshold_of_a_partition():
    assert sufficient_rank([3, 3], uniform_partition(3, 2)) == 3  # not 3 * 2 / 3
    assert sufficient_rank([4, 4], (2, 2)) == 2
    assert sufficient_rank([0], (2,)) == 0


def test_the_least_rank_is_told_where_it_is_proved():
    frozen, box = drawn(8, 3, 2), Box([-1] * 3, [1] * 3)
    W, _ = drawn(11, 3, 1)[0]
    live = [(W, [50] * 3)]
    assert minimal_exact_rank(frozen, live, box, (2,)) == 2
    assert minimal_exact_rank(frozen, live, Ball([0] * 3, 1), (2,)) == 2
    assert minimal_exact_rank(frozen[:1], live, box, (1,)) == EXACT.rank(W - frozen[0][0])
    assert minimal_exact_rank(frozen, live, Box([0] * 3, [0] * 3), (2,)) is None
    assert minimal_exact_rank(frozen[:1], live, Box([0] * 3, [0] * 3), (1,)) is None


def test_outputs_that_are_never_positive_together_leave_the_least_rank_open():
    eye, box = EXACT.identity(2), Box([-1] * 2, [1] * 2)
    target = [([[1, 0], [-1, "1/100"]], ["-1/2", "-1/2"])]
    gaps = block_gaps([(eye, [0, 0])] * 2, target, (2,), box)
    assert gaps[0].dead == () and gaps[0].gap == 1
    assert minimal_exact_rank([(eye, [0, 0])] * 2, target, box, (2,)) is None


def test_the_least_rank_is_not_told_where_it_is_less_than_the_threshold():
    """A singular active target: the gap is 1, and biases alone are exact."""
    eye, region = EXACT.identity(2), Ball([0, 0], 1)
    frozen, target = [(eye, [0, 0])] * 2, [([[1, 0], [0, 0]], [3, 3])]
    biased = [(eye, [2, -50]), (eye, [1, 3])]
    assert sup_error(biased, target, (2,), region, EXACT)[0] == 0
    X = EXACT.matrix([["-3/5", 1, 0], ["4/5", 0, -1]])
    assert (relu_network(biased, X, EXACT) == relu_network(target, X, EXACT)).all()
    assert block_gaps(frozen, target, (2,), region)[0].gap == 1
    assert minimal_exact_rank(frozen, target, region, (2,)) is None


def test_hidden_units_in_another_order_need_no_rank_and_no_number_is_told():
    swap, eye, box = EXACT.matrix([[0, 1], [1, 0]]), EXACT.identity(2), Box([-1] * 2, [1] * 2)
    frozen, target = [(eye, [0, 0])] * 2, [(swap, [0, 0]), (swap, [0, 0])]
    X = in_box(0, 2)
    assert (relu_network(frozen, X, EXACT) == relu_network(target, X, EXACT)).all()
    assert minimal_exact_rank(frozen, target, box, (1, 1)) is None


def test_a_singular_frozen_weight_leaves_the_least_rank_open():
    frozen, box = [(EXACT.zeros(2, 2), [0, 0]), (EXACT.identity(2), [0, 0])], Box([-1] * 2, [1] * 2)
    target = [(EXACT.identity(2), [5, 5])]
    assert minimal_exact_rank(frozen, target, box, (2,)) is None


@pytest.mark.parametrize("seed", range(8))
def test_a_live_point_is_found_where_there_is_one(seed):
    rng = np.random.default_rng(seed)
    W, x = rng.normal(size=(6, 6)), rng.uniform(-0.6, 0.6, size=6)
    b = -W @ x + 0.05
    for region in (Box([-1] * 6, [1] * 6), Ball([0] * 6, 2)):
        point = live_point(W, b, region)
        assert point is not None
        assert all(W.astype(object)[i] @ [float(p.p) / float(p.q) for p in point] + b[i] > 0
                   for i in range(6))  # fmt: skip
    assert live_point(W, -np.abs(W).sum(axis=1), Box([-1] * 6, [1] * 6)) is None


def test_a_live_output_of_one_layer_is_told_without_rounding():
    eye, ball = [[1, 1]], Ball([0, 0], 1)
    just = -flint.fmpq(141421356237309504880, 10**20)  # a little above -sqrt(2)
    below = -flint.fmpq(141421356237309504881, 10**20)
    assert minimal_exact_rank([([[0, 1]], [0])], [(eye, [just])], ball, (1,)) == 1
    assert minimal_exact_rank([([[0, 1]], [0])], [(eye, [below])], ball, (1,)) in (0, None)


# --- errors in the mean --------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "partition"), [(4, (2, 2)), (5, (3, 2)), (3, (1, 1, 1))])
def test_multi_layer_errors_stay_below_the_theorem(depth, partition):
    rng = np.random.default_rng(depth)
    frozen = well_conditioned(rng, 5, depth)
    target = well_conditioned(rng, 5, len(partition))
    X, region = in_ball(rng, 5, 2), Ball([0] * 5, 2)
    for ranks in ([1] * depth, [0, 2, 1, 0, 1][:depth]):
        found = relu_adapters(frozen, target, ranks, region, partition, ARRAY)
        apart = relu_network(found.layers, X, ARRAY) - relu_network(target, X, ARRAY)
        bound = error_bound(frozen, target, ranks, partition, X @ X.T / X.shape[1], ARRAY)
        rms = np.sqrt((apart**2).sum(axis=0).mean())
        assert 0 < rms <= bound.recursive <= bound.closed
        certified = sup_error(found.exact_layers, target, partition, region, BALL)
        assert (np.abs(apart).max(axis=1) <= [float(x.upper()) for x in certified]).all()


def test_the_mean_bound_in_closed_form_by_hand():
    target, frozen = [([[2]], [1]), ([[3]], [0])], [([[1]], [0]), ([[1]], [0])]
    bound = error_bound(frozen, target, [0, 0], (1, 1), [[4]], EXACT)
    assert bound.tails == (1, 2)
    # r_0 = 2, r_1 = 2 * 2 + 1; e_1 = 1 * 2, e_2 = (3 + 2) 2 + 2 * 5
    assert bound.recursive == 20
    assert bound.closed == 5 * (5 * 1 + 2)


def test_the_tail_is_the_first_singular_value_that_is_left_over():
    frozen, target = [(np.eye(3), [0] * 3)], [(np.diag([4, 3, 2]), [0] * 3)]
    tails = [error_bound(frozen, target, [r], (1,), np.eye(3), ARRAY).tails[0] for r in range(4)]
    assert tails == pytest.approx([3, 2, 1, 0])


def test_the_error_on_a_region_carries_that_of_earlier_blocks_on():
    frozen, target = [([[1]], [0])] * 2, [([[2]], [0]), ([[3]], [0])]
    assert sup_error(frozen, target, (1, 1), Box([0], [1]), EXACT).tolist() == [5]  # at x = 1


def test_the_mean_bound_is_certified_in_balls():
    eye = EXACT.identity(3)
    bound = error_bound([(eye, [0] * 3)], [(2 * eye, [0] * 3)], [1], (1,), eye, BALL)
    assert bound.recursive * bound.recursive < 2.0000001
    assert bound.closed * bound.closed > 2.9999999


def test_enough_rank_leaves_no_error_in_the_mean():
    frozen, target = drawn(1, 3, 3), drawn(2, 3, 1)
    bound = error_bound(frozen, target, [1, 1, 1], (3,), EXACT.identity(3), ARRAY)
    assert bound.recursive == bound.closed == 0


# --- regions, rounding, partitions ---------------------------------------------------------------


@pytest.mark.parametrize("region", [Ball([1, -2, 0], "5/2"), Box([-1, 0, 1], [0, 2, 1])])
@pytest.mark.parametrize("ctx", [EXACT, BALL])
def test_images_hold_what_they_should(region, ctx):
    layers = drawn(6, 3, 3)
    rng, reached = np.random.default_rng(0), region
    if isinstance(region, Ball):
        X = exact_values(in_ball(rng, 3, 2.49, 40)) + EXACT.matrix([[1], [-2], [0]])
    else:
        X = exact_values(rng.uniform(size=(3, 40))) * EXACT.matrix([[1], [2], [0]])
        X = X + EXACT.matrix([[-1], [0], [1]])
    with ctx.working():
        for W, b in layers:
            reached, X = reached.image(W, b, ctx), relu_network([(W, b)], X, EXACT)
            for row in (EXACT.matrix([[1, -2, 1]]), EXACT.matrix([[0, 1, 0]])):
                values = (row @ X)[0]
                assert not any(v < reached.lowest(row, ctx)[0] for v in values)
                assert not any(v > highest(row, reached, ctx)[0] for v in values)
    assert isinstance(reached, Meet if isinstance(region, Ball) else Box)


def test_roots_and_roundings_keep_to_their_side():
    for q in (flint.fmpq(2), flint.fmpq(1, 10**40), flint.fmpq(10**41, 7)):
        above = root_above(q)
        assert 0 <= above * above - q < q / 10**18
    for ctx in (ARRAY, MultiprecisionArithmetic(30)):
        for q in (flint.fmpq(1, 3), flint.fmpq(-1, 3), flint.fmpq(1, 2), flint.fmpq(2**80 + 1)):
            up, down = exact_value(rounded_up(q, ctx)), exact_value(rounded_down(q, ctx))
            assert down <= q <= up and up - down <= abs(q) / 10**15
    assert rounded_up(flint.fmpq(1, 2), ARRAY) == 0.5


def test_partitions_are_checked_entry_by_entry():
    assert checked_partition([2, 3], 5, 2) == (2, 3)
    assert block_slices((2, 3)) == [slice(0, 2), slice(2, 5)]
    with pytest.raises(BadInput, match="got 0 in entry 2"):
        checked_partition([5, 0], 5, 2)
    with pytest.raises(BadInput, match="got True in entry 1"):
        checked_partition([True, 4], 5, 2)
    with pytest.raises(BadInput, match="2 blocks"):
        checked_partition([5], 5, 2)
    with pytest.raises(BadInput, match="add up to the 5"):
        checked_partition([2, 2], 5, 2)
    with pytest.raises(BadInput, match="'uniform'"):
        checked_partition("even", 5, 2)
    with pytest.raises(BadInput, match="one frozen layer per target layer"):
        uniform_partition(2, 3)


def test_networks_and_regions_that_do_not_fit_are_named():
    eye, ball = [[1, 0], [0, 1]], Ball([0, 0], 1)
    with pytest.raises(ShapeMismatch, match=r"frozen\[2\]"):
        relu_adapters([(eye, [0, 0]), (eye, [0])], [(eye, [0, 0])], [1, 1], ball, (2,), EXACT)
    with pytest.raises(ShapeMismatch, match=r"target\[1\]: expected W of shape \(2, 2\)"):
        relu_adapters([(eye, [0, 0])], [([[1, 0]], [0])], [1], ball, (1,), EXACT)
    with pytest.raises(BadInput, match="radius"):
        checked_region(Ball([0, 0], -1), 2)
    with pytest.raises(BadInput, match="entry 2"):
        checked_region(Box([0, 1], [0, 0]), 2)
    with pytest.raises(BadInput, match="center: expected 3"):
        relu_adapters([(np.eye(3), [0] * 3)], [(np.eye(3), [0] * 3)], [1], ball, (1,), ARRAY)
    with pytest.raises(BadInput, match="target: expected at least one"):
        relu_adapters([(eye, [0, 0])], [], [1], ball, (1,), EXACT)
