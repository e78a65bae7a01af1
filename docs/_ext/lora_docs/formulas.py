"""Formulas as MathML, by the report's own reader: no script, no network, one font."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from lora_proofs.report.mathml import Malformed, to_mathml

logger = logging.getLogger(__name__)


def mathml(node: nodes.Element, *, display: bool) -> str:
    """The formula of a node; one that is not understood is a warning, and shown as written."""
    latex = node.astext().strip()
    try:
        return to_mathml(latex, display=display)
    except Malformed as problem:
        logger.warning("formula: %s", problem, location=node)
        return f"<code>{nodes.unescape(latex)}</code>"


def inline(self: HTML5Translator, node: nodes.math) -> None:
    """A formula inside a line."""
    self.body.append(f'<span class="math">{mathml(node, display=False)}</span>')
    raise nodes.SkipNode


def block(self: HTML5Translator, node: nodes.math_block) -> None:
    """A formula on lines of its own, which scrolls where it is wider than the page."""
    self.body.append(self.starttag(node, "div", CLASS="math", tabindex="0"))
    self.body.append(f"{mathml(node, display=True)}</div>\n")
    raise nodes.SkipNode


def register(app: Sphinx) -> None:
    """Make it the renderer of HTML builders that ``html_math_renderer`` names."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
