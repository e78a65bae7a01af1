"""Linear relations between the entries of a flow that hold for all time, found exactly.

The smallest affine space y0 + V with F(y0 + V) in V holds the flow. Entries that stay zero, rows
that stay proportional, a start on a cone: rounding would leave such a space, and near a saddle
what has left grows beyond bound. So every step is put back. V is found modulo a large prime from
values of F at random points, and its basis is lifted to rational numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from random import Random
from typing import Any

import flint
import numpy as np

from lora_proofs.arithmetic.exact import rational
from lora_proofs.errors import BadInput
from lora_proofs.integrate.layout import Layout
from lora_proofs.integrate.series import ball_value
from lora_proofs.integrate.tape import Tape, run

PRIME = 2**521 - 1
WORD = 2**61 - 1
"""A prime to see at little cost that the space is everything: rank is no larger modulo a prime."""
HEIGHT = 2**128
"""What a random residue would exceed: so a smaller fraction is no accident."""
LARGEST = 200
Terms = tuple[tuple[int, Any], ...]
Relation = tuple[int, Any, Terms]


@dataclass(frozen=True)
class Hull:
    """``relations``: entry j is a constant plus multiples of entries that are ``free``."""

    layout: Layout
    free: tuple[int, ...]
    relations: tuple[Relation, ...]

    def in_balls(self) -> Hull:
        """The same with balls for fractions, at the precision in force."""
        relations = tuple(
            (j, _ball(constant), tuple((i, _ball(x)) for i, x in terms))
            for j, constant, terms in self.relations
        )
        return Hull(self.layout, self.free, relations)

    def expand(self, free: list[Any]) -> list[Any]:
        """The whole row of a state from its free entries."""
        if not self.relations:
            return free
        row: list[Any] = [None] * self.layout.size
        for i, x in zip(self.free, free, strict=True):
            row[i] = x
        for j, constant, terms in self.relations:
            row[j] = sum((row[i] * factor for i, factor in terms), constant).mid()
        return row

    def restrict(self, state: dict[Any, Any]) -> list[Any]:
        """The free entries of a state."""
        row = self.layout.row(state)
        return [row[i] for i in self.free]

    def put_back(self, state: dict[Any, Any]) -> dict[Any, Any]:
        """The state with its dependent entries computed from the others."""
        return self.layout.state(self.expand(self.restrict(state)))

    def slopes(self) -> Any:
        """The float64 matrix (entries, free entries) of derivatives of ``expand``."""
        out = np.zeros((self.layout.size, len(self.free)))
        place = {i: k for k, i in enumerate(self.free)}
        out[list(self.free), range(len(self.free))] = 1
        for j, _, terms in self.relations:
            for i, factor in terms:
                out[j, place[i]] = float(factor)
        return out


def affine_hull(tape: Tape, values: Mapping[Any, Any]) -> Hull:
    """The relations of a flow; none where the data are not exact or the field is no polynomial."""
    layout = Layout.of(tape.outputs, {s: ball_value(values[s]) for s in tape.outputs})
    none = Hull(layout, tuple(range(layout.size)), ())
    if layout.size > LARGEST or any(node.op == "gradient" for node in tape.nodes):
        return none
    try:
        start = [rational(x) for s, _, shape in layout.parts for x in _flat(values[s], shape)]
        if _Field(tape, layout, values, WORD).fill(start):
            return none
        basis = _Field(tape, layout, values, PRIME).directions(start)
    except (BadInput, ZeroDivisionError):
        return none
    free = [next(i for i, x in enumerate(row) if x) for row in basis]
    relations = []
    for j in sorted(set(range(layout.size)) - set(free)):
        factors = [(i, _lift(int(row[j]))) for i, row in zip(free, basis, strict=True)]
        if any(factor is None for _, factor in factors):
            return none
        terms = tuple((i, factor) for i, factor in factors if factor)
        constant = start[j] - sum((start[i] * x for i, x in terms), Fraction(0))
        relations.append((j, constant, terms))
    return Hull(layout, tuple(sorted(free)), tuple(relations))


@dataclass(frozen=True, eq=False)
class _Residues:
    """The arithmetic modulo the prime, as far as a tape asks for it."""

    ctx: Any

    def number(self, value: Any) -> Any:
        x = rational(value)
        return self.ctx(x.numerator) / self.ctx(x.denominator)

    def matrix(self, rows: Any) -> Any:
        out = np.empty((len(rows), len(rows[0])), dtype=object)
        out.reshape(-1)[:] = [self.number(x) for row in rows for x in row]
        return out

    def zeros(self, rows: int, columns: int) -> Any:
        return self.matrix([[0] * columns] * rows)

    def identity(self, size: int) -> Any:
        return self.matrix([[int(i == j) for j in range(size)] for i in range(size)])


class _Field:
    def __init__(self, tape: Tape, layout: Layout, values: Mapping[Any, Any], prime: int) -> None:
        self.tape, self.layout, self.prime = tape, layout, prime
        self.ctx = _Residues(flint.fmpz_mod_ctx(prime))
        self.values = {
            k: self.ctx.matrix(v) if isinstance(v, np.ndarray | list | tuple) else self._scalar(v)
            for k, v in values.items()
        }

    def _scalar(self, value: Any) -> Any:
        return value if hasattr(value, "gradient") else self.ctx.number(value)

    def rate(self, row: list[Any]) -> list[Any]:
        """F at a row of residues."""
        here = {}
        for symbol, where, shape in self.layout.parts:
            here[symbol] = _array(row[where], shape) if shape else row[where][0]
        found = run(self.tape, {**self.values, **here}, self.ctx)  # type: ignore[arg-type]
        return [x for s, _, shape in self.layout.parts for x in _flat(found[s], shape)]

    def fill(self, start: list[Fraction]) -> bool:
        """Whether rates at as many points of start + V as there are entries are independent."""
        random, size = Random(61), len(start)
        origin = np.array([self.ctx.number(x) for x in start], dtype=object)
        rows: list[Any] = []
        for _ in range(size):
            point = origin
            if rows:
                factors = [self.ctx.ctx(random.randrange(self.prime)) for _ in rows]
                point = origin + np.array(factors, dtype=object) @ np.array(rows, dtype=object)
            rows.append(self.rate(list(point)))
        found = [[int(x) for x in row] for row in rows]
        return bool(flint.nmod_mat(found, self.prime).rank() == size)

    def directions(self, start: list[Fraction]) -> list[list[Any]]:
        """A reduced echelon basis of the smallest V with F(start + V) in V."""
        random = Random(521)
        origin = [self.ctx.number(x) for x in start]
        basis: list[list[Any]] = []
        while len(basis) < len(start):
            point = list(origin)
            for row in basis:
                r = self.ctx.ctx(random.randrange(PRIME))
                point = [x + r * y for x, y in zip(point, row, strict=True)]
            if not _insert(basis, self.rate(point)):
                return basis
        return basis


def _insert(basis: list[list[Any]], row: list[Any]) -> bool:
    """Add a row to a reduced echelon basis; false where it depends on it."""
    for other in basis:
        lead = next(i for i, x in enumerate(other) if x)
        if row[lead]:
            factor = row[lead]
            row = [x - factor * y for x, y in zip(row, other, strict=True)]
    lead = next((i for i, x in enumerate(row) if x), -1)
    if lead < 0:
        return False
    inverse = 1 / row[lead]
    row = [x * inverse for x in row]
    for k, other in enumerate(basis):
        factor = other[lead]
        basis[k] = [x - factor * y for x, y in zip(other, row, strict=True)]
    basis.append(row)
    return True


def _lift(residue: int) -> Fraction | None:
    """The fraction of small height that has this residue, or ``None``."""
    a, b, u, v = PRIME, residue, 0, 1
    while b > isqrt(PRIME):
        q = a // b
        a, b, u, v = b, a - q * b, v, u - q * v
    return Fraction(b, v) if v and max(abs(b), abs(v)) < HEIGHT else None


def _flat(value: Any, shape: tuple[int, int] | None) -> list[Any]:
    return [x for row in value for x in row] if shape else [value]


def _array(row: list[Any], shape: tuple[int, int]) -> Any:
    out = np.empty(shape, dtype=object)
    out.reshape(-1)[:] = row
    return out


def _ball(x: Fraction) -> Any:
    return flint.arb(flint.fmpq(x.numerator, x.denominator))
