"""Sphinx: the pages are Markdown (MyST), the theme is Furo; ``_ext`` has what is generated."""

import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "lora_proofs"
author = "The lora_proofs developers"
copyright = f"2026, {author}"
try:
    version = release = installed_version("lora_proofs")
except PackageNotFoundError:  # a bare checkout, on the path
    version = release = "not installed"

extensions = ["myst_parser", "lora_docs"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]
nitpicky = True
smartquotes = False  # two hyphens are an option, and quotation marks are code's

html_theme = "furo"
html_title = f"lora_proofs {release}"
html_math_renderer = "mathml"  # no script, no network
html_static_path = ["_static", "../lora_proofs/report/fonts"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
