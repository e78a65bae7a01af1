"""Text for LaTeX: every character of TeX escaped, what its fonts lack as a code point."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from lora_proofs.report.formulas.symbols import SIGNS

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    "-": "-{}",
}
_IN_TEXT = {'"': "''", "'": "'", "`": "`{}"}
# Straight marks, which only the typewriter's font has; the face's preamble defines the last two.
_IN_CODE = {'"': r"\char34{}", "'": r"\lpsingle{}", "`": r"\lpgrave{}"}
_LATIN = {
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "å": r"\aa{}",
    "Å": r"\AA{}",
    "ı": r"\i{}",
    "¡": r"!`",
    "¿": r"?`",
    "©": r"\copyright{}",
    "£": r"\pounds{}",
    "°": r"\ensuremath{^\circ}",
    "·": r"\ensuremath{\cdot}",
    "•": r"\ensuremath{\bullet}",
    "✓": r"\ensuremath{\checkmark}",
    "✗": r"\ensuremath{\times}",
    "\u00a0": "~",
    "\u200b": r"\allowbreak{}",
    "\u00ad": r"\-",
}
_LATIN |= {
    one: rf"\ensuremath{{\tfrac{{{over}}}{{{under}}}}}"
    for one, over, under in map(tuple, ("½12", "¼14", "¾34", "⅓13", "⅔23"))
}
# Part of a word that no line would hold.
_LONG = re.compile(r"[^\s\u200b]{16}(?=[^\s\u200b]{16})")
_LINE = 5000
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))


def typed(text: str) -> str:
    r"""The text for running LaTeX; ``\`` and its kin are printed, never obeyed.

    >>> print(typed("50% of \\input{x}"))
    50\% of \textbackslash{}input\{x\}
    """
    broken = _LONG.sub("\\g<0>\u200b", text)
    return _in_lines("".join(_IN_TEXT.get(one) or _typed(one) for one in broken))


def coded(text: str, size: int = 24) -> str:
    r"""The text for ``\texttt``, with places where a long word may break.

    >>> print(coded("a_b/c", 2))
    a\_\allowbreak{}b/\allowbreak{}c
    """
    return _breakable(text, size, _IN_CODE)


def named(text: str) -> str:
    r"""A name for running LaTeX, with places where it may break.

    >>> print(named("a/b"))
    a/\allowbreak{}b
    """
    return _breakable(text, 40, _IN_TEXT)


def _breakable(text: str, size: int, marks: Mapping[str, str]) -> str:
    found = []
    for word in re.findall(r"[^\s/,;=_-]*[/,;=_-]+|[^\s/,;=_-]+|\s+", text):
        step = size if len(word) <= size else max(size // 4, 1)
        parts = [word[i : i + step] for i in range(0, len(word), step)]
        shown = ["".join(marks.get(one) or _typed(one) for one in part) for part in parts]
        found.append(" " if word.isspace() else r"\allowbreak{}".join(shown))
        found.append(r"\allowbreak{}" if word[-1] in "/,;=_-" or len(word) > size else "")
    return _in_lines("".join(found).removesuffix(r"\allowbreak{}"))


def _in_lines(source: str) -> str:
    """Source with ends of line that print nothing: TeX reads lines up to 200,000 characters."""
    if len(source) <= _LINE:
        return source
    pieces, size = [], 0
    for piece in re.split(r"(?<=\\allowbreak\{\})(?=\S)", source):
        if size > _LINE:
            pieces.append("%\n")
            size = 0
        pieces.append(piece)
        size += len(piece)
    return "".join(pieces)


def _typed(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _LATIN:
        return _LATIN[character]
    if character.isascii():
        return character if character.isprintable() else " "
    if character in _RAISED:
        return rf"\ensuremath{{^{{{_RAISED[character]}}}}}"
    if character in _LOWERED:
        return rf"\ensuremath{{_{{{_LOWERED[character]}}}}}"
    if character in SIGNS:
        return rf"\ensuremath{{{SIGNS[character].latex}}}"
    return _accented(character) or rf"\texttt{{[U+{ord(character):04X}]}}"


def _accented(character: str) -> str:
    """A Latin letter with an accent that LaTeX can put there; else nothing."""
    letter, *marks = tuple(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and marks[0] in _ACCENTS and letter.isascii() and letter.isalpha():
        bare = {"i": r"\i", "j": r"\j"}.get(letter, letter)
        return rf"\{_ACCENTS[marks[0]]}{{{bare}}}"
    return ""
