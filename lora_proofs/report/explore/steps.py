"""What claims say about step sizes: how far gradient descent is from the flow at the time drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lora_proofs.kernels import gradient_descent
from lora_proofs.kernels.descent import METHODS
from lora_proofs.report.explore.instance import Built
from lora_proofs.report.explore.kind import Kind, NoBound, points, rounded
from lora_proofs.report.explore.path import Path
from lora_proofs.report.figure import Axis, Figure, Plot, Series

Array = Any
COUNTS = (8, 16, 32, 64)
STEP = Axis("step size h", log=True)


def distances(x: Built, p: Path) -> Figure:
    """How far the iterates of each mode are from the flow, against the step size."""
    h = np.array([p.t[-1] / count for count in COUNTS])
    gaps = {method: _gaps(x, p, h, method) for method in METHODS}
    first = gaps[METHODS[0]]
    if not np.isfinite(first).any():
        raise NoBound(
            "Nothing to draw: descent blows up with every step, or comes nearer to the flow than "
            "floats tell. Choose another t, or another start."
        )
    lines = [Series(m, points(h, g), "both", k) for k, (m, g) in enumerate(gaps.items(), 1)]
    last = int(np.flatnonzero(np.isfinite(first))[-1])
    guide = first[last] * h / h[last]
    lines.append(Series("proportional to h", points(h, guide), "rule", 0))
    told = (
        f"At t = {rounded(p.t[-1])} with h = {rounded(h[-1])} the iterates are "
        + ", ".join(f"{rounded(g[-1])} ({m})" for m, g in gaps.items() if np.isfinite(g[-1]))
        + " from the flow."
    )
    plot = Plot(STEP, Axis("distance from the flow", log=True), tuple(lines))
    caption = (
        "Of first order in h: parallel to the thin line. The bound that is proved has the factor "
        f"e^(LT), here more than 10^{_growth(x, p)}, and is not drawn: it is far above."
    )
    return Figure("Bound", caption, told, (plot,))


def _growth(x: Built, p: Path) -> int:
    """How many digits e^(LT) has at least: L >= L_f (R_A^2 + R_B^2), along the flow alone."""
    assert p.A is not None and p.B is not None
    squares = sum(float(np.max(np.linalg.norm(X, 2, axis=(1, 2)))) ** 2 for X in (p.A, p.B))
    lipschitz = x.E.shape[0] if x.traced else 1
    return int(lipschitz * squares * float(p.t[-1]) / np.log(10))


def _gaps(x: Built, p: Path, h: Array, method: str) -> Array:
    """All step sizes side by side; each leaves where its steps have come to the time drawn."""
    W0, Y = (x.E, None) if x.traced else (np.zeros_like(x.E), x.E)
    A, B = (np.broadcast_to(X, (len(h), *X.shape)) for X in (x.A0, x.B0))
    found, done = np.full(len(h), np.nan), 0
    for k, count in enumerate(COUNTS):
        end = gradient_descent(x.setting.loss, W0, Y, A, B, h[k:], count - done, method)
        way = np.sum((end.A[0] - p.A[-1]) ** 2) + np.sum((end.B[0] - p.B[-1]) ** 2)
        # What is as small as the kernel's own error of the flow is not drawn as a distance.
        found[k] = np.sqrt(way) if way > (4 * p.error) ** 2 else np.nan
        A, B, done = end.A[1:], end.B[1:], count
    return found


def of_steps() -> Iterator[Kind]:
    """The kinds that are about step sizes, each with the claims it belongs to."""
    names = (
        "gradient-flow-limit", "limit-bound", "limit-without-bounded-iterates",
        "bound-between-orders", "order-of-the-gap", "leading-error", "interpolants",
        "naive/same-iterates-at-fixed-step", "first-order-equality",
    )  # fmt: skip
    yield Kind(distances, factors=True, names=tuple(f"rushka-klabjan/{name}" for name in names))
