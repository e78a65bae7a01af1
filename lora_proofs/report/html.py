"""The HTML face: one file with its style, its fonts and a little script inside, nothing fetched.

Everything can be read without the script; it filters by verdict, unfolds for the printer and lets
the keyboard reach what scrolls.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from lora_proofs.report.numbers import tabled
from lora_proofs.report.phrases import TONES, display, phrase, tone
from lora_proofs.report.svg import STYLE, to_svg
from lora_proofs.report.tree import (
    Block,
    Callout,
    Document,
    Inlines,
    Judged,
    Link,
    Paragraph,
    Section,
)

_FACES = (
    ("lp-text", "text-regular", 400, "normal"),
    ("lp-text", "text-italic", 400, "italic"),
    ("lp-text", "text-bold", 700, "normal"),
    ("lp-math", "math", 400, "normal"),
)


@dataclass(frozen=True)
class Entry:
    """A line of the table of contents, and the sections inside that have one too."""

    title: Inlines
    anchor: str
    verdict: str
    inside: tuple[Entry, ...]


def to_html(document: Document) -> str:
    """The document as one HTML page; every text in it is escaped.

    >>> "<script>alert" in to_html(Document("<script>alert(1)</script>", ()))
    False
    """
    blocks = tuple(_anchored(document.blocks))
    contents = tuple(_entries(blocks))
    kinds = _kinds(contents)
    return _template().render(title=document.title, blocks=blocks, contents=contents, kinds=kinds)


def _anchored(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks; a section at the top that has no anchor gets its number as one."""
    for i, block in enumerate(blocks, 1):
        if isinstance(block, Section) and not block.anchor:
            yield Section(block.title, block.blocks, f"part-{i}")
        else:
            yield block


def _entries(blocks: Iterable[Block]) -> Iterator[Entry]:
    for block in blocks:
        if isinstance(block, Section) and block.anchor:
            inside = tuple(_entries(block.blocks))
            yield Entry(block.title, block.anchor, verdict_of(block), inside)


def _kinds(contents: Iterable[Entry]) -> tuple[str, ...]:
    """The verdicts that there are, in their order; the filter offers them if there are two."""

    def within(entries: Iterable[Entry]) -> Iterator[str]:
        for entry in entries:
            yield entry.verdict
            yield from within(entry.inside)

    found = set(within(contents))
    kinds = tuple(verdict for verdict in TONES if verdict in found)
    return kinds if len(kinds) > 1 else ()


def verdict_of(section: Section) -> str:
    """The verdict that a chapter on a claim opens with, empty for any other section.

    >>> verdict_of(Section((), (Paragraph((Judged("PROVED", "all shapes"),)),), "claim-a"))
    'PROVED'
    """
    if not section.anchor.startswith("claim-"):
        return ""
    return next((verdict for block in section.blocks for verdict in _judged(block)), "")


def _judged(block: Block) -> Iterator[str]:
    if isinstance(block, Callout):
        for inner in block.blocks:
            yield from _judged(inner)
    elif isinstance(block, Paragraph):
        yield from (node.verdict for node in block.content if isinstance(node, Judged))


def _row_verdict(row: tuple[Inlines, ...]) -> str:
    """The verdict of a row that leads to a claim."""
    leads = any(isinstance(x, Link) and x.target.startswith("#claim-") for x in row[0])
    found = (x.verdict for cell in row for x in cell if isinstance(x, Judged))
    return next(found, "") if leads else ""


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("lora_proofs.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "display": display,
        "tone": tone,
        "verdict_of": verdict_of,
        "row_verdict": _row_verdict,
        "phrase": phrase,
        "data": lambda figure: [data for data in map(tabled, figure.plots) if data.rows],
        "svg": lambda figure: Markup(to_svg(figure)),
    }
    style = "".join(map(_face, _FACES)) + _shipped("templates", "report.css").decode() + STYLE
    script = _shipped("templates", "report.js").decode()
    parts = {"style": Markup(style), "script": Markup(script)}
    hashes = {f"{name}_hash": _hash(text) for name, text in parts.items()}
    return environment.get_template("report.html.j2", globals={**parts, **hashes})


def _shipped(folder: str, name: str) -> bytes:
    return files("lora_proofs.report").joinpath(folder, name).read_bytes()


def _face(face: tuple[str, str, int, str]) -> str:
    family, name, weight, style = face
    data = b64encode(_shipped("fonts", f"{name}.woff2")).decode()
    return (
        f"@font-face{{font-family:{family};font-weight:{weight};font-style:{style};"
        f'src:url(data:font/woff2;base64,{data}) format("woff2")}}\n'
    )


def _hash(text: str) -> str:
    """What the page's security policy names instead of allowing whatever stands in the page."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
