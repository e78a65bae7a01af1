"""A gallery of reports: a few claims are verified while the pages are built, in every format."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from lora_docs.tree import table
from lora_proofs.report.faces import FORMATS, render

FOLDER = "reports"
SHOWN = (
    ("classical/balancedness", "a theorem with a derivation"),
    ("rushka-klabjan/trace-squared-error-lower-bound", "a bound, with its cited theorems"),
    ("rushka-klabjan/naive/trace-squared-always-zero-loss", "a false reading"),
    ("zeng-lee/linear-exact-threshold", "a theorem on instances"),
)


@cache
def records() -> tuple[Mapping[str, Any], ...]:
    """The claims of the gallery, verified now."""
    from lora_proofs import load_claim, verify
    from lora_proofs.running.expected import expected_verdict

    found = []
    for name, _ in SHOWN:
        record = verify(load_claim(name), budget="quick").to_dict()
        assert record["verdict"] == expected_verdict(name, "quick"), record["reasons"]
        found.append({**record, "shipped": True})
    return tuple(found)


def formats() -> Iterator[tuple[str, str]]:
    """The formats that this installation can write, with the ending of a file."""
    for name, face in FORMATS.items():
        if find_spec(face.module) and (name != "pdf" or find_spec("typst")):
            yield name, face.ending


def stem(name: str) -> str:
    """The name of a report's files, without their endings."""
    return name.replace("/", "-")


def gallery() -> nodes.table:
    """A link to each report in each format, and one with all of them."""
    rows = [(what, [nodes.literal(name, name)], stem(name)) for name, what in SHOWN]
    rows.append(("all of these in one", [], "all"))
    cells = ([[paragraph(nodes.Text(a))], [paragraph(*b)], [links(c)]] for a, b, c in rows)
    return table(("what it shows", "claim", "reports"), cells)


def paragraph(*content: nodes.Node) -> nodes.paragraph:
    """A paragraph."""
    return nodes.paragraph("", "", *content)


def links(file: str) -> nodes.paragraph:
    """The formats of a report."""
    found = paragraph()
    for k, (form, ending) in enumerate(formats()):
        found += [nodes.Text(", ")] if k else []
        found += nodes.reference(form, form, refuri=f"{FOLDER}/{file}{ending}", internal=False)
    return found


def write(app: Sphinx, problem: Exception | None) -> None:
    """Write the reports beside the pages."""
    if problem is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    told = {name: [record] for (name, _), record in zip(SHOWN, records(), strict=True)}
    for name, some in {**told, "all": list(records())}.items():
        for form, ending in formats():
            content = render(some, form)
            data = content if isinstance(content, bytes) else content.encode()
            (folder / f"{stem(name)}{ending}").write_bytes(data)


def register(app: Sphinx) -> None:
    """Write the gallery when the pages are done."""
    app.connect("build-finished", write)
