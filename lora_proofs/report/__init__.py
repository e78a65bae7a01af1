"""Floor 8, faces: recorded claims become one document tree, and that becomes a file.

``document`` makes the tree, ``render`` one of ``FORMATS`` from records, as ``verify --json`` prints
them and a ledger keeps them. Nothing is run, and equal records give equal bytes.
"""

from lora_proofs.report.build import document
from lora_proofs.report.faces import FORMATS, render

__all__ = ["FORMATS", "document", "render"]
