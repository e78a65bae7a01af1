"""Flows in limbs: met by the series in balls, within the bound that a run gives of its error."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from lora_proofs.errors import ToleranceNotMet
from lora_proofs.integrate import limb_nodes, limb_series, refine, taylor
from lora_proofs.integrate.enclosure import enclose_flow
from lora_proofs.integrate.hull import affine_hull
from lora_proofs.integrate.limb_flow import LimbRun
from lora_proofs.integrate.limb_linear import is_polynomial
from lora_proofs.integrate.limbs import Unfit
from lora_proofs.integrate.tape import compile_words
from lora_proofs.integrate.taylor import high_precision_flow, in_balls, taylor_flow
from lora_proofs.mathematics import losses
from lora_proofs.mathematics.words import Identity, Scalar, Symbol, Trace
from lora_proofs.solving.flow_field import lora_field

X, C, s = Symbol("X", "n", "n"), Symbol("C", "n", "n"), Scalar("s")


def run_in_limbs(field, values, t, digits, most=10**4):
    tape = compile_words(field, values, field)
    hull = affine_hull(tape, values)
    assert is_polynomial(tape)
    with flint.ctx.workprec(int(3.33 * digits) + 256):
        run = LimbRun(tape, hull.in_balls(), in_balls(values), digits, most, None)
        return run.reach([Fraction(t)])[0]


def draw(seed, *shape, size=1):
    source = np.random.default_rng(seed)
    return [[Fraction(int(x), 7) for x in row] for row in source.integers(-7, 8, shape) * size]


def lora(seed, n, m, r, size=1, loss=losses.frobenius):
    W0, Y, A0, B0 = (draw(seed + k, *x) for k, x in enumerate([(n, m), (n, m), (r, m), (n, r)]))
    if seed % 2:
        B0 = [[0] * r for _ in range(n)]
    Y = [[size * x for x in row] for row in Y]
    return lora_field(loss(Y), W0, A0, B0)


def gaps(one, other):
    return [
        abs(x - y)
        for symbol, X in one.items()
        for x, y in zip(X.entries(), other[symbol].entries(), strict=True)
    ]


REGIMES = {
    "generic": (1, 3, 2, 2, 1),
    "from general B0": (2, 3, 3, 2, 1),
    "r = 1": (3, 4, 3, 1, 1),
    "r > min(n, m)": (4, 2, 2, 3, 1),
    "no target": (5, 2, 3, 2, 0),
    "fast": (6, 2, 2, 2, 60),
    "slow": (7, 3, 3, 1, Fraction(1, 10**8)),
}


@pytest.mark.parametrize("case", REGIMES, ids=str)
@pytest.mark.parametrize("digits", [8, 24])
def test_the_bound_of_a_run_holds_and_is_not_far_off(case, digits):
    field = lora(*REGIMES[case])
    t = Fraction(1, 16) if case == "fast" else Fraction(1)
    rough = run_in_limbs(field.rates, field.values, t, digits)
    sharp = run_in_limbs(field.rates, field.values, t, 2 * digits)
    with flint.ctx.workprec(500):
        error = max(gaps(rough.state, sharp.state))
        assert error <= flint.arb(2) ** rough.error + flint.arb(2) ** sharp.error
    assert sharp.error < rough.error < -2.5 * digits


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ({X: X @ X.T @ C - X}, {X: draw(1, 2, 2), C: draw(2, 2, 2)}),
        ({X: Trace(X @ C) * X - 3 * (C @ X.T)}, {X: draw(3, 2, 2), C: draw(4, 2, 2)}),
        ({X: s * (Trace(X) * C) - X / 3}, {X: draw(5, 2, 2), C: draw(6, 2, 2), s: "2/7"}),
        ({X: X @ X - Trace(X.T @ X) ** 2 * Identity("n")}, {X: [["1/3", 0], ["1/5", "1/2"]]}),
        ({X: C - X}, {X: [[0, 0], [0, 0]], C: draw(12, 2, 2)}),
        ({X: C - C + 0 * X}, {X: draw(8, 2, 2), C: draw(9, 2, 2)}),
        ({X: (C @ X + X) @ (X @ C + C)}, {X: draw(10, 2, 2), C: draw(11, 2, 2)}),
    ],
)
def test_every_kind_of_node_is_enclosed(field, values):
    found = run_in_limbs(field, values, "1/4", 25)
    sure = enclose_flow(field, values, "1/4", digits=35)["X"]
    with flint.ctx.workprec(300):
        bound = flint.arb(2) ** found.error
        for x, y in zip(found.state[X].entries(), sure.flat, strict=True):
            assert (x - y).abs_upper() <= bound and bound < 1e-20


@pytest.mark.parametrize("way", ["balls", "limbs"])
def test_limbs_and_balls_agree_to_every_digit(way, monkeypatch):
    field = lora(1, 2, 2, 1)
    if way == "balls":
        monkeypatch.setattr(taylor, "is_polynomial", lambda tape: False)
    end = field.taylor(1, digits=25)
    sure = field.enclosure(1, digits=32)
    with flint.ctx.workprec(300):
        for name in ("A", "B", "W", "loss"):
            for x, y in zip(np.ravel(end[name]), np.ravel(sure[name]), strict=True):
                number = flint.arb(str(x))
                assert abs(number - y) <= 2 * flint.arb(10) ** -25 * max(1, abs(float(x)))


def test_what_is_too_large_or_too_long_is_left_to_others():
    with pytest.raises(Unfit):
        run_in_limbs({X: -X}, {X: [[10**9]]}, 1, 20)
    with pytest.raises(Unfit):
        run_in_limbs({X: -X}, {X: [[1]]}, 1000, 20, most=50)
    end = taylor_flow({X: -X}, {X: [[10**9]]}, 1, digits=30)
    with flint.ctx.workprec(200):
        assert abs(flint.arb(str(end["X"][0, 0])) / (10**9 * flint.arb(-1).exp()) - 1) < 1e-29


@pytest.mark.parametrize("fault", ["divisor", "product", "order"])
def test_a_fault_in_the_series_shows_in_the_defect(fault, monkeypatch):
    """Coefficients a little wrong: digits are refused, not reported."""
    if fault == "divisor":
        honest = limb_series.LimbSeries._divisors
        monkeypatch.setattr(
            limb_series.LimbSeries, "_divisors", lambda self, R: honest(self, R) * (1 + 2**-40)
        )
    elif fault == "product":
        product = limb_nodes.Convolution.extend
        monkeypatch.setattr(
            limb_nodes.Convolution,
            "extend",
            lambda self, k, X, Y: product(self, k, X, Y) * (1 if k != 5 else 1 + 2**-20),
        )
    else:
        whole = limb_series.Form.of
        half = lambda form: limb_series.Form(form.beta, form.limbs[: form.order // 2])  # noqa: E731
        monkeypatch.setattr(limb_series.Form, "of", lambda *args: half(whole(*args)))
    monkeypatch.setattr(refine, "MAX_ATTEMPTS", 1)
    monkeypatch.setattr(refine, "PILOT", 40)
    with pytest.raises(ToleranceNotMet, match="digits"):
        lora(1, 2, 2, 1).taylor(2, digits=25)


def test_runs_are_compared_where_errors_grow_too_fast(monkeypatch):
    """A field whose symmetric part says e^60 while nothing grows: the bound is not used."""
    monkeypatch.setattr("lora_proofs.integrate.limb_flow.MOST_GROWTH", 1.0)
    end = high_precision_flow({X: C @ X}, {X: [[1, 0], [0, 1]], C: [[0, 8], [0, 0]]}, 1, digits=30)
    assert end.method == "taylor" and end["X"][0, 1] == 8
