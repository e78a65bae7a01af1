"""The front door of the batched flows: a closed form where one applies, Runge-Kutta elsewhere."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.kernels.arguments import (
    MOST_STEPS,
    at_least_0,
    choice,
    flags,
    number,
    scaling,
    sizes,
    whole_number,
)
from lora_proofs.kernels.balanced import BALANCED, balance_defect
from lora_proofs.kernels.closed import closed_flow
from lora_proofs.kernels.compiled.frobenius import general_flow
from lora_proofs.kernels.frobenius import frobenius_flow
from lora_proofs.kernels.namespace import batch_arrays
from lora_proofs.kernels.result import OK, BatchResult, joined, woven
from lora_proofs.kernels.trace_squared import trace_squared_flow
from lora_proofs.kernels.underflow import with_underflow

Array = Any
BLOCK = 32 << 20  # bytes of one block's matrices
LOOSEST = 1e-6  # the second run is a thousand times as loose, and still has to follow the flow
METHODS = ("auto", "general", "closed")
BACKENDS = ("numpy", "compiled", "auto")


def lora_flow(
    W0: Array,
    Y: Array | None,
    A0: Array,
    B0: Array,
    t: Array,
    *,
    scale: float = 1.0,
    factors: bool = False,
    method: str = "auto",
    tolerance: float = 3e-9,
    singular_values: bool = True,
    most_steps: int = 2_000,
    backend: str = "numpy",
    estimate: bool = True,
) -> BatchResult:
    """The LoRA gradient flow of 1/2 ||W - Y||_F^2, or of 1/2 (tr W)^2 for Y = None, in float64.

    W0 and Y are (N, n, m) or (n, m), A0 (N, r, m), B0 (N, n, r), t >= 0 a number or (N,), and
    W = W0 + scale B A. The result says per instance its error, or why it failed. ``method`` is
    "auto", "general" (Runge-Kutta) or "closed" (refused where no closed form applies); closed are
    trace-squared, r = 1, and starts with B0'B0 - A0 A0' = c I up to 32 roundings, whose effect is
    in the error. Of the last, A and B are known only for r = 1: with ``factors`` they are
    integrated. ``tolerance`` is that of one step; results are about a hundred times as exact.
    ``backend`` "compiled" integrates arrays of NumPy by a C kernel, compiled on first use
    (``Unavailable`` where it cannot be), "auto" where it can be. Without ``estimate`` what is
    integrated is integrated once, in two thirds of the time or little more; its error is infinite.
    A start that leaves a saddle by rounding fails: which way, and when, the floats do not say.
    Raises ``ShapeMismatch`` and ``BadInput``. Rushka & Klabjan, reconstructed; Fukumizu 1998,
    recalled.

    >>> end = lora_flow([[0.0]], [[2.0]], [[[0.5]]], [[[0.0]]], 1.0)
    >>> round(float(end.W[0, 0, 0]), 12), end.method, bool(end.failed[0])
    (1.290489315632, 'riccati', False)
    """
    choice("method", method, METHODS)
    choice("backend", backend, BACKENDS)
    flags(factors=factors, singular_values=singular_values, estimate=estimate)
    if not 1e-14 <= number("tolerance", tolerance) <= LOOSEST:
        raise BadInput(f"tolerance: expected a number from 1e-14 to 1e-6, got {tolerance!r}")
    scale, most_steps = scaling(scale), whole_number("most_steps", most_steps, 1, MOST_STEPS)
    targets = () if Y is None else (Y,)
    names = ("W0", "A0", "B0", "t", "Y")[: 4 + len(targets)]
    xp, (W0, A0, B0, t, *rest) = batch_arrays(W0, A0, B0, t, *targets, names=names)
    Y = rest[0] if rest else None
    N = _checked(W0, Y, A0, B0, t, xp)
    root = abs(scale) ** 0.5
    options: dict[str, Any] = {"singular_values": singular_values}
    if Y is None:
        options["scale"] = scale
    else:
        A0, B0, t = A0 * root, B0 * (root if scale > 0 else -root), t * abs(scale)
    general = partial(general_flow(backend, xp), estimate=estimate)
    done = []
    with np.errstate(all="ignore"):  # what overflows is told in its instance's reason
        for where in _blocks(N, A0.shape[-1], B0.shape[-2], A0.shape[-2]):
            block = [_part(X, where, xp) for X in (W0, Y, A0, B0, t)]
            done.append(_solve(block, xp, factors, method, tolerance, most_steps, options, general))
    whole = joined(done, xp)
    return whole if Y is None else _scaled_back(whole, scale, root, xp)


def _checked(W0: Array, Y: Array | None, A0: Array, B0: Array, t: Array, xp: Any) -> int:
    """The number of instances, where all shapes fit and every time is 0 or more."""
    target = () if Y is None else (("Y", "N n m | n m", Y),)
    weights = (("W0", "N n m | n m", W0), *target)
    found = sizes(*weights, ("A0", "N r m", A0), ("B0", "N n r", B0), ("t", "| N", t))
    if Y is None and found["n"] != found["m"]:
        raise ShapeMismatch(f"trace-squared: expected a square W0, got {found['n'], found['m']}")
    at_least_0("t", t, xp)
    return found["N"]


def _blocks(N: int, m: int, n: int, r: int) -> list[slice]:
    """Slices of instances whose matrices and states fit into ``BLOCK`` bytes."""
    size = max(16, BLOCK // (8 * (2 * n * n + 2 * m * m + 3 * n * m + 12 * (n + m) * r)))
    return [slice(i, min(i + size, N)) for i in range(0, N, size)] or [slice(0, 0)]


def _part(X: Array | None, where: slice, xp: Any) -> Array | None:
    if X is None:
        return None
    N = where.stop - where.start
    if X.ndim == 3 or X.ndim == 1:
        return X[where, ...]
    return xp.broadcast_to(X, (N, *X.shape))


def _solve(
    block: list[Array],
    xp: Any,
    factors: bool,
    method: str,
    tolerance: float,
    most_steps: int,
    options: dict[str, Any],
    general: Any = frobenius_flow,
) -> BatchResult:
    W0, Y, A0, B0, t = block
    N = A0.shape[0]
    if Y is None:
        return _honest(trace_squared_flow(W0, A0, B0, t, xp, **options), xp)
    options = {**options, "most_steps": most_steps}
    closed = balance_defect(A0, B0, xp)[1] <= BALANCED
    if method == "general" or (factors and A0.shape[1] > 1 and method == "auto"):
        closed = closed & False
    elif method == "closed" and not bool(xp.all(closed)):
        raise BadInput(
            "method closed: expected starts with B0'B0 - A0 A0' = c I (or r = 1, or Y = None); "
            "method auto integrates the others"
        )
    found, places = [], []
    for chosen, balanced in ((closed, True), (~closed, False)):
        (place,) = xp.nonzero(chosen)
        if place.shape[0] or (balanced and not N):
            some = [W0, Y, A0, B0, t]
            if place.shape[0] < N:
                some = [xp.take(X, place, axis=0) for X in some]
            one: Any = closed_flow if balanced else general
            more = {} if balanced else {"tolerance": tolerance}
            moved = with_underflow(one(*some, xp, **options, **more), some, xp, balanced)
            found.append(_honest(moved, xp))
            places.append(place)
    return found[0] if len(found) == 1 else woven(found, places, xp)


def _honest(result: BatchResult, xp: Any) -> BatchResult:
    """Not a number wherever an instance failed."""
    failed = result.reason != OK
    if not bool(xp.any(failed)):
        return result

    def masked(X: Array | None) -> Array | None:
        if X is None:
            return None
        wide = xp.reshape(failed, failed.shape + (1,) * (X.ndim - 1))
        return xp.where(wide, xp.nan, X)

    fields = ("W", "A", "B", "error", "singular_values")
    changed: Any = {name: masked(getattr(result, name)) for name in fields}
    return replace(result, **changed)


def _scaled_back(result: BatchResult, scale: float, root: float, xp: Any) -> BatchResult:
    """Factors and singular values for W = W0 + scale B A."""
    if scale == 1.0:
        return result
    values = result.singular_values
    sign = 1.0 if scale > 0 else -1.0
    return replace(
        result,
        A=None if result.A is None else result.A / root,
        B=None if result.B is None else result.B * (sign / root),
        singular_values=values if values is None else values / abs(scale),
        error=result.error * max(1.0, 1.0 / root, 1.0 / abs(scale)),
    )
