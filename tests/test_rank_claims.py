"""What the rank claims stand on: rational points that a flow passes, kernels and column bases."""

from __future__ import annotations

import contextlib

import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.claims.rushka_klabjan.rank import orbits
from lora_proofs.claims.rushka_klabjan.rank import singular_values_grow as grow
from lora_proofs.claims.rushka_klabjan.rank.rank_from_zero import with_projector
from lora_proofs.mathematics.flows import trace_squared_closed_form
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Rejected, SeededDraw

BALL = BallArithmetic(30)
M = EXACT.matrix


def drawn(regime, count=5):
    """Points of orbits of a regime, the rejected ones left out."""
    found, key = [], 0
    while len(found) < count and key < 10 * count:
        with contextlib.suppress(Rejected):
            found.append(orbits.draw(SeededDraw.keyed("test", regime, key), regime))
        key += 1
    return found


@pytest.mark.parametrize("regime", orbits.REGIMES)
def test_the_flow_passes_every_point_that_is_drawn(regime):
    found = drawn(regime)
    assert len(found) == 5
    for problem in found:
        assert all(c.outcome == "holds" and c.rigorous for c in orbits.passes(problem))


@pytest.mark.parametrize("regime", ["common kernel", "r > n + m"])
def test_the_stack_of_these_regimes_has_a_kernel(regime):
    for problem in drawn(regime):
        x = problem.lift(EXACT)
        Z = orbits.stack(x.A0, x.B0)
        V = orbits.kernel(Z)
        assert V is not None and not (Z @ V).any()
        assert V.shape[1] == Z.shape[1] - EXACT.rank(Z) == EXACT.rank(V)


def test_a_full_column_rank_leaves_no_kernel():
    assert orbits.kernel(M([[1, 0], [0, 1], [1, 1]])) is None


def test_a_column_basis_spans_the_columns():
    X = M([[0, 1, 2], [0, 2, 4], [0, 0, 1]])
    C = orbits.column_basis(X)
    assert C.shape == (3, 2) and EXACT.rank(C) == EXACT.rank(X) == 2


def test_the_point_of_the_orbit_is_the_flow_at_its_time():
    problem = Instance(W0=[[2, 0], [1, 1]], A0=[[1, 2]], B0=[[0], ["1/2"]], y="9/8")
    A, B = orbits.factors(problem)
    with BALL.working():
        # tau grows with t: bisect for the time at which e^tau is 9/8.
        low, high = EXACT.number(0), EXACT.number(1)
        for _ in range(40):
            t = (low + high) / 2
            end = trace_squared_closed_form(problem.W0, problem.A0, problem.B0, t, BALL)
            low, high = (t, high) if end.x < BALL.number("81/64") else (low, t)
        for X, Y in ((A, end.A), (B, end.B)):
            assert all(abs(BALL.number(x) - y) < 1e-9 for x, y in zip(X.flat, Y.flat, strict=True))


def test_a_point_beyond_the_limit_is_not_passed():
    beyond = Instance(W0=[[1]], A0=[[1]], B0=[[0]], y=100)
    assert any(c.outcome == "fails" for c in orbits.passes(beyond))
    back = Instance(W0=[[1]], A0=[[1]], B0=[[0]], y="1/2")
    assert any(c.outcome == "fails" for c in orbits.passes(back))


def test_a_flow_that_stands_still_is_rejected():
    rest = Instance(W0=[[0]], A0=[[1]], B0=[[0]])
    with pytest.raises(Rejected):
        orbits.on_the_way(SeededDraw.keyed(1), rest)


def test_the_projector_keeps_the_columns_of_its_matrix():
    problem = with_projector(Instance(A0=[[1, 2], [2, 4], [0, 0]]))
    x = problem.lift(EXACT)
    P = x.L @ x.R
    assert bool((P @ P == P).all() and (P.mT == P).all() and (P @ x.A0 == x.A0).all())
    assert len(x.R) == EXACT.rank(x.A0) == 1


def test_singular_values_are_listed_as_often_as_they_occur():
    with BALL.working():
        values = grow.listed([[2, 0, 0], [0, 2, 0]], BALL)
        assert [value == 2 for value in values] == [True, True]
        assert grow.listed([[1, 1], [1, 1]], BALL)[1] == 0
