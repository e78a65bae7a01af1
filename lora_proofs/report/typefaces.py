"""What the fonts that typst carries can set; any other character is told by its code point.

A character that no font has would be an empty box, and many of them look alike.
"""

from __future__ import annotations

import re
import unicodedata

# Found by setting every character of these planes with typst's own fonts. Without CJK and emoji.
_SET = (
    "\t\n\r\x20-\x7e\xa0\u200b\u00a1-\u04ff\u0510-\u0513\u051a-\u051d\u0531-\u060c\u0615\u061b"
    "\u061f\u0621-\u063a\u0640-\u0655\u065a\u0660-\u066d\u0674\u0679-\u067b\u067e-\u0680"
    "\u0683-\u0684\u0686-\u0687\u0691\u0698\u06a4\u06a9\u06af\u06be\u06cc\u06f0-\u06f9"
    "\u0900-\u097f\u0e3f\u0e81-\u0e84\u0e87-\u0e88\u0e8a\u0e8d\u0e94-\u0e97\u0e99-\u0e9f"
    "\u0ea1-\u0ea7\u0eaa-\u0eab\u0ead-\u0eb9\u0ebb-\u0ebc\u0ec8-\u0ecd\u10d0-\u10ff\u115f-\u1160"
    "\u13a0-\u13fd\u17b4-\u17b5\u17c1-\u17c3\u180b-\u180f\u1ab0-\u1ace\u1d00-\u2040\u2042"
    "\u2044-\u2052\u2054-\u211e\u2120\u2122\u2124\u2126-\u2151\u2153-\u2184\u2189\u2190-\u23ff"
    "\u2422-\u2423\u2460-\u2606\u2609-\u262f\u2638-\u268b\u2690-\u269c\u26a0-\u26a7\u26aa-\u26af"
    "\u26b2\u2701-\u2704\u2706-\u2709\u270c-\u2714\u2717-\u2726\u272a-\u274b\u274d\u274f-\u2752"
    "\u2756\u2758-\u275e\u2761-\u277f\u2794\u2798-\u27af\u27b1-\u2bff\u2c60-\u2cff\u2e02-\u2e05"
    "\u2e08-\u2e0a\u2e17-\u2e18\u2e1f\u2e22-\u2e25\u2e2e\ua640-\ua641\ua648-\ua649\ua656-\ua657"
    "\ua708-\ua716\ua71b-\ua727\ua72d\ua730\ua735\ua765\ua789-\ua78e\ua790-\ua791\ua793\ua7aa"
    "\ua7f8-\ua7f9\uab52\uab66\uab70-\uabbf\ufb00-\ufb4f\ufb52-\ufb81\ufb8a-\ufb95\ufb9e-\ufb9f"
    "\ufbaa-\ufbad\ufbe8-\ufbe9\ufbfc-\ufbff\ufe20-\ufe2f\ufe66\ufe70-\ufefc\uffa0\ufffc-\ufffd"
    "\U0001d400-\U0001d7ff\U0001f12f\U0001f6d1\U0001f780-\U0001f7eb\U0001f800-\U0001f8b1"
)
_BEYOND = re.compile(f"[^{_SET}]")
_RARE = re.compile(r"[^\x00-\u024f\u2000-\u22ff]")


def settable(text: str) -> str:
    r"""The text with a code point instead of each character that no font has.

    >>> settable("$\\sum$ ∑ \u4e2d"), settable("\u2705 done")
    ('$\\sum$ ∑ [U+4E2D]', '[U+2705] done')
    """
    return _RARE.sub(_unassigned, _BEYOND.sub(_told, text))


def _told(found: re.Match[str]) -> str:
    return f"[U+{ord(found[0]):04X}]"


def _unassigned(found: re.Match[str]) -> str:
    return _told(found) if unicodedata.category(found[0]) == "Cn" else found[0]
