"""From tapes to the program of a certificate: what is used, in order, each thing once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from lora_proofs.certificates.tape import Node, Tape, operands, renumbered

Side = tuple[int, str, int, str]
"""A comparison of two nodes, with its label."""


class Program:
    """The nodes of one or more tapes, each once, and the comparisons of their values."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Node, int] = {}

    def add(self, tape: Tape, compared: Iterable[Side]) -> list[Side]:
        """Take over what the comparisons of a tape need; the comparisons, with the new numbers."""
        sides = list(compared)
        new: dict[int, int] = {}
        for k in sorted(reached(tape.nodes, (k for a, _, b, _ in sides for k in (a, b)))):
            node = renumbered(tape.nodes[k], new)
            if node not in self._known:
                self._known[node] = len(self.nodes)
                self.nodes.append(node)
            new[k] = self._known[node]
        return [(new[a], relation, new[b], label) for a, relation, b, label in sides]

    def from_instance(self) -> list[bool]:
        """Of every node, whether an entry of the instance goes into it."""
        found: list[bool] = []
        for node in self.nodes:
            found.append(node[0] == "input" or any(found[k] for k in operands(node)))
        return found


def reached(nodes: Sequence[Any], start: Iterable[int]) -> set[int]:
    """The nodes that some nodes are computed from, and these.

    >>> sorted(reached([("input", "t"), ("number", 1), ("neg", 0)], [2]))
    [0, 2]
    """
    found, left = set(), list(start)
    while left:
        k = left.pop()
        if k not in found:
            found.add(k)
            left.extend(operands(nodes[k]))
    return found


def fused(nodes: list[Node], parts: list[list[Side]]) -> tuple[list[Node], list[list[Side]]]:
    """The same program with sums of several terms, and scalar products, as one node each.

    >>> nodes = [("input", "x"), ("mul", 0, 0), ("mul", 0, 1), ("add", 1, 2), ("add", 3, 0)]
    >>> fused(nodes[:4], [[(3, "<=", 3, "")]])[0][-1]
    ('add', 1, 2)
    """
    uses = Counter(k for node in nodes for k in operands(node))
    uses.update(k for part in parts for a, _, b, _ in part for k in (a, b) for _ in range(2))
    terms: dict[int, list[int]] = {}
    for k, node in enumerate(nodes):
        if node[0] == "add":
            terms[k] = [t for a in node[1:] for t in (terms[a] if _once(a, uses, terms) else [a])]
    gone = {a for k in terms for a in operands(nodes[k]) if _once(a, uses, terms)}
    kept: list[Node] = []
    new: dict[int, int] = {}
    dots = {k: _dot(nodes, terms[k], uses) for k in terms if k not in gone}
    gone |= {t for k, dot in dots.items() if dot for t in terms[k]}
    for k, node in enumerate(nodes):
        if k not in gone:
            new[k] = len(kept)
            whole = dots.get(k) or (("add", *terms[k]) if k in terms else node)
            kept.append(renumbered(whole, new))
    return kept, [[(new[a], rel, new[b], label) for a, rel, b, label in part] for part in parts]


def _once(k: int, uses: Counter[int], terms: dict[int, list[int]]) -> bool:
    return uses[k] == 1 and k in terms


def _dot(nodes: list[Node], terms: list[int], uses: Counter[int]) -> Node | None:
    """The scalar product that a sum is, where each term is a product used nowhere else."""
    factors = [nodes[t] for t in terms]
    if len(set(terms)) < len(terms) or any(f[0] != "mul" for f in factors):
        return None
    if any(uses[t] != 1 for t in terms):
        return None
    return ("dot", tuple(f[1] for f in factors), tuple(f[2] for f in factors))


def as_json(nodes: list[Node]) -> list[Any]:
    """The nodes as lists; numbers stay exact, and a number of the instance is its entry [0][0]."""
    return [
        _listed((*node, 0, 0) if node[0] == "input" and len(node) == 2 else node) for node in nodes
    ]


def _listed(value: Any) -> Any:
    return [_listed(x) for x in value] if isinstance(value, tuple) else value
