"""The steps of a derivation: identities, inequalities by a named rule, cited lemmas, prose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lora_proofs.errors import ClaimRefused
from lora_proofs.mathematics.words import Relation, Word, word
from lora_proofs.symbolic.differential import replace_symbols

KINDS = ("identity", "inequality", "cited", "prose")


@dataclass(frozen=True)
class Shown:
    """A hypothesis in words that a step of the derivation shows; a plain sentence is assumed.

    ``polynomial`` asks that the right side of the step has no loss but a given one, no root, no
    quotient.
    """

    sentence: str
    polynomial: bool = False


@dataclass(frozen=True)
class Lemma:
    """A lemma from outside the paper under test, with its hypotheses and where it is proved.

    ``hypotheses`` maps a name to a ``Relation`` pattern, which a step must state; to ``Shown``, a
    sentence that a step closes; or to a sentence, which an assumption closes. ``conclusion`` is a
    pattern too. The symbols of the patterns are replaced by a step's ``substitution``.
    """

    name: str
    statement: str
    reference: str
    hypotheses: Mapping[str, Relation | Shown | str] = field(default_factory=dict)
    conclusion: Relation | None = None


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
    pattern: Relation | None = None
    lemma: Lemma | None = None
    substitution: tuple[tuple[Word, Word], ...] = ()
    discharged_by: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ClaimRefused(
                f"step {self.why!r}: expected a kind among {', '.join(KINDS)}, got {self.kind!r}"
            )


def identity(
    left: Word, right: Any, why: str, *, given: tuple[Step, ...] = (), label: str = ""
) -> Step:
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


def assumed(
    assumption: str, pattern: Relation, why: str, *, substitution: Mapping[Any, Any] | None = None
) -> Step:
    """An instance of a relation that an assumption grants: its symbols replaced as stated."""
    pairs = tuple((s, word(v)) for s, v in (substitution or {}).items())
    kind = "identity" if pattern.relation == "=" else "inequality"
    relation = instantiate(pattern, pairs)
    return Step(
        kind,
        relation,
        why,
        "assumption",
        assumption=assumption,
        substitution=pairs,
        pattern=pattern,
    )


def cited(
    lemma: Lemma,
    why: str,
    *,
    substitution: Mapping[Any, Any] | None = None,
    discharged_by: Mapping[str, Any] | None = None,
    label: str = "",
) -> Step:
    """A lemma from ``language.lemmas``; each hypothesis is closed by a step or an assumption."""
    pairs = tuple((s, word(v)) for s, v in (substitution or {}).items())
    relation = instantiate(lemma.conclusion, pairs, label) if lemma.conclusion else None
    discharged = tuple((discharged_by or {}).items())
    return Step(
        "cited", relation, why, "lemma", lemma=lemma, substitution=pairs, discharged_by=discharged
    )


def instantiate(
    pattern: Relation, pairs: tuple[tuple[Word, Word], ...], label: str = ""
) -> Relation:
    """A relation with symbols replaced by expressions."""
    values = dict(pairs)
    left, right = replace_symbols(pattern.left, values), replace_symbols(pattern.right, values)
    return Relation(left, pattern.relation, right, label or pattern.label)


def prose(text: str) -> Step:
    """A step that no engine checks: it is shown, and it keeps the claim from PROVED."""
    return Step("prose", None, text)


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
    names: tuple[tuple[str, str], ...] = ()
    """Every expression that lines display by a name, as text and as LaTeX: "T = tr(W)"."""
    concludes: tuple[tuple[str, str], ...] = ()
    """What the claim says that it proves: its last lines, as text and as LaTeX."""
    sentences: tuple[str, ...] = ()
    """Hypotheses in words, closed by an assumption or a step as the author says."""
    uncontrolled: tuple[str, ...] = ()
    """Relations in use that an assumption grants although no control drops it."""
    evaluated_on: int = 0
    broken_line: str = ""
