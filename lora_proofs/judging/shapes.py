"""Shape arithmetic: a matrix is its shape and bounds on its rank, and nothing else of it is known.

A comparison that is decided here follows from the shapes alone, whatever the entries are.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from lora_proofs.arithmetic import Comparison
from lora_proofs.judging.evaluation import MEASURED
from lora_proofs.judging.symbols import Form, Number, Opaque, World, holds
from lora_proofs.language.claim import Check
from lora_proofs.mathematics.instance import Instance


def follows_from_shapes(check: Check, instance: Instance, told: Iterable[str]) -> bool:
    """Whether every comparison holds whatever the entries of the instance's matrices are.

    ``told`` are the labels that the check gives on the instance itself: on shapes it has to say
    the same. Whole numbers of the instance are known, as shapes are; all other entries are not.

    >>> from lora_proofs import at_most
    >>> def bound(instance, ctx):
    ...     x = instance.lift(ctx)
    ...     yield at_most("rank BA", ctx.rank(x.B @ x.A), len(instance.A))
    >>> follows_from_shapes(bound, Instance(B=[[1], [2]], A=[[3, 4]]), ["rank BA"])
    True
    """
    world = World()
    try:
        shaped = of_shapes(world, instance)
        ctx: Any = ShapeArithmetic(world)  # its ranks are forms, not whole numbers
        found = [c for c in check(shaped, ctx) if isinstance(c, Comparison)]
        judged = [c for c in found if not c.label.startswith(MEASURED)]
        held = all(holds(world, c.left, c.relation, c.right) for c in judged)
    except (Opaque, Exception):
        return False
    return held and not world.left and bool(judged) and [c.label for c in found] == list(told)


def shape_of(instance: Instance) -> tuple[Any, ...]:
    """The shapes and the tags of an instance, by field; numbers are left out.

    >>> shape_of(Instance(A=[[1, 2]], h="1/2", loss="frobenius"))
    (('A', (1, 2)), ('h', 'number'), ('loss', 'frobenius'))
    """
    return tuple((name, _shape(value)) for name, value in instance.fields)


def _shape(value: Any) -> Any:
    if isinstance(value, Instance):
        return shape_of(value)
    if isinstance(value, tuple):
        return len(value), len(value[0])
    return "number" if isinstance(value, Fraction) else value


def whole_numbers(instance: Instance) -> tuple[Any, ...]:
    """The numbers of an instance that are whole and may count something.

    >>> whole_numbers(Instance(A=[[1, 2]], r=2, h="1/2"))
    (('r', Fraction(2, 1)),)
    """
    return tuple(
        (name, whole_numbers(value) if isinstance(value, Instance) else value)
        for name, value in instance.fields
        if isinstance(value, Instance) or (isinstance(value, Fraction) and value.denominator == 1)
    )


def has_matrices(instance: Instance) -> bool:
    """Whether an instance has a matrix with more than one entry."""
    return any(
        has_matrices(value)
        if isinstance(value, Instance)
        else isinstance(value, tuple) and (len(value) > 1 or len(value[0]) > 1)
        for _, value in instance.fields
    )


def of_shapes(world: World, instance: Instance) -> Instance:
    """The instance with entries that nobody can look at."""
    shaped = object.__new__(_Shapes)
    fields = tuple((name, _blank(world, value)) for name, value in instance.fields)
    for name, value in (("fields", fields), ("regimes", instance.regimes), ("_world", world)):
        object.__setattr__(shaped, name, value)
    return shaped


class _Shapes(Instance):
    """An instance of shapes; lifted, its numbers are unknown."""

    _world: World

    def _asked(self, *values: Any) -> NoReturn:
        self._world.asked("the text of an instance")

    __repr__ = __hash__ = __eq__ = to_json = _asked


def _blank(world: World, value: Any) -> Any:
    if isinstance(value, Instance):
        return of_shapes(world, value)
    if isinstance(value, tuple):
        return tuple(tuple(_Blank(world.unknown()) for _ in row) for row in value)
    if isinstance(value, str):
        return value
    # Whole numbers count things (a rank, steps, layers), as shapes do.
    return value if value.denominator == 1 else _Blank(world.unknown())


class _Blank(Fraction):
    """An entry that only an arithmetic may take, which knows nothing of it."""

    unknown: Number

    def __new__(cls, unknown: Number) -> _Blank:
        self = super().__new__(cls, 0)
        self.unknown = unknown
        return self

    def _asked(self, *values: Any) -> NoReturn:
        self.unknown.world.asked("an entry")

    numerator = denominator = property(_asked)


_LOOKS = (
    *("eq", "lt", "le", "gt", "ge", "bool", "hash", "int", "float", "abs", "neg", "pos", "round"),
    *("floor", "ceil", "trunc", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv"),
    *("pow", "rpow", "mod", "rmod", "floordiv", "rfloordiv", "divmod", "rdivmod"),
    *("repr", "str", "format", "copy", "deepcopy", "reduce"),
)
for _name in _LOOKS:
    setattr(_Blank, f"__{_name}__", _Blank._asked)


class Shaped(Number):
    """A matrix: its shape, and its rank as a form."""

    is_matrix = True

    def __init__(self, world: World, shape: tuple[int, int], rank: Form) -> None:
        super().__init__(world, Form())
        self.shape, self.rank = shape, rank

    @classmethod
    def bounded(cls, world: World, shape: tuple[int, int], *upper: Form, lower: Any = ()) -> Shaped:
        """A matrix whose rank lies below each of these, and below both numbers of its shape."""
        bounds = (*upper, Form({}, shape[0]), Form({}, shape[1]))
        return cls(world, shape, world.symbol([Form(), *lower], bounds))

    @property
    def T(self) -> Shaped:
        """The transpose, of the same rank."""
        return Shaped(self.world, (self.shape[1], self.shape[0]), self.rank)

    def __matmul__(self, other: Any) -> Shaped:
        if not isinstance(other, Shaped) or self.shape[1] != other.shape[0]:
            self.world.asked("a product with something else")
        sylvester = self.rank + other.rank - Form({}, self.shape[1])
        shape = (self.shape[0], other.shape[1])
        return Shaped.bounded(self.world, shape, self.rank, other.rank, lower=[sylvester])

    def __add__(self, other: Any) -> Shaped:
        if not isinstance(other, Shaped) or self.shape != other.shape:
            self.world.asked("a sum with something else")
        lower = [self.rank - other.rank, other.rank - self.rank]
        return Shaped.bounded(self.world, self.shape, self.rank + other.rank, lower=lower)

    __radd__ = __add__

    def __neg__(self) -> Shaped:
        return Shaped(self.world, self.shape, self.rank)

    def __sub__(self, other: Any) -> Shaped:
        return self.__add__(other)

    __rsub__ = __add__

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Shaped):
            return _Entrywise(self, other)
        known = self._other(other).known
        if known:
            return -self
        return Shaped.bounded(self.world, self.shape, self.rank if known is None else Form())

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return -self if self._other(other).known else self.world.asked("a quotient")

    def __getitem__(self, place: Any) -> Any:
        rows, columns = place if isinstance(place, tuple) and len(place) == 2 else (place, None)
        if not isinstance(rows, slice):
            self.world.asked("a single entry")
        if not isinstance(columns, slice | None):
            self.world.asked("a single entry")
        shape = tuple(
            len(range(size)[part or slice(None)])
            for size, part in zip(self.shape, (rows, columns), strict=True)
        )
        return Shaped.bounded(self.world, (shape[0], shape[1]), self.rank)

    def __len__(self) -> int:
        return self.shape[0]

    def copy(self) -> Shaped:
        """The same matrix: nobody can change an entry of it."""
        return self

    def sum(self, axis: Any = None) -> Number:
        """The sum of its entries: nothing is known of it."""
        return self.world.unknown() if axis in (None, (-2, -1)) else self.world.asked("a sum")

    def __array_function__(self, function: Any, types: Any, given: Any, named: Any) -> Number:
        if function is not np.trace:
            self.world.asked("a function of NumPy")
        return self.world.unknown()


class _Entrywise(Shaped):
    """The entrywise product; of a matrix with itself it sums to 0 or more."""

    def __init__(self, left: Shaped, right: Shaped) -> None:
        square = Shaped.bounded(left.world, left.shape)
        super().__init__(left.world, left.shape, square.rank)
        if left.shape != right.shape:
            left.world.asked("a product of unequal shapes")
        self.same = left is right

    def sum(self, axis: Any = None) -> Number:
        if axis not in (None, (-2, -1)):
            self.world.asked("a sum")
        return self.world.unknown(positive=self.same)


@dataclass(frozen=True)
class ShapeArithmetic:
    """The arithmetic of shapes; what it lacks ends the evaluation."""

    world: World
    name: str = "exact"
    rigorous: bool = True

    def working(self) -> AbstractContextManager[Any]:
        """No precision has to be set."""
        return nullcontext()

    def number(self, value: Any) -> Number:
        """A known number, or the unknown one behind an entry."""
        if isinstance(value, _Blank):
            return value.unknown
        return value if isinstance(value, Number) else self.world.unknown()._other(value)

    def matrix(self, rows: Any) -> Shaped:
        """A matrix of that shape."""
        if isinstance(rows, Shaped):
            return rows
        return Shaped.bounded(self.world, (len(rows), len(rows[0])))

    def zeros(self, rows: int, columns: int) -> Shaped:
        """The zero matrix, of rank 0: nobody can put entries into it."""
        return Shaped(self.world, (rows, columns), Form())

    def identity(self, size: int) -> Shaped:
        """The identity, of full rank."""
        return Shaped(self.world, (size, size), Form({}, size))

    def rank(self, X: Any) -> Number:
        """The rank as a form."""
        return Number(self.world, X.rank)

    def frobenius_norm(self, X: Any) -> Number:
        """A number that is 0 or more."""
        return self.world.unknown(positive=True)

    operator_norm = frobenius_norm

    def sqrt(self, x: Any) -> Number:
        """A number that is 0 or more."""
        return self.world.unknown(positive=True)

    exp = cosh = sqrt

    def singular_values(self, X: Any) -> list[Number]:
        """As many numbers as the smaller side, falling, none below 0."""
        values: list[Number] = []
        for _ in range(min(X.shape)):
            above = [values[-1].form] if values else []
            values.append(Number(self.world, self.world.symbol([Form()], above)))
        return values

    def __getattr__(self, name: str) -> Any:
        self.world.asked(name)
