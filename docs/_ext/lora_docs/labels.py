"""The labelled items of both papers, as far as they are known: none of the texts was read.

An item is here because a summary, a list of theorems or memory names it; what it says in the paper
is not known beyond that. An item that no claim has says why.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A label of a paper; ``uncovered`` says why no claim has it."""

    label: str
    uncovered: str = ""


UNKNOWN = "that it exists is known, what it states is not: no claim carries its number"

ITEMS = {
    "rushka-klabjan": (
        Item("Remark 1.1"),
        Item("Remark 1.3"),
        Item("Remark 1.5"),
        Item("Remark 1.6"),
        Item("Lemma 1.8"),
        Item("Theorem 2.4"),
        Item("Theorem 2.7", UNKNOWN),
        Item("Theorem 2.8", UNKNOWN),
        Item("Theorem 2.11", UNKNOWN),
        Item("Remark 3.2"),
    ),
    "zeng-lee": (
        Item("Lemma 1"),
        Item("Lemma 2"),
        Item("Theorem 3"),
        Item("Corollary 4"),
        Item("Theorem 5"),
        Item("Theorem 6"),
        Item("Theorem 7"),
        Item("Corollary 8"),
    ),
}


def item_of(paper: str, label: str) -> Item | None:
    """The item that a claim's label names: the whole of it, or a part ("Lemma 1, exactness").

    >>> item_of("zeng-lee", "lower half of Lemma 1").label
    'Lemma 1'
    """
    words = f" {label.replace(',', ' ')} "
    found = [item for item in ITEMS.get(paper, ()) if f" {item.label} " in words]
    return found[0] if found else None
