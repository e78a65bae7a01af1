"""The Markdown face: GitHub's dialect, formulas between dollars, everything else escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lora_proofs.report.figure import Figure
from lora_proofs.report.formulas import NotPlain, latex_of, read
from lora_proofs.report.numbers import tabled
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

_GUARDED = str.maketrans({"<": r"\lt ", ">": r"\gt ", "|": r"\vert ", "*": r"\ast "})
_OPERATOR = re.compile(r"\\operatorname(\*?)\{([^{}]*)\}")
_ANCHOR = re.compile("[a-z0-9-]+")
# An anchor, a page, or a file as ``quote`` writes it: no other scheme, no other host.
_TARGET = re.compile(
    r"#[a-z0-9-]+|https://[A-Za-z0-9./_-]+|file:///[A-Za-z0-9._~%/-]+|(?!//)[A-Za-z0-9._~%/-]+"
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~&])")


def to_markdown(document: Document) -> str:
    r"""The document as Markdown.

    >>> to_markdown(Document("A_B", (Paragraph((Text("1 < 2"),)),)))
    '# A\\_B\n\n1 \\< 2\n'
    """
    return "\n\n".join([f"# {_escaped(document.title)}", *_blocks(document.blocks, 2)]) + "\n"


def markdown_of(blocks: tuple[Block, ...], level: int = 2) -> str:
    r"""Blocks as Markdown, sections with headings from ``level`` on.

    >>> markdown_of((Section((Text("On A"),), ()),), 3)
    '### On A'
    """
    return "\n\n".join(_blocks(blocks, level))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", text))


def _code(text: str) -> str:
    """A code span whose fence is longer than every run of backquotes inside."""
    text = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") or not text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _tex(latex: str) -> str | None:
    """LaTeX that can stand between dollars; ``None`` where it has to be shown as code.

    It is written again from what the reader of ``formulas`` let in, without a sign that Markdown,
    a table or a browser could take for its own: GitHub reads ``\\\\``, bars and stars first.
    """
    try:
        tex = latex_of(read(latex), words=_worded)
    except NotPlain:
        return None
    if re.search(r"\\[%#$&_]", tex):
        return None
    tex = _OPERATOR.sub(_operator, tex).translate(_GUARDED).replace(r"\\ ", r"\cr ")
    return re.sub("^([-+=])", r"{\1}", tex)


def _operator(found: re.Match[str]) -> str:
    """The name of an operator: GitHub's mathematics refuses ``\\operatorname``."""
    star, name = found.groups()
    return rf"\mathop{{\mathrm{{{name}}}}}" + ("" if star else r"\nolimits ")


def _worded(text: str) -> str:
    """Text inside a formula, where only plain words stand."""
    if re.fullmatch(r"[^<>|*`\[\]]*", text):
        return text
    raise NotPlain("a sign of Markdown in the text of a formula")


def _inline(node: Inline) -> str:
    match node:
        case Text(text, strong):
            return _bold(text) if strong else _escaped(text)
        case Math(latex):
            tex = _tex(latex)
            return f"${tex}$" if tex else _code(latex)
        case Code(text):
            return _code(text)
        case Link(target, text):
            return f"[{_escaped(text)}]({target})" if _TARGET.fullmatch(target) else _escaped(text)
        case Judged():
            return f"**{_escaped(node.verdict)}** {_escaped(node.reach)}"


def _bold(text: str) -> str:
    """Bold text; spaces at its ends stay outside."""
    inside = text.strip()
    lead, trail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{lead}**{_escaped(inside)}**{trail}" if inside else text


def _line(nodes: Inlines) -> str:
    """Pieces in one line that opens no list and no rule by accident."""
    text = _joined(map(_inline, nodes))
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub("^([-+=])", r"\\\1", text))


def _joined(pieces: Iterable[str]) -> str:
    """Pieces side by side; two fences that touch would be one, and end neither."""
    made = ""
    for piece in pieces:
        made += " " + piece if made[-1:] in ("`", "$") and piece[:1] == made[-1:] else piece
    return made.strip()


def _blocks(blocks: tuple[Block, ...], level: int) -> list[str]:
    return [part for block in blocks for part in _block(block, level) if part]


def _block(block: Block, level: int) -> Iterator[str]:
    match block:
        case Paragraph(content):
            yield _line(content)
        case DisplayMath(latex):
            yield _display(latex)
        case CodeBlock(text):
            yield _fenced(text)
        case Bullets(items):
            yield "\n".join(f"- {_line(item)}" for item in items)
        case Table():
            yield from _table(block)
        case Derivation(lines):
            yield "\n".join(_derived(i, line) for i, line in enumerate(lines, 1)).rstrip()
        case Figure():
            yield from _figure(block)
        case Callout():
            yield _quoted("\n\n".join(_blocks(block.blocks, level)))
        case Section(title, blocks, anchor):
            mark = f'<a id="{anchor}"></a>\n\n' if _ANCHOR.fullmatch(anchor) else ""
            yield f"{mark}{'#' * min(level, 6)} {_line(title)}"
            yield from _blocks(blocks, level + 1)


def _figure(figure: Figure) -> Iterator[str]:
    """A picture in words and numbers: what it says, and its data as tables."""
    yield f"**{_escaped(figure.title)}.** {_escaped(figure.caption)}"
    yield _escaped(figure.told)
    for table in map(tabled, figure.plots):
        yield from _table(table) if table.rows else ()


def _display(latex: str) -> str:
    tex = _tex(latex)
    return f"$$\n{tex}\n$$" if tex else _fenced(latex)


def _fenced(text: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def _table(table: Table) -> Iterator[str]:
    """A table in which every row has as many cells as the header, whatever stands in them."""
    yield f"*{_escaped(table.caption)}*" if table.caption.strip() else ""
    count = max(len(table.header), *map(len, table.rows), 1) if table.rows else 1
    count = max(count, len(table.header))
    head = [_escaped(cell).strip() for cell in table.header]
    rows = ([_cell(cell) for cell in row] for row in table.rows)
    lines = (head, ["---"] * count, *rows)
    yield "\n".join(f"| {' | '.join(line + [''] * (count - len(line)))} |" for line in lines)


def _cell(nodes: Inlines) -> str:
    """Pieces in a cell; a bar would end it, and so would one in code."""
    return _joined(_inline(_without_bar(node)) for node in nodes)


def _without_bar(node: Inline) -> Inline:
    match node:
        case Code(text):
            return Code(text.replace("|", r"\|"))
        case Math(latex) if _tex(latex) is None:
            return Code(latex.replace("|", r"\|"))
    return node


def _derived(number: int, line: DerivedLine) -> str:
    """One item of a numbered list, its parts indented below the number."""
    parts = [f"*{_escaped(line.kind)}* {line.mark} {_escaped(line.checked)}"]
    parts += [_display(line.latex)] if line.latex else []
    parts += [_line(text) for text in (line.text, line.why) if text]
    indent = " " * (len(str(number)) + 2)
    body = "\n\n".join(parts).replace("\n", "\n" + indent)
    return re.sub(r"[ ]+$", "", f"{number}. {body}\n", flags=re.M)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
