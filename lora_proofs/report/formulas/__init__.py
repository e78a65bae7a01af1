"""LaTeX formulas read through one list of allowed commands, and written for each face again."""

from lora_proofs.report.formulas.as_latex import latex_of
from lora_proofs.report.formulas.as_typst import typst_of
from lora_proofs.report.formulas.reading import NotPlain, read

__all__ = ["NotPlain", "latex_of", "read", "typst_of"]
