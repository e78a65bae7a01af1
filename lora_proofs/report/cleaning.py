"""What no report prints: control characters, and signs that turn the direction of text or hide."""

from __future__ import annotations

import re
from typing import Any

# Surrogates too: they are no text, and no encoding takes them.
_NEVER = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff"
_UNPRINTABLE = re.compile(f"[{_NEVER}]")
# A face may set these itself, as MathML does; what a claim says may not hold them.
_HIDDEN = re.compile(f"[{_NEVER}\u200b-\u200f\u2028\u2029\u2060-\u2065\ufeff\ufff9-\ufffb]")


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
