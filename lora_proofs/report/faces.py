"""The faces of a report by name, and ``render``.

A face is a function of the document alone, imported when it is asked for: a PDF needs an extra, a
page of HTML does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, overload

from lora_proofs.errors import BadInput
from lora_proofs.report.build import document
from lora_proofs.report.cleaning import cleaned
from lora_proofs.report.tree import Document


@dataclass(frozen=True)
class Face:
    """Where the function ``Document -> str`` of a format stands; ``binary``: ``-> bytes``.

    >>> FORMATS["pdf"].binary
    True
    """

    module: str
    function: str
    ending: str
    binary: bool = False

    def __call__(self, document: Document) -> str | bytes:
        """The document in this format."""
        made: str | bytes = self.load()(document)
        return cleaned(made) if isinstance(made, str) else made

    def load(self) -> Callable[[Document], str | bytes]:
        """The function itself; ``BadInput`` where what it needs is not installed."""
        module = import_module(self.module)
        getattr(module, "require", lambda: None)()
        function: Callable[[Document], str | bytes] = getattr(module, self.function)
        return function


_HERE = "lora_proofs.report"
FORMATS: Mapping[str, Face] = {
    "html": Face(f"{_HERE}.html", "to_html", ".html"),
    "pdf": Face(f"{_HERE}.pdf", "to_pdf", ".pdf", binary=True),
    "latex": Face(f"{_HERE}.latex", "to_latex", ".tex"),
    "markdown": Face(f"{_HERE}.markdown", "to_markdown", ".md"),
    "notebook": Face(f"{_HERE}.notebook", "to_notebook", ".ipynb"),
}
Readable = Literal["html", "latex", "markdown", "notebook"]


@overload
def render(
    records: Sequence[Mapping[str, Any]], format: Readable, history: Mapping[str, Any] | None = ...
) -> str: ...
@overload
def render(
    records: Sequence[Mapping[str, Any]],
    format: Literal["pdf"],
    history: Mapping[str, Any] | None = ...,
) -> bytes: ...
@overload
def render(
    records: Sequence[Mapping[str, Any]], format: str, history: Mapping[str, Any] | None = ...
) -> str | bytes: ...
def render(
    records: Sequence[Mapping[str, Any]], format: str, history: Mapping[str, Any] | None = None
) -> str | bytes:
    """The report on recorded claims, in a format of ``FORMATS``; equal records, equal bytes.

    ``records`` are elements of ``claims`` in ``verify --json``; ``history`` says which runs they
    come from and what those left open (``lora_proofs.running.history``). Raises ``BadInput`` for a
    format that does not exist, or whose extra is not installed.

    >>> render([{"name": "my/claim", "verdict": "PROVED", "scope": "all shapes"}], "markdown")[:8]
    '# Report'
    """
    return face(format)(document(records, history))


def face(format: str) -> Face:
    """The face of a name.

    >>> face("latex").ending
    '.tex'
    """
    if format not in FORMATS:
        raise BadInput(f"report: expected a format among {', '.join(FORMATS)}; got {format!r}")
    return FORMATS[format]
