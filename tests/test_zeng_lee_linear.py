"""What verify does not test of the linear claims: draws, shared helpers, and the cited lemmas."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.claims.zeng_lee.linear import (
    blocks,
    blocks_proof,
    exact_threshold,
    lower_bound,
    lower_bound_proof,
    minimum,
    monotone,
    nonsingular_weights,
    optimal_error,
    parameter_count,
    per_layer_ranks,
    problem,
    rectangular,
    weighted_input,
)
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics.instance import Instance
from lora_proofs.running.catalogue import load, shipped_claims
from lora_proofs.strategies import networks
from lora_proofs.strategies.draw import SeededDraw
from lora_proofs.strategies.matrices import full_rank_matrix, matrix, rank_matrix
from lora_proofs.symbolic.printing import relation_latex, text

ONE, NONE = [[1, 0], [0, 1]], [[0, 0], [0, 0]]


def source(*key: Any) -> SeededDraw:
    return SeededDraw.keyed("tests/test_zeng_lee_linear", *key)


@pytest.mark.parametrize("regime", networks.REGIMES)
@pytest.mark.parametrize("k", range(3))
def test_the_gap_of_a_drawn_problem_has_the_stated_spectrum(regime, k):
    x = networks.linear_problem(source(regime, k), regime)
    wanted = sorted((value**2 for value in x.sigma[0]), reverse=True)
    assert [Fraction(str(s)) for s in problem.squares(problem.gap(x), EXACT)] == wanted
    assert all(EXACT.rank(W) == len(W) for W in networks.layers(x))
    assert len(problem.ranks(x)) == len(networks.layers(x))


@pytest.mark.parametrize(
    ("regime", "fits"),
    [
        ("one layer", lambda x, S, L, D: L == 1),
        ("width 1", lambda x, S, L, D: D == 1),
        ("S = 0", lambda x, S, L, D: S == 0 and L >= 2),
        ("S >= D", lambda x, S, L, D: S >= D),
        ("zero ranks", lambda x, S, L, D: 0 in problem.ranks(x)),
        ("exact on the way", lambda x, S, L, D: EXACT.rank(problem.gap(x)) == 1),
        ("zero spectrum", lambda x, S, L, D: EXACT.rank(problem.gap(x)) == 0),
        ("flat spectrum", lambda x, S, L, D: len(set(x.sigma[0])) == 1),
    ],
)
def test_a_regime_is_what_it_is_called(regime, fits):
    for k in range(10):
        x = networks.linear_problem(source(regime, k), regime)
        L, D = len(networks.layers(x)), len(x.target)
        assert fits(x, sum(problem.ranks(x)), L, D), x


def test_weights_come_with_the_ranks_and_the_product_that_are_asked_for():
    assert [EXACT.rank(W) for W in networks.weights_of_rank(source(), 3, (0, 2, 3))] == [0, 2, 3]
    P = EXACT.matrix([[1, 2], [2, 4]])
    weights = networks.weights_with_product(source(), P, 3)
    assert (networks.whole_product(weights) == P).all()
    assert [EXACT.rank(W) for W in weights] == [2, 2, 1]


def test_layers_are_read_in_order_and_layer_1_acts_first():
    x = Instance(W1=[[1], [2]], W2=[[3, 4]], W10=[[5]])
    weights = networks.layers(x)
    assert [W.shape for W in weights] == [(2, 1), (1, 2)]
    assert networks.whole_product(weights).tolist() == [[11]]
    with pytest.raises(BadInput, match="no W1"):
        networks.layers(Instance(W2=[[1]]))
    with pytest.raises(BadInput, match="2 singular values"):
        networks.singular_frame(source(), 2, 3, (1, 1, 1))


@pytest.mark.parametrize(
    ("instance", "least"),
    [
        (Instance(W1=NONE, W2=ONE, target=ONE, ranks=[[1, 1]]), 1),
        (Instance(W1=ONE, W2=ONE, target=[[4, 0], [0, 3]], ranks=[[1, 0]]), 4),
        (Instance(W1=ONE, W2=ONE, target=[[4, 0], [0, 3]], ranks=[[1, 1]]), 0),
        (Instance(W1=[[1, 0]], W2=[[1], [0]], target=[[2, 0], [0, 3]], ranks=[[1, 1]]), 4),
    ],
)
def test_what_no_adapters_beat_sees_the_gap_the_singular_weights_and_the_widths(instance, least):
    assert problem.least_squared_error(instance, EXACT) == least


def test_no_drawn_adapters_beat_the_bound():
    for k in range(20):
        draw = source("bound", k)
        weights = networks.weights_of_rank(draw, 2, (draw.integer(0, 2), draw.integer(0, 2)))
        target, moved = matrix(draw, 2, 2), []
        for W in weights:
            moved.append(W + rank_matrix(draw, 2, 2, 1))
        x = Instance(W1=weights[0], W2=weights[1], target=target, ranks=[[1, 1]])
        ctx = BallArithmetic(30)
        with ctx.working():
            reached = problem.squares(target - networks.whole_product(moved), ctx)[0]
            assert not reached < problem.least_squared_error(x, ctx)


def test_squares_are_exact_where_they_are_rational_and_refused_exactly_elsewhere():
    ctx = BallArithmetic(30)
    assert problem.squares(EXACT.matrix([[3, 0], [0, 2]]), ctx) == [9, 4]
    golden = EXACT.matrix([[1, 1], [0, 1]])
    with pytest.raises(Unavailable):
        problem.squares(golden, EXACT)
    first, second = problem.squares(golden, ctx)
    assert isinstance(first, flint.arb)
    assert first > second
    assert problem.root(EXACT.number("9/4")) == EXACT.number("3/2")
    assert isinstance(problem.root(EXACT.number(2)), flint.arb)


def test_a_frame_is_orthogonal_sorted_and_made_of_singular_vectors():
    E = EXACT.matrix([[3, 0], [0, 2]])
    swap, skew = EXACT.matrix([[0, 1], [1, 0]]), EXACT.matrix([["3/5", "-4/5"], ["4/5", "3/5"]])

    def holds(V: Any) -> bool:
        return all(c.outcome == "holds" for c in problem.is_frame(E, V))

    assert holds(EXACT.identity(2))
    assert not holds(swap)
    assert not holds(skew)
    assert not holds(2 * EXACT.identity(2))


def test_a_block_that_is_singular_for_its_kernel_alone_is_passed():
    # After the kernel of T comes a block of which one column still has something below it.
    I3 = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    target = [[0, 0, 0], [0, 0, 1], [0, 1, 1]]
    x = Instance(W1=I3, W2=I3, target=target, ranks=[[2, 1]])
    found = problem.adapters_towards(x, EXACT.matrix(target), (2, 1))
    assert found.product.tolist() == target
    assert max(found.columns) <= 2


def test_the_peeling_regimes_meet_singular_matrices_on_the_way():
    for regime in ("zero target", "singular target", "singular on the way"):
        met = 0
        for k in range(10):
            x = nonsingular_weights.draw(source(regime, k), regime)
            P_0, E = networks.whole_product(networks.layers(x)), problem.gap(x)
            parts = (P_0 + problem.leading_part(x, E, r) for r in range(1, len(P_0) + 1))
            met += any(EXACT.rank(X) < len(X) for X in parts)
        assert met == 10


def test_one_sided_inverses_and_the_pseudo_inverse():
    wide = full_rank_matrix(source(), 2, 4)
    assert (wide @ blocks.right_inverse(wide) == EXACT.identity(2)).all()
    assert (blocks.left_inverse(wide.mT) @ wide.mT == EXACT.identity(2)).all()
    for rank in (0, 1, 2):
        C = rank_matrix(source(rank), 3, 2, rank)
        X = weighted_input.pseudo_inverse(C)
        assert (C @ X @ C == C).all()
        assert (X @ C @ X == X).all()
        assert ((C @ X).mT == C @ X).all()
        assert ((X @ C).mT == X @ C).all()


def test_the_cited_lemmas_about_ranks_hold_on_random_matrices():
    ctx = BallArithmetic(30)
    for k in range(15):
        draw = source("lemmas", k)
        n = draw.integer(2, 3)
        M = rank_matrix(draw, n, n, draw.integer(1, n))
        X, Y = full_rank_matrix(draw, n, 1), full_rank_matrix(draw, n, 1)
        pivot = (Y.mT @ M @ X)[0, 0]
        if pivot != 0:
            reduced = M - M @ X @ Y.mT @ M / pivot
            assert EXACT.rank(reduced) == EXACT.rank(M) - 1
        E, D = matrix(draw, n, n), rank_matrix(draw, n, n, 1)
        with ctx.working():
            gap, error = problem.squares(E, ctx), problem.squares(E - D, ctx)
            assert all(not problem.nth(gap, 1 + i) > error[i - 1] for i in range(1, n + 1))
            assert not problem.tail(gap, 1) > sum(error)


DERIVED = [entry for entry in shipped_claims() if entry.name.startswith("zeng-lee/linear-")]


@pytest.mark.parametrize("entry", [x for x in DERIVED if x.told["derived"]], ids=lambda x: x.name)
def test_every_line_of_a_derivation_says_something(entry):
    for step in load(entry.locator).derive():
        if step.relation is None:
            assert "P_l" in step.why or "rank" in step.why, "an induction names its property"
            continue
        assert text(step.relation.left) != text(step.relation.right)
        shown = relation_latex(step.relation)
        assert "Wbar" not in shown and "What" not in shown and "R_L + R_L" not in shown


@pytest.mark.parametrize("module", [optimal_error, per_layer_ranks, rectangular])
def test_the_optimal_errors_are_derived_to_be_attained_and_not_to_be_beaten(module):
    claim = module.claim
    stated = [r.label for r in claim.conclusion]
    assert {blocks_proof.VALUE, blocks_proof.FROBENIUS} < set(stated)
    assert {lower_bound_proof.VALUE, lower_bound_proof.FROBENIUS} < set(stated)
    steps = list(claim.derive())
    cited = {step.lemma.name for step in steps if step.lemma}
    assert {"Weyl's inequality for a change of low rank", "Eckart-Young theorem"} < cited
    assert [step.relation.label for step in steps[-len(stated) :]] == stated


def test_the_other_adapters_of_an_optimal_error_meet_the_bound_and_stay_above_it():
    errors = []
    for k in range(8):
        x = per_layer_ranks.draw(source("others", k), "generic")
        E, X = lower_bound.errors(x)
        assert EXACT.rank(E - X) <= sum(problem.ranks(x))
        least = problem.tail(problem.squares(E, EXACT), sum(problem.ranks(x)))
        errors.append(squared_norm(X) - least)
    assert min(errors) == 0 < max(errors)


def test_the_minimum_is_refused_where_the_other_adapters_have_a_larger_rank():
    (broken,) = minimum.NOT_ALLOWED.instances
    failed = [c for c in minimum.check(broken, EXACT) if c.outcome == "fails"]
    assert {c.label for c in failed} > {lower_bound_proof.RANK, lower_bound_proof.FROBENIUS}
    skipped = broken.replace(DW1=NONE)
    assert all(c.outcome == "holds" for c in minimum.check(skipped, EXACT))


def outcomes(comparisons: Any) -> list[str]:
    return [c.outcome for c in comparisons]


def test_the_only_if_half_fails_where_the_ranks_are_enough_or_the_adapters_are_not_cut():
    x = exact_threshold.PLAIN
    found = problem.adapters_towards(x, EXACT.matrix(x.target), (1, 1))
    assert outcomes(problem.too_few(x, found, (1, 0), EXACT)) == ["holds", "holds"]
    assert outcomes(problem.too_few(x, found, (1, 1), EXACT)) == ["fails", "holds"]
    # A gap of rank 1 is closed by one rank.
    thin = x.replace(target=[[4, 0], [0, 1]])
    found = problem.adapters_towards(thin, EXACT.matrix(thin.target), (1, 0))
    assert outcomes(problem.too_few(thin, found, (1, 0), EXACT)) == ["fails", "holds"]


@pytest.mark.parametrize("rank", range(4))
def test_an_update_is_cut_down_to_a_rank(rank):
    D = rank_matrix(source("cut", rank), 3, 4, 2)
    kept = problem.cut(D, rank)
    assert kept.shape == D.shape
    assert EXACT.rank(kept) == min(rank, 2)
    assert EXACT.rank(D - kept) == 2 - min(rank, 2)


@pytest.mark.parametrize("module", [exact_threshold, parameter_count])
def test_the_exact_ranks_are_checked_to_be_needed(module, monkeypatch):
    x = module.PLAIN.replace(ranks=[[1, 1]])
    assert set(outcomes(module.check(x, EXACT))) == {"holds"}
    monkeypatch.setattr(problem, "least_squared_error", lambda *given: EXACT.number(0))
    assert "fails" in outcomes(module.check(x, EXACT))
    monkeypatch.undo()
    monkeypatch.setattr(problem, "cut", lambda D, R: D)
    assert "fails" in outcomes(module.check(x, EXACT))


def test_a_deeper_net_is_built_with_the_rank_of_the_threshold(monkeypatch):
    x = monotone.TWO.replace(target=[[3, 0], [0, 2]])
    assert set(outcomes(monotone.check(x, EXACT))) == {"holds"}
    more = monotone.deeper(x, 1)
    assert len(networks.layers(more)) == 3
    assert (problem.gap(more) == problem.gap(x)).all()
    assert outcomes(monotone.deeper_needs_less(x, EXACT)) == ["fails"]
    real = monotone.adapters_towards

    def one_layer_idle(instance: Any, target: Any, allowed: Any) -> Any:
        found = real(instance, target, allowed)
        return replace(found, product=networks.whole_product(networks.layers(instance)))

    monkeypatch.setattr(monotone, "adapters_towards", one_layer_idle)
    assert "fails" in outcomes(monotone.check(x, EXACT))
