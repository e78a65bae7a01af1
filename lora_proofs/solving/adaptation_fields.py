"""Fields of an adaptation instance, read one by one: every refusal names the entry it is about."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from lora_proofs.arithmetic.context import Matrix
from lora_proofs.arithmetic.exact import EXACT, fmpq, rational
from lora_proofs.errors import BadInput

SIZE = 1_000_000
Vector = tuple[Any, ...]


def shown(value: Any) -> str:
    """What came, short enough for a message.

    >>> shown([1] * 100)
    '[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1...'
    """
    names: dict[type, str] = {type(None): "null", bool: "a truth value", dict: "an object"}
    told = names.get(type(value)) or repr(value)
    return told if len(told) < 60 else told[:57] + "..."


def known(data: Any, fields: Sequence[str], where: str = "") -> Mapping[str, Any]:
    """The object itself, where it has only these fields; ``BadInput`` names one that it is not.

    >>> known({"Ranks": 1}, ("rank", "target"))
    Traceback (most recent call last):
    lora_proofs.errors.BadInput: Ranks: expected a field among rank, target; did you mean 'rank'?
    """
    if not isinstance(data, Mapping):
        wanted = f"an object with the fields {', '.join(fields)}"
        raise BadInput(f"{where or 'instance'}: expected {wanted}, got {shown(data)}")
    for name in data:
        if name not in fields:
            lower = {field.lower(): field for field in fields}
            near = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.5)
            hint = f"; did you mean {lower[near[0]]!r}?" if near else ""
            raise BadInput(
                f"{inside(where, name)}: expected a field among {', '.join(fields)}{hint}"
            )
    return data


def inside(where: str, name: str) -> str:
    """The name of a field within an object.

    >>> inside("frozen[1]", "W"), inside("", "rank")
    ('frozen[1].W', 'rank')
    """
    return f"{where}.{name}" if where else name


def given(data: Mapping[str, Any], name: str, what: str, where: str = "") -> Any:
    """The value of a field that has to be there."""
    if name not in data:
        raise BadInput(f"{inside(where, name)}: expected {what}, and none is given")
    return data[name]


def listing(value: Any, name: str, what: str) -> list[Any]:
    """A list that is not empty."""
    if not isinstance(value, list) or not value:
        raise BadInput(f"{name}: expected {what}, got {shown(value)}")
    return value


def matrix(value: Any, name: str, shape: tuple[int, int] | None = None) -> Matrix:
    """An exact matrix given by its rows, of a shape that is known or not.

    >>> matrix([[1, "1/2"]], "W")
    array([[1, 1/2]], dtype=object)
    >>> matrix([[1], [float("nan")]], "W")
    Traceback (most recent call last):
    lora_proofs.errors.BadInput: W[2][1]: expected a finite number, got nan
    """
    rows = listing(value, name, "a matrix as a list of rows")
    if sum(len(row) for row in rows if isinstance(row, list)) > SIZE:
        raise BadInput(f"{name}: expected at most {SIZE} entries")
    read = [numbers(row, f"{name}[{i}]") for i, row in enumerate(rows, 1)]
    for i, row in enumerate(read, 1):
        if len(row) != len(read[0]):
            raise BadInput(
                f"{name}[{i}]: expected {len(read[0])} entries as in the first row, got {len(row)}"
            )
    found = EXACT.matrix(read)
    if shape is not None and found.shape != shape:
        raise BadInput(f"{name}: expected the shape {shape}, got {found.shape}")
    return found


def numbers(value: Any, name: str) -> list[Fraction]:
    """A list of exact numbers that is not empty."""
    entries = listing(value, name, "a list of numbers")
    return [number(x, f"{name}[{k}]") for k, x in enumerate(entries, 1)]


def number(value: Any, name: str) -> Fraction:
    """One exact number."""
    try:
        return rational(value)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def vector(value: Any, name: str, size: int) -> Vector:
    """A list of so many exact numbers.

    >>> vector([1, "1/2"], "b", 2)
    (1, 1/2)
    """
    found = numbers(value, name)
    if len(found) != size:
        raise BadInput(f"{name}: expected {size} numbers, got {len(found)}")
    return tuple(fmpq(x) for x in found)


def whole(value: Any, name: str, most: int, why: str) -> int:
    """A whole number from 0 to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadInput(
            f"{name}: expected a whole number from 0 to {most}, {why}, got {shown(value)}"
        )
    return value


def ranks(value: Any, most: Sequence[int]) -> tuple[int, ...]:
    """A rank for each layer, from one number for all or from a list; ``most`` bounds each.

    One number stands for the width in the layers that are narrower.

    >>> ranks(1, [2, 2]), ranks([0, 2], [2, 2]), ranks(3, [3, 2])
    ((1, 1), (0, 2), (3, 2))
    >>> ranks([0, 3], [2, 2])
    Traceback (most recent call last):
    lora_proofs.errors.BadInput: rank[2]: expected a whole number from 0 to 2, the width, got 3
    """
    if not isinstance(value, list):
        why = "the width" if len(set(most)) == 1 else "the largest width"
        told = whole(value, "rank", max(most), why)
        return tuple(min(told, n) for n in most)
    if len(value) != len(most):
        raise BadInput(
            f"rank: expected one number or a list of {len(most)}, one for each layer, got "
            f"{len(value)}"
        )
    pairs = enumerate(zip(value, most, strict=True), 1)
    return tuple(whole(r, f"rank[{k}]", n, "the width") for k, (r, n) in pairs)
