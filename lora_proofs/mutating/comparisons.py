"""Mutants of what a check compares: the sides of its comparisons, their relations, their order.

A check is evaluated once on an instance for all of them. Every operator turns the comparisons of
one label into stronger or different ones; to weaken a bound makes nothing false.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import (
    Arithmetic,
    Comparison,
    at_most,
    below,
    equal,
)
from lora_proofs.arithmetic.context import scaled
from lora_proofs.judging.evaluation import MEASURED
from lora_proofs.language.claim import Check
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mutating.mutant import Inapplicable, Kept, Mutant

HUNDREDTH = flint.fmpq(1, 100)
_DIGITS = re.compile(r"\d+")

Group = Sequence[Comparison]
"""The comparisons of one label on one instance, in the check's order."""


def label_of(comparison: Comparison) -> str:
    """A comparison's label with numbers left out, so that a family of labels is one place.

    >>> label_of(at_most("sigma_12 of E", 1, 2))
    'sigma_# of E'
    """
    return family(comparison.label)


def family(label: str) -> str:
    """A label with numbers left out."""
    return _DIGITS.sub("#", label)


def groups(found: Iterable[Comparison]) -> dict[str, list[Comparison]]:
    """The comparisons by label; what is only measured beside the theorem is left out."""
    out: dict[str, list[Comparison]] = {}
    for c in found:
        if not c.label.startswith(MEASURED):
            out.setdefault(label_of(c), []).append(c)
    return out


def smaller(c: Comparison) -> Any:
    """The side that is claimed to be the smaller one (of an equality the left one)."""
    return c.right if c.relation == ">=" else c.left


def larger(c: Comparison) -> Any:
    """The side that is claimed to be the larger one (of an equality the right one)."""
    return c.left if c.relation == ">=" else c.right


def compared(relation: str, label: str, low: Any, high: Any) -> Comparison:
    """The comparison of two sides by a relation, the smaller side first."""
    by = {"<": below, "<=": at_most, ">=": at_most, "=": equal}[relation]
    return by(label, low, high)


def is_whole(x: Any) -> bool:
    """Whether a side is a whole number beyond doubt."""
    return isinstance(x, flint.fmpq) and x.q == 1


def is_bound(group: Group) -> bool:
    """Whether all of them are inequalities of numbers."""
    return all(c.relation != "=" for c in group)


def has_constant(group: Group) -> bool:
    """Whether they are inequalities with two sides: to scale x in 0 < x says the same again."""
    return is_bound(group) and not all(c.left == 0 or c.right == 0 for c in group)


def has_real_constant(group: Group) -> bool:
    """Whether they have two sides, of which some are no whole numbers."""
    return has_constant(group) and not is_count(group)


def is_count(group: Group) -> bool:
    """Whether all of them are inequalities of whole numbers: of ranks, counts, indices."""
    return is_bound(group) and all(is_whole(c.left) and is_whole(c.right) for c in group)


def is_equality(group: Group) -> bool:
    """Whether all of them are equalities."""
    return all(c.relation == "=" for c in group)


def is_of_numbers(group: Group) -> bool:
    """Whether all of them compare numbers."""
    return not any(isinstance(c.left, np.ndarray) for c in group)


def is_of_matrices(group: Group) -> bool:
    """Whether all of them compare matrices."""
    return all(np.ndim(c.left) == 2 for c in group)


def is_equality_of_numbers(group: Group) -> bool:
    """Whether all of them are equalities of numbers."""
    return is_equality(group) and is_of_numbers(group)


def is_equality_of_matrices(group: Group) -> bool:
    """Whether all of them are equalities of matrices."""
    return is_equality(group) and is_of_matrices(group)


def is_family(group: Group) -> bool:
    """Whether one instance gives several of them, as for the singular values."""
    return len(group) > 1


Sides = tuple[Any, Any]


@dataclass(frozen=True)
class Operator:
    """A slip on single comparisons: what it says, where it can be made, and what it makes."""

    name: str
    says: str
    fits: Callable[[Group], bool]
    sides: Callable[[Any, Any, Arithmetic], Sides]
    relation: str = ""
    needs: Callable[[Group], bool] = bool
    """What has to be so on one instance at least, where ``fits`` has to be so on all."""

    def on(self, group: Group, ctx: Arithmetic) -> list[Comparison]:
        """The comparisons with the slip."""
        return [self._one(c, ctx) for c in group]

    def _one(self, c: Comparison, ctx: Arithmetic) -> Comparison:
        low, high = self.sides(smaller(c), larger(c), ctx)
        return compared(self.relation or c.relation, c.label, low, high)


def _size(x: Any) -> Any:
    return abs(x)


