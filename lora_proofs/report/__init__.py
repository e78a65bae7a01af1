"""Floor 8, faces: recorded claims become one document tree, and that becomes HTML or Markdown."""

from lora_proofs.report.build import document
from lora_proofs.report.faces import FORMATS, render

__all__ = ["FORMATS", "document", "render"]
