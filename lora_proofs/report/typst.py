"""The document as a source of typst: text in quoted strings, mathematics from fixed lists.

Nothing of a claim is ever markup or code here, so nothing in it is read, run or imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TypeVar

from lora_proofs.report.columns import height, shares
from lora_proofs.report.figure import Figure
from lora_proofs.report.fitting import fitted
from lora_proofs.report.formulas.as_typst import quoted, typst_of
from lora_proofs.report.formulas.nodes import Nodes
from lora_proofs.report.formulas.reading import NotPlain
from lora_proofs.report.linebreaks import width
from lora_proofs.report.numbers import in_words
from lora_proofs.report.svg import to_svg
from lora_proofs.report.tree import (
    Block,
    Bullets,
    Callout,
    Code,
    CodeBlock,
    Derivation,
    DerivedLine,
    DisplayMath,
    Document,
    Inline,
    Inlines,
    Judged,
    Link,
    Math,
    Paragraph,
    Section,
    Table,
    Text,
)

PRELUDE = """\
#set page(paper: "a4", margin: (x: 24mm, top: 22mm, bottom: 24mm), numbering: "1 / 1")
#set text(font: "Libertinus Serif", size: 10pt, lang: "en")
#set par(leading: 0.6em, spacing: 0.95em)
#set heading(numbering: none)
#set enum(numbering: "(1)")
#set list(spacing: 0.7em)
#show heading: set block(above: 1.3em, below: 0.7em, sticky: true)
#show heading.where(level: 1): set text(size: 18pt)
#show heading.where(level: 2): set text(size: 14pt)
#show heading.where(level: 3): set text(size: 11.5pt)
#show heading.where(level: 4): set text(size: 10pt)
#show raw: set text(font: "DejaVu Sans Mono", size: 0.94em)
#show link: set text(fill: rgb("#1a4f8b"))
#set table(stroke: (_, y) => if y == 0 { (bottom: 0.7pt) } else { (bottom: 0.2pt + luma(75%)) })
#set table(inset: (x: 4pt, y: 4pt), align: left + top)
#show table: set par(justify: false)
#show table: set text(size: 9pt)
#show figure: set block(breakable: true)
#show figure.where(kind: table): set figure.caption(position: top)
#show figure.caption: set text(size: 9pt)
#show figure.caption: set align(left)
#show figure.where(kind: table): set figure.caption(separator: none)
#show figure.caption.where(kind: table): set block(sticky: true)
#let tones = (good: "#1b6e3c", sure: "#1a4f8b", part: "#7a5a00", bad: "#a1261b", open: "#5b3a8c")
#let tone(name) = rgb(tones.at(name, default: "#6b7280"))
#let judged(name, colour, reach) = text(weight: "bold", fill: tone(colour), name) + " " + reach
#let framed(name, body) = block(
  width: 100%, inset: (left: 9pt, right: 0pt, y: 4pt), above: 0.9em, below: 0.9em,
  stroke: (left: 2.2pt + tone(name)), body)
#let ahead(body) = block(sticky: true, above: 0.95em, below: 0.95em, body)
#let code(..parts) = parts.pos().map(part => raw(part)).join(sym.zws)
#let listing(text) = block(
  width: 100%, fill: luma(96%), inset: 6pt, radius: 2pt, breakable: true,
  { set std.text(size: 8pt); set par(leading: 0.45em); text })
// A formula that is still too wide is set smaller, never cut off.
#let wide(formula) = layout(size => {
  let found = measure(formula).width
  if found <= size.width { formula } else {
    align(center, scale(99% * (size.width / found), reflow: true, formula)) } })
