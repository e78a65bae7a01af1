"""Derivations as Rocq/Coq source: every identity is stated there again, and proved there again.

What an assumption says is a premise of the lines that use it, and holds at one instant: it is
stated of values, not of functions, and so are the lines that follow from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lora_proofs.certificates.coq_names import Names, comment, identifier, prelude, shown
from lora_proofs.certificates.coq_terms import Node, Symbols
from lora_proofs.certificates.coq_witness import Use, witness
from lora_proofs.certificates.coq_world import hypotheses, meaning, table
from lora_proofs.errors import NotUnderstood, ShapeMismatch
from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.entries import parts
from lora_proofs.symbolic.printing import relation_text
from lora_proofs.symbolic.steps import Step

STATEMENT, LINES, NOTHING = "statement", "lines", "nothing"


@dataclass(frozen=True)
class Line:
    """One line that Coq proves: its place, its sides, the lines it uses, and how it uses them."""

    number: int
    left: Node
    right: Node
    given: tuple[int, ...]
    uses: tuple[Use, ...]
    premises: tuple[int, ...]
    """The granted lines that it rests on, through all the lines that it uses."""


@dataclass
class Export:
    """What of a derivation Coq is given: lemmas, hypotheses, and the lines left out with why."""

    name: str
    statement: str
    steps: tuple[Step, ...]
    conclusion: tuple[w.Relation, ...]
    symbols: Symbols = field(default_factory=Symbols)
    lemmas: dict[int, Line] = field(default_factory=dict)
    granted: dict[int, tuple[Node, Node]] = field(default_factory=dict)
    """Relations that are premises: what an assumption or a cited lemma says, at one instant."""
    left_out: dict[int, str] = field(default_factory=dict)

    @property
    def covers(self) -> str:
        """``statement``: the conclusion from the assumptions; ``lines``: some; or ``nothing``."""
        if not self.lemmas:
            return NOTHING
        whole = not self.left_out and all(
            step.kind == "identity" for step in self.steps if step.relation or step.kind == "cited"
        )
        return STATEMENT if whole and None not in self.ends() else LINES

    def ends(self) -> tuple[int | None, ...]:
        """The line that states each relation of the conclusion, where Coq proves one."""
        proved = {i: self.steps[i - 1].relation for i in self.lemmas}
        return tuple(
            next((i for i, r in proved.items() if r and _alike(r, wanted)), None)
            for wanted in self.conclusion
        )


def _alike(a: w.Relation, b: w.Relation) -> bool:
    return (a.left, a.relation, a.right) == (b.left, b.relation, b.right)


def export(
    name: str, statement: str, steps: Sequence[Step], conclusion: tuple[w.Relation, ...]
) -> Export:
    """Read a derivation line by line; what has no term or no proof is left out, with the reason."""
    found = Export(name, statement, tuple(steps), conclusion)
    for number, step in enumerate(found.steps, start=1):
        try:
            _read(found, number, step)
        except (NotUnderstood, ShapeMismatch) as error:
            found.left_out[number] = str(error)
    return found


def _read(found: Export, number: int, step: Step) -> None:
    if step.relation is None:
        raise NotUnderstood("a cited lemma" if step.kind == "cited" else step.kind)
    if step.relation.relation != "=":
        raise NotUnderstood("an inequality")
    if step.kind != "identity":
        raise NotUnderstood("a cited lemma")
    if step.rule == "assumption":
        found.granted[number] = found.symbols.relation(step.relation)
        return
    found.lemmas[number] = _line(found, number, step, step.relation)


def _line(found: Export, number: int, step: Step, relation: w.Relation) -> Line:
    used = [s for s in step.uses if s.relation]
    given = tuple(_earlier(found, number, u) for u in used)
    relations = [s.relation for s in used if s.relation]
    left, right = found.symbols.relation(relation)
    if any(isinstance(x, w.Gradient) for r in relations for x in _parts(r)):
        raise NotUnderstood("it uses an equation of gradients")
    for at, r in zip(given, relations, strict=True):
        if at not in found.lemmas:
            found.granted.setdefault(at, found.symbols.relation(r))
    uses = witness(found.symbols, relation, relations) if given else ()
    if uses and any(isinstance(x, w.Gradient) for x in _parts(relation)):
        raise NotUnderstood("a gradient that follows from equations")
    premises = {p for i in given for p in _premises(found, i)}
    return Line(number, left, right, given, uses, tuple(sorted(premises)))


def _earlier(found: Export, number: int, used: Step) -> int:
    """The number of a line that a line uses."""
    for i, step in enumerate(found.steps[: number - 1], start=1):
        if step is used:
            return i
    raise NotUnderstood("it uses a line that does not stand before it")


def _premises(found: Export, number: int) -> tuple[int, ...]:
    return found.lemmas[number].premises if number in found.lemmas else (number,)


def _parts(relation: w.Relation) -> Iterator[w.Word]:
    yield from parts(relation.left)
    yield from parts(relation.right)


# ---------------------------------------------------------------------------------------- source


def source(found: Export) -> str:
    """The whole file: what it proves, the prelude, the lemmas."""
    return "\n".join([header(found), prelude(), module(found), assumptions([found.name])])


def header(found: Export) -> str:
    """What is proved and what is left out, as a comment."""
    said = {
        STATEMENT: "Proved here: the conclusion of the derivation, from its premises alone.",
        LINES: "Proved here: the lines below. The conclusion as a whole is NOT proved here.",
        NOTHING: "Nothing of this derivation is proved here.",
    }[found.covers]
    lines = [
        found.name,
        "",
        found.statement,
        "",
        said,
        *(
            f"Line {i} is proved{_rests(x)}: {_text(found.steps[i - 1])}"
            for i, x in found.lemmas.items()
        ),
        *(
            f"Line {i} is a premise at an instant: {_text(found.steps[i - 1])}"
            for i in found.granted
        ),
        *(
            f"Line {i} is left out ({why}): {_text(found.steps[i - 1])}"
            for i, why in found.left_out.items()
        ),
    ]
    return comment(lines)


def _rests(line: Line) -> str:
    return f", at an instant, from {', '.join(map(str, line.premises))}" if line.premises else ""


def _text(step: Step) -> str:
    return relation_text(step.relation) if step.relation else step.why


def module(found: Export) -> str:
    """The module of one derivation, to stand after the prelude."""
    names = Names(found.symbols)
    title = identifier(found.name)
    body = [
        f"Module {title}.",
        'Set Warnings "-notation-overridden".',
        "Local Open Scope nat_scope.",
        "Section Derivation.",
        "Context {M N : algebra} (value : M -> N).",
        "Hypothesis is_value : evaluation value.",
        'Local Notation "x + y" := (plus M x y). Local Notation "x * y" := (times M x y).',
        'Local Notation "x - y" := (plus M x (minus M y)). Local Notation "- x" := (minus M x).',
        'Local Notation "x ^T" := (transpose M x) (at level 30).',
        *hypotheses(found.symbols, names),
        table(found.symbols),
        *meaning(found.symbols, names),
        *(_proof(found, line, names) for line in found.lemmas.values()),
        *_theorem(found, names),
        f"Definition proved := {_together(found)}.",
        "End Derivation.",
        f"End {title}.",
    ]
    return "\n".join(body) + "\n"


def _together(found: Export) -> str:
    """Everything proved in one list."""
    lines = [f"line_{i}" for i in found.lemmas]
    return _listed([*lines, *(["conclusion"] if found.covers == STATEMENT else [])])


def _listed(terms: Sequence[str]) -> str:
    return f"[{'; '.join(f'Proved _ {x}' for x in terms)}]%list"


def assumptions(names: Sequence[str]) -> str:
    """Ask Coq, once, what the modules of some claims rest on beyond what they state."""
    modules = "; ".join(f"Any _ (@{identifier(name)}.proved)" for name in names)
    return f"Definition all_proved := [{modules}]%list.\nPrint Assumptions all_proved.\n"


def _lemma(found: Export, number: int) -> str:
    if number in found.lemmas:
        return f"line_{number}"
    assumed = found.steps[number - 1].rule == "assumption"
    return f"assumed_{number}" if assumed else f"taken_{number}"


def _equation(sides: tuple[Node, Node], names: Names, instant: bool) -> str:
    left, right = (shown(x, names) for x in sides)
    return f"value ({left}) = value ({right})" if instant else f"{left} = {right}"


def _under(found: Export, premises: Sequence[int], names: Names) -> str:
    """What is supposed at one instant, each premise before an arrow."""
    return "".join(f"\n  {_equation(found.granted[i], names, True)} ->" for i in premises)


def _proof(found: Export, line: Line, names: Names) -> str:
    used = "; ".join(f"({left}, {right})" for left, right in (_sides(found, i) for i in line.given))
    uses = "; ".join(map(str, line.uses))
    closed = "I"
    for i in reversed(line.given):
        closed = f"(conj {_reason(found, i, bool(line.premises))} {closed})"
    stated = _equation((line.left, line.right), names, bool(line.premises))
    decided = "decided_at T E value meaning is_value" if line.premises else "decided T E meaning"
    return (
        f"Lemma line_{line.number} :{_under(found, line.premises, names)} {stated}.\n"
        f"Proof.\n  {_intros(found, line.premises)}refine ({decided} [{used}] [{uses}]\n"
        f"    {line.left}\n    {line.right} _ _);\n"
        f"  [exact {closed} | vm_cast_no_check (eq_refl true)].\nQed."
    )


def _intros(found: Export, premises: Sequence[int]) -> str:
    named = " ".join(_lemma(found, i) for i in premises)
    return f"intros {named}. " if named else ""


def _reason(found: Export, number: int, instant: bool) -> str:
    """The proof of a line from the premises in reach, as functions or at the instant."""
    if number in found.granted:
        return _lemma(found, number)
    line = found.lemmas[number]
    if line.premises:
        return f"(line_{number} {' '.join(_lemma(found, i) for i in line.premises)})"
    return f"(f_equal value line_{number})" if instant else f"line_{number}"


def _sides(found: Export, number: int) -> tuple[Node, Node]:
    if number in found.lemmas:
        return found.lemmas[number].left, found.lemmas[number].right
    return found.granted[number]


def _theorem(found: Export, names: Names) -> Iterator[str]:
    if found.covers != STATEMENT:
        return
    ends = [found.lemmas[i] for i in found.ends() if i is not None]
    premises = sorted({p for line in ends for p in line.premises})
    stated = " /\\\n  ".join(
        f"({_equation((x.left, x.right), names, bool(x.premises))})" for x in ends
    )
    reasons = [_reason(found, x.number, False) for x in ends]
    proof = reasons.pop()
    for reason in reversed(reasons):
        proof = f"(conj {reason} {proof})"
    yield f"Theorem conclusion :{_under(found, premises, names)}\n  {stated}."
    yield f"Proof. {_intros(found, premises)}exact {proof}. Qed."
