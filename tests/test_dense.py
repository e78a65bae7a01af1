"""Products, inverses and singular value decompositions of dense matrices."""

from __future__ import annotations

from itertools import pairwise

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT, ArrayArithmetic, BallArithmetic, MultiprecisionArithmetic
from lora_proofs.arithmetic.dense import (
    fast_arithmetic,
    handed_on,
    inverse,
    lifted,
    product,
    singular_value_decomposition,
    to_floats,
)
from lora_proofs.arithmetic.midpoint import MidpointArithmetic
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable

FLOATING = [ArrayArithmetic(), MultiprecisionArithmetic(40), MidpointArithmetic(40)]
rng = np.random.default_rng(7)
Q, R = (np.linalg.qr(rng.normal(size=(6, 6)))[0] for _ in range(2))
MATRICES = {
    "generic": rng.normal(size=(6, 6)),
    "tall": rng.normal(size=(6, 3)),
    "wide": rng.normal(size=(3, 6)),
    "zero": np.zeros((3, 4)),
    "tied": np.diag([3.0, 3, 3, 2, 2, 0]),
    "nearly tied": Q @ np.diag([3, 3, 3, 2, 1e-9, 0]) @ R,
    "graded": Q @ np.diag(10.0 ** -np.arange(0, 24, 4)) @ R,
    "pairs": np.kron(np.diag([2.0, 1, 1]), [[0, -1], [1, 0]]),
    "rank one": np.ones((5, 5)),
}


def error(X):
    return float(abs(X).max()) if X.size else 0.0


@pytest.mark.parametrize("ctx", FLOATING, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("name", MATRICES)
def test_the_singular_value_decomposition_is_one_to_the_last_digits(name, ctx):
    tiny = 1e-13 if isinstance(ctx, ArrayArithmetic) else 1e-39
    with ctx.working():
        X = ctx.matrix(MATRICES[name])
        U, s, V = singular_value_decomposition(X, ctx)
        middle = ctx.zeros(len(s), len(s))
        for k, value in enumerate(s):
            middle[k, k] = value
        assert error(product(U, middle, V.T, ctx=ctx) - X) < tiny
        for W in (U, V):
            assert error(product(W.T, W, ctx=ctx) - ctx.identity(len(s))) < tiny
    assert all(a >= b >= 0 for a, b in pairwise(s))


def test_the_singular_values_agree_with_enclosures():
    X, ctx, ball = MATRICES["generic"], MidpointArithmetic(40), BallArithmetic(60)
    with ctx.working():
        _, found, _ = singular_value_decomposition(ctx.matrix(X), ctx)
    with ball.working():
        wanted = ball.singular_values(ball.matrix(X))
        assert all(abs(a - b) < flint.arb("1e-38") for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("ctx", [EXACT, *FLOATING], ids=lambda c: type(c).__name__)
def test_products_and_inverses_agree_with_those_of_rationals(ctx):
    X, Y = rng.integers(-9, 9, (2, 5, 5))
    wanted = EXACT.inverse(EXACT.matrix(X)) @ EXACT.matrix(Y)
    with ctx.working():
        found = product(inverse(ctx.matrix(X), ctx), ctx.matrix(Y), ctx=ctx)
        off = error(found - ctx.matrix(wanted)) if ctx is not EXACT else (found != wanted).any()
    assert off < {"exact": 1, "array": 1e-10}.get(ctx.name, 1e-37)


def test_an_ill_conditioned_matrix_is_inverted_or_refused():
    ctx = MidpointArithmetic(30)
    hilbert = EXACT.matrix([[flint.fmpq(1, i + j + 1) for j in range(12)] for i in range(12)])
    with ctx.working():
        X = ctx.matrix(hilbert)
        assert error(product(inverse(X, ctx), X, ctx=ctx) - ctx.identity(12)) < 1e-15
    for other in (EXACT, ctx, ArrayArithmetic(), MultiprecisionArithmetic(30)):
        with pytest.raises(BadInput, match="singular"):
            inverse(other.matrix(np.zeros((2, 2))), other)


def test_matrices_without_entries_multiply():
    for ctx in (EXACT, *FLOATING):
        with ctx.working():
            out = product(ctx.zeros(2, 0), ctx.zeros(0, 3), ctx=ctx)
            assert out.shape == (2, 3)
            assert not (out != 0).any()
            assert lifted(EXACT.zeros(0, 3), ctx).shape == (0, 3)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeMismatch, match=r"\(2, 2\) and \(3, 3\)"):
        product(EXACT.identity(2), EXACT.identity(3), ctx=EXACT)
    with pytest.raises(ShapeMismatch, match="square"):
        inverse(EXACT.zeros(2, 3), EXACT)
    with pytest.raises(Unavailable, match="singular value decomposition"):
        singular_value_decomposition(EXACT.identity(2), EXACT)
    with pytest.raises(BadInput, match="overflow"):
        singular_value_decomposition(np.full((2, 2), np.inf), ArrayArithmetic())


def test_numbers_are_handed_on_digit_for_digit():
    slow = MultiprecisionArithmetic(30)
    fast = fast_arithmetic(slow)
    with fast.working():
        third = fast.matrix([["1/3"]])
    assert abs(3 * handed_on(third, slow)[0, 0] - 1) < slow.mp.mpf(10) ** -38
    assert to_floats(EXACT.matrix([["1/3"]]))[0, 0] == 1 / 3
