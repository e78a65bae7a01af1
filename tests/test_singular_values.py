"""Exact ranks and multiplicities, singular values of any width, and comparisons."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.arithmetic.comparison import confirm_outcome
from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.mathematics import matrices
from lora_proofs.mathematics import singular_values as sv

# (1 + sqrt 5)/2 and its inverse, twice each, and a zero.
GOLDEN = np.zeros((5, 6), dtype=int)
GOLDEN[:2, :2] = GOLDEN[2:4, 2:4] = [[1, 1], [0, 1]]


def hadamard(k):
    H = np.array([[1]])
    while len(H) < k:
        H = np.block([[H, H], [H, -H]])
    return H


def test_irrational_ties_and_a_zero():
    levels = sv.squared_levels(GOLDEN)
    assert [k for _, k in levels] == [2, 2, 1] == sv.multiplicities(GOLDEN)
    assert levels[2][0] == 0
    assert [sv.singular_gap(GOLDEN, r).outcome for r in (1, 2, 3, 4, 5, 6)] == [
        *("fails", "holds", "fails", "holds", "fails", "fails")
    ]


@pytest.mark.parametrize("scale", [1, "1/7", "1e-200", "1e200", "123456789/1000"])
def test_rational_values_are_exact_at_any_scale(scale):
    s = EXACT.number(scale)
    E = s * EXACT.matrix(hadamard(4) @ np.diag([3, 3, 1, 0]))
    assert sv.squared_levels(E) == [(36 * s * s, 2), (4 * s * s, 1), (0, 1)]
    assert [sv.singular_value(E, k, width=1) for k in (1, 2, 3, 4, 5)] == [
        6 * s,
        6 * s,
        2 * s,
        0,
        0,
    ]


@pytest.mark.parametrize("width", ["1/10", "1e-50", "1e-400", 100])
def test_a_ball_of_any_width(width):
    sigma = sv.singular_value(GOLDEN, 2, width=width)
    with flint.ctx.workprec(2000):
        golden = (1 + flint.arb(5).sqrt()) / 2
        assert sigma.contains(golden)
        assert 2 * sigma.rad() <= EXACT.number(width)


def test_a_width_of_many_digits_for_numbers_of_many_digits():
    E = [["1e300", 1], [0, "1e-300"]]
    sigma = sv.singular_value(E, 2, width="1e-700")
    with flint.ctx.workprec(4000):
        assert 2 * sigma.rad() <= EXACT.number("1e-700") and 0 < sigma < flint.arb("1e-299")


def test_sizes_of_thirty_two():
    H = hadamard(32)
    tied = H @ np.diag([3] * 8 + [2] * 8 + [1] * 8 + [0] * 8) @ H.T
    assert sv.squared_levels(tied) == [(96**2, 8), (64**2, 8), (32**2, 8), (0, 8)]
    assert sv.rank_bounds(tied) == (24, 24)
    thin = np.random.default_rng(0).integers(-3, 4, (32, 5))
    assert sv.rank_is(thin @ thin.T, 5).outcome == "holds"
    assert sv.multiplicities(thin @ thin.T) == [1] * 5 + [27]


def test_a_near_tie_is_decided():
    tiny = flint.fmpq(1, 10**100)
    assert sv.singular_gap([[1, 0], [0, 1 + tiny]], 1).outcome == "holds"
    assert sv.rank_is([[1, 1], [1, 1 + tiny]], 2).outcome == "holds"
    assert sv.rank_is([[1, 1], [1, 1 + tiny]], 1).outcome == "fails"


def test_gaps_without_values_are_the_ones_with_values():
    tied = hadamard(4) @ np.diag([3, 3, 1, 0])
    mixed = np.block([[GOLDEN, 0 * GOLDEN], [0 * GOLDEN, np.eye(5, 6, dtype=int)]])
    for E in (GOLDEN, tied, mixed, [[0, 0]], [[1, 2]], [[1, 1], [0, 1]]):
        gaps = [sv.singular_gap(E, r).outcome == "holds" for r in range(1, 12)]
        assert [sv.is_gap(E, r) for r in range(1, 12)] == gaps
        assert sv.multiplicities(E) == [k for _, k in sv.squared_levels(E)]


def test_the_sides_of_a_comparison_give_its_outcome():
    for r in (1, 2, 5):
        told = sv.singular_gap(GOLDEN, r)
        assert told.rigorous and told.label == f"sigma_{r} > sigma_{r + 1}"
        confirm_outcome(told)
        confirm_outcome(sv.rank_is(GOLDEN, r))


def blurred(radius):
    return [[flint.arb(2, radius), 0, 0], [0, flint.arb(1, radius), 0], [0, 0, flint.arb(0)]]


def test_overlapping_balls_are_undecided_everywhere():
    wide, narrow = blurred(0.75), blurred(0.25)
    assert sv.singular_gap(wide, 1).outcome == "undecided"
    assert sv.singular_gap(narrow, 1).outcome == "holds"
    assert sv.singular_gap(narrow, 2).outcome == "holds"
    assert sv.singular_gap([[flint.arb(1, 0.25), 0], [0, 1]], 1).outcome == "undecided"
    assert sv.rank_is(narrow, 2).outcome == "holds"
    assert sv.rank_is(narrow, 3).outcome == sv.rank_is(narrow, 1).outcome == "fails"
    maybe = [[1, 0], [0, flint.arb(0, 0.5)]]
    assert sv.rank_bounds(maybe) == (1, 2)
    assert [sv.rank_is(maybe, k).outcome for k in (0, 1, 2)] == ["fails", "undecided", "undecided"]
    assert sv.singular_gap(maybe, 1, BallArithmetic(20)).outcome == "undecided"
    with pytest.raises(BadInput, match="expected an integer"):
        matrices.rank_gap(wide, 1)  # a bool has no room for what is undecided
    for told in (sv.singular_gap(wide, 1), sv.rank_is(maybe, 1)):
        assert told.rigorous
        confirm_outcome(told)


def test_refusals():
    for k in (0, True, 1.5):
        with pytest.raises(BadInput, match="1 or more"):
            sv.singular_value([[1]], k, width=1)
    for width in (0, -1):
        with pytest.raises(BadInput, match="above 0"):
            sv.singular_value([[1]], 1, width=width)
    with pytest.raises(Unavailable, match="width"):
        sv.singular_value(GOLDEN, 1, width=flint.fmpq(1, 2 ** (2 * sv.MOST_BITS)))


def complaints(E, values):
    """What is wrong with the levels of E, whose singular values are known, and with its rank."""
    squares = sorted((x * x for x in values), reverse=True)
    levels = sv.squared_levels(E)
    listed = [x for x, k in levels for _ in range(k)]
    if len(listed) != len(squares):
        yield "count"
    if not all(flint.arb(x).contains(s) for x, s in zip(listed, squares, strict=False)):
        yield "value"
    if sum(k for x, k in levels if not x == 0) != sum(bool(s) for s in squares):
        yield "rank"


TIED = hadamard(4) @ np.diag([3, 3, 1, 0])
TRUE = [6, 6, 2, 0]


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (lambda parts: [(p, 1) for p, _ in parts], "count"),
        (lambda parts: [(p, k) for p, k in parts if p[0] != 0], "count"),
        (lambda parts: [(p, 3 - k if p.degree() else k) for p, k in parts], "count"),
        (lambda parts: [(p - 1, k) for p, k in parts], "value"),
        (lambda parts: [(p + 1 if p[0] == 0 else p, k) for p, k in parts], "rank"),
    ],
    ids=["multiplicities dropped", "zero dropped", "wrong", "other values", "zero moved"],
)
def test_planted_faults_are_told(monkeypatch, fault, complaint):
    assert not list(complaints(TIED, TRUE))
    honest = sv._square_free
    monkeypatch.setattr(sv, "_square_free", lambda p: fault(honest(p)))
    assert complaint in list(complaints(TIED, TRUE))


def golden_is_covered():
    sigma = sv.singular_value(GOLDEN, 1, width="1e-20")
    with flint.ctx.workprec(400):
        return bool(sigma.contains((1 + flint.arb(5).sqrt()) / 2))


def test_a_root_rounded_to_nearest_is_told(monkeypatch):
    assert golden_is_covered()
    honest = sv._root
    monkeypatch.setattr(sv, "_root", lambda square: honest(square).mid())
    assert not golden_is_covered()
