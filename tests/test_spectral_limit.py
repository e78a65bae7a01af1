"""Rates at the limit of an aligned start, against the reference values."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.errors import BadInput
from lora_proofs.mathematics.spectral_limit import (
    coupling_growth,
    mode_limit,
    mode_rate,
    sharpness,
)
from lora_proofs.solving.decimals import exact

CASE = json.loads((Path(__file__).parent / "vectors" / "gradient_flow.json").read_text())[
    "spectral_frob"
]
BALL = BallArithmetic(60)
D = [Fraction(d) ** 2 for d in CASE["d"]]


def near(ball, wanted):
    assert abs(exact(ball) - Fraction(wanted)) < Fraction(1, 10**38)


def test_the_modes_of_the_references():
    for sigma, gap, wanted in zip((3, 2), D, CASE["mode_rates"], strict=True):
        near(mode_rate(sigma, gap, BALL), wanted)
    for sigma, gap, wanted in zip((3, 2), D, CASE["transversal_rates_j3"], strict=True):
        near(coupling_growth(gap, sigma, 1, BALL), -Fraction(wanted))
    near(sharpness([(3, D[0]), (2, D[1])], BALL), CASE["sharpness"])


def test_the_escapes_of_the_references():
    escapes = CASE["escape_rate_from_S_2_3_toward_1"]
    near(coupling_growth(D[0], 2, 3, BALL), escapes["via mode 2 (d=1/2)"])
    near(coupling_growth(D[1], 1, 3, BALL), escapes["via mode 3 (d=1)"])


@pytest.mark.parametrize("sigma,gap", [(2, 3), (2, -3), (0, 4), (6, 5)])
def test_the_limit_of_a_mode_has_its_product_and_its_balance(sigma, gap):
    a, b = mode_limit(sigma, gap, EXACT)
    assert (a * b, a - b) == (sigma**2, gap)


def test_no_mode_has_no_sharpness():
    with pytest.raises(BadInput, match="at least one pair"):
        sharpness([], EXACT)
