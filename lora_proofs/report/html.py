"""The HTML face: one file with its style, its fonts and a little script inside, nothing fetched.

Everything can be read without the script; it filters by verdict, unfolds for the printer and lets
the keyboard reach what scrolls.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from lora_proofs.report.mathml import Malformed, fit, to_mathml, too_wide
from lora_proofs.report.svg import STYLE, to_svg
from lora_proofs.report.tree import (
    Block,
    Callout,
    Document,
    Inline,
    Inlines,
    Judged,
    Link,
    Math,
    Paragraph,
    Section,
    Text,
)

_TONES = {
    "PROVED": "good",
    "CERTIFIED": "sure",
    "SUPPORTED": "part",
    "REFUTED": "bad",
    "INCONCLUSIVE": "open",
}
_FACES = (
    ("lp-text", "text-regular", 400, "normal"),
    ("lp-text", "text-italic", 400, "italic"),
    ("lp-text", "text-bold", 700, "normal"),
    ("lp-math", "math", 400, "normal"),
)
# Signs that a line may neither begin nor end with; a formula beside them keeps them.
_AHEAD, _BEHIND = re.compile(r"[(\[]+$"), re.compile(r"^[.,;:!?)\]'’”…-]+")


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
    kinds = tuple(verdict for verdict in _TONES if verdict in found)
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
        "display": _display,
        "tone": lambda verdict: _TONES.get(verdict, "open"),
        "verdict_of": verdict_of,
        "row_verdict": _row_verdict,
        "glued": _glued,
        "inline_math": _inline_math,
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


def _glued(nodes: Inlines) -> list[tuple[Inline, str, str]]:
    """The pieces of a line; a formula takes the signs that no line break may part from it."""
    found: list[tuple[Inline, str, str]] = []
    texts = [x.text if isinstance(x, Text) and not x.strong else "" for x in nodes]
    for i, node in enumerate(nodes):
        before = _AHEAD.search(texts[i - 1] if i else "")
        after = _BEHIND.match(texts[i + 1] if i + 1 < len(nodes) else "")
        if isinstance(node, Math):
            found.append((node, before[0] if before else "", after[0] if after else ""))
        elif texts[i]:
            found.append((Text(_kept(nodes, texts, i)), "", ""))
        else:
            found.append((node, "", ""))
    return found


def _kept(nodes: Inlines, texts: list[str], i: int) -> str:
    """The text without what the formulas beside it take."""
    text = texts[i]
    if i and isinstance(nodes[i - 1], Math):
        text = _BEHIND.sub("", text, count=1)
    if i + 1 < len(nodes) and isinstance(nodes[i + 1], Math):
        text = _AHEAD.sub("", text, count=1)
    return text


def _inline_math(piece: tuple[Inline, str, str]) -> Markup:
    """A formula inside a line, with the signs before and after it that stay beside it."""
    node, before, after = piece
    shown = _math(node.latex if isinstance(node, Math) else "")
    if not (before or after) or shown.startswith("<span"):
        return Markup("{}{}{}").format(before, shown, after)
    # Of a long formula the last part alone is kept together: it may break between its parts.
    head, mark, last = (Markup(part) for part in str(shown).rpartition("<math>"))
    ahead, before = (Markup("{}{}").format(before, head), "") if head else ("", before)
    kept = Markup('<span class="kept">{}{}{}{}</span>').format(before, mark, last, after)
    return Markup("{}{}").format(ahead, kept)


def _display(latex: str) -> Markup:
    """A formula in a box of its own, that scrolls where it is wide and shrinks on paper."""
    try:
        tenths = fit(latex)
    except Malformed:
        tenths = 10
    look = f"display fit{tenths}" if tenths < 10 else "display"
    return Markup('<div class="{}">{}</div>').format(look, _math(latex, display=True))


def _math(latex: str, display: bool = False) -> Markup:
    """MathML, or the LaTeX itself as escaped code where it is malformed."""
    try:
        shown = Markup(to_mathml(latex, display=display))
    except Malformed:
        return Markup('<code class="latex">{}</code>').format(latex)
    if not display and too_wide(latex):
        return Markup('<span class="inline">{}</span>').format(shown)
    return shown
