"""Norm bounds and Lipschitz constants of words on a ball around a trajectory, from a tape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import flint

from lora_proofs.arithmetic.context import squared_norm
from lora_proofs.errors import NotUnderstood
from lora_proofs.integrate.tape import Node, Tape
from lora_proofs.mathematics.losses import LogCosh


@dataclass(frozen=True)
class Majorant:
    """A bound of a Frobenius norm, and of its Lipschitz constant in each moving symbol."""

    bound: flint.arb
    slopes: tuple[flint.arb, ...]

    def __add__(self, other: Majorant) -> Majorant:
        slopes = zip(self.slopes, other.slopes, strict=True)
        return Majorant(self.bound + other.bound, tuple(a + b for a, b in slopes))

    def __mul__(self, other: Majorant) -> Majorant:
        slopes = zip(self.slopes, other.slopes, strict=True)
        product = tuple(a * other.bound + self.bound * b for a, b in slopes)
        return Majorant(self.bound * other.bound, product)

    def times(self, factor: Any) -> Majorant:
        """The majorant of a linear image with that norm."""
        return Majorant(self.bound * factor, tuple(a * factor for a in self.slopes))


def majorants(
    tape: Tape, radii: Mapping[Any, flint.arb], known: Mapping[int, Any], values: Mapping[Any, Any]
) -> dict[Any, Majorant]:
    """The majorants of the outputs where each moving symbol X has ||X||_F <= radii[X].

    ``known`` are the nodes that do not move. Products use ||XY||_F <= ||X||_F ||Y||_F, traces
    |tr X| <= sqrt(n) ||X||_F, and tanh that it is bounded by 1 and 1-Lipschitz.
    """
    still = tuple(flint.arb(0) for _ in radii)
    done: list[Majorant] = []
    for position, node in enumerate(tape.nodes):
        if node.fixed:
            done.append(Majorant(_norm(known[position]), still))
        else:
            done.append(_moving(node, [done[i] for i in node.args], radii, values))
    return {key: done[i] for key, i in tape.outputs.items()}


def _moving(
    node: Node, args: list[Majorant], radii: Mapping[Any, Any], values: Mapping[Any, Any]
) -> Majorant:
    match node.op:
        case "input":
            return Majorant(radii[node.data], tuple(flint.arb(s == node.data) for s in radii))
        case "sum":
            return reduce(add, args)
        case "matmul" | "scale":
            return args[0] * args[1]
        case "transpose":
            return args[0]
        case "trace":
            return args[0].times(flint.arb(min(node.data)).sqrt())
        case _:
            return _gradient(node, args[0], values)


def _gradient(node: Node, point: Majorant, values: Mapping[Any, Any]) -> Majorant:
    if not isinstance(values[node.data], LogCosh):
        raise NotUnderstood(f"no bound is known for the gradient of loss {node.data.name!r}")
    rows, columns = node.shape or (1, 1)
    return Majorant(flint.arb(rows * columns).sqrt(), point.slopes)


def _norm(value: Any) -> flint.arb:
    # The upper end comes first: a ball around 0 may dip below it, and has no root.
    square = flint.arb(squared_norm(value) if hasattr(value, "shape") else value * value)
    return square.abs_upper().sqrt().upper()


def lipschitz(found: Mapping[Any, Majorant], outputs: Any) -> flint.arb:
    """A Euclidean Lipschitz constant of the stacked outputs: the norm of the table of slopes."""
    total = flint.arb(0)
    for output in outputs:
        for slope in found[output].slopes:
            total = total + slope * slope
    return total.sqrt().upper()
