"""What elements of MathML are called and told: spaces, accents, brackets, tables."""

from __future__ import annotations

import re

SPACES = {
    "thinspace": ".167em",
    "medspace": ".222em",
    "thickspace": ".278em",
    "negthinspace": "-.167em",
    "enspace": ".5em",
    "space": ".25em",
    "quad": "1em",
    "qquad": "2em",
}
THIN = '<mspace width=".167em"></mspace>'
WIDE = ' lspace=".278em" rspace=".278em"'
ATTRIBUTES = {"/": ' lspace="0" rspace="0"', ":": WIDE, "∣": WIDE, "∤": WIDE}
SIGNS = "+−±∓"
STAYS = ' stretchy="false"'
# After one of these a plus or minus is a sign, not an operation.
BEFORE_SIGN = frozenset({"binary", "relation", "open", "punctuation", "large", "integral"})
OPERATORS = frozenset(
    {"binary", "relation", "open", "close", "punctuation", "large", "integral", "bar", "fenced"}
)
FENCES = {"p": "()", "b": "[]", "B": "{}", "v": "||", "V": "‖‖"}
SIZES = {"big": "1.2em", "Big": "1.8em", "bigg": "2.4em", "Bigg": "3em"}
ENTRY = re.compile("−?[0-9.]+(/[0-9.]+)?")
UPRIGHT = ' mathvariant="normal"'
CAPITALS = frozenset("ΓΔΘΛΞΠΣΥΦΨΩ")
PUNCTUATION = frozenset("|‖!/′.@?")
NAME = re.compile("[A-Za-z0-9-]+")
LOOKS = {"textbf": "bf", "textit": "it", "texttt": "tt", "mathtt": "tt"}
ACCENTS = {
    "hat": "ˆ",
    "widehat": "ˆ",
    "tilde": "˜",
    "widetilde": "˜",
    "bar": "¯",
    "vec": "→",
    "overrightarrow": "→",
    "dot": "˙",
    "ddot": "¨",
    "check": "ˇ",
    "breve": "˘",
    "acute": "´",
    "grave": "`",
    "mathring": "˚",
}
RULED = {"overline": ("mover", "accent", "¯"), "underline": ("munder", "accentunder", "_")}
GRIDS = {
    "aligned": ' displaystyle="true" class="aligned"',
    "split": ' displaystyle="true" class="aligned"',
    "gathered": ' displaystyle="true"',
    "cases": ' class="cases"',
    "smallmatrix": ' scriptlevel="1" class="small"',
}
