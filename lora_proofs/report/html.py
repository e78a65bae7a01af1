"""The HTML face: one file with its style inside, no script, nothing fetched."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from lora_proofs.report.mathml import Malformed, to_mathml
from lora_proofs.report.tree import Document

_TONES = {
    "PROVED": "good",
    "CERTIFIED": "sure",
    "SUPPORTED": "part",
    "REFUTED": "bad",
    "INCONCLUSIVE": "open",
}


def to_html(document: Document) -> str:
    """The document as one HTML page; every text in it is escaped.

    >>> "<script" in to_html(Document("<script>", ()))
    False
    """
    return _template().render(document=document)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("lora_proofs.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["math"] = _math
    environment.filters["tone"] = lambda verdict: _TONES.get(verdict, "open")
    return environment.get_template("report.html.j2")


def _math(latex: str, display: bool = False) -> Markup:
    """MathML, or the LaTeX itself as escaped code where it is malformed."""
    try:
        return Markup(to_mathml(latex, display=display))
    except Malformed:
        return Markup('<code class="latex">{}</code>').format(latex)
