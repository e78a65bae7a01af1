"""The gradient inequality: it holds on every sample, is near to sharp, and knows its limits."""

import random
from fractions import Fraction

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.mathematics.literature import leanings
from lora_proofs.mathematics.matrices import best_rank_squared_error
from lora_proofs.solving.convergence import (
    _inequalities,
    convergence,
    is_positive_definite,
)
from lora_proofs.solving.invariant_block import InvariantBlock, invariant_block

BALL = BallArithmetic(30)
ZERO = flint.fmpq(0)


def drawn(source, rows, columns, size=8):
    return EXACT.matrix(
        [[Fraction(source.randint(-size, size), 4) for _ in range(columns)] for _ in range(rows)]
    )


def whole(E, k):
    """The block of a start in general position."""
    return InvariantBlock(E, k, ZERO, E.shape[1], E.shape[0])


def sample(source):
    """A state of every kind: far and near, balanced or not, tied and rank deficient targets."""
    n, m, k = (source.randint(1, 4) for _ in range(3))
    left, right = drawn(source, n, k), drawn(source, k, m)
    kind = source.choice(("any", "near", "deficient", "near"))
    if kind == "any":
        return drawn(source, n, m), left, right
    near, scale = flint.fmpq(1, source.choice((4, 64, 10**4, 10**8))), source.choice((1, 2, 5))
    E = left @ right
    if kind == "near":
        E = E + near * drawn(source, n, m)
    B = left * flint.fmpq(scale, 2) + near * drawn(source, n, k)
    return E, B, right / flint.fmpq(scale, 2) + near * drawn(source, k, m)


def sides(E, B, A, k):
    """||grad f||^2 and f - f*, in balls."""
    R = E - B @ A
    with BALL.working():
        slope = BALL.number(squared_norm(B.mT @ R) + squared_norm(R @ A.mT))
        gap = (BALL.number(squared_norm(R)) - best_rank_squared_error(E, k, BALL)) / 2
    return slope, gap


def rates_at(E, B, A, k):
    """The numbers nu of all the inequalities at a state, for the state alone."""
    slope, gap = sides(E, B, A, k)
    with BALL.working():
        balls = BALL.matrix(A), BALL.matrix(B)
        most = flint.arb(0).max(gap.upper())
        found = [nu(flint.arb(0)) for nu in _inequalities(whole(E, k), *balls, most, BALL)]
    return [nu for nu in found if nu is not None], slope, gap


def test_the_inequality_holds_on_every_sample():
    source, seen = random.Random(7), 0
    for _ in range(400):
        E, B, A = sample(source)
        found, slope, gap = rates_at(E, B, A, len(A))
        for nu in found:
            with BALL.working():
                assert not slope < 2 * nu * gap
            seen += 1
    assert seen > 400


def test_it_is_sharp_for_a_single_entry():
    one = EXACT.matrix([[2]])
    found, slope, gap = rates_at(one, EXACT.matrix([["3/2"]]), EXACT.matrix([["1/2"]]), 1)
    with BALL.working():
        assert slope < 2.02 * max(found, key=float) * gap


@pytest.mark.parametrize("weight", [1, 100])
def test_it_is_near_the_slowest_mode(weight):
    """At the limit of E = diag(3, 1), r = 1, balanced: the Hessian's smallest rate is known.

    With a^2 b^2 = 9 the directions that couple in the mode 1 have [[a^2, -1], [-1, b^2]].
    """
    a2 = 3.0 * weight
    b2 = 9 / a2
    slowest = min(np.linalg.eigvalsh([[a2, -1], [-1, b2]])[0], a2 + b2)
    root = EXACT.number(Fraction(round(a2**0.5 * 10**12), 10**12))
    E, A = EXACT.matrix([[3, 0], [0, 1]]), EXACT.matrix([[root, 0]])
    B = EXACT.matrix([[3 / root], [0]])
    found, _, _ = rates_at(E, B, A, 1)
    nu = max(float(x) for x in found)
    assert slowest / 4 < nu < slowest * 1.0001


