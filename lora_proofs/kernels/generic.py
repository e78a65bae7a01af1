"""The same steps as in ``stepping``, in functions of the array-API standard alone."""

from __future__ import annotations

from typing import Any

from lora_proofs.kernels.result import OK, STUCK, TOO_MANY_STEPS
from lora_proofs.kernels.stepping import ACCEPTED, LEAST_TRAIL, SAFETY, STABLE, TRAIL
from lora_proofs.mathematics.dormand_prince import ERROR_3, ERROR_5, STAGES, WEIGHTS

Array = Any


def integrate_generic(flows: Any, most_steps: int, xp: Any) -> None:
    """Move every state to the end of its time; instances that have ended leave in halves."""
    y, sigma, D, left, tolerance = flows.state, flows.sigma, flows.D, flows.left, flows.tolerance
    reason, h = flows.reason, xp.minimum(tolerance**0.125, left)
    steps, index = xp.zeros_like(reason), xp.arange(y.shape[0], device=y.device)
    recent, path, trail = xp.zeros_like(left), xp.zeros_like(left), xp.ones_like(left)
    done = []
    while True:
        going = (left > 0) & (reason == OK)
        count = int(xp.sum(xp.astype(going, xp.int64)))
        if 2 * count <= y.shape[0]:
            (ended,), (stay,) = xp.nonzero(~going), xp.nonzero(going)
            done.append(
                [xp.take(x, ended, axis=0) for x in (index, y, steps, reason, recent, path)]
            )
            if not count:
                break
            moving = (y, sigma, D, left, tolerance, reason, h, steps, index, recent, path, trail)
            moving = tuple(xp.take(x, stay, axis=0) for x in moving)
            y, sigma, D, left, tolerance, reason, h, steps, index, recent, path, trail = moving
        steps = steps + xp.astype(h > 0, steps.dtype)
        y, left, h, trail, *measures = _step(
            y, sigma, D, left, tolerance, h, trail, flows.shape, xp
        )
        lost, gone, stepped = measures
        recent = xp.where(stepped, recent / 2 + lost, recent)
        path = xp.where(stepped, path + gone, path)
        going = (left > 0) & (reason == OK)
        reason = xp.where(going & (steps >= most_steps), TOO_MANY_STEPS, reason)
        reason = xp.where(going & (h < 1e-13 * left), STUCK, reason)
    index, *found = (xp.concat(parts) for parts in zip(*done, strict=True))
    back = xp.argsort(index)
    found = [xp.take(x, back, axis=0) for x in found]
    flows.state, flows.steps, flows.reason, flows.recent, flows.path = found


def _step(
    y: Array,
    sigma: Array,
    D: Array,
    left: Array,
    tolerance: Array,
    h: Array,
    trail: Array,
    shape: tuple[int, int, int],
    xp: Any,
) -> tuple[Array, ...]:
    """States, times to go, step sizes, trails; what was lost, the path, where a step was made."""
    slopes: list[Array] = []
    wide = h[:, None]
    for row in ((), *STAGES):
        slopes.append(wide * _field(_add(y, row, slopes), sigma, D, shape, xp))
    new = _add(y, WEIGHTS, slopes)
    zero, slope = xp.zeros_like(y), wide * _field(new, sigma, D, shape, xp)
    fifth, third = (_squares(_add(zero, w, slopes), xp) for w in (ERROR_5, ERROR_3))
    before, after = _squares(y, xp), _squares(new, xp)
    scale = (ACCEPTED * tolerance) ** 2 * xp.maximum(before, after)
    error = fifth / (xp.sqrt(fifth + 0.01 * third) * xp.sqrt(scale) + 1e-150)
    finite = xp.isfinite(error) & xp.isfinite(after)
    error = xp.where(finite, error, xp.full_like(error, 1e10))
    accept = error <= 1
    left_then = xp.where(accept, left - h, left)
    power = xp.clip(error, 1e-12, 1e10) ** (TRAIL / 2)
    now = power * power
    factor = xp.clip(SAFETY / xp.where(accept, power * now / trail, now * now), 0.2, 6.0)
    trail = xp.where(accept, xp.clip(now, LEAST_TRAIL, 1.0), trail)
    slow = STABLE / xp.maximum(_rates(new, D, shape, xp), xp.full_like(h, 1e-300))
    size = xp.where(accept, xp.minimum(h * factor, slow), h * factor)
    size = xp.minimum(xp.where(xp.isfinite(size), size, h / 5), left_then)
    size = xp.where((size < left_then) & (2 * size > left_then), left_then / 2, size)
    turned = xp.sum(y * slopes[0], axis=-1) - xp.sum(new * slope, axis=-1)
    path = h * ((before + after) / 2 + turned / 6)
    y = xp.where(accept[:, None], new, y)
    return y, left_then, size, trail, xp.sqrt(fifth), path, accept & (h > 0)


def _rates(y: Array, D: Array, shape: tuple[int, int, int], xp: Any) -> Array:
    """A bound of the fastest rate at flat states: (N,)."""
    n, _, r = shape
    b = xp.reshape(y[:, : n * r], (y.shape[0], r, n))
    P = b @ b.mT
    both = (xp.sum((X @ X) ** 2, axis=(-2, -1)) ** 0.25 for X in (P, P - D))
    return sum(both)


def _add(y: Array, weights: tuple[float, ...], slopes: list[Array]) -> Array:
    for weight, slope in zip(weights, slopes, strict=True):
        if weight:
            y = y + weight * slope
    return y


def _squares(y: Array, xp: Any) -> Array:
    return xp.sum(y * y, axis=-1)


def _field(y: Array, sigma: Array, D: Array, shape: tuple[int, int, int], xp: Any) -> Array:
    """S a - b Q and S'b - a P, transposed, at flat states."""
    (n, m, r), N, k = shape, y.shape[0], sigma.shape[1]
    b, a = xp.reshape(y[:, : n * r], (N, r, n)), xp.reshape(y[:, n * r :], (N, r, m))
    P, S = b @ b.mT, sigma[:, None, :]
    to_b, to_a = S * a[..., :k], S * b[..., :k]
    if n > k:
        to_b = xp.concat([to_b, xp.zeros_like(b[..., k:])], axis=2)
    if m > k:
        to_a = xp.concat([to_a, xp.zeros_like(a[..., k:])], axis=2)
    rates = (to_b - (P - D) @ b, to_a - P @ a)
    return xp.concat([xp.reshape(x, (N, r * x.shape[2])) for x in rates], axis=1)
