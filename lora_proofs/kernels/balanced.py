"""The Frobenius LoRA flow from a lambda-balanced start, B0'B0 - A0 A0' = c I, by Riccati substeps.

With Z = [b; a] in singular coordinates and F = [[c/2, S], [S', -c/2]] the flow is
Z' = F Z - 1/2 Z Z'Z, and Q = ZZ' moves by Q(t + h) = X (I + Z'KZ)^{-1} X' with X = e^{Fh}Z. F falls into
blocks of 2 x 2 with eigenvalues +-mu, mu^2 = sigma^2 + c^2/4, where e^{Fh} = cosh + F sinh/mu and
K = int_0^h e^{2Fs} ds = (sinh/mu) e^{Fh}. One step over a long time would lose what grows slower than
the rest, so steps keep mu h below ``GROWTH``.
"""

from __future__ import annotations

from typing import Any

from lora_proofs.kernels.coordinates import EPS, Coordinates, enter, leave, moved, size
from lora_proofs.kernels.frobenius import errors_of_product
from lora_proofs.kernels.result import INACCURATE, OK, TOO_MANY_STEPS, BatchResult
from lora_proofs.kernels.spectrum import product_singular_values

Array = Any
GROWTH = 4.0
MOVED = 64.0  # roundings by which the second run is moved: its distance is the error
BALANCED = 32.0 * EPS


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
    """The flow of 1/2 ||W0 + BA - Y||^2 for N starts whose ``balance_defect`` is below ``BALANCED``.

    A and B are those of the flow where r = 1, and ``None`` elsewhere: W is known, a rotation is not.
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
    b, a = _ride(b, a, sigma, c, xp.concat([p.t, p.t]), xp.concat([steps, steps]), xp)
    error, scale = _error(p, b, a, N, one, xp)
    B, A = b[:N], a[:N]
    values = product_singular_values(B, A, xp) * p.unit[:, None] ** 2 if singular_values else None
    A, B = leave(p, B, A)
    error = error + 16 * EPS * (scale + xp.max(xp.abs(W0), axis=(-2, -1)))
    reason = xp.where((reason == OK) & ~(error <= 0.1 * scale + 1e-300), INACCURATE, reason)
    W = W0 + B @ A
    return BatchResult(
        W, A if one else None, B if one else None, error, steps, reason, values, "riccati"
    )


def _substeps(largest: Array, c: Array, t: Array, xp: Any) -> Array:
    """How many substeps: powers of 2 and 3/2 of them, so that few counts occur."""
    needed = xp.sqrt(largest**2 + c**2 / 4) * t / GROWTH
    powers = 2.0 ** xp.ceil(xp.log2(xp.maximum(needed, 1.0 + 0.0 * needed)))
    count = xp.where(needed <= 0.75 * powers, 0.75 * powers, powers)
    return xp.astype(xp.ceil(count), xp.int64)


def _ride(b: Array, a: Array, sigma: Array, c: Array, t: Array, steps: Array, xp: Any) -> Any:
    """The factors after all substeps, instances with as many of them together."""
    counts = [int(x) for x in xp.unique_values(steps)]
    if len(counts) == 1:
        return _equal_steps(b, a, sigma, c, t, counts[0], xp)
    parts = []
    for count in counts:
        (chosen,) = xp.nonzero(steps == count)
        some = (xp.take(x, chosen, axis=0) for x in (b, a, sigma, c, t))
        parts.append((chosen, *_equal_steps(*some, count, xp)))
    index, b, a = (xp.concat(list(part)) for part in zip(*parts, strict=True))
    back = xp.argsort(index)
    return xp.take(b, back, axis=0), xp.take(a, back, axis=0)


def _equal_steps(
    b: Array, a: Array, sigma: Array, c: Array, t: Array, count: int, xp: Any
) -> tuple[Array, Array]:
    if not count:
        return b, a
    h, k, r = t / count, sigma.shape[-1], b.shape[-1]
    own_b, by_b, cross = _exponential(sigma, c, h, b.shape[1], 1.0, xp)
    own_a, by_a, _ = _exponential(sigma, c, h, a.shape[1], -1.0, xp)
    eye = xp.eye(r, dtype=b.dtype, device=b.device)
    for _ in range(count):
        x, y = own_b * b, own_a * a
        x[:, :k] += cross * a[:, :k]
        y[:, :k] += cross * b[:, :k]
        M = eye + b.mT @ (by_b * x) + a.mT @ (by_a * y)
        if r == 1:
            root = 1 / xp.sqrt(M)
            b, a = x * root, y * root
        else:
            back = xp.linalg.inv(xp.linalg.cholesky(M)).mT
            b, a = x @ back, y @ back
    return b, a


def _exponential(
    sigma: Array, c: Array, h: Array, rows: int, sign: float, xp: Any
) -> tuple[Array, Array, Array]:
    """Per row of b (sign 1) or a (sign -1): its factor in e^{Fh}, sinh/mu, and the cross factor."""
    k = sigma.shape[-1]
    zeros = xp.zeros((sigma.shape[0], rows - k), dtype=sigma.dtype, device=sigma.device)
    wide = xp.concat([sigma, zeros], axis=1) if rows > k else sigma
    mu = xp.sqrt(wide**2 + c[:, None] ** 2 / 4)
    z = mu * h[:, None]
    safe = xp.where(z > 0, mu, xp.ones_like(mu))
    ratio = xp.where(z > 0, xp.sinh(z) / safe, h[:, None] + 0.0 * z)
    own = xp.cosh(z) + sign * (c[:, None] / 2) * ratio
    return own[..., None], ratio[..., None], (ratio[:, :k] * sigma)[..., None]


def _error(p: Coordinates, b: Array, a: Array, N: int, one: bool, xp: Any) -> tuple[Array, Array]:
    """How far the two runs are apart: in W, and in A and B where they are known."""
    norm_b, norm_a = size(b[:N], xp), size(a[:N], xp)
    if one:
        db, da = size(b[:N] - b[N:], xp), size(a[:N] - a[N:], xp)
        return errors_of_product(p.unit, norm_b, norm_a, db, da, xp)
    apart = size(b[:N] @ a[:N].mT - b[N:] @ a[N:].mT, xp)
    return p.unit**2 * apart, p.unit**2 * norm_b * norm_a
