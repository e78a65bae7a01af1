"""The LoRA flow of large weights in factors: exactly that of a small one, in bases of both sides.

With E = Y - W0 = U V' all of B stays in the span P of [U, B0] and all rows of A in the span Q of
[V, A0'], so B = P b and A = a Q' run along the flow of P'EQ, of k + r rows and columns at most.
Trace-squared needs less: tr W0, and A + B' and A - B', which only change in size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput, ShapeMismatch, ToleranceNotMet
from lora_proofs.kernels.arguments import moment, sizes
from lora_proofs.kernels.flow import lora_flow
from lora_proofs.kernels.namespace import batch_arrays
from lora_proofs.kernels.underflow import LAST, norm

EPS = 2.0**-52
MOST_COLUMNS = 1_000
Array = np.ndarray


@dataclass(frozen=True, eq=False)
class FactoredFlow:
    """B A at time t as ``left @ right.T``, left (n, p) and right (m, p), with its singular values.

    ``error`` estimates the Frobenius distance of left @ right.T from the truth for the floats as
    given; ``method`` is that of the small flow.
    """

    left: Array
    right: Array
    singular_values: Array
    error: float
    method: str


def factored_flow(
    U: Any, V: Any, A0: Any, B0: Any, t: float, *, tolerance: float = 1e-13
) -> FactoredFlow:
    """The flow of 1/2 ||B A - U V'||_F^2 from (A0, B0), where U V' = Y - W0 is n x m.

    U: (n, k), V: (m, k), A0: (r, m), B0: (n, r); costs (n + m)(k + r)^2 and a flow of k + r rows.
    The error is that flow's for its data, and 64 (k + r) roundings of what it starts from and ends
    in; ``tolerance`` is that of its steps, where it has no closed form. Raises ``ShapeMismatch``,
    ``BadInput``, and ``ToleranceNotMet`` where the small flow failed.

    >>> end = factored_flow([[2.0], [0.0]], [[1.0], [0.0]], [[0.5, 0.0]], [[0.0], [0.0]], 1.0)
    >>> round(float((end.left @ end.right.T)[0, 0]), 12)
    1.290489315632
    """
    t, (U, V, A0, B0) = moment(t), _checked(U, V, A0, B0)
    P, rows = np.linalg.qr(np.hstack([U, B0]))
    Q, columns = np.linalg.qr(np.hstack([V, A0.T]))
    k = U.shape[1]
    E, b, a = rows[:, :k] @ columns[:, :k].T, rows[:, k:], columns[:, k:].T
    found = lora_flow(np.zeros(E.shape), E, a[None], b[None], t, tolerance=tolerance)
    if found.failed[0]:
        raise ToleranceNotMet(f"the flow of {' x '.join(map(str, E.shape))}: {found.why(0)}")
    X, s, Yt = np.linalg.svd(found.W[0])
    r = min(A0.shape[0], len(s))
    size = _norm(E) + _norm(s) + _norm(a) * _norm(b)
    error = float(found.error[0]) * max(E.shape) + float(_norm(s[r:]))
    error += 64 * max(E.shape) * (EPS * float(size) + LAST)
    return FactoredFlow(P @ (X[:, :r] * s[:r]), Q @ Yt[:r].T, s[:r], error, found.method)


def factored_trace_squared(U: Any, V: Any, A0: Any, B0: Any, t: float) -> FactoredFlow:
    """The flow of 1/2 (tr (W0 + B A))^2 from (A0, B0), where W0 = U V' is n x n; left is B.

    U, V: (n, k), A0: (r, n), B0: (n, r); costs n (k + r). Errors and what is raised as above; the
    rounding of tr W0 = sum U V is in the error: that of a second flow from a trace that far away.

    >>> end = factored_trace_squared([[2.0]], [[1.0]], [[1.0]], [[0.0]], 0.5)
    >>> round(float((end.left @ end.right.T)[0, 0] + 2), 10)
    0.9462744022
    """
    t, (U, V, A0, B0) = moment(t), _checked(U, V, A0, B0)
    if len(U) != len(V):
        raise ShapeMismatch(f"expected a square W0 = U V', got {(len(U), len(V))}")
    w0, plus, minus = math.fsum((U * V).ravel().tolist()), A0 + B0.T, A0 - B0.T
    sizes = np.array([_norm(plus), _norm(minus)])
    # a + b' = (|plus|, 0) and a - b' = (0, |minus|) have the same traces and sizes.
    a, b = np.array([[sizes / 2]])[0], np.array([[sizes[0] / 2], [-sizes[1] / 2]])
    small, off = np.zeros((2, 2, 2)), float(np.abs(U * V).sum()) * EPS
    small[:, 0, 0] = w0, w0 + max(off, 8 * EPS * abs(w0))
    a, b = (np.stack([X, X * (1 + 8 * EPS)]) for X in (a, b))
    found = lora_flow(small, None, a, b, t)
    if found.failed.any():
        raise ToleranceNotMet(f"the flow of 2 x 2: {found.why(0) or found.why(1)}")
    plus_, minus_ = found.A + found.B.mT, found.A - found.B.mT
    moved = np.stack([plus_[:, 0, 0], minus_[:, 0, 1]], axis=1)
    grown = np.where(sizes > 0, moved[0] / np.where(sizes > 0, sizes, 1.0), 1.0)
    far = float(np.abs(moved[1] - moved[0]).sum())
    A, B = (grown[0] * plus + grown[1] * minus) / 2, (grown[0] * plus - grown[1] * minus).T / 2
    values = np.linalg.svd(np.linalg.qr(B)[1] @ np.linalg.qr(A.T)[1].T, compute_uv=False)
    length = _norm(A) + _norm(B)
    error = (2 * float(found.error[0]) + 2 * far + 64 * EPS * length) * length
    error += 64 * LAST * len(values)
    return FactoredFlow(B, A.T, values, error, found.method)


def _norm(X: Array) -> float:
    return float(norm(X.reshape(1, 1, -1), np)[0]) if X.size else 0.0


def _checked(U: Any, V: Any, A0: Any, B0: Any) -> tuple[Array, Array, Array, Array]:
    names = ("U", "V", "A0", "B0")
    xp, (U, V, A0, B0) = batch_arrays(U, V, A0, B0, names=names)
    if xp is not np:
        raise BadInput(f"U, V, A0, B0: expected arrays of NumPy, got those of {xp.__name__}")
    shapes = ("n k", "m k", "r m", "n r")
    found = sizes(*zip(names, shapes, (U, V, A0, B0), strict=True))
    if found["k"] + found["r"] > MOST_COLUMNS:
        raise ShapeMismatch(
            f"expected k + r of {MOST_COLUMNS} at most, got {found['k']} + {found['r']}"
        )
    for name, X in zip(names, (U, V, A0, B0), strict=True):
        if not np.isfinite(X).all():
            raise BadInput(f"{name}: expected finite numbers, got {X[~np.isfinite(X)][0]}")
    return U, V, A0, B0
