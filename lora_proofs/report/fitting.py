"""Formulas on a page of a fixed width: long ones in lines, wide matrices in blocks of columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lora_proofs.report.formulas.nodes import (
    Fenced,
    Grid,
    Group,
    Node,
    Nodes,
    Number,
    Scripts,
    Sign,
    Sized,
    Words,
)
from lora_proofs.report.formulas.reading import NotPlain, read
from lora_proofs.report.formulas.symbols import DELIMITERS
from lora_proofs.report.linebreaks import flattened, lines, width

_BRACKETS = {
    "bmatrix": "[]",
    "pmatrix": "()",
    "Bmatrix": ("\\{", "\\}"),
    "vmatrix": "||",
    "Vmatrix": ("\\|", "\\|"),
}

TOO_WIDE = 2.2  # a line this many times wider than the page would be too small to read


def fitted(latex: str, most: float) -> list[Nodes]:
    r"""The formula in lines of at most ``most`` em where that can be; raises ``NotPlain``.

    >>> len(fitted("x = y", 9.0)), len(fitted("x = y + z + w", 4.0))
    (1, 2)
    >>> len(fitted(r"A = \begin{bmatrix} 11111 & 22222 & 33333 \end{bmatrix}", 9.0))
    3
    """
    nodes = read(latex)
    if width(nodes) <= most:
        return [nodes]
    parts = _parted(tuple(_opened(flattened(nodes), most)), most)
    found = [line for part in parts for line in lines(part, most) if line]
    if max(map(width, found)) > TOO_WIDE * max(most, 20.0):
        raise NotPlain("wider than any page, with no place to break")
    return found


def _opened(nodes: Nodes, most: float) -> Iterator[Node]:
    """Tall brackets that hold more than a line get a fixed size, so that lines break in them."""
    for node in nodes:
        fenced = node.base if isinstance(node, Scripts) else node
        if not isinstance(fenced, Fenced) or width((node,)) <= most:
            yield node
            continue
        if fenced.left:
            yield Sized("Bigl", fenced.left)
        yield from _opened(flattened(fenced.body), most)
        last: Node = Sized("Bigr", fenced.right) if fenced.right else Group(())
        yield replace(node, base=last) if isinstance(node, Scripts) else last


def _parted(nodes: Nodes, most: float) -> Iterator[Nodes]:
    """The formula up to, and from, each place where a matrix or a number has to be cut."""
    line: list[Node] = []
    for node in nodes:
        first, *rest = _cut(node, most)
        line.append(first)
        for one in rest:
            yield tuple(line)
            line = [one]
    yield tuple(line)


def _cut(node: Node, most: float) -> list[Node]:
    match node:
        case Number(digits) if width((node,)) > most:
            size = max(int(1.8 * most), 1)
            return [Number(digits[i : i + size]) for i in range(0, len(digits), size)]
        case Grid(environment, _) if environment in _BRACKETS and width((node,)) > most:
            return list(_blocks(node, most))
    return [node]


def _blocks(grid: Grid, most: float) -> Iterator[Node]:
    """Columns side by side as far as they fit; the bracket opens on the first block only."""
    columns = max(map(len, grid.rows))
    bounds = _bounds(grid, columns, most - 13.0)
    opened, closed = (DELIMITERS[sign] for sign in _BRACKETS[grid.environment])
    for start, end in bounds:
        rows = tuple(row[start:end] for row in grid.rows)
        left: Sign | None = opened if start == 0 else None
        right: Sign | None = closed if end == columns else None
        block: Nodes = (Grid("matrix", rows),)
        if len(bounds) > 1:
            told = f" (columns {start + 1} to {end})" if end > start + 1 else f" (column {end})"
            yield Fenced(left, (*block, Words("text", told)) if right is None else block, right)
        else:
            yield Fenced(left, block, right)


def _bounds(grid: Grid, columns: int, most: float) -> list[tuple[int, int]]:
    found, start, wide = [], 0, 0.0
    for j in range(columns):
        cell = 1.0 + max(width(row[j]) for row in grid.rows if j < len(row))
        if j > start and wide + cell > most:
            found.append((start, j))
            start, wide = j, 0.0
        wide += cell
    return [*found, (start, columns)]
