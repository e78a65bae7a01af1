"""Full-parameter flows of a batch, in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from lora_proofs.errors import ShapeMismatch
from lora_proofs.kernels.arguments import at_least_0, sizes
from lora_proofs.kernels.coordinates import EPS
from lora_proofs.kernels.namespace import batch_arrays
from lora_proofs.kernels.result import NOT_FINITE, BatchResult
from lora_proofs.kernels.underflow import LAST

Array = Any


def full_flow(W0: Array, Y: Array | None, t: Array) -> BatchResult:
    """The full-parameter flow of 1/2 ||W - Y||_F^2, or of 1/2 (tr W)^2 for Y = None, in float64.

    W0 and Y are (N, n, m), t >= 0 a number or (N,). The error counts the roundings of the formula,
    W0 + (1 - e^{-t}) (Y - W0) or W0 - (tr W0/n)(1 - e^{-nt}) I. Raises ``ShapeMismatch`` and
    ``BadInput``. Rushka & Klabjan, reconstructed.

    >>> float(full_flow([[[2.0]]], [[[1.0]]], 0.0).W[0, 0, 0])
    2.0
    """
    targets = () if Y is None else (Y,)
    names = ("W0", "t", "Y")[: 2 + len(targets)]
    xp, (W0, t, *rest) = batch_arrays(W0, t, *targets, names=names)
    found = sizes(("W0", "N n m", W0), *(("Y", "N n m", X) for X in rest), ("t", "| N", t))
    if not rest and found["n"] != found["m"]:
        raise ShapeMismatch(f"trace-squared: expected a square W0, got {found['n'], found['m']}")
    at_least_0("t", t, xp)
    with np.errstate(all="ignore"):  # an instance that is not finite says so in its reason
        W, error = _moved(W0, rest, t, xp)
    bad = xp.astype(~xp.isfinite(error), xp.int64)
    nan = xp.where(bad > 0, xp.nan * error, 0.0 * xp.ones_like(error))
    W = W + nan[:, None, None]
    return BatchResult(W, None, None, error + nan, 0 * bad, bad * NOT_FINITE, method="full")


def _moved(W0: Array, rest: list[Array], t: Array, xp: Any) -> tuple[Array, Array]:
    shape = W0.shape
    t = xp.broadcast_to(t, (shape[0],))[:, None, None]
    if rest:
        change = -xp.expm1(-t) * (rest[0] - W0)
        blur = xp.max(xp.abs(change), axis=(-2, -1))
    else:
        n, eye = shape[-1], xp.eye(shape[-1], dtype=W0.dtype, device=W0.device)
        trace = xp.sum(W0 * eye, axis=(-2, -1), keepdims=True)
        change = xp.expm1(-n * t) * (trace / n) * eye
        blur = xp.sum(xp.abs(W0 * eye), axis=(-2, -1))
    W = W0 + change
    return W, 8 * EPS * (blur + xp.max(xp.abs(W), axis=(-2, -1))) + LAST * shape[-1]
