"""The tape: a straight-line program that grows while numbers are computed with.

A node is an operation on earlier nodes, ``("add", 3, 5)``. Where a number comes from decides what
it may stand for in a certificate:

- an entry of the instance is an ``input``;
- a number that enters without a record is a ``number`` of the claim only as long as nothing of the
  instance has left the record, so that it cannot depend on the instance;
- after that, and for every ball, it is ``given``: an interval that is trusted and counted.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.exact import fmpq, rational
from lora_proofs.errors import LoraProofsError

Node = tuple[Any, ...]
MOST_NODES = 60_000
"""Operations that are recorded before unused ones are dropped."""
MARK = "\u2060"
LETTERS, DIGITS = str.maketrans("01", "ab"), str.maketrans("ab", "01")
FROM_OUTSIDE = "computed outside the program"


class Untraceable(LoraProofsError):
    """A check whose numbers cannot be followed; the message says where the trail is lost."""


def interval(value: Any) -> tuple[Fraction, Fraction]:
    """The exact ends of a number or of a ball; ``Untraceable`` where they are not finite.

    >>> interval(flint.arb(2)), interval(3)
    ((Fraction(2, 1), Fraction(2, 1)), (Fraction(3, 1), Fraction(3, 1)))
    """
    if not isinstance(value, flint.arb):
        return rational(value), rational(value)
    if not value.is_finite():
        raise Untraceable("a number that is not finite")
    middle, radius = (_dyadic(x) for x in (value.mid(), value.rad()))
    return middle - radius, middle + radius


def _dyadic(x: flint.arb) -> Fraction:
    mantissa, exponent = (int(part) for part in x.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


class Tape:
    """The program so far: nodes with their values, and the branches that the check took.

    With ``keeps`` every number computed from the instance keeps its record; without, the record is
    kept in the check's own arithmetic alone, and whatever enters it is given.
    """

    def __init__(self, keeps: bool) -> None:
        self.keeps = keeps
        self.left = "" if keeps else "the check computes outside of its arithmetic"
        """How a number of the instance first left the record; empty while none has."""
        self.nodes: list[Node] = []
        self.values: list[Any] = []
        self.exact: list[bool] = []
        """Whether the checker knows the node's value as a rational number."""
        self.branches: dict[tuple[int, str, int], None] = {}
        self._known: dict[tuple[Node, type], int] = {}
        self._texts: list[str] = []

    def put(self, node: Node, value: Any) -> int:
        """Record a node; equal nodes are one."""
        key = (node, type(value))
        if key not in self._known:
            if len(self.nodes) >= MOST_NODES:
                raise Untraceable(f"more than {MOST_NODES} operations")
            self._known[key] = len(self.nodes)
            self.nodes.append(node)
            self.values.append(value)
            self.exact.append(self._is_exact(node))
        return self._known[key]

    def _is_exact(self, node: Node) -> bool:
        kind, *rest = node
        if kind in ("input", "number"):
            return True
        if kind == "given":
            return bool(rest[0] == rest[1])
        if kind in ("sqrt", "exp", "log", "cosh", "sinh", "tanh", "sigma"):
            return False
        return all(self.exact[k] for k in operands(node))

    def token(self, text: str) -> str:
        """What stands for the text of a number, so that no number is read from it."""
        self._texts.append(text)
        return f"{MARK}{format(len(self._texts) - 1, '064b').translate(LETTERS)}{MARK}"

    def untold(self, text: str) -> str:
        """A text with the numbers that its tokens stand for."""
        parts = text.split(MARK)
        for k in range(1, len(parts) - 1, 2):
            if parts[k] and not parts[k].strip("ab"):
                parts[k] = self._texts[int(parts[k].translate(DIGITS), 2)]
        return "".join(parts)

    def leave(self, how: str) -> None:
        """Note that a number of the instance leaves the record."""
        self.left = self.left or how

    def enter(self, value: Any) -> int | None:
        """The node of a number without a record; ``None`` for what is no number."""
        if isinstance(value, flint.arb):
            return self.given(value)
        if isinstance(value, bool) or not isinstance(
            value, int | Fraction | flint.fmpq | flint.fmpz | np.integer
        ):
            return None
        return self.given(fmpq(value)) if self.left else self.constant(value)

    def constant(self, value: Any) -> int:
        """The node of a number that the claim states."""
        return self.put(("number", rational(value)), fmpq(value))

    def given(self, value: Any, why: str = FROM_OUTSIDE) -> int:
        """The node of a number that is taken on trust."""
        return self.put(("given", *interval(value), why), value)

    def is_constant(self, k: int, value: int | None = None) -> bool:
        """Whether a node is a number of the claim, or this one."""
        kind, *rest = self.nodes[k]
        return bool(kind == "number" and (value is None or rest[0] == value))

    def branch(self, left: int, relation: str, right: int) -> None:
        """Record what a decision of the check rested on."""
        if not (self.is_constant(left) and self.is_constant(right)):
            self.branches[left, relation, right] = None


def operands(node: Node) -> list[int]:
    """The earlier nodes that a node uses.

    >>> operands(("rank", ((0, 1), (2, 3)))), operands(("power", 4, 2)), operands(("input", "t"))
    ([0, 1, 2, 3], [4], [])
    """
    kind, *rest = node
    if kind in ("input", "number", "given"):
        return []
    if kind == "power":
        return [rest[0]]
    if kind in ("rank", "det", "inverse", "sigma"):
        return [k for row in rest[0] for k in row]
    return [*rest[0], *rest[1]] if kind == "dot" else list(rest)


def renumbered(node: Node, new: Any) -> Node:
    """The node with ``new[k]`` for every earlier node k."""
    kind, *rest = node
    if kind in ("input", "number", "given"):
        return node
    if kind == "power":
        return (kind, new[rest[0]], rest[1])
    if kind in ("rank", "det", "inverse", "sigma"):
        return (kind, tuple(tuple(new[k] for k in row) for row in rest[0]), *rest[1:])
    if kind == "dot":
        return (kind, *(tuple(new[k] for k in part) for part in rest))
    return (kind, *(new[k] for k in rest))
