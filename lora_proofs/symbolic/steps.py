"""The steps of a derivation: identities, inequalities by a named rule, cited lemmas, prose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.mathematics.words import Relation, Word, word

KINDS = ("identity", "inequality", "cited", "prose")


@dataclass(frozen=True, eq=False)
class Step:
    """One step: what it states, why it holds, and what it uses.

    Make one with ``identity``, ``inequality``, ``cited`` or ``prose``. One ``prose`` step and a
    claim is never PROVED.
    """

    kind: str
    relation: Relation | None
    why: str
    rule: str = ""
    uses: tuple[Step, ...] = ()
    assumption: str = ""
    squares: tuple[tuple[Word, Word], ...] = ()
    lemma: str = ""
    substitution: tuple[tuple[Word, Word], ...] = ()
    discharged_by: tuple[tuple[str, Any], ...] = ()


def identity(left: Word, right: Any, why: str, *, given: tuple[Step, ...] = (), label: str = "") -> Step:
    """An equation that both engines decide; ``given`` are earlier steps used as rewrite rules."""
    return Step("identity", Relation(left, "=", word(right), label), why, uses=given)


def inequality(
    left: Word,
    right: Any,
    why: str,
    *,
    rule: str,
    uses: tuple[Step, ...] = (),
    assumption: str = "",
    squares: tuple[tuple[Any, Any], ...] = (),
    label: str = "",
) -> Step:
    """``left <= right`` as a matched instance of a named rule (see ``symbolic.inequalities``)."""
    pairs = tuple((word(a), word(b)) for a, b in squares)
    relation = Relation(left, "<=", word(right), label)
    return Step("inequality", relation, why, rule, uses, assumption, pairs)


def assumed(relation: Relation, assumption: str, why: str) -> Step:
    """An instance of a relation that an assumption grants."""
    kind = "identity" if relation.relation == "=" else "inequality"
    return Step(kind, relation, why, "assumption", assumption=assumption)


def cited(
    lemma: str,
    why: str,
    *,
    relation: Relation | None = None,
    substitution: Mapping[Any, Any] | None = None,
    discharged_by: Mapping[str, Any] | None = None,
) -> Step:
    """A lemma from ``language.lemmas``; each hypothesis is closed by a step or an assumption."""
    pairs = tuple((s, word(v)) for s, v in (substitution or {}).items())
    return Step(
        "cited",
        relation,
        why,
        "lemma",
        lemma=lemma,
        substitution=pairs,
        discharged_by=tuple((discharged_by or {}).items()),
    )


def prose(text: str) -> Step:
    """A step that no engine checks: it is shown, and it keeps the claim from PROVED."""
    return Step("prose", None, text)


@dataclass(frozen=True)
class Lemma:
    """A lemma from outside the paper under test, with its hypotheses and where it is proved.

    ``hypotheses`` maps a name to a ``Relation`` pattern, or to a sentence; ``conclusion`` is a
    pattern too. The symbols of the patterns are replaced by a step's ``substitution``.
    """

    name: str
    statement: str
    reference: str
    hypotheses: Mapping[str, Relation | str] = field(default_factory=dict)
    conclusion: Relation | None = None


@dataclass(frozen=True)
class Line:
    """One line of a checked derivation: what it says, why, and how it was checked."""

    kind: str
    latex: str
    why: str
    rule: str
    checked_by: tuple[str, ...]
    ok: bool
    problem: str = ""
    text: str = ""


@dataclass(frozen=True)
class DerivationEvidence:
    """A checked derivation; ``closed`` where every line holds and none is prose."""

    lines: tuple[Line, ...]
    closed: bool
    scope: str
    engines: tuple[str, ...]
    cites: tuple[str, ...]
    prose: tuple[str, ...]
    problems: tuple[str, ...]
    evaluated_on: int = 0
    broken_line: str = ""
