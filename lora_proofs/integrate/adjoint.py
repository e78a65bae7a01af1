"""Derivatives of a tape in balls, by adjoints: gradients, Jacobians and mean-value forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flint

from lora_proofs.integrate.norms import frobenius
from lora_proofs.integrate.series import Series, entries
from lora_proofs.integrate.tape import Node, Tape


def pull_back(tape: Tape, nodes: list[Any], output: Any, seed: Any) -> dict[Any, Any]:
    """The gradient of <seed, output> in each moving symbol, from the values of all nodes.

    ``nodes`` is from ``Series.at``; in balls the gradient holds at every point of them.
    """
    weights: dict[int, Any] = {tape.outputs[output]: seed}
    found: dict[Any, Any] = {}
    for position in range(tape.outputs[output], -1, -1):
        node, weight = tape.nodes[position], weights.pop(position, None)
        if weight is None or node.fixed:
            continue
        if node.op == "input":
            found[node.data] = weight
            continue
        for i, arg in enumerate(node.args):
            if not tape.nodes[arg].fixed:
                share = _share(node, nodes, position, weight, i)
                weights[arg] = weights[arg] + share if arg in weights else share
    return found


def _share(node: Node, nodes: list[Any], position: int, weight: Any, i: int) -> Any:
    """What argument i of a node receives."""
    match node.op:
        case "sum":
            return weight
        case "matmul":
            other = nodes[node.args[1 - i]].transpose()
            return other * weight if i else weight * other
        case "scale":
            scalar, body = (nodes[k] for k in node.args)
            return weight * scalar if i else _inner(weight, body)
        case "transpose":
            return weight.transpose()
        case "trace":
            return _diagonal(weight, *node.data)
        case _:
            return _tanh_slopes(weight, nodes[position])


def _inner(X: Any, Y: Any) -> Any:
    return sum((x * y for x, y in zip(entries(X), entries(Y), strict=True)), flint.arb(0))


def _diagonal(x: Any, rows: int, columns: int) -> flint.arb_mat:
    flat = [x if i == j else 0 for i in range(rows) for j in range(columns)]
    return flint.arb_mat(rows, columns, flat)


def _tanh_slopes(weight: Any, u: flint.arb_mat) -> flint.arb_mat:
    pairs = zip(weight.entries(), u.entries(), strict=True)
    return flint.arb_mat(u.nrows(), u.ncols(), [w * (1 - x * x) for w, x in pairs])


def unit_seeds(X: Any) -> list[Any]:
    """The unit matrices of the shape of X, row by row; 1 for a number."""
    if not isinstance(X, flint.arb_mat):
        return [flint.arb(1)]
    rows, columns = X.nrows(), X.ncols()
    size = rows * columns
    return [flint.arb_mat(rows, columns, [int(i == k) for i in range(size)]) for k in range(size)]


def jacobian(tape: Tape, nodes: list[Any], scales: Mapping[Any, Any]) -> flint.arb_mat:
    """D J D^-1 in balls: J the Jacobian of the outputs, D the ``scales`` of the symbols."""
    shapes = {symbol: nodes[tape.outputs[symbol]] for symbol in scales}
    rows = []
    for symbol, scale in scales.items():
        for seed in unit_seeds(shapes[symbol]):
            parts = pull_back(tape, nodes, symbol, seed * scale)
            rows.append([x for s, d in scales.items() for x in _row(parts.get(s), shapes[s], d)])
    return flint.arb_mat(rows)


def _row(part: Any, like: Any, scale: Any) -> list[Any]:
    if part is None:
        return [flint.arb(0)] * len(entries(like))
    return entries(part) if scale == 1 else [x / scale for x in entries(part)]


def mean_value(
    tape: Tape, series: Series, middle: Mapping[Any, Any], box: Mapping[Any, Any], radii: Any
) -> dict[Any, list[Any]]:
    """The entries of each output where each symbol X is within ||X - middle||_F <= radii[X].

    An entry f has f(y) = f(middle) + <grad f(z), y - middle> for a point z between, so it is
    within sum_X ||grad_X f(box)||_F radii[X] of f(middle); ``box`` holds all such points.
    """
    centre, around = series.at(middle), series.at(box)
    found = {}
    for output, position in tape.outputs.items():
        row = []
        seeds = unit_seeds(centre[position])
        for seed, x in zip(seeds, entries(centre[position]), strict=True):
            slopes = pull_back(tape, around, output, seed)
            spread = sum((frobenius(g) * radii[s] for s, g in slopes.items()), flint.arb(0))
            row.append(x + flint.arb(0, spread.upper()))
        found[output] = row
    return found
