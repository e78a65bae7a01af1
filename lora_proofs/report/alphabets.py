"""The letters of mathematical alphabets: blackboard bold, script, fraktur, bold."""

from __future__ import annotations

from dataclasses import replace

from lora_proofs.report.formulas.nodes import Decorated, Group, Node, Number, Scripts, Sign

# Where the Latin capitals, the Latin small letters and the Greek small letters begin; 0 for none.
_STARTS = {
    "mathbb": (0x1D538, 0x1D552, 0),
    "mathcal": (0x1D49C, 0x1D4B6, 0),
    "mathscr": (0x1D49C, 0x1D4B6, 0),
    "mathfrak": (0x1D504, 0x1D51E, 0),
    "mathbf": (0x1D400, 0x1D41A, 0x1D6C2),
    "boldsymbol": (0x1D468, 0x1D482, 0x1D736),
    "bm": (0x1D468, 0x1D482, 0x1D736),
    "pmb": (0x1D468, 0x1D482, 0x1D736),
    "mathit": (0, 0, 0),
}
# The letters that Unicode had before the alphabets.
_EARLIER = {
    "mathbb": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)),
    "mathcal": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True)),
    "mathfrak": dict(zip("CHIRZ", "ℭℌℑℜℨ", strict=True)),
}
_EARLIER["mathscr"] = _EARLIER["mathcal"]
ALPHABETS = frozenset(_STARTS)


def lettered(command: str, node: Node) -> Node:
    r"""The formula with its letters in the alphabet of a command.

    >>> lettered("mathbb", Sign("R", "R", "letter")).character
    'ℝ'
    """
    match node:
        case Sign(_, character, "letter"):
            return replace(node, character=_letter(command, character))
        case Number(digits) if command not in ("mathit", "mathcal", "mathscr", "mathfrak"):
            start = 0x1D7D8 if command == "mathbb" else 0x1D7CE
            return Number("".join(chr(start + int(x)) if x.isdigit() else x for x in digits))
        case Scripts(base, below, above):
            return Scripts(lettered(command, base), below, above)
        case Group(body) | Decorated(_, body):
            return replace(node, body=tuple(lettered(command, x) for x in body))
    return node


def _letter(command: str, letter: str) -> str:
    capital, small, greek = _STARTS[command]
    if letter in _EARLIER.get(command, {}):
        return _EARLIER[command][letter]
    for first, last, start in (("A", "Z", capital), ("a", "z", small), ("α", "ω", greek)):
        if start and first <= letter <= last:
            return chr(start + ord(letter) - ord(first))
    return letter
