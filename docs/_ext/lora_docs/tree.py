"""A face of the report's document tree: docutils nodes, so that pages say what reports say."""

import re
from collections.abc import Iterable, Iterator

from docutils import nodes
from sphinx import addnodes

from lora_docs import corpus
from lora_proofs.report import tree

CLAIM = "claim:"
_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*(?:/[a-z0-9]+(?:-[a-z0-9]+)*)+")


def inline(piece: tree.Inline) -> nodes.Node:
    """A piece of a line; a link to ``claim:NAME`` finds its page by itself."""
    match piece:
        case tree.Text(text, strong):
            return nodes.strong(text, text) if strong else linked(text)
        case tree.Math(latex):
            return nodes.math(latex, latex)
        case tree.Code(text):
            return nodes.literal(text, text)
        case tree.Link(target, text) if target.startswith(CLAIM):
            return to_claim(target.removeprefix(CLAIM), text)
        case tree.Link(target, text):
            return nodes.reference(text, text, refuri=target, internal=False)
        case tree.Judged(verdict):
            return verdict_of(verdict, piece.reach)


def linked(text: str) -> nodes.Node:
    """Text, in which the names of claims are links."""
    found, end = nodes.inline(), 0
    for met in _NAME.finditer(text):
        if met[0] in corpus.claims():
            found += [nodes.Text(text[end : met.start()]), to_claim(met[0], met[0])]
            end = met.end()
    found += nodes.Text(text[end:])
    return found if end else nodes.Text(text)


def verdict_of(verdict: str, reach: str) -> nodes.inline:
    """A verdict with how far it reaches."""
    word = nodes.strong(verdict, verdict, classes=["verdict", verdict.lower()])
    return nodes.inline("", "", word, nodes.Text(f" {reach}"), classes=["judged"])


def to_claim(name: str, text: str) -> addnodes.pending_xref:
    """A reference to the section of a claim, on whatever page it stands."""
    shown = nodes.literal(text, text) if text == name else nodes.inline(text, text)
    return addnodes.pending_xref(
        "",
        shown,
        refdomain="std",
        reftype="ref",
        reftarget=label(name),
        refexplicit=True,
        refwarn=True,
    )


def label(name: str) -> str:
    """The label of a claim's section, as ``{ref}`` asks for it."""
    return f"claim-{name.replace('/', '-')}"


def line(content: Iterable[tree.Inline]) -> nodes.paragraph:
    """A paragraph."""
    return nodes.paragraph("", "", *map(inline, content))


def display(latex: str) -> nodes.math_block:
    """A formula on a line of its own."""
    return nodes.math_block(latex, latex, nowrap=False, number=None)


def blocks(content: Iterable[tree.Block]) -> Iterator[nodes.Node]:
    """The nodes of blocks; sections need titles of the page and are not among them."""
    for one in content:
        match one:
            case tree.Paragraph(pieces):
                yield line(pieces)
            case tree.DisplayMath(latex):
                yield display(latex)
            case tree.CodeBlock(text):
                yield nodes.literal_block(text, text, language="console")
            case tree.Bullets(items):
                yield bullets(map(line, items))
            case tree.Table():
                yield table(one.header, ([[line(cell)] for cell in row] for row in one.rows))
            case _:
                raise TypeError(f"expected a block that pages have, got {one!r}")


def bullets(items: Iterable[nodes.Node]) -> nodes.bullet_list:
    """An unordered list."""
    return nodes.bullet_list("", *(nodes.list_item("", item) for item in items))


def table(header: Iterable[str], rows: Iterable[Iterable[Iterable[nodes.Node]]]) -> nodes.table:
    """A table of cells that are lists of nodes."""
    names = tuple(header)
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in names), cols=len(names))
    head = nodes.row("", *(nodes.entry("", nodes.paragraph(x, x)) for x in names))
    body = (nodes.row("", *(nodes.entry("", *cell) for cell in row)) for row in rows)
    group += nodes.thead("", head)
    group += nodes.tbody("", *body)
    return nodes.table("", group)


def section(title: Iterable[nodes.Node], ident: str, *content: nodes.Node) -> nodes.section:
    """A section of a page, whose identifier is given."""
    head = nodes.title("", "", *title)
    return nodes.section("", head, *content, ids=[ident], names=[ident])
