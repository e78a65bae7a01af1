"""Modes of the Frobenius flow: what the claims on spectral starts are built from."""

import json
from fractions import Fraction
from pathlib import Path

import flint
import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic, squared_norm
from lora_proofs.claims.rushka_klabjan.frobenius import ties
from lora_proofs.claims.rushka_klabjan.frobenius.escape_rates import growth
from lora_proofs.claims.rushka_klabjan.frobenius.modes import Mode
from lora_proofs.claims.rushka_klabjan.frobenius.scalar_rate import mu
from lora_proofs.claims.rushka_klabjan.frobenius.spectral import (
    Frame,
    example,
    spectral_start,
    tail,
    truncated,
)
from lora_proofs.mathematics.flows import frobenius_scalar_closed_form
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies.draw import SeededDraw

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())
BALL = BallArithmetic(60)


def within(ball, digits):
    """Whether the ball meets a decimal number of 40 digits, and is as narrow as that."""
    return bool(abs(ball - flint.arb(digits)) < flint.arb(10) ** -38)


@pytest.mark.parametrize("case", VECTORS["scalar_frob"], ids=lambda c: f"{c['sigma']},{c['a0']}")
def test_rate_of_a_mode(case):
    """2 mu is the reference rate."""
    mode = Mode.of(case["sigma"], [case["a0"]], [case["b0"]])
    with BALL.working():
        assert within(2 * mu(mode, BALL), case["rate"])


def test_rates_of_the_spectral_reference_case():
    """The modes of diag(3, 2, 1), the decay of couplings to the third, and two escapes."""
    case = VECTORS["spectral_frob"]
    modes = [Mode.of(s, [d], [0]) for s, d in ((3, "1/2"), (2, "1"))]
    with BALL.working():
        for mode, rate in zip(modes, case["mode_rates"], strict=True):
            assert within(2 * mu(mode, BALL), rate)
        for s, D, rate in zip((3, 2), ("1/4", "1"), case["transversal_rates_j3"], strict=True):
            assert within(-escape(s, D, 1), rate)
        escapes = case["escape_rate_from_S_2_3_toward_1"]
        assert within(escape(2, "1/4", 3), escapes["via mode 2 (d=1/2)"])
        assert within(escape(1, "1", 3), escapes["via mode 3 (d=1)"])


def escape(s, D, t):
    """The growth towards singular value t where the mode of s and D has reached its end."""
    D = BALL.number(Fraction(D))
    a_squared = (D + BALL.sqrt(D * D + 4 * s * s)) / 2
    return growth(a_squared, a_squared - D, BALL.number(t), BALL)


@pytest.mark.parametrize(
    ("sigma", "a", "b"),
    [(2, 1, 0), (2, 1, "-1/2"), (-1, 1, "1/4"), (0, 2, 1), (2, 1, -1), (0, 1, 1), (1, 2, 2)],
)
def test_the_bound_of_a_mode_holds(sigma, a, b):
    """The distance of w from its limit against its bound, at many times."""
    mode = Mode.of(sigma, [a], [b])
    with BALL.working():
        for k in range(1, 24):
            t = Fraction(k, 4)
            w = frobenius_scalar_closed_form([[0]], [[sigma]], [[a]], [[b]], t, BALL).W[0, 0]
            bound = mode.distance_bound(t, BALL) + flint.arb(10) ** -30
            assert abs(w - BALL.number(mode.limit)) <= bound


def test_a_start_in_rotated_bases_runs_as_its_frame_says():
    """The closed form in the frame against an enclosure of the flow itself."""
    start = spectral_start(SeededDraw.keyed(3), (3, 2), (2, 1), (0,), ("1/2",), ("1/4",))
    frame, t = Frame.of(start), Fraction(1, 8)
    run = lora_field(frobenius(start.Y), start.W0, start.A0, start.B0).enclosure(t, digits=20)
    assert run.loss.overlaps(frame.loss_at(t, BALL))


def test_the_limit_of_a_spectral_start_is_the_truncation():
    """E = diag(3, 2, 1, 1/2), r = 2: loss 5/8, for the directions 2 and 4 loss 5."""
    values, NO_B = (3, 2, 1, Fraction(1, 2)), [[0, 0] for _ in range(5)]
    best = example(values, [[1, 0, 0, 0], [0, -2, 0, 0]], NO_B)
    assert Frame.of(best).limit.loss == tail(best, 2) == EXACT.number(Fraction(5, 8))
    assert (truncated(best, 2) == Frame.of(best).limit.BA).all()
    other = example(values, [[0, 1, 0, 0], [0, 0, 0, 1]], NO_B)
    assert Frame.of(other).limit.loss == 5
    asleep = example(values, [[1, 0, 0, 0], [0, 0, 0, 0]], NO_B)
    assert Frame.of(asleep).limit.loss == EXACT.number(Fraction(21, 8))


def test_a_turned_start_has_the_same_residual_and_another_limit():
    """E = diag(3, 1, 1) and the direction (3/5, 4/5): the entry (2, 2) of BA tends to 9/25."""
    turned = ties.turned(ties.EXAMPLE)
    frame = Frame.of(turned)
    BA = frame.U @ frame.limit.BA @ frame.V.mT
    assert (turned.Y, turned.W0) == (ties.EXAMPLE.Y, ties.EXAMPLE.W0)
    assert BA[1, 1] == flint.fmpq(9, 25)
    assert squared_norm(frame.E - frame.limit.BA) == 1
