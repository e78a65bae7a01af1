"""Adapters of linear nets: the optimum, in every arithmetic, measured from the adapters."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.arithmetic.dense import product
from lora_proofs.constructions import (
    Adapter,
    adapted,
    at_enough_digits,
    attained_error,
    largest_norm,
    leading_factors,
    linear_adapters,
    lower_bounds,
    minimal_linear_rank,
    narrow_target_adapters,
    optimal_error,
    precise_linear_adapters,
    update_adapters,
    weighted_adapters,
)
from lora_proofs.constructions.adapters import checked_ranks, zero_adapter
from lora_proofs.constructions.nonsingular import RANK_ONE
from lora_proofs.constructions.optimality import tail, within
from lora_proofs.constructions.rank_one import eliminated, good_basis, null_space
from lora_proofs.errors import BadInput, ShapeMismatch, ToleranceNotMet, Unavailable

ARRAY, MANY, BALL = ArrayArithmetic(), MultiprecisionArithmetic(30), BallArithmetic(60)
I2, ROT = np.eye(2), np.array([[0, -1], [1, 0]])


def gaussian(seed, D, L):
    """L frozen weights and a target with entries N(0, 1/D), exactly as floats have them."""
    draws = np.random.default_rng(seed).normal(0, D**-0.5, (L + 1, D, D))
    *frozen, target = (EXACT.matrix(X) for X in draws)
    return frozen, target


def relative_loss(frozen, target, ranks, adapters):
    """How far the adapters are from the optimum, relative to it; to ||E||_2 where it is 0."""
    got = attained_error(frozen, target, adapters, width="1e-35").spectral
    least = optimal_error(frozen, target, ranks, BALL).spectral
    with BALL.working():
        if least != 0:
            return float((got / least - 1).upper())
        E = target - product(*reversed(frozen), ctx=EXACT)
        return float(flint.arb((got / BALL.operator_norm(BALL.matrix(E))).upper()))


NASTY = {
    "rotation by 90 degrees": ([I2] * 2, ROT, [1, 1]),
    "target zero": ([np.eye(3)] * 3, np.zeros((3, 3)), [1, 1, 1]),
    "nilpotent target": ([np.eye(4)] * 4, np.diag([1.0, 1, 1], 1), [1, 1, 1, 1]),
    "minus the identity": ([np.eye(5)] * 5, -np.eye(5), [1] * 5),
    "four rotations": ([np.eye(8)] * 8, np.kron(np.eye(4), ROT), [1] * 8),
    "rotations of three sizes": ([np.eye(6)] * 3, np.kron(np.diag([1, 2, 3]), ROT), [1, 4, 1]),
    "cyclic shift": ([np.eye(6)] * 6, np.roll(np.eye(6), 1, 0), [1, 0, 2, 0, 1, 1]),
    "nilpotent beside a rotation": (
        [np.eye(6)] * 6,
        np.block([[np.diag([1.0, 1], 1), np.ones((3, 3))], [np.zeros((3, 3)), np.diag([2, 0, 0])]])
        + np.pad(ROT, ((4, 0), (4, 0))),
        [1] * 6,
    ),
    "one layer": ([np.eye(4)], np.diag([1.0, 2, 3, 4]), [3]),
    "one number": ([np.eye(1)] * 3, np.array([[5.0]]), [0, 1, 0]),
    "nothing to do": ([np.eye(3)] * 2, np.eye(3), [1, 1]),
}


@pytest.mark.parametrize("name", NASTY)
def test_every_target_is_reached_exactly_over_the_rationals(name):
    frozen, target, ranks = NASTY[name]
    found = linear_adapters(frozen, target, ranks, EXACT)
    assert (found.product == EXACT.matrix(target)).all()
    assert attained_error(frozen, target, found.adapters, width="1e-9").spectral == 0
    assert [x.rank for x in found.adapters] <= list(ranks)
    assert all(x.rank <= r for x, r in zip(found.adapters, ranks, strict=True))


@pytest.mark.parametrize("ctx", [ARRAY, MANY], ids=lambda c: c.name)
@pytest.mark.parametrize("name", NASTY)
def test_no_target_asks_for_large_adapters(name, ctx):
    frozen, target, ranks = NASTY[name]
    found = linear_adapters(frozen, target, ranks, ctx)
    exact, goal = [EXACT.matrix(W) for W in frozen], EXACT.matrix(target)
    got = attained_error(exact, goal, found.adapters, width="1e-9").spectral
    assert got <= flint.arb("1e-13" if ctx is ARRAY else "1e-36")
    assert largest_norm(found.adapters, ctx) < 20


def test_a_rotation_breaks_the_order_of_singular_vectors_and_is_named():
    for ctx in (ARRAY, MANY, EXACT):
        found = linear_adapters([I2, I2], ROT, [1, 1], ctx)
        assert found.method == RANK_ONE
        assert [x.assumption for x in found.broken] == ["P_0 + LR_1(E) is nonsingular"]
        assert largest_norm(found.adapters, ctx) == pytest.approx(2)
    assert not linear_adapters([I2, I2], 3 * I2, [1, 1], ARRAY).broken


CASES = [
    (4, 3, [1, 0, 2]), (8, 8, [1] * 8), (8, 8, [0, 2, 0, 0, 1, 0, 3, 0]), (16, 8, [1] * 8),
    (16, 4, [8, 3, 9, 1]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gaussian_weights_lose_nothing(case):
    D, L, ranks = case
    frozen, target = gaussian(D + L, D, L)
    found = precise_linear_adapters(frozen, target, ranks, tolerance="1e-9")
    assert -1e-30 < relative_loss(frozen, target, ranks, found.adapters) <= 1e-9


def test_float64_alone_is_not_enough_and_more_digits_are_taken():
    frozen, target = gaussian(3, 16, 8)
    floats = linear_adapters(frozen, target, [2] * 8, ARRAY)
    assert relative_loss(frozen, target, [2] * 8, floats.adapters) > 1e-9
    found = precise_linear_adapters(frozen, target, [2] * 8, tolerance="1e-9")
    assert isinstance(found.product[0, 0], type(MANY.number(1)))
    with pytest.raises(ToleranceNotMet, match=r"\[16\] digits"):
        precise_linear_adapters(frozen, target, [2] * 8, tolerance="1e-9", digits=[16])


def test_fifty_digits_give_thirty():
    frozen, target = gaussian(4, 16, 8)
    ctx = MultiprecisionArithmetic(50)
    for ranks in ([1] * 8, [2, 0, 5, 1, 0, 3, 4, 1]):
        found = linear_adapters(frozen, target, ranks, ctx)
        assert relative_loss(frozen, target, ranks, found.adapters) <= 1e-30


def test_over_the_rationals_sixteen_by_six_is_exactly_zero():
    draw = np.random.default_rng(0).integers(-9, 10, (7, 16, 16))
    frozen, target = [X + 20 * np.eye(16, dtype=int) for X in draw[:6]], draw[6]
    found = linear_adapters(frozen, target, [3, 3, 2, 3, 0, 5], EXACT)
    assert (found.product == EXACT.matrix(target)).all()
    assert attained_error(frozen, target, found.adapters, width="1e-9").frobenius == 0
    assert [x.rank for x in found.adapters] == [3, 3, 2, 3, 0, 5]


def test_one_rank_less_is_not_exact_and_rational_truncations_are_taken():
    found = linear_adapters([I2, I2], [[4, 0], [0, 3]], [0, 1], EXACT)
    assert found.product.tolist() == [[4, 0], [0, 1]]
    error = attained_error([I2, I2], [[4, 0], [0, 3]], found.adapters, width="1e-12").spectral
    assert error.contains(2)
    with pytest.raises(Unavailable):
        linear_adapters([I2], [[3, 1], [0, 2]], [1], EXACT)


def test_singular_targets_of_every_kind_are_reached():
    rng = np.random.default_rng(11)
    for _ in range(60):
        D, L = int(rng.integers(2, 7)), int(rng.integers(1, 4))
        frozen = [np.eye(D)[rng.permutation(D)] for _ in range(L)]
        target = EXACT.matrix(rng.integers(-1, 2, (D, D)) * rng.integers(0, 2, (D, D)))
        E = target - product(*[EXACT.matrix(W) for W in frozen[::-1]], ctx=EXACT)
        where = rng.permutation([layer for layer in range(L) for _ in range(D)])[: EXACT.rank(E)]
        ranks = [int((where == layer).sum()) for layer in range(L)]
        assert (linear_adapters(frozen, target, ranks, EXACT).product == target).all()
        floats = linear_adapters(frozen, target, ranks, ARRAY)
        got = attained_error(frozen, target, floats.adapters, width="1e-6").spectral
        assert got <= flint.arb("1e-10")
        assert largest_norm(floats.adapters, ARRAY) < 1e4


def test_no_rank_changes_nothing():
    frozen, target = gaussian(5, 3, 2)
    found = linear_adapters(frozen, target, [0, 0], EXACT)
    assert (found.product == product(*reversed(frozen), ctx=EXACT)).all()
    assert largest_norm(found.adapters, EXACT) == 0


def test_any_update_of_the_rank_is_made():
    frozen, _ = gaussian(6, 4, 3)
    G, H = EXACT.matrix(np.ones((4, 1))), EXACT.matrix([[1, 2, 3, 4]])
    found = update_adapters(frozen, G, H, [0, 1, 0], EXACT)
    assert (found.product == product(*reversed(frozen), ctx=EXACT) + G @ H).all()
    with pytest.raises(BadInput, match="at most 0 columns"):
        update_adapters(frozen, G, H, [0, 0, 0], EXACT)


def test_a_better_basis_exists_for_every_matrix_and_elimination_runs_through_it():
    rng = np.random.default_rng(1)
    for k in range(1, 7):
        C = EXACT.matrix(rng.integers(-1, 2, (k, k)) * rng.integers(0, 2, (k, k)))
        for ends in (range(1, k + 1), range(2, k + 1, 2), [k]):
            T, apart = good_basis(C, ends, EXACT)
            turned = EXACT.inverse(T) @ C @ T
            assert EXACT.rank(T) == k
            assert not any((turned[j:, j] != 0).any() for j in range(apart))
            H = eliminated(turned, EXACT.identity(k), ends, EXACT, apart=apart, largest=1)
            assert EXACT.rank(H) == k
    for seed in range(40):  # nothing on the diagonal to begin with
        k = 3 + seed % 4
        C = np.random.default_rng(seed).integers(-1, 2, (k, k)) * (1 - np.eye(k, dtype=int))
        C = EXACT.matrix(C)
        T, apart = good_basis(C, range(1, k + 1), EXACT)
        turned = (EXACT.inverse(T) @ C @ T)[apart:, apart:]
        assert all(EXACT.rank(turned[:j, :j]) == j for j in range(1, len(turned) + 1))
    with pytest.raises(BadInput, match="singular"):
        eliminated(EXACT.matrix(ROT), EXACT.identity(2), [1, 2], EXACT, apart=0, largest=1)
    assert null_space(EXACT.identity(2)).shape == (2, 0)


def test_the_lower_bounds_hold_for_arbitrary_adapters():
    rng = np.random.default_rng(2)
    frozen, target = gaussian(7, 4, 3)
    frozen[1] = EXACT.matrix(np.diag([1.0, 1, 0, 0]))
    ranks = [1, 1, 0]
    found = lower_bounds(frozen, target, ranks, BALL)
    assert found.product_rank == 3
    best = linear_adapters(frozen, target, ranks, ARRAY).adapters
    noisy = [Adapter(x.B + 0.01 * rng.normal(size=x.B.shape), x.A) for x in best]
    for adapters in (best, noisy, [zero_adapter(4, 4, ARRAY)] * 3):
        got = attained_error(frozen, target, adapters, width="1e-20")
        for bound in (found.by_update, found.by_product):
            assert got.spectral * (1 + flint.arb("1e-18")) >= bound.spectral
            assert got.frobenius * (1 + flint.arb("1e-18")) >= bound.frobenius


def test_errors_are_measured_from_the_factors_and_not_believed():
    frozen, target = [I2], 3 * I2
    lied = [Adapter(ARRAY.matrix([[2.0], [0]]), ARRAY.matrix([[1.0, 0]]))]
    found = attained_error(frozen, target, lied, width="1e-12")
    assert found.spectral.contains(2)
    assert found.frobenius.contains(2)
    assert tail(EXACT.matrix([[3, 0], [0, 4]]), 0, BALL).frobenius.contains(5)
    assert not within(flint.arb("1.0001"), flint.arb(1), "1e-9", 1)


def test_the_least_rank_is_claimed_only_where_it_is_proved():
    eye = np.eye(5)
    assert minimal_linear_rank([eye] * 2, -eye) == 3
    assert minimal_linear_rank([eye] * 2, eye) == 0
    assert minimal_linear_rank([eye, 0 * eye], -eye) is None
    found = linear_adapters([eye] * 2, -eye, [3, 2], EXACT)
    assert (found.product == -EXACT.identity(5)).all()


def test_the_precision_is_raised_until_it_is_accepted():
    seen = []

    def build(ctx):
        seen.append(getattr(ctx, "digits", 16))
        if len(seen) == 1:
            raise BadInput("singular to this precision")
        return seen[-1]

    assert at_enough_digits(build, lambda digits: digits > 30, (16, 30, 60)) == 60
    assert seen == [16, 30, 60]
    with pytest.raises(ToleranceNotMet):
        at_enough_digits(build, lambda digits: False, (16,))


def test_bad_input_is_named():
    for ranks, words in (([1], "one for each of 2"), ([1, -1], "layer 2"), ([1, 3], "got 3")):
        with pytest.raises(BadInput, match=words):
            checked_ranks(ranks, [EXACT.identity(2)] * 2)
    with pytest.raises(ShapeMismatch, match="columns in layer 2"):
        linear_adapters([I2, np.eye(3)], I2, [1, 1], EXACT)
    with pytest.raises(ShapeMismatch, match="target"):
        linear_adapters([I2], np.eye(3), [1], EXACT)
    with pytest.raises(BadInput, match="at least one weight"):
        linear_adapters([], I2, [], EXACT)
    with pytest.raises(ShapeMismatch, match="expected B"):
        Adapter(EXACT.identity(2), EXACT.zeros(1, 2))
    with pytest.raises(ShapeMismatch, match="update of shape"):
        adapted(EXACT.identity(3), zero_adapter(2, 2, EXACT), EXACT)


def test_tied_and_exact_leading_factors():
    G, H = leading_factors(np.diag([2.0, 2, 1]), 2, MANY)
    assert float(abs(G @ H - MANY.matrix(np.diag([2, 2, 0]))).max()) < 1e-35
    G, H = leading_factors([[1, 2], [2, 4]], 2, EXACT)
    assert G.shape == (2, 1)


@pytest.mark.parametrize("ctx", [EXACT, MultiprecisionArithmetic(50), ArrayArithmetic()])
def test_factors_of_any_arithmetic_are_taken(ctx):
    frozen = [EXACT.matrix([[1, 2], [0, 1]]), EXACT.matrix([[1, 0], [1, 1]])]
    whole = EXACT.matrix([[4, 2], [2, "1/3"]])  # the weighted optimum of full rank is the target
    found = weighted_adapters(frozen, whole, EXACT.matrix([[2, 1], [1, 1]]), [1, 1], ctx)
    error = attained_error(frozen, whole, found.adapters, width="1e-3").spectral
    assert flint.arb(error) < flint.arb("1e-12")
    assert narrow_target_adapters(frozen, [[3]], [1, 0], ctx).adapters[0].rank == 1
