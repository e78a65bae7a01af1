"""Enclosures contain the truth: closed forms at 200 digits, and exact rationals.

A change of 2^-60 in the target is told apart on every instance whose flow depends on it, what
overlaps leaves a comparison undecided, and planted faults are told by the same functions.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_proofs.arithmetic import EXACT, BallArithmetic, equal, squared_norm, trace
from lora_proofs.integrate import enclosure, enclosure_step
from lora_proofs.integrate.enclosure_step import Stepper
from lora_proofs.mathematics.closed_forms import trace_squared_closed_form
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.mathematics.losses import frobenius, trace_squared
from lora_proofs.solving.flow_field import lora_field
from lora_proofs.strategies import SeededDraw, orthonormal_rows
from lora_proofs.strategies.draw import HypothesisDraw

TRUTH = BallArithmetic(200)
DIGITS = 24
TINY = flint.fmpq(1, 2**60)
TIMES = [Fraction(1, 16), Fraction(1, 8), Fraction(1, 4), Fraction(1, 2)]
# Of six kinds together 1,002 at the 10,000 examples of the nightly profile and 30 at the 250 of ci;
# of 8 x 8, 50 and 3.
SMALL = settings(settings(), max_examples=max(2, -(-settings().max_examples // 60)))
LARGE = settings(settings(), max_examples=max(3, settings().max_examples // 200))


@dataclass(frozen=True, eq=False)
class Case:
    """A flow and its time; ``q`` where its factors are known to be A0/q and B0/q there."""

    Y: Any  # None: the loss is (tr W)^2 / 2
    W0: Any
    A0: Any
    B0: Any
    t: Fraction
    q: Any = None


def enclosed(case, digits=DIGITS):
    """The enclosure that is asked."""
    loss = trace_squared() if case.Y is None else frobenius(case.Y)
    return lora_field(loss, case.W0, case.A0, case.B0).enclosure(case.t, digits=digits)


def truth(case):
    """What the enclosure has to contain, by name: exact, or in balls of 200 digits."""
    if case.q is not None:
        A, B = case.A0 / case.q, case.B0 / case.q
        return {"A": A, "B": B, "W": case.W0 + B @ A}
    if case.Y is None:
        end = trace_squared_closed_form(case.W0, case.A0, case.B0, case.t, TRUTH)
        return {"A": end.A, "B": end.B, "W": end.W}
    end = frobenius_riccati_closed_form(case.W0, case.Y, case.A0, case.B0, case.t, TRUTH)
    return {"W": end.W} | ({} if end.A is None else {"A": end.A, "B": end.B})


def contains(ball, x):
    """Whether the true number, exact or in a ball far narrower than ours, lies in our ball."""
    return ball.contains(x) or (isinstance(x, flint.arb) and x.contains(ball))


def missed(end, true):
    """The names of what does not contain the truth."""
    with TRUTH.working():
        return [
            name
            for name, X in true.items()
            if not all(contains(ball, x) for ball, x in zip(end[name].flat, X.flat, strict=True))
        ]


def apart(end, other):
    """Whether some entry of the factors is surely another one."""
    pairs = ((x, y) for name in "AB" for x, y in zip(end[name].flat, other[name].flat, strict=True))
    return any(not x.overlaps(y) for x, y in pairs)


def narrow(end):
    """Whether it keeps the digits that were asked for; a ball of everything contains the truth."""
    size = max(abs(float(x.mid())) for name in "AB" for x in end[name].flat)
    return float(end.error_bound) <= 10.0**-DIGITS * max(1, size)


def moved(case):
    """The same with a target that differs by 2^-60 where the flow sees it at once; or ``None``."""
    seen = [(i, j) for i, j in np.ndindex(case.W0.shape)
            if any(case.A0[:, j]) or any(case.B0[i])]  # fmt: skip
    if not seen:
        return None
    change = EXACT.zeros(*case.W0.shape)
    if case.Y is None:  # the target is 0, and W0 is as far from it: only its trace is seen
        change[0, 0] = -TINY
        return replace(case, W0=case.W0 - change, q=None)
    change[seen[len(seen) // 2]] = TINY
    return replace(case, Y=case.Y + change, q=None)


def complaints(case, enclose=enclosed):
    """Everything that is wrong with the enclosure of a case."""
    end = enclose(case)
    yield from (f"{name} is missed" for name in missed(end, truth(case)))
    if not end.rigorous or not narrow(end):
        yield "wide"
    other = moved(case)
    if other is not None and not apart(end, enclose(other)):
        yield "a change of 2^-60 is not seen"


def entries(draw, n, m):
    """An n x m matrix of fractions, most of which no ball holds exactly."""
    fraction = lambda: flint.fmpq(draw.integer(-3, 3), draw.integer(1, 3))  # noqa: E731
    return EXACT.matrix([[fraction() for _ in range(m)] for _ in range(n)])


def orthonormal(draw, r, m):
    return EXACT.matrix(orthonormal_rows(draw, r, m))


def riccati_rank_one(draw, n, m, r):
    """Every start with r = 1 has a closed form."""
    factors = {"A0": entries(draw, 1, m), "B0": entries(draw, n, 1)}
    return Case(entries(draw, n, m), entries(draw, n, m), **factors, t=draw.choice(TIMES))


def riccati_from_zero(draw, n, m, r):
    """B0 = 0 and a multiple of orthonormal rows."""
    A0 = flint.fmpq(draw.integer(1, 4), 3) * orthonormal(draw, r, m)
    Y, W0 = entries(draw, n, m), entries(draw, n, m)
    return Case(Y, W0, A0, EXACT.zeros(n, r), draw.choice(TIMES))


def riccati_balanced(draw, n, m, r):
    """B0'B0 - A0 A0' = c I with both factors orthonormal up to numbers."""
    a, b = (flint.fmpq(draw.integer(1, 4), 3) for _ in range(2))
    A0, B0 = a * orthonormal(draw, r, m), b * orthonormal(draw, r, n).mT
    return Case(entries(draw, n, m), entries(draw, n, m), A0, B0, draw.choice(TIMES))


def trace_squared_any(draw, n, m, r):
    """Every start of the trace-squared flow has a closed form."""
    A0, B0 = entries(draw, r, n), entries(draw, n, r)
    return Case(None, entries(draw, n, n), A0, B0, draw.choice(TIMES))


def algebraic_decay(draw, n, m, r):
    """W0 = Y and both factors a times orthonormal: a' = -a^3, so a/q at t = (q^2 - 1)/(2 a^2)."""
    a, q = draw.choice([1, 2]), flint.fmpq(*draw.choice([(5, 4), (3, 2), (9, 8)]))
    A0, B0, W0 = a * orthonormal(draw, r, m), a * orthonormal(draw, r, n).mT, entries(draw, n, m)
    return Case(W0, W0, A0, B0, _time(q, a * a), q)


