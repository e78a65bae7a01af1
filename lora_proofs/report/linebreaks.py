"""Where a long formula breaks: before relations, then before signs; outside brackets first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from lora_proofs.report.formulas.nodes import (
    Decorated,
    Fenced,
    Fraction,
    Grid,
    Group,
    Node,
    Nodes,
    Number,
    Root,
    Scripts,
    Sign,
    Sized,
    Words,
)

BARS = "|‖"
# Widths in em, spaces around the sign included; TeX's classes of atoms.
_SIGNS = {
    "letter": 0.58,
    "plain": 0.55,
    "binary": 1.25,
    "relation": 1.4,
    "open": 0.35,
    "close": 0.35,
    "punctuation": 0.45,
    "large": 1.3,
    "integral": 0.9,
}
_SPACES = {"quad": 1.0, "qquad": 2.0, "negthinspace": -0.17}
_SCRIPT = 0.72


def flattened(nodes: Nodes) -> Nodes:
    r"""Brackets that need not grow stand in the line as plain signs, so that it can break in them.

    >>> from lora_proofs.report.formulas.reading import read
    >>> [node.kind for node in flattened(read(r"\left(a + b\right)"))]
    ['open', 'letter', 'binary', 'letter', 'close']
    """
    if not any(map(_bracketed, nodes)):
        return nodes
    return tuple(part for node in nodes for part in _opened(node))


def _bracketed(node: Node) -> bool:
    return isinstance(node.base if isinstance(node, Scripts) else node, Fenced)


def _opened(node: Node) -> Iterator[Node]:
    match node:
        case Fenced(left, body, right) if not any(map(tall, body)):
            yield from ([replace(left, kind="open")] if left else [])
            yield from flattened(body)
            yield from ([replace(right, kind="close")] if right else [])
        case Scripts(Fenced(_, body, Sign()) as base, below, above) if not any(map(tall, body)):
            *before, last = _opened(base)
            yield from before
            yield Scripts(last, below, above)
        case _:
            yield node


def tall(node: Node) -> bool:
    """Whether brackets around a formula grow.

    >>> from lora_proofs.report.formulas.reading import read
    >>> [tall(node) for node in read(r"x \\frac{a}{b}")]
    [False, True]
    """
    match node:
        case Fraction() | Grid():
            return True
        case Scripts(base, below, above):
            large = kind_of(base) in ("large", "integral")
            return large or any(map(tall, (base, *(below or ()), *(above or ()))))
        case Group(body) | Decorated(_, body) | Fenced(_, body, _) | Root(_, body):
            return any(map(tall, body))
    return False


def kind_of(node: Node) -> str:
    """The class of an atom: that of its sign, ``bar``, ``function``, ``fenced`` or ``atom``.

    >>> kind_of(Sign("=", "=", "relation")), kind_of(Number("1"))
    ('relation', 'atom')
    """
    if isinstance(node, Sign):
        return "bar" if node.kind == "plain" and node.character in BARS else node.kind
    match node:
        case Words(command, _) if command.startswith("operator"):
            return "function"
        case Scripts(base, _, _):
            return kind_of(base)
        case Fenced():
            return "fenced"
    return "atom"


def width(nodes: Nodes) -> float:
    """About how wide a formula is, in em.

    >>> width((Number("12"), Number("3")))
    1.5
    """
    return sum(map(_wide, nodes))


def _wide(node: Node) -> float:
    # Most nodes of a report are signs and numbers: a pattern would ask each for all its fields.
    if isinstance(node, Sign):
        return _of_sign(node.character, node.kind)
    if isinstance(node, Number):
        return 0.5 * len(node.digits)
    match node:
        case Words(_, text):
            return 0.5 * len(text)
        case Scripts(base, below, above):
            return _wide(base) + _SCRIPT * max(width(below or ()), width(above or ()))
        case Grid(_, rows):
            columns = max(map(len, rows))
            cells = (max(width(row[j]) for row in rows if j < len(row)) for j in range(columns))
            return 0.8 + sum(0.9 + cell for cell in cells)
        case Fraction(_, over, under):
            return 0.2 + max(width(over), width(under))
        case Fenced(_, body, _) | Root(_, body):
            return 0.9 + width(body)
        case Group(body) | Decorated(_, body):
            return width(body)
        case Sized():
            return 0.45


@cache
def _of_sign(character: str, kind: str) -> float:
    capital = 0.12 if kind == "letter" and character.isupper() else 0.0
    return capital + (_SPACES.get(character, 0.2) if kind == "space" else _SIGNS[kind])


def lines(nodes: Nodes, most: float, *, deepest: int = 9) -> list[Nodes]:
    """The formula in lines of at most ``most`` em, where it has places to break.

    >>> from lora_proofs.report.formulas.reading import read
    >>> [len(line) for line in lines(read("a + b = c + d"), 4.0)]
    [3, 4]
    """
    return [line for line, _ in measured(nodes, most, deepest=deepest)]


def measured(nodes: Nodes, most: float, *, deepest: int = 9) -> list[tuple[Nodes, float]]:
    """The same lines, each with its width in em: what has been measured need not be again.

    >>> [(len(line), round(width, 2)) for line, width in measured((Number("12"),) * 2, 4.0)]
    [(2, 2.0)]
    """
    found, rest, wide = [], nodes, [_wide(node) for node in nodes]
    while sum(wide) > most and (place := _place(rest, wide, most, deepest)):
        found.append((rest[:place], sum(wide[:place])))
        rest, wide = rest[place:], wide[place:]
    return [*found, (rest, sum(wide))]


def _place(nodes: Nodes, widths: list[float], most: float, deepest: int) -> int:
    """The best place to break in the first ``most`` em; 0 where there is none."""
    best, rank = 0, (0.0, 0)
    depth, before, wide, bars = 0, "", 0.0, False
    for i, node in enumerate(nodes):
        kind = kind_of(node)
        if kind == "bar":
            bars = not bars
            kind = "open" if bars else "close"
        if wide > most:
            break
        cost = _cost(kind, before, depth)
        # A break near the start leaves a short line: it has to be much better than a later one.
        worth = (-cost - (2 if wide < most / 3 else 0), i)
        if cost < 99 and depth <= deepest and wide > 1 and (not best or worth > rank):
            best, rank = i, worth
        depth += {"open": 1, "close": -1}.get(kind, 0)
        before, wide = kind, wide + widths[i]
    return best


def _cost(kind: str, before: str, depth: int) -> float:
    """How bad it is to break before a sign of this kind; 99 where it is wrong."""
    if kind == "relation":
        return 3 * depth
    if kind == "binary" and before in ("letter", "plain", "atom", "close", "fenced"):
        return 3 * depth + 1
    if before == "space" and kind != "space":
        return 3 * depth
    if before == "close" and kind in ("open", "letter", "function"):
        return 3 * depth + 4
    return 99
