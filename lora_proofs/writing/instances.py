"""Ready-made instances: matrices and numbers in words, in named regimes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.errors import BadInput
from lora_proofs.language.claim import Instances
from lora_proofs.mathematics.instance import Instance
from lora_proofs.strategies.draw import Draw, fraction
from lora_proofs.strategies.matrices import rank_matrix
from lora_proofs.writing.fields import Field, MatrixField, read_field, small_integer
from lora_proofs.writing.holding import bound, hold, misfit

RANGE = (1, 3)
"""The sizes of a dimension that nothing else is said about."""
MOST_SHAPES = 10_000
_CONDITION = re.compile(r"(\w+)\s*(<=|<)\s*(?:min\((\w+),\s*(\w+)\)|(\w+))", re.ASCII)
Shape = Mapping[str, int]


@dataclass(frozen=True)
class Matrices:
    """Draws the fields of an instance at one of the admissible shapes, smallest shapes first."""

    fields: tuple[tuple[str, Field], ...]
    shapes: tuple[tuple[tuple[str, int], ...], ...]

    def __call__(self, draw: Draw, regime: str) -> Instance:
        """An instance of a regime."""
        sizes = dict(self.shapes[0] if regime == "smallest" else draw.choice(self._of(regime)))
        entry = small_integer if regime == "small integers" else fraction
        drawn: dict[str, Any] = {
            name: field.draw(draw, sizes, entry) for name, field in self.fields
        }
        if regime == "one zero":
            name = draw.choice(self.free)
            drawn[name] = EXACT.zeros(*drawn[name].shape)
        if regime == "rank deficient":
            drawn |= {name: _deficient(draw, drawn[name]) for name in self.free}
        return Instance(regimes=(regime,), **drawn)

    def admits(self, instance: Instance) -> bool:
        """Whether an instance, drawn or not, is what the words, sizes and conditions say."""
        return any(hold(self.fields, instance, sizes) for sizes in self._sizes(instance))

    def misfit(self, instance: Instance) -> str:
        """What of an instance that is not admitted is not what the words say."""
        return misfit(self.fields, instance, list(self._sizes(instance)))

    def _sizes(self, instance: Instance) -> Iterator[Shape]:
        """The admissible sizes of all dimensions at which the matrices have their sides."""
        found = bound(self.fields, instance, {})
        shapes = () if found is None else self._by_sides.get(frozenset(found.items()), ())
        return map(dict, shapes)

    @cached_property
    def _by_sides(self) -> dict[frozenset[tuple[str, int]], list[tuple[tuple[str, int], ...]]]:
        """The shapes by the sizes that sides of matrices tell: a rank is not among them."""
        sides = {
            d for _, f in self.fields if isinstance(f, MatrixField) for d in (f.rows, f.columns)
        }
        found: dict[frozenset[tuple[str, int]], list[tuple[tuple[str, int], ...]]] = {}
        for shape in self.shapes:
            found.setdefault(frozenset(x for x in shape if x[0] in sides), []).append(shape)
        return found

    @property
    def free(self) -> tuple[str, ...]:
        """The matrices that no condition binds."""
        return tuple(
            name for name, f in self.fields if isinstance(f, MatrixField) and f.kind == "free"
        )

    @property
    def regimes(self) -> tuple[str, ...]:
        """The regimes that differ for these fields."""
        found = ["generic", "small integers", "smallest"]
        found += ["one zero"] if self.free else []
        return tuple([*found, "rank deficient"] if self._of("rank deficient") else found)

    def _of(self, regime: str) -> Sequence[tuple[tuple[str, int], ...]]:
        """The shapes of a regime: a rank deficiency takes a free matrix of 2 x 2 or more."""
        if regime != "rank deficient":
            return self.shapes
        free = [field for name, field in self.fields if name in self.free]
        return [shape for shape in self.shapes if any(_is_wide(f, dict(shape)) for f in free)]


def _is_wide(field: Any, sizes: Shape) -> bool:
    lengths = (d if isinstance(d, int) else sizes[d] for d in (field.rows, field.columns))
    return min(lengths) >= 2


def _deficient(draw: Draw, X: Matrix) -> Matrix:
    """A matrix of the same shape, of a rank between 1 and the full one if there is one."""
    n, m = X.shape
    return X if min(n, m) < 2 else rank_matrix(draw, n, m, draw.integer(1, min(n, m) - 1))


def instances_of(
    *conditions: str,
    sizes: Mapping[str, Sequence[int]] | None = None,
    regimes: Sequence[str] | None = None,
    **fields: str,
) -> Instances:
    """Instances whose fields are said in words: ``B="n x r"``, ``h="number in (0, 1]"``.

    A matrix is ``"n x m"``, or that with a kind: free, nonzero, zero, full rank, rank k,
    nonsingular, symmetric, skew, diagonal, psd, positive definite, orthogonal, orthonormal rows or
    orthonormal columns. A number is ``"number"``, ``"number > 0"``, ``"number in [0, 1]"``, and the
    same with ``integer``. Each name of a dimension has a size from 1 to 3, or in the range that
    ``sizes`` gives; ``conditions`` such as ``"r <= min(n, m)"`` or ``"r < n"`` bind them. Shapes
    that fit are listed first, so no draw is rejected. All of these words are conditions: the search
    for a counterexample keeps to them where it changes a drawn instance.

    The regimes are generic, small integers (zeros and ties), smallest (the smallest shape), one
    zero (a free matrix is 0) and rank deficient, or those of them that ``regimes`` names. Raises
    ``BadInput`` for words that are not understood and where no shape fits.

    >>> from lora_proofs.strategies import SeededDraw
    >>> INSTANCES = instances_of("r <= n", B="n x r full rank", A="r x m", h="number in (0, 1]")
    >>> x = INSTANCES.draw(SeededDraw.keyed(0), "generic")
    >>> list(x), len(x.B[0]) == len(x.A) <= len(x.B), 0 < x.h <= 1
    (['B', 'A', 'h'], True, True)
    """
    if not fields:
        raise BadInput("instances_of: expected at least one field, such as B='n x r'; got none")
    if not isinstance(sizes or {}, Mapping):
        raise BadInput(f"sizes: expected a mapping such as {{'n': (2, 4)}}; got {sizes!r}")
    read = read_fields(fields)
    drawer = Matrices(read, _shapes(dict(read), conditions, sizes or {}))
    return Instances(drawer, chosen(regimes, drawer.regimes), admits=drawer.admits)


def read_fields(words: Mapping[str, str]) -> tuple[tuple[str, Field], ...]:
    """The fields that words describe, under names that an instance can carry."""
    for name in words:
        named: dict[str, Any] = {name: 0}
        Instance(**named)
    return tuple((name, read_field(name, text)) for name, text in words.items())


def chosen(wanted: Sequence[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """The regimes that are wanted of those that are known; ``BadInput`` for another one."""
    if isinstance(wanted, str):
        raise BadInput(f"regimes: expected a tuple of names, got {wanted!r}; write ({wanted!r},)")
    for name in wanted or ():
        if name not in known:
            raise BadInput(f"regimes: expected some of {', '.join(known)}; got {name!r}")
    return known if wanted is None else tuple(wanted)


def _shapes(
    fields: Mapping[str, Field], conditions: Sequence[str], sizes: Mapping[str, Sequence[int]]
) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Every shape that fits, the smallest ones first."""
    needed = [d for f in fields.values() for d in f.dimensions() if isinstance(d, str)]
    names = list(dict.fromkeys(needed))
    for name in [*sizes, *(d for c in conditions for d in _names(c))]:
        if name not in names:
            raise BadInput(
                f"{name}: expected a dimension of a field ({', '.join(names) or 'there is none'}): "
                f"conditions and sizes speak of dimensions only{_remedy(name, name in fields)}"
            )
    ranges = [_range(name, sizes.get(name, RANGE)) for name in names]
    every = list(itertools.islice(itertools.product(*ranges), MOST_SHAPES + 1))
    if len(every) > MOST_SHAPES:
        raise BadInput(f"expected at most {MOST_SHAPES} shapes to choose from; narrow `sizes`")
    found = [dict(zip(names, shape, strict=True)) for shape in every]
    fitting = [s for s in found if all(f.fits(s) for f in fields.values())]
    fitting = [s for s in fitting if all(_holds(c, s) for c in conditions)]
    if not fitting:
        raise BadInput(
            f"expected sizes that fit the fields and {', '.join(conditions) or 'no condition'}; "
            f"none of {len(found)} shapes does: widen `sizes`"
        )
    fitting.sort(key=lambda s: (sum(s.values()), tuple(s.values())))
    return tuple(tuple(s.items()) for s in fitting)


