"""Lines of text and formulas as HTML: what is no markup of ours is escaped, piece by piece.

A report has thousands of lines, so they are put together here and not by macros of a template.
"""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup, escape

from lora_proofs.report.mathml import Malformed, fit, to_mathml, too_wide
from lora_proofs.report.tree import Code, Inline, Inlines, Judged, Link, Math, Text

TONES = {
    "PROVED": "good",
    "CERTIFIED": "sure",
    "SUPPORTED": "part",
    "REFUTED": "bad",
    "INCONCLUSIVE": "open",
}
_LONG = 400  # characters of code that no line holds
# Signs that a line may neither begin nor end with; a formula beside them keeps them.
_AHEAD, _BEHIND = re.compile(r"[(\[]+$"), re.compile(r"^[.,;:!?)\]'’”…-]+")


def tone(verdict: str) -> str:
    """The class that a verdict is shown in.

    >>> tone("PROVED"), tone("anything else")
    ('good', 'open')
    """
    return TONES.get(verdict, "open")


def phrase(nodes: Inlines) -> Markup:
    """The pieces of a line; a formula takes the signs that no line break may part from it.

    >>> phrase((Text("<b> "), Code("x")))
    Markup('&lt;b&gt; <code>x</code>')
    >>> phrase((Math("n"), Text(", then")))
    Markup('<span class="kept"><math><mi>n</mi></math>,</span> then')
    """
    if not any(isinstance(node, Math) for node in nodes):
        return Markup("".join(map(_shown, nodes)))
    texts = [x.text if isinstance(x, Text) and not x.strong else "" for x in nodes]
    return Markup("".join(_beside(node, nodes, texts, i) for i, node in enumerate(nodes)))


def _beside(node: Inline, nodes: Inlines, texts: list[str], i: int) -> str:
    if isinstance(node, Math):
        before = _AHEAD.search(texts[i - 1] if i else "")
        after = _BEHIND.match(texts[i + 1] if i + 1 < len(nodes) else "")
        return _formula(node.latex, before[0] if before else "", after[0] if after else "")
    return str(escape(_kept(nodes, texts, i))) if texts[i] else _shown(node)


def _kept(nodes: Inlines, texts: list[str], i: int) -> str:
    """The text without what the formulas beside it take."""
    text = texts[i]
    if i and isinstance(nodes[i - 1], Math):
        text = _BEHIND.sub("", text, count=1)
    if i + 1 < len(nodes) and isinstance(nodes[i + 1], Math):
        text = _AHEAD.sub("", text, count=1)
    return text


def _shown(node: Inline) -> str:
    match node:
        case Text(text, strong):
            return f"<strong>{escape(text)}</strong>" if strong else str(escape(text))
        case Code(text):
            look = ' class="long"' if len(text) > _LONG else ""
            return f"<code{look}>{escape(text)}</code>"
        case Link(target, text):
            return f'<a href="{escape(target)}">{escape(text)}</a>'
        case Judged(verdict):
            name = f'<strong class="verdict {tone(verdict)}">{escape(verdict)}</strong>'
            reach = f'<span class="scope">{escape(node.reach)}</span>'
            return f'<span class="judged">{name} {reach}</span>'
        case Math(latex):
            return _formula(latex, "", "")


@lru_cache(maxsize=8192)
def _formula(latex: str, before: str, after: str) -> str:
    """A formula inside a line, with the signs before and after it that stay beside it."""
    shown, before, after = _math(latex), escape(before), escape(after)
    if not (before or after) or shown.startswith("<span"):
        return f"{before}{shown}{after}"
    # Of a long formula the last part alone is kept together: it may break between its parts.
    head, mark, last = shown.rpartition("<math>")
    ahead, before = (f"{before}{head}", "") if head else ("", before)
    return f'{ahead}<span class="kept">{before}{mark}{last}{after}</span>'


def display(latex: str) -> Markup:
    """A formula in a box of its own, that scrolls where it is wide and shrinks on paper.

    >>> display("n")[:23]
    Markup('<div class="display"><m')
    """
    try:
        tenths = fit(latex)
    except Malformed:
        tenths = 10
    look = f"display fit{tenths}" if tenths < 10 else "display"
    return Markup(f'<div class="{look}">{_math(latex, display=True)}</div>')


def _math(latex: str, display: bool = False) -> str:
    """MathML, or the LaTeX itself as escaped code where it is malformed."""
    try:
        shown = to_mathml(latex, display=display)
    except Malformed:
        return f'<code class="latex">{escape(latex)}</code>'
    return f'<span class="inline">{shown}</span>' if not display and too_wide(latex) else shown
