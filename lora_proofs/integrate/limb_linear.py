"""Which nodes of a tape limbs can run, how much they add up, and linear nodes put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.integrate.tape import Node, Tape

SMALL = 64
LINEAR = {"sum", "matmul", "scale"}
POLYNOMIAL = LINEAR | {"input", "number", "identity", "zero", "transpose", "trace"}


def is_polynomial(tape: Tape) -> bool:
    """Whether limbs can run a tape: sums and products, no gradient that is not derived."""
    return all(node.op in POLYNOMIAL for node in tape.nodes)


def most_added(tape: Tape, limbs: Sequence[int]) -> int:
    """The most products of two limbs that a node adds up."""
    long = max((k + 1) * count for k, count in enumerate(limbs))
    most = [1] * len(tape.nodes)
    for i, node in enumerate(tape.nodes):
        args = [tape.nodes[j] for j in node.args]
        length = limbs[0] if any(x.fixed for x in args) else long
        match node.op:
            case "sum":
                most[i] = sum(most[j] for j in node.args)
            case "matmul":
                most[i] = shape_of(args[1])[0] * length
            case "scale" if is_small(args[0]):
                most[i] = max(most[node.args[1]] * abs(int(args[0].data)), 1)
            case "scale":
                most[i] = length
            case "transpose":
                most[i] = most[node.args[0]]
            case "trace":
                most[i] = most[node.args[0]] * shape_of(args[0])[0]
    return max(most)


def is_small(node: Node) -> bool:
    """A whole number that limbs are multiplied with as they are."""
    exact = node.op == "number" and node.data.denominator == 1
    return exact and abs(node.data.numerator) <= SMALL


def shape_of(node: Node) -> tuple[int, int]:
    """The shape of a node, a scalar as 1 x 1."""
    return node.shape or (1, 1)


@dataclass
class Linear:
    """``terms`` c X_j by position j, ``right`` X_j C, ``left`` C X_j, and a constant."""

    terms: dict[int, int] = field(default_factory=dict)
    right: dict[int, Any] = field(default_factory=dict)
    left: dict[int, Any] = field(default_factory=dict)
    constant: Any = None

    def add(self, other: Linear, c: int) -> None:
        """Add c times another one."""
        for mine, theirs in ((self.right, other.right), (self.left, other.left)):
            for j, C in theirs.items():
                mine[j] = mine[j] + C * c if j in mine else C * c
        for j, x in other.terms.items():
            self.terms[j] = self.terms.get(j, 0) + c * x
        if other.constant is not None:
            scaled = other.constant * c
            self.constant = scaled if self.constant is None else self.constant + scaled
