"""Text that no page holds in one piece, cut with a notice: headings, and rows of tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lora_proofs.report.tree import Code, Inline, Inlines, Link, Math, Text

HEADING = 400  # characters


def shortened(nodes: Inlines, most: int) -> Inlines:
    """The pieces up to ``most`` characters, then how many are left out.

    >>> shortened((Text("abcdef"), Text("gh")), 3)
    (Text(text='abc', strong=False), Text(text=' … (5 more characters)', strong=False))
    """
    whole = sum(map(_size, nodes))
    if whole <= most:
        return nodes
    kept = tuple(_first(nodes, most))
    left = whole - sum(map(_size, kept))
    return (*kept, Text(f" … ({left:,} more characters)"))


def cut(text: str, most: int = HEADING) -> str:
    """A plain text, shortened.

    >>> cut("abcdef", 4)
    'abcd … (2 more characters)'
    """
    return text if len(text) <= most else f"{text[:most]} … ({len(text) - most:,} more characters)"


def _first(nodes: Inlines, most: int) -> Iterator[Inline]:
    for node in nodes:
        size = _size(node)
        if size <= most:
            yield node
        elif isinstance(node, Text | Code | Link):
            yield replace(node, text=node.text[:most])
        most -= size
        if most <= 0:
            return


def _size(node: Inline) -> int:
    match node:
        case Text(text) | Code(text) | Link(_, text):
            return len(text)
        case Math(latex):
            return len(latex) // 2
    return len(node.verdict) + len(node.reach)
