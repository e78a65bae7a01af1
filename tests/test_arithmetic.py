"""The four arithmetics: parsing, lifting, and what each of them lacks."""

from __future__ import annotations

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
    inner,
    rational,
    scaled,
    squared_norm,
    trace,
)
from lora_proofs.arithmetic.exact import decimal
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable

ARRAY, BALL, MP = ArrayArithmetic(), BallArithmetic(40), MultiprecisionArithmetic(40)
ROWS = [[1, "1/2"], ["-1/3", 2]]

NUMBERS = {
    "0.1": Fraction(1, 10), "-3/4": Fraction(-3, 4), " 2 ": 2, "1e-3": Fraction(1, 1000),
    ".5": Fraction(1, 2), "7.": 7, "+1.50": Fraction(3, 2), "2E2": 200,
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_text_is_read_as_the_decimal_or_fraction_that_it_shows(text):
    assert rational(text) == NUMBERS[text]


def test_floats_are_their_binary_value():
    assert rational(0.1) == Fraction(3602879701896397, 36028797018963968) != Fraction(1, 10)
    assert rational(np.float64(0.5)) == Fraction(1, 2) and rational(-0.0) == 0


def test_integers_and_rationals_of_every_library_are_read():
    for two in (2, np.int64(2), Fraction(2), flint.fmpz(2), flint.fmpq(2)):
        assert rational(two) == 2


WRONG = [
    "", "x", "1/0", "1/-2", "--1", "1e", "1e99999", "0x10", "1_000", "nan", "inf", "1 2", "½",
    float("nan"), float("inf"), np.float64("nan"), True, np.True_, None, 1j, [1], b"1",
]  # fmt: skip


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_what_is_no_exact_number_is_refused(value):
    with pytest.raises(BadInput, match="expected"):
        rational(value)


def test_exact_functions_exist_where_the_value_is_rational():
    assert EXACT.sqrt(flint.fmpq(9, 4)) == flint.fmpq(3, 2) and EXACT.exp(flint.fmpq(0)) == 1
    assert EXACT.log(flint.fmpq(1)) == 0 and EXACT.cosh(flint.fmpq(0)) == 1
    two = flint.fmpq(2)
    for function in (EXACT.sqrt, EXACT.exp, EXACT.log, EXACT.cosh, EXACT.sinh, EXACT.tanh):
        with pytest.raises(Unavailable):
            function(two)
    with pytest.raises(Unavailable):
        EXACT.sqrt(flint.fmpq(-4))
    with pytest.raises(Unavailable):
        EXACT.operator_norm(EXACT.matrix(ROWS))


def test_the_exact_rank_and_inverse_are_exact():
    close = EXACT.matrix([[1, 1], [1, "1000000000000000000001/1000000000000000000000"]])
    assert EXACT.rank(close) == 2 and EXACT.rank(EXACT.matrix([[1, 2], [2, 4]])) == 1
    assert (EXACT.inverse(close) @ close == EXACT.identity(2)).all()
    with pytest.raises(BadInput, match="singular"):
        EXACT.inverse(EXACT.zeros(2, 2))
    with pytest.raises(ShapeMismatch):
        EXACT.inverse(EXACT.zeros(1, 2))


def test_a_ball_contains_the_exact_value_and_is_as_small_as_promised():
    with BALL.working():
        X, exact = BALL.matrix(ROWS), EXACT.matrix(ROWS)
        for got, want in zip((X @ BALL.inverse(X)).flat, EXACT.identity(2).flat, strict=True):
            assert got.contains(want) and got.rad() < 1e-38
        assert squared_norm(X).contains(squared_norm(exact))
        # The singular values: their squares add up and multiply as trace and determinant say.
        one, two = BALL.singular_values(X)
        assert (one**2 + two**2).contains(squared_norm(exact))
        determinant = exact[0, 0] * exact[1, 1] - exact[0, 1] * exact[1, 0]
        assert (one * two).contains(determinant) and one > two


def test_balls_with_a_tie_and_at_the_root_of_zero_stay_enclosures():
    with BALL.working():
        one, two = BALL.singular_values(BALL.matrix([[0, 1], [1, 0]]))
        assert one.contains(1) and two.contains(1)
        blurred = [[flint.arb(1, 0.25), 0], [0, flint.arb(1.125, 0.25)]]
        first, second = BALL.singular_values(BALL.matrix(blurred))
        assert all(first.contains(x) for x in (0.875, 1.125, 1.375)) and first.rad() < 0.26
        assert all(second.contains(x) for x in (0.75, 1, 1.125)) and not first > second
        with pytest.raises(Unavailable, match="not finite"):
            BALL.singular_values(BALL.matrix([[flint.arb("nan"), 0], [0, 1]]))
        wide = flint.arb(0, 1e-30)
        root = BALL.sqrt(wide)
        assert root.contains(0) and root.contains(flint.arb("1e-15")) and root.is_finite()
        assert not BALL.sqrt(flint.arb(-1)).is_finite()
        assert BALL.operator_norm(BALL.zeros(2, 3)) == 0
        with pytest.raises(Unavailable):
            BALL.inverse(BALL.zeros(2, 2))
        with pytest.raises(Unavailable):
            BALL.rank(BALL.identity(2))


def test_precision_is_restored_after_working():
    before = flint.ctx.prec
    with BALL.working():
        assert flint.ctx.prec == BALL.bits
    assert flint.ctx.prec == before


def test_multiprecision_has_a_context_of_its_own():
    before = mpmath.mp.dps
    assert MP.mp is not mpmath.mp and MP.mp.dps == 50
    assert abs(MP.exp(1) - MP.mp.e) < MP.mp.mpf(10) ** -45
    assert mpmath.mp.dps == before
    with pytest.raises(BadInput, match="nonnegative"):
        MP.sqrt(-1)
    with pytest.raises(BadInput, match="singular"):
        MP.inverse(MP.zeros(2, 2))
    assert MP.rank(MP.matrix([[1, 2], [2, 4]])) == 1


def test_the_arithmetics_agree_on_what_they_share():
    expected = np.linalg.svd(ARRAY.matrix(ROWS), compute_uv=False)
    with BALL.working():
        for ctx in (ARRAY, MP, BALL):
            X = ctx.matrix(ROWS)
            assert np.allclose([float(s) for s in ctx.singular_values(X)], expected)
            assert np.isclose(float(ctx.frobenius_norm(X)), np.linalg.norm(ARRAY.matrix(ROWS)))
            assert np.isclose(float(ctx.tanh(ctx.number("1/2"))), np.tanh(0.5))
            assert np.isclose(float(ctx.log(ctx.number(3))), np.log(3))


def test_matrix_functions_work_in_every_arithmetic_and_on_batches():
    with BALL.working():
        for ctx in (EXACT, MP, BALL):
            X = ctx.matrix(ROWS)
            assert trace(X) == 3
            assert inner(X, ctx.identity(2)) == 3
            assert scaled(2, X)[0, 1] == 1
    batch = np.stack([ARRAY.matrix(ROWS), ARRAY.identity(2)])
    assert np.allclose(trace(batch), [3, 2]) and np.allclose(squared_norm(ARRAY.identity(2)), 2)
    assert ARRAY.operator_norm(batch).shape == (2,)
    assert ARRAY.inverse(batch).shape == (2, 2, 2)


def test_which_arithmetics_decide():
    assert [ctx.rigorous for ctx in (EXACT, BALL, MP, ARRAY)] == [True, True, False, False]


def test_numbers_of_many_digits_are_read_and_written():
    digits = "7" * 6000
    seven = rational(digits)
    assert seven % 10**9 == 777_777_777 and decimal(seven) == digits
    assert rational("-" + digits) == -seven and rational(f"{digits}/{digits}") == 1
    assert rational(f"-0.{digits}e3") == -seven * Fraction(1000, 10**6000)
    assert decimal(Fraction(1, seven)) == f"1/{digits}" and decimal(-3) == "-3"


@pytest.mark.parametrize("text", ["1e1000", "1e-1000", "1e99999", "1e" + "9" * 5000, "1" * 100_001])
def test_numbers_beyond_all_measure_are_refused_and_not_shown_in_full(text):
    with pytest.raises(BadInput, match="expected") as refusal:
        rational(text)
    assert len(str(refusal.value)) < 200


def test_a_long_fraction_over_zero_is_refused():
    with pytest.raises(BadInput, match="nonzero denominator"):
        rational("1" * 5000 + "/" + "0" * 5000)


def test_an_overflow_has_no_singular_values_and_lapack_is_not_asked(capfd):
    for rows in ([[np.inf, 0.0], [0.0, 1.0]], [[np.nan, 0.0], [0.0, 1.0]]):
        with pytest.raises(np.linalg.LinAlgError, match="finite"):
            ArrayArithmetic().singular_values(np.array(rows))
    assert capfd.readouterr().err == ""
