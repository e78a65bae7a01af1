"""Formulas as MathML Core: the reader of ``formulas`` lets in nothing but mathematics.

What an attribute's default says is left out, so a report stays small: brackets stretch by
themselves, and only those that must not say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape
from itertools import takewhile

from lora_proofs.report import alphabets, attributes
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
from lora_proofs.report.formulas.reading import NotPlain, read
from lora_proofs.report.linebreaks import BARS, flattened, kind_of, measured

# In em: a line of the page, a part of a formula inside a line, what a phone and what paper shows.
LINE, SHORT, PHONE, PAPER = 38.0, 9.0, 19.0, 44.0


class Malformed(ValueError):
    """LaTeX that does not become MathML; the faces show it as it was written."""


@lru_cache(maxsize=8192)
def to_mathml(latex: str, *, display: bool = False) -> str:
    r"""The formula as MathML; raises ``Malformed`` where that fails.

    A long formula inside a line is several ``<math>`` elements, so that the line can break.

    >>> to_mathml("A^2")
    '<math><msup><mi>A</mi><mn>2</mn></msup></math>'
    """
    rows, _ = _laid(latex, display)
    if display:
        return f'<math display="block">{_displayed(rows)}</math>'
    parts = (_row(row, False, after="break" if i else "") for i, row in enumerate(rows))
    # The space between the parts is one of text: it vanishes where the line breaks.
    return " ".join(f"<math>{part}</math>" for part in parts)


@lru_cache(maxsize=8192)
def _laid(latex: str, display: bool) -> tuple[tuple[Nodes, ...], float]:
    """The lines of a displayed formula, or the parts between which one inside a line may break;
    and the width of the widest, in em.
    """
    try:
        nodes = flattened(read(latex))
    except (NotPlain, RecursionError) as error:
        raise Malformed(f"not understood as LaTeX: {latex[:80]}") from error
    if display:
        found = measured(nodes, LINE)
    else:
        # Outside brackets wherever it may; inside them only where it must.
        parts = measured(nodes, SHORT, deepest=0)
        found = [
            part
            for whole, wide in parts
            for part in (measured(whole, PHONE) if wide > PHONE else [(whole, wide)])
        ]
    return tuple(part for part, _ in found), max(wide for _, wide in found)


def too_wide(latex: str) -> bool:
    """Whether a part of a formula inside a line may be wider than a phone.

    >>> too_wide("x + y"), too_wide("1" * 80)
    (False, True)
    """
    return _laid(latex, False)[1] > PHONE


def fit(latex: str) -> int:
    """Tenths of its size at which the widest line of a displayed formula fits on paper, 10 at most.

    >>> fit("x + y"), fit(r"\\begin{matrix}" + "1234567890 & " * 20 + r"\\end{matrix}")
    (10, 3)
    """
    _, widest = _laid(latex, True)
    return max(2, min(10, int(10 * PAPER / max(1.0, widest))))


def _displayed(rows: tuple[Nodes, ...]) -> str:
    """A formula on a line of its own, or on several."""
    if len(rows) == 1:
        return _row(rows[0], True)
    cells = (_row(row, True, after="cell" if i else "") for i, row in enumerate(rows))
    body = "".join(f"<mtr><mtd>{cell}</mtd></mtr>" for cell in cells)
    return f'<mtable displaystyle="true" class="lines">{body}</mtable>'


def _row(nodes: Nodes, display: bool, *, after: str = "") -> str:
    """The formulas of one line; ``after``: what stands before it: a kind of atom, ``cell`` or
    ``break`` for any.
    """
    return "".join(_parts(flattened(nodes), display, after))


def _one(nodes: Nodes, display: bool = False) -> str:
    """The formulas as one element."""
    if len(nodes) == 1 and not isinstance(nodes[0], Group):
        inside = _row(nodes, display)
        return inside if not inside.startswith(attributes.THIN) else f"<mrow>{inside}</mrow>"
    return f"<mrow>{_row(nodes, display)}</mrow>"


def _parts(nodes: Nodes, display: bool, before: str) -> Iterator[str]:
    bars = dict.fromkeys(BARS, False)
    i = 0
    while i < len(nodes):
        node, kind = nodes[i], kind_of(nodes[i])
        quotient = _quotient(nodes[i : i + 3]) if isinstance(node, Number) else ""
        if kind == "bar":
            sign = node.base if isinstance(node, Scripts) else node
            bars[_character(sign)] ^= True
            kind = "open" if bars[_character(sign)] else "close"
        if "function" in (before, kind) and before and not _sets_apart(before, kind):
            yield attributes.THIN
        if quotient:
            yield f"<mn>{quotient}</mn>"
        else:
            yield _node(node, display, _how(node, kind, before))
        before = kind
        i += 3 if quotient else 1


def _sets_apart(before: str, kind: str) -> bool:
    """Whether no space is wanted beside the name of a function."""
    opens = before in attributes.OPERATORS - {"close", "fenced"}
    return opens or kind in attributes.OPERATORS or "space" in (before, kind)


def _quotient(nodes: Sequence[Node]) -> str:
    match nodes:
        case [Number(over), Sign("/"), Number(under)]:
            return f"{over}/{under}"
    return ""


def _how(node: Node, kind: str, before: str) -> str:
    """The attributes that an operator needs where it stands."""
    sign = _character(node.base if isinstance(node, Scripts) else node)
    if kind in ("open", "close"):
        # A bar has two sides; an end with scripts is one only by its form.
        form = f' form="{"prefix" if kind == "open" else "postfix"}"'
        return (form if sign in BARS or isinstance(node, Scripts) else "") + attributes.STAYS
    close = ' lspace="0"' if before == "break" else ""
    if sign and sign in attributes.SIGNS:
        form = (
            "infix"
            if before in ("cell", "break")
            else "prefix" * (before in attributes.BEFORE_SIGN)
        )
        return (f' form="{form}"' if form else "") + close
    if close:
        return close
    return attributes.ATTRIBUTES.get(sign, "")


def _character(node: Node) -> str:
    return node.character if isinstance(node, Sign) else ""


def _node(node: Node, display: bool, how: str = "") -> str:
    match node:
        case Sign():
            return _sign(node, how)
        case Number(digits):
            return f"<mn>{digits}</mn>"
        case Words(command, text):
            return _words(command, text)
        case Group(body):
            return _one(body, display) if body else "<mrow></mrow>"
        case Scripts():
            return _scripts(node, display, how)
        case Fraction():
            return _fraction(node, display)
        case Root(index, body):
            inside = _one(body)
            return f"<mroot>{inside}{_one(index)}</mroot>" if index else f"<msqrt>{inside}</msqrt>"
        case Decorated(command, body):
            return _decorated(command, body, display)
        case Fenced(left, body, right):
            return _fenced(left, body, right, display)
        case Sized(command, sign):
            return _sized(command, sign)
        case Grid():
            return _grid(node)


@lru_cache(maxsize=8192)
def _sign(sign: Sign, how: str = "") -> str:
    text = escape(sign.character)
    if sign.kind == "space":
        return f'<mspace width="{attributes.SPACES[sign.character]}"></mspace>'
    if sign.kind == "letter":
        return (
            f"<mi{attributes.UPRIGHT if sign.character in attributes.CAPITALS else ''}>{text}</mi>"
        )
    if sign.kind == "plain" and sign.character not in attributes.PUNCTUATION:
        return f"<mi>{text}</mi>"
    return f"<mo{how or attributes.ATTRIBUTES.get(sign.character, '')}>{text}</mo>"


def _words(command: str, text: str) -> str:
    name = command.removeprefix("math")
    if command.startswith("operator") or (name == "rm" and attributes.NAME.fullmatch(text)):
        return f"<mi{attributes.UPRIGHT if len(text) == 1 else ''}>{escape(text)}</mi>"
    look = f' class="{attributes.LOOKS[command]}"' if command in attributes.LOOKS else ""
    shown = re.sub("^ | $", "\N{NO-BREAK SPACE}", text)
    return f"<mtext{look}>{escape(shown)}</mtext>"


def _scripts(node: Scripts, display: bool, how: str) -> str:
    over = display and (kind_of(node.base) == "large" or _limited(node.base))
    base = _node(node.base, display, how)
    below = None if node.below is None else _one(node.below)
    above = None if node.above is None else _above(node.above)
    if below is None:
        tag = "mover" if over else "msup"
        return f"<{tag}>{base}{above}</{tag}>"
    if above is None:
        tag = "munder" if over else "msub"
        return f"<{tag}>{base}{below}</{tag}>"
    tag = "munderover" if over else "msubsup"
    return f"<{tag}>{base}{below}{above}</{tag}>"


def _limited(node: Node) -> bool:
    return isinstance(node, Words) and node.command == "operator*"


def _above(nodes: Nodes) -> str:
    """A superscript; several primes are one sign."""
    primes = len(list(takewhile(lambda node: _character(node) == "′", nodes)))
    if not primes:
        return _one(nodes)
    mark = f"<mo>{'′″‴'[min(primes, 3) - 1]}</mo>"
    rest = _row(nodes[primes:], False)
    return f"<mrow>{mark}{rest}</mrow>" if rest else mark


def _fraction(node: Fraction, display: bool) -> str:
    size = {"t": ' displaystyle="false"', "d": ' displaystyle="true"'}.get(node.command[0], "")
    inside = f"{_one(node.over)}{_one(node.under)}"
    if not node.command.endswith("binom"):
        return f"<mfrac{size}>{inside}</mfrac>"
    return f'<mrow><mo>(</mo><mfrac linethickness="0"{size}>{inside}</mfrac><mo>)</mo></mrow>'


def _decorated(command: str, body: Nodes, display: bool) -> str:
    if command in alphabets.ALPHABETS:
        return _one(tuple(alphabets.lettered(command, node) for node in body), display)
    if command == "boxed":
        return f'<mrow class="boxed">{_row(body, display)}</mrow>'
    if command in attributes.RULED:
        tag, accent, sign = attributes.RULED[command]
        ruled = (
            f'<mrow class="{command}">{_row(body, display)}</mrow><mo class="unseen">{sign}</mo>'
        )
        return f'<{tag} {accent}="true">{ruled}</{tag}>'
    stays = "" if command in ("widehat", "widetilde", "overrightarrow") else attributes.STAYS
    accent = f"<mo{stays}>{attributes.ACCENTS[command]}</mo>"
    return f'<mover accent="true">{_one(body, display)}{accent}</mover>'


def _fenced(left: Sign | None, body: Nodes, right: Sign | None, display: bool) -> str:
    ends = [f"<mo>{escape(sign.character)}</mo>" if sign else "" for sign in (left, right)]
    return f"<mrow>{ends[0]}{_row(body, display, after='open')}{ends[1]}</mrow>"


def _sized(command: str, sign: Sign) -> str:
    text = escape(sign.character)
    if command == "middle":
        return f'<mo fence="true" stretchy="true"{attributes.WIDE}>{text}</mo>'
    size = (
        attributes.SIZES[command.rstrip("lrm")]
        if command not in attributes.SIZES
        else attributes.SIZES[command]
    )
    side = {"l": ' form="prefix"', "r": ' form="postfix"'}.get(command[-1], "")
    return f'<mo{side} stretchy="true" minsize="{size}" maxsize="{size}">{text}</mo>'


def _grid(node: Grid) -> str:
    name = node.environment
    kind = "matrix" if name.endswith("matrix") else name
    several = kind in ("aligned", "split", "gathered")
    rows = "".join(f"<mtr>{_cells(row, several)}</mtr>" for row in node.rows)
    look = attributes.GRIDS.get(name, "")
    table = f"<mtable{look}>{rows}</mtable>"
    if name == "cases":
        return f"<mrow><mo>{{</mo>{table}</mrow>"
    if kind != "matrix" or name[0] not in attributes.FENCES:
        return table
    ends = [f"<mo>{sign}</mo>" for sign in attributes.FENCES[name[0]]]
    return f"<mrow>{ends[0]}{table}{ends[1]}</mrow>"


def _cells(row: tuple[Nodes, ...], several: bool) -> str:
    """The cells; in aligned lines every second one goes on where another ended."""
    after = ("", "cell") if several else ("", "")
    return "".join(_cell(nodes, several, after[j % 2]) for j, nodes in enumerate(row))


def _cell(nodes: Nodes, display: bool, after: str) -> str:
    entry = "".join(_plain(node) for node in nodes)
    if attributes.ENTRY.fullmatch(entry):
        return f"<mtd><mn>{entry}</mn></mtd>"
    return f"<mtd>{_row(nodes, display, after=after)}</mtd>"


def _plain(node: Node) -> str:
    """The signs of a number; anything else is none."""
    if isinstance(node, Number):
        return node.digits
    return _character(node) or "?"
