"""Certified limits: generic starts, ties, saddles by exact invariance, and what stays open."""

import random
from fractions import Fraction
from math import isqrt

import flint
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.mathematics.matrices import best_rank_squared_error, leading_projector
from lora_proofs.solving import limit_frobenius
from lora_proofs.solving.answer import limit
from lora_proofs.solving.problem import read_problem

BALL = BallArithmetic(60)
TINY = Fraction(1, 2**100)


def text(X):
    return [[str(x) for x in row] for row in X]


def problem(E, A0, B0=None, **more):
    E, A0 = EXACT.matrix(E), EXACT.matrix(A0)
    data = {"loss": "frobenius", "W0": text(0 * E), "Y": text(E), "A0": text(A0), "t": "inf"}
    if B0 is not None:
        data["B0"] = text(EXACT.matrix(B0))
    return read_problem({**data, **more})


def ended(E, A0, B0=None, certify=False, **more):
    return limit(problem(E, A0, B0, **more), 17, certify)


def reflection(v):
    """A rational orthogonal matrix."""
    v = EXACT.matrix([[x] for x in v])
    return EXACT.identity(len(v)) - 2 * (v @ v.mT) / (v.mT @ v)[0, 0]


LEFT, RIGHT = reflection([1, 2, 0, 1]), reflection([1, 1, 1, -2])


def rotated(*sigma):
    """LEFT diag(sigma) RIGHT: rational, with no zero entry to hold on to."""
    D = EXACT.zeros(4, 4)
    for i, s in enumerate(sigma):
        D[i, i] = EXACT.number(s)
    return LEFT @ D @ RIGHT


def along(*coefficients):
    """Rows in the right singular directions."""
    return EXACT.matrix(coefficients) @ RIGHT


def is_near(ball, exact, slack="1e-15"):
    return abs(flint.arb(ball) - exact) < flint.arb(slack)


# generic starts


