"""Taylor coefficients of a polynomial flow in limbs, order by order on float64 arrays.

The same recurrence as ``series``, y_{k+1} = R F(y)_k / (k + 1) in the time t / R, with all digits
of all earlier orders in one product of matrices per bilinear node. On a step R / 2^s a coefficient
of order k is divided by 2^(s k): it needs s k bits less, and so do the products that make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, comb
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lora_proofs.integrate.layout import Layout
from lora_proofs.integrate.limb_linear import most_added
from lora_proofs.integrate.limb_nodes import Nodes
from lora_proofs.integrate.limbs import carry, join, magic, most_terms, rounds, split
from lora_proofs.integrate.tape import Tape

Array = Any
SHIFT = 2
"""A step is the radius of convergence over 2^SHIFT: more orders, or more steps, cost the same."""
GUARD = 10


@dataclass(frozen=True)
class Form:
    """How many limbs of beta bits coefficient k has."""

    beta: int
    limbs: tuple[int, ...]

    @classmethod
    def of(cls, tape: Tape, bits: int) -> Form:
        """The order and the limbs for errors below 2^-bits, and the widest limbs for a tape."""
        order, beta = ceil(bits / SHIFT) + 4, 24
        needed = [max(bits + GUARD - SHIFT * k, 0) for k in range(order + 1)]
        while True:
            limbs = tuple(ceil(b / beta) + 2 for b in needed)
            if most_added(tape, limbs) <= most_terms(beta):
                return cls(beta, limbs)
            beta -= 1

    @property
    def order(self) -> int:
        """The order of the highest coefficient."""
        return len(self.limbs) - 1

    @property
    def places(self) -> int:
        """Binary places of the last limb of a state."""
        return self.beta * (self.limbs[0] - 1)


class LimbSeries:
    """The coefficients of a flow from one state after another, with buffers made once.

    ``fixed`` are the values of all nodes that do not move, as balls.
    """

    def __init__(self, tape: Tape, layout: Layout, form: Form, fixed: Mapping[int, Any]) -> None:
        self.form = form
        self.y = np.zeros((form.order + 1, form.limbs[0], layout.size))
        inputs = {
            symbol: [_matrix(self.y[k, :count], where, shape) for k, count in enumerate(form.limbs)]
            for symbol, where, shape in layout.parts
        }
        self.nodes = Nodes(tape, fixed, form.beta, form.limbs, inputs)
        self.rates = {count: np.zeros((count, layout.size)) for count in set(form.limbs)}
        self.ends = {
            count: [
                (tape.outputs[symbol], _matrix(rate, where, shape))
                for symbol, where, shape in layout.parts
            ]
            for count, rate in self.rates.items()
        }
        self.scratch = {count: np.empty_like(rate[1:]) for count, rate in self.rates.items()}

    def expand(self, start: Array, R: Fraction) -> tuple[Array, Array]:
        """Coefficients 0..order (order + 1, limbs, entries) in t / R, and the rate at the start.

        ``start`` is balanced (limbs, entries), and so is what comes back.
        """
        y, limbs, divisors = self.y, self.form.limbs, self._divisors(R)
        y[0] = start
        for k in range(self.form.order):
            rate = self._rate(k)
            if k == 0:
                first = rate.copy()
            following = np.matmul(divisors[k, : limbs[k], : limbs[k]], rate)
            self._balance(following)
            y[k + 1, : limbs[k + 1]] = following[: limbs[k + 1]]
        return y, first

    def rate(self, state: Array) -> Array:
        """F at a state, both balanced (limbs, entries)."""
        self.y[0] = state
        return self._rate(0)

    def _rate(self, k: int) -> Array:
        count = self.form.limbs[k]
        found = self.nodes.extend(k)
        for i, end in self.ends[count]:
            end[...] = 0.0 if found[i] is None else found[i]
        rate = self.rates[count]
        self._balance(rate)
        return rate

    def _balance(self, x: Array) -> None:
        count = len(x)
        carry(x[:-1], x[1:], self.nodes.roundings[count], self.scratch[count], self.nodes.times)

    def _divisors(self, R: Fraction) -> Array:
        """The matrices that multiply limbs with R / (k + 1)."""
        count, order = self.form.limbs[0], self.form.order
        top = (R.numerator << self.form.places) // R.denominator
        padded = np.zeros((order, 2 * count))
        padded[:, count:] = split([top // (k + 1) for k in range(order)], self.form.beta, count).T
        step, one = padded.strides
        return as_strided(padded[:, count:], (order, count, count), (step, one, -one)).copy()


def _matrix(limbs: Array, where: slice, shape: tuple[int, int] | None) -> Array:
    """A symbol's part (rows, limbs, columns) of (limbs, entries), as a view."""
    rows, columns = shape or (1, 1)
    return limbs[:, where].reshape(-1, rows, columns).transpose(1, 0, 2)


def total(y: Array, form: Form) -> Array:
    """sum_k y_k 2^(-SHIFT k) for balanced coefficients, balanced (limbs, entries)."""
    shifts = SHIFT * np.arange(len(y))
    whole, count = shifts // form.beta, y.shape[1]
    out = np.zeros((count + int(whole[-1]) + 2, y.shape[2]))
    for q in range(int(whole[-1]) + 1):
        chosen = np.flatnonzero(whole == q)
        part = y[chosen[0] : chosen[-1] + 1]
        weights = 2.0 ** -shifts[chosen].astype(float)
        # A multiple of 2^(-beta l) over 2^(SHIFT k) is one of 2^(-beta (l + q + 1)).
        out[q + 1 : q + 1 + count] += np.tensordot(weights, part, 1)
    _balanced(out[:-1], out[1:], magic(form.beta, len(out))[:, None], form)
    return out[:count].copy()


def slope(y: Array, form: Form) -> Array:
    """sum_k k y_k 2^(-SHIFT k), which is h y'(h), balanced."""
    scaled = np.arange(len(y), dtype=float)[:, None, None] * y
    _balanced(scaled[:, :-1], scaled[:, 1:], magic(form.beta, y.shape[1])[:, None], form)
    return total(scaled, form)


def _balanced(head: Array, tail: Array, rounding: Array, form: Form) -> None:
    carry(head, tail, rounding, np.empty_like(tail), rounds(form.beta))


def radius(y: Array, scale: float) -> float:
    """The radius of convergence at the end of the step, in the time t / R, from floats.

    As for a step of Taylor's method: where the terms of some order come up to the state.
    """
    floats = y.sum(axis=1)
    order = len(floats) - 1
    found = 2.0**20
    for j in range(max(order // 3, 3) - 2, max(order // 3, 3) + 1):
        weights = [comb(k, j) * 2.0 ** (-SHIFT * (k - j)) for k in range(j, order + 1)]
        size = float(np.abs(weights @ floats[j:]).max())
        if size > 0:
            found = min(found, (scale / size) ** (1 / j))
    return found


def whole(limbs: Array, form: Form) -> list[int]:
    """Limbs (limbs, entries) as whole multiples of 2^-places."""
    return join(limbs, form.beta)
