"""A formula as small frozen values: nothing in them can be run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign: what LaTeX calls it, the character, and what kind of atom it is."""

    latex: str
    character: str
    kind: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number without sign, as it was written."""

    digits: str


@dataclass(frozen=True, slots=True)
class Words:
    """Upright text, or the name of an operator."""

    command: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between braces."""

    body: Nodes


@dataclass(frozen=True, slots=True)
class Scripts:
    """A base with what stands below and above at its right."""

    base: Node
    below: Nodes | None
    above: Nodes | None


@dataclass(frozen=True, slots=True)
class Fraction:
    """One formula over another; ``binom`` has brackets and no line."""

    command: str
    over: Nodes
    under: Nodes


@dataclass(frozen=True, slots=True)
class Root:
    """A root; without index it is the square root."""

    index: Nodes | None
    body: Nodes


@dataclass(frozen=True, slots=True)
class Decorated:
    """A formula under an accent, over a line, in another alphabet."""

    command: str
    body: Nodes


@dataclass(frozen=True, slots=True)
class Fenced:
    """A formula between brackets that grow with it; ``None`` is an invisible one."""

    left: Sign | None
    body: Nodes
    right: Sign | None


@dataclass(frozen=True, slots=True)
class Sized:
    """A bracket of a chosen size, such as after ``bigl``."""

    command: str
    sign: Sign


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix, cases, or lines that are aligned."""

    environment: str
    rows: tuple[tuple[Nodes, ...], ...]


Node = Sign | Number | Words | Group | Scripts | Fraction | Root | Decorated | Fenced | Sized | Grid
Nodes = tuple[Node, ...]
