"""Rates at the limit of an aligned Frobenius start: in each mode, between modes, and the sharpness.

From B0 = 0 and A0 = Q diag(d) V_S' mode i ends in a_i b_i = sigma_i with a_i^2 - b_i^2 = d_i^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lora_proofs.arithmetic.context import Arithmetic, Scalar
from lora_proofs.errors import BadInput


def mode_limit(sigma: Any, D: Any, ctx: Arithmetic) -> tuple[Scalar, Scalar]:
    """(a^2, b^2) with ab = sigma and a^2 - b^2 = D; both numbers are exact.

    >>> from lora_proofs.arithmetic import EXACT
    >>> mode_limit(2, 3, EXACT)
    (4, 1)
    """
    with ctx.working():
        half, D = ctx.number("1/2"), ctx.number(D)
        root = ctx.sqrt(D * D + 4 * ctx.number(sigma) ** 2)
        return half * (root + D), half * (root - D)


def mode_rate(sigma: Any, D: Any, ctx: Arithmetic) -> Scalar:
    """The rate sqrt(D^2 + 4 sigma^2) at which a mode approaches its limit.

    >>> from lora_proofs.arithmetic import EXACT
    >>> mode_rate(2, 3, EXACT)
    5
    """
    with ctx.working():
        return ctx.sqrt(ctx.number(D) ** 2 + 4 * ctx.number(sigma) ** 2)


def coupling_growth(D: Any, sigma: Any, other: Any, ctx: Arithmetic) -> Scalar:
    """The growth rate of a coupling of a mode ``sigma`` that is learned to one that is not.

    It is sqrt(D^2/4 + other^2) - sqrt(D^2/4 + sigma^2): negative, a decay, where ``other`` is
    smaller; positive, an escape from a saddle, where it is larger.

    >>> from lora_proofs.arithmetic import EXACT
    >>> coupling_growth(6, 0, 4, EXACT)
    2
    """
    with ctx.working():
        quarter = ctx.number(D) ** 2 / 4
        return ctx.sqrt(quarter + ctx.number(other) ** 2) - ctx.sqrt(
            quarter + ctx.number(sigma) ** 2
        )


def sharpness(modes: Sequence[tuple[Any, Any]], ctx: Arithmetic) -> Scalar:
    """max_k a_k^2 + max_k b_k^2, the largest eigenvalue of the Hessian at the limit.

    ``modes`` are pairs (sigma, D) of the leading modes. Gradient descent is linearly stable there
    for step sizes up to 2 divided by it. Raises ``BadInput`` for no mode.

    >>> from lora_proofs.arithmetic import EXACT
    >>> sharpness([(2, 3), (6, 5)], EXACT)
    13
    """
    if not modes:
        raise BadInput("modes: expected at least one pair (sigma, D), got none")
    squares = [mode_limit(sigma, D, ctx) for sigma, D in modes]
    with ctx.working():
        return _largest([a for a, _ in squares]) + _largest([b for _, b in squares])


def _largest(values: list[Scalar]) -> Scalar:
    """The largest; of balls an enclosure of it."""
    largest = values[0]
    for value in values[1:]:
        largest = largest.max(value) if hasattr(largest, "max") else max(largest, value)
    return largest