@pytest.mark.parametrize("kind", ["generic", "tie", "deficient"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_limit_loss_of_a_generic_start_is_certified(kind, seed):
    source = random.Random(f"{kind}{seed}")
    if kind == "tie":
        E = rotated(3, 2, 2, Fraction(1, 2))
    else:
        draw = [[Fraction(source.randint(-8, 8), 4) for _ in range(4)] for _ in range(4)]
        E = EXACT.matrix(draw)
        E = E if kind == "generic" else E[:, :1] @ E[:1]
    A0 = [[Fraction(source.randint(-4, 4), 4) for _ in range(4)] for _ in range(2)]
    end = ended(E, A0)
    with BALL.working():
        least = best_rank_squared_error(E, 2, BALL) / 2
        assert end.rigorous and not end.saddle and is_near(end.loss, least)


def test_a_rank_deficient_target_has_a_rate_and_a_limit_point():
    end = ended(rotated(4, 0, 0, 0), [[1, 2, 0, 1], [0, 1, 1, -1]], certify=True)
    assert end.loss == 0 and end.rate_bound > 0 and end.A is not None
    with BALL.working():
        product = end.B @ end.A
        assert all(
            abs(x - y) < flint.arb("1e-3") for x, y in zip(product.flat, end.BA.flat, strict=True)
        )


def test_a_tie_has_a_loss_and_no_limit_point():
    end = ended(rotated(4, 3, 3, 1), [[1, 2, 0, 1], [0, 1, 1, -1]], certify=True)
    assert end.loss == 5 and end.rigorous
    assert end.BA is None and end.A is None and end.rate_bound is None
    assert any("not shown" in why for why in end.reasons)


def test_full_rank_has_a_rate_whatever_the_spectrum():
    end = ended([[2, 1], [1, 2]], [[1, 0], [1, 1]], [[0, 0], [1, 0]], certify=True)
    assert end.loss == 0 and end.rate_bound > 0 and end.A is not None


# saddles by exact invariance


@pytest.mark.parametrize(
    "A0,B0,loss",
    [
        (along([0, 1, 0, 0], [0, 0, 0, 1]), None, 10),
        (along([0, 1, 1, 0], [0, 1, -2, 0]), None, Fraction(17, 2)),
        (along([0, 1, 1, 0], [0, 1, -2, 1]), LEFT[:, [1, 3]], Fraction(17, 2)),
        (along([0, 0, 0, 0], [0, 0, 0, 0]), LEFT[:, [2, 3]], Fraction(25, 2)),
    ],
    ids=["two modes", "mixed modes", "with B0", "by B0 alone"],
)
def test_a_start_that_misses_the_leading_direction_in_a_rotated_basis(A0, B0, loss):
    end = ended(rotated(4, 3, 2, 1), A0, B0)
    assert end.saddle and not end.rigorous and is_near(end.loss, EXACT.number(loss))


@pytest.mark.parametrize(
    "E,A0",
    [([[2, 1], [1, 1]], [[1, 1]]), ([[2, 1, 0], [1, 1, 1], [0, 1, 3]], [[1, 1, 0], [0, 1, 1]])],
)
def test_opposite_factors_of_a_positive_definite_target_decay(E, A0):
    """B = -A' stays so where E = E', and runs into 0 in directions that are not rational."""
    B0 = -EXACT.matrix(A0).mT
    end = ended(E, A0, B0, certify=True)
    whole = sum(x * x for row in E for x in row)
    assert end.saddle and end.loss == EXACT.number(Fraction(whole, 2))
    assert all(x == 0 for X in (end.A, end.B, end.BA) for x in X.flat)
    assert end.argument.startswith("exact invariance")


def test_opposite_factors_of_an_indefinite_target_keep_its_negative_part():
    """B = -A' with E = E' sees -E alone: BA tends to the negative part of E."""
    Q = EXACT.matrix([["3/5", "4/5"], ["-4/5", "3/5"]])
    E = Q @ EXACT.matrix([[2, 0], [0, -1]]) @ Q.mT
    A0 = EXACT.matrix([[1, 2]])
    end = ended(E, A0, -A0.mT)
    wanted = -(Q[:, 1:] @ Q[:, 1:].mT)
    assert end.saddle and is_near(end.loss, 2)
    assert all(is_near(x, y) for x, y in zip(end.BA.flat, wanted.flat, strict=True))


def test_a_start_at_a_saddle_stays():
    E = rotated(4, 3, 2, 1)
    end = ended(E, along([0, 1, 0, 0]), 3 * LEFT[:, [1]])
    assert end.saddle and is_near(end.loss, EXACT.number(Fraction(21, 2)))


def test_a_saddle_of_the_block_has_the_rate_of_the_riccati_limit_alone():
    """B0 = (1, 1, 1) and A0 = (-1, 1, 1): mode 1 dies, and 2 beats 3 at the rate mu_2 - mu_3."""
    E = [[2, 0, 0], [0, 1, 0], [0, 0, "99/100"]]
    end = ended(E, [[-1, 1, 1]], [[1], [1], [1]], certify=True)
    assert end.saddle and is_near(end.loss, EXACT.number(Fraction(49801, 20000)))
    assert is_near(end.rate_bound, EXACT.number("1/100"))
    assert end.A is None and end.B is None
    assert any(why.startswith("the limits of A and B are not shown") for why in end.reasons)


def test_factors_on_a_cone_that_decays_have_half_the_rate_of_their_product():
    """a = -b falls as e^{-w t}; beside it a block that is faster."""
    E = [["1/10", 0, 0], [0, 3, 0], [0, 0, 4]]
    end = ended(E, [[1, 0, 0], [0, 2, 0], [0, 0, 1]], [[-1, 0, 0], [0, 0, 0], [0, 0, 0]])
    assert end.saddle and is_near(end.rate, EXACT.number("1/5"))
    assert is_near(end.rate_bound, EXACT.number("1/10"))


def test_a_rate_that_is_known_is_a_bound_of_itself():
    end = ended([[2, 0], [0, 1]], [[1, 0], [0, 1]])
    assert end.rate is not None and is_near(end.rate_bound, end.rate)
    trace = {"loss": "trace-squared", "W0": [[2]], "A0": [[1]], "B0": [[2]], "t": "inf"}
    end = limit(read_problem(trace), 17)
    assert is_near(end.rate_bound, end.rate)


def test_a_saddle_whose_value_is_nearly_the_least_one_is_a_saddle():
    end = ended([[1 + Fraction(1, 10**60), 0], [0, 1]], [[-1, 1]], [[1], [1]], certify=True)
    assert end.saddle and not end.rigorous


def test_a_saddle_that_no_precision_tells_from_the_minimum_is_not_decided(monkeypatch):
    monkeypatch.setattr(limit_frobenius, "PRECISIONS", (20, 50))
    end = ended([[1 + Fraction(1, 10**60), 0], [0, 1]], [[-1, 1]], [[1], [1]])
    assert end.saddle is None and not end.rigorous
    assert any("not decided" in why for why in end.reasons)


def test_equal_irrational_values_of_two_blocks_are_a_minimum():
    """Both have the singular values of [[2, 1], [1, 1]]: what is kept is told exactly."""
    E = [[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 1], [0, 0, 1, 1]]
    end = ended(E, [[1, 2, 0, 0], [0, 0, 1, 1]])
    assert end.rigorous and end.saddle is False


# near a saddle, near a tie: certified or open, never wrong


def test_a_start_2_to_the_minus_100_off_a_saddle_reaches_the_least_loss():
    end = ended([[2, 1], [1, 1]], [[1, 1 + TINY]], [[-1], [-1]])
    with BALL.working():
        least = best_rank_squared_error([[2, 1], [1, 1]], 1, BALL) / 2
        assert end.rigorous and is_near(end.loss, least)


def test_a_start_2_to_the_minus_100_off_a_saddle_is_enclosed_until_it_has_left():
    """Floats leave by rounding at half the time that the flow needs."""
    E = [[5, 0, 0], [0, 1, 1], [0, 0, 1]]
    near = [[TINY, 1, 0], [0, 1, 1]]
    end = ended(E, near, [[0, 0], [1, 0], [0, 1]])
    with BALL.working():
        least = best_rank_squared_error(E, 2, BALL) / 2
        assert end.rigorous and is_near(end.loss, least)


def test_a_near_tie_within_reach_is_certified():
    """The loss falls below the second value at once: what it lies above the least is small."""
    off = Fraction(1, 2**40)
    end = ended(rotated(4, 3, 3 - off, 1), [[1, 2, 0, 1], [0, 1, 1, -1]])
    assert end.rigorous and end.loss == EXACT.number(((3 - off) ** 2 + 1) / 2)


def test_a_near_tie_out_of_reach_is_open():
    """Neither value is claimed where they share more digits than an enclosure is asked for."""
    end = ended(rotated(4, 3, 3 - Fraction(1, 2**400), 1), [[1, 2, 0, 1], [0, 1, 1, -1]])
    assert end.loss is None and not end.rigorous and end.BA is None
    assert any("the limit is open" in why for why in end.reasons)


def test_a_near_tie_of_one_rank_index_has_the_exact_limit():
    """The Riccati solution needs no time: the gap of 2^-200 is seen by exact arithmetic."""
    off = Fraction(1, 2**200)
    E = rotated(4, 4 - off, 3, 1)
    end = ended(E, [[1, 2, 0, 1]])
    assert end.rigorous and end.loss == EXACT.number(((4 - off) ** 2 + 10) / 2)


# one flow on every clock and of every size

FULL = {"E": [[3, 1], [0, 2]], "A0": [[2, 1], [1, 0]]}


@pytest.mark.parametrize("scale", ["1e12", "1e-12"])
def test_an_extreme_scale_leaves_the_limit(scale):
    end = ended(**FULL, scale=scale)
    assert end.rigorous and end.loss == 0


@pytest.mark.parametrize("size", [0, "1/10000"])
def test_a_start_that_is_large_against_its_error(size):
    E = EXACT.number(size) * EXACT.matrix([[2, 1], [0, 1]])
    end = ended(E, [[2, 1], [1, 3]], [[1, 0], [1, 1]], certify=True)
    assert end.rigorous and end.loss == 0 and end.A is not None and end.rate_bound > 0


# balanced starts


def test_a_balanced_start_with_b0_tends_to_the_best_approximation():
    """B0'B0 - A0 A0' = 0, and = 3 I."""
    E = [[2, 1, 0], [0, 1, 1], [1, 0, 3]]
    Q = EXACT.matrix([["3/5", "4/5", 0], ["-4/5", "3/5", 0]])
    for scale in (1, 2):
        end = ended(E, Q, scale * Q.mT)
        with BALL.working():
            P = leading_projector(E, 2, BALL)
            wanted = BALL.matrix(E) @ P
        assert end.argument.startswith("matrix Riccati equation") and end.rigorous
        assert end.rate_bound > 0
        assert all(is_near(x, y) for x, y in zip(end.BA.flat, wanted.flat, strict=True))


def test_the_bound_of_a_balanced_rate_is_one():
    """||BA(t) - E_r|| falls by e^{-(rate)(t2 - t1)} or more, in the closed form."""
    from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form

    E, A0, B0 = [[2, 1], [0, 1]], [[1, 0]], [[0], [2]]
    end = ended(E, A0, B0)
    distances = []
    for t in (4, 8):
        at = frobenius_riccati_closed_form([[0, 0], [0, 0]], E, A0, B0, t, BALL)
        with BALL.working():
            distances.append(sum(x * x for x in (at.BA - end.BA).flat).sqrt())
    with BALL.working():
        fall = (distances[0] / distances[1]).log() / 4
        assert fall > end.rate_bound * flint.arb("0.999")
        assert fall < end.rate_bound * flint.arb("1.2")


# trace-squared near a cone


def test_an_irrational_change_of_variables_near_a_cone_gets_its_digits():
    third = Fraction(isqrt(10**160 // 3), 10**80)  # the cone is at 1/sqrt(3), below 10^-79 away
    data = {"loss": "trace-squared", "W0": [[2, 0], [0, 1]], "A0": [[1, 2]], "t": "inf"}
    B0 = [[str(third)], [str(2 * third)]]
    end = limit(read_problem({**data, "B0": B0, "eta_A": "3"}), 17)
    assert end.rigorous and end.loss == 0
