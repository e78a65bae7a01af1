"""Certified results against what else there is: enclosures of the flow, ranks, singular values.

``mpmath.odefun`` is not rigorous, and the interval Taylor method is written for this file: the
plain one, entry by entry, with the box of Picard's operator, as a first attempt would be. Both run
as far as they come in reasonable time, and the table says how far that was.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from time import process_time
from typing import Any

import flint
import mpmath
import numpy as np
import pytest

from lora_proofs.arithmetic import EXACT
from lora_proofs.arithmetic.eigenvalues import singular_values
from lora_proofs.mathematics.losses import frobenius
from lora_proofs.mathematics.singular_values import multiplicities, singular_value
from lora_proofs.solving.flow_field import FlowField, lora_field

Versus = Callable[..., None]
Data = dict[str, Any]
PATIENCE = 30.0
"""Seconds of processor time after which a peer is stopped."""


def problem(n: int, r: int, seed: int = 1) -> Data:
    """Whole numbers over 16, of norm near 1, from B0 = 0."""
    source = np.random.default_rng(seed)
    shapes = {"W0": (n, n), "Y": (n, n), "A": (r, n), "B": (n, r)}
    data = {k: np.round(16 * source.normal(0, 0.5, s)) / 16 for k, s in shapes.items()}
    return {**data, "B": np.zeros((n, r))}


def field_of(data: Data) -> FlowField:
    rows = {k: [[Fraction(float(x)) for x in row] for row in X] for k, X in data.items()}
    return lora_field(frobenius(rows["Y"]), rows["W0"], rows["A"], rows["B"])


class Stopped(Exception):
    """A peer that takes too long."""


def by_odefun(data: Data, T: float) -> float:
    """How far mpmath's Taylor method (15 digits, no bound) comes in ``PATIENCE`` seconds."""
    n, r = data["B"].shape
    ctx = mpmath.mp.clone()
    E, started, reached = ctx.matrix((data["Y"] - data["W0"]).tolist()), process_time(), 0.0

    def rate(t: Any, y: Any) -> list[Any]:
        nonlocal reached
        if process_time() - started > PATIENCE:
            raise Stopped
        reached = max(reached, float(t))
        B = ctx.matrix([y[i * r : (i + 1) * r] for i in range(n)])
        A = ctx.matrix([y[n * r + i * n : n * r + (i + 1) * n] for i in range(r)])
        G = E - B * A
        return [*(G * A.T), *(B.T * G)]

    start = [ctx.mpf(float(x)) for name in "BA" for x in data[name].flat]
    try:
        ctx.odefun(rate, 0, start)(ctx.mpf(T))
    except Stopped:
        return reached
    return T


