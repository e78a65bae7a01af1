"""Pages of theorems: for each claim the statement, its source, assumptions, verdict, controls."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from docutils import nodes

from lora_docs import corpus
from lora_docs.tree import blocks, bullets, label, line, section, table, to_claim
from lora_proofs.report.records import READ, STATUSES, VERDICTS, judged, paper_of
from lora_proofs.report.text import blocks as read_blocks
from lora_proofs.report.text import counted, inlines, joined, plain, sentence
from lora_proofs.report.tree import Code, Judged, Text

Told = Mapping[str, Any]


def group(name: str) -> Iterator[nodes.Node]:
    """A table of the claims of a group, then a section for each."""
    members = corpus.groups()[name]
    yield index(members)
    yield legend(members)
    yield from map(theorem, members)


def index(names: tuple[str, ...]) -> nodes.table:
    """The claims with their verdicts and scopes."""
    told = ((name, corpus.claims()[name]) for name in names)
    rows = ([[link(name)], [line([brief(claim)])]] for name, claim in told)
    return table(("claim", "verdict and scope"), rows)


def brief(claim: Told) -> Judged:
    """The verdict with its scope; more than two cited theorems are counted, not named."""
    found = judged(claim)
    if len(found.cites) < 3:
        return found
    return replace(found, cites=(f"{len(found.cites)} cited theorems",))


def link(name: str) -> nodes.paragraph:
    """A paragraph that is a link to a claim, by its title."""
    return nodes.paragraph("", "", to_claim(name, title(corpus.claims()[name])))


def title(claim: Told) -> str:
    """The title of a claim, or its name."""
    return str(claim["title"] or claim["name"])


def theorem(name: str) -> nodes.section:
    """The section of one claim."""
    claim = corpus.claims()[name]
    content = (
        line([Code(name)]),
        *statement(claim),
        line(source(claim)),
        *corrections(claim),
        *verdict(claim),
        *assumptions(claim),
        *derivation(claim),
        *controls(claim),
    )
    head = (nodes.Text(title(claim)),)
    return section(head, label(name), *content)


def statement(claim: Told) -> Iterator[nodes.Node]:
    """The statement, and what the claim notes beside it."""
    yield nodes.container("", *blocks(read_blocks(claim["statement"])), classes=["statement"])
    if claim["note"]:
        yield from blocks(read_blocks(f"Note: {claim['note']}"))


def source(claim: Told) -> Iterator[Text]:
    """Where the statement comes from, how it relates to it, and how much of it was read."""
    told = claim["source"]
    paper = paper_of(claim)
    name = f"{paper.authors}, {paper.identifier}" if paper else "classical"
    yield Text("Source: ", strong=True)
    yield Text(name + (f", {told['label']}" if told["label"] else "") + ". ")
    yield Text("Status: ", strong=True)
    yield Text(f"{told['status']} ({STATUSES[told['status']]}); {READ[told['evidence']]}.")


def corrections(claim: Told) -> Iterator[nodes.Node]:
    """What is true where this is false, and what is false where this is true."""
    corrected = claim["source"]["corrected_by"]
    if corrected:
        yield linked("What holds instead: ", [corrected])
    others = corpus.corrects(claim["name"])
    if others:
        yield linked("It corrects: ", others)


def linked(words: str, names: list[str]) -> nodes.paragraph:
    """Words, then links to claims."""
    found = nodes.paragraph("", "", nodes.strong(words, words))
    for k, name in enumerate(names):
        found += [nodes.Text(", ")] if k else []
        found += to_claim(name, title(corpus.claims()[name]))
    found += nodes.Text(".")
    return found


def verdict(claim: Told) -> Iterator[nodes.Node]:
    """The verdict with its scope, and why it is no more where it settles nothing."""
    yield line([Text("Verdict: ", strong=True), judged(claim), Text(".")])
    if claim["verdict"] == "INCONCLUSIVE":
        yield bullets(line(inlines(sentence(reason))) for reason in claim["reasons"])


def legend(names: tuple[str, ...]) -> nodes.bullet_list:
    """What the verdicts that stand on a page mean, in the words of the reports."""
    met = {corpus.claims()[name]["verdict"] for name in names}
    told = ((word, meaning) for word, meaning in VERDICTS.items() if word in met)
    return bullets(line([Text(word, strong=True), Text(f": {says}.")]) for word, says in told)


def assumptions(claim: Told) -> Iterator[nodes.Node]:
    """What is assumed, and what happens without it."""
    if claim["assumptions"]:
        yield line([Text("Assumed:", strong=True)])
        yield table(("name", "statement", "without it"), map(assumption, claim["assumptions"]))


def assumption(told: Told) -> list[list[nodes.Node]]:
    """A row of the table of assumptions."""
    without = plain("a control drops it")
    if told["technical"]:
        without = (Text("technical: "), *inlines(told["technical"]))
    cells = ((Code(told["name"]),), inlines(told["statement"], latex=True), without)
    return [[line(cell)] for cell in cells]


def derivation(claim: Told) -> Iterator[nodes.Node]:
    """How it is derived, or that it is not."""
    found = claim.get("derivation")
    if not found:
        yield line(
            [Text("Derivation: ", strong=True), Text("none; the verdict rests on instances.")]
        )
        return
    closed = "closed" if found["closed"] else "not closed"
    told = f"{counted(found['steps'], 'step')}, {closed} for {found['scope']}, by "
    told += f"{joined(found['engines'])}. Line by line: "
    command = Code(f"lora-proofs derive {claim['name']}")
    yield line([Text("Derivation: ", strong=True), Text(told), command, Text(".")])


def controls(claim: Told) -> Iterator[nodes.Node]:
    """The variants that have to fail, and how they came out."""
    yield line([Text("Controls, which have to fail:", strong=True)])
    pairs = zip(claim["controls_told"], claim["controls"], strict=True)
    yield bullets(line(control(told, outcome)) for told, outcome in pairs)


def control(told: Told, outcome: str) -> Iterator[Any]:
    """One control: what it drops or falsifies, why it has to fail, and whether it did."""
    drops = (Text("without "), Code(told["drops"])) if told["drops"] else ()
    yield from drops or plain("a falsified conclusion")
    yield Text(": ")
    yield from inlines(sentence(told["why"]))
    yield Text(f" {outcome.capitalize()}.")


def counted_verdicts() -> nodes.bullet_list:
    """How many claims of each group came to each verdict; verdicts are never added up."""
    items = []
    for group, names in corpus.groups().items():
        met = Counter(corpus.claims()[name]["verdict"] for name in names)
        told = ", ".join(f"{met[word]} {word}" for word in VERDICTS if met[word])
        items.append(line([Code(group), Text(f": {told}.")]))
    return bullets(items)
