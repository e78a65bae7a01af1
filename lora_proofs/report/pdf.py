"""The PDF face: typst sets its own source, offline, with the fonts that it carries."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lora_proofs.errors import BadInput
from lora_proofs.report.cleaning import cleaned
from lora_proofs.report.tree import Document
from lora_proofs.report.typefaces import settable
from lora_proofs.report.typst import to_typst


def require() -> None:
    """Raise ``BadInput`` where typst is not installed.

    >>> require()  # doctest: +SKIP
    """
    try:
        import typst  # noqa: F401
    except ImportError:
        raise BadInput(
            "report: expected typst, which sets the PDF, to be installed. Run "
            "`pip install 'lora_proofs[pdf]'`, or write html and print it"
        ) from None


def to_pdf(document: Document) -> bytes:
    """The document as a PDF: fonts inside, no time in it, so equal documents give equal bytes.

    Raises ``BadInput`` where typst is not installed.

    >>> to_pdf(Document("A report", ()))[:5]  # doctest: +SKIP
    b'%PDF-'
    """
    require()
    import typst

    # A folder with the source alone is all that the compiler may read; it holds no packages.
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "report.typ"
        source.write_text(settable(cleaned(to_typst(document))), encoding="utf-8")
        made = typst.compile(
            str(source),
            root=folder,
            ignore_system_fonts=True,
            package_path=folder,
            package_cache_path=folder,
        )
    assert isinstance(made, bytes)
    return made