class Intervals:
    """Taylor coefficients in ``mpmath.iv``, and the remainder on the box that Picard gives."""

    def __init__(self, data: Data, order: int = 12, digits: int = 30) -> None:
        self.ctx, self.order = type(mpmath.iv)(), order  # a context of its own
        self.ctx.dps = digits
        self.E, self.B, self.A = (
            self.lift(X) for X in (data["Y"] - data["W0"], data["B"], data["A"])
        )

    def lift(self, X: Any) -> Any:
        out = np.empty(X.shape, dtype=object)
        out.reshape(-1)[:] = [self.ctx.mpf(float(x)) for x in X.flat]
        return out

    def series(self, B: Any, A: Any, order: int) -> tuple[list[Any], list[Any]]:
        """Taylor coefficients of B and A, by the recurrence of the product."""
        Bs, As, Gs = [B], [A], [self.E - B @ A]
        for k in range(order):
            scale = self.ctx.mpf(1) / (k + 1)
            Bs.append(sum(Gs[i] @ As[k - i].T for i in range(k + 1)) * scale)
            As.append(sum(Bs[i].T @ Gs[k - i] for i in range(k + 1)) * scale)
            Gs.append(-sum(Bs[i] @ As[k + 1 - i] for i in range(k + 2)))
        return Bs, As

    def box(self, B: Any, A: Any, h: float) -> tuple[Any, Any] | None:
        """A box that the flow does not leave on [0, h]: Picard's operator maps it inside."""
        wide = self.ctx.mpf([0, h])
        image = (B, A)
        for _ in range(8):
            Z, X = (_inflated(M, self.ctx) for M in image)
            G = self.E - Z @ X
            image = (B + (G @ X.T) * wide, A + (Z.T @ G) * wide)
            if _inside(image[0], Z) and _inside(image[1], X):
                return image
        return None

    def step(self, B: Any, A: Any, h: float) -> tuple[Any, Any] | None:
        box = self.box(B, A, h)
        if box is None:
            return None
        last, x = self.order + 1, self.ctx.mpf(h)
        terms, rest = self.series(B, A, self.order), self.series(*box, last)
        ends = [
            sum((c * x**k for k, c in enumerate(cs)), whole[last] * x**last)
            for cs, whole in zip(terms, rest, strict=True)
        ]
        return ends[0], ends[1]

    def run(self, T: float) -> tuple[float, float]:
        """How far it comes before it is wider than 1 or patience ends, and how wide it is there."""
        B, A, t, h, started = self.B, self.A, 0.0, 1 / 8, process_time()
        while t < T and _width(B, A) < 1 and process_time() - started < PATIENCE:
            end = self.step(B, A, h)
            if end is None and h < 2**-20:
                break
            if end is None:
                h /= 2
            else:
                (B, A), t = end, t + h
        return t, _width(B, A)


def _inflated(X: Any, ctx: Any) -> Any:
    spread = ctx.mpf([-1, 1])
    out = np.empty(X.shape, dtype=object)
    largest = (max(abs(float(x.a)), abs(float(x.b))) for x in X.flat)
    pairs = zip(X.flat, largest, strict=True)
    out.reshape(-1)[:] = [x + spread * (size / 8 + 2**-20) for x, size in pairs]
    return out


def _inside(X: Any, Y: Any) -> bool:
    return all(bool(y.a < x.a) and bool(x.b < y.b) for x, y in zip(X.flat, Y.flat, strict=True))


def _width(*matrices: Any) -> float:
    return max(float(x.delta.b) for X in matrices for x in X.flat)


FLOWS = [((2, 1), 10), ((4, 2), 20), ((8, 3), 20)]


@pytest.mark.parametrize(("shape", "T"), FLOWS, ids=str)
def test_an_enclosure_against_odefun(versus: Versus, shape: tuple[int, int], T: int) -> None:
    data = problem(*shape)
    field = field_of(data)
    kept: dict[str, Any] = {}

    def ours() -> None:
        kept["ours"] = field.enclosure(T, digits=13)

    def theirs() -> None:
        kept["reached"] = by_odefun(data, T)

    def name() -> str:
        return f"mpmath.odefun, not rigorous, until t = {kept['reached']:.3g}"

    versus(f"enclosure, n = {shape[0]}, r = {shape[1]}, T = {T}", ours, name, theirs, rounds=1)
    assert kept["ours"].rigorous and kept["ours"].error_bound < 1e-12


@pytest.mark.parametrize(("shape", "T"), FLOWS, ids=str)
def test_an_enclosure_against_intervals(versus: Versus, shape: tuple[int, int], T: int) -> None:
    data = problem(*shape)
    field = field_of(data)
    kept: dict[str, Any] = {}

    def theirs() -> None:
        kept["end"] = Intervals(data).run(T)

    def name() -> str:
        time, width = kept["end"]
        return f"interval Taylor in mpmath.iv: width {width:.2g} at t = {time:.3g}"

    what = f"enclosure, n = {shape[0]}, r = {shape[1]}, T = {T}"
    versus(what, lambda: field.enclosure(T, digits=13), name, theirs, rounds=1)


