"""What no report prints: control characters, and signs that turn the direction of text or hide."""

from __future__ import annotations

import re
from typing import Any

# Surrogates too: they are no text, and no encoding takes them. U+061C turns text, tags hide it.
_NEVER = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u061c\u202a-\u202e\u2066-\u2069\ufffe\uffff"
    "\U000e0000-\U000e0fff"
)
_UNPRINTABLE = re.compile(f"[{_NEVER}]")
# A face may set some of these itself, as MathML does; what a claim says may not hold them: signs
# that Unicode lets a program ignore, ends of lines of its own, and fillers that look like nothing.
_HIDDEN = re.compile(
    f"[{_NEVER}\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028\u2029"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a]"
)


def cleaned(text: str) -> str:
    r"""The text with each of these as a replacement character, and plain ends of lines.

    >>> cleaned("a\r\nb\x07")
    'a\nb\ufffd'
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", plain)


def clean(value: Any) -> Any:
    r"""Plain nested data with every text in it cleaned, names included, of hidden signs too.

    >>> clean({"a\x00": ["\u200bb", 1]})
    {'a\ufffd': ['\ufffdb', 1]}
    """
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", cleaned(value))
    if isinstance(value, dict):
        return {clean(key): clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean(one) for one in value]
    return value
