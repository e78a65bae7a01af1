"""Which labelled item of the papers is covered by which claims, and what stands without a label."""

from collections.abc import Iterator

from docutils import nodes

from lora_docs import corpus
from lora_docs.labels import ITEMS, Item
from lora_docs.theorems import brief, link
from lora_docs.tree import bullets, line, table
from lora_proofs.report.records import READ, STATUSES
from lora_proofs.report.text import counted
from lora_proofs.report.tree import Text


def coverage(paper: str) -> Iterator[nodes.Node]:
    """The table of labels of a paper, then how many claims carry none, by status."""
    rows = [row(paper, item) for item in ITEMS[paper]]
    yield table(("label", "covered by"), rows)
    yield line([Text("Claims of this paper's subject without a label, by status:")])
    yield bullets(map(line, unlabelled(paper)))


def row(paper: str, item: Item) -> list[list[nodes.Node]]:
    """An item and the claims that cover it, or why none does."""
    names = corpus.covering(paper, item)
    told: nodes.Node = line([Text("Not covered: ", strong=True), Text(f"{item.uncovered}.")])
    return [
        [nodes.paragraph("", "", nodes.strong(item.label, item.label))],
        [bullets(how(name, item) for name in names) if names else told],
    ]


def how(name: str, item: Item) -> nodes.paragraph:
    """A claim, which part of the item it is, its status and its verdict."""
    claim = corpus.claims()[name]
    told = claim["source"]
    part = "" if told["label"] == item.label else f" ({told['label']})"
    found = link(name)
    found += [nodes.Text(f"{part}: {told['status']}, "), *line([brief(claim)]).children]
    return found


def unlabelled(paper: str) -> Iterator[list[Text]]:
    """How many claims of each status carry no label."""
    sources = [c["source"] for c in corpus.claims().values() if c["source"]["paper"] == paper]
    for status, meaning in STATUSES.items():
        count = sum(s["status"] == status and not s["label"] for s in sources)
        if count:
            yield [Text(status, strong=True), Text(f" ({meaning}): {counted(count, 'claim')}.")]


def reading() -> nodes.bullet_list:
    """How many claims rest on how much reading."""
    told = [c["source"]["evidence"] for c in corpus.claims().values()]
    counts = ((says, told.count(word)) for word, says in READ.items())
    return bullets(line([Text(f"{says}: {counted(n, 'claim')}.")]) for says, n in counts)
