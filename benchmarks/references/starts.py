"""Starts of flows by regime, exact in float64 where zeros, ties and balance matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = Any
Start = tuple[Array, Array, Array, Array]  # W0, Y, A0, B0 of one instance
SHAPES = ((1, 1, 1), (2, 3, 2), (3, 2, 3), (2, 2, 1), (4, 3, 2), (3, 4, 1), (2, 2, 4))
TIMES = (0.25, 1.0, 4.0)


def dyadic(rng: Any, *shape: int) -> Array:
    """Normal entries rounded to eighths."""
    return np.round(rng.normal(size=shape) * 8) / 8


def frobenius_starts(seed: int) -> Mapping[str, tuple[Start, float]]:
    """Per regime one start and its time; the shape goes round with the seed."""
    rng, (n, m, r) = np.random.default_rng(seed), SHAPES[seed % len(SHAPES)]
    t = TIMES[seed // len(SHAPES) % len(TIMES)]
    W0, Y, A, B = (dyadic(rng, *s) for s in ((n, m), (n, m), (r, m), (n, r)))
    tied, wrong = np.zeros((n, m)), np.zeros((r, m))
    np.fill_diagonal(tied, (2, 1, 1, 0.5)[: min(n, m)])
    for j in range(min(r, m - 1)):
        wrong[j, j + 1] = 1 + j / 4
    graded = np.zeros((n, m))
    np.fill_diagonal(graded, 2.0 ** -(9.0 * np.arange(min(n, m))))
    return {
        "generic": ((W0, Y, A, B), t),
        "zero B0": ((W0, Y, A, 0 * B), t),
        "zero A0": ((W0, Y, 0 * A, B), t),
        "all zero": ((W0, Y, 0 * A, 0 * B), t),
        "ties": ((0 * W0, tied, A, 0 * B), t),
        "saddle": ((0 * W0, tied, wrong, 0 * B), t),
        "near a saddle": ((0 * W0, tied, wrong + A / 2**20, 0 * B), t),
        "nothing to learn": ((W0, W0, A, B), t),
        "rank one": ((W0, W0 + B[:, :1] @ A[:1], A, B), t),
        "small start": ((W0, Y, A / 2**20, B / 2**20), t),
        "scale 1e-8": ((W0 / 2**27, Y / 2**27, A / 2**13, B / 2**13), t),
        "scale 1e8": ((W0 * 2**26, Y * 2**26, A * 2**13, B * 2**13), t / 2**26),
        "graded E": ((0 * W0, graded, A, 0 * B), t),
        "large A0": ((W0, Y, 16 * A, B), t / 256),
        "stiff 1e8": ((0 * W0, tied * 2**13, A / 2**13, 0 * B), t / 2**13),
    }


def balanced_starts(seed: int) -> Mapping[str, tuple[Start, float]]:
    """Starts with B0'B0 - A0 A0' = c I, or with r = 1."""
    rng, (n, m, r) = np.random.default_rng(seed), SHAPES[seed % len(SHAPES)]
    t, r = TIMES[seed // len(SHAPES) % len(TIMES)], min(r, n, m)
    W0, Y, a, b = (dyadic(rng, *s) for s in ((n, m), (n, m), (1, m), (n, 1)))
    A, B = 1.5 * np.eye(r, m), 1.5 * np.eye(n, r)
    tied = np.zeros((n, m))
    np.fill_diagonal(tied, (2, 1, 1, 0.5)[: min(n, m)])
    turned = np.roll(A, 1, axis=1)
    return {
        "zero B0": ((W0, Y, A, 0 * B), t),
        "zero A0": ((W0, Y, 0 * A, B), t),
        "c = 0": ((W0, Y, A, B), t),
        "ties": ((0 * W0, tied, A, 0 * B), t),
        "saddle": ((0 * W0, tied, turned, 0 * B), t),
        "nothing to learn": ((W0, W0, A, B), t),
        "all zero": ((W0, Y, 0 * A, 0 * B), t),
        "r = 1": ((W0, Y, a, b), t),
        "r = 1, zero B0": ((W0, Y, a, 0 * b), t),
        "r = 1, cone": ((np.outer(b, b), np.zeros((n, n)), b.T, -b), t),
        "scale 1e-8": ((W0 / 2**27, Y / 2**27, A / 2**13, 0 * B), t),
        "scale 1e8": ((W0 * 2**26, Y * 2**26, A * 2**13, 0 * B), t / 2**26),
        "large E": ((W0 * 2**5, Y * 2**5, A, 0 * B), t),
    }


def trace_starts(seed: int) -> Mapping[str, tuple[tuple[Array, Array, Array], float]]:
    """Starts (W0, A0, B0) of the trace-squared loss; times up to 1024."""
    rng, (n, _, r) = np.random.default_rng(seed), SHAPES[seed % len(SHAPES)]
    t = (0.25, 4.0, 1024.0)[seed // len(SHAPES) % 3]
    W0, A, B = dyadic(rng, n, n), dyadic(rng, r, n), dyadic(rng, n, r)
    corner = np.zeros((n, n))
    corner[0, 0] = np.trace(W0)
    return {
        "generic": ((W0, A, B), t),
        "zero B0": ((W0, A, 0 * B), t),
        "cone": ((W0, A, A.T), t),
        "other cone": ((W0, A, -A.T), t),
        "near the cone": ((W0, A, A.T * (1 - 2.0**-20)), t),
        "all zero": ((W0, 0 * A, 0 * B), t),
        "no trace": ((W0 - corner, A, B), t),
        "no trace, cone": ((W0 - corner, A, -A.T), t),
        "scale 1e8": ((W0 * 2**26, A, B), t),
        "scale 1e-8": ((W0 / 2**26, A / 2**13, B / 2**13), t),
    }
