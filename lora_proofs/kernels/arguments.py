"""What the public functions let in: numbers, choices, and arrays whose shapes fit each other.

Every check of an argument that more than one kernel needs stands here; that arrays hold real
numbers is checked where they become arrays, in ``namespace``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from lora_proofs.errors import BadInput, ShapeMismatch

Array = Any
SCALES = (1e-150, 1e150)
"""The sizes of a scale: beside them its square, or the inverse of that, leaves float64."""
MOST_STEPS = 10**12


def number(name: str, value: Any) -> float:
    """A real number as a float; raises ``BadInput``.

    >>> number("scale", 2)
    2.0
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            pass
    raise BadInput(f"{name}: expected one real number, got {_told(value)}")


def scaling(value: Any) -> float:
    """The s of W0 + s B A: a number that is not 0, of a size that float64 can square."""
    scale = number("scale", value)
    if not SCALES[0] <= abs(scale) <= SCALES[1]:
        raise BadInput(
            f"scale: expected a number that is not 0, of a size from {SCALES[0]:g} to "
            f"{SCALES[1]:g}, got {value!r}"
        )
    return scale


def moment(value: Any) -> float:
    """One time, finite and 0 or more; raises ``BadInput``."""
    t = number("t", value)
    if not 0 <= t < math.inf:
        raise BadInput(f"t: expected one finite time that is 0 or more, got {value!r}")
    return t


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    """A whole number between two others, as it is or as a float such as 1e4; raises ``BadInput``.

    >>> whole_number("steps", 1e4, 0, 10**12)
    10000
    """
    given = int(value) if isinstance(value, Integral) else number(name, value)
    if not isinstance(value, bool) and least <= given <= most and given == int(given):
        return int(given)
    raise BadInput(f"{name}: expected a whole number from {least} to {most}, got {_told(value)}")


def choice(name: str, value: Any, among: Sequence[str]) -> str:
    """One of some words; raises ``BadInput``."""
    if isinstance(value, str) and value in among:
        return value
    raise BadInput(f"{name}: expected one of {', '.join(among)}, got {_told(value)}")


def flags(**given: Any) -> None:
    """Refuse what is neither True nor False, such as the text "no", which counts as true."""
    for name, value in given.items():
        if not isinstance(value, bool | np.bool_):
            raise BadInput(f"{name}: expected True or False, got {_told(value)}")


def listed(name: str, value: Any) -> list[Any]:
    """One entry for each layer, at least one; raises ``BadInput``."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes) and _axes(value) != 0:
        entries = list(value)
        if entries:
            return entries
    raise BadInput(f"{name}: expected a list with one entry for each layer, got {_told(value)}")


def named(name: str, entries: Sequence[Any]) -> list[str]:
    """Names of the entries of a list.

    >>> named("frozen", [1, 2])
    ['frozen[0]', 'frozen[1]']
    """
    return [f"{name}[{i}]" for i in range(len(entries))]


def sizes(*expected: tuple[str, str, Array]) -> dict[str, int]:
    """What the letters of the shapes stand for; raises ``ShapeMismatch`` where they do not fit.

    Each array comes with its name and the shapes that it may have, ``"N n m | n m"``, or ``"| N"``
    for a number or (N,). Only N, of instances, may be 0.

    >>> sizes(("A0", "N r m", np.zeros((4, 2, 3))), ("t", "| N", np.zeros(())))
    {'N': 4, 'r': 2, 'm': 3}
    """
    known: dict[str, int] = {}
    for _, shapes, X in expected:
        letters = next((x for x in map(str.split, shapes.split("|")) if len(x) == X.ndim), None)
        if letters is None:
            raise _misfit(expected)
        for letter, size in zip(letters, X.shape, strict=True):
            if known.setdefault(letter, int(size)) != size or (letter != "N" and not size):
                raise _misfit(expected)
    return known


def _misfit(expected: Sequence[tuple[str, str, Array]]) -> ShapeMismatch:
    wanted = ", ".join(f"{name} {_shapes(shapes)}" for name, shapes, _ in expected)
    got = ", ".join(f"{name} {tuple(map(int, X.shape))}" for name, _, X in expected)
    alone = next((name for name, shapes, X in expected if _lacks_instances(shapes, X)), None)
    hint = f"; write one instance as {alone}[None]" if alone else ""
    return ShapeMismatch(f"expected {wanted}, no size but N being 0; got {got}{hint}")


def _shapes(shapes: str) -> str:
    told = [x.split() for x in shapes.split("|")]
    return " or ".join(
        f"({', '.join(x)}{',' if len(x) == 1 else ''})" if x else "a number" for x in told
    )


def _lacks_instances(shapes: str, X: Array) -> bool:
    return all(x.split()[:1] == ["N"] and len(x.split()) == X.ndim + 1 for x in shapes.split("|"))


def at_least_0(name: str, X: Array, xp: Any) -> None:
    """Refuse arrays with a negative number; NaN passes, and fails in its instance."""
    if math.prod(X.shape) and bool(xp.any(X < 0)):
        least = float(xp.min(xp.where(X < 0, X, xp.zeros_like(X))))
        raise BadInput(f"{name}: expected numbers that are 0 or more, got {least:g}")


def _axes(value: Any) -> int | None:
    return getattr(value, "ndim", None)


def _told(value: Any) -> str:
    """A value in few words; arrays by type and shape."""
    shape = getattr(value, "shape", None)
    if shape is not None and tuple(shape):
        return f"an array of shape {tuple(shape)}"
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}..."
