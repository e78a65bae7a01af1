"""Running a check on an instance so that what it computed becomes a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic import Arithmetic, Comparison, entries, equal
from lora_proofs.arithmetic.comparison import plainly
from lora_proofs.arithmetic.exact import fmpq
from lora_proofs.arithmetic.recorded import bare
from lora_proofs.certificates.program import Side
from lora_proofs.certificates.recording import CURRENT, Entry, recording
from lora_proofs.certificates.tape import Tape, Untraceable
from lora_proofs.certificates.traced import OTHER, Traced, traced
from lora_proofs.mathematics.instance import Instance

Check = Callable[[Instance, Arithmetic], Iterable[Comparison]]


@dataclass(frozen=True)
class Run:
    """A check that was recorded: its tape, its comparisons as nodes, the branches it took."""

    tape: Tape
    compared: tuple[Side, ...]
    failing: tuple[Side, ...]
    branches: tuple[Side, ...]

    @property
    def left(self) -> str:
        """How numbers of the instance left the record, to decide anything; empty if none did."""
        return self.tape.left


def trace(check: Check, instance: Instance, ctx: Arithmetic, told: Iterable[Comparison]) -> Run:
    """Run a check once more, recorded; ``told`` is what it said without a record.

    Everything that is computed from the instance is followed; where that cannot be, only what the
    check's own arithmetic does. Raises ``Untraceable`` where neither can, or where the recorded
    run says anything else than the one before.
    """
    lost = []
    for keeps in (True, False):
        tape = Tape(keeps)
        try:
            return _run(tape, check, instance, ctx, tuple(told))
        except RecursionError:
            lost.append("it recurses too deeply")
        except Exception as error:
            lost.append(f"{type(error).__name__}: {error}")
    raise Untraceable(f"the check cannot be followed: {lost[-1]}")


def _run(
    tape: Tape, check: Check, instance: Instance, ctx: Arithmetic, told: tuple[Comparison, ...]
) -> Run:
    own = recording(ctx, tape)
    token = CURRENT.set(tape)
    try:
        with own.working():
            return _recorded_run(tape, check, recorded(instance, tape), own, told)
    finally:
        CURRENT.reset(token)


def _recorded_run(
    tape: Tape, check: Check, instance: Instance, ctx: Arithmetic, told: tuple[Comparison, ...]
) -> Run:
    found = tuple(check(instance, ctx))
    if len(found) != len(told) or not all(
        _agree(tape, c, other) for c, other in zip(found, told, strict=True)
    ):
        raise Untraceable("the recorded run says something else than the run before it")
    sides = [side for c in found for side in _sides(tape, c)]
    facts = tuple((a, relation, b, "branch") for a, relation, b in tape.branches)
    compared = tuple(side for side, _ in sides)
    return Run(tape, compared, tuple(side for side, fails in sides if fails), facts)


def _agree(tape: Tape, c: Comparison, told: Comparison) -> bool:
    """Whether two comparisons say the same; a shared operation may leave balls a little smaller."""
    found = (label_of(tape, c), c.relation, plainly(c, "outcome"))
    same = found == (told.label, told.relation, told.outcome)
    return same and c.rigorous and _meet(c.left, told.left) and _meet(c.right, told.right)


def label_of(tape: Tape, c: Comparison) -> str:
    """The label as the plain run has it."""
    return tape.untold(c.label)


def _meet(a: Any, b: Any) -> bool:
    pairs = list(zip(entries(a), entries(b), strict=True))
    return all(flint.arb(bare(x)).overlaps(flint.arb(bare(y))) for x, y in pairs)


def recorded(instance: Instance, tape: Tape, prefix: str = "") -> Instance:
    """The instance with entries that are inputs of the tape."""
    fields = {key: _field(value, tape, f"{prefix}{key}") for key, value in instance.fields}
    return Instance(regimes=instance.regimes, **fields)


def _field(value: Any, tape: Tape, name: str) -> Any:
    if isinstance(value, Instance):
        return recorded(value, tape, f"{name}.")
    if isinstance(value, Fraction):
        return _entry(value, tape, name)
    if isinstance(value, str):
        return value
    return tuple(
        tuple(_entry(x, tape, name, i, j) for j, x in enumerate(row)) for i, row in enumerate(value)
    )


def _entry(value: Fraction, tape: Tape, name: str, *place: int) -> Fraction:
    if tape.keeps:
        found: Fraction = traced(tape, tape.put(("input", name, *place), fmpq(value)))
        return found
    entry = Entry(value)
    entry.name, entry.place = name, place
    return entry


def inputs(instance: Instance, prefix: str = "") -> dict[str, Any]:
    """The numbers and matrices of an instance by the names that a program gives them."""
    found: dict[str, Any] = {}
    for key, value in instance.fields:
        if isinstance(value, Instance):
            found |= inputs(value, f"{prefix}{key}.")
        elif not isinstance(value, str):
            found[f"{prefix}{key}"] = value
    return found


def _sides(tape: Tape, c: Comparison) -> Iterator[tuple[Side, bool]]:
    """The comparison as nodes, with whether it fails: of a matrix, one for each entry."""
    if not isinstance(c.left, np.ndarray) and not isinstance(c.right, np.ndarray):
        if c.stated:
            raise Untraceable(f"the comparison {c.label!r} states an error bound of its own")
        side = _side(tape, c.left, c.relation, c.right, label_of(tape, c))
        yield side, plainly(c, "outcome") == "fails"
        return
    left, right = np.asarray(c.left), np.asarray(c.right)
    for place in np.ndindex(*left.shape):
        label = label_of(tape, c) + "".join(f"[{i + 1}]" for i in place)
        fails = plainly(equal(label, left[place], right[place]), "outcome") == "fails"
        yield _side(tape, left[place], c.relation, right[place], label), fails


def _side(tape: Tape, left: Any, relation: str, right: Any, label: str) -> Side:
    return _node(tape, left), relation, _node(tape, right), label


def _node(tape: Tape, value: Any) -> int:
    if isinstance(value, Traced):
        if value.tape is not tape:
            raise Untraceable(OTHER)
        return value.index
    found = tape.enter(value)
    if found is None:
        raise Untraceable(f"a side of a comparison is a {type(value).__name__}")
    return found