def algebraic_cone(draw, n, m, r):
    """tr W0 = 0 and B0 = A0': the flow stays on the cone, and x = 1 + 2 |A0|^2 t = q^2."""
    q = flint.fmpq(*draw.choice([(5, 4), (3, 2), (9, 8)]))
    A0 = EXACT.matrix([[draw.integer(-2, 2) for _ in range(n)] for _ in range(r)])
    A0[0, 0] = EXACT.number(1 + draw.integer(0, 1))
    W0 = entries(draw, n, n)
    W0[0, 0] -= trace(W0)
    return Case(None, W0, A0, A0.mT, _time(q, squared_norm(A0)), q)


def _time(q, square):
    t = (q * q - 1) / (2 * square)
    return Fraction(int(t.p), int(t.q))


SQUARE = [trace_squared_any, algebraic_cone]
KINDS = [riccati_rank_one, riccati_from_zero, riccati_balanced, algebraic_decay, *SQUARE]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@SMALL
@given(st.data())
def test_enclosures_contain_the_truth_and_tell_a_change_of_the_target(kind, data):
    draw = HypothesisDraw(data.draw)
    n, m = draw.integer(1, 3), draw.integer(1, 3)
    widest = n if kind in SQUARE else min(n, m)
    assert not list(complaints(kind(draw, n, m, draw.integer(1, widest))))