def _root(x: Any, ctx: Arithmetic) -> Any:
    if x < 0:
        raise Inapplicable("a root of a negative number")
    return ctx.sqrt(x)


def _turned(X: Any) -> Any:
    if X.shape[0] != X.shape[1]:
        raise Inapplicable("a transpose of another shape")
    return X.mT


def _moved(X: Any) -> Any:
    out = X.copy()
    out.flat[-1] = out.flat[-1] + 1
    return out


def _tenth(x: Any) -> Any:
    return scaled(flint.fmpq(1, 10), x)


def _percent(x: Any) -> Any:
    return scaled(HUNDREDTH, x)


OPERATORS = (
    Operator("strict", "`<=` became `<`", is_bound, lambda a, b, ctx: (a, b), "<"),
    Operator(
        "r - 1", "the bound on a rank or a count is one less", is_count,
        lambda a, b, ctx: (a, b - 1),
    ),
    Operator(
        "r + 1", "one more than the rank or count is claimed to be within its bound", is_count,
        lambda a, b, ctx: (a + 1, b),
    ),
    Operator(
        "0.99", "the larger side is one per cent less", is_bound,
        lambda a, b, ctx: (a, b - _percent(_size(b))),
        needs=has_constant,
    ),
    Operator(
        "1.01", "the smaller side is one per cent more", is_bound,
        lambda a, b, ctx: (a + _percent(_size(a)), b),
        needs=has_constant,
    ),
    Operator("direction", "`<=` became `>=`", is_bound, lambda a, b, ctx: (b, a)),
    Operator("sign", "the larger side has the other sign", is_bound, lambda a, b, ctx: (a, -b)),
    Operator(
        "square root", "the larger side is replaced by its square root",
        is_bound, lambda a, b, ctx: (a, _root(b, ctx)),
        needs=has_real_constant,
    ),
    Operator(
        "square", "the larger side is replaced by its square",
        is_bound, lambda a, b, ctx: (a, b * b),
        needs=has_real_constant,
    ),
    Operator("equality", "`<=` became `=`", is_bound, lambda a, b, ctx: (a, b), "="),
    Operator(
        "0.99", "the right side times 0.99", is_equality,
        lambda a, b, ctx: (a, b - _percent(b)),
    ),
    Operator(
        "1.01", "the right side times 1.01", is_equality,
        lambda a, b, ctx: (a, b + _percent(b)),
    ),
    Operator("sign", "the right side has the other sign", is_equality, lambda a, b, ctx: (a, -b)),
    Operator(
        "transpose", "the right side is transposed", is_equality_of_matrices,
        lambda a, b, ctx: (a, _turned(b)),
    ),
    Operator(
        "rows reversed", "the rows of the right side are reversed", is_equality_of_matrices,
        lambda a, b, ctx: (a, b[::-1]),
    ),
    Operator(
        "one entry", "the last entry of the right side is one more", is_equality_of_matrices,
        lambda a, b, ctx: (a, _moved(b)),
    ),
    Operator(
        "square", "the right side is squared", is_equality_of_numbers,
        lambda a, b, ctx: (a, b * b),
    ),
    Operator(
        "square root", "the right side is replaced by its square root", is_equality_of_numbers,
        lambda a, b, ctx: (a, _root(b, ctx)),
    ),
    Operator(
        "strict", "`=` became `<`", is_equality_of_numbers, lambda a, b, ctx: (a, b), "<",
    ),
    Operator(
        "r + 1", "the right side is one more", is_equality_of_numbers,
        lambda a, b, ctx: (a, b + 1),
    ),
    Operator(
        "r - 1", "the right side is one less", is_equality_of_numbers,
        lambda a, b, ctx: (a, b - 1),
    ),
    Operator(
        "0.999", "the right side times 0.999", is_equality,
        lambda a, b, ctx: (a, b - _percent(_tenth(b))),
    ),
    Operator(
        "halved", "the larger side is halved", is_bound,
        lambda a, b, ctx: (a, b - 50 * _percent(_size(b))),
        needs=has_constant,
    ),
    Operator(
        "halved", "the right side is halved", is_equality,
        lambda a, b, ctx: (a, b - _percent(scaled(flint.fmpq(50), b))),
    ),
    Operator(
        "doubled", "the right side is doubled", is_equality, lambda a, b, ctx: (a, b + b),
    ),
    Operator(
        "doubled", "the smaller side is doubled", is_bound,
        lambda a, b, ctx: (a + _size(a), b),
        needs=has_constant,
    ),
    Operator(
        "0.999", "the larger side is one thousandth less", is_bound,
        lambda a, b, ctx: (a, b - _percent(_tenth(_size(b)))),
        needs=has_constant,
    ),
    Operator("added", "the smaller side is added to itself and 1", is_bound,
             lambda a, b, ctx: (a + abs(a) + 1, b)),
)  # fmt: skip


