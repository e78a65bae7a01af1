"""Numbers of many instances at once: what they say of each, and of their errors."""

import random
from fractions import Fraction

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic
from lora_proofs.arithmetic.dense import row_reduced
from lora_proofs.errors import BadInput
from lora_proofs.judging.batch_arithmetic import BatchArithmetic
from lora_proofs.judging.batch_numbers import EPS, Many, Unbatched, World, plain
from lora_proofs.mathematics.singular_values import multiplicities, squared_levels


def lifted(values, **how):
    return World(len(values), **how).lift(np.array([float(x) for x in values]))


def stacked(matrices):
    """One matrix of the numbers of all."""
    world = World(len(matrices), tolerance=1e-12)
    rows, columns = len(matrices[0]), len(matrices[0][0])
    out = np.empty((rows, columns), dtype=object)
    for i, j in np.ndindex(out.shape):
        out[i, j] = world.lift(np.array([float(X[i][j]) for X in matrices]))
    return out, world


def test_operations_are_those_of_each_instance():
    x, y = [3.0, -2.0, 0.5], [1.0, 4.0, -8.0]
    a = lifted(x)
    b = Many(a.world, np.array(y))
    for name, of_each in {
        "sum": lambda p, q: p + q + 1,
        "difference": lambda p, q: 2 - (p - q),
        "product": lambda p, q: Fraction(1, 2) * p * q,
        "quotient": lambda p, q: p / q + 1 / p,
        "power": lambda p, q: p**2 - q**3 + p**-1,
        "size": lambda p, q: abs(p) - -q,
        "whole part": lambda p, q: p // 2 + q % 3,
    }.items():
        assert of_each(a, b).values.tolist() == pytest.approx(list(map(of_each, x, y))), name


def test_the_bound_covers_the_rounding():
    source = random.Random(0)
    exact = [Fraction(source.randint(-90, 90), source.randint(1, 7)) for _ in range(200)]
    x = lifted(exact, errors=True)

    def cancelling(v):
        return ((v + 1000) ** 3 - v**3 - 3000 * v**2) * v / 7 - v

    found = cancelling(x)
    for value, error, number in zip(found.values, found.errors, exact, strict=True):
        assert abs(Fraction(value) - cancelling(number)) <= Fraction(EPS * error)
    assert (found.errors * EPS < 1e-3).all()


def test_the_bound_of_a_root_near_zero_is_no_wild_guess():
    x = Many(World(2, errors=True), np.array([0.0, 4.0]), np.array([0.0, 4.0]))
    assert x.sqrt().errors.tolist() == [0.0, 3.0]


def test_a_question_is_answered_by_the_first_and_the_others_are_set_aside():
    x = lifted([1, 2, -1, 3])
    assert x > 0
    assert x.world.alive.tolist() == [True, True, False, True]
    assert not x > 2
    assert x.world.alive.tolist() == [True, True, False, False]


def test_equal_numbers_have_one_value():
    assert float(lifted([2, 2])) == 2.0
    assert int(lifted([2, 2])) == 2
    assert list(range(lifted([2, 2]))) == [0, 1]


@pytest.mark.parametrize(
    "asked",
    [
        float,
        lambda x: x.numerator,
        lambda x: x._number,
        lambda x: x.in_balls(),
        lambda x: x.plain("a test"),
        lambda x: int(x / 2),
    ],
)
def test_what_a_batch_has_not_is_refused(asked):
    with pytest.raises(Unbatched):
        asked(lifted([1, 3]))


def test_plain_numbers():
    told = [
        plain(x) for x in (2, 0.5, Fraction(1, 4), flint.fmpq(1, 8), flint.fmpz(3), np.int64(4))
    ]
    assert told == [2.0, 0.5, 0.25, 0.125, 3.0, 4.0]
    assert plain(Fraction(10**400)) == float("inf")
    assert plain("1") is None


MATRICES = [[[2, 1], [1, 3]], [[1, 0], [0, 2]], [[3, 1], [2, 4]]]


def test_matrices_are_those_of_each_instance():
    X, world = stacked(MATRICES)
    ctx, single = BatchArithmetic(world=world), ArrayArithmetic()
    for name in ("inverse", "singular_values"):
        found = np.array(getattr(ctx, name)(X), dtype=object)
        for k, rows in enumerate(MATRICES):
            alone = np.array(getattr(single, name)(single.matrix(rows)))
            mine = np.array([x.values[k] for x in found.flat]).reshape(found.shape)
            assert mine == pytest.approx(alone)
    assert ctx.rank(X).values.tolist() == [2, 2, 2]


def test_a_singular_matrix_spoils_no_other():
    X, world = stacked([[[1, 0], [0, 1]], [[1, 1], [1, 1]]])
    found = BatchArithmetic(world=world).inverse(X)
    assert [x.values[0] for x in found.flat] == [1, 0, 0, 1]
    assert np.isnan(found[0, 0].values[1])
    with pytest.raises(BadInput, match="square"):
        BatchArithmetic(world=world).inverse(X[:1])


def test_exact_algorithms_know_batches():
    cases = [[[1, 2, 3], [2, 4, 7]], [[2, 4, 1], [1, 2, 3]]]
    X, world = stacked(cases)
    found = row_reduced(X)
    for k, rows in enumerate(cases):
        alone = row_reduced(EXACT.matrix(rows))
        mine = [[plain(x) if plain(x) is not None else x.values[k] for x in row] for row in found]
        assert mine == pytest.approx(np.array([[float(plain(x)) for x in row] for row in alone]))
    assert world.alive.all()
    tied = [[[2, 0, 0], [0, 2, 0], [0, 0, 0]], [[0, 3, 0], [3, 0, 0], [0, 0, 0]]]
    Y, _ = stacked(tied)
    (square, times), (zero, rest) = squared_levels(Y)
    assert square.values.tolist() == pytest.approx([4, 9])
    assert (times, zero, rest) == (2, 0, 1)
    assert multiplicities(Y) == [2, 1]


def test_a_run_has_a_limit():
    x = lifted([1, 2])
    with pytest.raises(Unbatched, match="operations"):
        for _ in range(100_000):
            x = x + 1
