"""The closed form of the Frobenius flow: reference values, enclosures, long times, refusals."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import flint
import numpy as np
import pytest

from lora_proofs.arithmetic import (
    EXACT,
    ArrayArithmetic,
    BallArithmetic,
    MultiprecisionArithmetic,
)
from lora_proofs.errors import BadInput, ShapeMismatch, Unavailable
from lora_proofs.mathematics import frobenius_riccati
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.matrices import best_rank_approximation
from lora_proofs.solving.flow_field import lora_field

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
ZERO_B = VECTORS["riccati_B0zero"]
BALANCED = VECTORS["riccati_balanced_r1"]
BALL, FLOAT = BallArithmetic(60), ArrayArithmetic()
ZERO = [[0] * 3] * 3


def start(data):
    return (
        data["E"],
        data["A0"],
        data["B0"]
        if "B0" in data and isinstance(data["B0"], list)
        else ([[0] * len(data["A0"])] * 3),
    )


def solved(data, t, ctx):
    E, A0, B0 = start(data)
    return frobenius_riccati_closed_form(ZERO, E, A0, B0, t, ctx)


@pytest.mark.parametrize("data", [ZERO_B, BALANCED], ids=["B0 = 0", "balanced, r = 1"])
def test_reference_values_to_forty_digits(data):
    found = solved(data, 1, BALL)
    with BALL.working():
        for x, text in zip(found.BA.flat, [x for row in data["BA"] for x in row], strict=True):
            assert abs(x - flint.arb(text)) < 1e-39
            assert x.rad() < 1e-55


@pytest.mark.parametrize("data", [ZERO_B, BALANCED], ids=["B0 = 0", "balanced, r = 1"])
def test_other_arithmetics_agree(data):
    exact = np.array([[float(x.mid()) for x in row] for row in solved(data, 1, BALL).BA])
    fine = solved(data, 1, MultiprecisionArithmetic(30))
    assert abs(solved(data, 1, FLOAT).BA - exact).max() < 1e-14
    assert abs(fine.BA.astype(float) - exact).max() < 1e-14


def test_rank_one_gives_the_factors_themselves():
    E, A0, B0 = start(BALANCED)
    flow = lora_field(frobenius(E), ZERO, A0, B0).enclosure(1, digits=25)
    found, rounded = solved(BALANCED, 1, BALL), solved(BALANCED, 1, FLOAT)
    for x, y, z in ((found.A, flow.A, rounded.A), (found.B, flow.B, rounded.B)):
        assert all(a.overlaps(b) for a, b in zip(x.flat, y.flat, strict=True))
        assert abs(z - x.astype(float)).max() < 1e-13
    assert solved(ZERO_B, 1, BALL).A is None


@pytest.mark.parametrize("c", [-1, 0, 1])
def test_a_singular_rectangular_residual_for_either_sign_of_c(c):
    E = [[2, 0, 0, 1], [0, 0, 0, 0], [1, 0, 0, 3]]
    A0 = [[0] * 4] * 2 if c == 1 else [[0, 1, 0, 0], [0, 0, 0, 1]]
    B0 = [[0] * 2] * 3 if c == -1 else [[1, 0], [0, 1], [0, 0]]
    zero = [[0] * 4] * 3
    found = frobenius_riccati_closed_form(zero, E, A0, B0, Fraction(1, 2), BALL)
    flow = lora_field(frobenius(E), zero, A0, B0).enclosure(Fraction(1, 2), digits=25)
    assert found.c == c
    assert all(x.overlaps(y) for x, y in zip(found.W.flat, flow.W.flat, strict=True))


def test_long_times_neither_overflow_nor_blur():
    E, A0, B0 = start(ZERO_B)
    limit = best_rank_approximation(E, 2, BALL)
    with BALL.working():
        gap = solved(ZERO_B, 200, BALL).BA - limit
        assert all(abs(x) < 1e-50 for x in gap.flat)
    for t in (100, 10**5):
        rounded = frobenius_riccati_closed_form(ZERO, E, A0, B0, t, FLOAT).BA
        assert abs(rounded - limit.astype(float)).max() < 1e-13


def exponentials(monkeypatch):
    """The size and the digits of every exponential that is computed from here on."""
    met, plain = [], frobenius_riccati._exp

    def watched(X, ctx):
        met.append((len(X), ctx.digits))
        return plain(X, ctx)

    monkeypatch.setattr(frobenius_riccati, "_exp", watched)
    return met


def test_one_exponential_of_the_size_of_the_field_is_enough(monkeypatch):
    met = exponentials(monkeypatch)
    solved(ZERO_B, 2, MultiprecisionArithmetic(30))
    assert [size for size, _ in met] == [6]


def test_a_late_time_takes_the_digits_of_the_worst_case_only_where_fewer_do_not_do(monkeypatch):
    met = exponentials(monkeypatch)
    args = ([[0, 0]] * 2, [[40, 3], [1, 2]], [[1, 0]], [[0], [0]], 32, BALL)
    found = frobenius_riccati_closed_form(*args).BA
    (_, digits), worst = met[-1], 60 + 4 * 40 * 32 / 2.31
    assert digits < worst / 4
    monkeypatch.setattr(frobenius_riccati, "EARLIER", ())
    again = frobenius_riccati_closed_form(*args).BA
    assert met[-1][1] > worst / 2
    assert [x.str(90) for x in found.flat] == [x.str(90) for x in again.flat]


@pytest.mark.parametrize("least", [0, "1e-40"], ids=["singular", "nearly singular"])
def test_a_field_without_a_moderate_inverse_is_integrated(monkeypatch, least):
    met = exponentials(monkeypatch)
    E, c = [[2, 0], [1, least]], [[1], [0]]
    found = frobenius_riccati_closed_form([[0, 0]] * 2, E, [[1, 0]], c, 2, BALL).BA
    assert 8 in {size for size, _ in met}
    near = frobenius_riccati_closed_form([[0, 0]] * 2, E, [[1, "1e-9"]], c, 2, BALL).BA
    assert all(abs(x - y) < 1e-7 for x, y in zip(found.flat, near.flat, strict=True))


def test_time_zero_is_the_start():
    E, A0, B0 = start(BALANCED)
    expected = EXACT.matrix(B0) @ EXACT.matrix(A0)
    for ctx in (BALL, FLOAT):
        found = frobenius_riccati_closed_form(ZERO, E, A0, B0, 0, ctx).BA.astype(float)
        assert abs(found - expected.astype(float)).max() < 1e-14


def test_refusals():
    E = [[1, 0], [0, 1]]
    with pytest.raises(BadInput, match="c I"):
        frobenius_riccati_closed_form([[0, 0]] * 2, E, [[1, 0], [0, 2]], [[0, 0]] * 2, 1, BALL)
    with pytest.raises(BadInput, match="0 or more"):
        frobenius_riccati_closed_form([[0, 0]] * 2, E, [[1, 0]], [[0]] * 2, -1, BALL)
    with pytest.raises(ShapeMismatch, match="expected Y"):
        frobenius_riccati_closed_form([[0, 0]] * 2, E, [[1, 0]], [[0, 0]] * 2, 1, BALL)
    with pytest.raises(Unavailable):
        frobenius_riccati_closed_form([[0, 0]] * 2, E, [[1, 0]], [[0]] * 2, 1, EXACT)
