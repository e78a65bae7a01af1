"""Mutants of what is derived: the words of a claim's conclusion, with one slip in one relation.

They are evaluated on instances through the claim's ``interpret``, like the derived lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from lora_proofs.arithmetic import Arithmetic, Comparison, at_most, equal
from lora_proofs.errors import NotUnderstood, ShapeMismatch
from lora_proofs.language.claim import Check, Claim
from lora_proofs.mathematics import words as w
from lora_proofs.mathematics.evaluate import evaluate
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating.mutant import Candidate, Inapplicable, Kept, Mutant
from lora_proofs.symbolic.differential import expand

LESS, MORE = Fraction(99, 100), Fraction(101, 100)
Spot = tuple[int | str, ...]
"""The way from a side of a relation to a part of it."""


@dataclass(frozen=True)
class WordSlip:
    """A slip on words: ``at`` is what to put in the place of an expression, or ``None``."""

    name: str
    says: str
    at: Callable[[Any], w.Word | None]


def _transposed(e: Any) -> w.Word | None:
    if isinstance(e, w.Transpose):
        return e.body
    return w.Transpose(e) if isinstance(e, w.Symbol) and not e.symmetric else None


def _signed(e: Any) -> w.Word | None:
    if not isinstance(e, w.Sum) or len(e.terms) < 2:
        return None
    return w.Sum((*e.terms[:-1], -e.terms[-1]))


def _without_last(e: Any) -> w.Word | None:
    return w.Sum(e.terms[:-1]) if isinstance(e, w.Sum) and len(e.terms) > 1 else None


def _without_first(e: Any) -> w.Word | None:
    return w.Sum(e.terms[1:]) if isinstance(e, w.Sum) and len(e.terms) > 1 else None


def _turned_product(e: Any) -> w.Word | None:
    if not isinstance(e, w.Product) or len(e.factors) != 2:
        return None
    return w.Product((e.factors[1], e.factors[0]))


def _lower(e: Any) -> w.Word | None:
    if not isinstance(e, w.Power) or e.exponent < 2:
        return None
    return e.base if e.exponent == 2 else w.Power(e.base, e.exponent - 1)


def _higher(e: Any) -> w.Word | None:
    return w.Power(e.base, e.exponent + 1) if isinstance(e, w.Power) and e.exponent > 0 else None


def _other_norm(e: Any) -> w.Word | None:
    if not isinstance(e, w.Norm) or len(e.blocks) != 1:
        return None
    return w.Norm("2" if e.kind == "F" else "F", e.blocks)


def _size_less(e: Any) -> w.Word | None:
    return e - 1 if isinstance(e, w.Size) else None


def _size_more(e: Any) -> w.Word | None:
    return e + 1 if isinstance(e, w.Size) else None


def _constant_less(e: Any) -> w.Word | None:
    return w.Number(e.value * LESS) if isinstance(e, w.Number) and e.value else None


def _constant_more(e: Any) -> w.Word | None:
    return w.Number(e.value * MORE) if isinstance(e, w.Number) and e.value else None


def _factor_dropped(e: Any) -> w.Word | None:
    return e.body if isinstance(e, w.Scaled) and not isinstance(e.scale, w.Number) else None


SLIPS = (
    WordSlip("transpose", "a transpose is dropped or added", _transposed),
    WordSlip("sign", "the last term of a sum has the other sign", _signed),
    WordSlip("term dropped", "the last term of a sum is dropped", _without_last),
    WordSlip("constant times 0.99", "a constant times 0.99", _constant_less),
    WordSlip("square dropped", "a power is one lower", _lower),
    WordSlip("r - 1", "a size is one less", _size_less),
    WordSlip("r + 1", "a size is one more", _size_more),
    WordSlip("constant times 1.01", "a constant times 1.01", _constant_more),
    WordSlip("factors swapped", "the factors of a product are exchanged", _turned_product),
    WordSlip("other norm", "the Frobenius norm for the operator norm, or the reverse", _other_norm),
    WordSlip("first term dropped", "the first term of a sum is dropped", _without_first),
    WordSlip("power one higher", "a power is one higher", _higher),
    WordSlip("factor dropped", "a scalar factor is dropped", _factor_dropped),
)


def parts(expression: Any, spot: Spot = ()) -> Iterator[tuple[Spot, Any]]:
    """Every part of an expression with the way to it, from the outside inwards."""
    if isinstance(expression, w.Word):
        yield spot, expression
    for name, value in _children(expression):
        yield from parts(value, (*spot, name))


def _children(value: Any) -> Iterator[tuple[int | str, Any]]:
    if isinstance(value, tuple):
        yield from enumerate(value)
    elif isinstance(value, w.Word) and is_dataclass(value):
        yield from ((f.name, getattr(value, f.name)) for f in fields(value))


def put(expression: Any, spot: Spot, new: Any) -> Any:
    """The expression with another part at a spot; ``ShapeMismatch`` where it does not fit."""
    if not spot:
        return new
    name, rest = spot[0], spot[1:]
    if isinstance(expression, tuple):
        assert isinstance(name, int)
        changed = put(expression[name], rest, new)
        return (*expression[:name], changed, *expression[name + 1 :])
    changed = {f.name: getattr(expression, f.name) for f in fields(expression)}
    changed[str(name)] = put(changed[str(name)], rest, new)
    return type(expression)(**changed)


def square(expression: Any) -> Any:
    """The expression with every dimension called n: its shapes fit, and only square ones mean it.

    >>> square(w.Symbol("A", "r", "m")).shape
    ('n', 'n')
    """
    if isinstance(expression, tuple):
        return tuple(square(part) for part in expression)
    if isinstance(expression, w.Loss):
        return w.Loss(expression.name, "n", "n", expression.latex, expression.gradient_latex)
    if isinstance(expression, w.Size):
        return w.Size("n") if isinstance(expression.name, str) else expression
    if not (isinstance(expression, w.Word) and is_dataclass(expression)):
        return expression
    told = {f.name: square(getattr(expression, f.name)) for f in fields(expression)}
    for name in ("rows", "columns", "size"):
        if isinstance(told.get(name), str):
            told[name] = "n"
    return type(expression)(**told)


def conclusion_candidates(claim: Claim) -> list[Candidate]:
    """The mutants of each relation that a claim's derivation ends in."""
    if claim.interpret is None:
        return []
    kept = Kept(claim.interpret)
    return [c for r in claim.conclusion for c in (*_whole(kept, r), *_within(kept, r))]


