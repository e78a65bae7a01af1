"""Descent, spectra and adapters against exact rationals and balls."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import EXACT, BallArithmetic
from lora_proofs.kernels import gradient_descent, linear_batch, product_spectra, relu_values
from lora_proofs.kernels.descent import METHODS
from lora_proofs.mathematics.flows import iterate
from lora_proofs.mathematics.losses import frobenius, trace_squared
from lora_proofs.mathematics.matrices import squared_singular_values
from lora_proofs.mathematics.relu_network import relu_network
from references.met import Met

Array = Any
BALLS = BallArithmetic(60)
SHAPES = ((1, 1, 1), (3, 2, 1), (2, 4, 3), (2, 2, 5), (4, 3, 2), (5, 5, 3))
DESCENTS = ("generic", "zero B0", "all zero", "dependent", "1e-8", "1e8", "stiff", "backward")
SPECTRA = ("generic", "dependent", "zero column", "all zero", "graded", "1e-60", "1e60", "ties")
NETS = ("near the identity", "generic", "nearly singular", "1e-8", "1e8", "tied")


def descents(seed: int) -> Iterator[Met]:
    """Gradient steps of either loss by each method, against the exact iterate."""
    for k, regime in enumerate(DESCENTS):
        trace = (seed + k) % 2 == 1
        W0, Y, A, B, h = _descent_start(regime, seed, trace)
        f = trace_squared() if trace else frobenius(EXACT.matrix(Y.tolist()))
        steps, scale = 1 + seed % 3, (1.0, 0.5, -2.0)[seed % 3]
        for method in METHODS:
            *_, (A1, B1) = iterate(
                method,
                steps,
                f,
                *map(_exact, (W0, A, B)),
                Fraction(h),
                EXACT,
                scale=Fraction(scale),
            )
            W1 = _exact(W0) + EXACT.number(scale) * (B1 @ A1)
            loss, target = ("trace-squared", None) if trace else ("frobenius", Y[None])
            found = gradient_descent(
                loss, W0[None], target, A[None], B[None], h, steps, method, scale=scale
            )
            pairs = ((found.A, A1), (found.B, B1), (found.W, W1))
            off = max(_apart(x[0], y) for x, y in pairs) if not found.failed[0] else 0.0
            said = None if found.failed[0] else float(found.error[0])
            yield Met(f"descent, {method}", regime, off, said, f"seed {seed}")


def _descent_start(regime: str, seed: int, square: bool) -> tuple[Array, ...]:
    n, m, r = SHAPES[seed % len(SHAPES)]
    m = n if square else m
    rng = np.random.default_rng(seed)
    W0, Y, A, B = (rng.normal(size=s) for s in ((n, m), (n, m), (r, m), (n, r)))
    size = {"1e-8": 1e-8, "1e8": 1e8}.get(regime, 1.0)
    W0, Y, A, B, h = W0 * size, Y * size, A * size**0.5, B * size**0.5, 0.1 / size
    if regime in ("zero B0", "all zero"):
        B = 0 * B
    if regime == "all zero":
        A = 0 * A
    if regime == "dependent":
        A[1:] = A[:1]
    if regime == "stiff":
        A, h = A * 1e4, h * 1e-8
    return W0, Y, A, B, -h if regime == "backward" else h


def spectra(seed: int) -> Iterator[Met]:
    """Singular values of products, against roots of the exact characteristic polynomial."""
    n, m, r = SHAPES[seed % len(SHAPES)]
    for regime in SPECTRA:
        B, A = _factors(regime, n, m, r, np.random.default_rng(seed))
        found, (values, rank) = product_spectra(B[None], A[None]), _values(_exact(B) @ _exact(A))
        failed = bool(found.failed[0])
        ranked = found.rank_lower[0] <= rank <= found.rank_upper[0]
        off = max(_far(x, y) for x, y in zip(values, found.values[0], strict=False))
        said = None if failed else float(found.error[0])
        yield Met("spectra", regime, off if ranked else np.inf, said, f"seed {seed}")


def _factors(regime: str, n: int, m: int, r: int, rng: Any) -> tuple[Array, Array]:
    B, A = rng.integers(-8, 9, (n, r)) / 4.0, rng.integers(-8, 9, (r, m)) / 4.0
    if regime == "dependent":
        B[:, -1] = 2 * B[:, 0]
    if regime == "zero column":
        B[:, 0] = 0
    if regime == "all zero":
        A = 0 * A
    if regime == "graded":
        B = B * 2.0 ** -(9.0 * np.arange(r))
    if regime == "ties":
        B, A = np.eye(n, r), np.eye(r, m)
    size = {"1e-60": 2.0**-200, "1e60": 2.0**200}.get(regime, 1.0)
    return B * size, A * size


def networks(seed: int) -> Iterator[Met]:
    """Adapters of linear nets: what is left of the target; and the values of ReLU nets."""
    D, ranks = 2 + seed % 3, ((1, 1, 1), (0, 2, 1), (2, 0, 0), (0, 0, 0))[seed % 4]
    for regime in NETS:
        W, T, b, X = _net(regime, D, np.random.default_rng(seed))
        found = linear_batch([V[None] for V in W], T[None], ranks)
        failed = bool(found.failed[0])
        off = 0.0 if failed else _least_and_achieved(W, T, ranks, found)
        said = None if failed else float(found.error[0])
        yield Met("linear adapters", regime, off, said, f"seed {seed}")
        values, error = relu_values([V[None] for V in W], [c[None] for c in b], X[None])
        layers = [(_exact(V), _exact(c[None])[0]) for V, c in zip(W, b, strict=True)]
        away = _apart(values[0], relu_network(layers, _exact(X), EXACT))
        yield Met("ReLU values", regime, away, float(error[0]), f"seed {seed}")


def _net(regime: str, D: int, rng: Any) -> tuple[list[Array], Array, list[Array], Array]:
    spread, eye = {"near the identity": 0.1}.get(regime, 1.0), np.eye(D)
    W = [eye * (regime in ("near the identity", "tied")) + spread * rng.normal(size=(D, D))]
    W += [eye + spread * rng.normal(size=(D, D)) for _ in range(2)]
    T = rng.normal(size=(D, D))
    if regime == "nearly singular":
        W[1][:, 0] = W[1][:, 1] * (1 + 2.0**-30)
    if regime == "tied":
        W, T = [eye, eye, eye], 2 * eye
    size = {"1e-8": 2.0**-27, "1e8": 2.0**27}.get(regime, 1.0)
    b = [rng.normal(size=D) for _ in W]
    return [size * V for V in W], size**3 * T, b, rng.normal(size=(D, 4))


def _least_and_achieved(W: list[Array], T: Array, ranks: tuple[int, ...], found: Any) -> float:
    """How far off the two errors are that the kernel tells, against balls."""
    frozen, adapted = EXACT.identity(len(T)), EXACT.identity(len(T))
    for V, B, A in zip(W, found.B, found.A, strict=True):
        frozen = _exact(V) @ frozen
        adapted = (_exact(V) + _product(B[0], A[0])) @ adapted
    achieved = _values(adapted - _exact(T))[0][0]
    left = [*_values(_exact(T) - frozen)[0], 0]
    least = left[min(sum(ranks), len(T))]
    return max(_far(achieved, found.achieved[0]), _far(least, found.least[0]))


def _product(B: Array, A: Array) -> Array:
    return _exact(B) @ _exact(A) if B.shape[1] else EXACT.zeros(B.shape[0], A.shape[1])


def _values(X: Array) -> tuple[list[Any], int]:
    """All singular values in balls, largest first, and the exact rank."""
    with BALLS.working():
        squares = [x for x, k in squared_singular_values(X, BALLS) for _ in range(k)]
        roots = [BALLS.sqrt(BALLS.number(x)) for x in squares]
    return roots + [0] * (min(X.shape) - len(roots)), EXACT.rank(X)


def _far(x: Any, y: float) -> float:
    """An upper bound of |x - y|."""
    with flint.ctx.workprec(300):
        return float(abs(flint.arb(x) - flint.arb(float(y))).abs_upper())


def _exact(X: Array) -> Array:
    return EXACT.matrix(X.tolist())


def _apart(found: Array, exact: Array) -> float:
    return max(
        float(abs(Fraction(float(x)) - Fraction(int(y.p), int(y.q))))
        for x, y in zip(found.flat, exact.flat, strict=True)
    )
