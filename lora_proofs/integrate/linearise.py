"""Jacobians of a tape in float64, many points at once: tangents are carried along with values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lora_proofs.arithmetic.array import ArrayArithmetic
from lora_proofs.integrate.layout import Layout
from lora_proofs.integrate.tape import Node, Tape

ARRAY = ArrayArithmetic()
Array = Any


@dataclass(frozen=True, eq=False)
class Linearisation:
    """The Jacobian of the outputs of a tape in the row that a layout makes of the state."""

    tape: Tape
    layout: Layout
    values: Mapping[Any, Any]  # constants in float64, losses as they are

    def jacobians(self, y: Array) -> Array:
        """States (points, N) to Jacobians (points, N, N): [p, i, j] = d rate_i / d y_j."""
        done: list[tuple[Array, Array]] = []
        inputs = {part[0]: part for part in self.layout.parts}
        for node in self.tape.nodes:
            if node.op == "input" and node.data in inputs:
                done.append(self._seed(y, *inputs[node.data][1:]))
            else:
                done.append(self._apply(node, [done[i] for i in node.args]))
        out = np.zeros((len(y), self.layout.size, self.layout.size))
        for symbol, where, _ in self.layout.parts:
            tangent = done[self.tape.outputs[symbol]][1]
            if tangent is not None:
                flat = tangent.reshape(*tangent.shape[:2], -1)
                out[:, where, :] = np.broadcast_to(flat.mT, out[:, where, :].shape)
        return out

    def _seed(self, y: Array, where: slice, shape: tuple[int, int] | None) -> tuple[Array, Array]:
        """An input: its value, and the unit directions, as (1, N, rows, columns)."""
        unit = np.eye(self.layout.size)[None, :, where]
        value = y[:, None, where]
        if shape is None:
            return value[..., 0], unit[..., 0]
        return value.reshape(len(y), 1, *shape), unit.reshape(1, self.layout.size, *shape)

    def _apply(self, node: Node, args: list[tuple[Array, Array]]) -> tuple[Array, Array]:
        """Value and tangent of a node; the tangent is ``None`` where nothing moves."""
        match node.op:
            case "input":
                return np.asarray(self.values[node.data]), None
            case "number":
                return np.float64(float(node.data)), None
            case "identity":
                return np.eye((node.shape or (1, 1))[0]), None
            case "zero":
                return np.zeros(node.data), None
            case "sum":
                tangents = [dx for _, dx in args if dx is not None]
                return sum(x for x, _ in args), sum(tangents) if tangents else None
            case "matmul":
                return _bilinear(args, np.matmul)
            case "scale":
                return _bilinear(args, _scale if node.shape else np.multiply)
            case "transpose":
                return _linear(args[0], lambda x: x.mT)
            case "trace":
                return _linear(args[0], lambda x: np.trace(x, axis1=-2, axis2=-1))
            case _:
                loss, (x, dx) = self.values[node.data], args[0]
                moved = None if dx is None else loss.hessian(x, dx, ARRAY)
                return loss.gradient(x, ARRAY), moved


def _bilinear(args: list[tuple[Array, Array]], product: Any) -> tuple[Array, Array]:
    (x, dx), (y, dy) = args
    terms = [product(dx, y)] if dx is not None else []
    if dy is not None:
        terms.append(product(x, dy))
    return product(x, y), sum(terms) if terms else None


def _linear(arg: tuple[Array, Array], function: Any) -> tuple[Array, Array]:
    x, dx = arg
    return function(x), None if dx is None else function(dx)


def _scale(scalar: Array, body: Array) -> Array:
    return np.asarray(scalar)[..., None, None] * body
