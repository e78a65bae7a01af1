"""The numbers and matrices of an instance, nested ones included, by path."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lora_proofs.mathematics.instance import Instance, Rows

Path = tuple[str, ...]
Leaf = Fraction | Rows


def leaves(instance: Instance) -> dict[Path, Leaf]:
    """Every number and matrix, in the order of the fields.

    >>> list(leaves(Instance(net=Instance(W=[[1]]), h="1/2", loss="frobenius")))
    [('net', 'W'), ('h',)]
    """
    found: dict[Path, Leaf] = {}
    for name, value in instance.fields:
        if isinstance(value, Instance):
            found.update({(name, *path): leaf for path, leaf in leaves(value).items()})
        elif isinstance(value, Fraction | tuple):
            found[(name,)] = value
    return found


def matrices(instance: Instance) -> dict[Path, Rows]:
    """The matrices alone."""
    return {path: leaf for path, leaf in leaves(instance).items() if isinstance(leaf, tuple)}


def numbers(instance: Instance) -> dict[Path, Fraction]:
    """The numbers alone."""
    return {path: leaf for path, leaf in leaves(instance).items() if isinstance(leaf, Fraction)}


def entries(instance: Instance) -> list[Fraction]:
    """Every number and every entry, in the order of the fields.

    >>> [str(x) for x in entries(Instance(X=[[1, 0]], h="1/2"))]
    ['1', '0', '1/2']
    """
    found: list[Fraction] = []
    for leaf in leaves(instance).values():
        found += [leaf] if isinstance(leaf, Fraction) else [x for row in leaf for x in row]
    return found


def put(instance: Instance, changes: Mapping[Path, Any]) -> Instance:
    """The instance with some leaves changed; it carries no name of a regime any more.

    >>> put(Instance(regimes=("r",), net=Instance(W=[[1]]), h=2), {("net", "W"): [[3]]})
    Instance(net=Instance(W=[[3]]), h=2)
    """
    fields: dict[str, Any] = dict(instance.fields)
    for name in dict.fromkeys(path[0] for path in changes):
        inside = {path[1:]: value for path, value in changes.items() if path[0] == name}
        fields[name] = inside[()] if () in inside else put(fields[name], inside)
    return Instance(**fields)


def name_of(path: Path) -> str:
    """A path as it is written in a check.

    >>> name_of(("net", "W"))
    'net.W'
    """
    return ".".join(path)


def sides(rows: Rows) -> tuple[int, int]:
    """Rows and columns."""
    return len(rows), len(rows[0])


def digits(x: Fraction) -> int:
    """How many digits a number takes to write, and none for 0, 1 and -1.

    >>> [digits(Fraction(x)) for x in ("0", "-1", "7", "-31/4", "10")]
    [0, 0, 1, 3, 2]
    """
    if x in (0, 1, -1):
        return 0
    return _length(x.numerator) + (_length(x.denominator) if x.denominator > 1 else 0)


def excess(x: Fraction) -> int:
    """How many digits of the numerator and the denominator are more than two.

    >>> [excess(Fraction(x)) for x in ("-99/10", "100", "1/1000")]
    [0, 1, 2]
    """
    return max(0, _length(x.numerator) - 2) + max(0, _length(x.denominator) - 2)


def height(x: Fraction) -> int:
    """The sum of numerator and denominator without signs: 1/2 is as near to 1 as 2 is.

    >>> [height(Fraction(x)) for x in ("0", "-1", "2", "1/2", "1/7")]
    [1, 2, 3, 3, 8]
    """
    return abs(x.numerator) + x.denominator


def _length(k: int) -> int:
    """Decimal digits of a whole number; of a very long one about as many."""
    bits = abs(k).bit_length()
    return len(str(abs(k))) if bits < 10_000 else bits * 3 // 10
