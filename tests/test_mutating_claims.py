"""Slips that went unnoticed in shipped claims: instances and computations that show them."""

from fractions import Fraction

import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.claims.rushka_klabjan.frobenius import greedy_limit, riccati_bound
from lora_proofs.claims.zeng_lee.linear import blocks, nonsingular_weights, problem, weighted_input
from lora_proofs.claims.zeng_lee.transformer import below_threshold
from lora_proofs.judging.evaluation import evaluate

BALLS = BallArithmetic(50)


@pytest.mark.parametrize(
    ("bound", "instance"),
    [
        (blocks.least_error, blocks.PLAIN),
        (nonsingular_weights.least_error, nonsingular_weights.PLAIN),
        (weighted_input.not_beaten, weighted_input.STRETCHED),
    ],
)
def test_a_slip_in_the_gap_shows_as_what_is_promised_is_computed_apart(
    monkeypatch, bound, instance
):
    assert evaluate(bound, instance, EXACT).outcome == "holds"
    gap = problem.gap
    for module in (problem, weighted_input):
        monkeypatch.setattr(module, "gap", lambda x: 2 * gap(x))
    assert evaluate(bound, instance, EXACT).outcome == "fails"


def test_half_a_per_cent_in_the_rate_shows(monkeypatch):
    assert evaluate(greedy_limit.check, greedy_limit.FAST, BALLS).outcome == "holds"
    slip = Fraction(400, 404)
    mu = lambda square, k2, ctx: ctx.sqrt(ctx.number(square + k2 * k2 / 4 * EXACT.number(slip)))  # noqa: E731
    monkeypatch.setattr(riccati_bound, "mu", mu)
    assert evaluate(greedy_limit.check, greedy_limit.FAST, BALLS).outcome == "fails"


def test_a_bound_on_scores_that_leaves_the_offset_out_shows(monkeypatch):
    scored = below_threshold.SCORED
    assert evaluate(below_threshold.check, scored, BALLS).outcome == "holds"
    monkeypatch.setattr(below_threshold, "squared_norm", lambda y: -(y * y).sum())
    assert evaluate(below_threshold.check, scored, BALLS).outcome == "fails"
