"""Laws of the flows: what is conserved, what descends, and three integrators that agree."""

from types import SimpleNamespace

import numpy as np
from hypothesis import assume, given, settings

from lora_proofs.arithmetic import EXACT, BallArithmetic, at_most, equal
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.integrate.enclosure import enclose_flow
from lora_proofs.integrate.runge_kutta import runge_kutta_flow
from lora_proofs.integrate.taylor import taylor_flow
from lora_proofs.mathematics import losses, words
from lora_proofs.strategies import REGIMES, hypothesis_strategy, lora_problem
from lora_proofs.symbolic.differential import gradient

DIGITS = 20
SLOW = settings(settings(), max_examples=max(10, settings().max_examples // 10))
regimes = tuple(regime for regime in REGIMES if regime not in ("huge scale", "r > min(n, m)"))


def draw_problem(draw, regime):
    loss = draw.choice(("frobenius", "trace-squared"))
    t = draw.choice(("1/16", "1/64", "1/4"))
    return lora_problem(draw, regime, loss=loss, largest=2, t=t)


problems = hypothesis_strategy(SimpleNamespace(regimes=regimes, draw=draw_problem))


def flow(x):
    """The derived field of a problem, its values, and what is observed along it."""
    square = x.loss == "trace-squared"
    m = "n" if square else "m"
    A, B, W0 = words.Symbol("A", "r", m), words.Symbol("B", "n", "r"), words.Symbol("W0", "n", m)
    W, loss = W0 + B @ A, losses.loss_from_instance(x)
    values = {A: x.A0, B: x.B0, W0: x.W0, **loss.symbols(W)}
    g = loss.value_word(W)
    field = {symbol: -gradient(g, symbol) for symbol in (A, B)}
    return field, values, {"loss": g, "D": B.T @ B - A @ A.T}


def solved(integrate, x, **options):
    """The trajectory at time t; a start from which it is out of reach is not counted."""
    field, values, observables = flow(x)
    try:
        return integrate(field, values, x.t, observables=observables, **options)
    except ToleranceNotMet:
        assume(False)


def at_start(x):
    p, loss = x.lift(EXACT), losses.loss_from_instance(x)
    D = p.B0.mT @ p.B0 - p.A0 @ p.A0.mT
    return loss.value(p.W0 + p.B0 @ p.A0, EXACT), D


@SLOW
@given(problems)
def test_the_enclosed_flow_conserves_the_balance_and_descends(x):
    ball = BallArithmetic(DIGITS)
    enclosed = solved(enclose_flow, x, digits=DIGITS)
    loss, D = at_start(x)
    with ball.working():
        assert enclosed.rigorous
        assert equal("balance", enclosed["D"], ball.matrix(D)).outcome != "fails"
        assert at_most("loss", enclosed["loss"], ball.number(loss)).outcome != "fails"
        drift = max(abs(d) for d in (enclosed["D"] - ball.matrix(D)).flat)
        assert drift < ball.number("1e-3")


@SLOW
@given(problems)
def test_series_and_floats_lie_near_the_enclosure(x):
    enclosed = solved(enclose_flow, x, digits=DIGITS)
    series, floats = solved(taylor_flow, x, digits=DIGITS), solved(runge_kutta_flow, x)
    ball = BallArithmetic(DIGITS)
    with ball.working():
        allowed = ball.number(float(np.max(floats.error_bound))) + ball.number("1e-12")
        for name in ("A", "B"):
            near = zip(enclosed[name].flat, series[name].flat, floats[name].flat, strict=True)
            for exact, by_series, by_floats in near:
                size = 1 + abs(exact)
                unit = size * ball.number(f"1e-{DIGITS - 1}")
                assert not abs(ball.number(str(by_series)) - exact) > unit
                assert not abs(ball.number(float(by_floats)) - exact) > allowed * size


@SLOW
@given(problems)
def test_a_stationary_start_stays(x):
    """From A0 = B0 = 0 nothing moves, however long."""
    zero = {name: [[0] * len(row) for row in getattr(x, name)] for name in ("A0", "B0")}
    enclosed = solved(enclose_flow, x.replace(**zero), digits=DIGITS)
    assert all(bool(entry == 0) for name in ("A", "B") for entry in enclosed[name].flat)
