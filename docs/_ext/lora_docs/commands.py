"""The command line as it tells itself, and the schemas of what it reads and prints."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from typing import Any

from docutils import nodes

from lora_docs.tree import line, section, table
from lora_proofs.cli import run
from lora_proofs.cli.app import app
from lora_proofs.cli.schemas import SCHEMAS, schema
from lora_proofs.report.text import inlines
from lora_proofs.report.tree import Code, Text


def names() -> list[str]:
    """The commands, in the order of ``lora-proofs --help``."""
    return [str(command.name) for command in app.registered_commands]


@cache
def helped(*arguments: str) -> str:
    """What ``--help`` prints after some words."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = run([*arguments, "--help"])
    assert code == 0, (arguments, code)
    return out.getvalue().strip("\n")


def commands() -> Iterator[nodes.Node]:
    """A section for each command: its own help."""
    yield verbatim(helped())
    for name in names():
        title = nodes.literal("", f"lora-proofs {name}")
        yield section([title], f"command-{name}", verbatim(helped(name)))


def verbatim(text: str, language: str = "text") -> nodes.literal_block:
    """Text as it is printed."""
    return nodes.literal_block(text, text, language=language)


def schemas() -> Iterator[nodes.Node]:
    """A section for each document: its fields, then its schema."""
    for name, (what, body) in SCHEMAS.items():
        shown = json.dumps(schema(name), indent=1)
        content = (line(inlines(f"{what[:1].upper()}{what[1:]}.")), *fields(body))
        title = [nodes.literal("", name)]
        yield section(title, f"schema-{name}", *content, verbatim(shown, "json"))


def fields(body: dict[str, Any]) -> Iterator[nodes.Node]:
    """The fields of an object, and which of them it always has."""
    if "properties" in body:
        needed = body["required"]
        rows = ((name, "always" if name in needed else "may be left out", kind(part))
                for name, part in body["properties"].items())  # fmt: skip
        yield table(
            ("field", "there", "kind"),
            ([[line([Code(a)])], [line([Text(b)])], [line([Text(c)])]] for a, b, c in rows),
        )


def kind(part: dict[str, Any]) -> str:
    """What a field holds, in words."""
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    if "const" in part:
        return f"{part['const']}"
    if "enum" in part:
        return " or ".join(map(str, part["enum"]))
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(map(kind, part["anyOf"])))
    if part.get("type") == "array":
        return f"list of {kind(part['items'])}"
    return str(part.get("type", "anything"))
