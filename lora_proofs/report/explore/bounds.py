"""What claims bound along the flow: a quantity and its bound against time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.report.explore.instance import Built
from lora_proofs.report.explore.kind import (
    ALIGNED,
    FLAT,
    LEAST,
    ZERO_B,
    Kind,
    NoBound,
    over_time,
    points,
    tail,
)
from lora_proofs.report.explore.path import Path
from lora_proofs.report.figure import Figure, Plot, Series

Array = Any


def least_loss(x: Built, p: Path) -> Figure:
    """The loss above the least one that an update of rank r leaves."""
    floor = tail(x.sigma, x.setting.r) ** 2 / 2
    return over_time(p, "loss", p.loss, np.array(floor), ("loss", "least loss of rank r"), False)


def kept_loss(x: Built, p: Path) -> Figure:
    """The loss above that of the directions that the start sees."""
    seen = () if x.setting.start == "saddle" else x.kept or ()
    unseen = np.delete(x.sigma, list(seen))
    floor = np.array(float(unseen @ unseen) / 2)
    return over_time(p, "loss", p.loss, floor, ("loss", "loss of the directions not seen"), False)


def greedy_loss(x: Built, p: Path) -> Figure:
    """The loss above that of the greedy set: the leading directions, or those that are seen."""
    unseen = np.delete(x.sigma, list(x.kept or range(x.setting.r)))
    floor = np.array(float(unseen @ unseen) / 2)
    return over_time(p, "loss", p.loss, floor, ("loss", "loss of the greedy set"), False)


def full_rank_rate(x: Built, p: Path) -> Figure:
    """The exponential fall of the loss where r >= m."""
    if x.setting.r < x.setting.width:
        raise NoBound(f"The claim assumes r ≥ m: choose r = m = {x.setting.width}, with n ≥ m.")
    rate = 2 * np.linalg.svd(x.A0, compute_uv=False)[-1] ** 2
    bound = p.loss[0] * np.exp(-rate * p.t)
    return over_time(p, "loss", p.loss, bound, ("loss", "f(W₀) exp(−2 σₘ(A₀)² t)"))


@dataclass(frozen=True)
class _Riccati:
    """mu_1, the gap mu_r - mu_{r+1}, and a^2 = ||(A0 V_r)^{-1}||_F^2, kappa^2."""

    largest: float
    gap: float
    square: float
    kappa2: float

    @property
    def constant(self) -> float:
        """The constant before the exponential."""
        return 2 * self.largest * (5 * self.kappa2 + 8 * self.largest) * self.square


def _riccati(x: Built) -> _Riccati:
    s = x.setting
    if s.r >= s.width:
        raise NoBound(f"The claim assumes r < m: choose r below {s.width}.")
    sigma = np.append(x.sigma, 0.0)
    if not sigma[s.r - 1] > sigma[s.r]:
        raise NoBound("The claim assumes a gap, σ_r > σ_{r+1}: there is a tie here.")
    inner = x.A0 @ x.V[:, : s.r]
    if np.linalg.svd(inner, compute_uv=False)[-1] < 1e-8 * s.size:
        raise NoBound("det(A₀V_r) = 0 here: the start misses a leading direction for ever.")
    mu = np.sqrt(sigma**2 + s.size**4 / 4)
    square = float(np.linalg.norm(np.linalg.inv(inner)) ** 2)
    return _Riccati(float(mu[0]), float(mu[s.r - 1] - mu[s.r]), square, s.size**2)


def riccati_limit(x: Built, p: Path) -> Figure:
    """The distance of BA from the best approximation."""
    k, r = _riccati(x), x.setting.r
    best = (x.U[:, :r] * x.sigma[:r]) @ x.V[:, :r].T
    measured = _above(np.linalg.norm(p.BA - best, axis=(-2, -1)))
    bound = k.constant * np.exp(-k.gap * p.t)
    return over_time(p, "distance", measured, bound, ("‖BA − E_r‖", "bound"))


def excess_loss(x: Built, p: Path) -> Figure:
    """The loss above the least one."""
    k, s = _riccati(x), np.append(x.sigma, 0.0)
    r = x.setting.r
    front = k.constant**2 / 2 + 2 * s[r] * k.largest * k.kappa2 * k.square
    measured = _above(p.loss - tail(x.sigma, r) ** 2 / 2)
    bound = front * np.exp(-2 * k.gap * p.t)
    return over_time(p, "excess loss", measured, bound, ("loss above the least", "bound"))


def expressivity(x: Built, p: Path) -> Figure:
    """The distance from the target, between the best of the rank and the bound."""
    k, r = _riccati(x), x.setting.r
    distance = np.sqrt(2 * p.loss)
    bound = tail(x.sigma, r) + k.constant * np.exp(-k.gap * p.t)
    figure = over_time(p, "distance", distance, bound, ("‖Y − W‖", "upper bound"))
    best = Series("best of rank r", points(p.t, np.full_like(p.t, tail(x.sigma, r))), "line", 3)
    plot = figure.plots[0]
    whole = Plot(plot.x, plot.y, (*plot.series, best))
    return Figure(figure.title, figure.caption, figure.told, (whole,))


def _above(values: Array) -> Array:
    return np.where(values > LEAST, values, np.nan)


def norms_over_time(x: Built, p: Path) -> Figure:
    """The larger squared norm of the factors."""
    A, B = _norm(p.A) ** 2, _norm(p.B) ** 2
    drift = np.linalg.norm(_balance(p), ord=2, axis=(-2, -1))
    bound = (drift + np.sqrt(drift**2 + 4 * _norm(p.BA) ** 2)) / 2
    names = ("max(‖A‖², ‖B‖²)", "½(d + √(d² + 4p²))")
    return over_time(p, "squared norm", np.maximum(A, B), bound, names, False)


def norm_from_zero(x: Built, p: Path) -> Figure:
    """||B||^2 below ||BA||."""
    return over_time(p, "norm", _norm(p.B) ** 2, _norm(p.BA), ("‖B‖²", "‖BA‖"), False)


def product_norm(x: Built, p: Path) -> Figure:
    """||BA||_F below half the squared norms."""
    sizes = (np.sum(p.A**2, axis=(-2, -1)) + np.sum(p.B**2, axis=(-2, -1))) / 2
    product = np.linalg.norm(p.BA, axis=(-2, -1))
    return over_time(p, "norm", product, sizes, ("‖BA‖_F", "½(‖A‖_F² + ‖B‖_F²)"), False)


def growing(x: Built, p: Path) -> Figure:
    """The smallest singular value of A stays above its start."""
    least = np.linalg.svd(p.A, compute_uv=False)[:, -1]
    names = ("smallest σ(A(t))", "smallest σ(A₀)")
    return over_time(p, "singular value", least, np.array(least[0]), names, False)


def balance(x: Built, p: Path) -> Figure:
    """The size of B'B - AA', which stays what it was."""
    size = np.linalg.norm(_balance(p), axis=(-2, -1))
    return over_time(p, "‖B'B − AA'‖", size, np.array(size[0]), ("‖B'B − AA'‖", "at 0"), False)


def hoelder(x: Built, p: Path) -> Figure:
    """The squared way of the factors, below time times the fall of the loss."""
    return over_time(p, "squared way", _way(p), p.t * (p.loss[0] - p.loss), _WAY, False)


def existence(x: Built, p: Path) -> Figure:
    """The squared way of the factors, below time times the loss at the start."""
    names = (_WAY[0], "t (g(0) − f*), f* = 0")
    return over_time(p, "squared way", _way(p), p.t * p.loss[0], names, False)


_WAY = ("‖θ(t) − θ(0)‖²", "t (g(0) − g(t))")


def _way(p: Path) -> Array:
    return np.sum((p.A - p.A[0]) ** 2, axis=(-2, -1)) + np.sum((p.B - p.B[0]) ** 2, axis=(-2, -1))


def _norm(X: Array) -> Array:
    return np.linalg.norm(X, ord=2, axis=(-2, -1))


def _balance(p: Path) -> Array:
    return p.B.mT @ p.B - p.A @ p.A.mT


def full_parameter(x: Built, p: Path) -> Figure:
    """LoRA's loss beside that of full-parameter training."""
    speed = 2 * x.setting.n if x.traced else 2
    bound = p.loss[0] * np.exp(-speed * p.t)
    return over_time(p, "loss", _above(p.loss), _above(bound), ("loss of LoRA", "of full training"))


