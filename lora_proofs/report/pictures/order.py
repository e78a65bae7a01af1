"""Simultaneous and sequential descent against the flow as the step shrinks: order as slope."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.kernels import gradient_descent, lora_flow
from lora_proofs.report.figure import Axis, Figure, Plot, Points, Series
from lora_proofs.report.pictures.parts import MODEST, along, slope

CTX = ArrayArithmetic()
Y = CTX.matrix([[2, 1, 0], [0, 1, -1], ["1/2", 0, 1]])
A0 = CTX.matrix([[1, "1/2", 0], ["-1/3", 1, "2/5"]])[None]
B0 = CTX.matrix([["1/2", 0], ["1/4", "-1/2"], [0, 1]])[None]
W0 = np.zeros((3, 3))
STEPS = [2**k for k in range(2, 9)]
METHODS = ("simultaneous", "A-first", "B-first")
Factors = tuple[Any, Any]


@cache
def order_of_convergence() -> Figure:
    """The distance from the flow at time 1 against the step, for each order of updates."""
    flow = _flow()
    ends = {method: _ends(method) for method in METHODS}
    curves = {method: _against(ends[method], flow) for method in METHODS}
    gap = _against(ends["A-first"], ends["simultaneous"])
    slopes = {method: _shown(points) for method, points in curves.items()}
    hues = dict(zip(METHODS, (1, 2, 3), strict=True))
    series = [
        Series(f"{m}, slope {slopes[m]}", points, "both", hues[m]) for m, points in curves.items()
    ]
    series.append(Series(f"gap A-first/sim., slope {_shown(gap)}", gap, "both", 4))
    fitted = ", ".join(f"{text} for {method}" for method, text in slopes.items())
    told = (
        "Frobenius loss, n = m = 3, r = 2. The distance of the iterates (A, B) from the flow at "
        f"time 1 falls in proportion to the step: fitted slopes {fitted}. The distance between "
        f"A-first and simultaneous iterates has slope {_shown(gap)}: they too part at "
        "first order."
    )
    caption = f"Slopes are fitted over the four smallest steps, h = 2⁻⁵ to 2⁻⁸. {MODEST}"
    x, y = Axis("step size h", log=True), Axis("distance at time T = 1 (Frobenius)", log=True)
    plots = (Plot(x, y, tuple(series)),)
    return Figure("Descent against the flow as the step shrinks", caption, told, plots)


@cache
def one_step() -> Figure:
    """The difference of one sequential step from a simultaneous one against the step size."""
    steps = {method: _descent(method, A0, B0, STEPS, 1) for method in METHODS}
    curves = {m: _against(steps[m], steps["simultaneous"]) for m in METHODS[1:]}
    slopes = {method: _shown(points) for method, points in curves.items()}
    series = tuple(
        Series(f"{method}, slope {slopes[method]}", points, "both", hue)
        for (method, points), hue in zip(curves.items(), (2, 3), strict=True)
    )
    told = (
        "Frobenius loss, n = m = 3, r = 2. One sequential step differs from a simultaneous one by "
        f"the order h²: fitted slopes {' and '.join(slopes.values())}."
    )
    caption = f"Slopes are fitted over the four smallest steps. {MODEST}"
    y = Axis("distance of one step from the simultaneous one", log=True)
    plots = (Plot(Axis("step size h", log=True), y, series),)
    return Figure("One step: sequential against simultaneous", caption, told, plots)


def _shown(points: Points) -> str:
    return f"{slope(points):.2f}"


def _flow() -> Factors:
    end = lora_flow(W0, Y, A0, B0, 1.0, factors=True, method="general", tolerance=1e-13)
    return end.A, end.B


def _descent(method: str, A: Any, B: Any, counts: Sequence[int], steps: int) -> Factors:
    """Steps of size 1/k for each k, from A and B (one start, or one for each k)."""
    A, B = (np.broadcast_to(X, (len(counts), *X.shape[1:])) for X in (A, B))
    end = gradient_descent("frobenius", W0, Y, A, B, 1 / np.array(counts), steps, method)
    return end.A, end.B


def _ends(method: str) -> Factors:
    """k steps of size 1/k for each k: those with smaller steps go on where others are done."""
    A, B, done, found = A0, B0, 0, []
    for i, k in enumerate(STEPS):
        A, B = _descent(method, A, B, STEPS[i:], k - done)
        found.append((A[0], B[0]))
        A, B, done = A[1:], B[1:], k
    As, Bs = zip(*found, strict=True)
    return np.stack(As), np.stack(Bs)


def _against(found: Factors, others: Factors) -> Points:
    """The distances, both factors together, from the largest step to the smallest."""
    pairs = zip(found, others, strict=True)
    squares = sum(np.sum((X - Z) ** 2, axis=(1, 2)) for X, Z in pairs)
    return along([1 / k for k in STEPS], np.sqrt(squares))
