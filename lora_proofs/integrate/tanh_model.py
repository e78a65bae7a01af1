"""The gradient of log-cosh along a polynomial path: a polynomial and a rigorous remainder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.ball import to_ball
from lora_proofs.errors import NotUnderstood
from lora_proofs.mathematics.losses import LogCosh


class StepTooLong(Exception):
    """A bound that cannot be had on a step of this length; a shorter one is tried."""


@dataclass(frozen=True, eq=False)
class TanhModel:
    """tanh(W - Y) on [0, length], for a matrix W of polynomials.

    The remainder is a ball in the constant coefficient: at each time the value lies in the
    evaluated ball. By Cauchy's estimate it is at most q^(order+1)/(1-q), q = length/rho, on a
    disc |s| <= rho where |tanh| <= 1; that holds where |Im w| <= pi/4, hence where the terms of
    w beyond the first add up to at most pi/4.
    """

    loss: Any
    length: flint.arb
    order: int

    def gradient(self, W: Any, ctx: Any) -> Any:
        """The matrix of polynomials with their remainders."""
        if not isinstance(self.loss, LogCosh):
            raise NotUnderstood(f"no enclosure is known for the gradient of {self.loss!r}")
        out = np.empty(W.shape, dtype=object)
        for i, j in np.ndindex(W.shape):
            shift = 0 if self.loss.Y is None else to_ball(self.loss.Y[i][j])
            out[i, j] = self._entry(flint.arb_poly([0]) + W[i, j] - shift)
        return out

    def _entry(self, w: flint.arb_poly) -> flint.arb_poly:
        coefficients = w.coeffs() or [flint.arb(0)]
        u = _tanh_series(coefficients, self.order + 1)
        u[0] = u[0] + flint.arb(0, self._remainder(coefficients).upper())
        return flint.arb_poly(u)

    def _remainder(self, coefficients: list[flint.arb]) -> flint.arb:
        sizes = [c.abs_upper() for c in coefficients[1:]]
        if all(size == 0 for size in sizes):
            return flint.arb(0)
        # q runs down by powers of 3/4 while the disc of radius length/q stays admissible.
        spread = flint.arb_poly([flint.arb(0), *sizes])
        q, best = flint.arb(flint.fmpq(3, 4)), None
        while spread(self.length / q) <= flint.arb.pi() / 4 and q > 1e-30:
            best, q = q, q * flint.arb(flint.fmpq(3, 4))
        if best is None:
            raise StepTooLong
        return best ** (self.order + 1) / (1 - best)


def _tanh_series(coefficients: list[flint.arb], length: int) -> list[flint.arb]:
    """The first coefficients of tanh w = 1 - 2/(e^{2w} + 1)."""
    cap = flint.ctx.cap
    try:
        flint.ctx.cap = length
        w = flint.arb_series(coefficients[:length], prec=length)
        u = 1 - 2 / ((2 * w).exp() + 1)
        found = [u[k] for k in range(length)]
    finally:
        flint.ctx.cap = cap
    return found
