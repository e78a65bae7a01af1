"""From text with LaTeX between dollars to pieces of the document tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lora_proofs.report.tree import Block, Code, DisplayMath, Inline, Inlines, Math, Paragraph, Text

_DISPLAY = re.compile(r"(?<!\\)\$\$(.+?)\$\$", re.S)
_PIECE = re.compile(r"(?P<dollar>\\\$)|\$(?P<math>(?:\\.|[^$\\])+)\$|`(?P<code>[^`]+)`", re.S)
_COMMAND = re.compile(r"\\[A-Za-z|]")
_FORMULA = re.compile(r"\\[A-Za-z|]|[=<>^_]")
_LATEX_ONLY = re.compile(r"\\[A-Za-z]+|\{[^{}]*\}")


def inlines(text: Any, *, latex: bool = False) -> Inlines:
    r"""The pieces of one paragraph: text, ``$LaTeX$`` and code between backquotes.

    With ``latex`` a formula without words may stand without its dollars.

    >>> inlines("if $x > 0$")
    (Text(text='if ', strong=False), Math(latex='x > 0'))
    """
    whole = str(text)
    if _bare(whole, _FORMULA if latex else _COMMAND):
        return (Math(whole.strip()),)
    return tuple(_pieces(_DISPLAY.sub(r"$\1$", whole)))


def _pieces(text: str) -> Iterator[Inline]:
    end = 0
    plain = ""
    for found in _PIECE.finditer(text):
        plain += text[end : found.start()]
        end = found.end()
        if found["dollar"]:
            plain += "$"
            continue
        if plain:
            yield Text(plain)
        plain = ""
        yield Math(found["math"].strip()) if found["math"] else Code(found["code"])
    if plain + text[end:]:
        yield Text(plain + text[end:])


def _bare(text: str, sign: re.Pattern[str]) -> bool:
    """Whether a formula was written without its dollars: signs of LaTeX, and no words."""
    if "$" in text or not sign.search(text):
        return False
    return not re.search("[A-Za-z]{4}", _LATEX_ONLY.sub(" ", text))


def blocks(text: Any) -> tuple[Block, ...]:
    r"""Paragraphs, parted by empty lines, and the formulas between double dollars.

    >>> [block.tag for block in blocks("Let $$W = W_0 + BA.$$ Then\n\nmore.")]
    ['paragraph', 'display', 'paragraph', 'paragraph']
    """
    return tuple(block for part in re.split(r"\n\s*\n", str(text)) for block in _paragraph(part))


def _paragraph(part: str) -> Iterator[Block]:
    for i, piece in enumerate(_DISPLAY.split(part)):
        if piece.strip():
            shown = piece.strip()
            yield DisplayMath(shown) if i % 2 else Paragraph(inlines(shown, latex=True))


def paragraph(*parts: Inline | str) -> Paragraph:
    """A paragraph; strings in it are plain text.

    >>> paragraph("see ", Code("x")).content[1]
    Code(text='x')
    """
    return Paragraph(tuple(Text(part) if isinstance(part, str) else part for part in parts))


def plain(text: Any) -> Inlines:
    """Text as it is: nothing in it is read as LaTeX or code.

    >>> plain("$x$")
    (Text(text='$x$', strong=False),)
    """
    return (Text(str(text)),)


def sentence(text: Any) -> str:
    """The text, with a full stop where it ends without one.

    >>> sentence("it held"), sentence("did it?")
    ('it held.', 'did it?')
    """
    stripped = str(text).strip()
    return stripped if not stripped or stripped[-1] in ".!?:" else stripped + "."


def joined(words: Iterable[Any], last: str = "and") -> str:
    """Words in one phrase.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    listed = [str(word) for word in words]
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {last} {listed[-1]}"


def counted(number: Any, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "instance"), counted(5000, "instance")
    ('1 instance', '5,000 instances')
    """
    shown = f"{number:,}" if isinstance(number, int) else str(number)
    return f"{shown} {noun}" if number == 1 else f"{shown} {noun}s"
