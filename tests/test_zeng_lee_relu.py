"""The claims about ReLU networks: lower bounds that nothing beats, the parts of their checks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, at_most, squared_norm
from lora_proofs.arithmetic.leaning import afresh
from lora_proofs.claims.zeng_lee.relu import (
    all_inputs,
    axes,
    bias_offsets,
    exact_networks,
    final_layers,
    multi_layer_error,
    multi_layer_error_frobenius,
    naive_final_layers,
    naive_threshold,
    necessity,
    one_layer_error,
    one_layer_error_frobenius,
    parameter_counts,
    parameter_lower_bound,
    problem,
    random_weights,
    straddling,
    width_times_depth,
)
from lora_proofs.constructions.adapters import Adapter
from lora_proofs.constructions.regions import Box
from lora_proofs.constructions.relu_fnn import ReluAdaptation, relu_adapters
from lora_proofs.constructions.straddling import straddling_network
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.literature import (
    AXES_BOUND,
    BY_HAND,
    DIAGONAL_CRITERION,
    LITERATURE,
    TOO_FEW_RANKS,
    leanings,
)
from lora_proofs.mathematics.relu_network import relu_network
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.relu_networks import relu_problem, target

BALL = BallArithmetic(40)
M = EXACT.matrix


def holds(comparisons):
    """All of them hold, beyond doubt; there is at least one."""
    found = list(comparisons)
    assert found
    return all(c.outcome == "holds" and c.rigorous for c in found)


def on_axes(D, rho=3, share=2):
    """W = Wbar/share on D axes."""
    t = Fraction(1, 3)
    return axes.axes_instance([t / share] * D, [t] * D, rho)


def errors_of(instance, u, v, b):
    """||f - fbar|| at the 2D points, in floats."""
    w, t = (np.array([float(x) for x in row[0]]) for row in (instance.w, instance.t))
    X = float(instance.rho) * np.hstack([np.eye(len(w)), -np.eye(len(w))])
    f = np.maximum((np.diag(w) + np.outer(u, v)) @ X + b[:, None], 0)
    return np.linalg.norm(f - np.maximum(np.diag(t) @ X, 0), axis=0)


def searched(instance, seed, steps=250):
    """The least mean square and the least mean that a random search from several starts finds."""
    rng, D = np.random.default_rng(seed), len(instance.w[0])
    best = [np.inf, np.inf]
    for which, k in product(range(2), range(4)):
        here = [rng.normal(size=D) * 0.3**k, rng.normal(size=D) * 0.3**k, -rng.random(D) * 0.1]
        if k == 0:  # one axis made good, and a little help for the others
            here = [np.eye(D)[0], np.eye(D)[0] / 6, np.zeros(D)]

        def score(parts, which=which):
            found = errors_of(instance, *parts)
            return np.mean(found**2) if which == 0 else np.mean(found)

        now, size = score(here), 0.1
        for _ in range(steps):
            there = [x + size * rng.normal(size=D) for x in here]
            value = score(there)
            here, now, size = (
                (there, value, size * 1.3) if value < now else (here, now, size * 0.97)
            )
        best[which] = min(best[which], now)
    return best


@pytest.mark.parametrize("D", [2, 3, 5, 9])
def test_no_adapter_is_below_the_lower_bounds(D):
    instance = on_axes(D)
    square, length = searched(instance, D)
    with BALL.working():
        least = float(axes.least_mean_error(instance, BALL).mid())
    exact = axes.least_squared_error(instance)
    assert 0 < int(exact.p) / int(exact.q) <= square
    assert 0 < least <= length


def test_the_lower_bound_for_squares_is_that_of_the_proof():
    instance = on_axes(9)
    harmonic = sum(Fraction(1, p) for p in range(1, 10))
    # g = rho (t - w) = 1/2
    assert axes.least_squared_error(instance) == EXACT.number((9 - harmonic) / 18 / 4)
    assert harmonic == Fraction(7129, 2520)


def test_different_gaps_count_in_the_order_that_is_worst():
    instance = axes.axes_instance([0, 0], [1, 3], 1)
    assert axes.least_squared_error(instance) == EXACT.number("1/8")


@pytest.mark.parametrize(("D", "fails"), [(4, False), (8, False), (9, True), (16, True)])
def test_where_the_frobenius_bound_for_squares_fails(D, fails):
    with BALL.working():
        (told,) = one_layer_error_frobenius.lower_bound(on_axes(D), BALL)
    assert told.outcome == ("fails" if fails else "holds")


@pytest.mark.parametrize(("D", "fails"), [(16, False), (23, False), (24, True), (36, True)])
def test_where_the_frobenius_bound_for_the_mean_fails(D, fails):
    t = Fraction(1, 7)  # ||Wbar||_F < 1
    instance = axes.axes_instance([t / 2] * D, [t] * D, 7)
    with BALL.working():
        (told,) = multi_layer_error_frobenius.lower_bound(instance, BALL)
    assert told.outcome == ("fails" if fails else "holds")


def test_the_numbers_of_the_statement():
    with BALL.working():
        twenty_five = multi_layer_error_frobenius.TWENTY_FIVE
        assert axes.least_mean_error(twenty_five, BALL) > BALL.number("0.228")
        assert multi_layer_error_frobenius.quoted(twenty_five, BALL) < BALL.number("0.2237")
        nine = one_layer_error_frobenius.NINE
        assert one_layer_error_frobenius.quoted(nine, BALL).contains(EXACT.number("1/12"))


def test_the_slopes_of_the_lengths_are_their_derivative():
    z = [Fraction(1, p) for p in range(1, 6)]
    step = Fraction(1, 10**12)
    with BALL.working():
        start, slopes = axes.lengths([BALL.number(x) for x in z], BALL)
        for j, slope in enumerate(slopes):
            moved = [BALL.number(x + step * (k == j)) for k, x in enumerate(z)]
            rate = (axes.lengths(moved, BALL)[0] - start) / BALL.number(step)
            assert abs(rate - slope) < BALL.number("1e-9")


def test_the_trace_is_not_violated_on_the_axes():
    whole = axes.as_problem(one_layer_error_frobenius.NINE)
    assert holds(one_layer_error.check(whole, BALL))
    assert holds(problem.frames_hold(whole, EXACT))
    assert problem.trace_of_moment(whole) == axes.trace_of_moment(whole) == 9


def test_a_network_that_cannot_see_its_input_misses_by_the_variance():
    instance = one_layer_error.NO_WEIGHT
    assert problem.least_variance(instance) == 1  # outputs (2, 1) and (0, 1)
    assert problem.least_variance(instance.replace(ranks=[[1, 2]])) == 0


@pytest.mark.parametrize(
    ("ranks", "squared"),
    [([[0, 0]], 4), ([[1, 0]], 4), ([[1, 1]], 0)],
)
def test_the_jacobians_are_apart_where_ranks_are_short(ranks, squared):
    eye = [[1, 0], [0, 1]]
    instance = Instance(
        W1=eye, W2=eye, Wbar1=[[3, 0], [0, 3]], bbar1=[[9, 9]], ranks=ranks, partition=[[2]],
        lower=[[-1, -1]], upper=[[1, 1]],
    )  # fmt: skip
    assert problem.least_jacobian_gap(instance, EXACT) == squared
    # Wbar = I against 25 I: masks with a 0 could be off by less than the ranks are, by 1.
    small = instance.replace(W1=[[5, 0], [0, 5]], W2=[[5, 0], [0, 5]], Wbar1=eye, ranks=[[0, 0]])
    assert problem.least_jacobian_gap(small, EXACT) == 1
    dead = instance.replace(bbar1=[[9, -9]])
    assert problem.least_jacobian_gap(dead, EXACT) == 0


def test_a_jacobian_is_the_network_nearby():
    net = [(M([[1, -1], [2, 1]]), [0, -1]), (M([[1, 1], [-1, 2]]), [1, 0])]
    x = M([["3/2", "1/3"]])[0]
    J, seen = problem.jacobian(net, x)
    assert all(u != 0 for u in seen)
    for k in range(2):
        step = EXACT.zeros(1, 2)[0]
        step[k] = EXACT.number("1/1000")
        there, here = (relu_network(net, y[:, None], EXACT)[:, 0] for y in (x + step, x))
        assert ((there - here) * 1000 == J[:, k]).all()


@pytest.mark.parametrize("regime", one_layer_error.REGIMES)
def test_one_layer_problems_are_what_they_say(regime):
    found = one_layer_error.draw(SeededDraw.keyed("test", regime), regime)
    assert holds(problem.frames_hold(found, EXACT))
    assert holds(problem.inside(found, EXACT))
    if regime == "exact":
        assert problem.tails(found) == [0]
    if regime == "dead target":
        X = M(found.X)
        assert not relu_network(target(found), X, EXACT).any()


def test_offsets_are_met_where_units_are_least():
    instance = bias_offsets.TURN
    assert holds(bias_offsets.check(instance, EXACT))
    assert any(c.outcome == "fails" for c in bias_offsets.smaller(instance, EXACT))
    x = bias_offsets.lowest_point(instance, M([["3/5", "4/5"]])[0])
    assert x.tolist() == M([["-3/5"], ["-4/5"]]).tolist()


def test_a_unit_that_is_off_counts_by_the_least_singular_value():
    found = necessity.draw(SeededDraw.keyed("test", 3), "dead units")
    labels = [c.label for c in necessity.check(found, BALL)]
    assert any("a unit is off" in label for label in labels)
    assert holds(necessity.check(found, BALL))


def test_an_affine_map_needs_units_that_keep_their_sign():
    box = Box([-1], [1])
    A, a = naive_threshold.affine_map([(M([[2]]), M([[3]])[0]), (M([[1]]), M([[-9]])[0])], box)
    assert A.tolist() == [[0]] and a.tolist() == [0]
    with pytest.raises(Unavailable):
        naive_threshold.affine_map([(M([[2]]), M([[1]])[0])], box)


@pytest.mark.parametrize("regime", naive_threshold.REGIMES)
def test_networks_without_adapters_that_are_exact(regime):
    found = naive_threshold.draw(SeededDraw.keyed("test", regime), regime)
    assert (naive_threshold.distance(found) == 0) == (regime != "active target")


def test_adapters_on_the_whole_plane_where_the_determinants_allow():
    good = all_inputs.problem((-1, -2), (-1, Fraction(-1, 2)))
    assert holds(all_inputs.check(good, EXACT))
    assert holds(all_inputs.lower_bound(good, EXACT))
    bad = all_inputs.CASE
    assert any(c.outcome == "fails" for c in all_inputs.check(bad, EXACT))
    assert any(c.outcome == "fails" for c in all_inputs.lower_bound(bad, EXACT))


@pytest.mark.parametrize(
    ("c", "d", "reached"),
    [
        ((0, 0), 5, True), ((2, 0), -1, True), ((2, 0), 0, True), ((2, 0), 1, False),
        ((-2, 0), -9, False), ((1, 3), -9, False), ((1, -3), 2, False),
    ],
)  # fmt: skip
def test_which_rows_tuned_layers_reach(c, d, reached):
    c, d = M([c])[0], EXACT.number(d)
    assert final_layers.reachable(c, d) == reached
    if not reached:
        u, v = final_layers.pair(c, d)
        assert (np.maximum(u, 0) == np.maximum(v, 0)).all()
        assert max(c @ u + d, 0) != max(c @ v + d, 0)


def test_parameters_by_hand():
    assert parameter_counts.sizes(Instance(D=5, L=7, Lbar=3)) == (5, 7, 3, 2, 3)
    worst = max(
        Fraction(2 * D * -(-D // M) * L, Lbar * D * D)
        for D, Lbar in product(range(1, 9), range(1, 9))
        for L in range(Lbar, (D + 1) * Lbar)
        for M in (L // Lbar,)
    )
    assert 3 < worst < 4


@pytest.mark.parametrize("regime", random_weights.REGIMES)
def test_generic_points_have_full_gaps(regime):
    found = random_weights.draw(SeededDraw.keyed("test", regime), regime)
    there = random_weights.generic_point(found)
    D = len(there.W1)
    assert problem.gaps(there) == [D] * len(target(there))
    assert all(EXACT.rank(W) == D for W in random_weights.layers(there))


@pytest.mark.parametrize("signs", list(product((1, -1), repeat=4))[::3])
def test_every_parameter_of_two_layers_shows(signs):
    grid = parameter_lower_bound.GRID[::2]
    half = [Fraction(s, 2) for s in signs]
    b = [["1/5", "1/5"]]
    instance = Instance(
        Wbar1=[[1, half[0]], [half[1], 1]], bbar1=b, Wbar2=[[1, half[2]], [half[3], 1]], bbar2=b,
        X=[[x for x in grid for _ in grid], [y for _ in grid for y in grid]],
    )  # fmt: skip
    assert EXACT.rank(parameter_lower_bound.derivative(instance)) == 10


def test_the_derivative_in_the_parameters_is_that_of_the_outputs():
    instance = Instance(Wbar1=[[2]], bbar1=[[1]], Wbar2=[[3]], bbar2=[["1/2"]], X=[[1, -4]])
    # f = 3 (2 x + 1) + 1/2 at x = 1; at x = -4 the hidden unit is off. Last layer first.
    assert parameter_lower_bound.derivative(instance).tolist() == [[3, 1, 3, 3], [0, 1, 0, 0]]


@pytest.mark.parametrize("regime", straddling.REGIMES)
def test_one_layer_serves_two(regime):
    found = None
    for key in range(9):
        try:
            found = straddling.draw(SeededDraw.keyed("test", regime, key), regime)
            break
        except straddling.Rejected:
            continue
    assert found is not None
    assert holds(straddling.enough_ranks(found, EXACT))
    assert holds(straddling.check(found, EXACT))
    X = M(found.X)
    net = straddling.built(found).layers
    assert squared_norm(relu_network(net, X, EXACT) - relu_network(target(found), X, EXACT)) == 0


@pytest.mark.parametrize("ranks", [(3, 3, 0), (2, 2, 1), (0, 3, 3), (2, 3, 0), (1, 1, 1)])
def test_ranks_that_call_for_something_else_are_refused(ranks):
    found = straddling.THREE
    with pytest.raises(BadInput, match="ranks"):
        straddling_network(straddling.layers(found), target(found), ranks, straddling.box(found))


@pytest.mark.parametrize(
    ("D", "L", "Lbar", "R"),
    [
        (3, 3, 2, 2),
        (8, 4, 2, 4),
        (5, 5, 3, 4),
        (6, 4, 3, 6),
        (4, 2, 1, 2),
        (6, 6, 3, 3),
        (3, 6, 4, 2),
        (7, 3, 3, 7),
    ],
)
def test_the_rank_that_is_proved_to_suffice(D, L, Lbar, R):
    assert width_times_depth.least_rank(D, L, Lbar) == R


def test_problems_keep_their_gaps():
    values = [(Fraction(2), Fraction(1)), (Fraction(1), Fraction(0))]
    found = relu_problem(SeededDraw.keyed(1), 2, (2, 1), values, (1, 0, 0))
    assert problem.gaps(found) == [2, 1]
    assert problem.sums(found) == [1, 0]
    assert problem.tails(found) == [1, 1]
    (T, _), (second, _) = problem.nearest(found)
    first, P = problem.products(found)
    assert (second == P).all() and EXACT.rank(T - first) == 1
    assert at_most("", 0, problem.trace_of_moment(found)).outcome == "holds"


def fails(comparisons):
    """The labels of those that fail, beyond doubt."""
    return [c.label for c in comparisons if c.outcome == "fails" and c.rigorous]


def test_adapters_that_do_not_make_the_network_are_noticed():
    instance = exact_networks.TOO_LOW
    D, wanted = 2, target(instance)
    net = relu_adapters(
        problem.frozen(instance), wanted, [D, D], problem.box(instance), (2,), EXACT
    )
    empty = Adapter(EXACT.zeros(D, 0), EXACT.zeros(0, D))
    told = replace(net, adapters=(empty, empty))  # the weights moved by rank 2 all the same
    assert fails(problem.same_on_the_box(instance, told, wanted)) == ["rank of What_l - W_l"]
    free = instance.replace(ranks=[[D, D]])
    assert holds(problem.same_on_the_box(free, told, wanted))


def test_a_box_without_an_inside_is_none():
    instance = one_layer_error.ONE
    assert holds(problem.inside(instance, EXACT))
    flat = instance.replace(X=[[1, 1, 1]], lower=[[1]], upper=[[1]])
    assert fails(problem.inside(flat, EXACT)) == ["lower against upper"]


def test_how_a_total_rank_is_split_among_blocks_matters():
    split = exact_networks.SPLIT_OTHERWISE
    assert sum(problem.ranks(split)) == 2  # Lbar D
    assert straddling.least_distance(split) == EXACT.number("1/4")
    assert fails(exact_networks.ranks_suffice(split, EXACT))
    assert holds(problem.inside(split, EXACT))


@pytest.mark.parametrize("regime", parameter_lower_bound.REGIMES)
def test_targets_of_which_every_parameter_shows(regime):
    for key in range(3):
        found = parameter_lower_bound.draw(SeededDraw.keyed("test", regime, key), regime)
        assert holds(parameter_lower_bound.shows(found, EXACT))
        assert holds(parameter_lower_bound.check(found, EXACT))


@pytest.mark.parametrize("Lbar", [4, 5])
def test_a_network_of_one_unit_has_four_parameters_that_show(Lbar):
    source = SeededDraw.keyed("clamps", Lbar)
    found = []
    for _ in range(8):
        fields = {f"Wbar{i}": [[Fraction(source.choice((-1, 1)) * source.integer(1, 9), 3)]]
                  for i in range(1, Lbar + 1)}  # fmt: skip
        fields |= {f"bbar{i}": [[Fraction(source.integer(-9, 9), 3) + Fraction(1, 89)]]
                   for i in range(1, Lbar + 1)}  # fmt: skip
        instance = Instance(**fields, X=parameter_lower_bound.CLAMP.X)
        found.append(EXACT.rank(parameter_lower_bound.derivative(instance)))
        assert fails(parameter_lower_bound.shows(instance, EXACT))
    assert 2 <= max(found) <= 4


def test_a_dead_output_needs_no_parameter():
    dead = parameter_lower_bound.DEAD
    assert fails(parameter_lower_bound.shows(dead, EXACT))
    labels = fails(parameter_lower_bound.check(dead, EXACT))
    assert labels == ["rank of DF in these parameters"]


def test_the_scalings_are_what_the_derivative_does_not_see():
    instance = Instance(Wbar1=[[2]], bbar1=[[1]], Wbar2=[[3]], bbar2=[["1/2"]], X=[[1, -4]])
    # The last layer first: its weight falls as the first layer grows.
    assert parameter_lower_bound.scalings(instance).tolist() == [[-3], [0], [2], [1]]
    assert parameter_lower_bound.kept(instance) == [0, 1, 3]
    bent = parameter_lower_bound.BENT
    DF, unseen = parameter_lower_bound.derivative(bent), parameter_lower_bound.scalings(bent)
    assert EXACT.rank(unseen) == 2 and not (DF @ unseen).any()


def test_adapters_have_less_than_five_times_what_is_necessary():
    for D, Lbar in product(range(1, 9), range(1, 6)):
        if D >= 2 or Lbar <= 3:
            assert holds(parameter_lower_bound.adapters_beside(D, Lbar))
    assert fails(parameter_lower_bound.adapters_beside(1, 9))


def test_lower_bounds_that_are_proved_by_hand_are_named():
    cases = (
        (lambda: axes.least_squared_error(on_axes(2)), AXES_BOUND),
        (lambda: axes.least_mean_error(on_axes(2), BALL), AXES_BOUND),
        (lambda: list(all_inputs.lower_bound(all_inputs.CASE, EXACT)), DIAGONAL_CRITERION),
        (lambda: list(straddling.lower_bound(straddling.SHORT, EXACT)), TOO_FEW_RANKS),
    )
    for use, cited in cases:
        with BALL.working(), leanings() as heard:
            use()
        assert list(heard) == [cited.name]
        assert BY_HAND[cited.name] is cited and cited.name not in LITERATURE
        assert cited.name.startswith("proof by hand")


def test_two_inputs_that_look_alike_are_in_the_box():
    for key in range(60):
        found = naive_final_layers.draw(SeededDraw.keyed("pair", key), "a kink in the box")
        assert naive_final_layers.hidden_pair(found) > 0
        for z in naive_final_layers.unseen(found):
            assert max(abs(z)) <= 1
    moved = naive_final_layers.SHEAR.replace(b1=[[1, "9/10"]])
    assert naive_final_layers.hidden_pair(moved) == EXACT.number("1/256")


def test_exceptions_on_a_line_are_counted():
    same = random_weights.SAME
    assert holds(random_weights.few_exceptions(same, EXACT))
    assert len(random_weights.singular_at(M(same.W2), random_weights.GRID)) == 2
    assert fails(random_weights.fewer_exceptions(same, EXACT))
    assert fails(random_weights.exceptions(same, 0))
    assert random_weights.claim.kind == "lower-bound"


def test_the_errors_of_two_layers_multiply():
    far = multi_layer_error.far(2, 2, 1)
    with BALL.working():
        assert holds(problem.frames_hold(far, EXACT)) and holds(problem.inside(far, EXACT))
        assert holds(multi_layer_error.check(far, BALL))
        assert multi_layer_error.bound(far, BALL.operator_norm, BALL).contains(8)
        for key in range(5):
            found = multi_layer_error.draw(SeededDraw.keyed("far", key), "far from the target")
            assert fails(multi_layer_error.without_the_gaps(found, BALL))
            assert holds(multi_layer_error.check(found, BALL))


@pytest.mark.parametrize("ranks", [(2, 2), (3, 3), (0, 3, 3), (1, 2, 0, 3)])
def test_whole_blocks_serve_where_their_ranks_are_the_width(ranks, monkeypatch):
    D, L, source = max(max(ranks), 2), len(ranks), SeededDraw.keyed("blocks", *ranks)
    weights = [*straddling.frozen_weights(source, [D] * (L + 1)),
               *straddling.frozen_weights(source, [D] * 3)]  # fmt: skip
    names = [*(f"W{k}" for k in range(1, L + 1)), "Wbar1", "Wbar2"]
    found = Instance(
        **dict(zip(names, weights, strict=True)), **straddling.inputs(source, D, 4),
        bbar1=straddling.bias(source, D), bbar2=straddling.bias(source, D),
        partition=[[1, L - 1]], ranks=[list(ranks)],
    )  # fmt: skip
    assert holds(straddling.weights.holds(found, EXACT))
    assert holds(straddling.enough_ranks(found, EXACT))
    assert isinstance(straddling.built(found), ReluAdaptation)
    assert holds(straddling.check(found, EXACT))

    def moved(instance, wanted):
        net = problem.adapted_to(instance, wanted)
        return replace(net, biases=(*net.biases[:-1], net.biases[-1] + 1))

    monkeypatch.setattr(straddling, "adapted_to", moved)
    with afresh():
        assert fails(straddling.check(found, EXACT))


def test_too_few_ranks_for_a_target_of_two_layers():
    short = straddling.SHORT
    assert fails(straddling.enough_ranks(short, EXACT))
    assert fails(straddling.lower_bound(short, EXACT))
    assert straddling.least_distance(short.replace(ranks=[[1, 0]])) == 0
    # With W_1 > 0 the target is reached from the other side: it is convex from the right.
    assert straddling.least_distance(short.replace(W1=[[1]])) == 0
    rng, x = np.random.default_rng(0), np.linspace(-1, 1, 21)
    w, b1, b2 = (rng.uniform(-3, 3, size=(20000, 1)) for _ in range(3))
    f = np.maximum(w * np.maximum(-x + b1, 0) + b2, 0)
    least = np.abs(f - (2 - np.maximum(x, 0))).max(axis=1).min()
    assert 0.25 <= least < 0.35


def test_what_is_built_is_remembered_and_can_be_built_afresh():
    found = straddling.THREE
    assert straddling.built(found) is straddling.built(found)
    with afresh():
        assert straddling.built(found) is not straddling.built(found)


@pytest.mark.parametrize("module", [necessity, bias_offsets, parameter_lower_bound])
def test_own_statements_are_extensions(module):
    assert module.claim.source.status == "extension"
