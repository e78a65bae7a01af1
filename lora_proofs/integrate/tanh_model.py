"""tanh along a path whose Taylor coefficients are known up to an order: its majorants."""

from __future__ import annotations

from functools import reduce
from typing import Any

import flint

from lora_proofs.integrate.majorant import Majorant
from lora_proofs.integrate.norms import frobenius


class TanhPath:
    """Majorants of u = tanh w, entry by entry, on 0 <= t <= ``reach``, for a matrix path w.

    ``w`` and ``u`` are balls of the coefficients below an order p. Where the entries of w move by
    at most pi/4 on the disc |t| <= rho, they have |Im w| <= pi/4, hence |tanh w| <= 1 there, and
    by Cauchy's estimate |u_k| <= rho^-k. So on t <= reach = rho/2 the terms from order p on add up
    to at most 2 (t/rho)^p in each entry.
    """

    def __init__(self, w: list[Any], u: list[Any]) -> None:
        self.w, self.u = w, u
        self.reach: flint.arb | None = None

    def majorant(self, point: Majorant) -> Majorant:
        """The majorant of u, for that of w."""
        tail = self._tail(point.bound)
        norms = flint.arb_poly([frobenius(x) for x in self.u])
        bound = norms + tail
        # The derivative of u is (1 - u^2) o dw. At t = 0 no entry of 1 - u^2 is above 1.
        square = (bound * bound).coeffs()
        factor = flint.arb_poly([flint.arb(1), *square[1:]])
        return Majorant(bound, tuple(factor * slope for slope in point.slopes), point.bends)

    def _tail(self, sizes: Any) -> flint.arb_poly:
        p = len(self.u)
        rest = sizes.coeffs()[p:] if isinstance(sizes, flint.arb_poly) else []
        moved = flint.arb_poly([flint.arb(0), *map(_largest, self.w[1:]), *rest])
        if all(c == 0 for c in moved.coeffs()):
            return flint.arb_poly([0])
        rho = _disc(moved)
        self.reach = (rho / 2).lower()
        entries = flint.arb(self.u[0].nrows() * self.u[0].ncols())
        return flint.arb_poly([flint.arb(0)] * p + [(2 * entries.sqrt() / rho**p).upper()])


def _largest(X: Any) -> flint.arb:
    return flint.arb(reduce(flint.arb.max, (x.abs_upper() for x in X.entries())))


def _disc(moved: flint.arb_poly) -> flint.arb:
    """Nearly the largest dyadic rho with moved(rho) <= pi/4."""
    wall = flint.arb.pi() / 4
    # Coefficients that are no numbers end in rho = 2^-4096, where no step is accepted.
    down = next((k for k in range(4096) if moved(flint.arb(2) ** -k) <= wall), 4096)
    up = next((k for k in range(4096) if not moved(flint.arb(2) ** (k + 1)) <= wall), 0)
    rho = flint.arb(2) ** (up - down)
    steps = [rho * (1 + flint.arb(i) / 8) for i in range(8)]
    return next((x for x in reversed(steps) if moved(x) <= wall), rho)