#let derived(number, formula, told) = grid(
  columns: (2.2em, 1fr), inset: (y: 2pt), [(#number)],
  { if formula != none { block(sticky: true, width: 100%, formula) }; told })
"""
TONES = {
    "PROVED": "good",
    "CERTIFIED": "sure",
    "SUPPORTED": "part",
    "REFUTED": "bad",
}
WHOLE, SHORT = 30, 12  # lines of a row, and of a table, that is not parted
_T = TypeVar("_T")
MOST = 44.0
ROOM = 42.0  # for a formula inside a line
# Part of a word that no line would hold.
_LONG = re.compile(r"[^\s\u200b]{40}(?=[^\s\u200b]{8})")
_PIECE = re.compile(r"[^\s/,;=-]*[\s/,;=-]+|[^\s/,;=-]+")
_ANCHOR = re.compile("[a-z0-9-]+")
_ADDRESS = re.compile(r"https://[A-Za-z0-9./_-]+")


def _parted(text: str) -> str:
    """Text with places where a word may break that no line would hold."""
    return _LONG.sub("\\g<0>\u200b", text)


def to_typst(document: Document) -> str:
    """The document as one source that reads no file and loads no package.

    >>> to_typst(Document("#read(1)", ())).endswith('#heading(level: 1, "#read(1)")')
    True
    """
    title = quoted(document.title)
    head = f"#set document(title: {title}, date: none)\n{PRELUDE}"
    writer = _Writer(frozenset(_anchors(document.blocks)))
    top = f"#heading(level: 1, {title})"
    return "\n\n".join([f"{head}\n{top}", *writer.blocks(document.blocks, 2, MOST)])


def _anchors(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Section):
            if _ANCHOR.fullmatch(block.anchor):
                yield block.anchor
            yield from _anchors(block.blocks)
        elif isinstance(block, Callout):
            yield from _anchors(block.blocks)


def code_pieces(text: str, size: int = 16) -> list[str]:
    """The text in pieces between which a line may break; a long word has none of its own.

    >>> code_pieces("a/b 123456", 4)
    ['a/', 'b ', '1234', '56']
    """
    found = _PIECE.findall(text)
    return [word[i : i + size] for word in found for i in range(0, len(word), size)]


class _Writer:
    """Blocks to source; it knows the anchors, so that a link never points to nothing."""

    def __init__(self, anchors: frozenset[str]) -> None:
        self.known, self.left = anchors, set(anchors)
        self.room = ROOM

    def blocks(self, blocks: Iterable[Block], level: int, most: float) -> Iterator[str]:
        for block, after in zip_longest(given := tuple(blocks), given[1:]):
            if after and isinstance(block, Paragraph) and _announces(block):
                yield f"#ahead[{self.line(block.content)}]"
            else:
                yield from self.block(block, level, most)

    def block(self, block: Block, level: int, most: float) -> Iterator[str]:
        match block:
            case Paragraph(content):
                yield self.line(content)
            case DisplayMath(latex):
                yield f"#{_display(latex, most)}"
            case CodeBlock(text):
                yield f"#listing({_code(text, block=True)})"
            case Bullets(items):
                yield f"#list({', '.join(f'[{self.line(item)}]' for item in items)})"
            case Table():
                yield self.table(block)
            case Derivation(lines):
                yield from (self.derived(i, one, most) for i, one in enumerate(lines, 1))
            case Callout(tone, blocks):
                inside = "\n\n".join(self.blocks(blocks, level, most - 2.0))
                yield f"#framed({quoted(tone)})[\n{inside}\n]"
            case Figure():
                yield _figure(block)
            case Section(title, blocks, anchor):
                yield f"#heading(level: {level})[{self.line(title)}]{self.mark(anchor)}"
                yield from self.blocks(blocks, level + 1, most)

    def mark(self, anchor: str) -> str:
        """The label of an anchor, where it comes first."""
        if anchor not in self.left:
            return ""
        self.left.remove(anchor)
        return f" <{anchor}>"

    def line(self, nodes: Inlines) -> str:
        return "".join(map(self.inline, nodes))

    def inline(self, node: Inline) -> str:
        match node:
            case Text(text, strong):
                shown = quoted(_parted(re.sub(r"\s+", " ", text)))
                return f"#strong({shown})" if strong else f"#{shown}"
            case Math(latex):
                return self.formula(latex)
            case Code(text):
                return f"#{_code(text)}"
            case Link():
                return self.link(node)
            case Judged():
                tone = TONES.get(node.verdict, "open")
                words = (node.verdict, tone, _parted(node.reach))
                return f"#judged({', '.join(map(quoted, words))})"

    def formula(self, latex: str) -> str:
        """The formula in its line, in pieces if it is wider than one."""
        try:
            return " ".join(f"${typst_of(line)}$" for line in fitted(latex, self.room))
        except NotPlain:
            return f"#{_code(latex)}"

    def link(self, link: Link) -> str:
        shown = "".join(f"#{quoted(piece)}#sym.zws;" for piece in code_pieces(link.text, 16))
        anchor = link.target.removeprefix("#")
        if link.target.startswith("#") and anchor in self.known:
            return f"#link(<{anchor}>)[{shown}]"
        if _ADDRESS.fullmatch(link.target):
            return f"#link({quoted(link.target)})[{shown}]"
        return f"#[{shown}]"

    def table(self, table: Table) -> str:
        columns = ", ".join(f"{share}fr" for share in shares(table))
        count = len(shares(table))
        head = ", ".join(f"strong({quoted(cell)})" for cell in _filled(table.header, count, ""))
        rows = [", ".join(self.cells(_filled(row, count, ()), shares(table))) for row in table.rows]
        body = ",\n".join([f"columns: ({columns},), table.header({head})", *rows])
        caption = f"caption: {quoted(table.caption)}, " if table.caption else ""
        whole = all(height(row, shares(table)) < WHOLE for row in table.rows)
        short = whole and sum(height(row, shares(table)) for row in table.rows) < SHORT
        set_cells = f"set table.cell(breakable: {'false' if whole else 'true'})"
        return (
            f"#{{show figure: set block(breakable: {'false' if short else 'true'}); {set_cells}\n"
            f"figure({caption}kind: table, supplement: none, numbering: none, table({body}))}}"
        )

    def cells(self, row: Sequence[Inlines], parts: Sequence[float]) -> Iterator[str]:
        for cell, share in zip(row, parts, strict=True):
            self.room = share * ROOM
            yield f"[{self.line(cell)}]"
        self.room = ROOM

    def derived(self, number: int, line: DerivedLine, most: float) -> str:
        formula = _display(line.latex, most - 3.0) if line.latex else "none"
        told = [self.line(text) for text in (line.text, line.why) if text]
        how = f"#emph({quoted(line.kind)}) #{quoted(f'{line.mark} {line.checked}')}"
        inside = " \\\n".join([*told, f"#text(size: 9pt)[{how}]"])
        return f"#derived({number}, {formula}, [{inside}])"


def _announces(paragraph: Paragraph) -> bool:
    """Whether what a paragraph says comes after it: no page ends between them."""
    last = paragraph.content[-1] if paragraph.content else None
    return isinstance(last, Text) and last.text.rstrip().endswith(":")


def _filled(cells: tuple[_T, ...], count: int, empty: _T) -> list[_T]:
    return [*cells, *[empty] * (count - len(cells))][:count]


def _code(text: str, *, block: bool = False) -> str:
    if block:
        lines = text.split("\n")
        shown = (_code(line) if line.strip() else quoted("") for line in lines)
        return "[" + " \\\n".join(f"#{line}" for line in shown) + "]"
    pieces = ", ".join(map(quoted, code_pieces(" ".join(re.split(r"\s+", text))))) or quoted("")
    return f"code({pieces})"


def _display(latex: str, most: float) -> str:
    """The formula on lines of its own, or its LaTeX where it holds what is not on the list."""
    try:
        lines = fitted(latex, most)
    except NotPlain:
        return f"listing({_code(latex, block=True)})"
    shown = f"$ {typst_of(lines[0]) if len(lines) == 1 else _broken(lines)} $"
    return f"wide({shown})" if max(map(width, lines)) > 0.8 * most else f"[{shown}]"


def _broken(lines: list[Nodes]) -> str:
    first, *rest = (typst_of(line) for line in lines)
    return " \\\n".join([f"& {first}", *(f"& #h(2em) {line}" for line in rest)])


def _figure(figure: Figure) -> str:
    drawn, words = quoted(to_svg(figure)), quoted(in_words(figure))
    told = f"#emph({quoted(figure.told)})"
    caption = f"[#{quoted(figure.title)}. #{quoted(figure.caption)}]"
    return (
        f'#figure(image(bytes({drawn}), format: "svg", width: 78%, alt: {words}), '
        f"caption: {caption}, supplement: none, numbering: none)\n\n{told}"
    )
