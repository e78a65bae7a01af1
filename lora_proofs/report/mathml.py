"""LaTeX to MathML that carries nothing but mathematics, whatever the LaTeX says.

The converter's own serialisation lets markup through (``\\text{<script>}``, ``\\href``), so its
element tree is copied here through a list of allowed elements and attributes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape
from itertools import pairwise
from xml.etree.ElementTree import Element

from latex2mathml.converter import Converter

MAX_LENGTH = 20_000
_ELEMENTS = frozenset(
    "math mrow mi mn mo mtext mspace msub msup msubsup mfrac msqrt mroot mover munder munderover "
    "mtable mtr mtd mstyle mpadded mphantom mmultiscripts mprescripts none".split()
)
_ATTRIBUTES = {
    "display": re.compile("block|inline"),
    "displaystyle": re.compile("true|false"),
    "scriptlevel": re.compile(r"[+-]?\d"),
    "mathvariant": re.compile("normal"),
    "fence": re.compile("true|false"),
    "stretchy": re.compile("true|false"),
    "form": re.compile("prefix|infix|postfix"),
    "accent": re.compile("true|false"),
    "linethickness": re.compile(r"0(\.\d+)?(em|ex|pt|px)?"),
    "width": re.compile(r"(-0)?\d?(\.\d+)?(em|ex)"),
}
_DEFINES = re.compile(
    r"\\(def|newcommand|renewcommand|providecommand|newenvironment|DeclareMathOperator)(?![A-Za-z])"
)
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(aligned|gathered|align)\}")
_BRACKETS = {
    "[]": "square",
    "()": "round",
    "||": "bars",
    "∣∣": "bars",
    "‖‖": "double-bars",
}
_LIMITS = frozenset({"lim", "max", "min", "sup", "inf", "argmin", "argmax"})
_FORMS = ("prefix", "postfix")
_CLOSING = frozenset(")]}⟩‖|∣")
_FENCES = _CLOSING | frozenset("([{⟨")
_WORD = re.compile("[A-Za-z]{2,}")
_TALL = frozenset({"mfrac", "mtable", "munder", "munderover"})


class Malformed(ValueError):
    """LaTeX that does not become MathML; the faces show it as it was written."""


@lru_cache(maxsize=4096)
def to_mathml(latex: str, *, display: bool = False) -> str:
    r"""The formula as one ``<math>`` element; raises ``Malformed`` where that fails.

    >>> to_mathml("A^2")
    '<math display="inline"><mrow><msup><mi>A</mi><mn>2</mn></msup></mrow></math>'
    """
    if len(latex) > MAX_LENGTH or _DEFINES.search(latex):
        raise Malformed("longer than a formula should be, or it defines commands")
    latex = _ENVIRONMENT.sub(r"\\\1{align*}", latex)
    try:
        # Each converter keeps its own state: nothing leaks from one formula to the next.
        tree = Converter(display="block" if display else "inline").convert_to_element(latex)
        _readable(tree)
        _calm(tree)
        _signs(tree)
        return _element(tree, display)
    except Exception as error:  # the converter's errors have no common base; RecursionError too
        raise Malformed(f"not understood as LaTeX: {latex[:80]}") from error


def _calm(tree: Element) -> None:
    """Keep brackets around nothing tall at the size of the text, however deep they nest."""
    for row in tree.iter("mrow"):
        ends = [x for x in row if x.tag == "mo" and x.get("fence") == "true"]
        if ends and not _tall(row):
            for bracket in ends:
                bracket.set("stretchy", "false")


def _signs(tree: Element) -> None:
    """Mark each minus or plus that follows an operator or an opening bracket as a sign."""
    for parent in tree.iter():
        for before, node in pairwise(parent):
            signed = node.tag == "mo" and _text(node) in ("−", "+", "±")
            if signed and before.tag == "mo" and _text(before) not in (*_CLOSING, "!"):
                node.set("sign", "true")


def _readable(tree: Element) -> None:
    for node in tree.iter():
        text = _text(node)
        if node.tag in ("mi", "mo", "mn") and (text == "&" or text[:1] == "\\"):
            raise Malformed(f"the converter left {text!r} as it was")


def _text(node: Element) -> str:
    return unescape(unescape(node.text or ""))


def _element(node: Element, display: bool) -> str:
    if node.tag not in _ELEMENTS:
        raise Malformed(f"the element {node.tag!r} is not mathematics")
    tag = _tag(node, display)
    inside = _content(list(node), display) if len(node) else escape(_text(node))
    return f"<{tag}{_attributes(node)}>{inside}</{tag}>"


def _tag(node: Element, display: bool) -> str:
    """The element's name; limits stand below their operator in displayed formulas."""
    if node.tag == "mo" and _text(node) == "∞":
        return "mi"
    under = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
    if display and node.tag in under and _text(node[0]) in _LIMITS:
        return under[node.tag]
    return node.tag


