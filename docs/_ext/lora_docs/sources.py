"""The bibliography: the papers, and the lemmas with where they are proved and who cites them."""

from collections.abc import Iterator

from docutils import nodes

from lora_docs import corpus
from lora_docs.theorems import link
from lora_docs.tree import bullets, line, section
from lora_proofs.language.claim import PAPERS
from lora_proofs.language.lemmas import LEMMAS
from lora_proofs.report.text import inlines
from lora_proofs.report.tree import Link, Text
from lora_proofs.report.works import bibtex


def papers() -> nodes.bullet_list:
    """The papers under test."""
    return bullets(
        line(
            [
                Text(f"{paper.authors}, "),
                Text(paper.title, strong=True),
                Text(", "),
                Link(address(paper.identifier), paper.identifier),
                Text("."),
            ]
        )
        for paper in PAPERS
    )


def address(identifier: str) -> str:
    """Where a paper can be read."""
    return f"https://arxiv.org/abs/{identifier.removeprefix('arXiv:')}"


def citing() -> dict[str, list[str]]:
    """The claims whose verdict is modulo something, by what it is modulo."""
    found: dict[str, list[str]] = {}
    for name, claim in corpus.claims().items():
        for lemma in claim.get("cites", ()):
            found.setdefault(lemma, []).append(name)
    return dict(sorted(found.items()))


def lemmas() -> Iterator[nodes.Node]:
    """Each lemma that a derivation may cite, and the claims that do."""
    used = citing()
    for name, lemma in sorted(LEMMAS.items()):
        content = [
            line(inlines(lemma.statement)),
            line([Text("Proved in: ", strong=True), *inlines(lemma.reference)]),
        ]
        content += [cited_by(used[name])] if name in used else []
        yield section([nodes.Text(name)], place(name), *content)


def place(name: str) -> str:
    """The identifier of a lemma on its page; a transpose counts."""
    return f"lemma-{nodes.make_id(name.replace(chr(39), ' t '))}"


def cited_by(names: list[str]) -> nodes.Element:
    """The claims that lean on a lemma."""
    head = line([Text("Leaned on by:", strong=True)])
    return nodes.container("", head, bullets(map(link, names)))


def literature() -> Iterator[nodes.Node]:
    """What certified claims lean on besides: theorems and proofs that no derivation states."""
    yield bullets(
        nodes.container("", line([Text(name)]), bullets(map(link, names)))
        for name, names in citing().items()
        if name not in LEMMAS
    )


def as_bibtex() -> nodes.literal_block:
    """The papers and the works that lemmas refer to, as BibTeX."""
    text = bibtex(lemma.reference for _, lemma in sorted(LEMMAS.items()))
    return nodes.literal_block(text, text, language="bibtex")
