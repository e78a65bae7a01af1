"""The starts on the kept cone: semidefiniteness is checked, and the decay is tied to the time."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest

import lora_proofs
from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.claims.rushka_klabjan.trace_squared import balanced_start
from lora_proofs.claims.rushka_klabjan.trace_squared import kept_cone as cone
from lora_proofs.errors import Contradiction
from lora_proofs.mathematics.flows import trace_squared_closed_form
from lora_proofs.mathematics.instance import Instance

SMALL = balanced_start.balanced_instance(
    [Fraction(2), Fraction(1)], 1, EXACT.identity(2), Fraction(3, 2)
)


@pytest.mark.parametrize(
    "F,holds",
    [
        ([[1, 2], [2, 4]], True),
        ([[0, 0], [0, 3]], True),
        ([[3, 0], [0, -1]], False),
        ([[0, 1], [1, 5]], False),
        ([[1, 2], [2, 3]], False),
        ([[1, 1], [0, 1]], False),
    ],
)
def test_a_weight_without_a_root_is_checked_to_be_semidefinite(F, holds):
    found = cone.is_positive(Instance(F=F), EXACT)
    assert all(comparison.outcome == "holds" for comparison in found) == holds


def test_the_time_is_that_of_the_closed_form():
    ball = BallArithmetic(40)
    with ball.working():
        t = cone.time(SMALL, ball)
        end = trace_squared_closed_form(SMALL.F, SMALL.A0, SMALL.B0, t, ball)
        A, _ = cone.factors(SMALL, EXACT)
        for x, y in zip(end.A.flat, A.flat, strict=True):
            assert x.overlaps(ball.number(y)) and x.rad() < 1e-30


@pytest.mark.parametrize("rate", [1, 4])
def test_another_rate_of_the_decay_is_caught(monkeypatch, rate):
    true = balanced_start.decay
    monkeypatch.setattr(balanced_start, "decay", lambda x, ctx, _=2: true(x, ctx, rate))
    with contextlib.suppress(Contradiction):
        assert lora_proofs.verify(balanced_start.claim, "quick").verdict != "PROVED"
