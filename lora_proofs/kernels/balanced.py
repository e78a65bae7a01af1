"""The Frobenius LoRA flow from a lambda-balanced start, B0'B0 - A0 A0' = c I, by Riccati substeps.

With Z = [b; a] in singular coordinates and F = [[c/2, S], [S', -c/2]] the flow is
Z' = F Z - 1/2 Z Z'Z, and Q = ZZ' moves by Q(t + h) = X (I + Z'KZ)^{-1} X' with X = e^{Fh}Z. F falls
into blocks of 2 x 2 with eigenvalues +-mu, mu^2 = sigma^2 + c^2/4, where e^{Fh} = cosh + F sinh/mu
and K = int_0^h e^{2Fs} ds = (sinh/mu) e^{Fh}. One step over a long time would lose what grows
slower than the rest, so steps keep mu h below ``GROWTH``. The sum of log det(I + Z'KZ) is the
integral of ||Z||^2: two runs whose integrals differ left a saddle at different times
(``frobenius.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lora_proofs.kernels.coordinates import EPS, Coordinates, enter, leave, moved, padded, size
from lora_proofs.kernels.frobenius import errors_of_product, paths_agree
from lora_proofs.kernels.result import INACCURATE, OK, TOO_MANY_STEPS, BatchResult
from lora_proofs.kernels.spectrum import product_singular_values

Array = Any
GROWTH = 4.0
MOST = 2.0**60
MOVED = 65_536.0  # roundings by which the second run is moved
TRUST = 256.0  # what its distance is divided by: the error is that of 256 roundings
BALANCED = 32.0 * EPS
CHUNK = 1 << 18  # bytes of the states that move together
UNLOGGED = 16  # substeps whose determinants are multiplied: far below the range of float64


def balance_defect(A0: Array, B0: Array, xp: Any) -> tuple[Array, Array]:
    """c, and ||B0'B0 - A0 A0' - c I|| relative to ||A0||^2 + ||B0||^2, per instance: (N,), (N,).

    >>> c, defect = balance_defect(np.eye(2)[None], np.zeros((1, 3, 2)), np)
    >>> float(c[0]), float(defect[0])
    (-1.0, 0.0)
    """
    D = B0.mT @ B0 - A0 @ A0.mT
    r = D.shape[-1]
    eye = xp.eye(r, dtype=D.dtype, device=D.device)
    c = xp.sum(D * eye, axis=(-2, -1)) / r
    whole = size(A0, xp) ** 2 + size(B0, xp) ** 2
    defect = size(D - c[:, None, None] * eye, xp) / xp.where(whole > 0, whole, 1.0 + 0.0 * whole)
    return c, defect


def balanced_flow(
    W0: Array,
    Y: Array,
    A0: Array,
    B0: Array,
    t: Array,
    xp: Any,
    *,
    most_steps: int,
    singular_values: bool,
) -> BatchResult:
    """The flow of 1/2 ||W0 + BA - Y||^2 for N starts with ``balance_defect`` below ``BALANCED``.

    A and B are those of the flow where r = 1, and ``None`` elsewhere: W is known, a rotation not.
    """
    p = enter(Y - W0, A0, B0, t, xp)
    b_far, a_far, sigma_far = moved(p, MOVED * EPS, xp)
    N, one = p.t.shape[0], p.b.shape[-1] == 1
    b, a = xp.concat([p.b, b_far]), xp.concat([p.a, a_far])
    sigma = xp.concat([p.sigma, sigma_far])
    c, _ = balance_defect(a.mT, b, xp)
    count = _substeps(xp.max(sigma, axis=-1), c, xp.concat([p.t, p.t]), xp)
    steps = xp.maximum(count[:N], count[N:])
    reason = xp.where(steps > most_steps, TOO_MANY_STEPS, p.reason)
    steps = xp.where(reason == OK, steps, 0 * steps)
    b, a, path = _ride(b, a, sigma, c, xp.concat([p.t, p.t]), xp.concat([steps, steps]), xp)
    apart, scale = _apart(p, b, a, N, one, xp)
    together = paths_agree(path[:N], path[N:], 0.0, xp)
    B, A = b[:N, ...], a[:N, ...]
    values = product_singular_values(B, A, xp) * p.unit[:, None] ** 2 if singular_values else None
    A, B = leave(p, B, A)
    sure = together & (apart <= 0.1 * scale + 1e-300)
    reason = xp.where((reason == OK) & ~sure, INACCURATE, reason)
    error = apart / TRUST + 16 * EPS * (scale + xp.max(xp.abs(W0), axis=(-2, -1)))
    W = W0 + B @ A
    return BatchResult(
        W, A if one else None, B if one else None, error, steps, reason, values, "riccati"
    )


def _substeps(largest: Array, c: Array, t: Array, xp: Any) -> Array:
    """How many substeps: powers of 2 and 3/2 of them, so that few counts occur."""
    needed = xp.hypot(largest, c / 2) * t / GROWTH
    needed = xp.where(needed < MOST, needed, MOST + 0.0 * largest)  # more is no integer
    powers = 2.0 ** xp.ceil(xp.log2(xp.maximum(needed, 1.0 + 0.0 * needed)))
    count = xp.where(needed <= 0.75 * powers, 0.75 * powers, powers)
    return xp.astype(xp.ceil(count), xp.int64)


def _ride(b: Array, a: Array, sigma: Array, c: Array, t: Array, steps: Array, xp: Any) -> Any:
    """Factors and paths after all substeps, instances with as many of them together."""
    counts = [int(x) for x in xp.unique_values(steps)]
    if not counts:
        return b, a, 0.0 * t
    if len(counts) == 1:
        return _equal_steps(b, a, sigma, c, t, counts[0], xp)
    parts = []
    for count in counts:
        (chosen,) = xp.nonzero(steps == count)
        B, A, S, C, T = (xp.take(x, chosen, axis=0) for x in (b, a, sigma, c, t))
        parts.append((chosen, *_equal_steps(B, A, S, C, T, count, xp)))
    index, *found = (xp.concat(list(part)) for part in zip(*parts, strict=True))
    back = xp.argsort(index)
    return [xp.take(x, back, axis=0) for x in found]


def _equal_steps(
    b: Array, a: Array, sigma: Array, c: Array, t: Array, count: int, xp: Any
) -> tuple[Array, Array, Array]:
    if not count:
        return b, a, 0.0 * t
    h, k, r = t / count, sigma.shape[-1], b.shape[-1]
    b_growth, a_growth = (_growth(sigma, c, h, X.shape[1], s, xp) for X, s in ((b, 1.0), (a, -1.0)))
    if xp is np and r <= 3:
        return _ride_in_chunks(b, a, b_growth, a_growth, count, k)
    (own_b, by_b, cross), (own_a, by_a, _) = (
        (x[..., None] for x in g) for g in (b_growth, a_growth)
    )
    eye = xp.eye(r, dtype=b.dtype, device=b.device)
    path = 0.0 * t
    for _ in range(count):
        x = own_b * b + padded(cross * a[:, :k, ...], b, xp)
        y = own_a * a + padded(cross * b[:, :k, ...], a, xp)
        M = eye + b.mT @ (by_b * x) + a.mT @ (by_a * y)
        lower = xp.linalg.cholesky(M)
        path = path + 2 * xp.sum(xp.log(xp.linalg.diagonal(lower)), axis=-1)
        back = xp.linalg.inv(lower).mT
        b, a = x @ back, y @ back
    return b, a, path


def _ride_in_chunks(
    b: Array, a: Array, b_growth: Any, a_growth: Any, count: int, k: int
) -> tuple[Array, Array, Array]:
    """The same with instances along the last axis, where Cholesky is a few vector operations."""
    n, N, path = b.shape[1], len(b), np.empty(len(b))
    Z = np.concatenate([b, a], axis=1)
    own, by = (
        np.concatenate([x, y], axis=1) for x, y in zip(b_growth[:2], a_growth[:2], strict=True)
    )
    chunk = max(32, CHUNK // (8 * Z[0].size))
    for start in range(0, N, chunk):
        some = slice(start, min(start + chunk, N))
        z = np.ascontiguousarray(np.moveaxis(Z[some], 0, -1))
        o, y, x = (np.ascontiguousarray(x[some].T)[:, None, :] for x in (own, by, b_growth[2]))
        z, path[some] = _ride_last(z, o, y, x, count, n, k)
        Z[some] = np.moveaxis(z, -1, 0)
    return Z[:, :n], Z[:, n:], path


def _ride_last(
    z: Array, own: Array, by: Array, cross: Array, count: int, n: int, k: int
) -> tuple[Array, Array]:
    r, x, push = z.shape[1], np.empty_like(z), np.empty_like(z[:k])
    path, roots = np.zeros(z.shape[-1]), np.ones(z.shape[-1])
    M, weighted = np.empty((r, r, z.shape[-1])), np.empty_like(z)
    for step in range(1, count + 1):
        np.multiply(own, z, out=x)
        for to, of in ((0, n), (n, 0)):
            np.multiply(cross, z[of : of + k], out=push)
            np.add(x[to : to + k], push, out=x[to : to + k])
        np.multiply(by, x, out=weighted)
        np.einsum("ikN,ilN->klN", z, weighted, out=M)
        for j in range(r):
            M[j, j] += 1.0
        _divide_by_root(x, M, roots)
        x, z = z, x
        if step % UNLOGGED == 0 or step == count:
            path -= 2 * np.log(roots)
            roots.fill(1.0)
    return z, path


def _divide_by_root(x: Array, M: Array, roots: Array) -> None:
    """x := x L'^{-1} for M = L L', column by column; ``roots`` are divided by det L.

    The lower triangle of M becomes that of L.
    """
    for j in range(len(M)):
        for i in range(j):
            M[j:, j] -= M[j:, i] * M[j, i]
            x[:, j] -= x[:, i] * M[j, i]
        root = 1.0 / np.sqrt(M[j, j])
        roots *= root
        M[j:, j] *= root
        x[:, j] *= root


def _growth(
    sigma: Array, c: Array, h: Array, rows: int, sign: float, xp: Any
) -> tuple[Array, Array, Array]:
    """Per row of b (sign 1) or a (sign -1): its factor in e^{Fh}, sinh/mu, and the cross factor."""
    k = sigma.shape[-1]
    zeros = xp.zeros((sigma.shape[0], rows - k), dtype=sigma.dtype, device=sigma.device)
    wide = xp.concat([sigma, zeros], axis=1) if rows > k else sigma
    mu = xp.hypot(wide, c[:, None] / 2 + 0.0 * wide)
    z = mu * h[:, None]
    safe = xp.where(z > 0, mu, xp.ones_like(mu))
    ratio = xp.where(z > 0, xp.sinh(z) / safe, h[:, None] + 0.0 * z)
    return xp.cosh(z) + sign * (c[:, None] / 2) * ratio, ratio, ratio[:, :k] * sigma


def _apart(p: Coordinates, b: Array, a: Array, N: int, one: bool, xp: Any) -> tuple[Array, Array]:
    """How far the two runs are apart: in W, and in A and B where they are known."""
    b, b_far, a, a_far = b[:N, ...], b[N:, ...], a[:N, ...], a[N:, ...]
    norm_b, norm_a = size(b, xp), size(a, xp)
    if one:
        db, da = size(b - b_far, xp), size(a - a_far, xp)
        return errors_of_product(p.unit, norm_b, norm_a, db, da, xp)
    apart = size(b @ a.mT - b_far @ a_far.mT, xp)
    return p.unit**2 * apart, p.unit**2 * norm_b * norm_a