def large_case(draw):
    kind = draw.choice([riccati_rank_one, riccati_from_zero, trace_squared_any])
    case = kind(draw, 8, 8, draw.integer(2, 3))
    return replace(case, t=Fraction(1, 32))


@LARGE
@given(st.integers(0, 10**6))
def test_enclosures_of_eight_by_eight_contain_the_truth(seed):
    assert not list(complaints(large_case(SeededDraw.keyed("8 x 8", seed))))


def mixed_start(seed):
    """r = 1, with no zero among the entries of the start."""
    case = riccati_rank_one(SeededDraw.keyed("mixed", seed), 2, 2, 1)
    return replace(case, A0=case.A0 + flint.fmpq(1, 7), B0=case.B0 + flint.fmpq(1, 7))


@LARGE
@given(st.integers(0, 10**6))
def test_what_overlaps_is_undecided(seed):
    """A change below every radius is never seen, and never denied."""
    case = mixed_start(seed)
    end = enclosed(case)
    near = enclosed(replace(case, A0=case.A0 + flint.fmpq(1, 10**300)))
    coarse = enclosed(case, DIGITS - 8)
    for name in ("A", "B", "W"):
        for other in (end, near, coarse):
            assert equal(name, end[name], other[name]).outcome == "undecided"
    far = equal("A", end.A, enclosed(replace(case, A0=case.A0 + TINY)).A)
    assert far.outcome == "fails" and far.rigorous


# A saddle is left slowly, so errors grow by e^16; and starts of every kind.
SADDLE = Case(*(EXACT.matrix([[x]]) for x in (4, 0, "1e-9", "1/7000000000")), t=Fraction(4))
PLANTED = [SADDLE, *(kind(SeededDraw.keyed("planted", kind.__name__), 2, 2, 1) for kind in KINDS)]


def told():
    """Everything that is wrong with the enclosures of the cases for planted faults."""
    return [complaint for case in PLANTED for complaint in complaints(case)]


def test_without_faults_nothing_is_told():
    assert not told()


def _scaled_defect(factor):
    honest = enclosure_step._defect
    return lambda *given: honest(*given) * factor


def _without_radius_before():
    honest = Stepper.radius
    return lambda self, path, rates, h, before: honest(self, path, rates, h, flint.arb(0))


def _half_of_the_growth():
    honest = Stepper.growth_at
    return lambda self, point: honest(self, point) / 2


FAULTS = {
    "defect removed": (enclosure_step, "_defect", _scaled_defect(0)),
    "defect too small": (enclosure_step, "_defect", _scaled_defect(flint.arb(2) ** -3)),
    "growth 0": (Stepper, "growth_at", lambda self, point: flint.arb(0)),
    "growth halved": (Stepper, "growth_at", _half_of_the_growth()),
    "error so far dropped": (Stepper, "radius", _without_radius_before()),
    "radius dropped": (enclosure, "_spread", lambda X, radius: X),
    "remainder dropped": (Stepper, "radius", lambda self, path, rates, h, before: before),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_told(monkeypatch, fault):
    monkeypatch.setattr(*FAULTS[fault])
    assert any(complaint.endswith("missed") for complaint in told())


def test_a_useless_ball_is_told_and_so_is_one_that_sees_no_change():
    everything = flint.arb(0, 10**6)

    def useless(case):
        end = enclosed(case)
        values = {name: X + everything for name, X in end.values.items()}
        return replace(end, values=values, error_bound=everything.rad())

    assert {"wide", "a change of 2^-60 is not seen"} <= set(complaints(SADDLE, useless))
