r"""Whether a statement is about a limit at infinity, however it is spelled.

Finite times neither prove nor refute such a statement. Infinite norms ($\|x\|_\infty$), intervals
($[0, \infty)$) and limits at a finite point ($h \to 0$) are no limits at infinity.
"""

from __future__ import annotations

import re

_INFINITY = r"\{?\s*\+?\s*(\\infty|infinity\b|infty\b|inf\b|∞|oo\b)"
_ARROW = r"\{?(\\(to|rightarrow|longrightarrow|uparrow|nearrow)\b|->|-->|=>|→|⟶|↑)\}?"
_TIME = r"(?<![A-Za-z\\])(t|T|k|K|N|s|time|steps?)"
_GOES = r"(\\to\b|\\longrightarrow\b|\\downarrow\b|-?->|→)"
_SPELLINGS = (
    rf"{_ARROW}\s*{_INFINITY}",
    rf"{_TIME}\s*=\s*{_INFINITY}",
    # A value at infinity: W(\infty), and W_\infty, but neither an L_\infty nor an infinite norm.
    rf"\(\s*{_INFINITY}\s*\}}?\s*\)",
    r"(?-i:(?<![A-Za-z\\|])[A-GI-KM-Za-km-z])_\s*\{?\s*(\\infty|∞)(?!\}?\$?[\s-]*norm)",
    # W^\infty, but neither an L^\infty nor a C^\infty.
    r"(?-i:(?<![A-Za-z\\|])[ABD-KM-Zabd-km-z])\^\s*\{?\s*(\\infty|∞)",
    r"(?<!from )\b(to|at|towards|approach(es|ing)?) (plus )?infinity\b",
    r"\binfinite (time|horizon)\b|\binfinitely (long|many steps)\b",
    r"\\lim(sup|inf)?\b(?!\s*(\\limits)?\s*_)",
    r"\\lim(sup|inf)?\s*(\\limits)?\s*_\s*\{?\s*[tTkKnN]\s*\}?(?!\s*(\\|->|→))",
    r"\b(eventually|ultimately|in the long run)\b",
    r"\basymptotically\b(?! in \$?\\?(h|eta|epsilon|varepsilon)\b)",
    r"\bas (the )?\$?(t|T|k|time|training)\$? (grows|increases|goes on)\b|\bwithout bound\b",
    r"\bdecays? to (zero\b|\$?0)|\bflow (always )?converges\b",
    r"(?-i:\b[tTkK])\$?\s*\\gg\s*1|\bfor all \$?[tk]\s*(\\geq?\b|>=|≥)\s*[TK]\b",
    r"\btends? towards\b|\bapproach(es)? \$?(?-i:[A-Z])\b",
    r"\bin the limit\b(?!\s+(of (small|vanishing|zero)|\$?\\?(h|eta|epsilon|varepsilon)\b))",
    # W(t) -> Y, or W_k -> Y, but neither the map t -> W(t) nor a step from W_k to W_{k+1}.
    rf"(?<=[A-Za-z])\(\s*t\s*\)[\s)|\\]*{_GOES}(?![^$]*t\s*\+)",
    rf"(?<=[A-Za-z])_\{{?[tk]\}}?[^$,;.=]{{0,20}}?{_GOES}(?![^$]*[tk]\s*\+)",
    # "Converges to" means it, unless the statement says to which finite point something goes.
    r"^(?!.*(\\to|->|→)\s*\{?\s*0).*\b(converges?|tends?) to (?!be\b)",
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
