"""The Frobenius LoRA flow from every start: two runs per instance, of which the second measures.

The second run has a tolerance ``COARSER`` times as large and starts from data that are moved by
``ROUNDINGS`` times as many roundings; the distance of the two, divided by ``TRUST``, is the error
of the first: errors are nearly proportional to the tolerance, and where an instance amplifies
them, or roundings, the two runs drift apart. What the last steps lose is not proportional (there
the step size is held by stability); it is measured by the estimate of order 5 and added. Without
``estimate`` there is one run, and its error is unknown: infinite.

A start on the stable manifold of a saddle may leave it by rounding in both runs, and when both have
reached the same other limit they agree. But the second has left earlier, by ln(COARSER ROUNDINGS)
over the rate of leaving, so that the integrals of ||a||^2 + ||b||^2 over the time differ by that
times what this norm grows by, which is twice the rate for a singular value that is learned: a
number of order 10, whatever the scale. Where they differ by ``PARTED`` the instance fails.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lora_proofs.kernels.coordinates import EPS, Coordinates, enter, leave, moved, size
from lora_proofs.kernels.generic import integrate_generic
from lora_proofs.kernels.result import INACCURATE, OK, OVERFLOW, TOO_MANY_STEPS, BatchResult
from lora_proofs.kernels.spectrum import product_singular_values
from lora_proofs.kernels.stepping import STABLE, Flows, integrate

Array = Any
COARSER = 1000.0
TRUST = 10.0
ROUNDINGS = 8.0
PARTED = 3.0


def frobenius_flow(
    W0: Array,
    Y: Array,
    A0: Array,
    B0: Array,
    t: Array,
    xp: Any,
    *,
    tolerance: float,
    most_steps: int,
    singular_values: bool,
    estimate: bool = True,
) -> BatchResult:
    """The flow of 1/2 ||W0 + BA - Y||^2 for a block of N instances, all of full batch shape."""
    c = enter(Y - W0, A0, B0, t, xp)
    runs, steps, reason, lost, paths = _runs(c, tolerance, most_steps, estimate, xp)
    b, a = runs[0]
    A, B = leave(c, b, a)
    if estimate:
        db, da = (size(x - y, xp) / TRUST + lost for x, y in zip(*runs, strict=True))
        error, scale = errors_of_product(c.unit, size(b, xp), size(a, xp), db, da, xp)
        error = error + 16 * EPS * (scale + xp.max(xp.abs(W0), axis=(-2, -1)))
        together = paths_agree(paths[0, ...], paths[1, ...], COARSER * tolerance, xp)
        reason = xp.where((reason == OK) & ~(together & (error < scale)), INACCURATE, reason)
        reason = xp.where((c.reason == OK) & (scale == 0), OK, reason)
    else:
        error = xp.full_like(c.unit, xp.inf)
        finite = xp.isfinite(size(b, xp) + size(a, xp))
        reason = xp.where((reason == OK) & ~finite, OVERFLOW, reason)
    values = None
    if singular_values:
        values = product_singular_values(b, a, xp) * c.unit[:, None] ** 2
    return BatchResult(W0 + B @ A, A, B, error, steps, reason, values, "dop853")


def _runs(c: Coordinates, tolerance: float, most_steps: int, second: bool, xp: Any) -> Any:
    """One run or both in one batch: (b, a) of each; steps, reasons, last losses and paths."""
    n, m, r = c.b.shape[1], c.a.shape[1], c.b.shape[2]
    starts, tolerances = [(c.b, c.a, c.sigma)], [tolerance]
    if second:
        starts.append(moved(c, COARSER * ROUNDINGS * EPS, xp))
        tolerances.append(COARSER * tolerance)
    b, a, sigma = (xp.concat(parts) for parts in zip(*starts, strict=True))
    count, N = len(starts), c.b.shape[0]
    D = b.mT @ b - a.mT @ a
    wide = count * N
    flat = xp.reshape(b.mT, (wide, n * r)), xp.reshape(a.mT, (wide, m * r))
    state = xp.concat(flat, axis=1)
    long = STABLE * most_steps < c.t * xp.max(c.sigma, axis=-1)
    reason = xp.where((c.reason == OK) & long, TOO_MANY_STEPS, c.reason)
    sizes = xp.concat([xp.full_like(c.t, x) for x in tolerances])
    t, reasons = xp.concat([c.t] * count), xp.concat([reason] * count)
    flows = Flows(state, sigma, D, t, sizes, (n, m, r), reasons)
    if xp is np:
        integrate(flows, most_steps)
    else:
        integrate_generic(flows, most_steps, xp)
    b = xp.reshape(flows.state[:, : n * r], (count, N, r, n)).mT
    a = xp.reshape(flows.state[:, n * r :], (count, N, r, m)).mT
    steps, reasons = (xp.reshape(x, (count, N)) for x in (flows.steps, flows.reason))
    ends = [(b[k, ...], a[k, ...]) for k in range(count)]
    paths = xp.reshape(flows.path, (count, N))
    return ends, xp.sum(steps, axis=0), xp.max(reasons, axis=0), flows.recent[:N], paths


def paths_agree(path: Array, other: Array, tolerance: float, xp: Any) -> Array:
    """Whether two runs were together all the way, by their integrals of ||a||^2 + ||b||^2."""
    return xp.abs(path - other) < PARTED + 2 * tolerance * path


def errors_of_product(
    unit: Array, b: Array, a: Array, db: Array, da: Array, xp: Any
) -> tuple[Array, Array]:
    """The largest error in A, B or BA from norms and errors of b and a, and how large they are."""
    error = xp.maximum(unit * xp.sqrt(db**2 + da**2), unit**2 * (db * a + b * da + db * da))
    return error, xp.maximum(unit * xp.sqrt(b**2 + a**2), unit**2 * a * b)
