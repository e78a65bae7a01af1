"""Majorants of words along a path: of values, of slopes and of second derivatives, from a tape.

Let each moving symbol X be a power series in t with ||X_k||_F <= x_k. A majorant of a word is a
series z with ||Z_k|| <= z_k (Frobenius norm; absolute value for a number). Sums and products of
majorants majorise sums and products, since ||XY||_F <= ||X||_F ||Y||_F. The derivative of a word
in a symbol is a linear map, the coefficients of whose norm obey the product rule. Where x are
numbers in place of series the same rules bound norms and derivatives on a ball, the second
derivatives ("bends") too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import add
from typing import Any

import flint

from lora_proofs.integrate.norms import frobenius
from lora_proofs.integrate.tape import Node, Tape

Size = Any  # flint.arb, or flint.arb_poly with coefficients that are 0 or more


@dataclass(frozen=True)
class Majorant:
    """Of a norm, of the derivative in each symbol, and of the second one in each pair of them."""

    bound: Size
    slopes: tuple[Size, ...]
    bends: tuple[Size, ...]  # row by row; empty where second derivatives are not wanted

    def __add__(self, other: Majorant) -> Majorant:
        return Majorant(
            self.bound + other.bound,
            tuple(map(add, self.slopes, other.slopes)),
            tuple(map(add, self.bends, other.bends)),
        )

    def __mul__(self, other: Majorant) -> Majorant:
        slopes = zip(self.slopes, other.slopes, strict=True)
        pairs = list(product(range(len(self.slopes)), repeat=2))
        bends = tuple(
            self.bends[k] * other.bound
            + self.slopes[i] * other.slopes[j]
            + self.slopes[j] * other.slopes[i]
            + self.bound * other.bends[k]
            for k, (i, j) in enumerate(pairs)
            if self.bends
        )
        first = tuple(a * other.bound + self.bound * b for a, b in slopes)
        return Majorant(self.bound * other.bound, first, bends)

    def times(self, factor: Any) -> Majorant:
        """The majorant of a linear image with that norm."""
        return Majorant(
            self.bound * factor,
            tuple(a * factor for a in self.slopes),
            tuple(a * factor for a in self.bends),
        )


Gradient = Callable[[int, Node, Majorant], Majorant]


def constants(tape: Tape, nodes: list[Any]) -> dict[int, flint.arb]:
    """The norms of the nodes that do not move, from the values of all nodes."""
    return {i: frobenius(nodes[i]) for i, node in enumerate(tape.nodes) if node.fixed}


def majorants(
    tape: Tape,
    sizes: Mapping[Any, Size],
    fixed: Mapping[int, flint.arb],
    gradient: Gradient,
    *,
    inner: Mapping[int, list[flint.arb]] | None = None,
    bends: bool = False,
) -> dict[Any, Majorant]:
    """The majorants of the outputs where each moving symbol has its ``sizes``.

    ``fixed`` is from ``constants``, ``gradient`` majorises the gradient of a loss, ``inner``
    gives first coefficients that are known of a node. Traces use |tr X| <= sqrt(n) ||X||_F.
    """
    maker = _Maker(tuple(sizes), sizes, gradient, bends)
    done: list[Majorant] = []
    for position, node in enumerate(tape.nodes):
        if node.fixed:
            found = maker.still(fixed[position])
        else:
            found = maker.moving(position, node, [done[i] for i in node.args])
        if inner and position in inner:
            tail = found.bound.coeffs()[len(inner[position]) :]
            known = flint.arb_poly([*inner[position], *tail])
            found = Majorant(known, found.slopes, found.bends)
        done.append(found)
    return {key: done[i] for key, i in tape.outputs.items()}


@dataclass(frozen=True)
class _Maker:
    symbols: tuple[Any, ...]
    sizes: Mapping[Any, Size]
    gradient: Gradient
    bends: bool

    def still(self, norm: Size, slopes: tuple[Size, ...] = ()) -> Majorant:
        zero = flint.arb(0)
        none = (zero,) * len(self.symbols) ** 2 if self.bends else ()
        return Majorant(norm, slopes or (zero,) * len(self.symbols), none)

    def moving(self, position: int, node: Node, args: list[Majorant]) -> Majorant:
        match node.op:
            case "input":
                here = tuple(flint.arb(s == node.data) for s in self.symbols)
                return self.still(self.sizes[node.data], here)
            case "sum":
                return reduce(add, args)
            case "matmul" | "scale":
                return args[0] * args[1]
            case "transpose":
                return args[0]
            case "trace":
                return args[0].times(flint.arb(min(node.data)).sqrt())
            case _:
                return self.gradient(position, node, args[0])


def tanh_on_a_ball(position: int, node: Node, point: Majorant) -> Majorant:
    """Entrywise tanh: bounded by 1, with derivative at most 1 and second one below 77/100."""
    rows, columns = node.shape or (1, 1)
    pairs = product(point.slopes, repeat=2)
    bend = flint.arb(flint.fmpq(77, 100))
    bends = tuple(c + bend * a * b for c, (a, b) in zip(point.bends, pairs, strict=False))
    return Majorant(flint.arb(rows * columns).sqrt(), point.slopes, bends)