def trace_rate(x: Built, p: Path) -> Figure:
    """The exponential fall of the trace-squared loss."""
    plus, minus = (np.linalg.norm(x.A0 + s * x.B0.T) for s in (1, -1))
    bound = p.loss[0] * np.exp(-2 * plus * minus * p.t)
    return over_time(p, "loss", _above(p.loss), _above(bound), ("loss", "L₀ exp(−2κt)"))


def trace_gradient(x: Built, p: Path) -> Figure:
    """The size of the gradient, largest at the start."""
    size = np.sqrt(2 * x.setting.n * p.loss)
    return over_time(p, "‖∇f‖", size, np.array(size[0]), ("‖∇f(W(t))‖", "at the start"), False)


def cone(x: Built, p: Path) -> Figure:
    """On the cone B = A' the loss stays above that of the trace."""
    floor = np.array(float(x.sigma.sum()) ** 2 / 2)
    return over_time(p, "loss", p.loss, floor, ("loss", "½ (tr W₀)²"), False)


def of_flow() -> Iterator[Kind]:
    """The kinds that are bounds along the flow, each with the claims it belongs to."""
    f, t = "frobenius", "trace-squared"
    r = "rushka-klabjan/"
    yield Kind(least_loss, f, ("spectral", "aligned"), names=(r + "frobenius-spectral-start",))
    yield Kind(least_loss, f, ("general",), names=(r + "frobenius-general-start",))
    yield Kind(least_loss, f, ("gaussian", "orthonormal"), names=(r + "frobenius-general-zero-b",))
    yield Kind(least_loss, f, names=(
        r + "frobenius-critical-value-gap", r + "frobenius-ties", r + "frobenius-strict-saddles",
        r + "frobenius-rank-deficient-target", r + "naive/tie-limit-is-unique",
        r + "naive/almost-every-start-covers-zero-b", r + "naive/greedy-for-every-start",
        r + "naive/every-direction-met",
    ))  # fmt: skip
    yield Kind(greedy_loss, f, FLAT, names=(r + "frobenius-greedy-limit",))
    yield Kind(kept_loss, f, ALIGNED, names=(
        r + "frobenius-wrong-directions", r + "frobenius-zero-entries",
        r + "naive/spectral-start-any-direction", r + "naive/zero-entry-does-no-harm",
        r + "frobenius-decoupling", r + "frobenius-escape-rates",
    ))  # fmt: skip
    yield Kind(full_rank_rate, f, ZERO_B, names=(
        r + "frobenius-full-rank-rate", r + "full-rank-rate-gradient-inequality",
    ))  # fmt: skip
    yield Kind(riccati_limit, f, FLAT, names=(r + "frobenius-riccati-limit",))
    yield Kind(excess_loss, f, FLAT, names=(r + "frobenius-excess-loss",))
    yield Kind(expressivity, f, FLAT, names=(r + "expressivity-bridge",))
    yield Kind(full_parameter, f, names=(r + "frobenius-full-parameter",))
    yield Kind(full_parameter, t, names=(r + "trace-squared-full-parameter",))
    yield Kind(trace_rate, t, names=(
        r + "trace-squared-zero-loss", r + "trace-squared-closed-form",
        r + "trace-squared-general-limit", r + "trace-squared-limit-from-zero-b",
    ))  # fmt: skip
    yield Kind(trace_gradient, t, names=(r + "trace-squared-bounded-gradient",))
    yield Kind(cone, t, ("saddle",), names=(
        r + "trace-squared-balanced-start", r + "naive/trace-squared-always-zero-loss",
        r + "naive/spectral-start-reaches-zero",
    ))  # fmt: skip
    yield Kind(norms_over_time, factors=True, names=(r + "norm-bounds",))
    yield Kind(norm_from_zero, "", ZERO_B, factors=True, names=(r + "norm-bound-from-zero",))
    yield Kind(product_norm, factors=True, names=(r + "product-norm",))
    yield Kind(growing, "", ZERO_B, factors=True, names=(r + "singular-values-grow",))
    yield Kind(balance, factors=True, names=("classical/balancedness",))
    yield Kind(hoelder, factors=True, names=(r + "hoelder-in-time",))
    yield Kind(existence, factors=True, names=(r + "flow-existence",))