def test_where_intervals_hold_they_agree() -> None:
    """The peer is no straw man: early on it is narrow, and it meets our enclosure."""
    data = problem(2, 1)
    end, method = field_of(data).enclosure(Fraction(1, 2), digits=25), Intervals(data)
    B, A = method.B, method.A
    for _ in range(4):
        B, A = method.step(B, A, 1 / 8)  # type: ignore[misc]
    assert _width(B, A) < 1e-8
    for X, Z in ((end.B, B), (end.A, A)):
        for ball, x in zip(X.flat, Z.flat, strict=True):
            assert float(x.a) - 1e-15 <= float(ball.mid()) <= float(x.b) + 1e-15


def whole_numbers(n: int, kind: str) -> Any:
    source = np.random.default_rng(n)
    if kind == "generic":
        return EXACT.matrix(source.integers(-9, 10, (n, n)).tolist())
    H = np.array([[1]])
    while len(H) < n:
        H = np.block([[H, H], [H, -H]])
    return EXACT.matrix((H @ np.diag([3, 2, 1, 0] * (n // 4)) @ H.T).tolist())


@pytest.mark.parametrize("kind", ["generic", "each value n/4 times"])
@pytest.mark.parametrize("n", [8, 16, 32])
def test_multiplicities_against_balls(versus: Versus, n: int, kind: str) -> None:
    """Arb's eigenvalues enclose, and prove neither a tie nor a zero."""
    E = whole_numbers(n, kind)

    fails: list[ValueError] = []

    def by_balls() -> None:
        with flint.ctx.workprec(200):
            X = flint.arb_mat([[flint.arb(x) for x in row] for row in E])
            try:
                flint.acb_mat(X.transpose() * X).eig(multiple=True)
            except ValueError as failure:
                fails.append(failure)

    def name() -> str:
        return f"acb_mat.eig(multiple=True), 200 bits{', gives up' if fails else ', not exact'}"

    def ours() -> None:
        assert EXACT.rank(E) == n - (0 if kind == "generic" else n // 4)
        assert multiplicities(E) == ([1] * n if kind == "generic" else [n // 4] * 4)

    what = f"rank and multiplicities, {n} x {n}, {kind}"
    versus(what, ours, name, by_balls, rounds=3)


@pytest.mark.parametrize("n", [8, 16, 32])
def test_fifty_digits_of_a_singular_value(versus: Versus, n: int) -> None:
    E = whole_numbers(n, "generic")
    ctx = mpmath.mp.clone()
    ctx.dps = 50

    def by_svd() -> None:
        rows = [[ctx.mpf(int(x.p)) for x in row] for row in E]
        ctx.svd_r(ctx.matrix(rows), compute_uv=False)

    def ours() -> None:
        singular_value(E, n // 2, width="1e-50")

    what = f"sigma_{n // 2} in a ball of width 1e-50, {n} x {n}"
    rounds = 3 if n < 32 else 1
    versus(what, ours, "mpmath.svd, 50 digits, not rigorous", by_svd, rounds=rounds)


@pytest.mark.parametrize("kind", ["generic", "each value n/4 times"])
@pytest.mark.parametrize("n", [8, 32])
def test_singular_values_of_balls(versus: Versus, n: int, kind: str) -> None:
    """A matrix that no ball holds exactly, so that nothing is decided by exact numbers."""
    fails: list[ValueError] = []
    with flint.ctx.workprec(200):
        X = flint.arb_mat([[flint.arb(x) / 7 for x in row] for row in whole_numbers(n, kind)])

    def ours() -> None:
        with flint.ctx.workprec(200):
            singular_values(X)

    def by_arb() -> None:
        with flint.ctx.workprec(200):
            try:
                flint.acb_mat(X.transpose() * X).eig(multiple=True)
            except ValueError as failure:
                fails.append(failure)

    def name() -> str:
        return f"acb_mat.eig(multiple=True){', gives up' if fails else ''}"

    what = f"singular values in balls of 200 bits, {n} x {n}, {kind}"
    versus(what, ours, name, by_arb, rounds=3)
