"""What the claims about transformers rest on: tight bounds, necessary conditions, and the skip."""

from __future__ import annotations

import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.claims.zeng_lee.transformer import (
    attention_scores,
    below_threshold,
    perturbation,
    problem,
    skip_adapters,
    skip_connection,
    threshold,
)
from lora_proofs.constructions.transformer_error import column_error_bound, sizes
from lora_proofs.mathematics.transformer import identity_model, transformer_network
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.transformers import small

BALL, MP = BallArithmetic(40), MultiprecisionArithmetic(40)


def outcomes(comparisons):
    return [c.outcome for c in comparisons]


def test_the_perturbation_bound_is_attained_by_scores_and_by_values():
    for instance in (perturbation.SHARP, perturbation.VALUES):
        model, target = problem.models(instance)
        bound = column_error_bound(*sizes(model, target, MP), instance.rho, MP)
        largest = max(perturbation.errors(model, target, instance.X, MP))
        assert abs(largest - bound) < 1e-30 and bound > 0.5


@pytest.mark.parametrize("regime", perturbation.REGIMES)
def test_no_pair_of_models_is_beyond_the_bound(regime):
    for seed in range(3):
        instance = perturbation.draw(SeededDraw.keyed(seed), regime)
        with BALL.working():
            assert set(outcomes(perturbation.check(instance, BALL))) == {"holds"}


def test_the_jacobian_at_a_live_point_is_that_of_the_linear_map():
    target = identity_model(2, blocks=2).map(lambda X: 2 * X)
    J = problem.jacobian(target, EXACT.matrix([[1], [1]]))
    at, moved = ([[1], [1]], [[2], [1]])
    out = [transformer_network(target, X, EXACT) for X in (at, moved)]
    assert (out[1] - out[0] == J[:, :1]).all() and J[0, 0] == 2**9
    assert problem.jacobian(target, EXACT.matrix([[-1], [1]])) is None


def test_the_floor_is_positive_exactly_where_the_rank_falls_short():
    one, doubled = attention_scores.ONE, attention_scores.DOUBLED
    short = attention_scores.example(doubled, one, 0, 2)
    assert attention_scores.floor(short, MP, 0) > 1e-3
    assert attention_scores.floor(short, MP, 2) == 0
    with BALL.working():
        assert outcomes(attention_scores.check(short, BALL)) == ["holds"]


def test_a_floor_that_scores_do_not_move_is_missed():
    """The check can fail: the target itself in the place of a model with the frozen scores."""
    doubled = attention_scores.DOUBLED
    cheat = attention_scores.example(doubled, doubled, 0, 2)
    with BALL.working():
        assert outcomes(attention_scores.check(cheat, BALL)) == ["fails"]


def test_what_is_left_over_shrinks_with_the_rank():
    instance = below_threshold.draw(SeededDraw.keyed(1), "rank 1 of 3")
    with BALL.working():
        bounds = [
            column_error_bound(
                *below_threshold.left_over(instance.replace(rank=R), BALL), instance.rho, BALL
            )
            for R in (0, 1, 2)
        ]
    assert bounds[0] > bounds[1] > bounds[2] and bounds[2] == 0


def test_units_permuted_and_scaled_are_the_target_with_a_skip_connection():
    for seed in range(4):
        drawn = skip_connection.draw(SeededDraw.keyed(seed), "units permuted and scaled")
        target = problem.models(drawn)[1]
        X = matrix(SeededDraw.keyed("X", seed), target.width, 3, entry=small)
        for columns in (lambda S: S, lambda S: S * S + 1):
            ours, theirs = (
                transformer_network(m, X, EXACT, skip=True, softmax=columns)
                for m in (skip_connection.permuted(drawn), target)
            )
            assert (ours == theirs).all()


def test_adapters_on_the_first_layer_too_are_exact_with_a_skip_connection():
    for regime in ("generic", "first layer of rank 1 away"):
        drawn = skip_adapters.draw_any(SeededDraw.keyed(3), regime)
        frozen, target = problem.models(drawn)
        model = skip_adapters.with_first_layer(frozen, target, int(drawn.rank))
        X = matrix(SeededDraw.keyed("X"), target.width, 3, entry=small)
        ours, theirs = (
            transformer_network(m, X, EXACT, skip=True, softmax=lambda S: S * S)
            for m in (model, target)
        )
        assert (ours == theirs).all()


def test_a_shear_or_a_sign_in_the_first_layer_is_no_permutation_of_units():
    for W1, wanted in (
        ([[0, 3], [1, 0]], {"holds"}),
        ([[1, 1], [0, 1]], {"holds", "fails"}),
        ([[-1, 0], [0, 1]], {"holds", "fails"}),
    ):
        frozen = problem.changed(problem.ONE, (1, None, "W1"), W1)
        instance = problem.pair(frozen, problem.ONE, 2)
        assert set(outcomes(skip_connection.untouched(instance, EXACT))) == wanted


def test_the_check_of_the_threshold_fails_one_rank_below():
    instance = threshold.draw(SeededDraw.keyed(2), "one block")
    assert set(outcomes(threshold.check(instance, EXACT))) == {"holds"}
    less = instance.replace(rank=instance.rank - 1)
    assert "fails" in outcomes(threshold.check(less, EXACT))
