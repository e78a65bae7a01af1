"""Loss and singular values along the flow: closed forms as lines, Runge-Kutta steps as markers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.kernels import gradient_descent, lora_flow
from lora_proofs.mathematics.closed_forms import trace_squared_closed_form, trace_squared_full
from lora_proofs.mathematics.decoupling import frobenius_decoupled_closed_form
from lora_proofs.mathematics.frobenius_riccati import frobenius_riccati_closed_form
from lora_proofs.report.axes import number
from lora_proofs.report.figure import Axis, Figure, Plot, Series
from lora_proofs.report.pictures.parts import MODEST, along, apart, level, within

Rows = Sequence[Sequence[Any]]
CTX = ArrayArithmetic()
LINE, MARKS = 61, 13  # times on a line, and with a marker
SIGMA = (3.0, 2.0, 1.0, 0.5)
E: Rows = ((3, 0, 0, 0), (0, 2, 0, 0), (0, 0, 1, 0), (0, 0, 0, "1/2"))
NO_B: Rows = ((0, 0),) * 4
BEST = 0.625  # 1/2 (sigma_3^2 + sigma_4^2)
END = 6.0


@cache
def frobenius_flow() -> Figure:
    """The Frobenius flow from B0 = 0 and orthogonal rows: the Riccati closed form."""
    A0: Rows = (("1/20",) * 4, ("1/20", "-1/20", "1/20", "-1/20"))
    return _frobenius(
        "Loss and singular values along the Frobenius flow",
        "from B₀ = 0 and rows of A₀ that are orthogonal, of one length and not aligned with E",
        A0,
        frobenius_riccati_closed_form,
        (3.0, 2.0),
    )


@cache
def spectral_start() -> Figure:
    """The Frobenius flow from the two leading directions: modes in closed form."""
    A0: Rows = (("1/20", 0, 0, 0), (0, "1/20", 0, 0))
    return _frobenius(
        "A spectral start learns its directions one after another",
        "from B₀ = 0 and rows of A₀ along the two leading right singular vectors",
        A0,
        frobenius_decoupled_closed_form,
        (3.0, 2.0),
    )


@cache
def wrong_directions() -> Figure:
    """The Frobenius flow from the second and fourth direction: it stays above the optimum."""
    A0: Rows = ((0, "1/20", 0, 0), (0, 0, 0, "1/20"))
    return _frobenius(
        "Directions that the start lacks are never learned",
        "from B₀ = 0 and rows of A₀ along the second and fourth right singular vector",
        A0,
        frobenius_decoupled_closed_form,
        (2.0, 0.5),
        end=14.0,
    )


def _frobenius(
    title: str,
    start: str,
    A0: Rows,
    closed: Callable[..., Any],
    ends: tuple[float, float],
    end: float = END,
) -> Figure:
    lines, marks = np.linspace(0, end, LINE), np.linspace(0, end, MARKS)
    W0: Rows = ((0,) * 4,) * 4
    problem = [EXACT.matrix(X) for X in (W0, E, A0, NO_B)]
    exact = [closed(*problem, _exact(t), CTX).W for t in lines]
    steps = _integrated(W0, E, A0, NO_B, marks)
    limit = 0.5 * (sum(s * s for s in SIGMA) - sum(s * s for s in ends))
    told = (
        f"E = diag(3, 2, 1, 1/2), r = 2, {start}. The singular values of BA rise from 0 to "
        f"{number(ends[0])} and {number(ends[1])}, the larger first; the loss falls from 7.125 to "
        f"{number(limit)}"
        + ("." if limit == BEST else f", above the best {number(BEST)} of rank 2.")
        + f" Runge-Kutta steps (circles) lie on the closed form, within {_apart(exact, steps)}."
    )
    plots = (_values(lines, exact, marks, steps, ends), _loss(lines, exact, marks, steps, limit))
    return Figure(title, f"Lines: closed form; circles: Runge-Kutta. {MODEST}", told, plots)


def _exact(t: float) -> Fraction:
    return Fraction(float(t))


def _integrated(W0: Rows, Y: Rows, A0: Rows, B0: Rows, times: Any) -> Any:
    """W at the times, by the kernel that integrates."""
    A, B = (np.repeat(CTX.matrix(X)[None], len(times), axis=0) for X in (A0, B0))
    return lora_flow(CTX.matrix(W0), CTX.matrix(Y), A, B, times, method="general").W


def _apart(exact: Sequence[Any], steps: Any) -> str:
    """The largest distance at the times that both have, rounded up to a power of ten."""
    every = (LINE - 1) // (MARKS - 1)
    return within(float(np.max(np.abs(np.asarray(exact)[::every] - steps))))


def _values(
    lines: Any, exact: Sequence[Any], marks: Any, steps: Any, ends: tuple[float, float]
) -> Plot:
    values = np.linalg.svd(np.asarray(exact), compute_uv=False)
    found = np.linalg.svd(steps, compute_uv=False)
    last = float(lines[-1])
    series = [
        Series(f"σ{'₁₂'[k]}(BA)", along(lines, values[:, k]), hue=(1, 2)[k]) for k in range(2)
    ]
    both = apart(*(along(marks, found[:, k]) for k in range(2)))
    series.append(Series("Runge–Kutta", both, "marks", hue=1))
    series.append(level(_limits(ends), 0.0, last, *ends))
    x, y = Axis("time t", low=0.0, high=last), Axis("singular values of BA", low=0.0)
    return Plot(x, y, tuple(series))


def _limits(ends: Sequence[float]) -> str:
    return f"limits {' and '.join(number(end, 3) for end in ends)}"


def _loss(lines: Any, exact: Sequence[Any], marks: Any, steps: Any, limit: float) -> Plot:
    target, last = CTX.matrix(E), float(lines[-1])
    curve = [0.5 * np.sum((W - target) ** 2) for W in exact]
    found = 0.5 * np.sum((steps - target) ** 2, axis=(1, 2))
    series = (
        Series("closed form", along(lines, curve), hue=1),
        Series("Runge–Kutta", along(marks, found), "marks", hue=1),
        level(f"limit {number(limit)}", 0.0, last, limit),
        *([level(f"best of rank 2: {number(BEST)}", 0.0, last, BEST)] if limit > BEST else []),
    )
    y = Axis("loss ½‖BA − E‖²", low=0.0)
    return Plot(Axis("time t", low=0.0, high=last), y, series)


W0_TRACE: Rows = ((1, 2, 0), ("1/2", 1, 3), (-1, 0, 0))
A0_TRACE: Rows = ((1, "1/2", 0), ("-1/3", 1, "2/5"))
TRACE, ENDS, STEP = 2.0, 2.4, 0.005


@cache
def trace_squared_flow() -> Figure:
    """The trace-squared flow from B0 = 0, from the cone B0 = A0', and of all parameters."""
    lines, marks = np.linspace(0, ENDS, LINE), np.linspace(0, ENDS, MARKS)
    zero, cone = ((0, 0),) * 3, tuple(zip(*A0_TRACE, strict=True))
    W0, A0 = map(EXACT.matrix, (W0_TRACE, A0_TRACE))
    both = [
        [trace_squared_closed_form(W0, A0, B, _exact(t), CTX).W for t in lines]
        for B in map(EXACT.matrix, (zero, cone))
    ]
    steps = _descended(zero, cone)
    full = [trace_squared_full(W0_TRACE, _exact(t), CTX) for t in lines]
    told = (
        "n = 3, r = 2, tr W₀ = 2. From B₀ = 0 the loss goes to 0 exponentially; full-parameter "
        "training does so at rate 2n. From B₀ = A₀ᵀ, on the cone, the factors shrink to 0 and the "
        "loss stays above and tends to ½(tr W₀)² = 2. The singular values of BA from B₀ = 0 rise "
        f"to (tr W₀/‖A₀‖²) σᵢ(A₀)². Gradient descent with h = {number(STEP)} (markers) stays "
        f"within {_apart(both[0], steps[0])} of the closed form."
    )
    caption = f"Lines: closed form; markers: gradient descent, h = {number(STEP)}. {MODEST}"
    plots = (_trace_losses(lines, both, full, marks, steps), _trace_values(lines, both[0]))
    return Figure("Loss and singular values along the trace-squared flow", caption, told, plots)


