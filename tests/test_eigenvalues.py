"""Enclosures of eigenvalues and singular values: ties, zeros, sizes, and planted faults."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import eigenvalues
from lora_proofs.arithmetic.eigenvalues import norm_bound, singular_values, symmetric_eigenvalues
from lora_proofs.arithmetic.leaning import leanings
from lora_proofs.errors import Unavailable

BITS = 200


def turned(values, seed=0):
    """Q diag(values) Q' with an exactly orthogonal Q, enclosed at the working precision."""
    k = len(values)
    lower = np.tril(np.random.default_rng(seed).integers(-9, 10, (k, k)), -1)
    skew = (lower - lower.T).tolist()
    S = flint.fmpq_mat([[flint.fmpq(x, 7) for x in row] for row in skew])
    one = flint.fmpq_mat([[int(i == j) for j in range(k)] for i in range(k)])
    Q = (one + S).solve(one - S)
    D = flint.fmpq_mat([[values[i] if i == j else 0 for j in range(k)] for i in range(k)])
    return flint.arb_mat(Q * D * Q.transpose())


def held(values, balls):
    """Whether every value, largest first, lies in its ball."""
    largest = sorted(values, reverse=True)
    return len(balls) == len(values) and all(
        ball.contains(flint.arb(x)) for ball, x in zip(balls, largest, strict=True)
    )


SPECTRA = [
    [3, 3, 3, 1, 1, 0, 0, 0],
    [5, 4, 3, 2, 1],
    [1] * 6,
    [0] * 4,
    [flint.fmpq(1), 1 + flint.fmpq(1, 10**25), 1 + flint.fmpq(1, 10**45), flint.fmpq(1, 10**30)],
    [flint.fmpq(10) ** 200, flint.fmpq(10) ** 199, flint.fmpq(1), flint.fmpq(0)],
    [flint.fmpq(1, 10**200), flint.fmpq(1, 10**201), flint.fmpq(0)],
]


@pytest.mark.parametrize("values", SPECTRA, ids=range(len(SPECTRA)))
def test_singular_values_of_every_kind_lie_in_their_balls(values):
    with flint.ctx.workprec(BITS):
        balls = singular_values(turned(values))
        assert held(values, balls)
        assert max(x.rad() for x in balls) <= max(values) * flint.arb(2) ** -170


def test_near_ties_are_told_apart_and_true_ties_are_not():
    with flint.ctx.workprec(BITS):
        first, second, third, _ = singular_values(turned(SPECTRA[4]))
        assert first > second > third
        one, two, *_ = singular_values(turned(SPECTRA[0]))
        assert one.overlaps(two)


def test_negative_eigenvalues():
    with flint.ctx.workprec(BITS):
        values = [2, 2, -1, -1, -3, 0]
        assert held(values, symmetric_eigenvalues(turned(values)))


@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (1, 3)])
def test_rectangles(shape):
    X = np.random.default_rng(1).integers(-9, 10, shape)
    with flint.ctx.workprec(BITS):
        balls = singular_values(flint.arb_mat(X.tolist()))
        assert np.allclose([float(x) for x in balls], np.linalg.svd(X.astype(float))[1])
        assert sum((x * x for x in balls), flint.arb(0)).contains(int((X * X).sum()))


def test_every_matrix_in_a_wide_ball_is_covered():
    source = np.random.default_rng(2)
    middle, radius = source.integers(-4, 5, (3, 3)), 0.125
    with flint.ctx.workprec(BITS):
        balls = singular_values(
            flint.arb_mat([[flint.arb(int(x), radius) for x in row] for row in middle])
        )
        for _ in range(50):
            moved = middle + radius * source.choice([-1, 0, 1], (3, 3))
            inner = singular_values(flint.arb_mat(moved.tolist()))
            assert all(a.contains(b) for a, b in zip(balls, inner, strict=True))
        assert max(x.rad() for x in balls) <= 3 * radius * 1.001