def _remedy(name: str, is_field: bool) -> str:
    """What to do with a field that a condition cannot bind."""
    if not is_field:
        return ""
    return (
        f". {name} is a field. Let sizes={{...}} leave only sizes that its whole range fits, or "
        f"make it a dimension in place of a field: a side, or the rank of a matrix ('n x m rank "
        f"{name}'); or state it as an Assumption that most draws meet"
    )


def _range(name: str, bounds: Any) -> range:
    try:
        low, high = bounds
    except (TypeError, ValueError):
        low = high = bounds
    if not isinstance(low, int) or not isinstance(high, int) or not 1 <= low <= high:
        raise BadInput(
            f"sizes[{name!r}]: expected (low, high) with 1 <= low <= high; got {bounds!r}"
        )
    return range(low, high + 1)


def _condition(text: str) -> tuple[str, str, list[str]]:
    found = _CONDITION.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise BadInput(f"expected a condition such as 'r <= n' or 'r < min(n, m)'; got {text!r}")
    return found[1], found[2], [found[5]] if found[5] else [found[3], found[4]]


def _names(text: str) -> list[str]:
    left, _, right = _condition(text)
    return [x for x in (left, *right) if not x.isdigit()]


def _holds(text: str, sizes: Shape) -> bool:
    left, relation, right = _condition(text)
    small, *large = (int(x) if x.isdigit() else sizes[x] for x in (left, *right))
    return small < min(large) or (relation == "<=" and small == min(large))
