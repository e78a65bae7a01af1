"""What the claims about transformers rest on: tight bounds, necessary conditions, and the skip."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.claims.zeng_lee.transformer import (
    attention_scores,
    below_threshold,
    other_targets,
    perturbation,
    problem,
    random_weights,
    root_mean_square,
    skip_adapters,
    skip_connection,
    threshold,
    two_blocks,
)
from lora_proofs.constructions import transformer_error
from lora_proofs.constructions.transformer_error import column_error_bound, sizes
from lora_proofs.judging.evaluation import evaluate
from lora_proofs.mathematics.literature import JACOBIAN_RANKS, SCORES_BY_HAND, SKIP_FIRST_LAYER
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


def failing(comparisons):
    return {c.label for c in comparisons if c.outcome == "fails"}


RANKS = {"largest rank of What - W against R", "weights moved without an adapter"}


@pytest.mark.parametrize(
    ("check", "draw", "regime"),
    [
        (threshold.check, threshold.draw, "one block"),
        (other_targets.check, other_targets.draw_singular, "rank 1 in the middle"),
        (below_threshold.check, below_threshold.draw, "two blocks"),
        (root_mean_square.check, root_mean_square.draw, "signed permutation"),
    ],
)
def test_adapted_models_are_compared_weight_by_weight(monkeypatch, check, draw, regime):
    """The target itself in place of the adapted model: W1 is moved, and ranks are too large."""
    instance = draw(SeededDraw.keyed(5), regime)
    for module in (threshold, below_threshold, root_mean_square):
        monkeypatch.setattr(
            module,
            "transformer_adapters",
            lambda frozen, target, R, ctx: SimpleNamespace(model=target, adapters={}),
        )
    with BALL.working():
        assert failing(check(instance, BALL)) & RANKS


def test_a_rank_too_large_a_moved_first_layer_and_a_narrower_model_are_told_apart():
    one = problem.ONE
    for place, label in (
        ((1, 1, "Q"), "largest rank of What - W against R"),
        ((None, None, "Wo"), "largest rank of What - W against R"),
        ((1, None, "W2"), "largest rank of What - W against R"),
        ((1, None, "W1"), "weights moved without an adapter"),
    ):
        moved = problem.changed(one, place, [[2, 0], [0, 2]])
        assert failing(problem.adapters_of_rank(one, moved, 1)) == {label}
    two = identity_model(2, blocks=2)
    inner = problem.changed(two, (1, None, "W2"), [[2, 0], [0, 1]])
    assert failing(problem.adapters_of_rank(two, inner, 2)) == {"weights moved without an adapter"}
    narrow = identity_model(1, blocks=1)
    assert failing(problem.adapters_of_rank(one, narrow, 2)) == {"width of the adapted model"}
    assert not failing(problem.adapters_of_rank(one, one, 0))


def bounds_without(part):
    """The bounds of a block with one of its parts left out."""

    def found(block, rho, e, one, ctx):
        size, error = block.bias, block.bias_error
        query, moved = ctx.sqrt(rho * rho + one), ctx.sqrt((rho + e) * (rho + e) + one)
        for h in block.heads:
            t = rho * query * h.score_error
            if part != "scores":
                t = t + e * (h.scores + h.score_error) * (rho + moved)
            error = error + rho * h.value_error + 2 * rho * h.values * ctx.tanh(t / 2)
            if part != "carried":
                error = error + (h.values + h.value_error) * e
            size = size + h.values * rho
        return (rho if part == "length" else size), error

    return found


@pytest.mark.parametrize(
    ("part", "regime"), list(zip(("carried", "length", "scores"), two_blocks.REGIMES, strict=True))
)
def test_a_bound_without_one_of_its_parts_fails_in_a_regime_of_two_blocks(
    monkeypatch, part, regime
):
    for claim in (perturbation, below_threshold):
        for seed in range(3):
            instance = claim.draw(SeededDraw.keyed(seed), regime)
            with BALL.working():
                assert "fails" not in outcomes(claim.check(instance, BALL))
                with monkeypatch.context() as patch:
                    patch.setattr(transformer_error, "_block_bounds", bounds_without(part))
                    assert "fails" in outcomes(claim.check(instance, BALL))


def test_the_bound_below_the_threshold_is_attained_where_only_the_second_block_differs():
    instance = below_threshold.draw(SeededDraw.keyed(2), "a large first block")
    with BALL.working():
        assert "fails" not in outcomes(below_threshold.check(instance, BALL))
        assert "fails" in outcomes(below_threshold.compared(instance, BALL, BALL.number(49) / 50))


def test_the_floor_of_the_scores_is_attained_for_one_coordinate_and_two_columns():
    for seed in range(3):
        instance = attention_scores.draw(SeededDraw.keyed(seed), "attained")
        with MP.working():
            error = attention_scores.largest_error(instance, MP)
            assert 0 <= error - attention_scores.floor(instance, MP, 0) < 1e-8 < error


def test_a_first_layer_with_a_row_of_zeros_is_no_permutation():
    for W1 in ([[0, 0], [0, 0]], [[1, 0], [0, 0]], [[1, 0], [1, 0]]):
        P = EXACT.matrix(W1)
        assert "fails" in outcomes(skip_connection.is_positive_permutation(P))
    assert set(
        outcomes(skip_connection.is_positive_permutation(EXACT.matrix([[0, 2], [1, 0]])))
    ) == {"holds"}


def test_what_rests_on_a_proof_by_hand_says_so():
    bounds = (
        (skip_connection.untouched, skip_connection.NEEDS, SKIP_FIRST_LAYER),
        (problem.necessary, problem.pair(problem.ONE, threshold.TWICE, 0), SCORES_BY_HAND),
        (problem.necessary, threshold.without(None, None, "Wo"), JACOBIAN_RANKS),
    )
    for bound, instance, proof in bounds:
        judged = evaluate(bound, instance, EXACT)
        assert judged.outcome == "fails" and proof.name in judged.cites
    same = skip_connection.draw(SeededDraw.keyed(0), "same first layer")
    assert evaluate(skip_connection.sufficient, same, EXACT).cites == ()


def test_models_beside_any_instance_have_full_gaps():
    same = problem.pair(problem.ONE, problem.ONE, 1)
    assert set(outcomes(random_weights.check(same, EXACT))) == {"holds"}
    assert outcomes(random_weights.at_the_instance(same, EXACT)) == ["fails"]
    moved = random_weights.beside(problem.ONE, random_weights.STEP)
    assert moved.Wo[0, 0] == 1 + EXACT.number(random_weights.STEP) and moved.blocks[0].b1[0, 0] == 0
