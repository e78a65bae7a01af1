"""The faces of a report by name, and ``render``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lora_proofs.errors import BadInput
from lora_proofs.report.build import document
from lora_proofs.report.html import to_html
from lora_proofs.report.markdown import to_markdown
from lora_proofs.report.notebook import to_notebook
from lora_proofs.report.tree import Document

FORMATS: Mapping[str, Callable[[Document], str]] = {
    "html": to_html,
    "markdown": to_markdown,
    "notebook": to_notebook,
}

# Control characters, surrogates and signs that turn the direction of text: none is printed.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def render(records: Sequence[Mapping[str, Any]], format: str) -> str:
    """The report on recorded claims, in a format of ``FORMATS``; equal records, equal bytes.

    Raises ``BadInput`` for a format that does not exist.

    >>> render([{"name": "my/claim", "verdict": "PROVED", "scope": "all shapes"}], "markdown")[:8]
    '# Report'
    """
    if format not in FORMATS:
        raise BadInput(
            f"report: expected a format among {', '.join(FORMATS)}, got {format!r}; "
            "print the html report to get a PDF"
        )
    text = FORMATS[format](document(records)).replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
