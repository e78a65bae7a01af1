"""A title as plain words, with its formulas: what the bookmarks of a PDF can hold."""

from __future__ import annotations

import re
import unicodedata

from lora_proofs.report.formulas.symbols import SIGNS
from lora_proofs.report.tree import Code, Inlines, Link, Math, Text

LONGEST = 140
_PLAIN = {"≤": "<=", "≥": ">=", "≠": "!=", "·": "*", "−": "-", "–": "-", "—": "-", "→": "->"}
_PLAIN |= {"’": "'", "‘": "'", "“": '"', "”": '"', "‖": "||", "½": "1/2", "√": "sqrt"}
_SAID = {"le": "<=", "leq": "<=", "ge": ">=", "geq": ">=", "ne": "!=", "to": "->", "cdot": "*"}
_SAID |= {"lVert": "||", "rVert": "||", "Vert": "||", "infty": "infinity", "top": "T", "ast": "*"}
_LOOKS = re.compile(r"\\(?:mathrm|text|operatorname\*?|mathbb|mathbf|left|right|thinspace|[,;:! ])")
_ESCAPES = {"_": r"\_", "^": r"\textasciicircum{}", "#": r"\#", "%": r"\%", "&": r"\&", "$": r"\$"}
_ESCAPES |= {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}


def bookmark(title: Inlines) -> str:
    r"""The words of a title for ``\texorpdfstring``, its signs kept and its formulas in a line.

    >>> bookmark((Text("Rate "), Math(r"r^{-1/2} \le 1/4"), Text(" of A_B")))
    'Rate r\\textasciicircum{}(-1/2) <= 1/4 of A\\_B'
    """
    whole = " ".join("".join(map(_said, title)).split())
    short = whole if len(whole) <= LONGEST else whole[:LONGEST].rstrip() + "..."
    return "".join(_ESCAPES.get(one, one) for one in _ascii(short))


def _said(node: object) -> str:
    match node:
        case Math(latex):
            return _linear(latex)
        case Text(text) | Code(text) | Link(_, text):
            return text
    return ""


def _linear(latex: str) -> str:
    """A formula in one line of letters and signs."""
    text = re.sub(r"\\\|", "||", latex)
    text = re.sub(r"\\[td]?frac\s*(\w|\{[^{}]*\})\s*(\w|\{[^{}]*\})", r"\1/\2", text)
    text = _LOOKS.sub("", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _SAID.get(found[1], found[1]), text)
    text = re.sub(r"\{(\w*)\}", r"\1", text)
    return text.replace("{", "(").replace("}", ")").replace("\\", "")


def _ascii(text: str) -> str:
    return "".join(map(_letter, text))


def _letter(one: str) -> str:
    """A character in ASCII: its sign, the name of its command, or a letter without its accent."""
    if one.isascii():
        return one if one.isprintable() else " "
    if one in _PLAIN:
        return _PLAIN[one]
    if one in SIGNS and SIGNS[one].latex[1:].isalpha():
        return SIGNS[one].latex[1:]
    bare = unicodedata.normalize("NFKD", one).encode("ascii", "ignore").decode()
    return bare if bare.isprintable() and bare else "?"
