"""What claims bound along the rank: relative errors, truncation errors, the staircase of a net."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lora_proofs.kernels import linear_batch, lora_flow
from lora_proofs.mathematics.random_starts import expected_squared_error
from lora_proofs.report.explore.instance import Built, built
from lora_proofs.report.explore.kind import ZERO_B, Kind, NoBound, points, rounded, tail
from lora_proofs.report.explore.path import Path
from lora_proofs.report.figure import Axis, Figure, Plot, Series

Array = Any
LATE = 1e9
RANK = Axis("rank r", whole=True)
WELL = 0.5
"""How far frozen weights are from the identity: well conditioned, and no trivial ones."""


def errors(x: Built, p: Path) -> Figure:
    """Relative error against rank: the limit from this start, the law, and the flow at time t."""
    now = _now(x, p)
    here = Series(f"rank {x.setting.r} at t = {rounded(p.t[-1])}", now, "marks", 2)
    reached = limits(x)
    known = Series("limit, this start", _along(reached), "both", 1)
    lines = [known, *_laws(x), here]
    told = _reached(x, reached[x.setting.r - 1], now)
    title = "Relative error against rank"
    plot = Plot(RANK, Axis("error / size of the full update", low=0.0), tuple(lines))
    return Figure(title, _caption(x), told, (plot,))


def _reached(x: Built, limit: float, now: tuple[tuple[float, float], ...]) -> str:
    if not np.isfinite(limit):
        return "There is no relative error: full-parameter training has nothing to do here."
    later = f"; at the end of the time drawn {rounded(now[0][1])}." if now else "."
    return f"In the limit rank {x.setting.r} has the error {rounded(limit)}{later}"


def _caption(x: Built) -> str:
    if x.traced:
        return "Distance to the full-parameter update −(w₀/n) I, over its size |w₀|/√n."
    return "‖Y − W‖_F over ‖Y − W₀‖_F, the size of the full-parameter update."


def _now(x: Built, p: Path) -> tuple[tuple[float, float], ...]:
    size = float(np.linalg.norm(_full(x)))
    if not size:
        return ()
    return points([x.setting.r], [np.linalg.norm(p.BA[-1] - _full(x)) / size])


def _full(x: Built) -> Array:
    """The update of full-parameter training in the limit."""
    if not x.traced:
        return x.E
    return -np.trace(x.E) / x.setting.n * np.eye(x.setting.n)


def _along(values: Array) -> tuple[tuple[float, float], ...]:
    return points(np.arange(1, len(values) + 1), values)


def limits(x: Built) -> Array:
    """The relative error in the limit for each rank, from the start that the setting names.

    For the Frobenius loss that is the tail of the values not seen: leading directions are, from
    generic starts almost surely. For the trace it is computed, far out on the closed form.
    """
    most, size = x.setting.most, float(np.linalg.norm(_full(x)))
    if not size:
        return np.full(most, np.nan)
    if x.traced:
        return _traced(x, size)
    if x.setting.start == "saddle":
        return np.ones(most)
    values = x.sigma[::-1] if x.setting.start == "wrong" else x.sigma
    return np.array([tail(values, r) for r in range(1, most + 1)]) / size


def _traced(x: Built, size: float) -> Array:
    """R at each rank: n tr M^2/(tr M)^2 - 1 with M = A0'A0 where B is a multiple of A'.

    The start of rank r is the one of the largest rank without its last rows and columns.
    """
    most, n = x.setting.most, x.setting.n
    whole = built(replace(x.setting, r=most))
    if x.setting.start == "general":
        return np.array([_end(whole, r, size) for r in range(1, most + 1)])
    if x.setting.start == "saddle":
        return np.ones(most)
    gram = whole.A0 @ whole.A0.T
    traces = np.cumsum(np.diag(gram))
    squares = np.array([np.sum(gram[:r, :r] ** 2) for r in range(1, most + 1)])
    return np.sqrt(np.maximum(n * squares / traces**2 - 1, 0))


def _end(x: Built, r: int, size: float) -> float:
    A0, B0 = x.A0[None, :r], x.B0[None, :, :r]
    end = lora_flow(x.E, None, A0, B0, LATE, singular_values=False)
    return float(np.linalg.norm(end.W[0] - x.E - _full(x)) / size)


def _laws(x: Built) -> Iterator[Series]:
    if not x.traced:
        if x.setting.start in ("wrong", "saddle"):
            size = tail(x.sigma, 0) or 1.0
            best = [tail(x.sigma, r) / size for r in range(1, x.setting.most + 1)]
            yield Series("best of the rank", _along(np.array(best)), "line", 3)
        return
    yield Series("√(n/r − 1)", _along(_law(x)), "line", 3)
    if x.setting.start == "gaussian":
        yield Series("√E R², Gaussian", _along(_mean(x)), "line", 4)


def _law(x: Built) -> Array:
    n = x.setting.n
    return np.array([np.sqrt(n / r - 1) for r in range(1, n + 1)])


def _mean(x: Built) -> Array:
    n = x.setting.n
    return np.array(
        [float(expected_squared_error("gaussian", n, r)) ** 0.5 for r in range(1, n + 1)]
    )


def over_rank(
    label: str, measured: Array, bound: Array, names: tuple[str, str], at: int, *, x: Axis = RANK
) -> Figure:
    """A quantity and its bound against the rank; ``at`` is the rank that is looked at."""
    lines = (
        Series(names[0], _along(measured), "both", 1),
        Series(names[1], _along(bound), "line", 2),
    )
    here = rounded(measured[at - 1]), rounded(bound[at - 1])
    told = f"At rank {at} {names[0]} is {here[0]}, {names[1]} is {here[1]}."
    plot = Plot(x, Axis(label, low=0.0), lines)
    return Figure("Bound", "", told, (plot,))


def rank_law(x: Built, p: Path) -> Figure:
    """The error of the start beside sqrt(n/r - 1)."""
    names = ("relative error R", "√(n/r − 1)")
    return over_rank("relative error", limits(x), _law(x), names, x.setting.r)


def mean_law(x: Built, p: Path) -> Figure:
    """The error of a Gaussian start beside the root of its mean square."""
    return over_rank("relative error", limits(x), _mean(x), ("R, this seed", "√E R²"), x.setting.r)


def without_dimension(x: Built, p: Path) -> Figure:
    """The error of the start beside r^(-1/2), which it is not below."""
    law = np.arange(1, x.setting.n + 1) ** -0.5
    return over_rank("relative error", limits(x), law, ("relative error R", "1/√r"), x.setting.r)


def with_dimension(x: Built, p: Path) -> Figure:
    """The error of the start beside sqrt(n) r^(-1/2)."""
    law = np.sqrt(x.setting.n / np.arange(1, x.setting.n + 1))
    return over_rank("relative error", limits(x), law, ("relative error R", "√(n/r)"), x.setting.r)


def nearer_than_none(x: Built, p: Path) -> Figure:
    """The error of the start beside that of no update."""
    none = np.ones(x.setting.n)
    names = ("relative error R", "no update at all")
    return over_rank("relative error", limits(x), none, names, x.setting.r)


def nuclear(x: Built, p: Path) -> Figure:
    """The truncation error below the nuclear norm over 2 sqrt r."""
    law = x.sigma.sum() / (2 * np.sqrt(np.arange(1, len(x.sigma) + 1)))
    return over_rank(
        "truncation error", _tails(x), law, ("‖E − E_r‖_F", "‖E‖_*/(2√r)"), x.setting.r
    )


def inverse_root(x: Built, p: Path) -> Figure:
    """The truncation error beside r^(-1/2) ||E||_F, which it need not be below."""
    law = tail(x.sigma, 0) / np.sqrt(np.arange(1, len(x.sigma) + 1))
    return over_rank("truncation error", _tails(x), law, ("‖E − E_r‖_F", "‖E‖_F/√r"), x.setting.r)


def truncation(x: Built, p: Path) -> Figure:
    """The truncation error, and the distance of the update that the flow has reached."""
    reached = np.full(len(x.sigma), np.nan)
    reached[x.setting.r - 1] = np.linalg.norm(p.BA[-1] - x.E)
    lines = (
        Series("flow at time t", _along(reached), "marks", 2),
        Series("‖E − E_r‖_F, the least", _along(_tails(x)), "both", 1),
    )
    told = f"At rank {x.setting.r} the flow has {rounded(reached[x.setting.r - 1])} to go."
    plot = Plot(RANK, Axis("distance from E", low=0.0), lines)
    return Figure("Bound", "No update of rank r is nearer than the truncation.", told, (plot,))


def _tails(x: Built) -> Array:
    return np.array([tail(x.sigma, r) for r in range(1, len(x.sigma) + 1)])


def staircase(x: Built, p: Path) -> Figure:
    """sigma_{RL+1} of the gap of a linear net, and what the construction reaches, against R."""
    D, L = x.setting.n, x.setting.layers
    if x.setting.m != D:
        raise NoBound("The layers of this net are square: choose m = n.")
    frozen, product = _net(x)
    ranks = range(-(-D // L) + 1)
    least, achieved = zip(*(_step(x, frozen, product, R) for R in ranks), strict=True)
    R = min(x.setting.r, ranks[-1])
    lines = (
        Series("σ_{RL+1}(E), the least", points(ranks, least), "steps", 2),
        Series("construction", points(ranks, achieved), "marks", 1),
        Series(f"rank {R}", points([R], [achieved[R]]), "marks", 3),
    )
    told = (
        f"With {L} layers and rank {R} in each, no adapters have a spectral error below "
        f"{rounded(least[R])}; the construction has {rounded(achieved[R])}."
    )
    axes = Axis("rank R of each layer", whole=True), Axis("spectral error", low=0.0)
    caption = f"{L} layers of width {D}; the gap E has the spectrum above."
    return Figure("Staircase", caption, told, (Plot(*axes, lines),))


def _net(x: Built) -> tuple[list[Array], Array]:
    D, draw = x.setting.n, np.random.default_rng(x.setting.seed + 1)
    frozen = [np.eye(D) + WELL * draw.standard_normal((D, D)) / D for _ in range(x.setting.layers)]
    product = np.eye(D)
    for W in frozen:
        product = W @ product
    return frozen, product


def _step(x: Built, frozen: list[Array], product: Array, R: int) -> tuple[float, float]:
    D = x.setting.n
    found = linear_batch(
        [W[None] for W in frozen], (product + x.E)[None], [min(R, D)] * len(frozen)
    )
    spectrum = np.append(x.sigma, 0.0)
    return float(spectrum[min(R * len(frozen), D)]), float(found.achieved[0])


def of_rank() -> Iterator[Kind]:
    """The kinds that are bounds along the rank, each with the claims it belongs to."""
    f, t, r, z = "frobenius", "trace-squared", "rushka-klabjan/", "zeng-lee/"
    flat = ("orthonormal", "spectral", "wrong")
    yield Kind(rank_law, t, ZERO_B, names=(
        r + "trace-squared-error-lower-bound", r + "trace-squared-relative-error",
        r + "trace-squared-normalisers", r + "naive/normaliser-does-not-matter",
    ))  # fmt: skip
    yield Kind(rank_law, t, flat, names=(
        r + "trace-squared-error-orthogonal-rows", r + "trace-squared-spectral-start",
    ))  # fmt: skip
    yield Kind(mean_law, t, ("gaussian",), names=(
        r + "trace-squared-expected-error-gaussian", r + "trace-squared-expected-error-general",
    ))  # fmt: skip
    yield Kind(rank_law, t, ("gaussian",), names=(
        r + "naive/gaussian-error-vanishes-at-full-rank",
    ))  # fmt: skip
    yield Kind(without_dimension, t, flat, names=(r + "naive/error-without-dimension",))
    uneven = ("gaussian", *(start for start in ZERO_B if start != "gaussian"))  # where it fails
    yield Kind(with_dimension, t, uneven, names=(r + "naive/error-without-flat-start",))
    yield Kind(nearer_than_none, t, flat, names=(r + "naive/update-approaches-full",))
    yield Kind(nuclear, f, names=(r + "nuclear-norm-law", r + "nuclear-norm-law-sharp"))
    yield Kind(inverse_root, f, names=(r + "naive/frobenius-error-inverse-root-rank",))
    yield Kind(truncation, f, names=("classical/eckart-young-mirsky",))
    yield Kind(staircase, f, names=tuple(z + name for name in (
        "linear-optimal-error", "linear-lower-bound", "linear-exact-threshold",
        "linear-nonsingular-weights-suffice", "linear-per-layer-ranks", "linear-parameter-count",
        "linear-truncation-ties", "monotone-in-rank",
    )))  # fmt: skip
