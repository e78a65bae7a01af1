"""The Frobenius LoRA flow from every start, by the compiled kernel.

Two runs per instance as in ``kernels/frobenius.py``, with its tolerances, constants and failures;
the second starts from data moved by ``ROUNDINGS`` times as many roundings.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput, Unavailable
from lora_proofs.kernels.compiled.building import library
from lora_proofs.kernels.coordinates import EPS
from lora_proofs.kernels.frobenius import (
    COARSER,
    ROUNDINGS,
    TRUST,
    errors_of_product,
    frobenius_flow,
    paths_agree,
)
from lora_proofs.kernels.result import INACCURATE, OK, OVERFLOW, BatchResult

Array = Any
MEASURES = 8  # a row of what the C kernel measures


def general_flow(backend: str, xp: Any) -> Any:
    """The function that integrates the general flow: of this package, or of the NumPy path."""
    if backend == "numpy" or (backend == "auto" and xp is not np):
        return frobenius_flow
    if xp is not np:
        raise BadInput(
            f"backend compiled: expected arrays of NumPy, got those of {xp.__name__}; convert "
            "them, or take backend numpy or auto"
        )
    try:
        library()
    except Unavailable:
        if backend == "compiled":
            raise
        return frobenius_flow
    return compiled_flow


def compiled_flow(
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
    """The flow of 1/2 ||W0 + BA - Y||^2 for a block of N instances of NumPy."""
    tolerances = np.array([tolerance, COARSER * tolerance][: 1 + estimate])
    A, B, product, measures, steps, reason, values = _run(
        Y - W0, A0, B0, t, tolerances, most_steps, singular_values
    )
    b, a, db, da, lost, unit, path, other = measures.T
    if estimate:
        db, da = db / TRUST + lost, da / TRUST + lost
        error, scale = errors_of_product(unit, b, a, db, da, np)
        W0_size = np.max(np.abs(W0), axis=(-2, -1))
        error = error + 16 * EPS * (scale + W0_size)
        together = paths_agree(path, other, COARSER * tolerance, np)
        reason = np.where((reason == OK) & ~(together & (error < scale)), INACCURATE, reason)
        reason = np.where((reason == INACCURATE) & (scale == 0), OK, reason)
    else:
        error = np.full_like(unit, np.inf)
        reason = np.where((reason == OK) & ~np.isfinite(b + a), OVERFLOW, reason)
    return BatchResult(W0 + product, A, B, error, steps, reason, values, "dop853 (compiled)")


def _run(
    E: Array, A0: Array, B0: Array, t: Array, tolerances: Array, most_steps: int, values: bool
) -> tuple[Array, ...]:
    """A, B, BA, measures, steps, reasons and singular values, all of N instances."""
    (N, n, m), r = E.shape, B0.shape[2]
    E, A0, B0, t = (np.ascontiguousarray(X) for X in (E, A0, B0, t))
    A, B, product = np.empty_like(A0), np.empty_like(B0), np.empty_like(E)
    steps, reason = np.empty(N, dtype=np.int64), np.empty(N, dtype=np.int64)
    measures, spectrum = np.empty((N, MEASURES)), np.empty((N, min(n, m, r) if values else 0))
    # Strides of a matrix and of the factors, the longer one first.
    rows, left, right = (m, 1), (r, 1), (1, m)
    before, after = (B0, A0, B, A), (n, m)
    if n < m:
        rows, left, right = rows[::-1], right, left
        before, after = (A0, B0, A, B), (m, n)
    sizes = [N, *after, r, *rows, *left, *right, most_steps, values, len(tolerances)]
    problem = np.array(sizes, dtype=np.int64)
    where = [X.ctypes.data_as(ctypes.c_void_p) for X in (problem, E, *before[:2], t, tolerances)]
    to = (*before[2:], product, measures, steps, reason, spectrum)
    moved = ctypes.c_double(COARSER * ROUNDINGS * EPS)
    out = [X.ctypes.data_as(ctypes.c_void_p) for X in to]
    if library().lora_flow(*where, moved, *out):
        raise MemoryError(f"a block of {N} instances: no memory for the compiled kernel")
    return A, B, product, measures, steps, reason, spectrum if values else None
