"""Two upper bounds of the logarithmic norm of a field, along a polynomial path and a tube.

Distances are weighted, |e|^2 = sum_X w_X ||e_X||_F^2, so with D = diag(sqrt w_X) the logarithmic
norm at y is the largest eigenvalue of the symmetric part of D J(y) D^-1, J the Jacobian.

- ``Free``: ||G(y)||_2 of a matrix word G that is known to bound it (for the LoRA flow of a convex
  loss a multiple of the gradient of f, see ``flow_field``). No eigenvalue of a Jacobian is needed.
- ``Sharp``: the largest eigenvalue itself. It may be negative, so errors can shrink.

Both are m(P(y)) for a convex function m of matrices, 1-Lipschitz in the Frobenius norm, and a
matrix P(y), which is G(y) or D J(y) D^-1. On the path y~ let P(y~(t)) = sum_k P_k t^k with
||P_k|| <= p_k. On [0, h] the matrix lies within sum_{k>=2} p_k (t h^(k-1) - t^k) of its chord
(1 - t/h) P(y~(0)) + (t/h) P(y~(h)): where m_0, m_1 bound m at the two ends, by convexity

    m(P(y~(t) + e)) <= (1 - t/h) m_0 + (t/h) m_1 + sum_{k>=2} p_k (t h^(k-1) - t^k) + K |e|,

K a Lipschitz constant of P on the tube. Its integral over [0, h] is ``Rates.total``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flint

from lora_proofs.integrate.adjoint import jacobian
from lora_proofs.integrate.majorant import Majorant
from lora_proofs.integrate.norms import largest_eigenvalue, operator_norm
from lora_proofs.integrate.tape import Tape

GROWTH = "growth"
BITS = 64


@dataclass(frozen=True, eq=False)
class Free:
    """The operator norm of the word called GROWTH on the tape."""

    tape: Tape
    scales: Mapping[Any, Any]  # sqrt(w_X) for each moving symbol

    def at(self, nodes: list[Any]) -> flint.arb:
        """An upper bound where the nodes of the tape have the given values."""
        found = nodes[self.tape.outputs[GROWTH]]
        return operator_norm(found) if isinstance(found, flint.arb_mat) else found.abs_upper()

    def sizes(self, found: Mapping[Any, Majorant]) -> list[flint.arb]:
        """p_k, from majorants along the path."""
        bound = found[GROWTH].bound
        return bound.coeffs() if isinstance(bound, flint.arb_poly) else [bound]

    def lipschitz(self, found: Mapping[Any, Majorant]) -> flint.arb:
        """K, from majorants on the tube."""
        slopes = zip(found[GROWTH].slopes, self.scales.values(), strict=True)
        return _root(sum(((a / d) ** 2 for a, d in slopes), flint.arb(0)))


@dataclass(frozen=True, eq=False)
class Sharp:
    """The largest eigenvalue of the symmetric part of the Jacobian."""

    tape: Tape
    scales: Mapping[Any, Any]

    def at(self, nodes: list[Any]) -> flint.arb:
        """An upper bound where the nodes of the tape have the given values."""
        J = jacobian(self.tape, nodes, self.scales)
        return largest_eigenvalue((J + J.transpose()) / 2)

    def sizes(self, found: Mapping[Any, Majorant]) -> list[flint.arb]:
        """p_k, from majorants along the path: the norms of the blocks, put together."""
        table = [
            (flint.arb_poly([0]) + slope) * (scale / other)
            for symbol, scale in self.scales.items()
            for slope, other in zip(found[symbol].slopes, self.scales.values(), strict=True)
        ]
        length = max(block.length() for block in table)
        return [_root(sum((b[k] * b[k] for b in table), flint.arb(0))) for k in range(length)]

    def lipschitz(self, found: Mapping[Any, Majorant]) -> flint.arb:
        """K, from majorants on the tube with their second derivatives."""
        total, scales = flint.arb(0), list(self.scales.values())
        for symbol, scale in self.scales.items():
            bends = iter(found[symbol].bends)
            for a in scales:
                for b in scales:
                    total = total + (next(bends) * scale / (a * b)) ** 2
        return _root(total)


def _root(x: flint.arb) -> flint.arb:
    return flint.arb(x).abs_upper().sqrt().upper()


@dataclass(frozen=True)
class Rates:
    """What bounds the logarithmic norm on a step: both ends, the sizes p_k, and K."""

    start: flint.arb
    end: flint.arb
    sizes: list[flint.arb]
    order: int  # from here on p_k t^k bounds all that is left, and is no coefficient

    def total(self, h: flint.arb) -> flint.arb:
        """The integral over the step on the path itself; K |e| h comes on top."""
        return h * (self.start + self.end) / 2 + self._bent(h)

    def positive(self, h: flint.arb) -> flint.arb:
        """A bound of the integral of the positive part, on the path itself."""
        zero = flint.arb(0)
        return h * (self.start.max(zero) + self.end.max(zero)) / 2 + self._bent(h)

    def _bent(self, h: flint.arb) -> flint.arb:
        """h sum_{k>=2} p_k h^k (1/2 - 1/(k + 1)); plus in place of minus for what is left."""
        half, weights = flint.arb(flint.fmpq(1, 2)), []
        for k in range(2, len(self.sizes)):
            sign = -1 if k < self.order else 1
            weights.append(self.sizes[k] * (half + flint.arb(flint.fmpq(sign, k + 1))))
        return h**3 * flint.arb_poly(weights)(h) if weights else flint.arb(0)
