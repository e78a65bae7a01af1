"""Exact ReLU networks to adapt: frozen weights, a target by layers, bounded inputs.

A problem is an instance with the fields ``W1``, ..., ``WL`` (frozen, D x D, layer 1 first),
``Wbar1``, ``bbar1``, ... (the target's layers; a bias is one row), ``partition`` (one row: how
many frozen layers stand for each target layer), ``ranks`` (one row), ``X`` (D x N, the support of
the inputs, each column as likely as any other), ``lower`` and ``upper`` (rows: a box around it).
Where the gap of block i has a chosen spectrum, ``U1``, ``sigma1``, ``V1``, ... give its singular
value decomposition: Wbar_i - W_l ... W_k = U_i diag(sigma_i) V_i'.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, quarter
from lora_proofs.strategies.matrices import matrix
from lora_proofs.strategies.networks import (
    frozen_weights,
    layers,
    singular_frame,
    truncated,
    whole_product,
)

Layer = tuple[Matrix, Any]


def inputs(draw: Draw, D: int, N: int) -> dict[str, Any]:
    """N quarters in each of D coordinates as ``X``, and the least box around them, a little wider.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> sorted(inputs(SeededDraw.keyed(0), 2, 3))
    ['X', 'lower', 'upper']
    """
    X = matrix(draw, D, N, entry=quarter)
    wider = EXACT.number(Fraction(1, 4))
    return {
        "X": X,
        "lower": [[min(row) - wider for row in X]],
        "upper": [[max(row) + wider for row in X]],
    }


def bias(draw: Draw, D: int, *, above: int = 0) -> list[list[Any]]:
    """A bias of D quarters as one row, raised by ``above``.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> len(bias(SeededDraw.keyed(0), 3)[0])
    3
    """
    return [[quarter(draw) + above for _ in range(D)]]


def blocks(weights: Sequence[Matrix], partition: Sequence[int]) -> list[tuple[Matrix, ...]]:
    """The weights of each block, first block first.

    >>> [len(block) for block in blocks([EXACT.identity(1)] * 3, (1, 2))]
    [1, 2]
    """
    found, at = [], 0
    for length in partition:
        found.append(tuple(weights[at : at + length]))
        at += length
    return found


def relu_problem(
    draw: Draw,
    D: int,
    partition: Sequence[int],
    spectra: Sequence[Sequence[Fraction]],
    ranks: Sequence[int],
    *,
    above: int = 0,
    points: int = 5,
    **more: Any,
) -> Instance:
    """A problem with nonsingular frozen weights and a chosen spectrum of each block's gap.

    >>> from lora_proofs.strategies.draw import SeededDraw
    >>> problem = relu_problem(SeededDraw.keyed(0), 2, (1, 1), [(2, 1), (1, 0)], (1, 1))
    >>> [len(W) for W, b in target(problem)]
    [2, 2]
    """
    weights = frozen_weights(draw, [D] * (sum(partition) + 1))
    fields: dict[str, Any] = {f"W{k}": W for k, W in enumerate(weights, start=1)}
    for i, (block, values) in enumerate(zip(blocks(weights, partition), spectra, strict=True), 1):
        frame = singular_frame(draw, D, D, values)
        gap = truncated(frame["U"], frame["sigma"][0], frame["V"], D)
        fields |= {f"Wbar{i}": whole_product(block) + gap, f"bbar{i}": bias(draw, D, above=above)}
        fields |= {f"{name}{i}": value for name, value in frame.items()}
    shape: dict[str, Any] = {"partition": [list(partition)], "ranks": [list(ranks)]}
    return Instance(**fields, **shape, **inputs(draw, D, points), **more)


def frozen(instance: Instance) -> list[Layer]:
    """(W_l, 0) for each frozen layer: the biases are adapted, so the frozen ones do not matter.

    >>> frozen(Instance(W1=[[2]]))[0][1]
    [0]
    """
    return [(W, [0] * len(W)) for W in layers(instance)]


def target(instance: Instance) -> list[Layer]:
    """(Wbar_i, bbar_i) for each layer of the target, exact.

    >>> target(Instance(Wbar1=[[2]], bbar1=[["1/2"]]))[0][1].tolist()
    [1/2]
    """
    found, i = [], 1
    while f"Wbar{i}" in instance:
        W, b = getattr(instance, f"Wbar{i}"), getattr(instance, f"bbar{i}")
        found.append((EXACT.matrix(W), EXACT.matrix(b)[0]))
        i += 1
    return found


def whole_numbers(row: Any) -> tuple[int, ...]:
    """The one row of a field such as ``ranks`` or ``partition``.

    >>> whole_numbers(Instance(ranks=[[1, 2]]).ranks)
    (1, 2)
    """
    return tuple(int(x) for x in row[0])
