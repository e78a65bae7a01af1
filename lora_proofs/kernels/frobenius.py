"""The Frobenius LoRA flow from every start: two runs per instance, of which the second measures.

The second run has a tolerance ``COARSER`` times as large and starts from data that are moved by
``ROUNDINGS`` times as many roundings; the distance of the two, divided by ``TRUST``, is the error
of the first: errors are nearly proportional to the tolerance, and where an instance amplifies
them, or roundings, the two runs drift apart. What the last steps lose is not proportional (there
the step size is held by stability); it is measured by the estimate of order 5 and added.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lora_proofs.kernels.coordinates import EPS, Coordinates, enter, leave, moved, size
from lora_proofs.kernels.generic import integrate_generic
from lora_proofs.kernels.result import INACCURATE, OK, TOO_MANY_STEPS, BatchResult
from lora_proofs.kernels.spectrum import product_singular_values
from lora_proofs.kernels.stepping import STABLE, Flows, integrate

Array = Any
COARSER = 1000.0
TRUST = 10.0
ROUNDINGS = 8.0


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
) -> BatchResult:
    """The flow of 1/2 ||W0 + BA - Y||^2 for a block of N instances, all of full batch shape."""
    c = enter(Y - W0, A0, B0, t, xp)
    (b, a), (b_far, a_far), steps, reason, lost = _both(c, tolerance, most_steps, xp)
    db, da = size(b - b_far, xp) / TRUST + lost, size(a - a_far, xp) / TRUST + lost
    error, scale = errors_of_product(c.unit, size(b, xp), size(a, xp), db, da, xp)
    A, B = leave(c, b, a)
    error = error + 16 * EPS * (scale + xp.max(xp.abs(W0), axis=(-2, -1)))
    reason = xp.where((reason == OK) & ~(error < scale), INACCURATE, reason)
    reason = xp.where((c.reason == OK) & (scale == 0), OK, reason)
    values = None
    if singular_values:
        values = product_singular_values(b, a, xp) * c.unit[:, None] ** 2
    return BatchResult(W0 + B @ A, A, B, error, steps, reason, values, "dop853")


def _both(c: Coordinates, tolerance: float, most_steps: int, xp: Any) -> Any:
    """Both runs in one batch: (b, a), (b, a) of the second, steps and reasons."""
    n, m, r = c.b.shape[1], c.a.shape[1], c.b.shape[2]
    coarse = min(COARSER * tolerance, 1e-3)
    b_far, a_far, sigma_far = moved(c, COARSER * ROUNDINGS * EPS, xp)
    b, a = xp.concat([c.b, b_far]), xp.concat([c.a, a_far])
    D = b.mT @ b - a.mT @ a
    N = c.b.shape[0]
    state = xp.concat([xp.reshape(b, (2 * N, n * r)), xp.reshape(a, (2 * N, m * r))], axis=1)
    tolerances = xp.concat([xp.full_like(c.t, tolerance), xp.full_like(c.t, coarse)])
    sigma, t = xp.concat([c.sigma, sigma_far]), xp.concat([c.t, c.t])
    long = STABLE * most_steps < c.t * xp.max(c.sigma, axis=-1)
    reason = xp.where((c.reason == OK) & long, TOO_MANY_STEPS, c.reason)
    flows = Flows(state, sigma, D, t, tolerances, (n, m, r), xp.concat([reason, reason]))
    if xp is np:
        integrate(flows, most_steps)
    else:
        integrate_generic(flows, most_steps, xp)
    b = xp.reshape(flows.state[:, : n * r], (2 * N, n, r))
    a = xp.reshape(flows.state[:, n * r :], (2 * N, m, r))
    reason = xp.maximum(flows.reason[:N], flows.reason[N:])
    return (
        (b[:N, ...], a[:N, ...]),
        (b[N:, ...], a[N:, ...]),
        flows.steps[:N] + flows.steps[N:],
        reason,
        flows.recent[:N],
    )


def errors_of_product(
    unit: Array, b: Array, a: Array, db: Array, da: Array, xp: Any
) -> tuple[Array, Array]:
    """The largest error in A, B or BA from norms and errors of b and a, and how large they are."""
    error = xp.maximum(unit * xp.sqrt(db**2 + da**2), unit**2 * (db * a + b * da + db * da))
    return error, xp.maximum(unit * xp.sqrt(b**2 + a**2), unit**2 * a * b)