def _within(kept: Kept, relation: w.Relation) -> Iterator[Candidate]:
    """Slips in one part of one side."""
    for slip in SLIPS:
        count = 0
        for side in ("left", "right"):
            for spot, part in parts(getattr(relation, side)):
                if _is_place(slip, part):
                    count += 1
                    says = f"{slip.says}, {_ordinal(count)} place, {side}"
                    sides = partial(_changed, relation, side, spot, part, slip)
                    yield _candidate(kept, relation, sides, slip.name, f" #{count}", says)


def _is_place(slip: WordSlip, part: Any) -> bool:
    try:
        return slip.at(part) is not None
    except ShapeMismatch:
        return True  # perhaps in square shapes


def _ordinal(count: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(count, f"{count}th")


def _whole(kept: Kept, relation: w.Relation) -> Iterator[Candidate]:
    """Slips of a relation as a whole: of its constant and of its direction."""
    for name, factor in (("0.99", LESS), ("1.01", MORE)):
        if relation.relation == "=" or name == "0.99":
            found = (relation.left, relation.relation, factor * relation.right, plain)
            says = f"the right side times {name}"
            yield _candidate(kept, relation, lambda f=found: f, name, "", says)  # type: ignore[misc]
    if relation.relation == "<=":
        turned = (relation.right, "<=", relation.left, plain)
        says = "`<=` became `>=`"
        yield _candidate(kept, relation, lambda: turned, "direction", "", says)


View = Callable[[Any], Any]
Sides = tuple[Any, str, Any, View]


def plain(expression: Any) -> Any:
    """The expression as it is."""
    return expression


def _changed(
    relation: w.Relation, side: str, spot: Spot, part: Any, slip: WordSlip
) -> Sides | None:
    """The sides with the slip; in square shapes alone where it fits no others."""
    sides = {"left": relation.left, "right": relation.right}
    for view in (plain, square):
        try:
            new = slip.at(view(part))
            if new is None:
                return None
            told = {name: view(e) for name, e in sides.items()}
            told[side] = put(told[side], spot, new)
            w.Relation(told["left"], relation.relation, told["right"])
        except ShapeMismatch:
            continue
        return told["left"], relation.relation, told["right"], view
    return None


def _candidate(
    kept: Kept,
    relation: w.Relation,
    sides: Callable[[], Sides | None],
    name: str,
    where: str,
    says: str,
) -> Candidate:
    label = relation.label or "the conclusion"

    def make() -> Mutant:
        check = _check(kept, label, sides())
        reference = _check(kept, label, (relation.left, relation.relation, relation.right, plain))
        told = f"{says} in the derived {label!r}"
        return Mutant("conclusion", name, label + where, told, check, reference)

    return Candidate("conclusion", name, label + where, make)


def _check(kept: Kept, label: str, sides: Sides | None) -> Check:
    def check(instance: Instance, ctx: Arithmetic) -> Iterable[Comparison]:
        if sides is None:
            raise Inapplicable("the slip fits no shapes")
        left, relation, right, view = sides
        values = {view(key): value for key, value in kept(instance, ctx).items()}
        compare = equal if relation == "=" else at_most
        yield compare(label, _value(left, values, ctx), _value(right, values, ctx))

    return check


def _value(side: w.Word, values: Mapping[Any, Any], ctx: Any) -> Any:
    try:
        return evaluate(side, values, ctx)
    except NotUnderstood:
        return evaluate(expand(side), values, ctx)
