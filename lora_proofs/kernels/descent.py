"""Batched gradient descent on the factors: both at once, or one after the other.

Steps are plain dense products in place: over a few steps singular coordinates do not pay. A bound
of the distance e of the iterate from the exact one runs beside it. A step is y - h grad phi(y) with
a symmetric Hessian H, -||G||_2 <= H <= L, L = s^2 (|A|^2 + |B|^2) + s ||G||_2, so for both at once

    e' <= max(1 + h s ||G||, h L - 1) e + h (3 s^2 (|A| + |B|) e^2 + s^2 e^3) + rounding,

and one after the other adds h ||H(y) - H(y')|| + h^2 ||H_BA|| ||[H_AA, H_AB]|| to the factor. The
rounding is that of sums of products: |fl(x'y) - x'y| <= k u |x|'|y| / (1 - k u) for k terms.
Norms are Frobenius norms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput, ShapeMismatch
from lora_proofs.kernels.arguments import MOST_STEPS, choice, scaling, sizes, whole_number
from lora_proofs.kernels.namespace import batch_arrays
from lora_proofs.kernels.result import INACCURATE, NOT_FINITE, OK, OVERFLOW, BatchResult

LOSSES = ("frobenius", "trace-squared")
METHODS = ("simultaneous", "A-first", "B-first")
UNIT = 2.0**-53
ABOVE = 1 + 2.0**-30
"""Norms in floats are exact up to this factor: for up to 10^6 entries."""
TINY = 1e-150
"""What underflow may hide of a norm, or of an entry."""
WORKING_SET = 1 << 20
Array = Any


def gradient_descent(
    loss: str,
    W0: Any,
    Y: Any,
    A0: Any,
    B0: Any,
    h: Any,
    steps: int,
    method: str = "simultaneous",
    *,
    scale: float = 1.0,
) -> BatchResult:
    """N runs of ``steps`` gradient steps of size h on f(W0 + s B A), on both factors or in turn.

    ``method`` is "simultaneous", "A-first" or "B-first". W0, Y: (N, n, m) or (n, m), Y ``None``
    for ``trace-squared``; A0: (N, r, m), B0: (N, n, r), h a number or (N,), s ``scale``.
    ``error`` bounds every entry's distance from the exact iterate for
    the floats as given; it is a worst case over the path, grows by a factor in each step, and is of
    use for some tens of steps in turn, some hundreds at once. An instance fails where something
    overflows, or where that bound is as large as the result. Raises ``BadInput`` for
    another loss or method, ``ShapeMismatch``. Steps as in ``flows.iterate``.

    >>> end = gradient_descent("frobenius", [[0.0]], [[1.0]], [[[1.0]]], [[[0.0]]], 0.5, 2)
    >>> end.A[0, 0, 0], end.B[0, 0, 0], bool(end.error[0] < 1e-14)
    (np.float64(1.125), np.float64(0.75), True)
    """
    choice("loss", loss, LOSSES)
    if (Y is None) != (loss == "trace-squared"):
        raise BadInput(
            f"loss: expected frobenius with Y or trace-squared without, got {loss!r} with "
            f"{'no Y' if Y is None else 'Y'}"
        )
    choice("method", method, METHODS)
    steps, scale = whole_number("steps", steps, 0, MOST_STEPS), scaling(scale)
    targets = () if Y is None else (Y,)
    names = ("A0", "W0", "B0", "h", "Y")[: 4 + len(targets)]
    xp, (A, W0, B, h, *target) = batch_arrays(A0, W0, B0, h, *targets, names=names)
    N, shape = _checked(W0, A, B, h, target)
    W0, h = xp.broadcast_to(W0, (N, *shape[:2])), xp.broadcast_to(h, (N,))
    Y = xp.broadcast_to(target[0], (N, *shape[:2])) if target else None
    # The bounds below count with s >= 0: of s < 0 the sign goes to B, which rounds nothing.
    sign = -1.0 if scale < 0 else 1.0
    with np.errstate(all="ignore"):
        end = _in_chunks(xp, W0, Y, A, sign * B, h, steps, method, abs(scale))
    return replace(end, B=sign * end.B)


def _checked(
    W0: Array, A: Array, B: Array, h: Array, target: list[Array]
) -> tuple[int, tuple[int, ...]]:
    weights = [
        (name, "N n m | n m", X) for name, X in zip(("W0", "Y"), (W0, *target), strict=False)
    ]
    found = sizes(("A0", "N r m", A), ("B0", "N n r", B), *weights, ("h", "| N", h))
    if not target and found["n"] != found["m"]:
        raise ShapeMismatch(f"trace-squared: expected a square W0, got {found['n'], found['m']}")
    return found["N"], (found["n"], found["m"], found["r"])


def _in_chunks(
    xp: Any, W0: Array, Y: Array, A: Array, B: Array, h: Array, k: int, method: str, s: float
) -> BatchResult:
    """Chunks that stay in the cache; other libraries take the batch as a whole."""
    (n, m), N, r = W0.shape[-2:], A.shape[0], A.shape[1]
    size = max(1, WORKING_SET // (8 * (3 * n * m + 2 * r * (n + m)))) if xp is np else max(N, 1)
    parts = []
    for i in range(0, max(N, 1), size):
        at = slice(i, i + size)
        whole = (W0, Y, A, B, h)
        W0_at, Y_at, A_at, B_at, h_at = (None if X is None else X[at, ...] for X in whole)
        run = _run(xp, W0_at, Y_at, A_at, B_at, h_at, s)
        parts.append(run.result(k, method))
    W, A, B, error, reason = (xp.concat(x, axis=0) for x in zip(*parts, strict=True))
    steps = xp.astype(xp.zeros_like(error) + k, xp.int64)
    return BatchResult(W, A, B, error, steps, reason, method=f"descent, {method}")


def _norm(xp: Any, X: Array) -> Array:
    """An upper bound of the Frobenius norm of each matrix."""
    if xp is np:
        flat = X.reshape(len(X), -1)
        squares = np.einsum("ni,ni->n", flat, flat)
    else:
        squares = xp.sum(X * X, axis=(-2, -1))
    return xp.sqrt(squares) * ABOVE + TINY


@dataclass(eq=False)
class _Run:
    """A batch under way. ``D`` is W0 - Y, or ``None`` for trace-squared; ``e`` bounds the error."""

    xp: Any
    W0: Array
    D: Array
    A: Array
    B: Array
    h: Array
    s: float
    e: Array
    d: Array  # the norm of D, or |tr W0|
    off: Array  # the rounding of D, or that of tr W0, and tr W0
    _room: Array = None

    def result(self, k: int, method: str) -> tuple[Array, ...]:
        xp, start = self.xp, _largest(self.xp, self.A, self.B)
        finite = xp.isfinite(start + xp.max(xp.abs(self.W0), axis=(-2, -1)) + self.d + self.h)
        for _ in range(k):
            if method == "simultaneous":
                self._both()
            else:
                self._one_by_one(method == "A-first")
        BA = xp.matmul(self.B, self.A)
        W = self.W0 + (BA if self.s == 1 else self.s * BA)
        a, b, w = (_norm(xp, X) for X in (self.A, self.B, self.W0))
        r = self.A.shape[-2]
        moved = self.s * (xp.sqrt(a * a + b * b) + self.e) * self.e
        error = xp.maximum(self.e, moved + (r + 4) * UNIT * (self.s * a * b + w))
        size = xp.maximum(_largest(xp, self.A, self.B, W), start)
        small = (error <= size) | (error <= 2 * TINY)
        reason = xp.where(small, xp.zeros_like(error), float(INACCURATE))
        reason = xp.where(xp.isfinite(size), reason, float(OVERFLOW))
        reason = xp.where(finite, reason, float(NOT_FINITE))
        bad = xp.where(reason == OK, xp.zeros_like(error), xp.nan)
        parts = (X + bad[:, None, None] for X in (W, self.A, self.B))
        return (*parts, error + bad, xp.astype(reason, xp.int8))

    def _gradient(self, a: Array, b: Array) -> tuple[Array, Array, Array]:
        """G, or tr W for trace-squared; its norm; and a bound of its rounding error."""
        xp, s = self.xp, self.s
        n, r = self.B.shape[-2:]
        if self.D is None:
            if xp is np:
                inner = np.einsum("...ij,...ji->...", self.B, self.A)
            else:
                inner = xp.sum(self.B * xp.matrix_transpose(self.A), axis=(-2, -1))
            tr = self.off[1] + s * inner
            return tr, xp.abs(tr), self.off[0] + ((n * r + 4) * s * a * b + self.d) * UNIT
        if xp is np:
            G = np.matmul(self.B, self.A, out=self._room)
            if s != 1:
                G *= s
            G += self.D
        else:
            G = s * xp.matmul(self.B, self.A) + self.D
        return G, _norm(xp, G), self.off + ((r + 3) * s * a * b + self.d) * UNIT

    def _slopes(self, G: Array, which: str) -> Array:
        """B'G for A, G A' for B."""
        xp = self.xp
        if self.D is None:
            other = self.B if which == "A" else self.A
            return G[:, None, None] * xp.matrix_transpose(other)
        if which == "A":
            return xp.matmul(xp.matrix_transpose(self.B), G)
        return xp.matmul(G, xp.matrix_transpose(self.A))

    def _step(self, X: Array, slope: Array) -> Array:
        """X - h s slope, in place where arrays allow."""
        if self.xp is np:
            slope *= (self.h * self.s)[:, None, None]
            X -= slope
            return X
        return X - (self.h * self.s)[:, None, None] * slope

    def _rounding(self, g: Array, off: Array, other: Array, own: Array, terms: int) -> Array:
        """Of one update of a factor, with the norms of the other one and of itself afterwards."""
        hs = self.xp.abs(self.h) * self.s
        return hs * ((terms + 4) * UNIT * other * g + other * off) + UNIT * own + TINY

    def _beyond(self, a: Array, b: Array, e: Array) -> Array:
        """What is not linear in e, of a gradient."""
        s = self.s
        return s * s * e * e * (3 * (a + b) + e)

    def _bounds(self, a: Array, b: Array, g: Array) -> tuple[Array, Array]:
        """L, and the factor max(1 + h s g, h L - 1); backward steps, h < 0, take 1 + |h| L."""
        xp, s, h = self.xp, self.s, self.h
        L = s * s * (a * a + b * b) + s * g
        forward = xp.maximum(1 + h * s * g, h * L - 1)
        return L, xp.where(h >= 0, forward, 1 + xp.abs(h) * L)

    def _both(self) -> None:
        xp, (n, m) = self.xp, self.W0.shape[-2:]
        a, b = _norm(xp, self.A), _norm(xp, self.B)
        G, g, off = self._gradient(a, b)
        _, factor = self._bounds(a, b, g + off)
        for_A, for_B = self._slopes(G, "A"), self._slopes(G, "B")
        self.A, self.B = self._step(self.A, for_A), self._step(self.B, for_B)
        hs = xp.abs(self.h) * self.s
        rounding = self._rounding(g, off, b, a + hs * b * g, n)
        rounding = rounding + self._rounding(g, off, a, b + hs * a * g, m)
        beyond = xp.abs(self.h) * self._beyond(a, b, self.e)
        self.e = (factor * self.e + beyond + rounding) * ABOVE

    def _one_by_one(self, A_first: bool) -> None:
        xp, (n, m), s = self.xp, self.W0.shape[-2:], self.s
        a, b, h = _norm(xp, self.A), _norm(xp, self.B), xp.abs(self.h)
        G, g, off = self._gradient(a, b)
        L, factor = self._bounds(a, b, g + off)
        # The first factor's new norm is taken from its step, which bounds it.
        first, other = (a, b) if A_first else (b, a)
        moved = h * s * other * (g + off)
        one = self._rounding(g, off, other, first + moved, n if A_first else m)
        if A_first:
            self.A = self._step(self.A, self._slopes(G, "A"))
            a = first = _norm(xp, self.A)
        else:
            self.B = self._step(self.B, self._slopes(G, "B"))
            b = first = _norm(xp, self.B)
        G, g2, off2 = self._gradient(a, b)
        if A_first:
            self.B = self._step(self.B, self._slopes(G, "B"))
        else:
            self.A = self._step(self.A, self._slopes(G, "A"))
        two = self._rounding(g2, off2, first, other + h * s * first * g2, m if A_first else n)
        size = first + other + moved
        turn = s * s * (6 * size + 3 * moved) * moved
        cross = s * (g + off) + s * s * (first + moved) * other
        factor = factor + h * turn + h * h * (cross + turn) * (s * s * other * other + cross)
        hL, e = h * (L + turn), self.e
        beyond = h * self._beyond(size, moved, e)
        middle = (1 + hL) * e + beyond + one
        later = h * self._beyond(size, moved, middle)
        self.e = (factor * e + (1 + hL) * (beyond + one) + later + two) * ABOVE


def _run(xp: Any, W0: Array, Y: Array, A: Array, B: Array, h: Array, s: float) -> _Run:
    zero = xp.zeros_like(h)
    if Y is None:
        trace, size = _trace(xp, W0)
        off = (W0.shape[-1] * UNIT * size + TINY, trace)
        return _Run(
            xp, W0, None, xp.asarray(A, copy=True), xp.asarray(B, copy=True), h, s, zero, size, off
        )
    D = W0 - Y
    d = _norm(xp, D)
    run = _Run(
        xp,
        W0,
        D,
        xp.asarray(A, copy=True),
        xp.asarray(B, copy=True),
        h,
        s,
        zero,
        d,
        UNIT * d + TINY,
    )
    run._room = np.empty(D.shape) if xp is np else None
    return run


def _trace(xp: Any, W0: Array) -> tuple[Array, Array]:
    """tr W0, and the sum of the absolute values of its terms."""
    kept = xp.linalg.diagonal(W0) if xp is not np else np.diagonal(W0, axis1=-2, axis2=-1)
    return xp.sum(kept, axis=-1), xp.sum(xp.abs(kept), axis=-1)


def _largest(xp: Any, *parts: Array) -> Array:
    """The largest entry of each instance, in absolute value."""
    sizes = [xp.max(xp.abs(X), axis=(-2, -1)) for X in parts]
    found = sizes[0]
    for size in sizes[1:]:
        found = xp.maximum(found, size)
    return found
