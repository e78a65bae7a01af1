"""The directives that pages are generated with; each asks the package what there is."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from lora_docs import commands, coverage, gallery, interface, refuted, sources, theorems

Maker = Callable[..., Iterable[nodes.Node] | nodes.Node]

DIRECTIVES: dict[str, Maker] = {
    "theorems": theorems.group,
    "false-statements": refuted.false_statements,
    "coverage": coverage.coverage,
    "how-much-was-read": coverage.reading,
    "commands": commands.commands,
    "schemas": commands.schemas,
    "interface": interface.interface,
    "papers": sources.papers,
    "lemmas": sources.lemmas,
    "literature": sources.literature,
    "bibtex": sources.as_bibtex,
    "report-gallery": gallery.gallery,
    "verdict-counts": theorems.counted_verdicts,
}


def directive(make: Maker) -> type[Directive]:
    """A directive whose one argument, if any, goes to the function that makes its nodes."""

    class Generated(Directive):
        optional_arguments = 1
        final_argument_whitespace = True
        has_content = False

        def run(self) -> list[nodes.Node]:
            made = make(*self.arguments)
            found = [made] if isinstance(made, nodes.Node) else list(made)
            for one in found:
                self.labelled(one)
            return found

        def labelled(self, node: Any) -> None:
            """Make the identifiers of sections known, so that links find them."""
            for section in node.findall(nodes.section):
                self.state.document.note_explicit_target(section)

    return Generated


def generated(app: Sphinx, env: BuildEnvironment, *_: set[str]) -> list[str]:
    """The pages to read anew in every build: what they say stands elsewhere."""
    calls = tuple(f"```{{{name}}}" for name in DIRECTIVES)
    texts = ((page, Path(env.doc2path(page)).read_text("utf-8")) for page in env.found_docs)
    return [page for page, text in texts if any(call in text for call in calls)]


def register(app: Sphinx) -> None:
    """Register every directive."""
    for name, make in DIRECTIVES.items():
        app.add_directive(name, directive(make))
    app.connect("env-get-outdated", generated)
