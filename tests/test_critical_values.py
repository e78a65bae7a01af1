"""The two smallest critical values against all of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, rational
from lora_proofs.mathematics.critical_values import frobenius_critical_values

SPECTRA = [
    (3, 2, 1),
    (2, 2, 1),
    (2, 1, 1),
    (1, 1, 1),
    (3, 0, 0),
    (5, 4, 4, 1),
    (0, 0),
    (1,),
    (4, 1, 0),
]


def all_values(singular, r):
    """1/2 sum of squares over what each set of at most r indices leaves out."""
    total = sum(s * s for s in singular)
    kept = (
        sum(singular[i] ** 2 for i in S)
        for k in range(min(r, len(singular)) + 1)
        for S in combinations(range(len(singular)), k)
    )
    return sorted({Fraction(total - s, 2) for s in kept})


@pytest.mark.parametrize("singular", SPECTRA)
@pytest.mark.parametrize("r", [1, 2, 3, 4])
def test_against_every_choice(singular, r):
    E = [[s if i == j else 0 for j in range(len(singular))] for i, s in enumerate(singular)]
    values = all_values(singular, r)
    found = frobenius_critical_values(E, r, EXACT)
    assert rational(found.least) == values[0]
    if len(values) == 1:
        assert found.second is None
    else:
        assert rational(found.second) == values[1]


def test_balls_for_irrational_singular_values():
    ball = BallArithmetic(30)
    with ball.working():
        found = frobenius_critical_values([[1, 1], [0, 1]], 1, ball)
        golden = (3 - ball.sqrt(ball.number(5))) / 2
        assert (found.least - golden / 2).contains(0)
        assert found.least < found.second
