"""What float64 loses near its smallest numbers, as a part of the error of a flow.

Squares of numbers below 1e-154 underflow: the two runs of a flow do not see what is smaller than
``UNSEEN`` in its unit of length, and its steps are free below ``UNCONTROLLED``. Entries below
``COARSE`` have fewer digits, and the flow may make them large. Ordinary data meet none of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lora_proofs.kernels.coordinates import SIZES, largest_entry
from lora_proofs.kernels.result import INACCURATE, OK, BatchResult

Array = Any
UNSEEN = 1e-150
UNCONTROLLED = 1e-60
COARSE = 1e-290
LAST = 1e-322
"""Some of the smallest numbers above 0: what a sum of products loses by underflow."""
MOST_GROWTH = 700.0


def norm(X: Array, xp: Any) -> Array:
    """The Frobenius norm of every matrix: (N,); nothing is squared that could underflow.

    >>> import numpy as np
    >>> norm(np.full((1, 2, 2), 1e-200), np)
    array([2.e-200])
    """
    top = largest_entry(X, xp)
    safe = xp.where(top > 0, top, xp.ones_like(top))
    scaled = X / safe[:, None, None]
    return safe * xp.sqrt(xp.sum(scaled * scaled, axis=(-2, -1)))


def with_underflow(
    result: BatchResult, problem: Sequence[Array], xp: Any, closed: bool
) -> BatchResult:
    """The result with what underflow may have hidden of its error; it fails where that is all.

    The problem is W0, Y, A0, B0 and t, with scale 1. A small difference of two flows grows at most
    like exp(||Y - W||_F t), and ||Y - W||_F never increases.
    """
    W0, Y, A0, B0, t = problem
    length = xp.maximum(largest_entry(A0, xp), largest_entry(B0, xp))
    E = Y - W0
    unit = xp.maximum(length, xp.sqrt(largest_entry(E, xp)))
    # Smaller data keep the unit 1: then all of them, and where they lead to, are out of sight.
    lost = xp.where(unit > 10 * SIZES[0] ** 0.5, UNSEEN * unit, 1e4 * SIZES[0] ** 0.5 + 0.0 * unit)
    floor = xp.maximum(lost, lost * unit)
    coarse = _has_coarse(A0, unit, xp) | _has_coarse(B0, unit, xp)
    if bool(xp.any(coarse)):
        rate = norm(E - B0 @ A0, xp) * t
        rate = xp.where(rate < MOST_GROWTH, rate, MOST_GROWTH + 0.0 * rate)
        grown = LAST * xp.exp(rate) * xp.maximum(unit, unit**2)
        floor = floor + xp.where(coarse, grown, 0.0 * rate)
    if not closed:
        ends = [largest_entry(X, xp) for X in (result.W - W0, result.A, result.B)]
        moved = xp.maximum(ends[0], xp.maximum(ends[1], ends[2]))
        floor = xp.where(length < UNCONTROLLED * unit, xp.maximum(floor, moved), floor)
    floor = xp.where(length > 0, floor, 0.0 * floor) + LAST * (A0.shape[-2] + 1)
    error = result.error + floor
    known = [largest_entry(X, xp) for X in (result.W, result.A, result.B) if X is not None]
    size = known[0]
    for other in known[1:]:
        size = xp.maximum(size, other)
    hidden = (result.reason == OK) & (floor >= size) & (size > LAST * 10)
    return replace(result, error=error, reason=xp.where(hidden, INACCURATE, result.reason))


def _has_coarse(X: Array, unit: Array, xp: Any) -> Array:
    small = COARSE * xp.maximum(unit, xp.ones_like(unit))
    return xp.any((X != 0) & (xp.abs(X) < small[:, None, None]), axis=(-2, -1))
