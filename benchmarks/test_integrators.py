"""The integrators on a LoRA flow of the Frobenius loss, each against a peer at the same error."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lora_proofs.integrate.runge_kutta import runge_kutta_flow
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.solving.flow_field import FlowField, lora_field

Versus = Callable[..., None]
TOLERANCES = [10.0**-k for k in range(5, 14)]


def problem(n: int, m: int, r: int, seed: int = 1) -> dict[str, Any]:
    """Exact dyadic data that float64 holds too."""
    source = np.random.default_rng(seed)
    shapes = {"W0": (n, m), "Y": (n, m), "A": (r, m), "B": (n, r)}
    return {k: np.round(64 * source.normal(0, 0.5, s)) / 64 for k, s in shapes.items()}


def exact(X: Any) -> list[list[Fraction]]:
    return [[Fraction(float(x)) for x in row] for row in X]


def field_of(data: dict[str, Any]) -> FlowField:
    X = {name: exact(value) for name, value in data.items()}
    return lora_field(frobenius(X["Y"]), X["W0"], X["A"], X["B"])


def by_scipy(data: dict[str, Any], t: float, tolerance: float) -> Any:
    """The flow by solve_ivp, with a right-hand side written by hand."""
    n, r = data["B"].shape
    target, size = data["W0"] - data["Y"], n * r

    def rate(_: float, y: Any) -> Any:
        B, A = y[:size].reshape(n, r), y[size:].reshape(r, -1)
        G = target + B @ A
        return np.concatenate([-(G @ A.T).ravel(), -(B.T @ G).ravel()])

    start = np.concatenate([data["B"].ravel(), data["A"].ravel()])
    end = solve_ivp(rate, (0, t), start, "DOP853", rtol=tolerance, atol=tolerance / 100).y[:, -1]
    return end[:size].reshape(n, r), end[size:].reshape(r, -1)


def error(found: tuple[Any, Any], reference: Any) -> float:
    pairs = zip(found, (reference.B, reference.A), strict=True)
    return max(float(np.abs(X - Z.astype(float)).max()) for X, Z in pairs)


def equally_exact(data: dict[str, Any], t: int, reference: Any, wanted: float) -> float:
    """The largest tolerance with which solve_ivp meets the error that we have."""
    met = (tol for tol in TOLERANCES if error(by_scipy(data, t, tol), reference) <= wanted)
    return next(met, TOLERANCES[-1])


@pytest.mark.parametrize("shape", [(2, 2, 1), (8, 8, 2)], ids=str)
def test_one_flow_in_floats(versus: Versus, shape: tuple[int, int, int]) -> None:
    data, t = problem(*shape), 4
    field = field_of(data)
    reference = field.taylor(t, digits=20)
    found = field.float64(t, tolerance=1e-10)
    tolerance = equally_exact(data, t, reference, error((found.B, found.A), reference))
    versus(
        f"float64, one flow, {shape}, with error estimate",
        lambda: field.float64(t, tolerance=1e-10),
        f"solve_ivp DOP853, rtol {tolerance:.0e}",
        lambda: by_scipy(data, t, tolerance),
    )


@pytest.mark.parametrize("shape", [(2, 2, 1), (8, 8, 2)], ids=str)
def test_many_flows_in_floats(versus: Versus, shape: tuple[int, int, int]) -> None:
    """200 flows: ours as one batch, SciPy's one after the other."""
    t, size = 4, 200
    several = [problem(*shape, seed=k) for k in range(size)]
    field = field_of(several[0])
    stacked = {name: np.stack([data[name] for data in several]) for name in several[0]}
    values = {key: stacked.get(getattr(key, "name", ""), X) for key, X in field.values.items()}

    def ours() -> Any:
        return runge_kutta_flow(field.rates, values, t, tolerance=1e-10)

    reference = field.taylor(t, digits=20)
    found = ours()
    alone = (found["B"][0], found["A"][0])
    tolerance = equally_exact(several[0], t, reference, error(alone, reference))
    versus(
        f"float64, batch of {size}, {shape}, with error estimate",
        ours,
        f"solve_ivp DOP853, rtol {tolerance:.0e}, a loop",
        lambda: [by_scipy(data, t, tolerance) for data in several],
        rounds=3,
    )


def test_many_digits(versus: Versus) -> None:
    """30 digits up to T = 1/4, once: the peer takes long."""
    data, digits = problem(2, 2, 1), 30
    field = field_of(data)
    kept: dict[str, Any] = {}

    def ours() -> None:
        kept["ours"] = field.taylor(Fraction(1, 4), digits=digits)

    def theirs() -> None:
        kept["theirs"] = by_odefun(data, "0.25", digits)

    ours()  # the first flow in a process also loads what it needs
    versus(f"Taylor, {digits} digits, (2, 2, 1), T = 1/4", ours, "mpmath.odefun", theirs, rounds=1)
    entries = [*kept["ours"].B.flat, *kept["ours"].A.flat]
    ctx = mpmath.mp.clone()
    ctx.dps = digits + 10
    gaps = [abs(ctx.mpf(str(x)) - ctx.mpf(y)) for x, y in zip(entries, kept["theirs"], strict=True)]
    assert max(gaps) < ctx.mpf(10) ** (3 - digits)


def by_odefun(data: dict[str, Any], t: str, digits: int) -> Any:
    ctx = mpmath.mp.clone()
    ctx.dps = digits
    n, r = data["B"].shape
    m = data["A"].shape[1]
    target = ctx.matrix((data["W0"] - data["Y"]).tolist())

    def rate(_: Any, y: Any) -> list[Any]:
        B = ctx.matrix([y[i * r : (i + 1) * r] for i in range(n)])
        A = ctx.matrix([y[n * r + i * m : n * r + (i + 1) * m] for i in range(r)])
        G = target + B * A
        return [*(-(G * A.T)), *(-(B.T * G))]

    start = [ctx.mpf(float(x)) for name in "BA" for x in data[name].flat]
    return ctx.odefun(rate, 0, start)(ctx.mpf(t))


@pytest.mark.parametrize("shape", [(2, 2, 1), (4, 4, 2)], ids=str)
def test_what_rigour_costs(versus: Versus, shape: tuple[int, int, int]) -> None:
    field = field_of(problem(*shape))
    versus(
        f"enclosure, 30 digits, {shape}, T = 1",
        lambda: field.enclosure(1, digits=30),
        "our Taylor, 30 digits, estimated error",
        lambda: field.taylor(1, digits=30),
        rounds=3,
    )
