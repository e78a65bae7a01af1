"""Laws of exact ranks, multiplicities and singular values, and of their enclosures."""

from fractions import Fraction

import flint
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.mathematics import singular_values as sv
from lora_proofs.strategies import with_singular_values
from lora_proofs.strategies.draw import HypothesisDraw

BALL = BallArithmetic(30)
SLOW = settings(settings(), max_examples=max(10, settings().max_examples // 5))
small = st.integers(-3, 3)
chosen = (0, 1, Fraction(1, 3), 2, 2 + Fraction(1, 10**30))
spectra = st.lists(st.sampled_from(chosen), min_size=1, max_size=5).map(
    lambda values: sorted(map(Fraction, values), reverse=True)
)
shapes = st.tuples(st.integers(1, 6), st.integers(1, 6))


@st.composite
def matrices(draw):
    n, m = draw(shapes)
    return EXACT.matrix([[draw(small) for _ in range(m)] for _ in range(n)])


@SLOW
@given(st.data(), spectra)
def test_multiplicities_are_the_ones_that_were_chosen(data, values):
    k = len(values)
    E = with_singular_values(HypothesisDraw(data.draw), k, k, values)
    squares = sorted({v * v for v in values}, reverse=True)
    found = [(Fraction(int(x.p), int(x.q)), times) for x, times in sv.squared_levels(E)]
    assert found == [(s, sum(v * v == s for v in values)) for s in squares]
    for r in range(1, k + 1):
        apart = values[r - 1] > (values[r] if r < k else 0)
        assert sv.singular_gap(E, r).outcome == ("holds" if apart else "fails")
        assert sv.rank_is(E, r).outcome == ("holds" if r == sum(map(bool, values)) else "fails")


@given(matrices())
def test_levels_count_add_up_and_agree_with_rank_and_enclosures(E):
    levels = sv.squared_levels(E)
    assert sum(k for _, k in levels) == min(E.shape)
    assert sum(k for x, k in levels if x != 0) == EXACT.rank(E)
    with BALL.working():
        assert flint.arb(sum(k * flint.arb(x) for x, k in levels)).contains(squared_norm(E))
        balls = BALL.singular_values(BALL.matrix(E))
        exact = [flint.arb(x).sqrt() for x, k in levels for _ in range(k)]
        assert all(ball.overlaps(x) for ball, x in zip(balls, exact, strict=True))
        assert max(ball.rad() for ball in balls) < 1e-20


@given(matrices())
def test_transposes_and_permutations_have_the_same_levels(E):
    for other in (E.mT, E[::-1], -E[:, ::-1]):
        pairs = zip(sv.squared_levels(E), sv.squared_levels(other), strict=True)
        assert all(k == j and flint.arb(x).overlaps(flint.arb(y)) for (x, k), (y, j) in pairs)


@given(matrices(), st.integers(1, 4), st.integers(1, 60))
def test_a_ball_is_as_narrow_as_asked_for_and_agrees_with_a_narrower_one(E, k, digits):
    width = flint.fmpq(1, 10**digits)
    wide, narrow = (
        sv.singular_value(E, k, width=width),
        sv.singular_value(E, k, width=width / 10**9),
    )
    with flint.ctx.workprec(400):
        assert isinstance(wide, flint.fmpq) or 2 * wide.rad() <= width
        assert flint.arb(wide).overlaps(flint.arb(narrow))


@given(matrices(), st.integers(1, 4), st.integers(0, 12))
def test_comparisons_in_balls_never_contradict_exact_ones(E, r, bits):
    """Balls around the exact entries may leave open what is so, and never deny it."""
    spread = flint.arb(0, flint.arb(2) ** -bits)
    blurred = np.array([[flint.arb(x) + spread for x in row] for row in E], dtype=object)
    exact = (sv.singular_gap(E, r), sv.rank_is(E, r))
    balls = (sv.singular_gap(blurred, r, BALL), sv.rank_is(blurred, r, BALL))
    for truth, told in zip(exact, balls, strict=True):
        assert truth.outcome != "undecided" and told.outcome in ("undecided", truth.outcome)
