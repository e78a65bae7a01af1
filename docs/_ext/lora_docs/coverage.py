"""Which labelled item of the papers is covered by which claims, and what stands without a label."""

from collections.abc import Iterator

from docutils import nodes

from lora_docs import corpus
from lora_docs.labels import ITEMS, Item, item_of
from lora_docs.theorems import link
from lora_docs.tree import bullets, line, table
from lora_proofs.report.records import READ, STATUSES, judged
from lora_proofs.report.text import counted
from lora_proofs.report.tree import Text


def covering(paper: str, item: Item) -> list[str]:
    """The claims whose label names an item."""
    return [name for name, label in labelled(paper) if item_of(paper, label) == item]


def labelled(paper: str) -> Iterator[tuple[str, str]]:
    """The claims of a paper that carry a label, with it."""
    for name, claim in corpus.claims().items():
        if claim["source"]["paper"] == paper and claim["source"]["label"]:
            yield name, claim["source"]["label"]


def coverage(paper: str) -> Iterator[nodes.Node]:
    """The table of labels of a paper, then how many claims carry none, by status."""
    rows = [row(paper, item) for item in ITEMS[paper]]
    yield table(("label", "covered by", "label, status, verdict and scope"), rows)
    yield line([Text("Claims of this paper's subject without a label, by status:")])
    yield bullets(map(line, unlabelled(paper)))


def row(paper: str, item: Item) -> list[list[nodes.Node]]:
    """An item, the claims that cover it, and how."""
    names = covering(paper, item)
    head = [nodes.paragraph("", "", nodes.strong(item.label, item.label))]
    if not names:
        return [head, [line([Text("not covered")])], [line([Text(f"{item.uncovered}.")])]]
    return [head, [bullets(map(link, names))], [bullets(map(how, names))]]


def how(name: str) -> nodes.paragraph:
    """The label, status and verdict of a claim."""
    claim = corpus.claims()[name]
    told = claim["source"]
    return line([Text(f"{told['label']}: {told['status']}, "), judged(claim)])


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