def _attributes(node: Element) -> str:
    kept = [
        f' {name}="{value}"'
        for name, value in node.attrib.items()
        if name in _ATTRIBUTES and _ATTRIBUTES[name].fullmatch(value)
    ]
    if node.tag == "mtd" and node.get("columnalign") in ("left", "right"):
        kept.append(f' class="{node.get("columnalign")}"')
    if node.tag == "mtable" and node.get("columnspacing", "").startswith("0em"):
        kept.append(' class="aligned"')
    if _text(node) == "′":
        kept.append(' class="prime"')
    if node.tag == "mo":
        kept.append(_operator(node))
    return "".join(kept)


def _operator(node: Element) -> str:
    """The attributes that TeX's spacing needs: words, fractions on the line, signs, brackets."""
    text = _text(node)
    if _WORD.fullmatch(text):
        return ' lspace="0.1667em" rspace="0.1667em"'
    if text == "⊤":
        return ' class="transpose"'
    if text == "/":
        return ' lspace="0" rspace="0"'
    if node.get("sign"):
        return ' form="prefix"'
    return ' stretchy="false"' if text in _FENCES and not node.get("stretchy") else ""


def _content(children: list[Element], display: bool) -> str:
    """The children; brackets around something tall become a row whose style draws them."""
    if _left(children[0]) and any(map(_tall, children)):
        closed = children[-1].tag == "mo" and children[-1].get("form") == "postfix"
        inner = children[1:-1] if closed else children[1:]
        return _drawn(_text(children[0]), _text(children[-1]) if closed else "", inner, display)
    out, i = [], 0
    while i < len(children):
        group = children[i : i + 3]
        if [x.tag for x in group] == ["mo", "mtable", "mo"]:
            out.append(_drawn(_text(group[0]), _text(group[2]), group[1:2], display))
            i += 3
        else:
            out.append(_element(children[i], display))
            i += 1
    return "".join(out)


def _left(node: Element) -> bool:
    return node.tag == "mo" and node.get("form") == "prefix" and node.get("fence") == "true"


def _drawn(opened: str, closed: str, inner: list[Element], display: bool) -> str:
    """A row inside brackets; the signs stay in the text, the style hides and draws them."""
    inside = "".join(_element(x, display) for x in inner)
    style = _BRACKETS.get(opened + closed)
    if style is None:
        stretched = [f'<mo form="{form}" fence="true" stretchy="true">' for form in _FORMS]
        right = f"{stretched[1]}{escape(closed)}</mo>" if closed else ""
        return f"{stretched[0]}{escape(opened)}</mo>{inside}{right}"
    hidden = 'class="drawn" stretchy="false" lspace="0" rspace="0"'
    signs = [f"<mo {hidden}>{escape(sign)}</mo>" if sign else "" for sign in (opened, closed)]
    return f'<mrow class="{style}">{signs[0]}{inside}{signs[1]}</mrow>'


def _tall(node: Element) -> bool:
    return any(x.tag in _TALL for x in node.iter())
