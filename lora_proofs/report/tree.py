"""The format-free document tree: small frozen values that every face renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lora_proofs.report.figure import Figure


@dataclass(frozen=True)
class Text:
    """Plain text; ``strong`` where it stands out."""

    tag: ClassVar[str] = "text"
    text: str
    strong: bool = False


@dataclass(frozen=True)
class Math:
    """A formula in LaTeX, inside a line."""

    tag: ClassVar[str] = "math"
    latex: str


@dataclass(frozen=True)
class Code:
    """A name, a command or exact text, shown as it is."""

    tag: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Link:
    """A link to a section of the document (``#id``) or to a paper."""

    tag: ClassVar[str] = "link"
    target: str
    text: str


@dataclass(frozen=True)
class Judged:
    """A verdict with its scope and what it leans on: there is no other way to print a verdict."""

    tag: ClassVar[str] = "judged"
    verdict: str
    scope: str
    cites: tuple[str, ...] = ()

    @property
    def reach(self) -> str:
        """The scope in words that follow the verdict.

        >>> Judged("PROVED", "all shapes", ("Gronwall's inequality",)).reach
        "for all shapes, modulo Gronwall's inequality"
        """
        link = "for" if "shape" in self.scope else "on"
        modulo = f", modulo {'; '.join(self.cites)}" if self.cites else ""
        return f"{link} {self.scope}{modulo}" if self.scope != "nothing" else "(scope: nothing)"


Inline = Text | Math | Code | Link | Judged
Inlines = tuple[Inline, ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    tag: ClassVar[str] = "paragraph"
    content: Inlines


@dataclass(frozen=True)
class DisplayMath:
    """A formula in LaTeX on a line of its own; wide ones scroll."""

    tag: ClassVar[str] = "display"
    latex: str


@dataclass(frozen=True)
class CodeBlock:
    """Text to copy, such as a command."""

    tag: ClassVar[str] = "codeblock"
    text: str


@dataclass(frozen=True)
class Bullets:
    """An unordered list."""

    tag: ClassVar[str] = "bullets"
    items: tuple[Inlines, ...]


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is its header."""

    tag: ClassVar[str] = "table"
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Inlines, ...], ...]


@dataclass(frozen=True)
class DerivedLine:
    """One line of a derivation: what it says, why, and whether and how it was checked."""

    kind: str
    latex: str
    text: Inlines
    why: Inlines
    mark: str
    checked: str


@dataclass(frozen=True)
class Derivation:
    """The numbered lines of a derivation."""

    tag: ClassVar[str] = "derivation"
    lines: tuple[DerivedLine, ...]


@dataclass(frozen=True)
class Callout:
    """A framed remark; ``tone`` is ``good``, ``sure``, ``part``, ``bad``, ``open`` or ``note``."""

    tag: ClassVar[str] = "callout"
    tone: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section:
    """A section with a heading; ``anchor`` is unique in the document, or empty."""

    tag: ClassVar[str] = "section"
    title: Inlines
    blocks: tuple[Block, ...]
    anchor: str = ""


Block = (
    Paragraph | DisplayMath | CodeBlock | Bullets | Table | Derivation | Callout | Figure | Section
)


@dataclass(frozen=True)
class Document:
    """A whole report; ``records`` are the claims that it tells, for faces that check them again."""

    title: str
    blocks: tuple[Block, ...]
    records: tuple[Mapping[str, Any], ...] = field(default=(), repr=False, compare=False)