@dataclass(frozen=True)
class Shift:
    """The larger sides of a family moved by one index, as sigma_(i+1) for sigma_i."""

    by: int
    name: str
    says: str

    def on(self, group: Group, ctx: Arithmetic) -> list[Comparison]:
        """The comparisons whose partner exists."""
        low, high = [smaller(c) for c in group], [larger(c) for c in group]
        kept = slice(0, -1) if self.by > 0 else slice(1, None)
        partners = high[1:] if self.by > 0 else high[:-1]
        pairs = zip(group[kept], low[kept], partners, strict=True)
        return [
            compared(c.relation, c.label, a, b) for c, a, b in pairs if np.shape(a) == np.shape(b)
        ]


SHIFTS = (
    Shift(1, "index + 1", "each larger side is that of the next index"),
    Shift(-1, "index - 1", "each larger side is that of the index before"),
)


def comparison_mutants(kept: Kept, probes: Iterable[tuple[Comparison, ...]]) -> list[Mutant]:
    """The mutants of a check's comparisons, of which ``probes`` are those on a few instances."""
    seen = _seen(probes)
    out = [mutant for label, met in seen.items() for mutant in _of_label(kept, label, met)]
    return [*out, *_swaps(kept, seen)]


def spare_mutants(
    kept: Kept, probes: Iterable[tuple[Comparison, ...]], operators: Sequence[Operator]
) -> list[Mutant]:
    """The mutants of a check's comparisons by other operators."""
    found = _seen(probes).items()
    return [m for label, met in found for m in _by_operators(kept, label, met, operators)]


def _seen(probes: Iterable[tuple[Comparison, ...]]) -> dict[str, list[Group]]:
    """By label, the comparisons on each instance that has any."""
    seen: dict[str, list[Group]] = {}
    for found in probes:
        for label, group in groups(found).items():
            seen.setdefault(label, []).append(group)
    return seen


def _by_operators(
    kept: Kept, label: str, met: Sequence[Group], operators: Sequence[Operator]
) -> Iterable[Mutant]:
    for operator in operators:
        if all(map(operator.fits, met)) and any(map(operator.needs, met)):
            yield _mutant(kept, operator.name, operator.says, label, operator.on)


def _of_label(kept: Kept, label: str, met: Sequence[Group]) -> Iterable[Mutant]:
    yield from _by_operators(kept, label, met, OPERATORS)
    if any(is_family(group) for group in met):
        for shift in SHIFTS:
            yield _mutant(kept, shift.name, shift.says, label, shift.on)


Mutate = Callable[[Group, Arithmetic], list[Comparison]]


def _mutant(kept: Kept, name: str, says: str, label: str, mutate: Mutate) -> Mutant:
    def check(instance: Instance, ctx: Arithmetic) -> list[Comparison]:
        group = groups(kept(instance, ctx)).get(label)
        if not group:
            raise Inapplicable(f"no comparison is labelled {label!r}")
        return mutate(group, ctx)

    return Mutant("comparison", name, label, f"{says} in {label!r}", check, _only(kept, (label,)))


def _only(kept: Kept, labels: Sequence[str]) -> Check:
    """The original's comparisons of some labels."""

    def check(instance: Instance, ctx: Arithmetic) -> list[Comparison]:
        found = groups(kept(instance, ctx))
        return [c for label in labels for c in found.get(label, ())]

    return check


def _swaps(kept: Kept, seen: dict[str, list[Group]]) -> Iterable[Mutant]:
    """The larger sides of two labels exchanged, as A for B."""
    labels = list(seen)
    for one, two in pairwise(labels):
        yield _swap(kept, one, two)


def _swap(kept: Kept, one: str, two: str) -> Mutant:
    def check(instance: Instance, ctx: Arithmetic) -> list[Comparison]:
        found = groups(kept(instance, ctx))
        pairs = list(zip(found.get(one, ()), found.get(two, ()), strict=False))
        fitting = [(c, d) for c, d in pairs if np.shape(larger(c)) == np.shape(larger(d))]
        if not fitting:
            raise Inapplicable("the sides have different shapes")
        exchanged = [compared(c.relation, c.label, smaller(c), larger(d)) for c, d in fitting]
        return [
            *exchanged,
            *(compared(d.relation, d.label, smaller(d), larger(c)) for c, d in fitting),
        ]

    place, says = f"{one} / {two}", f"the larger sides of {one!r} and {two!r} are exchanged"
    return Mutant("comparison", "swap", place, says, check, _only(kept, (one, two)))
