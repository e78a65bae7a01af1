"""Sphinx: the pages are Markdown (MyST), the theme is Furo."""

from importlib.metadata import version as installed_version

project = "lora_proofs"
author = "The lora_proofs developers"
version = release = installed_version("lora_proofs")

extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"lora_proofs {release}"
nitpicky = True
