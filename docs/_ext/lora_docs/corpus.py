"""The shipped claims as pages tell them: what they say, what was found, and in which group."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lora_docs.labels import Item, item_of
from lora_proofs.running.catalogue import SHIPPED, Entry, shipped_claims

FOUND = Path(__file__).resolve().parent.parent.parent / "found.json"


@cache
def found() -> Mapping[str, Any]:
    """What ``docs/found.py`` wrote down of a run: its budget, seed and versions, and each claim."""
    recorded: Mapping[str, Any] = json.loads(FOUND.read_text(encoding="utf-8"))
    return recorded


@cache
def claims() -> Mapping[str, Mapping[str, Any]]:
    """Each shipped claim by name: what it says of itself, with what was found."""
    recorded = found()["claims"]
    told = {entry.name: entry.told for entry in shipped_claims()}
    return {
        name: {**own, "controls_told": own["controls"], **recorded.get(name, {})}
        for name, own in told.items()
    }


def group_of(entry: Entry) -> str:
    """The group of a claim: its package inside the shipped claims."""
    inside = entry.locator.module.removeprefix(f"{SHIPPED}.")
    return "/".join(inside.split(".")[:-1])


@cache
def groups() -> Mapping[str, tuple[str, ...]]:
    """The names of the claims of each group."""
    names: dict[str, list[str]] = {}
    for entry in shipped_claims():
        names.setdefault(group_of(entry), []).append(entry.name)
    return {group: tuple(members) for group, members in sorted(names.items())}


def corrects(name: str) -> list[str]:
    """The false claims that name this one as what holds."""
    return [other for other, told in claims().items() if told["source"]["corrected_by"] == name]


def refuted(status: str) -> tuple[str, ...]:
    """The refuted claims of a status."""
    told = claims().items()
    return tuple(
        name
        for name, claim in told
        if claim["verdict"] == "REFUTED" and claim["source"]["status"] == status
    )


def labelled(paper: str) -> dict[str, str]:
    """The claims of a paper that carry a label, with it."""
    sources = {name: claim["source"] for name, claim in claims().items()}
    return {k: s["label"] for k, s in sources.items() if s["paper"] == paper and s["label"]}


def covering(paper: str, item: Item) -> list[str]:
    """The claims whose label names an item."""
    return [name for name, label in labelled(paper).items() if item_of(paper, label) == item]
