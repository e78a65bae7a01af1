"""How much of the page's width each column of a table gets."""

from __future__ import annotations

from collections.abc import Sequence

from lora_proofs.report.formulas.reading import NotPlain, read
from lora_proofs.report.linebreaks import width
from lora_proofs.report.tree import Code, Inline, Inlines, Judged, Link, Math, Section, Table, Text

_LINE = 92.0  # characters on a line of a table that is as wide as the page


def shares(table: Table) -> list[float]:
    """The share of each column, 1 in all: by its content, and none starved.

    >>> from lora_proofs.report.text import plain
    >>> shares(Table("", ("a", "b"), ((plain("x" * 30), plain("x" * 90)),)))
    [0.391, 0.609]
    """
    count = max(len(table.header), *(len(row) for row in table.rows), 1) if table.rows else 1
    count = max(count, len(table.header))
    words = [min(_longest(table, j) + 2.0, 0.5 * _LINE) / _LINE for j in range(count)]
    least = [word * min(1.0, 0.9 / sum(words)) for word in words]
    weights = [max(_typical(table, j), 1.0) for j in range(count)]
    free = 1.0 - sum(least)
    found = [low + free * weight / sum(weights) for low, weight in zip(least, weights, strict=True)]
    return [round(share, 3) for share in found]


def height(row: tuple[Inlines, ...], parts: Sequence[float]) -> int:
    """About how many lines a row takes.

    >>> from lora_proofs.report.text import plain
    >>> height((plain("x" * 92), plain("y")), [0.5, 0.5])
    3
    """
    cells = zip(row, parts, strict=False)
    return max((1 + int(sum(map(_length, x)) / (part * _LINE)) for x, part in cells), default=1)


def needed(section: Section) -> int:
    """How many lines a heading needs below it: for those that open it, a table's head and row.

    >>> needed(Section((), (Section((), ()),))) > needed(Section((), ()))
    True
    """
    match section.blocks[:1]:
        case (Section() as first,):
            return min(40, 4 + needed(first))
        case (Table() as table,) if table.rows:
            # A break never parts the last two rows.
            rows = table.rows[: 2 if len(table.rows) == 2 else 1]
            return min(40, 9 + sum(1 + height(row, shares(table)) for row in rows))
    return 9


def _typical(table: Table, column: int) -> float:
    """The length of a cell that is longer than most; it may fold into lines."""
    cells = [row[column] for row in table.rows if column < len(row)]
    sizes = sorted(sum(map(_length, cell)) for cell in cells) or [0.0]
    return min(sizes[int(0.9 * (len(sizes) - 1))], 240.0)


def _longest(table: Table, column: int) -> float:
    """The longest piece that cannot fold."""
    cells = [row[column] for row in table.rows if column < len(row)]
    header = table.header[column] if column < len(table.header) else ""
    head = max((1.2 * len(word) for word in header.split()), default=0.0)
    return max([head, *(_word(piece) for cell in cells for piece in cell)])


def _length(piece: Inline) -> float:
    match piece:
        case Text(text) | Link(_, text):
            return len(text)
        case Code(text):
            return 1.2 * len(text)
        case Math(latex):
            return _formula(latex)
        case Judged():
            return len(piece.verdict) + 1 + len(piece.reach)


def _word(piece: Inline) -> float:
    if isinstance(piece, Math):
        return _formula(piece.latex)
    if isinstance(piece, Judged):
        return 1.25 * len(piece.verdict)
    size = 1.25 if isinstance(piece, Code) or (isinstance(piece, Text) and piece.strong) else 1.0
    words = piece.text.replace("-", " ").replace("/", " ").replace("_", "_ ").split()
    return size * min(max(map(len, words), default=0), 24)


def _formula(latex: str) -> float:
    try:
        return 2.0 * width(read(latex))
    except NotPlain:
        return 1.2 * len(latex)