def test_more_radius_than_matrix_ends_and_is_wide():
    wide = flint.arb_mat([[flint.arb(0, 1)] * 4] * 4)
    balls = symmetric_eigenvalues(wide)
    assert held([4, 0, 0, 0], balls) and held([0, 0, 0, -4], balls)
    assert held([4, 0, 0, 0], singular_values(wide))


def test_what_is_not_finite_is_refused():
    with pytest.raises(Unavailable, match="not finite"):
        symmetric_eigenvalues(flint.arb_mat([[flint.arb("nan"), 0], [0, 1]]))
    for entry in ("nan", "inf", "[+/- inf]"):
        for matrix in ([[flint.arb(entry), 0], [0, 1]], [[flint.arb(entry), 0]]):
            with pytest.raises(Unavailable, match="not finite"):
                singular_values(flint.arb_mat(matrix))


def test_the_theorems_are_named():
    with leanings() as heard:
        singular_values(flint.arb_mat([[2, 1], [1, 1]]))
    assert list(heard) == ["Weyl's inequality", "Ostrowski's theorem"]


def test_a_norm_bound_is_above_the_norm():
    X = np.random.default_rng(3).integers(-9, 10, (4, 6))
    assert norm_bound(flint.arb_mat(X.tolist())) >= np.linalg.norm(X.astype(float), 2)


def blurred_is_covered():
    with flint.ctx.workprec(BITS):
        X = turned([3, 2, 1]).tolist()
        wide = flint.arb_mat([[x + flint.arb(0, "1e-20") for x in row] for row in X])
        shifted = flint.arb_mat([[x + flint.arb("0.9e-20") for x in row] for row in X])
        pairs = zip(singular_values(wide), singular_values(shifted), strict=True)
        return all(a.contains(b) for a, b in pairs)


def test_a_ball_rounded_to_nearest_is_told(monkeypatch):
    """Radii of the entries dropped, as if numbers had been rounded to nearest."""
    assert blurred_is_covered()
    zero = lambda X: flint.arb_mat(X.nrows(), X.ncols(), [0] * (X.nrows() * X.ncols()))  # noqa: E731
    monkeypatch.setattr(eigenvalues, "_radii", zero)
    assert not blurred_is_covered()


def wrong_basis(G):
    """Floats that nominate a bad basis: no enclosure may come out wrong for it."""
    k = G.nrows()
    shear = [[int(i == j) + flint.arb(2) ** -9 * (i < j) for j in range(k)] for i in range(k)]
    return flint.arb_mat(shear), [[i] for i in range(k)]


def test_a_bad_basis_costs_width_and_no_truth(monkeypatch):
    monkeypatch.setattr(eigenvalues, "_basis", wrong_basis)
    with flint.ctx.workprec(BITS):
        balls = singular_values(turned([3, 2, 1]))
        assert held([3, 2, 1], balls) and balls[0].rad() > 0.01


@pytest.mark.parametrize("dropped", ["stretch", "weyl"])
def test_a_dropped_theorem_is_told(monkeypatch, dropped):
    """Without Ostrowski's factor, or without what lies outside the blocks, a value is missed."""
    basis = wrong_basis
    if dropped == "stretch":  # an orthogonal basis times a factor: only the stretch is off
        basis = lambda G: (  # noqa: E731
            flint.arb_mat([[flint.arb(1.125) * (i == j) for j in range(2)] for i in range(2)]),
            [[0], [1]],
        )
    monkeypatch.setattr(eigenvalues, "_basis", basis)
    G = flint.arb_mat([[2, 0], [0, 1]]) if dropped == "stretch" else flint.arb_mat([[2, 1], [1, 2]])
    values = [2, 1] if dropped == "stretch" else [3, 1]
    assert held(values, symmetric_eigenvalues(G))
    whole = eigenvalues._bounded
    off = flint.arb(0)
    faults = {
        "stretch": ("_bounded", lambda S, _, groups, size: whole(S, off, groups, size)),
        "weyl": ("_between", lambda S, groups: flint.arb_mat(2, 2, [0] * 4)),
    }
    monkeypatch.setattr(eigenvalues, *faults[dropped])
    assert not held(values, symmetric_eigenvalues(G))
