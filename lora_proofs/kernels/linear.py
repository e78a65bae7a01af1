"""Batched adapters for linear nets: the order of the singular vectors, layer after layer.

E = Wbar - W_L ... W_1 = sum_i s_i u_i v_i'; layer l takes the next R_l singular triples,
B_l = (W_L ... W_{l+1})^{-1} G_l and A_l = H_l (What_{l-1} ... What_1)^{-1}. What comes out is
measured: the residual is that of the adapters as they are, so that a bad condition shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from lora_proofs.errors import ShapeMismatch
from lora_proofs.kernels.arguments import listed, named, sizes, whole_number
from lora_proofs.kernels.namespace import batch_arrays
from lora_proofs.kernels.result import NOT_FINITE, OK, OVERFLOW, REASONS, SINGULAR

UNIT = 2.0**-53
Array = Any


@dataclass(frozen=True, eq=False)
class LinearBatch:
    """N adapted nets: ``B`` and ``A`` hold (N, D, R_l) and (N, R_l, D) for each layer.

    ``weights`` are W_l + B_l A_l, ``product`` (N, D, D) theirs. ``achieved`` (N,) is the spectral
    norm of product - target, ``least`` (N,) the smallest that any adapters of these ranks have;
    both, and the product's entries, are within ``error`` (N,) of the truth for the adapters and the
    data as they are. ``reason`` is 0, or a number into ``REASONS``: then all numbers are NaN.
    """

    B: tuple[Array, ...]
    A: tuple[Array, ...]
    weights: tuple[Array, ...]
    product: Array
    achieved: Array
    least: Array
    error: Array
    reason: Array

    @property
    def failed(self) -> Array:
        """Which instances failed: (N,) of bool."""
        return self.reason != OK

    def why(self, index: int) -> str:
        """Why an instance failed, or nothing."""
        return REASONS[int(self.reason[index])]


def linear_batch(frozen: Sequence[Any], target: Any, ranks: Sequence[int]) -> LinearBatch:
    """Adapters of the given ranks for N linear nets; the least error is sigma_{S+1} of E.

    W_l and the target: (N, D, D), layer 1 first; ranks from 0 to D, one for each layer. An instance
    fails where a weight, or an intermediate that the order of the singular vectors needs, is
    singular: ``constructions.linear_adapters`` knows other orders. Raises ``ShapeMismatch``. Zeng
    and Lee, Lemma 1, as commonly quoted, with a rank for each layer.

    >>> eye = [[[1.0, 0.0], [0.0, 1.0]]]
    >>> found = linear_batch([eye, eye], [[[2.0, 0.0], [0.0, 4.0]]], [1, 0])
    >>> found.achieved.round(12).tolist(), found.least.tolist()
    ([1.0], [1.0])
    """
    frozen, ranks = listed("frozen", frozen), listed("ranks", ranks)
    names = named("frozen", frozen)
    xp, (T, *W) = batch_arrays(target, *frozen, names=("target", *names))
    layers = [(name, "N D D", X) for name, X in zip(names, W, strict=True)]
    D = sizes(("target", "N D D", T), *layers)["D"]
    if len(ranks) != len(W):
        raise ShapeMismatch(f"expected {len(W)} ranks, one for each layer, got {len(ranks)}")
    wanted = [whole_number(f"ranks[{i}]", r, 0, D) for i, r in enumerate(ranks)]
    with np.errstate(all="ignore"):
        return _built(xp, W, T, tuple(wanted))


def _built(xp: Any, W: list[Array], T: Array, ranks: tuple[int, ...]) -> LinearBatch:
    finite = reduce(lambda x, y: x & y, [xp.all(xp.isfinite(X), axis=(1, 2)) for X in (T, *W)])
    W = [_kept(xp, finite, X) for X in W]
    T, good = _kept(xp, finite, T), finite
    E = T - _product(xp, W)
    E = _kept(xp, xp.all(xp.isfinite(E), axis=(1, 2)), E)  # what overflows is told at the end
    U, s, Vt = xp.linalg.svd(E)
    root, at = xp.sqrt(s), 0
    made: list[tuple[Array, Array, Array]] = []
    for layer, (X, r) in enumerate(zip(W, ranks, strict=True)):
        part = slice(at, min(at + r, T.shape[1]))
        at += r
        B, A = U[:, :, part] * root[:, None, part], root[:, part, None] * Vt[:, part, :]
        if part.start < part.stop:
            for later in W[:layer:-1]:
                B, good = _solved(xp, later, B, good)
            A = xp.matrix_transpose(A)
            for _, _, earlier in made:
                A, good = _solved(xp, xp.matrix_transpose(earlier), A, good)
            A = xp.matrix_transpose(A)
        made.append((B, A, X + xp.matmul(B, A)))
    return _measured(xp, W, T, made, (finite, good), s, sum(ranks))


def _kept(xp: Any, good: Array, X: Array) -> Array:
    """The matrices, with the identity for those that are out."""
    if xp.all(good):
        return X
    where = {} if xp is np else {"device": X.device}
    return xp.where(good[:, None, None], X, xp.eye(X.shape[1], dtype=X.dtype, **where))


def _product(xp: Any, weights: Sequence[Array]) -> Array:
    return reduce(lambda P, X: xp.matmul(X, P), weights)


def _solved(xp: Any, X: Array, Y: Array, good: Array) -> tuple[Array, Array]:
    """X^{-1} Y, and which instances are still good: singular ones are not."""
    if xp is np:
        try:
            return np.linalg.solve(X, Y), good
        except np.linalg.LinAlgError:
            pass
    good = good & (xp.linalg.slogdet(X)[0] != 0)
    return xp.linalg.solve(_kept(xp, good, X), Y), good


def _measured(
    xp: Any,
    W: list[Array],
    T: Array,
    made: list[tuple[Array, Array, Array]],
    good: tuple[Array, Array],
    s: Array,
    S: int,
) -> LinearBatch:
    """The residual of what was made, and bounds of its rounding.

    A chain of L products rounds by at most the sum of the terms, times u, times the product of the
    norms; an SVD, as LAPACK has it, by 10 D u times the norm.
    """
    D, terms = T.shape[1], len(W) * (T.shape[1] + 4) + sum(B.shape[2] for B, _, _ in made)
    P = _product(xp, [X for _, _, X in made])
    before = reduce(lambda x, y: x * y, [_norm(xp, X) for X in W])
    after = reduce(
        lambda x, y: x * y,
        [_norm(xp, X) + _norm(xp, B) * _norm(xp, A) for X, (B, A, _) in zip(W, made, strict=True)],
    )
    off, t = P - T, _norm(xp, T)
    finite = xp.isfinite(after + t + xp.sum(xp.abs(off), axis=(1, 2)))
    off = xp.where(finite[:, None, None], off, 0.0)
    achieved = xp.max(_values(xp, off), axis=1)
    error = UNIT * (terms * (before + after) + 10 * (D + 1) * (t + before + achieved))
    least = s[:, S] if S < D else xp.zeros_like(achieved)
    reason = xp.where(finite, xp.zeros_like(error), float(OVERFLOW))
    reason = xp.where(good[1], reason, float(SINGULAR))
    reason = xp.where(good[0], reason, float(NOT_FINITE))
    bad = xp.where(reason == OK, xp.zeros_like(error), xp.nan)
    all_bad = bad[:, None, None]
    B, A, weights = (tuple(part + all_bad for part in parts) for parts in zip(*made, strict=True))
    return LinearBatch(
        B,
        A,
        weights,
        P + all_bad,
        achieved + bad,
        least + bad,
        error + bad,
        xp.astype(reason, xp.int8),
    )


def _values(xp: Any, X: Array) -> Array:
    return np.linalg.svd(X, compute_uv=False) if xp is np else xp.linalg.svdvals(X)


def _norm(xp: Any, X: Array) -> Array:
    return xp.sqrt(xp.sum(X * X, axis=(1, 2)))
