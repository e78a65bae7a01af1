"""Radau IIA collocation to any precision: nodes, and maps between values and Legendre series.

On [-1, 1] the nodes are the zeros of P_s - P_{s-1}, the right end among them. A rate given at the
nodes is integrated exactly as a polynomial of degree s - 1, so a step needs no other table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import flint
import numpy as np

Rows = list[list[Any]]


@dataclass(frozen=True, eq=False)
class Radau:
    """A rule with s stages; a step of length h has y(x) = y0 + h (``integral`` F)(x).

    ``integral`` (s, s) takes rates at the nodes to integrals up to the nodes, for h = 1;
    ``single`` is the same in float64. ``series`` (s + 1, s + 1) takes the values at -1 and at the
    nodes to the Legendre coefficients of the polynomial through them.
    """

    stages: int
    nodes: tuple[flint.arb, ...]
    integral: flint.arb_mat
    single: Any
    series: flint.arb_mat


@lru_cache(maxsize=32)
def radau_rule(stages: int, bits: int) -> Radau:
    """The rule with that many stages, to that many bits.

    >>> rule = radau_rule(2, 80)
    >>> print(rule.nodes[0].str(15, radius=False), rule.single.round(6).tolist())
    -0.333333333333333 [[0.416667, -0.083333], [0.75, 0.25]]
    """
    with flint.ctx.workprec(bits + 2 * stages + 64):
        nodes = _nodes(stages, bits)
        table = [legendre(stages, x) for x in nodes]  # table[i][k] = P_k(x_i)
        s = stages
        weights = [(1 + x) / (s * s * row[s - 1] ** 2) for x, row in zip(nodes, table, strict=True)]
        # The rule is exact to degree 2s - 2, so these are the coefficients of the interpolant.
        project = [
            [(2 * k + 1) * w * row[k] / 2 for w, row in zip(weights, table, strict=True)]
            for k in range(s)
        ]
        upto = [_integrals(row) for row in table]
        integral = flint.arb_mat(upto) * flint.arb_mat(project)
        ends = [[(-1) ** k for k in range(s + 1)], *table]
        series = flint.arb_mat(ends).inv().mid()
    with flint.ctx.workprec(bits):
        integral, series = (+integral).mid(), (+series).mid()
    single = np.array([[float(x) for x in row] for row in integral.tolist()])
    return Radau(stages, tuple(nodes), integral, single, series)


def legendre(degree: int, x: Any) -> list[Any]:
    """P_0, ..., P_degree at x."""
    found = [flint.arb(1), x]
    for k in range(1, degree):
        found.append(((2 * k + 1) * x * found[k] - k * found[k - 1]) / (k + 1))
    return found[: degree + 1]


def _integrals(row: list[Any]) -> list[Any]:
    """Half the integrals of P_0, ..., P_{s-1} from -1 to the point where ``row`` has P_0..P_s."""
    first = (1 + row[1]) / 2
    return [first] + [(row[k + 1] - row[k - 1]) / (4 * k + 2) for k in range(1, len(row) - 1)]


def _nodes(stages: int, bits: int) -> list[flint.arb]:
    """Float eigenvalues of the Jacobi matrix for the weight 1 - x, then Newton's iteration."""
    k = np.arange(stages - 1, dtype=float)
    side = np.sqrt(k[1:] * (k[1:] + 1)) / (2 * k[1:] + 1)
    jacobi = np.diag(-1 / ((2 * k + 1) * (2 * k + 3))) + np.diag(side, 1) + np.diag(side, -1)
    found = [flint.arb(float(x)) for x in np.linalg.eigvalsh(jacobi)]
    for _ in range((bits + 2 * stages).bit_length() - 3):
        found = [(x - _newton(stages, x)).mid() for x in found]
    return [*found, flint.arb(1)]


def _newton(s: int, x: flint.arb) -> flint.arb:
    """f/f' for f = P_s - P_{s-1}, by (x^2 - 1) P_n' = n (x P_n - P_{n-1})."""
    p = legendre(s, x)
    before = p[s - 2] if s > 1 else flint.arb(0)
    slope = s * (x * p[s] - p[s - 1]) - (s - 1) * (x * p[s - 1] - before)
    step: flint.arb = (p[s] - p[s - 1]) * (x * x - 1) / slope
    return step
