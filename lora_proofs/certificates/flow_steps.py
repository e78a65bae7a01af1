"""A chain of polynomials that encloses the LoRA flow, in whole numbers over a power of two.

Taylor coefficients are nominated in high precision and rounded; what they then miss of the flow is
computed exactly. Every bound is one that ``lora_proofs/checker.py`` computes again, rounded up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import ceil, isqrt, lcm
from operator import add, mul
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.context import Matrix, trace
from lora_proofs.arithmetic.exact import EXACT, rational
from lora_proofs.checker import exp_above
from lora_proofs.errors import ToleranceNotMet
from lora_proofs.integrate.steps import check_step, order_for, step_size

MOST_STEPS = 600
MOST_GROWTH = 4
"""Of errors on a step, as the exponent of e: a longer step would cost more than two."""
BITS = 16
"""Leading bits of a bound that is written down."""


@dataclass(frozen=True, eq=False)
class FlowData:
    """The LoRA flow of a loss with scale and rates 1, in exact numbers.

    W0 is n x m, Y n x m or ``None`` for trace-squared, A0 r x m, B0 n x r.
    """

    W0: Matrix
    Y: Matrix | None
    A0: Matrix
    B0: Matrix

    @classmethod
    def of(cls, W0: Any, Y: Any, A0: Any, B0: Any) -> FlowData:
        """Of exact rows."""
        start, A, B = (EXACT.matrix(X) for X in (W0, A0, B0))
        return cls(start, None if Y is None else EXACT.matrix(Y), A, B)

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return "trace-squared" if self.Y is None else "frobenius"

    @property
    def C(self) -> Matrix:
        """W0 - Y, or W0."""
        return self.W0 if self.Y is None else self.W0 - self.Y

    def gradient(self, W: Matrix) -> Matrix:
        """G of W less Y, in any ring."""
        if self.Y is not None:
            return W
        G = W * 0
        for i in range(len(G)):  # NumPy would take a polynomial for a sequence
            G[i, i] = trace(W)
        return G

    def roots(self, W: Matrix) -> list[Any]:
        """Numbers whose squares add up to 2f, for W less Y in any ring."""
        return [trace(W)] if self.Y is None else list(W.flat)


@dataclass(frozen=True, eq=False)
class Link:
    """A step of length tau: coefficients of A and B in s = t/tau, whole over 2^bits, and bounds."""

    tau: Fraction
    bits: int
    A: list[Matrix]
    B: list[Matrix]
    radius_in: Fraction
    defect: Fraction = Fraction(0)
    growth: Fraction = Fraction(0)
    tube: Fraction = Fraction(0)
    radius_out: Fraction = Fraction(0)

    def told(self) -> dict[str, Any]:
        """The step as the certificate has it."""
        numbers = ("tau", "radius_in", "defect", "growth", "tube", "radius_out")
        sides = {"A": self.A, "B": self.B}
        return {
            **{name: getattr(self, name) for name in numbers},
            "denominator": 2**self.bits,
            **{name: [X.tolist() for X in side] for name, side in sides.items()},
        }


def links(flow: FlowData, t: Fraction, digits: int) -> Iterator[Link]:
    """The steps from 0 to t, each accurate to about that many digits.

    Raises ``ToleranceNotMet`` where too many steps would be needed, or where errors grow too fast.

    >>> flow = FlowData.of([[0]], [[1]], [["1/2"]], [[0]])
    >>> chain = list(links(flow, Fraction(1), 12))
    >>> sum(link.tau for link in chain), chain[-1].radius_out < Fraction(1, 10**11)
    (Fraction(1, 1), True)
    """
    bits = ceil(3.3219 * digits) + 16
    A, B = (each(X, lambda x: round(rational(x) * 2**bits)) for X in (flow.A0, flow.B0))
    error, now, steps = _rounding(flow, A, B, bits), Fraction(0), 0
    while now < t:
        if steps == MOST_STEPS:
            raise ToleranceNotMet(
                f"flow certificate: expected at most {MOST_STEPS} steps, and they reach "
                f"t = {float(now):.6g} of {t}; ask for an earlier time or fewer digits"
            )
        link = _link(flow, Link(t - now, bits, [A], [B], error), t, digits)
        yield link
        now, steps, error = now + link.tau, steps + 1, link.radius_out
        A, B = sum(link.A), sum(link.B)


def above(x: Fraction, bits: int = BITS) -> Fraction:
    """x >= 0 rounded up to so many leading bits.

    >>> above(Fraction(1, 3), 4), above(Fraction(0))
    (Fraction(11, 32), Fraction(0, 1))
    """
    if x == 0:
        return x
    unit = Fraction(2) ** (x.numerator.bit_length() - x.denominator.bit_length() - bits)
    return ceil(x / unit) * unit


def root_above(x: Fraction) -> Fraction:
    """A number at least the root of x >= 0: the root itself of a square, else to 64 bits.

    >>> root_above(Fraction(9, 4)), root_above(Fraction(2)) ** 2 > 2
    (Fraction(3, 2), True)
    """
    p, q = x.as_integer_ratio()
    if isqrt(p) ** 2 == p and isqrt(q) ** 2 == q:
        return Fraction(isqrt(p), isqrt(q))
    shift = 64 + q.bit_length()
    return Fraction(isqrt((p << 2 * shift) // q) + 1, 1 << shift)


def each(X: Matrix, function: Callable[[Any], Any]) -> Matrix:
    """The matrix of the values of a function at the entries.

    >>> each(EXACT.matrix([[1, 2]]), lambda x: x + 1)
    array([[2, 3]], dtype=object)
    """
    out = np.empty(X.shape, dtype=object)
    out.reshape(-1)[:] = [function(x) for x in X.flat]
    return out


def _rounding(flow: FlowData, A: Matrix, B: Matrix, bits: int) -> Fraction:
    """The distance of the rounded start to the start."""
    pairs = [*zip(A.flat, flow.A0.flat, strict=True), *zip(B.flat, flow.B0.flat, strict=True)]
    squares = ((Fraction(x, 2**bits) - rational(y)) ** 2 for x, y in pairs)
    return above(root_above(sum(squares, Fraction(0))))


def _link(flow: FlowData, start: Link, end: Fraction, digits: int) -> Link:
    """The first that fits of 24 falling lengths; ``start`` has the time to go and the start."""
    A, B = _taylor(flow, start, order_for(digits))
    tau = min(start.tau, step_size({"A": A, "B": B}, digits))
    for _ in range(24):
        check_step(tau, end - start.tau, end)
        a, b = (_whole(Xs, tau, start.bits) for Xs in (A, B))
        link = _bounded(flow, Link(tau, start.bits, a, b, start.radius_in), digits)
        if link is not None:
            return link
        tau *= Fraction(3, 4)
    raise ToleranceNotMet(
        f"flow certificate: no step was accepted at t = {float(end - start.tau):.6g} of {end}; "
        "errors outgrow the precision: ask for an earlier time"
    )


def _taylor(flow: FlowData, start: Link, order: int) -> tuple[list[Any], list[Any]]:
    """Taylor coefficients 0..order in balls; they nominate, and nothing rests on them."""
    with flint.ctx.workprec(start.bits + 64):
        A, B, C = (_ball_matrix(X) for X in (start.A[0], start.B[0], flow.C))
        As, Bs, Gs = [A / 2**start.bits], [B / 2**start.bits], []
        for k in range(order):
            W = reduce(add, map(mul, Bs, reversed(As))) + (C if k == 0 else 0 * C)
            Gs.append(_gradient(flow, W))
            A = reduce(add, (X.transpose() * G for X, G in zip(Bs, reversed(Gs), strict=True)))
            B = reduce(add, (G * X.transpose() for X, G in zip(As, reversed(Gs), strict=True)))
            As, Bs = [*As, -A / (k + 1)], [*Bs, -B / (k + 1)]
    return As, Bs


def _ball_matrix(X: Matrix) -> flint.arb_mat:
    return flint.arb_mat([[_ball(x) for x in row] for row in X])


def _gradient(flow: FlowData, W: flint.arb_mat) -> flint.arb_mat:
    n = W.nrows()
    if flow.Y is not None:
        return W
    return flint.arb_mat([[W.trace() if i == j else 0 for j in range(n)] for i in range(n)])


def _ball(x: Any) -> flint.arb:
    return flint.arb(x if isinstance(x, int) else flint.fmpq(*rational(x).as_integer_ratio()))


def _whole(series: list[flint.arb_mat], tau: Fraction, bits: int) -> list[Matrix]:
    """The coefficients in s = t/tau, as whole multiples of 2^-bits."""
    with flint.ctx.workprec(bits + 64):
        scaled = (2**bits * _ball(tau) ** k * X for k, X in enumerate(series))
        nearest = ([(x.mid() + 0.5).floor().unique_fmpz() for x in X.entries()] for X in scaled)
        shape = series[0].nrows(), series[0].ncols()
        return [np.array([int(x) for x in X], dtype=object).reshape(shape) for X in nearest]


def _bounded(flow: FlowData, link: Link, digits: int) -> Link | None:
    """The step with its bounds, or ``None`` where it is too long for them."""
    defect, size, reach = _norms(flow, link)
    defect = above(defect)
    if defect * link.tau > 1000 * Fraction(1, 10**digits) * (1 + reach):
        return None
    reached = link.radius_in + defect * link.tau
    tube = 2 * reached or Fraction(1, 10**digits)
    for _ in range(6):
        growth = above(size + tube * reach + tube * tube / 2)
        if growth * link.tau > MOST_GROWTH:
            return None
        out = above(reached * exp_above(growth * link.tau))
        if out < tube:
            return replace(link, defect=defect, growth=growth, tube=tube, radius_out=out)
        tube = 2 * out
    return None


def _norms(flow: FlowData, link: Link) -> tuple[Fraction, Fraction, Fraction]:
    """Bounds on the step of |p' - F(p)|, of |G|_2 and of |p|, by exact polynomials."""
    q = lcm(*(int(x.q) for x in flow.C.flat))
    Q, (slow, fast) = q * 2**link.bits, link.tau.as_integer_ratio()
    a, b = (_polynomials(X, q) for X in (link.A, link.B))
    W = b @ a + each(flow.C * Q * Q, lambda x: flint.fmpz_poly([int(x.p)]))
    G = flow.gradient(W)
    rest = [
        fast * Q * Q * p.derivative() + slow * x
        for P, X in ((a, b.T @ G), (b, G @ a.T))
        for p, x in zip(P.flat, X.flat, strict=True)
    ]
    sizes = (_size(rest), _size(flow.roots(W)), _size([*a.flat, *b.flat]))
    return sizes[0] / (slow * Q**3), sizes[1] / Q**2, sizes[2] / Q


def _polynomials(series: list[Matrix], q: int) -> Matrix:
    columns = zip(*(X.flat for X in series), strict=True)
    out = np.empty(series[0].shape, dtype=object)
    out.reshape(-1)[:] = [flint.fmpz_poly([q * x for x in column]) for column in columns]
    return out


def _size(polynomials: Iterable[Any]) -> Fraction:
    """A bound on [0, 1] of the Euclidean norm: of each sum_k |c_k|."""
    sizes = (int(sum(abs(c) for c in p.coeffs())) for p in polynomials)
    total = sum(x * x for x in sizes)
    root = isqrt(total)
    return Fraction(root if root * root == total else root + 1)
