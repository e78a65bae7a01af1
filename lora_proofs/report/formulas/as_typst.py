"""A formula as mathematics of typst: characters, quoted text and calls from fixed lists."""

from __future__ import annotations

from collections.abc import Iterable

from lora_proofs.report.formulas.nodes import (
    Decorated,
    Fenced,
    Fraction,
    Grid,
    Group,
    Node,
    Nodes,
    Number,
    Root,
    Scripts,
    Sign,
    Sized,
    Words,
)

_SPACES = {
    "thinspace": "#h(0.167em)",
    "medspace": "#h(0.222em)",
    "thickspace": "#h(0.278em)",
    "negthinspace": "#h(-0.167em)",
    "enspace": "#h(0.5em)",
    "space": "#h(0.25em)",
    "quad": "#h(1em)",
    "qquad": "#h(2em)",
}
_CALLS = {
    "hat": "hat",
    "widehat": "hat",
    "tilde": "tilde",
    "widetilde": "tilde",
    "bar": "macron",
    "overline": "overline",
    "underline": "underline",
    "vec": "arrow",
    "overrightarrow": "arrow",
    "dot": "dot",
    "ddot": "dot.double",
    "check": "caron",
    "breve": "breve",
    "acute": "acute",
    "grave": "grave",
    "mathring": "circle",
    "mathbb": "bb",
    "mathcal": "cal",
    "mathscr": "cal",
    "mathfrak": "frak",
    "boldsymbol": "bold",
    "bm": "bold",
    "pmb": "bold",
    "mathit": "italic",
    "boxed": "#rect",
}
_DELIMITERS = {"p": '"("', "b": '"["', "B": '"{"', "v": '"|"', "V": '"‖"'}
_CLASSES = {
    "plain": "normal",
    "binary": "binary",
    "relation": "relation",
    "punctuation": "punctuation",
    "open": "opening",
    "close": "closing",
}
# Where typst's own class of a character is another than TeX's, or depends on its surroundings.
_ODD = frozenset("|‖/!.⊤⊥:∗")
_TEXT = {"textit": "italic", "textbf": "bold", "mathsf": "sans", "textsf": "sans"}
_TEXT |= {"mathtt": "mono", "texttt": "mono"}


def quoted(text: str) -> str:
    r"""A string of typst: nothing in it is code or markup.

    >>> print(quoted('a "b" #read'))
    "a \"b\" #read"
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def typst_of(nodes: Iterable[Node]) -> str:
    r"""The formula between typst's dollars.

    >>> from lora_proofs.report.formulas.reading import read
    >>> typst_of(read(r"\sigma_r\le\frac12"))
    'attach(σ, b: r) ≤ frac(1, 2)'
    """
    return " ".join(map(_one, nodes))


def _argument(body: Nodes) -> str:
    return typst_of(body) or "#none"


def _one(node: Node) -> str:
    match node:
        case Sign():
            return _sign(node)
        case Number(digits):
            return digits
        case Words(command, text):
            return _words(command, text)
        case Group(body):
            return f"#[${typst_of(body)}$]" if body else "#none"
        case Scripts():
            return _scripts(node)
        case Fraction(command, over, under):
            return _fraction(command, _argument(over), _argument(under))
        case Root(index, body):
            return _root(index, body)
        case Decorated(command, body):
            return _decorated(command, body)
        case Fenced(left, body, right):
            return f"lr({_bracket(left)}{typst_of(body)}{_bracket(right)})"
        case Sized(command, sign):
            return _sized(command, sign)
        case Grid():
            return _grid(node)


def _escaped(character: str) -> str:
    if character == "√":  # a call of typst, which wants what stands under the root
        return '"√"'
    return f"\\{character}" if character.isascii() and not character.isalnum() else character


def _sign(sign: Sign) -> str:
    if sign.kind == "space":
        return _SPACES[sign.character]
    shown = _escaped(sign.character)
    if sign.character in _ODD or sign.latex in ("\\lVert", "\\rVert", "\\lvert", "\\rvert"):
        return f'class("{_CLASSES.get(sign.kind, "normal")}", {shown})'
    return shown


def _bracket(sign: Sign | None) -> str:
    return "" if sign is None else f" {_escaped(sign.character)} "


def _sized(command: str, sign: Sign) -> str:
    if command == "middle":
        return f"mid({_escaped(sign.character)})"
    size = {"big": "120%", "Big": "180%", "bigg": "240%", "Bigg": "300%"}[command.rstrip("lrm")]
    kind = {"l": "opening", "r": "closing"}.get(command[-1], "normal")
    return f'class("{kind}", lr(size: #{size}, {_escaped(sign.character)}))'


def _words(command: str, text: str) -> str:
    if command.startswith("operator"):
        limits = ", limits: #true" if command.endswith("*") else ""
        return f"op({quoted(text)}{limits})"
    # A letter alone is no word: quoted, it would get the spaces around a word.
    alone = len(text) == 1 and text.isascii() and text.isalpha()
    shown = f"upright({text if alone else quoted(text)})"
    return f"{_TEXT[command]}({shown})" if command in _TEXT else shown


def _scripts(node: Scripts) -> str:
    base = _one(node.base)
    if isinstance(node.base, Group):
        # A group keeps its own scripts; those of the outside come after it.
        base = f"#[${typst_of(node.base.body)}$]"
    right = isinstance(node.base, Sign) and node.base.kind == "integral"
    below, above = ("br", "tr") if right else ("b", "t")
    parts = [f"{below}: {_argument(node.below)}"] if node.below else []
    parts += [f"{above}: {_argument(node.above)}"] if node.above else []
    return f"attach({', '.join([base, *parts])})"


def _fraction(command: str, over: str, under: str) -> str:
    if command.endswith("binom"):
        return f"binom({over}, {under})"
    shown = f"frac({over}, {under})"
    return {"tfrac": f"inline({shown})", "dfrac": f"display({shown})"}.get(command, shown)


def _root(index: Nodes | None, body: Nodes) -> str:
    if index is None:
        return f"sqrt({_argument(body)})"
    return f"root({_argument(index)}, {_argument(body)})"


def _decorated(command: str, body: Nodes) -> str:
    if command == "mathbf":
        return f"upright(bold({_argument(body)}))"
    if command == "boxed":
        return f"#box(stroke: 0.5pt, inset: 3pt, ${typst_of(body)}$)"
    return f"{_CALLS[command]}({_argument(body)})"


def _grid(grid: Grid) -> str:
    rows = "; ".join(", ".join(map(_argument, row)) for row in grid.rows)
    name = grid.environment
    if name == "cases":
        lines = (" #h(1em) ".join(map(_argument, row)) for row in grid.rows)
        return f"cases({', '.join(lines)})"
    if name in ("aligned", "split", "gathered"):
        aligned = " \\ ".join(" & ".join(map(typst_of, row)) for row in grid.rows)
        return f"#box($ {aligned} $)"
    small = "inline" if name == "smallmatrix" else ""
    delimiter = _DELIMITERS.get(name.removesuffix("matrix"), "#none")
    shown = f"mat(delim: {delimiter}, {rows})"
    return f"{small}({shown})" if small else shown
