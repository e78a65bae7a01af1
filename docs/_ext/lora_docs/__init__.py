"""The Sphinx extension of these pages: formulas as MathML, and what is generated from the package.

Nothing is fetched, and no page that is generated is kept: directives ask the package each time.
"""

from typing import Any


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer of formulas, the directives and the gallery of reports."""
    from lora_docs import directives, formulas, gallery  # what is tested needs no Sphinx

    formulas.register(app)
    directives.register(app)
    gallery.register(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
