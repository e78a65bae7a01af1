r"""Whether a statement is about a limit at infinity, however it is spelled.

Finite times neither prove nor refute such a statement. Infinite norms ($\|x\|_\infty$), intervals
($[0, \infty)$) and limits at a finite point ($h \to 0$) are no limits at infinity.
"""

from __future__ import annotations

import re

_INFINITY = r"\{?\s*\+?\s*(\\infty|infinity\b|infty\b|inf\b|∞|oo\b)"
_ARROW = r"\{?(\\(to|rightarrow|longrightarrow|uparrow|nearrow)\b|->|-->|=>|→|⟶|↑)\}?"
_TIME = r"(?<![A-Za-z\\])(t|T|k|K|N|s|time|steps?)"
_SPELLINGS = (
    rf"{_ARROW}\s*{_INFINITY}",
    rf"{_TIME}\s*=\s*{_INFINITY}",
    # A value at infinity: W(\infty), and W_\infty, but neither an L_\infty nor an infinite norm.
    rf"\(\s*{_INFINITY}\s*\}}?\s*\)",
    r"(?-i:(?<![A-Za-z\\|])[A-GI-KM-Za-km-z])_\s*\{?\s*(\\infty|∞)",
    r"(?<!from )\b(to|at|towards|approach(es|ing)?) (plus )?infinity\b",
    r"\binfinite (time|horizon)\b|\binfinitely (long|many steps)\b",
    r"\\lim(sup|inf)?\b(?!\s*(\\limits)?\s*_)",
    r"\\lim(sup|inf)?\s*(\\limits)?\s*_\s*\{?\s*[tTkK]\s*\}?(?!\s*(\\|->|→))",
    r"\b(eventually|ultimately|asymptotically|in the long run)\b",
    r"\bin the limit\b(?!\s+(of (small|vanishing|zero)|\$?\\?(h|eta|epsilon|varepsilon)\b))",
    r"\(\s*t\s*\)\s*\)*\s*(\\to\b|->|→)",
    # "Converges to" means it, unless the statement says to which finite point something goes.
    r"^(?!.*(\\to|->|→)\s*\{?\s*0).*\b(converges?|tends?) to\b",
    r"\b(sufficiently|for|for all) large \$?[tTkK]\b",
    r"\b(sufficiently|for|for all) ((large|long) times?|many (steps|iterations))\b",
    r"\b[tTkK]\$? (is )?(large|long) enough\b",
)
_LIMIT = re.compile(
    "|".join(f"(?:{spelling})" for spelling in _SPELLINGS), re.IGNORECASE | re.DOTALL
)


def about_infinity(statement: str) -> bool:
    r"""Whether a statement is about what happens as time, or a number of steps, goes to infinity.

    >>> about_infinity(r"$\lim_{t\to\infty} W(t) = Y$"), about_infinity("the loss is eventually 0")
    (True, True)
    >>> about_infinity(r"$\|BA\|_\infty \le 1$ on $[0, \infty)$"), about_infinity(r"as $h \to 0$")
    (False, False)
    """
    return _LIMIT.search(statement) is not None