def _descended(*starts: Rows) -> Any:
    """W along simultaneous descent from each B0, at the times of the markers: (starts, times)."""
    W0, B = CTX.matrix(W0_TRACE), np.stack([CTX.matrix(B0) for B0 in starts])
    A = np.stack([CTX.matrix(A0_TRACE)] * len(starts))
    every, found = round(ENDS / STEP / (MARKS - 1)), [W0 + B @ A]
    for _ in range(MARKS - 1):
        end = gradient_descent("trace-squared", W0, None, A, B, STEP, every)
        A, B = end.A, end.B
        found.append(end.W)
    return np.stack(found, axis=1)


def _half_square(W: Any) -> Any:
    return 0.5 * np.trace(np.asarray(W), axis1=-2, axis2=-1) ** 2


def _trace_losses(lines: Any, both: Any, full: Any, marks: Any, steps: Any) -> Plot:
    series = (
        Series("LoRA, B₀ = 0", along(lines, _half_square(both[0])), hue=1),
        Series("LoRA, B₀ = A₀ᵀ", along(lines, _half_square(both[1])), hue=2),
        Series("all parameters", along(lines, _half_square(full)), hue=3),
        Series("descent, B₀ = 0", along(marks, _half_square(steps[0])), "marks", hue=1),
        Series("descent, B₀ = A₀ᵀ", along(marks, _half_square(steps[1])), "marks", hue=2),
    )
    y = Axis("loss ½(tr W)²", log=True, low=1e-6)
    return Plot(Axis("time t", low=0.0, high=ENDS), y, series)


def _trace_values(lines: Any, exact: Any) -> Plot:
    moved = np.asarray(exact) - CTX.matrix(W0_TRACE)
    values = np.linalg.svd(moved, compute_uv=False)
    A0 = CTX.matrix(A0_TRACE)
    limits = TRACE / np.sum(A0 * A0) * np.linalg.svd(A0, compute_uv=False) ** 2
    series = [
        Series(f"σ{'₁₂'[k]}(BA), B₀ = 0", along(lines, values[:, k]), hue=(1, 2)[k])
        for k in range(2)
    ]
    ends = [float(height) for height in limits]
    series.append(level(_limits(ends), 0.0, ENDS, *ends))
    y = Axis("singular values of BA", low=0.0)
    return Plot(Axis("time t", low=0.0, high=ENDS), y, tuple(series))