@pytest.mark.parametrize(
    "E,B,A,why",
    [
        ([[3, 0], [0, 1]], [[0], [0]], [[1, 0]], "B = 0"),
        ([[2, 0], [0, 2]], [[1], [0]], [[2, 0]], "a tie: the limit moves along the minimisers"),
        ([[3, 0], [0, 1]], [[0], [1]], [[0, 1]], "at a saddle: f - f* is too large"),
        ([[3, 0, 0], [0, 1, 0], [0, 0, 0]], [[2, 0], [0, 0], [0, 0]], [[1, 0, 0], [0, 0, 1]], ""),
    ],
)
def test_where_it_would_be_false_none_is_given(E, B, A, why):
    E, B, A = (EXACT.matrix(X) for X in (E, B, A))
    found, _, gap = rates_at(E, B, A, len(A))
    assert not any(nu > 0 for nu in found), why
    balls = BALL.matrix(A), BALL.matrix(B)
    assert convergence(whole(E, len(A)), *balls, gap, BALL) is None


def test_full_rank_needs_no_gap():
    """(3): nu = sigma_min(A)^2 + sigma_min(B)^2 whatever the singular values of E are."""
    two = EXACT.matrix([[2, 0], [0, 2]])
    found, _, _ = rates_at(two, EXACT.matrix([[1, 0], [0, 3]]), EXACT.matrix([[2, 0], [0, 1]]), 2)
    assert any(1.99 < nu < 2.0001 for nu in found)


def test_a_rank_deficient_target_with_a_spare_index():
    """(2): B has rank 1 at the limit, and sigma_2(A)^2 and the gain of B on E bound the rate."""
    E, A = EXACT.matrix([[3, 0, 0], [0, 0, 0], [0, 0, 0]]), EXACT.matrix([[2, 0, 0], [0, 1, 0]])
    B = EXACT.matrix([["3/2", 0], [0, 0], [0, 0]])
    found, _, _ = rates_at(E, B, A, 2)
    assert any(0.99 < nu < 1.0001 for nu in found)


def test_the_way_left_is_not_longer_than_the_radius():
    """A scalar flow: its length is known, and the bootstrap has to leave room for it."""
    block = invariant_block([[2]], [[1]], [[1]])
    for start in ("1.3", "1.4", "1.6"):
        x = BALL.matrix([[start]])
        with BALL.working():
            gap = (2 - x[0, 0] ** 2) ** 2 / 2
            end = convergence(block, x, x, gap, BALL)
            way = (abs(flint.arb(2).sqrt() - x[0, 0])) * flint.arb(2).sqrt()
            assert end is not None and way < end.radius < 3 * way
            # the rate 2 x^2 = a^2 + b^2 of the shrunk values, below that of the limit
            assert end.rate < 4


def test_a_start_too_far_is_not_closed():
    x = BALL.matrix([["1/10"]])
    with BALL.working():
        gap = (2 - x[0, 0] ** 2) ** 2 / 2
        assert convergence(invariant_block([[2]], [[1]], [[1]]), x, x, gap, BALL) is None


def test_wide_balls_give_a_smaller_rate_and_no_answer_in_the_end():
    block, rates = invariant_block([[2]], [[1]], [[1]]), []
    for wide in (0, "0.1", "1.5"):
        x = BALL.matrix([[flint.arb("1.4", wide)]])
        end = convergence(block, x, x, flint.arb("0.001"), BALL)
        rates.append(None if end is None else float(end.rate))
    assert rates[0] > rates[1] > 0 and rates[2] is None


def test_weyls_inequality_is_cited():
    x = BALL.matrix([["1.4"]])
    with leanings() as heard:
        convergence(invariant_block([[2]], [[1]], [[1]]), x, x, flint.arb("0.001"), BALL)
    assert "Weyl's inequality" in heard


@pytest.mark.parametrize(
    "S,expected",
    [
        ([[2, 1], [1, 2]], True),
        ([[1, 1], [1, 1]], False),
        ([[1, 2], [2, 1]], False),
        ([[1, 0], [0, flint.arb(0, "1e-20")]], False),
        ([[1, 0], [0, flint.arb("1e-19", "1e-20")]], True),
    ],
)
def test_positive_definite_only_where_surely(S, expected):
    assert is_positive_definite(BALL.matrix(S)) is expected
