"""Starts whose rank indices fall into groups that never meet: no singular direction is hidden."""

import numpy as np
import pytest

from lora_proofs import Instance
from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.claims.rushka_klabjan.frobenius.generic import block_of, commuted, unobstructed
from lora_proofs.claims.rushka_klabjan.naive import every_direction_met as naive
from lora_proofs.kernels import lora_flow
from lora_proofs.strategies.draw import SeededDraw

BALL = BallArithmetic(30)
Y = [["12/5", "21/20", "9/5"], ["9/5", "-7/5", "27/20"], ["27/10", 0, "-18/5"]]
PARTED = Instance(
    W0=[[0] * 3] * 3, Y=Y, A0=[[0, -1, 0], ["1/4", 0, "-1/2"]], B0=[[0, 0], [0, 0], [0, 0]]
)
"""The first row of A0 is the third right singular vector; the second mixes the two others."""


def turned(problem, c="3/5", s="4/5"):
    """The same start in another basis of the rank indices."""
    x = problem.lift(EXACT)
    Q = EXACT.matrix([[c, s], [f"-{s}", c]])
    return problem.replace(A0=Q @ x.A0, B0=x.B0 @ Q.mT)


def with_B(problem):
    """The same with B0 = E A0'/2, which has the same groups."""
    x = problem.lift(EXACT)
    return problem.replace(B0=x.Y @ x.A0.mT / 2)


@pytest.mark.parametrize("start", [PARTED, turned(PARTED), with_B(PARTED), turned(with_B(PARTED))])
def test_indices_that_never_meet_are_told_and_miss_the_least_loss(start):
    assert commuted(start) < 2
    assert block_of(start).rest == 0  # what hides a part of E does not see it
    assert any(c.outcome == "fails" for c in unobstructed(start, BALL))
    floats = {k: np.array(getattr(start.lift(EXACT), k), dtype=float) for k in ("Y", "A0", "B0")}
    end = lora_flow(np.zeros((3, 3)), floats["Y"], floats["A0"][None], floats["B0"][None], 6.0)
    # The two largest of 9/2, 15/4 and 7/4 would be the best of rank 2.
    assert np.allclose(end.singular_values[0], [4.5, 1.75], atol=1e-3)


def test_almost_every_start_has_indices_that_meet():
    start = PARTED.replace(A0=[["1/100", -1, 0], ["1/4", 0, "-1/2"]])
    assert commuted(start) == 2
    assert all(c.outcome == "holds" for c in unobstructed(start, BALL))
    assert commuted(PARTED.replace(A0=[[0, -1, 0]], B0=[[0], [0], [0]])) == 0


@pytest.mark.parametrize("regime", list(naive.REGIMES))
@pytest.mark.parametrize("seed", range(3))
def test_each_group_of_rows_keeps_what_is_beyond_its_rank(regime, seed):
    start = naive.draw(SeededDraw.keyed(seed), regime)
    assert all(c.outcome == "holds" for c in naive.framed(start, EXACT))
    assert all(c.outcome == "holds" for c in naive.every_direction(start, EXACT))
    x = {k: np.array(getattr(start.lift(EXACT), k), dtype=float) for k in ("W0", "Y", "A0", "B0")}
    kept = float(naive.left(start))
    for t in (4.0, 16.0):  # later, rounding leaves the groups and finds less
        W = lora_flow(x["W0"], x["Y"], x["A0"][None], x["B0"][None], t, factors=True)
        loss = np.sum((x["W0"] + W.B[0] @ W.A[0] - x["Y"]) ** 2) / 2
        assert loss >= kept - 1e-9
    assert loss <= kept + 1e-2


def test_the_two_largest_on_one_row_are_not_both_learned():
    (found,) = naive.check(naive.APART, EXACT)
    assert (found.left, found.right, found.outcome) == (2, EXACT.number("1/2"), "fails")
