"""What verify does not test of the linear claims: draws, shared helpers, and the cited lemmas."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.claims.zeng_lee.linear import blocks, nonsingular_weights, problem, weighted_input
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
