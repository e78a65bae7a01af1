"""The scalar saddle where the orders of updates part: f = 1/2 (ab - 1)^2 from (1/2, -1/2)."""

from __future__ import annotations

from functools import cache
from itertools import accumulate

import numpy as np

from lora_proofs.kernels import gradient_descent, lora_flow
from lora_proofs.report.axes import number
from lora_proofs.report.figure import Axis, Figure, Plot, Points, Series
from lora_proofs.report.pictures.parts import MODEST, along, apart

H, STEPS, SIDE = 0.25, 40, 2.2
START = (0.5, -0.5)
STARTS = tuple(
    (x * s, y * s)
    for x, y in ((2.1, -1.5), (2.1, -0.7), (2.1, 0.1), (1.5, -2.1), (0.7, -2.1), (-0.1, -2.1),
                 (0.3, 0.0), (0.0, 0.3), (2.1, 1.6), (1.6, 2.1))
    for s in (1.0, -1.0)
)  # fmt: skip


@cache
def saddle() -> Figure:
    """The phase plane of the scalar saddle, with the iterates of each order of updates."""
    runs = {method: _run(method) for method in ("simultaneous", "A-first", "B-first")}
    ends = {method: points[-1] for method, points in runs.items()}
    looks = {"simultaneous": 1, "A-first": 2, "B-first": 3}
    curve = np.linspace(1 / SIDE, SIDE, 60)
    least = along([*curve, np.nan, *-curve], [*(1 / curve), np.nan, *(-1 / curve)])
    series = (
        _lines(),
        Series("ab = 1: zero loss", least, "line", 0),
        *(Series(method, runs[method], "both", hue) for method, hue in looks.items()),
    )
    where = ", ".join(f"{m} at ({number(a, 3)}, {number(b, 3)})" for m, (a, b) in ends.items())
    told = (
        "The plane of (a, b) for f = ½(ab − 1)². The loss is 0 on both branches of ab = 1; 0 is a "
        "saddle, and the line b = −a runs into it. From (1/2, −1/2) on that line the flow and "
        f"simultaneous steps tend to the saddle, loss 1/2, while sequential steps leave the line "
        f"and end at ab = 1, loss 0. After {STEPS} steps of h = {number(H)}: {where}."
    )
    caption = (
        f"Thin arrows: the gradient flow; markers: iterates with h = {number(H)}. The orders have "
        f"the same limit flow on every finite interval, and part as t → ∞. {MODEST}"
    )
    x, y = (Axis(name, low=-SIDE, high=SIDE) for name in ("a", "b"))
    plot = Plot(x, y, series, square=True)
    return Figure("Where the orders of updates part", caption, told, (plot,))


def _run(method: str) -> Points:
    """The iterates, one kernel step after another."""
    one = np.ones((1, 1))

    def step(state: tuple[float, float], _: int) -> tuple[float, float]:
        A, B = (np.full((1, 1, 1), x) for x in state)
        end = gradient_descent("frobenius", 0 * one, one, A, B, H, 1, method)
        return float(end.A[0, 0, 0]), float(end.B[0, 0, 0])

    return tuple(accumulate(range(STEPS), step, initial=START))


def _lines() -> Series:
    """Lines of the flow, and the line that runs into the saddle."""
    times = 3 * np.linspace(0, 1, 22) ** 2
    lines = [START, (-2.1, 2.1), (2.1, -2.1), *STARTS]
    A, B = (np.array([[[p[k]]] for p in lines for _ in times]) for k in (0, 1))
    one = np.ones((1, 1))
    end = lora_flow(0 * one, one, A, B, np.tile(times, len(lines)), factors=True)
    a, b = (X[:, 0, 0].reshape(len(lines), -1) for X in (end.A, end.B))
    pairs = zip(a, b, strict=True)
    return Series("gradient flow", apart(*(along(x, y) for x, y in pairs)), "arrows", 0)
