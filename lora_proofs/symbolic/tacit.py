"""What a derivation takes for granted without saying so: signs, symmetry, divisors, names, shapes.

Each is a problem unless an assumption of the claim grants it, because the verdict would otherwise
say more than was derived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lora_proofs.mathematics import words as w
from lora_proofs.symbolic.entries import dimensions, parts
from lora_proofs.symbolic.printing import text
from lora_proofs.symbolic.steps import Step

Granted = tuple[tuple[w.Relation, ...], tuple[Any, ...]]


def tacit_problems(steps: tuple[Step, ...], assumptions: Mapping[str, Granted]) -> tuple[str, ...]:
    """Everything taken for granted that no assumption grants, in words."""
    granted = [r for relations, _ in assumptions.values() for r in relations]
    return (
        *_signs(steps, granted),
        *_symmetries(steps, granted),
        *_divisors(steps),
        *_clashes(steps),
    )


def scope(steps: tuple[Step, ...]) -> str:
    """The shapes that the derivation is for: all, or those whose numbers it fixes."""
    fixed = sorted(d for d in dimensions(stated_nodes(steps)) if isinstance(d, int))
    if not fixed:
        return "all shapes"
    return f"shapes with the fixed dimensions {', '.join(map(str, fixed))}"


def _sides(step: Step) -> Iterator[w.Word]:
    if step.relation:
        yield step.relation.left
        yield step.relation.right
    yield from (x for pair in step.squares for x in pair)
    yield from (value for _, value in step.substitution)


def stated_nodes(steps: Iterable[Step]) -> Iterator[w.Word]:
    """Every node of everything that the steps state."""
    return (node for step in steps for side in _sides(step) for node in parts(side))


def _signs(steps: tuple[Step, ...], granted: list[w.Relation]) -> Iterator[str]:
    if not any(step.kind in ("inequality", "cited") and step.relation for step in steps):
        return
    known = {r.right for r in granted if r.relation == "<=" and r.left == w.word(0)}
    used = {x for x in stated_nodes(steps) if isinstance(x, w.Scalar) and x.nonnegative}
    for s in sorted(used - known, key=lambda s: s.name):
        yield (
            f"the scalar {s.name!r} is taken for nonnegative, which no assumption grants; add an "
            f"Assumption with relations=(Relation(word(0), '<=', {s.name}),)"
        )


def _symmetries(steps: tuple[Step, ...], granted: list[w.Relation]) -> Iterator[str]:
    equations = [r for r in granted if r.relation == "=" and r.left.shape is not None]
    known = {r.right for r in equations if r.left == w.Transpose(r.right)}
    used = {x for x in stated_nodes(steps) if isinstance(x, w.Symbol) and x.symmetric}
    for s in sorted(used - known, key=lambda s: s.name):
        yield (
            f"the matrix {s.name!r} is taken for symmetric, which no assumption grants; add an "
            f"Assumption with relations=(Relation({s.name}.T, '=', {s.name}),)"
        )


def _divisors(steps: tuple[Step, ...]) -> Iterator[str]:
    """Identities with divisors are refused by the second engine; nothing else looks for zero."""
    for number, step in enumerate(steps, start=1):
        if step.kind == "identity" and step.rule != "assumption":
            continue
        for side in _sides(step):
            for x in parts(side):
                if isinstance(x, w.Inverse) or (isinstance(x, w.Power) and x.exponent < 0):
                    yield f"line {number} divides: nothing shows that {text(x)} exists"


def _clashes(steps: tuple[Step, ...]) -> Iterator[str]:
    """Names given to expressions that stand for another thing too; nobody could tell them apart."""
    meaning: dict[str, set[w.Word]] = {}
    named = set()
    for x in stated_nodes(steps):
        if isinstance(x, w.Named):
            named.add(x.name)
            meaning.setdefault(x.name, set()).add(x.body)
        elif isinstance(x, w.Symbol | w.Scalar):
            meaning.setdefault(x.name, set()).add(x)
        elif isinstance(x, w.Number):
            meaning.setdefault(str(x.value), set()).add(x)
    for name in sorted(name for name in named if not any(c.isalpha() for c in name)):
        yield f"the name {name!r} has no letter and reads as a number; rename it"
    for name in sorted(name for name in named if len(meaning[name]) > 1):
        yield f"the name {name!r} stands for two different things; rename one"
