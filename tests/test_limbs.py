"""Fixed-point limbs: whole numbers in and out, sums of products to the last place."""

from __future__ import annotations

import random

import numpy as np
import pytest

from lora_proofs.integrate.limbs import (
    Convolution,
    carry,
    join,
    magic,
    most_terms,
    rounds,
    split,
    toeplitz,
)

SOURCE = random.Random(7)


def numbers(count, beta, limbs, size=1):
    top = size << (beta * (limbs - 1))
    return [SOURCE.randrange(-top, top) for _ in range(count)]


def places(beta, limbs):
    return 2.0 ** (-beta * np.arange(limbs))


@pytest.mark.parametrize("beta", [12, 17, 21, 24])
def test_whole_numbers_come_back(beta):
    given = [*numbers(20, beta, 6, size=100), 0, 1, -1]
    limbs = split(given, beta, 6)
    assert join(limbs, beta) == given
    assert np.all(np.abs(limbs[1:]) <= 2.0 ** (beta - 1) * places(beta, 6)[1:, None])


@pytest.mark.parametrize("beta", [16, 17, 19, 20, 21, 24])
def test_carrying_balances_the_largest_sums_and_keeps_the_number(beta):
    raw = np.array([SOURCE.choice([-1, 1]) * SOURCE.randrange(2**51, 2**52) for _ in range(90)])
    x = raw.reshape(9, 10).astype(float)
    x[0] = 0  # whole parts are not carried on
    x *= places(beta, 9)[:, None]
    before = join(x, beta)
    carry(x[:-1], x[1:], magic(beta, 9)[:, None], np.empty_like(x[1:]), rounds(beta))
    assert join(x, beta) == before
    assert np.all(np.abs(x[1:]) <= 1.01 * 2.0 ** (beta - 1) * places(beta, 9)[1:, None])


def test_a_convolution_is_exact_where_all_limbs_are_at_their_largest():
    """Every limb at 2^(beta - 1) and as many terms as are allowed: one more bit would round."""
    order, count, inner = 8, 5, 3
    beta = max(b for b in range(12, 25) if most_terms(b) >= order * count * inner)
    largest = 2.0 ** (beta - 1) * places(beta, count)
    X = np.tile(largest[None, :, None], (2, 1, inner))
    Y = np.tile(largest[None, :, None], (inner, 1, 4))
    X[:, -1] -= places(beta, count)[-1]
    product = Convolution((2, inner, 4), [count] * order)
    for k in range(order):
        found = product.extend(k, X, Y)
    x = join(X.transpose(1, 0, 2).reshape(count, -1), beta)[0]
    limbs = [round(v) for v in X[0, :, 0] / places(beta, count)]
    others = [round(v) for v in Y[0, :, 0] / places(beta, count)]
    for place in range(count):
        exact = sum(limbs[i] * others[place - i] for i in range(place + 1)) * order * inner
        assert found[0, place, 0] / places(beta, count)[place] == exact
    assert x > 0


def test_a_convolution_with_fewer_and_fewer_limbs_meets_whole_numbers():
    beta, (n1, n2, n3) = 21, (2, 5, 3)
    limbs = [max(4, 10 - k // 4) for k in range(30)]
    scale = 1 << (beta * 9)
    X = [numbers(n1 * n2, beta, 10) for _ in limbs]
    Y = [numbers(n2 * n3, beta, 10) for _ in limbs]
    product = Convolution((n1, n2, n3), limbs)
    for k, count in enumerate(limbs):
        x = split(X[k], beta, 10).reshape(10, n1, n2).transpose(1, 0, 2)[:, :count]
        y = split(Y[k], beta, 10).reshape(10, n2, n3).transpose(1, 0, 2)[:, :count]
        found = join(product.extend(k, x, y).transpose(1, 0, 2).reshape(count, -1), beta)
        for a in range(n1):
            for c in range(n3):
                exact = sum(
                    X[i][a * n2 + j] * Y[k - i][j * n3 + c] for i in range(k + 1) for j in range(n2)
                )
                gap = found[a * n3 + c] * scale // (1 << beta * (count - 1)) * scale - exact
                assert abs(gap) <= scale**2 * (k + 1) * n2 * 8 * 2.0 ** (-beta * (count - 2))


def test_a_constant_is_multiplied_by_one_matrix():
    beta, count = 20, 6
    c, x = numbers(6, beta, count), numbers(2, beta, count)
    T = toeplitz(split(c, beta, count).reshape(count, 2, 3))
    row = split(x, beta, count).reshape(1, count * 2)
    found = join((row @ T).reshape(count, 3), beta)
    scale = 1 << (beta * (count - 1))
    for j in range(3):
        exact = x[0] * c[j] + x[1] * c[3 + j]
        assert abs(found[j] * scale - exact) <= scale * count * 2 * 2 ** (beta + 2)
